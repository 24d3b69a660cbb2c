"""All in one process: the schedule ticks and the pages are served until somebody says stop."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, cast

import uvicorn

from newsletter.cli.deadlines import ConnectionLimits, DeadlineProtocol
from newsletter.engine import Engine
from newsletter.errors import InputError, NewsletterError

if TYPE_CHECKING:
    from starlette.applications import Starlette

logger = logging.getLogger("newsletter")

POLL = 2.0  #: seconds between two looks at the clock
PATIENCE = 15  #: times as long after trouble, such as a template with an error: to look again is not always cheap
THREADS = 64
MOST_FILES = 16_384  #: that this process may have open
SWITCH = 0.001  #: seconds that a thread may compute while another one waits


class Server(uvicorn.Server):
    """Leaves the signals to us: a send must finish what is in flight before the process ends."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def stop_on_signals() -> asyncio.Event:
    """Set by SIGINT and SIGTERM; a second one of them kills as usual."""
    stop, loop = asyncio.Event(), asyncio.get_running_loop()

    def told(number: signal.Signals) -> None:
        stop.set()
        loop.remove_signal_handler(number)

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, told, number)
    return stop


async def keep_schedule(engine: Engine, stop: asyncio.Event, poll: float = POLL) -> None:
    """Collect, plan and send whatever is due, until `stop`; trouble is logged and tried again at the next look."""
    trouble = ""
    try:
        while not stop.is_set():
            trouble = await _look(engine, stop, trouble)
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), PATIENCE * poll if trouble else poll)
    finally:
        await engine.scheduling.end()


async def _look(engine: Engine, stop: asyncio.Event, before: str) -> str:
    """Do what is due; return the trouble with it, said once: not where the look before had the same."""
    try:
        for line in await engine.scheduling.look(stop):
            logger.info(line)
    except NewsletterError as error:
        if str(error) != before:
            logger.error("%s", error)
        return str(error)
    except Exception as error:  # a bug must not end the pages beside it
        if str(error) != before:
            logger.exception("the schedule failed")
        return str(error)
    return ""


def use_many_threads() -> None:
    """Give the running loop more threads than look-ups of names and sources can fill: pages wait for none of them."""
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(THREADS, thread_name_prefix="newsletter"))


def listen(host: str, port: int) -> socket.socket:
    """A bound socket; port 0 takes a free one. Raises InputError where the address is taken or not ours."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        raise InputError(f"{host}:{port}: cannot listen there ({error.strerror or error})") from error


def address_of(listening: socket.socket) -> str:
    """The http address, for people."""
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def serve(
    app: Starlette,
    listening: socket.socket,
    stop: asyncio.Event,
    proxies: tuple[str, ...] = (),
    limits: ConnectionLimits | None = None,
) -> None:
    """Serve pages until `stop`. X-Forwarded-* is believed from `proxies` only; no access log, for tokens are paths."""
    limits = limits or ConnectionLimits()
    _allow_many_connections()
    config = uvicorn.Config(
        app,
        http=cast("type[asyncio.Protocol]", partial(DeadlineProtocol, limits=limits)),
        ws="none",
        limit_concurrency=limits.at_once,
        log_level="warning",
        access_log=False,
        server_header=False,
        proxy_headers=bool(proxies),
        forwarded_allow_ips=list(proxies),
        timeout_graceful_shutdown=5,
    )
    server = Server(config)
    serving = asyncio.create_task(server.serve(sockets=[listening]))
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait((serving, stopping), return_when=asyncio.FIRST_COMPLETED)
    server.should_exit = True
    stopping.cancel()
    await serving


def _allow_many_connections() -> None:
    """Raise the number of files that this process may have open as far as the system lets it, and switch threads soon.

    Many systems begin with 1,024, which a stranger's open connections would use up. Threads that compute for a page
    would else let the one that answers wait for 5 ms each time.
    """
    sys.setswitchinterval(SWITCH)
    with suppress(ImportError, ValueError, OSError):
        import resource

        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
