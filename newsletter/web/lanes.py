"""Threads of its own for a kind of page that costs much, so that a crowd there keeps nobody from unsubscribing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import TypeVar

from starlette.exceptions import HTTPException

Made = TypeVar("Made")

RETRY_AFTER = {"Retry-After": "10"}  #: seconds


class Lane:
    """A few threads and a queue before them; who finds it full is answered 503, and when to come back."""

    def __init__(self, threads: int, most: int) -> None:
        """`most`: requests at once, under way and waiting."""
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="lane")
        self._most = most
        self._inside = 0

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold a place of the queue; HTTPException 503 where there is none."""
        if self._inside >= self._most:
            raise HTTPException(503, headers=RETRY_AFTER)
        self._inside += 1
        try:
            yield
        finally:
            self._inside -= 1

    async def run(self, make: Callable[..., Made], *given: object) -> Made:
        """Call `make` in one of the threads, when one is free. For who holds a place."""
        return await asyncio.get_running_loop().run_in_executor(self._threads, partial(make, *given))

    async def call(self, make: Callable[..., Made], *given: object) -> Made:
        """Take a place, and call `make` in one of the threads."""
        with self.place():
            return await self.run(make, *given)
