"""A collection beside other work: at most one, which one pass of the schedule begins and a later one tells."""

from __future__ import annotations

import asyncio
import logging
from time import monotonic

from newsletter.services.collection import Collected, Collecting

logger = logging.getLogger("newsletter")


class BackgroundCollection:
    """Begins a collection, waits for it no longer than is wanted, and says what it brought. For one event loop."""

    def __init__(self, collection: Collecting) -> None:
        self._collection = collection
        self._task: asyncio.Task[list[Collected]] | None = None
        self._began = 0.0

    @property
    def under_way(self) -> bool:
        """Whether one was begun whose result nobody has taken yet."""
        return self._task is not None

    def is_younger_than(self, seconds: float) -> bool:
        """Whether one is under way that began less than so long ago."""
        return self._task is not None and monotonic() - self._began < seconds

    def begin(self) -> None:
        """Begin one, unless one is under way."""
        if self._task is None:
            self._task, self._began = asyncio.create_task(self._collection.collect()), monotonic()

    async def wait(self, seconds: float | None, stop: asyncio.Event | None) -> None:
        """Wait for its end, so long at most; a stop ends it, and leaves each source stored whole or not at all."""
        if self._task is None:
            return
        stopping = asyncio.create_task((stop or asyncio.Event()).wait())
        try:
            await asyncio.wait([self._task, stopping], timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            stopping.cancel()
        if stop and stop.is_set() and not self._task.done():
            await self.end()

    def result(self) -> list[Collected] | None:
        """What it brought, once; None while it is under way and where there is none. Raises what ended it."""
        if self._task is None or not self._task.done():
            return None
        task, self._task = self._task, None
        return task.result()

    async def end(self) -> None:
        """Break it off, if it is under way; what it could not do is logged."""
        task, self._task = self._task, None
        if task is None:
            return
        task.cancel()
        await asyncio.wait([task])
        if not task.cancelled() and (error := task.exception()):
            logger.error("a collection failed", exc_info=error)
