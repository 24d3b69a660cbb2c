"""The links of a mail: what they are for and what is wrong with them."""

from __future__ import annotations

import pytest

from newsletter.renderer.html_outline import outline
from newsletter.web.mail_parts import Parts
from newsletter.web.preview.links import MailLink, base_url_faults, mail_links

BASE = "https://papers.lab.net/news"


def found(html: str = "", text: str = "", headers: str = "", base_url: str = BASE) -> dict[str, MailLink]:
    parts = Parts("", headers, html, text, len(html))
    return {link.url: link for link in mail_links(parts, outline(html), base_url)}


@pytest.mark.parametrize(
    ("url", "purpose", "ours"),
    [
        (BASE, "start", True),
        (f"{BASE}/", "start", True),
        (f"{BASE}/view/abc", "view in a browser", True),
        (f"{BASE}/interests/abc", "interests", True),
        (f"{BASE}/unsubscribe/abc", "unsubscribe", True),
        (f"{BASE}/feedback/abc/more/arxiv%3A1", "more like this", True),
        (f"{BASE}/feedback/abc/less/arxiv%3A1", "fewer like this", True),
        (f"{BASE}/feedback/abc/save/arxiv%3A1", "save", True),
        (f"{BASE}/2401.00001", "outside", False),
        (f"{BASE}er/view/abc", "outside", False),
        ("https://arxiv.org/abs/1", "outside", False),
        ("mailto:weekly@lab.net?subject=unsubscribe", "mail", False),
    ],
)
def test_each_link_says_what_it_is_for(url: str, purpose: str, ours: bool) -> None:
    [link] = found(f'<a href="{url}">words</a>').values()

    assert (link.purpose, link.ours) == (purpose, ours)
    assert link.askable == (purpose == "outside")
    assert link.faults == ()


def test_an_address_comes_once_with_all_its_words_and_places() -> None:
    html = f'<a href="{BASE}/interests/a">Edit</a><a href="{BASE}/interests/a">Edit your interests</a>'
    headers = f"Subject: x\nList-Unsubscribe: <https://x.org/u>,\n <mailto:a@x.org>\nList-Help: <{BASE}/interests/a>"

    links = found(html, f"Edit:\n  {BASE}/interests/a\nRead (https://x.org/a).", headers)

    assert links[f"{BASE}/interests/a"].words == ("Edit", "Edit your interests")
    assert links[f"{BASE}/interests/a"].places == ("html", "text", "headers")
    assert [*links] == [f"{BASE}/interests/a", "https://x.org/a", "https://x.org/u", "mailto:a@x.org"]


@pytest.mark.parametrize(
    ("url", "fault"),
    [
        ("", "is empty"),
        (" ", "is empty"),
        ("#top", "leads to a place in the mail, which many mail programs cannot"),
        ("/view/abc", "is relative, and a mail has no address"),
        ("javascript:alert(1)", "is no address on the web: javascript:"),
        ("FTP://x.org/a", "is no address on the web: ftp:"),
        ("http://x.org/a", "write https:"),
    ],
)
def test_what_is_wrong_with_a_link_is_told(url: str, fault: str) -> None:
    assert found(f'<a href="{url}">words</a>')[url].faults == (fault,)


def test_links_of_the_same_words_that_lead_elsewhere_are_told() -> None:
    links = found(
        '<a href="https://x.org/1">Read</a><a href="https://x.org/2">Read</a><a href="https://x.org/3">Code</a>'
    )

    assert [bool(link.faults) for link in links.values()] == [True, True, False]


def test_an_image_is_told_apart() -> None:
    [link] = found('<img src="https://x.org/a.png" alt="A whale">').values()

    assert (link.purpose, link.words) == ("image", ("A whale",))


@pytest.mark.parametrize(
    ("base_url", "fault"),
    [
        ("", "base_url is not set"),
        ("http://localhost:8000", "only this machine or network can open"),
        ("http://127.0.0.1:8000", "only this machine or network can open"),
        ("https://10.1.2.3", "only this machine or network can open"),
        ("https://[::1]", "only this machine or network can open"),
        ("https://wiki", "only this machine or network can open"),
        ("https://papers.local", "only this machine or network can open"),
        ("https://papers.example.org", "a name for examples that nobody can open"),
        ("https://example.com", "a name for examples that nobody can open"),
        ("http://papers.lab.net", "write https:"),
    ],
)
def test_a_base_url_that_readers_cannot_open_is_told(base_url: str, fault: str) -> None:
    [told] = base_url_faults(base_url)

    assert fault in told


@pytest.mark.parametrize("base_url", ["https://papers.lab.net", "https://papers.lab.net/news", "https://93.184.216.34"])
def test_a_good_base_url_is_not(base_url: str) -> None:
    assert base_url_faults(base_url) == ()
