"""The commands model fetch and model show: the embedder's model."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from newsletter.cli.base import config_option, load_settings, open_engine
from newsletter.cli.output import format_option, print_lines, progress_bar

if TYPE_CHECKING:
    from collections.abc import Iterator

    from newsletter.services.models import ModelReport
    from newsletter.services.vectors import Coverage


@click.group()
@config_option
def model() -> None:
    """The embedder's model: fetch it, and see whether it is here."""


@model.command()
@config_option
@click.argument("name", metavar="[MODEL]", default="")
def fetch(name: str) -> None:
    """Download a model for "fastembed:MODEL", the configured one by default; nothing else ever downloads one.

    The files go into the folder [selection] model_folder, and are checked and tried. A download that was interrupted
    goes on where it was; what is here already is checked, and not downloaded again.

    \b
    newsletter model fetch BAAI/bge-small-en-v1.5
    """
    from newsletter.services import models

    settings = load_settings()
    with progress_bar(length=1, label="fetching", show_pos=False) as bar:

        def came(count: int, total: int) -> None:
            bar.length = max(total, 1)
            bar.update(count)

        found = models.fetch(settings, name, came)
    click.echo(f"{found.model} is here: {_megabytes(found.size)}, {len(found.trial)} numbers a text")
    if settings.selection.model.lower() != f"{models.KIND}{found.model}".lower():
        click.echo(f'Next: [selection] model = "{models.KIND}{found.model}"')


@model.command()
@config_option
@format_option("json")
def show(form: str) -> None:
    """The configured model: whether it is here, its size, and how many papers and phrases have vectors."""
    from newsletter.serializers.models import model_row
    from newsletter.services import models

    settings = load_settings()
    found, coverage = models.report(settings), None
    if found.model and not found.trouble:
        with open_engine() as engine:
            coverage = engine.vectors.coverage()
    if form == "json":
        click.echo(json.dumps(model_row(found, coverage), ensure_ascii=False))
    else:
        print_lines(_lines(found, coverage))


def _lines(found: ModelReport, coverage: Coverage | None) -> Iterator[str]:
    if not found.model:
        yield "No model is configured: papers are ranked by their words alone."
        return
    yield f"model    {found.model}"
    if found.place:
        yield f"folder   {found.place}"
    if found.fetched:
        files = found.fetched
        yield f"files    {len(files.files)}, {_megabytes(files.size)}, {files.source} at {files.revision[:12]}"
        yield f"vectors  {len(files.trial)} numbers a text"
    if found.trouble:
        yield f"trouble  {found.trouble}"
    if coverage:
        yield f"papers   {coverage.papers_kept:,} of {coverage.papers:,} that the next issue needs have a vector"
        yield f"phrases  {coverage.phrases_kept:,} of {coverage.phrases:,}"


def _megabytes(size: int) -> str:
    return f"{size / 1e6:,.1f} MB"
