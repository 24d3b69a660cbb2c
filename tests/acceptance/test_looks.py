"""Mails and pages in a real browser, at each width, in each scheme, with and without styles (acceptance 2).

With NEWSLETTER_LOOKS=FOLDER each view is also kept there as a picture: weekly-ar-375-dark-nostyle.png and so on.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import cache
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import pytest
import samples
from conftest import rewired
from starlette.applications import Starlette
from test_browser import FLAGS, Server
from tools import chromium

from newsletter.config import resource
from newsletter.engine import Engine
from newsletter.store import Named
from newsletter.testing import NOON, make_profile
from newsletter.tokens import Purpose
from newsletter.types import Subscriber
from newsletter.web.preview.app import make_preview, secret_path
from newsletter.web.public.app import make_app

if TYPE_CHECKING:
    from playwright.sync_api import Page, Route

Scheme = Literal["light", "dark"]
SCHEMES: tuple[Scheme, ...] = ("light", "dark")
VIEWS = tuple(product((375, 600), SCHEMES))
#: What becomes of a mail: Gmail takes the styles off in accounts of other providers, many programs show no image.
NO_STYLE = "() => document.querySelectorAll('style').forEach(each => each.remove())"
NO_IMAGES = """() => Promise.all([...document.images].map(each => new Promise(done => {
  each.onerror = done
  each.src = 'https://off.example/'
})))"""
LOOKS = (Path(__file__).parent / "looks.js").read_text("utf-8").rstrip()
WCAG = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]},
    "resultTypes": ["violations", "incomplete"],
    "iframes": False,  # the mail in the preview's frame is looked at by itself
}
FIGURE = """<svg xmlns="http://www.w3.org/2000/svg" width="1080" height="540">
<rect width="1080" height="540" fill="#fff"/>
<path d="M80 40v420h940M120 400l200-90 200 40 200-190 260-80" fill="none" stroke="#1d4aa6" stroke-width="8"/></svg>"""

pytestmark = [pytest.mark.browser, pytest.mark.xdist_group("browser")]


class Screen:
    """One page of one browser, with no network."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.asked: set[str] = set()  #: addresses that are neither ours nor a figure's
        self._mail = ""
        page.context.route("**/*", self._answer)

    def open(self, mail: str) -> None:
        self._mail = mail
        self.page.goto("https://mail.example/")

    def show(self, width: int, scheme: Scheme) -> None:
        self.page.set_viewport_size({"width": width, "height": 800})
        self.page.emulate_media(color_scheme=scheme)

    def look(self, what: str) -> list[Any]:
        found: list[Any] = self.page.evaluate(f"{LOOKS}.{what}")
        return found

    def barriers(self) -> list[str]:
        """What axe-core finds; colours as alike as words and their ground it calls undecided, for us they are wrong."""
        from axe_playwright_python.sync_playwright import Axe

        results = Axe().run(self.page, options=WCAG).response
        alike = [each for each in results["incomplete"] if each["id"] == "color-contrast"]
        nodes = [(rule["id"], node) for rule in results["violations"] + alike for node in rule["nodes"]]
        return [f"{rule}: {node['html'][:90]} {node['failureSummary']}" for rule, node in nodes]

    def keep(self, name: str) -> None:
        if folder := os.environ.get("NEWSLETTER_LOOKS"):
            self.page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)

    def _answer(self, route: Route) -> None:
        url = route.request.url
        if url == "https://mail.example/":
            route.fulfill(body=self._mail, content_type="text/html; charset=utf-8")
        elif url == samples.FIGURE:
            route.fulfill(body=FIGURE, content_type="image/svg+xml")
        elif url.startswith("http://127.0.0.1:"):
            route.continue_()
        else:
            self.asked |= {url} - {samples.BROKEN, "https://off.example/"}
            route.abort()


@pytest.fixture(scope="module")
def screen() -> Iterator[Screen]:
    executable = chromium()
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=FLAGS, headless=True)
        yield Screen(browser.new_page())
        browser.close()


@cache
def mails(language: str) -> dict[str, str]:
    return samples.mails(language)


@contextmanager
def served(app: Starlette) -> Iterator[str]:
    server = Server()
    server.serve(app)
    try:
        yield server.url
    finally:
        server.stop()


def planned(engine: Engine, language: str) -> tuple[Engine, Subscriber]:
    """An engine with a planned issue of the papers of the weekly sample, and a reader of it."""
    masthead = samples.MASTHEADS[language]
    words = {name: getattr(masthead, name) for name in ("name", "tagline", "postal_address", "language")}
    section = engine.settings.newsletter.model_copy(update=words)
    engine = rewired(engine, engine.settings.model_copy(update={"newsletter": section}))
    papers = [Named(each, (f"id:{each.id}",)) for each in samples.usual(language)]
    engine.store.sightings.add(papers, NOON - timedelta(hours=1))
    profile = make_profile(*filter(None, samples.INTERESTS[language]))
    reader = engine.store.subscribers.add(replace(samples.READERS[language], id=0, profile=profile), "test", NOON)
    engine.planning.plan()
    return engine, reader


def check(screen: Screen, name: str, dress: str = "", axe: tuple[int, ...] = (375,)) -> Iterator[str]:
    """What is wrong with the open page in any view; axe, which is slow, looks at these widths."""
    for width, scheme in VIEWS:
        screen.show(width, scheme)
        view = f"{name}-{width}-{scheme}{dress}"
        screen.keep(view)
        barriers = screen.barriers() if width in axe else []
        yield from (f"{view} {each}" for each in screen.look("faults()") + barriers)


@pytest.mark.parametrize("language", samples.LANGUAGES)
@pytest.mark.parametrize("name", samples.NAMES)
def test_nothing_is_wrong_with_a_mail_in_any_view(screen: Screen, name: str, language: str) -> None:
    screen.open(mails(language)[name])

    found = [*check(screen, f"{name}-{language}")]
    if samples.FIGURE in mails(language)[name]:
        screen.page.evaluate(NO_IMAGES)
        found += check(screen, f"{name}-{language}", "-noimages")
        screen.open(mails(language)[name])
    screen.page.evaluate(NO_STYLE)
    found += check(screen, f"{name}-{language}", "-nostyle")

    assert not found, "\n".join(found)
    assert not screen.asked
    assert screen.page.evaluate("document.dir") == {"en": "ltr", "ar": "rtl"}[language]


@pytest.mark.parametrize("language", samples.LANGUAGES)
def test_the_mail_of_twenty_is_one_that_was_trimmed(language: str) -> None:
    links = {name: mail.count(samples.LINKS.view) for name, mail in mails(language).items()}

    assert links["twenty"] > links["weekly"] > 0


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("name", ["weekly", "empty", "confirm"])
def test_every_colour_is_one_of_its_scheme(screen: Screen, name: str, scheme: Scheme) -> None:
    theme = tomllib.loads((resource("templates") / "weekly" / "theme.toml").read_text("utf-8"))
    screen.open(mails("en")[name])

    screen.show(375, scheme)

    assert set(screen.look("colours()")) <= set(theme[scheme].values())


@pytest.mark.parametrize(
    ("name", "words"), [("weekly", "2025-W12"), ("weekly", samples.ADDRESS), ("confirm", samples.ADDRESS)]
)
def test_latin_words_keep_their_order_in_a_right_to_left_mail(screen: Screen, name: str, words: str) -> None:
    screen.open(mails("ar")[name])
    screen.show(600, "light")

    starts = screen.look(f"starts('{words}')")

    assert starts == sorted(starts)


@pytest.mark.parametrize("language", samples.LANGUAGES)
def test_nothing_is_wrong_with_the_page_of_a_mail(screen: Screen, engine: Engine, language: str) -> None:
    engine, reader = planned(engine, language)
    token = engine.tokens.sign(Purpose.VIEW, reader.id, "2025-W12")

    with served(make_app(engine)) as site:
        answer = screen.page.goto(f"{site}/view/{token}")
        found = [*check(screen, f"view-{language}", axe=(375, 600))]

    assert not found, "\n".join(found)
    assert answer
    assert answer.ok


#: a view's address, and what is there when it is whole
PREVIEWS = {
    "part=text": ".pane pre:not(:empty)",
    "part=headers": ".pane pre:not(:empty)",
    "part=raw": ".pane pre:not(:empty)",
    "width=phone&scheme=dark&styles=off&images=off": ".picks li",
    "tab=profile": "#interests li",
    "tab=why": "#why-list details",
    "tab=checks": ".links .answer.good",
    "tab=send": "#send-what:not(:empty)",
    "with={}": "#differences",
}


def test_nothing_is_wrong_with_any_part_of_the_preview(screen: Screen, engine: Engine) -> None:
    engine, reader = planned(engine, "en")
    found: list[str] = []

    with served(make_preview(engine, None)) as site:
        for view, whole in PREVIEWS.items():
            screen.page.goto(f"{site}{secret_path(engine)}?{view.format(reader.email)}")
            screen.page.locator(whole).first.wait_for()
            found += check(screen, f"preview-{view.partition('&')[0].replace('={}', '')}")

    assert not found, "\n".join(found)


SOUND = "<!DOCTYPE html><html lang='en'><title>A page</title><p>Words"


@pytest.mark.parametrize(
    ("fault", "kinds"),
    [
        ("", ""),
        ("<table width='700'><tr><td>wide</table>", "scrolls"),
        ("<p style='position:absolute;left:-60px;top:200px'>left of the window</p>", "beyond"),
        ("<p style='width:90px;overflow:hidden;white-space:nowrap'>too long for its box</p>", "clipped"),
        ("<p style='height:30px;overflow:hidden'>too<br>high<br>for<br>it</p>", "clipped"),
        ("<img src='https://off.example/' alt='a graph' style='display:block;width:90px;line-height:9px'>", "clipped"),
        ("<img src='https://off.example/' alt='a graph' style='color:#999'>", "pale"),
        ("<p style='width:40px'>Donaudampfschiff</p>", "spills"),
        ("<p>under</p><p style='position:relative;top:-30px'>over</p>", "overlaps color-contrast"),
        ("<p style='color:#ccc'>pale</p>", "color-contrast"),
        ("<p style='color:#fff'>white</p>", "color-contrast"),
        ("<img src='https://papers.example.org/figure.png' width='20' height='20'>", "image-alt"),
    ],
)
def test_each_fault_is_found_and_called_by_its_name(screen: Screen, fault: str, kinds: str) -> None:
    screen.show(375, "light")

    screen.open(SOUND + fault)

    assert {each.split(":")[0] for each in screen.look("faults()") + screen.barriers()} == set(kinds.split())
