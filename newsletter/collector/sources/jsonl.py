"""Entries as JSON Lines, one object a line; unknown keys are ignored, a bad line is named and skipped."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime
from typing import Any

from newsletter.collector.identity import id_by_title, title_key
from newsletter.collector.normalize import MOST_AUTHORS, finish
from newsletter.collector.source_kind import Kind, Parsed, few
from newsletter.collector.text.dates import moment
from newsletter.collector.text.html import TITLE_LIMIT, plain, readable
from newsletter.collector.text.urls import address
from newsletter.types import Entry, Source

LONGEST_ID = 500
TEXTS = ("title", "abstract", "source", "venue", "organisation", "tldr")
LISTS = ("authors", "topics", "affiliations", "also")
LINKS = ("url", "pdf_url", "code_url", "image_url", "project_url")
COUNTS = ("votes", "comments", "stars")
LARGEST_COUNT = 2**31 - 1


class _BadLine(Exception):
    """Why a line is skipped."""


def parse(data: bytes, source: Source, now: datetime) -> Parsed:  # noqa: ARG001 - a parser's signature
    """Parse a `jsonl` source; its entries carry the name of this source."""
    entries, problems = _read(data, rename=True)
    return Parsed(tuple(replace(entry, source=source.name) for entry in entries), few(problems))


def read_entries(data: bytes, now: datetime) -> tuple[tuple[Entry, ...], tuple[str, ...]]:
    """Finished entries of an entry or library file, each with the source that its line names; and the problems."""
    entries, problems = _read(data)
    sightings = [finish(entry, now) for entry in entries]
    notes = [note for sighting in sightings for note in sighting.notes]
    return tuple(sighting.entry for sighting in sightings), few([*problems, *notes])


def _read(data: bytes, rename: bool = False) -> tuple[list[Entry], list[str]]:
    """The entries by their ids. `rename`: one with the id of another paper gets another id, and is not left out."""
    entries: dict[str, Entry] = {}
    problems: list[str] = []
    for number, line in enumerate(data.removeprefix(b"\xef\xbb\xbf").split(b"\n"), start=1):
        if line.strip():
            try:
                entry, doubts = _entry(_object(line))
                if entry.id in entries:
                    told = f'the id "{entry.id}" stands on an earlier line'
                    if not rename or title_key(entry.title) == title_key(entries[entry.id].title):
                        raise _BadLine(told)
                    doubts.append(f"{told}: taken for another paper")
                    entry = replace(entry, id=id_by_title(entry))
            except _BadLine as error:
                problems.append(f"line {number}: {error}; skipped")
            else:
                entries[entry.id] = entry
                problems += [f"line {number}: {doubt}" for doubt in doubts]
    return list(entries.values()), problems


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


def _entry(line: dict[str, object]) -> tuple[Entry, list[str]]:
    doubts: list[str] = []
    given: dict[str, Any] = {"id": _id(line), "published": _published(line, doubts)}
    given |= {key: _string(line, key) for key in TEXTS}
    given |= {key: _list(line, key) for key in LISTS}
    given |= {key: _address(line, key, doubts) for key in LINKS}
    given |= {key: _count(line, key) for key in COUNTS}
    given |= {key: line.get(key) is True for key in ("update", "withdrawn")}
    entry = Entry(**given)
    if not readable(entry.title[: 4 * TITLE_LIMIT]):
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


def _list(line: dict[str, object], key: str) -> tuple[str, ...]:
    found = line.get(key)
    if found is None:
        return ()
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise _BadLine(f'"{key}" is not a list of texts')
    return tuple(found[:MOST_AUTHORS])


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


KIND = Kind(parse, suffixes=(".jsonl", ".ndjson"))
