"""Entries: one row per paper, found again under any of its names; and what became of each source."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, Row, insert, or_, select, update

from newsletter.store.database import Database
from newsletter.store.schema import entries, names, sources
from newsletter.types import Entry

Named = tuple[Entry, tuple[str, ...]]  #: an entry and all its names, strongest first
Same = Callable[[Entry, Entry], bool]

_FIELDS = tuple(each.name for each in fields(Entry))
_COLUMNS = tuple(entries.c[name] for name in _FIELDS)
_BATCH = 400  #: names in one question; SQLite takes up to 32,766 values


@dataclass(frozen=True, slots=True)
class SourceHealth:
    """How a source did when it was last read."""

    name: str
    checked: datetime | None
    succeeded: datetime | None
    found: int
    added: int
    error: str


class Entries:
    """Part of Store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, named: Iterable[Named], now: datetime, same: Same = lambda known, new: True) -> int:  # noqa: ARG005
        """Store what is new, complete what is known; returns how many were new. Called by Engine.collect.

        Two entries that share a name are one where `same` agrees.
        """
        new = 0
        remaining = iter(named)
        while batch := list(islice(remaining, _BATCH)):
            with self._database.write() as connection:
                new += _add_batch(connection, batch, now, same)
        return new

    def listed(self, since: datetime | None = None, source: str = "") -> Iterator[Entry]:
        """Newest first. Called by `newsletter entries`."""
        query = select(*_COLUMNS).order_by(entries.c.first_seen.desc(), entries.c.num)
        if since:
            query = query.where(entries.c.first_seen >= since)
        if source:
            query = query.where(entries.c.source == source)
        with self._database.read() as connection:
            yield from (_entry(row) for row in connection.execute(query))

    def new_between(self, since: datetime, until: datetime) -> list[Entry]:
        """First seen in [since, until], oldest first: a pool. Called by Engine.preview."""
        with self._database.read() as connection:
            return [entry for _, entry in fresh(connection, since, until)]

    def find(self, ids: Iterable[str]) -> dict[str, Entry]:
        """Asked-for id → entry; an id may be any name of the entry, unknown ones are left out."""
        found: dict[str, Entry] = {}
        remaining = iter(sorted(set(ids)))
        with self._database.read() as connection:
            while batch := list(islice(remaining, _BATCH)):
                query = (
                    select(names.c.name, *_COLUMNS)
                    .join(entries, entries.c.num == names.c.entry)
                    .where(or_(names.c.name.in_(batch), entries.c.id.in_(batch)))
                )
                for row in connection.execute(query):
                    entry = _entry(row)
                    found |= {each: entry for each in (row.name, entry.id) if each in batch}
        return found

    def record(self, health: SourceHealth) -> None:
        """Called by Engine.collect after each source."""
        row = {name: getattr(health, name) for name in ("checked", "found", "added", "error")}
        row |= {"succeeded": health.succeeded} if health.succeeded else {}
        with self._database.write() as connection:
            changed = connection.execute(update(sources).where(sources.c.name == health.name).values(row))
            if not changed.rowcount:
                connection.execute(insert(sources).values(name=health.name, **row))

    def health(self) -> list[SourceHealth]:
        """Called by `newsletter status` and by Engine.plan."""
        with self._database.read() as connection:
            return [SourceHealth(*row) for row in connection.execute(select(sources).order_by(sources.c.name))]


def fresh(connection: Connection, since: datetime, until: datetime) -> list[tuple[int, Entry]]:
    """(number, entry) of the entries first seen in [since, until]. Called by Issues.plan too.

    Both ends are included: what arrives in the very second in which an issue is planned is in the next pool too,
    and nobody is shown it twice.
    """
    query = select(entries.c.num, *_COLUMNS).where(entries.c.first_seen >= since, entries.c.first_seen <= until)
    return [(row.num, _entry(row)) for row in connection.execute(query.order_by(entries.c.num))]


def merged(old: Entry, new: Entry) -> Entry:
    """What was known stays; gaps are filled, topics united, and counts follow the newest sighting."""
    gaps = {name: getattr(new, name) for name in _FIELDS if not getattr(old, name)}
    counts = {name: getattr(new, name) for name in ("votes", "comments", "stars")}
    topics = tuple(dict.fromkeys(old.topics + new.topics))
    known = {name: value for name, value in counts.items() if value is not None}
    return replace(old, **{**gaps, **known, "topics": topics})


def _add_batch(connection: Connection, batch: Sequence[Named], now: datetime, same: Same) -> int:
    known = _known(connection, [name for _, entry_names in batch for name in entry_names])
    before = len(known.entries)
    for entry, entry_names in batch:
        shared = (known.nums[name] for name in entry_names if name in known.nums)
        num = next((num for num in shared if same(known.entries[num], entry)), None)
        if num is None:
            num = _insert(connection, _with_free_id(connection, entry, entry_names), now)
            known.entries[num] = entry
        else:
            _complete(connection, num, known.entries[num], entry)
            known.entries[num] = merged(known.entries[num], entry)
        fresh_names = [name for name in entry_names if name not in known.nums]
        if fresh_names:
            connection.execute(insert(names), [{"name": name, "entry": num} for name in fresh_names])
        known.nums.update(dict.fromkeys(fresh_names, num))
    return len(known.entries) - before


@dataclass(slots=True)
class _Known:
    nums: dict[str, int]
    entries: dict[int, Entry]


def _known(connection: Connection, wanted: Sequence[str]) -> _Known:
    known = _Known({}, {})
    for start in range(0, len(wanted), _BATCH):
        query = (
            select(names.c.name, entries.c.num, *_COLUMNS)
            .join(entries, entries.c.num == names.c.entry)
            .where(names.c.name.in_(wanted[start : start + _BATCH]))
        )
        for row in connection.execute(query):
            known.nums[row.name] = row.num
            known.entries[row.num] = _entry(row)
    return known


def _with_free_id(connection: Connection, entry: Entry, entry_names: Sequence[str]) -> Entry:
    """Two papers may come with the same id from two files: the later one is called by its strongest name."""
    taken = connection.execute(select(entries.c.num).where(entries.c.id == entry.id)).first()
    return replace(entry, id=entry_names[0]) if taken and entry_names else entry


def _insert(connection: Connection, entry: Entry, now: datetime) -> int:
    row = {**_row(entry), "first_seen": now}
    return int(connection.execute(insert(entries).values(row).returning(entries.c.num)).scalar_one())


def _complete(connection: Connection, num: int, old: Entry, new: Entry) -> None:
    better = merged(old, new)
    if better != old:
        connection.execute(update(entries).where(entries.c.num == num).values(_row(better)))


def _row(entry: Entry) -> dict[str, Any]:
    row = {name: getattr(entry, name) for name in _FIELDS}
    return {**row, "authors": list(entry.authors), "topics": list(entry.topics)}


def _entry(row: Row[Any]) -> Entry:
    given = {name: getattr(row, name) for name in _FIELDS}
    return Entry(**{**given, "authors": tuple(row.authors), "topics": tuple(row.topics)})
