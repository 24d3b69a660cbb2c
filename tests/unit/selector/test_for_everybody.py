"""What an issue has for everybody: the papers of a reader without interests, told without a word about interests."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import timedelta

import pytest
from catalogues import FOLDER
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.i18n import Catalogues, english
from newsletter.selector import for_everybody, prepare, select
from newsletter.testing import NOON, make_entry
from newsletter.types import Entry, Pick, Profile

CATALOGUES = Catalogues({path.name: path.read_text("utf-8") for path in FOLDER.iterdir()})
WORDS = [f"{start}{end}" for start in ("pla", "gra", "vi", "mo", "ke", "tu") for end in ("sma", "phite", "deo", "dal")]


def text(seed: int, length: int) -> str:
    chance = random.Random(seed)
    return " ".join(f"{word}{chance.randrange(90)}" for word in WORDS * length)


def papers(number: int) -> list[Entry]:
    """Of three fields, some with votes, some without a date, and some that tell one story under two titles."""
    chance = random.Random(number)
    return [
        make_entry(
            f"paper-{at}",
            title=f"On {text(at, 1)[:40]} {at}",
            abstract=text(at // 2 if at % 6 == 1 else at, 12),
            published=chance.choice([None, NOON - timedelta(hours=chance.randrange(99))]),
            topics=(chance.choice(["cs.LG", "physics.optics", "q-bio"]),),
            votes=chance.choice([None, 0, 3, 70]),
        )
        for at in range(number)
    ]


def everybody(entries: list[Entry], size: int = 10) -> tuple[Pick, ...]:
    return for_everybody(entries, size, english())


def ids(picks: tuple[Pick, ...]) -> list[str]:
    return [pick.entry.id for pick in picks]


@given(st.integers(0, 60), st.integers(1, 12), st.booleans())
@settings(deadline=None, max_examples=examples(40))
def test_everybody_gets_what_a_reader_without_interests_gets(number: int, size: int, measured: bool) -> None:
    entries = papers(number)
    if measured:
        entries = [replace(each, trend=at % 7 / 7 if at % 5 else None) for at, each in enumerate(entries)]
    rises = {each.id: each.trend for each in entries if each.trend is not None}

    (expected,) = select(prepare(entries, trend=rises or None), [Profile(size=size)])

    assert ids(everybody(entries, size)) == ids(expected)


@given(st.permutations(papers(20)))
@settings(deadline=None, max_examples=examples(40))
def test_the_order_of_the_pool_does_not_matter(entries: list[Entry]) -> None:
    assert everybody(entries) == everybody(papers(20))


def test_the_reason_is_that_it_rises_or_that_it_is_new() -> None:
    entries = [make_entry("hot", trend=0.9), make_entry("new", trend=0.2), make_entry("unknown")]

    picks = everybody(entries)

    assert [(pick.entry.id, pick.reasons) for pick in picks] == [
        ("hot", ("trending this week",)),
        ("unknown", ("new this week",)),
        ("new", ("new this week",)),
    ]
    assert {pick.interest for pick in picks} == {""}


@pytest.mark.parametrize(("language", "told"), [("de", "neu in dieser Woche"), ("ar", "جديدة هذا الأسبوع")])
def test_the_same_papers_are_told_in_each_language(language: str, told: str) -> None:
    spoken = for_everybody(papers(8), 5, CATALOGUES.messages(language))

    assert ids(spoken) == ids(everybody(papers(8), 5))
    assert told in {reason for pick in spoken for reason in pick.reasons}


def test_forty_tellings_of_one_story_leave_no_place_empty() -> None:
    names = [f"Report {first} {second}" for first in "abcde" for second in "abcdefgh"]
    twins = [make_entry(f"twin-{name[7:]}", title=name, abstract=text(1, 12), trend=0.9) for name in names]

    picks = everybody([*twins, *(replace(each, trend=0.1) for each in papers(60))])

    assert len(picks) == 10
    assert [each for each in ids(picks) if each.startswith("twin")] == ["twin-a a"]


def test_a_paper_under_two_ids_comes_once_with_its_fullest_abstract() -> None:
    short = make_entry("a", title="Same", abstract="Short.")

    assert ids(everybody([short, make_entry("b", title="same!", abstract="Much longer.")])) == ["b"]


def test_an_empty_pool_has_nothing_for_anybody() -> None:
    assert everybody([]) == ()
