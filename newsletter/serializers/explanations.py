"""Why a paper was taken or left for a reader, as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from newsletter.services.explaining import Explained


def explanation_row(found: Explained) -> dict[str, Any]:
    """The explanation with its issue and reader, the votes that count, and the place in the mail that was made."""
    issue = {"issue": found.issue.key, "planned": found.planned, "subscriber": found.subscriber.email}
    votes = [{**asdict(vote), "verb": vote.verb.value} for vote in found.heard]
    mailed = {"place": found.kept_place} if found.kept else None
    taken = {"taken": found.explanation.place > 0}
    return {**issue, **taken, **asdict(found.explanation), "votes": votes, "mailed": mailed}
