"""What flows between the stages: frozen values, tuples, aware UTC times.

Source ─ collector ─▶ Entry ─ selector ─▶ Pick, Edition ─ renderer ─▶ Mail ─ sender ─▶ Delivery
                      Profile, Subscriber ┘         └ Issue
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Literal, NamedTuple


class Cadence(StrEnum):
    """How often a subscriber gets an edition."""

    DAILY = "daily"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


class Status(StrEnum):
    """pending → active ⇄ paused → unsubscribed | bounced | complained. Only the active get mail."""

    PENDING = "pending"
    ACTIVE = "active"
    PAUSED = "paused"
    UNSUBSCRIBED = "unsubscribed"
    BOUNCED = "bounced"
    COMPLAINED = "complained"


class Outcome(StrEnum):
    """planned → sending → accepted, deferred (→ sending), refused, uncertain; planned → skipped, expired."""

    PLANNED = "planned"
    SENDING = "sending"
    ACCEPTED = "accepted"  #: our SMTP server took it; nobody has read it
    DEFERRED = "deferred"  #: tried, to be tried again when due
    REFUSED = "refused"  #: a 5xx for good
    UNCERTAIN = "uncertain"  #: the connection broke after the last dot and before the reply
    SKIPPED = "skipped"  #: the subscriber left between plan and send, or wants no empty mail: `detail` says which
    EXPIRED = "expired"  #: too late to be news


class IssueState(StrEnum):
    """draft → planned → sending → done, or cancelled; done only when the accounting adds up with nobody waiting."""

    DRAFT = "draft"  #: planned by hand: the schedule sends it once it is approved
    PLANNED = "planned"
    SENDING = "sending"
    DONE = "done"
    CANCELLED = "cancelled"  #: nobody gets it, and its papers are free again


class SourceState(StrEnum):
    """How a source does."""

    FRESH = "fresh"  #: brought something new within a day
    QUIET = "quiet"  #: could be read, had nothing new
    STALE = "stale"  #: could be read, but did not move for longer than it should
    PARTIAL = "partial"  #: some of it could not be read
    FAILING = "failing"  #: nothing could be read


NOTHING_NEW = " (nothing new came from it)"  #: behind the name of a source that was read, among those that are missing


@dataclass(frozen=True, slots=True)
class Source:
    """Somewhere entries come from."""

    name: str
    kind: str  #: "arxiv", "feed", "jsonl" …: a name in collector.KINDS
    location: str  #: a path or an http(s) address
    options: Mapping[str, object] = field(default_factory=dict)  #: keys that only this kind knows
    private: bool = False  #: its host may be in a private network


@dataclass(frozen=True, slots=True)
class Health:
    """What is known of a source after it was read."""

    source: str
    state: SourceState
    since: datetime  #: in this state
    checked: datetime
    succeeded: datetime | None = None
    dated: datetime | None = None  #: the date of the newest thing in it, as far as it tells
    news: datetime | None = None  #: when it last brought something that was not known
    found: int = 0
    added: int = 0
    detail: str = ""  #: one line: what is wrong


@dataclass(frozen=True, slots=True)
class Receipt:
    """That a request was answered: for the next one to the same place."""

    key: str
    fetched: datetime
    etag: str = ""
    modified: str = ""  #: Last-Modified, as received
    digest: str = ""  #: of the content: the same content need not be read again


RISING = 0.75  #: a trend from here on is worth a word to a reader


@dataclass(frozen=True, slots=True)
class Entry:
    """One paper. Texts are plain Unicode without control characters; None means "not known", never zero."""

    id: str
    title: str
    abstract: str = ""
    url: str = ""
    authors: tuple[str, ...] = ()
    published: datetime | None = None
    source: str = ""  #: the name of the source that brought it first
    topics: tuple[str, ...] = ()
    code_url: str = ""
    pdf_url: str = ""
    image_url: str = ""
    votes: int | None = None
    comments: int | None = None
    stars: int | None = None
    project_url: str = ""
    venue: str = ""  #: the journal or conference, in the source's words
    organisation: str = ""  #: who stands behind the paper, where a source says so
    affiliations: tuple[str, ...] = ()  #: of the authors, each once
    tldr: str = ""  #: one or two sentences, by the source or by the summariser
    also: tuple[str, ...] = ()  #: other ids of the same paper: "doi:10.1000/x", "arxiv:2401.00001", "openreview:abc"
    update: bool = False  #: a new version of a paper announced before: completes what is known, is no news
    withdrawn: bool = False  #: its source says so: nobody is shown it from then on
    title_html: str = ""  #: safe HTML with <sub>, <sup>, <i>, <b> and <a>; "" where the text says it all
    abstract_html: str = ""
    trend: float | None = None  #: growth of votes, comments and stars beside its equals, 0..1


class Verb(StrEnum):
    """What a subscriber says of one paper, or shows by leaving it alone."""

    MORE = "more"
    SAVE = "save"
    LESS = "less"
    PASSED = "passed"  #: shown beside papers that the reader voted for, and left alone; nobody says it


WANTED = (Verb.MORE, Verb.SAVE)  #: what says that a paper was welcome


@dataclass(frozen=True, slots=True)
class Vote:
    """One subscriber's word on one paper; a later word takes the place of an earlier one."""

    entry: str
    verb: Verb
    at: datetime


@dataclass(frozen=True, slots=True)
class Showing:
    """One paper in one issue, as it was shown to one subscriber."""

    entry: str
    issue: str  #: its key
    at: datetime  #: when the issue was planned


@dataclass(frozen=True, slots=True)
class Signal:
    """A vote as the selector takes it: how much of it is left today."""

    entry: str
    verb: Verb
    weight: float  #: 0..1, beside a paper that the profile itself names


@dataclass(frozen=True, slots=True)
class Interest:
    """One topic of a profile. Slots of an edition follow the weights of the interests."""

    name: str
    weight: float = 1.0
    keywords: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    liked: tuple[str, ...] = ()  #: ids of entries that are examples of this interest


class Fill(StrEnum):
    """What stands in places that a reader's interests leave empty."""

    NONE = "none"
    POPULAR = "popular"


class WhenEmpty(StrEnum):
    """What comes of an edition without a pick."""

    SEND = "send"  #: a mail that says so, with what is popular
    SKIP = "skip"


@dataclass(frozen=True, slots=True)
class Profile:
    """What a subscriber asked for. None in size, hype, surprise, fill and when_empty: the newsletter's default."""

    interests: tuple[Interest, ...] = ()
    muted: tuple[str, ...] = ()  #: words, phrases and authors that must not appear
    disliked: tuple[str, ...] = ()  #: ids of entries to see fewer like
    liked: tuple[str, ...] = ()  #: ids of liked entries that belong to no interest yet
    text: str = ""  #: free words
    size: int | None = None  #: picks in an edition
    hype: float | None = None  #: weight of the trend, 0..1
    surprise: float | None = None  #: share of exploratory picks, 0..1
    fill: Fill | None = None
    when_empty: WhenEmpty | None = None
    signals: tuple[Signal, ...] = ()  #: votes, decayed to today, oldest first; the store keeps the votes, not these


class OwnTime(NamedTuple):
    """When a reader wants an issue. None: when the newsletter sends it."""

    weekday: int | None = None  #: 0 = Monday; weekly only
    hour: int | None = None  #: local, 0..23
    timezone: str | None = None  #: IANA name


@dataclass(frozen=True, slots=True)
class Subscriber:
    """A person with an address. None: the newsletter's own default."""

    id: int
    email: str
    name: str = ""
    status: Status = Status.PENDING
    profile: Profile = Profile()
    cadence: Cadence | None = None
    weekday: int | None = None  #: 0 = Monday; weekly editions only
    hour: int | None = None  #: local hour 0..23
    timezone: str | None = None  #: IANA name
    language: str | None = None
    skim: bool | None = None  #: titles and reasons only
    epoch: int = 0  #: rises when the links in earlier mails are revoked; see `tokens`


@dataclass(frozen=True, slots=True)
class Issue:
    """One scheduled run, the same for all."""

    key: str  #: "2025-W12", "2025-03-17" or "2025-03"; sending the same key twice reaches nobody twice
    cadence: Cadence
    since: datetime
    until: datetime
    state: IssueState = IssueState.PLANNED
    day: date | None = None  #: the day that it is an issue of; None: that of `until`


@dataclass(frozen=True, slots=True)
class Pick:
    """An entry chosen for one subscriber, with its reasons."""

    entry: Entry
    score: float
    interest: str  #: name of the interest it serves; "" when it serves none (a trending or popular one)
    reasons: tuple[str, ...]  #: at least one, plain words


@dataclass(frozen=True, slots=True)
class Edition:
    """What one subscriber gets in one issue; best pick first."""

    issue: Issue
    subscriber: Subscriber
    picks: tuple[Pick, ...]
    more: tuple[Pick, ...] = ()  #: what the mail had no room for: on its page on the web only, and not counted as shown
    popular: tuple[Entry, ...] = ()  #: what many like, beside the picks; new to this person, not counted as shown
    unanswered: tuple[str, ...] = ()  #: names of the person's interests that nothing new fits
    unheard: tuple[str, ...] = ()  #: phrases of these that no paper of the last months has a word of
    general: bool = False  #: the person has no interests, so the picks are what many like


Part = Literal["interests", "popular"]  #: of a mail, that one can do without: headings of interests; what many like
SECTIONS: tuple[Part, ...] = ("interests", "popular")


@dataclass(frozen=True, slots=True)
class Masthead:
    """Who sends: the parts of the configuration that a mail shows."""

    name: str
    sender: str  #: "The Weekly Preprint <weekly@papers.example.org>"
    tagline: str = ""
    reply_to: str = ""
    list_id: str = ""  #: "weekly.papers.example.org", without angle brackets
    postal_address: str = ""
    language: str = "en"
    base_url: str = ""  #: of the subscribers' pages, without a slash at the end
    logo: str = ""  #: an http(s) address, in place of the mark
    mark: str = ""  #: one or two letters
    sections: tuple[Part, ...] = SECTIONS
    timezone: str = "UTC"  #: IANA name; an issue is dated there


@dataclass(frozen=True, slots=True)
class Links:
    """The signed links of one subscriber in one issue: complete URLs, URL-safe ASCII by construction."""

    view: str  #: the edition in a browser; of a page for everybody: the list of such pages
    interests: str  #: edit my interests, cadence, pause
    unsubscribe: str  #: a page with a button on GET, at once on POST (RFC 8058)
    unsubscribe_mailto: str  #: "mailto:…?subject=…"
    feedback: str  #: prefix; "/more/", "/less/" or "/save/" and the entry's id follow, percent-encoded


@dataclass(frozen=True, slots=True)
class Mail:
    """A rendered edition (or a confirmation), ready for the wire."""

    message_id: str  #: with angle brackets; the same for the same (issue, subscriber), always
    sender: str  #: envelope sender, an addr-spec
    recipient: str  #: envelope recipient, an addr-spec
    body: bytes  #: headers and parts, CRLF lines, not dot-stuffed
    sealed: bool = False  #: 7 bits, CRLF at its end, no line that begins with a dot: it goes out as it is


@dataclass(frozen=True, slots=True)
class Delivery:
    """What became of one mail: one row of the ledger."""

    issue: str
    subscriber: int
    due: datetime  #: of an accepted one: when it was
    outcome: Outcome = Outcome.PLANNED
    attempts: int = 0
    message_id: str = ""
    code: int = 0  #: the server's last reply code
    detail: str = ""  #: the server's own words, or why it was skipped
    expires: datetime | None = None  #: too late to be news from then on; None: not known here


@dataclass(frozen=True, slots=True)
class DomainTally:
    """Deliveries of an issue to one recipient domain."""

    domain: str  #: "" of who was erased
    waiting: int  #: planned, deferred or sending
    accepted: int
    deferred: int
    lately: int  #: accepted, of late
    since: datetime | None  #: the first of these was accepted


@dataclass(frozen=True, slots=True)
class Bounce:
    """A believed report on one person: the mail did not arrive, or was not wanted. The delivery stays accepted."""

    report: str  #: digest of the report; the same one counts once
    subscriber: int
    issue: str  #: its key; "" where the report does not tell
    reason: str  #: a word of bounces.Reason
    hard: bool  #: the address itself is bad
    counts: bool  #: the address is doubtful: some of these together are as good as a hard one
    at: datetime  #: when it was read
    status: Status | None = None  #: what it made of the person


@dataclass(frozen=True, slots=True)
class Tally:
    """The accounting of an issue: planned = accepted + refused + skipped + expired + uncertain + waiting."""

    issue: str
    state: IssueState
    planned: int = 0
    accepted: int = 0
    refused: int = 0
    skipped: int = 0
    expired: int = 0
    uncertain: int = 0
    waiting: int = 0  #: planned, deferred or sending
    paused: str = ""  #: why the schedule does not send it

    def adds_up(self) -> bool:
        """Whether every planned delivery is accounted for."""
        settled = self.accepted + self.refused + self.skipped + self.expired + self.uncertain
        return self.planned == settled + self.waiting

    def __str__(self) -> str:
        parts = [f"accepted {self.accepted}"]
        names = ("refused", "skipped", "expired", "uncertain", "waiting")
        parts += [f"{name} {getattr(self, name)}" for name in names if getattr(self, name)]
        return f"planned {self.planned} = {' + '.join(parts)}"
