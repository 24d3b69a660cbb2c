"""The preview site, for maintainers on their own machine: any reader's mail, as it would be sent, and why.

    POST /proof                    makes a mail on trial: see proof.py
    GET  /proof/{id}/html …        its parts; /why, /explain its choice; /checks, /opened what is to be said against it
    POST /proof/{id}/ask, /send    asks one of its links, sends it to one address
    GET  /compare/{id}/{id}        two of them
    GET  /stamp                    changes when something is saved: the page asks several times a second

The same path as `send` makes the bytes, so what is shown is what goes out. Nothing is ever written.
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
from newsletter.types import Profile
from newsletter.web.pages import Pages
from newsletter.web.preview.checks import Checks
from newsletter.web.preview.color_schemes import viewed
from newsletter.web.preview.compare import compare
from newsletter.web.preview.proof import Proof, Proofs, Wish
from newsletter.web.preview.proof import render_preview as render_preview
from newsletter.web.preview.security import Fence, mail_policy
from newsletter.web.preview.serializers import error_row, explained_row, pair_row, proof_row, survey_rows

if TYPE_CHECKING:
    from newsletter.collector.http.ssrf import Lookup

CLIPPED = 102 * 1024  #: bytes of HTML from which Gmail cuts a mail off
MOST_LISTED = 200  #: subscribers in the picker; others are found by their address
MOST_ISSUES = 30
MOST_BYTES = 4_000_000  #: of a request: a profile may name a whole library
EVERY_ISSUE = 1_000_000
GONE = "This mail is no longer at hand."
KINDS = {".js": "text/javascript", ".css": "text/css"}


def make_preview(engine: Engine, key: str | None, lookup: Lookup = public_addresses) -> Starlette:
    """The site; `key` None previews the issue as it would be planned now. `lookup`: see collector.reach."""
    token = secrets.token_urlsafe(16)
    site = _Preview(engine, key or "", token, Checks(engine, lookup))
    routes = [
        Route("/", site.page),
        Route("/preview/{name}", site.file),
        Route("/stamp", site.stamp),
        Route("/proof", site.make, methods=["POST"]),
        Route("/proof/{id}/html", site.html),
        Route("/proof/{id}/why", site.why),
        Route("/proof/{id}/explain", site.explain),
        Route("/proof/{id}/checks", site.checks),
        Route("/proof/{id}/opened", site.opened),
        Route("/proof/{id}/ask", site.ask, methods=["POST"]),
        Route("/proof/{id}/send", site.send, methods=["POST"]),
        Route("/proof/{id}/{part:str}", site.part),
        Route("/compare/{id}/{other}", site.compare),
    ]
    # A page on the web may let its own name point to 127.0.0.1 and read our readers' addresses; not under our name.
    hosts = Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"], www_redirect=False)
    handlers: dict[Any, Any] = {NewsletterError: _told, HTTPException: _refused}
    return Starlette(routes=routes, middleware=[hosts, Middleware(Fence, token=token)], exception_handlers=handlers)


async def _told(_: Request, error: Exception) -> Response:
    """Ours are one line; any other is a bug, and a traceback in the terminal."""
    return JSONResponse(error_row(error), 422) if isinstance(error, NewsletterError) else JSONResponse({}, 500)


async def _refused(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  (Starlette calls it for nothing else)
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)


class _Preview:
    def __init__(self, engine: Engine, key: str, token: str, checks: Checks) -> None:
        self._engine = engine
        self._key = key
        self._token = token
        self._site = secrets.token_hex(4)  #: another one when the site was started again: the page loads itself anew
        self._checks = checks
        self._proofs = Proofs(engine)
        self._pages = Pages(engine.settings, own=False)

    async def page(self, _: Request) -> Response:
        """The frame; what it shows is asked for by its scripts."""
        values = await to_thread(self._known)
        return self._pages.answer("preview.html", issue=self._key, token=self._token, clipped=CLIPPED, **values)

    def file(self, request: Request) -> Response:
        """A script or style of the page. No coroutine, so that Starlette reads it in a thread."""
        path: Path = resource("templates") / "web" / "preview" / Path(request.path_params["name"]).name
        if path.suffix not in KINDS or not path.is_file():
            raise HTTPException(404)
        return Response(path.read_bytes(), media_type=KINDS[path.suffix])

    async def stamp(self, _: Request) -> Response:
        stamps = await to_thread(self._proofs.stamps)
        return JSONResponse({**stamps._asdict(), "site": self._site})

    async def make(self, request: Request) -> Response:
        """One reader's mail. Where the templates are broken: made with the last good ones, with the error beside it."""
        row = await _body(request)
        issue = str(row.get("issue") or "")
        profile = _profile(str(row.get("profile") or ""))
        wish = Wish(issue, bool(issue and row.get("today")), str(row.get("address") or "").strip(), profile)
        proof = await to_thread(self._proofs.make, wish)
        return JSONResponse(proof_row(proof, profile is not None))

    async def html(self, request: Request) -> Response:
        """The HTML part to look at, under rules of its own."""
        asked = request.query_params
        shown = viewed(self._proof(request).parts.html, asked.get("scheme", "light"), asked.get("styles") != "off")
        policy = {"Content-Security-Policy": mail_policy(asked.get("images") != "off")}
        return HTMLResponse(shown, headers=policy)

    async def part(self, request: Request) -> Response:
        """`text`, `headers` or `raw` to read; `mail.eml` to keep: the very bytes."""
        proof, name = self._proof(request), request.path_params["part"]
        if name == "mail.eml":
            return Response(proof.mail.body, media_type="message/rfc822")
        texts = {"text": proof.parts.text, "headers": proof.parts.headers, "raw": proof.mail.body.decode("latin-1")}
        if name not in texts:
            raise HTTPException(404)
        return PlainTextResponse(texts[name])

    async def compare(self, request: Request) -> Response:
        """This one's edition on the left, the other one's on the right."""
        left, right = self._proof(request), self._proof(request, "other")
        return JSONResponse([pair_row(pair) for pair in compare(left.kept.edition, right.kept.edition)])

    async def why(self, request: Request) -> Response:
        """Every entry of the pool: taken or left, and why."""
        return JSONResponse(await to_thread(self._why, self._proof(request)))

    async def explain(self, request: Request) -> Response:
        """One entry, by any form of its id, number by number."""
        return JSONResponse(await to_thread(self._explain, self._proof(request), request.query_params.get("entry", "")))

    async def checks(self, request: Request) -> Response:
        return JSONResponse(await to_thread(self._checks.told, self._proof(request)))

    async def opened(self, request: Request) -> Response:
        return JSONResponse(await self._checks.opened(self._proof(request)))

    async def ask(self, request: Request) -> Response:
        return JSONResponse(await self._checks.ask(self._proof(request), str((await _body(request)).get("url"))))

    async def send(self, request: Request) -> Response:
        """What is shown, to one address, outside the ledger; answers with the server's words."""
        proof, row = self._proof(request), await _body(request)
        address = parse_address(str(row.get("to") or ""))
        words = await self._engine.sending.send_trial(proof.prepared, proof.kept.edition, address)
        return JSONResponse({"to": address, "words": words})

    def _proof(self, request: Request, name: str = "id") -> Proof:
        proof = self._proofs.find(request.path_params[name])
        if proof is None:
            raise HTTPException(404, GONE)
        return proof

    def _known(self) -> dict[str, Any]:
        store, selection = self._engine.store, self._engine.settings.selection
        return {
            "people": list(islice(store.subscribers.listed(), MOST_LISTED)),
            "issues": store.issues.listed()[:MOST_ISSUES],
            "defaults": {"size": selection.size, "hype": selection.hype, "surprise": selection.surprise},
        }

    def _why(self, proof: Proof) -> list[dict[str, Any]]:
        engine, pool, number = self._engine, proof.prepared.entries, proof.person.id
        showings = engine.store.votes.shown([number], EVERY_ISSUE).get(number, ())
        issues = {each.entry: each.issue for each in showings if each.issue != proof.prepared.issue.key}
        today = engine.store.entries.present(pool)
        shown = {name: issues[today.get(name, name)] for name in pool if today.get(name, name) in issues}
        mailed = {pick.entry.id: place for place, pick in enumerate(proof.kept.edition.picks, 1)}
        return survey_rows(engine.explaining.survey(proof.prepared, proof.person), pool, shown, mailed)

    def _explain(self, proof: Proof, name: str) -> dict[str, Any]:
        entry = proof.prepared.entries.get(name) or self._engine.papers.find([name]).get(name)
        if entry is None:
            raise InputError(f"{name}: this paper is not known here.")
        present = self._engine.papers.find([entry.id]).get(entry.id, entry)
        return explained_row(
            self._engine.explaining.explained(proof.prepared, proof.person, present, bool(proof.wish.issue))
        )


async def _body(request: Request) -> dict[str, Any]:
    return _object((await request.body())[:MOST_BYTES], "request")


def _profile(text: str) -> Profile | None:
    return parse_profile(_object(text.encode(), "profile")) if text.strip() else None


def _object(text: bytes, what: str) -> dict[str, Any]:
    """A JSON object whose words can be written down again; raises InputError."""
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
