"""Headers and parts, judged by the standard library."""

from __future__ import annotations

from dataclasses import replace
from email import message_from_bytes, policy
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.errors import ConfigError, InputError, TemplateError
from newsletter.renderer.mime import Envelope, check_lines, has_dot_line, list_headers
from newsletter.renderer.sanitize import tidy, tidy_masthead
from newsletter.testing import NOON, WEEK_12, make_subscriber
from newsletter.types import Links, Masthead

MASTHEAD = Masthead(
    name="The Weekly Preprint",
    sender="The Weekly Preprint <weekly@papers.example.org>",
    reply_to="desk@papers.example.org",
    list_id="weekly.papers.example.org",
)
PARTS = [b"text\r\n"], [b"<p>html</p>"]
LINK = "https://papers.example.org/s/" + "x" * 300
LINKS = Links(LINK + "/v", LINK + "/i", LINK + "/u", "mailto:u@papers.example.org?subject=" + "y" * 90, LINK + "/f")


def sealed(name: str = "Ada", subject: str = "Papers", masthead: Masthead = MASTHEAD, headers: bytes = b"") -> bytes:
    subscriber = make_subscriber(name, email="ada@example.org")
    envelope = Envelope(tidy_masthead(masthead))
    return envelope.seal(subscriber, subject, "<w12.1@papers.example.org>", NOON, PARTS, headers).body


def read(body: bytes) -> EmailMessage:
    mail = message_from_bytes(body, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    assert not any(part.defects for part in mail.walk())
    assert not any(value.defects for part in mail.walk() for value in part.values())
    return mail


@pytest.mark.parametrize("name", ["", "Ada"])
def test_a_local_part_with_dots_in_odd_places_stands_in_quotes(name: str) -> None:
    reader = make_subscriber(name or "x", email="a..b.@docomo.example")
    mail = Envelope(MASTHEAD).seal(replace(reader, name=name), "S", "<1@x.org>", NOON, PARTS)

    assert b'"a..b."@docomo.example' in mail.body
    assert read(mail.body)["To"].addresses[0].username == "a..b."
    assert mail.recipient == "a..b.@docomo.example"


@pytest.mark.parametrize(
    "name",
    [
        "Ada Lovelace",
        "Amélie Fournier",
        "李思远",
        "Ada 🧑‍🔬🎉",
        'Ada "the Countess" Lovelace, Dr. \\ (A)',
        "=?utf-8?q?x?=",
        "Zoë Müller-Łukasiewicz y Núñez Ibáñez",
        "a, b; <c@d.org>",
    ],
)
def test_names_come_back_as_they_went(name: str) -> None:
    address = read(sealed(name))["To"].addresses[0]

    assert address.display_name == name.strip()
    assert address.addr_spec == "ada@example.org"


def test_a_name_of_several_encoded_words_is_whole_but_for_the_blanks_that_python_3_11_adds() -> None:
    address = read(sealed("李思远" * 9))["To"].addresses[0]

    assert address.display_name.replace(" ", "") == "李思远" * 9


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=90), st.text(min_size=1, max_size=110))
def test_any_name_and_subject_make_a_mail_without_defects(name: str, subject: str) -> None:
    body = sealed(name, subject)

    mail = read(body)
    assert mail["Subject"].strip() == tidy(subject, 900)
    assert len(mail.keys()) == len(read(sealed()).keys())
    assert b"\n" not in body.replace(b"\r\n", b"")
    assert max(map(len, body.split(b"\r\n"))) <= 78


@pytest.mark.parametrize(
    "text", ["x\r\nBcc: eve@example.org", "x\nBcc: eve", "x\rBcc: eve", "x\x00\x0b\x0c\u2028Bcc: e"]
)
def test_a_line_end_in_a_name_or_subject_makes_no_header(text: str) -> None:
    mail = read(sealed(text, text, Masthead(name=text, sender="A <a@papers.example.org>", list_id="a.b\r\nBcc: c")))

    assert "Bcc" not in mail


def test_a_mail_has_the_headers_of_a_machine() -> None:
    mail = read(sealed())

    assert mail["From"] == "The Weekly Preprint <weekly@papers.example.org>"
    assert mail["Reply-To"] == "desk@papers.example.org"
    assert mail["Date"].datetime == NOON
    assert mail["Message-ID"] == "<w12.1@papers.example.org>"
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["X-Auto-Response-Suppress"] == "All"
    assert mail["Content-Language"] == "en"


def test_a_mail_names_its_language_or_else_the_newsletters() -> None:
    envelope, ada = Envelope(MASTHEAD), make_subscriber(email="ada@example.org")

    german = envelope.seal(ada, "Neues", "<1@papers.example.org>", NOON, PARTS, language="de\r\nX: y")
    assert read(german.body)["Content-Language"] == "de-X-y"
    assert read(sealed())["Content-Language"] == "en"


def test_a_list_has_its_own_headers() -> None:
    headers = Envelope(MASTHEAD).issue_headers(WEEK_12) + list_headers(LINKS)
    mail = read(sealed(headers=headers))

    assert mail["List-Id"] == "The Weekly Preprint <weekly.papers.example.org>"
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert mail["List-Help"] == f"<{LINKS.interests}>"
    assert mail["Precedence"] == "bulk"
    assert mail["Feedback-ID"] == "2025-W12:weekly:edition:weekly.papers.example.org"


def test_long_links_are_neither_encoded_nor_folded() -> None:
    lines = list_headers(LINKS).split(b"\r\n")

    assert lines[0] == b"List-Unsubscribe: <%b>," % LINKS.unsubscribe.encode()
    assert lines[1] == b" <%b>" % LINKS.unsubscribe_mailto.encode()


def test_one_click_needs_a_web_link() -> None:
    headers = list_headers(Links("", "", "", "mailto:u@papers.example.org", ""))

    assert headers == b"List-Unsubscribe: <mailto:u@papers.example.org>\r\n"


def test_a_list_without_an_id_has_none() -> None:
    headers = Envelope(Masthead(name="N", sender="weekly@papers.example.org")).issue_headers(WEEK_12)

    assert b"List-Id" not in headers
    assert b"Feedback-ID: 2025-W12:weekly:edition:papers.example.org\r\n" in headers


def test_the_text_comes_first() -> None:
    mail = read(sealed())

    assert mail.get_content_type() == "multipart/alternative"
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]


def test_a_sender_that_is_no_address_is_a_matter_of_configuration() -> None:
    with pytest.raises(ConfigError, match=r"newsletter\.sender"):
        Envelope(Masthead(name="N", sender="nobody"))


@pytest.mark.parametrize("email", ["a@b\r\nBcc: c@d", "é@x.org", "a b@c.org", "a@b, c@d", ""])
def test_what_is_no_address_goes_into_no_header(email: str) -> None:
    with pytest.raises(InputError):
        Envelope(MASTHEAD).seal(make_subscriber(email=email), "S", "<a@b>", NOON, PARTS)


def test_a_line_that_is_too_long_for_mail_is_refused() -> None:
    with pytest.raises(TemplateError, match="999 bytes"):
        check_lines(b"a\r\n" + b"x" * 999)


@given(st.lists(st.sampled_from([b"\r\n", b".", b"a", b"\n", b"xyz."]), max_size=12).map(b"".join))
def test_lines_that_begin_with_a_dot_are_found(body: bytes) -> None:
    assert has_dot_line(body) == (body.startswith(b".") or b"\n." in body)


def test_a_mail_says_whether_it_can_go_out_as_it_is() -> None:
    envelope, reader = Envelope(tidy_masthead(MASTHEAD)), make_subscriber()

    for html in (b"<p>.5</p>", b"<p>\r\n.5</p>"):
        mail = envelope.seal(reader, "Papers", "<1@x.org>", NOON, ([b"text\r\n"], [html]))
        assert mail.sealed == (b"\n." not in mail.body)
