"""What reports on mails led to, as JSON."""

from __future__ import annotations

from typing import Any

from newsletter.formats import one_line
from newsletter.services.bounce_reports import Heeded


def report_row(heeded: Heeded) -> dict[str, Any]:
    """One recipient of one report; what others wrote is freed of control characters and half characters."""
    return {
        "file": _shown(heeded.name),
        "recipient": _shown(heeded.recipient),
        "kind": heeded.kind.value,
        "reason": heeded.reason,
        "hard": heeded.hard,
        "action": heeded.action,
    }


def _shown(text: str) -> str:
    return one_line(text.encode("utf-8", "replace").decode())
