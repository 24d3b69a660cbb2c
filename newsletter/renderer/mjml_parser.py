"""Shielded MJML as elements, each with its line, its attributes and what it stands in. Reads what is broken, too."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

WORD = re.compile(r"Jq(\d{4})[es]")  #: stands for a Jinja tag while MJML is compiled
_VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
TAG = re.compile(rf"<(/?)([A-Za-z][\w:-]*)((?:[^<>\"']|{_QUOTED.pattern})*?)(/?)>")
_ATTRIBUTE = re.compile(rf"([^\s=\"'/]+)(?:\s*=\s*({_QUOTED.pattern}|[^\s\"'>]+))?")
HIDDEN = re.compile(r"(<mj-style[^>]*>)(.*?)(?=</mj-style>)|<!--.*?-->", re.DOTALL)

Tags = list[tuple[int, str]]  #: line and text of each Jinja tag of a template, in order


def line_at(text: str, position: int, tags: Tags | None = None) -> int:
    """The number, from 1, of the line at a position; with `tags`, of the template that `text` is the shielded form of.

    Jinja tags may span lines and take blanks around them along, so lines are counted from the last tag.
    """
    words = WORD.findall(text, 0, position) if tags else []
    if not tags or not words:
        return text.count("\n", 0, position) + 1
    start, tag = tags[int(words[-1])]
    return start + tag.count("\n") + text.count("\n", text.rindex(f"Jq{words[-1]}", 0, position), position)


@dataclass(frozen=True, slots=True)
class Attribute:
    value: str
    line: int


@dataclass(frozen=True, slots=True)
class Element:
    name: str
    line: int
    above: tuple[str, ...]  #: the names of what it stands in, outermost first
    attributes: dict[str, Attribute]
    has_loose_tag: bool  #: a Jinja tag among the attributes, not in a value

    @property
    def parent(self) -> str:
        return self.above[-1] if self.above else ""

    @property
    def is_mjml(self) -> bool:
        return self.name.startswith("mj")


@dataclass(slots=True)
class MjmlDocument:
    """A template as its elements, the text between them, and what has no partner."""

    file: str
    source: str  #: shielded
    tags: Tags
    elements: list[Element] = field(default_factory=list)  #: in their order
    texts: list[tuple[str, str]] = field(default_factory=list)  #: what it stands straight in, text
    styles: list[tuple[int, str]] = field(default_factory=list)  #: position and text of each mj-style
    unbalanced: list[tuple[int, str, str]] = field(default_factory=list)  #: line, tag, what is wrong
    _open: list[Element] = field(default_factory=list)

    def __post_init__(self) -> None:
        position = 0
        bare = HIDDEN.sub(self._hide, self.source)
        for tag in TAG.finditer(bare):
            self.texts.append((self._open[-1].name if self._open else "", bare[position : tag.start()]))
            position = tag.end()
            if tag[1]:
                self._close(tag)
            else:
                self._begin(tag)
        self.texts.append(("", bare[position:]))
        self.unbalanced += [(element.line, element.name, "is not closed") for element in self._open]

    def line_at(self, position: int) -> int:
        return line_at(self.source, position, self.tags)

    def _hide(self, hidden: re.Match[str]) -> str:
        if hidden[1]:
            self.styles.append((hidden.start(2), hidden[2]))
        head = hidden[1] or ""
        return head + re.sub(r"[^\n]", " ", hidden[0][len(head) :])

    def _begin(self, tag: re.Match[str]) -> None:
        above = tuple(element.name for element in self._open)
        found = {
            found[1]: Attribute(_unquoted(found[2] or ""), self.line_at(tag.start(3) + found.start()))
            for found in _ATTRIBUTE.finditer(tag[3])
        }
        is_loose = bool(WORD.search(_QUOTED.sub("", tag[3])))
        element = Element(tag[2], self.line_at(tag.start()), above, found, is_loose)
        self.elements.append(element)
        if not tag[4] and tag[2].lower() not in _VOID:
            self._open.append(element)

    def _close(self, tag: re.Match[str]) -> None:
        if tag[2] not in (element.name for element in self._open):
            self.unbalanced.append((self.line_at(tag.start()), f"/{tag[2]}", "has no partner"))
            return
        while (element := self._open.pop()).name != tag[2]:
            self.unbalanced.append((element.line, element.name, "has no partner"))


def _unquoted(value: str) -> str:
    return value[1:-1] if value[:1] in ("'", '"') else value
