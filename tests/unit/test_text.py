"""Source text to readable text."""

from __future__ import annotations

import re
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.collector.dates import moment
from newsletter.collector.links import address, code_link, shown
from newsletter.collector.text import bounded, readable

PAGE = Path(__file__).parents[3] / "shared/data/seeds/papers-page.txt"


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        (r"HyperZ$\cdot$Z$\cdot$W", "HyperZ·Z·W"),
        (r"along with the \tnti. We detect the \tnti\ from", "along with the tnti. We detect the tnti from"),
        (r"released at \url{https://github.com/ada/HDFlow.}.", "released at https://github.com/ada/HDFlow."),
        (r"using N^2d^2{M} operations", "using N²d²M operations"),
        (r"M < d^2, T>1, 2-8 steps", "M < d², T>1, 2-8 steps"),
        (r"$\varepsilon_{\rm inj} \simeq 10 m_e c^2$", "εᵢₙⱼ ≃ 10 mₑ c²"),
        (r"$W_\parallel$, $Re_{\tau}\approx 180$, $10^{14} M_\odot$", "W∥, Re_τ≈ 180, 10¹⁴ M_⊙"),
        (r"$O(n^2)$ to $\mathcal{O}(n \log n)$, $\frac{N^2d^2}{M}$", "O(n²) to 𝒪(n log n), N²d²/M"),
        (r"Schr\"odinger, Erd\H{o}s--R\'enyi, na\"{\i}ve", "Schrödinger, Erdős–Rényi, naïve"),
        (r"\emph{never} {\it old} \textbf{\emph{nested} one}", "never old nested one"),
        (r"Fig.~3 of Smith~et al.; 10X~20X; ~2x", "Fig. 3 of Smith et al.; 10X~20X; ~2x"),
        (r"\href{https://x.org/a_b}{here}", "here (https://x.org/a_b)"),
        (r"\mystery{words} stay", "mystery words stay"),
        (r"on $\mathbb{R}^n$ at $90^\circ$, $(1^{+1.39}_{-0.59})$", "on ℝⁿ at 90°, (1^(+1.39)_(-0.59))"),
    ],
)
def test_tex_becomes_unicode(raw: str, wanted: str) -> None:
    assert readable(raw) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "x<y and <p_T> = 3, a < b > c, i<j>k",
        "costs $5 and $6, i.e. $7; from $5M-$6M; $5 million to US$ 6 million",
        "max_len, a_b_c, __init__ and the --help flag",
        "labels in {0, 1} for R&D at AT&T &copy &notit",
        "https://host/~ada/a_b--c^2 stays a link",
    ],
)
def test_what_only_looks_like_markup_stays(text: str) -> None:
    assert readable(text) == text


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        ("<p>One <b>bold</b>.</p><p>Two &amp; &lt;3</p>", "One bold. Two & <3"),
        ("H<sub>2</sub>O and <sup>13</sup>C", "H₂O and ¹³C"),
        ("see <a class='x' href='https://x.org/a'>the code</a>", "see the code (https://x.org/a)"),
        ("<jats:p>In <jats:italic>vivo</jats:italic></jats:p><!-- no -->", "In vivo"),
        ("<script>alert(1)</script> hostile", "alert(1) hostile"),
        ("U\u202eevil\x00 \u200bwide\u2028lines\ud800", "Uevil wide lines"),
        ("e\u0301", "é"),
    ],
)
def test_html_and_hidden_characters_go(raw: str, wanted: str) -> None:
    assert readable(raw) == wanted


@settings(deadline=None)
@given(st.text(st.sampled_from("ab1 \\{}$^_~<>&;/\"'`-()[]%\n\x00é\ud800"), max_size=200))
def test_any_text_can_be_read_and_stored(raw: str) -> None:
    text = readable(raw)

    assert text.encode() is not None
    assert text == " ".join(text.split())


@settings(deadline=None)
@given(st.lists(st.sampled_from(["attention", r"\foo", "{deep}", r"$x^2$", "<b>bold</b>", "3\\%", "--", "$5", "~"])))
def test_no_word_is_lost(pieces: list[str]) -> None:
    text = readable(" ".join(pieces))

    for word in ("attention", "foo", "deep", "bold"):
        assert text.count(word) == sum(word in piece for piece in pieces)


@pytest.mark.parametrize(
    "evil", ["{", "\\hat", "\\(", "<!--", '<a href="', "^a", "$x", "~a", "&#1;", "\\'", "<p ", "https://"]
)
def test_hostile_repetition_takes_no_time(evil: str) -> None:
    start = time.process_time()

    readable(evil * (80_000 // len(evil)))

    assert time.process_time() - start < 2


def test_a_long_text_is_cut_at_a_word() -> None:
    assert bounded("word " * 10, 12) == ("word word…", True)
    assert bounded("word word", 12) == ("word word", False)
    assert bounded("x" * 30_000_000, 20_000)[1]


def test_the_seed_page_keeps_its_words() -> None:
    if not PAGE.exists():
        pytest.skip("needs ../shared/data/seeds/papers-page.txt")
    for line in PAGE.read_text("utf-8").splitlines():
        words = set(re.findall(r"[A-Za-z]{6,}", line)) - {"HyperZ", "varepsilon", "approx"}

        assert words <= set(re.findall(r"[A-Za-z]{6,}", readable(line)))
        assert readable(readable(line)) == readable(line)


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        ("2025-03-17", "2025-03-17T00:00:00+00:00"),
        ("2026-6-3", "2026-06-03T00:00:00+00:00"),
        ("2025-03-17T12:00:00Z", "2025-03-17T12:00:00+00:00"),
        ("2025-03-17 9:30", "2025-03-17T09:30:00+00:00"),
        ("2025-03-17T00:00:00-04:00", "2025-03-17T04:00:00+00:00"),
        ("2025-03-17T12:00:00.123456789Z", "2025-03-17T12:00:00.123456+00:00"),
        ("Mon, 17 Mar 2025 12:00:00 +0100", "2025-03-17T11:00:00+00:00"),
    ],
)
def test_dates_are_read_as_people_write_them(raw: str, wanted: str) -> None:
    found = moment(raw)

    assert found is not None
    assert found.isoformat() == wanted


@pytest.mark.parametrize(
    "nonsense", ["", "soon", "2025-13-01", "0001-01-01T00:00:00+14:00", "2025-02-30", "1e9", "2025-03-17T25:00"]
)
def test_nonsense_is_no_date(nonsense: str) -> None:
    assert moment(nonsense) is None


def test_only_web_addresses_pass() -> None:
    assert address(" /a?b=c ", "https://x.org/feed/") == "https://x.org/a?b=c"
    for bad in (
        "",
        "javascript:alert(1)",
        "https://a:b@x.org",
        "ftp://x.org",
        "https://",
        "http://[x",
        "https://x.org/a\nb c",
    ):
        assert address(bad) == ""


def test_a_message_shows_no_password() -> None:
    assert shown("https://ada:secret@x.org/feed?q=a@b") == "https://x.org/feed?q=a@b"
    assert shown("papers@home.jsonl") == "papers@home.jsonl"


@pytest.mark.parametrize(
    ("abstract", "wanted"),
    [
        ('Our code is available at "https://github.com/ada/TSM-PDE".', "https://github.com/ada/TSM-PDE"),
        ("part of AIRS (https://github.com/ada/AIRS).", "https://github.com/ada/AIRS"),
        ("https://github.com/ada/Faster{Faster}.", "https://github.com/ada/Faster"),
        ("Videos and codes are on the project page: http://www.cs.x.edu/cg/INSR/", "http://www.cs.x.edu/cg/INSR/"),
        ("Code below. Project Website: https://ada.github.io", ""),
        ("Made with https://github.com", ""),
    ],
)
def test_code_links_are_found_without_debris(abstract: str, wanted: str) -> None:
    assert code_link(abstract) == wanted
