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

HOST_PATIENCE = 3  #: times a mail is tried on a server that hangs up, before the run gives up on the server
HOST_PAUSE = 0.5  #: seconds before the server is tried again, doubled each time
PREFETCH = 32  #: rendered mails that may wait for a connection

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
    on_settled: Callable[[Delivery], None]
    failures: int = 0  #: of the server, in a row
    trouble: str = ""  #: the last words of a server that hung up
    gave_up: bool = False
    _queue: asyncio.Queue[Job[Handle] | None] = field(default_factory=lambda: asyncio.Queue(PREFETCH))

    async def finish(self) -> None:
        """Send until nothing is due, the server is down, or `stop` is set. Errors of ours propagate."""
        feeder = asyncio.create_task(self._feed())
        crew = asyncio.gather(*(self._worker() for _ in range(self.connections)))
        try:
            await asyncio.wait((feeder, crew), return_when=asyncio.FIRST_COMPLETED)
            if feeder.done():
                feeder.result()
            await crew
        finally:
            feeder.cancel()
            crew.cancel()
            await asyncio.gather(feeder, crew, return_exceptions=True)

    def _halted(self) -> bool:
        return self.gave_up or self.stop.is_set()

    async def _feed(self) -> None:
        """The next block is claimed and rendered while the last one is sent."""
        while not self._halted() and (jobs := await self.work.claim()):
            for job in jobs:
                await self._queue.put(job)
        for _ in range(self.connections):
            await self._queue.put(None)

    async def _worker(self) -> None:
        connection: Connection | None = None
        try:
            while (job := await self._queue.get()) is not None and not self._halted():
                connection = await self._deliver(job, connection)
        finally:
            if connection:
                await connection.close()

    async def _deliver(self, job: Job[Handle], connection: Connection | None) -> Connection | None:
        """Send one mail; returns the connection if it is still good for the next."""
        for trial in range(HOST_PATIENCE):
            try:
                fresh = connection is None
                connection = connection or await self.transport.open()
                return await self._send(job, connection)
            except HostDown as error:
                connection = None
                self.trouble = str(error)
                self.failures += fresh  # an old conversation may simply have been ended by the server
                if fresh:
                    await asyncio.sleep(HOST_PAUSE * 2**trial)
        if self.failures >= HOST_PATIENCE:
            self.gave_up = True
        else:  # the server talks to others: it is this mail that it does not like
            await self._settle(job, _verdict(job.delivery, Deferred(self.trouble), self.now(), self.retry))
        return None

    async def _send(self, job: Job[Handle], connection: Connection) -> Connection | None:
        try:
            words = await connection.send(job.mail, lambda: self.work.begin(job.handle))
        except HostDown:
            raise
        except Withdrawn:  # the ledger has settled it, or another sender holds it
            return None
        except DeliveryError as error:
            await self._settle(job, _verdict(job.delivery, error, self.now(), self.retry))
            return None if isinstance(error, Uncertain) else connection
        await self._settle(job, replace(job.delivery, outcome=Outcome.ACCEPTED, code=250, detail=words))
        return connection

    async def _settle(self, job: Job[Handle], delivery: Delivery) -> None:
        self.failures = 0
        settled = replace(delivery, attempts=delivery.attempts + 1, message_id=job.mail.message_id)
        await self.work.settle(job.handle, settled)
        self.on_settled(settled)


def _verdict(delivery: Delivery, error: DeliveryError, now: datetime, retry: Sequence[timedelta]) -> Delivery:
    told = replace(delivery, code=error.code, detail=str(error))
    if isinstance(error, Refused):
        return replace(told, outcome=Outcome.REFUSED)
    if isinstance(error, Deferred):
        return replace(told, outcome=Outcome.DEFERRED, due=now + pause(delivery.attempts + 1, retry))
    return replace(told, outcome=Outcome.UNCERTAIN)
