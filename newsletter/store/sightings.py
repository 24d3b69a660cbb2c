"""Sightings become entries: one row per paper, whatever it is called and in whatever order its names arrive.

A name belongs to one entry: the primary key of `names` says so. A sighting that knows names of two entries joins them:
the older row stays; names, raw texts, counts, votes and what was shown to whom follow, and the id that is given up
leads to the row that stays (`former`), so that likes and frozen issues still find it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Row, Table, bindparam, delete, insert, select, update

from newsletter.errors import StoreBusy
from newsletter.store.database import TOGETHER, Database, batched
from newsletter.store.entries import FIELDS, WITHDRAWN, chosen, day_of, entry_of, numbers, row_of
from newsletter.store.schema import entries, former, names, raws, snapshots, votes
from newsletter.store.upsert import bulk_insert, insert_ignore, upsert
from newsletter.types import Entry

Same = Callable[[Entry, Entry, Collection[str]], bool]  #: (known, new, the names they share) → one paper?

BATCH = 250  #: sightings in one transaction
TRIES = 100  #: to decide on what nobody changes meanwhile
COUNTS = ("votes", "comments", "stars")
SEARCH = "https://arxiv.org/search/"  #: stands in for a link where a source has none
FOREIGN = ("names", "former", "raws", "snapshots", "shown", "votes")  #: tables that point to an entry


class Named(NamedTuple):
    """A sighting as the store takes it."""

    entry: Entry
    names: Sequence[str]  #: strongest first
    raw: tuple[str, str] = ("", "")  #: title and abstract as the source wrote them


class Sightings:
    """Where sightings of papers become entries."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(
        self,
        sightings: Iterable[Named],
        now: datetime,
        same: Same = lambda *_: True,
        clock: Callable[[], datetime] | None = None,
    ) -> int:
        """Store what is new, complete what is known, join what turns out to be one; returns how many were news.

        `same` is asked outside any transaction. It is asked again where others have changed meanwhile what it saw.
        `clock`: asked in each transaction, in place of `now`: no paper is dated before the end of a pool that was
        frozen without it.
        """
        return sum(self._add(some, clock or (lambda: now), same) for some in batched(sightings, BATCH))

    def _add(self, sightings: Sequence[Named], clock: Callable[[], datetime], same: Same) -> int:
        wanted = [name for sighting in sightings for name in sighting.names]
        for _ in range(TRIES):
            with self._database.read() as connection:
                known = _snapshot(connection, wanted)
            batch = _Batch(known, same)
            for sighting in sightings:
                batch.see(sighting)
            with self._database.write() as connection:
                if _snapshot(connection, wanted) == known:
                    return batch.write(connection, clock())
        raise StoreBusy


def merged(old: Entry, new: Entry) -> Entry:
    """A known entry, completed: gaps filled, lists united, the earlier date kept, counts of the newer sighting."""
    kept = {"title_html", *(("abstract_html",) if old.abstract else ())}  # goes with its text
    gaps: dict[str, Any] = {name: getattr(new, name) for name in FIELDS if not getattr(old, name) and name not in kept}
    counts = {name: getattr(new, name) for name in COUNTS if getattr(new, name) is not None}
    lists = {name: tuple(dict.fromkeys(getattr(old, name) + getattr(new, name))) for name in ("topics", "also")}
    days = [entry.published for entry in (old, new) if entry.published]
    last = {
        "url": new.url if old.url.startswith(SEARCH) and new.url else old.url or new.url,
        "published": min(days, default=None),
        "update": old.update and new.update,
        "withdrawn": old.withdrawn or new.withdrawn,
    }
    return replace(old, **gaps | counts | lists | last)


class _Snapshot(NamedTuple):
    """What the store knows of the papers with some names."""

    names: Mapping[str, int]  #: name → number, of those that are known
    rows: Sequence[Row[Any]]  #: the entries with these numbers


class _Batch:
    """Sightings of one transaction beside what the store knows of them. New entries have negative numbers."""

    def __init__(self, known: _Snapshot, same: Same) -> None:
        self._same = same
        self._names = dict(known.names)  #: name → number
        self._entries: dict[int, Entry] = {}
        self._stored: dict[int, Entry] = {}  #: as they are in the database
        self._raws: dict[int, tuple[str, str]] = {}
        self._counts: dict[tuple[int, str], Entry] = {}
        self._joined: dict[int, int] = {}  #: stored numbers that are given up → the number that stays
        for row in known.rows:
            standing = {"update": row.announced is None, "withdrawn": row.announced == WITHDRAWN}
            self._stored[row.num] = replace(entry_of(row), **standing)
        self._entries.update(self._stored)
        self._known_names = set(self._names)
        self._latest_new = 0
        self._called: dict[str, int] = {}  #: ids of the sightings

    def see(self, sighting: Named) -> None:
        """Decide which entry this is, if need be by joining several."""
        num = self._number(sighting)
        old = self._entries.get(num)
        self._entries[num] = merged(old, sighting.entry) if old else sighting.entry
        for name in sighting.names:
            self._names.setdefault(name, num)
        self._called.setdefault(sighting.entry.id, num)
        if old is None or (not old.abstract and sighting.entry.abstract):
            self._raws[num] = sighting.raw
        if any(getattr(sighting.entry, name) is not None for name in COUNTS):
            self._counts[num, sighting.entry.source] = sighting.entry

    def _number(self, sighting: Named) -> int:
        shared: dict[int, list[str]] = {}
        for name in sighting.names:
            if name in self._names:
                shared.setdefault(self._names[name], []).append(name)
        same = [num for num, common in shared.items() if self._same(self._entries[num], sighting.entry, common)]
        same.sort(key=lambda num: (num < 0, abs(num)))
        for other in same[1:]:
            self._join(same[0], other)
        self._latest_new -= not same
        return same[0] if same else self._latest_new

    def _join(self, stays: int, goes: int) -> None:
        raw, had_abstract = self._raws.pop(goes, None), bool(self._entries[stays].abstract)
        self._entries[stays] = merged(self._entries[stays], self._entries.pop(goes))
        self._names.update({name: stays for name, num in self._names.items() if num == goes})
        if raw and not had_abstract:
            self._raws[stays] = raw
        self._called.update({entry_id: stays for entry_id, num in self._called.items() if num == goes})
        for num, source in [key for key in self._counts if key[0] == goes]:
            self._counts.setdefault((stays, source), self._counts.pop((num, source)))
        if goes > 0:
            self._joined[goes] = stays

    def write(self, connection: Connection, now: datetime) -> int:
        """Write what was decided; returns how many entries became news."""
        known = {self._joined[goes] for goes in self._joined if not self._stored[goes].update}
        became = [num for num in self._entries.keys() - known if self._became_news(num)]
        for goes, stays in self._joined.items():
            _move(connection, goes, stays)
        final = self._insert(connection, now)
        self._complete(connection, became, now)
        fresh = [(name, final.get(num, num)) for name, num in self._names.items() if name not in self._known_names]
        bulk_insert(connection, names, [{"name": name, "entry": num} for name, num in fresh])
        other = [
            (entry_id, final.get(num, num))
            for entry_id, num in self._called.items()
            if entry_id != self._entries[num].id
        ]
        insert_ignore(connection, former, [{"id": entry_id, "entry": num} for entry_id, num in other if entry_id])
        self._keep_raws(connection, final)
        self._keep_counts(connection, final, day_of(now))
        return len(became)

    def _became_news(self, num: int) -> bool:
        entry = self._entries[num]
        return not (entry.update or entry.withdrawn) and (num < 0 or self._stored[num].update)

    def _insert(self, connection: Connection, now: datetime) -> dict[int, int]:
        """Insert the new entries; returns negative number → the database's."""
        new = [num for num in self._entries if num < 0]
        if not new:
            return {}
        taken = set(numbers(connection, sorted({self._entries[num].id for num in new})))
        rows = []
        for num in new:
            entry = self._entries[num] = _with_free_id(self._entries[num], taken)
            taken.add(entry.id)
            rows.append({**row_of(entry), "first_seen": now, "announced": _announced(entry, now)})
        connection.execute(insert(entries), rows)
        nums = numbers(connection, [row["id"] for row in rows])
        return {num: nums[self._entries[num].id] for num in new}

    def _complete(self, connection: Connection, became: Sequence[int], now: datetime) -> None:
        changed = [num for num, entry in self._entries.items() if num > 0 and entry != self._stored[num]]
        if changed:
            values: dict[str, Any] = {name: bindparam(f"new_{name}") for name in FIELDS if name != "id"}
            statement = update(entries).where(entries.c.num == bindparam("this")).values(values)
            rows = [{f"new_{name}": value for name, value in row_of(self._entries[num]).items()} for num in changed]
            connection.execute(statement, [{**row, "this": num} for num, row in zip(changed, rows, strict=True)])
        known = [num for num in became if num > 0]
        for some in batched(known, TOGETHER):
            statement = update(entries).where(entries.c.num.in_(some), entries.c.announced.is_(None))
            connection.execute(statement.values(announced=now))
        gone = [num for num in changed if self._entries[num].withdrawn and not self._stored[num].withdrawn]
        for some in batched(gone, TOGETHER):
            connection.execute(update(entries).where(entries.c.num.in_(some)).values(announced=WITHDRAWN))

    def _keep_raws(self, connection: Connection, final: dict[int, int]) -> None:
        rows = []
        for num, (title, abstract) in self._raws.items():
            entry = self._entries[num]
            if (title or abstract) and (title, abstract) != (entry.title, entry.abstract):
                rows.append({"entry": final.get(num, num), "title": title, "abstract": abstract})
        upsert(connection, raws, rows)

    def _keep_counts(self, connection: Connection, final: dict[int, int], day: int) -> None:
        rows = [
            {
                "entry": final.get(num, num),
                "source": source,
                "day": day,
                **{name: getattr(seen, name) for name in COUNTS},
            }
            for (num, source), seen in self._counts.items()
        ]
        upsert(connection, snapshots, rows)


def _announced(entry: Entry, now: datetime) -> datetime | None:
    if entry.withdrawn:
        return WITHDRAWN
    return None if entry.update else now


def _snapshot(connection: Connection, wanted: Sequence[str]) -> _Snapshot:
    named = _named(connection, wanted)
    return _Snapshot(named, list(chosen(connection, set(named.values()))))


def _named(connection: Connection, wanted: Sequence[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for some in batched(dict.fromkeys(wanted), TOGETHER):
        query = select(names.c.name, names.c.entry).where(names.c.name.in_(some))
        found.update(connection.execute(query).all())
    return found


def _with_free_id(entry: Entry, taken: Collection[str]) -> Entry:
    """Put a number behind an id that is taken: two papers may come with the same id from two files."""
    number, given = 2, entry.id
    while entry.id in taken:
        entry = replace(entry, id=f"{given}~{number}")
        number += 1
    return entry


def _move(connection: Connection, goes: int, stays: int) -> None:
    """Point everything from one entry to the other, and delete the first."""
    old = connection.execute(
        select(entries.c.id, entries.c.first_seen, entries.c.announced).where(entries.c.num == goes)
    )
    row = old.one()
    _drop_earlier_votes(connection, goes, stays)
    for name in FOREIGN:
        table = entries.metadata.tables[name]
        _point(connection, table, goes, stays)
    connection.execute(delete(entries).where(entries.c.num == goes))
    upsert(connection, former, [{"id": row.id, "entry": stays}])
    for name in ("first_seen", "announced"):
        column, value = entries.c[name], getattr(row, name)
        if value is not None:
            later = (entries.c.num == stays) & ((column > value) | column.is_(None))
            connection.execute(update(entries).where(later).values({name: value}))


def _drop_earlier_votes(connection: Connection, goes: int, stays: int) -> None:
    """Keep the later word of those who voted on both, whichever entry it was said of."""
    later = votes.alias()
    spoke_again = select(later.c.entry).where(
        later.c.entry == goes, later.c.subscriber == votes.c.subscriber, later.c.at > votes.c.at
    )
    connection.execute(delete(votes).where(votes.c.entry == stays, spoke_again.exists()))


def _point(connection: Connection, table: Table, goes: int, stays: int) -> None:
    """Point the rows of a table from one entry to the other; of rows that both have, the other's stays."""
    rows: list[dict[str, Any]] = [
        {**row._mapping, "entry": stays} for row in connection.execute(select(table).where(table.c.entry == goes))
    ]
    connection.execute(delete(table).where(table.c.entry == goes))
    insert_ignore(connection, table, rows)
