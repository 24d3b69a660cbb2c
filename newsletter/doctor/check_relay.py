"""The server that takes our mails: connects, greets, secures, logs in and leaves. It never sends a mail.

connect ─▶ EHLO ─▶ STARTTLS, EHLO ─▶ AUTH ─▶ QUIT
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from newsletter.doctor.certificates import certificate_error, certificate_finding, expiry
from newsletter.doctor.finding import Finding, error, ok, warning, words
from newsletter.doctor.seams import Call, NoCall, RelaySetup
from newsletter.doctor.setup import Setup, Tools
from newsletter.errors import ConfigError

if TYPE_CHECKING:
    import aiosmtplib

SECONDS = 10.0  #: for one reply
OLD = ("SSLv2", "SSLv3", "TLSv1", "TLSv1.1")
TOLD = ("size", "pipelining", "chunking", "8bitmime", "smtputf8", "dsn")
HERE = ("localhost", "127.0.0.1", "::1")


Trust = Callable[[RelaySetup], ssl.SSLContext]  #: whose certificates are believed; may raise ConfigError


class SmtpCaller:
    """aiosmtplib, with the same rules as the sender: never a password in clear, never back from TLS."""

    def __init__(self, context: Trust = lambda _: ssl.create_default_context()) -> None:
        """Take `context`, which says whose certificates are believed and may raise ConfigError."""
        self._context = context

    async def call(self, relay: RelaySetup) -> Call:
        import aiosmtplib

        from newsletter.smtp_login import LoginClient

        try:
            context = self._context(relay)
        except ConfigError as trouble:
            raise NoCall(str(trouble), "authorities") from trouble
        client = LoginClient(
            hostname=relay.host,
            port=relay.port,
            timeout=min(relay.timeout, SECONDS),
            use_tls=relay.security == "tls",
            start_tls=False,
            tls_context=context,
            local_hostname=relay.hello_name or await asyncio.to_thread(socket.getfqdn),
        )
        session = _RelaySession(client, relay)
        try:
            return await session.run()
        except (aiosmtplib.SMTPException, OSError, ValueError) as trouble:
            raise NoCall(certificate_error(trouble) or _words(trouble), session.failed(trouble)) from trouble
        finally:
            client.close()


@dataclass(slots=True)
class _RelaySession:
    client: aiosmtplib.SMTP
    relay: RelaySetup
    step: str = "connect"

    async def run(self) -> Call:
        client, relay = self.client, self.relay
        await client.connect()
        await _greet(client)
        in_clear = relay.security != "tls" and client.supports_extension("auth")
        if relay.security == "starttls":
            self.step = "tls" if client.supports_extension("starttls") else "starttls"
            await client.starttls()
            await _greet(client)
        secured = client.get_transport_info("ssl_object")
        login = await self._login() if relay.username else ""
        call = Call(
            extensions=dict(client.esmtp_extensions),
            login_in_clear=in_clear,
            tls=secured.version() if secured else "",
            expires=expiry(secured.getpeercert()) if secured else None,
            login=login,
        )
        await _leave(client)
        return call

    async def _login(self) -> str:
        self.step = "login"
        if self.relay.security == "none":
            raise NoCall("a password is never sent in clear", self.step)
        reply = await self.client.login(self.relay.username, self.relay.password)
        return f"{reply.code} {reply.message}"

    def failed(self, trouble: Exception) -> str:
        """The step that it came to."""
        if certificate_error(trouble):
            return "certificate"
        in_handshake = self.relay.security == "tls" and isinstance(trouble.__cause__, ssl.SSLError)
        return "tls" if in_handshake else self.step


async def _greet(client: aiosmtplib.SMTP) -> None:
    from aiosmtplib import SMTPHeloError

    try:
        await client.ehlo()
    except SMTPHeloError:
        await client.helo()


async def _leave(client: aiosmtplib.SMTP) -> None:
    from aiosmtplib import SMTPException

    with suppress(SMTPException, OSError):
        await client.quit(timeout=SECONDS)


def _words(trouble: Exception) -> str:
    """The server's own words where there are any."""
    code, message = getattr(trouble, "code", ""), getattr(trouble, "message", "")
    return f"{code} {message}" if code else words(trouble)


async def check_relay(setup: Setup, tools: Tools) -> tuple[Finding, ...]:
    """Check every relay, all at once."""
    found = await asyncio.gather(*(_checked(relay, tools) for relay in setup.relays))
    return tuple(finding for some in found for finding in some)


async def _checked(relay: RelaySetup, tools: Tools) -> list[Finding]:
    try:
        return judged(relay, await tools.caller.call(relay), tools.now())
    except NoCall as trouble:
        return [_failed(relay, trouble)]


def _failed(relay: RelaySetup, trouble: NoCall) -> Finding:
    names = {
        "connect": "connection to",
        "authorities": "certificate of",
        "starttls": "TLS to",
        "tls": "TLS to",
        "certificate": "certificate of",
        "login": "login to",
    }
    todo = {
        "connect": "Look at [smtp] host and port, and whether your provider or a firewall closes that port.",
        "authorities": "Name a PEM file that this user may read in [smtp] ca_file, or leave it out.",
        "starttls": 'Use a port that offers TLS (587, or 465 with security = "tls"); we never go on in clear.',
        "tls": 'Look whether port and security fit: 587 and 25 are "starttls", 465 is "tls".',
        "certificate": "Name the relay in [smtp] host as its certificate does, have it renewed, or set ca_file.",
        "login": "Look at [smtp] username and password_file; many providers want a password made for programs.",
    }
    found = "STARTTLS is not offered" if trouble.step == "starttls" else str(trouble)
    hint = todo[trouble.step]
    if relay.host in HERE and not relay.username and trouble.step in ("starttls", "certificate", "tls"):
        hint = 'Set [smtp] security = "none": on this machine nothing leaves it.'
    return error(f"{names[trouble.step]} {relay}", found, hint)


def judged(relay: RelaySetup, call: Call, now: datetime) -> list[Finding]:
    """Judge a call that came to its end."""
    found = [ok(f"connection to {relay}", _offers(call)), _secured(relay, call)]
    if call.expires:
        found.append(certificate_finding(f"certificate of {relay}", call.expires, now))
    found.append(_logged_in(relay, call))
    if call.login_in_clear and relay.host not in HERE:
        todo = "We never send it there, but other programs may: ask that AUTH is offered after STARTTLS only."
        found.append(warning(f"AUTH at {relay}", "is offered before TLS", todo))
    return found


def _offers(call: Call) -> str:
    offered = [f"{name.upper()} {call.extensions[name]}".strip() for name in TOLD if name in call.extensions]
    return f"offers {', '.join(offered)}" if offered else "offers no extensions"


def _secured(relay: RelaySetup, call: Call) -> Finding:
    name = f"TLS to {relay}"
    if call.tls in OLD:
        return error(name, call.tls, "Have the relay offer TLS 1.2 or later.")
    if call.tls:
        return ok(name, call.tls)
    if relay.host in HERE:
        return ok(name, "none, on this machine")
    return error(name, "none: mails and readers' addresses travel in clear", 'Set [smtp] security = "starttls".')


def _logged_in(relay: RelaySetup, call: Call) -> Finding:
    name = f"login to {relay}"
    if call.login:
        return ok(name, call.login)
    if "auth" in call.extensions and relay.host not in HERE:
        todo = "Set [smtp] username and password_file, unless the relay knows this machine by its address."
        return warning(name, "the relay offers a login and none is configured", todo)
    return ok(name, "not asked for")
