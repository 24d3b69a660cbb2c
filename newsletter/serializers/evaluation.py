"""The quality report as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from newsletter.selector.evaluation import EvaluationReport


def quality_report_row(report: EvaluationReport) -> dict[str, Any]:
    """All figures, of all issues together and of each."""
    issues = [{**asdict(issue), "until": issue.until.isoformat()} for issue in report.issues]
    return {**asdict(report), "issues": issues}
