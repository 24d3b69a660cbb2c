"""Subscribers: one row per address; their status is the last word on who gets mail."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, and_, bindparam, case, delete, func, insert, or_, select, update
from sqlalchemy.sql.elements import ColumnElement

from newsletter.errors import InputError, UnknownSubscriber
from newsletter.formats import address_key, parse_profile, profile_row
from newsletter.store.database import Database
from newsletter.store.schema import deliveries, editions, is_waiting, subscribers
from newsletter.types import Cadence, Outcome, OwnTime, Profile, Status, Subscriber

_COLUMNS = ("id", "email", "name", "status", "profile", "cadence", "weekday", "hour", "timezone", "language", "skim")
_SELECTED = tuple(subscribers.c[name] for name in (*_COLUMNS, "epoch"))
#: made once: SQLAlchemy takes longer to put it together than SQLite to answer it
_ONE = select(*_SELECTED).where(subscribers.c.id == bindparam("number"))
_PAGE = 1000
_OWN_TIME = tuple(subscribers.c[name] for name in ("weekday", "hour", "timezone"))
_LEFT = (Status.UNSUBSCRIBED, Status.BOUNCED, Status.COMPLAINED)
_REVOKING = (Status.UNSUBSCRIBED, Status.COMPLAINED)  #: who comes to it gets a new epoch
_WEB = "web"  #: the origin of who signed up on the page


@dataclass(frozen=True, slots=True)
class SignUp:
    """A sign-up as it was noted."""

    person: Subscriber
    due: bool  #: whether a confirmation mail may go out now; it was noted as sent
    asked: datetime | None = None  #: when the one before went out


class Subscribers:
    """The subscribers."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def add(self, subscriber: Subscriber, origin: str, now: datetime) -> Subscriber:
        """Add a person; raises InputError where the address is known. `origin` is the consent record."""
        with self._database.write() as connection:
            if known := _by_key(connection, subscriber.email):
                change = f"`newsletter subscribers set {known.email}` changes it"
                raise InputError(f"{known.email} is already there, {known.status}: {change}")
            return replace(subscriber, id=_insert(connection, subscriber, origin, now))

    def put_all(self, people: Sequence[Subscriber], origin: str, now: datetime) -> tuple[int, int, int]:
        """Add or change by address, in one transaction; returns (added, changed, kept out).

        What a row leaves out stays as it is. Nobody is brought back: who unsubscribed, bounced or complained is left
        alone, while a row that says so of an active person is obeyed.
        """
        added = changed = 0
        with self._database.write() as connection:
            for person in people:
                known = _by_key(connection, person.email)
                if known is None:
                    _insert(connection, person, origin, now)
                    added += 1
                elif known.status not in _LEFT:
                    _update(connection, _completed(person, known))
                    if person.status in _LEFT:
                        mine = update(subscribers).where(subscribers.c.id == known.id)
                        connection.execute(mine.values(moved_to(person.status)))
                    changed += 1
        return added, changed, len(people) - added - changed

    def change(self, subscriber: Subscriber) -> None:
        """Replace everything but number, status and consent record; raises UnknownSubscriber.

        The status has a way of its own (`set_status`), so that an unsubscribe in the same second is never undone.
        """
        with self._database.write() as connection:
            if not _update(connection, subscriber):
                raise UnknownSubscriber

    def set_status(self, number: int, status: Status, now: datetime, seen: Subscriber | None = None) -> None:
        """Change the status, effective before the person's next mail; idempotent. Raises UnknownSubscriber.

        `seen`: as the change was decided on; nothing is changed where status or epoch are others by now.
        """
        mine = subscribers.c.id == number
        if seen:
            mine = and_(mine, subscribers.c.status == seen.status, subscribers.c.epoch == seen.epoch)
        with self._database.write() as connection:
            query = update(subscribers).where(mine).values(moved_to(status, now))
            if not connection.execute(query).rowcount and not (seen and _is_there(connection, number)):
                raise UnknownSubscriber

    def sign_up(self, fresh: Subscriber, now: datetime, pauses: Sequence[timedelta]) -> SignUp:
        """Note that somebody asks for mail at this address, and whether to ask there for a confirmation.

        Until it is confirmed, the latest request of the page counts; of others nothing is changed. A confirmation mail
        is due unless the person complained, or the pause since the last one lasts: `pauses` after the first mail that
        nobody answered, after the second and so on; none: no mail is due.
        """
        with self._database.write() as connection:
            known = _by_key(connection, fresh.email)
            number = known.id if known else _insert(connection, fresh, _WEB, now)
            mine = subscribers.c.id == number
            row = connection.execute(select(subscribers).where(mine).with_for_update()).one()
            if known and known.status is Status.PENDING and row.origin == _WEB:
                _update(connection, replace(fresh, id=number, email=known.email))
            person = replace(fresh, id=number) if not known else _subscriber(_selected(connection, number))
            if not pauses or person.status is Status.COMPLAINED or _is_soon(row.asked, row.asks, now, pauses):
                return SignUp(person, False)
            connection.execute(update(subscribers).where(mine).values(asked=now, asks=row.asks + 1))
        return SignUp(person, True, row.asked)

    def take_back(self, number: int, asked: datetime, before: datetime | None) -> None:
        """Note that the confirmation mail of `asked` did not go out; `before`: when the one before it did."""
        mine = and_(subscribers.c.id == number, subscribers.c.asked == asked, subscribers.c.asks > 0)
        with self._database.write() as connection:
            connection.execute(update(subscribers).where(mine).values(asked=before, asks=subscribers.c.asks - 1))

    def confirm(self, number: int, epoch: int, now: datetime) -> bool:
        """Make active who answers a confirmation mail; False where none is open, or their epoch is another by now."""
        mine = and_(subscribers.c.id == number, subscribers.c.epoch == epoch, subscribers.c.asks > 0)
        waiting = and_(mine, subscribers.c.status != Status.COMPLAINED)
        with self._database.write() as connection:
            query = update(subscribers).where(waiting).values(**moved_to(Status.ACTIVE, now), asks=0)
            return bool(connection.execute(query).rowcount)

    def purge_pending(self, before: datetime) -> int:
        """Forget who signed up on the page, was last asked before then, and never confirmed; returns how many."""
        never = and_(subscribers.c.status == Status.PENDING, subscribers.c.confirmed.is_(None))
        old = func.coalesce(subscribers.c.asked, subscribers.c.created) < before
        which = and_(never, old, subscribers.c.origin == _WEB)
        if not self._database.any_row(which):
            return 0
        with self._database.write() as connection:
            return connection.execute(delete(subscribers).where(which)).rowcount

    def revoke_links(self, number: int | None = None) -> int:
        """Revoke the links in earlier mails of one person, or of all; returns of how many."""
        query = update(subscribers).values(epoch=subscribers.c.epoch + 1)
        with self._database.write() as connection:
            mine = query if number is None else query.where(subscribers.c.id == number)
            return connection.execute(mine).rowcount

    def get(self, number: int) -> Subscriber:
        """The subscriber with this number; raises UnknownSubscriber."""
        with self._database.read() as connection:
            row = connection.execute(_ONE, {"number": number}).first()
        if row is None:
            raise UnknownSubscriber
        return _subscriber(row)

    def find(self, address: str) -> Subscriber:
        """The subscriber with this address, in any spelling; raises UnknownSubscriber."""
        with self._database.read() as connection:
            found = _by_key(connection, address)
        if found is None:
            raise UnknownSubscriber(f"There is no subscriber {address}.")
        return found

    def many(self, numbers: Sequence[int]) -> list[Subscriber]:
        """The subscribers with these numbers, in their order; unknown ones are left out."""
        query = select(*_SELECTED).where(subscribers.c.id.in_(numbers)).order_by(subscribers.c.id)
        with self._database.read() as connection:
            return [_subscriber(row) for row in connection.execute(query)]

    def listed(self, status: Status | None = None) -> Iterator[Subscriber]:
        """All subscribers by number, read a page at a time: a million fit in little memory."""
        after = 0
        while page := self._page(status, after):
            yield from page
            after = page[-1].id

    def _page(self, status: Status | None, after: int) -> list[Subscriber]:
        query = select(*_SELECTED).where(subscribers.c.id > after).order_by(subscribers.c.id).limit(_PAGE)
        query = query.where(subscribers.c.status == status) if status else query
        with self._database.read() as connection:
            return [_subscriber(row) for row in connection.execute(query)]

    def counted(self) -> dict[Status, int]:
        """How many there are of each status."""
        query = select(subscribers.c.status, func.count()).group_by(subscribers.c.status)
        with self._database.read() as connection:
            return {Status(status): int(count) for status, count in connection.execute(query)}

    def cadences(self, default: Cadence) -> set[Cadence]:
        """The cadences that somebody active wants."""
        query = select(subscribers.c.cadence).where(subscribers.c.status == Status.ACTIVE).distinct()
        with self._database.read() as connection:
            return {Cadence(row.cadence or default) for row in connection.execute(query)}

    def own_times(self, cadence: Cadence, default: Cadence) -> set[OwnTime]:
        """The different times of their own that the active readers of this cadence have.

        `default`: the cadence of those who named none.
        """
        query = select(*_OWN_TIME).where(has_own_time, audience_of(cadence, default)).distinct()
        with self._database.read() as connection:
            return {OwnTime(*row) for row in connection.execute(query)}

    def erase(self, number: int) -> None:
        """Forget the person; the ledger keeps its numbers without a name. Raises UnknownSubscriber."""
        mine = deliveries.c.subscriber == number
        with self._database.write() as connection:
            if not connection.execute(delete(subscribers).where(subscribers.c.id == number)).rowcount:
                raise UnknownSubscriber
            connection.execute(delete(editions).where(editions.c.subscriber == number))
            connection.execute(update(deliveries).where(mine).values(detail=""))
            waiting = update(deliveries).where(mine, is_waiting, deliveries.c.begun == 0)
            connection.execute(waiting.values(outcome=Outcome.SKIPPED, detail="erased"))


#: True of a subscriber with a weekday, an hour or a time zone of their own.
has_own_time = or_(*(column.is_not(None) for column in _OWN_TIME))


def audience_of(cadence: Cadence, default: Cadence) -> ColumnElement[bool]:
    """True of the active subscribers who get issues of this cadence.

    Most are active: the table is read as it lies, by the index of the statuses it takes 1.6 times as long.
    """
    active = func.coalesce(subscribers.c.status, "") == Status.ACTIVE
    return and_(active, func.coalesce(subscribers.c.cadence, default.value) == cadence.value)


def moved_to(status: Status, now: datetime | None = None) -> dict[str, Any]:
    """The columns of a person who comes to this status; `now`: when somebody made them active, for the record."""
    values: dict[str, Any] = {"status": status}
    if status in _REVOKING:
        risen = subscribers.c.epoch + 1
        values["epoch"] = case((subscribers.c.status == status, subscribers.c.epoch), else_=risen)
    if status is Status.ACTIVE and now:
        values["confirmed"] = func.coalesce(subscribers.c.confirmed, int(now.timestamp()))
    return values


def _is_soon(asked: datetime | None, asks: int, now: datetime, pauses: Sequence[timedelta]) -> bool:
    """Whether the pause since the last confirmation mail lasts; a moment ahead of now is that of a wrong clock."""
    pause = pauses[min(max(asks, 1), len(pauses)) - 1]
    return asked is not None and timedelta() <= now.replace(microsecond=0) - asked < pause


def _is_there(connection: Connection, number: int) -> bool:
    return connection.execute(select(subscribers.c.id).where(subscribers.c.id == number)).first() is not None


def _selected(connection: Connection, number: int) -> Row[Any]:
    return connection.execute(select(*_SELECTED).where(subscribers.c.id == number)).one()


def _completed(new: Subscriber, known: Subscriber) -> Subscriber:
    """The row of a file, with what is known where it says nothing."""
    rest = {name: getattr(known, name) for name in _COLUMNS if getattr(new, name) in (None, "")}
    profile = known.profile if new.profile == Profile() else new.profile
    return replace(new, **{**rest, "id": known.id, "email": known.email, "profile": profile})


def _insert(connection: Connection, subscriber: Subscriber, origin: str, now: datetime) -> int:
    confirmed = now if subscriber.status is Status.ACTIVE else None
    row = {**_row(subscriber), "origin": origin, "created": now, "confirmed": confirmed}
    return int(connection.execute(insert(subscribers).values(row).returning(subscribers.c.id)).scalar_one())


def _update(connection: Connection, subscriber: Subscriber) -> int:
    row = _row(subscriber)
    del row["status"]
    return connection.execute(update(subscribers).where(subscribers.c.id == subscriber.id).values(row)).rowcount


def _by_key(connection: Connection, address: str) -> Subscriber | None:
    row = connection.execute(select(*_SELECTED).where(subscribers.c.email_key == address_key(address))).first()
    return _subscriber(row) if row else None


def _row(subscriber: Subscriber) -> dict[str, Any]:
    row = {name: getattr(subscriber, name) for name in _COLUMNS if name != "id"}
    return {**row, "email_key": address_key(subscriber.email), "profile": profile_row(subscriber.profile)}


def _subscriber(row: Row[Any]) -> Subscriber:
    given = {name: getattr(row, name) for name in (*_COLUMNS, "epoch")}
    given |= {"status": Status(row.status), "profile": parse_profile(row.profile)}
    return Subscriber(**{**given, "cadence": Cadence(row.cadence) if row.cadence else None})
