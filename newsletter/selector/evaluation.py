"""How good past issues were, in figures. Pure: editions, votes and rankings in, a report out; no clock, no store.

Readers vote on what they were shown and on nothing else, so a paper that nobody voted for may have been welcome, or may
never have been offered. What was mailed therefore looks better than what another selector would have chosen: read
`now`, `deaf` and `popular` beside each other, over many issues, and none of them as an absolute mark.

    as_mailed   nDCG@10 of editions as they went out: did the papers that their reader wanted stand first?
    now         nDCG@10 of the same pools, chosen anew by today's selector and profiles, with the votes from before
    deaf        the same without any vote: what lies between `now` and `deaf` is what feedback brings
    popular     the same for a reader of whom nothing is known: the floor
    largest     places that the weightiest interest got, beside its fair share: 1 is fair
    smallest    the same of the least weighty one
    distance    total variation between fair and real shares: 0 is fair, 1 is as unfair as can be
    novelty     1 - Jaccard of the words in title and topics with the nearest paper of this reader's last 4 issues
    gini        of how often each paper of the pool was shown: 0 is all alike, 1 is one paper for everybody
    below       share of the picks below the floor, which a mail calls popular or outside the interests
    empty       share of the editions without a pick, mailed or skipped
    dry         share of the named interests that found nothing new
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, fields
from datetime import datetime
from zlib import crc32

from newsletter.types import WANTED, Edition, Entry, Issue, Profile, Verb, Vote

DEPTH = 10  #: places that nDCG looks at
BACK = 4  #: a reader's latest issues, for novelty and for who was starved
STARVED = 0.5  #: of the fair share
EXPECTED = 1.0  #: places due to an interest in BACK issues, below which nothing can be said of it
MOST_STARVED = 100  #: named in a report
OUTSIDE = "a little outside your interests"  #: the selector's first reason for an exploratory pick

#: What figures are called, wherever they are shown.
LABELS = {
    "as_mailed": "nDCG@10 as mailed",
    "now": "nDCG@10 today's selector",
    "deaf": "nDCG@10 without feedback",
    "popular": "nDCG@10 popular only",
    "largest": "largest interest, of its share",
    "smallest": "smallest interest, of its share",
    "distance": "distance from fair shares",
    "novelty": "novelty",
    "age": "age of a paper, days",
    "coverage": "coverage of the pool",
    "gini": "inequality of showings (Gini)",
    "outside": "exploratory picks",
    "filled": "picks for no interest",
    "below": "picks below the floor",
    "empty": "editions without a pick",
    "dry": "interests without a find",
    "more": '"more" per 100 mails',
    "save": '"save" per 100 mails',
    "less": '"less" per 100 mails',
}
SHARES = ("coverage", "outside", "filled", "below", "empty", "dry")  #: told in per cent
TENTHS = ("age", "more", "save", "less")  #: told with one place after the point

Words = frozenset[str]


@dataclass(frozen=True, slots=True)
class Replay:
    """One voter's past issue, chosen anew; ids, best first."""

    wanted: frozenset[str]  #: what they voted for of what this issue showed; not empty
    now: tuple[str, ...]
    deaf: tuple[str, ...]  #: as if nobody had ever voted
    popular: tuple[str, ...]  #: as if nothing were known of the reader


@dataclass(frozen=True, slots=True)
class Past:
    """One issue that was mailed."""

    issue: Issue
    pool: int  #: papers in it, those counted once that are one by now
    replays: tuple[Replay, ...] = ()
    outside: frozenset[str] = frozenset({OUTSIDE})  #: in the languages of its readers


@dataclass(frozen=True, slots=True)
class ReaderHistory:
    """What one subscriber got and said. Entries are under the ids that they have today."""

    number: int
    editions: Sequence[Edition]  #: oldest first, each with the profile that it was made for
    votes: Sequence[Vote] = ()


@dataclass(frozen=True, slots=True)
class Figures:
    """Of one issue, or of all together; None where there is nothing to take a figure from, which is not zero."""

    as_mailed: float | None
    now: float | None
    deaf: float | None
    popular: float | None
    largest: float | None
    smallest: float | None
    distance: float | None
    novelty: float | None
    age: float | None  #: days of a picked paper at the issue's date
    coverage: float | None  #: share of the pool that somebody was shown
    gini: float | None
    outside: float | None  #: share of the picks that were exploratory
    filled: float | None  #: share of the picks that served no interest: too few matched, or the reader named none
    below: float | None  #: share of the picks for readers with interests that match none of these
    empty: float | None  #: share of the editions
    dry: float | None  #: share of the interests, counted anew in each edition
    more: float | None  #: votes per 100 mails
    save: float | None
    less: float | None


@dataclass(frozen=True, slots=True)
class Measured:
    """One issue in figures."""

    issue: str
    until: datetime
    pool: int
    editions: int
    rated: int  #: editions with a paper that was voted for: what `as_mailed` rests on
    replayed: int  #: what `now`, `deaf` and `popular` rest on
    repeats: int  #: picks that this reader had got in an issue before
    figures: Figures


@dataclass(frozen=True, slots=True)
class Starved:
    """An interest that got less than STARVED of its share in its reader's last BACK issues."""

    subscriber: int
    interest: str
    due: float  #: places
    got: int


@dataclass(frozen=True, slots=True)
class EvaluationReport:
    """What `newsletter evaluate` tells."""

    issues: tuple[Measured, ...]  #: oldest first
    overall: Figures
    editions: int
    readers: int
    voters: float | None  #: share of the readers that ever voted
    repeats: int
    starving: int
    starved: tuple[Starved, ...]  #: the worst MOST_STARVED of `starving`


def measure(pasts: Sequence[Past], readers: Iterable[ReaderHistory]) -> EvaluationReport:
    """All figures in one pass over the readers, of whom one is held at a time.

    Editions of other issues than `pasts` count for nothing. Editions weigh alike, whatever the issue.
    """
    sums = {past.issue.key: _Sums(past.outside) for past in pasts}
    audience = _Audience()
    for reader in readers:
        audience.add(reader, sums)
    for past in pasts:
        _finish(sums[past.issue.key], past)
    together = _Sums()
    for found in sums.values():
        together.take(found)
    worst = sorted(
        audience.starved, key=lambda starved: (starved.got / starved.due, starved.subscriber, starved.interest)
    )
    return EvaluationReport(
        issues=tuple(_measured(past, sums[past.issue.key]) for past in pasts),
        overall=together.figures(),
        editions=together.counts["editions"],
        readers=audience.readers,
        voters=audience.voters / audience.readers if audience.readers else None,
        repeats=together.counts["repeats"],
        starving=len(worst),
        starved=tuple(worst[:MOST_STARVED]),
    )


def told(name: str, value: float | None) -> str:
    """A figure for people; a dash for one that there is not, which is not zero."""
    if value is None:
        return "—"
    if name in SHARES:
        return f"{100 * value:.1f} %"
    return f"{value:.1f}" if name in TENTHS else f"{value:.3f}"


def findings(report: EvaluationReport) -> Iterator[str]:
    """What stands out, or stands in the way of figures: one line each."""
    if not report.issues:
        yield "There is no issue to evaluate: none was mailed yet, or none since that day."
        return
    yield _honesty(report.overall)
    if not any(issue.rated for issue in report.issues):
        yield "Nobody voted for a paper of these issues yet: there is no nDCG."
    if report.repeats:
        yield f"Picks of a paper that its reader had got before, or that was joined with one later: {report.repeats}."
    if report.starving:
        yield f"Interests with less than half of their share in their reader's last {BACK} issues: {report.starving}."


def _honesty(figures: Figures) -> str:
    below, empty, dry = (told(name, getattr(figures, name)) for name in ("below", "empty", "dry"))
    return (
        f"Below the floor: {below} of the picks, called popular or outside the interests. "
        f"Without any pick: {empty} of the editions. Without a find: {dry} of the interests."
    )


def ndcg(ranking: Sequence[str], wanted: Set[str]) -> float:
    """Σ 1/log2(place + 1) of the wanted in the first DEPTH places, beside what it is with all wanted ones in front."""
    found = sum(_gain(place) for place, paper in enumerate(ranking[:DEPTH]) if paper in wanted)
    return found / sum(map(_gain, range(min(len(wanted), DEPTH))))


def fair_shares(profile: Profile) -> dict[str, float]:
    """What a pick calls an interest → its share of the places, largest first; {} for fewer than two.

    Also {} where an interest has neither name nor keyword: nobody can tell its picks then.
    """
    weights: dict[str, float] = {}
    for interest in profile.interests:
        label = interest.name.strip() or ", ".join(interest.keywords[:2])
        weights[label] = weights.get(label, 0.0) + (interest.weight if 0 < interest.weight < math.inf else 0.0)
    if not any(weights.values()):
        weights = dict.fromkeys(weights, 1.0)
    kept = {label: weight for label, weight in weights.items() if weight}
    if len(kept) < 2 or "" in kept:
        return {}
    total = sum(kept.values())
    return {label: kept[label] / total for label in sorted(kept, key=lambda label: -kept[label])}


def gini(showings: Iterable[int], pool: int) -> float | None:
    """Of the times that each of `pool` papers was shown; `showings`: of those that were. None for no showing."""
    counts = sorted(showings)
    total, zeros = sum(counts), max(0, pool - len(counts))
    if not total:
        return None
    size = zeros + len(counts)
    ranked = sum((zeros + place) * count for place, count in enumerate(counts, 1))
    return 2 * ranked / (size * total) - (size + 1) / size


def sample(numbers: Iterable[int], most: int) -> list[int]:
    """At most so many, the same ones every time, whoever was added meanwhile; ascending."""
    return sorted(sorted(numbers, key=lambda number: (crc32(b"%d" % number), number))[:most])


class _Sums:
    """Sums and counts of one issue: every figure is a mean."""

    def __init__(self, outside: Set[str] = frozenset()) -> None:
        self.outside = outside  #: as Past
        self.counts: Counter[str] = Counter()
        self.shown: Counter[str] = Counter()  #: paper → times
        self._sums: defaultdict[str, float] = defaultdict(float)
        self._times: Counter[str] = Counter()

    def add(self, name: str, value: float, times: int = 1) -> None:
        self._sums[name] += value
        self._times[name] += times

    def take(self, other: _Sums) -> None:
        self.counts.update(other.counts)
        for name, value in other._sums.items():
            self.add(name, value, other._times[name])

    def figures(self) -> Figures:
        return Figures(**{figure.name: self._mean(figure.name) for figure in fields(Figures)})

    def _mean(self, name: str) -> float | None:
        return self._sums[name] / self._times[name] if self._times[name] else None


class _Audience:
    """All readers together."""

    def __init__(self) -> None:
        self.readers = self.voters = 0
        self.starved: list[Starved] = []
        self._words: dict[str, Words] = {}

    def add(self, reader: ReaderHistory, sums: Mapping[str, _Sums]) -> None:
        editions = [edition for edition in reader.editions if edition.issue.key in sums]
        if not editions:
            return
        self.readers += 1
        self.voters += bool(reader.votes)
        self.starved += _starved(reader.number, editions[-BACK:])
        verbs = {vote.entry: vote.verb for vote in reader.votes}
        had: set[str] = set()
        latest: deque[list[Words]] = deque(maxlen=BACK)
        for edition in editions:
            found, words = sums[edition.issue.key], [self._worded(pick.entry) for pick in edition.picks]
            ids = {pick.entry.id for pick in edition.picks}
            _count(found, edition, verbs)
            found.counts["repeats"] += len(ids & had)
            for novelty in _novelties(words, [other for some in latest for other in some]):
                found.add("novelty", novelty)
            had |= ids
            latest.append(words)

    def _worded(self, entry: Entry) -> Words:
        """Words of four letters and more in title and topics; a topic that all papers have makes them alike."""
        if entry.id not in self._words:
            text = " ".join((entry.title, *entry.topics)).casefold()
            self._words[entry.id] = frozenset(re.findall(r"\w{4,}", text))
        return self._words[entry.id]


def _gain(place: int) -> float:
    return 1 / math.log2(place + 2)


def _count(found: _Sums, edition: Edition, verbs: Mapping[str, Verb]) -> None:
    """What one edition adds by itself."""
    found.counts["editions"] += 1
    said = Counter(verbs[pick.entry.id] for pick in edition.picks if pick.entry.id in verbs)
    for verb in (Verb.MORE, Verb.SAVE, Verb.LESS):
        found.add(verb.value, 100 * said[verb])
    ids = [pick.entry.id for pick in edition.picks]
    wanted = {paper for paper in ids if verbs.get(paper) in WANTED}
    if wanted:
        found.counts["rated"] += 1
        found.add("as_mailed", ndcg(ids, wanted))
    found.shown.update(ids)
    for pick in edition.picks:
        outside = bool(pick.reasons) and pick.reasons[0] in found.outside
        found.add("outside", outside)
        found.add("filled", not pick.interest and not outside)
        if not edition.general:
            found.add("below", outside or not pick.interest)
        if pick.entry.published:
            found.add("age", max(0.0, (edition.issue.until - pick.entry.published).total_seconds() / 86_400))
    found.add("empty", not edition.picks)
    asked = sum(1 for interest in edition.subscriber.profile.interests if interest.weight > 0)
    if asked:
        found.add("dry", len(edition.unanswered), asked)
    _weigh(found, edition)


def _weigh(found: _Sums, edition: Edition) -> None:
    """Beside the fair shares; picks that serve none of the named interests are nobody's loss."""
    fair, got = fair_shares(edition.subscriber.profile), _places(edition)
    total = sum(got[label] for label in fair)
    if not fair or not total:
        return
    real = {label: got[label] / total for label in fair}
    first, *_, last = fair
    found.add("largest", real[first] / fair[first])
    found.add("smallest", real[last] / fair[last])
    found.add("distance", sum(abs(real[label] - fair[label]) for label in fair) / 2)


def _places(edition: Edition) -> Counter[str]:
    return Counter(pick.interest for pick in edition.picks if pick.interest)


def _starved(number: int, editions: Sequence[Edition]) -> Iterator[Starved]:
    """Of the interests in the latest profile; each edition is measured by the profile that it was made for."""
    due: defaultdict[str, float] = defaultdict(float)
    got: Counter[str] = Counter()
    for edition in editions:
        fair, places = fair_shares(edition.subscriber.profile), _places(edition)
        total = sum(places[label] for label in fair)
        for label, share in fair.items():
            due[label] += share * total
            got[label] += places[label]
    for label in fair_shares(editions[-1].subscriber.profile):
        if due[label] >= EXPECTED and got[label] < STARVED * due[label]:
            yield Starved(number, label, due[label], got[label])


def _novelties(words: Sequence[Words], before: Sequence[Words]) -> Iterator[float]:
    """Of each pick; of none where nothing came before."""
    for mine in words if before else ():
        yield 1 - max(_likeness(mine, other) for other in before)


def _likeness(one: Words, other: Words) -> float:
    shared = len(one & other)
    return shared / (len(one) + len(other) - shared) if shared else 0.0


def _finish(found: _Sums, past: Past) -> None:
    """What only the issue as a whole can tell."""
    found.counts["replayed"] = len(past.replays)
    for replay in past.replays:
        for name in ("now", "deaf", "popular"):
            found.add(name, ndcg(getattr(replay, name), replay.wanted))
    if past.pool:
        found.add("coverage", len(found.shown), past.pool)
    inequality = gini(found.shown.values(), past.pool)
    if inequality is not None:
        found.add("gini", inequality)


def _measured(past: Past, found: _Sums) -> Measured:
    counts = {name: found.counts[name] for name in ("editions", "rated", "replayed", "repeats")}
    return Measured(past.issue.key, past.issue.until, past.pool, figures=found.figures(), **counts)
