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
from dataclasses import dataclass, field
from datetime import timedelta
from enum import Enum
from math import inf
from zlib import crc32

from newsletter.errors import Deferred, DeliveryError

JITTER = 0.2  #: of a pause, up or down
CALM = 5.0  #: seconds in which replies belong to what was sent before the last change of a rate
STEP = 0.1  #: of the full rate
SLOWEST = 0.05  #: mails a second, that nothing slows further
LATE = 0.25  #: seconds that a lane may make up for
LOOK_BACK = 40  #: replies
FEW = 20  #: replies that say nothing about a domain
ASKED = 0.5  #: a share of temporary refusals above this slows a lane when they ask for it,
HARDLY = 0.65  #: and above this in any case;
QUIET = 0.4  #: up to this it may go faster again
IN_A_ROW = 8  #: replies that ask for a slower pace: no need to look at more
AHEAD = 2.0  #: seconds of work that a lane may have in memory, so that it is never without; half of it for SLOW ones
SLOW = 2.0  #: mails a second
EARLY = 1.0  #: seconds before its turn that a mail comes back
SLUGGISH = 0.5  #: seconds for a mail, and four times what the quickest domain takes
LATELY = 10.0  #: seconds
LANES = 2_000  #: remembered; those that have nothing to remember go first
_SLOWER = re.compile(
    r"\b(rate|busy|load|quickly|slow down)\b|too (many|fast|much)|throttl|limit exceeded", re.IGNORECASE
)
_GREY = re.compile(r"gr[ae]y.?list", re.IGNORECASE)


class Word(Enum):
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


def pause(attempts: int, retry: Sequence[timedelta], seed: str = "") -> timedelta:
    """After the first failed attempt the first pause, and so on; the last one repeats until the mail expires.

    Up to a fifth longer or shorter, the same for the same seed, so that those who were refused together do not come
    back together.
    """
    share = crc32(f"{seed} {attempts}".encode()) / 2**31 - 1
    return retry[min(max(attempts, 1), len(retry)) - 1] * (1 + JITTER * share)


def word(error: DeliveryError | None) -> Word:
    """What the reply says; None is acceptance."""
    if error is None or not isinstance(error, Deferred):
        return Word.FINE
    if error.status.startswith("4.2.") or grey(error):  # one mailbox; a stranger
        return Word.LATER
    asks = error.code == 421 or error.status.startswith("4.7.") or _SLOWER.search(str(error))
    return Word.SLOWER if asks else Word.LATER


def grey(error: DeliveryError) -> bool:
    """Does it only ask us to come back, as it asks every stranger?"""
    return _GREY.search(str(error)) is not None


class Lane:
    """One recipient domain, or one relay."""

    __slots__ = (
        "_changed",
        "_full",
        "_heard",
        "_in_a_row",
        "in_flight",
        "latency",
        "limit",
        "line_end",
        "most",
        "next_at",
        "rate",
        "waiting",
    )

    def __init__(self, limit: Limit = Limit()) -> None:
        self.limit = limit
        self.rate = limit.rate  #: now; 0: as fast as it goes
        self.most = limit.connections  #: under way at once, now; 0: any number
        self.in_flight = 0
        self.waiting = 0  #: mails in memory
        self.next_at = 0.0  #: no mail starts before
        self.line_end = 0.0  #: when it is the turn of the last of those that were sent away
        self.latency = 0.0  #: seconds a mail takes, by the latest; 0: not known
        self._full = limit.rate  #: the rate to come back to
        self._changed = -inf  #: when the rate was changed last
        self._heard: deque[tuple[float, bool]] = deque(maxlen=LOOK_BACK)  #: when, and was it a temporary refusal
        self._in_a_row = 0  #: replies that asked for a slower pace

    def opens(self, now: float) -> float:
        """When the next mail may start; inf: not before another one is done."""
        if self.most and self.in_flight >= self.most:
            return inf
        return max(self.next_at, now)

    def start(self, now: float) -> None:
        """A mail is on its way."""
        self.in_flight += 1
        if self.rate:
            self.next_at = max(self.next_at, now - LATE) + 1 / self.rate

    def put_back(self) -> None:
        """It was not sent after all."""
        self.in_flight -= 1
        if self.rate:
            self.next_at -= 1 / self.rate

    def done(self, now: float, word: Word, took: float = 0.0) -> bool:
        """It has its answer. Returns whether the lane was slowed down for it."""
        self.in_flight -= 1
        if word is Word.NOTHING:
            return False
        self.latency = took if not self.latency else 0.7 * self.latency + 0.3 * took
        self._heard.append((now, word is not Word.FINE))
        self._in_a_row = self._in_a_row + 1 if word is Word.SLOWER else 0
        calm = now - self._changed >= CALM
        if calm and word is not Word.FINE and self._too_fast(word):
            self._slow_down(now)
            return True
        if calm and self.slowed and self._share() <= QUIET:
            self._speed_up(now)
        return False

    def capacity(self) -> float:
        """Mails a second that it takes, as far as is known; inf: not known to be limited."""
        by_turns = self.most / self.latency if self.most and self.latency else inf
        return min(self.rate or inf, by_turns)

    def hoped_for(self) -> float:
        """Mails a second that it may come to when it is quiet."""
        return self._full if self.slowed else self.capacity()

    def idle(self, now: float) -> bool:
        """Is there nothing to remember?"""
        busy = self.in_flight or self.waiting or max(self.next_at, self.line_end) > now
        return not busy and not self.slowed

    @property
    def slowed(self) -> bool:
        return self.rate != self.limit.rate

    def _too_fast(self, word: Word) -> bool:
        if self._in_a_row >= IN_A_ROW:
            return True
        return len(self._heard) >= FEW and self._share() > (ASKED if word is Word.SLOWER else HARDLY)

    def _share(self) -> float:
        """Of temporary refusals, lately."""
        return sum(held for _, held in self._heard) / max(len(self._heard), 1)

    def _slow_down(self, now: float) -> None:
        self._full = self.limit.rate or max(self._full, self._measured(now))
        self.rate = max((self.rate or self._full) / 2, min(SLOWEST, self._full))
        self.next_at = max(self.next_at, now + 1 / self.rate)
        self._changed, self._in_a_row = now, 0
        self._heard.clear()

    def _speed_up(self, now: float) -> None:
        self.rate += STEP * self._full
        if self.rate >= self._full:
            self.rate = self.limit.rate
        self._changed = now

    def _measured(self, now: float) -> float:
        """Mails a second, lately; at least one."""
        since = self._heard[0][0]
        return max(1.0, len(self._heard) / max(now - since, 0.1))


@dataclass(slots=True)
class Gate:
    """Decides for one block of deliveries which are let in and when the others may come back. See Pace.gate."""

    now: float
    lanes: Mapping[str, Lane]
    limits: Mapping[str, Limit]
    usual: Limit
    room: int = 0  #: in memory, for mails whose lane is not open yet
    ends: dict[str, float] = field(default_factory=dict)  #: domain → its new `line_end`
    let_in: dict[str, int] = field(default_factory=dict)

    def wait(self, domain: str) -> float:
        """Seconds until it may come back; 0: it is let in."""
        lane = self.lanes.get(domain) or Lane(self.limits.get(domain, self.usual))
        before, pace = lane.waiting + self.let_in.get(domain, 0), lane.capacity()
        start = max(lane.next_at - self.now, 0.0) + before / pace
        if start <= 0.0 or (self.room > 0 and start <= (AHEAD if pace > SLOW else AHEAD / 2)):
            self.let_in[domain] = self.let_in.get(domain, 0) + 1
            self.room -= start > 0.0
            return 0.0
        end = max(self.ends.get(domain, lane.line_end), self.now + start)
        self.ends[domain] = end + 1 / lane.hoped_for()
        return max(end - self.now - EARLY, EARLY)


class Pace:
    """The lanes of all recipient domains."""

    def __init__(self, usual: Limit = Limit(), limits: Mapping[str, Limit] | None = None) -> None:
        """`limits`: of single domains, by their names in small letters."""
        self._usual = usual
        self._limits = limits or {}
        self._lanes: OrderedDict[str, Lane] = OrderedDict()
        self._quickest = Lane()  #: of those that were heard of lately
        self._heard_of = -inf  #: when that was
        self._room = LANES

    def lane(self, domain: str, now: float) -> Lane:
        """Made where there is none."""
        if domain in self._lanes:
            self._lanes.move_to_end(domain)
            return self._lanes[domain]
        if len(self._lanes) >= self._room:
            self._forget(now)
        return self._lanes.setdefault(domain, Lane(self._limits.get(domain, self._usual)))

    def done(self, lane: Lane, now: float, word: Word, took: float, connections: int) -> bool:
        """See Lane.done. A domain that takes far longer than others gets a quarter of the connections."""
        slowed = lane.done(now, word, took)
        if word is Word.NOTHING:
            return slowed
        old = now - self._heard_of > LATELY
        if old or lane is self._quickest or lane.latency < self._quickest.latency:
            self._quickest, self._heard_of = lane, now
        sluggish = lane.latency > max(SLUGGISH, 4 * self._quickest.latency)
        quarter = max(1, connections // 4)
        lane.most = min(lane.limit.connections or quarter, quarter) if sluggish else lane.limit.connections
        return slowed

    def gate(self, now: float, room: int) -> Gate:
        """For the next block; `book` it afterwards. It only reads the lanes, and so may be asked in another thread.

        `room`: for so many mails whose lane is not open yet.
        """
        return Gate(now, self._lanes, self._limits, self._usual, room)

    def book(self, gate: Gate) -> None:
        """Remember who was sent away until when."""
        for domain, end in gate.ends.items():
            self.lane(domain, gate.now).line_end = end

    def _forget(self, now: float) -> None:
        idle = [domain for domain, lane in self._lanes.items() if lane.idle(now)]
        for domain in idle[: len(self._lanes) - LANES // 2]:
            del self._lanes[domain]
        self._room = max(LANES, 2 * len(self._lanes))
