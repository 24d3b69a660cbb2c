"""What `lint` and `doctor` found, as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from newsletter.doctor import Finding
    from newsletter.renderer.lint import LintFinding


def template_finding_row(finding: LintFinding) -> dict[str, Any]:
    """A finding in a template: file, line, severity, text."""
    return asdict(finding)


def doctor_finding_row(finding: Finding) -> dict[str, str]:
    """A finding of the doctor, with what to do about it and the record to publish."""
    return {name: getattr(finding, name) for name in ("group", "name", "level", "found", "todo", "record")}
