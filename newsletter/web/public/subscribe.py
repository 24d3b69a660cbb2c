"""Subscribe, confirm the address, unsubscribe, and come back after a mistaken click."""

from __future__ import annotations

import logging
from asyncio import to_thread
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from newsletter.errors import DeliveryError, Refused
from newsletter.formats import LONGEST_NAME, one_line
from newsletter.tokens import Purpose
from newsletter.types import Status, Subscriber
from newsletter.web.public.forms import field_text, parse_subscription
from newsletter.web.public.site import SubscriberSite

logger = logging.getLogger("newsletter")

GONE = (Status.UNSUBSCRIBED, Status.BOUNCED, Status.COMPLAINED)
FIELDS = ("email", "name", "interests", "website")


class SubscribePages:
    """The pages that change whether somebody gets mail."""

    def __init__(self, site: SubscriberSite) -> None:
        self._site = site
        self._engine = site.engine
        self._templates = site.templates

    async def welcome(self, _: Request) -> Response:
        return self._welcome({})

    async def subscribe(self, request: Request) -> Response:
        """Ask for a confirmation mail; the answer does not tell whether the address is known."""
        async with request.form() as form:
            typed = {name: field_text(form, name) for name in FIELDS}
        address, profile, errors = parse_subscription(typed)
        if errors:
            return self._welcome(typed, errors)
        inbox = self._templates.response("inbox.html", address=address)
        if typed["website"]:  # a field that people do not see
            return inbox
        try:
            await self._engine.subscriptions.subscribe(address, one_line(typed["name"])[:LONGEST_NAME], profile)
        except Refused:
            return self._welcome(typed, {"email": "The mail server does not take mail for this address."})
        except DeliveryError as error:
            logger.warning("confirmation not sent", extra={"error": str(error)})
            return self._templates.problem(503, "We could not send the confirmation mail. Please try again later.")
        return inbox

    async def confirm(self, request: Request) -> Response:
        person = await self._site.subscriber(request, Purpose.CONFIRM)
        if request.method == "POST":
            person = await to_thread(self._engine.subscriptions.set_status, person.id, Status.ACTIVE)
        return self._templates.response("confirm.html", done=request.method == "POST", **self._site.known(person))

    async def unsubscribe(self, request: Request) -> Response:
        """Unsubscribe by a POST with any body at all: mail clients send several forms of RFC 8058's."""
        person = await self._site.subscriber(request, Purpose.UNSUBSCRIBE)
        if request.method == "POST" and person.status not in GONE:
            person = await to_thread(self._engine.subscriptions.set_status, person.id, Status.UNSUBSCRIBED)
        return self._unsubscribed(request, person)

    async def undo(self, request: Request) -> Response:
        """Subscribe again who unsubscribed by mistake; it takes a POST of its own."""
        person = await self._site.subscriber(request, Purpose.UNSUBSCRIBE)
        if person.status is Status.UNSUBSCRIBED:
            person = await to_thread(self._engine.subscriptions.set_status, person.id, Status.ACTIVE)
        return self._unsubscribed(request, person)

    def _welcome(self, typed: Mapping[str, str], errors: Mapping[str, str] | None = None) -> Response:
        status = 422 if errors else 200
        return self._templates.response("subscribe.html", status, typed=typed, errors=errors or {})

    def _unsubscribed(self, request: Request, person: Subscriber) -> Response:
        path = f"{self._templates.root}/unsubscribe/{request.path_params['token']}"
        return self._templates.response("unsubscribe.html", person=person, path=path, gone=person.status in GONE)
