"""Only the preview's own page may use the site, and the mail in its frame may load nothing but images.

A page elsewhere on the web can let the maintainer's browser ask 127.0.0.1. It gets no answer to read (TrustedHost, no
CORS), and a POST needs what only our own page has: the same origin, and a token that each process makes anew. Other
users of the machine can ask too, and read our readers' addresses; so all is below a path that is made of the
installation's secret, and printed for who starts the site.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse, PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TOKEN_HEADER = "x-preview-token"  # noqa: S105  (the header's name)
SAFE_METHODS = ("GET", "HEAD")

#: the content security policy of the page itself
PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-src 'self'; img-src data:; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
DEFAULT_HEADERS = {
    "Content-Security-Policy": PAGE_POLICY,
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def mail_policy(images: bool) -> str:
    """Return the policy of a mail in its frame: no scripts, forms or frames; our page may measure and scroll it."""
    sources = "https: http: data:" if images else "'none'"
    sandbox = "sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox"
    return f"default-src 'none'; style-src 'unsafe-inline'; img-src {sources}; frame-ancestors 'self'; {sandbox}"


class SecretPath:
    """Serve an app below /SECRET/ and nothing beside it: who does not know the secret finds nothing here."""

    def __init__(self, app: ASGIApp, secret: str) -> None:
        self._app = app
        self._secret = secret

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        first, slash, rest = scope["path"].removeprefix("/").partition("/")
        if not slash or not hmac.compare_digest(first.encode(), self._secret.encode()):
            nothing = PlainTextResponse("Open the address that `newsletter preview` printed.", 404, DEFAULT_HEADERS)
            await nothing(scope, receive, send)
            return
        await self._app({**scope, "path": f"/{rest}", "raw_path": f"/{rest}".encode()}, receive, send)


class SameOriginOnly:
    """Refuse requests that another site's page makes a browser send, and set the headers of every response."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in DEFAULT_HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        if scope["method"] in SAFE_METHODS or self._is_same_origin(Headers(scope=scope)):
            await self._app(scope, receive, with_headers)
            return
        refusal = JSONResponse({"error": "Only the preview's own page may do that. Load it again."}, 403)
        await refusal(scope, receive, with_headers)

    def _is_same_origin(self, headers: Mapping[str, str]) -> bool:
        origin = headers.get("origin", "")
        if origin and origin != f"http://{headers.get('host', '')}":
            return False
        if headers.get("sec-fetch-site", "same-origin") != "same-origin":
            return False
        return hmac.compare_digest(headers.get(TOKEN_HEADER, "").encode(), self._token.encode())
