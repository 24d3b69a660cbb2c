"""The schedule: what is due now is done, one step after the other."""

from __future__ import annotations

import asyncio
from datetime import datetime

from newsletter.errors import HostDown, IssuePaused, NewsletterError
from newsletter.schedule import local_minute
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
from newsletter.types import Cadence, Outcome

TURN = 60.0  #: seconds after which the schedule sends something else than what waits for a slow domain
PASSING = 30.0  #: seconds for vectors, while the schedule waits


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
        self._context = context
        self._settings = context.settings
        self._store = context.store
        self._now = context.now
        self._calendar = calendar
        self._reports = reports
        self._collection = collection
        self._planning = planning
        self._sending = sending
        self._summaries = summaries
        self._vectors = vectors
        self._bounces_read: datetime | None = None
        self._unfinished = False  #: something was collected since summaries and vectors were last asked for

    async def tick(self, stop: asyncio.Event | None = None) -> list[str]:
        """Do what is due now: collect, plan the last slot's issue if it was not, send. Returns what was done.

        After a downtime only the latest slot of each cadence is caught up with, and none from before the store was
        first used. One step's trouble keeps no other step from being done; the first one is raised at the end.
        """
        done: list[str] = []
        troubles: list[NewsletterError] = []
        cadences = await asyncio.to_thread(self._calendar.begin)
        plans = [asyncio.to_thread(self._plan_if_owed, cadence) for cadence in cadences]
        steps = [self._read_if_due(stop), self._collect_if_due(), *plans, self._send_if_due(stop), self._purge()]
        for step in [*steps, self._finish_if_collected()]:
            try:
                done += await step
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

    def _plan_if_owed(self, cadence: Cadence) -> list[str]:
        owed = self._calendar.owed(cadence)
        return self._planning.plan_owed(owed) if owed else self._planning.complete(cadence)

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

    async def _collect_if_due(self) -> list[str]:
        if not await asyncio.to_thread(self._collection.is_due):
            return []
        added = sum(collected.added for collected in await self._collection.collect())
        self._unfinished = True
        return [f"collected {added} new entries"]

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
