"""The page of charts: where points stand, and that nothing from outside gets into it unescaped."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from newsletter.config import Settings
from newsletter.selector.evaluation import EvaluationReport, Figures, Measured, Starved, measure
from newsletter.testing import NOON
from newsletter.web.charts import Chart, charts, render_report

NOTHING = measure([], [])


def measured(issue: str, **figures: float | None) -> Measured:
    known = dict.fromkeys(Figures.__slots__) | figures
    return Measured(issue, NOON, pool=5, editions=2, rated=1, replayed=1, repeats=0, figures=Figures(**known))


def of(*issues: Measured, **more: object) -> EvaluationReport:
    return replace(NOTHING, issues=issues, **more)  # type: ignore[arg-type]


def chart(report: EvaluationReport, title: str) -> Chart:
    return next(each for each in charts(report) if each.title == title)


def test_points_stand_at_their_share_of_width_and_height() -> None:
    report = of(measured("a", novelty=0.0), measured("b", novelty=1.0), measured("c", novelty=0.25))

    [line] = chart(report, "Novelty").lines

    assert line.path == "M0.00 100.00L50.00 0.00L100.00 75.00"
    assert line.dots == "M0.00 100.00h0 M50.00 0.00h0 M100.00 75.00h0"
    assert line.values == ("0.000", "1.000", "0.250")


def test_a_line_is_broken_where_there_is_no_figure() -> None:
    report = of(*(measured("x", novelty=value) for value in (0.5, None, 0.5)))

    [line] = chart(report, "Novelty").lines

    assert line.path == "M0.00 50.00 M100.00 50.00"
    assert line.values[1] == "—"


def test_one_issue_is_a_dot_in_the_middle() -> None:
    assert chart(of(measured("a", novelty=0.5)), "Novelty").lines[0].dots == "M50.00 50.00h0"


@pytest.mark.parametrize(("days", "top"), [(None, "1"), (0.0, "1"), (0.7, "1"), (3.2, "5"), (10.0, "10"), (11.0, "20")])
def test_an_axis_ends_at_a_round_number_above_the_data(days: float | None, top: str) -> None:
    assert chart(of(measured("a", age=days)), "Age").top == top


def test_shares_are_marked_in_per_cent_and_the_fair_line_is_where_one_is() -> None:
    report = of(measured("a", outside=0.12, largest=1.5))

    assert chart(report, "Unasked").top == "20 %"
    assert chart(report, "Fair shares").fair == 50
    assert chart(report, "Age").fair is None


def test_every_figure_is_drawn_once() -> None:
    drawn = [line.label for each in charts(of(measured("a"))) for line in each.lines]

    assert len(drawn) == len({*drawn}) == len(Figures.__slots__)


def test_a_hostile_name_stays_text(settings: Settings) -> None:
    starved = (Starved(7, "<script>alert('x')</script>", 2.0, 0),)

    page = render_report(settings, of(measured("<b>2025</b>"), starving=1, starved=starved)).decode()

    assert "<script" not in page
    assert "<b>2025" not in page
    assert "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;" in page


def test_the_page_needs_nothing_from_elsewhere(settings: Settings) -> None:
    page = render_report(settings, of(measured("a", novelty=0.5))).decode()

    assert "prefers-color-scheme: dark" in page
    assert re.findall(r'(?:src|href)="([^"]*)"', page) == ["data:,"]
    assert not re.search(r"url\(|@import|<script|<iframe", page)


def test_a_page_without_an_issue_says_so(settings: Settings) -> None:
    page = render_report(settings, NOTHING).decode()

    assert "There is no issue to evaluate" in page
    assert "<figure" not in page
