"""Bounces and complaints: what was believed of whom, and what it made of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import Row, Select, insert, select, update

from newsletter.store.database import Database
from newsletter.store.schema import bounces, subscribers
from newsletter.types import Bounce, Status

MOST = 200  #: of one person that are looked at, the latest

#: (the person's status, their earlier bounces, latest first) ─▶ the status that the new one makes of them, if any.
Verdict = Callable[[Status, Sequence[Bounce]], Status | None]


class Bounces:
    """Part of Store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def record(self, bounce: Bounce, verdict: Verdict, keep: bool = True) -> tuple[Bounce, list[Bounce]] | None:
        """Keep a bounce and do what the verdict says, in one transaction; (as it was kept, the earlier ones).

        None where this report was kept before. `keep` False changes nothing. Called by Returns.
        """
        status = select(subscribers.c.status).where(subscribers.c.id == bounce.subscriber)
        same = select(bounces.c.report).where(bounces.c.report == bounce.report)
        with self._database.write() if keep else self._database.read() as connection:
            now = connection.execute(status.with_for_update() if keep else status).scalar_one_or_none()
            if now is None or connection.execute(same.where(bounces.c.subscriber == bounce.subscriber)).first():
                return None
            earlier = [_bounce(row) for row in connection.execute(_latest(bounce.subscriber))]
            judged = replace(bounce, status=verdict(Status(now), earlier))
            if keep:
                connection.execute(insert(bounces).values(_row(judged)))
            if keep and judged.status:
                person = update(subscribers).where(subscribers.c.id == bounce.subscriber)
                connection.execute(person.values(status=judged.status))
        return judged, earlier

    def of(self, number: int) -> list[Bounce]:
        """A person's bounces, latest first. Called by `subscribers show`."""
        with self._database.read() as connection:
            return [_bounce(row) for row in connection.execute(_latest(number))]


def _latest(number: int) -> Select[Any]:
    return select(bounces).where(bounces.c.subscriber == number).order_by(bounces.c.at.desc()).limit(MOST)


_SAME = ("report", "subscriber", "issue", "reason", "hard", "counts", "at")


def _row(bounce: Bounce) -> dict[str, Any]:
    return {**{name: getattr(bounce, name) for name in _SAME}, "status": bounce.status}


def _bounce(row: Row[Any]) -> Bounce:
    status = Status(row.status) if row.status else None
    return Bounce(**{name: getattr(row, name) for name in _SAME}, status=status)
