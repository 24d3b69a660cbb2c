"""The doctor's requests over HTTP: our own site over TLS on loopback, and servers that misbehave."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from certificates import contexts
from sqlalchemy import create_engine, text
from starlette.applications import Starlette
from starlette.responses import RedirectResponse, StreamingResponse
from starlette.routing import Route
from zones import Zones

from newsletter.cli.server import Server
from newsletter.config import Settings
from newsletter.doctor import Finding, Http, Level, Setup, SmtpCaller, Tools
from newsletter.doctor.check_pages import LIMIT, check_pages, check_unsubscribe
from newsletter.doctor.seams import Unreached
from newsletter.engine import Engine
from newsletter.services.doctor import setup_of
from newsletter.testing import NOON
from newsletter.web.public.app import make_app


@asynccontextmanager
async def served(app: Starlette, context: ssl.SSLContext | None = None) -> AsyncIterator[str]:
    """The address of a site."""
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_level="error", lifespan="off")
    config.load()
    if context:
        config.ssl = context
    server = Server(config)
    listening = config.bind_socket()
    task = asyncio.create_task(server.serve(sockets=[listening]))
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield f"{'https' if context else 'http'}://localhost:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


def tools(http: Http) -> Tools:
    return Tools(Zones({}), SmtpCaller(), http, lambda: (), lambda: datetime.now(UTC))


def setup(settings: Settings, base_url: str) -> Setup:
    tables = settings.model_dump()
    tables["newsletter"] |= {"base_url": base_url}
    return setup_of(Settings.model_validate({**tables, "home": settings.home}), {}, NOON)


def rows(url: str) -> list[str]:
    database = create_engine(url)
    with database.connect() as connection:
        tables = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars().all()
        found = [f"{table} {row}" for table in tables for row in connection.execute(text(f'SELECT * FROM "{table}"'))]  # noqa: S608
    database.dispose()
    return sorted(found)


async def test_our_own_site_answers_every_question_and_nothing_changes(
    weekly: Engine, settings: Settings, tmp_path: Path
) -> None:
    ours, theirs = contexts(tmp_path)
    before = rows(weekly.store.database.url)
    async with served(make_app(weekly), ours) as base:
        examined = setup(settings, base)
        found = await check_pages(examined, tools(Http(theirs))) + await check_unsubscribe(
            examined, tools(Http(theirs))
        )

    assert {finding.name: finding.level for finding in found} == dict.fromkeys(
        ("pages", "certificate", "clock", "unsubscribe link", "one-click unsubscribe"), Level.OK
    )
    assert rows(weekly.store.database.url) == before


def only(found: tuple[Finding, ...]) -> Finding:
    [one] = found
    return one


async def test_a_certificate_that_has_expired_is_told(engine: Engine, settings: Settings, tmp_path: Path) -> None:
    ours, theirs = contexts(tmp_path, -1)
    async with served(make_app(engine), ours) as base:
        finding = only(await check_pages(setup(settings, base), tools(Http(theirs))))

    assert (finding.name, finding.level) == ("certificate", Level.ERROR)
    assert "certificate has expired" in finding.found


async def test_another_site_is_not_ours(settings: Settings) -> None:
    async with served(Starlette()) as base:
        found = await check_unsubscribe(setup(settings, base), tools(Http()))

    assert [finding.level for finding in found] == [Level.ERROR] * 2
    assert all("not with our page" in finding.found for finding in found)


async def test_nobody_there_is_told(settings: Settings) -> None:
    finding = only(await check_pages(setup(settings, "http://127.0.0.1:1"), tools(Http())))

    assert (finding.name, finding.level) == ("pages", Level.ERROR)


async def endless() -> AsyncIterator[bytes]:
    while True:
        yield b"x" * 10_000
        await asyncio.sleep(0)


async def stuck() -> AsyncIterator[bytes]:
    yield b"x"
    await asyncio.sleep(3600)


def rude() -> Starlette:
    def answer(of: Any) -> Any:
        async def page(_: Any) -> StreamingResponse:
            return StreamingResponse(of())

        return page

    async def away(_: Any) -> RedirectResponse:
        return RedirectResponse("http://localhost:1/elsewhere")

    return Starlette(routes=[Route("/endless", answer(endless)), Route("/stuck", answer(stuck)), Route("/away", away)])


async def test_no_answer_takes_more_than_its_share(engine: Engine) -> None:
    async with served(rude()) as base:
        began = time.monotonic()
        page = await Http().ask("GET", f"{base}/endless")
        with pytest.raises(Unreached, match=r"no answer within 0\.3 s"):
            await Http(seconds=0.3).ask("GET", f"{base}/stuck")
        redirect = await Http().ask("GET", f"{base}/away")

    assert len(page.text) == LIMIT
    assert time.monotonic() - began < 60
    assert (redirect.status, redirect.headers["location"]) == (307, "http://localhost:1/elsewhere")


@pytest.mark.parametrize("url", ["http://", "ftp://localhost/", "http://local host/", "http://[::1", "nonsense"])
async def test_what_is_no_address_is_not_reached(url: str) -> None:
    with pytest.raises(Unreached):
        await Http().ask("GET", url)
