"""Votes by the links of a mail: more or fewer papers like this one, save it, and take the vote back."""

from __future__ import annotations

from asyncio import to_thread
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response

from newsletter.errors import UnknownEntry
from newsletter.tokens import Purpose
from newsletter.types import Entry, Subscriber, Verb
from newsletter.web.public.site import SubscriberSite


class FeedbackPages:
    """A page for each vote. A GET shows its button, because mail scanners follow links; the POST votes."""

    def __init__(self, site: SubscriberSite) -> None:
        self._site = site
        self._engine = site.engine

    async def more(self, request: Request) -> Response:
        return await self._vote(request, Verb.MORE)

    async def less(self, request: Request) -> Response:
        return await self._vote(request, Verb.LESS)

    async def save(self, request: Request) -> Response:
        return await self._vote(request, Verb.SAVE)

    async def undo(self, request: Request) -> Response:
        """Take the vote back; what was said of the paper before it does not return."""
        person, entry = await self._site.subscriber(request, Purpose.FEEDBACK), await self._entry(request)
        await to_thread(self._engine.subscriptions.take_back, person.id, [entry.id])
        return self._page(request, person, entry, None, done=True)

    async def _vote(self, request: Request, verb: Verb) -> Response:
        person, entry = await self._site.subscriber(request, Purpose.FEEDBACK), await self._entry(request)
        done = request.method == "POST"
        if done:
            await to_thread(self._engine.subscriptions.vote, person.id, entry.id, verb)
        return self._page(request, person, entry, verb, done)

    async def _entry(self, request: Request) -> Entry:
        """Return the paper that the address names; raises UnknownEntry."""
        asked = request.path_params["entry"]
        entry = (await to_thread(self._engine.papers.known, [asked])).get(asked)
        if entry is None:
            raise UnknownEntry
        return entry

    def _page(self, request: Request, person: Subscriber, entry: Entry, verb: Verb | None, done: bool) -> Response:
        """Render the page of a vote; `verb` None: of one that was taken back."""
        templates = self._site.templates
        undo = f"{templates.root}/feedback/{request.path_params['token']}/undo/{quote(entry.id, safe='')}"
        values = self._site.known(person) | {"entry": entry, "verb": verb or "", "undo": undo}
        return templates.response("feedback.html", done=done, **values)
