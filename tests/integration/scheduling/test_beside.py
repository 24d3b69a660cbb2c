"""Collecting goes on beside planning and sending, and what was collected in time is in the issue."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from time import monotonic

import pytest
from conftest import Clock
from feedserver import FeedServer

from newsletter.cli.server import keep_schedule
from newsletter.config import Settings
from newsletter.engine import Engine, make_engine
from newsletter.store import Named, Store
from newsletter.testing import NOON, MemoryTransport, make_entry, make_profile, make_subscriber

SUNDAY = NOON - timedelta(hours=18)
MONDAY_8 = NOON - timedelta(hours=4)


@pytest.fixture
async def feeds(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[FeedServer]:
    monkeypatch.setenv("NO_PROXY", "*")
    async with FeedServer().serving() as feeds:
        yield feeds


@pytest.fixture
def monday(
    feeds: FeedServer, settings: Settings, store: Store, clock: Clock, transport: MemoryTransport
) -> Callable[..., Engine]:
    """It is Monday, 8 o'clock: an issue is due for one reader, and so is a collection from feeds of these names."""

    def made(*names: str, **schedule: str) -> Engine:
        sources = [{"name": name, "location": feeds.at(name)} for name in names]
        tables = {**settings.model_dump(), "source": sources, "schedule": schedule, "home": settings.home}
        engine = make_engine(Settings.model_validate(tables), store, transport, clock)
        clock.now = SUNDAY
        engine.scheduling.begin()
        store.subscribers.put_all([make_subscriber("Ada", 0, profile=make_profile("paper", "x"))], "t", SUNDAY)
        store.sightings.add([Named(make_entry("x"), ("x",))], SUNDAY)
        clock.now = MONDAY_8
        return engine

    return made


async def look_until(engine: Engine, word: str) -> list[str]:
    told: list[str] = []
    while not any(word in line for line in told):
        told += await engine.scheduling.look()
        await asyncio.sleep(0.01)
    return told


async def test_an_issue_that_is_due_with_a_collection_holds_its_papers(
    monday: Callable[..., Engine], feeds: FeedServer, transport: MemoryTransport
) -> None:
    engine = monday("slow")
    first = [await engine.scheduling.look() for _ in range(3)]
    feeds.go_on.set()

    told = await look_until(engine, "sent")

    assert first == [[], [], []]
    assert [line.split(",")[0].split(" for ")[0] for line in told] == [
        "collected 1 new entries",
        "planned 2025-W12",
        "2025-W12",
    ]
    assert b"A paper of slow" in transport.mails[0].body


async def test_a_pass_for_timers_collects_plans_and_sends(
    monday: Callable[..., Engine], transport: MemoryTransport
) -> None:
    told = await monday("quick").scheduling.tick()

    assert [line.split()[0] for line in told] == ["collected", "planned", "2025-W12,"]
    assert b"A paper of quick" in transport.mails[0].body


async def test_a_pass_for_timers_does_not_let_mails_wait_for_a_slow_source_and_ends_when_all_is_done(
    monday: Callable[..., Engine], feeds: FeedServer, transport: MemoryTransport
) -> None:
    engine = monday("quick", "slow")
    engine.scheduling.plan_within, engine.collection.keep_every = 0.5, 0.1

    passing = asyncio.create_task(engine.scheduling.tick())
    while not transport.mails:
        await asyncio.sleep(0.01)
    ended_before = passing.done()
    feeds.go_on.set()

    assert [line.split()[0] for line in await passing] == ["planned", "2025-W12,", "collected"]
    assert not ended_before
    assert b"A paper of quick" in transport.mails[0].body
    assert b"A paper of slow" not in transport.mails[0].body


async def test_a_paper_that_came_too_late_for_an_issue_is_in_the_next_one(
    monday: Callable[..., Engine], feeds: FeedServer, clock: Clock, transport: MemoryTransport
) -> None:
    engine = monday("slow")
    engine.scheduling.plan_within = 0.0
    clock.now = MONDAY_8 - timedelta(minutes=2)
    assert await engine.scheduling.look() == []
    clock.now = MONDAY_8
    await look_until(engine, "sent")
    clock.forward(minutes=2)
    feeds.go_on.set()
    await look_until(engine, "collected")
    transport.mails.clear()

    clock.now = MONDAY_8 + timedelta(days=7)
    await look_until(engine, "sent")
    await engine.scheduling.end()

    assert b"A paper of slow" in transport.mails[0].body


async def test_what_is_planned_already_is_sent_while_a_collection_goes_on(
    monday: Callable[..., Engine], feeds: FeedServer, transport: MemoryTransport
) -> None:
    engine = monday("slow")
    engine.planning.plan()

    told = await engine.scheduling.look()
    feeds.go_on.set()

    assert told[0].startswith("2025-W12")
    assert len(transport.mails) == 1
    assert await look_until(engine, "collected") == ["collected 1 new entries"]
    assert feeds.asked == ["slow"]


@pytest.mark.parametrize("command", ["run", "tick"])
async def test_a_stop_ends_a_collection_at_once_and_nothing_of_it_is_kept(
    monday: Callable[..., Engine], feeds: FeedServer, store: Store, command: str
) -> None:
    engine, stop = monday("quick", "slow"), asyncio.Event()
    working = keep_schedule(engine, stop, 0.01) if command == "run" else engine.scheduling.tick(stop)
    going = asyncio.create_task(working)
    while len(feeds.asked) < 2:
        await asyncio.sleep(0.01)
    began = monotonic()
    stop.set()
    await going

    assert monotonic() - began < 5
    assert [entry.id for entry in store.entries.listed()] == ["x"]
    assert store.issues.listed() == []
    assert engine.collection.is_due()


async def test_what_quick_sources_brought_is_stored_while_a_slow_one_is_read_and_the_rest_is_asked_for_again(
    monday: Callable[..., Engine], feeds: FeedServer, store: Store
) -> None:
    engine = monday("quick", "slow")
    engine.collection.keep_every = 0.05
    going = asyncio.create_task(engine.collection.collect())
    while engine.collection.is_due():
        await asyncio.sleep(0.01)
    stored = [entry.title for entry in store.entries.listed()]
    going.cancel()
    with pytest.raises(asyncio.CancelledError):
        await going

    assert "A paper of quick" in stored
    assert engine.collection.is_due()
    feeds.go_on.set()
    again = await engine.collection.collect()
    assert [(bool(found.harvest.rested), found.added) for found in again] == [(True, 0), (False, 1)]
    assert not engine.collection.is_due()


async def test_a_collection_that_somebody_killed_is_made_again_within_the_hour(
    monday: Callable[..., Engine], clock: Clock, store: Store
) -> None:
    engine = monday("quick")
    await engine.collection.collect()
    store.note("collection unfinished", (clock.now + timedelta(hours=1)).isoformat())

    assert not engine.collection.is_due()
    clock.forward(minutes=60)
    assert engine.collection.is_due()


async def test_an_issue_does_not_miss_by_seconds_what_is_collected_once_a_day(
    monday: Callable[..., Engine], feeds: FeedServer, clock: Clock, transport: MemoryTransport
) -> None:
    engine = monday("quick", collect_every="1d")
    clock.now = MONDAY_8 - timedelta(hours=23, minutes=59)
    await engine.collection.collect()
    clock.now = MONDAY_8 - timedelta(minutes=5)
    early = await engine.scheduling.tick()
    clock.now = MONDAY_8

    told = await engine.scheduling.tick()

    assert early == []
    assert told[0] == "collected 0 new entries"
    assert feeds.asked == ["quick", "quick"]


async def test_sources_that_rest_do_not_keep_an_issue_from_being_planned(
    monday: Callable[..., Engine], clock: Clock
) -> None:
    engine = monday("quick", collect_every="10m")
    clock.now = MONDAY_8 - timedelta(minutes=20)
    await engine.collection.collect()
    clock.now = MONDAY_8

    told = await asyncio.wait_for(look_until(engine, "sent"), 20)
    await engine.scheduling.end()

    assert any(line.startswith("planned 2025-W12") for line in told)


async def test_papers_of_a_draft_in_the_issues_place_are_told_of_once(
    monday: Callable[..., Engine], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO", "newsletter")
    engine = monday()
    engine.planning.plan(draft=True)

    for _ in range(3):
        await engine.scheduling.look()

    told = [record for record in caplog.records if "a draft is in the place" in record.message]
    assert [record.issue for record in told] == ["2025-W12"]  # type: ignore[attr-defined]
