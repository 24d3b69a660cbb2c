"""What a mail's HTML keeps from people who hear it, or read it another way. Pure: a mail's outline in, findings out.

Simple rules, each about one thing that a template can get wrong. The theme has the rules for colours.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from newsletter.renderer.html_outline import Anchor, Outline
from newsletter.renderer.lint import ERROR, WARNING, LintFinding

FILE = "html"  #: what findings call the mail's HTML part; their lines are its own


def access_faults(page: Outline) -> tuple[LintFinding, ...]:
    """Sorted by line."""
    rules = (_unnamed, _mute_images, _headings, _mute_links, _alike, _tables, _doubled_ids)
    return tuple(sorted(finding for rule in rules for finding in rule(page)))


def _unnamed(page: Outline) -> Iterator[LintFinding]:
    if not page.lang:
        yield LintFinding(FILE, 0, ERROR, "the page has no lang: nobody knows in which language to read it out")
    if not page.dir:
        yield LintFinding(FILE, 0, WARNING, "the page has no dir: it may be laid out the wrong way round")
    if not page.title:
        yield LintFinding(FILE, 0, ERROR, "the page has no title")


def _mute_images(page: Outline) -> Iterator[LintFinding]:
    for image in page.images:
        if image.alt is None:
            yield LintFinding(
                FILE, image.line, ERROR, f'the image {_cut(image.src)} has no alt: say what it shows, or alt=""'
            )


def _headings(page: Outline) -> Iterator[LintFinding]:
    if not any(heading.level == 1 for heading in page.headings):
        yield LintFinding(FILE, 0, WARNING, "there is no h1")
    for heading in page.headings:
        if not heading.words:
            yield LintFinding(FILE, heading.line, ERROR, f"an h{heading.level} has no words")
    for before, after in pairwise(page.headings):
        if after.level > before.level + 1:
            why = f"h{after.level} {_cut(after.words)!r} follows h{before.level}: a level is left out"
            yield LintFinding(FILE, after.line, WARNING, why)


def _mute_links(page: Outline) -> Iterator[LintFinding]:
    for anchor in page.anchors:
        if anchor.href is not None and not anchor.words:
            yield LintFinding(FILE, anchor.line, ERROR, f"the link to {_cut(anchor.href)} has no words")


def _alike(page: Outline) -> Iterator[LintFinding]:
    told: set[tuple[int, str]] = set()
    for anchor in alike(page):
        if (anchor.heading, anchor.words) not in told:
            told.add((anchor.heading, anchor.words))
            why = f"{_cut(anchor.words)!r} leads to several places below one heading"
            yield LintFinding(FILE, anchor.line, WARNING, why)


def alike(page: Outline) -> list[Anchor]:
    """Links that are called the same as another one below the same heading, and lead elsewhere."""
    targets: dict[tuple[int, str], set[str]] = {}
    for anchor in page.anchors:
        targets.setdefault((anchor.heading, anchor.words.casefold()), set()).add(anchor.href or "")
    return [link for link in page.anchors if link.words and len(targets[link.heading, link.words.casefold()]) > 1]


def _tables(page: Outline) -> Iterator[LintFinding]:
    for table in page.tables:
        if table.role not in ("presentation", "none") and not table.is_data:
            yield LintFinding(FILE, table.line, ERROR, 'a table that only lays out needs role="presentation"')


def _doubled_ids(page: Outline) -> Iterator[LintFinding]:
    seen: set[str] = set()
    for line, name in page.ids:
        if name in seen:
            yield LintFinding(FILE, line, WARNING, f"the id {_cut(name)!r} stands there twice")
        seen.add(name)


def _cut(text: str) -> str:
    return text if len(text) <= 60 else f"{text[:59]}…"
