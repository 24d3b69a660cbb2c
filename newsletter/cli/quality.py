"""Commands about how well papers are chosen: evaluate, explain."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsletter.cli.base import config_option, in_utc, open_engine
from newsletter.cli.files import write_bytes
from newsletter.cli.output import format_option, minute, print_lines, print_table, progress_bar, shortened
from newsletter.types import Verb

if TYPE_CHECKING:
    from newsletter.selector.evaluation import EvaluationReport
    from newsletter.selector.explain import Part, Standing
    from newsletter.services.explaining import Explained, Heard

LATEST = 4  #: issues with a column of their own
LISTED_PARTS = 12  #: of a score, the largest; the rest are summed up


@click.command()
@config_option
@click.option("--since", type=click.DateTime(), help="Only issues whose pool ends on or after this day (UTC).")
@click.option("--issues", "most", type=click.IntRange(1, 1000), default=26, show_default=True, help="The latest N.")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="Write a page of charts: quality.html.")
@format_option("json")
def evaluate(since: datetime | None, most: int, out: Path | None, form: str) -> None:
    """How good past issues were, from what was mailed and what readers said of it.

    The pools of past issues are chosen anew by today's selector, with and without the votes from before; that shows
    what feedback brings. Readers vote only on what they were shown, so compare such figures roughly and over many
    issues. A dash means that there is nothing to take a figure from.
    """
    start = in_utc(since)
    with open_engine() as engine:
        with progress_bar(length=len(engine.evaluation.past(start, most)), label="evaluating") as bar:
            report = engine.evaluation.evaluate(start, most, lambda _: bar.update(1))
        if out:
            from newsletter.web.charts import render_report

            write_bytes(out, render_report(engine.settings, report))
    _print_report(report, form)
    if out:
        click.echo(f"{out}: written", err=form == "json")


def _print_report(report: EvaluationReport, form: str) -> None:
    from newsletter.selector.evaluation import findings
    from newsletter.serializers.evaluation import quality_report_row

    if form == "json":
        click.echo(json.dumps(quality_report_row(report), ensure_ascii=False))
        return
    print_lines(findings(report))
    if report.issues:
        _print_figures(report)


def _print_figures(report: EvaluationReport) -> None:
    """The figures of all issues together, and of the latest ones."""
    from newsletter.selector.evaluation import LABELS, told

    number, latest = len(report.issues), report.issues[-LATEST:]
    head = ("", f"{number} issues" if number > 1 else "1 issue", *(issue.issue for issue in latest))
    columns = (report.overall, *(issue.figures for issue in latest))
    rows = [(label, *(told(name, getattr(figures, name)) for figures in columns)) for name, label in LABELS.items()]
    repeats = ("repeats", report.repeats, *(issue.repeats for issue in latest))
    print_table(head, [*rows, repeats, ("mails", report.editions, *(issue.editions for issue in latest))])
    voters = "—" if report.voters is None else f"{100 * report.voters:.0f} %"
    click.echo(f"{report.readers} readers, {voters} of them ever voted")


@click.command()
@config_option
@click.argument("subscriber")
@click.argument("entry")
@click.option("--issue", default="", help="Its key [default: the latest with ENTRY in its pool, else the next].")
@format_option("json")
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
           standings  one for each interest, best first: interest, loose, weight, fair (share), places, fit (in
                      deviations above what is usual for older papers), strength (strong, good, faint), best, least
                      (the floor), matched, rank, matches, author, score, parts
           hidden     kind (seen, liked, disliked, voted, muted), by
           twin       null, or a near-duplicate in the way: entry, title, place
           votes      that still count: entry, title, verb, days (ago), weight
           mailed     null, or of the edition that was made: place (0: not in it)
    """
    from newsletter.serializers.explanations import explanation_row

    with open_engine() as engine:
        found = engine.explaining.explain(subscriber, entry, issue)
    if form == "json":
        click.echo(json.dumps(explanation_row(found), ensure_ascii=False))
        return
    _print_verdict(found)
    _print_scores(found)
    if found.heard:
        click.echo()
        print_lines(map(_vote_line, found.heard))


def _print_verdict(found: Explained) -> None:
    """Which paper for whom, taken or left and why, and what the mail had."""
    explanation = found.explanation
    draft = "" if found.planned else ", as it would be planned now"
    click.echo(f"{explanation.title} ({explanation.entry})\n{found.issue.key}{draft}, for {found.subscriber.email}")
    click.echo(f"{'Taken' if explanation.place else 'Left'}. {explanation.why}")
    if not explanation.pooled:
        since, until = found.issue.since, found.issue.until
        click.echo(f"The pool is what was new from {minute(since)} to {minute(until)} (UTC).")
    if found.kept:
        where = f"has it at place {found.kept_place}" if found.kept_place else "does not have it"
        click.echo(f"The edition that was made for the mail {where}.")
        click.echo("These are the numbers of today; profile, votes and trend may have been others then.")


def _print_scores(found: Explained) -> None:
    """What the score is made of, and how the paper stands with each interest."""
    explanation = found.explanation
    if explanation.parts:
        click.echo()
        _print_parts(explanation.parts)
        counts = explanation.place or any(standing.rank for standing in explanation.standings)
        click.echo(f"{explanation.score:+.2f}  score{'' if counts else ' that it would have'}")
    if explanation.standings:
        click.echo()
        head = ("interest", "fair share", "places", "rank", "of", "fit", "", "floor", "best", "score")
        print_table(head, [_standing_cells(standing) for standing in explanation.standings])


def _print_parts(parts: Sequence[Part]) -> None:
    """The largest, and the sum of the others."""
    rows, rest = [_part_cells(part) for part in parts[:LISTED_PARTS]], parts[LISTED_PARTS:]
    more = [(f"{sum(part.amount for part in rest):+.2f}", f"{len(rest)} more", "", "")] if rest else []
    print_table(("amount", "of", "", "shared"), [*rows, *more])


def _part_cells(part: Part) -> tuple[object, ...]:
    kinds = {"voted": "wanted", "less": "less like"}
    return f"{part.amount:+.2f}", kinds.get(part.kind, part.kind), shortened(part.of, 60), ", ".join(part.words) or "-"


def _standing_cells(standing: Standing) -> tuple[object, ...]:
    name = shortened(standing.interest or "-", 40)
    rank = standing.rank or ("-" if standing.matched else "no match")
    least, best, score = (f"{number:.1f}" for number in (standing.least, standing.best, standing.score))
    share = f"{100 * standing.fair:.0f} %"
    fit = f"{standing.fit:.1f}", standing.strength or "-"
    return name, share, standing.places, rank, standing.matches, *fit, least, best, score


def _vote_line(vote: Heard) -> str:
    words = {
        Verb.MORE: "You asked for more like",
        Verb.SAVE: "You saved",
        Verb.LESS: "You asked for less like",
        Verb.PASSED: "You passed over",
    }
    title = shortened(vote.title or vote.entry, 60)
    return f"{words[vote.verb]} {title!r}, {vote.days} days ago: weight {vote.weight:.2f}"
