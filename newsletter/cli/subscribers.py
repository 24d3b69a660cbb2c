"""Commands about subscribers: add, set, list, show, like, vote, import, export, pause, resume, unsubscribe, erase."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

import click

from newsletter.cli.base import PARTLY_FAILED, cadence_option, config_option, open_engine, run_async
from newsletter.cli.output import format_option, print_lines, print_table, shortened, warn
from newsletter.cli.people_files import export_subscribers, import_subscribers
from newsletter.cli.subscriber_changes import set_subscriber
from newsletter.types import Status, Verb

if TYPE_CHECKING:
    from newsletter.types import Profile


@click.group()
@config_option
def subscribers() -> None:
    """Who gets mail: add, set, list, show, like, vote, import, export, pause, resume, unsubscribe, erase."""


for _command in (set_subscriber, import_subscribers, export_subscribers):
    subscribers.add_command(_command)


@subscribers.command("add")
@config_option
@click.argument("address")
@click.option("--name", default="", help="For the greeting.")
@click.option("--interests", default="", help='"video diffusion; plasma physics": one interest each.')
@click.option("--muted", default="", help='"survey; blockchain": must not appear.')
@cadence_option
@click.option("--size", type=int, help="Picks in an edition.")
@click.option("--language", default="", help='"de", "ar", "pt-BR" [default: the newsletter\'s].')
def add_subscriber(**given: Any) -> None:
    """Add ADDRESS as active: you vouch for the consent (people who sign up on the page confirm it themselves).

    `subscribers set` changes what is kept of somebody who is there already.
    """
    from newsletter.formats import parse_subscriber

    person = parse_subscriber({"email": given.pop("address"), **given})
    with open_engine() as engine:
        added = engine.subscriptions.add(person, "command line")
    click.echo(f"{added.email} added, {added.status}")


@subscribers.command("list")
@config_option
@click.option("--status", type=click.Choice([status.value for status in Status]), help="Only these.")
@format_option("jsonl")
def list_subscribers(status: str | None, form: str) -> None:
    """List subscribers."""
    from newsletter.formats import dump_lines, subscriber_row

    with open_engine() as engine:
        people = engine.subscriptions.listed(Status(status) if status else None)
        if form == "jsonl":
            print_lines(dump_lines(map(subscriber_row, people)))
            return
        rows = [(person.email, person.name, person.status, _interests(person.profile)) for person in people]
    print_table(("address", "name", "status", "interests"), rows)
    click.echo(f"{len(rows)} subscribers")


def _interests(profile: Profile) -> str:
    return shortened("; ".join(interest.name for interest in profile.interests), 60)


@subscribers.command("show")
@config_option
@click.argument("address")
def show_subscriber(address: str) -> None:
    """Everything known of ADDRESS, as JSON."""
    from newsletter.formats import bounce_row, subscriber_row

    with open_engine() as engine:
        person = engine.subscriptions.find(address)
        votes, bounces = engine.subscriptions.votes(person.id), engine.subscriptions.bounces(person.id)
    known = {"bounces": [bounce_row(bounce) for bounce in bounces]} if bounces else {}
    click.echo(json.dumps(subscriber_row(person, votes) | known, ensure_ascii=False, indent=2))


def _add_status_command(name: str, status: Status, text: str) -> None:
    @subscribers.command(name, help=text)
    @config_option
    @click.argument("address")
    def change(address: str) -> None:
        with open_engine() as engine:
            number = engine.subscriptions.find(address).id
            if status is Status.UNSUBSCRIBED:
                person = engine.subscriptions.set_status(number, status)
            else:
                person = engine.subscriptions.pause_subscriber(number, paused=status is Status.PAUSED)
        click.echo(f"{person.email} is {person.status}")


_add_status_command("pause", Status.PAUSED, "ADDRESS gets no mail until `resume`.")
_add_status_command("resume", Status.ACTIVE, "ADDRESS gets mail again.")
_add_status_command("unsubscribe", Status.UNSUBSCRIBED, "ADDRESS gets no mail; effective before its next one.")


@subscribers.command("like")
@config_option
@click.argument("address")
@click.argument("library")
@click.option("--key", envvar="ZOTERO_API_KEY", default="", help="Of a private Zotero library [env: ZOTERO_API_KEY].")
def like_library(address: str, library: str, key: str) -> None:
    """Take ADDRESS's reference library as papers that this person likes.

    LIBRARY is a file in BibTeX, RIS, CSL-JSON or Zotero's JSON, or a library at zotero.org: users/123456, groups/123.
    Its papers are no news: they never come in a mail by themselves.
    """
    with open_engine() as engine:
        new, harvest = run_async(engine.collection.like(address, library, key))
    warn(f"{library}: {line}" for line in (*harvest.problems, *harvest.notes))
    click.echo(f"{len(harvest.entries)} papers read, {new} new likes of {address}")
    if harvest.problems:
        sys.exit(PARTLY_FAILED)


@subscribers.command("vote")
@config_option
@click.argument("address")
@click.argument("verb", type=click.Choice(["more", "less", "save", "undo"]))
@click.argument("entry")
def vote_on_paper(address: str, verb: str, entry: str) -> None:
    """Say for ADDRESS what the links under a paper in its mails say: more or less like ENTRY, save it, or undo that.

    ENTRY is an id in any form: 2401.00001, https://doi.org/10.1000/x. The later word on a paper counts.
    """
    with open_engine() as engine:
        number = engine.subscriptions.find(address).id
        if verb == "undo":
            click.echo(
                "taken back" if engine.subscriptions.take_back(number, [entry]) else "nothing was said of this paper"
            )
        else:
            click.echo(f"{verb}: {engine.subscriptions.vote(number, entry, Verb(verb)).title}")


@subscribers.command()
@config_option
@click.argument("address")
@click.confirmation_option(prompt="Forget this person for good?")
def erase(address: str) -> None:
    """Forget ADDRESS: its row, profile, votes and editions; the ledger keeps numbers without a name."""
    with open_engine() as engine:
        engine.subscriptions.erase(engine.subscriptions.find(address).id)
    click.echo("erased")
