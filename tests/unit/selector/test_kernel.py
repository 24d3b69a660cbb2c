"""The choice itself: compiled as interpreted, fair turns, groups of loose likes, and nothing told twice."""

import importlib.util
import random
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from examples import examples
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from newsletter.selector import Pool, kernel, prepare, rank, select, warm
from newsletter.selector.kernel import GROUPED, GROUPS, linked, next_interest
from newsletter.testing import make_entry
from newsletter.types import Entry, Interest, Pick, Profile, Signal, Verb

WORDS = (
    "video",
    "diffusion",
    "plasma",
    "wave",
    "protein",
    "folding",
    "graph",
    "kernel",
    "attention",
    "model",
    "whale",
    "song",
    "quantum",
    "cat",
)
QUICK = (Phase.explicit, Phase.reuse, Phase.generate)  # shrinking a failure would take minutes
needs_numba = pytest.mark.skipif(importlib.util.find_spec("numba") is None, reason="numba is not installed")


def pool_of(size: int, salt: str) -> Pool:
    chance = random.Random(salt)
    entries = [
        make_entry(
            f"paper-{place}",
            title=" ".join(chance.sample(WORDS, 3)),
            abstract=" ".join(chance.choices(WORDS, k=12)),
            authors=(chance.choice(("Ada Lovelace", "Grace Hopper")),),
            votes=chance.choice((None, 0, 3, 50)),
        )
        for place in range(size)
    ]
    return prepare(entries)


def compiled(pool: Pool, profiles: Sequence[Profile]) -> list[tuple[Pick, ...]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rank, "SMALL", 0)
        return select(pool, profiles)


def interpreted(pool: Pool, profiles: Sequence[Profile]) -> list[tuple[Pick, ...]]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rank, "SMALL", 10**12)
        patch.setattr(kernel, "is_compiled", lambda: False)
        return select(pool, profiles)


papers = st.lists(st.integers(0, 31).map("paper-{}".format), max_size=6).map(tuple)
interests = st.builds(
    Interest,
    name=st.sampled_from(["", *WORDS]),
    weight=st.sampled_from([0.0, 0.5, 1.0, 3.0]),
    keywords=st.lists(st.sampled_from(WORDS), max_size=2).map(tuple),
    authors=st.sampled_from([(), ("Ada Lovelace",), ("Hopper",)]),
    liked=papers,
)
profiles = st.builds(
    Profile,
    interests=st.lists(interests, max_size=4).map(tuple),
    muted=st.lists(st.sampled_from(WORDS), max_size=1).map(tuple),
    disliked=papers,
    liked=papers,
    text=st.sampled_from(["", "whale song; quantum"]),
    size=st.integers(0, 14),
    hype=st.sampled_from([0.0, 0.3, 1.0]),
    surprise=st.sampled_from([0.0, 0.25, 1.0]),
    signals=st.lists(
        st.builds(Signal, st.sampled_from(["paper-1", "paper-5", "paper-9"]), st.sampled_from(Verb), st.floats(0, 1)),
        max_size=3,
    ).map(tuple),
)


@needs_numba
@given(st.lists(profiles, min_size=1, max_size=8), st.integers(1, 32), st.integers(0, 3))
@settings(deadline=None, max_examples=examples(80), phases=QUICK)
def test_compiled_code_chooses_what_the_interpreter_does(some: list[Profile], size: int, salt: int) -> None:
    pool = pool_of(size, str(salt))

    assert compiled(pool, some) == interpreted(pool, some)


PAPERS = [f"paper-{place}" for place in range(0, 40, 3)]
READERS = [Profile(interests=(Interest(word, keywords=(word,), liked=(PAPERS[at],)),)) for at, word in enumerate(WORDS)]


def test_what_is_computed_ahead_changes_no_choice() -> None:
    cold, warmed = pool_of(60, "a"), pool_of(60, "a")
    warm(warmed, READERS, 1_000_000)
    ahead = len(warmed.table._numbers)

    assert [select(warmed, [reader]) for reader in READERS] == [select(cold, [reader]) for reader in READERS]
    assert ahead == len(warmed.table._numbers) == 2 * len(READERS)


def test_the_table_keeps_to_the_bytes_that_it_may_have() -> None:
    cold, warmed, row = pool_of(60, "a"), pool_of(60, "a"), 2 * 60
    warm(warmed, READERS[:5], 8 * row)
    assert len(warmed.table._numbers) == 6  # a fourth is left for others

    for reader in READERS * 2:
        assert select(warmed, [reader]) == select(cold, [reader])
        assert warmed.table.steps.nbytes <= 8 * row


@needs_numba
def test_for_a_pool_of_some_size_the_kernel_is_compiled_ahead(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rank, "LARGE", 60)
    warm(pool_of(60, "a"), READERS[:1], 1_000_000)

    assert kernel.is_compiled()


@needs_numba
@pytest.mark.parametrize(
    ("number", "block", "few"), [(500, 200, 70), pytest.param(5000, rank.BLOCK, 700, marks=pytest.mark.slow)]
)
def test_many_readers_at_once_get_what_they_get_a_few_at_a_time(
    number: int, block: int, few: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rank, "BLOCK", block)
    chance, pool = random.Random("threads"), pool_of(32, "threads")
    many = [
        Profile(
            tuple(Interest(word, chance.randint(1, 4)) for word in chance.sample(WORDS, chance.randint(0, 3))),
            liked=tuple(f"paper-{chance.randrange(32)}" for _ in range(chance.randrange(4))),
            size=chance.randint(1, 10),
        )
        for _ in range(number)
    ]

    together = compiled(pool, many)

    assert together == [picks for start in range(0, number, few) for picks in compiled(pool, many[start : start + few])]


def turns(weights: Sequence[float], number: int) -> list[int]:
    weight, places = np.array(weights, np.float64), np.zeros(len(weights), np.int64)
    found = []
    for _ in range(number):
        found.append(int(next_interest(weight, places, weight > 0)))
        if found[-1] >= 0:
            places[found[-1]] += 1
    return found


def test_turns_follow_sainte_lague() -> None:
    assert turns([6, 2], 8) == [0, 1, 0, 0, 0, 1, 0, 0]  # 6, then 2 = 6/3, 2 < 6/3 …: six turns of eight
    assert Counter(turns([5, 3, 2], 10)) == {0: 5, 1: 3, 2: 2}


def test_of_equal_claims_the_one_with_less_weight_comes_first() -> None:
    assert turns([3, 1], 2) == [0, 1]
    assert turns([1, 3], 2) == [1, 0]
    assert turns([1, 1, 1], 4) == [0, 1, 2, 0]


def test_an_interest_of_no_weight_gets_no_turn() -> None:
    assert turns([1, 0, 0], 5) == [0] * 5
    assert turns([0, 0], 2) == [-1, -1]


quarters = st.integers(1, 40).map(lambda number: number / 4)


@given(st.lists(quarters, min_size=1, max_size=5), quarters, st.integers(0, 30), st.data())
def test_more_weight_never_means_fewer_turns(weights: list[float], more: float, size: int, data: st.DataObject) -> None:
    each = data.draw(st.integers(0, len(weights) - 1))
    raised = [weight + more * (place == each) for place, weight in enumerate(weights)]

    assert turns(raised, size).count(each) >= turns(weights, size).count(each)


def edition(entries: Sequence[Entry], *interests: Interest, size: int = 6) -> tuple[Pick, ...]:
    (picks,) = select(prepare(entries), [Profile(interests, size=size, hype=0, surprise=0)])
    return picks


def test_an_interest_that_runs_dry_leaves_its_places_to_the_others() -> None:
    entries = [make_entry(f"w{n}", title=f"Plasma {n}", abstract="") for n in range(6)]
    whale = make_entry("whale", title="Songs of whales", abstract="")

    picks = edition([*entries, whale], Interest("whale", 5), Interest("plasma", 1))

    assert Counter(pick.interest for pick in picks) == {"whale": 1, "plasma": 5}


def test_a_paper_that_two_interests_want_comes_once() -> None:
    both = make_entry("both", title="Whales in a plasma", abstract="")
    entries = [both, make_entry("w", title="Whales", abstract=""), make_entry("p", title="Plasma", abstract="")]

    picks = edition(entries, Interest("whales"), Interest("plasma"))

    assert sorted(pick.entry.id for pick in picks) == ["both", "p", "w"]


def labels(*fields: int, share: Sequence[float] = ()) -> list[int]:
    """The groups of likes, each in one of eight fields that have nothing in common."""
    table = np.eye(8, dtype=np.float32)[list(fields)]
    places = np.arange(len(fields))
    return [int(each) for each in linked(table, places, np.array(share or [1.0] * len(fields)), places)]


def test_likes_of_two_fields_make_two_groups_and_of_one_field_one() -> None:
    assert labels(5, 5, 2, 5, 2) == [0, 0, 1, 0, 1]
    assert labels(3, 3, 3, 3) == [0, 0, 0, 0]
    assert labels(1) == [0]


def test_likes_of_many_fields_make_no_more_groups_than_allowed() -> None:
    assert set(labels(*range(6))) == set(range(GROUPS))
    assert set(labels(*(place % 6 for place in range(60)))) == set(range(GROUPS))


def test_a_small_group_joins_another() -> None:
    assert set(labels(*[0] * 6, 1)) == {0}  # a seventh of the likes
    assert set(labels(*[0] * 5, 1)) == {0, 1}  # a sixth
    assert set(labels(0, 0, 1, share=(1, 1, 0.2))) == {0}


def test_older_likes_follow_the_nearest_of_the_newest() -> None:
    assert labels(1, 0, *[0, 1] * (GROUPED // 2)) == [0, 1, *[1, 0] * (GROUPED // 2)]


@given(st.lists(st.integers(0, 7), min_size=1, max_size=40))
@settings(deadline=None, max_examples=30)
def test_groups_are_numbered_as_they_first_appear(fields: list[int]) -> None:
    found = labels(*fields)

    assert list(dict.fromkeys(found)) == list(range(max(found) + 1))
    assert max(found) < GROUPS
    assert found == labels(*fields)


def test_two_versions_of_one_long_text_are_not_both_shown() -> None:
    chance = random.Random("stories")
    made = ["".join(chance.choices("abcdefghilmnorstu", k=8)) for _ in range(400)]
    text = ["plasma", *made[:120]]
    entries = [
        make_entry("first", title="Plasma waves", abstract=" ".join(text)),
        make_entry("again", title="Waves of plasma once more", abstract=" ".join([*text[:60], "changed", *text[61:]])),
        make_entry("other", title="Plasma in a box", abstract=" ".join(["plasma", *made[200:320]])),
    ]

    picks = edition(entries, Interest("plasma"))

    assert prepare(entries).duplicate_of.tolist() == [0, 0, 2]  # again and first are one, by id
    assert {pick.entry.id for pick in picks} in ({"first", "other"}, {"again", "other"})


def test_short_texts_that_differ_are_both_shown() -> None:
    entries = [make_entry(name, title=f"Plasma waves {name}", abstract="") for name in ("red", "blue")]

    assert len(edition(entries, Interest("plasma"))) == 2
