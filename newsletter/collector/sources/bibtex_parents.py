"""What an entry of BibTeX takes from others: what it lacks from its parent (`crossref`), all of its `xdata`. Pure.

The title of a volume becomes the book title of what is in it. What names the volume itself (DOI, address, abstract)
stays with the volume: two chapters with one DOI would be one paper. `xref` inherits nothing, as in BibLaTeX.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

Fields = Mapping[str, str]

DEEPEST = 8  #: parents of parents
SHARED = ("journal", "journaltitle", "booktitle", "maintitle", "eventtitle", "publisher", "institution", "school")
PEOPLE = ("author", "editor")
DATES = ("date", "year", "month", "day")
PERIODICALS = {"periodical", "article"}


class Typed(NamedTuple):
    """One entry: its type, and its fields, names in lower case."""

    type: str
    fields: Fields


def completed(key: str, entries: Mapping[str, Typed]) -> Fields:
    """The fields of an entry with what it inherits. `entries`: all of the file by their keys in lower case.

    A parent that is not there, or that would be its own parent, gives nothing.
    """
    return _completed(key.lower(), entries, frozenset())


def _completed(key: str, entries: Mapping[str, Typed], below: frozenset[str]) -> Fields:
    entry, path = entries[key], below | {key}
    found = dict(entry.fields)
    for other in _named(found.get("xdata", "")):
        if other in entries and other not in path and len(path) <= DEEPEST:
            found = {**_completed(other, entries, path), **found}
    for parent in _named(found.get("crossref", ""))[:1]:
        if parent in entries and parent not in path and len(path) <= DEEPEST:
            found |= _inherited(found, entries[parent], _completed(parent, entries, path))
    return found


def _inherited(child: Fields, parent: Typed, fields: Fields) -> dict[str, str]:
    """What the child lacks. `fields`: of the parent, with what it inherits itself."""
    given = {name: fields[name] for name in SHARED if fields.get(name)}
    place = "journaltitle" if parent.type in PERIODICALS else "booktitle"
    if not parent.fields.get(place) and parent.fields.get("title"):
        given[place] = parent.fields["title"]
    if not child.get("author"):
        given |= {name: fields[name] for name in PEOPLE if fields.get(name)}
    if not any(child.get(name) for name in DATES):
        given |= {name: fields[name] for name in DATES if fields.get(name)}
    return {name: value for name, value in given.items() if not child.get(name)}


def _named(keys: str) -> list[str]:
    """The keys in a list of them."""
    return [key for key in (part.strip().strip("{}").lower() for part in keys.split(",")) if key]
