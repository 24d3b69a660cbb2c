"""What a mail's HTML keeps from people who hear it: one rule a test, and none of it in our own mails."""

from __future__ import annotations

import pytest

from newsletter.engine import Engine
from newsletter.renderer.accessibility import access_faults
from newsletter.renderer.html_outline import outline
from newsletter.web.mail_parts import parts

GOOD = '<html lang="en" dir="ltr"><head><title>A mail</title></head><body><h1>One</h1>{}</body></html>'


def told(body: str, page: str = GOOD) -> list[str]:
    found = access_faults(outline(page.replace("{}", body)))
    return [f"{each.line} {each.severity}: {each.text}" for each in found]


def test_a_page_that_says_all_has_no_findings() -> None:
    assert told('<h2>Two</h2><a href="https://x.org"><img src="a.png" alt="A whale"></a>') == []


def test_our_own_mail_has_no_findings(weekly: Engine) -> None:
    person = weekly.store.subscribers.find("bob@example.org")
    prepared = weekly.editions.prepared("2025-W12")

    assert access_faults(outline(parts(prepared.render_mail(weekly.editions.edition(prepared, person))).html)) == ()


def test_a_page_names_its_language_direction_and_title() -> None:
    assert told("", "<html><body><h1>One</h1></body></html>") == [
        "0 error: the page has no lang: nobody knows in which language to read it out",
        "0 error: the page has no title",
        "0 warning: the page has no dir: it may be laid out the wrong way round",
    ]


@pytest.mark.parametrize(
    ("body", "finding"),
    [
        ('\n<img src="a.png">', '2 error: the image a.png has no alt: say what it shows, or alt=""'),
        ("<h3>Three</h3>", "1 warning: h3 'Three' follows h1: a level is left out"),
        ("<h2> </h2>", "1 error: an h2 has no words"),
        ('<a href="https://x.org"><img src="a.png" alt=""></a>', "1 error: the link to https://x.org has no words"),
        ("<table><tr><td>", '1 error: a table that only lays out needs role="presentation"'),
        ('<p id="a"></p><p id="a"></p>', "1 warning: the id 'a' stands there twice"),
        (
            '<a href="/one">Read</a> <a href="/two">read</a>',
            "1 warning: 'Read' leads to several places below one heading",
        ),
    ],
)
def test_each_rule_tells_its_line(body: str, finding: str) -> None:
    assert told(body)[0] == finding


def test_a_page_without_an_h1_is_told() -> None:
    assert told("", GOOD.replace("<h1>One</h1>", "<h2>One</h2>")) == ["0 warning: there is no h1"]


@pytest.mark.parametrize(
    "body",
    [
        '<a href="/one">Read</a><h2>Two</h2><a href="/two">Read</a>',
        '<a href="/one" aria-label="Read one">Read</a><a href="/two" aria-label="Read two">Read</a>',
        '<table role="presentation"><tr><td>',
        "<table><caption>Numbers</caption><tr><td>",
        "<table><tr><th>Number</th>",
        '<div aria-hidden="true"><img src="a.png"></div>',
        '<div style="display: none"><img src="a.png"></div>',
        "<!--[if mso]><table><tr><td><![endif]-->",
        '<a name="top"></a>',
    ],
)
def test_what_is_right_is_not_told(body: str) -> None:
    assert told(body) == []


def test_the_preheader_is_the_text_that_is_not_displayed() -> None:
    page = GOOD.replace(
        "<h1>", '<div style="display:none">Also: whales&#8199;&#847; </div><p aria-hidden="true">W</p><h1>'
    )

    assert outline(page).preheader == "Also: whales"


def test_what_is_broken_is_read_as_far_as_it_goes() -> None:
    page = outline('</div><h1>One<a href="x">two</p></table><td>')

    assert [heading.words for heading in page.headings] == ["Onetwo"]
