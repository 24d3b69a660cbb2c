"""Signing up is no weapon: limits, pauses, other sites, what a row may hold, and the challenge."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import pytest
from conftest import Clock, rewired
from sqlalchemy import text
from visitor import Visitor

from newsletter.cli.server import address_of, listen, serve
from newsletter.config import Settings
from newsletter.engine import Engine
from newsletter.testing import NOON, MemoryTransport, make_profile, make_subscriber
from newsletter.types import Status
from newsletter.web.public.app import make_app


def with_signup(engine: Engine, **signup: Any) -> Engine:
    tables = engine.settings.model_dump(exclude={"signup"})
    return rewired(engine, Settings.model_validate({**tables, "signup": signup, "home": engine.settings.home}))


def web_of(engine: Engine, **signup: Any) -> Visitor:
    return Visitor(make_app(with_signup(engine, **signup)))


def sign_up(web: Visitor, email: str, **more: str) -> int:
    return web.post("/subscribe", data={"email": email, "interests": "", **more}).status_code


# limits


@pytest.mark.parametrize(
    ("limit", "email"), [("network", "v{}@a{}.example"), ("domain", "v{}@x.example"), ("total", "v{}@a{}.example")]
)
def test_too_many_are_asked_to_come_later(engine: Engine, transport: MemoryTransport, limit: str, email: str) -> None:
    web = web_of(engine, **{limit: "2/h"})

    codes = [sign_up(web, email.format(n, n)) for n in range(4)]
    answer = web.post("/subscribe", data={"email": email.format(9, 9)})

    assert codes == [200, 200, 429, 429]
    assert answer.headers["retry-after"] == "3600"
    assert len(transport.mails) == 2


def test_a_mailbox_has_enough_in_silence_whatever_its_address(engine: Engine, transport: MemoryTransport) -> None:
    web = web_of(engine, mailbox="2/h")
    addresses = [f"{name}@x.example" for name in ("target+1", "TARGET+2", "target+x.y", "Target+4", "target")]
    addresses += ["tar.get+1@gmail.com", "t.arget@googlemail.com", "target@gmail.com", "other@gmail.com"]

    codes = [sign_up(web, address) for address in addresses]

    assert set(codes) == {200}
    assert [mail.recipient for mail in transport.mails] == [*addresses[:2], *addresses[5:7], addresses[8]]
    assert engine.store.subscribers.find("target@x.example").status is Status.PENDING


def test_the_next_mail_to_an_address_waits_longer_each_time_also_after_a_restart(
    engine: Engine, clock: Clock, transport: MemoryTransport
) -> None:
    minutes = []
    for minute in range(0, 2 * 24 * 60, 30):
        clock.now = NOON
        clock.forward(minutes=minute)
        before = len(transport.mails)
        sign_up(web_of(engine), "eve@example.org")  # a new process
        minutes += [minute] * (len(transport.mails) - before)

    assert minutes == [0, 30, 150, 1590]


def test_who_complained_gets_no_mail_and_the_page_says_the_same(engine: Engine, transport: MemoryTransport) -> None:
    web = web_of(engine)
    ada = engine.store.subscribers.add(make_subscriber(profile=make_profile("x")), "test", NOON)
    complained = engine.subscriptions.set_status(ada.id, Status.COMPLAINED)

    answer = web.post("/subscribe", data={"email": ada.email, "interests": "spam"})
    new = web.post("/subscribe", data={"email": "new@example.org"})

    assert answer.text.replace(ada.email, "X") == new.text.replace("new@example.org", "X")
    assert [mail.recipient for mail in transport.mails] == ["new@example.org"]
    assert engine.store.subscribers.get(ada.id) == complained


async def served(engine: Engine, proxies: tuple[str, ...], forwarded: list[str]) -> list[int]:
    """The codes of sign-ups through a real server, each with an X-Forwarded-For."""
    import httpx

    stop, listening = asyncio.Event(), listen("127.0.0.1", 0)
    serving = asyncio.create_task(serve(make_app(engine), listening, stop, proxies))
    async with httpx.AsyncClient(base_url=address_of(listening)) as client:
        answers = [
            await client.post("/subscribe", data={"email": f"v{n}@x.example"}, headers={"X-Forwarded-For": value})
            for n, value in enumerate(forwarded)
        ]
    stop.set()
    await serving
    return [answer.status_code for answer in answers]


async def test_visitors_behind_a_trusted_proxy_are_told_apart_by_their_networks(engine: Engine) -> None:
    visitors = ["198.51.100.1", "198.51.100.2", "203.0.113.9", "evil, 203.0.113.8", "2001:db8::1", "2001:db8:0:ff::2"]

    codes = await served(with_signup(engine, network="1/h"), ("127.0.0.1",), visitors)

    assert codes == [200, 429, 200, 429, 200, 429]


async def test_nobody_else_is_believed_about_where_they_come_from(engine: Engine) -> None:
    codes = await served(with_signup(engine, network="1/h"), (), ["198.51.100.1", "203.0.113.9"])

    assert codes == [200, 429]


# other sites


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, 200),
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, 200),
        ({"Sec-Fetch-Site": "none"}, 200),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Origin": "https://blog.example.org"}, 403),
        ({"Origin": "https://papers.example.org"}, 200),
        ({"Origin": "http://127.0.0.1"}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "https://papers.example.org.evil.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "https://www.example.org"}, 200),
    ],
)
def test_another_sites_form_signs_nobody_up(
    engine: Engine, transport: MemoryTransport, headers: dict[str, str], code: int
) -> None:
    web = web_of(engine, origins=["https://www.example.org"])

    answer = web.post("/subscribe", data={"email": "eve@example.org"}, headers=headers)

    assert answer.status_code == code
    assert len(transport.mails) == (code == 200)


def test_one_click_works_from_anywhere(engine: Engine) -> None:
    ada = engine.store.subscribers.add(make_subscriber(), "test", NOON)
    headers = {"Origin": "null", "Sec-Fetch-Site": "cross-site"}

    web_of(engine).post(engine.editions.draft([]).links(ada.id).unsubscribe.partition(".org")[2], headers=headers)

    assert engine.store.subscribers.get(ada.id).status is Status.UNSUBSCRIBED


# what is typed


def test_while_pending_the_latest_request_counts(engine: Engine, transport: MemoryTransport) -> None:
    web = web_of(engine)

    sign_up(web, "eve@example.org", name="Somebody", interests="wrong topic")
    sign_up(web, "eve@example.org", name="Eve", interests="quantum error correction")

    eve = engine.store.subscribers.find("eve@example.org")
    assert (eve.name, [interest.name for interest in eve.profile.interests]) == ("Eve", ["quantum error correction"])
    assert len(transport.mails) == 1


@pytest.mark.parametrize(
    "email", ["noor@mail", "noor@localhost", "noor@[127.0.0.1]", "noor@10.0.0.1", "noor@example.c"]
)
def test_an_address_without_an_ending_is_questioned(engine: Engine, transport: MemoryTransport, email: str) -> None:
    answer = web_of(engine).post("/subscribe", data={"email": email, "name": "Noor"})

    assert answer.status_code == 422
    assert 'value="Noor"' in answer.text
    assert re.search(r"Is something missing|not a mail address", answer.text)
    assert not transport.mails


@pytest.mark.parametrize("email", ["a@example.museum", "a@sub.example.co.uk", "a@пример.рф"])
def test_any_ending_will_do(engine: Engine, email: str) -> None:
    assert sign_up(web_of(engine), email) == 200


@pytest.mark.parametrize(
    "interests", ["\n".join(["x" * 1200] * 49), "\n".join(["x" * 101]), "\n".join(f"{n} {'y' * 90}" for n in range(49))]
)
def test_who_may_be_nobody_cannot_fill_the_database(engine: Engine, interests: str) -> None:
    answer = web_of(engine).post("/subscribe", data={"email": "eve@example.org", "interests": interests})

    assert answer.status_code == 422
    assert "letters for one interest" in answer.text
    assert not list(engine.subscriptions.listed())


@pytest.mark.parametrize("letter", ["x", "é", "字", "\N{GRINNING FACE}", "\\", '"'])
def test_a_row_that_is_taken_has_a_few_kilobytes(engine: Engine, letter: str) -> None:
    web, sizes = web_of(engine, network="", mailbox=""), []
    for count in range(1, 50, 4):
        interests = "\n".join(f"{n}{letter * 40}" for n in range(count))
        if sign_up(web, f"eve{count}@example.org", name=letter * 5000, interests=interests) == 200:
            with engine.store.database.read() as connection:
                rows = connection.execute(text("SELECT * FROM subscribers ORDER BY id DESC LIMIT 1")).one()
            sizes.append(len(json.dumps(list(rows), default=str)))

    assert len(sizes) >= 2
    assert max(sizes) < 10_000


# the challenge


@pytest.fixture
def guarded(engine: Engine) -> Visitor:
    return web_of(engine, challenge_script="https://static.example.org/altcha.min.js")


def solved(web: Visitor) -> str:
    from altcha import Challenge, Payload, solve_challenge

    puzzle = Challenge.from_dict(web.get("/challenge").json())
    solution = solve_challenge(puzzle)
    assert solution
    return Payload(puzzle, solution).to_base64()


def test_a_challenge_is_solved_once_for_one_sign_up(guarded: Visitor, transport: MemoryTransport) -> None:
    proof = solved(guarded)

    codes = [sign_up(guarded, f"eve{n}@example.org", altcha=proof) for n in range(2)]
    codes += [sign_up(guarded, "eve@example.org", altcha=wrong) for wrong in ("", "x", proof[:-8], "e30=", "x" * 9999)]

    assert codes == [200] + [422] * 6
    assert [mail.recipient for mail in transport.mails] == ["eve0@example.org"]


def test_the_start_page_alone_may_run_the_widget(guarded: Visitor, engine: Engine) -> None:
    start, other = guarded.get("/"), guarded.get("/confirm/forged")

    assert '<altcha-widget challenge="/challenge"' in start.text
    policy = start.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src https://static.example.org/altcha.min.js; worker-src blob:; connect-src 'self'" in policy
    assert "script-src" not in other.headers["content-security-policy"]
    assert "no-store" in guarded.get("/challenge").headers["cache-control"]


def test_without_a_challenge_there_is_no_script(engine: Engine) -> None:
    web = web_of(engine)

    assert "script" not in web.get("/").text.partition("</style>")[2]
    assert web.get("/challenge").status_code == 404
