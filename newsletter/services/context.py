"""What every service is given: the settings, the store, the signed links and a clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parseaddr

from newsletter.config import Settings
from newsletter.store import Store
from newsletter.tokens import Tokens


def utc_now() -> datetime:
    """The clock of a real engine; tests bring their own."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Context:
    """One installation."""

    settings: Settings
    store: Store
    tokens: Tokens
    now: Callable[[], datetime]  #: aware, UTC

    def contact(self) -> str:
        """The address that the operators of other servers may write to."""
        section = self.settings.newsletter
        return parseaddr(section.reply_to or section.sender)[1]

    def domain(self) -> str:
        """The domain of the newsletter's own address; Message-IDs are made with it."""
        return parseaddr(self.settings.newsletter.sender)[1].rpartition("@")[2]
