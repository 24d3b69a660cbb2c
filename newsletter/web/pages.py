"""Every answer of the subscribers' site: one look, one set of headers, a page for every error."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlsplit

import jinja2
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from newsletter.config import Settings, resource
from newsletter.errors import (
    NewsletterError,
    StoreError,
    TemplateError,
    TokenError,
    UnknownEntry,
    UnknownIssue,
    UnknownSubscriber,
)
from newsletter.renderer.theme import page_colours

MOST_BYTES = 64 * 1024  #: of a request's body
MOST_HOOK_BYTES = 2 * 1024 * 1024  #: of a provider's, which tells of many mails at once
HOOKS = "/hooks/"
OPEN_PAGES = ("/", "/subscribe", "/healthz")  #: of the others, only those that say so themselves hold no token

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src https: data:; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",  # the address of a page is a key: no other site may learn it
    "X-Content-Type-Options": "nosniff",
}
PRIVATE = {"X-Robots-Tag": "noindex", "Cache-Control": "no-store"}

ERRORS: dict[type[NewsletterError], tuple[int, str]] = {
    TokenError: (404, str(TokenError())),
    UnknownSubscriber: (404, str(TokenError())),  # an erased subscriber's link looks like a foreign one
    UnknownIssue: (404, str(TokenError())),
    UnknownEntry: (404, str(UnknownEntry())),
    StoreError: (503, "We cannot do this just now. Please try again in a few minutes."),
    TemplateError: (500, "This page cannot be shown: one of our templates is broken. We keep the fault."),
}
WORDS = {
    400: "We could not read this request.",
    404: "There is no such page.",
    405: "This address does not take that kind of request.",
    413: "That is more than this form takes.",
    500: "Something broke on our side. It is in our log, and not your fault.",
    503: "Too many want to see this just now. Please try again in a minute.",
}


class Pages:
    """The templates of `templates/web`; with `own`, overridden file by file by `web` in [newsletter] templates."""

    def __init__(self, settings: Settings, own: bool = True) -> None:
        place = settings.newsletter.templates
        folders = [settings.home / place / "web"] if place and own else []
        self.root = urlsplit(settings.masthead.base_url).path  #: where a proxy shows us, "" for the top
        self.headers = headers(settings.theme.logo)
        self._environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader([*folders, resource("templates") / "web"]),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
        )
        theme = page_colours(settings, own)
        self._environment.globals |= {"masthead": settings.masthead, "root": self.root, "theme": theme}
        self._environment.globals["archive"] = settings.web.archive
        self._environment.filters["web_link"] = web_link

    def answer(self, template: str, status: int = 200, **values: object) -> Response:
        """A page; raises TemplateError."""
        try:
            return HTMLResponse(self._environment.get_template(template).render(values), status)
        except jinja2.TemplateError as error:
            raise TemplateError(f"{template}: {error}") from error

    def problem(self, status: int, words: str) -> Response:
        """Says what is wrong, never where in the code."""
        try:
            return self.answer("problem.html", status, words=words)
        except TemplateError:
            return Response(words, status, media_type="text/plain")


def headers(logo: str) -> dict[str, str]:
    """Of every answer; a logo that is not behind TLS is let in."""
    policy = HEADERS["Content-Security-Policy"]
    sources = "img-src http: https:" if logo.startswith("http:") else "img-src https:"
    return HEADERS | {"Content-Security-Policy": policy.replace("img-src https:", sources)}


def web_link(url: str) -> str:
    """The address if it leads to the web, else "": an entry's link comes from outside."""
    return url if re.match(r"https?://", url, re.IGNORECASE) else ""


Handler = Callable[[Request, Exception], Awaitable[Response]]


def handlers(pages: Pages) -> dict[type[Exception], Handler]:
    """For Starlette's `exception_handlers`."""

    async def ours(_: Request, error: Exception) -> Response:
        kind = next((each for each in type(error).__mro__ if each in ERRORS), None)
        status, words = ERRORS[kind] if kind else (400, str(error))
        return pages.problem(status, words)

    async def http(_: Request, error: Exception) -> Response:
        status = getattr(error, "status_code", 400)
        return pages.problem(status, WORDS.get(status, WORDS[400]))

    async def bug(_: Request, error: Exception) -> Response:  # noqa: ARG001 (Starlette raises it again, for the log)
        response = pages.problem(500, WORDS[500])
        response.headers.update(pages.headers | PRIVATE)  # this one is answered outside of the guard
        return response

    return {NewsletterError: ours, HTTPException: http, ClientDisconnect: http, Exception: bug}


class Guard:
    """Headers on every answer, and no body over MOST_BYTES, or MOST_HOOK_BYTES for a web hook."""

    def __init__(self, app: ASGIApp, headers: Mapping[str, str]) -> None:
        self._app = app
        self._headers = {**headers}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = MOST_HOOK_BYTES if scope["path"].startswith(HOOKS) else MOST_BYTES
        read = 0

        async def limited() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > most:
                raise HTTPException(413)
            return message

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                is_open = scope["path"] in OPEN_PAGES or "cache-control" in headers
                headers.update(self._headers if is_open else self._headers | PRIVATE)
            await send(message)

        await self._app(scope, limited, dressed)
