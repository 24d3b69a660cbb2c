"""The web version of a mail: the edition as it was mailed, for who opens "view in a browser"."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from newsletter.tokens import Purpose
from newsletter.web.lanes import Lane
from newsletter.web.public.site import SubscriberSite

AT_WORK = 2  #: threads
MOST = 100  #: requests at once


class WebVersionPage:
    """The HTML of the mail, with what it had no room for, and without the reader's own links: people pass it on."""

    def __init__(self, site: SubscriberSite) -> None:
        self._site = site
        self._engine = site.engine
        self._lane = Lane(AT_WORK, MOST)

    async def show(self, request: Request) -> Response:
        person, [key] = await self._site.reader(request, Purpose.VIEW, 1)
        return HTMLResponse(await self._lane.call(self._engine.editions.web_page, person, key))
