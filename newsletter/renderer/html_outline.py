"""What a mail's HTML consists of for somebody who does not see it: its language, headings, links, images and tables."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser

_VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}
_NO_DISPLAY = re.compile(r"display\s*:\s*none")
_MUTE = {"style", "script", "title", "template"}  #: whose text is none of the page

Attributes = dict[str, str | None]


@dataclass(slots=True)
class Heading:
    line: int
    level: int  #: 1..6
    words: str = ""


@dataclass(slots=True)
class Anchor:
    line: int
    href: str | None
    heading: int  #: the number of the heading above it, 0 for none
    words: str = ""  #: as it is read out: its label, else its text with the alt texts of its images
    labelled: bool = False


@dataclass(slots=True)
class Image:
    line: int
    src: str
    alt: str | None


@dataclass(slots=True)
class Table:
    line: int
    role: str
    is_data: bool = False  #: has a caption or header cells


@dataclass(slots=True)
class Outline:
    """In the order of the page, without what `display:none` and `aria-hidden` keep from being read."""

    lang: str = ""
    dir: str = ""
    title: str = ""
    preheader: str = ""  #: the first text that is not displayed: what mail programs show beside the subject
    headings: list[Heading] = field(default_factory=list)
    anchors: list[Anchor] = field(default_factory=list)
    images: list[Image] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    ids: list[tuple[int, str]] = field(default_factory=list)


def outline(html: str) -> Outline:
    """Reads what is broken, too."""
    parser = _Parser()
    parser.feed(html)
    parser.close()
    found = parser.found
    for heading in found.headings:
        heading.words = " ".join(heading.words.split())
    for anchor in found.anchors:
        anchor.words = " ".join(anchor.words.split())
    found.title = " ".join(found.title.split())
    found.preheader = " ".join(re.sub("[\u034f\u200b-\u200d\u2007\u00ad\ufeff]", " ", found.preheader).split())
    return found


class _Parser(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found = Outline()
        self._open: list[tuple[str, bool, bool]] = []  #: tag, whether what is in it is not displayed, nor read out
        self._anchors: list[Anchor] = []
        self._headings: list[Heading] = []
        self._tables: list[Table] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given, line = dict(attrs), self.getpos()[0]
        if given.get("id"):
            self.found.ids.append((line, str(given["id"])))
        gone = bool(_NO_DISPLAY.search(given.get("style") or ""))
        silent = gone or given.get("aria-hidden") == "true"
        if not silent and not self._silent:
            self._see(tag, given, line)
        if tag not in _VOID:
            self._open.append((tag, gone, silent))

    def handle_endtag(self, tag: str) -> None:
        if tag not in (name for name, _, _ in self._open):
            return
        while self._open and self._open.pop()[0] != tag:
            pass
        closing: dict[str, list[Anchor] | list[Heading] | list[Table]] = {"a": self._anchors, "table": self._tables}
        pile = self._headings if re.fullmatch("h[1-6]", tag) else closing.get(tag)
        if pile and not self._silent:
            pile.pop()

    def handle_data(self, data: str) -> None:
        inside = self._open[-1][0] if self._open else ""
        if inside == "title":
            self.found.title += data
        if inside in _MUTE:
            return
        if any(gone for _, gone, _ in self._open) and not self.found.headings:
            self.found.preheader += data
        if not self._silent:
            self._say(data)

    @property
    def _silent(self) -> bool:
        return any(silent for _, _, silent in self._open)

    def _say(self, words: str) -> None:
        for heading in self._headings:
            heading.words += words
        for anchor in self._anchors:
            anchor.words += "" if anchor.labelled else words

    def _see(self, tag: str, given: Attributes, line: int) -> None:
        if tag in ("html", "body"):
            self.found.lang = self.found.lang or given.get("lang") or ""
            self.found.dir = self.found.dir or given.get("dir") or ""
        elif tag == "a":
            self._see_anchor(given, line)
        elif tag == "img":
            self.found.images.append(Image(line, given.get("src") or "", given.get("alt")))
            self._say(f" {given.get('alt') or ''} ")
        elif tag == "table":
            self._tables.append(Table(line, given.get("role") or ""))
            self.found.tables.append(self._tables[-1])
        elif tag in ("th", "caption") and self._tables:
            self._tables[-1].is_data = True
        elif re.fullmatch("h[1-6]", tag):
            self._headings.append(Heading(line, int(tag[1])))
            self.found.headings.append(self._headings[-1])

    def _see_anchor(self, given: Attributes, line: int) -> None:
        label = given.get("aria-label") or ""
        anchor = Anchor(line, given.get("href"), len(self.found.headings), label, bool(label))
        self._anchors.append(anchor)
        self.found.anchors.append(anchor)
