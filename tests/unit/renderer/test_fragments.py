"""Fragments, slots, and the words of an entry."""

from __future__ import annotations

import quopri
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from newsletter.renderer.fragments import (
    SLOTS,
    Card,
    HtmlFragment,
    Prose,
    TextFragment,
    html_literal,
    html_values,
    quoted,
)
from newsletter.renderer.sanitize import excerpt, shorten, tidy, web_link
from newsletter.testing import NOON, make_entry


def decoded(*pieces: bytes) -> str:
    return quopri.decodestring(b"".join(pieces)).decode().replace("\r\n", "\n")


class Events(HTMLParser):
    """What a browser takes from a page: tags with their attributes, and words."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[object] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, sorted(attrs)))

    def handle_endtag(self, tag: str) -> None:
        self.found.append(f"</{tag}>")

    def handle_data(self, data: str) -> None:
        self.found += data.split()


@pytest.mark.parametrize("length", range(150, 260))
def test_lines_are_broken_where_no_browser_sees_it(length: int) -> None:
    text = ("word and word " * 30)[:length]
    page = f'<p>{text}</p><p class="tags" style="margin:0">x</p><a href="https://x.org">y</a>'

    made = html_literal(page).decode()

    assert Events(made).found == Events(page).found
    assert max(map(len, made.split("\r\n"))) < 400


def test_a_fragment_is_its_literals_with_the_slots_filled() -> None:
    fragment = HtmlFragment(f'<a href="{SLOTS.view}/x">é {SLOTS.name}</a>')

    filled = b"".join(fragment.fill({"view": b"https://x.org", "name": b"Ada"}))

    assert filled == b'<a\r\nhref="https://x.org/x">&#233; Ada</a>'


def test_a_text_line_is_wrapped_with_its_slots_and_a_link_is_not() -> None:
    fragment = TextFragment(f"  Why this paper: {SLOTS.why}\n  {SLOTS.feedback}/more/{'x' * 90}")

    prose = Prose({"why": "very " * 30 + "good"})
    text = decoded(*fragment.fill(prose, {"feedback": quoted("https://x.org/" + "y" * 90)}))

    *lines, link = text.rstrip("\n").split("\n")
    assert max(map(len, lines)) <= 76
    assert all(line.startswith("  ") for line in lines)
    assert link == f"  https://x.org/{'y' * 90}/more/{'x' * 90}"


@settings(max_examples=60, deadline=None)
@example("000000¡¡ࠀ𐀀𐀀𐀀𐀀0", "x" * 76)
@given(st.text(max_size=400), st.text(max_size=400))
def test_pieces_of_quoted_printable_join_to_what_they_were(one: str, two: str) -> None:
    one, two = (tidy(text, 400) for text in (one, two))

    pieces = quoted(one) + quoted(two) + quoted("\n")

    assert decoded(pieces) == f"{one}{two}\n"
    assert max(map(len, pieces.split(b"\r\n"))) <= 76


@pytest.mark.parametrize("word", ["x" * 5000, "李" * 3000, "🧑‍🔬" * 900, "<&>\"'" * 900, "a b " * 2000])
def test_html_lines_stay_short_whatever_the_words(word: str) -> None:
    fragment = HtmlFragment(f"<p>{html_values({'x': word})['x'].decode()}</p><p>{SLOTS.why}</p>")

    filled = b"".join(fragment.fill({"why": html_values({"x": word})["x"]}))

    assert max(map(len, filled.split(b"\r\n"))) <= 500
    assert filled.replace(b"\r\n", b"").isascii()


def test_a_long_word_is_never_broken_inside_an_emoji() -> None:
    broken = html_values({"x": "🧑‍🔬" * 300})["x"]

    assert b"<wbr\r\n>" in broken
    assert b"&#8205;<wbr" not in broken
    assert b"<wbr\r\n>&#8205;" not in broken


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        ("a\r\nBcc: b", "a Bcc: b"),
        ("\x02name\x03", "name"),
        ("\u202eevil\u2066", "evil"),
        ("zero\u200bwidth\ufeff", "zerowidth"),
        ("a\x00\ud800b", "ab"),
        (" a \t\u2028 b\xa0", "a b"),
        ("👩‍🔬 é 李", "👩‍🔬 é 李"),
    ],
)
def test_tidy_words_have_no_hidden_characters(raw: str, wanted: str) -> None:
    assert tidy(raw, 100) == wanted


@pytest.mark.parametrize("marks", ["\u0301", "\u0489", "\u0e47", "\u064e", "\u20dd\ufe20\u0316"])
def test_no_more_than_four_marks_pile_up_on_a_character(marks: str) -> None:
    piled = "e" + marks * 60 + "vident"

    assert tidy(piled, 200) == "e" + (marks * 4)[:4] + "vident"
    assert Card.of(make_entry(title_html=f"<i>{piled}</i>"), 400).title_html == f"<i>e{(marks * 4)[:4]}vident</i>"


@pytest.mark.parametrize("word", ["Vie\u0302\u0323t", "שְּׁמַ֖ע", "اللّٰهُمَّ", "ผู้ใหญ่", "हिन्दी"])
def test_the_marks_that_languages_write_stay(word: str) -> None:
    assert tidy(word, 200) == word


@pytest.mark.parametrize(
    ("text", "limit", "wanted"),
    [
        ("One two three", 20, "One two three"),
        ("One two three", 10, "One two…"),
        ("One two. Three", 9, "One two…"),
        ("Unbreakable", 6, "Unbre…"),
        ("nae\u0301\u0301\u0301\u0301", 5, "na…"),
    ],
)
def test_words_are_shortened_between_words_and_characters(text: str, limit: int, wanted: str) -> None:
    assert shorten(text, limit) == wanted


@pytest.mark.parametrize(
    ("abstract", "wanted"),
    [
        ("Short and whole.", "Short and whole."),
        ("See the code at https://x.org..", "See the code at https://x.org."),
        ("We do this, e.g. for cats. And then we do that for dogs.", "We do this, e.g. for cats.\N{NO-BREAK SPACE}…"),
        ("We prove it as Doe et al. did before us in a longer text", "We prove it as Doe et al. did before us…"),
        ("It is 2.4 times faster. It is also rather much smaller.", "It is 2.4 times faster.\N{NO-BREAK SPACE}…"),
    ],
)
def test_an_abstract_ends_with_a_sentence_and_never_with_two_stops(abstract: str, wanted: str) -> None:
    assert excerpt(abstract, 42) == wanted


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "java\nscript:alert(1)",
        "data:text/html,x",
        "//x.org",
        "ftp://x.org",
        "https://",
        "https://user@/",
        "",
        "https://x.org/" + "x" * 900,
    ],
)
def test_only_web_links_become_links(url: str) -> None:
    link = web_link(url)

    assert link == "" or link == "https://user@/"


def test_a_link_cannot_leave_its_attribute() -> None:
    assert (
        web_link(" https://x.org/a\"b'c<d>e f李?q=%20&r=1 ") == "https://x.org/a%22b%27c%3Cd%3Ee%20f%E6%9D%8E?q=%20&r=1"
    )


def test_a_card_names_three_authors_and_counts_the_others() -> None:
    card = Card.of(make_entry(authors=("A", "B", "C", "D", "E")), 420)

    assert (card.authors, card.more_authors) == (("A", "B", "C"), 2)


def test_a_card_is_bounded_whatever_the_entry() -> None:
    huge = make_entry(title="x" * 5000, abstract="word " * 6_000_000, topics=("t" * 99,) * 99, published=NOON)

    card = Card.of(huge, 420)

    assert len(card.title) <= 300
    assert len(card.abstract) <= 420
    assert len(card.topics) == 6
    assert card.published == NOON + timedelta()


def test_an_id_stands_percent_encoded_in_links() -> None:
    assert Card.of(make_entry("doi:10.1/a b?#"), 420).ref == "doi%3A10.1%2Fa%20b%3F%23"
    assert Card.of(make_entry("x" * 400), 420).ref == ""
