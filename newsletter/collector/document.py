"""The papers of one document beside each other: who shares an id with others, and what is too old to be news. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from newsletter.collector.identity import id_by_title, title_key, without_titles
from newsletter.collector.normalize import Sighting
from newsletter.collector.text.dois import is_of_preprint
from newsletter.collector.text.urls import without_tracking
from newsletter.types import Entry

LONGEST_ID = 500
ALIKE = 0.6  #: of the words of the shorter title: two ways to write the title of one paper with a DOI


def apart(sightings: Sequence[Sighting]) -> tuple[Sighting, ...]:
    """Sightings without the ids that papers with different titles share: a feed's own address as the id of all.

    arXiv, OpenReview, Semantic Scholar and preprint servers know their numbers: there, a new title is a new version.
    A shared DOI tells nothing where the titles have little in common: it is that of the volume.
    """
    holders: dict[str, list[int]] = defaultdict(list)
    for place, sighting in enumerate(sightings):
        for name in without_titles(sighting.entry):
            holders[name].append(place)
    shared: dict[int, set[str]] = defaultdict(set)
    for name, places in holders.items():
        if len(places) > 1 and _differ(name, [sightings[place].entry.title for place in places]):
            for place in places:
                shared[place].add(name)
    if not shared:
        return tuple(sightings)
    links = Counter(without_tracking(sighting.entry.url) for sighting in sightings)
    return tuple(
        _without(sighting, frozenset(shared[place]), links) if place in shared else sighting
        for place, sighting in enumerate(sightings)
    )


def _differ(name: str, titles: Iterable[str]) -> bool:
    scheme, _, rest = name.partition(":")
    if scheme == "id":
        return len({title_key(title) for title in titles}) > 1
    if scheme != "doi" or is_of_preprint(rest):
        return False
    first, *others = ({*title.lower().split()} for title in titles)
    return any(len(first & other) < ALIKE * min(len(first), len(other)) for other in others)


def _without(sighting: Sighting, shared: frozenset[str], links: Mapping[str, int]) -> Sighting:
    """The sighting without these names; its link is its id where that is its own, else its title makes one."""
    entry = sighting.entry
    also = tuple(name for name in entry.also if name not in shared)
    bare = replace(entry, also=also)
    if entry.id in shared or f"id:{entry.id}" in shared:
        own = entry.url if len(entry.url) <= LONGEST_ID and links[without_tracking(entry.url)] == 1 else ""
        bare = replace(bare, id=next(iter(also), own or id_by_title(entry)))
    return sighting._replace(entry=bare, shared=shared)


def is_too_old(entry: Entry, limit: timedelta | None, now: datetime) -> bool:
    """Whether it was published longer ago than its source's limit."""
    return bool(limit and entry.published and not entry.update and now - entry.published > limit)
