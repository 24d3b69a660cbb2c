"""Every error a user can meet, in one tree; the docstring of a class is its message when none is given.

NewsletterError
├── ConfigError          a configuration file or key
├── InputError           a file, line, address or argument from outside
│   └── UnknownEntry     a paper that is not stored
├── SourceError          one source could not be read
├── TemplateError        a template, with file and line
├── TokenError           a signed link
│   └── StaleLink        one that was good once
├── TooManySignUps       more of them than the limits allow
├── EmbedderError        no vectors: papers are ranked by their words alone
├── StoreError           the database
│   ├── StoreBusy        somebody else is writing; try again
│   ├── StoreReadOnly
│   ├── MigrationNeeded
│   └── NewerDatabase    a later version of the program made it
├── UnknownIssue, UnknownSubscriber
├── IssuePaused          not sent by the schedule until somebody has looked
└── DeliveryError        why a mail did not go
    ├── Deferred         tried again later
    │   ├── HostDown     the server's trouble, nobody's mail in particular
    │   └── SenderRefused  for good, but not for anything that is known of the reader
    ├── Refused          never tried again
    ├── Withdrawn        we decided not to send it at the last moment
    └── Uncertain        the server may or may not have it
"""

from __future__ import annotations

from collections.abc import Callable, Mapping


class NewsletterError(Exception):
    """Something went wrong."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())

    def __reduce__(self) -> tuple[Callable[..., NewsletterError], tuple[object, ...]]:
        """Go through a pickle whatever the constructor takes: to another process with the same words and details."""
        return _rebuilt, (type(self), self.args, vars(self))


def _rebuilt(kind: type[NewsletterError], args: tuple[object, ...], details: Mapping[str, object]) -> NewsletterError:
    error = kind.__new__(kind)
    error.args = args
    vars(error).update(details)
    return error


class ConfigError(NewsletterError):
    """The configuration is not right."""


class InputError(NewsletterError):
    """This input is not right."""


class UnknownEntry(InputError):
    """This paper is not known here."""


class SourceError(NewsletterError):
    """This source could not be read."""


class TemplateError(NewsletterError):
    """This template is not right."""

    def __init__(self, text: str = "", file: str = "", line: int = 0) -> None:
        """`file` and `line` go before the text; line 0 is none."""
        self.text, self.file, self.line = text, file, line
        super().__init__((f"{file}, line {line}: " if line else f"{file}: " if file else "") + text)


class TokenError(NewsletterError):
    """This link is not ours or has expired."""


class StaleLink(TokenError):
    """This link is no longer valid. Your latest mail has a new one; to unsubscribe, any mail's link still works."""


class TooManySignUps(NewsletterError):
    """There were too many requests just now. Please try again in an hour."""


class EmbedderError(NewsletterError):
    """The embedder gave no vectors."""


class StoreError(NewsletterError):
    """The database refused."""


class StoreBusy(StoreError):
    """The database is busy: another program is writing to it. Try again."""


class StoreReadOnly(StoreError):
    """The database is read-only."""


class MigrationNeeded(StoreError):
    """The database is of another version: run `newsletter migrate`."""


class NewerDatabase(StoreError):
    """The database is of a newer version than this program: update the program."""


class UnknownIssue(NewsletterError):
    """There is no such issue."""


class IssuePaused(NewsletterError):
    """This issue is paused."""


class UnknownSubscriber(NewsletterError):
    """There is no such subscriber."""


class DeliveryError(NewsletterError):
    """This mail was not accepted."""

    def __init__(self, message: str = "", code: int = 0, status: str = "", phase: str = "") -> None:
        super().__init__(message)
        self.code = code  #: the server's reply code, 0 if there was none
        self.status = status  #: the enhanced status code (RFC 3463), "5.1.1", or ""
        self.phase = phase  #: what the server answered so: a sender.replies.Phase, or ""


class Deferred(DeliveryError):
    """Not now: the server asks to try again later."""


class HostDown(Deferred):
    """The mail server cannot be reached or refuses to talk."""


class SenderRefused(Deferred):
    """The server refuses the sender, its quota or what it sends, and not the reader."""


class Refused(DeliveryError):
    """The server refused this mail for good, for what it says about the reader."""


class Withdrawn(DeliveryError):
    """The mail was withdrawn before the server had it."""


class Uncertain(DeliveryError):
    """The connection broke after the last dot and before the reply."""
