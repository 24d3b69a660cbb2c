"""The sender's numbers, each with its unit in its name. The product uses the defaults; tests pass their own."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RateLimitTuning:
    """How a lane keeps its rate, slows down and recovers, and how long a mail waits before it is tried again."""

    jitter_share: float = 0.2  #: of a retry delay, up or down
    settling_seconds: float = 5.0  #: replies in this time belong to what was sent before the last change of a rate
    speed_up_share: float = 0.1  #: of the full rate, for each step back up
    slowest_mails_per_second: float = 0.05  #: nothing is slowed below this
    burst_seconds: float = 0.25  #: that a lane may make up for
    window_replies: int = 40  #: the latest ones, which are looked at
    fewest_replies: int = 20  #: fewer say nothing about a domain
    asked_share: float = 0.5  #: a share of temporary refusals above this slows a lane when they ask for it,
    refused_share: float = 0.65  #: and above this in any case;
    quiet_share: float = 0.4  #: up to this it may go faster again
    slower_replies_in_a_row: int = 8  #: that ask for a slower pace: no need to look at more
    ahead_seconds: float = 2.0  #: of work that a lane may have in memory, so that it never runs dry; half if it is slow
    slow_mails_per_second: float = 2.0  #: a lane up to this rate is slow
    early_seconds: float = 1.0  #: before its turn, when a mail comes back
    sluggish_seconds: float = 0.5  #: a domain that takes longer for a mail is sluggish,
    sluggish_times_quickest: float = 4.0  #: if it also takes so many times what the quickest domain takes
    quickest_valid_seconds: float = 10.0  #: after which another domain may be the quickest
    remembered_lanes: int = 2_000  #: those that have nothing to remember go first
    full_lane_recheck_seconds: float = 1.0  #: until a full lane is looked at again: somebody else may use it too


@dataclass(frozen=True, slots=True)
class BreakerTuning:
    """How many refusals it takes to pause a domain or an issue."""

    domain_refusals_in_a_row: int = 5
    sender_refusals_in_a_row: int = 3
    refusals_in_a_row: int = 20  #: of any domains, and not about their readers
    paused_domains: int = 3  #: for policy, at once
    refused_share: float = 0.05  #: of the mails that were answered; fewer pause domains, but not the issue
    doubts_in_a_row: int = 10
    doubts_per_connection: int = 3  #: at least: a relay that dies takes all connections with it, once
    complaints: int = 5  #: fewer say nothing
    complaint_share: float = 0.001  #: of what was accepted: mailbox providers ask for less


@dataclass(frozen=True, slots=True)
class DispatchTuning:
    """How patient a run is with relays, and how much it keeps in memory."""

    relay_patience_tries: int = 3  #: of a relay, or of a mail on relays that hang up, before it is given up for now
    relay_pause_seconds: float = 0.5  #: before a relay is tried again, doubled each time
    grace_seconds: float = 8.0  #: for what is in flight when somebody says stop
    goodbye_seconds: float = 1.0  #: and then for the farewell of a connection
    held_mails: int = 200  #: rendered, in memory
    held_seconds: float = 30.0  #: of work in memory: the Date of a mail is about that of its sending
    idle_seconds: float = 20.0  #: without a mail, after which a connection is closed
    poll_seconds: float = 0.2  #: between two looks at the ledger


@dataclass(frozen=True, slots=True)
class SmtpTuning:
    """How long a conversation waits, beside the relay's own timeout."""

    dot_timeout_seconds: float = 600.0  #: for the reply to the last dot: giving up sooner makes duplicates
    quit_timeout_seconds: float = 5.0  #: for the reply to QUIT


#: The defaults, which need not be made again for each lane, run and connection.
RATE_LIMIT = RateLimitTuning()
BREAKER = BreakerTuning()
DISPATCH = DispatchTuning()
SMTP = SmtpTuning()
