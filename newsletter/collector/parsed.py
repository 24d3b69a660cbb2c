"""What a parser gives back: entries, and one line for each thing it could not read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import NamedTuple

from newsletter.types import Entry, Source

MOST_PROBLEMS = 20


class Parsed(NamedTuple):
    """The outcome of one parse; `entries, problems = parse(...)` works."""

    entries: tuple[Entry, ...]
    problems: tuple[str, ...] = ()


#: Pure: bytes in, entries out; raises SourceError only when nothing at all can be read.
Parser = Callable[[bytes, Source, datetime], Parsed]


def make_parsed(entries: Sequence[Entry], problems: Sequence[str]) -> Parsed:
    """A file with a million bad lines is told in twenty, and a count of the rest."""
    more = len(problems) - MOST_PROBLEMS
    told = [*problems[:MOST_PROBLEMS], *([f"… and {more:,} more"] if more > 0 else [])]
    return Parsed(tuple(entries), tuple(told))
