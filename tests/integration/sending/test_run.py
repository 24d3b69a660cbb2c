"""The schedule: the clock is moved over send times; processes end and start again around them."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest
from conftest import Clock, rewired

from newsletter.cli.server import keep_schedule
from newsletter.config import Settings
from newsletter.engine import Engine, make_engine
from newsletter.sender import DispatchTuning
from newsletter.store import Named, Store
from newsletter.testing import NOON, MemoryTransport, make_entry, make_profile, make_subscriber
from newsletter.types import Cadence

SUNDAY = NOON - timedelta(hours=18)
MONDAY_8 = NOON - timedelta(hours=4)


@pytest.fixture
def sunday(engine: Engine, clock: Clock) -> Engine:
    """Two readers, one paper, and the clock on the evening before the send time."""
    clock.now = SUNDAY
    engine.store.installed(clock.now)
    engine.store.subscribers.put_all(
        [make_subscriber(n, 0, profile=make_profile("x")) for n in ("Ada", "Bob")], "t", SUNDAY
    )
    engine.store.sightings.add([Named(make_entry("x"), ("x",))], SUNDAY)
    return engine


async def test_the_issue_goes_out_once_at_its_time(sunday: Engine, clock: Clock, transport: MemoryTransport) -> None:
    for minutes in (0, 600, 719, 720, 721, 722, 2000):
        clock.now = SUNDAY + timedelta(minutes=minutes)
        await sunday.scheduling.tick()
        assert len(transport.mails) == (2 if clock.now >= MONDAY_8 else 0)

    assert [issue.key for issue in sunday.store.issues.listed()] == ["2025-W12"]


async def test_killed_and_restarted_around_the_time_it_goes_out_once(
    sunday: Engine, settings: Settings, store: Store, clock: Clock, transport: MemoryTransport
) -> None:
    clock.now = MONDAY_8
    sunday.planning.plan(Cadence.WEEKLY, "2025-W12")  # died between plan and send

    for _ in range(3):
        await make_engine(settings, store, transport, clock).scheduling.tick()
        clock.forward(seconds=30)

    assert len(transport.mails) == 2


async def test_after_a_downtime_it_catches_up_once(sunday: Engine, clock: Clock, transport: MemoryTransport) -> None:
    clock.now = MONDAY_8 + timedelta(days=23)
    await sunday.scheduling.tick()
    await sunday.scheduling.tick()

    assert [issue.key for issue in sunday.store.issues.listed()] == ["2025-W15"]
    assert len(transport.mails) == 2


async def test_a_new_installation_owes_nobody_last_mondays_issue(engine: Engine, clock: Clock) -> None:
    clock.now = NOON

    assert await engine.scheduling.tick() == []
    assert engine.store.issues.listed() == []


async def test_who_wants_it_daily_gets_it_daily(sunday: Engine, clock: Clock, transport: MemoryTransport) -> None:
    sunday.store.subscribers.put_all([make_subscriber("Dan", 0, cadence=Cadence.DAILY)], "t", SUNDAY)
    for day in range(3):
        clock.now = MONDAY_8 + timedelta(days=day)
        await sunday.scheduling.tick()

    assert sorted(mail.recipient[:3] for mail in transport.mails) == ["ada", "bob", "dan", "dan", "dan"]


async def test_sources_are_read_when_it_is_time_and_a_bad_one_is_named_in_the_footer(
    settings: Settings, store: Store, clock: Clock, transport: MemoryTransport, tmp_path: Path
) -> None:
    (tmp_path / "good.jsonl").write_text('{"id": "x", "title": "A paper on diffusion"}\n')
    sources = [{"location": "good.jsonl"}, {"location": "gone.jsonl"}]
    engine = make_engine(
        Settings.model_validate({**settings.model_dump(), "source": sources, "home": tmp_path}), store, transport, clock
    )
    store.subscribers.put_all([make_subscriber("Ada", 0)], "t", NOON)

    assert await engine.scheduling.tick() == ["collected 1 new entries"]
    assert await engine.scheduling.tick() == []
    clock.forward(days=7)
    await engine.scheduling.tick()

    assert b"gone" in transport.mails[0].body


async def test_trouble_is_said_once_and_tried_again(
    sunday: Engine,
    clock: Clock,
    transport: MemoryTransport,
    caplog: pytest.LogCaptureFixture,
) -> None:
    sunday = rewired(sunday, dispatch=DispatchTuning(relay_pause_seconds=0.0))
    clock.now, transport.down, stop = MONDAY_8, True, asyncio.Event()

    async def mend() -> None:
        while "connection refused" not in caplog.text:
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.1)
        transport.down = False
        while len(transport.mails) < 2:
            await asyncio.sleep(0.01)
        stop.set()

    await asyncio.wait_for(asyncio.gather(keep_schedule(sunday, stop, poll=0.01), mend()), 60)

    assert len(transport.mails) == 2
    assert caplog.text.count("connection refused") == 1
