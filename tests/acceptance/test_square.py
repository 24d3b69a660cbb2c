"""The commuting square on whole mails: to compile first and to render first give the same page, whatever the words.

Hostile editions per template, sixty in every run and a thousand by `-m slow`, each beside the slow way: Jinja with the
reader's own values, then MJML, then the inliner. Every one of these mails is also read back by the standard library,
and its signatures by dkimpy.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage
from html.parser import HTMLParser
from multiprocessing import get_context
from pathlib import Path
from random import Random
from types import SimpleNamespace
from typing import NamedTuple

import pytest
from markupsafe import Markup
from verifier import ED25519_PEM, PEM, records, verdicts

from newsletter.i18n import Catalogues
from newsletter.renderer import Confirmation, Renderer, load_templates
from newsletter.renderer.compile import Macros, Templates, html_environment, inline, to_html
from newsletter.renderer.fragments import Card
from newsletter.renderer.issue_renderer import Reader, subject_lines
from newsletter.renderer.sanitize import tidy, tidy_masthead, tidy_told
from newsletter.sender.dkim import Signer, ed25519_key, rsa_key
from newsletter.testing import NOON, WEEK_12, make_subscriber
from newsletter.types import Edition, Entry, Links, Mail, Masthead, Pick

MAILS = 1000
SHORT = 60  #: of them, in every run: the first is the largest, as each fiftieth
TEMPLATES = Path(__file__).parents[2] / "templates"
MESSAGES = load_templates(TEMPLATES / "messages")
WEEKLY = {**MESSAGES, **load_templates(TEMPLATES / "weekly")}
CONFIRM = {**WEEKLY, **load_templates(TEMPLATES / "confirm")}
MASTHEAD = Masthead(
    name="The Weekly <Preprint> & Co",
    sender="The Weekly Preprint <weekly@papers.example.org>",
    tagline='New "research", picked for you',
    list_id="weekly.papers.example.org",
    postal_address="12 Quay Street, 1010 Vienna",
    mark="TW",
)
BASE = "https://papers.example.org"
WORDS = (
    "{{ 7*7 }}",
    "{% raw %}",
    "{# x #}",
    "</mj-text></td></table>",
    "--> <!-- x",
    "<![endif]-->",
    "<script>alert(1)</script>",
    "\x00\x01\x02unsubscribe\x03\x1f",
    "\u202eevil\u202c",
    "\u2067\u200b\ufeff",
    "x" * 5000,
    "量子" * 400,
    "e" + "\u0301" * 60,
    "🧑‍🔬👩🏽‍🚀🎉",
    "\"'<>&`=",
    "&amp;&lt;&#60;&nbsp;",
    "]]>",
    "Jq0001e",
    "%(name)s %% %s",
    "مرحبا بالعالم",
    "\r\nBcc: eve@example.org\r\n\r\n.\r\n",
    "\ud800",
    "\\",
    "\N{LINE SEPARATOR}a\N{NO-BREAK SPACE}b",
    "On kettles",
    "plasma turbulence",
    "",
)
URLS = (
    "https://example.org/a?b=1&c=2",
    'https://example.org/"onmouseover="x',
    "https://example.org/'<>",
    "javascript:alert(1)",
    "data:text/html,x",
    "//example.org/x",
    "https://example.org/" + "x" * 2000,
    "https://example.org/%20{{7*7}}",
    "HTTPS://EXAMPLE.ORG/ü",
    "",
)


Differences = Callable[[range, "Keys"], list[str]]


def words(chance: Random, most: int = 3) -> str:
    return " ".join(chance.choices(WORDS, k=chance.randint(0, most)))


def entry(chance: Random, number: int) -> Entry:
    return Entry(
        id=chance.choice((f"arxiv:{number}", f"{number}" + words(chance), "x" * 500)),
        title=words(chance),
        abstract=words(chance, 8),
        url=chance.choice(URLS),
        authors=tuple(words(chance) for _ in range(chance.choice((0, 1, 4, 3000 if number == 0 else 2)))),
        published=chance.choice((None, NOON)),
        source=words(chance),
        topics=tuple(words(chance) for _ in range(chance.randint(0, 8))),
        code_url=chance.choice(URLS),
        pdf_url=chance.choice(URLS),
        image_url=chance.choice(URLS),
        votes=chance.choice((None, 0, 1, 2, 12345)),
        project_url=chance.choice(URLS),
        tldr=words(chance) if chance.random() < 0.3 else "",
        title_html=chance.choice(("", "a <sub>2</sub> <script>x</script> <a href='x'>b</a>", words(chance))),
        trend=chance.choice((None, 0.1, 0.9)),
    )


def edition(chance: Random, number: int) -> Edition:
    count = chance.choice((0, 1, 2, 3, 3, 4, 5)) if number % 50 else 20
    interests = [words(chance) for _ in range(3)]
    picks = tuple(
        Pick(entry(chance, place), 1.0, chance.choice(interests), tuple(words(chance) for _ in range(2)))
        for place in range(count)
    )
    person = replace(
        make_subscriber("x", number, email=f"reader{number}@example.org"),
        name=words(chance),
        language=chance.choice((None, "de", "ar")),
        skim=chance.random() < 0.2,
    )
    popular = tuple(entry(chance, 90 + place) for place in range(chance.randint(0, 3)))
    more = picks[:1] if chance.random() < 0.2 else ()
    quiet = tuple(chance.choice(WORDS) for _ in range(chance.choice((0, 0, 1, 9))))
    return Edition(WEEK_12, person, picks, more, popular, quiet, quiet[:2], general=chance.random() < 0.2)


def links(number: int) -> Links:
    token = f"t{number}-" + "A_-z" * 30
    return Links(
        view=f"{BASE}/view/{token}",
        interests=f"{BASE}/interests/{token}",
        unsubscribe=f"{BASE}/unsubscribe/{token}",
        unsubscribe_mailto=f"mailto:u@papers.example.org?subject={token}",
        feedback=f"{BASE}/feedback/{token}",
    )


class Page(HTMLParser):
    """What a mail program takes from the body of a page: tags, attributes, conditional comments, words."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[object] = []
        self._text = ""
        self.feed(page[page.index("<body") :])
        self.close()
        self._end_of_text()

    def _end_of_text(self) -> None:
        # a slot is isolated whatever it will hold, a value where its letters ask for it: neither is seen
        if text := " ".join(re.sub("[\u2068\u2069]", "", self._text).split()):
            self.found.append(text)
        self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag != "wbr":  # breaks a line of the mail in a long word, and may break it on the screen
            self._end_of_text()
            self.found.append((tag, sorted((name, " ".join((value or "").split())) for name, value in attrs)))

    def handle_endtag(self, tag: str) -> None:
        self._end_of_text()
        self.found.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self._text += data

    def handle_comment(self, data: str) -> None:
        self._end_of_text()
        self.found.append(("comment", re.sub(r"\s+", "", data)))


class Slowly:
    """The other way round the square: every value is there when Jinja runs, and MJML and the inliner come after it."""

    def __init__(self) -> None:
        self._masthead = tidy_masthead(MASTHEAD)
        self._catalogues = Catalogues(MESSAGES)

    def weekly(self, some: Edition, ways: Links, preheader: str, minutes: str) -> str:
        messages = self._catalogues.messages(some.subscriber.language)
        files = Templates(WEEKLY, messages)
        template = html_environment(messages).from_string(files["edition.mjml"])
        slot = SimpleNamespace(
            view=ways.view,
            interests=ways.interests,
            unsubscribe=ways.unsubscribe,
            feedback=ways.feedback,
            name=tidy(some.subscriber.name, 60),
            email=some.subscriber.email,
            minutes=minutes,
            preheader=preheader,
            lead="",
            cards="",
            popular="",
        )
        skim, picks = bool(some.subscriber.skim), some.picks
        rest = picks if skim else picks[1:]
        groups: dict[str, list[Pick]] = {}
        for pick in rest:
            groups.setdefault(pick.interest, []).append(pick)
        if "" in groups:
            groups[""] = groups.pop("")
        grouped = len(groups) > 1
        named: dict[str, int] = {}
        for pick in picks:
            if name := tidy(pick.interest, 80):
                named[name] = named.get(name, 0) + 1
        shares = sorted(named.items(), key=lambda each: -each[1])
        slot.shares = messages.gettext(", ").join(f"{name} {count}" for name, count in shares)
        dry = tuple(name for name in some.unanswered if name not in some.unheard)
        for name, said in (("unanswered", dry), ("unheard", some.unheard)):
            told = [tidy(each, 80) for each in said[:6]] + ["…"] * (len(said) > 6)
            setattr(slot, name, messages.gettext(", ").join(told))
        context = {
            "masthead": self._masthead,
            "issue": WEEK_12,
            "pool": 59,
            "missing": ("<b>A source</b>",),
            "stale": (),
            "slot": slot,
        }
        macros = Macros(template, {**context, "reader": Reader()})
        beyond = messages.gettext("Beyond your interests")
        cards: list[str] = []

        def filled(kind: str, place: int, pick: Pick) -> str:
            own = next(iter(pick.entry.topics), pick.entry.source) if some.general else pick.interest
            slot.rank, slot.interest = str(place), tidy(own or beyond, 80)
            slot.label = slot.rank if grouped and kind != "lead" else f"{place} · {slot.interest}"
            why = tidy_told(messages.gettext("; ").join(pick.reasons), 300)
            slot.why = why[:1].upper() + why[1:]
            return macros(kind, Card.of(pick.entry, {"lead": 700, "card": 420, "skim": 0}[kind]))

        place = 0 if skim else 1
        for interest, members in groups.items():
            if grouped:
                slot.interest, slot.count = tidy(interest or beyond, 80), str(len(members))
                cards.append(macros("group"))
            for pick in members:
                place += 1
                cards.append(filled("skim" if skim else "card", place, pick))
        slot.lead = Markup("" if skim or not picks else filled("lead", 1, picks[0]))  # noqa: S704
        slot.cards = Markup("".join(cards))  # noqa: S704 - made by the templates, which escape
        slot.popular = Markup("".join(macros("popular", Card.of(each, 0)) for each in some.popular))  # noqa: S704
        reader = Reader(
            len(picks),
            len(some.more),
            bool(slot.name),
            bool(shares),
            skim,
            grouped,
            bool(some.popular),
            bool(slot.unanswered),
            bool(slot.unheard),
            some.general,
            bool(picks) and not shares and not some.general,
        )
        return inline(to_html("edition.mjml", template.render(context, reader=reader)), files["inline.css"])

    def confirm(self, link: str, address: str, language: str, preheader: str) -> str:
        messages = self._catalogues.messages(language)
        files = Templates(CONFIRM, messages)
        template = html_environment(messages).from_string(files["mail.mjml"])
        slot = SimpleNamespace(link=link, email=address, preheader=preheader)
        return inline(to_html("mail.mjml", template.render(masthead=self._masthead, slot=slot)), files["inline.css"])


def read(mail: Mail) -> tuple[EmailMessage, str, str]:
    """As the standard library reads it; text and HTML."""
    message = message_from_bytes(mail.body, policy=policy.default)
    assert isinstance(message, EmailMessage)
    assert not [part.defects for part in message.walk() if part.defects]
    parts = {part.get_content_type(): part for part in message.walk()}
    html = parts["text/html"]
    assert html.get_payload(decode=True).isascii()  # type: ignore[union-attr]
    return message, parts["text/plain"].get_content(), html.get_content()


class Keys(NamedTuple):
    """For another process, which would make others."""

    rsa: str
    ed25519: str
    dns: dict[bytes, bytes]

    def signer(self) -> Signer:
        return Signer("papers.example.org", [rsa_key(self.rsa, "s2025"), ed25519_key(self.ed25519, "e2025")])


def faults(mail: Mail, keys: Keys) -> Iterator[str]:
    lines = mail.body.split(b"\r\n")
    if max(map(len, lines)) > 998:
        yield "a line is longer than 998 bytes"
    if b"\n" in mail.body.replace(b"\r\n", b"") or b"\r" in mail.body.replace(b"\r\n", b""):
        yield "a bare line end"
    if verdicts(mail.body, keys.dns) != [True, True]:
        yield "a signature is not valid"


def weekly_differences(numbers: range, keys: Keys) -> list[str]:
    """What is wrong with these editions, a line each."""
    renderer, slowly, signer, found = Renderer(WEEKLY, MASTHEAD), Slowly(), keys.signer(), []
    pool = [Entry(str(number), "x") for number in range(59)]
    issue = renderer.open(WEEK_12, pool, ("<b>A source</b>",))
    for number in numbers:
        some, ways = edition(Random(number), number), links(number)
        mail = signer.sign(issue.render(some, ways, f"<{number}@papers.example.org>", NOON))
        message, text, html = read(mail)
        version = issue.version(some)
        _, values, _, _ = version._filled(some, ways, version._laid(some, public=False), public=False)
        slow = slowly.weekly(some, ways, values["preheader"], values["minutes"])
        found += [f"{number}: {fault}" for fault in faults(mail, keys)]
        if Page(html).found != Page(slow).found:
            found.append(f"{number}: another page")
        if message["To"].addresses[0].addr_spec != some.subscriber.email or message["Bcc"]:
            found.append(f"{number}: another recipient")
        if re.search(r"<script|\bjavascript:[^ ]*\"|\b49\b", html):
            found.append(f"{number}: something of the words was taken for code")
        if set(re.findall(r"t(\d+)-A_", html + text)) != {str(number)}:
            found.append(f"{number}: somebody else's links")
    return found


def confirm_differences(numbers: range, keys: Keys) -> list[str]:
    found, slowly, signer = [], Slowly(), keys.signer()
    confirmations = {language: Confirmation(CONFIRM, MASTHEAD, language) for language in ("en", "de", "ar")}
    for number in numbers:
        chance = Random(number)
        language = chance.choice(("en", "de", "ar"))
        local = "".join(chance.choices("abcdefghijklmnopqrstuvwxyz0123456789!#$%&'*+-/=?^_`{|}~", k=20))
        address, link = f"{local}@example.org", links(number).view + "?a=1&b=" + "x" * chance.randint(0, 300)
        mail = signer.sign(
            confirmations[language].render(
                make_subscriber(words(chance), email=address), link, f"<{number}@papers.example.org>", NOON
            )
        )
        message, _, html = read(mail)
        _, preheader = subject_lines(_subject(message, html))
        found += [f"{number}: {fault}" for fault in faults(mail, keys)]
        if Page(html).found != Page(slowly.confirm(link, address, language, preheader)).found:
            found.append(f"{number}: another page")
    return found


def _subject(message: EmailMessage, html: str) -> str:
    """Subject and preheader as two lines: the preheader is the first text of the page."""
    first = next(each for each in Page(html).found if isinstance(each, str) and not each.startswith("</"))
    return f"{message['Subject']}\n{first.replace(chr(0x34F), '').strip()}"


TEMPLATE = pytest.mark.parametrize("differences", [weekly_differences, confirm_differences])


@TEMPLATE
def test_no_edition_of_sixty_differs(differences: Differences) -> None:
    assert differences(range(SHORT), Keys(PEM, ED25519_PEM, records())) == []


@pytest.mark.slow
@TEMPLATE
def test_no_edition_of_a_thousand_differs(differences: Differences) -> None:
    """Two processes, since the slow way takes minutes."""
    half, keys = MAILS // 2, Keys(PEM, ED25519_PEM, records())
    with ProcessPoolExecutor(2, get_context("spawn")) as workers:
        jobs = [workers.submit(differences, each, keys) for each in (range(half), range(half, MAILS))]

    assert [line for job in jobs for line in job.result()] == []


def test_a_difference_would_be_seen() -> None:
    page = "<html><body><p class='a'>one <b>two</b></p></body></html>"

    assert Page(page).found == Page(page.replace("one ", "one\r\n ")).found
    for changed in (("one", "two"), ("class", "id"), ("<b>two</b>", "two"), ("</p>", "</p><!-- x -->")):
        assert Page(page).found != Page(page.replace(*changed)).found
