"""What Gmail, Outlook, Apple Mail and Yahoo cannot show of our mails is known, and harmless there (acceptance 3)."""

from __future__ import annotations

import re
from typing import NamedTuple

import pytest
from caniemail import findings, read_features
from specimens import specimens

from newsletter.engine import Engine
from newsletter.testing import MemoryTransport
from newsletter.web.mail_parts import parts

FEATURES = read_features()


class Harmless(NamedTuple):
    """Why a feature may be used although some programs do not have all of it."""

    reason: str
    never: str = ""  #: a pattern of the use that would not be harmless


NO_STYLE = "a mail without any <style> is whole: everything that matters stands inline; the rest refines it"
NO_NAME = "a hint for screen readers, of which the words beside it do not depend"
DARK = "where it is not known the mail stays light, or the program darkens it in its own way"
HIDDEN = "one of the ways by which the preview line is hidden, each of which would do"
DIRECTION = "sides and text-align say the same, and programs guess the direction of a text by its letters"

HARMLESS = {
    "css-at-media": Harmless(NO_STYLE, r"@media[^{]*(height|orientation|resolution|\bor\b|\bnot\b)"),
    "css-at-media-prefers-color-scheme": Harmless(DARK),
    "css-background": Harmless("only ever one colour", r"background:[^;\"}]*[(/,]"),
    "css-border": Harmless(
        "a line above a card and the bar of a reason, thin ones; where Word leaves the bar away the sheet remains",
        r"border(-(top|right|bottom|left))?:(9|\d\d)",
    ),
    "css-border-radius": Harmless("Word's corners are square; none is elliptic", r"border-radius:[^;\"}]*/"),
    "css-border-spacing": Harmless("cellspacing says the same"),
    "css-color-scheme": Harmless(DARK),
    "css-cursor": Harmless("auto is what they do without it", r"cursor:(?!auto)"),
    "css-direction": Harmless(DIRECTION),
    "css-display": Harmless(
        "block and inline-block: Word takes the tables instead, and draws a topic as a word on its colour",
        r"display:(?!none|block|inline-block)",
    ),
    "css-display-none": Harmless(
        "hides the preview line, which is text alone and has no height where it is shown",
        r"<(img|table|td)\b[^>]*display:none",
    ),
    "css-font-size": Harmless("in px alone", r"font-size:(?!\d+px)"),
    "css-font-weight": Harmless("normal or bold", r"font-weight:(?!700|normal|bold)"),
    "css-height": Harmless(
        "the mark is a cell; pictures are auto; a spacer has its height by its line, too",
        r"<(p|span|body)\b[^>]*[;\"]height:",
    ),
    "css-important": Harmless(
        "written in small letters after a space, in <style> alone", r"\S!important|!IMPORTANT|style=\"[^\"]*!important"
    ),
    "css-letter-spacing": Harmless("a third of a pixel, in two titles", r"letter-spacing:(?!-0?\.\d+px)"),
    "css-line-height": Harmless("Word's lines stand a little further apart"),
    "css-margin": Harmless("none is negative; Word centres by the tables", r"margin[a-z-]*:[^;\"}]*-\d"),
    "css-max-height": Harmless(HIDDEN),
    "css-max-width": Harmless("Word has tables of that width", r"<table\b[^>]*max-width"),
    "css-opacity": Harmless(HIDDEN, r"opacity:(?!0\b)"),
    "css-outline": Harmless("none, around pictures, where Word draws none", r"outline:(?!none)"),
    "css-overflow": Harmless(HIDDEN, r"overflow:(?!hidden)|overflow-(block|inline)"),
    "css-overflow-wrap": Harmless("cells have word-break, too; only a word longer than a line is concerned"),
    "css-padding": Harmless("where Word has no room around a word or a paragraph it stands closer"),
    "css-pseudo-class-hover": Harmless("a title is a link without a line under the mouse, too"),
    "css-selector-attribute": Harmless(
        "data-ogsc and data-ogsb, which only Outlook's web and apps ever set", r"\[(?!data-ogs[bc]\] )"
    ),
    "css-selector-child": Harmless(NO_STYLE),
    "css-selector-class": Harmless(NO_STYLE),
    "css-selector-descendant": Harmless(NO_STYLE),
    "css-selector-grouping": Harmless(NO_STYLE),
    "css-selector-id": Harmless("#outlook, which only old Outlooks set", r"#(?!outlook)[a-z-]+[^;}]*\{"),
    "css-selector-type": Harmless(NO_STYLE),
    "css-text-align": Harmless("left, right and center", r"text-align:(start|end)"),
    "css-text-decoration": Harmless("a link with or without its line", r"text-decoration:[^;\"}]*(overline| [a-z])"),
    "css-text-transform": Harmless("none, against what a program might do to a button", r"text-transform:(?!none)"),
    "css-width": Harmless(
        "Word takes the attribute of a table, a cell or a picture", r"<(p|span|body)\b[^>]*[;\"]width:"
    ),
    "css-word-break": Harmless("only a word longer than a line is concerned"),
    "css-word-spacing": Harmless("normal, as it is without it", r"word-spacing:(?!normal)"),
    "html-align": Harmless("tables are centred", r"<table\b[^>]*align=\"(left|right)"),
    "html-aria-hidden": Harmless("one letter, the mark, is read out before the name that it begins"),
    "html-aria-label": Harmless(NO_NAME),
    "html-bdi": Harmless("names of authors, whose order only the mixing of directions could disturb"),
    "html-body": Harmless("the <div> in it has the same colour"),
    "html-dir": Harmless(DIRECTION, r"<a\b[^>]*\bdir="),
    "html-doctype": Harmless("the rest is written for old rules, too: tables and inline styles"),
    "html-height": Harmless("in pixels", r"\bheight=\"[^\"]*%"),
    "html-lang": Harmless("stands on the page and on the <div> in it", r"<td\b[^>]*\blang="),
    "html-meta-color-scheme": Harmless(DARK),
    "html-role": Harmless(NO_NAME),
    "html-style": Harmless(NO_STYLE, r"<body[\s\S]*<style"),
    "html-target": Harmless("_blank is what they do without it", r"target=\"(?!_blank)"),
    "html-width": Harmless("pictures in pixels, tables in per cent", r"<img\b[^>]*\bwidth=\"[^\"]*%"),
}
#: One for each pattern, at least.
HARMS = (
    *("@media (orientation:landscape){", "background:url(a.png)", "border-top:12px solid", "border-radius:9px/5px"),
    *("cursor:help", "display:flex", '<td style="display:none">', "font-size:2rem", "font-size:smaller"),
    *("font-weight:450", '<p style="height:9px">', "margin:0!important", 'style="margin:0 !important"'),
    *("letter-spacing:2px", "margin:0 -9px", '<table style="max-width:9px">', "opacity:.5", "outline:1px solid"),
    *("overflow:scroll", "td[class] {", "#top {", "text-align:start", "text-decoration:underline dotted"),
    *("text-transform:lowercase", '<span style="width:9px">', "word-spacing:9px", '<table align="left">'),
    *('<a dir="rtl">', '<img height="90%">', '<td lang="de">', "<body><style>", '<a target="_top">'),
    '<img width="50%">',
)


@pytest.fixture
def mails(engine: Engine, transport: MemoryTransport) -> dict[str, str]:
    """The HTML parts."""
    return {name: parts(mail).html for name, mail in specimens(engine, transport).items()}


def told(slug: str) -> str:
    feature = FEATURES[slug]
    clients = ", ".join(f"{client} {letter}" for client, letter in feature.lacking.items())
    return "\n  ".join([f"{slug}: {clients}", *feature.notes])


def for_all(html: str) -> str:
    """What is not for Outlook alone, with its CSS as tight as that of a style attribute."""
    return re.sub(r"(?<=[:;,]) +", "", re.sub(r"<!--.*?-->", "", html, flags=re.DOTALL))


def test_whatever_a_program_does_not_have_in_full_is_harmless_there(mails: dict[str, str]) -> None:
    used = {slug for html in mails.values() for slug in findings(html, FEATURES)}

    assert not [told(slug) for slug in sorted(used - HARMLESS.keys())]
    assert not HARMLESS.keys() - used, "no mail uses these any more"


def test_nothing_is_used_in_the_way_that_would_do_harm(mails: dict[str, str]) -> None:
    for name, html in mails.items():
        for slug, (_, never) in HARMLESS.items():
            used = re.search(f".{{0,40}}(?:{never}).{{0,40}}", for_all(html)) if never else None
            assert not used, f"{name}: {used[0]}\n{told(slug)}"


def test_every_harm_would_be_seen() -> None:
    patterns = {slug: each.never for slug, each in HARMLESS.items() if each.never}
    seen = {(slug, harm) for slug, never in patterns.items() for harm in HARMS if re.search(never, harm)}

    assert {slug for slug, _ in seen} == patterns.keys()
    assert {harm for _, harm in seen} == {*HARMS}


@pytest.mark.parametrize(
    ("html", "slug"),
    [
        ('<p style="display:grid">', "css-display-grid"),
        ("<style>@media (max-width: 9px) { p { position: fixed } }</style>", "css-position"),
        ("<video src=a.mp4></video>", "html-video"),
        ("<style>a:focus { color: rgb(0 0 0 / 50%) }</style>", "css-pseudo-class-focus"),
        ("<style>p { a { color: red } }</style>", "css-nesting"),
        ("<style>p + p { width: min(9px, 2rem) }</style>", "css-selector-adjacent-sibling"),
        ("<style>p + p { width: min(9px, 2rem) }</style>", "css-function-min"),
        ("<style>p + p { width: min(9px, 2rem) }</style>", "css-unit-rem"),
        ("<style>p::before { color: var(--ink) }</style>", "css-pseudo-element-before"),
        ("<style>p::before { color: var(--ink) }</style>", "css-variables"),
        ("<style>@font-face { font-family: x; src: url(x.woff) }</style>", "css-at-font-face"),
        ("<style>@media (hover) { p { margin-top: 0 } }</style>", "css-at-media-hover"),
        ('<p style="margin-top:-4px">', "css-margin"),
        ('<form><input type="text" required></form>', "html-required"),
        ('<a href="#top">', "html-anchor-links"),
    ],
)
def test_what_programs_lack_is_found(html: str, slug: str) -> None:
    assert slug in findings(html, FEATURES)


def test_what_stands_in_a_comment_for_outlook_alone_is_nobody_elses_business() -> None:
    assert not findings('<!--[if mso]><video style="display:grid"></video><![endif]-->', FEATURES)
