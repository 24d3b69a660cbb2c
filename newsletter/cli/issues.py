"""Commands about issues: plan, issues, preview."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsletter.cli.base import cadence_option, config_option, in_utc, open_engine
from newsletter.cli.files import read_json_object, write_bytes
from newsletter.cli.output import counted, format_option, minute, print_lines, print_table, warn, warn_without_vectors
from newsletter.cli.serving import serve_until_stopped
from newsletter.types import Cadence, IssueState

if TYPE_CHECKING:
    from newsletter.engine import Engine
    from newsletter.types import Tally


@click.command()
@config_option
@cadence_option
@click.option("--key", default="", help="The issue's key [default: of the week, day or month of --until].")
@click.option("--until", type=click.DateTime(), help="The end of the pool (UTC) [default: now, and never later].")
@click.option("--again", metavar="KEY", help="Freeze this issue anew, which nobody got: today's papers and templates.")
def plan(cadence: str | None, key: str, until: datetime | None, again: str | None) -> None:
    """Freeze an issue by hand: its pool of entries, its template, its audience. Planning twice adds nobody twice.

    It is a draft: nobody gets it before `newsletter send KEY`, or `newsletter issues --approve KEY`, which lets the
    schedule send it. `newsletter issues --cancel KEY` takes it back. Templates with an error (`newsletter lint`) are
    refused.
    """
    if again and (cadence or key or until):
        raise click.UsageError("--again takes an issue as it is: no --cadence, --key or --until beside it")
    with open_engine() as engine:
        if again:
            issue, tally, new = *engine.planning.plan_again(again), True
        else:
            wanted = Cadence(cadence) if cadence else None
            issue, tally, new = engine.planning.plan(wanted, key, in_utc(until), draft=True)
        trouble, times = engine.vectors.trouble(), _times(engine, tally)
        papers, limited = engine.accounting.papers(issue.key), engine.planning.left_out(issue)
    moment = in_utc(until)
    if new and moment and moment > issue.until:
        warn([f"--until lies ahead: the pool ends now, {minute(issue.until)} UTC"])
    if new and limited:
        warn([limited])
    note = "" if new else " (it was planned already; nothing was changed)"
    click.echo(f"{issue.key}: {tally}{note}")
    click.echo(f"{counted(papers, 'paper')}, {counted(tally.planned, 'reader')}{times}")
    if issue.state is IssueState.DRAFT:
        click.echo(f"A draft: `newsletter send {issue.key}` sends it, `newsletter issues --approve {issue.key}` lets")
        click.echo("the schedule do it. Nobody gets it before that.")
    warn_without_vectors(trouble)


def _times(engine: Engine, tally: Tally) -> str:
    """When the first and the last of its readers are due, where some wait for a time of their own."""
    from newsletter.schedule import local_minute

    ahead, zone = engine.accounting.ahead(tally.issue), engine.settings.schedule.timezone
    if not ahead.first or not ahead.last:
        return ""
    first = local_minute(ahead.first, zone) if ahead.number == tally.waiting else "now"
    return f"; the first is due {first}, the last {local_minute(ahead.last, zone)}"


@click.command()
@config_option
@click.option("--pause", metavar="ISSUE", help="The schedule does not send it, and who is sending it stops.")
@click.option("--resume", metavar="ISSUE", help="The schedule sends it again, to paused domains too.")
@click.option("--approve", metavar="ISSUE", help="The schedule sends this draft.")
@click.option("--cancel", metavar="ISSUE", help="Take it back, if nobody got it: its papers are free again.")
@format_option("jsonl")
def issues(pause: str | None, resume: str | None, approve: str | None, cancel: str | None, form: str) -> None:
    """List the issues, newest first; or pause one, let a paused one go on, approve a draft, or cancel one.

    An issue is paused by itself where servers refuse the sender or what it sends, or when too many readers complain.
    """
    from newsletter.serializers.issues import tally_row

    if sum(map(bool, (pause, resume, approve, cancel))) > 1:
        raise click.UsageError("--pause, --resume, --approve and --cancel exclude each other")
    with open_engine() as engine:
        if pause:
            engine.accounting.pause_issue(pause, "by hand")
        if resume and not engine.accounting.resume_issue(resume):
            click.echo(f"{resume} was not paused", err=True)
        if approve and not engine.planning.approve(approve):
            click.echo(f"{approve} is no draft", err=True)
        if cancel:
            engine.planning.cancel(cancel)
        listed = [(issue, engine.accounting.tally(issue.key)) for issue in engine.accounting.issues()]
    if form == "jsonl":
        print_lines(json.dumps(tally_row(tally)) for _, tally in listed)
        return
    rows = [
        (issue.key, "paused" if tally.paused else issue.state, minute(issue.until), tally) for issue, tally in listed
    ]
    print_table(("issue", "state", "until (UTC)", "accounting"), rows)


@click.command()
@config_option
@click.argument("issue", required=False)
@click.option("--subscriber", "address", help="As this subscriber.")
@click.option(
    "--profile", "profile_file", type=click.Path(path_type=Path), help="As a reader with this profile (JSON)."
)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write one file: .html, .txt or .eml.")
@click.option("--port", type=click.IntRange(0, 65535), default=8025, show_default=True, help="Of the preview site.")
def preview(issue: str | None, address: str | None, profile_file: Path | None, out: Path | None, port: int) -> None:
    """Look at an issue (planned, or as it would be planned now) as any reader: a local site, or one file.

    The preview takes the same path as the mail, so what you see is what is sent. It changes nothing, and sends nothing
    but the test mail that you ask for.
    """
    from newsletter.formats import parse_profile
    from newsletter.web.preview.app import make_preview, secret_path
    from newsletter.web.preview.proof import render_preview

    with open_engine() as engine:
        if out or address or profile_file:
            profile = parse_profile(read_json_object(profile_file)) if profile_file else None
            mail = render_preview(engine, issue, address, profile)
            _write_preview(mail.body, out)
            return
        path = secret_path(engine)
        serve_until_stopped(make_preview(engine, issue), "Preview", "127.0.0.1", port, path=path)


def _write_preview(body: bytes, out: Path | None) -> None:
    """Write what the file's ending says: the HTML part, the text part or the mail itself; without a file, the text."""
    from email import message_from_bytes, policy

    kind = {".html": "html", ".htm": "html", ".eml": ""}.get(out.suffix.lower(), "plain") if out else "plain"
    part = message_from_bytes(body, policy=policy.default).get_body((kind,)) if kind else None
    data = part.get_content().encode() if part else body
    if out is None:
        click.echo(data.decode())
        return
    write_bytes(out, data)
    click.echo(f"{out}: written")
