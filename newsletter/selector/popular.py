"""What many like, beside anybody's own papers."""

from __future__ import annotations

from collections.abc import Sequence, Set
from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from newsletter.selector.features import learn
from newsletter.selector.pool import Pool, by_trend, distinct, duplicates, trend_of
from newsletter.selector.profile_arrays import hidden
from newsletter.selector.reason_texts import Wording, wording
from newsletter.selector.similarity import beside
from newsletter.selector.term_counts import count_terms
from newsletter.selector.tokens import terms
from newsletter.types import RISING, Entry, Pick, Profile

if TYPE_CHECKING:
    from newsletter.i18n import Messages

MOST = 3  #: told to a reader
LOOKED_AT = 30  #: candidates, so that who has seen some gets others
WIDER = (2, 8, 32)  #: times as many leading papers as are wanted are held beside each other; more for many twins
SHARED = 0.4  #: of their terms: two papers with less in common are no twins, so nothing has to be learnt for them


def popular(
    pool: Pool, profiles: Sequence[Profile], seen: Sequence[Set[str]], picks: Sequence[Sequence[Pick]]
) -> list[tuple[Entry, ...]]:
    """The rising papers that each profile neither gets as a pick nor saw, muted or spoke about; best first.

    A story of which the reader has one paper is not told by another one. Nothing for hype 0, which asks for that.
    """
    rising = [candidate for candidate in pool.popular[:LOOKED_AT].tolist() if pool.trend[candidate] >= RISING]
    found = []
    for profile, gone, own in zip(profiles, seen, picks, strict=True):
        wanted = rising if rising and profile.hype != 0 else []
        found.append(_for_one(pool, wanted, hidden(pool, profile, gone), own) if wanted else ())
    return found


def _for_one(pool: Pool, rising: Sequence[int], gone: Set[int], picks: Sequence[Pick]) -> tuple[Entry, ...]:
    shown_stories = {int(pool.duplicate_of[pool.same[pick.entry.id]]) for pick in picks}
    found: list[Entry] = []
    for candidate in rising:
        story = int(pool.duplicate_of[candidate])
        if candidate not in gone and story not in shown_stories and len(found) < MOST:
            shown_stories.add(story)
            found.append(pool.entries[candidate])
    return tuple(found)


def for_everybody(entries: Sequence[Entry], size: int, messages: Messages) -> tuple[Pick, ...]:
    """What a reader without interests gets of these candidates, told without a word about interests.

    Of the candidates alone: nobody's likes and no vectors change it. Only leading papers are held beside each other,
    which of 2,000 takes less than a hundredth of what `prepare` does [measured].
    """
    candidates, _ = distinct(entries)
    rises = {entry.id: entry.trend for entry in entries if entry.trend is not None}
    trend = trend_of(candidates, rises or None)
    scores = np.round(np.nan_to_num(trend, nan=0.5), 6).tolist()
    words = wording(messages.gettext, messages.ngettext, messages.number, messages.isolated)
    return tuple(
        Pick(candidates[place], scores[place], "", (_why(words, scores[place]),))
        for place in _told_once(candidates, by_trend(candidates, trend).tolist(), size)
    )


def _told_once(candidates: Sequence[Entry], places: Sequence[int], size: int) -> list[int]:
    """The first `size` of the places; of those that tell one story only the first."""
    found: list[int] = []
    for times in WIDER:
        leading = places[: times * size]
        found = [leading[number] for number in _first_tellings([candidates[place] for place in leading])]
        if len(found) >= size or len(leading) == len(places):
            break
    return found[:size]


def _first_tellings(entries: Sequence[Entry]) -> list[int]:
    """The places of those that tell no story which one before them tells."""
    said = [frozenset(terms(f"{entry.title} {entry.abstract}")) for entry in entries]
    if not any(len(one & other) > SHARED * min(len(one), len(other)) for one, other in combinations(said, 2)):
        return [*range(len(entries))]
    counts = count_terms(entries)
    rows = learn(counts).weigh(counts.counted)
    return [place for place, first in enumerate(duplicates(rows, beside(rows)).tolist()) if first == place]


def _why(words: Wording, trend: float) -> str:
    return words.trending if trend >= RISING else words.new_to_all
