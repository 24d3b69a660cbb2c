"""What the preview site's page is told, as JSON: proofs, differences, why each paper was taken or left. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from hashlib import blake2b
from typing import Any

from newsletter.errors import NewsletterError, TemplateError
from newsletter.formats import profile_row
from newsletter.renderer.html_outline import outline
from newsletter.renderer.lint import LintFinding
from newsletter.selector.explain import Explanation
from newsletter.services.explaining import Explained
from newsletter.types import Entry, Pick
from newsletter.web.preview.compare import Pair, Placed
from newsletter.web.preview.links import MailLink
from newsletter.web.preview.proof import Proof

Row = dict[str, Any]


def error_row(error: NewsletterError) -> Row:
    """One line; a template's with its file and line."""
    return {"error": " ".join(str(error).split()), **(_place(error) if isinstance(error, TemplateError) else {})}


def _place(error: TemplateError) -> Row:
    return {"file": error.file, "line": error.line}


def proof_row(proof: Proof, edited: bool) -> Row:
    """`edited`: with another profile than the reader's own."""
    edition, parts, issue = proof.kept.edition, proof.parts, proof.prepared.issue
    picks = [_pick_row(place, pick) for place, pick in enumerate((*edition.picks, *edition.more), 1)]
    return {
        "id": proof.id,
        "body": blake2b(proof.mail.body, digest_size=8).hexdigest(),  # what looks the same need not be shown anew
        "issue": {"key": issue.key, "since": f"{issue.since:%Y-%m-%d %H:%M}", "until": f"{issue.until:%Y-%m-%d %H:%M}"},
        "stamps": proof.stamps._asdict(),
        "planned": bool(proof.wish.issue),
        "frozen": proof.wish.frozen,
        "pool": len(proof.prepared.entries),
        "to": edition.subscriber.email,
        "name": edition.subscriber.name,
        "status": proof.person.status.value,
        "edited": edited,
        "sender": proof.prepared.frozen.masthead.sender,
        "subject": parts.subject,
        "preheader": outline(parts.html).preheader,
        "sizes": {"html": parts.html_bytes, "text": len(parts.text.encode()), "mail": len(proof.mail.body)},
        "picks": picks[: len(edition.picks)],
        "more": picks[len(edition.picks) :],
        "popular": [each.title for each in edition.popular],
        "profile": profile_row(proof.person.profile),
        "trouble": error_row(proof.trouble) if proof.trouble else None,
    }


def _pick_row(place: int, pick: Pick) -> Row:
    entry = {"entry": pick.entry.id, "title": pick.entry.title}
    return {"place": place, **entry, "score": pick.score, "interest": pick.interest, "why": list(pick.reasons)}


def pair_row(pair: Pair) -> Row:
    known = pair.left or pair.right
    title = known.pick.entry.title if known else ""
    return {"title": title, "moved": pair.moved, "left": _placed_row(pair.left), "right": _placed_row(pair.right)}


def _placed_row(placed: Placed | None) -> Row | None:
    return _pick_row(placed.place, placed.pick) if placed else None


def survey_rows(
    survey: Sequence[Explanation], pool: Mapping[str, Entry], shown: Mapping[str, str], mailed: Mapping[str, int]
) -> list[Row]:
    """Taken first, by place; then left, by score; then what must not be shown.

    `shown`: entry id → the issue that showed it to this reader; `mailed`: entry id → place in the mail that is shown.
    """
    last = _last_taken(survey)
    told = {each.entry for each in survey}
    found = sorted(survey, key=lambda each: (not each.place, each.place, bool(each.hidden), -each.score))
    rows = [_survey_row(each, pool[each.entry], shown.get(each.entry, ""), last) for each in found]
    rows += [_joined_row(entry) for name, entry in pool.items() if name not in told]
    return [{**row, "mailed": mailed.get(row["entry"], 0)} for row in rows]


def _last_taken(survey: Iterable[Explanation]) -> dict[str, float]:
    """Interest → the lowest score that got a place by it."""
    last: dict[str, float] = {}
    for each in survey:
        if each.interest:
            last[each.interest] = min(each.score, last.get(each.interest, each.score))
    return last


def _survey_row(told: Explanation, entry: Entry, shown: str, last: Mapping[str, float]) -> Row:
    best = told.standings[0] if told.standings else None
    interest = best.interest if best and (best.matched or best.fit > 0) else ""
    return {
        **_paper_row(entry),
        "place": told.place,
        "way": told.way,
        "interest": interest,
        "score": told.score,
        "fit": best.relevance if best else 0.0,
        "hidden": [each.kind for each in told.hidden],
        "why": _why(told, best.interest if best and best.rank else "", shown, last),
    }


def _why(told: Explanation, ranked_for: str, shown: str, last: Mapping[str, float]) -> str:
    """The explanation's sentence, with the issue or the score that it leaves out."""
    if shown and any(each.kind == "seen" for each in told.hidden):
        return told.why.replace("in another issue", f"in {shown}")
    if not told.place and not told.hidden and not told.twin and ranked_for in last:
        return f"{told.why} Score {told.score:.3f}; the last one taken has {last[ranked_for]:.3f}."
    return told.why


def _joined_row(entry: Entry) -> Row:
    why = "Another entry of the pool is the same paper and stands for it."
    rest = {"place": 0, "way": "", "interest": "", "score": None, "fit": 0.0, "hidden": ["same"], "why": why}
    return {**_paper_row(entry), **rest}


def _paper_row(entry: Entry) -> Row:
    published = f"{entry.published:%Y-%m-%d}" if entry.published else ""
    known = {"trend": entry.trend, "votes": entry.votes, "published": published, "source": entry.source}
    return {"entry": entry.id, "title": entry.title, **known}


def explained_row(found: Explained) -> Row:
    votes = [{**asdict(each), "verb": each.verb.value} for each in found.heard]
    window = {"since": f"{found.issue.since:%Y-%m-%d %H:%M}", "until": f"{found.issue.until:%Y-%m-%d %H:%M}"}
    return {**asdict(found.explanation), **window, "votes": votes, "kept": found.kept, "mailed": found.kept_place}


def link_row(link: MailLink) -> Row:
    return {**asdict(link), "askable": link.askable}


def finding_row(finding: LintFinding) -> Row:
    return asdict(finding)
