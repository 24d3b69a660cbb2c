"""What commands share: errors in one line, options, an open engine, exit codes.

Nothing heavy is imported at the top of a file of commands, so that `newsletter --help` answers at once.
"""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from newsletter.errors import NewsletterError
from newsletter.types import Cadence, Outcome

if TYPE_CHECKING:
    from newsletter.config import Settings
    from newsletter.engine import Engine
    from newsletter.services.sending import Sent

Result = TypeVar("Result")

FAILED, PARTLY_FAILED = 1, 3  #: exit codes; click's own 2 is for wrong usage
#: Editions are many small objects without cycles: with Python's own 700, 10, 10 the garbage collector takes a sixth of
#: the selector's time [measured].
GC_THRESHOLDS = (50_000, 20, 20)


class CommandGroup(click.Group):
    """Prints our errors in one line; any other error is a traceback, because it is a bug."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except NewsletterError as error:
            click.echo(f"Error: {' '.join(str(error).split())}", err=True)
            ctx.exit(FAILED)
        except BrokenPipeError:  # `newsletter entries | head`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            ctx.exit(0)


def _remember_config(ctx: click.Context, parameter: click.Parameter, value: Path | None) -> None:  # noqa: ARG001
    if value is not None:
        ctx.ensure_object(dict)["config"] = value


config_option = click.option(
    "--config",
    type=click.Path(path_type=Path, dir_okay=False),
    expose_value=False,
    is_eager=True,
    callback=_remember_config,
    help="The configuration file [default: $NEWSLETTER_CONFIG, ./newsletter.toml, ./config/newsletter.toml].",
)


cadence_option = click.option(
    "--cadence", type=click.Choice([cadence.value for cadence in Cadence]), help="[default: the newsletter's]"
)


def set_up_process(verbose: bool) -> None:
    """Set the garbage collector for many editions, and log to standard error: errors only, or everything of ours."""
    import logging

    from newsletter.logs import JsonLines

    gc.set_threshold(*GC_THRESHOLDS)
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.ERROR, handlers=[handler])
    logging.getLogger("newsletter").setLevel(logging.INFO if verbose else logging.ERROR)


def config_path() -> Path | None:
    """The file given with --config, before or after the command; None: not given."""
    path: Path | None = click.get_current_context().ensure_object(dict).get("config")
    return path


def load_settings() -> Settings:
    """Settings from the configuration file and the environment. Raises ConfigError."""
    from newsletter.config import load

    return load(config_path(), os.environ)


@contextmanager
def open_engine() -> Iterator[Engine]:
    """An engine of the configuration; its database is closed at the end."""
    from newsletter.engine import make_engine

    engine = make_engine(load_settings())
    try:
        yield engine
    finally:
        engine.close()


def run_async(coroutine: Coroutine[Any, Any, Result]) -> Result:
    """Run it to its end; asyncio is imported only now, for that takes longer than all that `--help` needs of ours."""
    import asyncio

    return asyncio.run(coroutine)


def in_utc(moment: datetime | None) -> datetime | None:
    """The same day and time as UTC: click's dates have no zone."""
    return moment.replace(tzinfo=UTC) if moment else None


def exit_after(sent: Sent) -> None:
    """End with the exit code of this run: what was refused in an earlier run was told then."""
    if sent.trouble:
        click.echo(f"Error: {sent.trouble}; run `newsletter send {sent.tally.issue}` again", err=True)
    for outcome in (Outcome.DEFERRED, Outcome.REFUSED, Outcome.UNCERTAIN):
        if sent.outcomes[outcome]:
            click.echo(f"{outcome} in this run: {sent.outcomes[outcome]}", err=True)
    if sent.trouble or sent.stopped or set(sent.outcomes) - {Outcome.ACCEPTED}:
        sys.exit(PARTLY_FAILED)
