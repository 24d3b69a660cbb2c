"""Web hooks: providers tell what became of mails. Each is there only when its secret is configured.

    POST /hooks/ses         [bounces] ses_topics        signed by Amazon SNS
    POST /hooks/postmark    [bounces] postmark_password basic authentication
    POST /hooks/mailgun     [bounces] mailgun_key       HMAC
    POST /hooks/sendgrid    [bounces] sendgrid_key      ECDSA

A call that is not signed is answered 403 and changes nothing; one that is told twice counts once.
"""

from __future__ import annotations

import hashlib
import logging
from asyncio import to_thread
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from newsletter.bounces.providers import parse
from newsletter.bounces.signatures import by_mailgun, by_password, by_sendgrid, by_sns, is_sns, is_sns_certificate
from newsletter.engine import Engine
from newsletter.errors import SourceError

logger = logging.getLogger("newsletter")

MOST_CERTIFICATES = 8  #: of Amazon's that are kept; there is one a region, and a new one a year
MOST_TOKENS = 50_000  #: of Mailgun's that are remembered
Ask = Callable[[str], Awaitable[bytes]]  #: fetches an address of Amazon's; raises SourceError


def hook_routes(engine: Engine, ask: Ask) -> list[Route]:
    """Those that are configured."""
    section, hooks = engine.settings.bounces, _Hooks(engine, ask)
    wanted = {
        "ses": (section.ses_topics, hooks.ses),
        "postmark": (section.postmark_password, hooks.postmark),
        "mailgun": (section.mailgun_key, hooks.mailgun),
        "sendgrid": (section.sendgrid_key, hooks.sendgrid),
    }
    return [Route(f"/hooks/{name}", page, methods=["POST"]) for name, (secret, page) in wanted.items() if secret]


class _Hooks:
    """A method a provider: verify, then let the engine obey."""

    def __init__(self, engine: Engine, ask: Ask) -> None:
        self._engine = engine
        self._section = engine.settings.bounces
        self._ask = ask
        self._certificates: dict[str, bytes] = {}
        self._mailgun_tokens: dict[str, bytes] = {}

    async def ses(self, request: Request) -> Response:
        told = parse(await request.body())
        if not isinstance(told, dict):
            return _answer(400)
        if told.get("TopicArn") not in self._section.ses_topics or not await self._by_sns(told):
            return _answer(403)
        if told.get("Type") == "SubscriptionConfirmation":
            return await self._confirm(str(told.get("SubscribeURL", "")), str(told["TopicArn"]))
        return await self._obey("ses", told) if told.get("Type") == "Notification" else _answer(200)

    async def postmark(self, request: Request) -> Response:
        secret = self._section.postmark_password
        if not secret or not by_password(request.headers.get("authorization", ""), secret.get_secret_value()):
            return _answer(401, {"WWW-Authenticate": "Basic"})
        return await self._obey("postmark", parse(await request.body()))

    async def mailgun(self, request: Request) -> Response:
        body, secret = await request.body(), self._section.mailgun_key
        told, now = parse(body), self._engine.now()
        if not secret or not by_mailgun(told, secret.get_secret_value(), now) or not self._is_first(told, body):
            return _answer(403)
        return await self._obey("mailgun", told)

    async def sendgrid(self, request: Request) -> Response:
        body = await request.body()
        time = request.headers.get("x-twilio-email-event-webhook-timestamp", "")
        signature = request.headers.get("x-twilio-email-event-webhook-signature", "")
        if not by_sendgrid(body, time, signature, self._section.sendgrid_key):
            return _answer(403)
        return await self._obey("sendgrid", parse(body))

    def _is_first(self, told: Mapping[str, Any], body: bytes) -> bool:
        """Whether Mailgun's token comes for the first time, or with the same words as before."""
        if len(self._mailgun_tokens) >= MOST_TOKENS:
            self._mailgun_tokens.pop(next(iter(self._mailgun_tokens)))
        digest = hashlib.sha256(body).digest()
        return self._mailgun_tokens.setdefault(str(told["signature"]["token"]), digest) == digest

    async def _obey(self, provider: str, told: Any) -> Response:
        if told is None:
            return _answer(400)
        await to_thread(self._engine.bounces.heed, provider, told)
        return _answer(200)

    async def _by_sns(self, told: Mapping[str, Any]) -> bool:
        """The certificate may only come from Amazon's own host, whatever the call says."""
        url = told.get("SigningCertURL")
        if not is_sns_certificate(url, str(told["TopicArn"])):
            return False
        known = self._certificates.get(str(url))
        try:
            certificate = known or await self._ask(str(url))
        except SourceError as error:
            logger.warning("no certificate", extra={"error": str(error)})
            return False
        if not by_sns(told, certificate, self._engine.now()):
            return False
        if not known and len(self._certificates) >= MOST_CERTIFICATES:
            self._certificates.clear()
        self._certificates[str(url)] = certificate
        return True

    async def _confirm(self, url: str, topic: str) -> Response:
        """Amazon asks whether we want a topic that we have configured."""
        if not is_sns(url, topic):
            return _answer(403)
        try:
            await self._ask(url)
        except SourceError as error:
            logger.warning("not confirmed", extra={"error": str(error)})
            return _answer(503)
        return _answer(200)


def _answer(status: int, headers: Mapping[str, str] | None = None) -> Response:
    words = {200: "ok", 400: "not JSON", 401: "who are you?", 403: "not signed by who may tell", 503: "later"}
    return PlainTextResponse(words[status], status, headers)
