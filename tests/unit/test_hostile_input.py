"""No input stops the process: strings made to be slow cost at most five times what harmless ones of their size do."""

from __future__ import annotations

import pytest
from hostile import CALM, FAMILIES, PARSERS, SIZE, seconds

FACTOR, FLOOR = 5, 3.0  #: times as long; and seconds of CPU, which squares take many of
HARMLESS = CALM * (SIZE // len(CALM))
STRIDE = 40  #: each parser tries every fortieth of the strings at every run, another one than the parser before

#: what was slow once
KNOWN = {
    "feed: children": ("letters", "\u0323\u0301", "names", "a."),
    "feed: an item": ("numbered categories", "numbered attributes", "nested tags", "broken items"),
    "feed: a channel": ("broken items", "open items", "blanks"),
    "feed: attributes": ("numbered attributes", "numbered namespaces"),
    "feed: anything": ("blanks", "<?xml", "lines"),
    "BibTeX: fields": ("blanks", "and"),
    "RIS: fields": ("lines", "notes"),
    "finish": ("\u0323\u0301", "mathcal{", "open attributes", "https://a)"),
    "authors": (",", "names", "initials"),
    "affiliation": ("a sign and blanks",),
    "the end of a link": (")",),
    "an extract": (".", "..."),
    "a model's words": ("lines",),
    "an error's words": ("<b",),
    "letter: HTML": ("<!--", "<b"),
    "letter: type": ("parameters", "numbered parameters", "continued parameters", "quoted parameters"),
    "letter: parts": ("parameters", "continued parameters"),
    "letter: people": ("a@b.c", "to"),
    "report: anything": ("lines", "to"),
    "a phrase": ("willbe-",),
}


def slow_ones(parser: str, families: list[str]) -> dict[str, float]:
    """Name → seconds of what takes too long, also when it is tried again."""
    read = PARSERS[parser]
    seconds(read, CALM)  # whatever it imports
    long = [name for name in families if seconds(read, FAMILIES[name]) > FLOOR]
    most = FLOOR + FACTOR * seconds(read, HARMLESS, 2) if long else 0.0
    return {name: round(took, 2) for name in long if (took := seconds(read, FAMILIES[name], 2)) > most}


@pytest.mark.parametrize(("number", "parser"), [*enumerate(PARSERS)])
def test_no_string_is_slow_to_read(number: int, parser: str) -> None:
    known = [name for name in KNOWN.get(parser, ()) if name in FAMILIES]

    assert slow_ones(parser, [*known, *list(FAMILIES)[number % STRIDE :: STRIDE]]) == {}


@pytest.mark.slow
@pytest.mark.parametrize("parser", PARSERS)
def test_not_one_of_all_strings_is_slow_to_read(parser: str) -> None:
    assert slow_ones(parser, list(FAMILIES)) == {}


def test_what_was_slow_once_is_tried() -> None:
    assert {name for names in KNOWN.values() for name in names} <= FAMILIES.keys()
    assert KNOWN.keys() <= PARSERS.keys()
