"""How fast papers rise: growth of votes, comments and stars in seven days, beside papers of the same age and field.

    growth   log(1 + what was added in 7 days), per source and signal
    place    its percentile among the papers of the same field and age, shrunk towards .5 where these are few
    trend    mean place over the signals there are, shrunk towards .5 where these are few; no signal: no trend

The formulas of Hacker News and Reddit decay by the hour: to tie with 30 votes at one day, a paper of six days would
need 1,409 votes by the one and 10^11 by the other. A weekly mail compares papers of equal age instead. Physics does
not have to beat the votes of machine learning: the field is the archive of the first topic. A signal that a source
does not give is not zero.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

WINDOW = 7  #: days
FEW_PAPERS = 4.0  #: a place among so many papers counts half
FEW_SIGNALS = 0.25  #: one signal alone counts for 1 / (1 + FEW_SIGNALS) of its distance from the middle
SHORTEST = 2  #: days of counts from which the growth of seven is extrapolated
AGES = (1, 2, 3, 4, 6, 8, 11, 15, 22)  #: days; papers between two of these are of the same age


@dataclass(frozen=True, slots=True)
class Counted:
    """One paper and its counts: "source/votes" → (day, count), oldest first."""

    key: str
    field: str
    age: int  #: days since it was published
    counts: Mapping[str, Sequence[tuple[int, int]]]


def trends(papers: Iterable[Counted], today: int) -> dict[str, float]:
    """Key → trend, 0..1, for the papers that have a signal. `today`: a day number like those of the counts."""
    places: dict[str, list[float]] = defaultdict(list)
    groups: dict[tuple[str, str, int], list[tuple[str, float]]] = defaultdict(list)
    for paper in papers:
        for signal, counts in paper.counts.items():
            rise = growth(counts, today, paper.age)
            if rise is not None:
                groups[signal, paper.field, bisect_right(AGES, paper.age)].append((paper.key, rise))
    for group in groups.values():
        ordered = sorted(rise for _, rise in group)
        for key, rise in group:
            places[key].append(_place(ordered, rise))
    return {key: 0.5 + sum(place - 0.5 for place in some) / (len(some) + FEW_SIGNALS) for key, some in places.items()}


def growth(counts: Sequence[tuple[int, int]], today: int, age: int) -> float | None:
    """log(1 + growth in WINDOW days), or None where it cannot be known; `counts`: (day, count), oldest first.

    A paper not older than the window started from zero. Of an older one whose counts do not reach back so far, the
    growth is extrapolated from SHORTEST days or more.
    """
    if not counts or today - counts[-1][0] > WINDOW:
        return None
    last_day, last = counts[-1]
    before = [(day, count) for day, count in counts if day <= today - WINDOW]
    if before or age <= WINDOW:
        return math.log1p(max(0, last - (before[-1][1] if before else 0)))
    first_day, first = counts[0]
    if last_day - first_day < SHORTEST:
        return None
    return math.log1p(max(0, last - first) * WINDOW / (last_day - first_day))


def _place(ordered: Sequence[float], rise: float) -> float:
    """The share of the others that rise less, equal ones by half, shrunk towards .5 where there are few others."""
    others = len(ordered) - 1
    if not others:
        return 0.5
    below = (bisect_left(ordered, rise) + bisect_right(ordered, rise) - 1) / 2
    return 0.5 + (below / others - 0.5) * others / (others + FEW_PAPERS)


def field_of(topics: Sequence[str]) -> str:
    """The archive of the first arXiv category ("cs" of cs.AI), else the first topic."""
    archives = [topic.partition(".")[0] for topic in topics if topic[:1].islower() and " " not in topic]
    return (archives or [*topics, ""])[0]
