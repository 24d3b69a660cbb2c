"""What Brevo, Mailjet, SparkPost and Resend say, and what all providers say of those to whom they send nothing more."""

from __future__ import annotations

import base64
import hashlib
import hmac
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from newsletter.bounces import Effect, ReportKind
from newsletter.bounces.providers import read_hook
from newsletter.bounces.signatures import by_password, by_svix

ADA = "ada@example.net"
LEFT = ("unsubscribe", "unsubscribe", "leaves")
SPAM = ("complaint", "feedback", "complains")
LISTED = ("bounce", "suppressed", "counts")
GONE = ("bounce", "userunknown", "bounces")
UNTOLD = ("bounce", "onhold", "nothing")


def told(provider: str, value: Any) -> list[tuple[str, str, str]]:
    """(kind, reason, effect) of all that a call says of Ada."""
    reports = read_hook(provider, value)
    assert {one.recipient for report in reports for one in report.recipients} <= {ADA}
    return [(report.kind.value, one.reason.value, one.effect.value) for report in reports for one in report.recipients]


def mailgun(event: str, code: int = 0, reason: str = "") -> dict[str, Any]:
    status = {"code": code, "message": "Not delivering to a suppressed address"}
    inner = {"event": event, "severity": "permanent", "reason": reason, "id": "e1", "delivery-status": status}
    return {"event-data": {**inner, "recipient": ADA}}


@pytest.mark.parametrize(
    ("event", "code", "reason", "expected"),
    [
        ("unsubscribed", 0, "", LEFT),
        ("failed", 605, "", LISTED),
        ("failed", 606, "", LEFT),
        ("failed", 607, "", SPAM),
        ("failed", 0, "suppress-bounce", LISTED),
        ("failed", 600, "suppress-unsubscribe", LEFT),
        ("failed", 0, "suppress-complaint", SPAM),
    ],
)
def test_mailgun_tells_to_whom_it_sends_nothing_more(
    event: str, code: int, reason: str, expected: tuple[str, str, str]
) -> None:
    assert told("mailgun", mailgun(event, code, reason)) == [expected]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        ({"event": "unsubscribe"}, [LEFT]),
        ({"event": "group_unsubscribe", "asm_group_id": 10}, [LEFT]),
        ({"event": "group_resubscribe", "asm_group_id": 10}, []),
        ({"event": "dropped", "reason": "Spam Reporting Address"}, [SPAM]),
        ({"event": "dropped", "reason": "Unsubscribed Address"}, [LEFT]),
        ({"event": "dropped", "reason": "Bounced Address"}, [LISTED]),
        ({"event": "dropped", "reason": "Invalid"}, [LISTED]),
        ({"event": "dropped", "reason": "Invalid SMTPAPI header"}, [UNTOLD]),
        ({"event": "dropped", "reason": "Recipient List over Package Quota"}, [UNTOLD]),
        ({"event": "bounce", "type": "Blocked", "reason": "550 5.1.1 unknown user"}, [(*GONE[:2], "nothing")]),
        ({"event": "bounce", "type": "bounce", "bounce_classification": "Invalid Address"}, [GONE]),
    ],
)
def test_sendgrid_tells_to_whom_it_sends_nothing_more(
    event: dict[str, Any], expected: list[tuple[str, str, str]]
) -> None:
    assert told("sendgrid", [{"email": ADA, "sg_event_id": "e1", **event}]) == expected


@pytest.mark.parametrize(
    ("reason", "origin", "expected"),
    [
        ("ManualSuppression", "Recipient", LEFT),
        ("ManualSuppression", "Customer", LISTED),
        ("SpamComplaint", "Recipient", SPAM),
        ("HardBounce", "Recipient", LISTED),
    ],
)
def test_postmark_tells_whom_it_suppresses(reason: str, origin: str, expected: tuple[str, str, str]) -> None:
    change = {"RecordType": "SubscriptionChange", "MessageStream": "broadcast", "Recipient": ADA, "Origin": origin}

    assert told("postmark", {**change, "SuppressSending": True, "SuppressionReason": reason}) == [expected]
    assert told("postmark", {**change, "SuppressSending": False, "SuppressionReason": None}) == []


def brevo(event: str, reason: str = "") -> dict[str, Any]:
    more = {"id": 23, "date": "2025-03-17 09:00:00", "ts_event": 1742198400, "message-id": "<1@smtp-relay.example>"}
    return {"event": event, "email": ADA, "reason": reason, **more}


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (brevo("hard_bounce", "550 5.1.1 <ada@example.net>: user unknown"), GONE),
        (brevo("hard_bounce", "554 5.7.1 rejected by policy"), ("bounce", "policyviolation", "nothing")),
        (brevo("hard_bounce"), ("bounce", "filtered", "counts")),
        (brevo("soft_bounce", "552 5.2.2 mailbox full"), ("bounce", "mailboxfull", "nothing")),
        (brevo("invalid_email"), GONE),
        (brevo("blocked", "blocked : due to blacklist user"), LISTED),
        (brevo("deferred", "421 4.7.0 try again later"), ("bounce", "systemerror", "nothing")),
        (brevo("spam"), SPAM),
        (brevo("unsubscribed"), LEFT),
    ],
)
def test_brevo_tells(event: dict[str, Any], expected: tuple[str, str, str]) -> None:
    assert told("brevo", event) == [expected]
    assert told("brevo", brevo("opened")) == []


def test_two_events_of_brevo_are_two_though_the_number_of_the_hook_is_in_both() -> None:
    [first], [second] = read_hook("brevo", brevo("soft_bounce", "a")), read_hook("brevo", brevo("soft_bounce", "b"))

    assert first.digest != second.digest


def mailjet(event: str, error: str = "", comment: str = "", hard: bool = True) -> dict[str, Any]:
    more = {"time": 1742198400, "MessageID": 13792286917004336, "mj_campaign_id": 7, "error_related_to": "recipient"}
    return {"event": event, "email": ADA, "error": error, "comment": comment, "hard_bounce": hard, **more}


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (mailjet("bounce", "user unknown"), GONE),
        (mailjet("bounce", "user unknown", hard=False), (*GONE[:2], "nothing")),
        (mailjet("bounce", "user unknown", "552 5.2.2 quota exceeded"), ("bounce", "mailboxfull", "nothing")),
        (mailjet("bounce", "no mail host"), ("bounce", "hostunknown", "bounces")),
        (mailjet("blocked", "preblocked", "address was preblocked"), LISTED),
        (mailjet("blocked", "content blocked"), ("bounce", "contenterror", "nothing")),
        (mailjet("spam"), SPAM),
        (mailjet("unsub"), LEFT),
    ],
)
def test_mailjet_tells_one_by_one_or_in_a_list(event: dict[str, Any], expected: tuple[str, str, str]) -> None:
    assert told("mailjet", event) == [expected]
    assert told("mailjet", [event, mailjet("open"), event]) == [expected, expected]


def sparkpost(kind: str, reason: str = "", bounce_class: str = "", group: str = "message_event") -> dict[str, Any]:
    event = {"type": kind, "rcpt_to": ADA, "raw_reason": reason, "event_id": "92356927693813856", "error_code": "550"}
    return {"msys": {group: {**event, "bounce_class": bounce_class, "rcpt_meta": {}}}}


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (sparkpost("bounce", "550 5.1.1 user unknown", "10"), GONE),
        (sparkpost("bounce", "550 something", "10"), GONE),
        (sparkpost("bounce", "550 5.1.1 user unknown", "50"), (*GONE[:2], "nothing")),
        (sparkpost("out_of_band", "550 5.2.2 mailbox full", "22"), ("bounce", "mailboxfull", "nothing")),
        (sparkpost("bounce", "554 5.7.1 recipient address was suppressed due to customer policy", "25"), LISTED),
        (sparkpost("policy_rejection", "550 5.7.1 sending limit exceeded"), ("bounce", "toomanyconn", "nothing")),
        (sparkpost("spam_complaint"), SPAM),
        (sparkpost("list_unsubscribe", group="unsubscribe_event"), LEFT),
        (sparkpost("link_unsubscribe", group="unsubscribe_event"), LEFT),
    ],
)
def test_sparkpost_tells_in_a_list(event: dict[str, Any], expected: tuple[str, str, str]) -> None:
    assert told("sparkpost", [event, sparkpost("open", group="track_event"), {"msys": {}}]) == [expected]


def resend(kind: str, people: tuple[str, ...] = (ADA,), **bounce: Any) -> dict[str, Any]:
    data = {"email_id": "56761188-7520-42d8-8898-ff6fc54ce618", "to": list(people), "subject": "Ten papers"}
    return {"type": kind, "created_at": "2025-03-17T09:00:00.000Z", "data": {**data, "bounce": bounce}}


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (resend("email.bounced", type="Permanent", subType="NoEmail", message="…"), GONE),
        (resend("email.bounced", type="Permanent", subType="General", message="…"), UNTOLD),
        (resend("email.bounced", type="Permanent", subType="Suppressed", message="on the suppression list"), LISTED),
        (resend("email.bounced", type="Permanent", diagnosticCode=["smtp; 550 5.1.1 user unknown"]), GONE),
        (resend("email.bounced", type="Transient", subType="NoEmail"), (*GONE[:2], "nothing")),
        (resend("email.bounced", (ADA, ADA), type="Permanent", subType="NoEmail"), (*GONE[:2], "nothing")),
        (resend("email.suppressed"), LISTED),
        (resend("email.complained"), SPAM),
        ({"type": "contact.updated", "data": {"email": ADA, "unsubscribed": True}}, LEFT),
    ],
)
def test_resend_tells(event: dict[str, Any], expected: tuple[str, str, str]) -> None:
    assert set(told("resend", event)) == {expected}
    assert told("resend", {"type": "contact.updated", "data": {"email": ADA, "unsubscribed": False}}) == []


NOW = datetime(2025, 3, 17, 12, tzinfo=UTC)
KEY = f"whsec_{base64.b64encode(b'open sesame').decode()}"


def svix(body: bytes, secret: bytes = b"open sesame", number: str = "msg_1") -> dict[str, str]:
    time = str(int(NOW.timestamp()))
    digest = hmac.new(secret, f"{number}.{time}.".encode() + body, hashlib.sha256).digest()
    return {
        "svix-id": "msg_1",
        "svix-timestamp": time,
        "svix-signature": f"v1,AAAA v1,{base64.b64encode(digest).decode()}",
    }


def test_resends_signature_by_svix() -> None:
    body = b'{"type":"email.bounced"}'

    assert by_svix(body, svix(body), KEY, NOW + timedelta(minutes=4))
    assert not by_svix(body, svix(body), KEY, NOW + timedelta(minutes=6))
    assert not by_svix(body + b" ", svix(body), KEY, NOW)
    assert not by_svix(body, svix(body, b"another"), KEY, NOW)
    assert not by_svix(body, svix(body, number="msg_2"), KEY, NOW)
    assert not by_svix(body, svix(body, b""), "whsec_", NOW)
    for broken in ({"svix-signature": ""}, {"svix-signature": "v1,é"}, {"svix-timestamp": "²"}, {"svix-id": ""}):
        assert not by_svix(body, svix(body) | broken, KEY, NOW)
    assert not by_svix(body, {}, KEY, NOW)


def test_a_token_in_the_place_of_a_password() -> None:
    assert by_password("Bearer sesame", "sesame")
    assert not by_password("Bearer barley", "sesame")
    assert not by_password("Bearer ", "sesame")
    assert not by_password("Bearer", "")


@pytest.mark.parametrize(
    ("provider", "event"),
    [
        ("mailgun", mailgun("failed", 607)),
        ("sendgrid", {"email": ADA, "event": "dropped", "reason": "Spam Reporting Address"}),
        (
            "postmark",
            {
                "RecordType": "SubscriptionChange",
                "Recipient": ADA,
                "SuppressSending": True,
                "SuppressionReason": "SpamComplaint",
            },
        ),
    ],
)
def test_a_complaint_of_earlier_is_none_about_the_issue_that_is_not_sent(provider: str, event: dict[str, Any]) -> None:
    [report] = read_hook(provider, event)

    assert (report.kind, report.trace) == (ReportKind.COMPLAINT, "")
    assert [one.effect for one in report.recipients] == [Effect.COMPLAINS]
