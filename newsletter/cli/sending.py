"""Commands about mails on their way: send, resolve, bounces."""

from __future__ import annotations

import sys
import time
from collections import Counter
from collections.abc import Sequence
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsletter.cli.base import config_option, exit_after, open_engine, run_async
from newsletter.cli.files import read_text_lines
from newsletter.cli.output import format_option, print_lines, print_table, progress_bar, warn, warn_without_vectors
from newsletter.types import Outcome

if TYPE_CHECKING:
    from newsletter.engine import Engine
    from newsletter.services.bounce_reports import Heeded
    from newsletter.services.sending import Sent
    from newsletter.types import Delivery


@click.command()
@config_option
@click.argument("issue")
@click.option(
    "--dry-run", type=click.Path(path_type=Path, file_okay=False), help="Write .eml files here; send nothing."
)
@click.option("--test-to", metavar="ADDRESS", help="Send one mail to ADDRESS, outside the ledger.")
@click.option("--connections", type=click.IntRange(1, 100), help="[default: [smtp] connections]")
@click.option("--now", "everybody", is_flag=True, help="Also to readers whose own time has not come.")
def send(issue: str, dry_run: Path | None, test_to: str | None, connections: int | None, everybody: bool) -> None:
    """Send what is due of ISSUE; safe to run again, safe to kill. A draft is approved by it, a paused issue goes on.

    Readers with a day, hour or time zone of their own wait for it: `newsletter run`, a `newsletter tick` or another
    `send` later sends to them.

    \b
    Exit code 0: all that was due is accepted.
              3: some were deferred, refused or uncertain in this run, or it was stopped or paused.
    """
    from newsletter.schedule import local_minute

    with open_engine() as engine:
        if dry_run:
            _dry_run(engine, issue, dry_run)
            return
        if test_to:
            _send_test(engine, issue, test_to)
            return
        sent = run_async(_send(engine, issue, connections or 0, everybody))
        warn_without_vectors(engine.vectors.trouble())
    click.echo(str(sent.tally))
    if sent.crowded:
        warn([f"the mail server wants fewer connections: {sent.crowded}; see [smtp] connections"])
    if sent.ahead.first:
        first = local_minute(sent.ahead.first, sent.ahead.timezone)
        readers = "1 reader waits" if sent.ahead.number == 1 else f"{sent.ahead.number:,} readers wait"
        click.echo(f"{readers} for their own time, the first until {first}; --now sends to them at once.")
    exit_after(sent)


def _dry_run(engine: Engine, issue: str, folder: Path) -> None:
    waiting = engine.accounting.tally(issue).waiting
    with progress_bar(length=waiting, label="writing") as bar:
        written = run_async(engine.sending.dry_run(issue, folder, lambda: bar.update(1)))
    warn_without_vectors(engine.vectors.trouble())
    click.echo(f"{written} mails in {folder}; nothing was sent")


def _send_test(engine: Engine, issue: str, address: str) -> None:
    from newsletter.formats import parse_address

    reply = run_async(engine.sending.send_test(issue, parse_address(address)))
    click.echo(f"a test mail went to {address}: {reply}")


async def _send(engine: Engine, issue: str, connections: int, everybody: bool) -> Sent:
    import asyncio

    from newsletter.cli.server import stop_on_signals

    stop = stop_on_signals()
    if reason := await asyncio.to_thread(engine.accounting.resume_issue, issue):
        warn([f"{issue} was paused: {reason}. It goes on now."])
    waiting = (await asyncio.to_thread(engine.accounting.tally, issue)).waiting
    began, done = time.monotonic(), count(1)
    with progress_bar(length=waiting, label="sending", item_show_func=lambda rate: rate) as bar:

        def settled(_: Delivery) -> None:
            bar.update(1, f"{next(done) / max(time.monotonic() - began, 0.1):.1f} mails/s")

        return await engine.sending.send(issue, None, connections, stop, settled, everybody=everybody)


@click.command()
@config_option
@click.argument("issue")
@click.option("--resend", is_flag=True, help="Send them again: the same bytes, the same Message-ID.")
@click.option("--hold", is_flag=True, help="Leave them as they are; only list them (the default).")
@click.option("--log", "log_file", type=click.Path(path_type=Path), help="A Postfix log: what it queued was accepted.")
@click.option(
    "--message-ids", "ids_file", type=click.Path(path_type=Path), help="Message-IDs that were accepted, one a line."
)
def resolve(issue: str, resend: bool, hold: bool, log_file: Path | None, ids_file: Path | None) -> None:
    """Settle the uncertain deliveries of ISSUE: the connection broke after the last dot.

    With --resend beside --log or --message-ids, those that are found there are accepted and the others are sent again:
    wait until the relay has logged the end of the broken connections, and give it all of the log since the send began.
    """
    if hold and resend:
        raise click.UsageError("--hold and --resend exclude each other")
    with open_engine() as engine:
        for delivery, address in engine.accounting.having(issue, Outcome.UNCERTAIN):
            click.echo(f"  {address} {delivery.message_id} {delivery.detail}")
        outcome = Outcome.PLANNED if resend else Outcome.UNCERTAIN
        changed = engine.accounting.resolve(issue, outcome, _accepted_ids(log_file, ids_file))
        tally = engine.accounting.tally(issue)
    click.echo(f"{changed} settled; {tally}")
    if resend and tally.waiting:
        click.echo(f"Now `newsletter send {issue}` sends them again.")


def _accepted_ids(log_file: Path | None, ids_file: Path | None) -> set[str]:
    """The Message-IDs in the two files, each in angle brackets."""
    from newsletter.sender.postfix_log import queued_message_ids

    logged = queued_message_ids(read_text_lines(log_file)) if log_file else set[str]()
    listed = read_text_lines(ids_file) if ids_file else []
    return logged | {f"<{line.strip().strip('<>')}>" for line in listed}


@click.command()
@config_option
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE|-]...")
@click.option("--dry-run", is_flag=True, help="Only print what would be done.")
@format_option("jsonl")
def bounces(files: tuple[Path, ...], dry_run: bool, form: str) -> None:
    """Read reports on mails that did not arrive or were not wanted, and mails that unsubscribe; obey those of ours.

    From FILEs (a mail each; folders and Maildirs too, which stay as they are; - is standard input), or without any from
    the Maildir and the IMAP folder of [bounces], where what was read is marked as seen.

    \b
    bounced, complained  the person gets no more mail      none     a delay, a policy, a full mailbox: nobody's fault
    counted: 2 of 3      so many soft ones are as good     ignored  holds no token of ours, or names somebody else
                         as a hard one
    unsubscribed         a mail to the mailto of the List-Unsubscribe header: the person gets no more mail

    \b
    JSON Lines, one a recipient: {"file","recipient","kind","reason","hard","action"}
    with a kind of bounce, complaint, unsubscribe, auto-reply or none
    """
    from newsletter.formats import dump_lines
    from newsletter.serializers.bounces import report_row

    with open_engine() as engine:
        heeded = _read_reports(engine, files, keep=not dry_run)
    if form == "jsonl":
        print_lines(dump_lines(map(report_row, heeded)))
        return
    _print_reports(heeded)
    click.echo(_summary(heeded))


def _read_reports(engine: Engine, files: Sequence[Path], keep: bool) -> list[Heeded]:
    from newsletter.bounces.mailboxes import Files

    if files:
        given = Files(files, sys.stdin.buffer)
        with progress_bar(length=len(given), label="reading") as bar:
            return engine.bounces.read([given], keep, lambda: bar.update(1))
    with engine.bounces.mailboxes() as mailboxes:
        if not mailboxes:
            raise click.UsageError("name files, or set maildir or imap_host in [bounces]")
        return engine.bounces.read(mailboxes, keep)


def _print_reports(heeded: Sequence[Heeded]) -> None:
    from newsletter.serializers.bounces import report_row

    head = ("file", "recipient", "kind", "reason", "hard", "action")
    rows = [
        {**row, "hard": "yes" if row["hard"] else "", "recipient": row["recipient"] or "-"}
        for row in map(report_row, heeded)
    ]
    print_table(head, [[row[name] for name in head] for row in rows])


def _summary(heeded: Sequence[Heeded]) -> str:
    kinds = Counter(report.kind.value for report in heeded)
    ended = sum(report.ended for report in heeded)
    told = ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items())) or "nothing to read"
    return f"{told}; {ended} subscribers get no more mail"
