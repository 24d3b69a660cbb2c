"""The maintainers' local preview: any reader's mail on phone or desktop, light or dark, as HTML, text or source.

    reader or profile ─ Engine.draft (or .press) ─ .edition ─ Press.print ─▶ the very bytes ─▶ page
    templates or store change ─▶ another stamp ─▶ the page fetches itself again

It reads and never writes, and it has no way to send.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
from asyncio import to_thread
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import urlencode

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from newsletter.config import resource
from newsletter.engine import Engine, Press
from newsletter.errors import InputError, NewsletterError
from newsletter.formats import parse_profile, profile_row
from newsletter.types import Mail, Profile, Status, Subscriber
from newsletter.web.pages import Pages, handlers
from newsletter.web.parts import parts

CLIPPED = 102 * 1024  #: bytes of HTML after which Gmail cuts a mail
MOST_FOUND = 12  #: readers listed beside the mail
NOBODY = Subscriber(0, "reader@example.org", status=Status.ACTIVE)  #: number 0 was never shown anything


def render_preview(engine: Engine, key: str | None, address: str | None = None, profile: Profile | None = None) -> Mail:
    """One mail: of `profile`, of the subscriber at `address`, or of the first active one.

    Raises UnknownSubscriber, UnknownIssue, TemplateError, StoreError.
    """
    person = replace(NOBODY, profile=profile) if profile else _reader(engine, address)
    press = engine.press(key) if key else engine.draft([person], generous=True)
    return press.print(engine.edition(press, person))


def make_preview(engine: Engine, key: str | None) -> Starlette:
    """The site, for loopback only: of issue `key` as it was frozen, or of a draft of the next one."""
    pages = Pages(engine.settings, own=False)
    site = _Site(pages, _Desk(engine, key))
    # A page somewhere on the web may make its own name point to 127.0.0.1; it cannot make its name ours.
    hosts = Middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"], www_redirect=False)
    routes = [Route("/", site.page), Route("/stamp", site.stamp)]
    return Starlette(routes=routes, middleware=[hosts], exception_handlers=handlers(pages))


@dataclass(frozen=True, slots=True)
class _Asked:
    """The address of the page: what is shown, and how."""

    reader: str = ""
    profile: str = ""  #: JSON; takes the reader's place
    find: str = ""
    width: str = "desktop"
    scheme: str = "light"
    show: str = "html"

    @classmethod
    def of(cls, request: Request) -> _Asked:
        given = request.query_params
        return cls(**{name: given[name] for name in cls.__slots__ if given.get(name)})

    def link(self, **changes: str) -> str:
        """The same page but for these."""
        values = {**asdict(self), **changes}
        return "/?" + urlencode({key: value for key, value in values.items() if value})


class _Site:
    def __init__(self, pages: Pages, desk: _Desk) -> None:
        self._pages = pages
        self._desk = desk

    async def page(self, request: Request) -> Response:
        asked, nonce = _Asked.of(request), secrets.token_urlsafe(12)
        values = await to_thread(self._desk.look, asked)
        answer = self._pages.answer("preview.html", asked=asked, nonce=nonce, limit=CLIPPED, **values)
        answer.headers["Content-Security-Policy"] = (
            f"default-src 'none'; style-src 'unsafe-inline'; img-src https: http: data:; script-src 'nonce-{nonce}'; "
            "connect-src 'self'; frame-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
        )
        answer.headers["Cache-Control"] = "no-store"
        return answer

    async def stamp(self, _: Request) -> Response:
        return PlainTextResponse(await to_thread(self._desk.stamp), headers={"Cache-Control": "no-store"})


class _Desk:
    """Makes what the page shows; an issue is prepared once for each state of templates, store and reader."""

    def __init__(self, engine: Engine, key: str | None) -> None:
        self._engine = engine
        self._key = key
        self._lock = Lock()
        self._made: tuple[tuple[str, Subscriber], Press] | None = None

    def look(self, asked: _Asked) -> dict[str, Any]:
        """For the template; whatever is wrong with a template or profile is one line in place of the mail."""
        seen: dict[str, Any] = {"stamp": self.stamp(), "people": list(self._found(asked.find)), "error": ""}
        seen |= {"person": NOBODY, "profile": asked.profile, "edition": None, "mail": None, "source": "", "html": ""}
        try:
            person = seen["person"] = self._person(asked)
            seen["profile"] = asked.profile or _as_json(person.profile)
            press = self._press(seen["stamp"], person)
            kept = self._engine.edition(press, person)
            printed = press.print(kept)
        except NewsletterError as error:
            return {**seen, "error": str(error)}
        mail = parts(printed)
        source = printed.body.decode(errors="replace")
        return {
            **seen,
            "edition": kept.edition,
            "mail": mail,
            "source": source,
            "html": forced(mail.html, asked.scheme),
        }

    def stamp(self) -> str:
        """Another one whenever a template was written, a source read or an issue planned."""
        own = self._engine.settings.newsletter.templates
        folders = [resource("templates"), *([self._engine.settings.home / own] if own else [])]
        store = self._engine.store
        state = (sorted(_files(folders)), store.entries.health(), [issue.key for issue in store.issues.listed()])
        return hashlib.sha256(repr(state).encode()).hexdigest()[:16]

    def _person(self, asked: _Asked) -> Subscriber:
        if asked.profile:
            return replace(NOBODY, profile=_parsed(asked.profile))
        return _reader(self._engine, asked.reader)

    def _press(self, stamp: str, person: Subscriber) -> Press:
        if self._key:
            return self._engine.press(self._key)
        with self._lock:
            if self._made is None or self._made[0] != (stamp, person):
                self._made = (stamp, person), self._engine.draft([person], generous=True)
            return self._made[1]

    def _found(self, find: str) -> Iterator[Subscriber]:
        word = find.casefold()
        everybody = self._engine.store.subscribers.listed(None if word else Status.ACTIVE)
        return islice((each for each in everybody if word in f"{each.name} {each.email}".casefold()), MOST_FOUND)


def forced(html: str, scheme: str) -> str:
    """The copy that is shown: light or dark as asked, whatever the screen prefers; links open beside it."""

    def decided(query: re.Match[str]) -> str:
        return "(min-width: 0)" if query[1] == scheme else "(max-width: 0)"

    shown = re.sub(r"\(\s*prefers-color-scheme\s*:\s*(light|dark)\s*\)", decided, html)
    shown = re.sub(r'(color-scheme"? ?(?::|content=")\s*)light dark', rf"\g<1>{scheme}", shown)
    return re.sub(r"(<head[^>]*>)", r'\1<base target="_blank">', shown, count=1)


def _reader(engine: Engine, address: str | None) -> Subscriber:
    if address:
        return engine.store.subscribers.find(address)
    return next(engine.store.subscribers.listed(Status.ACTIVE), NOBODY)


def _parsed(text: str) -> Profile:
    try:
        row = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InputError(f"The profile is not JSON: {error}") from error
    if not isinstance(row, dict):
        raise InputError('The profile is not a JSON object such as {"interests": []}.')
    return parse_profile(row)


def _as_json(profile: Profile) -> str:
    return json.dumps(profile_row(profile), indent=1, ensure_ascii=False)


def _files(folders: list[Path]) -> Iterator[tuple[str, int, int]]:
    for path in (path for folder in folders for path in folder.rglob("*")):
        try:
            state = path.stat()
        except OSError:  # an editor has just replaced it
            continue
        yield str(path), state.st_mtime_ns, state.st_size
