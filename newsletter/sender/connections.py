"""Connections to the relays: opened, opened again after pauses, and given up when no relay is left."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic

from newsletter.errors import DeliveryError, HostDown
from newsletter.sender.jobs import Handle, Job
from newsletter.sender.phase import Phase
from newsletter.sender.rate_limit import concurrent, crowded
from newsletter.sender.relay import Route
from newsletter.sender.transport import Connection
from newsletter.sender.tuning import DispatchTuning
from newsletter.sender.turns import Request, Scheduler

MOVES = 3  #: of one mail, to new connections


@dataclass(slots=True, eq=False)
class Session(Generic[Handle]):
    """One connection, shared by its workers."""

    route: Route
    connection: Connection
    retry_alone: deque[Job[Handle]]  #: those that a connection ended on, perhaps for a neighbour
    mails_left: float
    alone: bool = False  #: one mail at a time
    fresh: bool = True  #: nothing was answered yet
    over: bool = False
    failed: bool = False  #: it ended on a mail that was alone, before anything was answered, or was turned away
    turned_away: bool = False  #: the relay takes other connections of ours, and not this one
    requests: set[Request[Handle]] = field(default_factory=set)  #: of workers that wait for a job

    def answered(self) -> None:
        """Note that a mail had its answer."""
        self.fresh = False
        self.route.worked()

    def one_too_many(self, error: DeliveryError, job: Job[Handle], patience: int) -> bool:
        """Say whether the relay turns this connection away, in words or at its first mail, beside others of ours.

        Where it turns everybody away, that is trouble of another kind.
        """
        route = self.route
        meant = error.phase == Phase.MAIL or crowded(error) or (error.code == 421 and job.moved < MOVES)
        few = route.turned_away < patience * route.connections
        meant = (self.fresh and meant) or concurrent(error)
        return meant and 400 <= error.code < 500 and (route.open > 1 or route.turned_away > 0) and few

    def worn_out(self, error: DeliveryError, job: Job[Handle]) -> bool:
        """Say whether the relay has had enough mails of this connection: for this one a new connection may do."""
        if self.fresh or error.phase not in (Phase.MAIL, Phase.RCPT) or error.status.startswith("4.2."):
            return False
        full = error.code == 452 and not job.moved and self.route.renewing_helps
        return full or (crowded(error) and job.moved < MOVES)

    def end(self) -> None:
        """Let no worker take another job: those that wait for one would keep back whom it ended on."""
        self.over = True
        for request in self.requests:
            if not request.done():
                request.set_result(None)


class RelayPool(Generic[Handle]):
    """The relays of one run. One that is down is left out and tried again; the run ends when none is left."""

    def __init__(
        self,
        routes: Sequence[Route],
        scheduler: Scheduler[Handle],
        tuning: DispatchTuning,
        clock: Callable[[], float],
    ) -> None:
        self.routes = routes
        self.trouble = ""  #: the last words of a server that hung up
        self.all_down = False
        self._scheduler = scheduler
        self._tuning = tuning
        self._clock = clock
        self._trials = {route: asyncio.Lock() for route in routes}

    async def open(self, route: Route, job: Job[Handle] | None = None) -> Connection | None:
        """Open a connection; None where it could not be: then `job` is somebody else's."""
        began = self._clock()
        try:
            connection = await route.transport.open()
        except BaseException as error:
            if job:
                self._scheduler.put_back(job)
            if not isinstance(error, HostDown):
                raise
            if not route.open:  # else it talks to others of us: it wants no more connections than these
                self.failed(route, error, began)
            return None
        route.open += 1
        return connection

    async def open_again(self, route: Route, failed: int) -> Connection | None:
        """Open a connection after a pause; where none of us can talk to the relay, one tries for all."""
        first, scheduler = self._tuning.relay_pause_seconds, self._scheduler
        if route.open:
            await scheduler.rest(route.retry_delay(first, failed))
            return None if scheduler.over() else await self.open(route)
        async with self._trials[route]:
            if not route.open:
                delay = route.retry_delay(first, route.failures)
                await scheduler.rest(max(delay, route.closed_until - self._clock()))
            return None if scheduler.over() else await self.open(route)

    def failed(self, route: Route, error: DeliveryError, began: float) -> None:
        """Note that a relay could not be reached or talked to."""
        route.failed(error, began, self._clock())
        self.give_up_if_all_are_down()

    def give_up_if_all_are_down(self) -> None:
        now = self._clock()
        if all(route.down(self._tuning.relay_patience_tries, now) for route in self.routes):
            self.trouble = max(self.routes, key=lambda route: route.failed_at).trouble
            self.all_down = True
            self._scheduler.halt()
