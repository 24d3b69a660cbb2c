"""Rank the pool for many readers. Pure: a pool and profiles in, picks out.

profiles ─ read ─▶ block ─ arrays ─▶ kernel.choose (fit, rank, merge) ─▶ chosen ─ tell ─▶ picks with their reasons
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence, Set
from concurrent.futures import Future, ThreadPoolExecutor
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from newsletter.selector import kernel
from newsletter.selector.jit import processors
from newsletter.selector.kernel import Chosen, Readers
from newsletter.selector.pool import Pool
from newsletter.selector.profile_arrays import Block, Defaults, arrays, read
from newsletter.selector.reason_texts import Wording, wording
from newsletter.selector.reasons import tell
from newsletter.selector.score_table import fits
from newsletter.selector.selection import Selection, selections
from newsletter.types import Pick, Profile

if TYPE_CHECKING:
    from newsletter.i18n import Messages

LANGUAGES = 64  #: whose words are kept at hand
BLOCK = 2048  #: readers chosen for at once
LARGE = 300  #: candidates: to choose among so many takes 5 ms where the kernel is interpreted
SMALL = 40_000  #: candidates × likes and words of all readers: below this the kernel is interpreted, in some 30 ms


def select(
    pool: Pool,
    profiles: Sequence[Profile],
    seen: Sequence[Set[str]] = (),
    defaults: Defaults | None = None,
    messages: Sequence[Messages] = (),
) -> list[tuple[Pick, ...]]:
    """The picks of each profile, in their order; as `find` does."""
    return [found.picks for found in find(pool, profiles, seen, defaults, messages)]


def find(
    pool: Pool,
    profiles: Sequence[Profile],
    seen: Sequence[Set[str]] = (),
    defaults: Defaults | None = None,
    messages: Sequence[Messages] = (),
) -> list[Selection]:
    """What is chosen for each profile, in their order; seen[i] holds ids that profile i must not get again.

    messages[i] is what profile i is told its reasons in; English by default.

    Interests get places by weight, so scores need not fall from one pick to the next. Exploratory picks follow the
    regular ones; where a profile wants it, popular ones fill what is left and say so. A paper comes once, however many
    ids it has.
    """
    wordings = _wordings(messages)
    if len(wordings) not in (0, len(profiles)):
        raise ValueError("messages must hold one language per profile")
    return [each for some in _blocks(pool, profiles, seen, defaults or Defaults(), wordings) for each in some]


def _wordings(messages: Sequence[Messages]) -> list[Wording]:
    return [_wording(catalogue) for catalogue in messages]


@lru_cache(maxsize=LANGUAGES)
def _wording(catalogue: Messages) -> Wording:
    return wording(catalogue.gettext, catalogue.ngettext, catalogue.number, catalogue.isolated)


def _blocks(
    pool: Pool,
    profiles: Sequence[Profile],
    seen: Sequence[Set[str]],
    defaults: Defaults,
    wordings: Sequence[Wording],
) -> Iterator[list[Selection]]:
    """While one block is told in Python, the next one is chosen in machine code, by all processors that have time."""
    hidden: Sequence[Set[str]] = seen or [frozenset()] * len(profiles)
    if len(hidden) != len(profiles):
        raise ValueError("seen must hold one set per profile")
    if len(profiles) == 1:  # a page waits: to start threads would take longer than the choice
        for block in _fitting(pool, profiles, hidden, defaults):
            yield _told(pool, _chosen(pool, block, 1), wordings)
        return
    threads = processors()
    with ThreadPoolExecutor(1) as ahead:
        waiting: Future[tuple[Block, Readers, Chosen]] | None = None
        told = 0
        for block in _fitting(pool, profiles, hidden, defaults):
            before, waiting = waiting, ahead.submit(_chosen, pool, block, threads)
            if before:
                found = _told(pool, before.result(), wordings[told : told + len(before.result()[0].size)])
                told += len(found)
                yield found
        if waiting:
            yield _told(pool, waiting.result(), wordings[told:])


def _told(pool: Pool, choice: tuple[Block, Readers, Chosen], wordings: Sequence[Wording]) -> list[Selection]:
    return selections(pool, *choice, tell(pool, *choice, wordings))


def warm(pool: Pool, profiles: Sequence[Profile], largest: int) -> None:
    """Compute ahead what the likes and words of these readers say: then a choice for one of them takes a millisecond.

    largest: bytes that the pool's table may have from now on; a fourth of it is left to readers who are not known yet.
    For a pool of some size the kernel is compiled, too.
    """
    block = read(pool, profiles, [frozenset()] * len(profiles), Defaults())
    room = largest * 3 // 4 // (2 * max(pool.size, 1))
    atoms = list(dict.fromkeys((*block.atom, *block.less)))[:room]
    with pool.table.lock:
        pool.table.largest = largest
        pool.table.numbers(pool, atoms)
        if pool.size >= LARGE:
            nobody = Block(size=[1], hype=[0.0], surprise=[0.0], fill=[False])
            kernel.compiled()(pool.table.scores, pool.arrays, arrays(nobody, {}), 0, 0, kernel.room(0, 1, 0, 0))


def _fitting(pool: Pool, profiles: Sequence[Profile], seen: Sequence[Set[str]], defaults: Defaults) -> Iterator[Block]:
    """Blocks of readers; one whose likes are too many for the table is halved."""
    parts = [slice(start, min(start + BLOCK, len(profiles))) for start in range(0, len(profiles), BLOCK)][::-1]
    while parts:
        part = parts.pop()
        block, middle = read(pool, profiles[part], seen[part], defaults), (part.start + part.stop) // 2
        if middle > part.start and not fits(pool, len({*block.atom, *block.less})):
            parts += [slice(middle, part.stop), slice(part.start, middle)]
        else:
            yield block


def _chosen(pool: Pool, block: Block, threads: int) -> tuple[Block, Readers, Chosen]:
    with pool.table.lock:
        return (block, *choose(pool, block, threads))


def choose(pool: Pool, block: Block, threads: int = 1) -> tuple[Readers, Chosen]:
    """The choice for these readers as arrays; the caller holds the table's lock."""
    readers = arrays(block, pool.table.numbers(pool, (*block.atom, *block.less)))
    number, largest = len(block.size), min(max(block.size, default=0), pool.size)
    chosen = kernel.room(number, max(largest, 0), len(block.atom), len(block.weight))
    given = (pool.table.scores, pool.arrays, readers)
    if not kernel.is_compiled() and (len(block.atom) + len(block.less) + number) * pool.size < SMALL:
        kernel.choose(*given, 0, number, chosen)
        return readers, chosen
    compiled, edges = kernel.compiled(), np.linspace(0, number, threads + 1).astype(int)
    if threads == 1:
        compiled(*given, 0, number, chosen)
        return readers, chosen
    with ThreadPoolExecutor(threads) as workers:
        jobs = [workers.submit(compiled, *given, int(a), int(b), chosen) for a, b in pairwise(edges)]
    for job in jobs:
        job.result()
    return readers, chosen
