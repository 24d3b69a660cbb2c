"""Keep N connections busy: each takes the next mail, asks the ledger, sends, and writes down the answer.

Work.claim ─▶ queue ─▶ N × (open ─▶ send(mail, begin) ─▶ settle)
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Generic, Protocol, TypeVar

from newsletter.errors import Deferred, DeliveryError, HostDown, Refused, Uncertain, Withdrawn
from newsletter.sender.pace import pause
from newsletter.sender.transport import Connection, Transport
from newsletter.types import Delivery, Mail, Outcome

HOST_PATIENCE = 3  #: failures in a row, without one mail accepted or refused, before a run gives up on the server
HOST_PAUSE = 0.5  #: seconds before the server is tried again, doubled each time

Handle = TypeVar("Handle")  #: the ledger's own hold on a delivery; dispatch only hands it back


@dataclass(frozen=True, slots=True)
class Job(Generic[Handle]):
    """One mail to send."""

    handle: Handle
    delivery: Delivery
    mail: Mail


class Work(Protocol[Handle]):
    """What a run needs of the ledger. Engine provides it."""

    async def claim(self) -> Sequence[Job[Handle]]:
        """The next mails; empty when nothing is due."""
        ...

    async def begin(self, handle: Handle) -> None:
        """Durable when it returns; raises Withdrawn when the mail must not go out."""
        ...

    async def settle(self, handle: Handle, delivery: Delivery) -> None:
        """Write down what became of it."""
        ...


@dataclass(slots=True)
class Run(Generic[Handle]):
    """One run over what is due now. `stop` ends it after the mails in flight."""

    work: Work[Handle]
    transport: Transport
    connections: int
    retry: Sequence[timedelta]
    now: Callable[[], datetime]
    stop: asyncio.Event
    on_settled: Callable[[Delivery], None] = lambda delivery: None
    failures: int = 0  #: of the server, in a row
    trouble: str = ""  #: why the run gave up, in the server's words
    _queue: asyncio.Queue[Job[Handle] | None] = field(default_factory=asyncio.Queue)

    async def finish(self) -> None:
        """Send until nothing is due, the server is down, or `stop` is set. Errors of ours propagate."""
        workers = [asyncio.create_task(self._worker()) for _ in range(self.connections)]
        feeder = asyncio.create_task(self._feed())
        try:
            await asyncio.gather(feeder, *workers)
        finally:
            for task in (feeder, *workers):
                task.cancel()
            await asyncio.gather(feeder, *workers, return_exceptions=True)

    async def _feed(self) -> None:
        """The next block is claimed and rendered while the last one is sent."""
        while not self.stop.is_set() and (jobs := await self.work.claim()):
            for job in jobs:
                self._queue.put_nowait(job)
            while self._queue.qsize() > len(jobs) // 2 and not self.stop.is_set():
                await asyncio.sleep(0.005)
        for _ in range(self.connections):
            self._queue.put_nowait(None)

    async def _worker(self) -> None:
        connection: Connection | None = None
        try:
            while (job := await self._queue.get()) is not None and not self.stop.is_set():
                connection = await self._deliver(job, connection)
        finally:
            if connection:
                await connection.close()

    async def _deliver(self, job: Job[Handle], connection: Connection | None) -> Connection | None:
        """Send one mail; returns the connection if it is still good for the next."""
        fresh = connection is None
        try:
            connection = connection or await self.transport.open()
            words = await connection.send(job.mail, lambda: self.work.begin(job.handle))
        except HostDown as error:
            if not fresh:  # the server may have ended an old conversation: once more on a new one
                return await self._deliver(job, None)
            await self._host_down(job, error)
            return None
        except Withdrawn:  # the ledger has settled it, or another sender holds it
            return None
        except DeliveryError as error:
            await self._settle(job, _verdict(job.delivery, error, self.now(), self.retry))
            return None if isinstance(error, Uncertain) or error.code == 421 else connection
        await self._settle(job, replace(job.delivery, outcome=Outcome.ACCEPTED, code=250, detail=words))
        return connection

    async def _settle(self, job: Job[Handle], delivery: Delivery) -> None:
        self.failures = 0
        settled = replace(delivery, attempts=delivery.attempts + 1, message_id=job.mail.message_id)
        await self.work.settle(job.handle, settled)
        self.on_settled(settled)

    async def _host_down(self, job: Job[Handle], error: HostDown) -> None:
        """Not this mail's fault: it keeps its turn. After some patience the run ends and says why."""
        self.failures += 1
        self.trouble = str(error)
        if self.failures >= HOST_PATIENCE:
            self.stop.set()
            return
        self._queue.put_nowait(job)
        await asyncio.sleep(HOST_PAUSE * 2 ** (self.failures - 1))


def _verdict(delivery: Delivery, error: DeliveryError, now: datetime, retry: Sequence[timedelta]) -> Delivery:
    told = replace(delivery, code=error.code, detail=str(error))
    if isinstance(error, Refused):
        return replace(told, outcome=Outcome.REFUSED)
    if isinstance(error, Deferred):
        return replace(told, outcome=Outcome.DEFERRED, due=now + pause(delivery.attempts + 1, retry))
    return replace(told, outcome=Outcome.UNCERTAIN)
