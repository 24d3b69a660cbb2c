"""The engine: the only place that knows every stage. Doors (cli, web, workers) call it and add nothing.

    collect   sources ─ collector ─▶ entries ─▶ store
    embed     news ─ embedder ─▶ vectors (kept); where it fails, papers are ranked by their words alone
    plan      store: pool, templates and audience are frozen; one delivery per subscriber
    feedback  web, CLI ─▶ votes ─ selector.feedback ─▶ signals of the profiles that are chosen for
    send      claim ─ selector ─▶ editions (kept) ─ renderer ─▶ mails, signed ─ begin ─ transport ─▶ settle
    bounces   mailboxes, web hooks ─ sender.bounces ─▶ reports ─ returns: ours? ─▶ subscribers
    explain   one reader, one entry ─ selector.explain ─▶ why it was taken or left, number by number
    archive   issues that went out ─ selector ─▶ what everybody may see ─ renderer ─▶ pages
    evaluate  editions (kept), votes, pools chosen anew ─ quality ─▶ report
    status    the ledger adds up: planned = accepted + refused + skipped + expired + uncertain + waiting

An edition is kept before its mail goes out, so that a mail is the same to the byte when it is sent again.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from copy import copy
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from email.utils import parseaddr
from math import inf
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING
from urllib.parse import quote

from newsletter import collector
from newsletter.bounces.mailboxes import Mailbox, Maildir
from newsletter.bounces.providers import read_hook
from newsletter.bounces.verp import ReturnPath
from newsletter.collector import Harvest
from newsletter.collector.summarizer import Summaries, Summariser, content_key, extract
from newsletter.collector.trend import Counted, field_of, trends
from newsletter.config import RelaySection, Settings, SmtpSection
from newsletter.embedder import Embedder, Vectoriser, make_embedder, paper_text
from newsletter.errors import (
    HostDown,
    InputError,
    IssuePaused,
    NewsletterError,
    SourceError,
    StoreBusy,
    StoreError,
    UnknownEntry,
    UnknownSubscriber,
    Withdrawn,
)
from newsletter.i18n import catalogues_of
from newsletter.schedule import KEY, Slot, issue_key, last_slot, next_slot, own_due, window
from newsletter.selector import evaluation
from newsletter.sender import (
    REST,
    Breaker,
    FolderTransport,
    Gate,
    Job,
    Lane,
    Limit,
    Pace,
    Relay,
    Route,
    Run,
    SmtpTransport,
    Transport,
    Trip,
    domain_of,
    shared_out,
    too_many_complaints,
)
from newsletter.services.archive import Archive
from newsletter.services.bounce_reports import Heeded, Returns
from newsletter.services.overview import Overview
from newsletter.services.progress import RATE_WINDOW, Progress, progress
from newsletter.store import Claim, Frozen, Kept, Later, Named, Plan, Store, batched, day_of
from newsletter.tokens import Purpose, Tokens
from newsletter.types import (
    WANTED,
    Cadence,
    Delivery,
    Edition,
    Entry,
    Health,
    Issue,
    IssueState,
    Links,
    Mail,
    Masthead,
    Outcome,
    Profile,
    Source,
    SourceState,
    Status,
    Subscriber,
    Tally,
    Verb,
    Vote,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from newsletter.selector.explain import Explanation

logger = logging.getLogger("newsletter")

BLOCK = 100  #: subscribers selected, rendered and claimed together
LEASE = timedelta(seconds=4)  #: a sender that has not renewed for this long is dead
RENEW = 1.0  #: seconds
TURN = 60.0  #: seconds after which the schedule sends something else than what waits for a slow domain
GATHER = 0.0005  #: seconds that a transaction waits for others to join
QUICK = 0.004  #: seconds for a transaction
LISTEN = 5.0  #: seconds between two looks at the complaints about an issue that is being sent
ASK_AGAIN = timedelta(minutes=10)  #: at most one confirmation mail per address in this time
PAST_ISSUES = 26  #: half a year of a weekly mail, evaluated
MOST_REPLAYED = 500  #: voters for whom a past issue is chosen anew; enough for a mean, and a bound for the time
LATEST_CACHED = 4  #: prepared issues kept in memory
LIST_SLACK = timedelta(hours=2)  #: a source may rest for an hour while the list that names it is read again
MOST_LIKED = 5_000  #: papers that a profile keeps, the latest: a whole library
MOST_READERS = 50_000  #: whose likes teach which papers go together; more teach little more
MOST_LIKES = 100  #: papers that a source of recommendations is asked with
EMBEDDING = 120.0  #: seconds for the vectors of an issue that were not made before
HURRIED = 10.0  #: seconds, while a page waits
PASSING = 30.0  #: seconds, while the schedule waits
SUMMARISED = 14  #: days back in which news without a TL;DR is given one
COUNTS_KEPT = timedelta(days=21)  #: votes, comments and stars older than this say nothing of a trend
Sign = Callable[[Mail], Mail]  #: what makes a rendered mail final
_MISSING = {
    SourceState.FAILING: "",
    SourceState.STALE: " (nothing new came from it)",
    SourceState.PARTIAL: " (in part)",
}


def utc_now() -> datetime:
    """The clock of a real engine; tests bring their own."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Sent:
    """What one run of `send` did."""

    tally: Tally
    outcomes: Counter[Outcome]  #: of this run only
    trouble: str  #: why it ended early, in the server's words or ours
    stopped: bool  #: ended early because somebody asked


@dataclass(frozen=True, slots=True)
class Collected:
    """What one source brought."""

    harvest: Harvest
    added: int  #: news
    health: Health | None  #: None: it rests, and was never read before


@dataclass(frozen=True, slots=True)
class Heard:
    """A word of a reader on a paper that still counts."""

    entry: str
    title: str
    verb: Verb
    days: int  #: ago
    weight: float  #: 0..1, beside a paper that the profile itself names


@dataclass(frozen=True, slots=True)
class Explained:
    """Why an entry was taken or left for a reader, as of today; and what the mail had, where one was made."""

    issue: Issue
    planned: bool  #: else it is the draft of the next issue
    subscriber: Subscriber
    explanation: Explanation
    heard: tuple[Heard, ...]  #: latest first
    kept: bool  #: an edition was made: today's numbers may differ from those of then
    kept_place: int  #: of the entry in that edition, 1..; 0: it was not in it


@dataclass(frozen=True, slots=True)
class _Readership:
    """What the readers of an issue are known by."""

    library: Mapping[str, Entry]  #: asked-for id → entry: liked, disliked, voted on
    likes: Sequence[Sequence[str]]  #: of each reader
    texts: Mapping[str, str]  #: what an embedder reads: of the library by id, of words by themselves


class Desk:
    """One issue's papers, prepared: chooses editions. Pure but for what it was given."""

    def __init__(
        self,
        frozen: Frozen,
        library: Mapping[str, Entry],
        settings: Settings,
        twins: Collection[str] = (),
        likes: Iterable[Sequence[str]] = (),
        vectors: Mapping[str, NDArray[np.float32]] | None = None,
    ) -> None:
        """`likes`: what each reader likes, by ids that `library` knows; `vectors`: of entries, by id, and of words.

        `vectors` None: no embedder is configured, or it failed.
        """
        self.issue = frozen.issue
        self.entries = {entry.id: entry for entry in frozen.entries}
        self._library = library
        self._aliases = {asked: entry.id for asked, entry in library.items()}
        self._defaults = settings.selection
        self._tell_as(frozen)
        others = [entry for entry in dict.fromkeys(library.values()) if entry.id not in self.entries]
        from newsletter import selector  # with numpy and scipy; to collect needs neither

        rises = {entry.id: entry.trend for entry in frozen.entries if entry.trend is not None}
        candidates = [entry for entry in frozen.entries if entry.id not in twins]
        liked = [self._known(each, ()) for each in likes]
        self._pool = selector.prepare(candidates, others, rises or None, liked, vectors)

    def _tell_as(self, frozen: Frozen) -> None:
        """In which words editions are told, and which parts they have."""
        self._catalogues, self._language = catalogues_of(frozen.templates), frozen.masthead.language
        self._tells_popular = "popular" in frozen.masthead.sections

    def choose(self, people: Sequence[Subscriber], seen: Mapping[int, set[str]]) -> list[Edition]:
        """One edition per subscriber, in their order; their profiles hold their signals. Called by Engine only."""
        from newsletter import selector

        profiles = [self._completed(person.profile) for person in people]
        gone = [seen.get(person.id, set()) for person in people]
        messages = [self._catalogues.messages(person.language, self._language) for person in people]
        chosen = selector.select(self._pool, profiles, gone, messages=messages)
        popular: Sequence[tuple[Entry, ...]] = [()] * len(people)
        if self._tells_popular:
            popular = selector.popular(self._pool, profiles, gone, chosen)
        return [
            Edition(self.issue, person, picks, popular=beside)
            for person, picks, beside in zip(people, chosen, popular, strict=True)
        ]

    def explain(self, person: Subscriber, seen: set[str], entry_id: str) -> Explanation:
        """As `choose` for this person alone, taken apart for one entry. Called by Engine only."""
        from newsletter.selector.explain import explain

        return explain(self._pool, self._completed(person.profile), seen, entry_id)

    def survey(self, person: Subscriber, seen: set[str]) -> tuple[Explanation, ...]:
        """As `explain` for every candidate, without the parts of its score. Called by Engine only."""
        from newsletter.selector.survey import survey

        return survey(self._pool, self._completed(person.profile), seen)

    def title(self, entry_id: str) -> str:
        """Of a candidate, or of what readers named; "" where it is neither."""
        known = self.entries.get(entry_id) or self._library.get(entry_id)
        return known.title if known else ""

    def _completed(self, profile: Profile) -> Profile:
        """The newsletter's defaults where the subscriber said nothing; every id by its entry's own name.

        A vote is a later word than what the profile says of the same paper.
        """
        own = self._defaults
        signals = tuple(replace(each, entry=self._name(each.entry)) for each in profile.signals)
        refused = {each.entry for each in signals if each.verb is Verb.LESS}
        wanted = {each.entry for each in signals if each.verb in WANTED}
        return replace(
            profile,
            size=own.size if profile.size is None else profile.size,
            hype=own.hype if profile.hype is None else profile.hype,
            surprise=own.surprise if profile.surprise is None else profile.surprise,
            liked=self._known(profile.liked, refused),
            disliked=self._known(profile.disliked, wanted),
            interests=tuple(replace(each, liked=self._known(each.liked, refused)) for each in profile.interests),
            signals=signals,
        )

    def _known(self, ids: Iterable[str], but: Collection[str]) -> tuple[str, ...]:
        return tuple(name for name in map(self._name, ids) if name not in but)

    def _name(self, entry_id: str) -> str:
        return entry_id if entry_id in self.entries else self._aliases.get(entry_id, entry_id)


class Press(Desk):
    """One issue, frozen and prepared: chooses and prints editions."""

    def __init__(
        self,
        frozen: Frozen,
        library: Mapping[str, Entry],
        settings: Settings,
        tokens: Tokens,
        sign: Sign,
        twins: Collection[str] = (),
        likes: Iterable[Sequence[str]] = (),
        vectors: Mapping[str, NDArray[np.float32]] | None = None,
    ) -> None:
        """See Desk; raises TemplateError."""
        super().__init__(frozen, library, settings, twins, likes, vectors)
        self._tokens = tokens
        self._sign = sign
        self._return_path = return_path(settings, tokens)
        self._compile(frozen)

    def _compile(self, frozen: Frozen) -> None:
        from newsletter.renderer import make_renderer

        self.frozen = frozen
        self._masthead = frozen.masthead
        renderer = make_renderer(frozen.templates, frozen.masthead)
        self._prepared = renderer.open(frozen.issue, frozen.entries, frozen.missing)

    def in_templates(self, templates: Mapping[str, str], masthead: Masthead) -> Press:
        """The same papers, and so the same choices, in other templates. Raises TemplateError."""
        other, frozen = copy(self), replace(self.frozen, templates=templates, masthead=masthead)
        other._compile(frozen)
        other._tell_as(frozen)
        return other

    def kept(self, edition: Edition, made: datetime) -> Kept:
        """An edition that fits in a mail, with what makes its bytes the same again."""
        edition = self._prepared.fitting(edition, self.links(edition.subscriber.id))
        domain = parseaddr(self._masthead.sender)[1].rpartition("@")[2]
        return Kept(edition, self._tokens.message_id(self.issue.key, edition.subscriber.id, domain), made)

    def print(self, kept: Kept) -> Mail:
        """The mail: the same bytes and envelope for the same kept edition, always."""
        mail, number = self._sign(self._rendered(kept, kept.edition)), kept.edition.subscriber.id
        sender = self._return_path.of(self.issue.key, number) if number else ""  # a test mail has nobody's number
        return replace(mail, sender=sender or mail.sender)

    def whole(self, kept: Kept) -> Mail:
        """As `print`, with what the mail had no room for: its page on the web, which needs no signature."""
        return self._rendered(kept, replace(kept.edition, picks=kept.edition.picks + kept.edition.more, more=()))

    def _rendered(self, kept: Kept, edition: Edition) -> Mail:
        return self._prepared.render(edition, self.links(edition.subscriber.id), kept.message_id, kept.made)

    def links(self, number: int) -> Links:
        """All signed for one purpose each."""
        base, sign = self._masthead.base_url, self._tokens.sign
        unsubscribe = sign(Purpose.UNSUBSCRIBE, number)
        address = parseaddr(self._masthead.reply_to or self._masthead.sender)[1]
        return Links(
            view=f"{base}/view/{sign(Purpose.VIEW, number, self.issue.key)}",
            interests=f"{base}/interests/{sign(Purpose.INTERESTS, number)}",
            unsubscribe=f"{base}/unsubscribe/{unsubscribe}",
            unsubscribe_mailto=f"mailto:{quote(address, safe='@')}?subject=unsubscribe%20{unsubscribe}",
            feedback=f"{base}/feedback/{sign(Purpose.FEEDBACK, number)}",
        )


class Engine:
    """Everything the product does, one method a verb. Made by `make_engine`."""

    def __init__(
        self, settings: Settings, store: Store, routes: Sequence[Route], now: Callable[[], datetime] = utc_now
    ) -> None:
        self.settings = settings
        self.store = store
        self.routes = routes
        self.now = now
        self.archive = Archive(settings, store.issues)
        self._pace = pace(settings)
        self._breakers: dict[str, Breaker] = {}  #: by issue, from one run to the next
        secret = settings.newsletter.secret
        self.tokens = Tokens(secret.get_secret_value() if secret else store.secret())
        self._sign = signing(settings)
        self._presses: dict[str, Press] = {}
        self._returns = Returns(
            store,
            return_path(settings, self.tokens),
            settings.bounces.soft_limit,
            settings.bounces.soft_within,
            lambda: self.now(),
        )
        self._bounces_read: datetime | None = None
        self._unfinished = False  #: something was collected since summaries and vectors were last asked for
        self._pressing = Lock()
        self._vectoriser = Vectoriser(settings.selection.model, self._embedder, store.vectors.known, self._keep_vectors)

    # collect

    async def collect(
        self,
        names: Sequence[str] = (),
        keep: bool = True,
        force: bool = False,
        on_done: Callable[[Collected], None] | None = None,
    ) -> list[Collected]:
        """Read the sources (all, or those named) and store what is new.

        One bad source stops nobody else. `keep` False only reads; `force` asks again what was asked within the hour.
        Raises InputError for an unknown name.
        """
        now, section = self.now(), self.settings.newsletter
        before = {each.source: each for each in await asyncio.to_thread(self.store.sources.health)}
        harvests = await collector.collect(
            await asyncio.to_thread(self._sources, names),
            now,
            self.settings.home,
            records=self.store.sources,
            force=force or not keep,
            contact=parseaddr(section.reply_to or section.sender)[1],
        )
        done = []
        for harvest in harvests:
            found = await asyncio.to_thread(self._store, harvest, before.get(harvest.source.name), now, keep)
            done.append(found)
            if on_done:
                on_done(found)
        return done

    def find(self, ids: Iterable[str]) -> dict[str, Entry]:
        """Asked-for id → entry, in any form that an id has: "2401.00001v2", "https://doi.org/10.1000/x"."""
        asked = list(ids)
        found = self.store.entries.find(asked)
        other = {each: collector.names(Entry(each, "")) for each in asked if each not in found}
        named = self.store.entries.find({name for some in other.values() for name in some})
        more = {each: next((named[name] for name in some if name in named), None) for each, some in other.items()}
        return found | {each: entry for each, entry in more.items() if entry}

    def _keep_sightings(self, harvest: Harvest, now: datetime) -> int:
        named = (Named(each.entry, collector.names(each.entry), each.raw) for each in harvest.sightings)
        return self.store.sightings.add(named, now, collector.same_paper)

    def _sources(self, names: Sequence[str]) -> list[Source]:
        sources = [
            replace(each, kind=each.kind or collector.guess_kind(each.location)) for each in self.settings.sources
        ]
        unknown = set(names) - {source.name for source in sources}
        if unknown:
            known = ", ".join(source.name for source in sources) or "none is configured"
            raise InputError(f"There is no source {min(unknown)!r} (known: {known}).")
        return [self._with_likes(source) for source in sources if not names or source.name in names]

    def _with_likes(self, source: Source) -> Source:
        """A source of recommendations gets what the readers like, unless its own list of papers is configured."""
        if source.kind != "semanticscholar" or "liked" in source.options:
            return source
        likes = {
            "liked": self._most_named(_likes, WANTED),
            "disliked": self._most_named(lambda profile: profile.disliked, (Verb.LESS,)),
        }
        return replace(source, options={**source.options, **likes})

    def _most_named(self, chosen: Callable[[Profile], Iterable[str]], verbs: Collection[Verb]) -> list[str]:
        """Ids that most active readers name or voted on, as ids that others know too; nobody's name goes with them."""
        counts = Counter(
            each for person in self.store.subscribers.listed(Status.ACTIVE) for each in chosen(person.profile)
        )
        counts.update(self.store.votes.counted(verbs))
        found = self.find(counts)
        best = [each for each, _ in counts.most_common() if each in found]
        return [(*found[each].also, each)[0] for each in best][:MOST_LIKES]

    def _store(self, harvest: Harvest, before: Health | None, now: datetime, keep: bool) -> Collected:
        if harvest.rested:
            return Collected(harvest, 0, before)
        added = self._keep_sightings(harvest, now) if keep else 0
        try:
            kind = collector.kind_of(harvest.source)
        except SourceError:
            kind = None
        health = collector.judge(before, harvest, added, kind, now)
        if keep:
            self.store.sources.record(health, harvest.receipts)
        ids = {"source": harvest.source.name, "added": added, "state": health.state.value}
        logger.info("collected", extra={**ids, "error": harvest.error})
        return Collected(harvest, added, health)

    async def summarise(self) -> Summaries | None:
        """A TL;DR for the news that has none, in the time that is configured; None where no service is.

        Nothing depends on it: it raises nothing for what the service does.
        """
        section = self.settings.summary
        if not section.url:
            return None
        papers = await asyncio.to_thread(
            self.store.entries.unsummarised, self.now() - timedelta(days=SUMMARISED), section.most
        )
        language = section.language or self.settings.newsletter.language
        keys = {content_key(section.model, language, each.title, each.abstract): each for each in papers}
        written = await asyncio.to_thread(self.store.sources.summaries, list(keys))
        secret = section.key.get_secret_value() if section.key else ""
        service = Summariser(section.url, section.model, secret, language)
        asked = [(key, each.title, each.abstract) for key, each in keys.items() if key not in written]
        done = await service.summarise(asked, section.within.total_seconds(), written.__setitem__)
        await asyncio.to_thread(self.store.sources.put_summaries, written)
        await asyncio.to_thread(self.store.entries.put_tldr, {keys[key].id: text for key, text in written.items()})
        logger.info("summarised", extra={"written": done.written, "failed": done.failed})
        return done

    async def like(self, address: str, library: str, key: str = "") -> tuple[int, Harvest]:
        """Take a reader's reference library (a file, or a Zotero library) as papers they like.

        Returns how many likes are new, and what was read. The papers are known from then on, and are no news. Raises
        InputError where the library cannot be read, UnknownSubscriber.
        """
        person, now = await asyncio.to_thread(self.store.subscribers.find, address), self.now()
        options = {"key": key} if key else {}
        source = Source("library", collector.guess_library(library), library, options)
        [harvest] = await collector.collect([source], now, records=self.store.sources, force=True)
        if harvest.error:
            raise InputError(harvest.error)
        await asyncio.to_thread(self._keep_sightings, harvest, now)
        found = await asyncio.to_thread(self.find, [entry.id for entry in harvest.entries])
        before = dict.fromkeys(person.profile.liked)
        liked = before | dict.fromkeys(found[entry.id].id for entry in harvest.entries if entry.id in found)
        profile = replace(person.profile, liked=tuple(liked)[-MOST_LIKED:])
        await asyncio.to_thread(self.store.subscribers.change, replace(person, profile=profile))
        return len(liked) - len(before), harvest

    # embed

    def vectors(
        self, entries: Iterable[Entry], within: float = EMBEDDING, hurry: bool = False
    ) -> tuple[dict[str, NDArray[np.float32]], str]:
        """Entry id → a vector of length 1 of its title and abstract; and one line of trouble, "" when all is well.

        Where no embedder is configured ({}, ""), where it fails ({}, why): raises nothing for what an embedder does.
        `within`: seconds. `hurry`: for a page; an embedder that has just failed is not asked, nothing is noted.
        """
        return self._embedded({entry.id: paper_text(entry) for entry in entries}, within, hurry)

    def embed(self, within: float = EMBEDDING) -> str:
        """Make the vectors that the next issue will need, as of now; returns the trouble.

        Called after collecting, so that planning and sending need not wait for an embedder.
        """
        if not self.settings.selection.model:
            return ""
        now, cadence = self.now(), self.settings.schedule.cadence
        since = window(cadence, now, self.store.issues.latest_until(cadence))
        news = self.store.entries.new_between(since, now)
        return self._embed(news, within)

    def _embed(self, entries: Iterable[Entry], within: float) -> str:
        """These entries, and what readers like and wrote."""
        return self._embedded({**self._readership().texts, **{each.id: paper_text(each) for each in entries}}, within)[
            1
        ]

    def trouble(self) -> str:
        """Why the configured embedder gave no vectors the last time; "" when it did, or when none is configured."""
        model, noted = self.settings.selection.model, self.store.noted("embedder")
        return noted if model and noted.startswith(f"{model}: ") else ""

    def _embedded(
        self, texts: Mapping[str, str], within: float = EMBEDDING, hurry: bool = False
    ) -> tuple[dict[str, NDArray[np.float32]], str]:
        """The same for any texts: vectors by their keys."""
        vectors, trouble = self._vectoriser.vectors(texts, within, hurry)
        if self.settings.selection.model and not hurry:
            self._unless_read_only(lambda: self.store.note("embedder", trouble))
        return vectors, trouble

    def _embedder(self) -> Embedder | None:
        section = self.settings.selection
        key = section.model_key.get_secret_value() if section.model_key else ""
        return make_embedder(section.model, url=section.model_url, key=key, home=self.settings.home)

    def _keep_vectors(self, model: str, made: Mapping[str, bytes]) -> None:
        self._unless_read_only(lambda: self.store.vectors.put(model, made))

    @staticmethod
    def _unless_read_only(write: Callable[[], None]) -> None:
        """What is only kept to save work later on must not stop the work."""
        try:
            write()
        except StoreError as error:
            logger.warning("not kept", extra={"error": str(error)})

    # plan

    def plan(
        self, cadence: Cadence | None = None, key: str = "", until: datetime | None = None
    ) -> tuple[Issue, Tally, bool]:
        """Freeze an issue; (issue, its accounting, whether it is new). Planning twice adds nobody twice."""
        from newsletter.renderer import make_renderer

        schedule = self.settings.schedule
        cadence, now = cadence or schedule.cadence, self.now()
        until = until or now
        key = key or issue_key(cadence, until, schedule.timezone)
        if not KEY.fullmatch(key):
            raise InputError(f"{key!r}: the key of an issue is up to 64 letters, digits, dots and dashes")
        issue = Issue(key, cadence, window(cadence, until, self.store.issues.latest_until(cadence)), until)
        templates = self._templates()
        make_renderer(templates, self.settings.masthead)  # a template that cannot be rendered is not frozen
        planned = self.store.issues.plan(
            Plan(
                issue=issue,
                masthead=self.settings.masthead,
                templates=templates,
                missing=self._missing(),
                planned=now,
                expires=now + schedule.expire_after,
                cadence_default=schedule.cadence,
                due=lambda weekday, hour, zone: own_due(cadence, self._slot(weekday, hour, zone), now),
                ready=self._readied(now),
                spread=schedule.spread,
            )
        )
        logger.info("planned", extra={"issue": key, "deliveries": planned})
        if planned >= 0 and self.settings.selection.model:
            self._embed(self.store.issues.frozen(key).entries, EMBEDDING)
        return self.store.issues.get(key), self.store.ledger.tally(key), planned >= 0

    def _slot(self, weekday: int | None = None, hour: int | None = None, zone: str | None = None) -> Slot:
        schedule = self.settings.schedule
        return Slot(
            schedule.weekday if weekday is None else weekday,
            schedule.hour if hour is None else hour,
            zone or schedule.timezone,
        )

    def _missing(self) -> tuple[str, ...]:
        """Sources that were not all there when they were last tried, in words for the readers."""
        return tuple(f"{each.source}{_MISSING[each.state]}" for each in self.health() if each.state in _MISSING)

    def health(self) -> list[Health]:
        """Of the configured sources that were read, and of those that a configured list names."""
        names = {source.name for source in self.settings.sources}
        known = {each.source: each for each in self.store.sources.health()}
        return [each for name, each in known.items() if name in names or self._still_named(each, known)]

    def _still_named(self, each: Health, known: Mapping[str, Health]) -> bool:
        """Whether a configured list names this source: then it was read about when the list was."""
        of = known.get(each.source.partition(": ")[0])
        configured = {source.name for source in self.settings.sources}
        return of is not None and of.source in configured and of.checked - each.checked < LIST_SLACK

    def _readied(self, now: datetime) -> Callable[[Entry], Entry]:
        """What is added to an entry when it is frozen: its trend, and where summaries are wanted, one in any case."""
        rises, wanted = self._trends(now), bool(self.settings.summary.url)

        def ready(entry: Entry) -> Entry:
            tldr = entry.tldr or (extract(entry.title, entry.abstract) if wanted else "")
            return replace(entry, trend=rises.get(entry.id), tldr=tldr)

        return ready

    def _trends(self, now: datetime) -> dict[str, float]:
        """Entry id → trend, among all papers whose counts were seen lately."""
        taken, known = self.store.entries.snapshots(now - COUNTS_KEPT)
        counts: dict[str, dict[str, list[tuple[int, int]]]] = {}
        for shot in taken:
            for signal in ("votes", "comments", "stars"):
                value = getattr(shot, signal)
                if value is not None:
                    mine = counts.setdefault(shot.entry, {})
                    mine.setdefault(f"{shot.source}/{signal}", []).append((shot.day, value))
        papers = [
            Counted(key, field_of(known[key][0].topics), max(0, (now - _born(*known[key])).days), mine)
            for key, mine in counts.items()
        ]
        return trends(papers, day_of(now))

    def overview(self) -> Overview:
        """Called by `newsletter status`."""
        now, schedule = self.now(), self.settings.schedule
        since = window(schedule.cadence, now, self.store.issues.latest_until(schedule.cadence))
        news, seen = self.store.entries.counted(since, now)
        health = tuple(self.health())
        read = {each.source for each in health}
        return Overview(
            now=now,
            health=health,
            unread=tuple(source.name for source in self.settings.sources if source.name not in read),
            since=since,
            news=news,
            seen=seen,
            readers=self.store.subscribers.counted(),
            issues=tuple(self.store.ledger.tally(issue.key) for issue in self.store.issues.listed()[:10]),
            due=self.next_event(),
            collect_every=schedule.collect_every,
            embedder=self.trouble(),
        )

    def _templates(self, kind: str = "weekly") -> dict[str, str]:
        from newsletter.renderer import wanted_templates

        return wanted_templates(self.settings, kind)

    def languages(self) -> dict[str, str]:
        """That a mail can be in: BCP 47 tag → its name in itself."""
        catalogues = catalogues_of(self._templates())
        return {each: catalogues.messages(each).name for each in catalogues.languages}

    # select and render

    def press(self, key: str) -> Press:
        """The prepared issue; raises UnknownIssue."""
        with self._pressing:  # pages ask from several threads; one of them prepares
            if key not in self._presses:
                while len(self._presses) >= LATEST_CACHED:
                    del self._presses[next(iter(self._presses))]
                self._presses[key] = self._press(self.store.issues.frozen(key))
            return self._presses[key]

    def trial(self, key: str = "", guest: Subscriber | None = None) -> Press:
        """For a preview: an issue, or ("") the one that would be planned now, for all its readers, prepared anew.

        `guest`: a reader who is none of them, or one of them with another profile; their papers are known too. Where
        nothing is new since the last issue, the pool reaches one period back. An embedder gets little time.
        """
        frozen = self.store.issues.frozen(key) if key else self._drafted(generous=True)
        return self._press(frozen, guest=guest, hurry=True)

    def in_templates_of_today(self, press: Press) -> Press:
        """The same issue, planned or not, as the templates are now. Raises TemplateError."""
        return press.in_templates(self._templates(), self.settings.masthead)

    def draft(self, people: Iterable[Subscriber] | None = None) -> Press:
        """The issue that would be planned now, from today's pool and templates, for `people` (all by default)."""
        return self._press(self._drafted(), people, hurry=people is not None)

    def _drafted(self, generous: bool = False) -> Frozen:
        now, cadence = self.now(), self.settings.schedule.cadence
        since = window(cadence, now, self.store.issues.latest_until(cadence))
        entries = self.store.entries.new_between(since, now)
        if generous and not entries:
            since = window(cadence, now, None)
            entries = self.store.entries.new_between(since, now)
        entries = [*map(self._readied(now), entries)]
        issue = Issue(self._next_key(cadence, now), cadence, since, now)
        masthead, templates = self.settings.masthead, self._templates()
        return Frozen(issue, masthead, templates, self._missing(), tuple(entries))

    def _next_key(self, cadence: Cadence, now: datetime) -> str:
        """Of the issue of this period; where that is planned already, of the next one."""
        zone, known = self.settings.schedule.timezone, {issue.key for issue in self.store.issues.listed()}
        key = issue_key(cadence, now, zone)
        return key if key not in known else issue_key(cadence, next_slot(cadence, self._slot(), now), zone)

    def _press(
        self,
        frozen: Frozen,
        people: Iterable[Subscriber] | None = None,
        guest: Subscriber | None = None,
        hurry: bool = False,
    ) -> Press:
        known = self._readership(people, guest)
        texts = {**known.texts, **{entry.id: paper_text(entry) for entry in frozen.entries}}
        vectors, _ = self._embedded(texts, HURRIED if hurry else EMBEDDING, hurry)
        twins = self._twins(frozen)
        return Press(frozen, known.library, self.settings, self.tokens, self._sign, twins, known.likes, vectors or None)

    def _readership(self, people: Iterable[Subscriber] | None = None, guest: Subscriber | None = None) -> _Readership:
        """What these people (all active ones by default) name, voted for and wrote; and what `guest` does."""
        from newsletter import selector

        listed = None if people is None else [*people]
        readers = self.store.subscribers.listed(Status.ACTIVE) if listed is None else iter(listed)
        if guest:
            readers = _with_guest(readers, guest)
        voted: dict[int, list[str]] = {}
        numbers = None if listed is None else [person.id for person in listed]
        for number, vote in self._votes(numbers):
            if vote.verb in WANTED:
                voted.setdefault(number, []).append(vote.entry)
        ids = self._voted(numbers)
        words: set[str] = set()
        likes: list[Sequence[str]] = []
        for person in readers:
            ids.update(_ids(person.profile))
            words.update(selector.phrases(person.profile) if self.settings.selection.model else ())
            if len(likes) < MOST_READERS:
                likes.append((*selector.likes(person.profile), *voted.get(person.id, ())))
        library = self.find(ids)
        texts = {entry.id: paper_text(entry) for entry in library.values()} | {word: word for word in words}
        return _Readership(library, likes, texts)

    def _votes(self, numbers: Sequence[int] | None) -> Iterator[tuple[int, Vote]]:
        """Of these readers (None: everybody's); a page about one reader does not read all of them."""
        if numbers is None:
            yield from self.store.votes.all_votes()
            return
        for number, votes in self.store.votes.of(numbers).items():
            yield from ((number, vote) for vote in votes)

    def _voted(self, numbers: Sequence[int] | None) -> set[str]:
        """Ids of the papers that these readers' signals may speak of (None: everybody's)."""
        from newsletter.selector import vote_signals

        now = self.now()
        return self.store.votes.papers(now - vote_signals.LASTS, now - vote_signals.PASSED_LASTS, numbers)

    def _twins(self, frozen: Frozen) -> set[str]:
        """Ids in a pool of entries that were joined with another one of it since it was frozen."""
        now = self.store.entries.find(entry.id for entry in frozen.entries)
        first: dict[str, str] = {}
        for entry in frozen.entries:
            first.setdefault(now[entry.id].id if entry.id in now else entry.id, entry.id)
        return {entry.id for entry in frozen.entries} - set(first.values())

    def edition(self, press: Press, person: Subscriber, anew: bool = False) -> Kept:
        """What this person got, or would get, in this issue. Changes nothing. `anew`: whatever they got."""
        kept = {} if anew else self.store.editions.kept(press.issue, [person.id], press.entries)
        if person.id in kept:
            return kept[person.id]
        return press.kept(self._chosen(press, [person])[0], press.issue.until)

    def next_edition(self, person: Subscriber) -> Edition:
        """What the next issue would hold for this person, as of now."""
        return self.edition(self.draft([person]), person).edition

    # send

    async def send(
        self,
        key: str,
        transport: Transport | None = None,
        connections: int = 0,
        stop: asyncio.Event | None = None,
        on_settled: Callable[[Delivery], None] = lambda _: None,
        turn: float = inf,
    ) -> Sent:
        """Send what is due; safe to run again, safe to kill, safe to run twice at once.

        Ends when nothing is due, no lane is waited for and no other sender holds anything, when `stop` is set (after
        the mails in flight), when all relays are down, or when the issue is paused. After `turn` seconds it no longer
        waits for lanes. Raises UnknownIssue, StoreError.
        """
        stop, ledger = stop or asyncio.Event(), self.store.ledger
        press = await asyncio.to_thread(self.press, key)
        sender = await asyncio.to_thread(ledger.enroll, self.now() + LEASE)
        await asyncio.to_thread(self.store.issues.set_state, key, IssueState.SENDING)
        heart = asyncio.create_task(self._renew(sender))
        outcomes: Counter[Outcome] = Counter()

        def settled(delivery: Delivery) -> None:
            outcomes[delivery.outcome] += 1
            on_settled(delivery)

        run = Run(
            work=_Work(self, press, sender, settled, stop.is_set),
            routes=self._ways(transport, connections),
            pace=self._pace,
            breaker=self._breakers.setdefault(key, Breaker()),
            retry=self.settings.smtp.retry,
            now=self.now,
            stop=stop,
            on_settled=settled,
            resend=self.settings.smtp.uncertain == "resend",
            turn=turn,
        )
        try:
            await self._until_nobody_holds_any(run, key, sender)
        finally:
            heart.cancel()
            await asyncio.to_thread(ledger.release, sender)
        tally = await asyncio.to_thread(self.close, key)
        trouble = f"{key} is paused: {tally.paused}" if tally.paused else run.trouble if run.gave_up else ""
        return Sent(tally, outcomes, trouble, stop.is_set())

    def _ways(self, transport: Transport | None, connections: int) -> Sequence[Route]:
        """The relays; each with its share, where somebody wants another number of connections."""
        if transport:
            return [Route(transport, connections or self.settings.smtp.connections)]
        if not connections:
            return self.routes
        shares = shared_out(connections, [route.connections for route in self.routes])
        return [replace(route, connections=share) for route, share in zip(self.routes, shares, strict=True)]

    async def _until_nobody_holds_any(self, run: Run[Claim], key: str, sender: int) -> None:
        """A dead sender's claims are free again when its lease ends; wait for that rather than forget them."""
        while True:
            await asyncio.to_thread(self._recover, key)
            await run.finish()
            if run.stop.is_set() or run.gave_up:
                return
            if await asyncio.to_thread(self.store.issues.paused, key):
                return
            if run.impatient() or not await asyncio.to_thread(self.store.ledger.held, key, sender):
                return
            await asyncio.sleep(RENEW / 2)

    def _recover(self, key: str) -> None:
        """What a dead sender left behind; in doubt goes again where that is configured."""
        self.store.ledger.recover(key, self.now())
        if self.settings.smtp.uncertain == "resend":
            self.resolve(key, Outcome.PLANNED)

    async def _renew(self, sender: int) -> None:
        while True:
            await asyncio.sleep(RENEW)
            try:
                await asyncio.to_thread(self.store.ledger.renew, sender, self.now() + LEASE)
            except StoreError as error:  # the ledger's own trouble ends the send; a lock that is gone again must not
                logger.warning("lease not renewed", extra={"sender": sender, "reason": str(error)})

    def close(self, key: str) -> Tally:
        """The accounting; the issue is done only when it adds up with nobody waiting."""
        tally = self.store.ledger.tally(key)
        done = tally.adds_up() and not tally.waiting
        state = IssueState.DONE if done else IssueState.SENDING
        if tally.state is not state:
            self.store.issues.set_state(key, state)
        return replace(tally, state=state)

    def progress(self, key: str) -> Progress:
        """How its send goes, whoever sends. Called by `newsletter status`. Raises UnknownIssue."""
        now, key = self.now(), self.store.issues.get(key).key
        return progress(
            self.store.ledger.tally(key),
            self.store.domains.tallied(key, now - RATE_WINDOW),
            self.store.domains.reasons(key),
            self.store.ledger.pauses(key, now),
            now,
        )

    async def dry_run(self, key: str, folder: Path, on_written: Callable[[], None] = lambda: None) -> int:
        """Write one .eml for each delivery that still waits; the ledger stays as it is. Returns how many."""
        connection = await FolderTransport(folder).open()
        press = await asyncio.to_thread(self.press, key)
        waiting = await asyncio.to_thread(self.store.ledger.waiting, key)
        for start in range(0, len(waiting), BLOCK):
            people = await asyncio.to_thread(self.store.subscribers.many, waiting[start : start + BLOCK])
            for kept in await asyncio.to_thread(self.editions, press, people):
                await connection.send(press.print(kept), _no_ledger)
                on_written()
        return len(waiting)

    def editions(self, press: Press, people: Sequence[Subscriber]) -> list[Kept]:
        """What these people got or will get, in their order; chosen for a whole block at once."""
        ids = [person.id for person in people]
        known = self.store.editions.kept(press.issue, ids, press.entries)
        rest = [person for person in people if person.id not in known]
        chosen = self._chosen(press, rest)
        made = {each.subscriber.id: press.kept(each, self.now().replace(microsecond=0)) for each in chosen}
        return [known.get(number) or made[number] for number in ids]

    def _chosen(self, press: Press, people: Sequence[Subscriber]) -> list[Edition]:
        """For who has no kept edition yet; an edition names its subscriber as stored, without today's signals."""
        key = press.issue.key
        seen = self.store.editions.seen([person.id for person in people], but=key)
        chosen = press.choose(self._with_signals(people, but=key), seen)
        return [replace(each, subscriber=person) for each, person in zip(chosen, people, strict=True)]

    def _with_signals(
        self, people: Sequence[Subscriber], but: str = "", moment: datetime | None = None
    ) -> list[Subscriber]:
        """The same people, with what their votes say as of now; what issue `but` showed does not count.

        `moment`: as of then, from what had been said and shown before.
        """
        now, surprise = moment or self.now(), self.settings.selection.surprise
        said = self.store.votes.of([person.id for person in people])
        if moment:
            before = {number: [vote for vote in votes if vote.at < moment] for number, votes in said.items()}
            said = {number: votes for number, votes in before.items() if votes}
        if not said:
            return [*people]
        from newsletter.selector import vote_signals

        shown = self.store.votes.shown([*said], vote_signals.LOOK_BACK, moment)

        def heard(person: Subscriber) -> Subscriber:
            showings = [each for each in shown.get(person.id, ()) if each.issue != but]
            return replace(person, profile=vote_signals.told(person.profile, said[person.id], showings, now, surprise))

        return [heard(person) if person.id in said else person for person in people]

    async def send_test(self, key: str, address: str) -> str:
        """One mail to `address`, outside the ledger; its links open nobody's pages. Returns the server's words.

        The edition is that of the subscriber with this address, or else of the first one of the audience.
        """
        press = await asyncio.to_thread(self.press, key)
        try:
            person = self.store.subscribers.find(address)
        except UnknownSubscriber:
            first = next(self.store.subscribers.listed(Status.ACTIVE), Subscriber(0, address))
            person = replace(first, name="")
        return await self.send_trial(press, self.edition(press, person).edition, address)

    async def send_trial(self, press: Press, edition: Edition, address: str) -> str:
        """This very edition to `address`, outside the ledger, with links that open nobody's pages.

        Returns the server's words; raises DeliveryError. Called by the preview site.
        """
        test = replace(edition, subscriber=replace(edition.subscriber, id=0, email=address))
        return await self._send_one(press.print(press.kept(test, self.now())))

    async def _send_one(self, mail: Mail) -> str:
        """By the first relay that can be reached."""
        for route in self.routes:
            try:
                connection = await route.transport.open()
            except HostDown:
                if route is self.routes[-1]:
                    raise
                continue
            try:
                return await connection.send(mail, _no_ledger)
            finally:
                await connection.close()
        raise HostDown("no relay is configured")

    # explain

    def explain(self, address: str, entry_id: str, key: str = "") -> Explained:
        """Why this entry, by any form of its id, was taken or left for this subscriber. Changes nothing.

        In the issue `key`; by default in the latest issue of the subscriber's cadence that has it in its pool, else in
        the next issue as of now. By the votes of today. Raises UnknownSubscriber, UnknownEntry, UnknownIssue.
        """
        person, entry = self.store.subscribers.find(address), self.find([entry_id]).get(entry_id)
        if entry is None:
            raise UnknownEntry(f"{entry_id}: {UnknownEntry()}")
        planned = key or self._latest_holding(entry, person)
        press = self.press(planned) if planned else self.draft([person])
        return self.explained(press, person, entry, bool(planned))

    def survey(self, press: Press, person: Subscriber) -> tuple[Explanation, ...]:
        """As `explained` for every paper of the pool, without the parts of its score. Called by the preview site."""
        return press.survey(*self._asking(press, person))

    def _asking(self, press: Press, person: Subscriber) -> tuple[Subscriber, set[str]]:
        """The person with what their votes say, and what they were shown in other issues."""
        key = press.issue.key
        seen = self.store.editions.seen([person.id], but=key)[person.id]
        return self._with_signals([person], but=key)[0], seen

    def explained(self, press: Press, person: Subscriber, entry: Entry, planned: bool) -> Explained:
        """As `explain`, of a press and a person at hand."""
        heard, seen = self._asking(press, person)
        names = self.store.entries.present(press.entries)
        pooled = [name for name in press.entries if names.get(name, name) == entry.id]
        tried = [press.explain(heard, seen, name) for name in pooled or [entry.id]]
        explanation = next((each for each in tried if each.pooled), tried[0])
        made = self.store.editions.kept(press.issue, [person.id], press.entries) if planned else {}
        kept = made.get(person.id)
        places = [place for place, pick in enumerate(kept.edition.picks, 1) if pick.entry.id in pooled] if kept else []
        return Explained(
            issue=press.issue,
            planned=bool(planned),
            subscriber=person,
            explanation=replace(explanation, title=explanation.title or entry.title),
            heard=self._heard(press, heard.profile),
            kept=kept is not None,
            kept_place=next(iter(places), 0),
        )

    def _latest_holding(self, entry: Entry, person: Subscriber) -> str:
        """The key of the latest issue of this person's cadence with this entry in its pool; "" if there is none."""
        cadence = person.cadence or self.settings.schedule.cadence
        return next((each.key for each in self.store.issues.holding(entry.id) if each.cadence is cadence), "")

    def _heard(self, press: Press, profile: Profile) -> tuple[Heard, ...]:
        from newsletter.selector import vote_signals

        return tuple(
            Heard(each.entry, press.title(each.entry), each.verb, vote_signals.age(each).days, each.weight)
            for each in profile.signals[::-1]
        )

    # evaluate

    def past(self, since: datetime | None = None, most: int = PAST_ISSUES) -> list[Issue]:
        """The latest issues of which editions were made, oldest first. `since`: only pools that end there or later."""
        made = self.store.editions.issues()
        listed = (each for each in self.store.issues.listed() if each.key in made)
        return [each for each in listed if since is None or each.until >= since][:most][::-1]

    def evaluate(
        self,
        since: datetime | None = None,
        most_issues: int = PAST_ISSUES,
        on_issue: Callable[[Issue], None] = lambda _: None,
    ) -> evaluation.Report:
        """How good past issues were, and how good today's selector would have been: see quality.

        Keeps vectors that are made for it, and changes nothing else. A block of subscribers is looked at at a time.
        """
        pasts, pools = [], {}
        for issue in self.past(since, most_issues):
            frozen = self.store.issues.frozen(issue.key)
            pools[issue] = pool = self._named_today(frozen)
            size = len({entry.id for entry in pool.values()})
            pasts.append(evaluation.Past(issue, size, tuple(self._replays(frozen, pool)), _outside(frozen)))
            on_issue(issue)
        return evaluation.measure(pasts, self._past_readers(pools))

    def _named_today(self, frozen: Frozen) -> dict[str, Entry]:
        """Frozen id → what figures need of an entry, under the id that it has today."""
        present = self.store.entries.present(entry.id for entry in frozen.entries)
        return {
            each.id: Entry(present.get(each.id, each.id), each.title, published=each.published, topics=each.topics)
            for each in frozen.entries
        }

    def _past_readers(self, pools: Mapping[Issue, Mapping[str, Entry]]) -> Iterator[evaluation.Reader]:
        for people in batched(self.store.subscribers.listed() if pools else (), BLOCK):
            numbers = [person.id for person in people]
            votes = self.store.votes.of(numbers)
            for number, editions in self.store.editions.of(numbers, pools).items():
                yield evaluation.Reader(number, editions, votes.get(number, ()))

    def _replays(self, frozen: Frozen, pool: Mapping[str, Entry]) -> Iterator[evaluation.Replay]:
        """The issue chosen anew for a sample of those who voted for a paper of it."""
        wanted = self.store.votes.wanted(frozen.issue.key)
        people = self.store.subscribers.many(evaluation.sample(wanted, MOST_REPLAYED))
        if not people:
            return
        heard = self._with_signals(people, frozen.issue.key, frozen.issue.until)
        library = self.find(each for person in heard for each in (*_ids(person.profile), *_signalled(person.profile)))
        from newsletter import selector

        texts = {entry.id: paper_text(entry) for entry in (*frozen.entries, *library.values())}
        texts |= {word: word for person in heard for word in selector.phrases(person.profile)}
        vectors, _ = self._embedded(texts)
        likes = [[each for each in selector.likes(person.profile) if each not in pool] for person in heard]
        desk = Desk(frozen, library, self.settings, self._twins(frozen), likes, vectors or None)
        seen = self.store.editions.seen([person.id for person in people], frozen.issue.key, frozen.issue.until)
        arms = (*self._unspoilt((heard, people), frozen.issue, pool, library), [*map(_unknown, people)])
        chosen = ([_ids_today(edition, pool) for edition in desk.choose(some, seen)] for some in arms)
        for person, *rankings in zip(people, *chosen, strict=True):
            yield evaluation.Replay(frozenset(wanted[person.id]), *rankings)

    def _unspoilt(
        self,
        arms: Iterable[Sequence[Subscriber]],
        issue: Issue,
        pool: Mapping[str, Entry],
        library: Mapping[str, Entry],
    ) -> Iterator[list[Subscriber]]:
        """Without a word on what the issue itself showed them: it was said afterwards."""
        names = {asked: entry.id for asked, entry in library.items()}
        for people in arms:
            got = self.store.editions.of([person.id for person in people], {issue: pool})
            shown = {number: {pick.entry.id for pick in edition.picks} for number, [edition] in got.items()}
            yield [_silent(person, shown.get(person.id, ()), names) for person in people]

    # pause

    def pause_issue(self, key: str, reason: str) -> None:
        """Nobody sends it, from their next block on, until `resume_issue`. Raises UnknownIssue."""
        self.store.issues.get(key)
        self.store.issues.pause(key, reason)
        logger.warning("paused", extra={"issue": key, "reason": reason})

    def resume_issue(self, key: str) -> str:
        """The schedule sends it again, to all domains; returns why it was paused. Raises UnknownIssue.

        The complaints of today do not pause it again, more of them may.
        """
        self.store.issues.get(key)
        reason = self.store.issues.paused(key)
        self._breakers.pop(key, None)
        self.store.issues.resume(key, self.store.ledger.complaints(key))
        return reason

    def complained(self, key: str) -> str:
        """Why an issue is to be paused for complaints; "" where there are not too many."""
        complaints = self.store.ledger.complaints(key)
        new = complaints - self.store.issues.excused(key)
        if not too_many_complaints(new, 0):
            return ""
        accepted = self.store.ledger.tally(key).accepted
        return f"{complaints} of {accepted} complained" if too_many_complaints(new, accepted) else ""

    # resolve

    def resolve(self, key: str, verdict: Outcome, accepted: Iterable[str] | None = None) -> int:
        """Settle the uncertain deliveries of an issue; returns how many.

        With `accepted` (Message-IDs that the relay is known to have queued) these become ACCEPTED and the others get
        `verdict`; without it all do. PLANNED sends again, the same bytes.
        """
        uncertain = self.store.ledger.having(key, Outcome.UNCERTAIN)
        known = set(accepted or ())
        verdicts = [
            (delivery.subscriber, Outcome.ACCEPTED, "the relay had it")
            if delivery.message_id in known
            else (delivery.subscriber, verdict, delivery.detail)
            for delivery, _ in uncertain
        ]
        changed = self.store.ledger.resolve(
            key, [each for each in verdicts if each[1] is not Outcome.UNCERTAIN], self.now()
        )
        self.close(key)
        return changed

    # subscribers

    async def subscribe(self, address: str, name: str, profile: Profile, language: str | None = None) -> None:
        """Double opt-in: a pending subscriber and a confirmation mail.

        Says nothing of whether the address is known: a known one gets the same mail, at most one in ASK_AGAIN, and
        its profile stays as it is. Raises DeliveryError where the mail cannot be sent.
        """
        now = self.now()
        fresh = Subscriber(0, address, name, Status.PENDING, profile, language=language)
        person = await asyncio.to_thread(self._found_or_added, fresh, now)
        if not await asyncio.to_thread(self.store.subscribers.asked, person.id, now, now - ASK_AGAIN):
            return
        token = self.tokens.sign(Purpose.CONFIRM, person.id)
        domain = parseaddr(self.settings.newsletter.sender)[1].rpartition("@")[2]
        message_id = self.tokens.message_id(f"confirm.{int(now.timestamp())}", person.id, domain)
        masthead = self.settings.masthead
        from newsletter.renderer import Confirmation

        confirmation = Confirmation(self._templates("confirm"), masthead, person.language)
        mail = confirmation.render(person, f"{masthead.base_url}/confirm/{token}", message_id, now)
        sender = return_path(self.settings, self.tokens).of("", person.id)
        try:
            await self._send_one(replace(self._sign(mail), sender=sender or mail.sender))
        except NewsletterError:
            await asyncio.to_thread(self.store.subscribers.asked, person.id, now - ASK_AGAIN, now)
            raise

    def _found_or_added(self, person: Subscriber, now: datetime) -> Subscriber:
        try:
            return self.store.subscribers.find(person.email)
        except UnknownSubscriber:
            return self.store.subscribers.add(person, "web", now)

    def pause(self, number: int, paused: bool) -> Subscriber:
        """active ⇄ paused, and nothing else: who left comes back by their own word. Raises InputError."""
        person = self.store.subscribers.get(number)
        if person.status not in (Status.ACTIVE, Status.PAUSED):
            raise InputError(f"{person.email} is {person.status}: only the active can be paused and resumed.")
        return self.set_status(number, Status.PAUSED if paused else Status.ACTIVE)

    def set_status(self, number: int, status: Status) -> Subscriber:
        """Idempotent; effective before the person's next mail."""
        self.store.subscribers.set_status(number, status, self.now())
        logger.info("status", extra={"subscriber": number, "status": status.value})
        return self.store.subscribers.get(number)

    def feedback(self, number: int, entry_id: str, verb: Verb) -> Entry:
        """Note a subscriber's word on a paper, in any form that its id has; the later word wins. Returns the paper.

        Raises UnknownSubscriber, UnknownEntry.
        """
        person, entry = self.store.subscribers.get(number), self.find([entry_id]).get(entry_id)
        if entry is None:
            raise UnknownEntry
        self.store.votes.put(person.id, entry.id, verb, self.now())
        logger.info("voted", extra={"subscriber": number, "verb": verb.value})
        return entry

    def take_back(self, number: int, entry_ids: Iterable[str]) -> int:
        """Forget what a subscriber said of these papers, known or not; returns of how many they had said something.

        What their profile names stays. Raises UnknownSubscriber.
        """
        person = self.store.subscribers.get(number)
        return self.store.votes.take_back(person.id, (entry.id for entry in self.find(entry_ids).values()))

    # what comes back

    def bounces(
        self,
        mailboxes: Sequence[Mailbox],
        keep: bool = True,
        on_read: Callable[[], None] = lambda: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> list[Heeded]:
        """Read reports on mails and obey those that are ours; each once. `keep` False changes nothing.

        Raises InputError where a mailbox cannot be read; what could be read, there and in the others, is done.
        """
        done: list[Heeded] = []
        trouble: InputError | None = None
        for mailbox in mailboxes:
            try:
                done += self._returns.read(mailbox, keep, on_read, stopped)
            except InputError as error:
                trouble = trouble or error
        if trouble:
            raise trouble
        return done

    @contextmanager
    def mailboxes(self) -> Iterator[list[Mailbox]]:
        """The Maildir and the IMAP folder of the configuration. Raises InputError, once the Maildir was read."""
        section = self.settings.bounces
        found: list[Mailbox] = [Maildir(self.settings.home / section.maildir)] if section.maildir else []
        if not section.imap_host:
            yield found
            return
        from newsletter.bounces.imap import Account, Imap  # with imap-tools

        account = Account(
            host=section.imap_host,
            username=section.imap_username,
            password=section.imap_password.get_secret_value() if section.imap_password else "",
            port=section.imap_port,
            security=section.imap_security,
            folder=section.imap_folder,
            done=section.imap_done,
        )
        trouble: InputError | None = None
        with ExitStack() as opened:
            try:
                found.append(opened.enter_context(Imap(account)))
            except InputError as error:
                trouble = error
            if found:
                yield found
        if trouble:
            raise trouble

    def heed(self, provider: str, told: object) -> list[Heeded]:
        """Obey what a provider's web hook tells; its signature was verified. Called by web.hooks."""
        reports = read_hook(provider, told)
        return [each for report in reports for each in self._returns.heed(report, provider, signed=True)]

    async def ask(self, url: str) -> bytes:
        """An answer from the public internet, at an address that somebody else named. Raises SourceError."""
        section = self.settings.newsletter
        return await collector.ask(url, parseaddr(section.reply_to or section.sender)[1])

    # the schedule

    async def tick(self, stop: asyncio.Event | None = None) -> list[str]:
        """Do what is due now: collect, plan the last slot's issue if it was not, send. Returns what was done.

        After a downtime only the latest slot of each cadence is caught up with, and none from before the store was
        first used. One step's trouble keeps no other step from being done; the first one is raised at the end.
        """
        done: list[str] = []
        troubles: list[NewsletterError] = []
        cadences = sorted(await asyncio.to_thread(self._cadences))
        steps = [self._collect_if_due(), *map(self._plan_if_due, cadences)]
        for step in [self._read_if_due(stop), *steps, self._send_if_due(stop), self._finish_if_collected()]:
            try:
                done += await step
            except NewsletterError as error:
                troubles.append(error)
        if troubles:
            raise troubles[0]
        return done

    async def _read_if_due(self, stop: asyncio.Event | None) -> list[str]:
        """Bounces first: whoever cannot be reached any more is not sent to again."""
        section, last = self.settings.bounces, self._bounces_read
        if not (section.maildir or section.imap_host) or (last and self.now() < last + section.read_every):
            return []
        self._bounces_read = self.now()

        def read() -> list[Heeded]:
            with self.mailboxes() as mailboxes:
                return self.bounces(mailboxes, stopped=stop.is_set if stop else lambda: False)

        changed = sum(each.ended for each in await asyncio.to_thread(read))
        return [f"{changed} subscribers bounced or complained"] if changed else []

    async def _collect_if_due(self) -> list[str]:
        if not await asyncio.to_thread(self._collection_due):
            return []
        added = sum(each.added for each in await self.collect())
        self._unfinished = True
        return [f"collected {added} new entries"]

    async def _finish_if_collected(self) -> list[str]:
        """Summaries and vectors, after everything else: nothing waits for them."""
        if not self._unfinished:
            return []
        self._unfinished = False
        done = await self.summarise()
        await asyncio.to_thread(self.embed, PASSING)
        return [f"{done.written} summaries written"] if done and done.written else []

    async def _send_if_due(self, stop: asyncio.Event | None) -> list[str]:
        """Every open issue gets its turn; raises the first trouble after that."""
        done, troubles = [], []
        for issue in await asyncio.to_thread(self.store.issues.open_ones):
            due = await asyncio.to_thread(self.store.ledger.next_due, issue.key)
            if due is not None and due > self.now():
                continue
            try:
                sent = await self.send(issue.key, stop=stop, turn=TURN)
            except NewsletterError as error:
                troubles.append(error)
                continue
            done += [f"{issue.key}: {sent.tally}"] if sent.outcomes else []
            kind = IssuePaused if sent.tally.paused else HostDown
            troubles += [kind(sent.trouble)] if sent.trouble else []
        if troubles:
            raise troubles[0]
        return done

    def next_event(self) -> datetime:
        """When the schedule has something to do next, at the latest."""
        now, slot = self.now(), self._slot()
        return min(next_slot(cadence, slot, now) for cadence in self._cadences())

    def _cadences(self) -> set[Cadence]:
        default = self.settings.schedule.cadence
        return {default, *self.store.subscribers.cadences(default)}

    def _collection_due(self) -> bool:
        checked = [each.checked for each in self.health()]
        late = self.now() - self.settings.schedule.collect_every
        return bool(self.settings.sources) and (not checked or max(checked) <= late)

    async def _plan_if_due(self, cadence: Cadence) -> list[str]:
        return await asyncio.to_thread(self._plan_slot, cadence)

    def _plan_slot(self, cadence: Cadence) -> list[str]:
        moment = last_slot(cadence, self._slot(), self.now())
        key = issue_key(cadence, moment, self.settings.schedule.timezone)
        known = {issue.key for issue in self.store.issues.listed()}
        if key in known or moment < self.store.installed(self.now()):
            return []
        _, tally, new = self.plan(cadence, key)
        return [f"planned {key} for {tally.planned}"] if new else []


class _Work:
    """The ledger's side of a run: see sender.work.Work."""

    def __init__(
        self,
        engine: Engine,
        press: Press,
        sender: int,
        on_settled: Callable[[Delivery], None],
        stopped: Callable[[], bool],
    ) -> None:
        self._on_settled = on_settled
        self._stopped = stopped
        self._engine = engine
        self._press = press
        self._key = press.issue.key
        self._sender = sender
        self._commit = GroupCommit(engine.store)
        self._listened = -inf  #: when it was looked for complaints
        self._expiry: datetime | None = None  #: of the first that waits

    async def claim(self, gate: Gate, most: int) -> Sequence[Job[Claim]]:
        return await asyncio.to_thread(self._claim, gate, min(most, BLOCK))

    async def comes_back(self) -> float:
        return await asyncio.to_thread(self._comes_back)

    def _comes_back(self) -> float:
        store = self._engine.store
        due = None if store.issues.paused(self._key) else store.ledger.comes_back(self._key)
        return (due - self._engine.now()).total_seconds() if due else inf

    async def begin(self, handle: Claim) -> None:
        if await self._commit.begin(handle) is not Outcome.SENDING:
            raise Withdrawn

    async def take_back(self, handle: Claim) -> None:
        await self._commit.settle(handle)

    def settle(self, handle: Claim, delivery: Delivery) -> asyncio.Future[Outcome]:
        ids = {"issue": delivery.issue, "subscriber": delivery.subscriber}
        logger.info("settled", extra={**ids, "outcome": delivery.outcome.value, "code": delivery.code})
        return self._commit.settle(replace(handle, delivery=delivery))

    async def hand_back(self, jobs: Sequence[Job[Claim]], wait: timedelta, kept: bool = True) -> None:
        claims, later = [job.handle for job in jobs], Later(wait, kept)
        await asyncio.to_thread(self._engine.store.ledger.hand_back, claims, later, self._engine.now())

    async def pause(self, trip: Trip, jobs: Sequence[Job[Claim]]) -> None:
        engine = self._engine
        if not trip.domain:
            await asyncio.to_thread(engine.pause_issue, self._key, trip.reason)
            return
        logger.warning("domain paused", extra={"issue": self._key, "domain": trip.domain, "reason": trip.reason})
        await asyncio.to_thread(engine.store.ledger.pause, self._key, trip.domain, engine.now() + REST, trip.reason)
        await self.hand_back(jobs, REST, kept=False)

    def _claim(self, gate: Gate, most: int) -> list[Job[Claim]]:
        """Claim a block, choose and keep its editions, print them; whoever left meanwhile is settled at once."""
        store, now = self._engine.store, self._engine.now()
        if not self._expiry or self._expiry <= now:
            store.ledger.expire(self._key, now)
            self._expiry = store.ledger.first_expiry(self._key) or datetime.max.replace(tzinfo=UTC)
        if self._paused():
            return []
        later = _Later(gate, store.ledger.pauses(self._key, now), now)
        while claims := store.ledger.claim(self._key, self._sender, self._engine.now(), most, later, self._stopped):
            people = store.subscribers.many([claim.delivery.subscriber for claim in claims])
            wanting = {person.id: person for person in people if person.status is Status.ACTIVE}
            store.ledger.write([claim for claim in claims if claim.delivery.subscriber not in wanting], [])
            staying = [claim for claim in claims if claim.delivery.subscriber in wanting]
            jobs = self._jobs(staying, [wanting[claim.delivery.subscriber] for claim in staying])
            if jobs:
                return jobs
        return []

    def _paused(self) -> bool:
        """By anybody, or now, for complaints."""
        if self._engine.store.issues.paused(self._key):
            return True
        now = time.monotonic()
        if now - self._listened < LISTEN:
            return False
        self._listened = now
        if reason := self._engine.complained(self._key):
            self._engine.pause_issue(self._key, reason)
        return bool(reason)

    def _jobs(self, claims: Sequence[Claim], people: Sequence[Subscriber]) -> list[Job[Claim]]:
        """One mail that cannot be rendered is refused with its reason and stops nobody else's."""
        editions = self._engine.store.editions.keep(self._engine.editions(self._press, people))
        jobs, broken = [], []
        for claim, kept in zip(claims, editions, strict=True):
            try:
                jobs.append(Job(claim, claim.delivery, self._press.print(kept)))
            except NewsletterError as error:
                refused = replace(claim.delivery, outcome=Outcome.REFUSED, detail=f"not rendered: {error}")
                broken.append(replace(claim, delivery=refused))
        self._engine.store.ledger.write([], broken)
        for claim in broken:
            self._on_settled(claim.delivery)
        return jobs


@dataclass(frozen=True, slots=True)
class _Later:
    """What must wait that is due: mails to paused domains, and those that the gate does not let in."""

    gate: Gate
    pauses: Mapping[str, tuple[datetime, str]]
    now: datetime

    def __call__(self, address: str) -> Later | None:
        domain = domain_of(address)
        if domain in self.pauses:
            return Later(self.pauses[domain][0] - self.now, kept=False)
        wait = self.gate.wait(domain)
        return Later(timedelta(seconds=wait)) if wait else None


class GroupCommit:
    """Begins and settles of all connections, written in one transaction: one fsync for many mails.

    Where a disk is quick and nobody else writes, in the event loop's own thread: another one would have to take turns
    with it for longer than the fsync takes (1.15 times as many mails a second by tests/benchmarks/send.py).
    """

    def __init__(self, store: Store) -> None:
        self._ledger = store.ledger
        self._begins: list[tuple[Claim, asyncio.Future[Outcome]]] = []
        self._settles: list[tuple[Claim, asyncio.Future[Outcome]]] = []
        self._writer: asyncio.Task[None] | None = None
        self._quick = False  #: the last transaction was

    def begin(self, claim: Claim) -> asyncio.Future[Outcome]:
        """SENDING when the mark is durable; otherwise the mail must not go out."""
        return self._queued(self._begins, claim)

    def settle(self, claim: Claim) -> asyncio.Future[Outcome]:
        """Durable when it is done; written no later than what is begun after this call."""
        return self._queued(self._settles, claim)

    def _queued(self, queue: list[tuple[Claim, asyncio.Future[Outcome]]], claim: Claim) -> asyncio.Future[Outcome]:
        answer: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        queue.append((claim, answer))
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write())
        return answer

    async def _write(self) -> None:
        """What arrives while one transaction is written waits for the next one."""
        while self._begins or self._settles:
            await asyncio.sleep(GATHER)
            begins = [each for each in self._begins if not each[1].cancelled()]  # settles go first, and take these back
            settles = self._settles
            self._begins, self._settles = [], []
            try:
                marks = await self._written([claim for claim, _ in begins], [claim for claim, _ in settles])
            except Exception as error:  # noqa: BLE001  (nobody may wait for ever for an answer; each raises it)
                _answer(begins + settles, [error] * len(begins + settles))
            else:
                _answer(begins + settles, marks + [claim.delivery.outcome for claim, _ in settles])

    async def _written(self, begins: Sequence[Claim], settles: Sequence[Claim]) -> list[Outcome]:
        began = time.perf_counter()
        try:
            if self._quick:
                with suppress(StoreBusy):
                    return self._ledger.write(begins, settles, wait=False)
            return await asyncio.to_thread(self._ledger.write, begins, settles)
        finally:
            self._quick = time.perf_counter() - began < QUICK


def _answer(waiting: Sequence[tuple[Claim, asyncio.Future[Outcome]]], results: Sequence[Outcome | Exception]) -> None:
    for (_, answer), result in zip(waiting, results, strict=True):
        if answer.done():  # its connection was cancelled meanwhile
            continue
        if isinstance(result, Exception):
            answer.set_exception(result)
        else:
            answer.set_result(result)


def _with_guest(people: Iterable[Subscriber], guest: Subscriber) -> Iterator[Subscriber]:
    """In the place of who has the same number, else behind all."""
    taken = False
    for person in people:
        yield guest if person.id == guest.id else person
        taken = taken or person.id == guest.id
    if not taken:
        yield guest


def _outside(frozen: Frozen) -> frozenset[str]:
    """What an issue called an exploratory pick, in all its languages."""

    catalogues = catalogues_of(frozen.templates)
    return frozenset(catalogues.messages(each).gettext(evaluation.OUTSIDE) for each in catalogues.languages)


def _born(entry: Entry, first_seen: datetime) -> datetime:
    return min(entry.published or first_seen, first_seen)


def _likes(profile: Profile) -> Iterable[str]:
    yield from profile.liked
    for interest in profile.interests:
        yield from interest.liked


def _signalled(profile: Profile) -> Iterable[str]:
    return (each.entry for each in profile.signals)


def _silent(person: Subscriber, on: Collection[str], names: Mapping[str, str]) -> Subscriber:
    """As if they had said nothing on these papers. `names`: an id in a profile → the id that it has today."""
    profile = person.profile

    def others(some: Iterable[str]) -> tuple[str, ...]:
        return tuple(each for each in some if names.get(each) not in on)

    rest = replace(
        profile,
        liked=others(profile.liked),
        disliked=others(profile.disliked),
        interests=tuple(replace(each, liked=others(each.liked)) for each in profile.interests),
        signals=tuple(each for each in profile.signals if each.entry not in on),
    )
    return replace(person, profile=rest)


def _unknown(person: Subscriber) -> Subscriber:
    """As if they had said nothing but what they do not want to see."""
    return replace(person, profile=Profile(muted=person.profile.muted, size=person.profile.size))


def _ids_today(edition: Edition, pool: Mapping[str, Entry]) -> tuple[str, ...]:
    return tuple(pool[pick.entry.id].id for pick in edition.picks)


async def _no_ledger() -> None:
    """For mails that no issue planned: dry runs, tests, confirmations."""


def _ids(profile: Profile) -> Iterable[str]:
    yield from _likes(profile)
    yield from profile.disliked


def make_engine(
    settings: Settings,
    store: Store | None = None,
    transport: Transport | None = None,
    now: Callable[[], datetime] = utc_now,
) -> Engine:
    """The one factory: cli, web, workers and tests all come through here.

    Raises StoreError, MigrationNeeded, and ConfigError where a key cannot sign.
    """
    if store is None:
        store = Store(settings.store_url)
        store.check()
    return Engine(settings, store, routes(settings, transport), now)


def return_path(settings: Settings, tokens: Tokens) -> ReturnPath:
    """The envelope sender of each delivery, as [bounces] wants it."""
    return ReturnPath(settings.bounces.address, settings.bounces.delimiter, tokens)


def routes(settings: Settings, transport: Transport | None = None) -> list[Route]:
    """The relays as the sender wants them, each with its connections. `transport`: in place of them all."""
    smtp = settings.smtp
    if transport or not settings.relay:
        transport = transport or SmtpTransport(relay(settings, smtp))
        return [Route(transport, smtp.connections, smtp.mails_per_connection, Lane(Limit(smtp.rate)))]
    sharing = [each for each in settings.relay if each.connections is None]
    shares = iter(shared_out(smtp.connections, [each.weight for each in sharing]) if sharing else ())
    return [
        Route(
            SmtpTransport(relay(settings, each)),
            each.connections or next(shares),
            smtp.mails_per_connection if each.mails_per_connection is None else each.mails_per_connection,
            Lane(Limit(smtp.rate if each.rate is None else each.rate)),
        )
        for each in settings.relay
    ]


def relay(settings: Settings, server: SmtpSection | RelaySection) -> Relay:
    """[smtp] or a [[relay]] as the sender wants it."""
    smtp = settings.smtp
    ca_file = smtp.ca_file if server.ca_file is None else server.ca_file
    return Relay(
        host=server.host,
        port=server.port,
        security=server.security,
        username=server.username,
        password=server.password.get_secret_value() if server.password else "",
        timeout=(server.timeout or smtp.timeout).total_seconds(),
        hello_name=smtp.hello_name if server.hello_name is None else server.hello_name,
        ca_file=str(settings.home / ca_file) if ca_file else "",
        tls_minimum=smtp.tls_minimum if server.tls_minimum is None else server.tls_minimum,
    )


def pace(settings: Settings) -> Pace:
    """The limits of recipient domains."""
    smtp = settings.smtp
    usual = Limit(smtp.domain_rate, smtp.domain_connections)
    own = {
        domain.lower(): Limit(
            usual.rate if each.rate is None else each.rate,
            usual.connections if each.connections is None else each.connections,
        )
        for domain, each in smtp.domains.items()
    }
    return Pace(usual, own)


def signing(settings: Settings) -> Sign:
    """The [dkim] section as the sender wants it; without one a mail stays as it is. Raises ConfigError."""
    section = settings.dkim
    if not section.key:
        return lambda mail: mail
    from newsletter.sender.dkim import Signer, ed25519_key, rsa_key  # with cryptography

    keys = [rsa_key(section.key.get_secret_value(), section.selector)]
    if section.ed25519_key:
        keys.append(ed25519_key(section.ed25519_key.get_secret_value(), section.ed25519_selector))
    return Signer(section.domain, keys).sign
