"""OPML: a list of feeds, as every feed reader exports it. Each becomes a source of its own."""

from __future__ import annotations

import re
from datetime import datetime
from html.entities import html5
from urllib.parse import urlsplit
from xml.parsers import expat

from newsletter.collector.source_kind import Kind, Parsed, few
from newsletter.collector.text.encodings import from_start, read_text
from newsletter.collector.text.html import plain
from newsletter.collector.text.urls import address, shown
from newsletter.errors import SourceError
from newsletter.types import Source

MOST_FEEDS = 500
LONGEST_NAME = 100
TOO_MANY = f"more than {MOST_FEEDS} feeds: the rest was left out"
REFERENCE = re.compile(r"&(?:#[0-9]{1,7};|#[xX][0-9a-fA-F]{1,6};|([A-Za-z][A-Za-z0-9]{1,31});)?")
XML_NAMES = ("amp", "lt", "gt", "quot", "apos")
DECLARATION = re.compile(r"<\?xml[^<>]*?\?>")
START = re.compile(r"(?:^|(?<=[>\r\n\ufeff]))[ \t]*(?:<\?xml\s|<!--|<!doctype\s+opml|<opml(?=[\s>]))", re.IGNORECASE)


class _NotAList(Exception):
    """Why this is no list of feeds."""


def parse(data: bytes, source: Source, now: datetime) -> Parsed:  # noqa: ARG001 - a parser's signature
    """Parse a list into `sources`, without entries.

    Raises SourceError for what is no OPML, and for what declares its own entities.
    """
    outline = _OpmlOutline(source)
    text, doubts = read_text(data, xml=True)
    text, before = from_start(text, START)
    outline.problems += [*doubts, *before]
    try:
        outline.read(REFERENCE.sub(_valid_reference, DECLARATION.sub("", text, count=1)))
    except _NotAList as error:
        raise SourceError(f"{shown(source.location)}: {error}") from error
    if not outline.sources and not outline.problems:
        outline.problems.append("the list names no feeds")
    return Parsed((), few(outline.problems), seen=0, sources=tuple(outline.sources.values()))


def _valid_reference(match: re.Match[str]) -> str:
    """A reference that XML knows, for "&" in "AT&T" and for "&eacute;", which titles hold nevertheless."""
    name = match[1]
    if match[0] == "&":
        return "&amp;"
    if name is None or name in XML_NAMES:
        return match[0]
    letters = html5.get(f"{name};")
    return "".join(f"&#{ord(letter)};" for letter in letters) if letters else "&amp;" + match[0][1:]


class _OpmlOutline:
    """One pass of expat: the feeds named until the end, or until it breaks."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.sources: dict[str, Source] = {}  #: by address
        self.problems: list[str] = []
        self._names: set[str] = set()
        self._number = 0
        self._root = ""

    def read(self, text: str) -> None:
        document = text.encode("utf-8", "replace")
        parser = expat.ParserCreate("utf-8")
        parser.StartElementHandler = self._begin
        parser.EntityDeclHandler = _refuse
        try:
            parser.Parse(document, True)
        except expat.ExpatError as error:
            reason = f"the XML is broken at line {error.lineno} ({expat.ErrorString(error.code)})"
            if not self._root:
                raise _NotAList(_looks(document, reason)) from error
            self.problems.append(f"{reason}; what could be read was kept")

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        if not self._root:
            self._root = name
            if name.lower() != "opml":
                raise _NotAList(f"this is not a list of feeds (its root is <{name[:40]}>)")
        elif name.lower() == "outline":
            self._number += 1
            self._add({key.lower(): said for key, said in attributes.items()})

    def _add(self, outline: dict[str, str]) -> None:
        raw = outline.get("xmlurl", "")
        if not raw.strip():
            return
        link = address(raw)
        if not link:
            self.problems.append(f"outline {self._number}: no web address; skipped: {plain(raw[:100])}")
        elif link in self.sources:
            return
        elif len(self.sources) < MOST_FEEDS:
            self.sources[link] = Source(self._name(outline, link), "", link)
        elif TOO_MANY not in self.problems:
            self.problems.append(TOO_MANY)

    def _name(self, outline: dict[str, str], link: str) -> str:
        """Its title under the list's own name; two of one title are numbered."""
        said = plain(outline.get("title", "")) or plain(outline.get("text", "")) or urlsplit(link).hostname or link
        wanted = name = f"{self.source.name}: {said[:LONGEST_NAME]}"
        number = 1
        while name in self._names:
            number += 1
            name = f"{wanted} ({number})"
        self._names.add(name)
        return name


def _looks(document: bytes, reason: str) -> str:
    start = document[:1000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if not start:
        return "this is not a list of feeds (it is empty)"
    if start.startswith((b"<!doctype html", b"<html")):
        return "this is not a list of feeds (it looks like an HTML page)"
    return f"this is not a list of feeds ({reason})"


def _refuse(*_: object) -> None:
    raise _NotAList("this list declares entities of its own, which we never expand")


KIND = Kind(parse, lists=True, suffixes=(".opml",), interval=0.1)
