"""One reader's way through the pages in a real browser, with mail over real SMTP (acceptance 9)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any, cast

import httpx
import pytest
import uvicorn
from aiosmtpd.smtp import SMTP
from conftest import Clock
from sqlalchemy import create_engine, text
from starlette.applications import Starlette
from tools import chromium

from newsletter.config import Settings, resource
from newsletter.engine import Engine, make_engine
from newsletter.store import Store
from newsletter.types import Status
from newsletter.web.public.app import make_app

if TYPE_CHECKING:
    from playwright.async_api import Page

FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


class Catcher:
    """A real SMTP server on loopback; keeps what it accepted."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.port = 0

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802, ARG002
        self.mails.append(message_from_bytes(envelope.content, _class=EmailMessage, policy=policy.default))
        return "250 kept"


class Server:
    """The pages on a port of their own, in a thread."""

    def __init__(self) -> None:
        self.socket = uvicorn.Config("", host="127.0.0.1", port=0, log_level="error").bind_socket()
        self.socket.listen()  # who comes before the thread has started waits
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"

    def serve(self, app: Starlette) -> None:
        self._server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
        self._thread = Thread(target=self._server.run, kwargs={"sockets": [self.socket]})
        self._thread.start()

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        self.socket.close()


@pytest.fixture
async def catcher() -> AsyncIterator[Catcher]:
    catcher = Catcher()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(catcher), "127.0.0.1", 0)
    catcher.port = server.sockets[0].getsockname()[1]
    yield catcher
    server.close()


@pytest.fixture
async def site(catcher: Catcher, store: Store, clock: Clock, tmp_path: Path) -> AsyncIterator[Engine]:
    """An engine with the 59 papers of the seeds, its pages served, its mails caught."""
    server = Server()
    settings = {
        "newsletter": {"sender": "The Weekly Preprint <weekly@papers.example.org>", "base_url": server.url},
        "smtp": {"host": "127.0.0.1", "port": catcher.port, "security": "none"},
        "source": [{"name": "seeds", "kind": "jsonl", "location": str(resource("seeds") / "papers.jsonl")}],
        "home": tmp_path,
    }
    engine = make_engine(Settings.model_validate(settings), store, now=clock)
    await engine.collection.collect()
    server.serve(make_app(engine))
    yield engine
    await asyncio.to_thread(server.stop)


@pytest.fixture
async def page(tmp_path: Path) -> AsyncIterator[Page]:
    executable = chromium()
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        profile = tmp_path / "chromium"
        browser = await playwright.chromium.launch_persistent_context(
            profile, executable_path=executable, args=FLAGS, headless=True, java_script_enabled=False
        )
        yield browser.pages[0]
        await browser.close()


def links(mail: EmailMessage) -> set[str]:
    """Every address of ours in the HTML, the text and the headers."""
    bodies = [cast("EmailMessage", mail.get_body((kind,))).get_content() for kind in ("html", "plain")]
    words = " ".join([*bodies, *(str(value) for value in mail.values())])
    return set(re.findall(r"http://127\.0\.0\.1:\d+/[^\s\"<>]+", words))


def titles(mail: EmailMessage) -> list[str]:
    html = cast("EmailMessage", mail.get_body(("html",))).get_content()
    found = re.findall(r"<h[23] class=\"(?:lead|title)\".*?</h[23]>", html, re.DOTALL)
    return [" ".join(re.sub(r"<[^>]+>", "", each).split()) for each in found]


def rows(store: Store) -> list[str]:
    database = create_engine(store.database.url)
    with database.connect() as connection:
        tables = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars().all()
        found = [f"{each} {row}" for each in tables for row in connection.execute(text(f'SELECT * FROM "{each}"'))]  # noqa: S608
    database.dispose()
    return sorted(found)


async def fill_subscribe_form(page: Page, url: str) -> None:
    await page.goto(url)
    await page.get_by_label("E-mail address").fill("eve@example.org")
    await page.get_by_label("Name").fill("Eve")
    await page.get_by_label("Interests").fill("video diffusion")
    await page.get_by_role("button", name="Subscribe").click()


async def change_interest(page: Page, name: str, keywords: str) -> None:
    row = page.get_by_role("group").filter(has_text="Interest 1")
    await row.get_by_label("Name").fill(name)
    await row.get_by_label("Keywords").fill(keywords)
    await page.get_by_label("Papers in an edition").fill("5")
    await page.get_by_role("button", name="Save").click()


async def picks(page: Page) -> list[str]:
    """The next edition's titles; a click does not wait for the page that it opens."""
    await page.locator(".picks h3").first.wait_for()
    return await page.locator(".picks h3").all_inner_texts()


async def test_a_reader_subscribes_edits_gets_what_the_page_promised_and_leaves(
    page: Page, site: Engine, catcher: Catcher
) -> None:
    await fill_subscribe_form(page, site.settings.newsletter.base_url)
    await page.get_by_role("heading", name="Check your inbox").wait_for()

    [confirmation] = catcher.mails
    await page.goto(next(link for link in links(confirmation) if "/confirm/" in link))
    assert site.store.subscribers.find("eve@example.org").status is Status.PENDING
    await page.get_by_role("button", name="Confirm my address").click()
    await page.get_by_role("link", name="edit your interests").wait_for()
    assert site.store.subscribers.find("eve@example.org").status is Status.ACTIVE

    await page.get_by_role("link", name="edit your interests").click()
    before = await picks(page)
    await change_interest(page, "Plasma physics", "plasma physics; magnetic reconnection")
    await page.get_by_role("status").filter(has_text="Saved.").wait_for()
    promised = await picks(page)
    assert promised
    assert promised[0] != before[0]

    issue, _, _ = site.planning.plan()
    await site.sending.send(issue.key)
    edition = catcher.mails[-1]
    assert titles(edition) == promised

    was = rows(site.store)
    async with httpx.AsyncClient() as scanner:
        for link in sorted(links(edition) | links(confirmation)):
            assert [(await scanner.request(method, link)).status_code for method in ("GET", "HEAD")] == [200, 200]
    assert rows(site.store) == was

    one_click = re.search(r"<(http[^>]+)>", str(edition["List-Unsubscribe"]))
    assert one_click
    async with httpx.AsyncClient() as mail_client:
        answer = await mail_client.post(one_click[1], data={"List-Unsubscribe": "One-Click"})
    assert answer.status_code == 200
    assert site.store.subscribers.find("eve@example.org").status is Status.UNSUBSCRIBED
