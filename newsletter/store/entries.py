"""Entries: one row per paper, found again under any name or id it ever had, with its counts over time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, Connection, Row, Select, and_, bindparam, exists, func, or_, select, update

from newsletter.store.database import TOGETHER, Database, batched
from newsletter.store.pool_limit import within_limit
from newsletter.store.schema import entries, former, issues, names, pool, raws, snapshots
from newsletter.types import Entry, IssueState

FIELDS = tuple(field.name for field in fields(Entry) if field.name not in ("update", "withdrawn", "trend"))
LISTS = ("authors", "topics", "affiliations", "also")
COLUMNS = tuple(entries.c[name] for name in FIELDS)
AHEAD = timedelta(hours=1)  #: what is dated later than that was seen when the clock was ahead
UNSENT = (IssueState.DRAFT, IssueState.CANCELLED)  #: issues whose papers are still free
EPOCH = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
WITHDRAWN = EPOCH  #: `announced` of a paper that was withdrawn: before any pool, and nothing makes it news again


class Snapshot(NamedTuple):
    """The counts of one entry as one source showed them at the end of a day."""

    entry: str  #: its id
    source: str
    day: int  #: days since 1970
    votes: int | None
    comments: int | None
    stars: int | None


class Unsummarised(NamedTuple):
    """An entry without a TL;DR."""

    id: str
    title: str
    abstract: str


class Entries:
    """The entries, read; new ones come in through `store.sightings`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def listed(self, since: datetime | None = None, source: str = "") -> Iterator[Entry]:
        """All entries that were not withdrawn, or those first seen since then or of one source; newest first."""
        query = select(*COLUMNS).where(entries.c.announced.is_distinct_from(WITHDRAWN))
        query = query.order_by(entries.c.first_seen.desc(), entries.c.num)
        if since:
            query = query.where(entries.c.first_seen >= since)
        if source:
            query = query.where(entries.c.source == source)
        with self._database.read() as connection:
            yield from (entry_of(row) for row in connection.execute(query))

    def new_between(
        self, since: datetime, until: datetime, now: datetime | None = None, most: int | None = None
    ) -> list[Entry]:
        """News of [since, until], oldest first: a pool. `now`, `most`: see `fresh`."""
        with self._database.read() as connection:
            return [entry for _, entry in fresh(connection, since, until, now, most)]

    def ahead(self, now: datetime) -> int:
        """How many entries were first seen long after `now`: the clock was ahead then."""
        with self._database.read() as connection:
            query = select(func.count()).select_from(entries).where(entries.c.first_seen > now + AHEAD)
            return int(connection.execute(query).scalar_one())

    def counted(self, since: datetime, until: datetime) -> tuple[int, int]:
        """(news, all entries first seen) in [since, until]."""
        with self._database.read() as connection:
            told = connection.execute(
                select(
                    func.count().filter(entries.c.announced.between(since, until)),
                    func.count().filter(entries.c.first_seen.between(since, until)),
                )
            ).one()
        return int(told[0]), int(told[1])

    def no_news(self, ids: Iterable[str]) -> dict[str, bool]:
        """Asked-for id → whether it was withdrawn, for the entries that no new pool takes."""
        never = or_(entries.c.announced.is_(None), entries.c.announced == WITHDRAWN)
        with self._database.read() as connection:
            nums = numbers(connection, sorted(set(ids)))
            withdrawn: dict[int, bool] = {}
            for some in batched(sorted(set(nums.values())), TOGETHER):
                query = select(entries.c.num, entries.c.announced).where(entries.c.num.in_(some), never)
                withdrawn.update((num, announced is not None) for num, announced in connection.execute(query))
        return {entry_id: withdrawn[num] for entry_id, num in nums.items() if num in withdrawn}

    def withdrawn_of(self, issue: str) -> set[str]:
        """Ids in the frozen pool of this issue whose papers were withdrawn since."""
        mine = pool.c.issue == select(issues.c.num).where(issues.c.key == issue).scalar_subquery()
        query = select(pool.c.frozen["id"].as_string()).join(entries, entries.c.num == pool.c.entry)
        with self._database.read() as connection:
            return {*connection.execute(query.where(mine, entries.c.announced == WITHDRAWN)).scalars()}

    def find(self, ids: Iterable[str]) -> dict[str, Entry]:
        """Asked-for id → entry; an id may be any name of the entry or an id it once had; unknown ones are left out."""
        wanted = sorted(set(ids))
        with self._database.read() as connection:
            nums = numbers(connection, wanted)
            found = {row.num: entry_of(row) for row in chosen(connection, set(nums.values()))}
        return {entry_id: found[num] for entry_id, num in nums.items()}

    def present(self, ids: Iterable[str]) -> dict[str, str]:
        """Asked-for id → the id that this entry has today; unknown ones are left out."""
        with self._database.read() as connection:
            nums = numbers(connection, sorted(set(ids)))
            known: dict[int, str] = {}
            for some in batched(sorted(set(nums.values())), TOGETHER):
                query = select(entries.c.num, entries.c.id).where(entries.c.num.in_(some))
                known.update((num, entry_id) for num, entry_id in connection.execute(query))
        return {entry_id: known[num] for entry_id, num in nums.items()}

    def raw(self, entry_id: str) -> tuple[str, str] | None:
        """(title, abstract) as the source wrote them, where that is not what is shown."""
        with self._database.read() as connection:
            num = numbers(connection, [entry_id]).get(entry_id)
            row = connection.execute(select(raws.c.title, raws.c.abstract).where(raws.c.entry == num)).first()
        return (row.title, row.abstract) if row else None

    def snapshots(self, since: datetime) -> tuple[list[Snapshot], dict[str, tuple[Entry, datetime]]]:
        """All counts since a day, oldest first, and id → (entry, first seen) of what they count. For trends."""
        counts = (snapshots.c.source, snapshots.c.day, snapshots.c.votes, snapshots.c.comments, snapshots.c.stars)
        recent = snapshots.c.day >= day_of(since)
        query = select(entries.c.id, *counts).join(entries, entries.c.num == snapshots.c.entry).where(recent)
        counted: Select[Any] = select(*COLUMNS, entries.c.first_seen).where(
            entries.c.num.in_(select(snapshots.c.entry).where(recent).distinct())
        )
        with self._database.read() as connection:
            taken = [Snapshot(*row) for row in connection.execute(query.order_by(snapshots.c.day))]
            known = {row.id: (entry_of(row), row.first_seen) for row in connection.execute(counted)}
        return taken, known

    def unsummarised(self, since: datetime, most: int) -> list[Unsummarised]:
        """News since then that has an abstract and no TL;DR, newest first."""
        query = select(entries.c.id, entries.c.title, entries.c.abstract)
        query = query.where(entries.c.announced >= since, entries.c.tldr == "", entries.c.abstract != "")
        with self._database.read() as connection:
            rows = connection.execute(query.order_by(entries.c.announced.desc(), entries.c.num).limit(most))
            return [Unsummarised(*row) for row in rows]

    def put_tldr(self, texts: Mapping[str, str]) -> None:
        """Give entries a TL;DR, by id; an entry that has one keeps it."""
        with self._database.write() as connection:
            for entry_id, text in texts.items():
                mine = (entries.c.id == entry_id) & (entries.c.tldr == "")
                connection.execute(update(entries).where(mine).values(tldr=text))


def fresh(
    connection: Connection, since: datetime, until: datetime, now: datetime | None = None, most: int | None = None
) -> list[tuple[int, Entry]]:
    """(number, entry) of the news of [since, until], and of what came when the clock was ahead of `now`.

    Of more than `most`, those stay that most sources counted something of, of these the newest.

    Both ends are included: what arrives in the very second in which an issue is planned is in the next pool too,
    and nobody is shown it twice. What is dated long after `now` is news until it was in the pool of an issue.
    """
    wanted = and_(entries.c.announced >= since, entries.c.announced <= until)
    if now is not None:
        sent = issues.c.state.not_in(UNSENT)
        pooled = exists().where(pool.c.entry == entries.c.num, pool.c.issue == issues.c.num, sent)
        wanted = or_(wanted, and_(entries.c.announced > now + AHEAD, ~pooled))
    query = select(entries.c.num, *COLUMNS).where(wanted).order_by(entries.c.num)
    found = [(row.num, entry_of(row)) for row in connection.execute(query)]
    if most is None or len(found) <= most:
        return found
    counted = select(entries.c.id, func.count(snapshots.c.source.distinct()))
    counted = counted.join(snapshots, snapshots.c.entry == entries.c.num).where(wanted).group_by(entries.c.id)
    sightings = {row[0]: int(row[1]) for row in connection.execute(counted)}
    kept = {entry.id for entry in within_limit([entry for _, entry in found], most, sightings)}
    return [(num, entry) for num, entry in found if entry.id in kept]


def numbers(connection: Connection, ids: Sequence[str]) -> dict[str, int]:
    """Id, former id or name → row number, for those that are known; an id in use wins."""
    found: dict[str, int] = {}
    for some in batched(ids, TOGETHER):
        for query in _NUMBERS:
            found.update(connection.execute(query, {"some": some}).all())
    return found


def chosen(connection: Connection, nums: Iterable[int]) -> Iterator[Row[Any]]:
    """The rows of these entries."""
    for some in batched(sorted(nums), TOGETHER):
        yield from connection.execute(_CHOSEN, {"some": some})


_SOME: BindParameter[Any] = bindparam("some", expanding=True)
#: made once: SQLAlchemy takes longer to put them together than SQLite to answer them
_NUMBERS = tuple(
    select(key, num).where(key.in_(_SOME))
    for key, num in ((names.c.name, names.c.entry), (former.c.id, former.c.entry), (entries.c.id, entries.c.num))
)
_CHOSEN = select(entries.c.num, entries.c.announced, *COLUMNS).where(entries.c.num.in_(_SOME)).order_by(entries.c.num)


def row_of(entry: Entry) -> dict[str, Any]:
    """An entry as columns, for an INSERT or UPDATE."""
    row = {name: getattr(entry, name) for name in FIELDS}
    return {**row, **{name: list(row[name]) for name in LISTS}}


def entry_of(row: Row[Any]) -> Entry:
    """The inverse of `row_of`."""
    given = {name: getattr(row, name) for name in FIELDS}
    return Entry(**{**given, **{name: tuple(given[name]) for name in LISTS}})


def day_of(moment: datetime) -> int:
    """Days since 1970."""
    return (moment - EPOCH) // timedelta(days=1)
