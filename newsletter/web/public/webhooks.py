"""Web hooks, by which providers report what became of mails. Each exists only when its secret is configured.

    POST /hooks/ses         [bounces] ses_topics        signed by Amazon SNS
    POST /hooks/postmark    [bounces] postmark_password basic authentication
    POST /hooks/mailgun     [bounces] mailgun_key       HMAC
    POST /hooks/sendgrid    [bounces] sendgrid_key      ECDSA

A call that is not signed is answered 403 and changes nothing; a report that comes twice counts once. Who calls is
verified before the report is parsed, where the signature is not inside it (Amazon's and Mailgun's are). Both is done in
threads of a lane: a large report, or a flood of forged ones, stops no page.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from newsletter.bounces.providers import parse
from newsletter.bounces.signatures import by_mailgun, by_password, by_sendgrid, by_sns, is_sns, is_sns_certificate
from newsletter.engine import Engine
from newsletter.errors import SourceError
from newsletter.web.lanes import Lane

logger = logging.getLogger("newsletter")

AT_WORK = 2  #: threads
MOST = 40  #: calls at once, each of which may hold a large report in memory
MOST_CERTIFICATES = 8  #: of Amazon's that are cached; there is one a region, and a new one a year
MOST_TOKENS = 50_000  #: of Mailgun's that are remembered
Fetch = Callable[[str], Awaitable[bytes]]  #: gets an address of Amazon's; raises SourceError
Page = Callable[[Request], Awaitable[Response]]


def webhook_routes(engine: Engine, fetch: Fetch) -> list[Route]:
    """Return the routes of the providers that are configured."""
    section, hooks = engine.settings.bounces, WebHooks(engine, fetch)
    wanted = {
        "ses": (section.ses_topics, hooks.ses),
        "postmark": (section.postmark_password, hooks.postmark),
        "mailgun": (section.mailgun_key, hooks.mailgun),
        "sendgrid": (section.sendgrid_key, hooks.sendgrid),
    }
    configured = {name: page for name, (secret, page) in wanted.items() if secret}
    return [Route(f"/hooks/{name}", hooks.placed(page), methods=["POST"]) for name, page in configured.items()]


class WebHooks:
    """Verify who calls, a method a provider, then let the engine act on the report."""

    def __init__(self, engine: Engine, fetch: Fetch) -> None:
        self._engine = engine
        self._section = engine.settings.bounces
        self._fetch = fetch
        self._lane = Lane(AT_WORK, MOST)
        self._certificates: dict[str, bytes] = {}
        self._mailgun_tokens: dict[str, bytes] = {}

    def placed(self, page: Page) -> Page:
        """Return the page, answered 503 before its body is read where too many call."""

        async def answer(request: Request) -> Response:
            with self._lane.place():
                return await page(request)

        return answer

    async def ses(self, request: Request) -> Response:
        payload = await self._lane.run(parse, await request.body())
        if not isinstance(payload, dict):
            return _answer(400)
        if payload.get("TopicArn") not in self._section.ses_topics or not await self._is_signed_by_sns(payload):
            return _answer(403)
        if payload.get("Type") == "SubscriptionConfirmation":
            return await self._confirm(str(payload.get("SubscribeURL", "")), str(payload["TopicArn"]))
        return await self._report("ses", payload) if payload.get("Type") == "Notification" else _answer(200)

    async def postmark(self, request: Request) -> Response:
        secret = self._section.postmark_password
        if not secret or not by_password(request.headers.get("authorization", ""), secret.get_secret_value()):
            return _answer(401, {"WWW-Authenticate": "Basic"})
        return await self._report("postmark", await self._lane.run(parse, await request.body()))

    async def mailgun(self, request: Request) -> Response:
        payload, digest = await self._lane.run(self._of_mailgun, await request.body())
        if payload is None or not self._is_first(payload, digest):
            return _answer(403)
        return await self._report("mailgun", payload)

    def _of_mailgun(self, body: bytes) -> tuple[dict[str, Any] | None, bytes]:
        """Return what is signed, None where nothing is, and a digest of it."""
        secret, payload = self._section.mailgun_key, parse(body)
        signed = secret and by_mailgun(payload, secret.get_secret_value(), self._engine.now())
        return payload if signed else None, hashlib.sha256(body).digest()

    async def sendgrid(self, request: Request) -> Response:
        body = await request.body()
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
        """Check the signature; the certificate may only come from Amazon's own host, whatever the call says."""
        url = payload.get("SigningCertURL")
        if not is_sns_certificate(url, str(payload["TopicArn"])):
            return False
        known = self._certificates.get(str(url))
        try:
            certificate = known or await self._fetch(str(url))
        except SourceError as error:
            logger.warning("no certificate", extra={"error": str(error)})
            return False
        if not await self._lane.run(by_sns, payload, certificate, self._engine.now()):
            return False
        if not known and len(self._certificates) >= MOST_CERTIFICATES:
            self._certificates.clear()
        self._certificates[str(url)] = certificate
        return True

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


def _answer(status: int, headers: Mapping[str, str] | None = None) -> Response:
    words = {200: "ok", 400: "not JSON", 401: "who are you?", 403: "not signed by who may tell", 503: "later"}
    return PlainTextResponse(words[status], status, headers)
