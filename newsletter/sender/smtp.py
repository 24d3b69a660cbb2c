"""SMTP: aiosmtplib connects (TLS, AUTH, EHLO); the transaction is ours, command by command.

    MAIL ─▶ RCPT ─▶ DATA ─▶ body without the last dot ─▶ begin() ─▶ dot ─▶ reply

because aiosmtplib raises the same SMTPServerDisconnected before the 354 and after the dot, takes its time-out of
60 s for the final reply too (RFC 5321 4.5.3.2.6 asks 10 minutes), and calls a 251 after the dot an error.
Only public methods of aiosmtplib are used. Only this file knows it.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass

import aiosmtplib
from aiosmtplib import SMTPException, SMTPResponse, SMTPServerDisconnected, SMTPTimeoutError

from newsletter.errors import Deferred, DeliveryError, HostDown, Refused, Uncertain
from newsletter.sender.transport import Begin, Connection
from newsletter.types import Mail

DOT_TIMEOUT = 600.0  #: seconds to wait for the reply to the last dot: giving up sooner makes duplicates
_LOST = (SMTPServerDisconnected, SMTPTimeoutError, ConnectionError, OSError)


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

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class SmtpTransport:
    """Connections to one relay; they share one TLS context (building one costs 26 ms of CPU)."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        self._context = ssl.create_default_context() if relay.security != "none" else None

    async def open(self) -> Connection:
        """Raises HostDown; never falls back from TLS, never sends a password in clear."""
        relay = self.relay
        client = aiosmtplib.SMTP(
            hostname=relay.host,
            port=relay.port,
            timeout=relay.timeout,
            use_tls=relay.security == "tls",
            start_tls=relay.security == "starttls",
            tls_context=self._context,
            username=relay.username or None,
            password=relay.password or None,
            local_hostname=relay.hello_name or None,
        )
        try:
            await client.connect()
            if client.is_ehlo_or_helo_needed:
                await _greet(client)
        except (SMTPException, OSError, ValueError) as error:
            client.close()
            raise HostDown(f"{relay}: {_words(error)}", getattr(error, "code", 0) or 0) from error
        return SmtpConnection(client, str(relay))


class SmtpConnection:
    """One conversation; see the flow at the top of this file."""

    def __init__(self, client: aiosmtplib.SMTP, name: str) -> None:
        self._client = client
        self._name = name

    async def send(self, mail: Mail, begin: Begin) -> str:
        """See Connection.send. A cancelled send closes the connection: it would be out of step."""
        try:
            return await self._transaction(mail, begin)
        except (Deferred, Refused) as error:
            await self._reset(error)
            raise
        except BaseException:
            self._client.close()
            raise

    async def close(self) -> None:
        try:
            await self._client.quit(timeout=5)
        except (SMTPException, OSError):
            self._client.close()

    async def _transaction(self, mail: Mail, begin: Begin) -> str:
        sender, recipient = envelope_address(mail.sender), envelope_address(mail.recipient)
        reply = await self._command(b"MAIL", b"FROM:<" + sender + b">")
        _judge(reply, host=True)
        _judge(await self._command(b"RCPT", b"TO:<" + recipient + b">"))
        reply = await self._command(b"DATA")
        if reply.code != 354:
            _judge(reply)
            raise Deferred(f"DATA was answered {_spoken(reply)}", reply.code)
        self._write(dot_stuffed(mail.body))
        await begin()
        return await self._final_dot()

    async def _command(self, *words: bytes) -> SMTPResponse:
        """Before the dot a lost connection means: certainly not sent."""
        try:
            return await self._client.execute_command(*words)
        except _LOST as error:
            raise HostDown(f"{self._name}: {_words(error)}") from error

    def _write(self, data: bytes) -> None:
        if self._client.protocol is None:
            raise HostDown(f"{self._name}: the connection was lost")
        try:
            self._client.protocol.write(data)
        except _LOST as error:
            raise HostDown(f"{self._name}: {_words(error)}") from error

    async def _final_dot(self) -> str:
        """From here on a lost connection means: nobody can know."""
        try:
            self._write(b".\r\n")
        except HostDown as error:  # the dot did not leave this process
            raise Deferred(str(error)) from error
        protocol = self._client.protocol
        assert protocol is not None  # noqa: S101  (_write has just used it)
        try:
            reply = await protocol.read_response(timeout=DOT_TIMEOUT)
        except (*_LOST, SMTPException) as error:
            raise Uncertain(f"{self._name}: {_words(error)} after the last dot") from error
        _judge(reply)
        return _spoken(reply)

    async def _reset(self, error: DeliveryError) -> None:
        """After a definite answer the connection serves the next mail; where RSET fails it is closed."""
        if isinstance(error, HostDown) or error.code == 421:
            self._client.close()
            return
        try:
            await self._client.rset(timeout=10)
        except (SMTPException, OSError):
            self._client.close()


async def _greet(client: aiosmtplib.SMTP) -> None:
    try:
        await client.ehlo()
    except aiosmtplib.SMTPHeloError:
        await client.helo()


def _judge(reply: SMTPResponse, host: bool = False) -> None:
    """2xx goes on. 421, and a refusal of MAIL (`host`), are the server's matter and nobody's in particular."""
    words = _spoken(reply)
    if 200 <= reply.code < 300:
        return
    if reply.code == 421 or (host and reply.code >= 500):
        raise HostDown(words, reply.code)
    if 500 <= reply.code < 600:
        raise Refused(words, reply.code)
    raise Deferred(words, reply.code)


def dot_stuffed(body: bytes) -> bytes:
    """RFC 5321 4.5.2, for a body with CRLF lines; ends in CRLF, without the last dot."""
    stuffed = body.replace(b"\r\n.", b"\r\n..")
    stuffed = b"." + stuffed if stuffed.startswith(b".") else stuffed
    return stuffed if stuffed.endswith(b"\r\n") else stuffed + b"\r\n"


def envelope_address(address: str) -> bytes:
    """ASCII for MAIL and RCPT: the domain by IDNA. Raises Refused where the local part needs SMTPUTF8."""
    local, _, domain = address.rpartition("@")
    try:
        return local.encode("ascii") + b"@" + (domain.encode("ascii") if domain.isascii() else domain.encode("idna"))
    except UnicodeError as error:
        raise Refused(f"{address!r} cannot be written in an SMTP envelope without SMTPUTF8") from error


def _words(error: BaseException) -> str:
    """The server's or the system's own words, in one line."""
    return _readable(str(error)) or type(error).__name__


def _spoken(reply: SMTPResponse) -> str:
    return _readable(f"{reply.code} {reply.message}")


def _readable(text: str) -> str:
    """One line that any store can keep: aiosmtplib hands on what is not UTF-8 as lone surrogates."""
    return " ".join(text.encode("utf-8", "surrogateescape").decode("utf-8", "replace").split())[:300]
