"""How the subscribers' site answers: templates with one look, one set of headers, a page for every error."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import urlsplit

import jinja2
from markupsafe import Markup
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from newsletter.config import Settings, resource
from newsletter.errors import (
    NewsletterError,
    StaleLink,
    StoreError,
    TemplateError,
    TokenError,
    TooManySignUps,
    UnknownEntry,
    UnknownIssue,
    UnknownSubscriber,
)
from newsletter.renderer.theme import page_colours

MOST_BYTES = 64 * 1024  #: of a request's body
MOST_HOOK_BYTES = 2 * 1024 * 1024  #: of a web hook's body, which may report many mails at once
HOOKS = "/hooks/"
#: Pages whose path holds no token. Others that hold none set a Cache-Control of their own.
OPEN_PAGES = ("/", "/subscribe", "/healthz")

SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; img-src https: data:; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
    "Referrer-Policy": "no-referrer",  # the address of a page is a key: no other site may learn it
    "X-Content-Type-Options": "nosniff",
}
STRICT_TRANSPORT = {"Strict-Transport-Security": "max-age=31536000"}  #: a year; says nothing of subdomains
BUSY_HEADERS = {"Retry-After": "60"}  #: seconds
PRIVATE_HEADERS = {"X-Robots-Tag": "noindex", "Cache-Control": "no-store"}

ERROR_PAGES: dict[type[NewsletterError], tuple[int, str]] = {
    TokenError: (404, str(TokenError())),
    StaleLink: (410, str(StaleLink())),
    TooManySignUps: (429, str(TooManySignUps())),
    UnknownSubscriber: (404, str(TokenError())),  # an erased subscriber's link looks like a foreign one
    UnknownIssue: (404, str(TokenError())),
    UnknownEntry: (404, str(UnknownEntry())),
    StoreError: (503, "We cannot do this just now. Please try again in a few minutes."),
    TemplateError: (500, "This page cannot be shown: one of our templates is broken. We keep the fault."),
}
HTTP_ERROR_PAGES = {
    400: "We could not read this request.",
    404: "There is no such page.",
    405: "This address does not take that kind of request.",
    413: "That is more than this form takes.",
    500: "Something broke on our side. It is in our log, and not your fault.",
    503: "Too many want to see this just now. Please try again in a minute.",
}


class PageTemplates:
    """The templates in `templates/web`.

    With `own`, files in the folder `web` of [newsletter] templates override them one by one.
    """

    def __init__(self, settings: Settings, own: bool = True) -> None:
        folder = settings.newsletter.templates
        folders = [settings.home / folder / "web"] if folder and own else []
        self.root = urlsplit(
            settings.masthead.base_url
        ).path  #: the path below which a proxy serves the site; "" at the top
        self.headers = security_headers(settings.theme.logo, settings.masthead.base_url)
        self._environment = jinja2.Environment(
            loader=jinja2.FileSystemLoader([*folders, resource("templates") / "web"]),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
        )
        theme = page_colours(settings, own)
        self._environment.globals |= {"masthead": settings.masthead, "root": self.root, "theme": theme}
        self._environment.globals["colours"] = {table: custom_properties(theme[table]) for table in theme}
        self._environment.globals["archive"] = settings.web.archive
        self._environment.filters["web_link"] = web_link

    def response(self, template: str, status: int = 200, **values: object) -> Response:
        """Render a page; raises TemplateError."""
        try:
            return HTMLResponse(self._environment.get_template(template).render(values), status)
        except jinja2.TemplateError as error:
            raise TemplateError(f"{template}: {error}") from error

    def problem(self, status: int, words: str) -> Response:
        """Render a page that says what is wrong, without a trace of the code; plain text if the template fails."""
        try:
            return self.response("problem.html", status, words=words)
        except TemplateError:
            return Response(words, status, media_type="text/plain")


def custom_properties(colours: Mapping[str, str]) -> Markup:
    """Write colours as CSS declares them, once for all pages."""
    declaration = Markup(" --{}: {};")
    return Markup("").join(declaration.format(name.replace("_", "-"), colour) for name, colour in colours.items())


def security_headers(logo: str, base_url: str) -> dict[str, str]:
    """Return the headers of every response; their policy lets in a logo without TLS.

    Who reached us by https once is to come by https alone from then on.
    """
    policy = SECURITY_HEADERS["Content-Security-Policy"]
    sources = "img-src http: https:" if logo.startswith("http:") else "img-src https:"
    headers = SECURITY_HEADERS | {"Content-Security-Policy": policy.replace("img-src https:", sources)}
    return headers | (STRICT_TRANSPORT if base_url.startswith("https:") else {})


def web_link(url: str) -> str:
    """Return the address if it leads to the web, else "", because an entry's link comes from outside."""
    return url if re.match(r"https?://", url, re.IGNORECASE) else ""


ExceptionHandler = Callable[[Request, Exception], Awaitable[Response]]


def exception_handlers(templates: PageTemplates) -> dict[type[Exception], ExceptionHandler]:
    """Return a page for every kind of error, in the form that Starlette takes."""

    async def newsletter_error(_: Request, error: Exception) -> Response:
        kind = next((ancestor for ancestor in type(error).__mro__ if ancestor in ERROR_PAGES), None)
        status, words = ERROR_PAGES[kind] if kind else (400, str(error))
        response = templates.problem(status, words)
        response.headers.update(BUSY_HEADERS if status == 503 else {})
        return response

    async def http_error(_: Request, error: Exception) -> Response:
        status = getattr(error, "status_code", 400)
        response = templates.problem(status, HTTP_ERROR_PAGES.get(status, HTTP_ERROR_PAGES[400]))
        response.headers.update(getattr(error, "headers", None) or {})
        return response

    async def bug(_: Request, error: Exception) -> Response:  # noqa: ARG001 (Starlette raises it again, for the log)
        response = templates.problem(500, HTTP_ERROR_PAGES[500])
        response.headers.update(templates.headers | PRIVATE_HEADERS)  # SecurityMiddleware does not see this response
        return response

    return {NewsletterError: newsletter_error, HTTPException: http_error, ClientDisconnect: http_error, Exception: bug}


class SecurityMiddleware:
    """Set the security headers of every response and refuse large request bodies.

    A body may have MOST_BYTES, that of a web hook MOST_HOOK_BYTES.
    """

    def __init__(self, app: ASGIApp, headers: Mapping[str, str]) -> None:
        self._app = app
        self._open_headers = {**headers}
        self._headers = self._open_headers | PRIVATE_HEADERS

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

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                is_open = scope["path"] in OPEN_PAGES or "cache-control" in headers
                for name, value in (self._open_headers if is_open else self._headers).items():
                    headers.setdefault(name, value)  # a page with a script has a policy of its own
            await send(message)

        await self._app(scope, limited, with_headers)
