"""The preview site in a real browser: a maintainer's way through it, with mail over real SMTP."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import shutil
import statistics
import time
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any

import pytest
import uvicorn
from aiosmtpd.smtp import SMTP
from conftest import Clock
from test_browser import FLAGS, Catcher
from tools import chromium

from newsletter.config import Settings, resource
from newsletter.demo import demo_readers
from newsletter.engine import Engine, make_engine
from newsletter.store import Named, Store
from newsletter.testing import NOON, make_entry
from newsletter.web.preview.app import make_preview, secret_path

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, FrameLocator, Page, Route

AMELIE, SIYUAN = "amelie.fournier@example.org", "siyuan.chen@example.org"
IMAGE = "https://images.example.org/whale.png"
PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)
WCAG = {"runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}}
ADDED = r"(?:<mj-raw><!-- added -->.*)?</mj-body>"
RELOADS = 5
SHOWS = "words => document.querySelector('iframe[data-shown]')?.contentDocument?.body.innerText.includes(words)"

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


async def nowhere(host: str, port: int) -> tuple[str, ...]:
    """A lookup that finds no host: no test asks the web."""
    raise OSError(f"{host} was not found")


class Served:
    """The preview on a port of its own, in a thread."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.templates = engine.settings.home / "own" / "weekly"
        config = uvicorn.Config(make_preview(engine, None, nowhere), host="127.0.0.1", port=0, log_level="error")
        self._socket = config.bind_socket()
        self._socket.listen()  # who comes before the thread has started waits
        self._server = uvicorn.Server(config)
        self._thread = Thread(target=self._server.run, kwargs={"sockets": [self._socket]})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}{secret_path(engine)}"

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)
        self._socket.close()

    def edit(self, name: str, change: Callable[[str], str]) -> None:
        """As an editor saves."""
        file = self.templates / name
        file.write_text(change(file.read_text("utf-8")), "utf-8")

    def add(self, mjml: str) -> None:
        """At the end of the mail, in the place of what was added before: whatever the template is like."""
        added = f"<mj-raw><!-- added -->{mjml}</mj-raw>"
        self.edit("edition.mjml", lambda words: re.sub(ADDED, lambda _: f"{added}</mj-body>", words, flags=re.DOTALL))


@pytest.fixture
async def catcher() -> AsyncIterator[Catcher]:
    catcher = Catcher()
    server = await asyncio.get_running_loop().create_server(lambda: SMTP(catcher), "127.0.0.1", 0)
    catcher.port = server.sockets[0].getsockname()[1]
    yield catcher
    server.close()


@pytest.fixture
async def site(catcher: Catcher, store: Store, clock: Clock, tmp_path: Path) -> AsyncIterator[Served]:
    """The 59 papers and five readers of the seeds, one paper with an image, and own templates to change."""
    shutil.copytree(resource("templates") / "weekly", tmp_path / "own" / "weekly")
    settings = {
        "newsletter": {
            "sender": "The Weekly Preprint <weekly@papers.example.org>",
            "base_url": "https://papers.example.org",
            "templates": "own",
        },
        "smtp": {"host": "127.0.0.1", "port": catcher.port, "security": "none"},
        "source": [{"name": "seeds", "kind": "jsonl", "location": str(resource("seeds") / "papers.jsonl")}],
        "home": tmp_path,
    }
    engine = make_engine(Settings.model_validate(settings), store, now=clock)
    await engine.collection.collect()
    pictured = make_entry("whales", title="On the song of whales", image_url=IMAGE)
    store.sightings.add([Named(pictured, ("whales",))], NOON - timedelta(hours=1))
    store.subscribers.put_all(demo_readers(), "demo", NOON)
    served = Served(engine)
    yield served
    await asyncio.to_thread(served.stop)


@pytest.fixture
async def browser(tmp_path: Path) -> AsyncIterator[BrowserContext]:
    executable = chromium()
    from playwright.async_api import async_playwright

    async with async_playwright() as playwright:
        context = await playwright.chromium.launch_persistent_context(
            tmp_path / "chromium",
            executable_path=executable,
            args=FLAGS,
            headless=True,
            viewport={"width": 1280, "height": 900},
        )
        yield context
        await context.close()


@pytest.fixture
async def page(browser: BrowserContext) -> AsyncIterator[Page]:
    """No script of the page may fail while a test runs."""
    page, broken = browser.pages[0], list[str]()
    page.on("pageerror", lambda error: broken.append(str(error)))
    page.set_default_timeout(60_000)  # a busy machine is no failure
    yield page
    assert broken == []


async def opened(page: Page, site: Served, **view: str) -> FrameLocator:
    """The site with this view in its address; the mail's frame."""
    query = "&".join(f"{name}={value}" for name, value in view.items())
    await page.goto(f"{site.url}?{query}")
    await page.locator("iframe[data-shown], .pane pre:not([hidden])").first.wait_for()
    return mail(page)


def mail(page: Page, place: int = 0) -> FrameLocator:
    """What is shown, not what is still on its way."""
    return page.locator(".pane").nth(place).frame_locator("iframe[data-shown]")


async def choose(page: Page, name: str) -> None:
    """A radio as a finger does it: by the words on it."""
    await page.locator(".views label").filter(has_text=name).click()


async def proof_id(page: Page) -> str:
    return str(await page.evaluate("document.body.dataset.proof"))


async def changed(page: Page, before: str) -> str:
    await page.wait_for_function("before => document.body.dataset.proof !== before", arg=before)
    return await proof_id(page)


async def titles(page: Page) -> list[str]:
    return await page.locator("#panel-picks .picks .title").all_inner_texts()


async def test_a_profile_is_edited_and_the_edition_changes(page: Page, site: Served) -> None:
    frame, before = await opened(page, site, reader=AMELIE), await proof_id(page)
    first = await titles(page)

    await page.get_by_role("tab", name="Profile").click()
    await page.get_by_label("Papers").fill("3")
    before = await changed(page, before)
    await page.get_by_label("Add an interest by its words").fill("song of whales; sea")
    await page.get_by_role("button", name="Add", exact=True).click()
    before = await changed(page, before)
    await frame.get_by_role("heading", name="On the song of whales").wait_for()
    await page.get_by_role("tab", name="Picks").click()
    edited = await titles(page)

    assert len(edited) == 3
    assert edited != first[:3]
    assert "On the song of whales" in edited
    assert json.loads(await page.locator("#profile").input_value())["size"] == 3
    assert "edited profile" in await page.locator(".from").inner_text()

    await page.reload()
    await page.locator("iframe[data-shown]").wait_for()
    assert await titles(page) == edited

    await page.get_by_role("tab", name="Profile").click()
    await page.get_by_role("button", name="Remove song of whales").click()
    await changed(page, before)
    await page.get_by_role("button", name="Back to the reader's own").click()
    await page.locator(".from .badge").wait_for(state="detached")
    await page.get_by_role("tab", name="Picks").click()
    assert await titles(page) == first


async def test_a_wrong_profile_is_told_and_the_last_mail_stays(page: Page, site: Served) -> None:
    frame = await opened(page, site, reader=AMELIE, tab="profile")
    heading = await frame.get_by_role("heading", level=2).first.inner_text()

    await page.get_by_label("All of it, as JSON").fill("{")
    await page.locator("#profile-error").filter(has_text="The profile is not JSON").wait_for()
    await page.get_by_label("All of it, as JSON").fill('{"size": "many"}')
    await page.get_by_role("alert").filter(has_text="size = 'many'").wait_for()

    assert await frame.get_by_role("heading", level=2).first.inner_text() == heading


async def test_every_view_is_toggled_and_kept_in_the_address(page: Page, site: Served) -> None:
    asked: list[str] = []

    async def image(route: Route) -> None:
        asked.append(route.request.url)
        await route.fulfill(body=PIXEL, content_type="image/png")

    await page.route("https://images.example.org/**", image)
    await opened(page, site)
    await page.get_by_role("tab", name="Profile").click()
    await page.get_by_label("All of it, as JSON").fill('{"interests": ["song of whales"], "size": 2}')
    whale = mail(page).locator(f"img[src='{IMAGE}']")
    await whale.wait_for()
    assert await whale.evaluate("image => image.decode().then(() => image.naturalWidth)") == 1

    async def of_mail(script: str) -> Any:
        return await mail(page).locator("body").evaluate(f"body => {script}")

    light = await of_mail("getComputedStyle(body).backgroundColor")
    assert await of_mail("innerWidth") == 680
    await choose(page, "Phone")
    await page.wait_for_function("() => document.querySelector('iframe').clientWidth === 375")
    assert await of_mail("innerWidth") == 375

    await choose(page, "Dark")
    await page.locator("iframe[data-shown*='scheme=dark']").wait_for()
    assert await of_mail("getComputedStyle(body).backgroundColor") != light

    await page.get_by_label("Styles").uncheck()
    await page.locator("iframe[data-shown*='styles=off']").wait_for()
    assert await mail(page).locator("style").count() == 0

    asked.clear()
    await page.get_by_label("Images").uncheck()
    await page.locator("iframe[data-shown*='images=off']").wait_for()
    assert await whale.evaluate("image => image.naturalWidth") == 0
    assert asked == []

    source = page.locator(".pane pre")
    for part, words in (
        ("Text", "Why this paper:"),
        ("Headers", "List-Unsubscribe:"),
        ("Raw", "Content-Type: text/html"),
    ):
        await choose(page, part)
        await source.filter(has_text=words).wait_for()
    assert await page.get_by_label("Images").is_disabled()

    address = page.url
    for name in ("part=raw", "width=phone", "scheme=dark", "styles=off", "images=off", "tab=profile"):
        assert name in address
    await page.goto("about:blank")
    await page.goto(address)
    await source.filter(has_text="Content-Type: text/html").wait_for()
    assert not await page.get_by_label("Styles").is_checked()
    assert await page.locator("input[name=width][value=phone]").is_checked()


async def test_two_readers_stand_side_by_side_with_what_differs(page: Page, site: Served) -> None:
    await opened(page, site, reader=AMELIE)

    await page.get_by_role("combobox", name="Compare with").fill(SIYUAN)
    await page.get_by_role("combobox", name="Compare with").press("Enter")
    await page.locator("#differences").wait_for()

    assert await page.locator(".pane").count() == 2
    assert AMELIE in await mail(page, 0).locator("body").inner_text()
    assert SIYUAN in await mail(page, 1).locator("body").inner_text()
    table = await page.locator("#differences").inner_text()
    assert f"Only {AMELIE}" in table
    assert f"Only {SIYUAN}" in table
    assert await page.locator(".picks .differs .badge").count() > 0

    delays = [1.0, 0.0]  # the first answer comes after the second one

    async def late(route: Route) -> None:
        await asyncio.sleep(delays.pop(0) if delays else 0)
        await route.continue_()

    await page.route("**/proof/*/why", late)
    await page.get_by_role("tab", name="Why").click()
    await page.locator("#whose label").filter(has_text=SIYUAN).click()
    await page.locator("#why-list .taken").filter(has_text="State Space").first.wait_for()
    await page.wait_for_timeout(1500)
    assert await page.locator("#why-list .taken").filter(has_text="State Space").count() > 0
    await page.get_by_role("tab", name="Picks").click()

    await page.get_by_role("combobox", name="Compare with").fill(AMELIE)
    await page.get_by_role("combobox", name="Compare with").press("Enter")
    await page.locator("#differences th[scope=rowgroup]").filter(has_text="Both").wait_for()
    assert await page.locator("#differences .differs").count() == 0
    assert f"with={AMELIE.replace('@', '%40')}" in page.url


async def test_each_paper_says_why_it_was_taken_or_left(page: Page, site: Served) -> None:
    await opened(page, site, reader=AMELIE, tab="why")
    rows = page.locator("#why-list details")

    await page.locator("#why-count").filter(has_text="60 papers: 5 taken, 55 left.").wait_for()
    assert await rows.count() == 50
    await page.get_by_role("button", name="Show 10 more").click()
    assert await rows.count() == 60
    await page.get_by_label("Filter").fill("whales")
    await page.locator("#why-count").filter(has_text="1 paper: 0 taken, 1 left.").wait_for()
    await page.locator("#panel-why label").filter(has_text="Taken").click()
    await page.locator("#why-count").filter(has_text="0 papers").wait_for()
    await page.get_by_label("Filter").fill("")
    await page.locator("#why-count").filter(has_text="5 papers: 5 taken, 0 left.").wait_for()

    await rows.first.locator("summary").focus()
    await page.keyboard.press("Enter")
    await rows.first.locator("table").first.wait_for()
    amounts = [float(each) for each in await rows.first.locator("table").first.locator("td.number").all_inner_texts()]
    score = re.search(r"score (\d\.\d+)", await rows.first.inner_text())
    assert score
    assert sum(amounts) == pytest.approx(float(score[1]), abs=0.005 * (len(amounts) + 1))  # each rounded

    await page.get_by_label("A paper that is not in the pool").fill("no such paper")
    await page.get_by_role("button", name="Explain").click()
    await page.locator("#other-told").filter(has_text="this paper is not known here").wait_for()


async def test_links_templates_and_accessibility_are_checked(page: Page, site: Served) -> None:
    site.add('</mj-raw><mj-raw width="1px"><h6>Too low</h6>')
    await opened(page, site, reader=AMELIE, tab="checks")

    panel = page.locator("#panel-checks")
    await panel.locator(".findings").filter(has_text="<mj-raw> has no attribute width").wait_for()
    await panel.locator(".findings").filter(has_text="a level is left out").wait_for()
    await panel.get_by_text("a name for examples that nobody can open").wait_for()
    await panel.locator(".links li").filter(has_text="unsubscribe").filter(has_text="opens").first.wait_for()
    await panel.locator(".links li").filter(has_text="opens once the issue is planned").wait_for()
    assert await panel.locator(".answer.wrong").count() == 0

    await panel.get_by_role("button", name="elsewhere").click()
    await page.locator("#asked").filter(has_text="do not").wait_for()
    await page.locator("#ask:not([disabled])").wait_for()
    asked = panel.locator(".links li").filter(has_text="outside").filter(has_text="was not found")
    assert await asked.count() == await panel.locator(".answer.wrong").count() > 0


async def test_a_test_mail_reaches_the_catcher(page: Page, site: Served, catcher: Catcher) -> None:
    await opened(page, site, reader=AMELIE, tab="send")
    subject = await page.locator(".subject").inner_text()

    await page.get_by_label("To", exact=True).fill("editor@example.org")
    await page.get_by_role("button", name="Send", exact=True).click()
    await page.locator("#sent").filter(has_text="Sent to editor@example.org. The mail server said:").wait_for()

    [caught] = catcher.mails
    assert "editor@example.org" in str(caught["To"])
    assert str(caught["Subject"]) == subject
    assert site.engine.store.issues.listed() == []


async def test_a_changed_template_shows_by_itself(page: Page, site: Served) -> None:
    await reloads(page, site, 2)


@pytest.mark.slow
async def test_a_changed_template_shows_in_under_a_second(page: Page, site: Served) -> None:
    """On a machine that does nothing else."""
    took = await reloads(page, site, RELOADS)

    print(f"\nreload: median {statistics.median(took):.3f} s, longest {max(took):.3f} s of {RELOADS}")  # noqa: T201
    assert statistics.median(took) < 1.0


async def reloads(page: Page, site: Served, turns: int) -> list[float]:
    """Seconds from a saved template to the new mail, each time."""
    await opened(page, site, reader=AMELIE)
    await page.locator("#live").filter(has_text="Live").wait_for()
    took = []
    for turn in range(turns):
        began = time.perf_counter()
        site.add(f"<p>Saved for the {turn}th time</p>")
        # asks at every frame; a locator would wait half a second
        await page.wait_for_function(SHOWS, arg=f"Saved for the {turn}th time")
        took.append(time.perf_counter() - began)
    return took


async def test_what_is_being_typed_outlives_a_reload(page: Page, site: Served) -> None:
    await opened(page, site, reader=AMELIE, tab="profile")
    before = await proof_id(page)
    await page.get_by_label("All of it, as JSON").fill('{"size": 2, "inter')

    site.edit("inline.css", lambda words: f"{words}\np.quiet {{ font-style: italic }}\n")
    before = await changed(page, before)
    await page.wait_for_timeout(500)
    assert await page.get_by_label("All of it, as JSON").input_value() == '{"size": 2, "inter'

    await page.get_by_role("combobox", name="Reader").fill(SIYUAN)
    await page.get_by_role("combobox", name="Reader").press("Enter")
    await changed(page, before)
    assert '"size": 2' not in await page.get_by_label("All of it, as JSON").input_value()


async def test_a_reload_leaves_the_mail_where_it_was_scrolled_to(page: Page, site: Served) -> None:
    await opened(page, site, reader=AMELIE)
    await mail(page).locator("body").evaluate("body => scrollTo(0, 500)")
    before = await proof_id(page)

    site.edit("inline.css", lambda words: f"{words}\np.quiet {{ font-style: italic }}\n")
    await changed(page, before)
    await page.wait_for_function("() => document.querySelectorAll('iframe').length === 1")

    assert await mail(page).locator("body").evaluate("body => scrollY") == 500


async def test_a_broken_template_is_told_with_its_line_and_mended(page: Page, site: Served) -> None:
    frame = await opened(page, site, reader=AMELIE)

    site.edit("edition.mjml", lambda words: words.replace("{{ slot.preheader }}", "{{ slot.preheader"))
    await page.get_by_role("alert").filter(has_text=re.compile(r"edition\.mjml, line \d+")).wait_for()
    assert await frame.get_by_role("link", name="Read the paper").is_visible()
    site.edit("edition.mjml", lambda words: words.replace("{{ slot.preheader", "{{ slot.preheader }}"))
    await page.locator("#trouble").wait_for(state="hidden")

    site.edit("theme.toml", lambda words: words.replace('ink = "#1a1d21"', 'ink = "crimson"'))
    await page.get_by_role("alert").filter(has_text=re.compile(r"theme\.toml, line \d+")).wait_for()


async def test_a_planned_issue_is_frozen_unless_todays_templates_are_asked_for(page: Page, site: Served) -> None:
    key = site.engine.planning.plan()[0].key
    await opened(page, site, issue=key)
    await page.locator("#notice").filter(has_text="frozen").wait_for()

    site.add("<p>As of today</p>")
    await page.wait_for_timeout(1500)
    assert await mail(page).get_by_text("As of today").count() == 0

    await page.get_by_label("Today's templates").check()
    await mail(page).get_by_text("As of today").wait_for()
    assert "This is not what is sent" in await page.locator("#notice").inner_text()
    site.add("<p>As of now</p>")
    await mail(page).get_by_text("As of now").wait_for()


async def test_a_script_in_a_mail_does_not_run(page: Page, site: Served) -> None:
    theft = "top.document.title = 'stolen'"
    site.add(f'<script>{theft}</script><img src="x" alt="" onerror="{theft}" />')

    await opened(page, site)
    await page.wait_for_timeout(300)

    assert await mail(page).locator("script").count() == 1
    assert await page.title() == "Preview: The Weekly Preprint"


async def test_the_tabs_are_walked_with_the_keyboard(page: Page, site: Served) -> None:
    await opened(page, site)

    await page.get_by_role("tab", name="Picks").focus()
    for key, name in (
        ("ArrowRight", "Profile"),
        ("End", "Send"),
        ("ArrowRight", "Picks"),
        ("ArrowLeft", "Send"),
        ("Home", "Picks"),
    ):
        await page.keyboard.press(key)
        tab = page.get_by_role("tab", name=name, selected=True)
        assert await tab.evaluate("tab => tab === document.activeElement")
        assert await page.get_by_role("tabpanel", name=name).is_visible()


@pytest.mark.parametrize(
    ("width", "scheme"),
    [
        (1280, "light"),
        (375, "dark"),
        pytest.param(1280, "dark", marks=pytest.mark.slow),
        pytest.param(375, "light", marks=pytest.mark.slow),
    ],
)
async def test_the_page_has_no_barriers_and_no_sideways_scroll(
    page: Page, site: Served, width: int, scheme: Any
) -> None:
    from axe_playwright_python.async_playwright import Axe

    await page.emulate_media(color_scheme=scheme)
    await page.set_viewport_size({"width": width, "height": 800})
    for tab in ("picks", "profile", "why", "checks", "send"):
        await opened(page, site, reader=AMELIE, tab=tab, **({"with": SIYUAN} if tab in ("picks", "why") else {}))
        if tab == "why":
            await page.locator("summary").first.click()
            await page.locator("#why-list table").first.wait_for()
        if tab == "checks":
            await page.locator(".links .answer.good").first.wait_for()
        found = (await Axe().run(page, options=WCAG)).response["violations"]
        assert [(each["id"], [node["html"] for node in each["nodes"]]) for each in found] == [], tab
        root = "document.documentElement"
        assert await page.evaluate(f"{root}.scrollWidth - {root}.clientWidth") == 0, tab
