"""How a send goes: how fast, how long it will take, and which domains hold mails up. Pure: counts in, figures out."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from newsletter.types import DomainTally, Tally

LATELY = timedelta(minutes=1)  #: what a rate is taken from
_OWN = re.compile(r"<[^>]*>|\S+@\S+|\b(?=\w*\d)\w{6,}\b|\b\d{1,3}(\.\d{1,3}){3}\b")


@dataclass(frozen=True, slots=True)
class DomainProgress:
    """One recipient domain."""

    domain: str
    waiting: int
    accepted: int
    deferred: int
    reason: str  #: the most frequent one
    rate: float  #: mails a second, lately
    paused: datetime | None  #: until then


@dataclass(frozen=True, slots=True)
class Progress:
    """What `newsletter status ISSUE` tells."""

    tally: Tally
    rate: float  #: mails a second, lately
    left: float | None  #: seconds; None: not known
    domains: tuple[DomainProgress, ...]  #: the most waiting first


def progress(
    tally: Tally,
    domains: Iterable[DomainTally],
    reasons: Iterable[tuple[str, str, int]],
    pauses: Mapping[str, tuple[datetime, str]],
    now: datetime,
) -> Progress:
    """`reasons`: (domain, words, how often); `pauses`: domain → until when, and why."""
    listed = [*domains]
    why = _most_frequent(reasons)
    since = min((each.since for each in listed if each.since), default=now)
    rates = {each.domain: _rate(each.lately, since, now) for each in listed}
    rate = _rate(sum(each.lately for each in listed), since, now)
    left = [each.waiting / rates[each.domain] for each in listed if each.waiting and rates[each.domain]]
    return Progress(
        tally=tally,
        rate=rate,
        left=max(tally.waiting / rate, *left, 0.0) if rate else None,
        domains=tuple(
            DomainProgress(
                domain=each.domain,
                waiting=each.waiting,
                accepted=each.accepted,
                deferred=each.deferred,
                reason=pauses[each.domain][1] if each.domain in pauses else why.get(each.domain, ""),
                rate=rates[each.domain],
                paused=pauses[each.domain][0] if each.domain in pauses else None,
            )
            for each in listed
        ),
    )


def gist(words: str) -> str:
    """Without what is different in each reply: addresses and numbers of queues."""
    return _OWN.sub("…", words)


def _most_frequent(reasons: Iterable[tuple[str, str, int]]) -> dict[str, str]:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for domain, words, times in reasons:
        counts[domain][gist(words)] += times
    return {domain: each.most_common(1)[0][0] for domain, each in counts.items()}


def _rate(count: int, since: datetime, now: datetime) -> float:
    return count / max((now - since).total_seconds(), 1.0)
