"""Markup in titles and abstracts: every tag goes, its text stays, and what is no tag stays whole."""

from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.collector.text.html import readable, safe_html


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        ('<p>Before</p><script type="text/javascript">if (a<b) { x("</p>") }</script><p>After</p>', "Before After"),
        ("<style>.a{color:red}</style>Text<STYLE type=x>p>a{}</STYLE > end", "Text end"),
        ("<p>A summary <script>var x = 'cut", "A summary"),
        ('<iframe src="https://x.example/v"></iframe>Text<iframe src=x>y</iframe>', "Text"),
        ("<iframe src='x'/>Text <script src='y'/>stays", "Text stays"),
        ("a<noscript><img src=x>No script</noscript><template><p>t</p></template><object>o</object>b", "ab"),
        ('<svg viewBox="0 0 1 1"><title>no</title><path d="M0 0h1v1z"/><text>no</text></svg>Drawing', "Drawing"),
        ("<!-- no --><!DOCTYPE html><html><head><title>T</title></head><body>B</body></html>", "T B"),
        ("<![CDATA[<p>in a section</p>]]> after", "in a section after"),
    ],
)
def test_what_no_page_shows_goes_with_its_text(raw: str, wanted: str) -> None:
    assert readable(raw) == wanted


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        ("<main><header>Head</header><nav>Menu</nav>Body<footer>Foot</footer></main>", "Head Menu Body Foot"),
        ("<details open><summary>More</summary>inside</details>", "More inside"),
        ("<foo>unknown</foo> <x-y z='1'>own</x-y> <a:b/>none <center>c</center>", "unknown own none c"),
        ("<table><tr><td>a</td><td>b</td></tr></table><ul><li>c<li>d</ul><dl><dt>e<dd>f</dl>", "a b c d e f"),
        ("One<br>two<BR/>three<hr>four<img src=x alt='a > b'>five<wbr>six", "One two three fourfivesix"),
        ("<p align=left>One<p>Two <font color='red' size=2>red</font>", "One Two red"),
        ('<p data-x="<b>" hidden>x <td nowrap width=5>y</p>', "x y"),
        ("<title><italic>In vivo</italic> work</title><textarea><b>t</b></textarea>", "In vivo work t"),
    ],
)
def test_every_tag_goes_and_its_text_stays(raw: str, wanted: str) -> None:
    assert readable(raw) == wanted


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        ("<p class=MsoNormal>Word<o:p></o:p> <o:p>&nbsp;</o:p></p>", "Word"),
        ('<?xml:namespace prefix = o ns = "urn:x" />Word', "Word"),
        ("<!--[if gte mso 9]><xml><w:W>q</w:W></xml><![endif]-->Word<xml><w:V>q</w:V></xml>", "Word"),
        ("<st1:place w:st='on'>Rome</st1:place>", "Rome"),
        ("<i>Listeria</i> <inline-formula><tex-math>$x^2$</tex-math></inline-formula> y", "Listeria x² y"),
        ("<jats:sec><jats:title>Aim</jats:title><jats:p>Text</jats:p></jats:sec>", "Aim Text"),
        (
            "<jats:list><jats:list-item><jats:p>a</jats:p></jats:list-item></jats:list>b<xref ref-type='x'>1</xref>",
            "a b1",
        ),
        ("<mml:math><mml:msup><mml:mi>x</mml:mi><mml:mn>2</mml:mn></mml:msup></mml:math>", "x²"),
        ("<math><msubsup><mi>y</mi><mi>i</mi><mn>2</mn></msubsup><mfrac><mi>a</mi><mi>b</mi></mfrac></math>", "yᵢ²a/b"),
        (
            "<alternatives><tex-math>\\documentclass[12pt]{minimal}\\usepackage{x}\\begin{document}$$\\alpha$$"
            "\\end{document}</tex-math><mml:math><mml:mi>α</mml:mi></mml:math></alternatives>-helix",
            "α-helix",
        ),
    ],
)
def test_office_jats_and_mathml_are_read(raw: str, wanted: str) -> None:
    assert readable(raw) == wanted


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        ("<p>Open <b>bold <i>both</p> tail", "Open bold both tail"),
        ("<div>Open <em>both tail", "Open both tail"),
        ("</p>Close</b> only</div>", "Close only"),
        ("<p>Cut in a tag <a href='https://x.org/lo", "Cut in a tag"),
        ("<b>x</b> y <b>z", "x y z"),
    ],
)
def test_tags_without_partners_go(raw: str, wanted: str) -> None:
    assert readable(raw) == wanted


@pytest.mark.parametrize(
    "raw",
    [
        "mass < 5 kg, p <0.05, a<b and c>d, 2<p<3, i<j>k, x<y and <p_T> = 3",
        "for n<m and k=3, x>2; if a<b and c=d then e>f; a <b and c> d",
        "the mean <p> grows and <x> falls",
        "Optimizing <table> layouts, or the <script> element",
        "<3 and <- and <> and < >",
    ],
)
def test_comparisons_and_names_of_tags_stay(raw: str) -> None:
    assert readable(raw) == raw


def test_comparisons_stay_beside_tags() -> None:
    raw = "<p>mass &lt; 5 kg, p<0.05 and <x> for n<sub>e</sub> &amp; <b>bold</b></p>"

    assert readable(raw) == "mass < 5 kg, p<0.05 and <x> for nₑ & bold"
    assert safe_html(raw) == "mass &lt; 5 kg, p&lt;0.05 and &lt;x&gt; for n<sub>e</sub> &amp; <b>bold</b>"


@pytest.mark.parametrize(
    "evil",
    [
        "<p a=b>",
        "<b><i>",
        "<x y='",
        "<script>",
        "<table><tr><td>",
        "<p/>",
        "<svg>",
        "<a href='https://x'>",
        "<?x",
        "<li>",
    ],
)
def test_a_hundred_thousand_tags_take_no_time(evil: str) -> None:
    start = time.process_time()

    readable(evil * (80_000 // len(evil)))

    assert time.process_time() - start < 2  # 0.1 s alone


PIECES = ["<p>", "</p>", "<b>", "</b>", "<x>", "<table>", "<td>", "<li>", "</div>", "<a href='https://x.org'>", "<h1/>"]
PIECES += ["<title>", "<plaintext>", "<body>", "</html>", "<select>", "<frameset>", "a < b", "\ufffe", "&lt;", "]]>"]


@settings(deadline=None, max_examples=200)
@given(st.lists(st.sampled_from([*PIECES, " wordy ", " wordy "]), max_size=30))
def test_no_word_between_tags_is_lost(pieces: list[str]) -> None:
    assert readable("".join(pieces)).count("wordy") == pieces.count(" wordy ")
