"""Providers' web hooks over the real site and store; only Amazon's own host is played."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from threading import Event, current_thread
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from snstopic import CERTIFICATE, TOPIC, Topic, a_topic
from visitor import Visitor

from newsletter.bounces.providers import PROVIDERS
from newsletter.config import Settings
from newsletter.engine import Engine, make_engine
from newsletter.errors import SourceError
from newsletter.store import Store
from newsletter.testing import NOON, Clock, MemoryTransport, make_subscriber
from newsletter.types import Status
from newsletter.web.pages import MOST_BYTES, MOST_HOOK_BYTES
from newsletter.web.public.app import make_app
from newsletter.web.public.sns_certificates import ASKED_FOR, MOST_ASKED, SnsCertificates
from newsletter.web.public.webhooks import MOST, MOST_ARRIVED

CURVE = ec.generate_private_key(ec.SECP256R1())
PUBLIC = base64.b64encode(CURVE.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()
BOUNCES = {
    "ses_topics": [TOPIC],
    "postmark_password": "hook:sesame",
    "mailgun_key": "key",
    "sendgrid_key": PUBLIC,
    "brevo_password": "t0ken",
    "mailjet_password": "hook:open",
    "sparkpost_password": "hook:barley",
    "resend_key": f"whsec_{base64.b64encode(b'key').decode()}",
}


class Amazon:
    """Answers for sns.*.amazonaws.com; `asked` is what was asked of it."""

    def __init__(self, topic: Topic) -> None:
        self.asked: list[str] = []
        self.down = False
        self._topic = topic

    async def __call__(self, url: str) -> bytes:
        self.asked.append(url)
        if self.down:
            raise SourceError("sns: connection refused")
        return self._topic.certificate if url == CERTIFICATE else b"<ConfirmSubscriptionResponse/>"


@pytest.fixture
def hooked(settings: Settings, store: Store, transport: MemoryTransport, clock: Clock) -> Engine:
    tables = {**settings.model_dump(), "bounces": BOUNCES, "home": settings.home}
    store.subscribers.put_all([make_subscriber(name, 0) for name in ("Ada", "Bob")], "t", NOON)
    return make_engine(Settings.model_validate(tables), store, transport, clock)


@pytest.fixture
def amazon() -> Amazon:
    return Amazon(a_topic())


@pytest.fixture
def web(hooked: Engine, amazon: Amazon) -> Visitor:
    return Visitor(make_app(hooked, amazon))


def ada(engine: Engine) -> Status:
    return engine.store.subscribers.find("ada@example.org").status


def notification(kind: str = "Bounce", **more: Any) -> dict[str, Any]:
    gone = [{"emailAddress": "ada@example.org", "status": "5.1.1", "diagnosticCode": "smtp; 550 5.1.1 unknown"}]
    inner = {
        "notificationType": kind,
        "bounce": {"bounceType": "Permanent", "bounceSubType": "General", "bouncedRecipients": gone, "feedbackId": "1"},
        "complaint": {"complainedRecipients": gone, "feedbackId": "2"},
    }
    return {"Type": "Notification", "Message": json.dumps(inner), **more}


class Recorder:
    """In the place of what acts on reports: in which thread was it called?"""

    def __init__(self) -> None:
        self.threads: list[str] = []
        self.wait: Callable[[], object] = bool

    def heed(self, *_: object) -> None:
        self.wait()
        self.threads.append(current_thread().name)


def test_who_is_not_verified_is_refused_before_the_report_is_parsed(web: Visitor) -> None:
    no_json = b"[" * MOST_HOOK_BYTES

    assert web.post("/hooks/postmark", content=no_json, auth=("hook", "guessed")).status_code == 401
    assert web.post("/hooks/sendgrid", content=no_json).status_code == 403
    assert web.post("/hooks/postmark", content=no_json, auth=("hook", "sesame")).status_code == 400


def test_no_report_is_read_on_the_event_loop(hooked: Engine) -> None:
    recorder = Recorder()
    web = Visitor(make_app(replace(hooked, bounces=recorder)))  # type: ignore[arg-type]

    web.post("/hooks/postmark", json={}, auth=("hook", "sesame"))

    assert [name.partition("_")[0] for name in recorder.threads] == ["lane"]


async def posted_beside(engine: Engine, begun: bytes, many: int) -> list[httpx.Response]:
    """The answer to a report that comes while so many others have only begun to send theirs, and then theirs."""
    go_on = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield begun
        await go_on.wait()

    transport = httpx.ASGITransport(app=make_app(engine))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        asked = [asyncio.create_task(client.post("/hooks/sendgrid", content=slow())) for _ in range(many)]
        await asyncio.sleep(0.2)
        quick = await client.post("/hooks/sendgrid", content=b"[]")
        go_on.set()
        return [quick, *(await asyncio.gather(*asked))]


async def test_who_sends_slowly_takes_nobodys_place(hooked: Engine) -> None:
    answers = await posted_beside(hooked, b"[", 5 * MOST)

    assert answers[0].status_code == 403
    assert {answer.status_code for answer in answers} == {403, 503}  # those that end at the same moment are too many


async def test_all_reports_together_take_only_so_much_memory(hooked: Engine) -> None:
    large = b" " * MOST_HOOK_BYTES

    quick, *slow = await posted_beside(hooked, large, MOST_ARRIVED // len(large) + 3)

    assert (quick.status_code, quick.headers["retry-after"]) == (503, "10")
    assert [answer.status_code for answer in slow].count(503) >= 3
    assert (await posted_beside(hooked, b"[", 1))[0].status_code == 403


async def test_more_calls_than_there_are_places_are_told_to_come_again(hooked: Engine) -> None:
    recorder, go_on = Recorder(), Event()
    recorder.wait = go_on.wait
    transport = httpx.ASGITransport(app=make_app(replace(hooked, bounces=recorder)))  # type: ignore[arg-type]
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:

        async def post() -> httpx.Response:
            return await client.post("/hooks/postmark", json={}, auth=("hook", "sesame"))

        asked = [asyncio.create_task(post()) for _ in range(MOST)]
        await asyncio.sleep(0.5)
        last = await post()
        go_on.set()
        first = await asyncio.gather(*asked)

    assert {answer.status_code for answer in first} == {200}
    assert (last.status_code, last.headers["retry-after"]) == (503, "10")


def test_amazon_is_obeyed_and_its_certificate_asked_for_once(web: Visitor, hooked: Engine, amazon: Amazon) -> None:
    for version in ("1", "2"):
        answer = web.post("/hooks/ses", json=a_topic().signed(notification(), version))
        assert (answer.status_code, answer.text) == (200, "ok")

    assert ada(hooked) is Status.BOUNCED
    assert amazon.asked == [CERTIFICATE]


def test_what_amazon_did_not_sign_for_our_topic_is_refused(web: Visitor, hooked: Engine, amazon: Amazon) -> None:
    signed = a_topic().signed(notification())
    forged = [
        {**signed, "Message": signed["Message"].replace("ada@", "bob@")},
        {**signed, "SigningCertURL": "https://evil.example/cert.pem"},
        {**signed, "SigningCertURL": "https://sns.eu-west-1.amazonaws.com/?Action=GetEndpointAttributes"},
        {**signed, "SigningCertURL": "https://sns.eu-west-1.amazonaws.com.evil.example/cert.pem"},
        a_topic().signed(notification(TopicArn="arn:aws:sns:eu-west-1:999999999999:theirs")),
        Topic().signed(notification()),
        notification(TopicArn=TOPIC),
        {},
    ]

    assert [web.post("/hooks/ses", json=each).status_code for each in forged] == [403] * len(forged)
    assert web.post("/hooks/ses", content=b"{").status_code == 400
    assert ada(hooked) is Status.ACTIVE
    assert set(amazon.asked) == {CERTIFICATE}


def test_where_the_certificate_cannot_be_had_amazon_is_told_to_come_again_and_asked_once(
    web: Visitor, hooked: Engine, amazon: Amazon
) -> None:
    amazon.down = True
    answers = [web.post("/hooks/ses", json=a_topic().signed(notification())) for _ in range(5)]

    assert {(answer.status_code, answer.headers["retry-after"]) for answer in answers} == {(503, "10")}
    assert amazon.asked == [CERTIFICATE]
    assert ada(hooked) is Status.ACTIVE


def test_forged_calls_cause_few_questions_to_amazon(web: Visitor, amazon: Amazon) -> None:
    urls = [CERTIFICATE.replace(".pem", f"{number % 20}.pem") for number in range(40)]
    forged = [Topic().signed(notification()) | {"SigningCertURL": url} for url in urls]

    assert {web.post("/hooks/ses", json=each).status_code for each in forged} == {403, 503}
    assert len(amazon.asked) == MOST_ASKED


def test_a_certificate_is_asked_for_again_after_a_minute(amazon: Amazon) -> None:
    now = 0.0
    certificates = SnsCertificates(amazon, lambda: now)
    amazon.down = True
    with pytest.raises(SourceError):
        asyncio.run(certificates.get(CERTIFICATE))
    amazon.down = False
    with pytest.raises(SourceError):
        asyncio.run(certificates.get(CERTIFICATE))

    now = ASKED_FOR

    assert asyncio.run(certificates.get(CERTIFICATE)) == a_topic().certificate


def test_a_topic_of_ours_is_confirmed_at_amazons_host_only(web: Visitor, amazon: Amazon) -> None:
    page = "https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=t"
    asked = {"Type": "SubscriptionConfirmation", "Message": "You have chosen", "Token": "t"}

    assert web.post("/hooks/ses", json=a_topic().signed({**asked, "SubscribeURL": page})).status_code == 200
    elsewhere = a_topic().signed({**asked, "SubscribeURL": "https://evil.example/?Token=t"})
    assert web.post("/hooks/ses", json=elsewhere).status_code == 403
    assert amazon.asked == [CERTIFICATE, page]

    amazon.down = True
    assert web.post("/hooks/ses", json=a_topic().signed({**asked, "SubscribeURL": page})).status_code == 503


def test_postmark_needs_its_password(web: Visitor, hooked: Engine) -> None:
    event = {"RecordType": "SpamComplaint", "ID": 7, "Type": "SpamComplaint", "Email": "ada@example.org"}

    assert web.post("/hooks/postmark", json=event).status_code == 401
    assert web.post("/hooks/postmark", json=event, auth=("hook", "barley")).status_code == 401
    assert ada(hooked) is Status.ACTIVE

    assert web.post("/hooks/postmark", json=event, auth=("hook", "sesame")).status_code == 200
    assert ada(hooked) is Status.COMPLAINED


def mailgun(event: dict[str, Any], key: bytes = b"key") -> dict[str, Any]:
    time = str(int(NOON.timestamp()))
    signature = hmac.new(key, f"{time}t".encode(), hashlib.sha256).hexdigest()
    return {"signature": {"timestamp": time, "token": "t", "signature": signature}, "event-data": event}


def test_mailgun_signs_and_the_same_event_counts_once(web: Visitor, hooked: Engine) -> None:
    event = {"event": "complained", "recipient": "ada@example.org", "id": "e1"}

    assert web.post("/hooks/mailgun", json=mailgun(event, b"other")).status_code == 403
    assert ada(hooked) is Status.ACTIVE
    assert web.post("/hooks/mailgun", json=mailgun(event)).status_code == 200
    assert ada(hooked) is Status.COMPLAINED

    hooked.subscriptions.set_status(hooked.store.subscribers.find("ada@example.org").id, Status.ACTIVE)
    assert web.post("/hooks/mailgun", json=mailgun(event)).status_code == 200
    assert ada(hooked) is Status.ACTIVE


def test_a_signature_of_mailguns_is_good_for_what_it_came_with(web: Visitor, hooked: Engine) -> None:
    seen = mailgun({"event": "delivered", "recipient": "bob@example.org", "id": "e1"})
    forged = {**seen, "event-data": {"event": "complained", "recipient": "ada@example.org", "id": "e2"}}

    answers = [web.post("/hooks/mailgun", json=each).status_code for each in (seen, seen, forged)]

    assert answers == [200, 200, 403]
    assert ada(hooked) is Status.ACTIVE


def sendgrid(web: Visitor, body: bytes, signed: bytes | None = None) -> int:
    signature = CURVE.sign(b"1" + (signed or body), ec.ECDSA(SHA256()))
    names = ("x-twilio-email-event-webhook-timestamp", "x-twilio-email-event-webhook-signature")
    headers = dict(zip(names, ("1", base64.b64encode(signature).decode()), strict=True))
    return web.post("/hooks/sendgrid", content=body, headers=headers).status_code


def test_sendgrid_signs_the_very_bytes(web: Visitor, hooked: Engine) -> None:
    event = {"email": "ada@example.org", "event": "bounce", "status": "5.1.1", "reason": "550 5.1.1 unknown user"}
    body = json.dumps([event, {"email": "nobody@example.org", "event": "spamreport"}]).encode()

    assert sendgrid(web, body, b"[]") == 403
    assert web.post("/hooks/sendgrid", content=body).status_code == 403
    assert ada(hooked) is Status.ACTIVE
    assert sendgrid(web, body) == 200
    assert ada(hooked) is Status.BOUNCED
    assert sendgrid(web, b"no json") == 400


EVENTS = {
    "brevo": {"event": "hard_bounce", "email": "ada@example.org", "reason": "550 5.1.1 user unknown", "id": 5},
    "mailjet": [{"event": "bounce", "email": "ada@example.org", "error": "user unknown", "hard_bounce": True}],
    "sparkpost": [
        {"msys": {"message_event": {"type": "bounce", "rcpt_to": "ada@example.org", "raw_reason": "550 5.1.1 unknown"}}}
    ],
    "resend": {
        "type": "email.bounced",
        "data": {"to": ["ada@example.org"], "bounce": {"type": "Permanent", "subType": "NoEmail"}},
    },
}


def svix(body: bytes, key: bytes = b"key") -> dict[str, str]:
    time = str(int(NOON.timestamp()))
    digest = hmac.new(key, f"msg_1.{time}.".encode() + body, hashlib.sha256).digest()
    signature = f"v1,{base64.b64encode(digest).decode()}"
    return {"svix-id": "msg_1", "svix-timestamp": time, "svix-signature": signature}


def basic(pair: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}


@pytest.mark.parametrize(
    ("provider", "right", "wrong"),
    [
        ("brevo", {"Authorization": "Bearer t0ken"}, basic("hook:open")),
        ("mailjet", basic("hook:open"), basic("hook:barley")),
        ("sparkpost", basic("hook:barley"), basic("hook:open")),
    ],
)
def test_providers_with_a_password_need_their_own(
    web: Visitor, hooked: Engine, provider: str, right: dict[str, str], wrong: dict[str, str]
) -> None:
    for headers in ({}, wrong):
        assert web.post(f"/hooks/{provider}", json=EVENTS[provider], headers=headers).status_code == 401
    assert ada(hooked) is Status.ACTIVE

    assert web.post(f"/hooks/{provider}", json=EVENTS[provider], headers=right).status_code == 200
    assert ada(hooked) is Status.BOUNCED


def test_resend_signs_the_very_bytes(web: Visitor, hooked: Engine) -> None:
    body = json.dumps(EVENTS["resend"]).encode()

    assert web.post("/hooks/resend", content=body).status_code == 403
    assert web.post("/hooks/resend", content=body, headers=svix(body, b"other")).status_code == 403
    assert web.post("/hooks/resend", content=body + b" ", headers=svix(body)).status_code == 403
    assert ada(hooked) is Status.ACTIVE

    assert web.post("/hooks/resend", content=body, headers=svix(body)).status_code == 200
    assert ada(hooked) is Status.BOUNCED
    assert web.post("/hooks/resend", content=b"{", headers=svix(b"{")).status_code == 400


def test_who_unsubscribed_at_the_provider_gets_no_more_mail(web: Visitor, hooked: Engine) -> None:
    event = {"event": "unsubscribed", "recipient": "ada@example.org", "id": "e1"}

    assert web.post("/hooks/mailgun", json=mailgun(event)).status_code == 200
    assert ada(hooked) is Status.UNSUBSCRIBED

    change = {"RecordType": "SubscriptionChange", "Recipient": "bob@example.org", "Origin": "Recipient"}
    told = {**change, "SuppressSending": True, "SuppressionReason": "ManualSuppression"}
    assert web.post("/hooks/postmark", json=told, auth=("hook", "sesame")).status_code == 200
    assert hooked.store.subscribers.find("bob@example.org").status is Status.UNSUBSCRIBED


def test_policy_told_by_a_provider_changes_nobody(web: Visitor, hooked: Engine) -> None:
    status = {"code": 550, "enhanced-code": "5.7.26", "message": "DMARC policy"}
    event = {"event": "failed", "severity": "permanent", "recipient": "ada@example.org", "delivery-status": status}

    assert web.post("/hooks/mailgun", json=mailgun(event)).status_code == 200
    assert ada(hooked) is Status.ACTIVE


def test_a_hook_that_is_not_configured_is_not_there(engine: Engine) -> None:
    web = Visitor(make_app(engine))

    for provider in PROVIDERS:
        assert web.post(f"/hooks/{provider}", json={}).status_code == 404
    assert web.get("/hooks/ses").status_code == 404


def test_a_hook_takes_large_calls_up_to_a_limit_and_no_get(web: Visitor) -> None:
    assert web.post("/hooks/mailgun", content=b" " * (MOST_BYTES + 1)).status_code == 403
    assert web.post("/hooks/mailgun", content=b" " * (MOST_HOOK_BYTES + 1)).status_code == 413
    assert web.get("/hooks/mailgun").status_code == 405


def test_json_nested_without_end_is_refused(web: Visitor) -> None:
    assert web.post("/hooks/ses", content=b"[" * 1_000_000).status_code == 400


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "169.254.169.254", "[::1]"])
async def test_what_a_hook_names_is_never_asked_of_a_private_network(engine: Engine, host: str) -> None:
    with pytest.raises(SourceError, match="public internet"):
        await engine.collection.ask(f"https://{host}/latest/meta-data")
