"""The seams to the world: what asks web pages and mail servers, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Page:
    status: int
    headers: Mapping[str, str]  #: names in lower case
    text: str = ""  #: as much of it as LIMIT
    expires: datetime | None = None  #: the certificate


class Unreached(Exception):
    """No answer, and why."""

    def __init__(self, why: str, certificate: bool = False) -> None:
        super().__init__(why)
        self.certificate = certificate  #: it was the certificate


class Web(Protocol):
    """Asks one page, and never follows where it leads."""

    async def ask(self, method: str, url: str, body: bytes = b"") -> Page:
        """Ask for one page; raises Unreached."""


@dataclass(frozen=True, slots=True)
class RelaySetup:
    """A relay as the [smtp] section has it."""

    host: str
    port: int
    security: str = "starttls"  #: "starttls", "tls" or "none"
    username: str = ""
    password: str = field(default="", repr=False)
    timeout: float = 60.0
    hello_name: str = ""
    ca_file: str = ""
    tls_minimum: str = ""

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Call:
    """What a relay showed."""

    extensions: Mapping[str, str]  #: at the end; names in lower case
    login_in_clear: bool = False  #: AUTH was offered before TLS
    tls: str = ""  #: "TLSv1.3"
    expires: datetime | None = None  #: its certificate
    login: str = ""  #: its answer to a login, "" where none was tried


class NoCall(Exception):
    """A call came to nothing."""

    def __init__(self, why: str, step: str) -> None:
        super().__init__(why)
        self.step = step  #: connect, authorities, starttls, certificate, tls, login


class Caller(Protocol):
    async def call(self, relay: RelaySetup) -> Call:
        """Call a relay, and leave it without a mail; raises NoCall."""
