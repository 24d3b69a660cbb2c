"""The ledger: one row per (issue, subscriber), and the only way a mail is allowed to go out.

    claim ─▶ begin ─▶ (the last dot) ─▶ settle

`claim` reserves some rows for one sender. `begin` marks a row *in doubt* and looks at the subscriber's status
once more, in the same statement. `settle` writes the answer. Every change names the sender that holds the row,
so a sender whose claim was taken over can change nothing. A sender is dead when it did not `renew` in time:
`recover` frees what it had claimed, and what it had begun becomes `uncertain`.

What cannot go now, because its domain is limited or paused, is postponed by the transaction that claims the others:
it is due later, and was not tried. A planned or deferred row that names a sender was postponed by it, to be sent soon.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import (
    BindParameter,
    Connection,
    Select,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.sql.elements import ColumnElement

from newsletter.store.database import TOGETHER, Database, batched
from newsletter.store.issues import Key, number
from newsletter.store.schema import (
    WAITING,
    OutcomeCode,
    deliveries,
    editions,
    is_waiting,
    issues,
    pauses,
    senders,
    shown,
    subscribers,
)
from newsletter.types import Delivery, IssueState, Outcome, Status, Tally

SOONEST = timedelta(seconds=1)  #: moments are whole seconds: what is postponed is not due at once


@dataclass(frozen=True, slots=True)
class Claim:
    """A sender's hold on one delivery."""

    delivery: Delivery
    sender: int


@dataclass(frozen=True, slots=True)
class Due:
    """A delivery that is due and that nobody holds."""

    subscriber: int
    due: datetime
    expires: datetime
    attempts: int
    address: str  #: "" of who was erased


@dataclass(frozen=True, slots=True)
class Later:
    """How long a delivery must wait that is due."""

    wait: timedelta
    kept: bool = True  #: a sender waits for it


class Claimed(NamedTuple):
    """What came of a wish to claim."""

    claims: list[Claim]  #: in the order that was asked for
    all_free: bool  #: False: other senders were quicker with some


class Ledger:
    """The deliveries of all issues, and who sends them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def enroll(self, alive_until: datetime) -> int:
        """A new sender, alive until then; returns its number, never used before."""
        with self._database.write() as connection:
            statement = insert(senders).values(alive_until=alive_until).returning(senders.c.num)
            return int(connection.execute(statement).scalar_one())

    def renew(self, sender: int, alive_until: datetime) -> None:
        """Extend the life of a sender; due every second while it works."""
        with self._database.write() as connection:
            connection.execute(update(senders).where(senders.c.num == sender).values(alive_until=alive_until))

    def recover(self, key: str, now: datetime, longest: timedelta = timedelta(minutes=1)) -> int:
        """Free what dead senders claimed; what they began becomes uncertain. Returns how many rows changed.

        A sender that is said to live for longer than `longest` is dead: the clock was ahead when it died.
        """
        living = senders.c.alive_until.between(now, now + longest)
        alive = exists().where(senders.c.num == deliveries.c.sender, living)
        orphaned = and_(_holding(key), ~alive)
        with self._database.write() as connection:
            return _settle_doubtful(connection, orphaned) + _free(connection, orphaned)

    def expire(self, key: str, now: datetime) -> int:
        """Give up what is too late to be news: it is not sent, and counts as never shown. Returns how many."""
        late = and_(_claimable(key), deliveries.c.expires <= now)
        if not self._database.any_row(late):
            return 0
        with self._database.write() as connection:
            gone = connection.execute(select(deliveries.c.subscriber).where(late)).scalars().all()
            if gone:
                never = and_(shown.c.issue == number(key), shown.c.subscriber.in_(gone))
                connection.execute(delete(shown).where(never))
                connection.execute(update(deliveries).where(late).values(outcome=Outcome.EXPIRED))
        return len(gone)

    def first_expiry(self, key: str) -> datetime | None:
        """The first expiry of all that wait. Looks at each: 80 ms for a million."""
        query = select(func.min(deliveries.c.expires)).where(_in(key), is_waiting)
        with self._database.read() as connection:
            first: datetime | None = connection.execute(query).scalar_one()
        return first

    def due(self, key: str, now: datetime, most: int) -> list[Due]:
        """Up to `most` deliveries that are due, the longest due first. Reserves nothing."""
        with self._database.read() as connection:
            rows = connection.execute(_due(key, now, most))
            return [Due(row.subscriber, row.due, row.expires, row.attempts, row.email or "") for row in rows]

    def claim(
        self, key: str, sender: int, now: datetime, taken: Sequence[int], postponed: Mapping[int, Later]
    ) -> Claimed:
        """Reserve the deliveries to these subscribers and postpone others, as far as they are still due and free.

        Both in one transaction. What other senders were quicker with is left alone.
        """
        with self._database.write() as connection:
            free = _free_now(connection, key, now, [*taken, *postponed])
            claimed = _reserve(connection, key, sender, now, [number for number in taken if number in free])
            waits = [(free[number], later) for number, later in postponed.items() if number in free]
            _postpone(connection, key, sender, now, waits)
        claims = [_claim(key, free[number], sender) for number in taken if number in claimed]
        return Claimed(claims, len(claims) == len(taken) and len(waits) == len(postponed))

    def hand_back(self, claims: Sequence[Claim], later: Later, now: datetime) -> None:
        """Give back claims that were not begun: they are due later and were not tried."""
        with self._database.write() as connection:
            for claim in claims:
                mine = and_(
                    _ready(claim.delivery.issue, claim.sender), deliveries.c.subscriber == claim.delivery.subscriber
                )
                values = _postponed(later, now, claim.delivery.expires, claim.sender)
                connection.execute(update(deliveries).where(mine).values(outcome=_untried, **values))

    def comes_back(self, key: str) -> datetime | None:
        """When the first delivery is due that a sender postponed and waits for."""
        query = select(deliveries.c.due).where(_claimable(key), deliveries.c.sender.is_not(None))
        with self._database.read() as connection:
            return connection.execute(query.order_by(deliveries.c.due).limit(1)).scalar_one_or_none()

    def pause_domain(self, key: str, domain: str, until: datetime, reason: str) -> None:
        """Let nothing of this issue go to this domain until then; all senders look at it before they claim."""
        row = {"issue": _number(self._database, key), "domain": domain, "until": until, "reason": reason[:500]}
        self._database.put(pauses, [row])

    def pauses(self, key: str, now: datetime) -> Mapping[str, tuple[datetime, str]]:
        """Domain → until when it is paused, and why."""
        query = select(pauses.c.domain, pauses.c.until, pauses.c.reason).where(pauses.c.issue == number(key))
        with self._database.read() as connection:
            rows = connection.execute(query.where(pauses.c.until > now))
            return {row.domain: (row.until, row.reason) for row in rows}

    def complaints(self, key: str) -> int:
        """How many of those who were sent this issue have complained."""
        complained = select(subscribers.c.id).where(subscribers.c.status == Status.COMPLAINED)
        sent = and_(_in(key), deliveries.c.outcome == Outcome.ACCEPTED)
        query = select(func.count()).where(sent, deliveries.c.subscriber.in_(complained))
        with self._database.read() as connection:
            return int(connection.execute(query).scalar_one())

    def write(self, begins: Sequence[Claim], settles: Sequence[Claim], wait: bool = True) -> list[Outcome]:
        """One transaction for many connections (group commit).

        Settles first, each with its delivery's new outcome. Then, for each begin: SENDING (go on), SKIPPED (the
        person left; settled so), or PLANNED (the claim was lost to another sender). Without `wait`, StoreBusy is
        raised at once where somebody else writes.
        """
        if not (begins or settles):
            return []
        with self._database.write(wait) as connection:
            _settle(connection, settles)
            return _begin(connection, begins)

    def release(self, sender: int) -> int:
        """Give back what was claimed and not begun, and sign off."""
        unfinished = select(issues.c.num).where(issues.c.state != IssueState.DONE)  # one that is done holds none
        held = and_(deliveries.c.sender == sender, deliveries.c.outcome == Outcome.SENDING)
        mine = and_(deliveries.c.issue.in_(unfinished), held)
        with self._database.write() as connection:
            connection.execute(delete(senders).where(senders.c.num == sender))
            return _free(connection, mine)

    def tally(self, key: str) -> Tally:
        """The accounting of an issue."""
        query = select(deliveries.c.outcome, func.count()).where(_in(key)).group_by(deliveries.c.outcome)
        with self._database.read() as connection:
            issue = connection.execute(select(issues.c.state, issues.c.paused).where(issues.c.key == key)).one()
            counts = Counter({row[0]: int(row[1]) for row in connection.execute(query)})
        known = {field.name for field in fields(Tally)}
        settled = {outcome.value: count for outcome, count in counts.items() if outcome.value in known - {"planned"}}
        waiting = sum(counts[outcome] for outcome in WAITING)
        state, paused = IssueState(issue.state), issue.paused
        return Tally(key, state, planned=counts.total(), waiting=waiting, paused=paused, **settled)

    def next_due(self, key: str) -> datetime | None:
        """When the earliest waiting delivery that nobody holds is due."""
        query = select(deliveries.c.due).where(_claimable(key)).order_by(deliveries.c.due).limit(1)
        with self._database.read() as connection:
            return connection.execute(query).scalar_one_or_none()

    def held(self, key: str, but: int) -> int:
        """How many deliveries some sender other than `but` holds at this moment."""
        others = and_(_holding(key), deliveries.c.sender != but)
        query = select(func.count()).select_from(deliveries).where(others)
        with self._database.read() as connection:
            return int(connection.execute(query).scalar_one())

    def waiting(self, key: str) -> list[int]:
        """Subscriber ids of all that still wait."""
        query = select(deliveries.c.subscriber).where(_in(key), is_waiting)
        with self._database.read() as connection:
            return list(connection.execute(query.order_by(deliveries.c.subscriber)).scalars())

    def having(self, key: str, outcome: Outcome, most: int | None = None) -> list[tuple[Delivery, str]]:
        """(delivery, address) of all with this outcome, or of the first `most`."""
        query = (
            select(deliveries, editions.c.message_id, subscribers.c.email)
            .outerjoin(editions, _same_edition())
            .outerjoin(subscribers, subscribers.c.id == deliveries.c.subscriber)
            .where(_in(key), deliveries.c.outcome == outcome)
            .order_by(deliveries.c.subscriber)
            .limit(most)
        )
        with self._database.read() as connection:
            return [(_delivery(key, row), row.email or "(erased)") for row in connection.execute(query)]

    def resolve(self, key: str, verdicts: Sequence[tuple[int, Outcome, str]], now: datetime) -> int:
        """Settle uncertain deliveries: (subscriber, outcome, detail); PLANNED sends again. Returns how many."""
        changed = 0
        with self._database.write() as connection:
            for subscriber, outcome, detail in verdicts:
                uncertain = and_(_row(key, subscriber), deliveries.c.outcome == Outcome.UNCERTAIN)
                values: dict[str, Any] = {"outcome": outcome, "detail": detail, "sender": None, "begun": 0}
                if outcome is Outcome.PLANNED:
                    values |= {"due": now}
                changed += connection.execute(update(deliveries).where(uncertain).values(values)).rowcount
        return changed


def _in(key: Key) -> ColumnElement[bool]:
    return deliveries.c.issue == number(key)


def _claimable(key: str) -> ColumnElement[bool]:
    return and_(_in(key), is_waiting, deliveries.c.outcome != Outcome.SENDING)


def _holding(key: str) -> ColumnElement[bool]:
    return and_(_in(key), is_waiting, deliveries.c.outcome == Outcome.SENDING)


def _number(database: Database, key: str) -> int:
    with database.read() as connection:
        return int(connection.execute(select(number(key))).scalar_one())


def _due(key: str, now: datetime, most: int) -> Select[Any]:
    columns = ("subscriber", "due", "expires", "attempts")
    query = select(*(deliveries.c[name] for name in columns), subscribers.c.email)
    query = query.outerjoin(subscribers, subscribers.c.id == deliveries.c.subscriber)
    query = query.where(_claimable(key), deliveries.c.due <= now, deliveries.c.expires > now)
    return query.order_by(deliveries.c.due, deliveries.c.subscriber).limit(most)


def _free_now(connection: Connection, key: str, now: datetime, people: Sequence[int]) -> dict[int, Any]:
    """Subscriber → what is still due and free; locked, so that no two senders wait for each other."""
    given = {"its_issue": key, "its_moment": now, "people": people}
    return {row.subscriber: row for row in connection.execute(_STILL_DUE, given)} if people else {}


def _reserve(connection: Connection, key: str, sender: int, now: datetime, people: Sequence[int]) -> set[int]:
    """Reserve what nobody holds and is due. The promise is in this one statement."""
    given = {"its_issue": key, "its_moment": now, "people": people, "its_sender": sender}
    return set(connection.execute(_RESERVED, given).scalars()) if people else set()


def _claim(key: str, row: Any, sender: int) -> Claim:
    delivery = Delivery(key, row.subscriber, row.due, Outcome.SENDING, row.attempts, expires=row.expires)
    return Claim(delivery, sender)


def _postponed(later: Later, now: datetime, expires: datetime | None, sender: int) -> dict[str, Any]:
    """The columns of a delivery that is due later, but not after it expires; and who waits for it."""
    due = now + max(later.wait, SOONEST)
    return {"due": min(due, expires or due), "sender": sender if later.kept else None}


def _postpone(connection: Connection, key: str, sender: int, now: datetime, waits: Iterable[tuple[Any, Later]]) -> None:
    rows = [
        {"its_issue": key, "its_subscriber": row.subscriber, **_postponed(later, now, row.expires, sender)}
        for row, later in waits
    ]
    if rows:
        connection.execute(_POSTPONED, rows)


def _row(key: Key, subscriber: int | BindParameter[int]) -> ColumnElement[bool]:
    return and_(_in(key), deliveries.c.subscriber == subscriber)


def _same_edition() -> ColumnElement[bool]:
    return and_(editions.c.issue == deliveries.c.issue, editions.c.subscriber == deliveries.c.subscriber)


def _begin(connection: Connection, claims: Sequence[Claim]) -> list[Outcome]:
    """Mark what is still ours, not yet begun and still wanted. The promise is in this one statement."""
    begun: set[tuple[str, int]] = set()
    together: dict[tuple[str, int], list[int]] = {}
    for claim in claims:
        together.setdefault((claim.delivery.issue, claim.sender), []).append(claim.delivery.subscriber)
    for (key, sender), people in together.items():
        for some in batched(people, TOGETHER):
            which = {"its_issue": key, "its_sender": sender, "people": some}
            begun.update((key, subscriber) for subscriber in connection.execute(_BEGUN, which).scalars().all())
    return [_begun(connection, claim, begun) for claim in claims]


def _begun(connection: Connection, claim: Claim, begun: set[tuple[str, int]]) -> Outcome:
    """The outcome of one begin; takes its mark from `begun`, so that nobody gets it twice."""
    row = claim.delivery.issue, claim.delivery.subscriber
    if row not in begun:
        return _withdraw(connection, claim)
    begun.remove(row)
    return Outcome.SENDING


def _ready(key: Key, sender: int | BindParameter[int]) -> ColumnElement[bool]:
    return and_(
        _in(key), deliveries.c.sender == sender, deliveries.c.outcome == Outcome.SENDING, deliveries.c.begun == 0
    )


def _withdraw(connection: Connection, claim: Claim) -> Outcome:
    """The outcome of a mail that must not go out: SKIPPED where the person left, else the claim was lost."""
    subscriber = claim.delivery.subscriber
    status = select(subscribers.c.status).where(subscribers.c.id == subscriber)
    reason = connection.execute(status).scalar_one_or_none() or "erased"
    gone = {"outcome": Outcome.SKIPPED, "detail": reason, "sender": None}
    mine = and_(_ready(claim.delivery.issue, claim.sender), deliveries.c.subscriber == subscriber)
    if reason != Status.ACTIVE and connection.execute(update(deliveries).where(mine).values(gone)).rowcount:
        return Outcome.SKIPPED
    return Outcome.PLANNED


def _settle(connection: Connection, claims: Sequence[Claim]) -> None:
    """Write the answers. A late one still counts while nobody has decided otherwise: the row may be `uncertain`."""
    if not claims:
        return
    rows = [
        {
            "its_issue": claim.delivery.issue,
            "its_subscriber": claim.delivery.subscriber,
            "its_sender": claim.sender,
            "outcome": claim.delivery.outcome,
            "sender": None if claim.delivery.outcome is Outcome.DEFERRED else claim.sender,
            "due": claim.delivery.due,
            "attempts": claim.delivery.attempts,
            "code": claim.delivery.code,
            "detail": claim.delivery.detail[:500],
        }
        for claim in claims
    ]
    connection.execute(_SETTLED, rows)


# Written once: to put such a statement together takes longer than its fsync.

_wants = exists().where(subscribers.c.id == deliveries.c.subscriber, subscribers.c.status == Status.ACTIVE)
_BEGUN = (
    update(deliveries)
    .where(
        _ready(bindparam("its_issue"), bindparam("its_sender")),
        deliveries.c.subscriber.in_(bindparam("people", expanding=True)),
        _wants,
    )
    .values(begun=1)
    .returning(deliveries.c.subscriber)
)
_its_own = _row(bindparam("its_issue"), bindparam("its_subscriber"))
_POSTPONED = update(deliveries).where(_its_own)
#: Found by primary key: `is_waiting` would have the index of all that wait looked through.
_still_due = and_(
    _in(bindparam("its_issue")),
    deliveries.c.subscriber.in_(bindparam("people", expanding=True)),
    deliveries.c.outcome.in_((Outcome.PLANNED, Outcome.DEFERRED)),
    deliveries.c.due <= bindparam("its_moment"),
    deliveries.c.expires > bindparam("its_moment"),
)
_STILL_DUE = (
    select(deliveries.c.subscriber, deliveries.c.due, deliveries.c.expires, deliveries.c.attempts)
    .where(_still_due)
    .with_for_update(skip_locked=True)
)
_RESERVED = (
    update(deliveries)
    .where(_still_due)
    .values(outcome=Outcome.SENDING, sender=bindparam("its_sender"))
    .returning(deliveries.c.subscriber)
)
_SETTLED = (
    update(deliveries)
    .where(
        _its_own,
        deliveries.c.sender == bindparam("its_sender"),
        or_(deliveries.c.outcome == Outcome.SENDING, deliveries.c.outcome == Outcome.UNCERTAIN),
    )
    .values(begun=0)
)


def _settle_doubtful(connection: Connection, which: ColumnElement[bool]) -> int:
    values = {"outcome": Outcome.UNCERTAIN, "detail": "the sender died before the server's answer"}
    return connection.execute(update(deliveries).where(which, deliveries.c.begun == 1).values(values)).rowcount


def _free(connection: Connection, which: ColumnElement[bool]) -> int:
    free = update(deliveries).where(which, deliveries.c.begun == 0)
    return connection.execute(free.values(outcome=_untried, sender=None)).rowcount


#: as it was before somebody claimed it
_untried = case(
    (deliveries.c.attempts > 0, literal(Outcome.DEFERRED, OutcomeCode())),
    else_=literal(Outcome.PLANNED, OutcomeCode()),
)


def _delivery(key: str, row: Any) -> Delivery:
    return Delivery(key, row.subscriber, row.due, row.outcome, row.attempts, row.message_id or "", row.code, row.detail)
