"""The command line: each command parses, calls one service, and prints. Commands live in the files beside this one."""

from __future__ import annotations

import click

from newsletter import __version__
from newsletter.cli.base import CommandGroup, config_option, set_up_process
from newsletter.cli.entries import collect, entries
from newsletter.cli.issues import issues, plan, preview
from newsletter.cli.maintenance import demo, doctor, init, lint, migrate
from newsletter.cli.model import model
from newsletter.cli.quality import evaluate, explain
from newsletter.cli.rank import rank
from newsletter.cli.sending import bounces, resolve, send
from newsletter.cli.serving import run, tick, web
from newsletter.cli.status import status
from newsletter.cli.subscribers import subscribers


@click.group(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="newsletter")
@click.option("-v", "--verbose", is_flag=True, help="Log what happens to standard error.")
@config_option
def main(verbose: bool) -> None:
    """Trending research papers in your inbox, picked for each reader.

    \b
    See it work:       newsletter demo --open
    Make your own:     newsletter init my-letter && cd my-letter
                       newsletter collect
                       newsletter subscribers add ada@example.org --interests "diffusion; plasma physics"
                       newsletter preview
                       newsletter plan && newsletter send 2025-W12
    Leave it running:  newsletter run
    """
    set_up_process(verbose)


for command in (
    *(demo, init, migrate),
    *(collect, entries, rank),
    subscribers,
    *(plan, issues, preview),
    *(send, status, resolve, bounces),
    *(evaluate, explain),
    *(lint, doctor, model),
    *(run, tick, web),
):
    main.add_command(command)
