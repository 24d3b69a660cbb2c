"""Reports on mails of ours, as mail systems write them: for tests of what comes back."""

from __future__ import annotations

import json
from email import message_from_bytes
from pathlib import Path

from newsletter.types import Mail

SAMPLES = Path(__file__).parents[1] / "data" / "bounces"


def truth(folder: Path) -> list[dict[str, object]]:
    """What the samples of a folder say: a line a file."""
    return [json.loads(line) for line in (folder / "truth.jsonl").read_text("utf-8").splitlines()]


def bounce(mail: Mail, said: str = "550 5.1.1 user unknown", action: str = "failed", recipient: str = "") -> bytes:
    """The report of a mail server that took `mail` and could not deliver it."""
    status = next((word for word in said.split() if word[:2] in ("4.", "5.")), "5.0.0")
    return f"""Return-Path: <>
From: Mail Delivery System <MAILER-DAEMON@mx.example.net>
To: {mail.sender}
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

<{recipient or mail.recipient}>: host in.example.net said: {said}

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example.net

Final-Recipient: rfc822; {recipient or mail.recipient}
Action: {action}
Status: {status}
Diagnostic-Code: smtp; {said}

--b
Content-Type: text/rfc822-headers

{headers(mail)}
--b--
""".encode()


def complaint(mail: Mail, recipient: str, kind: str = "abuse") -> bytes:
    """The feedback report of a provider whose reader called `mail` spam; `recipient` may be hidden."""
    named = f"Original-Rcpt-To: {recipient}\n" if recipient else ""
    return f"""Return-Path: <fbl@provider.example>
From: Feedback <feedback@provider.example>
To: abuse@papers.example.org
Subject: FW: a mail
Content-Type: multipart/report; report-type=feedback-report; boundary="a"

--a
Content-Type: text/plain

This is a report.

--a
Content-Type: message/feedback-report

Feedback-Type: {kind}
User-Agent: FBL/1.0
Version: 1
{named}
--a
Content-Type: text/rfc822-headers

{headers(mail).replace(mail.recipient, "redacted")}
--a--
""".encode()


def headers(mail: Mail) -> str:
    """Of a mail, as a server gives them back."""
    message = message_from_bytes(mail.body)
    lines = [f"Return-Path: <{mail.sender}>", *(f"{name}: {value}" for name, value in message.items())]
    return "\n".join(lines).replace("\r\n", "\n")
