"""Commands about entries: collect, entries."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING

import click

from newsletter.cli.base import FAILED, PARTLY_FAILED, config_option, in_utc, open_engine, run_async
from newsletter.cli.output import (
    format_option,
    minute,
    print_lines,
    print_table,
    progress_bar,
    shortened,
    warn,
    warn_without_vectors,
)
from newsletter.errors import InputError
from newsletter.types import SourceState

if TYPE_CHECKING:
    from newsletter.services.collection import Collected


@click.command()
@config_option
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
@click.option("--dry-run", is_flag=True, help="Only print; store nothing.")
@click.option("--force", is_flag=True, help="Ask again what was asked within the hour, read again what did not change.")
@format_option("jsonl")
def collect(sources: tuple[str, ...], dry_run: bool, force: bool, form: str) -> None:
    """Pull the sources (all, or those named) into the store.

    \b
    fresh     brought something new within a day      partial   some of it could not be read
    quiet     could be read, had nothing new          failing   nothing could be read
    stale     did not move for longer than it should  resting   was asked within the hour: see --force

    A source that fails stops no other; the exit code is 3 then, and 1 when all failed.
    """
    with open_engine() as engine:
        if not engine.settings.sources:
            raise InputError("No source is configured: add a [[source]] to newsletter.toml or sources.toml.")
        with progress_bar(label="collecting", length=len(engine.settings.sources)) as bar:
            collected = run_async(engine.collection.collect(sources, not dry_run, force, lambda _: bar.update(1)))
        summaries = None if dry_run else run_async(engine.summaries.summarise())
        trouble = "" if dry_run else engine.vectors.embed()
    _print_collected(collected, form)
    if summaries and form == "table":
        click.echo(f"{summaries.written} summaries written")
    if summaries and summaries.trouble:
        warn([summaries.trouble])
    warn_without_vectors(trouble)
    _exit_after_problems(collected)


def _print_collected(collected: Sequence[Collected], form: str) -> None:
    """The entries as JSON Lines, or a table of the sources."""
    from newsletter.formats import dump_lines, entry_row

    if form == "jsonl":
        print_lines(dump_lines(entry_row(entry) for source in collected for entry in source.harvest.entries))
    else:
        head = ("source", "kind", "found", "new", "state", "since (UTC)", "")
        print_table(head, [_source_cells(source) for source in collected])
        print_lines(filter(None, map(_told_of_rest, collected)))


def _source_cells(collected: Collected) -> tuple[object, ...]:
    harvest, health = collected.harvest, collected.health
    if harvest.rested:
        return (harvest.source.name, harvest.source.kind, "-", 0, "resting", minute(harvest.rested), "read then")
    state, since = (health.state, minute(health.since)) if health else ("", "")
    found = health.found if health and harvest.unchanged else len(harvest.entries)
    detail = "as it was the last time" if harvest.unchanged and health and not health.detail else ""
    if health and health.state is not SourceState.FAILING:  # an error is told in full below
        detail = detail or shortened(health.detail, 60)
    return (harvest.source.name, harvest.source.kind, found, collected.added, state, since, detail)


def _told_of_rest(collected: Collected) -> str:
    """One line where some of what was found can be no news: "arXiv: 10 found, 6 new, 4 known replacements"."""
    harvest, entries = collected.harvest, collected.harvest.entries
    withdrawn = sum(entry.withdrawn for entry in entries)
    replaced = sum(entry.update and not entry.withdrawn for entry in entries) - harvest.old
    rest = {"known replacement": replaced, "too old to be news": harvest.old, "withdrawn": withdrawn}
    told = [f"{number:,} {_several(what, number)}" for what, number in rest.items() if number > 0]
    if not told:
        return ""
    return f"{harvest.source.name}: {', '.join((f'{len(entries):,} found', f'{collected.added:,} new', *told))}"


def _several(what: str, number: int) -> str:
    return f"{what}s" if what.endswith("replacement") and number != 1 else what


def _exit_after_problems(collected: Sequence[Collected]) -> None:
    """Print the problems of all sources; end with a code of failure where one failed."""
    for source in collected:
        harvest = source.harvest
        warn(f"{harvest.source.name}: {line}" for line in (*harvest.problems, *harvest.notes))
        if harvest.error:
            click.echo(f"Error: {harvest.source.name}: {harvest.error}", err=True)
    failed = sum(1 for source in collected if source.harvest.error)
    if failed:
        sys.exit(FAILED if failed == len(collected) else PARTLY_FAILED)


@click.command()
@config_option
@click.option("--since", type=click.DateTime(), help="Only what was first seen on or after this day (UTC).")
@click.option("--source", default="", help="Only what this source brought first.")
@format_option("jsonl")
def entries(since: datetime | None, source: str, form: str) -> None:
    """List what is stored, newest first."""
    from newsletter.formats import dump_lines, entry_row

    with open_engine() as engine:
        listed = engine.papers.listed(in_utc(since), source)
        if form == "jsonl":
            print_lines(dump_lines(map(entry_row, listed)))
            return
        rows = [(entry.id, entry.source, shortened(entry.title, 80)) for entry in listed]
    print_table(("id", "source", "title"), rows)
    click.echo(f"{len(rows)} entries")
