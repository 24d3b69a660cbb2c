"""What a reader's votes on single papers say today. Pure: votes and showings in, signals out.

A vote fades: what somebody liked a year ago says less than what they liked last week. A paper left alone says a little,
and only beside one that the reader voted for: then the mail was read. Silence is not dislike, for a mail that nobody
opened says nothing of its papers; who stays silent for long gets a little more of what is new to them instead.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from math import log2

from newsletter.types import WANTED, Profile, Showing, Signal, Verb, Vote

#: Beside a paper that the profile itself names. To save or to refuse a paper is a decision about it; "more" is said
#: lightly, of the paper or only of its field; of what was left alone most was not disliked, only not read.
STRENGTH = {Verb.MORE: 0.8, Verb.SAVE: 1.0, Verb.LESS: 1.0, Verb.PASSED: 0.1}
HALF_LIFE = timedelta(days=180)  #: people change what they work on by the half-year, not by the week
PASSED_HALF_LIFE = timedelta(days=45)  #: a guess about one morning; without proof it soon goes
FAINTEST = 0.05  #: a signal below this no longer moves a pick, and only costs time
LASTS = HALF_LIFE * log2(STRENGTH[Verb.SAVE] / FAINTEST)  #: after this no vote counts: 778 days
PASSED_LASTS = PASSED_HALF_LIFE * log2(STRENGTH[Verb.PASSED] / FAINTEST)  #: nor a paper left alone: 45 days
PASSED_ISSUES = 10  #: the latest with a vote; a daily reader's passed papers would outnumber all they ever said
LOOK_BACK = 20  #: issues to be looked at: PASSED_ISSUES of a daily reader who votes in every other; weeks enough
QUIET_ISSUES = 8  #: two months of a weekly mail: longer than a holiday
RESTLESS = 0.1  #: one pick in ten: enough to find a way out, too few to spoil the mail of who only reads
MOST_SURPRISE = 0.5  #: half of an edition stays with the interests, however silent the reader


def signals(votes: Sequence[Vote], showings: Sequence[Showing], now: datetime) -> tuple[Signal, ...]:
    """What is left of a reader's votes, and of the papers passed over beside them; oldest first.

    weight = STRENGTH · ½ ^ (age / half-life). Of two votes on one paper the later counts. `showings`: the papers
    that this reader was shown in their latest issues.
    """
    words = _latest(votes)
    said = [*words.values(), *_passed(words, showings)]
    weighed = (Signal(vote.entry, vote.verb, _left(vote, now)) for vote in sorted(said, key=_age_then_id))
    return tuple(signal for signal in weighed if signal.weight >= FAINTEST)


def age(signal: Signal) -> timedelta:
    """How long ago it was said, told from what is left of it."""
    half_life = PASSED_HALF_LIFE if signal.verb is Verb.PASSED else HALF_LIFE
    return max(half_life * log2(STRENGTH[signal.verb] / signal.weight), timedelta())


def restless(votes: Sequence[Vote], showings: Sequence[Showing], now: datetime) -> float:
    """The extra share of exploratory picks for who used to vote and then let QUIET_ISSUES issues pass without."""
    if not votes:
        return 0.0
    last = max(vote.at for vote in votes)
    quiet = {showing.issue for showing in showings if last < showing.at <= now}
    return RESTLESS if len(quiet) >= QUIET_ISSUES else 0.0


def with_vote_signals(
    profile: Profile, votes: Sequence[Vote], showings: Sequence[Showing], now: datetime, surprise: float
) -> Profile:
    """The profile with its reader's signals; `surprise` is the newsletter's own share, for who named none.

    A reader who wants no surprises gets none.
    """
    heard = replace(profile, signals=signals(votes, showings, now))
    usual = surprise if profile.surprise is None else profile.surprise
    extra = 0.0 if profile.surprise == 0 else restless(votes, showings, now)
    return replace(heard, surprise=max(usual, min(MOST_SURPRISE, usual + extra))) if extra else heard


def _latest(votes: Sequence[Vote]) -> dict[str, Vote]:
    return {vote.entry: vote for vote in sorted(votes, key=lambda vote: vote.at)}


def _passed(words: dict[str, Vote], showings: Sequence[Showing]) -> Iterator[Vote]:
    """The papers that stood in one issue with a wanted one, and of which nothing was said."""
    wanted = {entry for entry, vote in words.items() if vote.verb in WANTED}
    read = {showing.issue: showing.at for showing in showings if showing.entry in wanted}
    latest = sorted(read, key=lambda issue: (read[issue], issue))[-PASSED_ISSUES:]
    for showing in showings:
        if showing.issue in latest and showing.entry not in words:
            yield Vote(showing.entry, Verb.PASSED, showing.at)


def _left(vote: Vote, now: datetime) -> float:
    age = max(now - vote.at, timedelta())
    half_life = PASSED_HALF_LIFE if vote.verb is Verb.PASSED else HALF_LIFE
    return float(STRENGTH[vote.verb] * 0.5 ** (age / half_life))


def _age_then_id(vote: Vote) -> tuple[datetime, str]:
    return vote.at, vote.entry
