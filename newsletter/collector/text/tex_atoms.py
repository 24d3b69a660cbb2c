"""A line of TeX as atoms, and a cursor over them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from newsletter.collector.text.tex_math import stretches

URL = r"https?://[^\s\\{}<>\"\x01-\x13]+"
ATOM = re.compile(rf"\\(?:[A-Za-z]+|.)|{URL}|[{{}}^_~$]|(?:(?!https?://)[^\\{{}}^_~$])+|\\", re.DOTALL)
MATH = ("$", "\\(", "\\[")  #: what math begins with
SHORT, LONG = 8, 40  #: atoms and characters of an argument that is no text


class AtomCursor:
    """Macros, braces, scripts, ties, math, addresses and the text between them, one after the other.

    Math is one atom: a dollar and what stands inside. A dollar alone is text.
    """

    def __init__(self, text: str) -> None:
        self.atoms: list[str] = [*_atoms(text)] if any(mark in text for mark in MATH) else ATOM.findall(text)
        self.at = 0

    @property
    def done(self) -> bool:
        return self.at >= len(self.atoms)

    def next(self) -> str:
        """The next atom, which is passed."""
        self.at += 1
        return self.atoms[self.at - 1]

    def peek(self) -> str:
        """The next atom, which stays; "" at the end."""
        return self.atoms[self.at] if self.at < len(self.atoms) else ""

    def before_last(self) -> str:
        """The atom before the one that was passed last; "" where there is none."""
        return self.atoms[self.at - 2] if self.at > 1 else ""

    def after_next(self) -> str:
        """The atom behind the next one; "" where there is none."""
        return self.atoms[self.at + 1] if self.at + 1 < len(self.atoms) else ""

    def take(self, pattern: str) -> str:
        """What `pattern` finds at the start of the next atom, which is passed as far as that; else ""."""
        atom = self.atoms[self.at]
        match = re.match(rf"\s*({pattern})", atom, re.DOTALL)
        if not match:
            return ""
        self.atoms[self.at] = atom[match.end() :]
        self.at += not self.atoms[self.at]
        return match[1]

    def verbatim(self) -> str:
        """The characters of a braced argument, unread: addresses and keys."""
        if self.peek() != "{":
            return ""
        self.at += 1
        parts: list[str] = []
        while not self.done and (atom := self.next()) != "}":
            parts.append(f"{atom}$" if is_math(atom) else atom[1:] if atom[0] == "\\" and len(atom) == 2 else atom)
        return "".join(parts)

    def skip_blank(self) -> None:
        """Pass the blanks after the name of a command, as TeX does."""
        if self.peek()[:1] == " ":
            self.atoms[self.at] = self.atoms[self.at].lstrip(" ")
            self.at += not self.atoms[self.at]

    def skip_word(self) -> None:
        """Pass a braced word that is no text: a key, a colour, a length. Anything longer stays."""
        ahead = self.atoms[self.at : self.at + SHORT]
        end = ahead.index("}") if ahead[:1] == ["{"] and "}" in ahead else 0
        if end and "{" not in ahead[1:end] and len("".join(ahead[:end])) < LONG:
            self.at += end + 1


def is_math(atom: str) -> bool:
    return len(atom) > 1 and atom[0] == "$"


def _atoms(text: str) -> Iterator[str]:
    for piece, math in stretches(text):
        if math:
            yield f"${piece}"
        else:
            yield from ATOM.findall(piece)
