"""What a parser gives, made ready for the store: readable texts, checked links, bounded lists, all names, an id."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from newsletter.collector.identity import entry_id, identifiers, names
from newsletter.collector.text.html import ABSTRACT_LIMIT, TITLE_LIMIT, bounded, cleaned
from newsletter.collector.text.urls import address, code_link
from newsletter.collector.withdrawals import is_notice, says_withdrawn
from newsletter.types import Entry

MOST_AUTHORS = 6_000  #: the ATLAS and CMS collaborations together sign with 5,154
MOST_TOPICS = 20
MOST_AFFILIATIONS = 200
TLDR_LIMIT = 600
PLAIN = re.compile(r"[A-Za-z.,'-]+(?: [A-Za-z.,'-]+){0,20}")
AHEAD = timedelta(days=2)  #: a date further in the future is no date of publication
LINKS = ("url", "pdf_url", "image_url", "project_url")


class Raw(NamedTuple):
    """Title and abstract as the source wrote them."""

    title: str
    abstract: str


class Sighting(NamedTuple):
    """One paper as one source shows it."""

    entry: Entry
    raw: Raw
    notes: tuple[str, ...] = ()  #: one line each: what was mended or cut
    shared: frozenset[str] = frozenset()  #: names that another paper of its document bears, too: they tell nothing

    @property
    def names(self) -> tuple[str, ...]:
        """What the paper is called: see `identity.names`."""
        found = names(self.entry)
        return tuple(name for name in found if name not in self.shared) if self.shared else found


def finish(entry: Entry, now: datetime) -> Sighting:
    """Make an entry readable; its title is "" where nothing readable was in it."""
    title, abstract = cleaned(entry.title, TITLE_LIMIT), cleaned(entry.abstract, ABSTRACT_LIMIT)
    links: dict[str, Any] = {name: address(getattr(entry, name)) for name in LINKS}
    ahead = entry.published is not None and entry.published > now + AHEAD
    ready = replace(
        entry,
        title=title.text,
        abstract=abstract.text,
        title_html=title.html,
        abstract_html=abstract.html,
        authors=_readable(entry.authors, MOST_AUTHORS),  # two of them may bear one name
        topics=tuple(dict.fromkeys(_readable(entry.topics, MOST_TOPICS))),
        affiliations=tuple(dict.fromkeys(_readable(entry.affiliations, MOST_AFFILIATIONS))),
        venue=bounded(entry.venue, TITLE_LIMIT)[0],
        organisation=bounded(entry.organisation, TITLE_LIMIT)[0],
        tldr=bounded(entry.tldr, TLDR_LIMIT)[0],
        published=None if ahead else entry.published,
        withdrawn=entry.withdrawn or is_notice(title.text) or says_withdrawn(abstract.text),
        code_url=address(entry.code_url) or code_link(abstract.text),
        **links,
    )
    known = replace(ready, also=identifiers(ready))
    notes = [f"{_named(known)}: the abstract was cut to {ABSTRACT_LIMIT:,} characters"] if abstract.cut else []
    if ahead and entry.published:
        notes.append(f"{_named(known)}: dated {entry.published:%Y-%m-%d}, in the future: left undated")
    if not known.id:
        known = replace(known, id=known.also[0] if known.also else entry_id(known))
    return Sighting(known, Raw(entry.title, entry.abstract), tuple(notes))


def _named(entry: Entry) -> str:
    return f'"{entry.title[:60]}"'


def _readable(texts: Iterable[str], most: int) -> tuple[str, ...]:
    read = (_short(text) for text in tuple(texts)[:most])
    return tuple(text for text in read if text)


def _short(text: str) -> str:
    """A readable name or topic; most of them are letters and nothing else."""
    return text if PLAIN.fullmatch(text) else bounded(text, TITLE_LIMIT)[0]
