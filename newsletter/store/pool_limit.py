"""Which papers an issue chooses from, where there are too many of them. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from newsletter.types import Entry

LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)


def within_limit(entries: Sequence[Entry], most: int, sightings: Mapping[str, int]) -> tuple[Entry, ...]:
    """At most so many papers, in their order: those that most sources showed, of these the newest.

    `sightings`: entry id → how many sources showed it; one that is not in it was shown by one. Without a date, a paper
    counts as the oldest.
    """
    if len(entries) <= most:
        return tuple(entries)

    def worth(place: int) -> tuple[int, datetime, int]:
        entry = entries[place]
        return sightings.get(entry.id, 1), entry.published or LONG_AGO, -place

    kept = sorted(range(len(entries)), key=worth, reverse=True)[:most]
    return tuple(entries[place] for place in sorted(kept))


def left_out(found: int, most: int) -> str:
    """One line for the log, `status` and the issue's notes; "" where nothing is left out."""
    if found <= most:
        return ""
    return f"{found - most:,} of {found:,} papers left out: an issue chooses from {most:,} at most"
