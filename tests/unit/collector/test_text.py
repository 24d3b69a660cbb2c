"""Source text to readable text."""

from __future__ import annotations

import html
import re
import time
import unicodedata
from collections import Counter
from html.parser import HTMLParser

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.collector.text.dates import moment
from newsletter.collector.text.html import Text, bounded, cleaned, readable, safe_html
from newsletter.collector.text.urls import address, code_link, shown


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
        (r"a note\footnote{with words} and \texttt{code}, $x \text{ if } y$", "a note (with words) and code, x if y"),
        (r"costs \$5 and $6, i.e. $7; R&D; a_b~c; \'\'", "costs $5 and $6, i.e. $7; R&D; a_b~c; ''"),
        (r"the 1\textsuperscript{st}, $90^{\circ}$, \operatorname*{max}, \'{\emph{e}}", "the 1ˢᵗ, 90°, max, é"),
        (r"\label{eq:1}one \textcolor{red}{two} \label{never closed", "one two never closed"),
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
        ("<script>alert(1)</script> hostile", "hostile"),
        ("U\u202eevil\x00 \u200bwide\u2028lines\ud800", "Uevil wide lines"),
        ("e\u0301", "é"),
    ],
)
def test_html_and_hidden_characters_go(raw: str, wanted: str) -> None:
    assert readable(raw) == wanted


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        (r"$x^2$ \& $M_\odot$", "x<sup>2</sup> &amp; M<sub>⊙</sub>"),
        (r"\emph{in vivo}, <em>so</em>, \textit{it}", "<i>in vivo</i>, <i>so</i>, <i>it</i>"),
        (r"\textbf{a \emph{b}} <strong>c</strong>", "<b>a <i>b</i></b> <b>c</b>"),
        ("H<sub>2</sub>O<sup class='x'>+</sup>", "H<sub>2</sub>O<sup>+</sup>"),
        (r"\href{https://x.org/?a=1&b=2}{here}", '<a href="https://x.org/?a=1&amp;b=2">here</a>'),
        ("<a href='https://x.org/?a=1&amp;b=2'>here</a>", '<a href="https://x.org/?a=1&amp;b=2">here</a>'),
        (r"\url{https://x.org/a_b}.", '<a href="https://x.org/a_b">https://x.org/a_b</a>.'),
        ("x<y & \"z\" 'w'", "x&lt;y &amp; &quot;z&quot; &#x27;w&#x27;"),
        ("<jats:p>One</jats:p><jats:p><jats:bold>two</jats:bold></jats:p>", "One <b>two</b>"),
    ],
)
def test_html_keeps_scripts_emphasis_and_links(raw: str, wanted: str) -> None:
    assert safe_html(raw) == wanted


@pytest.mark.parametrize(
    ("evil", "wanted"),
    [
        ("<script>alert(1)</script>x", "x"),
        ("<iframe src=x>y</iframe>z", "z"),
        ("&lt;script&gt;x&lt;/script&gt;", "&lt;script&gt;x&lt;/script&gt;"),
        ('<a href="javascript:alert(1)">z</a>', "z"),
        (r"\href{javascript:alert(1)}{z}", "z (javascript:alert(1))"),
        ("<a href='https://x/&quot;onclick=&quot;y'>z</a>", '<a href="https://x/%22onclick=%22y">z</a>'),
        ("<a href='https://a:b@x.org'>z</a>", "z (https://a:b@x.org)"),
        ('"><img onerror=alert(1) src=x', "&quot;&gt;&lt;img onerror=alert(1) src=x"),
        ("<sub>x", "x"),
        ("</sub><sub>x", "x"),
        ("<b><i>x</b>y</i>", "<b><i>x</i></b>y"),
        ("<i><a href='https://x.org'>x</i>y</a>", '<i><a href="https://x.org">x</a></i>y'),
        ("<b>&#824;x</b>", "<b>&#824;x</b>"),
        (r"\href{https://x}{\href{https://y}{z}}", '<a href="https://x">z (https://y)</a>'),
        ("\x01\x05https://x\x13y\x12", "https://xy"),
    ],
)
def test_hostile_html_is_inert(evil: str, wanted: str) -> None:
    assert safe_html(evil) == wanted


class _Checker(HTMLParser):
    """Our own tags only, each closed in its turn, no link in a link."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.words: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert tag in ("sub", "sup", "i", "b", "a")
        assert [name for name, _ in attrs] == (["href"] if tag == "a" else [])
        assert all(value and address(value) for _, value in attrs)
        assert tag != "a" or "a" not in self.open
        self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def handle_decl(self, decl: str) -> None:
        raise AssertionError(decl)

    def handle_pi(self, data: str) -> None:
        raise AssertionError(data)


def _shown(markup: str) -> str:
    """What a reader sees of our HTML."""
    checker = _Checker()
    checker.feed(markup)
    checker.close()
    assert checker.open == []
    return "".join(checker.words)


TAGS = "<b> </b> <i> </i> <sub> </sub> <sup> </sup> </a> <script> </script> <p> <!-- --> &lt; &gt; &quot; &#60;b&#62;"
TEX = r"\emph{ \textbf{ \href{https://y.org/a'b}{ \url{https://z.org} \hat \' \frac{ { } $ ^ _ ^{ _{ ~ -- ` `` ''"
REST = [
    "<a href='https://x.org/?a&b'>",
    "<a href='javascript:x'>",
    " ",
    "word",
    "x",
    "5",
    '"',
    "{rm ",
    "sigma_0",
    "2times",
]
PIECES = [*TAGS.split(), *TEX.split(), *REST, "\u0338", "\x01", "\x05", "\x12", "\x13"]


@settings(deadline=None, max_examples=examples(300))
@given(st.lists(st.sampled_from(PIECES), max_size=40))
def test_html_is_always_balanced_and_ours(pieces: list[str]) -> None:
    raw = "".join(pieces)

    shown = _shown(safe_html(raw))

    letters = Counter(unicodedata.normalize("NFKC", shown)) - Counter(unicodedata.normalize("NFKC", readable(raw)))
    assert not [letter for letter in letters if letter.isalnum() and letter.isascii()]


@settings(deadline=None)
@given(st.text(max_size=100))
def test_html_of_any_text_shows_that_text(raw: str) -> None:
    found = cleaned(raw, 1_000)

    assert html.unescape(re.sub(r"</?(?:sub|sup|i|b)>", "", safe_html(raw))) == _shown(safe_html(raw))
    assert found.html or _shown(safe_html(raw)) == found.text


def test_five_thousand_braces_are_text() -> None:
    raw = r"\emph{" * 5_000 + "deep" + "}" * 5_000

    assert "deep" in _shown(safe_html(raw))
    assert "deep" in _shown(safe_html("<b><i>" * 5_000 + "deep" + "</i></b>" * 5_000))


def test_a_text_says_whether_it_needs_html() -> None:
    assert cleaned("R&D", 100) == Text("R&D")
    assert cleaned("$x^2$", 100) == Text("x²", "x<sup>2</sup>")
    assert cleaned(r"\emph{word} &amp; word", 8) == Text("word &…", cut=True)


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
    "evil",
    [
        "<a href=https://",
        "{",
        "\\hat",
        "\\(",
        "<!--",
        '<a href="',
        "^a",
        "$x",
        "~a",
        "&#1;",
        "\\'",
        "<p ",
        "https://",
        "<b>",
        "<i></b>",
        "\x05",
        "\\url{)",
        "\\emph{",
    ],
)
def test_hostile_repetition_takes_no_time(evil: str) -> None:
    start = time.process_time()

    readable(evil * (80_000 // len(evil)))

    assert time.process_time() - start < 20  # half a second alone; quadratic, it would be minutes


def test_a_long_text_is_cut_at_a_word() -> None:
    assert bounded("word " * 10, 12) == ("word word…", True)
    assert bounded("word word", 12) == ("word word", False)
    assert bounded("x" * 30_000_000, 20_000)[1]


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
        ("2016/6/29 15:07:41", "2016-06-29T15:07:41+00:00"),
        ("Saturday, November 4, 2023 - 10:00", "2023-11-04T10:00:00+00:00"),
        ("2023.11.04", "2023-11-04T00:00:00+00:00"),
        ("2022年6月3日（金）", "2022-06-03T00:00:00+00:00"),
        ("２０２２年６月３日", "2022-06-03T00:00:00+00:00"),
        ("2022년 6월 3일 오후 11:24:43", "2022-06-03T23:24:43+00:00"),
        ("1699092000", "2023-11-04T10:00:00+00:00"),
        ("1699092000000", "2023-11-04T10:00:00+00:00"),
        ("20220603", "2022-06-03T00:00:00+00:00"),
        ("20220603T101500Z", "2022-06-03T10:15:00+00:00"),
        ("2022-06-03 10:00:00 UTC", "2022-06-03T10:00:00+00:00"),
        ("2022-06-03T10:00:00 EST", "2022-06-03T15:00:00+00:00"),
        ("2022-06-03 10:00:00 GMT+2", "2022-06-03T08:00:00+00:00"),
        ("2022-06-03+02:00", "2022-06-03T00:00:00+00:00"),
        ("Fri, 3 Jun 2022 10:00 PM EST", "2022-06-04T03:00:00+00:00"),
        ("Fri, 03 Jun 2022 10:00:00 EDT", "2022-06-03T14:00:00+00:00"),
        ("Fri, 3 Jun 2022 22:00 JST", "2022-06-03T13:00:00+00:00"),
        ("Fri, 3 Jun 2022 12:00 AM", "2022-06-03T00:00:00+00:00"),
        ("Fri, 3 Jun 2022 22:00 IST", "2022-06-03T00:00:00+00:00"),  # whichever of three is meant
        ("Fri Jun 03 2022 10:00:00 GMT+0200 (CEST)", "2022-06-03T08:00:00+00:00"),
        ("Fri Jun  3 10:00:00 EDT 2022", "2022-06-03T14:00:00+00:00"),
        ("Friday, June 3rd, 2022", "2022-06-03T00:00:00+00:00"),
        ("Sept. 3, 2022 5:30 p.m.", "2022-09-03T17:30:00+00:00"),
        ("03-Jun-2022", "2022-06-03T00:00:00+00:00"),
        ("2022 Jun 3", "2022-06-03T00:00:00+00:00"),
        ("3 Jun 22 10:00:00 GMT", "2022-06-03T10:00:00+00:00"),
        ("29/06/2016", "2016-06-29T00:00:00+00:00"),
        ("06/29/2016", "2016-06-29T00:00:00+00:00"),
        ("29.6.2016 10:30", "2016-06-29T10:30:00+00:00"),
        ("04/04/2026", "2026-04-04T00:00:00+00:00"),
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


@pytest.mark.parametrize(
    "doubtful",
    [
        "03/04/2026",
        "04.11.2023",
        "3-4-2026 10:00",
        "03/04/26",
        "2022",
        "2022-06",
        "June 2022",
        "3 June",
        "2022-W22-5",
        "令和4年6月3日",
        "1. Juni 2022",
        "Fri, 3 Jun 2022 23:00 CST",  # the fourth in Chicago, the third in Shanghai
        "Fri, 3 Jun 2022 10:00 XYZ",
        "Fri, 31 Jun 2022 10:00:00 GMT",
        "2025/13/40",
        "13/13/2020",
        "3 Jun 2022 or so",
        "99999999999999",
    ],
)
def test_a_date_that_would_be_guessed_is_none(doubtful: str) -> None:
    assert moment(doubtful) is None


def test_only_web_addresses_pass() -> None:
    assert address(" /a?b=c ", "https://x.org/feed/") == "https://x.org/a?b=c"
    for bad in (
        "",
        "javascript:alert(1)",
        "https://a:b@x.org",
        "ftp://x.org",
        "https://",
        "http://[x",
        "https://x y.org/a",
    ):
        assert address(bad) == ""


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        ("https://j.example/My paper 1.pdf", "https://j.example/My%20paper%201.pdf"),
        ("https://j.example/a|b^c`d{e}", "https://j.example/a%7Cb%5Ec%60d%7Be%7D"),
        ('https://j.example/a"b<c>d', "https://j.example/a%22b%3Cc%3Ed"),
        ("https://j.example/a?cat[]=3&q=x y", "https://j.example/a?cat%5B%5D=3&q=x%20y"),
        ("https://j.example/a%20b%2Fc.pdf", "https://j.example/a%20b%2Fc.pdf"),
        ("https://j.example/100%.pdf?x=é", "https://j.example/100%.pdf?x=%C3%A9"),
        ("https://j.example/a#part 2", "https://j.example/a#part%202"),
        ("https:\\\\j.example\\a\\b?c\\d", "https://j.example/a/b?c%5Cd"),
        ("\x00 https://j.example/a\n ", "https://j.example/a"),
        ("https://münchen.example/ä", "https://xn--mnchen-3ya.example/%C3%A4"),
        ("https://doi.org/10.1/x;2-#", "https://doi.org/10.1/x;2-%23"),
        ("https://[2001:db8::1]/a", ""),
        ("https://j.example/\ud800", ""),
        ("https://mün chen.example/", ""),
    ],
)
def test_a_link_is_encoded_as_browsers_do(raw: str, wanted: str) -> None:
    assert address(raw) == wanted


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
