"""What one source gave in one run, and what is remembered of it until the next."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from newsletter.collector.http.rate_limit import HostLeases, LocalLeases
from newsletter.collector.normalize import Sighting
from newsletter.types import Entry, Receipt, Source


class Records(HostLeases, Protocol):
    """What is remembered between two runs; called in threads."""

    def recall(self, keys: Sequence[str]) -> Mapping[str, Receipt]:
        """Key → the receipt of the last answer."""


class NoRecords(LocalLeases):
    """Nothing is remembered: for one run alone."""

    def recall(self, keys: Sequence[str]) -> Mapping[str, Receipt]:  # noqa: ARG002
        return {}


@dataclass(frozen=True, slots=True)
class Harvest:
    """What one source gave."""

    source: Source
    sightings: tuple[Sighting, ...] = ()
    problems: tuple[str, ...] = ()  #: one line each: what is missing
    notes: tuple[str, ...] = ()  #: one line each: what was mended or cut
    error: str = ""  #: one line: the source gave nothing
    dated: datetime | None = None  #: of the newest thing in it
    online: bool = False  #: it is on the web, not a file
    unchanged: bool = False  #: all of it is as it was the last time
    rested: datetime | None = None  #: when it was asked last, so recently that it was not asked again
    receipts: tuple[Receipt, ...] = ()  #: to be kept once the entries are stored
    sources: tuple[Source, ...] = ()  #: that this one named, each with a harvest of its own
    doubt: str = ""  #: one line: it holds nothing, and why that may be
    old: int = 0  #: of its entries, those that are no news for their age alone
    late: bool = False  #: its time was over before it was read to its end

    @property
    def entries(self) -> tuple[Entry, ...]:
        """The finished entries of all sightings."""
        return tuple(sighting.entry for sighting in self.sightings)
