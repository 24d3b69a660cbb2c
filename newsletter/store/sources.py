"""Sources: how each does, what was fetched when, whose turn a host is, and summaries by content."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, fields

from sqlalchemy import or_, select

from newsletter.store.database import TOGETHER, Database, batched
from newsletter.store.schema import hosts, receipts, sources, summaries
from newsletter.store.upsert import upsert_where
from newsletter.types import Health, Receipt, SourceState

LONGEST_HOLD = 7200.0  #: seconds
_HEALTH = tuple(field.name for field in fields(Health) if field.name != "source")
_RECEIPT = tuple(field.name for field in fields(Receipt))


class Sources:
    """The sources; also the memory that keeps the collector polite to hosts."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def health(self) -> list[Health]:
        """The health of all sources, by name."""
        with self._database.read() as connection:
            rows = connection.execute(select(sources).order_by(sources.c.name)).all()
        states = {row.name: SourceState(row.state) for row in rows}
        given = ({name: getattr(row, name) for name in _HEALTH} for row in rows)
        return [
            Health(row.name, **{**values, "state": states[row.name]}) for row, values in zip(rows, given, strict=True)
        ]

    def record(self, health: Health, kept: Iterable[Receipt] = ()) -> None:
        """Keep how a source does, after its entries are stored: a receipt must never outrun its entries."""
        row = {**{name: getattr(health, name) for name in _HEALTH}, "name": health.source}
        self._database.put(sources, [row])
        self._database.put(receipts, [asdict(receipt) for receipt in kept])

    def recall(self, keys: Sequence[str]) -> dict[str, Receipt]:
        """Key → what is known of the last answer."""
        found: dict[str, Receipt] = {}
        with self._database.read() as connection:
            for some in batched(keys, TOGETHER):
                for row in connection.execute(select(receipts).where(receipts.c.key.in_(some))):
                    found[row.key] = Receipt(**{name: getattr(row, name) for name in _RECEIPT})
        return found

    def reserve(self, host: str, now: float, hold: float) -> float:
        """Take the host's turn until now + hold and return 0.0, or return the seconds until it may be free.

        One statement, so that two processes never both get it. A host that is taken for longer than anybody may ask for
        is free: the clock was set back.
        """
        with self._database.write() as connection:
            free = or_(hosts.c.free_at <= now, hosts.c.free_at > now + LONGEST_HOLD)
            if upsert_where(connection, hosts, {"name": host, "free_at": now + hold}, free):
                return 0.0
            free_at = connection.execute(select(hosts.c.free_at).where(hosts.c.name == host)).scalar_one()
        return max(float(free_at) - now, 0.001)

    def release(self, host: str, free_at: float) -> None:
        """Let the host be free from then on."""
        self._database.put(hosts, [{"name": host, "free_at": free_at}])

    def summaries(self, keys: Sequence[str]) -> dict[str, str]:
        """Content key → summary, for those that were made before."""
        found: dict[str, str] = {}
        with self._database.read() as connection:
            for some in batched(keys, TOGETHER):
                query = select(summaries.c.key, summaries.c.text).where(summaries.c.key.in_(some))
                found.update(connection.execute(query).all())
        return found

    def put_summaries(self, texts: Mapping[str, str]) -> None:
        """Keep summaries by content key."""
        self._database.put(summaries, [{"key": key, "text": text} for key, text in texts.items()])
