"""Subscribe, confirm the address, unsubscribe, and come back after a mistaken click."""

from __future__ import annotations

from asyncio import to_thread
from collections.abc import Mapping
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from newsletter.errors import DeliveryError, Refused, TooManySignUps
from newsletter.formats import LONGEST_NAME, one_line
from newsletter.tokens import Purpose
from newsletter.types import Status, Subscriber
from newsletter.web.public.forms import field_text, parse_subscription
from newsletter.web.public.origins import is_cross_site
from newsletter.web.public.site import SubscriberSite

GONE = (Status.UNSUBSCRIBED, Status.BOUNCED, Status.COMPLAINED)
FIELDS = ("email", "name", "interests", "website", "altcha")
RETRY_AFTER = "3600"  #: seconds


class SubscribePages:
    """The pages that change whether somebody gets mail."""

    def __init__(self, site: SubscriberSite) -> None:
        self._site = site
        self._engine = site.engine
        self._templates = site.templates
        self._base_url = site.engine.settings.masthead.base_url
        self._origins = site.engine.settings.signup.origins

    async def welcome(self, _: Request) -> Response:
        return self._welcome({})

    async def challenge(self, _: Request) -> Response:
        return JSONResponse(self._engine.challenge.make())

    async def subscribe(self, request: Request) -> Response:
        """Ask for a confirmation mail; the answer does not tell whether the address is known."""
        if is_cross_site(request.headers, self._base_url, self._origins):
            return self._templates.problem(403, "This form was sent by another site. Please subscribe on our own page.")
        async with request.form() as form:
            typed = {name: field_text(form, name) for name in FIELDS}
        address, profile, errors = parse_subscription(typed)
        if not errors and not await to_thread(self._engine.challenge.is_solved, typed["altcha"]):
            errors["altcha"] = "Please wait until the box below is ticked, then try again."
        if errors:
            return self._welcome(typed, errors)
        inbox = self._templates.response("inbox.html", address=address)
        if typed["website"]:  # a field that people do not see
            return inbox
        name, client = one_line(typed["name"])[:LONGEST_NAME], request.client.host if request.client else ""
        try:
            await self._engine.subscriptions.subscribe(address, name, profile, client=client)
        except TooManySignUps as error:
            busy = self._templates.problem(429, str(error))
            busy.headers["Retry-After"] = RETRY_AFTER
            return busy
        except Refused:
            return self._welcome(typed, {"email": "The mail server does not take mail for this address."})
        except DeliveryError:
            return self._templates.problem(503, "We could not send the confirmation mail. Please try again later.")
        return inbox

    async def confirm(self, request: Request) -> Response:
        person = await self._site.subscriber(request, Purpose.CONFIRM)
        if request.method == "POST":
            person = await to_thread(self._engine.subscriptions.confirm, person.id, person.epoch)
        return self._templates.response("confirm.html", done=request.method == "POST", **self._site.known(person))

    async def unsubscribe(self, request: Request) -> Response:
        """Unsubscribe by a POST with any body at all: mail clients send several forms of RFC 8058's.

        Only who was subscribed before this very POST is offered a way back: an old link brings nobody back.
        """
        person, undo = await self._site.leaving(request), ""
        while request.method == "POST" and person.status not in GONE:  # until nobody changes them meanwhile
            person = await to_thread(self._engine.subscriptions.set_status, person.id, Status.UNSUBSCRIBED, person)
            undo = self._path("/undo", Purpose.UNDO, person.id, person.epoch)
        return self._unsubscribed(person, undo if person.status is Status.UNSUBSCRIBED else "")

    async def undo(self, request: Request) -> Response:
        """Subscribe again who unsubscribed by mistake just now; it takes a POST of its own."""
        person = await self._site.subscriber(request, Purpose.UNDO)
        if person.status is Status.UNSUBSCRIBED:
            person = await to_thread(self._engine.subscriptions.set_status, person.id, Status.ACTIVE, person)
        return self._unsubscribed(person, back=person.status is Status.ACTIVE)

    def _welcome(self, typed: Mapping[str, str], errors: Mapping[str, str] | None = None) -> Response:
        script = self._engine.challenge.script
        status = 422 if errors else 200
        page = self._templates.response("subscribe.html", status, typed=typed, errors=errors or {}, challenge=script)
        if script:
            page.headers["Content-Security-Policy"] = _policy(self._templates.headers, script)
        return page

    def _unsubscribed(self, person: Subscriber, undo: str = "", back: bool = False) -> Response:
        """Render the page; `undo`: the path that brings them back, `back`: they just came back."""
        path = self._path("", Purpose.UNSUBSCRIBE, person.id)
        gone = person.status in GONE
        return self._templates.response("unsubscribe.html", person=person, path=path, undo=undo, back=back, gone=gone)

    def _path(self, end: str, purpose: Purpose, number: int, epoch: int = 0) -> str:
        token = self._engine.tokens.sign_personal(purpose, number, epoch)
        return f"{self._templates.root}/unsubscribe/{token}{end}"


def _policy(headers: Mapping[str, str], script: str) -> str:
    """Let the page run the widget's script, which starts workers and fetches its challenge from us."""
    where = script if urlsplit(script).netloc else "'self'"
    usual = headers["Content-Security-Policy"]
    return f"{usual}; script-src {where}; worker-src blob:; connect-src 'self'"
