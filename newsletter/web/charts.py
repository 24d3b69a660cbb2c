"""The quality report as a page of charts: one self-contained file without a script. Pure: a report in, HTML out.

A chart is drawn in a square of 100 × 100 that the page stretches, so every point is a share of width and height.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from newsletter.config import Settings
from newsletter.selector.evaluation import LABELS, SHARES, EvaluationReport, Measured, findings, told
from newsletter.web.pages import PageTemplates


@dataclass(frozen=True, slots=True)
class Line:
    """One figure over the issues."""

    label: str
    overall: str
    path: str  #: SVG; broken where an issue has no such figure
    dots: str  #: SVG: a line of no length at each issue
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Chart:
    """What the template draws; the numbers stand in it once more as text."""

    title: str
    caption: str
    top: str  #: what the upper edge stands for; the lower one is 0
    fair: float | None  #: height of the line that would be ideal, 0 (top) to 100
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class _Plan:
    title: str
    figures: tuple[str, ...]
    caption: str
    top: float = 0  #: of the axis; 0: as high as the data
    ideal: float | None = None


_PLANS = (
    _Plan(
        "What readers wanted",
        ("as_mailed", "now", "deaf", "popular"),
        "How far in front the papers stood that readers then voted for: as mailed, and in the same pools chosen anew "
        "with today's selector, without any vote, and by popularity alone.",
        1,
    ),
    _Plan(
        "Fair shares",
        ("largest", "smallest"),
        "The places that the weightiest and the least weighty interest of a reader got, as a multiple of its fair "
        "share: 1, the thin line, is fair.",
        ideal=1,
    ),
    _Plan(
        "Unfairness",
        ("distance",),
        "The share of an edition's places that would have to go to another interest to make it fair.",
    ),
    _Plan(
        "Novelty",
        ("novelty",),
        "How different a pick is, in the words of its title and topics, from the nearest paper of the reader's last "
        "four issues: 0 is the same words, 1 no common word.",
        1,
    ),
    _Plan("Age", ("age",), "How many days old a picked paper was when its issue was planned."),
    _Plan(
        "Coverage",
        ("coverage", "gini"),
        "The share of an issue's papers that at least one reader was shown, and how unevenly showings fell on papers: "
        "0 is all alike, 1 is one paper for everybody.",
        1,
    ),
    _Plan(
        "Unasked",
        ("outside", "filled"),
        "The share of picks that were chosen a little outside a reader's interests, and of those that served none "
        "because too few papers matched.",
    ),
    _Plan(
        "Honest",
        ("below", "empty", "dry"),
        "The share of picks below the floor, which mails call popular or outside the interests; of editions without a "
        "pick; and of interests that found nothing new.",
    ),
    _Plan("Votes", ("more", "save", "less"), "How often readers said more, save or less, per 100 mails."),
)


def render_report(settings: Settings, report: EvaluationReport) -> bytes:
    """The page; raises TemplateError."""
    response = PageTemplates(settings).response(
        "quality.html", report=report, charts=charts(report), findings=[*findings(report)], told=told
    )
    return bytes(response.body)


def charts(report: EvaluationReport) -> tuple[Chart, ...]:
    """In the order of the page."""
    return tuple(_chart(plan, report) for plan in _PLANS)


def _chart(plan: _Plan, report: EvaluationReport) -> Chart:
    columns = [[_value(each, name) for each in report.issues] for name in plan.figures]
    known = [value for column in columns for value in column if value is not None]
    top = plan.top or _above(max([plan.ideal or 0, *known]))
    lines = (
        Line(
            label=LABELS[name],
            overall=told(name, getattr(report.overall, name)),
            path=" ".join(_path(column, top)),
            dots=" ".join(f"M{x:.2f} {y:.2f}h0" for x, y in _points(column, top)),
            values=tuple(told(name, value) for value in column),
        )
        for name, column in zip(plan.figures, columns, strict=True)
    )
    fair = None if plan.ideal is None else 100 * (1 - plan.ideal / top)
    shown = f"{100 * top:g} %" if {*plan.figures} <= {*SHARES} else f"{top:g}"
    return Chart(plan.title, plan.caption, shown, fair, tuple(lines))


def _value(each: Measured, name: str) -> float | None:
    value: float | None = getattr(each.figures, name)
    return value


def _above(value: float) -> float:
    """The next of 1, 2, 5, 10, 20 … that is not below; 1 for nothing."""
    if value <= 0:
        return 1
    unit = 10 ** math.floor(math.log10(value))
    return float(next(step * unit for step in (1, 2, 5, 10) if step * unit >= value * (1 - 1e-9)))


def _points(column: Sequence[float | None], top: float) -> Iterator[tuple[float, float]]:
    for place, value in enumerate(column):
        if value is not None:
            yield _across(place, len(column)), 100 * (1 - min(value / top, 1))


def _across(place: int, width: int) -> float:
    return 100 * place / (width - 1) if width > 1 else 50


def _path(column: Sequence[float | None], top: float) -> Iterator[str]:
    """One stroke for each stretch of issues that have the figure."""
    for known, stretch in groupby(enumerate(column), lambda each: each[1] is not None):
        if known:
            points = [(_across(place, len(column)), 100 * (1 - min((value or 0) / top, 1))) for place, value in stretch]
            yield "M" + "L".join(f"{x:.2f} {y:.2f}" for x, y in points)
