"""Whether a source is well: a quiet week and a broken feed look the same from outside, so say which it is.

failing   nothing could be read          stale   it did not move for longer than it should
partial   some of it could not be read   quiet   it could be read and had nothing new       fresh   it had, within a day
"""

from __future__ import annotations

from datetime import datetime, timedelta

from newsletter.collector.harvest import Harvest
from newsletter.collector.source_kind import Kind
from newsletter.errors import SourceError
from newsletter.types import Health, Source, SourceState

RECENT = timedelta(days=1)


def judge(before: Health | None, harvest: Harvest, added: int, kind: Kind | None, now: datetime) -> Health:
    """Judge a source after this harvest, of which `added` entries were new; `before`: its health after the last one."""
    failed, same = bool(harvest.error), harvest.unchanged and before is not None
    dated = max((date for date in (harvest.dated, before.dated if before else None) if date), default=None)
    news = now if added else before.news if before else None
    succeeded = now if not failed else before.succeeded if before else None
    state, detail = _state(before, harvest, kind, dated, news, now)
    since = before.since if before and before.state == state else _since(state, dated, news, now)
    return Health(
        source=harvest.source.name,
        state=state,
        since=since,
        checked=now,
        succeeded=succeeded,
        dated=dated,
        news=news,
        found=before.found if before and (same or failed) else len(harvest.entries),
        added=added,
        detail=detail,
    )


def _state(
    before: Health | None,
    harvest: Harvest,
    kind: Kind | None,
    dated: datetime | None,
    news: datetime | None,
    now: datetime,
) -> tuple[SourceState, str]:
    if harvest.error:
        return SourceState.FAILING, harvest.error
    if harvest.problems:
        more = f" (and {len(harvest.problems) - 1} more)" if len(harvest.problems) > 1 else ""
        return SourceState.PARTIAL, harvest.problems[0] + more
    if harvest.unchanged and before and before.state is SourceState.PARTIAL:
        return SourceState.PARTIAL, before.detail
    if harvest.doubt:
        return SourceState.STALE, harvest.doubt
    if news and now - news < RECENT:
        return SourceState.FRESH, ""
    late = _late(harvest.source, kind, dated, now) if kind and harvest.online else ""
    return (SourceState.STALE if late else SourceState.QUIET), late


def _late(source: Source, kind: Kind, dated: datetime | None, now: datetime) -> str:
    limit = stale_after(source, kind)
    if limit and dated and now - dated > limit:
        return f"nothing newer than {dated:%d %B %Y} in it"
    return kind.late(dated, now)


def stale_after(source: Source, kind: Kind) -> timedelta | None:
    """The source's own `stale_after`, or its kind's; raises SourceError for what is no duration."""
    given = _duration(source, "stale_after")
    return kind.stale_after if given is None else given


def max_age(source: Source) -> timedelta | None:
    """The source's `max_age`, if it has one; raises SourceError for what is no duration."""
    return _duration(source, "max_age")


def _duration(source: Source, name: str) -> timedelta | None:
    from newsletter.config import parse_duration  # with pydantic, which no process that reads documents needs

    given = source.options.get(name)
    if given is None:
        return None
    try:
        found = parse_duration(given)
    except ValueError as error:
        raise SourceError(f"{name} = {given!r}: {error}") from error
    return found if isinstance(found, timedelta) else None


def _since(state: SourceState, dated: datetime | None, news: datetime | None, now: datetime) -> datetime:
    """A source is stale since it last moved, and quiet since it last had news."""
    known = {SourceState.STALE: dated, SourceState.QUIET: news}
    return known.get(state) or now
