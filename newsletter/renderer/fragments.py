"""Fragments: what is rendered once, cut at its slots, and filled for each reader by joining ready bytes.

A slot is a value of one reader. While a template is rendered, `slot.name` is the sentinel "\\x02name\\x03"; the text
is then cut there, and the pieces between are encoded for the wire once.
"""

from __future__ import annotations

import re
import textwrap
from binascii import b2a_qp
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from html import escape as escaped
from itertools import groupby
from operator import itemgetter
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

from markupsafe import Markup, escape

from newsletter.errors import TemplateError
from newsletter.renderer.sanitize import excerpt, joins, tidy, title_markup, web_link
from newsletter.types import RISING, Entry

_SLOT = re.compile("\x02([a-z_]+)\x03")
_READER = (
    "name",
    "email",
    "shares",
    "unanswered",
    "unheard",
    "minutes",
    "title",
    "others",
    "preheader",
    "rank",
    "label",
    "interest",
    "count",
    "why",
)
_BLOCKS = ("lead", "cards", "popular")
_READY = frozenset({"view", "interests", "unsubscribe", "feedback", "link", *_BLOCKS})
_WIDTH = 76  #: columns of the text part
_ROOM = 200  #: bytes after which a line of HTML is broken; with links of 700 no line comes near 998
_MORE_ROOM = 250
_SPACE = re.compile(rb"[ \t]*\n\s*")
_BLANKS = re.compile(rb"[ \t]{2,}")
_OWN_LINE = re.compile(rb" (?=(?:style|href|src|alt)=\")")
_AT_BLANK = re.compile(rb"(.{1,199}) ")
_TOKEN = re.compile(rb"<[^>]*>?|&#?\w+;| |[^<& ]{1,50}|.")


@dataclass(frozen=True, slots=True)
class Card:
    """What a template may say of an entry: tidy, bounded, "" and None where nothing is known."""

    ref: str  #: the id, percent-encoded, for the feedback links; "" when too long for one
    title: str
    title_html: Markup  #: the same with <sub>, <sup>, <i> and <b> where the text cannot say them
    abstract: str  #: an excerpt, or the TL;DR where there is one
    short: bool  #: it is the TL;DR
    url: str
    pdf_url: str
    code_url: str
    project_url: str
    image_url: str
    authors: tuple[str, ...]  #: the first three
    more_authors: int  #: how many are not named
    source: str
    published: datetime | None
    topics: tuple[str, ...]
    votes: int | None
    rising: bool  #: votes, comments and stars grow faster than with three in four of its equals

    @property
    def words(self) -> int:
        """To be read in the mail."""
        return len(self.title.split()) + len(self.abstract.split())

    @classmethod
    def of(cls, entry: Entry, length: int) -> Card:
        """`length`: about how many characters of the abstract are shown; 0: none."""
        ref = quote(entry.id, safe="", errors="replace")
        return cls(
            ref=ref if len(ref) <= 300 else "",
            title=tidy(entry.title, 300),
            title_html=title_markup(entry.title_html) or escape(tidy(entry.title, 300)),
            abstract=excerpt(entry.tldr or entry.abstract, length) if length else "",
            short=bool(entry.tldr),
            url=web_link(entry.url),
            pdf_url=web_link(entry.pdf_url),
            code_url=web_link(entry.code_url),
            project_url=web_link(entry.project_url),
            image_url=web_link(entry.image_url),
            authors=tuple(tidy(name, 80) for name in entry.authors[:3]),
            more_authors=max(0, len(entry.authors) - 3),
            source=tidy(entry.source, 60),
            published=entry.published,
            topics=tuple(tidy(topic, 40) for topic in entry.topics[:6]),
            votes=entry.votes,
            rising=entry.trend is not None and entry.trend >= RISING,
        )


#: What a slot prints while its template is rendered.
SLOTS = SimpleNamespace(**{name: f"\x02{name}\x03" for name in (*_READER, *_READY)})


@contextmanager
def needing_slots() -> Iterator[None]:
    """For a trial: TemplateError when a slot is printed where it has no value, as `slot.rank` outside a card."""
    try:
        yield
    except KeyError as error:
        raise TemplateError(f"slot.{error.args[0]} has no value in the place where it is printed") from error


def fill(text: str, values: Mapping[str, str]) -> str:
    """Plain text with its slots filled: the way of the subject, once per mail."""
    return _SLOT.sub(lambda slot: values[slot[1]], text)


def _getter(names: Sequence[str | ProseLine]) -> Callable[[Mapping[Any, bytes]], Sequence[bytes]]:
    """The values of these names, one after the other: with itemgetter a third of a comprehension's time [measured]."""
    if len(names) > 1:
        return itemgetter(*names)
    return lambda values: [values[name] for name in names]


class HtmlFragment:
    """HTML in ASCII, CRLF lines far below 998 bytes, so that nothing has to be encoded for the wire."""

    def __init__(self, markup: str) -> None:
        pieces = _SLOT.split(markup)
        self._parts = [html_literal(piece) for piece in pieces]
        self._literal = sum(map(len, self._parts[::2]))
        self._values = _getter(pieces[1::2])
        self._blocks = [(place, name) for place, name in enumerate(pieces) if place % 2 and name in _BLOCKS]

    def length(self, values: Mapping[str, bytes]) -> int:
        """Bytes of what `fill` gives."""
        return self._literal + sum(map(len, self._values(values)))

    def fill(self, values: Mapping[str, bytes]) -> list[bytes]:
        """Pieces to be joined. Values come from `html_values`, `html_links` or another fragment."""
        parts = self._parts.copy()
        parts[1::2] = self._values(values)
        return parts

    def filled_around(self, values: Mapping[str, bytes], blocks: Mapping[str, list[bytes]]) -> list[bytes]:
        """As `fill`, with these pieces in the slots for fragments: joined once, with all the rest."""
        return _spliced(self.fill(values), self._blocks, blocks)


def _spliced(parts: list[bytes], places: Iterable[tuple[int, str]], blocks: Mapping[str, list[bytes]]) -> list[bytes]:
    out: list[bytes] = []
    start = 0
    for place, name in places:
        out += parts[start:place]
        out += blocks[name]
        start = place + 1
    return out + parts[start:]


class ProseLine:
    """A line of prose, cut at its slots. The same pieces give the same object, to be looked up by what it is."""

    __slots__ = ("pieces",)

    def __init__(self, pieces: tuple[str, ...]) -> None:
        self.pieces = pieces


_line = lru_cache(maxsize=4096)(ProseLine)


class TextFragment:
    """Quoted-printable text, each piece ending in CRLF or a soft break, so that pieces join freely.

    A line with a reader's words is prose: filled and wrapped as a whole. A line with no slots but links and ready
    fragments is never wrapped.
    """

    def __init__(self, text: str) -> None:
        self._parts: list[bytes] = [b""]
        holes: list[str | ProseLine] = []
        lines = [line.rstrip() for line in text.strip("\n").split("\n")]
        for line in re.sub("\n{3,}", "\n\n", "\n".join(lines)).split("\n"):
            self._add(line, holes)
        self._runs = []  #: neighbours of one kind: where, their values, whether they are prose
        start = 0
        for is_prose, some in groupby(holes, lambda hole: isinstance(hole, ProseLine)):
            names = [*some]
            self._runs.append((slice(2 * start + 1, 2 * (start + len(names)), 2), _getter(names), is_prose))
            start += len(names)
        self._blocks = [
            (2 * at + 1, hole) for at, hole in enumerate(holes) if isinstance(hole, str) and hole in _BLOCKS
        ]

    def filled_around(self, prose: Prose, ready: Mapping[str, bytes], blocks: Mapping[str, list[bytes]]) -> list[bytes]:
        """As `fill`, with these pieces in the slots for fragments: joined once, with all the rest."""
        return _spliced(self.fill(prose, ready), self._blocks, blocks)

    def fill(self, prose: Prose, ready: Mapping[str, bytes]) -> list[bytes]:
        """Pieces to be joined. `ready`: quoted-printable already."""
        parts = self._parts.copy()
        for where, values, is_prose in self._runs:
            parts[where] = values(prose if is_prose else ready)
        return parts

    def _add(self, line: str, holes: list[str | ProseLine]) -> None:
        pieces = _SLOT.split(line)
        if len(pieces) == 1:
            self._parts[-1] += paragraph(line)
        elif not _READY.issuperset(pieces[1::2]):
            holes.append(_line(tuple(pieces)))
            self._parts += [b"", b""]
        else:
            self._parts[-1] += quoted(pieces[0])
            for name, literal in zip(pieces[1::2], pieces[2::2], strict=True):
                holes.append(name)
                self._parts += [b"", quoted(literal)]
            self._parts[-1] += b"\r\n"


class Prose(dict[ProseLine, bytes]):
    """Lines of prose → filled, wrapped and quoted; each made once for these values."""

    def __init__(self, values: Mapping[str, str]) -> None:
        super().__init__()
        self._values = values

    def __missing__(self, line: ProseLine) -> bytes:
        filled = [*line.pieces]
        filled[1::2] = [self._values[name] for name in line.pieces[1::2]]
        self[line] = found = paragraph("".join(filled))
        return found


@lru_cache(maxsize=16384)
def paragraph(line: str) -> bytes:
    """A line wrapped at 76 columns, indented like its start."""
    if len(line) > _WIDTH:
        indent = line[: len(line) - len(line.lstrip())]
        wrap = textwrap.TextWrapper(_WIDTH, indent, indent, break_long_words=False, break_on_hyphens=False)
        line = wrap.fill(line.strip())
    return quoted(line.rstrip() + "\n")


def quoted(text: str) -> bytes:
    """Quoted-printable, CRLF."""
    data = b2a_qp(text.encode(), istext=True)
    if data and not data.endswith(b"\n"):
        start = data.rfind(b"\n") + 1
        if len(data) - start == _WIDTH:  # no room for the "=" of a soft break: make one earlier, not inside an escape
            cut = start + _WIDTH - 3
            escape_at = data.rfind(b"=", cut - 2, cut)
            cut = escape_at if escape_at > 0 else cut
            data = data[:cut] + b"=\n" + data[cut:]
        data += b"=\n"
    return data.replace(b"\n", b"\r\n")


def quoted_link(url: str) -> bytes:
    """`quoted` for a link, in a third of its time where nothing has to be quoted, as in all of ours [measured]."""
    if "=" in url or " " in url or not url.isascii():
        return quoted(url)
    data = url.encode()
    return b"=\r\n".join([data[start : start + _WIDTH - 1] for start in range(0, len(data), _WIDTH - 1)]) + b"=\r\n"


def html_literal(markup: str) -> bytes:
    """HTML of a template as ASCII lines, broken inside tags and at blanks, where it does not show.

    None begins with a dot, as CSS likes to: SMTP would have to double it in each mail.
    """
    data = _BLANKS.sub(b" ", _SPACE.sub(b"\n", markup.encode("ascii", "xmlcharrefreplace")))
    lines = [b"".join(_broken(line)) for line in _OWN_LINE.sub(b"\n", data).split(b"\n")]
    return b"\r\n".join(lines).replace(b"\n.", b"\n .")


def html_links(urls: Mapping[str, str]) -> dict[str, bytes]:
    """Links of ours, for attributes: nothing may break them. All at once, as `html_values`."""
    data = escaped("\n".join(urls.values())).encode("ascii", "xmlcharrefreplace")
    return dict(zip(urls, data.split(b"\n"), strict=True))


def html_values(values: Mapping[str, str]) -> dict[str, bytes]:
    """A reader's values, each one line, escaped, for the text of an element; all at once, since a call costs most."""
    data = escaped("\n".join(values.values())).encode("ascii", "xmlcharrefreplace")
    return dict(zip(values, map(_fitted, data.split(b"\n")), strict=True))


def _fitted(data: bytes) -> bytes:
    if len(data) <= 2 * _ROOM:  # with what stands before and after it, far from 998
        return data
    lines = _AT_BLANK.sub(rb"\1\r\n", data)
    return lines if len(max(lines.split(b"\r\n"), key=len)) <= _ROOM else b"".join(_broken(data))


def _broken(line: bytes) -> Iterator[bytes]:
    width, before = 0, b""
    for token in _TOKEN.findall(line) if len(line) > _ROOM else [line]:
        piece = token if width + len(token) <= _ROOM else _break(token, before, width)
        cut = piece.rfind(b"\n")
        width = len(piece) - cut - 1 if cut >= 0 else width + len(piece)
        before = token
        yield piece


def _break(token: bytes, before: bytes, width: int) -> bytes:
    """The token with a line end in it: for a blank, inside a tag, or, in a long word, in a `<wbr>`."""
    if token == b" ":
        return b"\r\n"
    if token.startswith(b"<") and not token.endswith(b">"):  # its next attribute stands in the next line
        return token if token.startswith(b"<!") else token.replace(b" ", b"\r\n", 1)
    if token.startswith(b"<"):
        plain = token.startswith(b"<!") or token.endswith(b"/>")
        return token if plain else token[:-1] + b"\r\n>"
    if width + len(token) <= _MORE_ROOM or before == b"&#8205;" or _belongs(token):
        return token
    return b"<wbr\r\n>" + token


def _belongs(token: bytes) -> bool:
    reference = re.fullmatch(rb"&#(\d+);", token)
    return reference is not None and joins(chr(int(reference[1])))
