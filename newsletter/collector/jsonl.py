"""Entries as JSON Lines, one object a line; unknown keys are ignored, a bad line is named and skipped."""

from __future__ import annotations

import json
from datetime import datetime

from newsletter.collector.dates import moment
from newsletter.collector.links import address
from newsletter.collector.parsed import Parsed, make_parsed
from newsletter.collector.text import ABSTRACT_LIMIT, TITLE_LIMIT, bounded, plain
from newsletter.types import Entry, Source

LONGEST_ID = 500
MOST_NAMES = 6_000  #: authors or topics of one paper; the ATLAS and CMS collaborations together sign with 5,154
LARGEST_COUNT = 2**31 - 1


class _BadLine(Exception):
    """Why a line is skipped."""


def parse(data: bytes, source: Source, now: datetime) -> Parsed:  # noqa: ARG001 - a parser's signature
    """A `jsonl` source: entries carry the name of this source."""
    return read_entries(data, source.name)


def read_entries(data: bytes, source: str = "") -> Parsed:
    """Entries of an entry or library file. Without `source`, each keeps the one its line names."""
    entries: dict[str, Entry] = {}
    problems: list[str] = []
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        if line.strip():
            try:
                entry, doubts = _entry(_object(line), source)
                if entry.id in entries:
                    raise _BadLine(f'the id "{entry.id}" stands on an earlier line')
            except _BadLine as error:
                problems.append(f"line {number}: {error}; skipped")
            else:
                entries[entry.id] = entry
                problems += [f"line {number}: {doubt}" for doubt in doubts]
    return make_parsed(tuple(entries.values()), problems)


def _object(line: bytes) -> dict[str, object]:
    try:
        found = json.loads(line.decode())
    except UnicodeDecodeError:
        raise _BadLine("not UTF-8") from None
    except (ValueError, RecursionError):
        raise _BadLine("not JSON") from None
    if not isinstance(found, dict):
        raise _BadLine("not an object")
    return found


def _entry(line: dict[str, object], source: str) -> tuple[Entry, list[str]]:
    doubts: list[str] = []
    entry = Entry(
        id=_id(line),
        title=_text(line, "title", TITLE_LIMIT, doubts),
        abstract=_text(line, "abstract", ABSTRACT_LIMIT, doubts),
        authors=_names(line, "authors"),
        published=_published(line, doubts),
        source=source or plain(_string(line, "source")),
        topics=_names(line, "topics"),
        url=_address(line, "url", doubts),
        code_url=_address(line, "code_url", doubts),
        pdf_url=_address(line, "pdf_url", doubts),
        image_url=_address(line, "image_url", doubts),
        votes=_count(line, "votes"),
        comments=_count(line, "comments"),
        stars=_count(line, "stars"),
    )
    if not entry.title:
        raise _BadLine('no "title"')
    return entry, doubts


def _id(line: dict[str, object]) -> str:
    given = line.get("id")
    found = plain(str(given) if isinstance(given, int) and not isinstance(given, bool) else _string(line, "id"))
    if not found:
        raise _BadLine('no "id"')
    if len(found) > LONGEST_ID:
        raise _BadLine(f'the "id" is longer than {LONGEST_ID} characters')
    return found


def _string(line: dict[str, object], key: str) -> str:
    found = line.get(key)
    if found is not None and not isinstance(found, str):
        raise _BadLine(f'"{key}" is not a text')
    return found or ""


def _text(line: dict[str, object], key: str, limit: int, doubts: list[str]) -> str:
    raw = _string(line, key)
    text, cut = bounded(raw, limit)
    if cut:
        doubts.append(f"the {key} of {len(raw):,} characters was cut to {limit:,}")
    return text


def _names(line: dict[str, object], key: str) -> tuple[str, ...]:
    found = line.get(key)
    if found is None:
        return ()
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise _BadLine(f'"{key}" is not a list of texts')
    read = (bounded(name, TITLE_LIMIT)[0] for name in found[:MOST_NAMES])
    return tuple(dict.fromkeys(name for name in read if name))


def _published(line: dict[str, object], doubts: list[str]) -> datetime | None:
    raw = _string(line, "published")
    when = moment(raw) if raw.strip() else None
    if raw.strip() and when is None:
        doubts.append(f'"published" is no date: {plain(raw[:40])}')
    return when


def _address(line: dict[str, object], key: str, doubts: list[str]) -> str:
    raw = _string(line, key)
    link = address(raw)
    if raw.strip() and not link:
        doubts.append(f'"{key}" is no web address: {plain(raw[:40])}')
    return link


def _count(line: dict[str, object], key: str) -> int | None:
    found = line.get(key)
    if isinstance(found, float) and found.is_integer():
        found = int(found)
    if found is None:
        return None
    if isinstance(found, bool) or not isinstance(found, int) or not 0 <= found <= LARGEST_COUNT:
        raise _BadLine(f'"{key}" is not a count')
    return found
