"""SMTP: aiosmtplib connects (TLS, EHLO, AUTH); then our own protocol (smtp_protocol.py) takes it over.

Only this file, smtp_login.py, and doctor/check_relay.py which sends nothing, know aiosmtplib, and only what it
documents.
"""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass
from functools import cached_property
from typing import cast

import aiosmtplib
from aiosmtplib import SMTPException

from newsletter.errors import ConfigError, HostDown
from newsletter.sender.envelope import Offers
from newsletter.sender.parameters import Parameters
from newsletter.sender.phase import Phase
from newsletter.sender.pipelining import Pipelining
from newsletter.sender.replies import Reply, readable
from newsletter.sender.smtp_protocol import SmtpProtocol
from newsletter.sender.transport import Connection
from newsletter.sender.tuning import SMTP, SmtpTuning
from newsletter.smtp_login import LoginClient


@dataclass(frozen=True, slots=True)
class Relay:
    """The server that takes our mails. `timeout` in seconds, for every reply but the last one."""

    host: str
    port: int
    security: str = "starttls"  #: "starttls", "tls" or "none"
    username: str = ""
    password: str = ""
    timeout: float = 60.0
    hello_name: str = ""
    ca_file: str = ""  #: PEM, in place of the system's authorities
    tls_minimum: str = ""  #: "1.2" or "1.3"; what the system demands by default

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class SmtpTransport:
    """Connections to one relay; they share one TLS context (26 ms of CPU), one Pipelining and one Parameters."""

    def __init__(self, relay: Relay, tuning: SmtpTuning = SMTP) -> None:
        """Check the relay; raises ConfigError where a password would go in clear."""
        if relay.username and relay.security == "none":
            raise ConfigError('a password is never sent in clear: set smtp.security to "starttls" or "tls"')
        self.relay = relay
        self.pipelining = Pipelining()
        self.parameters = Parameters()
        self._tuning = tuning
        self._hello_name = relay.hello_name

    @cached_property
    def _context(self) -> ssl.SSLContext | None:
        return tls_context(self.relay) if self.relay.security != "none" else None

    async def open(self) -> Connection:
        """Connect, and never fall back from TLS.

        Raises HostDown, whose `phase` tells how far it came, and ConfigError where the authorities cannot be read.
        """
        relay = self.relay
        client = LoginClient(
            hostname=relay.host,
            port=relay.port,
            timeout=relay.timeout,
            use_tls=relay.security == "tls",
            start_tls=False,
            tls_context=self._context,
            local_hostname=self._hello_name or None,
        )
        try:
            offers = await self._say_hello(client)
            return self._take_over(client, offers)
        except BaseException:
            client.close()
            raise

    async def _say_hello(self, client: aiosmtplib.SMTP) -> Offers:
        phase = Phase.CONNECT
        try:
            await client.connect()
            self._hello_name = client.local_hostname or ""  # looked up once
            phase = Phase.EHLO
            offers = await _greet(client)
            if self.relay.security == "starttls":
                phase = Phase.STARTTLS
                await client.starttls()
                offers = await _greet(client)
            if self.relay.username:
                phase = Phase.AUTH
                await client.login(self.relay.username, self.relay.password)
        except (SMTPException, OSError, ValueError) as error:
            raise self._down(error, phase) from error
        return offers

    def _take_over(self, client: aiosmtplib.SMTP, offers: Offers) -> SmtpProtocol:
        transport = client.transport
        if transport is None:
            raise HostDown(f"{self.relay}: the connection was lost", phase=Phase.EHLO)
        shared = self.pipelining, self.relay.timeout, self._tuning, self.parameters
        protocol = SmtpProtocol(str(self.relay), offers, *shared)
        cast(asyncio.Transport, transport).set_protocol(protocol)
        protocol.connection_made(transport)
        return protocol

    def _down(self, error: BaseException, phase: Phase) -> HostDown:
        reply = Reply(getattr(error, "code", 0) or 0, str(getattr(error, "message", "")).encode("utf-8", "replace"))
        words = reply.words if reply.code else readable(str(error)) or type(error).__name__
        if "WRONG_VERSION_NUMBER" in words:
            words = 'no TLS from the first byte there; smtp.security = "starttls"?'
        return HostDown(f"{self.relay}: {words}", reply.code, reply.status, phase)


async def _greet(client: aiosmtplib.SMTP) -> Offers:
    try:
        return Offers.parse((await client.ehlo()).message)
    except aiosmtplib.SMTPHeloError as error:
        if error.code == 421 or not client.is_connected:
            raise
        await client.helo()
        return Offers()


def tls_context(relay: Relay) -> ssl.SSLContext:
    """Make a context that verifies certificates and the name in them. Raises ConfigError."""
    try:
        context = ssl.create_default_context(cafile=relay.ca_file or None)
    except (OSError, ValueError) as error:
        raise ConfigError(f"smtp.ca_file {relay.ca_file}: {error}") from error
    if relay.tls_minimum:
        context.minimum_version = ssl.TLSVersion["TLSv" + relay.tls_minimum.replace(".", "_")]
    return context
