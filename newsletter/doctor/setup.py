"""What is examined, and with which tools. Data and seams only; the service fills them in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from email.utils import parseaddr
from pathlib import Path

from newsletter.doctor.dkim import OwnKey
from newsletter.doctor.dns import Resolver
from newsletter.doctor.finding import Finding
from newsletter.doctor.seams import Caller, RelaySetup, Web
from newsletter.formats import ascii_domain


@dataclass(frozen=True, slots=True)
class Setup:
    """A newsletter as it is configured."""

    sender: str  #: "The Weekly Preprint <weekly@papers.example.org>"
    reply_to: str = ""  #: the same form, or ""
    bounces: str = ""  #: the address that bounces go to; "": that of the sender
    leave_to: str = ""  #: the address of the mailto of List-Unsubscribe; "": none is offered
    base_url: str = ""
    list_id: str = ""
    postal_address: str = ""
    relays: tuple[RelaySetup, ...] = ()
    keys: tuple[OwnKey, ...] = ()  #: that sign; none: nothing is signed here
    sample: bytes = b""  #: a mail as it would go out; b"" where none can be made
    unsubscribe: str = ""  #: a List-Unsubscribe link of nobody
    secret_files: tuple[tuple[str, Path], ...] = ()  #: (what it is, where)
    database_file: Path | None = None
    premises: tuple[Finding, ...] = ()  #: found out already: keys, templates, database
    hidden: tuple[str, ...] = field(default=(), repr=False)  #: secrets that no finding may show

    @property
    def sender_address(self) -> str:
        return parseaddr(self.sender)[1]

    @property
    def domain(self) -> str:
        """The domain of the From; "" where DNS could not know it."""
        return domain_of(self.sender_address)

    @property
    def envelope_domain(self) -> str:
        """The domain whose SPF record counts: of the address that bounces go to."""
        return domain_of(self.bounces or self.sender_address)


@dataclass(frozen=True, slots=True)
class Tools:
    """The seams to the world."""

    resolver: Resolver
    caller: Caller
    web: Web
    own_addresses: Callable[[], tuple[str, ...]]  #: of this machine, those it sends from
    now: Callable[[], datetime]


def domain_of(address: str) -> str:
    """The domain of an address as DNS has it: lower case, A-labels; "" where DNS could not know it, as "localhost"."""
    domain = address.rpartition("@")[2].lower().rstrip(".")
    try:
        return ascii_domain(domain).encode("idna").decode() if "." in domain else ""  # which minds how long labels are
    except UnicodeError:
        return ""
