"""Keep N connections busy: each takes the next mail, asks the ledger, sends, and writes down the answer.

Work.claim ─▶ queue ─▶ N seats × lanes (open ─▶ send(mail, begin) ─▶ settle)

A seat is a place at the server: one connection, and as many lanes as that has use for (`Connection.ahead`). Who meets
trouble with the host there tries again alone, so that nobody's trials are used up by a neighbour.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
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
class _Seat:
    """See the top of this file."""

    lanes: int = 0
    under_way: int = 0
    connection: Connection | None = None
    alone: asyncio.Lock = field(default_factory=asyncio.Lock)
    empty: asyncio.Event = field(default_factory=asyncio.Event)

    async def opened(self, transport: Transport) -> Connection:
        """Raises HostDown."""
        if not self.connection:
            self.connection = await transport.open()
        return self.connection

    def enter(self) -> None:
        self.under_way += 1
        self.empty.clear()

    def exit(self) -> None:
        self.under_way -= 1
        if not self.under_way:
            self.empty.set()

    def drop(self, connection: Connection) -> None:
        """It has closed itself."""
        if self.connection is connection:
            self.connection = None

    async def leave(self) -> None:
        self.lanes -= 1
        if not self.lanes and self.connection:
            await self.connection.close()


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
    _crew: set[asyncio.Task[None]] = field(default_factory=set)
    _ended: asyncio.Queue[asyncio.Task[None]] = field(default_factory=asyncio.Queue)

    async def finish(self) -> None:
        """Send until nothing is due, the server is down, or `stop` is set. Errors of ours propagate."""
        self._queue, self._ended = asyncio.Queue(PREFETCH), asyncio.Queue()  # what the last run left is of no use
        feeder = self._start(self._feed())
        for _ in range(self.connections):
            self._hire(_Seat())
        try:
            while self._crew - {feeder}:
                task = await self._ended.get()
                self._crew.discard(task)
                task.result()
        finally:
            for task in self._crew:
                task.cancel()
            await asyncio.gather(*self._crew, return_exceptions=True)
            self._crew.clear()

    def _start(self, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        task.add_done_callback(self._ended.put_nowait)
        self._crew.add(task)
        return task

    def _halted(self) -> bool:
        return self.gave_up or self.stop.is_set()

    async def _feed(self) -> None:
        """The next block is claimed and rendered while the last one is sent."""
        while not self._halted() and (jobs := await self.work.claim()):
            for job in jobs:
                await self._queue.put(job)
        await self._queue.put(None)

    def _hire(self, seat: _Seat) -> None:
        seat.lanes += 1
        self._start(self._lane(seat))

    async def _lane(self, seat: _Seat) -> None:
        try:
            while (job := await self._queue.get()) is not None and not self._halted():
                await self._deliver(job, seat)
            if job is None:
                self._queue.put_nowait(None)  # the others are to see it too
        finally:
            await seat.leave()

    async def _deliver(self, job: Job[Handle], seat: _Seat) -> None:
        try:
            async with seat.alone:  # for a moment: whoever insists keeps it
                connection = await seat.opened(self.transport)
                while seat.lanes < connection.ahead:
                    self._hire(seat)
                seat.enter()
            try:
                await self._send(job, connection, seat)
            finally:
                seat.exit()
        except HostDown as error:
            self.trouble = str(error)
            await self._insist(job, seat)

    async def _insist(self, job: Job[Handle], seat: _Seat) -> None:
        """Alone, on new connections if need be; a mail that ends each of them is put off."""
        async with seat.alone:
            if seat.under_way:
                await seat.empty.wait()  # soon: the others' connection has ended, or their replies come
            trial, opened = 0, False
            while trial < HOST_PATIENCE and not self._halted():
                fresh, opened = seat.connection is None, False
                try:
                    connection = await seat.opened(self.transport)
                    opened = True
                    await self._send(job, connection, seat)
                    return
                except HostDown as error:
                    self.trouble = str(error)
                    self.failures += not opened
                if fresh:  # an old conversation may simply have been ended by the server
                    await asyncio.sleep(HOST_PAUSE * 2**trial)
                    trial += 1
            await self._put_off(job, opened)

    async def _put_off(self, job: Job[Handle], opened: bool) -> None:
        """A server that talks, but not about this mail: not a few in a row, then it is the server after all."""
        self.failures += opened
        if self.failures >= HOST_PATIENCE:
            self.gave_up = True
        if not self._halted():
            await self._write_down(job, _verdict(job.delivery, Deferred(self.trouble), self.now(), self.retry))

    async def _send(self, job: Job[Handle], connection: Connection, seat: _Seat) -> None:
        """Between the answer and the call of settle nothing is awaited: the next mail's `begin` comes after it."""
        try:
            words = await connection.send(job.mail, lambda: self.work.begin(job.handle))
        except (HostDown, Uncertain, Withdrawn) as error:
            seat.drop(connection)
            if isinstance(error, HostDown):
                raise
            if isinstance(error, Uncertain):  # what was withdrawn the ledger has settled, or another sender holds
                await self._settle(job, _verdict(job.delivery, error, self.now(), self.retry))
        except DeliveryError as error:
            await self._settle(job, _verdict(job.delivery, error, self.now(), self.retry))
        else:
            await self._settle(job, replace(job.delivery, outcome=Outcome.ACCEPTED, code=250, detail=words))

    async def _settle(self, job: Job[Handle], delivery: Delivery) -> None:
        self.failures = 0
        await self._write_down(job, delivery)

    async def _write_down(self, job: Job[Handle], delivery: Delivery) -> None:
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
