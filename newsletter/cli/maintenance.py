"""Commands to set up and look after a newsletter: demo, init, migrate, lint, doctor."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsletter.cli.base import FAILED, config_option, config_path, exit_after, load_settings, run_async
from newsletter.cli.files import write_missing
from newsletter.cli.output import format_option, print_lines, progress_bar
from newsletter.errors import InputError

if TYPE_CHECKING:
    from newsletter.doctor import Finding

LEVEL_COLOURS = {"ok": "green", "warning": "yellow", "error": "red", "skipped": "bright_black"}


@click.command()
@config_option
@click.option(
    "--out", type=click.Path(path_type=Path, file_okay=False), default="demo", show_default=True, help="The folder."
)
@click.option("--open", "show", is_flag=True, help="Open the result in a browser.")
def demo(out: Path, show: bool) -> None:
    """The main job, offline: collect, plan, select, render, send over SMTP to a catcher on this machine.

    Leaves one .eml and one .html per reader, and an index.html, in the folder --out.
    """
    from newsletter.demo import demo as run_demo

    sent = run_async(run_demo(out))
    for path in sorted(out.glob("*.eml")):
        click.echo(f"  {path}")
    click.echo(f"{sent.tally}\nLook at {out / 'index.html'}")
    if show:
        click.launch(str((out / "index.html").absolute()))
    exit_after(sent)


@click.command()
@config_option
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=".")
def init(folder: Path) -> None:
    """Write a commented configuration, a secret and the database into FOLDER; what is there stays."""
    from newsletter.config import load, resource
    from newsletter.services.database import set_up
    from newsletter.tokens import new_secret

    samples = {name: (resource("config") / name).read_text("utf-8") for name in ("newsletter.toml", "sources.toml")}
    samples["newsletter.toml"] = samples["newsletter.toml"].replace("# secret_file =", "secret_file =")
    write_missing(folder, {**samples, "newsletter.secret": new_secret() + "\n"})
    set_up(load(folder / "newsletter.toml", os.environ).store_url)
    click.echo(
        f"{folder / 'newsletter.db'}: ready\nNext: edit newsletter.toml and sources.toml, then `newsletter collect`"
    )


@click.command()
@config_option
def migrate() -> None:
    """Bring the database to this version; safe to run twice."""
    from newsletter.services import database

    before, after = database.migrate(load_settings().store_url)
    click.echo(
        f"the database is at {after}" + (f", it was at {before or 'nothing'}" if before != after else " already")
    )


@click.command()
@config_option
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), required=False)
@click.option("--json", "as_json", is_flag=True, help="Print a list of {file, line, severity, text}.")
def lint(folder: Path | None, as_json: bool) -> None:
    """Check the mail's templates: what would fail, what would look wrong somewhere, colours that cannot be read.

    Takes the templates of the configuration, or your own of FOLDER over the built-in ones, with the configuration's
    [theme]. Prints all findings, one a line; the exit code is 1 when there is an error among them.
    """
    from newsletter.renderer import find_all, load_kind, own_folder
    from newsletter.serializers.findings import template_finding_row

    settings = load_settings()
    own = _templates_folder(folder) if folder else own_folder(settings)
    weekly, confirm, messages = (load_kind(kind, own) for kind in ("weekly", "confirm", "messages"))
    found = find_all(weekly, confirm, settings.masthead, messages, settings.theme)
    if as_json:
        click.echo(json.dumps([template_finding_row(finding) for finding in found], ensure_ascii=False))
    else:
        print_lines(map(str, found))
    if errors := sum(1 for finding in found if finding.severity == "error"):
        raise InputError(f"{errors} of {len(found)} findings {'is an error' if errors == 1 else 'are errors'}")


def _templates_folder(folder: Path) -> Path:
    if any((folder / kind).is_dir() for kind in ("weekly", "confirm", "messages", "web")):
        return folder
    raise InputError(f"{folder}: there is no folder weekly, confirm or messages in it")


@click.command()
@config_option
@click.option("--offline", is_flag=True, help="Only what needs no network.")
@click.option("--to", metavar="ADDRESS", default="", help="Also whether mail to ADDRESS has somewhere to go.")
@format_option("jsonl")
def doctor(offline: bool, to: str, form: str) -> None:
    """Will it arrive? Looks at DNS, the relay, the pages and the files, and says what to do about what it finds.

    \b
    From, bounces, postal address, List-Id      SPF and its look-ups, DKIM keys, DMARC and alignment
    TLS, certificate and login of the relay     MX of our own addresses, reverse DNS, MTA-STS
    base_url, unsubscribing in one click        secrets, database, templates, clock

    Changes nothing and sends no mail; one minute at most. The exit code is 1 when there is an error among the findings.

    \b
    JSONL:  group, name, level (ok, warning, error, skipped), found, todo, record (to publish in DNS)
    """
    from newsletter.serializers.findings import doctor_finding_row

    found = _examine(offline, to)
    if form == "jsonl":
        print_lines(json.dumps(doctor_finding_row(finding), ensure_ascii=False) for finding in found)
    else:
        _print_findings(found)
    if any(finding.level == "error" for finding in found):
        sys.exit(FAILED)


def _examine(offline: bool, to: str) -> Sequence[Finding]:
    from newsletter.config import secret_files
    from newsletter.doctor import count, examine
    from newsletter.formats import parse_address
    from newsletter.services.doctor import setup_of, tools

    settings, address, seams = load_settings(), parse_address(to) if to else "", tools()
    with progress_bar(length=count(offline, address), label="looking") as bar:
        setup = setup_of(settings, secret_files(config_path(), os.environ), seams.now())
        return run_async(examine(setup, seams, offline=offline, to=address, on_done=lambda: bar.update(1)))


def _print_findings(found: Sequence[Finding]) -> None:
    """Each group under its name; below a finding what to do, and the record to publish."""
    width = max(len(finding.name) for finding in found)
    for place, (group, findings) in enumerate(groupby(found, lambda finding: finding.group)):
        click.echo(f"\n{group}" if place else group)
        for finding in findings:
            level = click.style(f"{finding.level:<7}", fg=LEVEL_COLOURS[finding.level])
            click.echo(f"  {level}  {finding.name:<{width}}  {finding.found}".rstrip())
            print_lines(f"{'':11}{line}" for line in (finding.todo, finding.record) if line)
    click.echo("\n" + ", ".join(filter(None, (_counted(found, level) for level in LEVEL_COLOURS))))


def _counted(found: Sequence[Finding], level: str) -> str:
    """ "2 errors"; "" for none."""
    number = sum(1 for finding in found if finding.level == level)
    plural = "s" if number > 1 and level in ("warning", "error") else ""
    return f"{number} {level}{plural}" if number else ""
