"""The accounting of issues, and the state of the newsletter, as JSON."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime
from typing import Any

from newsletter.services.overview import Overview, findings, notes
from newsletter.services.progress import DomainProgress, Progress
from newsletter.types import Health, SourceState, Tally

Row = dict[str, Any]


def tally_row(tally: Tally) -> Row:
    """What became of the mails of one issue."""
    return asdict(tally)


def progress_row(progress: Progress) -> Row:
    """The accounting, with how fast it goes and how each recipient domain does."""
    domains = [_domain_row(domain) for domain in progress.domains]
    return {**tally_row(progress.tally), "rate": progress.rate, "left": progress.left, "domains": domains}


def _domain_row(domain: DomainProgress) -> Row:
    return {**asdict(domain), "paused": domain.paused.isoformat() if domain.paused else None}


def overview_row(overview: Overview) -> Row:
    """Sources, latest issues, the next one, readers by status, and what stands in the way of mail."""
    return {
        "sources": [health_row(source) for source in overview.health],
        "issues": [tally_row(tally) for tally in overview.issues],
        "next": {"due": overview.due.isoformat(), "since": overview.since.isoformat(), "news": overview.news},
        "readers": {status.value: number for status, number in overview.readers.items()},
        "findings": list(findings(overview)),
        "notes": list(notes(overview)),
    }


def health_row(health: Health) -> Row:
    """How one source does; `error` is its detail where it could not be read."""
    return {
        "source": health.source,
        "state": health.state.value,
        "since": _minute(health.since),
        "checked": _minute(health.checked),
        "succeeded": _minute(health.succeeded),
        "found": health.found,
        "new": health.added,
        "detail": health.detail,
        "error": health.detail if health.state is SourceState.FAILING else "",
    }


def _minute(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else ""
