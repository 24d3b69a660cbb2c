"""A crowd at the costly pages: it is sent away in good time, and keeps nobody from leaving."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Set
from dataclasses import replace
from datetime import timedelta
from threading import Event

import httpx
import pytest
from visitor import Visitor

from newsletter.engine import Engine
from newsletter.services.context import Context
from newsletter.services.drafts import Drafts
from newsletter.services.prepared import PreparedIssue
from newsletter.store import Named
from newsletter.testing import NOON, make_entry, make_profile, make_subscriber
from newsletter.tokens import Purpose
from newsletter.types import Edition, Status, Subscriber
from newsletter.web.public.app import make_app
from newsletter.web.public.interests import MOST


class Stuck:
    """Drafts of an engine that take until `go_on`."""

    def __init__(self, engine: Engine) -> None:
        self.go_on = Event()
        self._editions = engine.editions
        context = Context(engine.settings, engine.store, engine.tokens, engine.now)
        self.drafts = Drafts(context, engine.planning, self, engine.readers)  # type: ignore[arg-type]

    def shared_draft(self, visitors: Iterable[int]) -> tuple[PreparedIssue, Set[str]]:
        assert self.go_on.wait(20)
        return self._editions.shared_draft(visitors)

    def drafted_edition(self, draft: PreparedIssue, person: Subscriber, heard: Subscriber) -> Edition:
        return self._editions.drafted_edition(draft, person, heard)


@pytest.fixture
def ada(engine: Engine) -> Subscriber:
    engine.store.sightings.add([Named(make_entry("plasma"), ("p",))], NOON - timedelta(hours=1))
    return engine.store.subscribers.add(make_subscriber("Ada", profile=make_profile("plasma")), "test", NOON)


@pytest.fixture
def stuck(engine: Engine, ada: Subscriber) -> Iterator[Stuck]:
    stuck = Stuck(engine)
    yield stuck
    stuck.go_on.set()
    stuck.drafts.close()


def test_unsubscribing_waits_for_no_interests_page_and_a_full_queue_says_so(
    engine: Engine, stuck: Stuck, ada: Subscriber
) -> None:
    interests, leave = (
        f"/{purpose}/{engine.tokens.sign(purpose, ada.id)}" for purpose in (Purpose.INTERESTS, Purpose.UNSUBSCRIBE)
    )
    transport = httpx.ASGITransport(app=make_app(replace(engine, drafts=stuck.drafts)))

    async def crowd() -> tuple[list[httpx.Response], httpx.Response, httpx.Response]:
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            asked = [asyncio.create_task(client.get(interests)) for _ in range(MOST)]
            await asyncio.sleep(1)
            beyond = await client.get(interests)
            left = await asyncio.wait_for(client.post(leave), 4)
            stuck.go_on.set()
            return [*await asyncio.gather(*asked)], beyond, left

    pages, beyond, left = asyncio.run(crowd())

    assert {page.status_code for page in pages} == {200}
    assert (beyond.status_code, beyond.headers["retry-after"], left.status_code) == (503, "10", 200)
    assert engine.store.subscribers.get(ada.id).status is Status.UNSUBSCRIBED


def test_a_page_without_a_draft_shows_the_form_and_says_why_not_more(
    engine: Engine, stuck: Stuck, ada: Subscriber, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("newsletter.web.public.interests.PATIENCE", 0.1)
    web = Visitor(make_app(replace(engine, drafts=stuck.drafts)))

    page = web.get(f"/interests/{engine.tokens.sign(Purpose.INTERESTS, ada.id)}")

    assert page.status_code == 200
    assert "This cannot be shown just now" in page.text
    assert 'value="plasma"' in page.text


@pytest.mark.parametrize(
    "path", ["/archive/", "/subscribe/", "/interests/abc/", "/healthz/", "/unsubscribe/x/", "/feed.atom/"]
)
@pytest.mark.parametrize("host", ["letters.example.org", "evil.example"])
def test_a_slash_at_the_end_leads_to_our_own_page_that_says_so(engine: Engine, path: str, host: str) -> None:
    answer = Visitor(make_app(engine)).get(path, headers={"Host": host, "X-Forwarded-Proto": "https"})

    assert answer.status_code == 404
    assert "location" not in answer.headers
    assert "There is no such page" in answer.text


@pytest.mark.parametrize(
    ("base_url", "told"), [("https://x.example/papers", "max-age=31536000"), ("http://x.example", None)]
)
def test_who_came_by_https_is_to_stay_there(engine: Engine, base_url: str, told: str | None) -> None:
    section = engine.settings.newsletter.model_copy(update={"base_url": base_url})
    web = Visitor(make_app(replace(engine, settings=engine.settings.model_copy(update={"newsletter": section}))))

    assert {web.get(path).headers.get("strict-transport-security") for path in ("/", "/view/forged", "/nope")} == {told}
