"""A server of feeds, some of which let everybody wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

FEED = (
    '<rss version="2.0"><channel><title>T</title><item><title>A paper of {name}</title>'
    "<link>https://example.org/{name}</link><description>On x.</description></item></channel></rss>"
)


class FeedServer:
    """Answers /NAME with a feed of one paper; names with "slow" in them once `go_on` is set."""

    def __init__(self) -> None:
        self.go_on = asyncio.Event()
        self.asked: list[str] = []
        self._port = 0

    def at(self, name: str) -> str:
        return f"http://127.0.0.1:{self._port}/{name}"

    def listing(self, *names: str) -> str:
        """An OPML list of these feeds."""
        outlines = "".join(f'<outline text="{name}" xmlUrl="{self.at(name)}"/>' for name in names)
        return f'<opml version="2.0"><body>{outlines}</body></opml>'

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[FeedServer]:
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        self._port = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            self.go_on.set()
            server.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        name = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode().strip("/")
        self.asked.append(name)
        if "slow" in name:
            await self.go_on.wait()
        body = FEED.format(name=name).encode()
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        writer.close()
