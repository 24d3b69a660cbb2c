"""The command status: how the newsletter is, or how the sending of one issue goes."""

from __future__ import annotations

import json
import time
from typing import TYPE_CHECKING

import click

from newsletter.cli.base import config_option, open_engine
from newsletter.cli.output import format_option, minute, print_table, shortened
from newsletter.types import Outcome, Status

if TYPE_CHECKING:
    from newsletter.engine import Engine
    from newsletter.services.overview import Overview
    from newsletter.services.progress import DomainProgress, Progress
    from newsletter.types import Health

LISTED = 20  #: mails of one outcome
LISTED_DOMAINS = 10
WATCH_PAUSE = (
    2.0  #: seconds between two looks, and at least four times what a look takes: seconds, for a million readers
)


@click.command()
@config_option
@click.argument("issue", required=False)
@click.option("--watch", is_flag=True, help="Look again every few seconds, until nothing waits.")
@format_option("json")
def status(issue: str | None, watch: bool, form: str) -> None:
    """The accounting of ISSUE; without one, the sources, the latest issues, and what stands in the way of mail.

    While an issue is being sent, by this or other processes: how fast in the last minute, the time that is left, and
    the recipient domains that hold mails up, with the most frequent reason.
    """
    if watch and not issue:
        raise click.UsageError("--watch needs an ISSUE")
    with open_engine() as engine:
        if not issue:
            _print_overview(engine.status.overview(), form)
            return
        began = time.monotonic()
        while _print_progress(engine, issue, form, watch) and watch:
            time.sleep(max(WATCH_PAUSE, 4 * (time.monotonic() - began)))
            began = time.monotonic()


def _print_progress(engine: Engine, issue: str, form: str, watch: bool) -> int:
    """Returns how many wait."""
    from newsletter.serializers.issues import progress_row

    progress = engine.accounting.progress(issue)
    if form == "json":
        click.echo(json.dumps(progress_row(progress)))
        return progress.tally.waiting
    if watch:
        click.clear()  # on a terminal only
    _print_tally(progress)
    _print_deliveries(engine, issue, progress)
    return progress.tally.waiting


def _print_tally(progress: Progress) -> None:
    tally = progress.tally
    click.echo(f"{tally.issue} ({'paused' if tally.paused else tally.state}): {tally}")
    if tally.paused:
        click.echo(f"Paused: {tally.paused}. `newsletter send {tally.issue}` goes on.")
    if tally.waiting:
        _print_domains(progress)


def _print_deliveries(engine: Engine, issue: str, progress: Progress) -> None:
    """The first mails that were deferred, refused or are in doubt, and how many more there are."""
    tally, deferred = progress.tally, sum(domain.deferred for domain in progress.domains)
    totals = {Outcome.DEFERRED: deferred, Outcome.REFUSED: tally.refused, Outcome.UNCERTAIN: tally.uncertain}
    for outcome, total in totals.items():
        listed = engine.accounting.having(issue, outcome, LISTED) if total else []
        for delivery, address in listed:
            click.echo(f"  {outcome}: {address} {delivery.message_id} {delivery.detail}")
        if total > len(listed):
            click.echo(f"  {outcome}: and {total - len(listed)} more")


def _print_domains(progress: Progress) -> None:
    """The domains with the most waiting."""
    left = "" if progress.left is None else f", about {_span(progress.left)} left"
    click.echo(f"{progress.rate:.1f} mails/s in the last minute{left}")
    rows = [_domain_cells(domain) for domain in progress.domains[:LISTED_DOMAINS]]
    print_table(("domain", "waiting", "accepted", "deferred", "rate", ""), rows)
    if len(progress.domains) > LISTED_DOMAINS:
        click.echo(f"and {len(progress.domains) - LISTED_DOMAINS} more domains")


def _domain_cells(domain: DomainProgress) -> tuple[object, ...]:
    paused = f"paused until {minute(domain.paused)}: " if domain.paused else ""
    numbers = (domain.waiting, domain.accepted, domain.deferred, f"{domain.rate:.1f}/s")
    return (domain.domain or "(erased)", *numbers, paused + shortened(domain.reason, 60))


def _span(seconds: float) -> str:
    """ "50 s", "12 min", "3 h"."""
    for size, name in ((3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name}"
    return f"{seconds:.0f} s"


def _print_overview(overview: Overview, form: str) -> None:
    from newsletter.schedule import local_minute
    from newsletter.serializers.issues import overview_row

    if form == "json":
        click.echo(json.dumps(overview_row(overview)))
        return
    if overview.health:
        rows = [_source_cells(source) for source in overview.health]
        print_table(("source", "state", "since (UTC)", "checked (UTC)", "found", "new", ""), rows)
    active = overview.readers.get(Status.ACTIVE, 0)
    due = local_minute(overview.due, overview.timezone)
    click.echo(f"Next issue: {due}, {overview.news} new papers, {active} active readers")
    for tally in overview.issues:
        click.echo(f"{tally.issue} ({tally.state}): {tally}")
    _print_findings(overview)


def _source_cells(source: Health) -> tuple[object, ...]:
    moments = minute(source.since), minute(source.checked)
    return (source.source, source.state, *moments, source.found, source.added, shortened(source.detail, 60))


def _print_findings(overview: Overview) -> None:
    from newsletter.services.overview import findings, notes

    found = findings(overview)
    click.echo("What stands in the way of mail:" if found else "Nothing stands in the way of mail.")
    for line in found:
        click.echo(f"  - {line}")
    for line in notes(overview):
        click.echo(f"Note: {line}")
