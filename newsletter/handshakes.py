"""TLS handshakes that are broken off: httpcore closes the connection of one that fails, and forgets a cancelled one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Trace = Callable[[str, Mapping[str, Any]], Awaitable[None]]  #: of httpx's request extension "trace"


def closing_trace() -> Trace:
    """Give what closes the connection of one request whose handshake does not end, for `extensions={"trace": …}`."""
    streams: list[Any] = []

    async def trace(event: str, info: Mapping[str, Any]) -> None:
        if event.endswith("connect_tcp.complete"):
            streams[:] = [info["return_value"]]
        elif event.endswith("start_tls.failed"):
            for stream in streams:
                await stream.aclose()

    return trace
