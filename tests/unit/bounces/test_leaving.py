"""Mails that unsubscribe: what mail programs make of the mailto of List-Unsubscribe."""

from __future__ import annotations

from base64 import b64encode
from email.message import EmailMessage
from time import process_time
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.bounces import ReportKind, read_mail
from newsletter.bounces.leaving import LeaveByMail
from newsletter.tokens import Purpose, Tokens

TOKENS = Tokens("not very secret")
LEAVE = LeaveByMail("bounces@papers.example.org", "+", TOKENS)
TOKEN = TOKENS.leaving(7)
TO = f"bounces+{TOKEN}@papers.example.org"
PLAIN = "bounces@papers.example.org"
OLD = TOKENS.sign(Purpose.UNSUBSCRIBE, 7)


def written(to: str = PLAIN, subject: str = "", text: str = "", more: str = "") -> bytes:
    return f"From: Ada <ada@example.org>\nTo: {to}\nSubject: {subject}\n{more}\n{text}\n".encode()


def leavers(data: bytes) -> set[int]:
    return LEAVE.leaving(read_mail(data).asks)


@given(st.integers(1, 2**63 - 1))
def test_the_mailto_names_its_person_in_the_address_and_in_the_subject(number: int) -> None:
    uri = urlsplit(LEAVE.mailto(number))
    address, [subject] = unquote(uri.path), parse_qs(uri.query)["subject"]

    assert len(address.partition("@")[0]) <= 64
    assert leavers(written(address, "")) == leavers(written(PLAIN, subject)) == {number}
    assert LEAVE.mailto(number) == LEAVE.mailto(number)


@pytest.mark.parametrize(
    "address", [TO, TO.upper(), f"Leave <{TO}>", TO.replace("+", "%2B"), f"a@b.org, {TO}", f"\n {TO}"]
)
def test_the_address_alone_is_enough_whatever_the_subject(address: str) -> None:
    assert leavers(written(address, "No subject", "Apple Mail sent this email.")) == {7}


@pytest.mark.parametrize(
    "subject",
    [
        f"unsubscribe {TOKEN}",
        f"unsubscribe {OLD}",
        f"UNSUBSCRIBE {TOKEN.upper()}",
        f"  Unsubscribe:   {TOKEN}  ",
        f"Re: AW: Fwd: unsubscribe {TOKEN}",
        f"[EXTERNAL] ***SPAM*** unsubscribe {TOKEN}",
        f"转发：unsubscribe {TOKEN}",
        f"unsubscribe%20{TOKEN}",
        f"unsubscribe+{TOKEN}",
        f"unsubscribe\n {TOKEN[:9]}\n {TOKEN[9:]}",
        f"unsubscribe {TOKEN} please",
        f"unsubscribe {TOKEN}.",
        f"=?utf-8?b?{b64encode(f'unsubscribe {TOKEN}'.encode()).decode()}?=",
        f"=?utf-8?q?unsubscribe?= =?utf-8?q?_{TOKEN}?=",
    ],
)
def test_the_subject_is_enough_however_it_was_mangled(subject: str) -> None:
    assert leavers(written(subject=subject)) == {7}


@pytest.mark.parametrize(
    "text",
    [
        f"unsubscribe {TOKEN}",
        f"\n\n> unsubscribe {TOKEN}",
        f">> Unsubscribe\t{TOKEN.upper()}",
        f"---------- Forwarded message ---------\nFrom: Ada\nSubject: unsubscribe {TOKEN}\nTo: {PLAIN}",
        f"> Von: Ada\n> An: <{TO}>\n> Betreff: bitte",
    ],
)
def test_the_beginning_of_the_text_is_enough_quoted_and_forwarded(text: str) -> None:
    assert leavers(written(subject="Fwd: please", text=text)) == {7}


def test_a_page_without_a_text_is_read_as_well() -> None:
    page = f"<html><body><div>unsubscribe {TOKEN}</div></body></html>"

    assert leavers(written(more="Content-Type: text/html\n", text=page)) == {7}


@pytest.mark.parametrize(
    "more",
    ["Auto-Submitted: auto-replied\n", "X-Autoreply: yes\n", "Precedence: auto_reply\n", "Return-Path: <>\n"],
)
def test_an_automatic_reply_unsubscribes_nobody(more: str) -> None:
    assert leavers(written(TO, f"Re: unsubscribe {TOKEN}", more=more)) == set()
    assert leavers(written(TO, f"Automatic reply: unsubscribe {TOKEN}")) == set()


def test_what_apple_calls_a_reply_is_a_wish_to_leave() -> None:
    marks = "Auto-Submitted: auto-replied\nX-Apple-Unsubscribe: true\n"

    assert read_mail(written(TO, "unsubscribe", more=marks)).kind is ReportKind.UNSUBSCRIBE


def test_a_report_that_carries_such_a_mail_is_no_wish_to_leave() -> None:
    report = EmailMessage()
    report["From"], report["To"] = "MAILER-DAEMON@mx.example.net", "ada@example.org"
    report["Subject"] = "Undelivered Mail Returned to Sender"
    report.set_content(f"<{TO}>: host mx said: 550 5.1.1 unknown user\n\nSubject: unsubscribe {TOKEN}\nTo: {TO}\n")

    assert read_mail(report.as_bytes()).asks == ()


@pytest.mark.parametrize(
    ("to", "subject", "text"),
    [
        (PLAIN, "Your paper", f"See https://papers.example.org/unsubscribe/{OLD}"),
        (PLAIN, "Re: 2025-W12", f"Thanks!\n> Unsubscribe: https://papers.example.org/unsubscribe/{OLD}"),
        (PLAIN, f"Undeliverable: unsubscribe {TOKEN}", ""),
        (PLAIN, "unsubscribe", "please"),
        (PLAIN, f"unsubscribe {TOKENS.return_path('2025-W12', 7)}", ""),
        (PLAIN, f"unsubscribe {TOKENS.sign(Purpose.INTERESTS, 7)}", ""),
        (PLAIN, f"unsubscribe {Tokens('another').leaving(7)}", ""),
        (PLAIN, f"unsubscribe {TOKEN[:-1]}", ""),
        (f"bounces+{TOKENS.return_path('2025-W12', 7)}@papers.example.org", "hello", ""),
    ],
)
def test_nothing_else_unsubscribes(to: str, subject: str, text: str) -> None:
    assert leavers(written(to, subject, text)) == set()


def test_without_a_delimiter_the_address_stays_as_it_is_and_without_a_mailbox_nothing_is_offered() -> None:
    assert LeaveByMail("weekly@x.org", "", TOKENS).mailto(7) == f"mailto:weekly@x.org?subject=unsubscribe%20{TOKEN}"
    assert LeaveByMail("", "+", TOKENS).mailto(7) == ""
    assert "bounces%3D" in LeaveByMail(PLAIN, "=", TOKENS).mailto(7)


@pytest.mark.parametrize("piece", ["+a2", "[", "*", "Re:", "> ", "unsubscribe ", "%20", "a2b3c4d5"])
def test_a_long_mail_costs_no_more_than_its_size(piece: str) -> None:
    long = piece * (100_000 // len(piece))
    started = process_time()
    for data in (written(long), written(subject=long), written(text=long), written(text=long.replace(" ", "\n"))):
        leavers(data)

    assert process_time() - started < 2
