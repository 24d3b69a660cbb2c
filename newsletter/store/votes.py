"""Votes: what subscribers said of single papers, and beside which papers they saw them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, delete, func, select, true

from newsletter.errors import InputError, UnknownEntry
from newsletter.store.database import TOGETHER, Database, batched
from newsletter.store.entries import numbers
from newsletter.store.schema import entries, issues, shown, subscribers, votes
from newsletter.store.upsert import upsert_where
from newsletter.types import WANTED, Showing, Status, Subscriber, Verb, Vote

_VOTE = (votes.c.subscriber, entries.c.id, votes.c.verb, votes.c.at)


class Votes:
    """The votes. Ids go in under any name an entry ever had, and come out as they are today."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, subscriber_id: int, entry_id: str, verb: Verb, at: datetime) -> None:
        """Keep a vote; the later word on a paper takes the place of the earlier. Raises UnknownEntry."""
        if verb is Verb.PASSED:
            raise InputError("Nobody says that they passed a paper over: it shows.")
        with self._database.write() as connection:
            num = numbers(connection, [entry_id]).get(entry_id)
            if num is None:
                raise UnknownEntry
            row = {"subscriber": subscriber_id, "entry": num, "verb": verb, "at": at}
            upsert_where(connection, votes, row, votes.c.at <= at)

    def put_all(self, said: Mapping[int, Sequence[Vote]], latest: datetime) -> int:
        """Keep votes of many, by subscriber's number, in one transaction; returns how many are on unknown papers.

        None is taken to be later than `latest`, whatever it says.
        """
        unknown = 0
        with self._database.write() as connection:
            for number, theirs in said.items():
                nums = numbers(connection, sorted({vote.entry for vote in theirs}))
                for vote in theirs:
                    at = min(vote.at, latest)
                    row = {"subscriber": number, "entry": nums.get(vote.entry), "verb": vote.verb, "at": at}
                    if row["entry"] is None:
                        unknown += 1
                    else:
                        upsert_where(connection, votes, row, votes.c.at <= at)
        return unknown

    def take_back(self, subscriber_id: int, entry_ids: Iterable[str]) -> int:
        """Forget what was said of these papers; returns of how many something was."""
        with self._database.write() as connection:
            nums = set(numbers(connection, sorted(set(entry_ids))).values())
            mine = delete(votes).where(votes.c.subscriber == subscriber_id)
            return sum(
                connection.execute(mine.where(votes.c.entry.in_(some))).rowcount for some in batched(nums, TOGETHER)
            )

    def of(self, subscriber_ids: Sequence[int]) -> dict[int, list[Vote]]:
        """Subscriber id → their votes, oldest first; who never voted is left out."""
        query = _told().where(votes.c.subscriber.in_(subscriber_ids))
        found: dict[int, list[Vote]] = {}
        with self._database.read() as connection:
            for row in connection.execute(query):
                found.setdefault(row.subscriber, []).append(_vote(row))
        return found

    def beside(self, people: Iterable[Subscriber]) -> Iterator[tuple[Subscriber, list[Vote]]]:
        """Each person with their votes, asked for a page at a time."""
        for some in batched(people, TOGETHER):
            said = self.of([person.id for person in some])
            yield from ((person, said.get(person.id, [])) for person in some)

    def all_votes(self) -> Iterator[tuple[int, Vote]]:
        """(subscriber id, vote) of everybody, oldest first: for evaluation."""
        with self._database.read() as connection:
            yield from ((row.subscriber, _vote(row)) for row in connection.execute(_told()))

    def shown(
        self, subscriber_ids: Sequence[int], most_issues: int, before: datetime | None = None
    ) -> dict[int, list[Showing]]:
        """Subscriber id → the papers of their latest issues, oldest issue first.

        `before`: of the latest of those that were planned before then.
        """
        place = func.dense_rank().over(partition_by=shown.c.subscriber, order_by=shown.c.issue.desc())
        theirs = select(shown, place.label("place")).where(shown.c.subscriber.in_(subscriber_ids))
        if before:
            theirs = theirs.where(shown.c.issue.in_(select(issues.c.num).where(issues.c.planned < before)))
        mine = theirs.subquery()
        query = (
            select(mine.c.subscriber, entries.c.id, issues.c.key, issues.c.planned)
            .join(entries, entries.c.num == mine.c.entry)
            .join(issues, issues.c.num == mine.c.issue)
            .where(mine.c.place <= most_issues)
            .order_by(issues.c.num, entries.c.num)
        )
        found: dict[int, list[Showing]] = {}
        with self._database.read() as connection:
            for row in connection.execute(query):
                found.setdefault(row.subscriber, []).append(Showing(row.id, row.key, row.planned))
        return found

    def papers(self, since: datetime, beside: datetime, subscriber_ids: Sequence[int] | None = None) -> set[str]:
        """Ids of what was voted on since then, and of what stood beside it in an issue planned since `beside`.

        Of everybody, or of these subscribers.
        """
        if subscriber_ids is None:
            return self._papers(since, beside, true())
        groups = (votes.c.subscriber.in_(some) for some in batched(subscriber_ids, TOGETHER))
        return {paper for group in groups for paper in self._papers(since, beside, group)}

    def _papers(self, since: datetime, beside: datetime, whose: ColumnElement[bool]) -> set[str]:
        voted = select(votes.c.entry).where(votes.c.at >= since, whose)
        nums = voted.union(_neighbours(beside).where(whose)).subquery()
        query = select(entries.c.id).join(nums, nums.c.entry == entries.c.num)
        with self._database.read() as connection:
            return set(connection.execute(query).scalars())

    def wanted(self, key: str) -> dict[int, set[str]]:
        """Subscriber id → ids of the papers that this issue showed them and that they voted for."""
        query = (
            select(votes.c.subscriber, entries.c.id)
            .join(shown, (shown.c.subscriber == votes.c.subscriber) & (shown.c.entry == votes.c.entry))
            .join(issues, issues.c.num == shown.c.issue)
            .join(entries, entries.c.num == votes.c.entry)
            .where(issues.c.key == key, votes.c.verb.in_(WANTED))
        )
        found: dict[int, set[str]] = {}
        with self._database.read() as connection:
            for row in connection.execute(query):
                found.setdefault(row.subscriber, set()).add(row.id)
        return found

    def counted(self, verbs: Collection[Verb]) -> dict[str, int]:
        """Entry id → how many active subscribers say one of these."""
        query = (
            select(entries.c.id, func.count())
            .join(votes, votes.c.entry == entries.c.num)
            .join(subscribers, subscribers.c.id == votes.c.subscriber)
            .where(subscribers.c.status == Status.ACTIVE, votes.c.verb.in_(verbs))
            .group_by(entries.c.id)
            .order_by(entries.c.id)
        )
        with self._database.read() as connection:
            return {entry: int(count) for entry, count in connection.execute(query)}


def _told() -> Select[tuple[int, str, str, datetime]]:
    return select(*_VOTE).join(entries, entries.c.num == votes.c.entry).order_by(votes.c.at, entries.c.num)


def _neighbours(since: datetime) -> Select[tuple[int]]:
    """Row numbers of the papers shown to a subscriber in one issue with a paper that they voted for.

    Votes from before are not looked at: nobody voted on an issue before it was planned.
    """
    own, near = shown.alias(), shown.alias()
    return (
        select(near.c.entry)
        .select_from(votes)
        .join(own, (own.c.subscriber == votes.c.subscriber) & (own.c.entry == votes.c.entry))
        .join(issues, issues.c.num == own.c.issue)
        .join(near, (near.c.subscriber == own.c.subscriber) & (near.c.issue == own.c.issue))
        .where(issues.c.planned >= since, votes.c.at >= since, votes.c.verb.in_(WANTED))
    )


def _vote(row: Row[Any]) -> Vote:
    return Vote(row.id, Verb(row.verb), row.at)
