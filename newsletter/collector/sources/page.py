"""A saved papers page, as text: header lines, then the title and the abstract of each paper in turn."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from urllib.parse import quote_plus

from newsletter.collector.source_kind import Kind, Parsed, few
from newsletter.collector.text.encodings import read_text
from newsletter.collector.text.html import readable
from newsletter.collector.text.urls import shown
from newsletter.errors import SourceError
from newsletter.types import Entry, Source

LONG = 200  #: characters of a line that can only be an abstract; the first one ends the header
SEARCH = "https://arxiv.org/search/?searchtype=title&query="  #: the page has no links to its papers


class _PageLine(NamedTuple):
    number: int
    text: str


_NOTHING = _PageLine(0, "")


def parse(data: bytes, source: Source, now: datetime) -> Parsed:  # noqa: ARG001 - a parser's signature
    """Parse a saved page.

    Raises SourceError for a file without any abstract. The page has no years: `published` stays None.
    """
    text, doubts = read_text(data)
    lines = [_PageLine(number, line.strip()) for number, line in enumerate(text.split("\n"), start=1) if line.strip()]
    if lines and lines[0].text.lower().startswith(("<!doctype", "<html", "<?xml")):
        raise SourceError(f"{shown(source.location)}: this is HTML or XML; save the page as text")
    pairs, problems = _pairs(_body(lines, source))
    problems += doubts
    return Parsed(tuple(_entry(title.text, abstract.text, source) for title, abstract in pairs), few(problems))


def _body(lines: Sequence[_PageLine], source: Source) -> Sequence[_PageLine]:
    """Everything from the first title on; what stands before it is the page's header."""
    for index, line in enumerate(lines):
        if len(line.text) >= LONG:
            return lines[max(0, index - 1) :]
    raise SourceError(f"{shown(source.location)}: this is not a saved papers page (it has no abstract)")


def _pairs(lines: Sequence[_PageLine]) -> tuple[list[tuple[_PageLine, _PageLine]], list[str]]:
    """Titles with their abstracts. A line that cannot be a title is named and left out, so the next pair is right."""
    pairs: list[tuple[_PageLine, _PageLine]] = []
    problems: list[str] = []
    at = 0
    while at < len(lines):
        title, abstract, after = (*lines[at : at + 3], _NOTHING, _NOTHING)[:3]
        trouble = _trouble(title.text, abstract.text, after.text)
        if trouble:
            problems.append(f"line {title.number}: {trouble}; skipped: {title.text[:60]}")
        else:
            pairs.append((title, abstract))
        at += 1 if trouble else 2
    return pairs, problems


def _trouble(title: str, abstract: str, after: str) -> str:
    if not abstract:
        return "a title without an abstract (the number of lines is odd)"
    if len(title) >= len(abstract):
        return "the title is longer than its abstract"
    return "a title without an abstract" if len(abstract) < LONG <= len(after) else ""


def _entry(title: str, abstract: str, source: Source) -> Entry:
    return Entry(id="", title=title, abstract=abstract, source=source.name, url=SEARCH + quote_plus(readable(title)))


KIND = Kind(parse, suffixes=(".txt",))
