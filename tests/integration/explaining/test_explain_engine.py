"""Explanations of planned and mailed issues."""

from __future__ import annotations

from datetime import timedelta

import pytest

from newsletter.engine import Engine
from newsletter.store import Named
from newsletter.testing import NOON, Clock, make_entry
from newsletter.types import Verb

ADA = "ada@example.org"


def picks(engine: Engine) -> list[str]:
    person = engine.store.subscribers.find(ADA)
    return [
        pick.entry.id for pick in engine.editions.edition(engine.editions.prepared("2025-W12"), person).edition.picks
    ]


def test_what_is_explained_is_what_will_be_mailed(weekly: Engine) -> None:
    found = [weekly.explaining.explain(ADA, each) for each in picks(weekly)]

    assert [each.explanation.place for each in found] == [*range(1, len(found) + 1)]
    assert {(each.issue.key, each.planned, each.kept) for each in found} == {("2025-W12", True, False)}


async def test_the_mail_that_is_out_is_told_beside_the_numbers_of_today(weekly: Engine) -> None:
    await weekly.sending.send("2025-W12")
    person, third = weekly.store.subscribers.find(ADA), picks(weekly)[2]
    weekly.subscriptions.vote(person.id, third, Verb.MORE)

    found = weekly.explaining.explain(ADA, third)

    assert (found.kept, found.kept_place, found.explanation.place) == (True, 3, 0)
    assert [each.kind for each in found.explanation.hidden] == ["voted"]


async def test_a_paper_shown_before_is_left_in_the_next_issue(weekly: Engine, clock: Clock) -> None:
    await weekly.sending.send("2025-W12")
    first = picks(weekly)[0]
    clock.forward(days=7)
    weekly.store.sightings.add([Named(make_entry("new"), ("new",))], clock.now - timedelta(hours=1))
    key = weekly.planning.plan()[0].key

    assert not weekly.explaining.explain(ADA, first, key).explanation.pooled
    assert weekly.explaining.explain(ADA, first).issue.key == "2025-W12"
    assert weekly.explaining.explain(ADA, "new").issue.key == key


async def test_two_pools_with_one_paper_show_it_once(weekly: Engine, clock: Clock) -> None:
    """What arrives in the second in which an issue is planned is in the next pool too."""
    weekly.store.sightings.add([Named(make_entry("video-late", title="On video diffusion"), ("late",))], NOON)
    weekly.planning.plan(key="now")
    await weekly.sending.send("now")
    clock.forward(days=7)
    weekly.planning.plan(key="next", until=NOON)

    found = weekly.explaining.explain(ADA, "video-late", "next")

    assert [each.kind for each in found.explanation.hidden] == ["seen"]
    assert found.explanation.why == "Not to be shown: you were shown it in another issue."


async def test_votes_that_count_are_told_with_their_age(weekly: Engine, clock: Clock) -> None:
    await weekly.sending.send("2025-W12")
    person = weekly.store.subscribers.find(ADA)
    for each, verb in zip(picks(weekly)[:2], (Verb.MORE, Verb.LESS), strict=True):
        weekly.subscriptions.vote(person.id, each, verb)
    clock.forward(days=40)
    weekly.store.sightings.add([Named(make_entry("news"), ("news",))], clock.now)

    found = weekly.explaining.explain(ADA, "news")

    said = {each.verb: each for each in found.heard}
    assert not found.planned
    assert said[Verb.MORE].days == said[Verb.LESS].days == 40
    assert said[Verb.MORE].weight == pytest.approx(0.686, abs=0.001)
    assert said[Verb.MORE].title.startswith("On ")


def test_a_paper_that_was_joined_is_found_in_the_pool_under_its_old_name(weekly: Engine) -> None:
    one, other = "plasma-turbulence-0", "plasma-turbulence-1"
    both = Named(make_entry("z"), ("id:plasma turbulence-0", "id:plasma turbulence-1"))
    weekly.store.sightings.add([both], NOON + timedelta(minutes=1))

    found = [weekly.explaining.explain(ADA, each) for each in (one, other)]

    assert found[0].explanation == found[1].explanation
    assert found[0].explanation.pooled
