"""Bounces and complaints: what was believed of whom, and what it made of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, Select, insert, select, update

from newsletter.store.database import Database
from newsletter.store.schema import bounces, subscribers
from newsletter.store.subscribers import moved_to
from newsletter.types import Bounce, Status

MOST = 200  #: of one person that are looked at, the latest


@dataclass(frozen=True, slots=True)
class BounceHistory:
    """What is known of a person before a report on them is judged."""

    status: Status
    earlier: tuple[Bounce, ...]  #: latest first


class Bounces:
    """The bounces of each person."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def history(self, number: int, report: str) -> BounceHistory | None:
        """The status and earlier bounces of a person; None where there is none, or this report was kept before."""
        with self._database.read() as connection:
            return _history(connection, number, report)

    def record(self, bounce: Bounce, seen: BounceHistory) -> bool:
        """Keep a bounce and what it makes of the person, in one transaction.

        False, and nothing is changed, where what was `seen` of the person when it was judged no longer holds.
        """
        person = subscribers.c.id == bounce.subscriber
        with self._database.write() as connection:
            connection.execute(select(subscribers.c.id).where(person).with_for_update())
            if _history(connection, bounce.subscriber, bounce.report) != seen:
                return False
            connection.execute(insert(bounces).values(_row(bounce)))
            if bounce.status:
                connection.execute(update(subscribers).where(person).values(moved_to(bounce.status)))
        return True

    def of(self, number: int) -> list[Bounce]:
        """A person's bounces, latest first."""
        with self._database.read() as connection:
            return [_bounce(row) for row in connection.execute(_latest(number))]


def _history(connection: Connection, number: int, report: str) -> BounceHistory | None:
    status = select(subscribers.c.status).where(subscribers.c.id == number)
    same = select(bounces.c.report).where(bounces.c.report == report, bounces.c.subscriber == number)
    now = connection.execute(status).scalar_one_or_none()
    if now is None or connection.execute(same).first():
        return None
    return BounceHistory(Status(now), tuple(_bounce(row) for row in connection.execute(_latest(number))))


def _latest(number: int) -> Select[Any]:
    return select(bounces).where(bounces.c.subscriber == number).order_by(bounces.c.at.desc()).limit(MOST)


_SAME = ("report", "subscriber", "issue", "reason", "hard", "counts", "at")


def _row(bounce: Bounce) -> dict[str, Any]:
    return {**{name: getattr(bounce, name) for name in _SAME}, "status": bounce.status}


def _bounce(row: Row[Any]) -> Bounce:
    status = Status(row.status) if row.status else None
    return Bounce(**{name: getattr(row, name) for name in _SAME}, status=status)
