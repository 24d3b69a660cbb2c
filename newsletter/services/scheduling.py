"""The schedule: what is due now is done, one step after the other, and a collection beside them.

bounces ─▶ collect ─▶ plan ─▶ send ─▶ purge ─▶ summaries, vectors
              └── goes on beside the rest: an issue that is to be planned waits for it, PLAN_WITHIN at most
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime
from functools import partial

from newsletter.errors import HostDown, IssuePaused, NewsletterError
from newsletter.schedule import local_minute
from newsletter.services.background_collection import BackgroundCollection
from newsletter.services.bounce_reports import Heeded, ended_by
from newsletter.services.collection import Collecting
from newsletter.services.context import Context
from newsletter.services.issue_calendar import IssueCalendar
from newsletter.services.mailbox_reports import MailboxReports
from newsletter.services.planning import Planning
from newsletter.services.sending import Sending, Sent
from newsletter.services.subscriptions import purge_pending
from newsletter.services.summaries import Summarising
from newsletter.services.vectors import EntryVectors
from newsletter.types import Cadence, Issue, Outcome

TURN = 60.0  #: seconds after which the schedule sends something else than what waits for a slow domain
PASSING = 30.0  #: seconds for vectors, while the schedule waits
PLAN_WITHIN = 300.0  #: seconds that an issue is not planned for the sake of papers that are being collected
_DRAFT = "told of a draft"  #: what the store remembers by it that the log has told of

Step = Callable[[], Awaitable[list[str]]]

logger = logging.getLogger("newsletter")


class Scheduling:
    """Decides what is due, and lets the other services do it."""

    def __init__(
        self,
        context: Context,
        calendar: IssueCalendar,
        reports: MailboxReports,
        collection: Collecting,
        planning: Planning,
        sending: Sending,
        summaries: Summarising,
        vectors: EntryVectors,
    ) -> None:
        self.plan_within = PLAN_WITHIN
        self._context = context
        self._settings = context.settings
        self._store = context.store
        self._now = context.now
        self._calendar = calendar
        self._reports = reports
        self._collection = collection
        self._background = BackgroundCollection(collection)
        self._planning = planning
        self._sending = sending
        self._summaries = summaries
        self._vectors = vectors
        self._bounces_read: datetime | None = None
        self._unfinished = False  #: something was collected since summaries and vectors were last asked for

    async def tick(self, stop: asyncio.Event | None = None) -> list[str]:
        """Do all that is due now: collect, plan the last slot's issue if it was not, send. Returns what was done.

        Planning and sending wait PLAN_WITHIN for a collection at most; one that takes longer goes on beside them, and
        its end is waited for. After a downtime only the latest slot of each cadence is caught up with, and none from
        before the store was first used. One step's trouble keeps no other step from being done; the first one is raised
        at the end.
        """
        try:
            return await self._do(stop, self.plan_within)
        finally:
            await self.end()

    async def look(self, stop: asyncio.Event | None = None) -> list[str]:
        """Do the same, for who looks again and again: a collection is only begun, and told by the look after its end.

        An issue that is to be planned waits for it, PLAN_WITHIN at most. `end` breaks it off.
        """
        return await self._do(stop, 0.0)

    async def end(self) -> None:
        """Break off the collection that a look began, if one is under way."""
        await self._background.end()

    async def _do(self, stop: asyncio.Event | None, patience: float) -> list[str]:
        """One pass; `patience`: seconds that it waits for a collection before it plans, 0 where it need not end."""
        done: list[str] = []
        troubles: list[NewsletterError] = []
        cadences = await asyncio.to_thread(self._calendar.begin)
        steps: list[Step] = [
            partial(self._read_if_due, stop),
            partial(self._collect_if_due, cadences, stop, patience),
            *(partial(self._plan_if_owed, cadence, stop) for cadence in cadences),
            partial(self._send_if_due, stop),
            self._purge,
            *([partial(self._wait_for_collection, stop)] if patience else []),
            self._finish_if_collected,
        ]
        for step in steps:
            try:
                done += await step()
            except NewsletterError as error:
                troubles.append(error)
        if troubles:
            raise troubles[0]
        return done

    def begin(self) -> None:
        """Note that the store is in use from now on: no issue is owed for the time before."""
        self._calendar.begin()

    def next_issue(self) -> datetime:
        """When the next issue goes out to who has no time of their own; past, where one is owed."""
        return min(self._calendar.next_due(cadence) for cadence in self._calendar.cadences())

    def next_issue_told(self) -> str:
        """The same for people, in the newsletter's time zone."""
        return local_minute(self.next_issue(), self._settings.schedule.timezone)

    async def _plan_if_owed(self, cadence: Cadence, stop: asyncio.Event | None) -> list[str]:
        """Not where a stop broke off a collection: the issue would lack its papers."""
        return [] if stop and stop.is_set() else await asyncio.to_thread(self._plan_now, cadence)

    def _plan_now(self, cadence: Cadence) -> list[str]:
        issues = self._store.issues.listed()
        owed = self._calendar.owed(cadence, issues)
        if owed is None:
            self._tell_of_draft(cadence, issues)
            return self._planning.complete(cadence, issues)
        return [] if self._background.is_younger_than(self.plan_within) else self._planning.plan_owed(owed)

    def _tell_of_draft(self, cadence: Cadence, issues: Collection[Issue]) -> None:
        """Log, once, that the schedule sends nothing because somebody's draft is in the place of its issue."""
        key, note = self._calendar.draft_in_place(cadence, issues), f"{_DRAFT} {cadence}"
        if key and self._store.noted(note) != key:
            logger.warning(
                "a draft is in the place of the issue that is due: "
                "`newsletter issues --approve` lets the schedule send it, `--cancel` takes it back",
                extra={"issue": key},
            )
            self._store.note(note, key)

    async def _read_if_due(self, stop: asyncio.Event | None) -> list[str]:
        """Bounces first: whoever cannot be reached any more is not sent to again."""
        section, last = self._settings.bounces, self._bounces_read
        if not section.has_mailbox or (last and self._now() < last + section.read_every):
            return []
        self._bounces_read = self._now()

        def read() -> list[Heeded]:
            with self._reports.mailboxes() as mailboxes:
                return self._reports.read(mailboxes, stopped=stop.is_set if stop else lambda: False)

        return ended_by(await asyncio.to_thread(read))

    async def _collect_if_due(
        self, cadences: Collection[Cadence], stop: asyncio.Event | None, patience: float
    ) -> list[str]:
        """Begin a collection that is due, or tell what one brought; not both, as planning waits for a new one."""
        told = self._collected()
        if not told and not self._background.under_way and await asyncio.to_thread(self._is_collection_due, cadences):
            self._background.begin()
        if patience:
            await self._background.wait(patience, stop)
        return told + self._collected()

    def _is_collection_due(self, cadences: Collection[Cadence]) -> bool:
        """Whether one is due; where an issue is to be planned, also one that is nearly due: it has its papers then."""
        return self._collection.is_due(soon=True) and (
            self._collection.is_due() or any(self._calendar.owed(cadence) for cadence in cadences)
        )

    async def _wait_for_collection(self, stop: asyncio.Event | None) -> list[str]:
        await self._background.wait(None, stop)
        return self._collected()

    def _collected(self) -> list[str]:
        """What was collected since it was last asked; raises what went wrong with it."""
        found = self._background.result()
        if found is None:
            return []
        self._unfinished = True
        return [f"collected {sum(collected.added for collected in found)} new entries"]

    async def _send_if_due(self, stop: asyncio.Event | None) -> list[str]:
        """Every open issue gets its turn, the oldest first; raises the first trouble after that."""
        done, troubles = [], []
        for issue in reversed(await asyncio.to_thread(self._store.issues.open_ones)):
            if not await asyncio.to_thread(self._sending.is_due, issue.key):
                continue
            try:
                sent = await self._sending.send(issue.key, stop=stop, turn=TURN)
            except NewsletterError as error:
                troubles.append(error)
                continue
            done += [self._told(issue.key, sent)] if sent.outcomes else []
            kind = IssuePaused if sent.tally.paused else HostDown
            troubles += [kind(sent.trouble)] if sent.trouble else []
        if troubles:
            raise troubles[0]
        return done

    def _told(self, key: str, sent: Sent) -> str:
        """What one run of an issue did, and who of its readers waits for a time of their own."""
        zone, ahead = self._settings.schedule.timezone, sent.ahead
        others = {outcome: count for outcome, count in sent.outcomes.items() if outcome is not Outcome.ACCEPTED}
        counts = [f"sent {sent.outcomes[Outcome.ACCEPTED]}", *(f"{count} {name}" for name, count in others.items())]
        waiting = f"; {ahead.number} wait, the first until {local_minute(ahead.first, zone)}" if ahead.first else ""
        return f"{key}, {local_minute(self._now(), zone)}: {', '.join(counts)}{waiting} ({sent.tally})"

    async def _purge(self) -> list[str]:
        """Who never confirmed is forgotten in silence."""
        await asyncio.to_thread(purge_pending, self._context)
        return []

    async def _finish_if_collected(self) -> list[str]:
        """Summaries and vectors, after everything else: nothing waits for them."""
        if not self._unfinished:
            return []
        self._unfinished = False
        done = await self._summaries.summarise()
        await asyncio.to_thread(self._vectors.embed, PASSING)
        return [f"{done.written} summaries written"] if done and done.written else []
