"""Editions of an issue: compiled once, each card rendered once, a mail a join of ready bytes.

templates ─ Renderer ─▶ open(issue, entries) ─ PreparedIssue ─▶ render(edition, links) ─▶ Mail
             compiled     pages and cards, cut at their slots     slots filled, parts joined
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

from newsletter.renderer.cards import (
    SLOTS,
    Card,
    HtmlFragment,
    Prose,
    TextFragment,
    fill,
    html_link,
    html_value,
    needing_slots,
    quoted,
)
from newsletter.renderer.compile import Macros, Sheet, Templates, compile_sheet, page
from newsletter.renderer.mime import Envelope, check_lines, list_headers
from newsletter.renderer.tidy import shorten, tidy, tidy_masthead
from newsletter.types import Cadence, Edition, Entry, Issue, Links, Mail, Masthead, Pick, Subscriber

_LENGTHS = {"lead": 700, "card": 420}  #: characters of the abstract
_LINKS = ("view", "interests", "unsubscribe", "feedback")
_SPEED = (
    220  #: words read in a minute: Brysbaert 2019 finds 238 for silent reading of English, less in a second language
)
_ROOM = 100_000  #: bytes of the HTML part: from about 102 KB on Gmail cuts a mail off, and its styles with it
NEEDED = ("unsubscribe", "lead", "cards")


class Reader(NamedTuple):
    """All that a template may ask about a reader; the page is rendered once per kind of reader and issue."""

    picks: int  #: that the mail has
    more: int  #: that it had no room for
    named: bool  #: the slot `name` has one
    shares: bool  #: some pick serves an interest; the slot `shares` counts them by interest


class Renderer:
    """The weekly templates, compiled and tried out."""

    def __init__(self, templates: Mapping[str, str], masthead: Masthead) -> None:
        """`templates`: edition.mjml, edition.txt, subject.txt, inline.css, theme.toml. Raises TemplateError."""
        self._masthead = tidy_masthead(masthead)
        self._envelope = Envelope(self._masthead)
        written, self._sheet = compile_sheet(Templates(templates, masthead.language), "edition", NEEDED)
        for sheet in (written, self._sheet):
            for missing in ((), ("A source",)):
                _try_out(PreparedIssue(sheet, self._masthead, self._envelope, _ISSUE, 2, missing))

    def open(self, issue: Issue, entries: Iterable[Entry], missing: tuple[str, ...] = ()) -> PreparedIssue:
        """`entries`: the frozen pool; `missing`: sources that could not be read, named in the footer."""
        pool = len({entry.id for entry in entries})
        return PreparedIssue(self._sheet, self._masthead, self._envelope, issue, pool, missing)


class PreparedIssue:
    """An issue: its pages and cards are rendered when the first reader needs them, and kept as bytes."""

    def __init__(
        self,
        sheet: Sheet,
        masthead: Masthead,
        envelope: Envelope,
        issue: Issue,
        pool: int,
        missing: tuple[str, ...],
    ) -> None:
        self._sheet = sheet
        self._envelope = envelope
        self._headers = envelope.issue_headers(issue)
        self._context = {
            "masthead": masthead,
            "issue": replace(issue, key=tidy(issue.key, 40)),
            "pool": pool,
            "missing": tuple(tidy(name, 60) for name in missing),
            "slot": SLOTS,
        }
        nobody = {**self._context, "reader": Reader(picks=0, more=0, named=False, shares=False)}
        self._html, self._text = Macros(sheet.html, nobody), Macros(sheet.text, nobody)
        self._beyond = tidy(self._text("beyond"), 80)
        self._pages: dict[Reader, tuple[HtmlFragment, TextFragment, str]] = {}
        self._cards: dict[tuple[str, str], tuple[Entry, HtmlFragment, TextFragment, int]] = {}

    def fitting(self, edition: Edition, links: Links) -> Edition:
        """The edition with as many picks as its mail has room for; the others, the lowest ranked, in `more`."""
        while len(edition.picks) > 1 and self._size(edition, links) > _ROOM:
            edition = replace(edition, picks=edition.picks[:-1], more=(edition.picks[-1], *edition.more))
        return edition

    def _size(self, edition: Edition, links: Links) -> int:
        """Bytes of the HTML part, which is not made for that."""
        (page_html, _, _), _, html = self._filled(edition, links)
        of_card, size = {name: html[name] for name in _LINKS}, page_html.length(html | {"lead": b"", "cards": b""})
        for rank, pick in enumerate(edition.picks, 1):
            of_card.update(self._pick_values(rank, pick)[1])
            size += self._card("card" if rank > 1 else "lead", pick.entry)[1].length(of_card)
        return size

    def render(self, edition: Edition, links: Links, message_id: str, date: datetime) -> Mail:
        """Pure: the same arguments give the same bytes, always. A pick need not be of the pool."""
        subject, text, html = self._parts(edition, links)
        headers = self._headers + list_headers(links)
        return self._envelope.seal(edition.subscriber, subject, message_id, date, (text, html), headers)

    def _parts(self, edition: Edition, links: Links) -> tuple[str, list[bytes], list[bytes]]:
        """The subject, and both parts in pieces."""
        (page_html, page_text, subject), values, html = self._filled(edition, links)
        text = {name: quoted(getattr(links, name)) for name in _LINKS}
        ranked, of_card = [*enumerate(edition.picks, 1)], {name: html[name] for name in _LINKS}
        for kind, slot, picks in (("lead", "lead", ranked[:1]), ("card", "cards", ranked[1:])):
            cards = [self._fill_card(kind, rank, pick, of_card, text) for rank, pick in picks]
            html[slot] = b"".join([piece for pieces, _ in cards for piece in pieces])
            text[slot] = b"\r\n".join([b"".join(pieces) for _, pieces in cards])
        return subject, page_text.fill(Prose(values), text), page_html.fill(html)

    def _filled(
        self, edition: Edition, links: Links
    ) -> tuple[tuple[HtmlFragment, TextFragment, str], dict[str, str], dict[str, bytes]]:
        """The page of this kind of reader with its subject; the reader's values as words, and, with links, as HTML."""
        values = _reader_values(edition)
        values["minutes"] = str(max(1, round(sum(self._words(edition)) / _SPEED)))
        reader = Reader(len(edition.picks), len(edition.more), bool(values["name"]), bool(values["shares"]))
        page_html, page_text, page_subject = self._page(reader)
        subject, values["preheader"] = subject_lines(fill(page_subject, values | _titles(edition)))
        html = {name: html_link(getattr(links, name)) for name in _LINKS}
        html.update((name, html_value(value)) for name, value in values.items())
        return (page_html, page_text, subject), values, html

    def _words(self, edition: Edition) -> Iterator[int]:
        """How many words of the mail are read, card by card."""
        for place, pick in enumerate(edition.picks):
            yield self._card("card" if place else "lead", pick.entry)[3]

    def _page(self, reader: Reader) -> tuple[HtmlFragment, TextFragment, str]:
        if reader not in self._pages:
            html, text, subject = (page(template, self._context, reader=reader) for template in self._sheet)
            self._pages[reader] = HtmlFragment(html), TextFragment(text), subject
        return self._pages[reader]

    def _fill_card(
        self, kind: str, rank: int, pick: Pick, html: dict[str, bytes], text: Mapping[str, bytes]
    ) -> tuple[list[bytes], list[bytes]]:
        """The pieces of both parts. `html`: values of the reader, to which those of the pick are added."""
        _, card_html, card_text, _ = self._card(kind, pick.entry)
        prose, own = self._pick_values(rank, pick)
        html.update(own)
        return card_html.fill(html), card_text.fill(prose, text)

    def _pick_values(self, rank: int, pick: Pick) -> tuple[Prose, dict[str, bytes]]:
        return _pick_values(rank, pick.interest, pick.reasons, self._beyond)

    def _card(self, kind: str, entry: Entry) -> tuple[Entry, HtmlFragment, TextFragment, int]:
        kept = self._cards.get((kind, entry.id))
        if kept is None or (kept[0] is not entry and kept[0] != entry):
            card = Card.of(entry, _LENGTHS[kind])
            kept = entry, HtmlFragment(self._html(kind, card)), TextFragment(self._text(kind, card)), card.words
            self._cards[kind, entry.id] = kept
        return kept


def subject_lines(text: str) -> tuple[str, str]:
    """Subject and preheader: the first two lines of subject.txt."""
    lines = [*text.strip().split("\n"), ""]
    return tidy(lines[0], 120), tidy(lines[1], 200)


def _reader_values(edition: Edition) -> dict[str, str]:
    return {
        "name": tidy(edition.subscriber.name, 60),
        "email": edition.subscriber.email,
        "shares": _shares(tuple(pick.interest for pick in edition.picks)),
    }


@lru_cache(maxsize=16384)
def _shares(interests: tuple[str, ...]) -> str:
    """ "plasma 3, optics 2": how many picks each interest has."""
    shares = Counter(filter(None, (tidy(interest, 80) for interest in interests)))
    return ", ".join(f"{interest} {count}" for interest, count in shares.most_common())


@lru_cache(maxsize=16384)
def _pick_values(rank: int, interest: str, reasons: tuple[str, ...], beyond: str) -> tuple[Prose, dict[str, bytes]]:
    why = tidy("; ".join(reasons), 300)
    words = {"rank": str(rank), "interest": tidy(interest, 80) or beyond, "why": why}
    return Prose(words), {name: html_value(value) for name, value in words.items()}


def _titles(edition: Edition) -> dict[str, str]:
    titles = [tidy(pick.entry.title, 300) for pick in edition.picks[:4]]
    return {"title": shorten(titles[0], 90) if titles else "", "others": "; ".join(titles[1:])}


def _try_out(issue: PreparedIssue) -> None:
    """Render made-up editions, so that no template fails at send time: TemplateError."""
    ada = Subscriber(1, "ada@example.org", "Ada")
    picks = Pick(_FULL, 1.0, "an interest", ("a reason",)), Pick(_BARE, 1.0, "", ("a reason",))
    kinds = (
        ((), "", ()),
        (picks[:1], "Ada", picks[:1]),
        (picks[1:], "", picks),
        (picks, "Ada", ()),
        (picks[::-1], "", ()),
    )
    for some, name, more in kinds:
        edition = Edition(_ISSUE, replace(ada, name=name), some, more)
        with needing_slots():
            mail = issue.render(edition, _SAMPLE_LINKS, "<trial@example.org>", _ISSUE.until)
        check_lines(mail.body)


_ISSUE = Issue("2025-W12", Cadence.WEEKLY, datetime(2025, 3, 10, tzinfo=UTC), datetime(2025, 3, 17, tzinfo=UTC))
_LINK = "https://example.org/" + "x" * 480
_SAMPLE_LINKS = Links(view=_LINK, interests=_LINK, unsubscribe=_LINK, unsubscribe_mailto="", feedback=_LINK)
_BARE = Entry("bare", "A title")
_FULL = Entry(
    id="full",
    title="A title",
    abstract="A sentence. " * 80,
    url=_LINK,
    authors=("A", "B", "C", "D"),
    published=_ISSUE.since,
    source="A source",
    topics=("a topic", "another"),
    code_url=_LINK,
    pdf_url=_LINK,
    project_url=_LINK,
    trend=1.0,
    image_url=_LINK,
    votes=2,
    comments=2,
    stars=2,
)
