"""How many sign-ups are too many: by client network, mailbox, recipient domain, and altogether.

Only this file knows the library `limits`. Counts live in memory: a restart forgets them, while the pauses between two
mails to one address are kept in the store.
"""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address, ip_network
from threading import Lock
from typing import TYPE_CHECKING

from newsletter.config import SignupSection
from newsletter.errors import TooManySignUps

if TYPE_CHECKING:
    from limits import RateLimitItem
    from limits.strategies import RateLimiter

_GMAIL = ("gmail.com", "googlemail.com")
_WITHOUT_DOTS = (*_GMAIL, "proton.me", "protonmail.com", "pm.me")  #: domains that ignore dots before the @


class SignupLimits:
    """The limits of [signup]."""

    def __init__(self, section: SignupSection) -> None:
        self._section = section
        self._counting = Lock()
        self._limiter: RateLimiter | None = None
        self._items: dict[str, list[RateLimitItem]] = {}

    def admit(self, client: str, address: str) -> bool:
        """Count a sign-up from a client's address; returns whether its mailbox may be asked now.

        A mailbox has had enough in silence: a page that said so would tell what others typed. Raises TooManySignUps
        where the client, or everybody together, asked too often.
        """
        mailbox = mailbox_of(address)
        told = {"network": network_of(client), "domain": mailbox.rpartition("@")[2], "total": ""}
        with self._counting:
            if not all(self._has_room(name, key) for name, key in told.items()):
                raise TooManySignUps
            wanted = self._has_room("mailbox", mailbox)
            self._count(told | {"mailbox": mailbox} if wanted else {"network": told["network"]})
        return wanted

    def _has_room(self, name: str, key: str) -> bool:
        limiter = self._ready()
        return all(limiter.test(item, name, key) for item in self._items[name])

    def _count(self, keys: dict[str, str]) -> None:
        limiter = self._ready()
        for name, key in keys.items():
            for item in self._items[name]:
                limiter.hit(item, name, key)

    def _ready(self) -> RateLimiter:
        """Make the limiter when it is needed: it comes with a thread.

        Its windows are those of the clock's own hours, so that a clock that was ahead blocks nobody later.
        """
        if self._limiter is None:
            from limits.storage import MemoryStorage
            from limits.strategies import SlidingWindowCounterRateLimiter

            section = self._section
            amounts = {"network": section.network, "mailbox": section.mailbox}
            amounts |= {"domain": section.domain, "total": section.total}
            self._items = {name: _items(most) for name, most in amounts.items()}
            self._limiter = SlidingWindowCounterRateLimiter(MemoryStorage())
        return self._limiter


def mailbox_of(address: str) -> str:
    """Return what the address delivers to: without +tag, and without dots where its provider ignores them."""
    local, _, domain = address.lower().rpartition("@")
    base = local.partition("+")[0] or local
    if domain in _WITHOUT_DOTS:
        base = base.replace(".", "")
    return f"{base}@{_GMAIL[0] if domain in _GMAIL else domain}"


def network_of(client: str) -> str:
    """Return the network of a client: /24, or /56 of IPv6, of which one household has all addresses."""
    try:
        address = ip_address(client.partition("%")[0])
    except ValueError:  # a socket's path, or what a proxy wrote there
        return ""
    if isinstance(address, IPv6Address):
        address = address.ipv4_mapped or address
    return str(ip_network((address, 24 if address.version == 4 else 56), strict=False))


def _items(amounts: str) -> list[RateLimitItem]:
    """Read "25/h; 100/d"; none where there is no limit."""
    from limits import RateLimitItemPerDay, RateLimitItemPerHour, RateLimitItemPerMinute

    kinds = {"m": RateLimitItemPerMinute, "h": RateLimitItemPerHour, "d": RateLimitItemPerDay}
    pairs = (amount.strip().split("/") for amount in amounts.split(";") if amount)
    return [kinds[unit](int(most)) for most, unit in pairs]
