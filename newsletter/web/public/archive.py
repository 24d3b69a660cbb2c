"""Past issues for everybody, without a token.

    /archive                     the issues that went out, newest first
    /archive/{key}               one of them, in the newsletter's language or in ?lang=de
    /archive/{key}/feed.atom     its papers; feed.json too
    /feed.atom, /feed.json       those of the latest issues

A lane of their own prepares what is not in memory, so that a crowd here leaves the subscribers' pages alone.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from newsletter.engine import Engine
from newsletter.errors import UnknownIssue
from newsletter.services.archive import Public
from newsletter.web.lanes import Lane
from newsletter.web.pages import PageTemplates
from newsletter.web.public.feeds import MOST_PAPERS, PublicFeed, atom, feed_of_all, feed_of_issue, json_feed
from newsletter.web.public.http_cache import cacheable

ON_A_PAGE = 50  #: issues
AT_WORK = 2  #: threads
MOST = 100  #: requests at once


class FeedFormat(NamedTuple):
    """A media type and what writes it."""

    media_type: str
    write: Callable[[PublicFeed], bytes]


FEED_FORMATS = {
    "atom": FeedFormat("application/atom+xml; charset=utf-8", atom),
    "json": FeedFormat("application/feed+json; charset=utf-8", json_feed),
}


def archive_routes(engine: Engine, templates: PageTemplates) -> list[Route]:
    """Return no routes where [web] archive is false."""
    pages = ArchivePages(engine, templates)
    routes = [
        Route("/archive", pages.listed),
        Route("/archive/{key}", pages.issue),
        Route("/archive/{key}/feed.{form}", pages.feed_of_issue),
        Route("/feed.{form}", pages.feed),
    ]
    return routes if engine.settings.web.archive else []


class ArchivePages:
    """The list of issues, each issue, and their feeds."""

    def __init__(self, engine: Engine, templates: PageTemplates) -> None:
        self._archive = engine.archive
        self._masthead = engine.settings.masthead
        self._templates = templates
        self._lane = Lane(AT_WORK, MOST)

    async def listed(self, request: Request) -> Response:
        page = _page_number(request.query_params.get("page", "1"))
        return await self._lane.call(self._list, request, page)

    def _list(self, request: Request, page: int) -> Response:
        found = self._archive.headlines((page - 1) * ON_A_PAGE, ON_A_PAGE + 1)
        if page > 1 and not found:
            raise HTTPException(404)
        lines, more = found[:ON_A_PAGE], len(found) > ON_A_PAGE
        response = self._templates.response("archive.html", lines=lines, page=page, more=more)
        return cacheable(request, response, lines[0].issue.until if lines else None)

    async def issue(self, request: Request) -> Response:
        return await self._lane.call(self._issue, request)

    def _issue(self, request: Request) -> Response:
        page = self._public(request.path_params["key"], request.query_params.get("lang", ""))
        return cacheable(request, HTMLResponse(page.html), page.issue.until)

    async def feed_of_issue(self, request: Request) -> Response:
        feed_format = _feed_format(request)
        return await self._lane.call(self._feed_of_issue, request, feed_format)

    def _feed_of_issue(self, request: Request, feed_format: FeedFormat) -> Response:
        page = self._public(request.path_params["key"])
        return _feed_response(request, feed_of_issue(page, self._archive.began(), self._masthead), feed_format)

    async def feed(self, request: Request) -> Response:
        feed_format = _feed_format(request)
        return await self._lane.call(self._feed, request, feed_format)

    def _feed(self, request: Request, feed_format: FeedFormat) -> Response:
        feed = feed_of_all(self._archive.latest(MOST_PAPERS), self._archive.began(), self._masthead)
        return _feed_response(request, feed, feed_format)

    def _public(self, key: str, language: str = "") -> Public:
        """The issue as everybody may see it; HTTPException 404 where there is none."""
        try:
            return self._archive.public(key, language)
        except UnknownIssue as error:
            raise HTTPException(404) from error


def _feed_response(request: Request, feed: PublicFeed, feed_format: FeedFormat) -> Response:
    return cacheable(request, Response(feed_format.write(feed), media_type=feed_format.media_type), feed.updated)


def _feed_format(request: Request) -> FeedFormat:
    feed_format = FEED_FORMATS.get(request.path_params["form"])
    if feed_format is None:
        raise HTTPException(404)
    return feed_format


def _page_number(page: str) -> int:
    """Parse the number of a page, from 1 on; 404 for anything else."""
    if not re.fullmatch(r"[1-9][0-9]{0,5}", page):
        raise HTTPException(404)
    return int(page)
