"""What carries a mail: the seam between the ledger and the wire."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from newsletter.types import Mail

#: Awaited after the server has everything but the last dot. It returns when "in doubt" is durable, and raises
#: Withdrawn when the mail must not go out any more.
Begin = Callable[[], Awaitable[None]]


class Connection(Protocol):
    """One conversation with a server; used for one mail after another, or for `ahead` at once.

    Sends that are under way together finish in the order in which they began, and `begin` of one is awaited only when
    the one before has its answer: so one mail at most is in doubt.
    """

    @property
    def ahead(self) -> int:
        """How many sends under way are of use."""
        ...

    async def send(self, mail: Mail, begin: Begin) -> str:
        """Send a mail and return the server's words on acceptance.

        Raises Deferred (HostDown when it is the server's trouble: nothing was decided about this mail), Refused,
        Withdrawn, or Uncertain; after HostDown, Withdrawn and Uncertain the connection is closed and of no further
        use.
        """
        ...

    async def close(self) -> None:
        """Say goodbye; never raises."""
        ...


class Transport(Protocol):
    """Opens connections."""

    async def open(self) -> Connection:
        """Open a connection; raises HostDown when the server cannot be reached or does not want us."""
        ...
