"""Links that are revoked: which stop working when, and which never do."""

from __future__ import annotations

import asyncio
import re
from urllib.parse import urlsplit

import pytest
from conftest import Clock
from visitor import Visitor

from newsletter.engine import Engine
from newsletter.testing import NOON, MemoryTransport, make_subscriber
from newsletter.tokens import Purpose
from newsletter.types import Status, Subscriber
from newsletter.web.mail_parts import parts
from newsletter.web.public.app import make_app

STALE = "This link is no longer valid."


@pytest.fixture
def web(weekly: Engine) -> Visitor:
    return Visitor(make_app(weekly))


@pytest.fixture
def ada(weekly: Engine) -> Subscriber:
    """She got the issue of the week."""
    asyncio.run(weekly.sending.send("2025-W12"))
    return weekly.store.subscribers.find("ada@example.org")


def mailed(transport: MemoryTransport, kind: str) -> str:
    """The path of a link in the latest mail to Ada."""
    html = parts([mail for mail in transport.mails if mail.recipient == "ada@example.org"][-1]).html
    found = re.search(rf'href="(https://papers\.example\.org/{kind}/[^"]+)"', html)
    assert found
    return urlsplit(found[1]).path


def status(engine: Engine, person: Subscriber) -> Status:
    return engine.store.subscribers.get(person.id).status


@pytest.mark.parametrize("how", [Status.UNSUBSCRIBED, Status.COMPLAINED, None])
def test_links_in_earlier_mails_end_but_not_those_to_unsubscribe(
    weekly: Engine, web: Visitor, ada: Subscriber, transport: MemoryTransport, how: Status | None
) -> None:
    pages = [mailed(transport, kind) for kind in ("interests", "feedback", "view")]
    before = [web.get(page).status_code for page in pages]

    if how:
        weekly.subscriptions.set_status(ada.id, how)
    else:
        weekly.subscriptions.new_links(ada.id)

    answers = [web.get(page) for page in pages]
    posts = [web.post(pages[0]), web.post(f"{pages[0]}/resume"), web.post(pages[1])]
    assert before == [200, 200, 200]
    assert {(answer.status_code, STALE in answer.text) for answer in (*answers, *posts)} == {(410, True)}
    assert web.post(mailed(transport, "unsubscribe")).status_code == 200
    assert status(weekly, ada) is (how or Status.UNSUBSCRIBED)


def test_the_next_mail_has_new_links(weekly: Engine, web: Visitor, ada: Subscriber, clock: Clock) -> None:
    weekly.subscriptions.new_links()
    prepared = weekly.editions.prepared("2025-W12")

    [kept] = weekly.editions.for_people(prepared, weekly.store.subscribers.many([ada.id]))

    html = parts(prepared.render_mail(kept)).html
    found = re.search(r"/interests/[\w.-]+", html)
    assert found
    assert web.get(found[0]).status_code == 200


def test_links_of_epoch_0_are_those_of_mails_that_went_out_before_there_were_epochs(weekly: Engine) -> None:
    sign, links = weekly.tokens.sign, weekly.editions.prepared("2025-W12").links(7)

    assert links.interests.endswith(f"/interests/{sign(Purpose.INTERESTS, 7)}")
    assert links.feedback.endswith(f"/feedback/{sign(Purpose.FEEDBACK, 7)}")
    assert links.view.endswith(f"/view/{sign(Purpose.VIEW, 7, '2025-W12')}")


def test_only_who_has_just_left_is_offered_the_way_back(
    weekly: Engine, web: Visitor, ada: Subscriber, transport: MemoryTransport
) -> None:
    page = mailed(transport, "unsubscribe")

    first, second, looked = web.post(page).text, web.post(page).text, web.get(page).text

    assert "/undo" in first
    assert "/undo" not in second + looked
    assert "subscribe again</a>" in second


@pytest.mark.parametrize("later", [Status.COMPLAINED, Status.UNSUBSCRIBED])
def test_the_way_back_is_closed_by_what_comes_later(
    weekly: Engine, web: Visitor, ada: Subscriber, transport: MemoryTransport, later: Status
) -> None:
    [undo] = re.findall(r'action="([^"]+/undo)"', web.post(mailed(transport, "unsubscribe")).text)
    if later is Status.UNSUBSCRIBED:
        web.post(undo)
    weekly.subscriptions.set_status(ada.id, later)

    answer = web.post(undo)

    assert answer.status_code == 410
    assert status(weekly, ada) is later


def test_a_confirmation_brings_nobody_back_who_left_after_it(
    engine: Engine, transport: MemoryTransport, clock: Clock
) -> None:
    web = Visitor(make_app(engine))
    web.post("/subscribe", data={"email": "eve@example.org"})
    [confirm] = re.findall(r"(/confirm/[\w.-]+)", parts(transport.mails[0]).text)
    twice = [web.post(confirm).status_code for _ in range(2)]
    eve = engine.store.subscribers.find("eve@example.org")
    engine.subscriptions.set_status(eve.id, Status.UNSUBSCRIBED)

    late = web.get(confirm).status_code, web.post(confirm).status_code
    clock.forward(hours=1)
    web.post("/subscribe", data={"email": "eve@example.org"})
    [again] = re.findall(r"(/confirm/[\w.-]+)", parts(transport.mails[1]).text)

    assert (twice, late, status(engine, eve)) == ([200, 200], (410, 410), Status.UNSUBSCRIBED)
    assert web.post(again).status_code == 200
    assert status(engine, eve) is Status.ACTIVE


def test_who_bounced_is_not_brought_back_by_a_link_that_was_used(engine: Engine, transport: MemoryTransport) -> None:
    web = Visitor(make_app(engine))
    web.post("/subscribe", data={"email": "eve@example.org"})
    [confirm] = re.findall(r"(/confirm/[\w.-]+)", parts(transport.mails[0]).text)
    web.post(confirm)
    eve = engine.store.subscribers.find("eve@example.org")
    engine.subscriptions.set_status(eve.id, Status.BOUNCED)

    assert web.post(confirm).status_code == 410
    assert status(engine, eve) is Status.BOUNCED


def test_an_unsubscribe_that_comes_between_is_never_undone_by_a_pause(weekly: Engine, ada: Subscriber) -> None:
    weekly.subscriptions.set_status(ada.id, Status.UNSUBSCRIBED)

    weekly.subscriptions.set_status(ada.id, Status.PAUSED, seen=ada)

    assert status(weekly, ada) is Status.UNSUBSCRIBED


def test_the_schedule_forgets_who_did_not_confirm_while_their_link_was_good(engine: Engine, clock: Clock) -> None:
    Visitor(make_app(engine)).post("/subscribe", data={"email": "eve@example.org"})
    engine.store.subscribers.add(make_subscriber(), "test", NOON)

    clock.forward(days=7)
    asyncio.run(engine.scheduling.tick())
    assert len([*engine.subscriptions.listed()]) == 2
    clock.forward(seconds=1)
    asyncio.run(engine.scheduling.tick())

    assert [person.email for person in engine.subscriptions.listed()] == ["ada@example.org"]
