"""Questions to the DNS. Only this file knows dnspython."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from dns.asyncresolver import Resolver as Client
    from dns.rdata import Rdata
    from dns.resolver import Answer as Reply

SECONDS = 5.0  #: for one question, all name servers together
MOST_QUESTIONS = 400  #: of one run: no record of somebody else's keeps us asking for ever
MOST_VALUES = 100  #: of one answer that are looked at
LONGEST_VALUE = 8_000
AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class Answer:
    """Names in lower case without the last dot; a TXT record's strings joined; MX as "10 mx.example.org"."""

    values: tuple[str, ...] = ()
    exists: bool = True  #: False: there is no such name, of any kind
    secure: bool = False  #: the resolver says that it verified the answer (DNSSEC)


class Unanswered(Exception):
    """Nobody can tell what is in the DNS: no answer in time, or a failure."""


class Resolver(Protocol):
    """Where every check asks."""

    async def ask(self, name: str, kind: str) -> Answer:
        """Ask one question; `kind`: A, AAAA, MX, TXT, PTR or TLSA. Raises Unanswered."""


class Dns:
    """This machine's resolver, or the name servers given."""

    def __init__(self, nameservers: Sequence[str] = (), port: int = 53, seconds: float = SECONDS) -> None:
        self._nameservers = nameservers
        self._port = port
        self._seconds = seconds
        self._client: Client | None = None

    async def ask(self, name: str, kind: str) -> Answer:
        from dns.exception import DNSException, Timeout
        from dns.resolver import NXDOMAIN, NoNameservers, NoResolverConfiguration

        try:
            reply = await self._opened().resolve(f"{name}.", kind, raise_on_no_answer=False, search=False)
        except NXDOMAIN:
            return Answer(exists=False)
        except Timeout:
            raise Unanswered(f"{kind} {name}: no answer within {self._seconds:g} s") from None
        except NoNameservers:
            raise Unanswered(f"{kind} {name}: the name servers fail (SERVFAIL or the like)") from None
        except NoResolverConfiguration:
            raise Unanswered("this machine has no name server configured") from None
        except (DNSException, OSError, UnicodeError, ValueError) as error:
            raise Unanswered(f"{kind} {name}: {error}") from error
        return _answer(reply)

    def _opened(self) -> Client:
        if self._client is None:
            self._client = _client(self._nameservers, self._port, self._seconds)
        return self._client


class Remembering:
    """Asks each question once, however many checks have it."""

    def __init__(self, resolver: Resolver) -> None:
        self._resolver = resolver
        self._asked: dict[tuple[str, str], asyncio.Future[Answer]] = {}
        self._gate = asyncio.Semaphore(AT_ONCE)

    async def ask(self, name: str, kind: str) -> Answer:
        question = name.lower().rstrip("."), kind
        if question not in self._asked:
            if len(self._asked) >= MOST_QUESTIONS:
                raise Unanswered(f"more than {MOST_QUESTIONS} questions")
            self._asked[question] = asyncio.ensure_future(self._ask(*question))
        return await asyncio.shield(self._asked[question])

    async def _ask(self, name: str, kind: str) -> Answer:
        async with self._gate:
            return await self._resolver.ask(name, kind)

    async def close(self) -> None:
        """Give up what is still asked."""
        for answer in self._asked.values():
            answer.cancel()
        await asyncio.gather(*self._asked.values(), return_exceptions=True)


async def addresses(resolver: Resolver, name: str) -> tuple[str, ...]:
    """The addresses of a host: IPv4, then IPv6; raises Unanswered."""
    four, six = await asyncio.gather(resolver.ask(name, "A"), resolver.ask(name, "AAAA"))
    return four.values + six.values


def _client(nameservers: Sequence[str], port: int, seconds: float) -> Client:
    from dns import flags
    from dns.asyncresolver import Resolver as Client

    client = Client(configure=not nameservers)
    if nameservers:
        client.port = port  # before the servers, which take it over
        client.nameservers = list(nameservers)
    client.lifetime = seconds
    client.use_edns(0, 0, 1232)
    client.set_flags(flags.RD | flags.AD)
    return client


def _answer(reply: Reply) -> Answer:
    from dns import flags

    values = sorted(_text(record) for record in list(reply.rrset or ())[:MOST_VALUES])  # servers shuffle them
    return Answer(tuple(values), secure=bool(reply.response.flags & flags.AD))


def _text(record: Rdata) -> str:
    from dns.rdtypes.ANY.MX import MX
    from dns.rdtypes.ANY.TXT import TXT

    if isinstance(record, TXT):
        return b"".join(record.strings).decode("utf-8", "replace")[:LONGEST_VALUE]
    if isinstance(record, MX):
        return f"{record.preference} {_name(str(record.exchange))}"
    return _name(str(record))[:LONGEST_VALUE]


def _name(text: str) -> str:
    return text.lower().rstrip(".") or "."
