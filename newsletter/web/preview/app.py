"""The preview site, for maintainers on their own machine: any reader's mail, as it would be sent, and why.

    POST /proof                    makes a proof: one reader's mail
    GET  /proof/{id}/html …        its parts; /why, /explain: its picks; /checks, /opened: what is wrong with it
    POST /proof/{id}/ask, /send    asks whether a link answers; sends the mail to one address
    GET  /compare/{id}/{id}        compares two proofs
    GET  /stamp                    changes when something is saved; the page asks several times a second

The bytes are made as `send` makes them, so what is shown is what goes out. Nothing is ever written. All of it is below
a secret path.
"""

from __future__ import annotations

import json
import secrets
from asyncio import to_thread
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from newsletter.collector.http.ssrf import public_addresses
from newsletter.config import resource
from newsletter.engine import Engine
from newsletter.errors import InputError, NewsletterError
from newsletter.formats import parse_address, parse_profile
from newsletter.serializers.explanations import preview_explanation_row, survey_rows
from newsletter.types import Profile
from newsletter.web.pages import PageTemplates
from newsletter.web.preview.checks import MailChecks
from newsletter.web.preview.color_schemes import html_as_shown
from newsletter.web.preview.compare import compare
from newsletter.web.preview.proof import PreviewRequest, Proof, Proofs
from newsletter.web.preview.security import SameOriginOnly, SecretPath, mail_policy
from newsletter.web.preview.serializers import compared_row, error_row, proof_row

if TYPE_CHECKING:
    from newsletter.collector.http.ssrf import Lookup

CLIPPED = 102 * 1024  #: bytes of HTML from which Gmail cuts a mail off
MOST_LISTED = 200  #: subscribers in the list; others are found by their address
MOST_ISSUES = 30  #: in the list
MOST_BYTES = 4_000_000  #: of a request: a profile may name a whole library
GONE = "This mail is no longer at hand."
MEDIA_TYPES = {".js": "text/javascript", ".css": "text/css"}


def make_preview(engine: Engine, key: str | None, lookup: Lookup = public_addresses) -> Starlette:
    """Build the site below `secret_path`. `key` None previews the issue as it would be planned now.

    `lookup` finds the addresses of other sites that are asked whether they answer.
    """
    token = secrets.token_urlsafe(16)
    pages = PreviewPages(engine, key or "", token, MailChecks(engine, lookup))
    routes = [
        Route("/", pages.page),
        Route("/preview/{name}", pages.file),
        Route("/stamp", pages.stamp),
        Route("/proof", pages.make, methods=["POST"]),
        Route("/proof/{id}/html", pages.html),
        Route("/proof/{id}/why", pages.why),
        Route("/proof/{id}/explain", pages.explain),
        Route("/proof/{id}/checks", pages.checks),
        Route("/proof/{id}/opened", pages.opened),
        Route("/proof/{id}/ask", pages.ask, methods=["POST"]),
        Route("/proof/{id}/send", pages.send, methods=["POST"]),
        Route("/proof/{id}/{part:str}", pages.part),
        Route("/compare/{id}/{other}", pages.compare),
    ]
    # A page on the web may let its own name point to 127.0.0.1, to read our readers' addresses; the name is checked.
    hosts = Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"], www_redirect=False)
    handlers: dict[Any, Any] = {NewsletterError: _newsletter_error, HTTPException: _http_error}
    secret = Middleware(SecretPath, secret=engine.tokens.preview())
    middleware = [hosts, secret, Middleware(SameOriginOnly, token=token)]
    app = Starlette(routes=routes, middleware=middleware, exception_handlers=handlers)
    app.router.redirect_slashes = False
    return app


def secret_path(engine: Engine) -> str:
    """Return the path below which an installation's preview is: the same each time, so that bookmarks stay good."""
    return f"/{engine.tokens.preview()}/"


async def _newsletter_error(_: Request, error: Exception) -> Response:
    """Answer with one line; any other error is a bug, and a traceback in the terminal."""
    return JSONResponse(error_row(error), 422) if isinstance(error, NewsletterError) else JSONResponse({}, 500)


async def _http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  (Starlette calls it for nothing else)
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)


class PreviewPages:
    """The page and what its scripts ask for; proofs are kept from one request to the next."""

    def __init__(self, engine: Engine, key: str, token: str, checks: MailChecks) -> None:
        self._engine = engine
        self._key = key
        self._token = token
        self._site = secrets.token_hex(4)  #: changes when the site is started again, so that an open page reloads
        self._checks = checks
        self._proofs = Proofs(engine)
        self._templates = PageTemplates(engine.settings, own=False)

    async def page(self, _: Request) -> Response:
        """Render the page; its scripts ask for all that it shows."""
        values = await to_thread(self._choices)
        return self._templates.response("preview.html", issue=self._key, token=self._token, clipped=CLIPPED, **values)

    def file(self, request: Request) -> Response:
        """Return a script or style of the page. It is no coroutine, so that Starlette reads the file in a thread."""
        path: Path = resource("templates") / "web" / "preview" / Path(request.path_params["name"]).name
        if path.suffix not in MEDIA_TYPES or not path.is_file():
            raise HTTPException(404)
        return Response(path.read_bytes(), media_type=MEDIA_TYPES[path.suffix])

    async def stamp(self, _: Request) -> Response:
        versions = await to_thread(self._proofs.versions)
        return JSONResponse({**versions._asdict(), "site": self._site})

    async def make(self, request: Request) -> Response:
        """Make one reader's mail; with broken templates, by the last good ones, with the error beside it."""
        row = await _body(request)
        issue = str(row.get("issue") or "")
        profile = _profile(str(row.get("profile") or ""))
        address, today = str(row.get("address") or "").strip(), bool(issue and row.get("today"))
        proof = await to_thread(self._proofs.make, PreviewRequest(issue, today, address, profile))
        return JSONResponse(proof_row(proof, profile is not None))

    async def html(self, request: Request) -> Response:
        """Return the HTML part to look at, under a policy of its own."""
        query = request.query_params
        html = self._proof(request).parts.html
        shown = html_as_shown(html, query.get("scheme", "light"), query.get("styles") != "off")
        policy = {"Content-Security-Policy": mail_policy(query.get("images") != "off")}
        return HTMLResponse(shown, headers=policy)

    async def part(self, request: Request) -> Response:
        """Return `text`, `headers` or `raw` to read, or `mail.eml` to keep: the very bytes."""
        proof, name = self._proof(request), request.path_params["part"]
        if name == "mail.eml":
            return Response(proof.mail.body, media_type="message/rfc822")
        texts = {"text": proof.parts.text, "headers": proof.parts.headers, "raw": proof.mail.body.decode("latin-1")}
        if name not in texts:
            raise HTTPException(404)
        return PlainTextResponse(texts[name])

    async def compare(self, request: Request) -> Response:
        """Compare this proof's edition, on the left, with the other one's."""
        left, right = self._proof(request), self._proof(request, "other")
        return JSONResponse([compared_row(pair) for pair in compare(left.kept.edition, right.kept.edition)])

    async def why(self, request: Request) -> Response:
        """Say of every entry of the pool whether it was taken or left, and why."""
        return JSONResponse(await to_thread(self._why, self._proof(request)))

    async def explain(self, request: Request) -> Response:
        """Explain one entry, by any form of its id, number by number."""
        return JSONResponse(await to_thread(self._explain, self._proof(request), request.query_params.get("entry", "")))

    async def checks(self, request: Request) -> Response:
        return JSONResponse(await to_thread(self._checks.findings, self._proof(request)))

    async def opened(self, request: Request) -> Response:
        return JSONResponse(await self._checks.open_own_pages(self._proof(request)))

    async def ask(self, request: Request) -> Response:
        return JSONResponse(await self._checks.ask(self._proof(request), str((await _body(request)).get("url"))))

    async def send(self, request: Request) -> Response:
        """Send what is shown to one address, outside the ledger; the answer quotes the mail server."""
        proof, row = self._proof(request), await _body(request)
        address = parse_address(str(row.get("to") or ""))
        words = await self._engine.sending.send_trial(proof.prepared, proof.kept.edition, address)
        return JSONResponse({"to": address, "words": words})

    def _proof(self, request: Request, name: str = "id") -> Proof:
        proof = self._proofs.find(request.path_params[name])
        if proof is None:
            raise HTTPException(404, GONE)
        return proof

    def _choices(self) -> dict[str, Any]:
        """Return whom and what the page offers to look at."""
        selection = self._engine.settings.selection
        return {
            "people": [*islice(self._engine.subscriptions.listed(), MOST_LISTED)],
            "issues": self._engine.accounting.issues()[:MOST_ISSUES],
            "defaults": {"size": selection.size, "hype": selection.hype, "surprise": selection.surprise},
        }

    def _why(self, proof: Proof) -> list[dict[str, Any]]:
        engine, pool = self._engine, proof.prepared.entries
        shown = engine.explaining.shown_elsewhere(proof.prepared, proof.person)
        mailed = {pick.entry.id: place for place, pick in enumerate(proof.kept.edition.picks, 1)}
        return survey_rows(engine.explaining.survey(proof.prepared, proof.person), pool, shown, mailed)

    def _explain(self, proof: Proof, name: str) -> dict[str, Any]:
        entry = proof.prepared.entries.get(name) or self._engine.papers.find([name]).get(name)
        if entry is None:
            raise InputError(f"{name}: this paper is not known here.")
        present = self._engine.papers.find([entry.id]).get(entry.id, entry)
        found = self._engine.explaining.explained(proof.prepared, proof.person, present, bool(proof.request.issue))
        return preview_explanation_row(found)


async def _body(request: Request) -> dict[str, Any]:
    return _object((await request.body())[:MOST_BYTES], "request")


def _profile(text: str) -> Profile | None:
    return parse_profile(_object(text.encode(), "profile")) if text.strip() else None


def _object(text: bytes, what: str) -> dict[str, Any]:
    """Parse a JSON object whose texts can be encoded again; raises InputError."""
    try:
        row = json.loads(text)
        json.dumps(row, ensure_ascii=False).encode()
    except UnicodeEncodeError as error:
        raise InputError(f"The {what} holds half a character (a lone surrogate).") from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"The {what} is not JSON: {error}") from error
    if not isinstance(row, dict):
        raise InputError(f"The {what} is not a JSON object.")
    return row
