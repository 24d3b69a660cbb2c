"""What every edition keeps to, whatever the profile and the pool."""

import math
import random
from collections.abc import Sequence
from dataclasses import replace

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.selector import Pool, prepare, select
from newsletter.testing import make_entry, make_profile
from newsletter.types import Entry, Fill, Interest, Pick, Profile

FIELDS = ("plasma wave", "protein folding", "whale song")
PAPERS = [
    make_entry(f"{field.split()[0]}-{place}", title=f"{field} {place}a", abstract=f"{field} of kind {place}b")
    for field in FIELDS
    for place in range(8)
]
POOL = prepare(PAPERS)
LIBRARY, CANDIDATES = PAPERS[::3], [each for place, each in enumerate(PAPERS) if place % 3]
LIKES = [[PAPERS[(n * k) % 24].id for k in (1, 3, 5, 7)] for n in range(1, 12)]
READERS = [
    Profile(liked=("plasma-0", "whale-1")),
    make_profile("whale song", "protein", muted=("kind 3b",), disliked=("whale-4",)),
]


def ids(editions: Sequence[Sequence[Pick]]) -> list[list[str]]:
    return [[pick.entry.id for pick in picks] for picks in editions]


def choose(profile: Profile, pool: Pool = POOL) -> tuple[Pick, ...]:
    (picks,) = select(pool, [profile])
    return picks


@given(st.permutations(LIBRARY))
@settings(deadline=None, max_examples=examples(40))
def test_the_order_of_the_library_does_not_matter(library: list[Entry]) -> None:
    shuffled, plain = prepare(CANDIDATES, library, likes=LIKES), prepare(CANDIDATES, LIBRARY, likes=LIKES)

    assert select(shuffled, READERS) == select(plain, READERS)


@given(st.permutations(LIKES), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=examples(40))
def test_the_order_of_all_readers_likes_does_not_matter(likes: list[list[str]], chance: random.Random) -> None:
    shuffled = [chance.sample(row, len(row)) for row in likes]

    found = select(prepare(CANDIDATES, LIBRARY, likes=shuffled), READERS)

    assert ids(found) == ids(select(prepare(CANDIDATES, LIBRARY, likes=LIKES), READERS))


weights = st.integers(1, 24).map(lambda number: number / 4)


@given(st.tuples(weights, weights, weights), weights, st.integers(0, 2), st.integers(0, 20))
@settings(deadline=None)
def test_more_weight_never_brings_an_interest_fewer_picks(
    given_weights: tuple[float, ...], more: float, each: int, size: int
) -> None:
    names = [field.split()[0] for field in FIELDS]  # no paper belongs to two
    plain = [Interest(name, weight) for name, weight in zip(names, given_weights, strict=True)]
    raised = [replace(one, weight=one.weight + more * (place == each)) for place, one in enumerate(plain)]

    before, after = (choose(Profile(tuple(some), size=size, hype=0, surprise=0)) for some in (plain, raised))

    assert sum(p.interest == names[each] for p in after) >= sum(p.interest == names[each] for p in before)


@pytest.mark.parametrize("odd", [math.inf, -math.inf, math.nan, -1.0, 0.0, 5e-324, 1e300, 1e308])
@pytest.mark.parametrize("other", [1.0, math.nan, 1e308])
def test_weights_of_any_kind_give_a_full_edition(odd: float, other: float) -> None:
    interests = (Interest("plasma", odd), Interest("protein", other))

    picks = choose(Profile(interests, liked=("whale-0",), text="whale", size=6))

    assert len(picks) == 6
    assert all(math.isfinite(pick.score) for pick in picks)


def test_equal_huge_weights_share_as_small_ones_do() -> None:
    editions = [
        choose(Profile((Interest("plasma", w), Interest("protein", w)), liked=("whale-0",), size=6))
        for w in (1.0, 1e308, 5e-324)
    ]

    assert editions[0] == editions[1] == editions[2]


@pytest.mark.parametrize(
    "profile",
    [
        make_profile("плазма"),
        make_profile("等离子体", text="प्लाज़्मा"),
        make_profile("a"),
        make_profile("the"),
        make_profile("?!"),
        Profile((Interest(""),)),
        Profile((Interest("aaa", liked=("lost",)),), liked=("gone",), disliked=("unknown",)),
    ],
)
def test_a_profile_that_nothing_answers_is_filled_up_only_where_it_is_wanted(profile: Profile) -> None:
    picks = choose(replace(profile, size=5, fill=Fill.POPULAR))

    assert choose(replace(profile, size=5)) == ()
    assert len(picks) == 5
    assert {pick.interest for pick in picks} == {""}


@pytest.mark.parametrize("profile", [Profile(), make_profile("plasma", muted=("whale",)), Profile(liked=("lost",))])
def test_a_pool_of_none_or_one_is_enough(profile: Profile) -> None:
    assert choose(profile, prepare([])) == ()
    assert ids([choose(profile, prepare([PAPERS[1]]))]) == [["plasma-1"]]


def test_unknown_votes_of_all_papers_order_nothing() -> None:
    unknown = [replace(each, votes=math.nan, comments=math.nan, stars=math.nan) for each in PAPERS]  # type: ignore[arg-type]

    assert ids([choose(make_profile("plasma", hype=1.0), prepare(unknown))]) == ids(
        [choose(make_profile("plasma", hype=1.0))]
    )


@pytest.mark.slow
def test_a_pool_of_twenty_thousand_gives_an_edition() -> None:
    chance, words = random.Random("large"), [f"w{number}" for number in range(3000)]
    entries = [
        make_entry(f"e{n}", title=" ".join(chance.choices(words, k=8)), abstract=" ".join(chance.choices(words, k=60)))
        for n in range(20_000)
    ]

    picks = choose(make_profile("w1", liked=("e5",), muted=("w2",)), prepare(entries))

    assert len({pick.entry.id for pick in picks}) == 10
    assert not any({"w2"} & {*pick.entry.title.split(), *pick.entry.abstract.split()} for pick in picks)
