"""The wire lint finds what it is there for: each rule, broken in a mail that keeps all others."""

from __future__ import annotations

import pytest
from test_dkim import rendered, signed
from wirelint import violations

from newsletter.types import Mail


@pytest.fixture
def mail() -> Mail:
    return rendered("Zoë", "On kettles " * 9)


def test_a_mail_of_ours_keeps_all_rules(mail: Mail) -> None:
    assert violations(mail.body) == []
    assert violations(signed(mail)) == []


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        (b"Subject: ", b"Subject: a\r\nSubject: ", "5322 3.6"),
        (b"Message-ID: <", b"Message-ID: <a b", "5322 3.6.4"),
        (b"+0000\r\n", b"\r\n", "5322 3.3"),
        (b"Auto-Submitted: auto-generated\r\n", b"", "3834"),
        (b"To: ", b'To: "=?utf-8?q?x?=" <a@example.org>, ', "2047 5"),
        (b"To: ", b"To: =?utf-8?b?" + b"YWFh" * 20 + b"?= <a@example.org>, ", "2047 2"),
        (b"To: ", b"To: =?utf-8?b?w6k=?= =?utf-8?b?ww==?= <a@example.org>, ", "2047 5"),
        (b"MIME-Version: 1.0\r\n", b"", "2045 4"),
        (b"multipart/alternative", b"multipart/mixed", "2046 5.1.4"),
        (b"Content-Type: text/plain; charset=utf-8", b"Content-Type: text/plain", "2045 5.2"),
        (b"quoted-printable\r\n\r\n", b"quoted-printable\r\n\r\n" + b"x" * 80, "2045 6.7"),
        (b"quoted-printable\r\n\r\n", b"quoted-printable\r\n\r\n=zz", "2045 6.7"),
        (b"<html", b"<html\n", "5322 2.3"),
        (b"<html", b"\xc3\xa9<html", "2045 2.7"),
        (b"<html", b"x" * 1000 + b"<html", "5322 2.1.1"),
        (b"List-Id: ", b"List-Id: x <papers.example.org:25> ", "2919"),
        (b"List-Unsubscribe: <", b"List-Unsubscribe: <https://other.example.org>, <", "8058"),
        (b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n", b"", "8058"),
        (b"List-Unsubscribe: <", b"List-Unsubscribe: =?utf-8?q?<", "2369"),
        (b"List-Post: NO", b"List-Post: yes", "2369 3.4"),
    ],
)
def test_each_broken_rule_is_named(mail: Mail, old: bytes, new: bytes, rule: str) -> None:
    assert old in mail.body

    assert any(rule in found for found in violations(mail.body.replace(old, new, 1)))


@pytest.mark.parametrize(
    ("name", "fine"),
    [(b'"a <b> \\" c" ', True), (b"a b ", True), (b"a <b> ", False), (b'"a <b> ', False)],
)
def test_the_name_of_a_list_may_have_angles_in_quotes(mail: Mail, name: bytes, fine: bool) -> None:
    head, _, rest = mail.body.partition(b"List-Id: ")

    found = violations(head + b"List-Id: " + name + rest[rest.index(b"<") :])

    assert any("2919" in each for each in found) != fine


@pytest.mark.parametrize(
    ("old", "new", "rule"),
    [
        (b"List-Unsubscribe:List-Unsubscribe-Post:", b"List-Unsubscribe:", "is not signed"),
        (b"c=relaxed/simple", b"c=relaxed/simple; l=9", "8301"),
        (b"c=relaxed/simple", b"c=simple/simple", "8301"),
        (b":From;", b";", "8.15"),
    ],
)
def test_a_weak_signature_is_named(mail: Mail, old: bytes, new: bytes, rule: str) -> None:
    body = signed(mail)
    joined = body.replace(b":\r\n ", b":")
    assert old in joined

    assert any(rule in found for found in violations(joined.replace(old, new, 1)))
