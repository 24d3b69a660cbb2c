"""One record of a reference library as an entry: what all formats share."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from newsletter.collector.identity import ARXIV, identifiers
from newsletter.collector.text.dates import moment
from newsletter.collector.text.dois import doi_link
from newsletter.collector.text.urls import address
from newsletter.types import Entry

ISO_DAY = re.compile(r"\s*(\d{4})[-/](\d{1,2})[-/](\d{1,2})(?!\d)")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
NUMBER = r"(\d{1,2})(?:st|nd|rd|th)?[.,]?\s+"
WRITTEN_DAY = re.compile(
    rf"(?<!\d)(?:{NUMBER})?\b({'|'.join(MONTHS)})[a-z]*[.,]?\s+(?:{NUMBER})?(\d{{4}})\b", re.IGNORECASE
)
LONGEST_ID = 500  #: characters; a longer one is no id
NOTED = re.compile(
    r"^[^\S\n]*(arxiv|doi)\s*:\s*(\S+)", re.IGNORECASE | re.MULTILINE
)  #: in Zotero's "extra" and in notes


@dataclass(frozen=True, slots=True)
class ReferenceRead:
    """The outcome of reading one record. With neither entry nor trouble it is no paper, and no problem."""

    key: str
    entry: Entry | None = None
    trouble: str = ""


class BadRecord(Exception):
    """Why a record is skipped."""


def read_record(key: str, make: Callable[[], Entry], doubt: str = "") -> ReferenceRead:
    """The outcome of `make`: its entry, or the reason of its BadRecord."""
    try:
        return ReferenceRead(key, make(), doubt)
    except BadRecord as error:
        return ReferenceRead(key, None, str(error))


def reference(
    *,
    title: str,
    abstract: str,
    authors: Iterable[str],
    venue: str,
    topics: Iterable[str],
    published: datetime | None,
    links: Iterable[str],
    ids: Iterable[str],
) -> Entry:
    """The entry of a record.

    Raises BadRecord without a title. `ids` are DOIs and arXiv ids in any form; what is neither is ignored.
    """
    if not title.strip():
        raise BadRecord("no title")
    given = [link for link in map(address, links) if link]
    said = (name.strip() for name in (*ids, *given))
    nameless = Entry(
        id="", title="", url=next(iter(given), ""), also=tuple(name for name in said if 0 < len(name) <= LONGEST_ID)
    )
    also = identifiers(nameless)
    return Entry(
        id="",
        title=title.strip(),
        abstract=abstract.strip(),
        url=nameless.url or _page(also),
        authors=_each_once(authors),
        published=published,
        topics=_each_once(topics),
        venue=venue,
        also=also,
        update=True,
    )


def _page(also: Sequence[str]) -> str:
    """The page of a paper whose record gives no address."""
    found = (name.partition(":") for name in also)
    pages = {"arxiv": "https://arxiv.org/abs/{}".format, "doi": doi_link}
    return next((address(pages[scheme](number)) for scheme, _, number in found if scheme in pages), "")


def _each_once(texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in (" ".join(text.split()) for text in texts) if text))


def in_venue(venue: str) -> Iterator[str]:
    """The arXiv id in the name of a journal: Google Scholar writes `arXiv preprint arXiv:1706.03762` for a journal."""
    if found := ARXIV.search(venue):
        yield found[0]


def noted(notes: str) -> Iterator[str]:
    """Ids in notes, like "arXiv:2401.00001 [cs]" on a line of its own; an id in a sentence may be another paper's."""
    for scheme, number in NOTED.findall(notes):
        yield f"{scheme.lower()}:{number}"


def day(raw: str) -> datetime | None:
    """The day that a date names; None for a year or a month alone."""
    if found := ISO_DAY.match(raw):
        return moment("-".join(found.groups()))
    if found := WRITTEN_DAY.search(raw):
        before, month, after, year = found.groups()
        number = before or after
        return moment(f"{year}-{MONTHS.index(month.lower()) + 1}-{number}") if number else None
    return None
