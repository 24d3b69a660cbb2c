"""Editions: what was chosen and rendered for whom, enough to render the same bytes again; and who saw what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import CompoundSelect, Connection, Row, Select, bindparam, exists, select

from newsletter.formats import frozen_subscriber, subscriber_row
from newsletter.store.database import Database
from newsletter.store.entries import numbers
from newsletter.store.issues import number
from newsletter.store.schema import editions, entries, former, issues, shown, subscribers
from newsletter.store.upsert import insert_ignore
from newsletter.types import Edition, Entry, Issue, Pick

MOST_ISSUES = 500  #: the latest, that a report may be about


@dataclass(frozen=True, slots=True)
class Kept:
    """An edition as it was rendered, with what makes its bytes the same again."""

    edition: Edition
    message_id: str
    made: datetime  #: the Date header


@dataclass(frozen=True, slots=True)
class Addressed:
    """Where an edition went."""

    subscriber: int
    issue: str  #: its key
    email: str


class Editions:
    """The editions that were made."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def keep(self, kept: Sequence[Kept]) -> list[Kept]:
        """Keep editions in one transaction, before any of these mails goes out; their picks count as shown from now on.

        Returns them as they are kept: what was kept before stays as it is, and a pick that this person was shown in
        another issue is left out, even when two processes plan at once. All of one issue.
        """
        if not kept:
            return []
        with self._database.write() as connection:
            issue = connection.execute(select(number(kept[0].edition.issue.key))).scalar_one()
            nums = numbers(connection, sorted({pick.entry.id for rendered in kept for pick in rendered.edition.picks}))
            people = [rendered.edition.subscriber.id for rendered in kept]
            there = {row.subscriber for row in connection.execute(_of(issue, people))}
            before = {(row.subscriber, row.entry) for row in connection.execute(_shown_before(issue, people))}
            fit = [
                rendered if rendered.edition.subscriber.id in there else _unseen(rendered, nums, before)
                for rendered in kept
            ]
            insert_ignore(connection, editions, [_row(rendered, issue) for rendered in fit])
            _mark_shown(connection, fit, nums, issue)
        return fit

    def kept(self, issue: Issue, subscriber_ids: Sequence[int], pool: Mapping[str, Entry]) -> dict[int, Kept]:
        """Subscriber id → what was rendered for them before, if it was. `pool`: id → frozen entry.

        The epoch of the links is today's: who had them revoked meanwhile gets new ones.
        """
        theirs = editions.outerjoin(subscribers, subscribers.c.id == editions.c.subscriber)
        query = select(editions, subscribers.c.epoch).select_from(theirs).where(editions.c.issue == number(issue.key))
        query = query.where(editions.c.subscriber.in_(subscriber_ids))
        with self._database.read() as connection:
            rows = connection.execute(query).all()
        return {row.subscriber: _kept(row, issue, pool) for row in rows}

    def issues(self) -> set[str]:
        """Keys of the issues of which an edition was made."""
        with self._database.read() as connection:
            made = exists().where(editions.c.issue == issues.c.num)
            return set(connection.execute(select(issues.c.key).where(made)).scalars())

    def of(self, subscriber_ids: Sequence[int], pools: Mapping[Issue, Mapping[str, Entry]]) -> dict[int, list[Edition]]:
        """Subscriber id → what they got in these issues, in their order; who got none is left out.

        `pools`: issue → frozen id → entry.
        """
        found: dict[int, list[Edition]] = {}
        for issue, pool in pools.items():
            for subscriber, kept in self.kept(issue, subscriber_ids, pool).items():
                found.setdefault(subscriber, []).append(kept.edition)
        return found

    def seen(self, subscriber_ids: Sequence[int], but: str = "", before: datetime | None = None) -> dict[int, set[str]]:
        """Subscriber id → all ids, present and former, of the entries ever shown to them in any issue but `but`.

        `before`: only in issues that were planned before then.
        """
        seen: dict[int, set[str]] = {subscriber: set() for subscriber in subscriber_ids}
        asked = {"people": list(subscriber_ids), "but": but, **({"before": before} if before else {})}
        with self._database.read() as connection:
            for row in connection.execute(_SEEN_BEFORE if before else _SEEN, asked):
                seen[row.subscriber].add(row.id)
        return seen

    def named(self, message_ids: Sequence[str]) -> list[Addressed]:
        """Where the mails with these Message-IDs went."""
        with self._database.read() as connection:
            rows = connection.execute(_ADDRESSED.where(editions.c.message_id.in_(message_ids)))
            return [Addressed(row.subscriber, row.key, row.email) for row in rows]

    def latest_of(self, subscriber_ids: Sequence[int]) -> list[Addressed]:
        """Where the latest editions of these people went."""
        latest = select(issues.c.num).order_by(issues.c.num.desc()).limit(MOST_ISSUES)
        with self._database.read() as connection:
            nums = connection.execute(latest).scalars().all()  # a list: the primary key begins with the issue
            theirs = _ADDRESSED.where(editions.c.issue.in_(nums), editions.c.subscriber.in_(subscriber_ids))
            return [Addressed(row.subscriber, row.key, row.email) for row in connection.execute(theirs)]


def _seen(before: bool) -> CompoundSelect[tuple[int, str]]:
    """Made once: SQLAlchemy takes longer to put it together than SQLite to answer it."""
    mine = (
        select(shown.c.subscriber, shown.c.entry)
        .join(issues, issues.c.num == shown.c.issue)
        .where(shown.c.subscriber.in_(bindparam("people", expanding=True)), issues.c.key != bindparam("but"))
    )
    theirs = (
        mine.where(issues.c.planned < bindparam("before", type_=issues.c.planned.type)) if before else mine
    ).subquery()
    now = select(theirs.c.subscriber, entries.c.id).join(entries, entries.c.num == theirs.c.entry)
    then = select(theirs.c.subscriber, former.c.id).join(former, former.c.entry == theirs.c.entry)
    return now.union_all(then)


_SEEN, _SEEN_BEFORE = _seen(before=False), _seen(before=True)
_ADDRESSED = select(editions.c.subscriber, issues.c.key, editions.c.frozen["email"].as_string().label("email")).join(
    issues, issues.c.num == editions.c.issue
)


def _of(issue: int, people: Sequence[int]) -> Select[tuple[int]]:
    return select(editions.c.subscriber).where(editions.c.issue == issue, editions.c.subscriber.in_(people))


def _shown_before(issue: int, people: Sequence[int]) -> Select[tuple[int, int]]:
    return select(shown.c.subscriber, shown.c.entry).where(shown.c.subscriber.in_(people), shown.c.issue != issue)


def _unseen(kept: Kept, nums: Mapping[str, int], before: set[tuple[int, int]]) -> Kept:
    """Leave out what the person saw before, and the second of two picks that were joined since the plan."""
    person, told, picks = kept.edition.subscriber.id, set(), []
    for pick in kept.edition.picks:
        num = nums.get(pick.entry.id)
        if num is None or ((person, num) not in before and num not in told):
            picks.append(pick)
            told.add(num)
    return replace(kept, edition=replace(kept.edition, picks=tuple(picks)))


def _mark_shown(connection: Connection, kept: Sequence[Kept], nums: Mapping[str, int], issue: int) -> None:
    """Note the picks as shown; at most one showing per (subscriber, entry) is a rule of the database."""
    pairs = ((rendered.edition.subscriber.id, pick.entry.id) for rendered in kept for pick in rendered.edition.picks)
    rows = [{"subscriber": who, "entry": nums[what], "issue": issue} for who, what in pairs if what in nums]
    insert_ignore(connection, shown, rows)


def _row(kept: Kept, issue: int) -> dict[str, Any]:
    person = kept.edition.subscriber
    edition = kept.edition
    frozen = {**subscriber_row(person), "picks": _listed(edition.picks), "more": _listed(edition.more)}
    frozen["popular"] = [entry.id for entry in edition.popular]
    frozen |= {"unanswered": list(edition.unanswered), "unheard": list(edition.unheard), "general": edition.general}
    own = {"subscriber": person.id, "message_id": kept.message_id, "made": kept.made}
    return {**own, "issue": issue, "frozen": frozen}


def _listed(picks: Sequence[Pick]) -> list[list[Any]]:
    return [[pick.entry.id, pick.score, pick.interest, list(pick.reasons)] for pick in picks]


def _kept(row: Row[Any], issue: Issue, pool: Mapping[str, Entry]) -> Kept:
    person = replace(frozen_subscriber(row.frozen), id=row.subscriber, epoch=row.epoch or 0)
    picks, more = (
        tuple(
            Pick(pool[entry], score, interest, tuple(reasons))
            for entry, score, interest, reasons in row.frozen.get(part, ())
            if entry in pool
        )
        for part in ("picks", "more")
    )
    popular = tuple(pool[entry] for entry in row.frozen.get("popular", ()) if entry in pool)
    edition = Edition(
        issue,
        person,
        picks,
        more,
        popular,
        unanswered=tuple(row.frozen.get("unanswered", ())),
        unheard=tuple(row.frozen.get("unheard", ())),
        general=bool(row.frozen.get("general", False)),
    )
    return Kept(edition, row.message_id, row.made)
