"""The state of an installation, and in plain words what keeps mail from coming. Pure: facts in, lines out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from newsletter.schedule import local_minute
from newsletter.store import Ahead
from newsletter.types import Health, IssueState, SourceState, Status, Tally

_TROUBLE = {
    SourceState.FAILING: "cannot be read",
    SourceState.PARTIAL: "is read in part only",
    SourceState.STALE: "does not move",
}


@dataclass(frozen=True, slots=True)
class Overview:
    """How a newsletter is: its sources, papers, readers and latest issues."""

    now: datetime
    health: tuple[Health, ...]  #: of the sources that were read
    unread: tuple[str, ...]  #: configured sources that never were
    since: datetime  #: where the window of the next issue begins
    news: int  #: papers waiting for the next issue
    seen: int  #: papers first seen since then, replacements and the like included
    readers: Mapping[Status, int]
    issues: tuple[Tally, ...]  #: newest first
    due: datetime  #: the next issue
    collect_every: timedelta
    embedder: str = ""  #: why it gave no vectors the last time
    timezone: str = "UTC"  #: the newsletter's
    ahead: Mapping[str, Ahead] = field(default_factory=dict)  #: issue → who waits for a time of their own
    unknown_zones: tuple[str, ...] = ()  #: of readers
    left_out: str = ""  #: of the papers for the next issue, where there are too many
    dated_ahead: tuple[str, ...] = ()  #: what the store holds from when the clock was ahead


def findings(overview: Overview) -> tuple[str, ...]:
    """One line for each thing that stands in the way of the next mail; none when all is well."""
    return (*_sources(overview), *_papers(overview), *_readers(overview), *_issues(overview))


def notes(overview: Overview) -> tuple[str, ...]:
    """One line for each thing that is not as configured and keeps no mail from coming."""
    return (*_without_vectors(overview), *_waits(overview), *_clocks(overview), *filter(None, (overview.left_out,)))


def _without_vectors(overview: Overview) -> Iterator[str]:
    if overview.embedder:
        yield without_vectors(overview.embedder)


def _waits(overview: Overview) -> Iterator[str]:
    for tally in overview.issues:
        ahead = overview.ahead.get(tally.issue)
        if ahead and ahead.first and tally.state in (IssueState.PLANNED, IssueState.SENDING):
            first = local_minute(ahead.first, overview.timezone)
            yield f"{tally.issue}: {ahead.number} wait for their own time, the first until {first}."


def _clocks(overview: Overview) -> Iterator[str]:
    if overview.unknown_zones:
        zones = ", ".join(overview.unknown_zones)
        yield f"This machine does not know {zones}: who chose it gets mail by the newsletter's clock."
    if overview.dated_ahead:
        things = "; ".join(overview.dated_ahead)
        yield f"Dated later than now, as if the clock had been ahead: {things}. It counts as now."


def without_vectors(trouble: str) -> str:
    """One sentence on what becomes of an issue without vectors, and why there are none."""
    return f"Papers are ranked by their words alone. {trouble}"


def _sources(overview: Overview) -> Iterator[str]:
    if not overview.health and not overview.unread:
        yield "No source is configured: add a [[source]] to sources.toml."
    if overview.unread:
        yield f"Never read yet: {', '.join(overview.unread)}. Run `newsletter collect`."
    for source in overview.health:
        if source.state in _TROUBLE:
            since = f"since {source.since:%Y-%m-%d %H:%M} UTC"
            yield f'The source "{source.source}" {_TROUBLE[source.state]} ({since}): {source.detail}'
    latest = max((source.checked for source in overview.health), default=None)
    if latest and overview.now - latest > 2 * overview.collect_every:
        yield f"Nothing was collected since {latest:%Y-%m-%d %H:%M} UTC: is `newsletter run`, or a timer, running?"


def _papers(overview: Overview) -> Iterator[str]:
    if overview.news or not overview.health:
        return
    since = f"since {overview.since:%Y-%m-%d %H:%M} UTC"
    if overview.seen:
        yield f"No news {since}: all {overview.seen} papers that came are new versions of older ones."
    elif all(source.state in (SourceState.QUIET, SourceState.FRESH) for source in overview.health):
        yield f"No new paper came {since}: the sources could be read and had nothing that was not known."
    else:
        yield f"No new paper came {since}: see the sources above."


def _readers(overview: Overview) -> Iterator[str]:
    if overview.readers.get(Status.ACTIVE):
        return
    pending, paused = overview.readers.get(Status.PENDING, 0), overview.readers.get(Status.PAUSED, 0)
    more = f" {pending} signed up and did not open the link in the confirmation mail." if pending else ""
    more += f" {paused} paused." if paused else ""
    yield f"Nobody gets mail: there is no active subscriber.{more} Add one: `newsletter subscribers add ADDRESS`."


def _issues(overview: Overview) -> Iterator[str]:
    for tally in overview.issues:
        if tally.paused:
            yield f"{tally.issue} is paused: {tally.paused}. `newsletter send {tally.issue}` goes on."
        elif tally.state is IssueState.DRAFT:
            ways = f"`newsletter issues --approve {tally.issue}`, or `newsletter send {tally.issue}`"
            yield f"{tally.issue} is a draft: nobody gets it before {ways}."
        elif tally.state is not IssueState.DONE and (due := _due(tally, overview)):
            yield f"{tally.issue} is not sent: {due} wait. Run `newsletter send {tally.issue}`."
        if tally.uncertain:
            yield f"{tally.issue}: {tally.uncertain} may or may not have arrived: `newsletter resolve {tally.issue}`."
    if overview.issues and overview.issues[0].refused:
        latest = overview.issues[0]
        yield f"{latest.issue}: {latest.refused} were refused; `newsletter status {latest.issue}` says why."


def _due(tally: Tally, overview: Overview) -> int:
    """How many wait that need not."""
    ahead = overview.ahead.get(tally.issue)
    return tally.waiting - (ahead.number if ahead else 0)
