"""Issues: what was frozen when one was planned (pool, templates, masthead, audience)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Connection,
    Row,
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
    type_coerce,
    update,
)
from sqlalchemy.sql.elements import ColumnElement

from newsletter.errors import InputError, UnknownIssue
from newsletter.formats import entry_row, frozen_entry
from newsletter.store.database import TOGETHER, Database, batched
from newsletter.store.entries import AHEAD, UNSENT, fresh, numbers
from newsletter.store.schema import (
    Moment,
    OutcomeCode,
    deliveries,
    editions,
    former,
    issues,
    pauses,
    pool,
    shown,
    subscribers,
)
from newsletter.store.subscribers import audience_of, has_own_time
from newsletter.store.upsert import bulk_insert
from newsletter.types import Cadence, Entry, Issue, IssueState, Masthead, Outcome, OwnTime

MOMENTS = 1_000  #: of a spread, about
MOVED = 10_000  #: deliveries that are read together
_MARK = 1  #: the code of a delivery with a time of its own, until it is moved there
_GOLDEN = 2_654_435_769  #: of 2**32
_SELECTED = tuple(issues.c[name] for name in ("key", "cadence", "since", "until", "state", "date"))
Key = str | BindParameter[str]  #: of an issue; the second in a statement that is written once
_NEWEST = (issues.c.until.desc(), issues.c.num.desc())  #: first


@dataclass(frozen=True, slots=True)
class Frozen:
    """Everything an issue was planned with."""

    issue: Issue
    masthead: Masthead
    templates: Mapping[str, str]
    missing: tuple[str, ...]  #: sources that could not be read
    entries: tuple[Entry, ...]


class PlanOutdated(Exception):
    """Somebody changed the audience or the pool after the plan was made: make it again."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to freeze; all that depends on the audience or the pool was computed before."""

    issue: Issue
    masthead: Masthead
    templates: Mapping[str, str]
    missing: tuple[str, ...]
    planned: datetime
    due: datetime  #: for all who have no time of their own
    expire_after: timedelta  #: it was due
    cadence_default: Cadence
    own_times: Mapping[OwnTime, datetime] = field(default_factory=dict)  #: when those with a time of their own get it
    trends: Mapping[str, float] = field(default_factory=dict)  #: entry id → trend
    tldrs: Mapping[str, str] | None = None  #: entry id → TL;DR, for all of the pool that have none; None: not wanted
    spread: timedelta = timedelta()  #: so long after the first one the last one is due
    most_papers: int | None = None  #: in the pool
    expire_ahead: timedelta | None = None  #: after it was due, for who is not due at once; None: the same

    def expiry(self, due: datetime) -> datetime:
        """When a mail is no news any more that is due then."""
        return due + (self.expire_ahead if self.expire_ahead and due > self.planned else self.expire_after)


class Issues:
    """The issues and what they were planned with."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def plan(self, plan: Plan, again: bool = False) -> int:
        """Freeze pool and audience in one transaction; returns how many deliveries were planned.

        -1 where the key is there already: planning twice adds nobody twice; a cancelled issue is not in the way.
        `again`: an issue with this key that nobody got is planned anew. Raises PlanOutdated, with nothing written,
        where a reader has a time of their own that is not among `own_times`, or a paper without a TL;DR is not among
        `tldrs`; InputError where somebody got the issue that is to be planned again.
        """
        with self._database.write() as connection:
            known = connection.execute(
                select(issues.c.num, issues.c.state).where(issues.c.key == plan.issue.key)
            ).first()
            if known and not again and known.state != IssueState.CANCELLED:
                return -1
            if known:
                _clear(connection, known.num, plan.issue.key)
                connection.execute(delete(issues).where(issues.c.num == known.num))
            num = _insert_issue(connection, plan)
            _freeze_pool(connection, num, plan)
            return _freeze_audience(connection, num, plan)

    def add_readers(self, plan: Plan) -> int:
        """Plan an issue that there is for the readers who came since; returns how many. Raises PlanOutdated."""
        with self._database.write() as connection:
            num = int(connection.execute(select(issues.c.num).where(issues.c.key == plan.issue.key)).scalar_one())
            joined = _freeze_audience(connection, num, plan, new=True)
            if joined:
                reopened = update(issues).where(issues.c.num == num, issues.c.state == IssueState.DONE)
                connection.execute(reopened.values(state=IssueState.SENDING))
            return joined

    def get(self, key: str) -> Issue:
        """The issue with this key; raises UnknownIssue."""
        with self._database.read() as connection:
            row = connection.execute(select(*_SELECTED).where(issues.c.key == key)).first()
        if row is None:
            raise UnknownIssue(f"There is no issue {key}: `newsletter issues` lists them.")
        return _issue(row)

    def listed(self) -> list[Issue]:
        """All issues, newest first."""
        with self._database.read() as connection:
            return [_issue(row) for row in connection.execute(select(*_SELECTED).order_by(*_NEWEST))]

    def open_ones(self) -> list[Issue]:
        """Issues that the schedule sends: planned or on their way, and not paused; newest first."""
        going = issues.c.state.in_((IssueState.PLANNED, IssueState.SENDING))
        query = select(*_SELECTED).where(going, issues.c.paused == "")
        with self._database.read() as connection:
            return [_issue(row) for row in connection.execute(query.order_by(*_NEWEST))]

    def out(self, start: int, most: int) -> list[Issue]:
        """Issues that went out and had a paper, newest first, from place `start` on."""
        gone = issues.c.state.in_((IssueState.SENDING, IssueState.DONE))
        query = select(*_SELECTED).where(gone, exists().where(pool.c.issue == issues.c.num))
        with self._database.read() as connection:
            return [_issue(row) for row in connection.execute(query.order_by(*_NEWEST).offset(start).limit(most))]

    def first_until(self) -> datetime | None:
        """The end of the first issue's pool."""
        with self._database.read() as connection:
            return connection.execute(select(func.min(issues.c.until, type_=Moment()))).scalar_one_or_none()

    def latest_until(self, cadence: Cadence, now: datetime, but: str = "") -> datetime | None:
        """The end of the last pool of this cadence that the schedule sends or sent; the next begins there.

        A pool that ends after `now` does not count: the clock was ahead when it was frozen. `but`: nor does this issue.
        """
        counts = (
            issues.c.cadence == cadence,
            issues.c.until <= now,
            issues.c.state.not_in(UNSENT),
            issues.c.key != but,
        )
        query = select(func.max(issues.c.until, type_=Moment())).where(*counts)
        with self._database.read() as connection:
            return connection.execute(query).scalar_one_or_none()

    def holding(self, entry_id: str) -> list[Issue]:
        """Issues with this entry in their pool, under any id it ever had; newest first."""
        with self._database.read() as connection:
            num = numbers(connection, [entry_id]).get(entry_id)
            ids = [entry_id, *connection.execute(select(former.c.id).where(former.c.entry == num)).scalars()]
            held = or_(pool.c.entry == num, pool.c.frozen["id"].as_string().in_(ids))
            query = select(*_SELECTED).where(issues.c.num.in_(select(pool.c.issue).where(held)))
            return [_issue(row) for row in connection.execute(query.order_by(*_NEWEST))]

    def frozen(self, key: str) -> Frozen:
        """All that the issue was planned with; raises UnknownIssue."""
        issue = self.get(key)
        with self._database.read() as connection:
            kept = connection.execute(select(issues).where(issues.c.key == key)).one()
            query = select(pool.c.frozen).where(pool.c.issue == kept.num).order_by(pool.c.entry)
            frozen_entries = tuple(frozen_entry(row.frozen) for row in connection.execute(query))
        return Frozen(issue, _masthead(kept.masthead), kept.templates, tuple(kept.missing), frozen_entries)

    def papers(self, key: str) -> int:
        """How many papers are in its pool."""
        with self._database.read() as connection:
            query = select(func.count()).select_from(pool).where(pool.c.issue == number(key))
            return int(connection.execute(query).scalar_one())

    def paused(self, key: str) -> str:
        """Why the issue is paused; "" where it is not. All senders look at it before they claim."""
        with self._database.read() as connection:
            return str(connection.execute(select(issues.c.paused).where(issues.c.key == key)).scalar_one())

    def excused(self, key: str) -> int:
        """The number of complaints that were known when somebody resumed the issue."""
        with self._database.read() as connection:
            return int(connection.execute(select(issues.c.excused).where(issues.c.key == key)).scalar_one())

    def pause_issue(self, key: str, reason: str, unless_paused: bool = False) -> None:
        """Pause the issue until `resume`. `unless_paused`: the first reason stays."""
        which = and_(issues.c.key == key, issues.c.paused == "") if unless_paused else issues.c.key == key
        with self._database.write() as connection:
            connection.execute(update(issues).where(which).values(paused=reason[:500]))

    def resume(self, key: str, excused: int) -> None:
        """Pause neither the issue nor a domain any longer. `excused`: complaints that need not pause it again."""
        with self._database.write() as connection:
            connection.execute(update(issues).where(issues.c.key == key).values(paused="", excused=excused))
            connection.execute(delete(pauses).where(pauses.c.issue == number(key)))

    def cancel(self, key: str, keep: bool) -> None:
        """Take an issue back that nobody got. `keep`: its key stays taken. Raises UnknownIssue, InputError."""
        with self._database.write() as connection:
            num = int(connection.execute(select(issues.c.num).where(issues.c.key == key)).scalar_one())
            _clear(connection, num, key)
            mine = issues.c.num == num
            if keep:
                connection.execute(update(issues).where(mine).values(state=IssueState.CANCELLED, paused=""))
            else:
                connection.execute(delete(issues).where(mine))

    def clamp(self, now: datetime) -> int:
        """Let pools that end long after `now` end now: the clock was ahead when they were frozen. Returns how many."""
        ahead = issues.c.until > now + AHEAD
        if not self._database.any_row(ahead):
            return 0
        with self._database.write() as connection:
            return connection.execute(update(issues).where(ahead).values(until=now)).rowcount

    def approve(self, key: str, expires: datetime) -> bool:
        """Let the schedule send a draft; False where it was none. None of its mails expires before `expires`."""
        draft = and_(issues.c.key == key, issues.c.state == IssueState.DRAFT)
        early = and_(deliveries.c.issue == number(key), deliveries.c.expires < expires)
        with self._database.write() as connection:
            approved = connection.execute(update(issues).where(draft).values(state=IssueState.PLANNED)).rowcount
            if approved:
                connection.execute(update(deliveries).where(early).values(expires=expires))
            return bool(approved)

    def set_state(self, key: str, state: IssueState) -> None:
        """Change the state; `done` only after the accounting was checked."""
        with self._database.write() as connection:
            connection.execute(update(issues).where(issues.c.key == key).values(state=state))


def ready(entry: Entry, trends: Mapping[str, float], tldrs: Mapping[str, str] | None) -> Entry:
    """An entry as it is frozen: with its trend, and with a TL;DR where those are wanted. Raises PlanOutdated."""
    tldr = entry.tldr
    if tldrs is not None and not tldr:
        if entry.id not in tldrs:
            raise PlanOutdated
        tldr = tldrs[entry.id]
    return replace(entry, trend=trends.get(entry.id), tldr=tldr)


def number(key: Key) -> ColumnElement[int]:
    """The row number of an issue, for use inside a statement."""
    return select(issues.c.num).where(issues.c.key == key).scalar_subquery()


def _clear(connection: Connection, num: int, key: str) -> None:
    """Delete all of an issue but its row; raises InputError where somebody got it, or may have."""
    got = deliveries.c.outcome.in_((Outcome.ACCEPTED, Outcome.UNCERTAIN, Outcome.SENDING))
    if connection.execute(select(exists().where(deliveries.c.issue == num, got))).scalar_one():
        raise InputError(f"{key} is on its way: somebody got it, or is just being sent it. Pause it instead.")
    for table in (deliveries, editions, shown, pool, pauses):
        connection.execute(delete(table).where(table.c.issue == num))


def _insert_issue(connection: Connection, plan: Plan) -> int:
    issue = plan.issue
    row = {name: getattr(issue, name) for name in ("key", "cadence", "since", "until", "state")}
    row["date"] = (issue.day or issue.until.date()).isoformat()
    row |= {"planned": plan.planned, "masthead": asdict(plan.masthead), "missing": list(plan.missing)}
    statement = insert(issues).values(**row, templates=dict(plan.templates)).returning(issues.c.num)
    return int(connection.execute(statement).scalar_one())


def _freeze_pool(connection: Connection, num: int, plan: Plan) -> None:
    found = fresh(connection, plan.issue.since, plan.issue.until, plan.planned, plan.most_papers)
    rows = [
        {"issue": num, "entry": entry_num, "frozen": entry_row(ready(entry, plan.trends, plan.tldrs))}
        for entry_num, entry in found
    ]
    bulk_insert(connection, pool, rows)


def _freeze_audience(connection: Connection, num: int, plan: Plan, new: bool = False) -> int:
    """Plan all, or those who are `new`, in one INSERT … SELECT; only those with a time of their own one by one."""
    later = _later(connection, num, plan.spread)
    due, expires = (
        type_coerce(literal(int(moment.timestamp())) + later, Moment()) for moment in (plan.due, plan.expiry(plan.due))
    )
    code = case((has_own_time, _MARK), else_=0)
    values = (literal(Outcome.PLANNED, OutcomeCode()), due, expires, literal(0), literal(0), code, literal(""))
    columns = ("issue", "subscriber", "outcome", "due", "expires", "attempts", "begun", "code", "detail")
    audience = audience_of(plan.issue.cadence, plan.cadence_default)
    if new:
        audience = and_(
            audience, ~exists().where(deliveries.c.issue == num, deliveries.c.subscriber == subscribers.c.id)
        )
    chosen = select(literal(num), subscribers.c.id, *values).where(audience).order_by(subscribers.c.id)
    planned = connection.execute(insert(deliveries).from_select(columns, chosen)).rowcount
    _move_own_times(connection, num, plan)
    return planned


def _move_own_times(connection: Connection, num: int, plan: Plan) -> None:
    """Move the deliveries that are marked, and take the mark off: a scan of deliveries is quicker than of readers."""
    seconds = {
        own: (_seconds(plan.due, due), _seconds(plan.expiry(plan.due), plan.expiry(due)))
        for own, due in plan.own_times.items()
    }
    after = 0
    while rows := connection.execute(_MARKED, {"its_issue": num, "after": after}).all():
        people: dict[tuple[int, int], list[int]] = {}
        for subscriber, *own in rows:
            if OwnTime(*own) not in seconds:
                raise PlanOutdated
            people.setdefault(seconds[OwnTime(*own)], []).append(subscriber)
        for (late, longer), late_ones in people.items():
            for some in batched(late_ones, TOGETHER):
                connection.execute(_MOVED, {"its_issue": num, "people": some, "late": late, "longer": longer})
        after = rows[-1].subscriber


def _seconds(start: datetime, end: datetime) -> int:
    return int(end.timestamp()) - int(start.timestamp())


_MARKED = (
    select(deliveries.c.subscriber, subscribers.c.weekday, subscribers.c.hour, subscribers.c.timezone)
    .join(subscribers, subscribers.c.id == deliveries.c.subscriber)
    .where(deliveries.c.issue == bindparam("its_issue"), deliveries.c.subscriber > bindparam("after"))
    .where(deliveries.c.code == _MARK)
    .order_by(deliveries.c.subscriber)
    .limit(MOVED)
)
_MOVED = (
    update(deliveries)
    .where(
        deliveries.c.issue == bindparam("its_issue"), deliveries.c.subscriber.in_(bindparam("people", expanding=True))
    )
    .values(
        {
            name: type_coerce(deliveries.c[name], BigInteger) + bindparam(by, type_=BigInteger)
            for name, by in (("due", "late"), ("expires", "longer"))
        }
        | {"code": 0}
    )
)


def _later(connection: Connection, num: int, spread: timedelta) -> ColumnElement[int]:
    """The seconds that a delivery is due later: a share of the spread, different for each subscriber and issue.

    By the golden ratio, so that any part of the audience is spread evenly. Of very many subscribers a few neighbours
    share a moment, for an index that grows in runs is written three times as fast [measured].
    """
    if not spread:
        return literal(0)
    last = connection.execute(select(func.coalesce(func.max(subscribers.c.id), 0))).scalar_one()
    few: ColumnElement[int] = subscribers.c.id // max(1, last // MOMENTS) + num
    return few * _GOLDEN % 2**32 * int(spread.total_seconds()) // 2**32


def _masthead(row: Mapping[str, Any]) -> Masthead:
    """A masthead as stored; an older issue's lacks what came later."""
    masthead = Masthead(**row)
    return replace(masthead, sections=tuple(masthead.sections))


def _issue(row: Row[Any]) -> Issue:
    day = date.fromisoformat(row.date) if row.date else None
    return Issue(row.key, Cadence(row.cadence), row.since, row.until, IssueState(row.state), day)
