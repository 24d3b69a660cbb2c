"""Single mails that no issue planned: confirmations and tests."""

from __future__ import annotations

from collections.abc import Sequence

from newsletter.errors import HostDown
from newsletter.sender import Route
from newsletter.types import Mail


class SingleMails:
    """Sends outside the ledger."""

    def __init__(self, routes: Sequence[Route]) -> None:
        self._routes = routes

    async def send(self, mail: Mail) -> str:
        """Send by the first relay that can be reached; returns the server's words. Raises DeliveryError."""
        for route in self._routes:
            try:
                connection = await route.transport.open()
            except HostDown:
                if route is self._routes[-1]:
                    raise
                continue
            try:
                return await connection.send(mail, no_ledger)
            finally:
                await connection.close()
        raise HostDown("no relay is configured")


async def no_ledger() -> None:
    """Stand in for the ledger's mark, for mails that no issue planned."""
