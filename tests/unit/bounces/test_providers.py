"""What providers' web hooks say, and who may say it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given, settings
from hypothesis import strategies as st
from snstopic import TOPIC, Topic

from newsletter.bounces import ReportKind
from newsletter.bounces.providers import PROVIDERS, parse, read_hook
from newsletter.bounces.signatures import by_mailgun, by_password, by_sendgrid, by_sns, is_sns, is_sns_certificate

NOW = datetime.now(UTC)
ADA = "ada@example.net"


def told(provider: str, value: Any) -> list[tuple[str, str, str, str]]:
    """(kind, recipient, reason, effect) of all that a call says."""
    return [
        (report.kind.value, each.recipient, each.reason.value, each.effect.value)
        for report in read_hook(provider, value)
        for each in report.recipients
    ]


def ses(kind: str = "Permanent", sub: str = "General", **recipient: str) -> dict[str, Any]:
    bounce = {"bounceType": kind, "bounceSubType": sub, "bouncedRecipients": [{"emailAddress": ADA, **recipient}]}
    return {"notificationType": "Bounce", "bounce": {**bounce, "feedbackId": "1"}, "mail": {"source": "w@x.example"}}


@pytest.mark.parametrize(
    ("event", "reason", "effect"),
    [
        (ses(status="5.1.1", diagnosticCode="smtp; 550 5.1.1 user unknown"), "userunknown", "bounces"),
        (ses(sub="NoEmail"), "userunknown", "bounces"),
        (ses(sub="Suppressed"), "suppressed", "counts"),
        (ses(sub="OnAccountSuppressionList"), "suppressed", "counts"),
        (ses(status="5.7.1", diagnosticCode="smtp; 554 5.7.1 blocked using an RBL"), "blocked", "nothing"),
        (ses("Transient", "MailboxFull"), "mailboxfull", "nothing"),
        (
            ses("Transient", "General", status="5.1.1", diagnosticCode="smtp; 550 unknown user"),
            "userunknown",
            "nothing",
        ),
        (ses("Undetermined", "Undetermined"), "onhold", "nothing"),
    ],
)
def test_amazon_tells_of_bounces(event: dict[str, Any], reason: str, effect: str) -> None:
    assert told("ses", event) == [("bounce", ADA, reason, effect)]
    assert told("ses", {"Type": "Notification", "Message": json.dumps(event)}) == [("bounce", ADA, reason, effect)]


def test_amazon_tells_of_complaints_and_deliveries() -> None:
    complaint = {"complainedRecipients": [{"emailAddress": ADA}], "complaintFeedbackType": "abuse"}
    delivery = {"eventType": "Delivery", "delivery": {"recipients": [ADA]}}

    assert told("ses", {"notificationType": "Complaint", "complaint": complaint}) == [
        ("complaint", ADA, "feedback", "complains")
    ]
    assert told("ses", delivery) == [("none", ADA, "delivered", "nothing")]


@pytest.mark.parametrize(
    ("kind", "details", "expected"),
    [
        ("HardBounce", "smtp;550 5.1.1 user unknown", ("bounce", "userunknown", "bounces")),
        ("HardBounce", "", ("bounce", "userunknown", "bounces")),
        ("HardBounce", "smtp;550 5.7.26 DMARC policy", ("bounce", "authfailure", "nothing")),
        ("SoftBounce", "smtp;552 5.2.2 mailbox full", ("bounce", "mailboxfull", "nothing")),
        ("Blocked", "", ("bounce", "blocked", "nothing")),
        ("AutoResponder", "", ("auto-reply", "vacation", "nothing")),
        ("SpamComplaint", "", ("complaint", "feedback", "complains")),
    ],
)
def test_postmark_tells(kind: str, details: str, expected: tuple[str, str, str]) -> None:
    record = "SpamComplaint" if kind == "SpamComplaint" else "Bounce"
    event = {"RecordType": record, "ID": 1, "Type": kind, "Email": ADA, "Details": details}

    assert told("postmark", event) == [(expected[0], ADA, *expected[1:])]


@pytest.mark.parametrize(
    ("event", "expected"),
    [
        (
            {"event": "failed", "severity": "permanent", "delivery-status": {"code": 550, "message": "no such user"}},
            ("bounce", "userunknown", "bounces"),
        ),
        (
            {"event": "failed", "severity": "temporary", "delivery-status": {"code": 550, "message": "no such user"}},
            ("bounce", "userunknown", "nothing"),
        ),
        (
            {"event": "failed", "severity": "permanent", "reason": "suppress-bounce", "delivery-status": {"code": 605}},
            ("bounce", "suppressed", "counts"),
        ),
        (
            {"event": "failed", "severity": "permanent", "delivery-status": {"code": 554, "message": "5.7.1 policy"}},
            ("bounce", "policyviolation", "nothing"),
        ),
        ({"event": "complained"}, ("complaint", "feedback", "complains")),
    ],
)
def test_mailgun_tells(event: dict[str, Any], expected: tuple[str, str, str]) -> None:
    assert told("mailgun", {"event-data": {"recipient": ADA, **event}}) == [(expected[0], ADA, *expected[1:])]


def test_sendgrid_tells_of_many_at_once() -> None:
    events = [
        {"email": ADA, "event": "bounce", "status": "5.1.1", "reason": "550 5.1.1 unknown", "type": "bounce"},
        {"email": ADA, "event": "bounce", "status": "5.1.1", "reason": "550 unknown user", "type": "blocked"},
        {"email": ADA, "event": "dropped", "reason": "Bounced Address"},
        {"email": ADA, "event": "deferred", "response": "450 4.2.1 try again later"},
        {"email": ADA, "event": "spamreport"},
        {"email": ADA, "event": "open"},
    ]

    assert [each[2:] for each in told("sendgrid", events)] == [
        ("userunknown", "bounces"),
        ("userunknown", "nothing"),
        ("suppressed", "counts"),
        ("systemerror", "nothing"),
        ("feedback", "complains"),
    ]


def test_the_same_event_is_the_same_report_whatever_else_the_call_holds() -> None:
    event = {"email": ADA, "event": "spamreport", "sg_event_id": "e1"}

    [first], [again] = read_hook("sendgrid", event), read_hook("sendgrid", {**event, "timestamp": 2})

    assert first.digest == again.digest
    assert first.kind is ReportKind.COMPLAINT


@settings(max_examples=100, deadline=None)
@given(
    st.sampled_from(sorted(PROVIDERS)),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=9) | st.just("Bounce") | st.just("failed"),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(
                st.sampled_from(
                    ["Message", "notificationType", "bounce", "bouncedRecipients", "event", "event-data", "Type"]
                )
                | st.text(max_size=5),
                inner,
                max_size=4,
            )
        ),
        max_leaves=20,
    ),
)
def test_no_json_makes_it_raise(provider: str, value: Any) -> None:
    assert isinstance(read_hook(provider, value), list)


@pytest.mark.parametrize("data", [b"", b"{", b"[" * 100_000, b'{"a":' * 5_000 + b"1" + b"}" * 5_000, b"\xff", b"NaN!"])
def test_what_is_no_json_or_too_deep_is_nothing(data: bytes) -> None:
    assert parse(data) is None


# who speaks


def test_mailguns_signature() -> None:
    time, token = "1742198400", "t0ken"
    signature = hmac.new(b"key", f"{time}{token}".encode(), hashlib.sha256).hexdigest()
    call = {"signature": {"timestamp": time, "token": token, "signature": signature}}
    signed = datetime.fromtimestamp(int(time), UTC)

    assert by_mailgun(call, "key", signed + timedelta(hours=9))
    assert not by_mailgun(call, "key", signed + timedelta(hours=13))
    assert not by_mailgun(call, "another", signed)
    assert not by_mailgun({"signature": {**call["signature"], "token": "t1ken"}}, "key", signed)
    broken: list[Any] = [{}, {"signature": None}, {"signature": "x"}, None, [], {"signature": {"signature": "é"}}]
    for each in broken:
        assert not by_mailgun(each, "key", signed)


def test_sendgrids_signature_by_either_kind_of_key() -> None:
    curve, edwards = ec.generate_private_key(ec.SECP256R1()), ed25519.Ed25519PrivateKey.generate()
    body, time = b"[]\r\n", "1742198400"
    for key, signature in (
        (curve, curve.sign(time.encode() + body, ec.ECDSA(SHA256()))),
        (edwards, edwards.sign(time.encode() + body)),
    ):
        public = key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        shown, sealed = base64.b64encode(public).decode(), base64.b64encode(signature).decode()

        assert by_sendgrid(body, time, sealed, shown)
        assert not by_sendgrid(body + b" ", time, sealed, shown)
        assert not by_sendgrid(body, "1742198401", sealed, shown)
        assert not by_sendgrid(body, time, "AAAA", shown)
        assert not by_sendgrid(body, time, sealed, "AAAA")
        assert not by_sendgrid(body, time, "no base64", shown)


@pytest.mark.parametrize(
    ("given", "right"),
    [("hook:sesame", True), ("hook:barley", False), ("other:sesame", False), ("", False), ("hook", False)],
)
def test_a_password_for_postmark(given: str, right: bool) -> None:
    header = f"Basic {base64.b64encode(given.encode()).decode()}"

    assert by_password(header, "hook:sesame") is right
    assert not by_password(given, "hook:sesame")


def test_a_password_without_a_name_is_good_for_any_name() -> None:
    header = f"Basic {base64.b64encode(b'anybody:sesame').decode()}"

    assert by_password(header, "sesame")
    assert not by_password(header, "")


@pytest.mark.parametrize("version", ["1", "2"])
@pytest.mark.parametrize("kind", ["Notification", "SubscriptionConfirmation"])
def test_amazons_signature_in_both_versions(version: str, kind: str) -> None:
    topic = Topic()
    call = topic.signed({"Type": kind, "Message": "{}", "Token": "t", "SubscribeURL": "https://x"}, version)

    assert by_sns(call, topic.certificate, NOW)
    assert not by_sns({**call, "Message": "{ }"}, topic.certificate, NOW)
    assert not by_sns({**call, "SignatureVersion": "3"}, topic.certificate, NOW)
    assert not by_sns(call, Topic().certificate, NOW)
    assert not by_sns(call, b"no certificate", NOW)
    assert not by_sns(call, topic.certificate, NOW + timedelta(days=400))
    assert not by_sns({**call, "Message": 1}, topic.certificate, NOW)


@pytest.mark.parametrize(
    ("url", "right"),
    [
        ("https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem", True),
        ("https://sns.eu-west-1.amazonaws.com:443/x.pem", True),
        ("http://sns.eu-west-1.amazonaws.com/x.pem", False),
        ("https://sns.us-east-1.amazonaws.com/x.pem", False),
        ("https://sns.eu-west-1.amazonaws.com.evil.example/x.pem", False),
        ("https://evil.example/sns.eu-west-1.amazonaws.com/x.pem", False),
        ("https://sns.eu-west-1.amazonaws.com@evil.example/x.pem", False),
        ("https://user@sns.eu-west-1.amazonaws.com/x.pem", False),
        ("https://sns.eu-west-1.amazonaws.com:8443/x.pem", False),
        ("https://s3.eu-west-1.amazonaws.com/x.pem", False),
        ("https://[", False),
        ("", False),
        (None, False),
    ],
)
def test_a_certificate_comes_from_amazons_own_host_in_the_topics_region(url: object, right: bool) -> None:
    assert is_sns(url, TOPIC) is right


@pytest.mark.parametrize(
    ("rest", "right"),
    [
        ("SimpleNotificationService-01d088a6f77103d0fe307c0069e40ed6.pem", True),
        ("?Action=GetEndpointAttributes&x=.pem", False),
        ("SimpleNotificationService-1.pem?Action=GetTopicAttributes", False),
        ("SimpleNotificationService-1.pem#x", False),
        ("x/SimpleNotificationService-1.pem", False),
        ("x.pem", False),
    ],
)
def test_a_certificate_is_no_answer_of_amazons_that_holds_words_of_strangers(rest: str, right: bool) -> None:
    assert is_sns_certificate(f"https://sns.eu-west-1.amazonaws.com/{rest}", TOPIC) is right
    assert not is_sns_certificate(f"https://evil.example/{rest}", TOPIC)


@pytest.mark.parametrize("code", ["\u00b2", "9" * 5_000, "550"])
def test_a_code_of_mailguns_may_be_any_text(code: str) -> None:
    status = {"code": code, "message": "mailbox full"}
    event = {
        "event": "failed",
        "severity": "permanent",
        "recipient": "\ud800ada\0@example.org",
        "delivery-status": status,
    }

    [report] = read_hook("mailgun", {"event-data": event})

    assert [(each.recipient, each.reason) for each in report.recipients] == [("?ada@example.org", "mailboxfull")]
