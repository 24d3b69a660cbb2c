"""The items of an RSS or Atom document as they stand, every character: feedparser's sanitiser eats `<p_T>` and `x<y`.

Entities that a document declares itself are refused (billion laughs, files read from disk), but for names that HTML
has, such as `&nbsp;`: those mean what they mean there. What is broken is cut out and named, so that one bad item does
not cost the others.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import escape, unescape
from html.entities import html5
from typing import NamedTuple
from xml.parsers import expat

from newsletter.collector.sources.feed_lean import LeanDocument
from newsletter.collector.sources.feed_salvage import written_anew
from newsletter.collector.text.encodings import HEAD, from_start, read_text

DECLARATION = re.compile(r"<\?xml[^<>]*?\?>")
START = re.compile(
    r"(?:^|(?<=[>\r\n\ufeff]))[ \t]*(?:<\?xml\s|<!--|<!doctype|<(?:[a-z_][\w.-]*:)?(?:rss|feed|rdf)(?=[\s>]))",
    re.IGNORECASE,
)
PAGE = re.compile(
    r"[\s\ufeff]*(?:<!--(?:(?!<!--).)*?-->\s*)?<(?:!doctype\s+html|html)(?=[\s>])", re.IGNORECASE | re.DOTALL
)
DOCTYPE = re.compile(r"<!DOCTYPE[^\[\]<>]*\[([^\]]*)\]", re.IGNORECASE)
ENTITY = re.compile(r"<!ENTITY\s+(%\s+)?([\w.-]++)[^<>\"']*+(?:(?:\"[^\"]*+\"|'[^']*+')[^<>\"']*+)*+>|%[\w.-]++;")
ROOT = re.compile(
    r"(?:\s|<\?.*?\?>|<!--.*?-->|<!DOCTYPE[^\[>]*(?:\[[^\]]*\]\s*)?>)*+<([a-z_][\w.:-]*)", re.DOTALL | re.IGNORECASE
)
FEEDS = {"rss", "feed", "rdf"}
PAGES = {"html", "head", "body", "title", "meta", "div", "p", "script"}
ITEMS = {"item", "entry"}
AROUND = {"rss", "feed", "rdf", "channel"}
FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
REFERENCE = re.compile(r"&(?:(#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6})|(\w{1,32}));|&", re.ASCII)
MOST_REPAIRS = 20

MOST_HEAD = 200  #: texts of the feed itself that are kept


class Item:
    """One entry as it stands: the texts and the attributes of its children, in order.

    Texts are kept under the child's name ("title", "dc:creator"; markup inside it is written out again) and those of
    grandchildren under both names too ("author/name").
    """

    __slots__ = ("attributes", "texts")

    def __init__(self) -> None:
        self.texts: dict[str, list[str]] = {}
        self.attributes: dict[str, list[dict[str, str]]] = {}

    def first(self, *names: str) -> str:
        """The first text under these names that says something."""
        texts = (text for name in names for text in self.texts.get(name, ()))
        return next((text for text in texts if text.strip()), "")

    def all(self, name: str) -> list[str]:
        """Every text under this name that says something."""
        return [text for text in self.texts.get(name, ()) if text.strip()]


class NotAFeed(Exception):
    """This is not a feed."""


class RawFeed(NamedTuple):
    """What could be read, and a short well-formed document (UTF-8, no declaration) about it, for feedparser."""

    items: list[Item]
    document: bytes
    problems: list[str]
    head: Mapping[str, str]  #: what the feed says of itself: "title", "updated", "opensearch:totalResults" …


def read_items(data: bytes) -> RawFeed:
    """Read the items. Raises NotAFeed for what is not RSS or Atom, or breaks before the first item is complete.

    Of a document broken in more than a few places each item is read by itself.
    """
    text, problems = _decoded(data)
    root = _checked_root(text[:10_000].lstrip("\ufeff \t\r\n"))
    whole = _with_valid_text(DECLARATION.sub("", text, count=1))
    document = whole.encode()
    for _ in range(MOST_REPAIRS):
        outline = _FeedOutline(document)
        if not outline.trouble:
            return RawFeed(outline.items, outline.lean.document(), problems, outline.head)
        document = outline.mended()
        problems.append(f"{outline.trouble}; what could be read was kept")
    outline = _FeedOutline(written_anew(whole, root).encode())
    if outline.trouble:
        raise NotAFeed(outline.trouble)
    many = f"the XML is broken in more than {MOST_REPAIRS} places: each entry was read by itself"
    return RawFeed(outline.items, outline.lean.document(), [*problems[:1], many], outline.head)


def _decoded(data: bytes) -> tuple[str, list[str]]:
    """The text of the document itself, and what was wrong with it."""
    text, problems = read_text(data, xml=True)
    if not PAGE.match(text[:HEAD]):
        text, before = from_start(text, START)
        problems += before
    return DOCTYPE.sub(_without_known_entities, text[:HEAD], count=1) + text[HEAD:], problems


def _without_known_entities(doctype: re.Match[str]) -> str:
    """The same without declarations of what HTML declares, and of lists of them elsewhere, which are never read."""
    return ENTITY.sub(lambda found: "" if found[1] or f"{found[2] or 'nbsp'};" in html5 else found[0], doctype[0])


def _checked_root(start: str) -> str:
    """The name of the outermost element. Raises NotAFeed for one of something else."""
    root = ROOT.match(start)
    name = root[1].lower() if root else ""
    if root and (name.partition(":")[0] in FEEDS or name.rpartition(":")[2] in FEEDS):
        return root[1]
    if not start:
        raise NotAFeed("this is not a feed (it is empty)")
    if name in PAGES or start[:14].lower() == "<!doctype html":
        raise NotAFeed("this is not a feed (it looks like an HTML page)")
    if start[0] in "{[":
        raise NotAFeed("this is not a feed (it looks like JSON)")
    raise NotAFeed(f"this is not a feed ({f'its root is <{name[:40]}>' if name else 'it is not XML'})")


def _with_valid_text(text: str) -> str:
    """The text without what XML forbids and services write nevertheless: control characters, `&nbsp;`, `AT&T`."""
    return FORBIDDEN.sub("", REFERENCE.sub(_reference, text))


def _reference(match: re.Match[str]) -> str:
    number, name = match.groups()
    if name in ("amp", "lt", "gt", "quot", "apos"):
        return match[0]
    return escape(unescape(match[0]) if number else html5.get(f"{name};", match[0]))


class _FeedOutline:
    """The outcome of one pass of expat: complete items, and where and why it broke."""

    def __init__(self, document: bytes) -> None:
        self.document = document
        self.items: list[Item] = []
        self.head: dict[str, str] = {}
        self.lean = LeanDocument()
        self.trouble = ""
        self.broken = 0  #: byte at which the parser gave up
        self._open: list[str] = []
        self._item: Item | None = None
        self._depth = 0  #: of the item's own tag
        self._start = 0  #: byte at which the item begins
        self._text: list[str] = []
        self._inner = 0  #: where in _text the grandchild that is open begins
        self._parser = expat.ParserCreate("utf-8")
        self._read()

    def _read(self) -> None:
        parser = self._parser
        parser.buffer_text = True
        parser.StartElementHandler, parser.EndElementHandler = self._begin, self._end
        parser.CharacterDataHandler = self._characters
        parser.EntityDeclHandler = _refuse
        try:
            parser.Parse(self.document, True)
        except expat.ExpatError as error:
            self.broken = parser.ErrorByteIndex
            self.trouble = f"the XML is broken at line {error.lineno} ({expat.ErrorString(error.code)})"

    def _begin(self, name: str, attributes: dict[str, str]) -> None:
        self._open.append(name)
        level = len(self._open) - self._depth
        if self._item is None:
            self._text = []
            if _local(name) in ITEMS:
                self._item, self._depth, self._start = Item(), len(self._open), self._parser.CurrentByteIndex
                self.lean.begin(name, attributes, item=True)
            elif self._is_around():
                self.lean.enclose(name, attributes)
            return
        self.lean.begin(name, attributes)
        if level == 1:
            self._text = []
            if attributes:
                self._item.attributes.setdefault(_plain(name), []).append(attributes)
        else:
            link = f' href="{escape(attributes["href"])}"' if "href" in attributes else ""
            self._text.append(f"<{name}{link}>")
            if level == 2:
                self._inner = len(self._text)

    def _is_around(self) -> bool:
        """Whether what was opened last encloses the items, or is a link of what does."""
        *outer, last = map(_local, self._open[-2:])
        within = not outer or outer[0] in AROUND
        return within and len(self._open) <= 3 and (last in AROUND or last == "link")

    def _characters(self, text: str) -> None:
        self._text.append(text)
        if self._item is not None:
            self.lean.text(text)

    def _end(self, name: str) -> None:
        level = len(self._open) - self._depth
        if self._item is None:
            if self._is_around():
                self.lean.release("".join(self._text) if _local(name) == "link" else "")
            self._open.pop()
            self._keep_head(name)
            return
        self._open.pop()
        self.lean.end(name)
        if level == 0:
            self.items.append(self._item)
            self._item = None
        elif level == 1:
            self._item.texts.setdefault(_plain(name), []).append("".join(self._text))
        else:
            if level == 2:
                path = f"{_plain(self._open[-1])}/{_plain(name)}"
                self._item.texts.setdefault(path, []).append("".join(self._text[self._inner :]))
            self._text.append(f"</{name}>")

    def _keep_head(self, name: str) -> None:
        text = "".join(self._text).strip()
        if text and len(self.head) < MOST_HEAD:
            self.head.setdefault(_plain(name), text)
        self._text = []

    def mended(self) -> bytes:
        """The document without its broken item, or, cut short there, with its open tags closed."""
        inside = self._item is not None
        where = self._start if inside else self.broken
        if inside:
            closing = f"</{self._open[self._depth - 1]}>".encode()
            end = self.document.find(closing, self.broken)
            if end >= 0:
                return self.document[:where] + self.document[end + len(closing) :]
        if not self.items:
            raise NotAFeed(self.trouble)
        still_open = self._open[: self._depth - 1] if inside else self._open
        return self.document[:where] + "".join(f"</{name}>" for name in reversed(still_open)).encode()


def _plain(name: str) -> str:
    return name.removeprefix("atom:")


def _local(name: str) -> str:
    return name.rpartition(":")[2].lower()


def _refuse(*_: object) -> None:
    raise NotAFeed("this feed declares entities of its own, which we never expand")
