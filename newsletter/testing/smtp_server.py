"""A real SMTP server on loopback that answers what its script says and records what it truly accepted."""

from __future__ import annotations

import asyncio
import re
import ssl
from base64 import b64decode
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

#: (verb, argument) → what to say in place of the usual: a reply such as "451 4.3.0 later" (or several lines; the
#: server hangs up after 421, and after a reply with its line end), "" for the usual, or what to do: "reset",
#: "close" (without a word), "hang" (say nothing), "slow" (the usual, after a while), "garbage"; with a mail
#: also "accept and reset", "accept and hang" and so on.
#: Verbs: CONNECT, EHLO, STARTTLS, TLS (the handshake), AUTH, MAIL, RCPT, RSET; DATA and BDAT with the recipient as
#: argument; and "." with the mail, whether it came by DATA or BDAT.
Script = Callable[[str, str], str]

SLOW = 0.2  #: seconds
GARBAGE = "\x16\x03\x01 you were not meant to read this"


class ScriptedServer:
    """An SMTP server: `async with ScriptedServer(script) as server:` listens on 127.0.0.1:`server.port`.

    It knows nothing of the sender, takes only what comes in the order of RFC 5321, and notes a mail as accepted
    before its 250 leaves.
    """

    def __init__(
        self,
        script: Script = lambda verb, argument: "",  # noqa: ARG005
        delay: float = 0.0,
        *,
        offers: Sequence[str] = ("PIPELINING", "8BITMIME"),
        tls: ssl.SSLContext | None = None,
        tls_at_once: bool = False,
        users: Mapping[str, str] | None = None,
        order: str = "",
        logins: str = "PLAIN",
    ) -> None:
        """`tls`: offers STARTTLS, or speaks TLS at once. `users`: names and passwords, asked for after TLS.

        `logins`: the ways to log in that it offers; it knows PLAIN, and LOGIN without a name in the first line.
        `order`: how it takes commands that come early. "": as RFC 2920 says; "haraka": it refuses a MAIL that was sent
        before the reply to the last dot; "none": it refuses all that is followed by more; "deaf": it throws away what
        follows; "lenient": it answers DATA with 354 even if there is no recipient.
        """
        self.script = script
        self.delay = delay  #: seconds before the reply to the last dot
        self.offers, self.tls, self.tls_at_once = offers, tls, tls_at_once
        self.users, self.order, self.logins = users, order, logins
        self.accepted: list[tuple[str, bytes]] = []  #: (recipient, mail) of all that was answered 250
        self.commands: list[str] = []  #: as they came
        self.early = 0  #: MAIL that came before the reply to the last dot
        self.connections = 0
        self.port = 0  #: any that is free; a server that is entered again comes back where it was
        self._server: asyncio.Server | None = None
        self._sessions: set[asyncio.Task[None] | None] = set()

    async def __aenter__(self) -> ScriptedServer:
        at_once = self.tls if self.tls_at_once else None
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port, ssl=at_once)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *error: object) -> None:
        assert self._server is not None  # noqa: S101  (made in __aenter__)
        self._server.close()
        sessions = [task for task in self._sessions if task]
        for task in sessions:
            task.cancel()
        await asyncio.gather(*sessions, return_exceptions=True)

    @property
    def open(self) -> int:
        """The connections that are open now."""
        return len(self._sessions)

    def recipients(self) -> list[str]:
        """The recipients of the mails it accepted, in order, doubles included."""
        return [recipient for recipient, _ in self.accepted]

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        task = asyncio.current_task()
        self._sessions.add(task)
        with suppress(OSError, asyncio.CancelledError):
            await _ScriptedSession(self, reader, writer).run()
        self._sessions.discard(task)
        writer.close()


class _HangUp(ConnectionError):
    pass


class _ScriptedSession:
    def __init__(self, server: ScriptedServer, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.server, self.reader, self.writer = server, reader, writer
        self.buffer = bytearray()  #: read and not yet understood
        self.replies: list[bytes] = []  #: said when nothing is left to be understood, as real servers do
        self.encrypted = server.tls is not None and server.tls_at_once
        self.known = False
        self.ahead = False  #: something was there before the reply to the last dot
        self.chunks = bytearray()
        self.sender: str | None = None
        self.recipients: list[str] = []

    async def run(self) -> None:
        await self.say("CONNECT", "", "220 scripted ESMTP")
        while line := (await self.line()).decode("utf-8", "replace").strip():
            verb, _, argument = line.partition(" ")
            self.server.commands.append(line)
            await self.obey(verb.upper(), argument)

    async def obey(self, verb: str, argument: str) -> None:
        orders = {
            "EHLO": self.ehlo,
            "STARTTLS": self.starttls,
            "AUTH": self.auth,
            "MAIL": self.mail,
            "RCPT": self.rcpt,
            "DATA": self.data,
            "BDAT": self.bdat,
            "RSET": self.rset,
        }
        if self.server.order == "deaf":
            self.buffer.clear()
        if self.server.order == "none" and self.buffer and verb != "BDAT":
            await self.answer("500 5.5.1 pipelining was not offered")
        elif verb in orders:
            await orders[verb](argument)
        elif verb == "QUIT":
            await self.answer("221 bye")
            await self.flush()
            raise _HangUp
        else:
            await self.answer("250 ok" if verb in ("HELO", "NOOP") else "500 5.5.2 what?")

    async def ehlo(self, argument: str) -> None:
        offers = [*self.server.offers]
        offers += ["STARTTLS"] if self.server.tls and not self.encrypted else []
        offers += [f"AUTH {self.server.logins}"] if self.server.users and self.encrypted else []
        lines = ["scripted", *offers]
        usual = "\r\n".join([*(f"250-{line}" for line in lines[:-1]), f"250 {lines[-1]}"])
        await self.say("EHLO", argument, usual)

    async def starttls(self, argument: str) -> None:
        if not self.server.tls or self.encrypted:
            await self.answer("502 5.5.1 no")
        elif await self.say("STARTTLS", argument, "220 go on"):
            await self.flush()
            if await self.say("TLS", argument, ""):
                await self.writer.start_tls(self.server.tls)
                self.encrypted = True

    async def auth(self, argument: str) -> None:
        """Take AUTH PLAIN with the name and the password in the first line, and LOGIN with neither."""
        if argument.upper().startswith("LOGIN"):
            secret = ["", await self.ask(b"VXNlcm5hbWU6"), await self.ask(b"UGFzc3dvcmQ6")]
        else:
            secret = b64decode(argument.partition(" ")[2]).decode("utf-8", "replace").split("\0")
        right = secret[1:] in [[name, password] for name, password in (self.server.users or {}).items()]
        usual = "235 2.7.0 welcome" if right else "535 5.7.8 wrong name or password"
        self.known = await self.say("AUTH", secret[1] if len(secret) > 1 else "", usual) and right

    async def ask(self, question: bytes) -> str:
        await self.answer(f"334 {question.decode()}")
        return b64decode((await self.line()).strip()).decode("utf-8", "replace")

    async def mail(self, argument: str) -> None:
        early, self.ahead = self.ahead, False
        self.server.early += early
        if early and self.server.order == "haraka":
            await self.answer("503 5.5.1 a command was pipelined after the end of DATA")
        elif self.server.users and not self.known:
            await self.answer("530 5.7.0 who are you?")
        elif self.sender is not None:
            await self.answer("503 5.5.1 nested MAIL")
        elif await self.say("MAIL", argument, "250 2.1.0 ok"):
            self.sender = _address(argument)

    async def rcpt(self, argument: str) -> None:
        if self.sender is None:
            await self.answer("503 5.5.1 MAIL first")
        elif await self.say("RCPT", argument, "250 2.1.5 ok"):
            self.recipients.append(_address(argument))

    async def rset(self, argument: str) -> None:
        self.forget()
        await self.say("RSET", argument, "250 2.0.0 ok")

    async def data(self, argument: str) -> None:
        lenient = self.server.order == "lenient" and self.sender is not None
        if not self.recipients and not lenient:
            await self.answer("503 5.5.1 RCPT first")
        elif await self.say("DATA", self.recipient() or argument, "354 go on"):
            body = await self.until(b"\r\n.\r\n") if not lenient or self.recipients else await self.until(b".\r\n")
            await self.take(body[:-3].removeprefix(b".").replace(b"\r\n..", b"\r\n."))

    async def bdat(self, argument: str) -> None:
        size, _, last = argument.partition(" ")
        if "CHUNKING" not in self.server.offers:
            await self.answer("500 5.5.1 what?")
            return
        chunk = await self.exactly(int(size))
        if not self.recipients:
            await self.answer("503 5.5.1 RCPT first")
        elif last:
            await self.take(bytes(self.chunks + chunk))
        elif await self.say("BDAT", self.recipient(), f"250 2.0.0 {size} bytes"):
            self.chunks += chunk
        else:
            self.forget()

    async def take(self, mail: bytes) -> None:
        """Answer the end of a mail's data; a mail is accepted before the reply leaves."""
        self.ahead = bool(self.buffer)
        if self.server.delay:
            await asyncio.sleep(self.server.delay)
        said = self.server.script(".", mail.decode("latin-1"))
        if self.recipients and (said in ("", "slow") or said.startswith("accept and ")):
            self.server.accepted += [(recipient, mail) for recipient in self.recipients]
        usual = "250 taken" if self.recipients else "554 5.5.1 nobody to give it to"
        self.forget()
        await self.act(said.removeprefix("accept and "), usual)

    def recipient(self) -> str:
        return self.recipients[-1] if self.recipients else ""

    def forget(self) -> None:
        self.sender = None
        self.recipients.clear()
        self.chunks.clear()

    async def say(self, verb: str, argument: str, usual: str) -> bool:
        """Reply as the script wants; returns whether that was the usual reply."""
        return await self.act(self.server.script(verb, argument), usual)

    async def act(self, said: str, usual: str) -> bool:
        if said in ("reset", "close", "hang", "slow"):
            await self.flush()
        if said == "hang":
            await asyncio.sleep(3600)
        if said == "reset":
            self.writer.transport.abort()
        if said in ("reset", "close"):
            raise _HangUp
        if said == "slow":
            await asyncio.sleep(SLOW)
        went_on = said in ("", "slow")
        await self.answer(usual if went_on else GARBAGE if said == "garbage" else said)
        return went_on

    async def answer(self, reply: str) -> None:
        if reply:
            self.replies.append(reply.removesuffix("\r\n").encode("utf-8", "surrogateescape") + b"\r\n")
        if reply.startswith("421") or reply.endswith("\r\n"):
            await self.flush()
            raise _HangUp

    async def flush(self) -> None:
        if self.replies:
            self.writer.write(b"".join(self.replies))
            self.replies.clear()
            await self.writer.drain()

    async def line(self) -> bytes:
        return await self.until(b"\n")

    async def until(self, end: bytes) -> bytes:
        start = 0
        while (place := self.buffer.find(end, start)) < 0:
            start = max(0, len(self.buffer) - len(end))
            await self.fill()
        return self.cut(place + len(end))

    async def exactly(self, size: int) -> bytes:
        while len(self.buffer) < size:
            await self.fill()
        return self.cut(size)

    def cut(self, size: int) -> bytes:
        data = bytes(self.buffer[:size])
        del self.buffer[:size]
        return data

    async def fill(self) -> None:
        await self.flush()
        data = await self.reader.read(2**18)
        if not data:
            raise _HangUp
        self.buffer += data


def _address(argument: str) -> str:
    found = re.search(r"<([^>]*)>", argument)
    return found[1] if found else argument


def make_certificate(folder: Path, name: str = "127.0.0.1") -> tuple[ssl.SSLContext, Path]:
    """A server's TLS context with a certificate of its own, and the file that vouches for it (`[smtp] ca_file`)."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "scripted")])
    known = x509.DNSName(name) if name.strip("0123456789.") else x509.IPAddress(ip_address(name))
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([known]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, both = folder / "certificate.pem", folder / "server.pem"
    public.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    both.write_bytes(key.private_bytes(*form) + public.read_bytes())
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(both)
    return context, public
