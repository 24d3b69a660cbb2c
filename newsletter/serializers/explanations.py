"""Why papers were taken or left, as JSON: one paper number by number, and the survey of a whole pool. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from newsletter.types import Entry

if TYPE_CHECKING:
    from newsletter.selector.explain import Explanation
    from newsletter.services.explaining import Explained

Row = dict[str, Any]


def explanation_row(found: Explained) -> Row:
    """Return what `newsletter explain` prints of one paper."""
    issue = {"issue": found.issue.key, "planned": found.planned, "subscriber": found.subscriber.email}
    mailed = {"place": found.kept_place} if found.kept else None
    return {**issue, "taken": found.explanation.place > 0, **_explained(found), "mailed": mailed}


def preview_explanation_row(found: Explained) -> Row:
    """Return what the preview site shows of one paper: with the window of the pool, without what its page knows."""
    window = {"since": f"{found.issue.since:%Y-%m-%d %H:%M}", "until": f"{found.issue.until:%Y-%m-%d %H:%M}"}
    return {**_explained(found, **window), "kept": found.kept, "mailed": found.kept_place}


def _explained(found: Explained, **more: str) -> Row:
    """Return the explanation, `more` about it, and the votes behind it."""
    votes = [{**asdict(vote), "verb": vote.verb.value} for vote in found.heard]
    return {**asdict(found.explanation), **more, "votes": votes}


def survey_rows(
    survey: Sequence[Explanation], pool: Mapping[str, Entry], shown: Mapping[str, str], mailed: Mapping[str, int]
) -> list[Row]:
    """Return a row for each entry: taken ones by place, left ones by score, then those that must not be shown.

    `shown`: entry id → the issue that showed it to this reader; `mailed`: entry id → place in the mail at hand.
    """
    lowest = _lowest_taken(survey)
    surveyed = {explanation.entry for explanation in survey}
    ordered = sorted(survey, key=lambda found: (not found.place, found.place, bool(found.hidden), -found.score))
    rows = [_survey_row(found, pool[found.entry], shown.get(found.entry, ""), lowest) for found in ordered]
    rows += [_joined_row(entry) for name, entry in pool.items() if name not in surveyed]
    return [{**row, "mailed": mailed.get(row["entry"], 0)} for row in rows]


def _lowest_taken(survey: Iterable[Explanation]) -> dict[str, float]:
    """Return interest → the lowest score that got a place by it."""
    lowest: dict[str, float] = {}
    for found in survey:
        if found.interest:
            lowest[found.interest] = min(found.score, lowest.get(found.interest, found.score))
    return lowest


def _survey_row(found: Explanation, entry: Entry, shown: str, lowest: Mapping[str, float]) -> Row:
    best = found.standings[0] if found.standings else None
    interest = best.interest if best and (best.matched or best.fit > 0) else ""
    return {
        **_paper_row(entry),
        "place": found.place,
        "way": found.way,
        "interest": interest,
        "score": found.score,
        "fit": best.fit if best else 0.0,
        "strength": best.strength if best else "",
        "hidden": [obstacle.kind for obstacle in found.hidden],
        "why": _why(found, best.interest if best and best.rank else "", shown, lowest),
    }


def _why(found: Explanation, ranked_for: str, shown: str, lowest: Mapping[str, float]) -> str:
    """Return the explanation's sentence, with the issue or the score that it leaves out."""
    if shown and any(obstacle.kind == "seen" for obstacle in found.hidden):
        return found.why.replace("in another issue", f"in {shown}")
    if not found.place and not found.hidden and not found.twin and ranked_for in lowest:
        return f"{found.why} Score {found.score:.1f}; the last one taken has {lowest[ranked_for]:.1f}."
    return found.why


def _joined_row(entry: Entry) -> Row:
    why = "Another entry of the pool is the same paper and stands for it."
    rest = {
        "place": 0,
        "way": "",
        "interest": "",
        "score": None,
        "fit": 0.0,
        "strength": "",
        "hidden": ["same"],
        "why": why,
    }
    return {**_paper_row(entry), **rest}


def _paper_row(entry: Entry) -> Row:
    published = f"{entry.published:%Y-%m-%d}" if entry.published else ""
    known = {"trend": entry.trend, "votes": entry.votes, "published": published, "source": entry.source}
    return {"entry": entry.id, "title": entry.title, **known}
