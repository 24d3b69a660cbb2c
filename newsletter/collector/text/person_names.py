"""Names of people, as sources write them: many in one line, family names first, affiliations in brackets."""

from __future__ import annotations

import re

COMMA = re.compile(r"(?:,(?:\s*and\s)?|\sand\s)(?![^()]*\))")
INITIALS = re.compile(r"\s*([^,]+,\s*(?:\w\.[\s-]?)+)(?:,\s*|$)")  # bioRxiv: "Doe, A., Roe, B. K."
AFFILIATION = re.compile(r"([^()]+?)\s*\((.+)\)")


def split_authors(line: str) -> list[str]:
    """The names in a line like "A One (Rome, Italy), B Two" or bioRxiv's "One, A., Two, B. K.", given names first."""
    line = " ".join(line.split())
    families = INITIALS.findall(line)
    if families and not INITIALS.sub("", line).strip():
        return [given_first(name) for name in families]
    if ";" in line:
        return [given_first(name) for name in line.split(";") if name.strip()]
    return [name.strip() for name in COMMA.split(line) if name.strip()]


def given_first(name: str) -> str:
    """The name with the given name first: "Doe, A." is A. Doe."""
    family, comma, given = name.partition(",")
    return f"{given.strip()} {family.strip()}".strip() if comma and "," not in given else name.strip()


def without_affiliation(name: str) -> tuple[str, str]:
    """The name and the affiliation in its brackets: "Ada One (Rome, Italy)" is Ada One of Rome, Italy."""
    found = AFFILIATION.fullmatch(name.strip())
    return (found[1], found[2].strip()) if found else (name.strip(), "")
