"""What waits in the ledger for a moment that is still to come: a reader's own time, the spread, another try."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import BigInteger, and_, delete, exists, func, or_, select, type_coerce, update
from sqlalchemy.sql.elements import ColumnElement

from newsletter.store.database import TOGETHER, Database, batched
from newsletter.store.issues import number
from newsletter.store.schema import Moment, deliveries, is_waiting, shown, subscribers
from newsletter.types import Outcome


class Ahead(NamedTuple):
    """Who waits for a time of their own, and was not tried."""

    number: int
    first: datetime | None  #: when the first of them is due
    last: datetime | None
    timezone: str  #: of the first one; "": the newsletter's


class Waiting:
    """Moments of deliveries."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def ahead(self, key: str, now: datetime) -> Ahead:
        """Who of an issue's readers is due after `now`."""
        own = and_(_untried(key), deliveries.c.due > now)
        first = select(deliveries.c.due, subscribers.c.timezone).where(own)
        first = first.outerjoin(subscribers, subscribers.c.id == deliveries.c.subscriber)
        ends = select(func.count(), func.max(deliveries.c.due, type_=Moment())).where(own)
        with self._database.read() as connection:
            count, last = connection.execute(ends).one()
            row = connection.execute(first.order_by(deliveries.c.due, deliveries.c.subscriber).limit(1)).first()
        return Ahead(int(count), row.due if row else None, last, (row.timezone if row else None) or "")

    def due_now(self, key: str, now: datetime) -> int:
        """Let everybody be due now who was not tried. Returns how many were not."""
        return self._made_due(and_(_untried(key), deliveries.c.due > now), now)

    def bring_forward(self, key: str, now: datetime, latest: datetime) -> int:
        """Let be due now what was tried and is due after `latest`, as when the clock was ahead. Returns how many."""
        tried = and_(deliveries.c.issue == number(key), is_waiting, deliveries.c.outcome == Outcome.DEFERRED)
        return self._made_due(and_(tried, deliveries.c.due > latest), now)

    def missed(self, key: str, now: datetime) -> bool:
        """Whether anybody was due by now whom nobody tried to send to."""
        late = and_(_untried(key), deliveries.c.due <= now)
        return self._database.any_row(late)

    def give_up(self, key: str, newer: str, now: datetime, near: timedelta) -> int:
        """Expire what nobody tried to send of an issue to those who get a newer one soon after. Returns how many."""
        new = deliveries.alias()
        close = _seconds(new.c.due) < _seconds(deliveries.c.due) + int(near.total_seconds())
        soon = or_(new.c.due < now + near, close)
        follows = exists().where(new.c.issue == number(newer), new.c.subscriber == deliveries.c.subscriber, soon)
        which = and_(_untried(key), follows)
        with self._database.write() as connection:
            gone = connection.execute(select(deliveries.c.subscriber).where(which)).scalars().all()
            for some in batched(gone, TOGETHER):
                mine = and_(deliveries.c.issue == number(key), deliveries.c.subscriber.in_(some))
                given_up = {"outcome": Outcome.EXPIRED, "detail": f"{newer} took its place"}
                connection.execute(update(deliveries).where(mine).values(given_up))
                never = and_(shown.c.issue == number(key), shown.c.subscriber.in_(some))
                connection.execute(delete(shown).where(never))
        return len(gone)

    def _made_due(self, which: ColumnElement[bool], now: datetime) -> int:
        if not self._database.any_row(which):
            return 0
        with self._database.write() as connection:
            return connection.execute(update(deliveries).where(which).values(due=now)).rowcount


def _seconds(moment: ColumnElement[Any]) -> ColumnElement[int]:
    return type_coerce(moment, BigInteger)


def _untried(key: str) -> ColumnElement[bool]:
    """True of what waits for its first try and is postponed by nobody."""
    planned = and_(deliveries.c.outcome == Outcome.PLANNED, deliveries.c.sender.is_(None))
    return and_(deliveries.c.issue == number(key), is_waiting, planned)
