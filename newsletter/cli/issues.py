"""Commands about issues: plan, issues, preview."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path

import click

from newsletter.cli.base import cadence_option, config_option, in_utc, open_engine
from newsletter.cli.files import read_json_object, write_bytes
from newsletter.cli.output import format_option, minute, print_lines, print_table, warn_without_vectors
from newsletter.cli.serving import serve_until_stopped
from newsletter.types import Cadence


@click.command()
@config_option
@cadence_option
@click.option("--key", default="", help="The issue's key [default: of the week, day or month of --until].")
@click.option("--until", type=click.DateTime(), help="The end of the pool (UTC) [default: now].")
def plan(cadence: str | None, key: str, until: datetime | None) -> None:
    """Freeze an issue: its pool of entries, its template, its audience. Planning twice adds nobody twice."""
    with open_engine() as engine:
        issue, tally, new = engine.planning.plan(Cadence(cadence) if cadence else None, key, in_utc(until))
        trouble = engine.vectors.trouble()
    note = "" if new else " (it was planned already; nothing was changed)"
    click.echo(f"{issue.key}: {tally}{note}")
    warn_without_vectors(trouble)


@click.command()
@config_option
@click.option("--pause", metavar="ISSUE", help="The schedule does not send it, and who is sending it stops.")
@click.option("--resume", metavar="ISSUE", help="The schedule sends it again, to paused domains too.")
@format_option("jsonl")
def issues(pause: str | None, resume: str | None, form: str) -> None:
    """List the issues, newest first; or pause one, or let a paused one go on.

    An issue is paused by itself where servers refuse the sender or what it sends, or when too many readers complain.
    """
    from newsletter.serializers.issues import tally_row

    if pause and resume:
        raise click.UsageError("--pause and --resume exclude each other")
    with open_engine() as engine:
        if pause:
            engine.accounting.pause_issue(pause, "by hand")
        if resume and not engine.accounting.resume_issue(resume):
            click.echo(f"{resume} was not paused", err=True)
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
