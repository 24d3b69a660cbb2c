"""The subscribers' pages: forms that work without JavaScript, cookies or an account.

    /                          subscribe            ─▶ pending, and a confirmation mail        subscribe.py
    /challenge                 a puzzle for browsers, where one is configured
    /confirm/{token}           button               ─▶ active
    /unsubscribe/{token}       button, or a mail client's one-click POST (RFC 8058); undo, just afterwards
    /interests/{token}         edit, pause, resume; what the next edition would hold           interests.py
    /feedback/{token}/more/…   button, undo         ─▶ more, or fewer (less), like this paper; save it: feedback.py
    /view/{token}              the edition, as it was mailed, without the reader's own links   web_version.py
    /archive, /feed.atom, …    past issues for everybody                                       archive.py
    /hooks/{provider}          what providers report about mails, where configured             webhooks.py

GET and HEAD never change anything: mail scanners follow every link. A POST needs a token signed for that one purpose
and nothing else; as no cookie is ever set or read, another site has nothing to ride on, and no page needs a CSRF token.
To subscribe takes no token, so other sites' forms are refused there (origins.py).
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from newsletter.engine import Engine
from newsletter.web.pages import PageTemplates, SecurityMiddleware, exception_handlers
from newsletter.web.public.archive import archive_routes
from newsletter.web.public.feedback import FeedbackPages
from newsletter.web.public.interests import InterestsPages
from newsletter.web.public.site import SubscriberSite
from newsletter.web.public.sns_certificates import Fetch
from newsletter.web.public.subscribe import SubscribePages
from newsletter.web.public.web_version import WebVersionPage
from newsletter.web.public.webhooks import webhook_routes

GET_AND_POST = ["GET", "POST"]
POST = ["POST"]


def make_app(engine: Engine, fetch: Fetch | None = None) -> Starlette:
    """Build the site. `fetch` gets the addresses that Amazon's web hook names; the engine's own by default."""
    templates = PageTemplates(engine.settings)
    routes = [
        *_subscriber_routes(SubscriberSite(engine, templates)),
        *_challenge_routes(SubscriberSite(engine, templates)),
        Route("/healthz", _healthz),
        *archive_routes(engine, templates),
        *webhook_routes(engine, fetch or engine.collection.ask),
    ]
    middleware = [Middleware(SecurityMiddleware, templates.headers)]

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        yield
        await engine.subscriptions.finish()

    handlers = exception_handlers(templates)
    app = Starlette(routes=routes, middleware=middleware, exception_handlers=handlers, lifespan=lifespan)
    app.router.redirect_slashes = False  # it would lead to whatever scheme and host the request names
    return app


def _subscriber_routes(site: SubscriberSite) -> list[Route]:
    subscribing, interests, feedback = SubscribePages(site), InterestsPages(site), FeedbackPages(site)
    return [
        Route("/", subscribing.welcome),
        Route("/subscribe", subscribing.subscribe, methods=POST),
        Route("/confirm/{token}", subscribing.confirm, methods=GET_AND_POST),
        Route("/interests/{token}", interests.edit, methods=GET_AND_POST),
        Route("/interests/{token}/pause", interests.pause, methods=POST),
        Route("/interests/{token}/resume", interests.resume, methods=POST),
        Route("/unsubscribe/{token}", subscribing.unsubscribe, methods=GET_AND_POST),
        Route("/unsubscribe/{token}/undo", subscribing.undo, methods=POST),
        Route("/feedback/{token}/more/{entry:path}", feedback.more, methods=GET_AND_POST),
        Route("/feedback/{token}/less/{entry:path}", feedback.less, methods=GET_AND_POST),
        Route("/feedback/{token}/save/{entry:path}", feedback.save, methods=GET_AND_POST),
        Route("/feedback/{token}/undo/{entry:path}", feedback.undo, methods=POST),
        Route("/view/{token}", WebVersionPage(site).show),
    ]


def _challenge_routes(site: SubscriberSite) -> list[Route]:
    return [Route("/challenge", SubscribePages(site).challenge)] if site.engine.challenge.script else []


async def _healthz(_: Request) -> Response:
    return PlainTextResponse("ok")
