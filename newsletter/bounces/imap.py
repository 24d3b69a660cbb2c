"""An IMAP mailbox of reports. Only this file knows imap-tools."""

from __future__ import annotations

import imaplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from imap_tools import AND, BaseMailBox, ImapToolsError, MailBox, MailMessageFlags

from newsletter.bounces.mailboxes import RawReport
from newsletter.bounces.mime_parser import MOST_BYTES
from newsletter.errors import InputError

TIMEOUT = 30.0  #: seconds for each answer of the server
MOST_REPORTS = 1_000  #: in one reading; the rest waits for the next


@dataclass(frozen=True, slots=True)
class Account:
    """Where a mailbox is. Always with TLS: a password never goes in clear."""

    host: str
    username: str
    password: str = field(repr=False)
    port: int = 0  #: 0: 993, or 143 with STARTTLS
    security: str = "tls"  #: "tls" or "starttls"
    folder: str = "INBOX"
    done: str = ""  #: where read mails go; "": they stay, marked as seen


class _Upgraded(BaseMailBox):
    """MailBoxStartTls, but for the socket, which is closed where the server does not want TLS."""

    def __init__(self, account: Account, context: ssl.SSLContext) -> None:
        self._account = account
        self._context = context
        super().__init__()

    def _get_mailbox_client(self) -> imaplib.IMAP4:
        client = imaplib.IMAP4(self._account.host, self._account.port or 143, TIMEOUT)
        try:
            client.starttls(self._context)
        except (imaplib.IMAP4.error, OSError):
            client.shutdown()
            raise
        return client


class Imap:
    """The unseen mails of a folder; `with` opens and closes the connection. Raises InputError."""

    def __init__(self, account: Account, context: ssl.SSLContext | None = None) -> None:
        self._account = account
        self._context = context or ssl.create_default_context()
        self._box: BaseMailBox | None = None

    def __enter__(self) -> Imap:
        account = self._account
        with self._our_errors():
            if account.security == "starttls":
                box: BaseMailBox = _Upgraded(account, self._context)
            else:
                box = MailBox(account.host, account.port or 993, TIMEOUT, ssl_context=self._context)
            self._box = box
        try:
            with self._our_errors():
                box.login(account.username, account.password, account.folder)
        except InputError:
            self.__exit__()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        if self._box is None:
            return
        try:
            self._box.logout()
        except (ImapToolsError, imaplib.IMAP4.error, OSError):
            self._box.client.shutdown()

    def reports(self) -> Iterator[RawReport]:
        with self._our_errors():
            waiting = self._open.uids(AND(seen=False))[:MOST_REPORTS]
        for uid in waiting:
            data = self._data(uid)
            if data:
                yield RawReport(f"imap:{uid}", data, uid)

    def done(self, report: RawReport) -> None:
        with self._our_errors():
            self._open.flag(report.key, MailMessageFlags.SEEN, True)
            if self._account.done:
                self._open.move(report.key, self._account.done)

    @property
    def _open(self) -> BaseMailBox:
        assert self._box is not None, "use it in a with block"  # noqa: S101
        return self._box

    def _data(self, uid: str) -> bytes:
        """Fetch a mail's bytes without marking it as seen: at most as many as are read."""
        with self._our_errors():
            _, answer = self._open.client.uid("FETCH", uid, f"(BODY.PEEK[]<0.{MOST_BYTES}>)")
        return next((part[1] for part in answer if isinstance(part, tuple)), b"")

    @contextmanager
    def _our_errors(self) -> Iterator[None]:
        try:
            yield
        except (ImapToolsError, imaplib.IMAP4.error, OSError, ValueError) as error:
            words = " ".join(str(error).split())[:200] or type(error).__name__
            raise InputError(f"imap {self._account.host}: {words}") from error
