"""The engine: the wired set of services. Doors (cli, web, workers) call them; the engine itself does nothing."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from newsletter.config import Settings
from newsletter.sender import Transport
from newsletter.services.accounting import Accounting
from newsletter.services.archive import Archive
from newsletter.services.bounce_reports import BounceReports
from newsletter.services.collection import Collecting
from newsletter.services.context import Context, utc_now
from newsletter.services.editions import IssueEditions
from newsletter.services.evaluation import Evaluation
from newsletter.services.explaining import Explaining
from newsletter.services.issue_calendar import IssueCalendar
from newsletter.services.mailbox_reports import MailboxReports
from newsletter.services.papers import Papers
from newsletter.services.planning import Planning
from newsletter.services.prepared import Signatures
from newsletter.services.readership import KnownReaders
from newsletter.services.scheduling import Scheduling
from newsletter.services.sending import Sending, SendTuning
from newsletter.services.single_mail import SingleMails
from newsletter.services.status import StatusReports
from newsletter.services.subscriptions import Subscriptions
from newsletter.services.summaries import Summarising
from newsletter.services.vectors import EntryVectors
from newsletter.services.wiring import leave_by_mail, pace, return_path, routes, signing
from newsletter.store import Store
from newsletter.tokens import Tokens


@dataclass(frozen=True, slots=True)
class Engine:
    """Everything the product does, one service a use case. Made by `make_engine`."""

    settings: Settings
    store: Store  #: for the services, and for tests; doors never touch it
    tokens: Tokens
    now: Callable[[], datetime]
    accounting: Accounting
    archive: Archive
    bounces: MailboxReports
    calendar: IssueCalendar
    collection: Collecting
    editions: IssueEditions
    evaluation: Evaluation
    explaining: Explaining
    papers: Papers
    planning: Planning
    readers: KnownReaders
    scheduling: Scheduling
    sending: Sending
    status: StatusReports
    subscriptions: Subscriptions
    summaries: Summarising
    vectors: EntryVectors

    def close(self) -> None:
        """Close the store."""
        self.store.close()


def make_engine(
    settings: Settings,
    store: Store | None = None,
    transport: Transport | None = None,
    now: Callable[[], datetime] = utc_now,
    tuning: SendTuning | None = None,
) -> Engine:
    """Wire the services: cli, web, workers and tests all come through here.

    Raises StoreError, MigrationNeeded, and ConfigError where a key cannot sign.
    """
    if store is None:
        store = Store(settings.store_url)
        store.check()
    secret = settings.newsletter.secret
    tokens = Tokens(secret.get_secret_value() if secret else store.secret())
    context = Context(settings, store, tokens, now)
    sign, path, ways = signing(settings), return_path(settings, tokens), routes(settings, transport)
    leaving = leave_by_mail(settings, tokens)
    papers, single_mails, accounting = Papers(store), SingleMails(ways), Accounting(context)
    readers = KnownReaders(context, papers)
    vectors = EntryVectors(context, readers)
    collection, summaries = Collecting(context, papers), Summarising(context)
    calendar = IssueCalendar(context)
    planning = Planning(context, calendar, collection, vectors)
    editions = IssueEditions(context, planning, readers, papers, vectors, Signatures(tokens, path, leaving, sign))
    sending = Sending(context, editions, accounting, single_mails, ways, pace(settings), tuning or SendTuning())
    bounces = MailboxReports(context, BounceReports(context, path, leaving))
    scheduling = Scheduling(context, calendar, bounces, collection, planning, sending, summaries, vectors)
    return Engine(
        settings=settings,
        store=store,
        tokens=tokens,
        now=now,
        accounting=accounting,
        archive=Archive(settings, store.issues),
        bounces=bounces,
        calendar=calendar,
        collection=collection,
        editions=editions,
        evaluation=Evaluation(context, readers, papers, vectors),
        explaining=Explaining(context, editions, readers, papers),
        papers=papers,
        planning=planning,
        readers=readers,
        scheduling=scheduling,
        sending=sending,
        status=StatusReports(context, calendar, collection, scheduling, vectors),
        subscriptions=Subscriptions(context, papers, single_mails, sign),
        summaries=summaries,
        vectors=vectors,
    )
