"""The survey of a pool says of every entry what its explanation says."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from examples import examples
from hypothesis import given, settings
from test_explain import POOL, some_profiles
from test_select import some_ids

from newsletter.selector import prepare
from newsletter.selector.explain import Standing, Twin, explain
from newsletter.selector.survey import survey
from newsletter.testing import make_entry, make_profile
from newsletter.types import Profile

NUMBERS = ("score", "fit", "best", "least", "fair")


def same(one: Standing, other: Standing) -> bool:
    """But for the last digits of their numbers, and for the parts."""
    numbers: dict[str, Any] = {name: getattr(other, name) for name in NUMBERS}
    near = {name: getattr(one, name) for name in NUMBERS} == pytest.approx(numbers, abs=1e-5)
    return near and replace(one, **numbers) == replace(other, parts=())


@given(some_profiles, some_ids)
@settings(deadline=None, max_examples=examples(100))
def test_a_survey_tells_what_the_explanations_tell(profile: Profile, seen: frozenset[str]) -> None:
    for found in survey(POOL, profile, seen):
        told = explain(POOL, profile, seen, found.entry)
        equals = [each for each in told.standings if each.score == pytest.approx(told.standings[0].score, abs=1e-5)]

        assert found.score == pytest.approx(told.score, abs=1e-5)
        assert [*map(bool, found.standings)] == [*map(bool, told.standings[:1])]
        assert all(any(same(mine, other) for other in equals) for mine in found.standings)
        assert found.why == told.why or len(equals) > 1
        rest: dict[str, Any] = {"score": 0.0, "parts": (), "standings": (), "why": ""}
        assert replace(found, **rest) == replace(told, **rest)


def test_an_empty_pool_has_nothing_to_tell() -> None:
    assert survey(prepare([]), make_profile("whales"), frozenset()) == ()


def test_of_two_papers_that_tell_the_same_the_other_one_names_its_twin() -> None:
    text = " ".join(f"Plasma {first}{second} waves." for first in "abcdefghijklm" for second in "nopqrstuvwxyz")
    pool = prepare([make_entry(name, title=f"Plasma {name}", abstract=text) for name in ("first", "second")])

    first, second = survey(pool, make_profile("plasma", size=8, surprise=0), frozenset())

    assert (first.place, second.place) == (1, 0)
    assert second.twin == Twin("first", "Plasma first", 1)
    assert second.why == "It tells the same as 'Plasma first', which stands at place 1."
