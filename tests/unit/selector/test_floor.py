"""An edition is honest: nothing below the floor claims an interest, and nothing is filled up that should stay empty."""

from __future__ import annotations

from dataclasses import replace

from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from older_papers import older_papers
from test_explain import POOL, some_profiles
from test_select import PAPERS, some_ids
from test_typed import STRANGE

from newsletter.selector import FLOOR, find, prepare, select
from newsletter.selector.explain import explain
from newsletter.testing import make_profile
from newsletter.types import Fill, Interest, Profile

APART = ("a little outside your interests", "popular now", "new this week", "trending this week", "no interests yet")


@given(some_profiles, some_ids)
@settings(deadline=None, max_examples=examples(100))
def test_no_pick_is_below_the_floor_unless_it_is_called_so(profile: Profile, seen: frozenset[str]) -> None:
    (picks,) = select(POOL, [profile], [seen])

    for pick in picks:
        if not any(pick.reasons[0].startswith(words) for words in APART):
            standing = explain(POOL, profile, seen, pick.entry.id).standings[0]
            assert standing.fit >= FLOOR or standing.author
            assert standing.strength


@given(some_profiles)
@settings(deadline=None, max_examples=examples(100))
def test_a_paper_is_filed_under_the_interest_that_it_fits_best(profile: Profile) -> None:
    (picks,) = select(POOL, [profile])

    for pick in picks:
        found = explain(POOL, profile, frozenset(), pick.entry.id)
        if found.way == "fair":
            own, *others = [each for each in found.standings if each.weight > 0]
            rivals = [each for each in others if not (each.loose and own.loose) and (each.matched or each.fit > FLOOR)]
            assert all(each.fit <= own.fit + 1e-3 or own.author for each in rivals)


@given(
    st.lists(st.sampled_from(["zeppelin mooring", "sumo", "falconry", "lighthouse keeping"]), max_size=4, unique=True)
)
def test_with_no_match_at_all_no_pick_claims_an_interest(asked: list[str]) -> None:
    profile = make_profile(*asked, surprise=0)

    (found,) = find(prepare(STRANGE, older_papers()), [profile])

    assert found.general or found.picks == ()
    assert found.unanswered == tuple(asked)
    assert set(found.unheard) == set(asked)


def test_places_stay_empty_and_the_dry_interest_is_named() -> None:
    (found,) = find(prepare(PAPERS), [make_profile("plasma", "zeppelin", size=10, surprise=0)])

    assert {pick.interest for pick in found.picks} == {"plasma"}
    assert (found.unanswered, found.unheard, found.general) == (("zeppelin",), ("zeppelin",), False)


def test_an_interest_that_lost_its_places_is_not_called_dry() -> None:
    interests = (Interest("plasma", 9.0), Interest("protein", 0.1))

    (found,) = find(prepare(PAPERS), [Profile(interests, size=2, surprise=0)])

    assert found.unanswered == ()


def test_empty_places_are_filled_where_the_reader_wants_it() -> None:
    plain = make_profile("zeppelin", size=4, surprise=0)

    empty, filled = select(prepare(PAPERS), [plain, replace(plain, fill=Fill.POPULAR)])

    assert (len(empty), len(filled)) == (0, 4)
    assert {pick.interest for pick in filled} == {""}


def test_scores_mean_the_same_from_week_to_week() -> None:
    """The same paper in a good and in a bad week."""
    (good,), (bad,) = (
        select(prepare([PAPERS[4], *beside], older_papers()), [make_profile("plasma", size=1, hype=0, surprise=0)])
        for beside in (PAPERS[5:8], STRANGE)
    )

    assert abs(good[0].score - bad[0].score) < 0.35 * bad[0].score
