"""Readers of several topics get each in fair shares, told by what the picked papers are truly about."""

import json
import math
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from statistics import fmean

import pytest

from newsletter.collector.sources.jsonl import read_entries
from newsletter.selector import Defaults, prepare, select
from newsletter.selector.pool import Pool
from newsletter.testing import NOON
from newsletter.types import Interest, Pick, Profile

ROOT = Path(__file__).parents[3]
LABELS: dict[str, str] = json.loads((ROOT / "tests/data/seed_topics.json").read_text("utf-8"))
TOPICS = ("diffusion", "architecture", "physics")  # "other" is no topic: its papers have nothing in common
PLACES, DRAWS = 10, 100
MIXES = ((6, 2), (4, 4), (5, 3, 2))
#: A name counts as a keyword, and "first" or "second" is a word of many papers: these are words of none.
NAMES = ("aaa", "bbb", "ccc")


@dataclass(frozen=True)
class Draw:
    """A reader who likes so many papers of each topic."""

    topics: tuple[str, ...]
    liked: tuple[tuple[str, ...], ...]

    def explicit(self) -> Profile:
        named = zip(NAMES, self.liked, strict=False)
        return calm(interests=tuple(Interest(name, len(liked), liked=liked) for name, liked in named))

    def unmerged(self) -> Profile:
        return calm(interests=(Interest("aaa", liked=tuple(name for liked in self.liked for name in liked)),))

    def loose(self) -> Profile:
        names = [name for liked in self.liked for name in liked]
        return calm(liked=tuple(random.Random(names[0]).sample(names, len(names))))


def calm(interests: tuple[Interest, ...] = (), liked: tuple[str, ...] = ()) -> Profile:
    return Profile(interests, liked=liked, size=PLACES, hype=0, surprise=0)


@cache
def seeds() -> Pool:
    entries, problems = read_entries((ROOT / "seeds/papers.jsonl").read_bytes(), NOON)
    assert not problems
    assert {entry.id for entry in entries} == set(LABELS)
    return prepare(entries)


@cache
def draws(mix: tuple[int, ...]) -> tuple[Draw, ...]:
    """Only readers whose topics have as many papers left as their fair share: nobody can be shown what is not there."""
    chance = random.Random(f"calibration of {mix}")
    found: list[Draw] = []
    while len(found) < DRAWS:
        topics = tuple(chance.sample(TOPICS, len(mix)))
        papers = [sorted(name for name, label in LABELS.items() if label == topic) for topic in topics]
        pairs = list(zip(papers, mix, strict=True))
        if all(len(some) - number >= PLACES * number / sum(mix) for some, number in pairs):
            found.append(Draw(topics, tuple(tuple(chance.sample(some, number)) for some, number in pairs)))
    return tuple(found)


def shares(mix: tuple[int, ...], ask: Callable[[Draw], Profile]) -> list[float]:
    """Per place in the mix: papers that are truly of its topic, in parts of its fair share, mean over all draws.

    Without a floor: a third of these papers are of each topic, so that they are hardly above what is usual.
    """
    editions = select(seeds(), [ask(draw) for draw in draws(mix)], defaults=Defaults(floor=0))
    counts = [Counter(LABELS[pick.entry.id] for pick in picks) for picks in editions]
    got = [[count[topic] for topic in draw.topics] for draw, count in zip(draws(mix), counts, strict=True)]
    return [fmean(row[place] for row in got) * sum(mix) / PLACES / mix[place] for place in range(len(mix))]


def mean_ndcg(mix: tuple[int, ...], ask: Callable[[Draw], Profile]) -> float:
    """nDCG@10 where every paper of any topic of the reader is as good as another."""
    editions = select(seeds(), [ask(draw) for draw in draws(mix)], defaults=Defaults(floor=0))
    return fmean(ndcg(draw, picks) for draw, picks in zip(draws(mix), editions, strict=True))


def ndcg(draw: Draw, picks: Sequence[Pick]) -> float:
    left = sum(label in draw.topics for label in LABELS.values()) - sum(map(len, draw.liked))
    found = (1 / math.log2(place + 2) for place, pick in enumerate(picks) if LABELS[pick.entry.id] in draw.topics)
    return sum(found) / sum(1 / math.log2(place + 2) for place in range(min(PLACES, left)))


@pytest.mark.parametrize("mix", MIXES)
def test_every_interest_gets_its_fair_share_by_the_true_topic(mix: tuple[int, ...]) -> None:
    found = shares(mix, Draw.explicit)

    assert all(0.80 <= share <= 1.20 for share in found), found


@pytest.mark.parametrize(("mix", "most"), [((6, 2), 0.03), ((4, 4), 0.06)])
def test_fair_shares_cost_little_relevance(mix: tuple[int, ...], most: float) -> None:
    merged, unmerged = mean_ndcg(mix, Draw.explicit), mean_ndcg(mix, Draw.unmerged)

    assert merged >= (1 - most) * unmerged, (merged, unmerged)


@pytest.mark.parametrize("mix", MIXES)
def test_topics_among_loose_likes_get_at_least_three_quarters_of_their_share(mix: tuple[int, ...]) -> None:
    found = shares(mix, Draw.loose)

    assert min(found) >= 0.75, found
