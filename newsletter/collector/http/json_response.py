"""JSON from outside: read within limits, and asked for what it should hold.

A value of a wrong type is an absent one: only `read_json` raises, for what is no JSON at all.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime

from newsletter.collector.identity import identifiers
from newsletter.collector.text.dates import moment
from newsletter.collector.text.encodings import BLANKS, HEAD, from_start, read_text
from newsletter.collector.text.html import plain
from newsletter.collector.text.urls import shown
from newsletter.errors import SourceError
from newsletter.types import Entry, Source

MOST_NAMES = 6_000  #: texts of one list: the largest collaboration signs with 5,154 names
LARGEST_COUNT = 2**31 - 1
LONGEST_NUMBER = 20  #: digits; Python refuses to read more than 4,300
START = re.compile(r"^\s*[{\[]", re.MULTILINE)
WARNING = re.compile(r"\s*(?:<br|<b>|(?:PHP )?(?:Warning|Notice|Deprecated|Strict Standards)\b)", re.IGNORECASE)
YEARS = range(1600, 2200)  #: of a date that can be right
UNSTORABLE = re.compile("[\x00-\x08\x0e-\x1b\x7f\ud800-\udfff]")


class BadItem(Exception):
    """Why an item is left out."""


def read_json(data: bytes, source: Source) -> tuple[object, list[str]]:
    """The value, and one line for each repair. Raises SourceError for what is no JSON."""
    try:
        document, warnings = _decoded(data)
        return json.loads(document, parse_int=_whole), warnings
    except RecursionError:
        reason = "it is nested too deeply"
    except ValueError:
        reason = _looks_like(data[:1000].lstrip(b"\xef\xbb\xbf \t\r\n").lower())
    raise SourceError(f"{shown(source.location)}: this is not JSON ({reason})")


def _decoded(data: bytes) -> tuple[str, list[str]]:
    """The text from its first bracket on; without a byte order mark in what json knows: UTF-8, UTF-16 or UTF-32."""
    encoding = json.detect_encoding(data[:HEAD].lstrip(BLANKS))
    if encoding.startswith("utf-32") or encoding in ("utf-16-be", "utf-16-le"):
        return data.decode(encoding, "replace"), []
    text, doubts = read_text(data)
    text, before = from_start(text, START) if WARNING.match(text) else (text.lstrip("\ufeff \t\r\n"), [])
    return text, doubts + before


def _looks_like(start: bytes) -> str:
    if not start:
        return "it is empty"
    if start.startswith((b"<!doctype html", b"<html")):
        return "it looks like an HTML page"
    if start.startswith(b"<"):
        return "it looks like XML"
    return "it is broken or cut short" if start.startswith((b"{", b"[")) else "it is something else"


def _whole(digits: str) -> int | None:
    return int(digits) if len(digits) <= LONGEST_NUMBER else None


def read_entries(items: Iterable[object], read: Callable[[object], Entry | None]) -> tuple[list[Entry], list[str]]:
    """Entries, and one line for each item that is none. `read` raises BadItem, or gives None for what is no news."""
    entries: list[Entry] = []
    problems: list[str] = []
    for number, item in enumerate(items, start=1):
        try:
            entry = read(item) if isinstance(item, dict) else _not_an_object()
            if entry is not None and (plain(entry.title) or not entry.withdrawn):
                entries.append(_titled(entry))
        except BadItem as error:
            problems.append(f"item {number}: {error}")
    return entries, problems


def _not_an_object() -> Entry:
    raise BadItem("not an object; skipped")


def _titled(entry: Entry) -> Entry:
    if not plain(entry.title):
        hint = entry.url or next(iter(entry.also), "") or entry.id
        raise BadItem(f"no title; skipped: {plain(hint[:100])}" if hint else "no title; skipped")
    return entry


def complaint(found: object) -> str:
    """The message of an answer that is only an error, `{"error": …}` or `{"message": …}`; else ""."""
    inner = value(found, "error")
    said = text(found, "error", "message", "detail") or text(inner, "message", "detail")
    return plain(said[:200])


def value(found: object, key: str) -> object:
    return found.get(key) if isinstance(found, Mapping) else None


def text(found: object, *keys: str) -> str:
    """The first of these texts that is not empty, white space folded, otherwise as it is."""
    found_texts = (folded(value(found, key)) for key in keys)
    return next(filter(None, found_texts), "")


def folded(raw: object) -> str:
    return " ".join(UNSTORABLE.sub("", raw).split()) if isinstance(raw, str) else ""


def values(found: object, key: str) -> Sequence[object]:
    listed = value(found, key)
    return listed if isinstance(listed, list) else ()


def texts(found: object, key: str, inner: str = "name") -> tuple[str, ...]:
    """The texts of a list: plain ones, and those that objects in it hold under `inner`."""
    readings = (folded(item) or text(item, inner) for item in values(found, key)[:MOST_NAMES])
    return tuple(reading for reading in readings if reading)


def count(found: object, key: str) -> int | None:
    """A whole number from zero up, or None: what is not known is not zero."""
    number = value(found, key)
    if isinstance(number, str) and number.isascii() and number.isdigit() and len(number) <= LONGEST_NUMBER:
        number = int(number)
    if isinstance(number, float) and number.is_integer():
        number = int(number)
    if isinstance(number, bool) or not isinstance(number, int):
        return None
    return number if 0 <= number <= LARGEST_COUNT else None


def when(found: object, *keys: str) -> datetime | None:
    """The first of these that is a date."""
    dates = (moment(text(found, key)[:100]) for key in keys)
    return next((date for date in dates if date and date.year in YEARS), None)


def known_ids(*raws: str) -> tuple[str, ...]:
    """The canonical names that ids and addresses hold: "arxiv:2401.00001", "doi:10.1000/x"."""
    found = (name for raw in raws for name in identifiers(Entry(id=raw, title="")))
    return tuple(dict.fromkeys(found))


def whole_option(source: Source, name: str, default: int, most: int) -> int:
    """An option of a source from 0 to `most`. Raises SourceError for anything else."""
    given = source.options.get(name, default)
    if isinstance(given, bool) or not isinstance(given, int) or not 0 <= given <= most:
        raise SourceError(f'{shown(source.location)}: the option "{name}" is a whole number from 0 to {most}')
    return given
