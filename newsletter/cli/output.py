"""What commands print: tables, lines and JSON to standard output, warnings and progress bars to standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


def format_option(other: str) -> Callable[[Command], Command]:
    """The option --format: table, or the machine-readable form `other`."""
    choice = click.Choice(["table", other])
    return click.option("--format", "form", type=choice, default="table", show_default=True, help="How to print.")


def print_lines(lines: Iterable[str]) -> None:
    """One after the other, as they come."""
    for line in lines:
        click.echo(line)


def print_table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Columns as wide as their widest cell, two spaces between."""
    cells = [[str(cell) for cell in row] for row in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def progress_bar(items: Iterable[Any] | None = None, label: str = "", length: int | None = None, **more: Any) -> Any:
    """A bar on a terminal, nothing elsewhere; on standard error, so that output can be piped."""
    hidden = not sys.stderr.isatty()
    return click.progressbar(items, length=length, label=label, file=sys.stderr, hidden=hidden, **more)


def warn(problems: Iterable[str]) -> None:
    """A line on standard error for each problem."""
    for problem in problems:
        click.echo(f"Warning: {problem}", err=True)


def warn_without_vectors(trouble: str) -> None:
    """A warning that papers are ranked by their words alone, and why; nothing where there is no trouble."""
    from newsletter.services.overview import without_vectors

    warn([without_vectors(trouble)] if trouble else [])


def counted(number: int, thing: str) -> str:
    """ "1 paper", "2 papers"."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def shortened(text: str, most: int) -> str:
    """At most so many characters, the last of them an ellipsis where something is cut off."""
    return text if len(text) <= most else text[: most - 1] + "…"


def minute(moment: datetime | None) -> str:
    """ "2025-03-17 08:00"; "" for None."""
    return f"{moment:%Y-%m-%d %H:%M}" if moment else ""
