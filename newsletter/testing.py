"""For our tests and other people's: a clock to move, ready-made entries and subscribers, transports that misbehave.

`ScriptedServer` is a real SMTP server on loopback that answers what its script says and records what it truly
accepted: the independent judge of a test.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from newsletter.errors import HostDown
from newsletter.sender import Begin, Connection
from newsletter.types import Cadence, Entry, Interest, Issue, Mail, Profile, Status, Subscriber

NOON = datetime(2025, 3, 17, 12, tzinfo=UTC)  #: a Monday
WEEK_12 = Issue(key="2025-W12", cadence=Cadence.WEEKLY, since=NOON - timedelta(days=7), until=NOON)


class Clock:
    """A clock that tests move."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, **by: float) -> None:
        """By a timedelta's words: `days=7`."""
        self.now += timedelta(**by)


def make_entry(entry_id: str = "mamba", **changes: object) -> Entry:
    """An entry with a title and an abstract; any field may be given."""
    plain = Entry(
        id=entry_id,
        title=f"On {entry_id.replace('-', ' ')}",
        abstract=f"We study {entry_id.replace('-', ' ')} and find that it is 2.4× faster than before.",
        url=f"https://papers.example.org/{entry_id}",
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def make_profile(*keywords: str, **changes: object) -> Profile:
    """A profile with one interest per keyword."""
    interests = tuple(Interest(name=word, keywords=(word,)) for word in keywords)
    return replace(Profile(interests=interests), **changes)  # type: ignore[arg-type]


def make_subscriber(name: str = "Ada", number: int = 1, **changes: object) -> Subscriber:
    """An active subscriber at example.org."""
    plain = Subscriber(
        id=number, email=f"{name.lower()}@example.org", name=name, status=Status.ACTIVE, profile=Profile()
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


@dataclass(slots=True)
class MemoryTransport:
    """Keeps the mails it took. `answer` is called before one is taken and may raise any DeliveryError."""

    answer: Callable[[Mail], None] = lambda mail: None  # noqa: ARG005
    mails: list[Mail] = field(default_factory=list)
    down: bool = False
    ahead: int = 1

    async def open(self) -> Connection:
        if self.down:
            raise HostDown("memory: connection refused")
        return self

    async def send(self, mail: Mail, begin: Begin) -> str:
        self.answer(mail)
        await begin()
        self.mails.append(mail)
        return "250 kept"

    async def close(self) -> None:
        """Nothing to close."""


#: (verb, argument) → a reply such as "451 4.3.0 later", "reset" (hang up), "hang" (say nothing), or "" to go on.
#: Verbs: CONNECT, EHLO, MAIL, RCPT, DATA, and "." with the mail as argument.
Script = Callable[[str, str], str]


class ScriptedServer:
    """`async with ScriptedServer(script) as server:` listens on 127.0.0.1:`server.port`."""

    def __init__(self, script: Script = lambda verb, argument: "", delay: float = 0.0) -> None:  # noqa: ARG005
        self.script = script
        self.delay = delay  #: seconds before the reply to the last dot
        self.accepted: list[tuple[str, bytes]] = []  #: (recipient, mail) of all that was answered 250
        self.connections = 0
        self.port = 0
        self._server: asyncio.Server | None = None

    async def __aenter__(self) -> ScriptedServer:
        self._server = await asyncio.start_server(self._talk, "127.0.0.1", 0, limit=2**26)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *error: object) -> None:
        assert self._server is not None  # noqa: S101  (made in __aenter__)
        self._server.close()

    def recipients(self) -> list[str]:
        """Who got a mail, in order, doubles included."""
        return [recipient for recipient, _ in self.accepted]

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await _Talk(self, reader, writer).run()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


class _HangUp(ConnectionError):
    pass


@dataclass(slots=True)
class _Talk:
    server: ScriptedServer
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    recipient: str = ""

    async def run(self) -> None:
        await self._reply("CONNECT", "", "220 scripted ESMTP")
        while line := (await self.reader.readline()).decode("utf-8", "replace").strip():
            verb, _, argument = line.partition(" ")
            await self._obey(verb.upper(), argument)

    async def _obey(self, verb: str, argument: str) -> None:
        if verb == "QUIT":
            self.writer.write(b"221 bye\r\n")
            raise _HangUp
        if verb == "DATA":
            if await self._reply(verb, argument, "354 go on"):
                await self._take()
            return
        usual = "250-scripted\r\n250 8BITMIME" if verb == "EHLO" else "250 ok"
        went_on = await self._reply(verb, argument, usual)
        if verb == "RCPT" and went_on:
            found = re.search(r"<([^>]*)>", argument)
            self.recipient = found[1] if found else argument

    async def _take(self) -> None:
        body = await self.reader.readuntil(b"\r\n.\r\n")
        await asyncio.sleep(self.server.delay)
        mail = body[:-3].replace(b"\r\n..", b"\r\n.")
        if await self._reply(".", mail.decode("latin-1"), "250 taken", mail):
            await self.writer.drain()

    async def _reply(self, verb: str, argument: str, usual: str, mail: bytes | None = None) -> bool:
        """Say what the script says, or the usual; a mail counts as accepted before the 250 leaves."""
        said = self.server.script(verb, argument)
        if said == "hang":
            await asyncio.sleep(3600)
        if mail is not None and said in ("", "accept and reset"):
            self.server.accepted.append((self.recipient, mail))
        if "reset" in said:
            self.writer.transport.abort()
            raise _HangUp
        self.writer.write((said or usual).encode("utf-8", "surrogateescape") + b"\r\n")
        await self.writer.drain()
        if said.startswith("421"):
            raise _HangUp
        return not said
