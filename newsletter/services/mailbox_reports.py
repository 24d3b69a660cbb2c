"""Reports from the configured mailboxes and from providers' web hooks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from newsletter.bounces.mailboxes import Mailbox, Maildir
from newsletter.bounces.providers import read_hook
from newsletter.errors import InputError
from newsletter.services.bounce_reports import BounceReports, Heeded
from newsletter.services.context import Context


class MailboxReports:
    """Opens what reports arrive in."""

    def __init__(self, context: Context, reports: BounceReports) -> None:
        self._settings = context.settings
        self._reports = reports

    def read(
        self,
        mailboxes: Sequence[Mailbox],
        keep: bool = True,
        on_read: Callable[[], None] = lambda: None,
        stopped: Callable[[], bool] = lambda: False,
    ) -> list[Heeded]:
        """Read reports on mails and obey those that are ours; each once. `keep` False changes nothing.

        Raises InputError where a mailbox cannot be read; what could be read, there and in the others, is done.
        """
        done: list[Heeded] = []
        trouble: InputError | None = None
        for mailbox in mailboxes:
            try:
                done += self._reports.read(mailbox, keep, on_read, stopped)
            except InputError as error:
                trouble = trouble or error
        if trouble:
            raise trouble
        return done

    @contextmanager
    def mailboxes(self) -> Iterator[list[Mailbox]]:
        """Open the Maildir and the IMAP folder of the configuration. Raises InputError, once the Maildir was read."""
        section = self._settings.bounces
        found: list[Mailbox] = [Maildir(self._settings.home / section.maildir)] if section.maildir else []
        if not section.imap_host:
            yield found
            return
        from newsletter.bounces.imap import Account, Imap  # with imap-tools

        account = Account(
            host=section.imap_host,
            username=section.imap_username,
            password=section.imap_password.get_secret_value() if section.imap_password else "",
            port=section.imap_port,
            security=section.imap_security,
            folder=section.imap_folder,
            done=section.imap_done,
        )
        trouble: InputError | None = None
        with ExitStack() as opened:
            try:
                found.append(opened.enter_context(Imap(account)))
            except InputError as error:
                trouble = error
            if found:
                yield found
        if trouble:
            raise trouble

    def heed(self, provider: str, told: object) -> list[Heeded]:
        """Obey what a provider's web hook tells, once its signature was verified."""
        reports = read_hook(provider, told)
        return [heeded for report in reports for heeded in self._reports.heed(report, provider, signed=True)]
