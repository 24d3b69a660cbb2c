"""The time limit of the reply that is expected next: one timer a connection, which looks again where it is early."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class ReplyTimer:
    """Calls `on_timeout` when the limit is over and `waiting` still says that a reply is expected."""

    def __init__(self, longest_look: float, waiting: Callable[[], bool], on_timeout: Callable[[], None]) -> None:
        """`longest_look`: seconds between two looks at most."""
        self._loop = asyncio.get_running_loop()
        self._longest_look = longest_look
        self._waiting = waiting
        self._on_timeout = on_timeout
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def restart(self, limit: float) -> None:
        """Expect the next reply within so many seconds from now."""
        self._deadline = self._loop.time() + limit
        if not self._timer:
            self._timer = self._loop.call_later(min(limit, self._longest_look), self._look)

    def cancel(self) -> None:
        if self._timer:
            self._timer.cancel()

    def _look(self) -> None:
        self._timer = None
        if not self._waiting():
            return
        left = self._deadline - self._loop.time()
        if left <= 0:
            self._on_timeout()
        else:
            self._timer = self._loop.call_later(min(left, self._longest_look), self._look)
