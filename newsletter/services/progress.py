"""How a send goes: how fast, how long it will take, and which domains hold mails up. Pure: counts in, figures out."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from newsletter.types import DomainTally, Tally

RATE_WINDOW = timedelta(minutes=1)  #: up to now; `lately` counts what was accepted in it
#: What is different in each reply: addresses, and numbers of queues.
_PARTICULARS = re.compile(r"<[^>]*>|\S+@\S+|\b(?=\w*\d)\w{6,}\b|\b\d{1,3}(\.\d{1,3}){3}\b")


@dataclass(frozen=True, slots=True)
class DomainProgress:
    """One recipient domain."""

    domain: str
    waiting: int
    accepted: int
    deferred: int
    reason: str  #: why it is paused, or the most frequent one
    rate: float  #: mails a second, within RATE_WINDOW
    paused: datetime | None  #: until then


@dataclass(frozen=True, slots=True)
class Progress:
    """How the sending of an issue goes."""

    tally: Tally
    rate: float  #: mails a second, within RATE_WINDOW
    left: float | None  #: seconds; None: not known
    domains: tuple[DomainProgress, ...]  #: the most waiting first


def progress(
    tally: Tally,
    domains: Iterable[DomainTally],
    reasons: Iterable[tuple[str, str, int]],
    pauses: Mapping[str, tuple[datetime, str]],
    now: datetime,
) -> Progress:
    """`reasons`: (domain, reply, how often); `pauses`: domain → until when, and why.

    The time left is that of the slowest domain, when it goes on as in the window.
    """
    listed = [*domains]
    frequent = _most_frequent(reasons)
    since = min((domain.since for domain in listed if domain.since), default=now)
    rates = {domain.domain: _rate(domain.lately, since, now) for domain in listed}
    rate = _rate(sum(domain.lately for domain in listed), since, now)
    left = [domain.waiting / rates[domain.domain] for domain in listed if domain.waiting and rates[domain.domain]]
    return Progress(
        tally=tally,
        rate=rate,
        left=max(tally.waiting / rate, *left, 0.0) if rate else None,
        domains=tuple(
            _domain_progress(domain, rates[domain.domain], frequent.get(domain.domain, ""), pauses.get(domain.domain))
            for domain in listed
        ),
    )


def _domain_progress(
    domain: DomainTally, rate: float, frequent: str, pause: tuple[datetime, str] | None
) -> DomainProgress:
    """The reason of a pause goes before the most frequent one."""
    paused, reason = pause or (None, frequent)
    return DomainProgress(
        domain.domain, domain.waiting, domain.accepted, domain.deferred, reason=reason, rate=rate, paused=paused
    )


def common_words(reply: str) -> str:
    """A server's reply without its particulars, so that those that say the same are the same."""
    return _PARTICULARS.sub("…", reply)


def _most_frequent(reasons: Iterable[tuple[str, str, int]]) -> dict[str, str]:
    """Domain → the reply that it gave most often."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for domain, reply, times in reasons:
        counts[domain][common_words(reply)] += times
    return {domain: replies.most_common(1)[0][0] for domain, replies in counts.items()}


def _rate(count: int, since: datetime, now: datetime) -> float:
    return count / max((now - since).total_seconds(), 1.0)
