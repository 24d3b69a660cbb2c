"""What was read of one report: pure values, nothing believed yet."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from newsletter.bounces.reasons import EFFECTS, Effect, Reason


class ReportKind(StrEnum):
    """What a mail that came back is."""

    BOUNCE = "bounce"
    COMPLAINT = "complaint"
    UNSUBSCRIBE = "unsubscribe"  #: somebody wants to leave
    AUTO_REPLY = "auto-reply"
    NONE = "none"  #: none of these, or a report that a mail arrived


@dataclass(frozen=True, slots=True)
class RecipientReport:
    """What a report says of one recipient."""

    recipient: str  #: "" where it does not say, or hides it
    reason: Reason
    temporary: bool = False  #: a delay, a 4xx or a 5.7.x: never a verdict on an address
    also: tuple[str, ...] = ()  #: other addresses that the report has for the same recipient
    detail: str = ""  #: the mail system's own words, in one line

    @property
    def effect(self) -> Effect:
        """What it may do to a person, once it is believed."""
        effect = EFFECTS[self.reason]
        return Effect.NOTHING if self.temporary and effect is not Effect.COMPLAINS else effect

    @property
    def hard(self) -> bool:
        """Whether the address itself is bad."""
        return self.effect is Effect.BOUNCES


@dataclass(frozen=True, slots=True)
class BounceReport:
    """One mail that came back, or one call of a provider's web hook."""

    kind: ReportKind
    recipients: tuple[RecipientReport, ...] = ()
    trace: str = ""  #: all its text, where tokens and a Message-ID of ours may stand
    digest: str = ""  #: the same report always has the same
    note: str = ""  #: why it may do nothing, whatever it says: "auth-failure"
    asks: tuple[str, ...] = ()  #: what may be tokens of the person who wants to leave
