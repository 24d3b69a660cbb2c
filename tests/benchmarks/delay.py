"""A proxy that is as far away as you like: `python tests/benchmarks/delay.py PORT_OF_SERVER MILLISECONDS_ONE_WAY`.

Prints the port that it listens on. Bytes go on in order, each as late as the distance says, at any rate.
"""

from __future__ import annotations

import asyncio
import sys
from typing import cast


class Half(asyncio.Protocol):
    """One end of a pair; what it receives the other end says after `late` seconds."""

    def __init__(self, late: float) -> None:
        self.late = late
        self.other: Half | None = None
        self.transport: asyncio.Transport
        self.waiting: list[bytes] = []  #: came before the other end was there
        self.ended = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        asyncio.get_running_loop().call_later(self.late, self.pass_on, data)

    def pass_on(self, data: bytes) -> None:
        if self.other:
            self.other.transport.write(data)
        else:
            self.waiting.append(data)

    def meet(self, other: Half) -> None:
        self.other = other
        for data in self.waiting:
            other.transport.write(data)
        if self.ended:
            other.transport.close()

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002
        self.ended = True
        asyncio.get_running_loop().call_later(self.late, self.hang_up)

    def hang_up(self) -> None:
        if self.other:
            self.other.transport.close()


async def listen(port: int, late: float) -> asyncio.Server:
    """In front of the server at `port` on this machine."""
    loop = asyncio.get_running_loop()
    joining: set[asyncio.Task[None]] = set()

    async def join(near: Half) -> None:
        _, far = await loop.create_connection(lambda: Half(late), "127.0.0.1", port)
        far.meet(near)
        near.meet(far)

    class Near(Half):
        def connection_made(self, transport: asyncio.BaseTransport) -> None:
            super().connection_made(transport)
            task = loop.create_task(join(self))
            joining.add(task)
            task.add_done_callback(joining.discard)

    return await loop.create_server(lambda: Near(late), "127.0.0.1", 0, backlog=200)


async def main() -> None:
    server = await listen(int(sys.argv[1]), float(sys.argv[2]) / 1000)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
