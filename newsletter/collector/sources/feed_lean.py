"""What feedparser is asked: the links, dates and topics of each item, in short, as a well-formed document of our own.

Texts are ours (feed_xml.py). feedparser takes the square of an author's length, and of the number of attributes and of
topics: here all of them are bounded.
"""

from __future__ import annotations

from xml.sax.saxutils import escape, quoteattr

#: what feed_xml.py gives whole, and what holds a document within the document
OURS = {"title", "dc:title", "description", "summary", "dc:description", "content", "content:encoded"}
OURS |= {"atom:title", "atom:summary", "atom:content"}
TEXTS = ("title", "description", "summary", "content", "encoded")  #: local names of the same under other prefixes
PEOPLE = ("author", "creator", "contributor", "name", "email", "uri", "publisher", "managingeditor", "webmaster")
LONGEST_PERSON = 200
LONGEST_VALUE = 2_000  #: characters of any other text, and of an attribute
LONGEST_TEXT = 20_000
LONGEST_NAME = 100  #: of an element or attribute
MOST_ATTRIBUTES = 20
MOST_NAMESPACES = 40  #: of the outermost element
MOST_ALIKE = 25  #: children of one name
MOST_CHILDREN = 200
DEEPEST = 3  #: levels in an item: media:group/media:content, author/name


class LeanDocument:
    """Takes the events of a parser; gives the short document."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._open: list[str] = []  #: what encloses the items, as it was written
        self._levels: list[int] = []  #: characters that may still be written at each level of an item
        self._passed = 0  #: levels of what is left out
        self._seen: dict[str, int] = {}

    def enclose(self, name: str, attributes: dict[str, str]) -> None:
        """Begin an element around the items."""
        kept = _first(attributes, MOST_ATTRIBUTES if self._open else MOST_NAMESPACES)
        self._open.append(name)
        self._parts.append(f"<{name}{kept}>")

    def release(self, text: str = "") -> None:
        """End the last of these; a link holds a text."""
        self._parts.append(f"{escape(text[:LONGEST_VALUE])}</{self._open.pop()}>")

    def begin(self, name: str, attributes: dict[str, str], *, item: bool = False) -> None:
        """Begin an item, or an element of one."""
        if item:
            self._seen = {}
        if self._passed or not (item or self._takes(name)):
            self._passed += 1
            return
        self._levels.append(_longest(name))
        self._parts.append(f"<{name}{_first(attributes, MOST_ATTRIBUTES)}>")

    def text(self, text: str) -> None:
        """Write a text of an item."""
        if self._levels and not self._passed and self._levels[-1] > 0:
            self._parts.append(escape(text[: self._levels[-1]]))
            self._levels[-1] -= len(text)

    def end(self, name: str) -> None:
        """End an item, or an element of one."""
        if self._passed:
            self._passed -= 1
            return
        self._levels.pop()
        self._parts.append(f"</{name}>")

    def document(self) -> bytes:
        """The whole, with what is open ended."""
        return ("".join(self._parts) + "".join(f"</{name}>" for name in reversed(self._open))).encode()

    def _takes(self, name: str) -> bool:
        """Whether an element is written: it is no item within an item, and neither one of very many nor very deep."""
        local = name.rpartition(":")[2].lower()
        self._seen[name] = self._seen.get(name, 0) + 1
        return (
            name not in OURS
            and local not in ("item", "entry")
            and len(name) <= LONGEST_NAME
            and len(self._levels) <= DEEPEST
            and self._seen[name] <= MOST_ALIKE
            and len(self._seen) <= MOST_CHILDREN
        )


def _longest(name: str) -> int:
    local = name.rpartition(":")[2].lower()
    return LONGEST_PERSON if local in PEOPLE else LONGEST_TEXT if local in TEXTS else LONGEST_VALUE


def _first(attributes: dict[str, str], most: int) -> str:
    """So many attributes, namespaces first: without its namespace no name is understood."""
    short = [(name, said) for name, said in attributes.items() if len(name) <= LONGEST_NAME >= len(said) / 20]
    kept = sorted(short, key=lambda pair: not pair[0].startswith("xmlns"))[:most]
    return "".join(f" {name}={quoteattr(said)}" for name, said in kept)
