"""How the deliveries of an issue do, by recipient domain. Read only; several processes may be sending."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, and_, case, func, literal_column, select
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.sql.selectable import Join

from newsletter.store.database import Database
from newsletter.store.issues import number
from newsletter.store.schema import Moment, deliveries, is_waiting, subscribers
from newsletter.store.upsert import position
from newsletter.types import DomainTally, Outcome

REASONS = 10_000  #: different words of servers are looked at


class Domains:
    """The deliveries of an issue by recipient domain."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def tallied(self, key: str, lately: datetime) -> list[DomainTally]:
        """Count deliveries by domain, most waiting first. Looks at all deliveries of the issue: 4 s for a million."""
        with self._database.read() as connection:
            return [DomainTally(*row) for row in connection.execute(_tallied(connection, key, lately))]

    def reasons(self, key: str) -> list[tuple[str, str, int]]:
        """(domain, the server's words, how often) of what is deferred, the most frequent first."""
        with self._database.read() as connection:
            domain, times = _domain(connection), func.count()
            query = select(domain, deliveries.c.detail, times).select_from(_delivered())
            query = query.where(deliveries.c.issue == number(key), is_waiting)
            query = query.where(deliveries.c.outcome == Outcome.DEFERRED).group_by(domain, deliveries.c.detail)
            rows = connection.execute(query.order_by(times.desc()).limit(REASONS))
            return [(str(domain), str(words), int(count)) for domain, words, count in rows]


def _tallied(connection: Connection, key: str, lately: datetime) -> Any:
    domain, accepted = _domain(connection), deliveries.c.outcome == Outcome.ACCEPTED
    new = and_(accepted, deliveries.c.due >= lately)
    waiting = _how_many(is_waiting)
    counts = (waiting, _how_many(accepted), _how_many(deliveries.c.outcome == Outcome.DEFERRED), _how_many(new))
    since = func.min(case((new, deliveries.c.due)), type_=Moment())
    query = select(domain, *counts, since)
    query = query.select_from(_delivered()).where(deliveries.c.issue == number(key))
    return query.group_by(domain).order_by(waiting.desc(), domain)


def _how_many(what: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count(case((what, 1)))


def _delivered() -> Join:
    return deliveries.outerjoin(subscribers, subscribers.c.id == deliveries.c.subscriber)


def _domain(connection: Connection) -> ColumnElement[str]:
    """The domain of an address; "" of who was erased. Without parameters, so that it is the same in GROUP BY."""
    address = func.coalesce(subscribers.c.email_key, literal_column("''"))
    return func.substr(address, position(connection, address, literal_column("'@'")) + literal_column("1"))
