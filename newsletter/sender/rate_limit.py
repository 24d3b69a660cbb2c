"""How fast: a lane for each recipient domain and for each relay, and how long a mail waits that is to be tried again.

Pure: moments are passed in, as seconds of a clock that never goes back.

A lane keeps mails apart by its rate and has so many under way at once. It halves its rate when it is asked to, or when
hardly anything goes through, and raises it by a tenth when it has been quiet; never above what is configured. Single
temporary refusals (a grey list, a full mailbox) slow nobody: what slows is a share of them that people do not explain.
"""

from __future__ import annotations

import re
from collections import OrderedDict, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from enum import Enum
from math import inf
from zlib import crc32

from newsletter.errors import Deferred, DeliveryError, SenderRefused
from newsletter.sender.tuning import RATE_LIMIT, RateLimitTuning

_SLOWER = re.compile(
    r"\b(rate|busy|load|quickly|slow down)\b|too (many|fast|much)|throttl|limit exceeded", re.IGNORECASE
)
_CROWDED = re.compile(
    r"(?:too many|limit|max|exceed|reached|reduce|fewer)[^.;]{0,60}(?:connection|session|concurren|simultaneous)"
    r"|(?:connection|session|concurren|simultaneous)[^.;]{0,60}(?:too many|limit|max|exceed|reached)",
    re.IGNORECASE,
)
_CONCURRENT = re.compile(r"concurren|simultaneous|too many (?:open |smtp )*(?:connection|session)", re.IGNORECASE)
_GREY = re.compile(r"gr[ae]y.?list", re.IGNORECASE)


class RateHint(Enum):
    """What a reply says about pace."""

    FINE = "fine"  #: accepted, or refused for good
    LATER = "later"  #: a temporary refusal: a full mailbox, a grey list; a matter of one person, so far
    SLOWER = "slower"
    NOTHING = "nothing"  #: there was none


@dataclass(frozen=True, slots=True)
class Limit:
    """What is configured for a lane."""

    rate: float = 0.0  #: mails a second; 0: as fast as it goes
    connections: int = 0  #: mails under way at once; 0: as many as there are connections


def retry_delay(
    attempts: int, retry: Sequence[timedelta], seed: str = "", tuning: RateLimitTuning = RATE_LIMIT
) -> timedelta:
    """Return the first delay after the first failed attempt, and so on; the last one repeats until the mail expires.

    Up to a fifth longer or shorter, the same for the same seed, so that those who were refused together do not come
    back together.
    """
    share = crc32(f"{seed} {attempts}".encode()) / 2**31 - 1
    return retry[min(max(attempts, 1), len(retry)) - 1] * (1 + tuning.jitter_share * share)


def rate_hint(error: DeliveryError | None) -> RateHint:
    """Read from a reply whether it asks for another pace; None is acceptance."""
    if error is None or not isinstance(error, Deferred) or isinstance(error, SenderRefused):
        return RateHint.FINE
    if error.status.startswith("4.2.") or grey(error):  # one mailbox; a stranger
        return RateHint.LATER
    asks = error.code == 421 or error.status.startswith("4.7.") or _SLOWER.search(str(error))
    return RateHint.SLOWER if asks else RateHint.LATER


def grey(error: DeliveryError) -> bool:
    """Say whether it only asks us to come back, as a grey list asks every unknown sender."""
    return _GREY.search(str(error)) is not None


def crowded(error: DeliveryError) -> bool:
    """Say whether a temporary refusal is about our connections: too many at once, or one that lasted too long."""
    return 400 <= error.code < 500 and _CROWDED.search(str(error)) is not None


def concurrent(error: DeliveryError) -> bool:
    """Say whether a temporary refusal is about connections at the same time."""
    return 400 <= error.code < 500 and _CONCURRENT.search(str(error)) is not None


class Lane:
    """One recipient domain, or one relay."""

    __slots__ = (
        "_changed",
        "_full",
        "_replies",
        "_slower_in_a_row",
        "_tuning",
        "in_flight",
        "latency",
        "limit",
        "line_end",
        "most",
        "next_at",
        "rate",
        "waiting",
    )

    def __init__(self, limit: Limit = Limit(), tuning: RateLimitTuning = RATE_LIMIT) -> None:
        self.limit = limit
        self._tuning = tuning
        self.rate = limit.rate  #: now; 0: as fast as it goes
        self.most = limit.connections  #: under way at once, now; 0: any number
        self.in_flight = 0
        self.waiting = 0  #: mails in memory
        self.next_at = 0.0  #: no mail starts before
        self.line_end = 0.0  #: when it is the turn of the last of those that were sent away
        self.latency = 0.0  #: seconds a mail takes, by the latest; 0: not known
        self._full = limit.rate  #: the rate to come back to
        self._changed = -inf  #: when the rate was changed last
        self._replies: deque[tuple[float, bool]] = deque(maxlen=tuning.window_replies)  #: when; a temporary refusal?
        self._slower_in_a_row = 0  #: replies that asked for a slower pace

    def opens(self, now: float) -> float:
        """Return when the next mail may start; inf: not before another one is done."""
        if self.most and self.in_flight >= self.most:
            return inf
        return max(self.next_at, now)

    def start(self, now: float) -> None:
        """Count a mail that is on its way."""
        self.in_flight += 1
        if self.rate:
            self.next_at = max(self.next_at, now - self._tuning.burst_seconds) + 1 / self.rate

    def put_back(self) -> None:
        """Take a start back: the mail was not sent after all."""
        self.in_flight -= 1
        if self.rate:
            self.next_at -= 1 / self.rate

    def done(self, now: float, hint: RateHint, took: float = 0.0) -> bool:
        """Count an answer. Returns whether the lane was slowed down for it."""
        self.in_flight -= 1
        if hint is RateHint.NOTHING:
            return False
        self.latency = took if not self.latency else 0.7 * self.latency + 0.3 * took
        self._replies.append((now, hint is not RateHint.FINE))
        self._slower_in_a_row = self._slower_in_a_row + 1 if hint is RateHint.SLOWER else 0
        settled = now - self._changed >= self._tuning.settling_seconds
        if settled and hint is not RateHint.FINE and self._too_fast(hint):
            self._slow_down(now)
            return True
        if settled and self.slowed and self._share() <= self._tuning.quiet_share:
            self._speed_up(now)
        return False

    def capacity(self) -> float:
        """Return the mails a second that it takes, as far as is known; inf: not known to be limited."""
        by_turns = self.most / self.latency if self.most and self.latency else inf
        return min(self.rate or inf, by_turns)

    def hoped_for(self) -> float:
        """Return the mails a second that it may come to when it is quiet."""
        return self._full if self.slowed else self.capacity()

    def idle(self, now: float) -> bool:
        """Say whether there is nothing to remember."""
        busy = self.in_flight or self.waiting or max(self.next_at, self.line_end) > now
        return not busy and not self.slowed

    @property
    def slowed(self) -> bool:
        return self.rate != self.limit.rate

    def _too_fast(self, hint: RateHint) -> bool:
        tuning = self._tuning
        if self._slower_in_a_row >= tuning.slower_replies_in_a_row:
            return True
        share = tuning.asked_share if hint is RateHint.SLOWER else tuning.refused_share
        return len(self._replies) >= tuning.fewest_replies and self._share() > share

    def _share(self) -> float:
        """Return the share of temporary refusals, lately."""
        return sum(refused for _, refused in self._replies) / max(len(self._replies), 1)

    def _slow_down(self, now: float) -> None:
        self._full = self.limit.rate or max(self._full, self._measured(now))
        self.rate = max((self.rate or self._full) / 2, min(self._tuning.slowest_mails_per_second, self._full))
        self.next_at = max(self.next_at, now + 1 / self.rate)
        self._changed, self._slower_in_a_row = now, 0
        self._replies.clear()

    def _speed_up(self, now: float) -> None:
        self.rate += self._tuning.speed_up_share * self._full
        if self.rate >= self._full:
            self.rate = self.limit.rate
        self._changed = now

    def _measured(self, now: float) -> float:
        """Return the mails a second, lately; at least one."""
        since = self._replies[0][0]
        return max(1.0, len(self._replies) / max(now - since, 0.1))


@dataclass(slots=True)
class Gate:
    """The decision for one block of deliveries: which are let in, and when the others may come back."""

    now: float
    lanes: Mapping[str, Lane]
    limits: Mapping[str, Limit]
    usual: Limit
    tuning: RateLimitTuning = RATE_LIMIT
    room: int = 0  #: in memory, for mails whose lane is not open yet
    ends: dict[str, float] = field(default_factory=dict)  #: domain → its new `line_end`
    let_in: dict[str, int] = field(default_factory=dict)

    def copied(self) -> Gate:
        """Return a gate to try decisions with."""
        return replace(self, ends=dict(self.ends), let_in=dict(self.let_in))

    def adopt(self, trial: Gate) -> None:
        """Count what was decided with a copy."""
        self.room, self.ends, self.let_in = trial.room, dict(trial.ends), dict(trial.let_in)

    def wait(self, domain: str) -> float:
        """Return the seconds until a mail may come back; 0: it is let in."""
        tuning = self.tuning
        lane = self.lanes.get(domain) or Lane(self.limits.get(domain, self.usual), tuning)
        before, pace = lane.waiting + self.let_in.get(domain, 0), lane.capacity()
        start = max(lane.next_at - self.now, 0.0) + before / pace
        ahead = tuning.ahead_seconds if pace > tuning.slow_mails_per_second else tuning.ahead_seconds / 2
        if start <= 0.0 or (self.room > 0 and start <= ahead):
            self.let_in[domain] = self.let_in.get(domain, 0) + 1
            self.room -= start > 0.0
            return 0.0
        end = max(self.ends.get(domain, lane.line_end), self.now + start)
        self.ends[domain] = end + 1 / lane.hoped_for()
        return max(end - self.now - tuning.early_seconds, tuning.early_seconds)


class Pace:
    """The lanes of all recipient domains."""

    def __init__(
        self,
        usual: Limit = Limit(),
        limits: Mapping[str, Limit] | None = None,
        tuning: RateLimitTuning = RATE_LIMIT,
    ) -> None:
        """Start without lanes. `limits`: of single domains, by their names in lower case."""
        self.tuning = tuning
        self._usual = usual
        self._limits = limits or {}
        self._lanes: OrderedDict[str, Lane] = OrderedDict()
        self._quickest = Lane()  #: of those that had an answer lately
        self._quickest_at = -inf  #: when that was
        self._room = tuning.remembered_lanes

    def lane(self, domain: str, now: float) -> Lane:
        """Return the lane of a domain, a new one where there is none."""
        if domain in self._lanes:
            self._lanes.move_to_end(domain)
            return self._lanes[domain]
        if len(self._lanes) >= self._room:
            self._forget(now)
        return self._lanes.setdefault(domain, Lane(self._limits.get(domain, self._usual), self.tuning))

    def done(self, lane: Lane, now: float, hint: RateHint, took: float, connections: int) -> bool:
        """Count an answer in its lane; a domain that takes far longer than others gets a quarter of the connections.

        Returns whether the lane was slowed down for it.
        """
        slowed = lane.done(now, hint, took)
        if hint is RateHint.NOTHING:
            return slowed
        tuning = self.tuning
        old = now - self._quickest_at > tuning.quickest_valid_seconds
        if old or lane is self._quickest or lane.latency < self._quickest.latency:
            self._quickest, self._quickest_at = lane, now
        sluggish = lane.latency > max(tuning.sluggish_seconds, tuning.sluggish_times_quickest * self._quickest.latency)
        quarter = max(1, connections // 4)
        lane.most = min(lane.limit.connections or quarter, quarter) if sluggish else lane.limit.connections
        return slowed

    def gate(self, now: float, room: int) -> Gate:
        """Make the gate for the next block; `book` it afterwards. It only reads the lanes, and so suits another thread.

        `room`: for so many mails whose lane is not open yet.
        """
        return Gate(now, self._lanes, self._limits, self._usual, self.tuning, room)

    def book(self, gate: Gate) -> None:
        """Remember until when each domain was sent away."""
        for domain, end in gate.ends.items():
            self.lane(domain, gate.now).line_end = end

    def _forget(self, now: float) -> None:
        remembered = self.tuning.remembered_lanes
        idle = [domain for domain, lane in self._lanes.items() if lane.idle(now)]
        for domain in idle[: len(self._lanes) - remembered // 2]:
            del self._lanes[domain]
        self._room = max(remembered, 2 * len(self._lanes))
