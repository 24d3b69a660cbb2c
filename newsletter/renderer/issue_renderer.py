"""An issue in one language: each page and each card is rendered once, a mail is a join of ready bytes.

edition ─ lay out ─▶ blocks: lead, heads of groups, cards, popular ─ fill ─▶ pieces of both parts ─▶ Mail
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, time
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from newsletter.i18n import Messages
from newsletter.renderer.compile import Macros, MailTemplates, page
from newsletter.renderer.fragments import (
    SLOTS,
    Card,
    HtmlFragment,
    Prose,
    TextFragment,
    fill,
    html_links,
    html_values,
    quoted_link,
)
from newsletter.renderer.mime import Envelope, list_headers
from newsletter.renderer.sanitize import shorten, tidy, tidy_told
from newsletter.schedule import shown_day
from newsletter.types import NOTHING_NEW, Edition, Entry, Issue, Links, Mail, Masthead, Pick

_LENGTHS = {"lead": 700, "card": 420}  #: characters of the abstract; the other kinds have none
_LINKS = ("view", "interests", "unsubscribe", "feedback")
_SPEED = (
    220  #: words read in a minute: Brysbaert 2019 finds 238 for silent reading of English, less in a second language
)
_SAID = 6  #: interests or phrases in a line
_NAMED = 12  #: sources that could not be read; a list of feeds may name hundreds
_ROOM = 100_000  #: bytes of the HTML part: from about 102 KB on Gmail cuts a mail off, and its styles with it


class Reader(NamedTuple):
    """All that a template may ask about a reader; the page is rendered once per kind of reader and issue."""

    picks: int = 0  #: that the mail has
    more: int = 0  #: that it had no room for
    named: bool = False  #: the slot `name` has one
    shares: bool = False  #: some pick serves an interest; the slot `shares` counts them by interest
    skim: bool = False  #: titles and reasons only
    grouped: bool = False  #: the cards stand under the names of interests
    popular: bool = False  #: there is something in the slot `popular`
    unanswered: bool = False  #: the slot `unanswered` names interests that nothing new fits
    unheard: bool = False  #: the slot `unheard` names phrases of these that no paper of the last months speaks of
    general: bool = False  #: has no interests, and gets what many like
    strange: bool = False  #: has interests, but no pick serves one
    public: bool = False  #: nobody: the page that an issue has for everybody
    shared: bool = False  #: whoever has the link to the web version of a mail, of which nothing may be changed


class _MacroFragments(NamedTuple):
    """A macro's fragments, for one entry or for none."""

    entry: Entry | None
    html: HtmlFragment
    text: TextFragment
    words: int  #: to be read


class _Page(NamedTuple):
    html: HtmlFragment
    text: TextFragment
    subject: str


_Values = tuple[Prose, dict[str, bytes]]  #: of a piece's own slots: as words, for the text; as HTML
_Block = tuple[_MacroFragments, _Values]
_Laid = Mapping[str, Sequence[_Block]]  #: slot of the page → what stands in it
_NONE: _Values = Prose({}), {}
_EMPTY = dict.fromkeys(("lead", "cards", "popular"), b"")


class IssueRenderer:
    """An issue in one language, for all of its readers."""

    def __init__(
        self,
        templates: MailTemplates,
        messages: Messages,
        masthead: Masthead,
        envelope: Envelope,
        issue: Issue,
        pool: int,
        missing: tuple[str, ...],
    ) -> None:
        """`masthead`: tidy; `pool`: how many papers were read; `missing`: sources, those that were read NOTHING_NEW."""
        self.messages = messages
        self._templates = templates
        self._envelope = envelope
        self._headers = envelope.issue_headers(issue)
        self._context = {
            "masthead": masthead,
            "issue": _local(issue, masthead.timezone),
            "pool": pool,
            "missing": _listed([name for name in missing if not name.endswith(NOTHING_NEW)]),
            "stale": _listed([name.removesuffix(NOTHING_NEW) for name in missing if name.endswith(NOTHING_NEW)]),
            "slot": SLOTS,
        }
        nobody = {**self._context, "reader": Reader()}
        self._html, self._text = Macros(templates.html, nobody), Macros(templates.text, nobody)
        self._beyond = tidy(self._text("beyond"), 80)
        self._comma, self._semicolon = messages.gettext(", "), messages.gettext("; ")
        self._pages: dict[Reader, _Page] = {}
        self._pieces: dict[tuple[str, bool, str], _MacroFragments] = {}
        # templates of one's own may be older than these macros
        self._skims, self._popular = (name in self._html and name in self._text for name in ("skim", "popular"))
        grouping = "interests" in masthead.sections and "group" in self._html and "group" in self._text
        self._head = self._made("group") if grouping else None

    def fitting(self, edition: Edition, links: Links) -> Edition:
        """The edition with as many picks as its mail has room for; the others, the lowest ranked, in `more`."""
        while len(edition.picks) > 1 and self._size(edition, links) > _ROOM:
            edition = replace(edition, picks=edition.picks[:-1], more=(edition.picks[-1], *edition.more))
        return edition

    def _size(self, edition: Edition, links: Links) -> int:
        """Bytes of the HTML part, which is not made for that."""
        laid = self._laid(edition, public=False)
        page, _, html, _ = self._filled(edition, links, laid, public=False)
        size = page.html.length(html)
        return size + sum(piece.html.length(html | own) for blocks in laid.values() for piece, (_, own) in blocks)

    def render(self, edition: Edition, links: Links, message_id: str, date: datetime) -> Mail:
        """Pure: the same arguments give the same bytes, always. A pick need not be of the pool."""
        subject, text, html = self._parts(edition, links)
        headers = self._headers + list_headers(links)
        language = self.messages.language
        return self._envelope.seal(edition.subscriber, subject, message_id, date, (text, html), headers, language)

    def shared(self, edition: Edition, links: Links) -> bytes:
        """HTML of an edition on the web: the reader's picks, without name and votes; `links` open nobody's pages."""
        nobody = replace(edition, subscriber=replace(edition.subscriber, name=""))
        return b"".join(self._parts(nobody, links, shared=True)[2])

    def public(self, edition: Edition, links: Links) -> tuple[str, bytes]:
        """Subject and HTML of the page for everybody: nothing in it is the subscriber's own, or asks for a vote."""
        subject, _, html = self._parts(edition, links, public=True)
        return subject, b"".join(html)

    def _parts(
        self, edition: Edition, links: Links, public: bool = False, shared: bool = False
    ) -> tuple[str, list[bytes], list[bytes]]:
        """The subject, and both parts in pieces."""
        laid = self._laid(edition, public, shared)
        page, values, html, text = self._filled(edition, links, laid, public, shared)
        around_html: dict[str, list[bytes]] = {}
        around_text: dict[str, list[bytes]] = {}
        for slot, blocks in laid.items():
            around_html[slot] = pieces = []
            around_text[slot] = lines = []
            for piece, (prose, own) in blocks:
                html.update(own)
                pieces += piece.html.fill(html)
                lines += piece.text.fill(prose, text)
                lines.append(b"\r\n")
            del lines[-1:]
        words = page.text.filled_around(Prose(values), text, around_text)
        return page.subject, words, page.html.filled_around(html, around_html)

    def _laid(self, edition: Edition, public: bool, shared: bool = False) -> dict[str, list[_Block]]:
        """What stands in the page's slots. Papers are numbered as they stand."""
        mute = public or shared  # nobody votes there
        plain = public or edition.general  # by topic or source, for no interest is served
        skim, picks = self._is_skimmed(edition, public), edition.picks
        lead, rest = ((), picks) if skim else (picks[:1], picks[1:])
        groups = _groups(rest) if self._head and not public else {"": rest}
        grouped, cards, place = len(groups) > 1, [], len(lead)
        kind = "skim" if skim else "card"
        for interest, some in groups.items():
            if grouped and self._head:
                cards.append((self._head, _head_values(interest or self._beyond, len(some))))
            for pick in some:
                place += 1
                cards.append((self._piece(kind, pick.entry, mute), self._values(place, pick, grouped, plain)))
        return {
            "lead": [(self._piece("lead", pick.entry, mute), self._values(1, pick, False, plain)) for pick in lead],
            "cards": cards,
            "popular": [(self._piece("popular", entry, mute), _NONE) for entry in edition.popular * self._popular],
        }

    def _is_skimmed(self, edition: Edition, public: bool) -> bool:
        return self._skims and bool(edition.subscriber.skim) and not public

    def _values(self, place: int, pick: Pick, grouped: bool, public: bool) -> _Values:
        interest = next(iter(pick.entry.topics), pick.entry.source) if public else pick.interest
        return _pick_values(place, interest or self._beyond, pick.reasons, self._semicolon, grouped)

    def _piece(self, kind: str, entry: Entry, mute: bool) -> _MacroFragments:
        key = kind, mute, entry.id
        kept = self._pieces.get(key)
        if kept is None or (kept.entry is not entry and kept.entry != entry):
            card = Card.of(entry, _LENGTHS.get(kind, 0))
            card = replace(card, ref="") if mute else card
            kept = self._pieces[key] = self._made(kind, card)._replace(entry=entry, words=card.words)
        return kept

    def _made(self, macro: str, *values: object) -> _MacroFragments:
        return _MacroFragments(
            None, HtmlFragment(self._html(macro, *values)), TextFragment(self._text(macro, *values)), 0
        )

    def _filled(
        self, edition: Edition, links: Links, laid: _Laid, public: bool, shared: bool = False
    ) -> tuple[_Page, dict[str, str], dict[str, bytes], dict[str, bytes]]:
        """The page of this kind of reader with its subject; the reader's values as words, and for HTML and text."""
        picks, person = edition.picks, edition.subscriber
        shares = "" if public else _shares(tuple([pick.interest for pick in picks]), self._comma)
        values = {"name": "" if public else tidy(person.name, 60), "email": person.email, "shares": shares}
        values["unanswered"] = self._some([name for name in edition.unanswered if name not in edition.unheard])
        values["unheard"] = self._some(edition.unheard)
        words = sum([piece.words for blocks in laid.values() for piece, _ in blocks])
        values["minutes"] = str(max(1, round(words / _SPEED)))
        reader = Reader(
            picks=len(picks),
            more=len(edition.more),
            named=bool(values["name"]),
            shares=bool(shares),
            skim=self._is_skimmed(edition, public),
            grouped=len(laid["lead"]) + len(laid["cards"]) > len(picks),
            popular=bool(laid["popular"]),
            unanswered=bool(values["unanswered"]) and not public,
            unheard=bool(values["unheard"]) and not public,
            general=edition.general and not public,
            strange=bool(picks) and not shares and not edition.general and not public,
            public=public,
            shared=shared,
        )
        page = self._page(reader)
        subject, values["preheader"] = subject_lines(fill(page.subject, values | _titles(edition)))
        urls = {name: getattr(links, name) for name in _LINKS}
        html = {**html_links(urls), **html_values(values), **_EMPTY}
        text = {**{name: quoted_link(url) for name, url in urls.items()}, **_EMPTY}
        return _Page(page.html, page.text, subject), values, html, text

    def _some(self, names: Sequence[str]) -> str:
        """The first few of these, in a row."""
        return self._comma.join([*(tidy(name, 80) for name in names[:_SAID]), *("…",)[: len(names) > _SAID]])

    def _page(self, reader: Reader) -> _Page:
        if reader not in self._pages:
            html, text, subject = (page(template, self._context, reader=reader) for template in self._templates)
            self._pages[reader] = _Page(HtmlFragment(html), TextFragment(text), subject)
        return self._pages[reader]


def _listed(sources: Sequence[str]) -> tuple[str, ...]:
    """The first names, and whether there are more."""
    return (*(tidy(name, 60) for name in sources[:_NAMED]), *("…",)[: len(sources) > _NAMED])


def _local(issue: Issue, timezone: str) -> Issue:
    """In the newsletter's own time: its day is not always that of UTC. Templates date an issue by its `until`."""
    zone, day = ZoneInfo(timezone), shown_day(issue, timezone)
    since, until = issue.since.astimezone(zone), issue.until.astimezone(zone)
    if until.date() < day:  # a reader in the east gets it before the newsletter's own day has come
        until = datetime.combine(day, time(), zone)
    return replace(issue, key=tidy(issue.key, 40), since=since, until=until)


def subject_lines(text: str) -> tuple[str, str]:
    """Subject and preheader: the first two lines of subject.txt, filled with tidy words."""
    subject, _, preheader = text.strip().partition("\n")
    return shorten(subject.strip(), 120), shorten(preheader.partition("\n")[0].strip(), 200)


def _groups(picks: Sequence[Pick]) -> dict[str, list[Pick]]:
    """By interest, the one with the best pick first; what serves none comes last."""
    groups: dict[str, list[Pick]] = {}
    for pick in picks:
        groups.setdefault(pick.interest, []).append(pick)
    beyond = groups.pop("", None)
    return {**groups, "": beyond} if beyond else groups


@lru_cache(maxsize=16384)
def _shares(interests: tuple[str, ...], comma: str) -> str:
    """ "plasma 3, optics 2": how many picks each interest has."""
    shares = Counter(filter(None, (tidy(interest, 80) for interest in interests)))
    return comma.join(f"{interest} {count}" for interest, count in shares.most_common())


@lru_cache(maxsize=16384)
def _pick_values(place: int, interest: str, reasons: tuple[str, ...], semicolon: str, grouped: bool) -> _Values:
    name = tidy(interest, 80)
    label = str(place) if grouped else f"{place} \N{MIDDLE DOT} {name}"
    return _both(
        {"rank": str(place), "interest": name, "label": label, "why": _begun(tidy_told(semicolon.join(reasons), 300))}
    )


def _begun(sentence: str) -> str:
    """With a capital at its beginning."""
    return sentence[:1].upper() + sentence[1:]


@lru_cache(maxsize=16384)
def _head_values(interest: str, count: int) -> _Values:
    return _both({"interest": tidy(interest, 80), "count": str(count)})


def _both(words: Mapping[str, str]) -> _Values:
    return Prose(words), html_values(words)


def _titles(edition: Edition) -> dict[str, str]:
    titles = [tidy(pick.entry.title, 300) for pick in edition.picks[:4]]
    return {"title": shorten(titles[0], 90) if titles else "", "others": "; ".join(titles[1:])}
