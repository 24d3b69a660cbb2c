"""The preview site, for maintainers on their own machine: any reader's mail, as it would be sent.

The same path as `send` makes the bytes (Engine.edition, Press.print), so what is shown is what goes out. Nothing is
ever written and nothing sent. The page asks twice a second whether a template changed, and shows the mail anew.
"""

from __future__ import annotations

import json
import re
from asyncio import to_thread
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from newsletter.config import resource
from newsletter.engine import Engine, Press
from newsletter.errors import InputError, NewsletterError
from newsletter.formats import parse_profile, profile_row
from newsletter.store import Kept
from newsletter.types import Mail, Profile, Status, Subscriber
from newsletter.web.pages import Pages
from newsletter.web.parts import Parts, parts

CLIPPED = 102 * 1024  #: bytes of HTML from which Gmail cuts a mail off
MOST_LISTED = 200  #: subscribers in the picker; others are found by their address


def make_preview(engine: Engine, key: str | None) -> Starlette:
    """The site; `key` None previews the issue as it would be planned now."""
    site = _Preview(engine, key)
    routes = [Route("/", site.page), Route("/mail", site.mail), Route("/stamp", site.stamp)]
    # A page on the web may let its own name point to 127.0.0.1 and read our readers' addresses; not under our name.
    hosts = Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"], www_redirect=False)
    return Starlette(routes=routes, middleware=[hosts])


def render_preview(engine: Engine, key: str | None, address: str | None = None, profile: Profile | None = None) -> Mail:
    """One mail: of a subscriber, of an invented reader with this profile, or of the first subscriber."""
    person = _reader(engine, address, profile)
    press = engine.press(key) if key else engine.trial()
    return press.print(engine.edition(press, person))


def _reader(engine: Engine, address: str | None, profile: Profile | None) -> Subscriber:
    if address:
        person = engine.store.subscribers.find(address)
        return Subscriber(person.id, person.email, person.name, profile=profile) if profile else person
    stranger = Subscriber(0, "reader@example.org", "Reader", Status.ACTIVE, profile or Profile())
    return stranger if profile else next(engine.store.subscribers.listed(Status.ACTIVE), stranger)


@dataclass(frozen=True, slots=True)
class _Shown:
    """One reader's mail and what the page says of it."""

    kept: Kept
    mail: Mail
    parts: Parts


class _Preview:
    def __init__(self, engine: Engine, key: str | None) -> None:
        self._engine = engine
        self._key = key
        self._pages = Pages(engine.settings, own=False)
        self._draft: tuple[str, Subscriber, Press] | None = None

    async def page(self, _: Request) -> Response:
        """The frame: who, which width, which scheme, which part."""
        people = await to_thread(lambda: list(islice(self._engine.store.subscribers.listed(), MOST_LISTED)))
        return self._pages.answer("preview.html", people=people, issue=self._key or "", clipped=CLIPPED)

    async def mail(self, request: Request) -> Response:
        """One reader's mail as JSON, or the error that keeps it from being made, in one line."""
        try:
            shown = await to_thread(self._shown, request.query_params)
        except NewsletterError as error:
            return JSONResponse({"error": str(error)})
        if request.query_params.get("only") == "html":
            return HTMLResponse(in_scheme(shown.parts.html, request.query_params.get("scheme", "light")))
        return JSONResponse(_row(shown))

    async def stamp(self, _: Request) -> Response:
        """Changes when a template or the store does."""
        return JSONResponse({"stamp": await to_thread(self._stamp)})

    def _shown(self, asked: Mapping[str, str]) -> _Shown:
        person = _reader(self._engine, asked.get("address"), _profile(asked))
        press = self._press(person)
        kept = self._engine.edition(press, person)
        mail = press.print(kept)
        return _Shown(kept, mail, parts(mail))

    def _press(self, person: Subscriber) -> Press:
        """A planned issue is frozen; a draft, which knows this reader's liked entries, follows templates and store."""
        if self._key:
            return self._engine.press(self._key)
        stamp, made = self._stamp(), self._draft
        if made is None or made[:2] != (stamp, person):
            made = self._draft = stamp, person, self._engine.trial()
        return made[2]

    def _stamp(self) -> str:
        own = self._engine.settings.newsletter.templates
        folders = [resource("templates"), *([self._engine.settings.home / own] if own else [])]
        times = tuple(_time(path) for folder in folders for path in sorted(folder.rglob("*")))
        return f"{hash(times)} {_store_time(self._engine)}"


def _store_time(engine: Engine) -> int:
    """When an SQLite file last changed; another database says nothing."""
    place = re.sub(r"^sqlite[^:]*:///", "", engine.settings.store_url)
    return max(_time(Path(place)), _time(Path(f"{place}-wal")))


def _time(path: Path) -> int:
    """0 for what is not there: an editor may replace a file at any moment."""
    try:
        return path.stat().st_mtime_ns
    except OSError:
        return 0


def _profile(asked: Mapping[str, str]) -> Profile | None:
    text = asked.get("profile", "").strip()
    if not text:
        return None
    try:
        row = json.loads(text)
    except ValueError as error:
        raise InputError(f"The profile is not JSON: {error}") from error
    if not isinstance(row, dict):
        raise InputError("The profile is not a JSON object.")
    return parse_profile(row)


def _row(shown: _Shown) -> dict[str, Any]:
    edition = shown.kept.edition
    picks = [
        {"title": each.entry.title, "score": round(each.score, 3), "interest": each.interest, "why": list(each.reasons)}
        for each in edition.picks
    ]
    return {
        "subject": shown.parts.subject,
        "to": edition.subscriber.email,
        "text": shown.parts.text,
        "headers": shown.parts.headers,
        "raw": shown.mail.body.decode("latin-1"),
        "size": shown.parts.html_bytes,
        "picks": picks,
        "profile": profile_row(edition.subscriber.profile),
    }


def in_scheme(html: str, scheme: str) -> str:
    """A copy to look at: the dark rules always on, or never, whatever the maintainer's system prefers."""
    condition = "all" if scheme == "dark" else "not all"
    forced = re.sub(r"\(\s*prefers-color-scheme\s*:\s*dark\s*\)", condition, html)
    only = "dark" if scheme == "dark" else "light"
    return re.sub(r"color-scheme:\s*light dark", f"color-scheme:{only}", forced)
