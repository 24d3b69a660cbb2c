"""Connections within limits: a request must arrive whole in time, an answer must be fetched, and only so many are open.

uvicorn has no time limit of its own for a request that never ends, and counts such connections against the limit of
concurrency, so that some thousand half requests would shut everybody out.
"""

from __future__ import annotations

import asyncio
import math
import socket
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

ARRIVING = (h11.IDLE, h11.SEND_BODY)  #: states of a client of whose request something is still to come


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Seconds, and numbers of connections."""

    request: float = 20.0  #: for headers and body, from the opening of a connection or the answer before
    answer: float = 60.0  #: in which a client must take something of an answer that is ready
    open: int = 768  #: connections; from there on the oldest without a whole request makes room for a new one
    at_once: int = 1000  #: requests and connections; beyond them uvicorn itself answers 503


class Deadline:
    """A moment at which something is done, unless it is called off."""

    def __init__(self, loop: asyncio.AbstractEventLoop, act: Callable[[], None]) -> None:
        self._loop = loop
        self._act = act
        self._timer: asyncio.TimerHandle | None = None

    @property
    def when(self) -> float:
        """By the loop's clock; infinity where none is set."""
        return self._timer.when() if self._timer else math.inf

    def set(self, seconds: float) -> None:
        """Set it, unless it is set already."""
        self._timer = self._timer or self._loop.call_later(seconds, self._act)

    def call_off(self) -> None:
        """Forget it, if it is set."""
        if self._timer:
            self._timer.cancel()
            self._timer = None


class DeadlineProtocol(H11Protocol):
    """HTTP/1.1 with deadlines; h11 says how much of a request is there."""

    def __init__(self, *given: Any, limits: ConnectionLimits, **named: Any) -> None:
        super().__init__(*given, **named)
        self._limits = limits
        self.arrival = Deadline(self.loop, self.give_up)  #: of the rest of a request
        self._departure = Deadline(self.loop, self.give_up)  #: of an answer that is not fetched

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn's own
        super().connection_made(transport)
        # else the body of an answer, a packet of its own, waits 40 ms until the client has acknowledged its headers;
        # asyncio sets this by itself for no socket of `socket.create_server`
        with suppress(OSError):  # macOS knows no options of a socket whose client is gone already
            transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if len(self.connections) > self._limits.open:
            self._make_room()
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self.arrival.call_off()  # the next request has its own time
        if self.transport.is_closing():  # when the client has fetched the rest
            self._departure.set(self._limits.answer)
        self._watch()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._departure.set(self._limits.answer)

    def resume_writing(self) -> None:
        super().resume_writing()
        if not self.transport.is_closing():
            self._departure.call_off()

    def connection_lost(self, exc: Exception | None) -> None:
        self.arrival.call_off()
        self._departure.call_off()
        super().connection_lost(exc)

    def give_up(self) -> None:
        """Close at once. The loop says so to `connection_lost` a little later; nobody chooses it again meanwhile."""
        self.arrival.call_off()
        self._departure.call_off()
        self.transport.abort()

    def _watch(self) -> None:
        """Set the deadline where something of a request is missing; call it off where all is there."""
        if self.transport.is_closing() or self.conn.their_state not in ARRIVING:
            self.arrival.call_off()
        else:
            self.arrival.set(self._limits.request)

    def _make_room(self) -> None:
        """Close the connection that has been waiting longest for the rest of a request."""
        others = (each for each in self.connections if isinstance(each, DeadlineProtocol) and each is not self)
        oldest = min(others, key=lambda each: each.arrival.when, default=None)
        if oldest and oldest.arrival.when < math.inf:
            oldest.give_up()
