"""Past issues for everybody; who asks is not looked at.

    /archive                     the issues that went out, newest first
    /archive/{key}               one of them, in the newsletter's language or in ?lang=de
    /archive/{key}/feed.atom     its papers; feed.json too
    /feed.atom, /feed.json       those of the latest issues

What is not in memory is prepared by few at a time: a crowd at this door leaves the subscribers' pages alone.
"""

from __future__ import annotations

import re
from asyncio import Semaphore, to_thread
from collections.abc import Callable
from typing import NamedTuple, TypeVar

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from newsletter.engine import Engine
from newsletter.errors import UnknownIssue
from newsletter.web.pages import Pages
from newsletter.web.public.feeds import MOST_PAPERS, Feed, atom, feed_of_all, feed_of_issue, json_feed
from newsletter.web.public.http_cache import shared

ON_A_PAGE = 50  #: issues
AT_WORK, MOST_WAITING = 2, 100  #: threads, of the few that all pages share; requests

Answer = TypeVar("Answer")


class Form(NamedTuple):
    """How a feed is written."""

    media_type: str
    write: Callable[[Feed], bytes]


FORMS = {
    "atom": Form("application/atom+xml; charset=utf-8", atom),
    "json": Form("application/feed+json; charset=utf-8", json_feed),
}


def archive_routes(engine: Engine, pages: Pages) -> list[Route]:
    """None where [web] archive is false."""
    site = _Site(engine, pages)
    routes = [
        Route("/archive", site.listed),
        Route("/archive/{key}", site.issue),
        Route("/archive/{key}/feed.{form}", site.feed_of_issue),
        Route("/feed.{form}", site.feed),
    ]
    return routes if engine.settings.web.archive else []


class _Site:
    """A method a page."""

    def __init__(self, engine: Engine, pages: Pages) -> None:
        self._engine = engine
        self._archive = engine.archive
        self._masthead = engine.settings.masthead
        self._pages = pages
        self._at_work = Semaphore(AT_WORK)
        self._waiting = 0

    async def listed(self, request: Request) -> Response:
        page = _number(request.query_params.get("page", "1"))
        found = await self._made(self._archive.headlines, (page - 1) * ON_A_PAGE, ON_A_PAGE + 1)
        if page > 1 and not found:
            raise HTTPException(404)
        lines, more = found[:ON_A_PAGE], len(found) > ON_A_PAGE
        response = self._pages.answer("archive.html", lines=lines, page=page, more=more)
        return shared(request, response, lines[0].issue.until if lines else None)

    async def issue(self, request: Request) -> Response:
        language = request.query_params.get("lang", "")
        page = await self._made(self._archive.public, request.path_params["key"], language)
        return shared(request, HTMLResponse(page.html), page.issue.until)

    async def feed_of_issue(self, request: Request) -> Response:
        form = _form(request)
        page = await self._made(self._archive.public, request.path_params["key"])
        feed = feed_of_issue(page, await self._made(self._archive.began), self._masthead)
        return _fed(request, feed, form)

    async def feed(self, request: Request) -> Response:
        form = _form(request)
        pages = await self._made(self._archive.latest, MOST_PAPERS)
        feed = feed_of_all(pages, await self._made(self._archive.began), self._masthead)
        return _fed(request, feed, form)

    async def _made(self, make: Callable[..., Answer], *given: object) -> Answer:
        """In a thread, when one is free; 503 for a crowd."""
        if self._waiting >= MOST_WAITING:
            raise HTTPException(503)
        self._waiting += 1
        try:
            async with self._at_work:
                return await to_thread(make, *given)
        except UnknownIssue as error:
            raise HTTPException(404) from error
        finally:
            self._waiting -= 1


def _fed(request: Request, feed: Feed, form: Form) -> Response:
    return shared(request, Response(form.write(feed), media_type=form.media_type), feed.updated)


def _form(request: Request) -> Form:
    form = FORMS.get(request.path_params["form"])
    if form is None:
        raise HTTPException(404)
    return form


def _number(page: str) -> int:
    """Of a page, from 1 on."""
    if not re.fullmatch(r"[1-9][0-9]{0,5}", page):
        raise HTTPException(404)
    return int(page)
