"""Group commit: the marks of all connections in one transaction, one fsync for many mails."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress

from newsletter.errors import StoreBusy
from newsletter.store import Claim, Store
from newsletter.types import Outcome

GATHER = 0.0005  #: seconds that a transaction waits for others to join
QUICK = 0.004  #: seconds for a transaction


class GroupCommit:
    """Begins and settles of all connections, written in one transaction.

    Where a disk is quick and nobody else writes, in the event loop's own thread: another one would have to take turns
    with it for longer than the fsync takes (1.15 times as many mails a second by tests/benchmarks/send.py).
    """

    def __init__(self, store: Store) -> None:
        self._ledger = store.ledger
        self._begins: list[tuple[Claim, asyncio.Future[Outcome]]] = []
        self._settles: list[tuple[Claim, asyncio.Future[Outcome]]] = []
        self._writer: asyncio.Task[None] | None = None
        self._quick = False  #: the last transaction was

    def begin(self, claim: Claim) -> asyncio.Future[Outcome]:
        """SENDING when the mark is durable; otherwise the mail must not go out."""
        return self._queued(self._begins, claim)

    def settle(self, claim: Claim) -> asyncio.Future[Outcome]:
        """Durable when it is done; written no later than what is begun after this call."""
        return self._queued(self._settles, claim)

    def _queued(self, queue: list[tuple[Claim, asyncio.Future[Outcome]]], claim: Claim) -> asyncio.Future[Outcome]:
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        queue.append((claim, answer))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        return answer

    async def _write(self) -> None:
        """What arrives while one transaction is written waits for the next one."""
        while self._begins or self._settles:
            await asyncio.sleep(GATHER)
            begins = [begin for begin in self._begins if not begin[1].cancelled()]  # settles go first, and free these
            settles = self._settles
            self._begins, self._settles = [], []
            try:
                marks = await self._written([claim for claim, _ in begins], [claim for claim, _ in settles])
            except Exception as error:  # noqa: BLE001  (nobody may wait for ever for an answer; each raises it)
                _answer(begins + settles, [error] * len(begins + settles))
            else:
                _answer(begins + settles, marks + [claim.delivery.outcome for claim, _ in settles])

    async def _written(self, begins: Sequence[Claim], settles: Sequence[Claim]) -> list[Outcome]:
        began = time.perf_counter()
        try:
            if self._quick:
                with suppress(StoreBusy):
                    return self._ledger.write(begins, settles, wait=False)
            return await asyncio.to_thread(self._ledger.write, begins, settles)
        finally:
            self._quick = time.perf_counter() - began < QUICK


def _answer(waiting: Sequence[tuple[Claim, asyncio.Future[Outcome]]], results: Sequence[Outcome | Exception]) -> None:
    for (_, answer), result in zip(waiting, results, strict=True):
        if answer.done():  # its connection was cancelled meanwhile
            continue
        if isinstance(result, Exception):
            answer.set_exception(result)
        else:
            answer.set_result(result)
