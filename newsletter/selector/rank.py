"""Rank the pool for many readers. Pure: a pool and profiles in, picks out.

profiles ─ read ─▶ readers ─ arrays ─▶ kernel.choose (fit, rank, merge) ─▶ chosen ─ tell ─▶ picks with their reasons
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence, Set
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import pairwise

import numpy as np

from newsletter.selector import kernel
from newsletter.selector.kernel import Chosen, Readers
from newsletter.selector.pool import Pool
from newsletter.selector.readers import Defaults, Reader, arrays, read, wanted
from newsletter.selector.reasons import tell
from newsletter.selector.table import fits
from newsletter.types import Pick, Profile

BLOCK = 2048  #: readers chosen for at once
SMALL = 40_000  #: candidates × likes and words of all readers: below this the kernel is interpreted, in some 30 ms


def select(
    pool: Pool, profiles: Sequence[Profile], seen: Sequence[Set[str]] = (), defaults: Defaults | None = None
) -> list[tuple[Pick, ...]]:
    """The picks of each profile, in their order; seen[i] holds ids that profile i must not get again.

    Interests get places by weight, so scores need not fall from one pick to the next. Exploratory picks follow the
    regular ones; popular ones fill what is left and say so. A paper comes once, however many ids it has.
    """
    return [picks for some in _blocks(pool, profiles, seen, defaults or Defaults()) for picks in some]


def _blocks(
    pool: Pool, profiles: Sequence[Profile], seen: Sequence[Set[str]], defaults: Defaults
) -> Iterator[list[tuple[Pick, ...]]]:
    """While one block is told in Python, the next one is chosen in machine code."""
    hidden: Sequence[Set[str]] = seen or [frozenset()] * len(profiles)
    if len(hidden) != len(profiles):
        raise ValueError("seen must hold one set per profile")
    with ThreadPoolExecutor(1) as ahead:
        waiting: Future[tuple[Sequence[Reader], Readers, Chosen]] | None = None
        for readers in _fitting(pool, profiles, hidden, defaults):
            before, waiting = waiting, ahead.submit(_chosen, pool, readers)
            if before:
                yield tell(pool, *before.result())
        if waiting:
            yield tell(pool, *waiting.result())


def _fitting(
    pool: Pool, profiles: Sequence[Profile], seen: Sequence[Set[str]], defaults: Defaults
) -> Iterator[Sequence[Reader]]:
    """Blocks of readers; one whose likes are too many for the table is halved."""
    for start in range(0, len(profiles), BLOCK):
        pairs = zip(profiles[start : start + BLOCK], seen[start : start + BLOCK], strict=True)
        parts = [[read(pool, profile, ids, defaults) for profile, ids in pairs]]
        while parts:
            part = parts.pop()
            if len(part) > 1 and not fits(pool, len(set(wanted(part)))):
                parts += [part[len(part) // 2 :], part[: len(part) // 2]]
            else:
                yield part


def _chosen(pool: Pool, readers: Sequence[Reader]) -> tuple[Sequence[Reader], Readers, Chosen]:
    with pool.table.lock:
        return (readers, *choose(pool, readers))


def choose(pool: Pool, readers: Sequence[Reader]) -> tuple[Readers, Chosen]:
    """The choice for these readers as arrays; the caller holds the table's lock."""
    numbers = pool.table.numbers(pool, wanted(readers))
    block = arrays(readers, numbers)
    largest = min(int(block.size.max(initial=0)), pool.size)
    chosen = kernel.room(len(readers), max(largest, 0), len(block.atom))
    trend = np.nan_to_num(pool.trend, nan=0.5)
    given = (pool.table.steps, pool.table.sizes, pool.table.fields, trend, pool.story, pool.popular, block)
    if (len(block.atom) + len(block.less) + len(readers)) * pool.size < SMALL:
        kernel.choose(*given, 0, len(readers), chosen)
        return block, chosen
    compiled, parts = kernel.compiled(), os.cpu_count() or 1
    edges = np.linspace(0, len(readers), parts + 1).astype(int)
    with ThreadPoolExecutor(parts) as threads:
        jobs = [threads.submit(compiled, *given, int(a), int(b), chosen) for a, b in pairwise(edges)]
    for job in jobs:
        job.result()
    return block, chosen
