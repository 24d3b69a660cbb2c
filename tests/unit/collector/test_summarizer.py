"""A sentence out of an abstract, and a model's words made plain text."""

from __future__ import annotations

import pytest

from newsletter.collector.extractive_summary import sentences_of, shortened
from newsletter.collector.summarizer import Summariser, content_key, extract, tidy

BACKGROUND = "Turbulence has been studied for decades."
FINDING = "We show that plasma turbulence falls by half when the walls are cooled, in three machines."
AVAILABLE = "Our code is available at https://github.com/x/y."


def test_the_sentence_that_announces_is_taken() -> None:
    found = extract("Cooling walls calms plasma turbulence", f"{BACKGROUND} {FINDING} {AVAILABLE}")

    assert found.startswith(FINDING) or found.endswith(FINDING)
    assert "github" not in found


def test_the_first_sentence_is_taken_when_none_announces() -> None:
    first = "Magnets of iron and of nickel age in the same way over the years."

    assert extract("On magnets", f"{first} They were bought in a shop near the river and stored dry.") == first


def test_the_title_decides_between_two_announcements() -> None:
    other = "We present a survey of laboratory notebooks and of how they are kept."
    asked = "We present a kernel on graphs that is linear in the number of edges."

    assert extract("Linear graph kernels", f"{other} {asked}", 90) == asked


def test_a_second_sentence_is_added_while_there_is_room_in_the_order_of_the_abstract() -> None:
    first, second = "We propose a kernel on graphs.", "We find that it is linear in the number of the edges."

    assert extract("Graph kernels", f"{first} {second}") == f"{first} {second}"
    assert extract("Graph kernels", f"{first} {second}", 60) in (first, second)


def test_what_leans_on_the_sentence_before_stands_by_itself() -> None:
    assert extract("X", "To address this issue, we propose a net of pipes.") == "We propose a net of pipes."


@pytest.mark.parametrize("label", ["Results: ", "RESULTS. ", "Conclusions — "])
def test_labels_of_a_structured_abstract_are_read_and_left_out(label: str) -> None:
    abstract = f"Background: The heart beats all day. {label}Sleep mends the heart of mice and of men in a week."

    assert extract("Mice", abstract, 70) == "Sleep mends the heart of mice and of men in a week."


@pytest.mark.parametrize("abstract", ["", "  \n "])
def test_no_abstract_gives_nothing(abstract: str) -> None:
    assert extract("A title", abstract) == ""


def test_a_long_sentence_is_cut_between_words() -> None:
    found = extract("Words", "We show " + "interminable words " * 40)

    assert len(found) <= 220
    assert found.endswith(("interminable…", "words…"))


@pytest.mark.parametrize("limit", [0, 1, 5, 50, 219])
def test_never_longer_than_asked_and_never_half_a_word(limit: int) -> None:
    words = set(FINDING.rstrip(".").replace(",", "").split())

    found = extract("Turbulence", FINDING, limit)

    assert len(found) <= limit
    assert {word.strip("….,") for word in found.split()} <= words | {""}


def test_a_word_longer_than_the_limit_is_not_cut() -> None:
    assert shortened("x" * 500, 220) == ""


def test_ideographs_may_be_cut_anywhere_but_at_a_sentence_first() -> None:
    assert shortened("私たちは新しい方法を示す。" + "字" * 50, 20) == "私たちは新しい方法を示す。"
    assert shortened("字" * 50, 20) == "字" * 19 + "…"


@pytest.mark.parametrize(
    "text",
    [
        "We follow J. A. Doe et al. (2020) on this.",
        "It works, e.g. Fig. 3 of v1.5 shows it.",
        "By Eq. (4), No. 5 and Sec. 2, i.e. Euler's way, it holds vs. Newton.",
        "The U.S. Army paid approx. 3.5 million.",
        "It has 3.14 and ends... somewhere.",
    ],
)
def test_points_inside_a_sentence_do_not_end_it(text: str) -> None:
    assert list(sentences_of(f"{text} Next one.")) == [text, "Next one."]


def test_quotes_brackets_and_questions_end_with_their_sentence() -> None:
    text = 'Is it so? "It is." (Indeed.) 3 datasets agree!'

    assert list(sentences_of(text)) == ["Is it so?", '"It is."', "(Indeed.)", "3 datasets agree!"]


@pytest.mark.parametrize(
    ("answer", "plain"),
    [
        ("A new kernel is linear.", "A new kernel is linear."),
        ("<think>Hm, <b>what</b>?</think>\n\nIt is linear.", "It is linear."),
        ("thoughts without a start</think>It is linear.", "It is linear."),
        ("It is linear.<think>and now for ever", "It is linear."),
        ("<think>cut short", ""),
        ("**TL;DR:** It is *very* `linear`, and __fast__.", "It is very linear, and fast."),
        ("Sure! Here's a summary in English:\n\nIt is linear.", "It is linear."),
        ("# Summary\n- It is linear.\n- It is fast.", "Summary It is linear. It is fast."),
        ("```text\nIt is linear.\n```", "It is linear."),
        ('"It is linear."', "It is linear."),
        ("<p>It is <b>linear</b>.</p><script>", "It is linear."),
        ("&lt;script&gt;It is linear.", "It is linear."),
        ('<a href="https://evil.example">Click</a>', "Click"),
        ("See [this](https://evil.example/x) or https://evil.example/y now.", "See this or now."),
        ("![](https://evil.example/pixel.png)It is linear.", "It is linear."),
        ("It\x00 is\u202e lin\u200bear.\x1b[31m\r\n", "It is linear.[31m"),
        ("x_1 * y_2 holds for a < b and c > d.", "x_1 * y_2 holds for a < b and c > d."),
        (" \n ", ""),
        ("…", ""),
    ],
)
def test_an_answer_is_plain_text(answer: str, plain: str) -> None:
    assert tidy(answer) == plain


def test_a_long_answer_is_cut_at_a_sentence() -> None:
    assert tidy("It is linear. " * 1000) == " ".join(["It is linear."] * 28)
    assert len(tidy("word " * 1000)) <= 400


def test_a_kept_summary_is_found_by_all_that_makes_it() -> None:
    keys = {content_key(*parts) for parts in [("m", "en", "t", "a"), ("m", "de", "t", "a"), ("m", "en", "ta", "")]}

    assert len(keys) == 3
    assert content_key("m", "en", "t", "a") in keys
    assert all(len(key) == 32 and int(key, 16) for key in keys)


@pytest.mark.parametrize("url", ["http://x.org/v1", "http://x.org/v1/", "http://x.org/v1/chat/completions"])
def test_the_address_may_be_given_in_three_ways(url: str) -> None:
    assert Summariser(url, "m").url == "http://x.org/v1/chat/completions"


def test_the_key_is_not_shown() -> None:
    summariser = Summariser("http://x.org/v1", "m", "secret-key")

    assert "secret-key" not in repr(summariser) + str(summariser)
