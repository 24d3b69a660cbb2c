"""Web hooks, by which providers report what became of mails. Each exists only when its secret is configured.

    POST /hooks/ses         [bounces] ses_topics        signed by Amazon SNS
    POST /hooks/postmark    [bounces] postmark_password basic authentication
    POST /hooks/mailgun     [bounces] mailgun_key       HMAC
    POST /hooks/sendgrid    [bounces] sendgrid_key      ECDSA
    POST /hooks/resend      [bounces] resend_key        HMAC, by Svix
    POST /hooks/brevo       [bounces] brevo_password    basic authentication, or a token
    POST /hooks/mailjet     [bounces] mailjet_password  basic authentication
    POST /hooks/sparkpost   [bounces] sparkpost_password

A call that is not signed is answered 403 and changes nothing; a report that comes twice counts once. Who calls is
verified before the report is parsed, where the signature is not inside it (Amazon's and Mailgun's are). Both is done in
threads of a lane, once the call is there whole: a large report, or a flood of forged ones, stops no page, and who sends
slowly takes nobody's place.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from pydantic import SecretStr
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from newsletter.bounces.providers import parse
from newsletter.bounces.signatures import (
    by_mailgun,
    by_password,
    by_sendgrid,
    by_sns,
    by_svix,
    is_sns,
    is_sns_certificate,
)
from newsletter.engine import Engine
from newsletter.errors import SourceError
from newsletter.web.lanes import RETRY_AFTER, Lane
from newsletter.web.public.sns_certificates import Fetch, SnsCertificates

logger = logging.getLogger("newsletter")

AT_WORK = 2  #: threads
MOST = 40  #: calls at once that are there whole
MOST_ARRIVED = 64 * 1024 * 1024  #: bytes of all calls that are under way, also of those that are not there whole
MOST_TOKENS = 50_000  #: of Mailgun's that are remembered
Page = Callable[[Request, bytes], Awaitable[Response]]  #: (call, its body)


def webhook_routes(engine: Engine, fetch: Fetch) -> list[Route]:
    """Return the routes of the providers that are configured."""
    section, hooks = engine.settings.bounces, WebHooks(engine, fetch)
    wanted = {
        "ses": (section.ses_topics, hooks.placed(hooks.ses)),
        "mailgun": (section.mailgun_key, hooks.placed(hooks.mailgun)),
        "sendgrid": (section.sendgrid_key, hooks.placed(hooks.sendgrid)),
        "resend": (section.resend_key, hooks.placed(hooks.resend)),
    }
    passwords = {
        "postmark": section.postmark_password,
        "brevo": section.brevo_password,
        "mailjet": section.mailjet_password,
        "sparkpost": section.sparkpost_password,
    }
    for name, secret in passwords.items():
        if secret:
            wanted[name] = (secret, hooks.placed(partial(hooks.told, name), partial(_has_password, secret)))
    configured = {name: page for name, (secret, page) in wanted.items() if secret}
    return [Route(f"/hooks/{name}", page, methods=["POST"]) for name, page in configured.items()]


class WebHooks:
    """Verify who calls, a method a provider, then let the engine act on the report."""

    def __init__(self, engine: Engine, fetch: Fetch) -> None:
        self._engine = engine
        self._section = engine.settings.bounces
        self._fetch = fetch
        self._lane = Lane(AT_WORK, MOST)
        self._certificates = SnsCertificates(fetch)
        self._arrived = 0  #: bytes
        self._mailgun_tokens: dict[str, bytes] = {}

    def placed(
        self, page: Page, knows: Callable[[Request], bool] = lambda _: True
    ) -> Callable[[Request], Awaitable[Response]]:
        """Return the page, which takes a place once the body is there; answered 503 where too many call.

        `knows`: whether it is worth the while to read the body.
        """

        async def answer(request: Request) -> Response:
            if not knows(request):
                return _answer(401, {"WWW-Authenticate": "Basic"})
            async with self._body(request) as body:
                with self._lane.place():
                    return await page(request, body)

        return answer

    @asynccontextmanager
    async def _body(self, request: Request) -> AsyncIterator[bytes]:
        """Read the body, and count it while it is held; HTTPException 503 where all bodies together are too large."""
        body = bytearray()
        try:
            async for chunk in request.stream():
                body += chunk
                self._arrived += len(chunk)
                if self._arrived > MOST_ARRIVED:
                    raise HTTPException(503, headers=RETRY_AFTER)
            yield bytes(body)
        finally:
            self._arrived -= len(body)

    async def ses(self, _: Request, body: bytes) -> Response:
        payload = await self._lane.run(parse, body)
        if not isinstance(payload, dict):
            return _answer(400)
        if payload.get("TopicArn") not in self._section.ses_topics or not await self._is_signed_by_sns(payload):
            return _answer(403)
        if payload.get("Type") == "SubscriptionConfirmation":
            return await self._confirm(str(payload.get("SubscribeURL", "")), str(payload["TopicArn"]))
        return await self._report("ses", payload) if payload.get("Type") == "Notification" else _answer(200)

    async def told(self, provider: str, _: Request, body: bytes) -> Response:
        """Heed a provider whose password was verified before the body was read."""
        return await self._report(provider, await self._lane.run(parse, body))

    async def resend(self, request: Request, body: bytes) -> Response:
        secret = self._section.resend_key
        key = secret.get_secret_value() if secret else ""
        if not await self._lane.run(by_svix, body, request.headers, key, self._engine.now()):
            return _answer(403)
        return await self._report("resend", await self._lane.run(parse, body))

    async def mailgun(self, _: Request, body: bytes) -> Response:
        payload, digest = await self._lane.run(self._of_mailgun, body)
        if payload is None or not self._is_first(payload, digest):
            return _answer(403)
        return await self._report("mailgun", payload)

    def _of_mailgun(self, body: bytes) -> tuple[dict[str, Any] | None, bytes]:
        """Return what is signed, None where nothing is, and a digest of it."""
        secret, payload = self._section.mailgun_key, parse(body)
        signed = secret and by_mailgun(payload, secret.get_secret_value(), self._engine.now())
        return payload if signed else None, hashlib.sha256(body).digest()

    async def sendgrid(self, request: Request, body: bytes) -> Response:
        time = request.headers.get("x-twilio-email-event-webhook-timestamp", "")
        signature = request.headers.get("x-twilio-email-event-webhook-signature", "")
        if not await self._lane.run(by_sendgrid, body, time, signature, self._section.sendgrid_key):
            return _answer(403)
        return await self._report("sendgrid", await self._lane.run(parse, body))

    def _is_first(self, payload: Mapping[str, Any], digest: bytes) -> bool:
        """Tell whether Mailgun's token is new, or comes with the same body as before."""
        if len(self._mailgun_tokens) >= MOST_TOKENS:
            self._mailgun_tokens.pop(next(iter(self._mailgun_tokens)))
        return self._mailgun_tokens.setdefault(str(payload["signature"]["token"]), digest) == digest

    async def _report(self, provider: str, payload: Any) -> Response:
        if payload is None:
            return _answer(400)
        await self._lane.run(self._engine.bounces.heed, provider, payload)
        return _answer(200)

    async def _is_signed_by_sns(self, payload: Mapping[str, Any]) -> bool:
        """Check the signature; the certificate may only come from Amazon's own host, whatever the call says.

        HTTPException 503 where it cannot be had now: Amazon tries again then.
        """
        url = payload.get("SigningCertURL")
        if not is_sns_certificate(url, str(payload["TopicArn"])):
            return False
        try:
            certificate = await self._certificates.get(str(url))
        except SourceError as error:
            logger.warning("no certificate", extra={"error": str(error)})
            raise HTTPException(503, headers=RETRY_AFTER) from error
        signed = await self._lane.run(by_sns, payload, certificate, self._engine.now())
        if signed:
            self._certificates.keep(str(url), certificate)
        return signed

    async def _confirm(self, url: str, topic: str) -> Response:
        """Confirm the subscription to a configured topic, which Amazon asks for."""
        if not is_sns(url, topic):
            return _answer(403)
        try:
            await self._fetch(url)
        except SourceError as error:
            logger.warning("not confirmed", extra={"error": str(error)})
            return _answer(503)
        return _answer(200)


def _has_password(secret: SecretStr, request: Request) -> bool:
    return by_password(request.headers.get("authorization", ""), secret.get_secret_value())


def _answer(status: int, headers: Mapping[str, str] | None = None) -> Response:
    words = {200: "ok", 400: "not JSON", 401: "who are you?", 403: "not signed by who may tell", 503: "later"}
    return PlainTextResponse(words[status], status, headers)
