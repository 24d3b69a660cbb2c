"""Commands about files of people: subscribers import and export."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import starmap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from newsletter.cli.base import PARTLY_FAILED, config_option, open_engine
from newsletter.cli.files import read_bytes, write_text_lines
from newsletter.cli.output import print_lines, progress_bar, warn
from newsletter.errors import InputError

if TYPE_CHECKING:
    from newsletter.engine import Engine
    from newsletter.types import Subscriber, Vote

BATCH = 1000  #: imported people in one transaction
_TABLES = (".csv", ".tsv", ".tab")


@click.command("import")
@config_option
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--csv", "as_csv", is_flag=True, help="FILE is CSV, whatever its name.")
@click.option("--encoding", default="", help='Of FILE, such as "cp1252", where it cannot be found out.')
def import_subscribers(file: Path, as_csv: bool, encoding: str) -> None:
    """Add or change subscribers from FILE: JSON Lines, or CSV with a header line.

    A bad line is named by number and skipped (exit code 3). What a row leaves out stays as it is. Nobody who
    unsubscribed, bounced or complained is brought back. Of interests a CSV holds the names only; votes on papers come
    from JSON Lines, as far as the papers are known here.

    A CSV may have commas, semicolons or tabs, and be in any encoding: where letters could be of several ones, the
    command asks for --encoding. Its columns are those of `export`; "E-Mail" or "Email Address" will do for "email".
    """
    from newsletter.tables import read_table

    try:
        rows = list(read_table(read_bytes(file), as_csv or file.suffix.lower() in _TABLES, encoding))
    except InputError as error:
        raise InputError(str(error) if str(error).startswith(str(file)) else f"{file}: {error}") from error
    with open_engine() as engine, progress_bar(rows, "importing") as shown:
        read = _read_people(shown)
        totals = _put_all(engine, read.people)
        votes = engine.subscriptions.put_votes(read.votes.items())
    warn(f"{file}, line {problem}" for problem in read.problems)
    warn(f"this machine does not know the time zone {zone}: left out" for zone in sorted(read.unknown_zones))
    click.echo(_summary(totals, votes, len(read.problems)))
    if read.problems:
        sys.exit(PARTLY_FAILED)


@dataclass(frozen=True, slots=True)
class _People:
    people: list[Subscriber]
    votes: dict[str, Sequence[Vote]]  #: by address
    problems: list[str]  #: "3: not JSON"
    unknown_zones: set[str]


def _read_people(rows: Iterable[tuple[int, Any]]) -> _People:
    """Subscribers, their votes, and what is wrong with the other rows; a row that is a text could not be read."""
    from newsletter.formats import parse_subscriber, parse_votes
    from newsletter.schedule import is_zone

    read = _People([], {}, [], set())
    for number, row in rows:
        try:
            if isinstance(row, str):
                raise InputError(row)
            if (zone := row.get("timezone")) and isinstance(zone, str) and not is_zone(zone):
                read.unknown_zones.add(zone)  # of another machine: the person counts for more than their zone
                row = {**row, "timezone": None}
            person, votes = parse_subscriber(row), parse_votes(row)
        except InputError as error:
            read.problems.append(f"{number}: {error}")
            continue
        read.people.append(person)
        if votes:
            read.votes[person.email] = votes
    return read


def _put_all(engine: Engine, people: Sequence[Subscriber]) -> tuple[int, int, int]:
    """How many were added, changed and kept out."""
    added, changed, kept_out = 0, 0, 0
    for start in range(0, len(people), BATCH):
        done = engine.subscriptions.put_all(people[start : start + BATCH], "import")
        added, changed, kept_out = added + done[0], changed + done[1], kept_out + done[2]
    return added, changed, kept_out


def _summary(totals: tuple[int, int, int], votes: tuple[int, int], problems: int) -> str:
    kept, unknown = votes
    told = f", votes {kept}" if kept or unknown else ""
    told += f" ({unknown} more on papers that are not known here)" if unknown else ""
    return "added {}, changed {}, kept out {} (they left), ".format(*totals) + f"bad lines {problems}{told}"


@click.command("export")
@config_option
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), required=False)
@click.option("--csv", "as_csv", is_flag=True, help="CSV instead of JSON Lines.")
def export_subscribers(file: Path | None, as_csv: bool) -> None:
    """Write all subscribers to FILE or standard output, as `import` reads them; JSON Lines hold their votes too.

    In a CSV, a cell that a spreadsheet would take for a formula begins with an apostrophe; `import` takes it off again.
    """
    from newsletter.formats import dump_lines, subscriber_row
    from newsletter.tables import csv_lines

    if file and file.suffix.lower() == ".csv":
        as_csv = True
    with open_engine() as engine:
        rows = starmap(subscriber_row, engine.subscriptions.with_votes(engine.subscriptions.listed()))
        lines = csv_lines(rows) if as_csv else dump_lines(rows)
        if file:
            write_text_lines(file, lines)
        else:
            print_lines(lines)
