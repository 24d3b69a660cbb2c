"""Single mails that no issue planned: confirmations and tests."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import aclosing

from newsletter.errors import HostDown, Uncertain
from newsletter.sender import Connection, Route
from newsletter.types import Mail

MOST_MAILS = 50  #: in one connection, where the relay's section allows any number


class SingleMails:
    """Sends outside the ledger."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = routes

    async def send(self, mail: Mail) -> str:
        """Send by the first relay that can be reached; returns the server's words. Raises DeliveryError."""
        async with aclosing(self.session()) as session:
            return await session.send(mail)

    def session(self) -> MailSession:
        """Return what sends several mails, one after the other."""
        return MailSession(self._routes)


class MailSession:
    """One connection to the first relay that can be reached, opened when a mail needs it."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = routes
        self._connection: Connection | None = None
        self._left = 0  #: mails that the connection may still take

    async def send(self, mail: Mail) -> str:
        """Send a mail; returns the server's words. Raises DeliveryError.

        A server that tires of a connection is asked once more on a fresh one: it decided nothing about this mail.
        """
        reused = self._connection is not None and self._left > 0
        try:
            return await self._sent(mail)
        except HostDown:
            if not reused:
                raise
            return await self._sent(mail)

    async def _sent(self, mail: Mail) -> str:
        if self._left <= 0:
            await self.aclose()
        connection = self._connection = self._connection or await self._opened()
        self._left -= 1
        try:
            return await connection.send(mail, no_ledger)
        except (HostDown, Uncertain):
            await self.aclose()
            raise

    async def _opened(self) -> Connection:
        for route in self._routes:
            try:
                connection = await route.transport.open()
            except HostDown:
                if route is self._routes[-1]:
                    raise
                continue
            self._left = route.mails or MOST_MAILS
            return connection
        raise HostDown("no relay is configured")

    async def aclose(self) -> None:
        """Say goodbye to the relay; a later mail opens a new connection."""
        connection, self._connection = self._connection, None
        if connection:
            await connection.close()


async def no_ledger() -> None:
    """Stand in for the ledger's mark, for mails that no issue planned."""
