"""The selector: the few entries of a pool that matter to each reader, with reasons. Pure.

prepare   entries ─▶ features, once per issue
select    profiles ─▶ interests ─▶ scores ─▶ fair merge ─▶ picks with reasons, a block of readers at a time
"""

from __future__ import annotations

import math
from collections.abc import Sequence, Set
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from newsletter.selector._interim.features import Floats
from newsletter.selector._interim.merge import merge
from newsletter.selector._interim.profile import by_author, interests_of, muted
from newsletter.selector._interim.rank import AUTHOR, Pool, prepare, queries, scores
from newsletter.selector._interim.reasons import reasons
from newsletter.types import Interest, Pick, Profile

__all__ = ["HYPE", "SIZE", "SURPRISE", "Pool", "prepare", "select"]

SIZE, HYPE, SURPRISE = 10, 0.2, 0.1  #: where a profile says nothing
FLOOR = 0.04  #: a weaker match than this is none
RELATIVE_FLOOR = 0.12  #: nor is one below this share of the interest's best
DISLIKE = 0.5  #: how far an entry near a disliked one is moved down
TREND = 0.5  #: what a trend of 1 adds, at hype 1, to an interest's best score of 1
BLOCK = 256  #: profiles whose scores are in memory together


@dataclass(frozen=True, slots=True)
class _Reader:
    """One profile, and which rows of the block's arrays are its interests."""

    profile: Profile
    interests: tuple[Interest, ...]
    rows: range
    seen: Set[str]


def select(pool: Pool, profiles: Sequence[Profile], seen: Sequence[Set[str]] = ()) -> list[tuple[Pick, ...]]:
    """The picks of each profile, best first, in the profiles' order; `seen[i]` are ids never to be picked for it.

    Deterministic: equal scores keep their order by id, and the order of the input does not matter.
    """
    chosen: list[tuple[Pick, ...]] = []
    for start in range(0, len(profiles), BLOCK):
        block = profiles[start : start + BLOCK]
        hidden = list(seen[start : start + BLOCK]) + [frozenset()] * len(block)
        chosen += _select_block(pool, block, hidden)
    return chosen


def _select_block(pool: Pool, profiles: Sequence[Profile], seen: Sequence[Set[str]]) -> list[tuple[Pick, ...]]:
    readers: list[_Reader] = []
    everything: list[Interest] = []
    for profile, hidden in zip(profiles, seen, strict=False):
        interests = interests_of(profile)
        rows = range(len(everything), len(everything) + len(interests))
        readers.append(_Reader(profile, interests, rows, hidden))
        everything += interests
    words, liked = queries(pool, everything)
    likes = np.array([sum(each in pool.place for each in one.liked) for one in everything], np.float32)
    matrix = scores(pool, words, liked, likes)
    asked = sparse.csr_matrix(words + liked)
    return [_edition(pool, reader, matrix[list(reader.rows)], asked[list(reader.rows)]) for reader in readers]


def _edition(pool: Pool, reader: _Reader, raw: Floats, asked: sparse.csr_matrix) -> tuple[Pick, ...]:
    size = reader.profile.size or SIZE
    open_rows = _open_rows(pool, reader)
    if not reader.interests:
        return tuple(_popular(pool, reader, row) for row in _by_trend(pool, open_rows)[:size])
    weighed = _weighed(pool, reader, raw)
    rankings = [_ranking(one, line, open_rows) for one, line in zip(weighed, _matched(raw, weighed), strict=True)]
    slots = merge(rankings, [interest.weight for interest in reader.interests], size)
    slots = _surprised(slots, weighed, raw, open_rows, _share(reader.profile.surprise, SURPRISE), size)
    picks = [_pick(pool, reader, row, place, weighed, asked) for row, place in slots]
    rest = [row for row in _by_trend(pool, open_rows, weighed.max(axis=0)) if row not in {row for row, _ in slots}]
    return tuple(picks + [_popular(pool, reader, row) for row in rest[: size - len(picks)]])


def _open_rows(pool: Pool, reader: _Reader) -> list[int]:
    """Candidates that may be picked: not seen, not muted, not an example, no second one of the same title."""
    profile = reader.profile
    closed = {*reader.seen, *profile.liked, *profile.disliked, *(e for i in profile.interests for e in i.liked)}
    rows, titles = [], set()
    for row, entry in enumerate(pool.entries):
        if entry.id in closed or (profile.muted and muted(entry, profile.muted)):
            continue
        title = " ".join(entry.title.casefold().split())
        if title not in titles:
            titles.add(title)
            rows.append(row)
    return rows


def _weighed(pool: Pool, reader: _Reader, raw: Floats) -> Floats:
    """Scores with authors, disliked papers and the trend; each interest's best match is 1 before that."""
    best = np.maximum(raw.max(axis=1, initial=0), 1e-9)[:, None]
    weighed = raw / best
    for line, interest in enumerate(reader.interests):
        if interest.authors:
            weighed[line] += [AUTHOR * bool(by_author(entry, interest.authors)) for entry in pool.entries]
    disliked = [pool.place[each] for each in reader.profile.disliked if each in pool.place]
    if disliked:
        weighed -= DISLIKE * np.asarray((pool.candidates @ pool.texts[disliked].T).todense()).max(axis=1)
    hype = _share(reader.profile.hype, HYPE)
    return np.asarray(weighed + hype * TREND * (np.nan_to_num(pool.trend, nan=0.5) - 0.5), np.float32)


def _matched(raw: Floats, weighed: Floats) -> list[np.ndarray]:
    """Which entries serve an interest at all: the words or liked papers, or a pinned author, speak for them."""
    best = raw.max(axis=1, initial=0)[:, None]
    enough = (raw >= FLOOR) & (raw >= RELATIVE_FLOOR * best)
    return list(enough | (weighed - raw / np.maximum(best, 1e-9) >= AUTHOR / 2 + TREND / 2))


def _ranking(line: Floats, matched: np.ndarray, open_rows: Sequence[int]) -> list[int]:
    rows = np.array([row for row in open_rows if matched[row]], np.int64)
    return [int(row) for row in rows[np.argsort(-line[rows], kind="stable")]]


def _surprised(
    slots: list[tuple[int, int]], weighed: Floats, raw: Floats, open_rows: Sequence[int], share: float, size: int
) -> list[tuple[int, int]]:
    """Give the last `share` of the slots to entries near, but outside: interest -1. They share something."""
    number = math.floor(share * size + 1e-9)
    taken = {row for row, _ in slots[: size - number]}
    near = [row for row in open_rows if row not in {row for row, _ in slots} and raw[:, row].max() > 0]
    near.sort(key=lambda row: (-weighed[:, row].max(), row))
    if not number or len(slots) < size:
        return slots
    return (
        [slot for slot in slots if slot[0] in taken]
        + [(row, -1) for row in near[:number]]
        + slots[size - number + len(near[:number]) :]
    )


def _pick(pool: Pool, reader: _Reader, row: int, place: int, weighed: Floats, asked: sparse.csr_matrix) -> Pick:
    if place < 0:
        score = float(weighed[:, row].max())
        return Pick(pool.entries[row], score, "", ("a little outside your interests",))
    interest, hype = reader.interests[place], _share(reader.profile.hype, HYPE)
    told = reasons(pool, row, interest, asked[place], hype)
    return Pick(pool.entries[row], float(weighed[place, row]), interest.name, told)


def _by_trend(pool: Pool, rows: Sequence[int], scores: Floats | None = None) -> list[int]:
    """Most talked about first; then the better match, then the newer, then by id."""
    trend = np.nan_to_num(pool.trend, nan=-1)
    match = np.zeros(len(pool.entries), np.float32) if scores is None else scores

    def key(row: int) -> tuple[float, float, float, int]:
        published = pool.entries[row].published
        return -float(trend[row]), -float(match[row]), -(published.timestamp() if published else 0.0), row

    return sorted(rows, key=key)


def _popular(pool: Pool, reader: _Reader, row: int) -> Pick:
    """A pick that serves no interest, and says so."""
    what = "trending this week" if np.isfinite(pool.trend[row]) else "new this week"
    where = "outside your interests" if reader.interests else "you have named no interests yet"
    return Pick(pool.entries[row], float(np.nan_to_num(pool.trend[row], nan=0.0)), "", (f"{what}, {where}",))


def _share(value: float | None, default: float) -> float:
    return default if value is None or not math.isfinite(value) else min(max(value, 0.0), 1.0)
