"""A planned issue keeps the look that it was planned with."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import create_engine, text

from newsletter.config import Settings
from newsletter.engine import Engine, make_engine
from newsletter.services.prepared import Chooser, Telling
from newsletter.services.readership import Readership
from newsletter.testing import MemoryTransport, make_entry, make_profile, make_subscriber
from newsletter.types import Cadence, Part, Profile
from newsletter.web.mail_parts import parts

KEY = "2025-W12"
GREEN, RED = "#0b6e4f", "#8a1538"


def with_theme(engine: Engine, **theme: object) -> Engine:
    """The same newsletter after its configuration was changed."""
    tables = engine.settings.model_dump(exclude={"theme", "newsletter"})
    newsletter = engine.settings.newsletter
    settings = Settings.model_validate(
        {**tables, "newsletter": newsletter, "theme": theme, "home": engine.settings.home}
    )
    return make_engine(settings, engine.store, engine.sending.routes[0].transport, engine.now)


def mailed(engine: Engine, key: str = KEY) -> str:
    prepared = engine.editions.prepared(key)
    return parts(
        prepared.render_mail(engine.editions.edition(prepared, engine.store.subscribers.find("ada@example.org")))
    ).html


def test_a_theme_that_changes_after_planning_changes_only_later_issues(weekly: Engine) -> None:
    before = mailed(weekly)

    green = with_theme(weekly, accent=GREEN, sections=["popular"])
    green.planning.plan(Cadence.WEEKLY, "later")
    red = with_theme(weekly, accent=RED)

    assert GREEN not in before
    assert mailed(red) == before
    assert GREEN in mailed(red, "later")
    assert RED not in mailed(red, "later")
    assert red.store.issues.frozen("later").masthead.sections == ("popular",)
    assert red.store.issues.frozen(KEY).masthead.sections == ("interests", "popular")


@pytest.mark.parametrize(("sections", "is_told"), [(("interests", "popular"), True), (("interests",), False)])
def test_what_is_popular_is_told_where_the_theme_has_a_part_for_it(
    weekly: Engine, sections: tuple[Part, ...], is_told: bool
) -> None:
    frozen = weekly.store.issues.frozen(KEY)
    rising = tuple(replace(make_entry(f"rising-{number}"), trend=1.0) for number in range(9))
    masthead = replace(frozen.masthead, sections=sections)
    reader = make_subscriber(profile=make_profile("plasma", size=1))

    themed = replace(frozen, masthead=masthead, entries=rising)
    chooser = Chooser(themed, Readership(), weekly.settings.selection)
    [edition] = chooser.choose([reader], {}, Telling.of(themed))

    assert bool(edition.popular) is is_told


def test_a_draft_has_the_theme_of_today(weekly: Engine) -> None:
    prepared = with_theme(weekly, accent=RED).editions.trial()

    html = parts(
        prepared.render_mail(weekly.editions.edition(prepared, weekly.store.subscribers.find("ada@example.org")))
    ).html

    assert RED in html


def test_an_issue_planned_before_there_were_themes_still_renders(weekly: Engine) -> None:
    database = create_engine(weekly.store.database.url)
    with database.begin() as connection:
        fields = "'$.logo', '$.mark', '$.sections'"
        connection.execute(text(f"UPDATE issues SET masthead = json_remove(masthead, {fields})"))  # noqa: S608
        [row] = connection.execute(text("SELECT masthead FROM issues")).scalars()
    database.dispose()

    masthead = weekly.store.issues.frozen(KEY).masthead

    assert "sections" not in row
    assert (masthead.logo, masthead.mark, masthead.sections) == ("", "", ("interests", "popular"))
    assert "The Weekly Preprint" in mailed(weekly)


async def test_the_mail_that_confirms_has_the_theme(engine: Engine, transport: MemoryTransport) -> None:
    await with_theme(engine, light={"sheet": "#fffef0"}).subscriptions.subscribe("ada@example.org", "Ada", Profile())

    [mail] = transport.mails
    assert "#fffef0" in parts(mail).html


@pytest.mark.parametrize(
    ("theme", "shown"),
    [
        ({}, ">W</td>"),
        ({"mark": "wp"}, '">wp</span></td>'),
        ({"mark": "<&"}, '">&lt;&amp;</span></td>'),
        ({"logo": "https://x.org/a.png?b=1&c=2"}, 'src="https://x.org/a.png?b=1&amp;c=2"'),
    ],
)
async def test_mails_show_the_logo_or_the_mark(
    weekly: Engine, transport: MemoryTransport, theme: dict[str, object], shown: str
) -> None:
    engine = with_theme(weekly, **theme)
    engine.planning.plan(Cadence.WEEKLY, "later")
    await engine.subscriptions.subscribe("eve@example.org", "Eve", Profile())

    for html in (mailed(engine, "later"), parts(transport.mails[-1]).html):
        assert shown in html
        assert ('alt=""' in html) is ("logo" in theme)
        assert ("aria-hidden" in html) is ("logo" not in theme)


@pytest.mark.parametrize("theme", [{"accent": "#777777"}, {"light": {"body": "#eeeeee"}}])
def test_planning_refuses_nothing_for_contrast(weekly: Engine, theme: dict[str, object]) -> None:
    _, tally, new = with_theme(weekly, **theme).planning.plan(Cadence.WEEKLY, "later")

    assert new
    assert tally.planned == 3
