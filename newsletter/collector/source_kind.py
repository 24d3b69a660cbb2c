"""What a kind of source is: which requests it makes, how an answer is read, how often its host is asked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from newsletter.types import Entry, Source

MOST_PROBLEMS = 20
SEARCHED = timedelta(days=60)  #: what a search finds is news for so long, unless the source has a `max_age`


@dataclass(frozen=True, slots=True)
class Request:
    """One request to the web, or one file to read."""

    location: str  #: an http(s) address or a path
    body: bytes | None = None  #: JSON to POST; None: GET
    headers: Mapping[str, str] = field(default_factory=dict)  #: may hold a key: never logged or shown
    outside: bool = False  #: the address comes from somebody else's data: no private network may be reached by it
    private: bool = False  #: the configuration says that the name may lead into a private network


@dataclass(frozen=True, slots=True)
class Parsed:
    """The outcome of one parse.

    Titles, abstracts and names are as the source wrote them (TeX, HTML and all): `finish` makes them readable, for all
    kinds alike.
    """

    entries: tuple[Entry, ...]
    problems: tuple[str, ...] = ()  #: one line for each thing that could not be read
    dated: datetime | None = None  #: when the source says it was made: shows whether it moved since the last time
    seen: int | None = None  #: how many the page held, skipped ones included; None: as many as entries
    total: int | None = None  #: how many all pages hold together, where the source tells
    doubt: str = ""  #: one line: it could be read and holds nothing, which may be a mistake of whoever set it up
    search: bool = False  #: what a search found, however old: SEARCHED is how old it may be to be news
    sources: tuple[Source, ...] = ()  #: further sources that this one names (a list of feeds)


#: Pure: bytes in, entries out; raises SourceError only when nothing at all can be read.
Parser = Callable[[bytes, Source, datetime], Parsed]


def its_location(source: Source, now: datetime) -> Sequence[Request]:  # noqa: ARG001 - the signature of Kind.requests
    """The plain case: one request, to what the source's `location` says."""
    return (Request(source.location),)


def last_page(request: Request, page: Parsed, source: Source) -> Request | None:  # noqa: ARG001 - of Kind.following
    """The plain case: there is no next page."""
    return None


def never_late(dated: datetime | None, now: datetime) -> str:  # noqa: ARG001 - the signature of Kind.late
    """The plain case: a source moves when it likes."""
    return ""


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of source. Only `parse` is needed."""

    parse: Parser
    requests: Callable[[Source, datetime], Sequence[Request]] = its_location  #: the first page of each request
    following: Callable[[Request, Parsed, Source], Request | None] = last_page  #: the page after this one
    hosts: tuple[str, ...] = ()  #: a location on one of these hosts (or below) is of this kind when none is given
    suffixes: tuple[str, ...] = ()  #: and so is a file that ends like this
    lists: bool = False  #: it names further sources, so it is read every time
    interval: float = 0.1  #: seconds between the starts of two requests to the same host, over all processes
    alone: bool = False  #: never two requests at once to the same host
    stale_after: timedelta | None = None  #: a source on the web that did not move for so long is not quiet but stale
    late: Callable[[datetime | None, datetime], str] = never_late  #: (dated, now) → why it is stale by its own calendar


def few(problems: Sequence[str]) -> tuple[str, ...]:
    """The first MOST_PROBLEMS lines, and how many more there are."""
    more = len(problems) - MOST_PROBLEMS
    return (*problems[:MOST_PROBLEMS], *([f"… and {more:,} more"] if more > 0 else []))
