"""Keep the connections busy: each takes the next mail whose turn it is, asks the ledger, sends, writes down the answer.

    Work.claim ─▶ queue (a lane per domain) ─▶ connections of each route ─▶ send(mail, begin) ─▶ settle
         ▲                                        │ HostDown: certainly not sent, back into the queue
         └── not let in: comes back when its lane has room

A connection has as many sends under way as it says is of use. A relay that is down is left out and asked again after
pauses that double, while the others carry on; the run gives up when none is left.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from math import inf
from typing import Generic

from newsletter.errors import DeliveryError, HostDown, Refused, Uncertain, Withdrawn
from newsletter.sender.circuit_breaker import Breaker, Policy, Trip, policy
from newsletter.sender.jobs import Flight, Handle, Job, Work
from newsletter.sender.queue import Queue, Turn, room, room_to_wait
from newsletter.sender.rate_limit import EARLY, Pace, Word, pause, word
from newsletter.sender.relay import LONGEST, Route
from newsletter.sender.replies import Phase
from newsletter.sender.transport import Connection
from newsletter.types import Delivery, Outcome

HOST_PATIENCE = 3  #: times a relay is tried, or a mail on relays that hang up, before it is given up for now
HOST_PAUSE = 0.5  #: seconds before a relay is tried again, doubled each time
GRACE = 8.0  #: seconds for what is in flight when somebody says stop
GOODBYE = 1.0  #: and then for the farewell of a connection
HOLD = 200  #: rendered mails in memory
FRESH = 30.0  #: seconds of work in memory: the Date of a mail is about that of its sending
IDLE = 20.0  #: seconds without a mail after which a connection is closed
POLL = 0.2  #: seconds between two looks at the ledger

_NEVER = datetime.max.replace(tzinfo=UTC)


@dataclass(slots=True, eq=False)
class _Talk(Generic[Handle]):
    """One connection, shared by its hands."""

    route: Route
    connection: Connection
    suspects: deque[Turn[Job[Handle]]]  #: whom a connection ended on, perhaps for a neighbour
    left: float  #: mails
    alone: bool = False  #: one mail at a time
    fresh: bool = True  #: nothing was answered yet
    over: bool = False
    failed: bool = False  #: it ended on a mail that was alone, before anything was answered
    idle: set[asyncio.Future[Turn[Job[Handle]] | None]] = field(default_factory=set)  #: hands without a mail

    def end(self) -> None:
        """No hand takes another mail: those that wait for one would keep back whom it ended on."""
        self.over = True
        for waiting in self.idle:
            if not waiting.done():
                waiting.set_result(None)


@dataclass(slots=True)
class Run(Generic[Handle]):
    """One run over what is due now. `stop` ends it after the mails in flight."""

    work: Work[Handle]
    routes: Sequence[Route]
    pace: Pace
    breaker: Breaker
    retry: Sequence[timedelta]
    now: Callable[[], datetime]
    stop: asyncio.Event
    on_settled: Callable[[Delivery], None]
    resend: bool = False  #: what is uncertain is tried again like what is deferred
    turn: float = inf  #: seconds after which it no longer waits for lanes: others want to send too
    clock: Callable[[], float] = time.monotonic
    trouble: str = ""  #: the last words of a server that hung up
    gave_up: bool = False
    _queue: Queue[Job[Handle]] = field(init=False)
    _idle: deque[asyncio.Future[Turn[Job[Handle]] | None]] = field(init=False)
    _trials: dict[Route, asyncio.Lock] = field(init=False)
    _settling: set[asyncio.Future[Outcome]] = field(init=False)
    _crew: list[asyncio.Task[None]] = field(init=False)
    _room: asyncio.Event = field(init=False)
    _quiet: asyncio.Event = field(init=False)
    _halt: asyncio.Event = field(init=False)  #: nothing more is begun
    _ended: asyncio.Event = field(init=False)  #: nothing more is to be done
    _alarm: asyncio.TimerHandle | None = field(init=False)
    _out: set[Turn[Job[Handle]]] = field(init=False)  #: in flight
    _handed: int = field(init=False)  #: blocks on their way back into the ledger
    _fed: bool = field(init=False)  #: nothing more will be claimed
    _late: bool = field(init=False)  #: what is still in flight is given up
    _patient_until: float = field(init=False)

    def __post_init__(self) -> None:
        self._patient_until = self.clock() + self.turn

    def impatient(self) -> bool:
        """Has it had its turn?"""
        return self.clock() > self._patient_until

    async def finish(self) -> None:
        """Send until nothing is due and no lane is waited for, all relays are down, or `stop` is set.

        Errors of ours propagate.
        """
        self._begin()
        self._give_up_if_all_are_down()
        feeder, listener = asyncio.create_task(self._feed()), asyncio.create_task(self._obey())
        self._crew += [asyncio.create_task(self._serve(route)) for route in self._places()]
        try:
            await asyncio.gather(feeder, *self._crew)
            await asyncio.gather(*self._settling)
        finally:
            tasks = [feeder, listener, *self._crew]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, *self._settling, return_exceptions=True)
            self._end()

    def _begin(self) -> None:
        """A run may be taken up again: what is in memory belongs to one time only."""
        self._queue = Queue(self.pace, 2 * self._connections())
        self._idle, self._settling, self._crew = deque(), set(), []
        self._trials = {route: asyncio.Lock() for route in self.routes}
        self._room, self._quiet, self._halt, self._ended = (asyncio.Event() for _ in range(4))
        self._out, self._alarm, self._handed, self._fed, self._late = set(), None, 0, False, False
        for route in self.routes:
            route.failures = 0
        if self.stop.is_set():
            self._halt.set()

    def _end(self) -> None:
        if self._alarm:
            self._alarm.cancel()
        self._queue.clear()
        for turn in self._out:  # an error of ours left them behind
            turn.lane.put_back()

    def _connections(self) -> int:
        return sum(route.connections for route in self.routes)

    def _places(self) -> list[Route]:
        """One for each connection."""
        return [route for route in self.routes for _ in range(route.connections)]

    async def _obey(self) -> None:
        """What is in flight when somebody says stop gets some time; then its connection is closed."""
        await self.stop.wait()
        self._end_early()
        await asyncio.sleep(GRACE)
        self._late = True
        for task in self._crew:
            task.cancel()

    def _end_early(self) -> None:
        self._halt.set()
        self._stir()

    async def _rest(self, seconds: float) -> None:
        """Or less, when the run ends."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._ended.wait(), seconds)

    # What comes in

    async def _feed(self) -> None:
        """The next block is claimed and rendered while the last one is sent."""
        while await self._hungry():
            gate = self.pace.gate(self.clock(), room_to_wait(self._queue.limited, self._hold()))
            jobs = await self.work.claim(gate, self._places_free())
            self.pace.book(gate)
            for job in jobs:
                self._queue.put(job.domain, job, self.clock())
            self._stir()
            if not jobs and not await self._something_comes():
                break
        self._fed = True
        self._stir()

    def _hold(self) -> int:
        """Mails in memory: fewer where all relays are slow."""
        rate = sum(route.lane.rate or inf for route in self.routes)
        return int(min(HOLD, max(FRESH * rate, 2 * self._connections())))

    def _places_free(self) -> int:
        return room(len(self._queue), self._queue.limited, self._hold())

    async def _hungry(self) -> bool:
        """Wait until there is room; False: the run ends."""
        while not self._places_free() and not self._halt.is_set():
            self._room.clear()
            await self._room.wait()
        return not self._halt.is_set()

    async def _something_comes(self) -> bool:
        """Wait for those that were sent away, as long as we are patient; False: there is nobody to wait for."""
        while (comes_back := await self.work.comes_back()) == inf:
            if not self._busy() or self._halt.is_set():
                return False
            self._quiet.clear()  # what is in memory may yet be sent away
            await self._quiet.wait()
        if self.impatient():
            return False
        await self._rest(max(comes_back, POLL))
        return not self._halt.is_set()

    # Whose turn it is

    async def _next(self, talk: _Talk[Handle] | None = None, patience: float | None = None) -> Turn[Job[Handle]] | None:
        """The next mail; None when the run or `talk` is over, or nothing came for so many seconds."""
        waiting: asyncio.Future[Turn[Job[Handle]] | None] = asyncio.get_running_loop().create_future()
        self._idle.append(waiting)
        if talk:
            talk.idle.add(waiting)
        self._stir()
        try:
            return waiting.result() if waiting.done() else await asyncio.wait_for(waiting, patience)
        except TimeoutError:
            return None
        except asyncio.CancelledError:
            if waiting.done() and not waiting.cancelled() and (turn := waiting.result()):
                self._put_back(turn)
            raise
        finally:
            if talk:
                talk.idle.discard(waiting)

    def _stir(self) -> None:
        """Something has changed: hand out what may go now, to those who asked first."""
        while self._idle:
            if self._idle[0].done():
                self._idle.popleft()
            elif self._over():
                self._idle.popleft().set_result(None)
            elif turn := self._queue.take(self.clock()):
                self._out.add(turn)
                self._idle.popleft().set_result(turn)
            else:
                break
        if not self._room.is_set() and (self._halt.is_set() or self._places_free()):
            self._room.set()
        if not self._busy() or self._halt.is_set():
            self._quiet.set()
        if self._over():
            self._ended.set()
        self._set_alarm()

    def _over(self) -> bool:
        return self._halt.is_set() or (self._fed and not self._busy())

    def _busy(self) -> bool:
        """Also with what is in flight, or on its way into the ledger: it may come back."""
        return bool(self._queue or self._out or self._handed)

    def _set_alarm(self) -> None:
        if self._alarm:
            self._alarm.cancel()
            self._alarm = None
        if self._idle and (at := self._queue.opens_at()) < inf:
            self._alarm = asyncio.get_running_loop().call_later(max(at - self.clock(), 0.001), self._stir)

    def _put_back(self, turn: Turn[Job[Handle]]) -> None:
        self._out.discard(turn)
        self._queue.put_back(turn, self.clock())
        self._stir()

    def _done(self, turn: Turn[Job[Handle]], heard: Word, took: float = 0.0) -> bool:
        """Returns whether its lane was slowed down now."""
        self._out.discard(turn)
        slowed = self.pace.done(turn.lane, self.clock(), heard, took, len(self._crew))
        self._queue.done(turn.domain)
        self._stir()
        return slowed

    # Connections

    async def _serve(self, route: Route) -> None:
        """One connection of this relay after the other."""
        suspects: deque[Turn[Job[Handle]]] = deque()
        try:
            failed = 0  #: in a row
            while not self._over():
                failed = 0 if await self._talk(route, failed, suspects) else failed + 1
        except asyncio.CancelledError:
            if not self._late:
                raise
        finally:
            self._return(suspects)

    async def _talk(self, route: Route, failed: int, suspects: deque[Turn[Job[Handle]]]) -> bool:
        """Have a conversation when there is something to send; False: it failed before anything was answered."""
        turn = None
        if failed:
            connection = await self._open_again(route, failed)
        elif suspects:
            connection = await self._open(route)
        elif turn := await self._next():
            connection = await self._open(route, turn)
        else:
            return True
        if not connection:
            self._return(suspects)
            return False
        talk = _Talk(route, connection, suspects, route.mails or inf)
        await self._converse(talk, turn)
        if talk.failed and len(self.routes) > 1:
            self._return(suspects)
        return not talk.failed

    def _return(self, suspects: deque[Turn[Job[Handle]]]) -> None:
        """Another relay may take them."""
        while suspects:
            self._put_back(suspects.pop())

    async def _open(self, route: Route, turn: Turn[Job[Handle]] | None = None) -> Connection | None:
        """None where it could not be; then `turn` is somebody else's."""
        began = self.clock()
        try:
            connection = await route.transport.open()
        except BaseException as error:
            if turn:
                self._put_back(turn)
            if not isinstance(error, HostDown):
                raise
            if not route.open:  # else it talks to others of us: it wants no more connections than these
                self._failed(route, error, began)
            return None
        route.open += 1
        return connection

    async def _open_again(self, route: Route, failed: int) -> Connection | None:
        """After a pause; where none of us can talk to the relay, one tries for all."""
        if route.open:
            await self._rest(_pause(failed))
            return None if self._over() else await self._open(route)
        async with self._trials[route]:
            if not route.open:
                await self._rest(max(_pause(route.failures), route.closed_until - self.clock()))
            return None if self._over() else await self._open(route)

    def _failed(self, route: Route, error: HostDown, began: float) -> None:
        route.failed(error, began, self.clock())
        self._give_up_if_all_are_down()

    def _give_up_if_all_are_down(self) -> None:
        now = self.clock()
        if all(route.down(HOST_PATIENCE, now) for route in self.routes):
            self.trouble = max(self.routes, key=lambda route: route.failed_at).trouble
            self.gave_up = True
            self._end_early()

    async def _converse(self, talk: _Talk[Handle], turn: Turn[Job[Handle]] | None) -> None:
        """First who was in flight when the last one ended, each alone; then as many at once as are of use."""
        tasks: list[asyncio.Task[None]] = []
        try:
            await self._try_alone(talk)
            hands = [self._hand(talk, turn), *(self._hand(talk, None) for _ in range(talk.connection.ahead - 1))]
            tasks += [asyncio.create_task(hand) for hand in hands]
            await asyncio.gather(*tasks)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            talk.route.open -= 1
            with suppress(TimeoutError):
                await asyncio.wait_for(talk.connection.close(), GOODBYE if self._halt.is_set() else None)

    async def _try_alone(self, talk: _Talk[Handle]) -> None:
        """So that nobody pays for a neighbour that servers hang up on."""
        talk.alone = True
        while talk.suspects and talk.left and not talk.over:
            turn = talk.suspects.popleft()
            if await self._may_go(talk, turn):
                talk.left -= 1
                await self._send_at_pace(talk, turn)
        talk.alone = False

    async def _hand(self, talk: _Talk[Handle], turn: Turn[Job[Handle]] | None) -> None:
        """One mail after the other, until the connection is used up."""
        while talk.left and not talk.over and (turn := turn or await self._next(talk, IDLE)):
            if await self._may_go(talk, turn):
                talk.left -= 1
                await self._send_at_pace(talk, turn)
            turn = None

    # One mail

    async def _may_go(self, talk: _Talk[Handle], turn: Turn[Job[Handle]]) -> bool:
        """When the relay's own lane is open; else it is somebody else's turn."""
        now = self.clock()
        wait = talk.route.lane.opens(now) - now
        talk.route.lane.start(now)
        try:
            if wait > 0:
                await self._rest(wait)
        except BaseException:
            self._put_back(turn)
            raise
        if talk.over or not talk.left or self._halt.is_set():
            talk.route.lane.put_back()
            self._put_back(turn)
            return False
        return True

    async def _send_at_pace(self, talk: _Talk[Handle], turn: Turn[Job[Handle]]) -> None:
        heard = Word.NOTHING
        try:
            heard = await self._send(talk, turn)
        finally:
            talk.route.lane.done(self.clock(), heard)

    async def _send(self, talk: _Talk[Handle], turn: Turn[Job[Handle]]) -> Word:
        """Returns what the answer says about the relay's pace."""
        job, began = turn.thing, self.clock()
        flight = Flight(self.work, job.handle)
        try:
            words = await talk.connection.send(job.mail, flight.begin)
        except HostDown as error:
            talk.end()
            await self._hung_up_on(talk, turn, flight, error)
            return word(error) if talk.fresh else Word.NOTHING
        except Withdrawn:  # the ledger has settled it, or another sender holds it
            talk.end()
            self._done(turn, Word.NOTHING)
            return Word.NOTHING
        except DeliveryError as error:
            if isinstance(error, Uncertain):
                talk.end()
            return await self._answered(talk, turn, error, self.clock() - began)
        except BaseException:
            await self._given_up(turn, flight)
            raise
        self._accepted(talk, turn, words, self.clock() - began)
        return Word.FINE

    def _accepted(self, talk: _Talk[Handle], turn: Turn[Job[Handle]], words: str, took: float) -> None:
        talk.fresh = False
        talk.route.worked()
        job = turn.thing
        self._settle(job, replace(job.delivery, outcome=Outcome.ACCEPTED, code=250, detail=words, due=self.now()))
        self.breaker.heard(turn.domain, None)
        self._done(turn, Word.FINE, took)

    async def _answered(self, talk: _Talk[Handle], turn: Turn[Job[Handle]], error: DeliveryError, took: float) -> Word:
        """With no, with later, or with silence after the last dot."""
        job, told = turn.thing, not isinstance(error, Uncertain)
        self._settle(job, verdict(job, error, self.now(), self.retry, self.resend))
        heard = word(error) if told else Word.NOTHING
        about_relay = error.phase == Phase.MAIL
        if told:
            talk.fresh = False
            talk.route.worked()
        slowed = self._done(turn, Word.NOTHING if about_relay else heard, took)
        breaker = self.breaker
        trip = breaker.heard(turn.domain, error) if told else breaker.not_heard(error, self._connections())
        if trip:
            await self._trip(trip)
        elif slowed:
            await self._hand_back(turn.domain)
        return heard if about_relay or not told else Word.FINE

    async def _hung_up_on(
        self, talk: _Talk[Handle], turn: Turn[Job[Handle]], flight: Flight[Handle], error: HostDown
    ) -> None:
        """It goes again, alone and on another connection; unless it is this mail that servers do not like."""
        job = turn.thing
        talk.suspects.appendleft(turn) if talk.alone else talk.suspects.append(turn)
        await flight.take_back()
        self.trouble = str(error)
        if policy(error) is Policy.SENDER and (trip := self.breaker.heard(turn.domain, error)):
            await self._trip(trip)
        talk.failed = talk.alone and talk.fresh
        job.hung_up += talk.failed
        put_off = job.hung_up >= HOST_PATIENCE
        if put_off or (talk.failed and len(self.routes) > 1):  # several in a row: then it is the relay after all
            self._failed(talk.route, error, self.clock())
        if put_off and not self._halt.is_set():
            talk.suspects.remove(turn)
            self._settle(job, verdict(job, error, self.now(), self.retry))
            self._done(turn, Word.NOTHING)

    async def _given_up(self, turn: Turn[Job[Handle]], flight: Flight[Handle]) -> None:
        """We were told to leave, or the ledger could not write. Without its dot it was certainly not sent."""
        self._done(turn, Word.NOTHING)
        if flight.begun:
            words = "given up before the server's answer"
            self._settle(turn.thing, verdict(turn.thing, Uncertain(words), self.now(), self.retry, self.resend))
        else:
            await flight.take_back()

    def _settle(self, job: Job[Handle], delivery: Delivery) -> None:
        settled = replace(delivery, attempts=delivery.attempts + 1, message_id=job.mail.message_id)
        settling = self.work.settle(job.handle, settled)
        self._settling.add(settling)
        settling.add_done_callback(self._settled)
        self.on_settled(settled)

    def _settled(self, settling: asyncio.Future[Outcome]) -> None:
        if not settling.cancelled() and settling.exception():
            self._end_early()  # and `finish` raises it
        else:
            self._settling.discard(settling)

    # Slower, and not at all

    async def _hand_back(self, domain: str) -> None:
        """What a lane that was slowed down has in memory would keep others out."""
        jobs = self._queue.drop(domain)
        self._handed += 1
        try:
            await self.work.hand_back(jobs, timedelta(seconds=EARLY))
        finally:
            self._handed -= 1
            self._stir()

    async def _trip(self, trip: Trip) -> None:
        if not trip.domain:
            self._end_early()
        await self.work.pause(trip, self._queue.drop(trip.domain))
        self._stir()


def verdict(
    job: Job[Handle], error: DeliveryError, now: datetime, retry: Sequence[timedelta], resend: bool = False
) -> Delivery:
    """What the ledger says of a mail that was not accepted; what is refused for policy comes again."""
    told = replace(job.delivery, code=error.code, detail=str(error))
    if isinstance(error, Refused) and not policy(error):
        return replace(told, outcome=Outcome.REFUSED)
    if isinstance(error, Uncertain) and not resend:
        return replace(told, outcome=Outcome.UNCERTAIN)
    due = now + pause(told.attempts + 1, retry, job.mail.message_id)
    return replace(told, outcome=Outcome.DEFERRED, due=min(due, told.expires or _NEVER))


def _pause(failed: int) -> float:
    return min(HOST_PAUSE * 2.0 ** max(failed - 1, 0), LONGEST)
