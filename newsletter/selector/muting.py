"""Which candidates hold what a reader muted: whole words, in singular or plural, and people."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from newsletter.people import folded_name, readings
from newsletter.selector.plurals import numbers
from newsletter.selector.tokens import fold, unspaced
from newsletter.types import Entry

HYPHEN = re.compile("[-‐‑‒–—]")


@dataclass(frozen=True, slots=True)
class SearchText:
    """Texts of all candidates in a row, each field on a line of its own."""

    text: str
    starts: NDArray[np.intp]  #: where each candidate begins

    @classmethod
    def of(cls, texts: Sequence[str]) -> Self:
        return cls("".join(texts), np.cumsum([0, *map(len, texts)])[:-1])

    def holding(self, wanted: str) -> list[int]:
        """Candidates that hold this as whole words."""
        found: list[int] = []
        at = self.text.find(wanted) if wanted else -1
        while at >= 0:
            if _whole(self.text, at, wanted):
                found.append(int(np.searchsorted(self.starts, at, side="right")) - 1)
                at = self._start(found[-1] + 1) - 1
            at = self.text.find(wanted, at + 1)
        return found

    def _start(self, candidate: int) -> int:
        return int(self.starts[candidate]) if candidate < len(self.starts) else len(self.text)


@dataclass(frozen=True, slots=True)
class MutedIndex:
    """Candidates as muted phrases find them."""

    words: SearchText  #: titles, abstracts and topics
    names: SearchText  #: of authors: they have no plural, "Williams" is not "William"
    heard: dict[str, tuple[int, ...]]  #: phrase → candidates, as far as asked

    def holding(self, phrase: str) -> tuple[int, ...]:
        """Candidates whose title, abstract or topics hold this phrase, in either number, or an author bears it."""
        if phrase not in self.heard:
            plain = " ".join(HYPHEN.sub(" ", phrase).split())
            found = [candidate for form in numbers(plain) for candidate in self.words.holding(form)]
            found += self.names.holding(level_name(phrase))
            self.heard[phrase] = tuple(sorted(set(found)))
        return self.heard[phrase]


def muted_index(entries: Iterable[Entry]) -> MutedIndex:
    """The index of these candidates, in their order."""
    listed = tuple(entries)
    words = [_lines(map(level, (entry.title, entry.abstract, *entry.topics))) for entry in listed]
    names = [_lines(form for name in entry.authors for form in _written(name)) for entry in listed]
    return MutedIndex(SearchText.of(words), SearchText.of(names), {})


def level(text: str) -> str:
    """Folded, with hyphens and white space as one space: "State-space  models" is "state space models"."""
    return " ".join(HYPHEN.sub(" ", fold(text)).split())


def level_name(name: str) -> str:
    return " ".join(HYPHEN.sub(" ", folded_name(name)).split())


def _lines(fields: Iterable[str]) -> str:
    return "\n".join(["", *fields, ""])


def _written(name: str) -> Iterable[str]:
    """As it is printed, and with the given names first."""
    printed = level_name(name)
    yield printed
    yield from (turned for reading in readings(name) if (turned := reading.name) != printed)


def _whole(text: str, at: int, wanted: str) -> bool:
    end = at + len(wanted)
    before, after = text[at - 1 : at], text[end : end + 1]
    opens = not before.isalnum() or not wanted[0].isalnum() or unspaced(wanted[0])
    return opens and (not after.isalnum() or not wanted[-1].isalnum() or unspaced(wanted[-1]))
