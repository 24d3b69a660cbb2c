"""One newsletter in several languages: from the subscriber's own word to the kept edition and the mail."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy

import pytest
from conftest import rewired

from newsletter.config import Settings
from newsletter.engine import Engine, make_engine
from newsletter.errors import TemplateError
from newsletter.i18n import FSI, PDI
from newsletter.renderer import wanted_templates
from newsletter.services.prepared import Chooser, Telling
from newsletter.services.readership import Readership
from newsletter.store import Kept, Named
from newsletter.testing import NOON, MemoryTransport, make_entry, make_profile, make_subscriber
from newsletter.types import Profile, Subscriber

WEEK = "2025-W12"
FOLLOWED = "you follow %(phrase)s: title and abstract speak of it"
OWN = f'msgid ""\nmsgstr ""\n"Plural-Forms: nplurals=2; plural=(n > 1);\\n"\n\nmsgid "{FOLLOWED}"\nmsgstr "{{}}"\n'
LANGUAGES = (None, "de-AT", "ar", "sv")
TEXTS = (
    *("diffusion for video generation", "consistent long videos", "image-to-video animation", "video codec"),
    *("plasma turbulence", "magnetic reconnection in plasma", "plasma confinement", "particles in a plasma"),
    *("protein folding", "protein design", "docking of a protein", "protein language model"),
)


@pytest.fixture
def readers(engine: Engine) -> Engine:
    """Four with one profile, one in each of LANGUAGES; nothing is planned yet."""
    papers = [
        make_entry(f"paper-{number}", title=f"On {text}", abstract=f"We study {text} and what follows from it.")
        for number, text in enumerate(TEXTS)
    ]
    engine.store.sightings.add([Named(each, (f"id:{each.id}",)) for each in papers], NOON - timedelta(hours=1))
    profile = make_profile("plasma turbulence", size=1)
    people = [make_subscriber(f"R{n}", 0, profile=profile, language=each) for n, each in enumerate(LANGUAGES)]
    engine.store.subscribers.put_all(people, "test", NOON)
    return engine


def everybody(engine: Engine) -> list[Subscriber]:
    return [*engine.store.subscribers.listed()]


def editions(engine: Engine) -> list[Kept]:
    return engine.editions.for_people(engine.editions.prepared(WEEK), everybody(engine))


def starts(some: Sequence[Kept]) -> list[str]:
    """How the reason of each lead begins."""
    return [each.edition.picks[0].reasons[0].split()[0] for each in some]


def changed(engine: Engine, settings: Settings, language: str = "en", **catalogues: str) -> Engine:
    """The same newsletter with catalogues of its own."""
    folder = settings.home / "own" / "messages"
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in catalogues.items():
        (folder / f"{name}.po").write_text(text, "utf-8")
    section = settings.newsletter.model_copy(update={"templates": "own", "language": language})
    return make_engine(
        settings.model_copy(update={"newsletter": section}),
        engine.store,
        engine.sending.routes[0].transport,
        engine.now,
    )


def test_every_reader_is_told_in_their_language_else_in_the_newsletters(readers: Engine) -> None:
    readers.planning.plan()

    told = editions(readers)

    assert starts(told) == ["you", "Sie", "تتابع", "you"]
    assert told[2].edition.picks[0].reasons[0] == f"تتابع {FSI}plasma turbulence{PDI}: العنوان والملخص يتناولانه"


def test_a_mail_says_which_language_it_is_in(readers: Engine) -> None:
    readers.planning.plan()
    prepared = readers.editions.prepared(WEEK)

    mails = [message_from_bytes(prepared.render_mail(each).body, policy=policy.default) for each in editions(readers)]
    assert [mail["Content-Language"] for mail in mails] == ["en", "de", "ar", "en"]


def test_who_did_not_say_is_told_in_the_newsletters_own_language(readers: Engine, settings: Settings) -> None:
    german = changed(readers, settings, "de")
    german.planning.plan()

    assert starts(editions(german)) == ["Sie", "Sie", "تتابع", "Sie"]


def test_a_kept_edition_stays_in_its_language(readers: Engine) -> None:
    readers.planning.plan()
    readers.store.editions.keep(editions(readers))
    for person in everybody(readers):
        readers.store.subscribers.change(replace(person, language="de"))

    assert starts(editions(readers)) == ["you", "Sie", "تتابع", "you"]


def test_own_catalogues_stand_in_for_ours_and_are_frozen_with_the_issue(readers: Engine, settings: Settings) -> None:
    own = changed(readers, settings, de=OWN.format("hat %(phrase)s"), sv=OWN.format("handlar om %(phrase)s"))
    own.planning.plan()
    later = changed(readers, settings, de=OWN.format("sonst %(phrase)s"))

    assert starts(editions(later)) == ["you", "hat", "تتابع", "handlar"]


@pytest.mark.parametrize(("kind", "name", "other"), [("weekly", "edition", "confirm"), ("confirm", "mail", "weekly")])
@pytest.mark.parametrize(("language", "kept"), [("en", set()), ("fr", set()), ("de", {"de.po"})])
def test_own_templates_with_words_in_one_language_are_nobodys_other_one(
    readers: Engine, settings: Settings, language: str, kept: set[str], kind: str, name: str, other: str
) -> None:
    own = changed(readers, settings, language)
    speaking = wanted_templates(own.settings, kind)
    folder = settings.home / "own" / kind
    folder.mkdir(parents=True)
    (folder / f"{name}.mjml").write_text("<mjml><mj-body></mj-body></mjml>")
    section = settings.newsletter.model_copy(update={"templates": "own", "language": language})
    own = rewired(own, settings.model_copy(update={"newsletter": section}))

    assert {"ar.po", "de.po"} <= speaking.keys()
    assert {"ar.po", "de.po"} <= wanted_templates(own.settings, other).keys()
    assert {name for name in wanted_templates(own.settings, kind) if name.endswith(".po")} == kept


def test_an_issue_with_a_broken_catalogue_is_not_frozen(readers: Engine, settings: Settings) -> None:
    own = changed(readers, settings, sv=OWN.format("handlar om %(ord)s"))

    with pytest.raises(TemplateError, match=r"^sv\.po, line 5: "):
        own.planning.plan()


def test_an_issue_that_was_frozen_before_there_were_catalogues_is_told_in_english(readers: Engine) -> None:
    readers.planning.plan()
    frozen = readers.store.issues.frozen(WEEK)
    older = replace(frozen, templates={name: text for name, text in frozen.templates.items() if name[-3:] != ".po"})

    chooser = Chooser(older, Readership(), readers.settings.selection)
    told = chooser.choose(everybody(readers), {}, Telling.of(older))

    assert {each.picks[0].reasons for each in told} == {
        ("you follow plasma turbulence: title and abstract speak of it",)
    }


def test_exploratory_picks_are_counted_in_every_language(readers: Engine) -> None:
    for person in everybody(readers):
        profile = make_profile("video generation diffusion", size=4, surprise=0.25)
        readers.store.subscribers.change(replace(person, profile=profile))
    readers.planning.plan()
    readers.store.editions.keep(editions(readers))

    picks = [pick for each in editions(readers) for pick in each.edition.picks]
    explored = [pick.reasons[0] for pick in picks if pick.reasons[0].startswith(("a little", "etwas", "خارج"))]
    assert len(set(explored)) == 3
    assert readers.evaluation.evaluate().overall.outside == pytest.approx(len(explored) / len(picks))


async def test_a_confirmation_goes_out_in_the_language_that_was_asked_for(
    engine: Engine, transport: MemoryTransport
) -> None:
    for name, language in (("ada", "ar"), ("bob", "de"), ("cyd", None)):
        await engine.subscriptions.subscribe(f"{name}@example.org", "", Profile(), language)

    sent = [message_from_bytes(mail.body, policy=policy.default) for mail in transport.mails]
    assert [message["Content-Language"] for message in sent] == ["ar", "de", "en"]
    assert [message["Subject"].split()[0] for message in sent] == ["يرجى", "Bitte", "Please"]
