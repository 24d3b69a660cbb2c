"""What votes do to the next edition."""

import math
import random
from dataclasses import replace

import pytest
from older_papers import older_papers

from newsletter.selector import prepare, select
from newsletter.testing import make_entry
from newsletter.types import Entry, Fill, Interest, Pick, Profile, Signal, Verb

FIELDS = {
    "plasma": ("turbulence of a plasma", "reconnection in a plasma", "waves in a plasma", "plasma confinement"),
    "protein": ("protein folding", "protein design", "docking of a protein", "protein evolution"),
    "whale": ("songs of a whale", "whale migration", "whale hearing", "diving of a whale"),
}
PAPERS = [
    make_entry(f"{field}-{place}", title=f"On {text}", abstract=f"We study {text} and what follows from it.")
    for field, texts in FIELDS.items()
    for place, text in enumerate(texts)
]
POOL = prepare(PAPERS)
PLASMA = Profile((Interest("plasma"),), size=6, hype=0, surprise=0)


def choose(profile: Profile, *votes: tuple[str, Verb, float]) -> tuple[Pick, ...]:
    (picks,) = select(POOL, [replace(profile, signals=tuple(Signal(*vote) for vote in votes))])
    return picks


def fields(picks: tuple[Pick, ...]) -> list[str]:
    return [pick.entry.id.partition("-")[0] for pick in picks]


@pytest.mark.parametrize("verb", [Verb.MORE, Verb.SAVE])
def test_a_welcome_paper_brings_what_is_like_it_and_never_itself(verb: Verb) -> None:
    picks = choose(replace(PLASMA, interests=(), size=3), ("protein-0", verb, 1.0))

    assert fields(picks) == ["protein"] * 3
    assert "protein-0" not in {pick.entry.id for pick in picks}


@pytest.mark.parametrize("verb", [Verb.LESS, Verb.PASSED])
def test_an_unwelcome_paper_moves_its_own_words_down_and_not_its_field(verb: Verb) -> None:
    entries = [*PAPERS, make_entry("wild", title="Strong turbulence of a plasma", abstract="")]
    profile = replace(PLASMA, size=4, signals=(Signal("plasma-0", verb, 1.0),))

    before, after = select(prepare(entries, older_papers()), [replace(PLASMA, size=5), profile])

    assert [pick.interest for pick in after] == ["plasma"] * 4
    scores = {pick.entry.id: pick.score for pick in before}
    lost = {pick.entry.id: scores[pick.entry.id] - pick.score for pick in after}
    assert max(lost, key=lambda name: lost[name]) == "wild"


def test_a_paper_passed_over_moves_less_than_one_refused() -> None:
    near = "plasma-2"
    faint, strong = choose(PLASMA, ("plasma-0", Verb.PASSED, 0.1)), choose(PLASMA, ("plasma-0", Verb.LESS, 1.0))

    score = {name: {pick.entry.id: pick.score for pick in picks} for name, picks in (("f", faint), ("s", strong))}
    assert score["f"][near] >= score["s"].get(near, 0)


@pytest.mark.parametrize("verb", list(Verb))
def test_a_signal_of_no_weight_only_hides_its_paper(verb: Verb) -> None:
    (unmoved,) = select(POOL, [PLASMA], [{"plasma-0"}])

    assert choose(PLASMA, ("plasma-0", verb, 0.0)) == unmoved


def test_a_vote_taken_back_gives_the_old_edition() -> None:
    before = choose(PLASMA)
    between = choose(PLASMA, ("protein-0", Verb.MORE, 0.8))

    assert choose(PLASMA) == before != between


def crowded(field: str, place: int) -> Entry:
    """A paper that shares most of its words with its field: in a small pool few others are near enough to join."""
    chance = random.Random(f"{field}{place}")
    words = chance.sample([f"{field}{letter}" for letter in "abcdefghijklmnopqrst"], 14)
    return make_entry(f"{field}-{place}", title=f"{field} {field}{place}x", abstract=" ".join(words))


def test_a_vote_near_an_interest_joins_it() -> None:
    entries = [crowded(field, place) for field in FIELDS for place in range(8)]
    vote = Signal("plasma-0", Verb.MORE, 0.8)
    profile = replace(PLASMA, interests=(Interest("physics", liked=("plasma-1", "plasma-2")),), size=5, signals=(vote,))

    (picks,) = select(prepare(entries), [profile])

    assert fields(picks) == ["plasma"] * 5
    assert {pick.interest for pick in picks} == {"physics"}


def test_a_vote_far_from_every_interest_becomes_one_of_its_own() -> None:
    picks = choose(PLASMA, ("protein-0", Verb.SAVE, 1.0))

    named = {field: {pick.interest for pick in picks if pick.entry.id.startswith(field)} for field in FIELDS}
    assert named["plasma"] == {"plasma"}
    assert len(named["protein"]) == 1
    assert "protein" in named["protein"].pop()


@pytest.mark.parametrize("weight", [float("nan"), float("inf"), -1.0, 1e300])
@pytest.mark.parametrize("verb", list(Verb))
def test_weights_without_sense_harm_nobody(verb: Verb, weight: float) -> None:
    picks = choose(replace(PLASMA, fill=Fill.POPULAR), ("plasma-0", verb, weight))

    assert len(picks) == 6
    assert all(math.isfinite(pick.score) for pick in picks)
