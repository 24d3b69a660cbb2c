"""The command `subscribers set`: other values for a known person."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from newsletter.cli.base import config_option, open_engine
from newsletter.cli.files import read_json_object
from newsletter.types import Cadence, Fill, WhenEmpty

if TYPE_CHECKING:
    from newsletter.types import Subscriber

#: What --default takes; formats.CHANGEABLE, which is not imported for the sake of --help.
FIELDS = (
    *("cadence", "fill", "hour", "hype", "interests", "language", "muted", "name", "size", "skim", "surprise"),
    *("text", "timezone", "weekday", "when_empty"),
)


@click.command("set")
@config_option
@click.argument("address")
@click.option("--name", help="For the greeting.")
@click.option("--cadence", type=click.Choice(["", *(cadence.value for cadence in Cadence)]), help="How often.")
@click.option("--weekday", help='Of weekly issues: "friday".')
@click.option("--hour", help="Local hour, 0 to 23.")
@click.option("--timezone", help='"Europe/Berlin".')
@click.option("--language", help='"de", "ar", "pt-BR".')
@click.option("--skim/--no-skim", default=None, help="Titles and reasons only, or whole cards.")
@click.option("--size", help="Picks in an edition.")
@click.option("--hype", help="0 to 1: what many like counts for nothing, or as much as the own interests.")
@click.option("--surprise", help="0 to 1: share of picks a little outside the own interests.")
@click.option(
    "--fill",
    type=click.Choice(["", *(fill.value for fill in Fill)]),
    help="Places that the interests leave empty: stay so, or show what is popular.",
)
@click.option(
    "--when-empty",
    type=click.Choice(["", *(each.value for each in WhenEmpty)]),
    help="Where nothing fits at all: a mail that says so, or none.",
)
@click.option("--interests", help='"video diffusion; plasma physics": these in place of all others.')
@click.option("--interest", multiple=True, help='"video: diffusion, motion": one more, or other keywords for it.')
@click.option("--without-interest", multiple=True, metavar="NAME", help="Forget this one.")
@click.option("--muted", help='"survey; blockchain": must not appear.')
@click.option("--text", help="Free words on what is of interest.")
@click.option(
    "--profile",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A JSON file with the whole profile, as `show` prints it, in place of the one that is there.",
)
@click.option("--default", multiple=True, type=click.Choice(FIELDS), help="Set this back to the newsletter's own.")
def set_subscriber(
    address: str,
    interest: Sequence[str],
    without_interest: Sequence[str],
    profile: Path | None,
    default: Sequence[str],
    **given: Any,
) -> None:
    """Change what is kept of ADDRESS, and print what it is now.

    What is not named stays as it is. "" sets a value back to the newsletter's own, and so does --default. Nobody is
    subscribed or unsubscribed by this: for that there are `pause`, `resume` and `unsubscribe`.

    \b
    newsletter subscribers set ada@example.org --hour 7 --timezone Asia/Tokyo
    newsletter subscribers set ada@example.org --interest "video: diffusion, motion" --muted "survey; blockchain"
    newsletter subscribers set ada@example.org --language "" --default size
    """
    from newsletter.formats import subscriber_row, with_interests

    values = {key: value for key, value in given.items() if value is not None} | dict.fromkeys(default, "")
    if not (values or interest or without_interest or profile):
        raise click.UsageError("say what to change: --hour 7, --interest video, … (see --help)")
    whole = read_json_object(profile) if profile else {}
    with open_engine() as engine:
        person = _with_values(engine.subscriptions.find(address), whole, values)
        person = _with_profile(person, with_interests(person.profile, interest, without_interest))
        engine.subscriptions.change(person)
        person = engine.subscriptions.get(person.id)
    click.echo(json.dumps(subscriber_row(person), ensure_ascii=False, indent=2))


def _with_values(person: Subscriber, whole: Mapping[str, Any], values: Mapping[str, Any]) -> Subscriber:
    """The whole profile first, if one is given, then single values."""
    from newsletter.formats import changed, parse_subscriber_profile

    if whole:
        inner = whole.get("profile")
        person = _with_profile(person, parse_subscriber_profile(inner if isinstance(inner, dict) else whole))
    return changed(person, values)


def _with_profile(person: Subscriber, profile: Any) -> Subscriber:
    from dataclasses import replace

    return replace(person, profile=profile)
