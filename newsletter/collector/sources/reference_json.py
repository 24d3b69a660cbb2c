"""References in JSON: CSL-JSON (Crossref's dialect, too), Zotero's API, Better BibTeX's export of Zotero."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from newsletter.collector.identity import ARXIV
from newsletter.collector.sources.reference import ReferenceRead, day, in_venue, noted, read_record, reference
from newsletter.errors import SourceError
from newsletter.types import Entry

NO_PAPERS = {"attachment", "note", "annotation"}  #: Zotero's items that nobody published


def read_json(text: str, name: str) -> tuple[list[ReferenceRead], bool]:
    """The records of a list, and whether it is one of Zotero's, of which a page may hold no paper at all."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        reason = f"line {error.lineno}: {error.msg}" if isinstance(error, json.JSONDecodeError) else "too deep"
        raise SourceError(f"{name}: broken JSON ({reason})") from error
    items = found.get("items") if isinstance(found, dict) else found
    if not isinstance(items, list):
        raise SourceError(f"{name}: JSON, but no list of references")
    return [_item(item) for item in items], any(map(_is_zotero, items))


def _is_zotero(item: object) -> bool:
    return isinstance(item, dict) and (isinstance(item.get("data"), dict) or "itemType" in item)


def _item(item: Any) -> ReferenceRead:
    if not isinstance(item, dict):
        return ReferenceRead("", None, "not an object")
    if not _is_zotero(item):
        return read_record(_text(item.get("id")), partial(_csl_entry, item))
    data = item["data"] if isinstance(item.get("data"), dict) else item
    key = _text(item.get("key") or data.get("key") or data.get("citationKey"))
    if data.get("itemType") in NO_PAPERS:
        return ReferenceRead(key)
    return read_record(key, partial(_zotero_entry, data, item.get("meta")))


def _zotero_entry(data: Mapping[str, Any], meta: object) -> Entry:
    parsed = _text(meta.get("parsedDate")) if isinstance(meta, dict) else ""
    return reference(
        title=_either(data, "title", "caseName", "nameOfAct", "subject"),
        abstract=_either(data, "abstractNote"),
        authors=_creators(_list(data.get("creators"))),
        venue=_either(data, "publicationTitle", "proceedingsTitle", "conferenceName", "bookTitle", "university"),
        topics=(_text(tag.get("tag") if isinstance(tag, dict) else tag) for tag in _list(data.get("tags"))),
        published=day(parsed) or day(_either(data, "date")),
        links=[_either(data, "url")],
        ids=_zotero_ids(data),
    )


def _zotero_ids(data: Mapping[str, Any]) -> Iterator[str]:
    yield _either(data, "DOI")
    for key in ("archiveID", "archiveLocation", "number", "reportNumber"):
        if ARXIV.match(_either(data, key)) or _either(data, "archive", "repository").lower() == "arxiv":
            yield _either(data, key)
    yield from in_venue(_either(data, "publicationTitle"))
    yield from noted(_either(data, "extra"))


def _creators(creators: Sequence[Any]) -> Iterator[str]:
    """The authors; of a work without any, those of its first kind (directors, editors, …)."""
    people = [person for person in creators if isinstance(person, dict)]
    kinds = [_text(person.get("creatorType")) for person in people]
    kind = "author" if "author" in kinds else next(iter(kinds), "")
    for person in people:
        if _text(person.get("creatorType")) == kind:
            yield _either(person, "name") or f"{_either(person, 'firstName')} {_either(person, 'lastName')}"


def _csl_entry(item: Mapping[str, Any]) -> Entry:
    return reference(
        title=_either(item, "title"),
        abstract=_either(item, "abstract"),
        authors=map(_csl_name, _list(item.get("author")) or _list(item.get("editor"))),
        venue=_either(item, "container-title", "event-title", "event", "publisher"),
        topics=re.split("[,;]", _either(item, "keyword")),
        published=_csl_day(item.get("issued")),
        links=[_either(item, "URL")],
        ids=[
            _either(item, "DOI"),
            *(number for number in [_either(item, "number")] if ARXIV.match(number)),
            *in_venue(_either(item, "container-title")),
            *noted(_either(item, "note")),
        ],
    )


def _csl_name(person: Any) -> str:
    if not isinstance(person, dict):
        return _text(person)
    parts = ("given", "dropping-particle", "non-dropping-particle", "family", "suffix")
    return " ".join(filter(None, (_either(person, part) for part in parts))) or _either(person, "literal")


def _csl_day(issued: object) -> datetime | None:
    if not isinstance(issued, dict):
        return day(_text(issued))
    first = next(iter(_list(issued.get("date-parts"))), None)
    parts = "-".join(map(_text, _list(first)))
    return day(parts) or day(_either(issued, "raw", "literal"))


def _list(found: object) -> list[Any]:
    return found if isinstance(found, list) else []


def _either(fields: Mapping[str, Any], *names: str) -> str:
    """The first key that says something."""
    return next((text for text in (_text(fields.get(name)) for name in names) if text), "")


def _text(found: object) -> str:
    """A text, a number, or the first of a list (as Crossref has titles), without halves of characters."""
    if isinstance(found, list):
        found = next(iter(found), "")
    if isinstance(found, bool) or not isinstance(found, str | int):
        return ""
    return str(found).strip().encode("utf-8", "ignore").decode()
