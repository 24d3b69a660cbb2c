"""Every figure on a case small enough to be worked out by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from math import log2

import pytest

from newsletter.selector.evaluation import (
    EvaluationReport,
    Figures,
    Past,
    ReaderHistory,
    Replay,
    fair_shares,
    findings,
    gini,
    measure,
    ndcg,
    sample,
)
from newsletter.testing import NOON, WEEK_12, make_entry, make_profile, make_subscriber
from newsletter.types import Edition, Entry, Interest, Issue, Pick, Profile, Verb, Vote

TWO = Profile(interests=(Interest("kettles", 3), Interest("whistles", 1)))


def week(number: int) -> Issue:
    return replace(WEEK_12, key=f"2025-W{number}", until=NOON + timedelta(days=7 * (number - 12)))


def pick(entry: str | Entry, interest: str = "kettles", reason: str = "matches kettles") -> Pick:
    return Pick(make_entry(entry) if isinstance(entry, str) else entry, 1.0, interest, (reason,))


def edition(*picks: str | Pick, number: int = 12, profile: Profile = TWO) -> Edition:
    chosen = tuple(pick(each) if isinstance(each, str) else each for each in picks)
    return Edition(week(number), make_subscriber(profile=profile), chosen)


def served(kettles: int, whistles: int, number: int = 12) -> Edition:
    """An edition with so many picks of each."""
    names = ["kettles"] * kettles + ["whistles"] * whistles
    return edition(*(pick(f"{number}-{place}", name) for place, name in enumerate(names)), number=number)


def vote(entry: str, verb: Verb = Verb.MORE) -> Vote:
    return Vote(entry, verb, NOON)


def report(*editions: Edition, votes: Sequence[Vote] = (), pool: int = 10) -> EvaluationReport:
    """Of one reader."""
    issues = {each.issue: None for each in editions}
    return measure([Past(issue, pool) for issue in issues], [ReaderHistory(1, editions, votes)])


def figures(*editions: Edition, votes: Sequence[Vote] = (), pool: int = 10) -> Figures:
    return report(*editions, votes=votes, pool=pool).overall


# what readers wanted


def test_ndcg_is_one_when_the_wanted_stand_first() -> None:
    assert ndcg(["a", "b", "c"], {"a", "b"}) == 1
    assert ndcg(["b", "a"], {"a", "b"}) == 1


def test_ndcg_counts_a_later_place_less() -> None:
    assert ndcg(["x", "a"], {"a"}) == pytest.approx(1 / log2(3))
    assert ndcg(["x", "a", "b"], {"a", "b"}) == pytest.approx((1 / log2(3) + 1 / 2) / (1 + 1 / log2(3)))


def test_ndcg_looks_at_ten_places() -> None:
    ten = [f"x{n}" for n in range(10)]

    assert ndcg([*ten, "a"], {"a"}) == 0
    assert ndcg(ten, {*ten, "y", "z"}) == 1


def test_only_editions_with_a_wanted_paper_are_rated() -> None:
    told = report(edition("a", "b"), edition("c", number=13), votes=[vote("b", Verb.SAVE), vote("c", Verb.LESS)])

    assert told.overall.as_mailed == pytest.approx(1 / log2(3))
    assert [each.rated for each in told.issues] == [1, 0]
    assert told.issues[1].figures.as_mailed is None


def test_an_issue_chosen_anew_is_measured_beside_what_was_wanted() -> None:
    replays = (
        Replay(frozenset("a"), now=("a",), deaf=("x", "a"), popular=("x",)),
        Replay(frozenset("b"), now=("x", "b"), deaf=("x",), popular=("b",)),
    )

    told = measure([Past(week(12), 10, replays)], [])

    assert told.overall.now == pytest.approx((1 + 1 / log2(3)) / 2)
    assert told.overall.deaf == pytest.approx(1 / log2(3) / 2)
    assert told.overall.popular == 0.5
    assert told.issues[0].replayed == 2


def test_votes_are_counted_per_hundred_mails() -> None:
    said = [vote("a"), vote("b", Verb.SAVE), vote("c", Verb.LESS), vote("never shown")]
    readers = [
        ReaderHistory(1, [edition("a", "b", "c")], said),
        ReaderHistory(2, [edition("a")]),
        ReaderHistory(3, [], [vote("a")]),
    ]

    told = measure([Past(week(12), 10)], readers)

    assert (told.overall.more, told.overall.save, told.overall.less) == (50, 50, 50)
    assert (told.readers, told.voters, told.editions) == (2, 0.5, 2)


# fair shares


def test_fair_shares_are_by_weight_the_largest_first() -> None:
    interests = (Interest("b", 1), Interest("", 3, keywords=("k", "l", "m")), Interest("off", 0), Interest(" b ", 1))

    assert fair_shares(Profile(interests=interests)) == {"k, l": 0.6, "b": 0.4}


@pytest.mark.parametrize("weight", [0, -1, float("nan"), float("inf")])
def test_interests_without_a_usable_weight_are_alike(weight: float) -> None:
    assert fair_shares(Profile(interests=(Interest("a", weight), Interest("b", weight)))) == {"a": 0.5, "b": 0.5}


def test_one_interest_or_one_without_a_name_has_no_fair_share() -> None:
    assert fair_shares(make_profile("kettles")) == {}
    assert fair_shares(Profile(interests=(Interest("a"), Interest("", liked=("x",))))) == {}


def test_shares_are_measured_beside_the_fair_ones() -> None:
    told = figures(served(6, 4))  # fair: .75 and .25

    assert told.largest == pytest.approx(0.6 / 0.75)
    assert told.smallest == pytest.approx(0.4 / 0.25)
    assert told.distance == pytest.approx(0.15)


def test_picks_that_serve_no_interest_take_nobodys_share() -> None:
    told = figures(edition("a", "b", "c", pick("d", "whistles"), pick("e", "", "trending this week")))

    assert (told.largest, told.smallest, told.distance) == (1, 1, 0)


def test_who_has_one_interest_or_got_nothing_of_them_says_nothing_of_shares() -> None:
    told = figures(edition("a", profile=make_profile("kettles")), edition(pick("b", ""), number=13))

    assert told.largest is told.smallest is told.distance is None


def test_an_interest_that_got_less_than_half_of_its_share_is_named() -> None:
    told = report(*(served(4, 0, number) for number in (12, 13)))

    [starved] = told.starved
    assert (starved.subscriber, starved.interest, starved.due, starved.got) == (1, "whistles", 2, 0)
    assert told.starving == 1


def test_only_the_last_four_issues_starve_anybody() -> None:
    assert report(served(9, 0, 11), *(served(3, 1, number) for number in range(12, 16))).starved == ()


def test_an_interest_that_is_due_less_than_one_place_is_not_starved() -> None:
    assert report(served(3, 0)).starved == ()


# what is new


def titled(entry_id: str, title: str, *topics: str) -> Pick:
    return pick(make_entry(entry_id, title=title, topics=topics))


def test_novelty_is_the_distance_to_the_nearest_of_the_readers_own_earlier_papers() -> None:
    first = edition(titled("a", "Copper kettles", "steam"), titled("b", "Tin whistles"))
    second = edition(titled("c", "The copper kettles", "heat"), titled("d", "Glass flutes"), number=13)

    told = report(first, second)

    assert told.issues[0].figures.novelty is None
    assert told.overall.novelty == pytest.approx(((1 - 2 / 4) + 1) / 2)  # "the" is too short to count


def test_novelty_looks_four_issues_back() -> None:
    same = [edition(titled(f"{number}", "Copper kettles"), number=number) for number in (12, 17)]
    between = [edition(titled(f"{number}", f"Number{number}"), number=number) for number in range(13, 17)]

    assert report(same[0], *between, same[1]).overall.novelty == 1
    assert report(same[0], *between[:3], same[1]).issues[-1].figures.novelty == 0


def test_the_age_of_a_paper_is_counted_at_its_issue_and_never_below_zero() -> None:
    days = (NOON - timedelta(days=3), NOON + timedelta(days=9), None)
    picks = [pick(make_entry(f"{number}", published=day)) for number, day in enumerate(days)]

    assert figures(edition(*picks)).age == 1.5


def test_a_paper_that_came_in_two_issues_is_a_repeat() -> None:
    told = report(edition("a", "b"), edition("a", "c", number=13), edition("a", "b", number=14))

    assert [each.repeats for each in told.issues] == [0, 1, 2]
    assert told.repeats == 3


# the pool


@pytest.mark.parametrize(
    ("showings", "pool", "expected"),
    [([2, 2], 2, 0.0), ([4], 4, 0.75), ([1, 3], 2, 0.25), ([], 5, None), ([1, 1], 1, 0.0)],
)
def test_gini_tells_how_unevenly_papers_are_shown(showings: list[int], pool: int, expected: float | None) -> None:
    assert gini(showings, pool) == (pytest.approx(expected) if expected is not None else None)


def test_coverage_is_the_part_of_all_pools_that_somebody_saw() -> None:
    readers = [ReaderHistory(1, [edition("a", "b"), edition("c", number=13)]), ReaderHistory(2, [edition("a")])]

    told = measure([Past(week(12), 4), Past(week(13), 2)], readers)

    assert [each.figures.coverage for each in told.issues] == [0.5, 0.5]
    assert told.overall.coverage == 0.5
    assert told.issues[0].figures.gini == pytest.approx(gini([1, 2], 4))


def test_exploratory_picks_and_fillers_are_told_apart() -> None:
    outside, filler = pick("a", "", "a little outside your interests"), pick("b", "", "trending this week")

    told = figures(edition(outside, filler, "c", "d"))

    assert (told.outside, told.filled) == (0.25, 0.25)


def test_what_is_below_the_floor_is_told_of_readers_with_interests() -> None:
    outside = pick("a", "kettles", "a little outside your interests")
    general = replace(edition(pick("x", ""), number=13, profile=Profile()), general=True)

    assert figures(edition(outside, pick("b", "", "popular this week"), "c", "d")).below == 0.5
    assert figures(edition("c", "d")).below == 0
    assert figures(general).below is None


def test_empty_editions_and_interests_without_a_find_are_told() -> None:
    half, nothing = replace(edition("a"), unanswered=("whistles",)), edition(number=13)
    told = figures(half, replace(nothing, unanswered=("kettles", "whistles")))

    assert (told.empty, told.dry) == (0.5, 0.75)


def test_the_first_finding_tells_how_honest_editions_were() -> None:
    told = report(replace(edition("a"), unanswered=("whistles",)))

    assert next(findings(told)) == (
        "Below the floor: 0.0 % of the picks, called popular or outside the interests. "
        "Without any pick: 0.0 % of the editions. Without a find: 50.0 % of the interests."
    )


# the whole


def test_nothing_at_all_gives_no_figure_rather_than_zero() -> None:
    told = measure([], [])

    assert (told.issues, told.readers, told.voters, told.repeats) == ((), 0, None, 0)
    assert set(vars_of(told.overall).values()) == {None}


def vars_of(some: Figures) -> dict[str, float | None]:
    return {name: getattr(some, name) for name in Figures.__slots__}


def test_editions_of_other_issues_count_for_nothing() -> None:
    told = measure([Past(week(13), 10)], [ReaderHistory(1, [edition("a"), edition("a", number=13)])])

    assert (told.editions, told.repeats) == (1, 0)


def test_a_sample_is_the_same_every_time_and_stays_when_others_come() -> None:
    some = sample(range(100), 10)

    assert some == sample(reversed(range(100)), 10) == sorted(some)
    assert len({*some} & {*sample(range(101), 10)}) >= 9
    assert sample([3, 1], 10) == [1, 3]
