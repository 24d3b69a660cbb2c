"""Only this machine's own page may use the preview site, and what it shows may load nothing but what a mail loads.

A page elsewhere on the web can let the maintainer's browser ask 127.0.0.1. It gets no answer to read (TrustedHost, no
CORS), and a POST needs what only our own page has: the same origin, and a token that is made anew with each process.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TOKEN = "x-preview-token"  # noqa: S105  (the header's name)
READING = ("GET", "HEAD")

#: of the page itself
PAGE = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; frame-src 'self'; img-src data:; "
    "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
)
ALWAYS = {
    "Content-Security-Policy": PAGE,
    "Cache-Control": "no-store",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


def mail_policy(images: bool) -> str:
    """Of a mail in its frame: no scripts, no forms, no frames; it may be measured and scrolled by our page."""
    sources = "https: http: data:" if images else "'none'"
    sandbox = "sandbox allow-same-origin allow-popups allow-popups-to-escape-sandbox"
    return f"default-src 'none'; style-src 'unsafe-inline'; img-src {sources}; frame-ancestors 'self'; {sandbox}"


class Fence:
    """Refuses what another site's page makes a browser ask; puts the headers on every answer."""

    def __init__(self, app: ASGIApp, token: str) -> None:
        self._app = app
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in ALWAYS.items():
                    headers.setdefault(name, value)
            await send(message)

        if scope["method"] in READING or self._is_ours(Headers(scope=scope)):
            await self._app(scope, receive, dressed)
            return
        refusal = JSONResponse({"error": "Only the preview's own page may do that. Load it again."}, 403)
        await refusal(scope, receive, dressed)

    def _is_ours(self, headers: Mapping[str, str]) -> bool:
        origin = headers.get("origin", "")
        if origin and origin != f"http://{headers.get('host', '')}":
            return False
        if headers.get("sec-fetch-site", "same-origin") != "same-origin":
            return False
        return hmac.compare_digest(headers.get(TOKEN, "").encode(), self._token.encode())
