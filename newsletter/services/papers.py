"""Papers by any form of their ids."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from newsletter import collector
from newsletter.errors import UnknownEntry
from newsletter.store import Frozen, Store
from newsletter.types import Entry

OLDER = timedelta(days=183)
MOST_OLDER = 2_000  #: papers


class Papers:
    """What is known of papers."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def find(self, ids: Iterable[str]) -> dict[str, Entry]:
        """Asked-for id → entry, in any form that an id has: "2401.00001v2", "https://doi.org/10.1000/x"."""
        asked = list(ids)
        found = self._store.entries.find(asked)
        other = {entry_id: collector.names(Entry(entry_id, "")) for entry_id in asked if entry_id not in found}
        named = self._store.entries.find({name for names in other.values() for name in names})
        more = {asked: next((named[name] for name in names if name in named), None) for asked, names in other.items()}
        return found | {asked: entry for asked, entry in more.items() if entry}

    def known(self, ids: Iterable[str]) -> dict[str, Entry]:
        """Asked-for id → entry, by the ids alone that an entry has or had."""
        asked = [*ids]
        return self._store.entries.find(asked) if asked else {}

    def get(self, entry_id: str) -> Entry:
        """Find one entry by any form of its id; raises UnknownEntry."""
        entry = self.find([entry_id]).get(entry_id)
        if entry is None:
            raise UnknownEntry
        return entry

    def listed(self, since: datetime | None = None, source: str = "") -> Iterable[Entry]:
        """List what is stored, newest first: first seen at `since` or later, brought first by `source`."""
        return self._store.entries.listed(since, source)

    def older(self, until: datetime) -> list[Entry]:
        """List papers of the half year before, the newest and most sighted: they tell what is usual for a paper."""
        return older_papers(self._store, until)

    def twins(self, frozen: Frozen) -> set[str]:
        """Ids in a pool of entries that were joined with another one of it since it was frozen."""
        now = self._store.entries.find(entry.id for entry in frozen.entries)
        first: dict[str, str] = {}
        for entry in frozen.entries:
            first.setdefault(now[entry.id].id if entry.id in now else entry.id, entry.id)
        return {entry.id for entry in frozen.entries} - set(first.values())


def older_papers(store: Store, until: datetime) -> list[Entry]:
    """As `Papers.older`."""
    return store.entries.new_between(until - OLDER, until, most=MOST_OLDER)
