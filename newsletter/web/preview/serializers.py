"""The JSON that the preview site's scripts read: proofs, differences, links, findings and errors. Pure."""

from __future__ import annotations

from dataclasses import asdict
from hashlib import blake2b
from typing import Any

from newsletter.errors import NewsletterError, TemplateError
from newsletter.formats import profile_row
from newsletter.renderer.html_outline import outline
from newsletter.types import Pick
from newsletter.web.preview.compare import ComparedPick, PlacedPick
from newsletter.web.preview.links import MailLink
from newsletter.web.preview.proof import Proof

Row = dict[str, Any]


def error_row(error: NewsletterError) -> Row:
    """Return the message in one line; of a template's error, its file and line, too."""
    return {"error": " ".join(str(error).split()), **(_place(error) if isinstance(error, TemplateError) else {})}


def _place(error: TemplateError) -> Row:
    return {"file": error.file, "line": error.line}


def proof_row(proof: Proof, edited: bool) -> Row:
    """Return what the page shows of a mail. `edited`: with another profile than the reader's own."""
    edition, parts, issue = proof.kept.edition, proof.parts, proof.prepared.issue
    picks = [_pick_row(place, pick) for place, pick in enumerate((*edition.picks, *edition.more), 1)]
    return {
        "id": proof.id,
        "body": blake2b(
            proof.mail.body, digest_size=8
        ).hexdigest(),  # the page leaves a frame alone that would look the same
        "issue": {"key": issue.key, "since": f"{issue.since:%Y-%m-%d %H:%M}", "until": f"{issue.until:%Y-%m-%d %H:%M}"},
        "stamps": proof.versions._asdict(),
        "planned": bool(proof.request.issue),
        "frozen": proof.request.frozen,
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
        "popular": [entry.title for entry in edition.popular],
        "profile": profile_row(proof.person.profile),
        "trouble": error_row(proof.template_error) if proof.template_error else None,
    }


def _pick_row(place: int, pick: Pick) -> Row:
    entry = {"entry": pick.entry.id, "title": pick.entry.title}
    return {"place": place, **entry, "score": pick.score, "interest": pick.interest, "why": list(pick.reasons)}


def compared_row(pair: ComparedPick) -> Row:
    known = pair.left or pair.right
    title = known.pick.entry.title if known else ""
    return {"title": title, "moved": pair.moved, "left": _placed_row(pair.left), "right": _placed_row(pair.right)}


def _placed_row(placed: PlacedPick | None) -> Row | None:
    return _pick_row(placed.place, placed.pick) if placed else None


def link_row(link: MailLink) -> Row:
    return {**asdict(link), "askable": link.askable}
