"""The subscribers' pages: forms that work without JavaScript, cookies or an account.

    /                          subscribe            ─▶ pending, and a confirmation mail
    /confirm/{token}           button               ─▶ active
    /interests/{token}         edit, pause, resume; what the next edition would hold
    /unsubscribe/{token}       button, or a mail client's one-click POST (RFC 8058)
    /feedback/{token}/more/…   button, undo         ─▶ more, or fewer (less), like this paper; save it
    /view/{token}              the edition, as it was mailed
    /archive, /feed.atom, …    past issues for everybody: see archive.py
    /hooks/{provider}          what providers tell of mails, where configured: see webhooks.py

GET and HEAD never change anything: mail scanners follow every link. A POST needs a token signed for that one purpose
and nothing else; as no cookie is ever set or read, another site has nothing to ride on, and no page needs a CSRF mark.
"""

from __future__ import annotations

import logging
from asyncio import to_thread
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from newsletter.config import WEEKDAYS
from newsletter.engine import Engine
from newsletter.errors import DeliveryError, NewsletterError, Refused, UnknownEntry
from newsletter.formats import LONGEST_NAME, one_line
from newsletter.tokens import Purpose
from newsletter.types import Edition, Entry, Status, Subscriber, Verb
from newsletter.web.mail_parts import parts
from newsletter.web.pages import Guard, Pages, handlers
from newsletter.web.public.archive import archive_routes
from newsletter.web.public.forms import LARGEST, Sheet, changed, newcomer, opinions, text
from newsletter.web.public.webhooks import Ask, hook_routes

logger = logging.getLogger("newsletter")

GONE = (Status.UNSUBSCRIBED, Status.BOUNCED, Status.COMPLAINED)
MAY_RESUME = (Status.PAUSED, Status.UNSUBSCRIBED)  #: who bounced or complained confirms their address again


def make_app(engine: Engine, ask: Ask | None = None) -> Starlette:
    """The site; served by `newsletter web` and `newsletter run`. `ask` fetches what Amazon's web hook names."""
    pages = Pages(engine.settings)
    site = _Site(engine, pages)
    both = ["GET", "POST"]
    routes = [
        Route("/", site.welcome),
        Route("/subscribe", site.subscribe, methods=["POST"]),
        Route("/confirm/{token}", site.confirm, methods=both),
        Route("/interests/{token}", site.interests, methods=both),
        Route("/interests/{token}/pause", site.pause, methods=["POST"]),
        Route("/interests/{token}/resume", site.resume, methods=["POST"]),
        Route("/unsubscribe/{token}", site.unsubscribe, methods=both),
        Route("/unsubscribe/{token}/undo", site.undo, methods=["POST"]),
        Route("/feedback/{token}/more/{entry:path}", site.more, methods=both),
        Route("/feedback/{token}/less/{entry:path}", site.less, methods=both),
        Route("/feedback/{token}/save/{entry:path}", site.save, methods=both),
        Route("/feedback/{token}/undo/{entry:path}", site.forget, methods=["POST"]),
        Route("/view/{token}", site.view),
        Route("/healthz", site.healthz),
        *archive_routes(engine, pages),
        *hook_routes(engine, ask or engine.collection.ask),
    ]
    return Starlette(routes=routes, middleware=[Middleware(Guard, pages.headers)], exception_handlers=handlers(pages))


class _Site:
    """A method a page. The token says who; what it does not say, nobody may do."""

    def __init__(self, engine: Engine, pages: Pages) -> None:
        self._engine = engine
        self._pages = pages

    async def welcome(self, _: Request) -> Response:
        return self._welcome({})

    async def subscribe(self, request: Request) -> Response:
        """The same answer whether the address is known or not."""
        async with request.form() as form:
            typed = {name: text(form, name) for name in ("email", "name", "interests", "website")}
        address, profile, errors = newcomer(typed)
        if errors:
            return self._welcome(typed, errors)
        inbox = self._pages.answer("inbox.html", address=address)
        if typed["website"]:  # a field that people do not see
            return inbox
        try:
            await self._engine.subscriptions.subscribe(address, one_line(typed["name"])[:LONGEST_NAME], profile)
        except Refused:
            return self._welcome(typed, {"email": "The mail server does not take mail for this address."})
        except DeliveryError as error:
            logger.warning("confirmation not sent", extra={"error": str(error)})
            return self._pages.problem(503, "We could not send the confirmation mail. Please try again later.")
        return inbox

    async def confirm(self, request: Request) -> Response:
        person = await self._reader(request, Purpose.CONFIRM)
        if request.method == "POST":
            person = await to_thread(self._engine.subscriptions.set_status, person.id, Status.ACTIVE)
        return self._pages.answer("confirm.html", done=request.method == "POST", **self._known(person))

    async def interests(self, request: Request) -> Response:
        person = await self._reader(request, Purpose.INTERESTS)
        if request.method != "POST":
            return await self._interests(person, Sheet.of(person), saved="saved" in request.query_params)
        async with request.form() as form:
            sheet, forget = Sheet.typed(form, Sheet.of(person)), [str(value) for value in form.getlist("forget")]
        _, errors = changed(person, sheet, forget)
        if errors:
            return await self._interests(person, sheet, errors, forget)
        await to_thread(self._save, person.id, sheet, forget)
        return self._back_to_interests(person, "?saved")

    async def pause(self, request: Request) -> Response:
        person = await self._reader(request, Purpose.INTERESTS)
        if person.status is Status.ACTIVE:
            await to_thread(self._engine.subscriptions.set_status, person.id, Status.PAUSED)
        return self._back_to_interests(person)

    async def resume(self, request: Request) -> Response:
        person = await self._reader(request, Purpose.INTERESTS)
        if person.status in MAY_RESUME:
            await to_thread(self._engine.subscriptions.set_status, person.id, Status.ACTIVE)
        return self._back_to_interests(person)

    async def unsubscribe(self, request: Request) -> Response:
        """RFC 8058: the POST's body is not even looked at, so that every form of it works."""
        person = await self._reader(request, Purpose.UNSUBSCRIBE)
        if request.method == "POST" and person.status not in GONE:
            person = await to_thread(self._engine.subscriptions.set_status, person.id, Status.UNSUBSCRIBED)
        return self._unsubscribed(request, person)

    async def undo(self, request: Request) -> Response:
        """The way back, for a slip of the finger; without its own POST nobody is subscribed again."""
        person = await self._reader(request, Purpose.UNSUBSCRIBE)
        if person.status is Status.UNSUBSCRIBED:
            person = await to_thread(self._engine.subscriptions.set_status, person.id, Status.ACTIVE)
        return self._unsubscribed(request, person)

    async def more(self, request: Request) -> Response:
        return await self._feedback(request, Verb.MORE)

    async def less(self, request: Request) -> Response:
        return await self._feedback(request, Verb.LESS)

    async def save(self, request: Request) -> Response:
        return await self._feedback(request, Verb.SAVE)

    async def forget(self, request: Request) -> Response:
        """The way back from a vote; what was said of the paper before it does not return."""
        person, entry = await self._reader(request, Purpose.FEEDBACK), await self._paper(request)
        await to_thread(self._engine.subscriptions.take_back, person.id, [entry.id])
        return self._voted(request, person, entry, None, done=True)

    async def view(self, request: Request) -> Response:
        """The HTML part of the very mail, with what it had no room for."""
        number, key = self._engine.tokens.read(Purpose.VIEW, request.path_params["token"])
        return HTMLResponse(await to_thread(self._mailed, int(number), str(key)))

    async def healthz(self, _: Request) -> Response:
        return PlainTextResponse("ok")

    async def _reader(self, request: Request, purpose: Purpose) -> Subscriber:
        """Whose token this is; raises TokenError, UnknownSubscriber."""
        number = self._engine.tokens.read(purpose, request.path_params["token"])[0]
        return await to_thread(self._engine.store.subscribers.get, int(number))

    def _welcome(self, typed: Mapping[str, str], errors: Mapping[str, str] | None = None) -> Response:
        status = 422 if errors else 200
        return self._pages.answer("subscribe.html", status, typed=typed, errors=errors or {})

    def _known(self, person: Subscriber) -> dict[str, Any]:
        """For pages whose token proves that the reader owns the mailbox."""
        return {"person": person, "interests": self._interests_path(person)}

    def _interests_path(self, person: Subscriber) -> str:
        return f"{self._pages.root}/interests/{self._engine.tokens.sign(Purpose.INTERESTS, person.id)}"

    def _back_to_interests(self, person: Subscriber, query: str = "") -> Response:
        return RedirectResponse(self._interests_path(person) + query, 303)

    def _unsubscribed(self, request: Request, person: Subscriber) -> Response:
        path = f"{self._pages.root}/unsubscribe/{request.path_params['token']}"
        return self._pages.answer("unsubscribe.html", person=person, path=path, gone=person.status in GONE)

    async def _interests(
        self,
        person: Subscriber,
        sheet: Sheet,
        errors: Mapping[str, str] | None = None,
        forget: list[str] | None = None,
        saved: bool = False,
    ) -> Response:
        known = await to_thread(self._around, person)
        form = {"sheet": sheet, "errors": errors or {}, "forget": forget or [], "saved": saved, "largest": LARGEST}
        settings = self._engine.settings
        defaults = {
            "selection": settings.selection,
            "cadence": settings.schedule.cadence,
            "weekday": WEEKDAYS[settings.schedule.weekday],
            "language": settings.newsletter.language,
        }
        status = 422 if errors else 200
        return self._pages.answer("interests.html", status, **known, **form, defaults=defaults)

    def _around(self, person: Subscriber) -> dict[str, Any]:
        """What the interests page shows beside the form."""
        votes = self._engine.store.votes.of([person.id]).get(person.id, [])
        said = opinions(person.profile, votes)
        entries = self._engine.store.entries.find(said)
        papers = [(each, entries.get(each, Entry(each, each)), opinion) for each, opinion in said.items()]
        known = self._known(person) | {"may_resume": person.status in MAY_RESUME}
        return {**known, "edition": self._next_edition(person), "papers": papers, "languages": self._languages()}

    def _languages(self) -> dict[str, str]:
        """None to choose from where they cannot be read: the form still works with a broken catalogue."""
        try:
            return self._engine.planning.languages()
        except NewsletterError as error:
            logger.warning("no languages", extra={"error": str(error)})
            return {}

    def _next_edition(self, person: Subscriber) -> Edition | None:
        """None where it cannot be made: the form still works with a broken template."""
        try:
            return self._engine.editions.next_edition(person)
        except NewsletterError as error:
            logger.warning("no next edition", extra={"subscriber": person.id, "error": str(error)})
            return None

    def _save(self, number: int, sheet: Sheet, forget: list[str]) -> None:
        """On the subscriber as stored now, so that what happened since the page was read is kept."""
        person, _ = changed(self._engine.store.subscribers.get(number), sheet, forget)
        self._engine.store.subscribers.change(person)
        self._engine.subscriptions.take_back(number, forget)

    async def _feedback(self, request: Request, verb: Verb) -> Response:
        person, entry = await self._reader(request, Purpose.FEEDBACK), await self._paper(request)
        done = request.method == "POST"
        if done:
            await to_thread(self._engine.subscriptions.vote, person.id, entry.id, verb)
        return self._voted(request, person, entry, verb, done)

    async def _paper(self, request: Request) -> Entry:
        """Which paper the address names; raises UnknownEntry."""
        asked = request.path_params["entry"]
        entry = (await to_thread(self._engine.store.entries.find, [asked])).get(asked)
        if entry is None:
            raise UnknownEntry
        return entry

    def _voted(self, request: Request, person: Subscriber, entry: Entry, verb: Verb | None, done: bool) -> Response:
        undo = f"{self._pages.root}/feedback/{request.path_params['token']}/undo/{quote(entry.id, safe='')}"
        known = self._known(person) | {"entry": entry, "verb": verb or "", "undo": undo}
        return self._pages.answer("feedback.html", done=done, **known)

    def _mailed(self, number: int, key: str) -> str:
        prepared = self._engine.editions.prepared(key)
        person = self._engine.store.subscribers.get(number)
        return parts(prepared.render_web_page(self._engine.editions.edition(prepared, person))).html
