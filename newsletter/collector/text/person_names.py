"""Names of people, as sources write them: many in one line, family names first, affiliations in brackets."""

from __future__ import annotations

import re

MARK = re.compile(r"[()]|,(?: ?and )?| and ")
INITIALS = re.compile(r"(?:\w\.[ -]?)+")


def split_authors(line: str) -> list[str]:
    """The names in a line like "A One (Rome, Italy), B Two" or bioRxiv's "One, A., Two, B. K.", given names first."""
    line = " ".join(line.split())
    pairs = _families_with_initials(line)
    if pairs:
        return [given_first(name) for name in pairs]
    if ";" in line:
        return [given_first(name) for name in line.split(";") if name.strip()]
    return [name.strip() for name in _outside_brackets(line) if name.strip()]


def _families_with_initials(line: str) -> list[str]:
    """The names of "Doe, A., Roe, B. K.", as bioRxiv writes them; [] for any other line."""
    parts = [part.strip() for part in line.removesuffix(" ").removesuffix(",").split(",")]
    pairs = list(zip(parts[::2], parts[1::2], strict=False))
    fine = len(parts) % 2 == 0 and all(family and INITIALS.fullmatch(given) for family, given in pairs)
    return [f"{family}, {given}" for family, given in pairs] if fine else []


def _outside_brackets(line: str) -> list[str]:
    """The parts between commas and "and", but for those behind which a bracket closes before one opens.

    From the end to the start: one look at each sign, where a lookahead at each comma takes the square of them.
    """
    parts: list[str] = []
    end, closes = len(line), False
    for mark in reversed(list(MARK.finditer(line))):
        if mark[0] in "()":
            closes = mark[0] == ")"
        elif not closes:
            parts.append(line[mark.end() : end])
            end = mark.start()
    return [line[:end], *reversed(parts)]


def given_first(name: str) -> str:
    """The name with the given name first: "Doe, A." is A. Doe."""
    family, comma, given = name.partition(",")
    return f"{given.strip()} {family.strip()}".strip() if comma and "," not in given else name.strip()


def without_affiliation(name: str) -> tuple[str, str]:
    """The name and the affiliation in its brackets: "Ada One (Rome, Italy)" is Ada One of Rome, Italy."""
    name = name.strip()
    before, bracket, inside = name.partition("(")
    if bracket and before.strip() and ")" not in before and len(inside) > 1 and inside.endswith(")"):
        return before.rstrip(), inside[:-1].strip()
    return name, ""
