"""The web version of a mail: the edition as it was mailed, for who opens "view in a browser"."""

from __future__ import annotations

from asyncio import to_thread

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from newsletter.tokens import Purpose
from newsletter.web.public.site import SubscriberSite


class WebVersionPage:
    """The HTML of the mail, with what it had no room for, and without the reader's own links: people pass it on."""

    def __init__(self, site: SubscriberSite) -> None:
        self._site = site
        self._engine = site.engine

    async def show(self, request: Request) -> Response:
        person, [key] = await self._site.reader(request, Purpose.VIEW, 1)
        return HTMLResponse(await to_thread(self._engine.editions.web_page, person, key))
