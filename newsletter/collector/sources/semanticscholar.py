"""Semantic Scholar: papers recommended for what was liked, searches and batches of its graph.

Without a key its limit is shared by everybody, hence the slow pace; a key (option `key`) goes into a header.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from datetime import datetime
from urllib.parse import quote

from newsletter.collector.http.json_response import (
    complaint,
    count,
    folded,
    known_ids,
    read_entries,
    read_json,
    text,
    texts,
    value,
    values,
    when,
)
from newsletter.collector.source_kind import Kind, Parsed, Request, few
from newsletter.collector.text.urls import address, shown
from newsletter.errors import SourceError
from newsletter.types import Entry, Source

HOST = "api.semanticscholar.org"
RECOMMENDATIONS = f"https://{HOST}/recommendations/v1/papers"
FIELDS = "title,abstract,url,venue,year,publicationDate,authors,externalIds,openAccessPdf,fieldsOfStudy,s2FieldsOfStudy"
LIMIT = 100
MOST_EXAMPLES = 100
LISTS = ("recommendedPapers", "data")
PAPER_ID = re.compile(r"(?:s2:)?([0-9a-f]{40})", re.IGNORECASE)
PREFIXES = {"arxiv": "ARXIV", "doi": "DOI", "s2": ""}  #: their schemes by ours


def parse(data: bytes, source: Source, now: datetime) -> Parsed:  # noqa: ARG001 - a parser's signature
    """Parse recommendations, a search, a batch or a single paper. Raises SourceError for anything else."""
    found, doubts = read_json(data, source)
    papers = _papers(found, source)
    entries, problems = read_entries(papers, lambda paper: _entry(paper, source))
    return Parsed(tuple(entries), few([*doubts, *problems]), seen=len(papers), total=count(found, "total"), search=True)


def requests(source: Source, now: datetime) -> Sequence[Request]:  # noqa: ARG001 - of Kind.requests
    """The request; "recommendations" asks with the liked entries; an address or a file is read as it stands.

    Raises SourceError when there is nothing to ask with.
    """
    if source.location.strip().strip("/").lower() not in ("recommendations", RECOMMENDATIONS):
        ours = source.location.lower().startswith(f"https://{HOST}/")
        return (Request(source.location, headers=_key(source) if ours else {}),)
    liked = paper_ids(source.options.get("liked"))
    if not liked:
        raise SourceError(f"{shown(source.location)}: no liked entry has an arXiv id or a DOI to ask with")
    disliked = [paper_id for paper_id in paper_ids(source.options.get("disliked")) if paper_id not in liked]
    body = json.dumps({"positivePaperIds": liked, "negativePaperIds": disliked}).encode()
    return (Request(f"{RECOMMENDATIONS}?fields={FIELDS}&limit={LIMIT}", body, _key(source)),)


def paper_ids(ids: object) -> list[str]:
    """Ids of entries as Semantic Scholar writes them: "ARXIV:2401.00001", "DOI:10.1000/x"; others are left out."""
    given = [ids] if isinstance(ids, str) else ids if isinstance(ids, Iterable) else ()
    found = dict.fromkeys(_paper_id(paper_id.strip()) for paper_id in given if isinstance(paper_id, str))
    return [paper_id for paper_id in found if paper_id][:MOST_EXAMPLES]


def _paper_id(given: str) -> str:
    own = PAPER_ID.fullmatch(given)
    if own:
        return own[1].lower()
    for name in known_ids(given):
        scheme, _, rest = name.partition(":")
        if scheme in PREFIXES:
            return f"{PREFIXES[scheme]}:{rest}".removeprefix(":")
    return ""


def _key(source: Source) -> dict[str, str]:
    key = folded(source.options.get("key"))
    return {"x-api-key": key} if key else {}


def _papers(found: object, source: Source) -> Sequence[object]:
    if isinstance(found, list):
        return found
    for key in LISTS:
        if isinstance(value(found, key), list):
            return values(found, key)
    if text(found, "title") and text(found, "paperId"):
        return [found]
    said = complaint(found)
    reason = f"Semantic Scholar says: {said}" if said else "this is not an answer of Semantic Scholar"
    raise SourceError(f"{shown(source.location)}: {reason}")


def _entry(paper: object, source: Source) -> Entry:
    own = text(paper, "paperId")[:100]
    return Entry(
        id="",
        title=text(paper, "title"),
        abstract=text(paper, "abstract"),
        url=address(text(paper, "url"))
        or (f"https://www.semanticscholar.org/paper/{quote(own, safe='')}" if own else ""),
        authors=texts(paper, "authors"),
        published=when(paper, "publicationDate"),  # the year alone would be a false 1 January
        source=source.name,
        topics=_topics(paper),
        pdf_url=address(text(value(paper, "openAccessPdf"), "url")),
        venue=_venue(paper),
        tldr=text(value(paper, "tldr"), "text"),
        also=_also(paper, own),
    )


def _also(paper: object, own: str) -> tuple[str, ...]:
    names = value(paper, "externalIds")
    arxiv, doi = text(names, "ArXiv"), text(names, "DOI")
    found = [*known_ids(arxiv, doi), *([f"s2:{own}"] if own else [])]
    return tuple(dict.fromkeys(found))


def _topics(paper: object) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*texts(paper, "fieldsOfStudy"), *texts(paper, "s2FieldsOfStudy", "category")]))


def _venue(paper: object) -> str:
    return (
        text(paper, "venue") or text(value(paper, "publicationVenue"), "name") or text(value(paper, "journal"), "name")
    )


KIND = Kind(parse=parse, requests=requests, hosts=(HOST,), interval=3.0, alone=True)
