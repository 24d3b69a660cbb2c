"""Why a mail did not arrive: one vocabulary (the words are Sisimai's), and what each reason may do to a person."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Effect(StrEnum):
    """What a reason may do."""

    NOTHING = "nothing"  #: it is told, and changes nobody: the sender's, the network's or the moment's matter
    COUNTS = "counts"  #: the address is doubtful: some of these, in different issues, and the person is `bounced`
    LEAVES = "leaves"  #: the person is `unsubscribed` at once
    BOUNCES = "bounces"  #: there is no such address: the person is `bounced` at once
    COMPLAINS = "complains"  #: the person is `complained` at once


class Reason(StrEnum):
    """One word for what any mail system may say."""

    USERUNKNOWN = "userunknown"  #: no such mailbox
    HOSTUNKNOWN = "hostunknown"  #: no such domain
    HASMOVED = "hasmoved"  #: the mailbox has gone elsewhere
    NOTACCEPT = "notaccept"  #: this host takes no mail at all (null MX)
    FILTERED = "filtered"  #: refused for this person after all, often because there is no such mailbox
    SUSPEND = "suspend"  #: the account is locked, disabled or unused
    SUPPRESSED = "suppressed"  #: on the provider's own list of addresses that failed before
    FEEDBACK = "feedback"  #: the person called it spam
    UNSUBSCRIBE = "unsubscribe"  #: the person wants no more mail
    VACATION = "vacation"  #: an automatic reply
    DELIVERED = "delivered"  #: it arrived
    MAILBOXFULL = "mailboxfull"
    EXPIRED = "expired"  #: delayed, or tried for too long
    BLOCKED = "blocked"  #: our server's address is on a list
    BADREPUTATION = "badreputation"
    REQUIREPTR = "requireptr"  #: our server's address has no name
    AUTHFAILURE = "authfailure"  #: SPF, DKIM, DMARC
    POLICYVIOLATION = "policyviolation"
    REJECTED = "rejected"  #: the sender is not wanted
    NORELAYING = "norelaying"
    SECURITYERROR = "securityerror"  #: authentication or encryption is demanded
    SPAMDETECTED = "spamdetected"
    VIRUSDETECTED = "virusdetected"
    CONTENTERROR = "contenterror"
    NOTCOMPLIANTRFC = "notcompliantrfc"
    SYNTAXERROR = "syntaxerror"  #: the servers misunderstood each other
    MESGTOOBIG = "mesgtoobig"
    EXCEEDLIMIT = "exceedlimit"  #: bigger than this person may get
    TOOMANYCONN = "toomanyconn"  #: too much, too fast
    NETWORKERROR = "networkerror"
    SYSTEMERROR = "systemerror"
    SYSTEMFULL = "systemfull"  #: the server's disk is full
    MAILERERROR = "mailererror"  #: a program behind the mailbox failed
    ONHOLD = "onhold"  #: a code without a reason
    UNDEFINED = "undefined"  #: no code and no words that we know


EFFECTS: Mapping[Reason, Effect] = MappingProxyType(
    dict.fromkeys(Reason, Effect.NOTHING)
    | dict.fromkeys((Reason.USERUNKNOWN, Reason.HOSTUNKNOWN, Reason.HASMOVED, Reason.NOTACCEPT), Effect.BOUNCES)
    | dict.fromkeys((Reason.FILTERED, Reason.SUSPEND, Reason.SUPPRESSED), Effect.COUNTS)
    | {Reason.FEEDBACK: Effect.COMPLAINS, Reason.UNSUBSCRIBE: Effect.LEAVES}
)
