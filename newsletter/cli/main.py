"""The command line: each command parses, calls one method of the engine, and prints.

Heavy things are imported inside the commands, so that `newsletter --help` answers at once.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import count, starmap
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from newsletter import __version__
from newsletter.errors import EmbedderError, InputError, NewsletterError
from newsletter.types import Cadence, Outcome, SourceState, Status, Verb

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from newsletter.config import Settings
    from newsletter.doctor import Finding as Diagnosis
    from newsletter.engine import Engine
    from newsletter.selector.evaluation import EvaluationReport
    from newsletter.selector.explain import Part, Standing
    from newsletter.services.bounce_reports import Heeded
    from newsletter.services.collection import Collected
    from newsletter.services.explaining import Explained, Heard
    from newsletter.services.overview import Overview
    from newsletter.services.progress import Progress
    from newsletter.services.sending import Sent
    from newsletter.types import Delivery, Entry, Health, Profile, Subscriber

Command = TypeVar("Command", bound=Callable[..., Any])
Result = TypeVar("Result")

FAILED, PARTLY_FAILED = 1, 3
LISTED = 20  #: mails of one outcome in `status`
WATCH = 2.0  #: seconds between two looks, and at least four times what a look takes: seconds, for a million readers
#: Of the garbage collector, for this process of ours: editions are many small objects without cycles, and with Python's
#: own 700, 10, 10 looking through them takes a sixth of the selector's time [measured].
PATIENCE = (50_000, 20, 20)


class Group(click.Group):
    """Our errors are one line; any other is a traceback, because it is a bug."""

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


def table_or(other: str) -> Callable[[Command], Command]:
    """--format table, or the machine-readable form."""
    choice = click.Choice(["table", other])
    return click.option("--format", "form", type=choice, default="table", show_default=True, help="How to print.")


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
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
    gc.set_threshold(*PATIENCE)
    import logging

    from newsletter.logs import JsonLines

    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.ERROR, handlers=[handler])
    logging.getLogger("newsletter").setLevel(logging.INFO if verbose else logging.ERROR)


def _settings() -> Settings:
    from newsletter.config import load

    return load(click.get_current_context().ensure_object(dict).get("config"), os.environ)


@contextmanager
def _engine() -> Iterator[Engine]:
    from newsletter.engine import make_engine

    engine = make_engine(_settings())
    try:
        yield engine
    finally:
        engine.store.close()


# the main job


@main.command()
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

    sent = asyncio.run(run_demo(out))
    for path in sorted(out.glob("*.eml")):
        click.echo(f"  {path}")
    click.echo(f"{sent.tally}\nLook at {out / 'index.html'}")
    if show:
        click.launch(str((out / "index.html").absolute()))
    _exit_after(sent)


@main.command()
@config_option
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), default=".")
def init(folder: Path) -> None:
    """Write a commented configuration, a secret and the database into FOLDER; what is there stays."""
    from newsletter.config import load, resource
    from newsletter.store import Store
    from newsletter.tokens import new_secret

    samples = {name: (resource("config") / name).read_text("utf-8") for name in ("newsletter.toml", "sources.toml")}
    samples["newsletter.toml"] = samples["newsletter.toml"].replace("# secret_file =", "secret_file =")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in {**samples, "newsletter.secret": new_secret() + "\n"}.items():
            _write_new(folder / name, text)
    except OSError as error:
        raise InputError(f"{folder}: {error.strerror}") from error
    store = Store(load(folder / "newsletter.toml", os.environ).store_url)
    store.check()
    store.close()
    click.echo(
        f"{folder / 'newsletter.db'}: ready\nNext: edit newsletter.toml and sources.toml, then `newsletter collect`"
    )


def _write_new(path: Path, text: str) -> None:
    try:
        with open(path, "x", encoding="utf-8", opener=_private) as file:
            file.write(text)
    except FileExistsError:
        click.echo(f"{path}: is there already, left as it is")
    else:
        click.echo(f"{path}: written")


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600 if path.endswith(".secret") else 0o644)


@main.command()
@config_option
def migrate() -> None:
    """Bring the database to this version; safe to run twice."""
    from newsletter.store import Store

    store = Store(_settings().store_url)
    before, after = store.database.migrate()
    store.close()
    click.echo(
        f"the database is at {after}" + (f", it was at {before or 'nothing'}" if before != after else " already")
    )


# entries


@main.command()
@config_option
@click.argument("sources", nargs=-1, metavar="[SOURCE]...")
@click.option("--dry-run", is_flag=True, help="Only print; store nothing.")
@click.option("--force", is_flag=True, help="Ask again what was asked within the hour, read again what did not change.")
@table_or("jsonl")
def collect(sources: tuple[str, ...], dry_run: bool, force: bool, form: str) -> None:
    """Pull the sources (all, or those named) into the store.

    \b
    fresh     brought something new within a day      partial   some of it could not be read
    quiet     could be read, had nothing new          failing   nothing could be read
    stale     did not move for longer than it should  resting   was asked within the hour: see --force

    A source that fails stops no other; the exit code is 3 then, and 1 when all failed.
    """
    from newsletter.formats import dump_lines, entry_row

    with _engine() as engine:
        if not engine.settings.sources:
            raise InputError("No source is configured: add a [[source]] to newsletter.toml or sources.toml.")
        with _progress(label="collecting", length=len(engine.settings.sources)) as bar:
            done = asyncio.run(engine.collection.collect(sources, not dry_run, force, lambda _: bar.update(1)))
        summaries = None if dry_run else asyncio.run(engine.summaries.summarise())
        trouble = "" if dry_run else engine.vectors.embed()
    if form == "jsonl":
        _print(dump_lines(entry_row(entry) for each in done for entry in each.harvest.entries))
    else:
        _table(("source", "kind", "found", "new", "state", "since (UTC)", ""), [_harvest_row(each) for each in done])
    if summaries and form == "table":
        click.echo(f"{summaries.written} summaries written")
    if summaries and summaries.trouble:
        _warn([summaries.trouble])
    _warn_of_words_alone(trouble)
    for each in done:
        name = each.harvest.source.name
        _warn((f"{name}: {line}" for line in (*each.harvest.problems, *each.harvest.notes)), each.harvest.error, name)
    failed = sum(1 for each in done if each.harvest.error)
    if failed:
        sys.exit(FAILED if failed == len(done) else PARTLY_FAILED)


def _harvest_row(each: Collected) -> tuple[object, ...]:
    harvest, health = each.harvest, each.health
    if harvest.rested:
        return (harvest.source.name, harvest.source.kind, "-", 0, "resting", _moment(harvest.rested), "read then")
    state, since = (health.state, _moment(health.since)) if health else ("", "")
    found = health.found if health and harvest.unchanged else len(harvest.entries)
    detail = "as it was the last time" if harvest.unchanged and health and not health.detail else ""
    if health and health.state is not SourceState.FAILING:  # an error is told in full below
        detail = detail or _cut(health.detail, 60)
    return (harvest.source.name, harvest.source.kind, found, each.added, state, since, detail)


def _warn_of_words_alone(trouble: str) -> None:
    from newsletter.services.overview import words_alone

    _warn([words_alone(trouble)] if trouble else [])


def _warn(problems: Iterable[str], error: str = "", name: str = "") -> None:
    for problem in problems:
        click.echo(f"Warning: {problem}", err=True)
    if error:
        click.echo(f"Error: {name}: {error}", err=True)


@main.command()
@config_option
@click.option("--since", type=click.DateTime(), help="Only what was first seen on or after this day (UTC).")
@click.option("--source", default="", help="Only what this source brought first.")
@table_or("jsonl")
def entries(since: datetime | None, source: str, form: str) -> None:
    """List what is stored, newest first."""
    from newsletter.formats import dump_lines, entry_row

    with _engine() as engine:
        found = engine.store.entries.listed(since.replace(tzinfo=UTC) if since else None, source)
        if form == "jsonl":
            _print(dump_lines(map(entry_row, found)))
            return
        rows = [(each.id, each.source, _cut(each.title, 80)) for each in found]
    _table(("id", "source", "title"), rows)
    click.echo(f"{len(rows)} entries")


@main.command()
@config_option
@click.option("--entries", "entries_file", type=click.Path(path_type=Path), required=True, help="The candidates.")
@click.option("--profiles", "profiles_file", type=click.Path(path_type=Path), required=True, help="The readers.")
@click.option("--library", "library_file", type=click.Path(path_type=Path), help="Entries that profiles refer to.")
@click.option("--seen", "seen_file", type=click.Path(path_type=Path), help="Pairs that must not be picked again.")
@click.option("--size", type=click.IntRange(1, 1000), help="Picks per profile [default: the profile's own, or 10].")
@click.option("--model", default="", help="An embedder: wordllama, folder:PATH, openai:MODEL [default: none].")
@click.option("--model-url", default="", help="Of openai:MODEL; its key: $NEWSLETTER_SELECTION__MODEL_KEY.")
def rank(
    entries_file: Path,
    profiles_file: Path,
    library_file: Path | None,
    seen_file: Path | None,
    size: int | None,
    model: str,
    model_url: str,
) -> None:
    """Rank entries for profiles: JSON Lines in, JSON Lines out; no database, no configuration.

    \b
    entry    {"id","title"} and more     profile  {"id"}, "interests", "liked", "muted", ...
    seen     {"profile","entry"}         out      {"profile","picks":[{"entry","score","interest","reasons"}]}
    """
    from dataclasses import replace

    from newsletter.collector import read_entries
    from newsletter.formats import dump_lines, pick_row, read_profiles, read_seen
    from newsletter.selector import likes, prepare, select

    now = datetime.now(UTC)
    found, problems = read_entries(_read(entries_file), now)
    library, more = read_entries(_read(library_file), now) if library_file else ((), ())
    profiles, bad = read_profiles(_read(profiles_file))
    seen, ill = read_seen(_read(seen_file)) if seen_file else ({}, [])
    for path, lines in ((entries_file, problems), (library_file, more), (profiles_file, bad), (seen_file, ill)):
        _warn(f"{path}, {line}" for line in lines)
    sized = [replace(profile, size=size or profile.size) for _, profile in profiles]
    vectors = _rank_vectors(model, model_url, (*library, *found), sized)
    pool = prepare(found, library, None, [likes(profile) for profile in sized], vectors)
    chosen = select(pool, sized, [seen.get(name, set()) for name, _ in profiles])
    rows = zip((name for name, _ in profiles), chosen, strict=True)
    _print(dump_lines({"profile": name, "picks": [pick_row(pick) for pick in picks]} for name, picks in rows))


def _rank_vectors(
    model: str, url: str, entries: Iterable[Entry], profiles: Iterable[Profile]
) -> Mapping[str, NDArray[np.float32]] | None:
    """By entry id, and by the readers' words; None without a model, and where it fails, with a warning.

    Raises ConfigError for an unknown name.
    """
    from newsletter.embedder import embed_cached, make_embedder, paper_text
    from newsletter.selector import phrases

    try:
        embedder = make_embedder(model, url=url, key=os.environ.get("NEWSLETTER_SELECTION__MODEL_KEY", ""))
        words = {word: word for profile in profiles for word in phrases(profile)}
        texts = words | {entry.id: paper_text(entry) for entry in entries}
        return embed_cached(embedder, texts) if embedder else None
    except EmbedderError as error:
        _warn_of_words_alone(f"{model}: {' '.join(str(error).split())}")
        return None


# subscribers


@main.group()
@config_option
def subscribers() -> None:
    """Who gets mail: add, list, show, like, vote, import, export, pause, resume, unsubscribe, erase."""


@subscribers.command("add")
@config_option
@click.argument("address")
@click.option("--name", default="", help="For the greeting.")
@click.option("--interests", default="", help='"video diffusion; plasma physics": one interest each.')
@click.option("--muted", default="", help='"survey; blockchain": must not appear.')
@click.option("--cadence", type=click.Choice([each.value for each in Cadence]), help="[default: the newsletter's]")
@click.option("--size", type=int, help="Picks in an edition.")
@click.option("--language", default="", help='"de", "ar", "pt-BR" [default: the newsletter\'s].')
def add_subscriber(**given: Any) -> None:
    """Add ADDRESS as active: you vouch for the consent (people who sign up on the page confirm it themselves)."""
    from newsletter.formats import parse_subscriber

    person = parse_subscriber({"email": given.pop("address"), **given})
    with _engine() as engine:
        added = engine.store.subscribers.add(person, "command line", engine.now())
    click.echo(f"{added.email} added, {added.status}")


@subscribers.command("list")
@config_option
@click.option("--status", type=click.Choice([each.value for each in Status]), help="Only these.")
@table_or("jsonl")
def list_subscribers(status: str | None, form: str) -> None:
    """List subscribers."""
    from newsletter.formats import dump_lines, subscriber_row

    with _engine() as engine:
        people = engine.store.subscribers.listed(Status(status) if status else None)
        if form == "jsonl":
            _print(dump_lines(map(subscriber_row, people)))
            return
        rows = [(each.email, each.name, each.status, _cut(_interests(each.profile), 60)) for each in people]
    _table(("address", "name", "status", "interests"), rows)
    click.echo(f"{len(rows)} subscribers")


@subscribers.command("show")
@config_option
@click.argument("address")
def show_subscriber(address: str) -> None:
    """Everything known of ADDRESS, as JSON."""
    from newsletter.formats import bounce_row, subscriber_row

    with _engine() as engine:
        [(person, votes)] = engine.store.votes.beside([engine.store.subscribers.find(address)])
        back = [bounce_row(each) for each in engine.store.bounces.of(person.id)]
        row = subscriber_row(person, votes) | ({"bounces": back} if back else {})
    click.echo(json.dumps(row, ensure_ascii=False, indent=2))


@subscribers.command("import")
@config_option
@click.argument("file", type=click.Path(path_type=Path))
def import_subscribers(file: Path) -> None:
    """Add or change subscribers from FILE: JSON Lines, or CSV with a header line.

    A bad line is named by number and skipped (exit code 3). What a row leaves out stays as it is. Nobody who
    unsubscribed, bounced or complained is brought back. Of interests a CSV holds the names only; votes on single
    papers are not taken from a file.
    """
    from newsletter.formats import parse_subscriber, read_table

    rows = list(read_table(_read(file), csv=file.suffix.lower() == ".csv"))
    people: list[Subscriber] = []
    problems: list[str] = []
    totals = (0, 0, 0)
    with _engine() as engine, _progress(rows, "importing") as shown:
        for number, row in shown:
            try:
                if isinstance(row, str):
                    raise InputError(row)
                people.append(parse_subscriber(row))
            except InputError as error:
                problems.append(f"{file}, line {number}: {error}")
        for start in range(0, len(people), 1000):
            done = engine.store.subscribers.put_all(people[start : start + 1000], "import", engine.now())
            totals = (totals[0] + done[0], totals[1] + done[1], totals[2] + done[2])
    _warn(problems)
    click.echo("added {}, changed {}, kept out {} (they left), ".format(*totals) + f"bad lines {len(problems)}")
    if problems:
        sys.exit(PARTLY_FAILED)


@subscribers.command("export")
@config_option
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False), required=False)
@click.option("--csv", "as_csv", is_flag=True, help="CSV instead of JSON Lines.")
def export_subscribers(file: Path | None, as_csv: bool) -> None:
    """Write all subscribers to FILE or standard output, as `import` reads them; JSON Lines hold their votes too."""
    from newsletter.formats import csv_lines, dump_lines, subscriber_row

    if file and file.suffix.lower() == ".csv":
        as_csv = True
    with _engine() as engine:
        rows = starmap(subscriber_row, engine.store.votes.beside(engine.store.subscribers.listed()))
        lines = csv_lines(rows) if as_csv else dump_lines(rows)
        if file is None:
            _print(lines)
            return
        try:
            with file.open("w", encoding="utf-8") as out:
                out.writelines(f"{line}\n" for line in lines)
        except OSError as error:
            raise InputError(f"{file}: {error.strerror}") from error


def _status_command(name: str, status: Status, text: str) -> None:
    @subscribers.command(name, help=text)
    @config_option
    @click.argument("address")
    def change(address: str) -> None:
        with _engine() as engine:
            number = engine.store.subscribers.find(address).id
            if status is Status.UNSUBSCRIBED:
                person = engine.subscriptions.set_status(number, status)
            else:
                person = engine.subscriptions.pause(number, paused=status is Status.PAUSED)
        click.echo(f"{person.email} is {person.status}")


_status_command("pause", Status.PAUSED, "ADDRESS gets no mail until `resume`.")
_status_command("resume", Status.ACTIVE, "ADDRESS gets mail again.")
_status_command("unsubscribe", Status.UNSUBSCRIBED, "ADDRESS gets no mail; effective before its next one.")


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
    with _engine() as engine:
        new, harvest = asyncio.run(engine.collection.like(address, library, key))
    _warn(f"{library}: {line}" for line in (*harvest.problems, *harvest.notes))
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
    with _engine() as engine:
        number = engine.store.subscribers.find(address).id
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
    with _engine() as engine:
        engine.store.subscribers.erase(engine.store.subscribers.find(address).id)
    click.echo("erased")


# issues


@main.command()
@config_option
@click.option("--cadence", type=click.Choice([each.value for each in Cadence]), help="[default: the newsletter's]")
@click.option("--key", default="", help="The issue's key [default: of the week, day or month of --until].")
@click.option("--until", type=click.DateTime(), help="The end of the pool (UTC) [default: now].")
def plan(cadence: str | None, key: str, until: datetime | None) -> None:
    """Freeze an issue: its pool of entries, its template, its audience. Planning twice adds nobody twice."""
    with _engine() as engine:
        end = until.replace(tzinfo=UTC) if until else None
        issue, tally, new = engine.planning.plan(Cadence(cadence) if cadence else None, key, end)
        trouble = engine.vectors.trouble()
    note = "" if new else " (it was planned already; nothing was changed)"
    click.echo(f"{issue.key}: {tally}{note}")
    _warn_of_words_alone(trouble)


@main.command()
@config_option
@click.option("--pause", metavar="ISSUE", help="The schedule does not send it, and who is sending it stops.")
@click.option("--resume", metavar="ISSUE", help="The schedule sends it again, to paused domains too.")
@table_or("jsonl")
def issues(pause: str | None, resume: str | None, form: str) -> None:
    """List the issues, newest first; or pause one, or let a paused one go on.

    An issue is paused by itself where servers refuse the sender or what it sends, or when too many readers complain.
    """
    if pause and resume:
        raise click.UsageError("--pause and --resume exclude each other")
    with _engine() as engine:
        if pause:
            engine.accounting.pause_issue(pause, "by hand")
        if resume and not engine.accounting.resume_issue(resume):
            click.echo(f"{resume} was not paused", err=True)
        listed = engine.store.issues.listed()
        tallies = [engine.store.ledger.tally(issue.key) for issue in listed]
    if form == "jsonl":
        _print(json.dumps(_tally_row(tally)) for tally in tallies)
        return
    rows = [
        (issue.key, "paused" if tally.paused else issue.state, f"{issue.until:%Y-%m-%d %H:%M}", tally)
        for issue, tally in zip(listed, tallies, strict=True)
    ]
    _table(("issue", "state", "until (UTC)", "accounting"), rows)


@main.command()
@config_option
@click.argument("issue", required=False)
@click.option("--subscriber", "address", help="As this subscriber.")
@click.option(
    "--profile", "profile_file", type=click.Path(path_type=Path), help="As a reader with this profile (JSON)."
)
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write one file: .html, .txt or .eml.")
@click.option("--port", type=click.IntRange(0, 65535), default=8025, show_default=True, help="Of the preview site.")
def preview(issue: str | None, address: str | None, profile_file: Path | None, out: Path | None, port: int) -> None:
    """Look at an issue (planned, or as it would be planned now) as any reader: a local site, or one file.

    The preview takes the same path as the mail, so what you see is what is sent. It changes nothing, and sends nothing
    but the test mail that you ask for.
    """
    from newsletter.web.preview.app import make_preview, render_preview

    with _engine() as engine:
        if out or address or profile_file:
            profile = _read_profile(profile_file) if profile_file else None
            mail = render_preview(engine, issue, address, profile)
            _write_preview(mail.body, out)
            return
        app = make_preview(engine, issue)
        _serve(app, "Preview", "127.0.0.1", port)


def _read_profile(path: Path) -> Profile:
    from newsletter.formats import parse_profile

    try:
        row = json.loads(_read(path))
    except ValueError as error:
        raise InputError(f"{path}: not JSON ({error})") from error
    if not isinstance(row, dict):
        raise InputError(f"{path}: not a JSON object")
    return parse_profile(row)


def _write_preview(body: bytes, out: Path | None) -> None:
    """By the file's ending: the HTML part, the text part, or the mail itself; the text part without a file."""
    from email import message_from_bytes, policy

    kind = {".html": "html", ".htm": "html", ".eml": ""}.get(out.suffix.lower(), "plain") if out else "plain"
    part = message_from_bytes(body, policy=policy.default).get_body((kind,)) if kind else None
    data = part.get_content().encode() if part else body
    if out is None:
        click.echo(data.decode())
        return
    _write(out, data)
    click.echo(f"{out}: written")


@main.command()
@config_option
@click.argument("issue")
@click.option(
    "--dry-run", type=click.Path(path_type=Path, file_okay=False), help="Write .eml files here; send nothing."
)
@click.option("--test-to", metavar="ADDRESS", help="Send one mail to ADDRESS, outside the ledger.")
@click.option("--connections", type=click.IntRange(1, 100), help="[default: [smtp] connections]")
def send(issue: str, dry_run: Path | None, test_to: str | None, connections: int | None) -> None:
    """Send what is due of ISSUE; safe to run again, safe to kill. A paused issue goes on.

    \b
    Exit code 0: all that was due is accepted.
              3: some were deferred, refused or uncertain in this run, or it was stopped or paused.
    """
    with _engine() as engine:
        if dry_run:
            count = _dry_run(engine, issue, dry_run)
            _warn_of_words_alone(engine.vectors.trouble())
            click.echo(f"{count} mails in {dry_run}; nothing was sent")
            return
        if test_to:
            from newsletter.formats import parse_address

            words = asyncio.run(engine.sending.send_test(issue, parse_address(test_to)))
            click.echo(f"a test mail went to {test_to}: {words}")
            return
        sent = asyncio.run(_send(engine, issue, connections or 0))
        _warn_of_words_alone(engine.vectors.trouble())
    click.echo(str(sent.tally))
    _exit_after(sent)


def _dry_run(engine: Engine, issue: str, folder: Path) -> int:
    total = len(engine.store.ledger.waiting(engine.store.issues.get(issue).key))
    with _progress(length=total, label="writing") as bar:
        return asyncio.run(engine.sending.dry_run(issue, folder, lambda: bar.update(1)))


async def _send(engine: Engine, issue: str, connections: int) -> Sent:
    from newsletter.cli.server import stop_on_signals

    stop = stop_on_signals()
    if reason := await asyncio.to_thread(engine.accounting.resume_issue, issue):
        _warn([f"{issue} was paused: {reason}. It goes on now."])
    waiting = (await asyncio.to_thread(engine.store.ledger.tally, issue)).waiting
    began, done = time.monotonic(), count(1)
    with _progress(length=waiting, label="sending", item_show_func=lambda rate: rate) as bar:

        def settled(_: Delivery) -> None:
            bar.update(1, f"{next(done) / max(time.monotonic() - began, 0.1):.1f} mails/s")

        return await engine.sending.send(issue, None, connections, stop, settled)


def _exit_after(sent: Sent) -> None:
    """The exit code is about this run: what was refused in an earlier one was told then."""
    if sent.trouble:
        click.echo(f"Error: {sent.trouble}; run `newsletter send {sent.tally.issue}` again", err=True)
    for outcome in (Outcome.DEFERRED, Outcome.REFUSED, Outcome.UNCERTAIN):
        if sent.outcomes[outcome]:
            click.echo(f"{outcome} in this run: {sent.outcomes[outcome]}", err=True)
    if sent.trouble or sent.stopped or set(sent.outcomes) - {Outcome.ACCEPTED}:
        sys.exit(PARTLY_FAILED)


@main.command()
@config_option
@click.argument("issue", required=False)
@click.option("--watch", is_flag=True, help="Look again every few seconds, until nothing waits.")
@table_or("json")
def status(issue: str | None, watch: bool, form: str) -> None:
    """The accounting of ISSUE; without one, the sources, the latest issues, and what stands in the way of mail.

    While an issue is being sent, by this or other processes: how fast in the last minute, the time that is left, and
    the recipient domains that hold mails up, with the most frequent reason.
    """
    if watch and not issue:
        raise click.UsageError("--watch needs an ISSUE")
    with _engine() as engine:
        if not issue:
            _overview(engine, form)
            return
        began = time.monotonic()
        while _issue_status(engine, issue, form, watch) and watch:
            time.sleep(max(WATCH, 4 * (time.monotonic() - began)))
            began = time.monotonic()


def _issue_status(engine: Engine, issue: str, form: str, watch: bool) -> int:
    """Returns how many wait."""
    progress = engine.accounting.progress(issue)
    tally = progress.tally
    if watch and form == "table":
        click.clear()  # on a terminal only
    if form == "json":
        click.echo(json.dumps(_progress_row(progress)))
        return tally.waiting
    click.echo(f"{tally.issue} ({'paused' if tally.paused else tally.state}): {tally}")
    if tally.paused:
        click.echo(f"Paused: {tally.paused}. `newsletter send {tally.issue}` goes on.")
    if tally.waiting:
        _domain_table(progress)
    deferred = sum(each.deferred for each in progress.domains)
    listed = {Outcome.DEFERRED: deferred, Outcome.REFUSED: tally.refused, Outcome.UNCERTAIN: tally.uncertain}
    for outcome, many in listed.items():
        rows = engine.store.ledger.having(issue, outcome, LISTED) if many else []
        for delivery, address in rows:
            click.echo(f"  {outcome}: {address} {delivery.message_id} {delivery.detail}")
        if many > len(rows):
            click.echo(f"  {outcome}: and {many - len(rows)} more")
    return tally.waiting


def _domain_table(progress: Progress, most: int = 10) -> None:
    """The domains with the most waiting."""
    left = "" if progress.left is None else f", about {_span(progress.left)} left"
    click.echo(f"{progress.rate:.1f} mails/s in the last minute{left}")
    rows = [
        (
            each.domain or "(erased)",
            each.waiting,
            each.accepted,
            each.deferred,
            f"{each.rate:.1f}/s",
            f"paused until {_moment(each.paused)}: {_cut(each.reason, 60)}" if each.paused else _cut(each.reason, 60),
        )
        for each in progress.domains[:most]
    ]
    _table(("domain", "waiting", "accepted", "deferred", "rate", ""), rows)
    if rest := len(progress.domains) - most:
        click.echo(f"and {rest} more domains") if rest > 0 else None


def _span(seconds: float) -> str:
    """ "50 s", "12 min", "3 h"."""
    for size, name in ((3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {name}"
    return f"{seconds:.0f} s"


def _progress_row(progress: Progress) -> dict[str, Any]:
    from dataclasses import asdict

    domains = [
        {**asdict(each), "paused": each.paused.isoformat() if each.paused else None} for each in progress.domains
    ]
    return {**_tally_row(progress.tally), "rate": progress.rate, "left": progress.left, "domains": domains}


def _overview(engine: Engine, form: str) -> None:
    from newsletter.services.overview import findings, notes

    overview = engine.status.overview()
    if form == "json":
        click.echo(json.dumps(_overview_row(overview)))
        return
    if overview.health:
        rows = [(each.source, each.state, *_numbers(each), _cut(each.detail, 60)) for each in overview.health]
        _table(("source", "state", "since (UTC)", "checked (UTC)", "found", "new", ""), rows)
    active = overview.readers.get(Status.ACTIVE, 0)
    click.echo(f"Next issue: {overview.due:%A %Y-%m-%d %H:%M} UTC, {overview.news} new papers, {active} active readers")
    for tally in overview.issues:
        click.echo(f"{tally.issue} ({tally.state}): {tally}")
    found = findings(overview)
    click.echo("What stands in the way of mail:" if found else "Nothing stands in the way of mail.")
    for line in found:
        click.echo(f"  - {line}")
    for line in notes(overview):
        click.echo(f"Note: {line}")


def _numbers(each: Health) -> tuple[object, ...]:
    return _moment(each.since), _moment(each.checked), each.found, each.added


def _overview_row(overview: Overview) -> dict[str, Any]:
    from newsletter.services.overview import findings, notes

    return {
        "sources": [_health_row(each) for each in overview.health],
        "issues": [_tally_row(tally) for tally in overview.issues],
        "next": {"due": overview.due.isoformat(), "since": overview.since.isoformat(), "news": overview.news},
        "readers": {status.value: count for status, count in overview.readers.items()},
        "findings": list(findings(overview)),
        "notes": list(notes(overview)),
    }


def _health_row(each: Health) -> dict[str, Any]:
    error = each.detail if each.state is SourceState.FAILING else ""
    return {
        "source": each.source,
        "state": each.state.value,
        "since": _moment(each.since),
        "checked": _moment(each.checked),
        "succeeded": _moment(each.succeeded),
        "found": each.found,
        "new": each.added,
        "detail": each.detail,
        "error": error,
    }


def _tally_row(tally: Any) -> dict[str, Any]:
    from dataclasses import asdict

    return asdict(tally)


@main.command()
@config_option
@click.argument("issue")
@click.option("--resend", is_flag=True, help="Send them again: the same bytes, the same Message-ID.")
@click.option("--hold", is_flag=True, help="Leave them as they are; only list them (the default).")
@click.option("--log", "log_file", type=click.Path(path_type=Path), help="A Postfix log: what it queued was accepted.")
@click.option(
    "--message-ids", "ids_file", type=click.Path(path_type=Path), help="Message-IDs that were accepted, one a line."
)
def resolve(issue: str, resend: bool, hold: bool, log_file: Path | None, ids_file: Path | None) -> None:
    """Settle the uncertain deliveries of ISSUE: the connection broke after the last dot.

    With --resend beside --log or --message-ids, those that are found there are accepted and the others are sent again:
    wait until the relay has logged the end of the broken connections, and give it all of the log since the send began.
    """
    from newsletter.sender.postfix_log import queued_message_ids

    if hold and resend:
        raise click.UsageError("--hold and --resend exclude each other")
    with _engine() as engine:
        key = engine.store.issues.get(issue).key
        for delivery, address in engine.store.ledger.having(key, Outcome.UNCERTAIN):
            click.echo(f"  {address} {delivery.message_id} {delivery.detail}")
        accepted = queued_message_ids(_lines(log_file)) if log_file else set[str]()
        accepted |= {f"<{line.strip().strip('<>')}>" for line in _lines(ids_file)} if ids_file else set()
        verdict = Outcome.PLANNED if resend else Outcome.UNCERTAIN
        changed = engine.accounting.resolve(key, verdict, accepted)
        tally = engine.store.ledger.tally(key)
    click.echo(f"{changed} settled; {tally}")
    if resend and tally.waiting:
        click.echo(f"Now `newsletter send {issue}` sends them again.")


@main.command()
@config_option
@click.argument("files", nargs=-1, type=click.Path(path_type=Path), metavar="[FILE|-]...")
@click.option("--dry-run", is_flag=True, help="Only print what would be done.")
@table_or("jsonl")
def bounces(files: tuple[Path, ...], dry_run: bool, form: str) -> None:
    """Read reports on mails that did not arrive or were not wanted, and obey those that are ours.

    From FILEs (a mail each; folders and Maildirs too, which stay as they are; - is standard input), or without any from
    the Maildir and the IMAP folder of [bounces], where what was read is marked as seen.

    \b
    bounced, complained  the person gets no more mail      none     a delay, a policy, a full mailbox: nobody's fault
    counted: 2 of 3      so many soft ones are as good     ignored  holds no token of ours, or names somebody else
                         as a hard one

    \b
    JSON Lines, one a recipient: {"file","recipient","kind":"bounce|complaint|auto-reply|none","reason","hard","action"}
    """
    from newsletter.formats import dump_lines
    from newsletter.services.bounce_reports import rows

    with _engine() as engine:
        heeded = _heeded(engine, files, keep=not dry_run)
    if form == "jsonl":
        _print(dump_lines(rows(heeded)))
        return
    head = ("file", "recipient", "kind", "reason", "hard", "action")
    cells = [
        {**row, "hard": "yes" if row["hard"] else "", "recipient": row["recipient"] or "-"} for row in rows(heeded)
    ]
    _table(head, [[row[name] for name in head] for row in cells])
    click.echo(_heeded_summary(heeded))


def _heeded(engine: Engine, files: Sequence[Path], keep: bool) -> list[Heeded]:
    from newsletter.bounces.mailboxes import Files

    if files:
        given = Files(files, sys.stdin.buffer)
        with _progress(length=len(given), label="reading") as bar:
            return engine.bounces.read([given], keep, lambda: bar.update(1))
    with engine.bounces.mailboxes() as mailboxes:
        if not mailboxes:
            raise click.UsageError("name files, or set maildir or imap_host in [bounces]")
        return engine.bounces.read(mailboxes, keep)


def _heeded_summary(heeded: Sequence[Heeded]) -> str:
    kinds = Counter(each.kind.value for each in heeded)
    changed = sum(each.ended for each in heeded)
    told = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items())) or "nothing to read"
    return f"{told}; {changed} subscribers get no more mail"


@main.command()
@config_option
@click.option("--since", type=click.DateTime(), help="Only issues whose pool ends on or after this day (UTC).")
@click.option("--issues", "most", type=click.IntRange(1, 1000), default=26, show_default=True, help="The latest N.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write a page of charts: quality.html.")
@table_or("json")
def evaluate(since: datetime | None, most: int, out: Path | None, form: str) -> None:
    """How good past issues were, from what was mailed and what readers said of it.

    The pools of past issues are chosen anew by today's selector, with and without the votes from before; that shows
    what feedback brings. Readers vote only on what they were shown, so compare such figures roughly and over many
    issues. A dash means that there is nothing to take a figure from.
    """
    from newsletter.selector.evaluation import findings

    start = since.replace(tzinfo=UTC) if since else None
    with _engine() as engine:
        with _progress(length=len(engine.evaluation.past(start, most)), label="evaluating") as bar:
            report = engine.evaluation.evaluate(start, most, lambda _: bar.update(1))
        if out:
            from newsletter.web.charts import render_report

            _write(out, render_report(engine.settings, report))
    if form == "json":
        click.echo(json.dumps(_report_row(report), ensure_ascii=False))
    else:
        _report_table(report)
        _print(findings(report))
    if out:
        click.echo(f"{out}: written", err=form == "json")


def _report_table(report: EvaluationReport) -> None:
    """The figures of all issues together, and of the latest ones."""
    from newsletter.selector.evaluation import LABELS, told

    if not report.issues:
        return
    latest = report.issues[-4:]
    head = (
        "",
        f"{len(report.issues)} issues" if len(report.issues) > 1 else "1 issue",
        *(each.issue for each in latest),
    )
    figures = (report.overall, *(each.figures for each in latest))
    rows = [(label, *(told(name, getattr(each, name)) for each in figures)) for name, label in LABELS.items()]
    repeats = ("repeats", report.repeats, *(each.repeats for each in latest))
    _table(head, [*rows, repeats, ("mails", report.editions, *(each.editions for each in latest))])
    voters = "—" if report.voters is None else f"{100 * report.voters:.0f} %"
    click.echo(f"{report.readers} readers, {voters} of them ever voted")


def _report_row(report: EvaluationReport) -> dict[str, Any]:
    from dataclasses import asdict

    issues = [{**asdict(each), "until": each.until.isoformat()} for each in report.issues]
    return {**asdict(report), "issues": issues}


@main.command()
@config_option
@click.argument("subscriber")
@click.argument("entry")
@click.option("--issue", default="", help="Its key [default: the latest with ENTRY in its pool, else the next].")
@table_or("json")
def explain(subscriber: str, entry: str, issue: str, form: str) -> None:
    """Why ENTRY was taken or left for SUBSCRIBER, number by number.

    ENTRY is an id in any form: 2401.00001, https://doi.org/10.1000/x. The issue is chosen anew, for this reader, by
    their profile and votes of today; what was in a mail that is out already is said beside it. The amounts of the parts
    add up to the score.

    \b
    JSON:  issue, planned, subscriber, entry, title, pooled (in the issue's pool), pool (its size), taken, why
           place (0: left), way (fair, outside, popular), interest, size, picks, popular (rank by trend), score
           parts      kind (liked, voted, word, disliked, less, passed, author, trend), of, entry, amount,
                      likeness, share, own, words, beside
           standings  one for each interest, best first: interest, loose, weight, fair (share), places, fit, best,
                      least (to match), matched, rank, matches, relevance, author, score, parts
           hidden     kind (seen, liked, disliked, voted, muted), by
           twin       null, or a near-duplicate in the way: entry, title, place
           votes      that still count: entry, title, verb, days (ago), weight
           mailed     null, or of the edition that was made: place (0: not in it)
    """
    with _engine() as engine:
        found = engine.explaining.explain(subscriber, entry, issue)
    if form == "json":
        click.echo(json.dumps(_explained_row(found), ensure_ascii=False))
    else:
        _explained_table(found)


def _explained_row(found: Explained) -> dict[str, Any]:
    from dataclasses import asdict

    issue = {"issue": found.issue.key, "planned": found.planned, "subscriber": found.subscriber.email}
    votes = [{**asdict(each), "verb": each.verb.value} for each in found.heard]
    mailed = {"place": found.kept_place} if found.kept else None
    taken = {"taken": found.explanation.place > 0}
    return {**issue, **taken, **asdict(found.explanation), "votes": votes, "mailed": mailed}


def _explained_table(found: Explained) -> None:
    told = found.explanation
    draft = "" if found.planned else ", as it would be planned now"
    click.echo(f"{told.title} ({told.entry})\n{found.issue.key}{draft}, for {found.subscriber.email}")
    click.echo(f"{'Taken' if told.place else 'Left'}. {told.why}")
    if not told.pooled:
        since, until = found.issue.since, found.issue.until
        click.echo(f"The pool is what was new from {_moment(since)} to {_moment(until)} (UTC).")
    if found.kept:
        where = f"has it at place {found.kept_place}" if found.kept_place else "does not have it"
        click.echo(f"The edition that was made for the mail {where}.")
        click.echo("These are the numbers of today; profile, votes and trend may have been others then.")
    if told.parts:
        click.echo()
        _parts_table(told.parts)
        counts = told.place or any(each.rank for each in told.standings)
        click.echo(f"{told.score:+.3f}  score{'' if counts else ' that it would have'}")
    if told.standings:
        click.echo()
        head = ("interest", "fair share", "places", "rank", "of", "fit", "to match", "best", "score")
        _table(head, [_standing_row(each) for each in told.standings])
    if found.heard:
        click.echo()
        _print(map(_heard_line, found.heard))


def _parts_table(parts: Sequence[Part], most: int = 12) -> None:
    """The largest, and the sum of the others."""
    rows = [_part_row(each) for each in parts[:most]]
    rest = sum(each.amount for each in parts[most:])
    more = [(f"{rest:+.3f}", f"{len(parts) - most} more", "", "")] if parts[most:] else []
    _table(("amount", "of", "", "shared"), [*rows, *more])


def _part_row(part: Part) -> tuple[object, ...]:
    kinds = {"voted": "wanted", "less": "less like"}
    return f"{part.amount:+.3f}", kinds.get(part.kind, part.kind), _cut(part.of, 60), ", ".join(part.words) or "-"


def _standing_row(each: Standing) -> tuple[object, ...]:
    name = _cut(each.interest or "-", 40)
    rank = each.rank or ("-" if each.matched else "no match")
    numbers = (f"{number:.3f}" for number in (each.fit, each.least, each.best, each.score))
    return name, f"{100 * each.fair:.0f} %", each.places, rank, each.matches, *numbers


def _heard_line(each: Heard) -> str:
    words = {
        Verb.MORE: "You asked for more like",
        Verb.SAVE: "You saved",
        Verb.LESS: "You asked for less like",
        Verb.PASSED: "You passed over",
    }
    return f"{words[each.verb]} {_cut(each.title or each.entry, 60)!r}, {each.days} days ago: weight {each.weight:.2f}"


@main.command()
@config_option
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False), required=False)
@click.option("--json", "as_json", is_flag=True, help="Print a list of {file, line, severity, text}.")
def lint(folder: Path | None, as_json: bool) -> None:
    """Check the mail's templates: what would fail, what would look wrong somewhere, colours that cannot be read.

    Takes the templates of the configuration, or your own of FOLDER over the built-in ones, with the configuration's
    [theme]. Prints all findings, one a line; the exit code is 1 when there is an error among them.
    """
    from dataclasses import asdict

    from newsletter.renderer import find_all, load_kind, own_folder

    settings = _settings()
    own = _templates_folder(folder) if folder else own_folder(settings)
    weekly, confirm, messages = (load_kind(kind, own) for kind in ("weekly", "confirm", "messages"))
    found = find_all(weekly, confirm, settings.masthead, messages, settings.theme)
    if as_json:
        click.echo(json.dumps([asdict(each) for each in found], ensure_ascii=False))
    else:
        _print(map(str, found))
    if errors := sum(1 for each in found if each.severity == "error"):
        raise InputError(f"{errors} of {len(found)} findings {'is an error' if errors == 1 else 'are errors'}")


def _templates_folder(folder: Path) -> Path:
    if any((folder / kind).is_dir() for kind in ("weekly", "confirm", "messages", "web")):
        return folder
    raise InputError(f"{folder}: there is no folder weekly, confirm or messages in it")


@main.command()
@config_option
@click.option("--offline", is_flag=True, help="Only what needs no network.")
@click.option("--to", metavar="ADDRESS", default="", help="Also whether mail to ADDRESS has somewhere to go.")
@table_or("jsonl")
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
    from newsletter.config import secret_files
    from newsletter.doctor import count, examine
    from newsletter.formats import parse_address
    from newsletter.services.doctor import setup_of, tools

    settings, address = _settings(), parse_address(to) if to else ""
    path = click.get_current_context().ensure_object(dict).get("config")
    seams = tools()
    with _progress(length=count(offline, address), label="looking") as bar:
        setup = setup_of(settings, secret_files(path, os.environ), seams.now())
        found = asyncio.run(examine(setup, seams, offline=offline, to=address, on_done=lambda: bar.update(1)))
    if form == "jsonl":
        _print(json.dumps(_finding_row(each), ensure_ascii=False) for each in found)
    else:
        _findings_table(found)
    if any(each.level == "error" for each in found):
        sys.exit(FAILED)


def _finding_row(each: Diagnosis) -> dict[str, str]:
    return {name: getattr(each, name) for name in ("group", "name", "level", "found", "todo", "record")}


def _findings_table(found: Sequence[Diagnosis]) -> None:
    """A group under its name; below a line what to do, and the record to publish."""
    colours = {"ok": "green", "warning": "yellow", "error": "red", "skipped": "bright_black"}
    width = max(len(each.name) for each in found)
    group = ""
    for each in found:
        if each.group != group:
            click.echo(f"\n{each.group}" if group else each.group)
            group = each.group
        level = click.style(f"{each.level:<7}", fg=colours[each.level])
        click.echo(f"  {level}  {each.name:<{width}}  {each.found}".rstrip())
        _print(f"{'':11}{line}" for line in (each.todo, each.record) if line)
    click.echo("\n" + ", ".join(filter(None, (_counted(found, level) for level in colours))))


def _counted(found: Sequence[Diagnosis], level: str) -> str:
    number = sum(1 for each in found if each.level == level)
    plural = "s" if number > 1 and level in ("warning", "error") else ""
    return f"{number} {level}{plural}" if number else ""


# in the long run


@main.command()
@config_option
def run() -> None:
    """All in one process: collect, plan and send on schedule, and serve the subscribers' pages."""
    with _engine() as engine:
        asyncio.run(_run(engine))


async def _run(engine: Engine) -> None:
    from newsletter.cli.server import address_of, keep_schedule, listen, serve, stop_on_signals
    from newsletter.web.public.app import make_app

    stop, web = stop_on_signals(), engine.settings.web
    engine.store.installed(engine.now())
    listening = listen(web.host, web.port)
    click.echo(f"Pages at {address_of(listening)}; next issue at {engine.scheduling.next_event():%Y-%m-%d %H:%M} UTC")
    pages = serve(make_app(engine), listening, stop, web.trusted_proxies)
    await asyncio.gather(keep_schedule(engine, stop), pages)


@main.command()
@config_option
@click.option("--host", help="[default: [web] host]")
@click.option("--port", type=click.IntRange(0, 65535), help="[default: [web] port]")
def web(host: str | None, port: int | None) -> None:
    """Serve the subscribers' pages only (put a TLS proxy in front)."""
    from newsletter.web.public.app import make_app

    with _engine() as engine:
        section = engine.settings.web
        port = section.port if port is None else port
        _serve(make_app(engine), "Pages", host or section.host, port, section.trusted_proxies)


def _serve(app: Any, what: str, host: str, port: int, proxies: tuple[str, ...] = ()) -> None:
    from newsletter.cli.server import address_of, listen, serve, stop_on_signals

    async def until_stopped() -> None:
        await serve(app, listening, stop_on_signals(), proxies)

    listening = listen(host, port)
    click.echo(f"{what} at {address_of(listening)} (Ctrl-C ends it)")
    asyncio.run(until_stopped())


# printing


def _read(path: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error


def _lines(path: Path) -> list[str]:
    return _read(path).decode("utf-8", "replace").splitlines()


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error


def _print(lines: Iterable[str]) -> None:
    for line in lines:
        click.echo(line)


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    cells = [[str(cell) for cell in row] for row in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)]
    for row in cells:
        click.echo("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def _progress(items: Iterable[Any] | None = None, label: str = "", length: int | None = None, **more: Any) -> Any:
    """A bar on a terminal, nothing elsewhere; on standard error, so that output can be piped."""
    hidden = not sys.stderr.isatty()
    return click.progressbar(items, length=length, label=label, file=sys.stderr, hidden=hidden, **more)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _interests(profile: Profile) -> str:
    return "; ".join(interest.name for interest in profile.interests)


def _moment(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else ""
