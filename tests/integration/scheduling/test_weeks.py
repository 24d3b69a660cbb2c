"""Weeks of `run` on a moved clock: who gets which issue, and when by their own calendar."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from conftest import Clock

from newsletter.config import Settings
from newsletter.engine import Engine, make_engine
from newsletter.store import Named, Store
from newsletter.testing import MemoryTransport, make_entry, make_profile, make_subscriber
from newsletter.types import Cadence, OwnTime

HALF_HOUR = timedelta(minutes=30)
BEGAN = datetime(2025, 3, 12, 9, tzinfo=UTC)  #: a Wednesday; Europe changes its clocks on the 30th
ZONES = {
    "Tokyo": "Asia/Tokyo",
    "Kolkata": "Asia/Kolkata",
    "Berlin": "Europe/Berlin",
    "NewYork": "America/New_York",
    "Honolulu": "Pacific/Honolulu",
}
READERS = {
    "plain": OwnTime(),
    "monday": OwnTime(weekday=0),
    "tokyo": OwnTime(hour=7, timezone="Asia/Tokyo"),
    "kolkata": OwnTime(timezone="Asia/Kolkata"),
    "berlin": OwnTime(weekday=4, hour=18, timezone="Europe/Berlin"),
    "newyork": OwnTime(timezone="America/New_York"),
    "honolulu": OwnTime(weekday=6, hour=23, timezone="Pacific/Honolulu"),
}
EXPECTED = {  # by the reader's own clock
    "plain": ["03-17 08:00 W12", "03-24 08:00 W13", "03-31 08:00 W14"],
    "monday": ["03-17 08:00 W12", "03-24 08:00 W13", "03-31 08:00 W14"],
    "tokyo": ["03-17 07:00 W12", "03-24 07:00 W13", "03-31 07:00 W14"],
    "kolkata": ["03-17 08:00 W12", "03-24 08:00 W13", "03-31 08:00 W14"],
    "berlin": ["03-21 18:00 W12", "03-28 18:00 W13", "04-04 18:00 W14"],
    "newyork": ["03-17 08:00 W12", "03-24 08:00 W13", "03-31 08:00 W14"],
    "honolulu": ["03-23 23:00 W12", "03-30 23:00 W13"],  # the third one is due on the 6th of April
}


class World:
    """An installation in Berlin whose process can be ended, and what its readers got."""

    def __init__(self, settings: Settings, store: Store, clock: Clock, transport: MemoryTransport) -> None:
        section = {"weekday": "monday", "hour": 8, "timezone": "Europe/Berlin"}
        tables = settings.model_dump(exclude={"schedule"})
        self.settings = Settings.model_validate({**tables, "schedule": section, "home": settings.home})
        self.store, self.clock, self.transport = store, clock, transport
        self.got: dict[str, list[str]] = defaultdict(list)
        self.hours = {(8, "Europe/Berlin")}
        self.restart()

    def restart(self, **schedule: object) -> None:
        section = {**self.settings.schedule.model_dump(), **schedule}
        tables = self.settings.model_dump(exclude={"schedule"})
        self.settings = Settings.model_validate({**tables, "schedule": section, "home": self.settings.home})
        self.engine: Engine = make_engine(self.settings, self.store, self.transport, self.clock)
        self.engine.scheduling.begin()

    def add(self, name: str, own: OwnTime = OwnTime(), cadence: Cadence | None = None) -> None:  # noqa: B008
        self.hours.add((8 if own.hour is None else own.hour, own.timezone or "Europe/Berlin"))
        person = make_subscriber(name, 0, profile=make_profile("plasma"), cadence=cadence, **own._asdict())
        self.store.subscribers.put_all([person], "test", self.clock.now)

    async def until(self, moment: str, step: timedelta = HALF_HOUR) -> None:
        """Tick at each reader's hour and half an hour before it; each day at noon brings a paper."""
        end = datetime.fromisoformat(moment).replace(tzinfo=UTC)
        while self.clock.now < end:
            self.clock.now += step
            if self.clock.now.hour == 12 and not self.clock.now.minute:
                paper = make_entry(f"plasma-{self.clock.now:%m%d}")
                self.store.sightings.add([Named(paper, (paper.id,))], self.clock.now)
            if step < HALF_HOUR or self._is_near():
                await self.tick()

    def _is_near(self) -> bool:
        """Whether it is somebody's hour, or half an hour before it."""
        near = (self.clock.now, self.clock.now + HALF_HOUR)
        return any(
            (local.hour, local.minute) == (hour, 0)
            for hour, zone in self.hours
            for local in (moment.astimezone(ZoneInfo(zone)) for moment in near)
        )

    async def tick(self) -> list[str]:
        self.transport.mails.clear()
        told = await self.engine.scheduling.tick()
        for mail in self.transport.mails:
            name = mail.recipient.partition("@")[0]
            zone = ZoneInfo(self.zone(name))
            issue = mail.message_id.strip("<").partition(".")[0].removeprefix("2025-")
            self.got[name].append(f"{self.clock.now.astimezone(zone):%m-%d %H:%M} {issue}")
        return told

    def zone(self, name: str) -> str:
        return self.store.subscribers.find(f"{name}@example.org").timezone or "Europe/Berlin"


@pytest.fixture
def world(settings: Settings, store: Store, clock: Clock, transport: MemoryTransport) -> World:
    clock.now = BEGAN
    return World(settings, store, clock, transport)


async def test_three_weeks_reach_every_reader_at_their_own_time_over_a_restart(world: World) -> None:
    for name, own in READERS.items():
        world.add(name, own)

    await world.until("2025-03-23 21:30")
    world.restart()
    await world.until("2025-04-05 12:00")

    assert dict(world.got) == EXPECTED


async def test_who_subscribes_after_the_first_reader_got_it_gets_it_with_the_others(world: World) -> None:
    world.add("tokyo", READERS["tokyo"])
    await world.until("2025-03-16 23:30")
    world.add("late", OwnTime(hour=9))
    world.add("later", OwnTime(weekday=4))
    await world.until("2025-03-22 12:00")

    assert world.got == {
        "tokyo": ["03-17 07:00 W12"],
        "late": ["03-17 09:00 W12"],
        "later": ["03-21 08:00 W12"],
    }


async def test_days_and_months_come_by_each_readers_calendar(world: World) -> None:
    world.clock.now = datetime(2025, 3, 28, 9, tzinfo=UTC)
    for city, zone in ZONES.items():
        world.add(f"d{city}".lower(), OwnTime(hour=7, timezone=zone), Cadence.DAILY)
        world.add(f"m{city}".lower(), OwnTime(hour=20, timezone=zone), Cadence.MONTHLY)

    await world.until("2025-04-02 21:00")

    days = [f"{day} 07:00 {day}" for day in ("03-29", "03-30", "03-31", "04-01", "04-02")]
    for city in ZONES:
        assert world.got[f"d{city}".lower()] == days
        assert world.got[f"m{city}".lower()] == ["04-01 20:00 04"]


@pytest.mark.parametrize("opened", ["2025-03-18 09:30", "2025-03-20 15:30"])
async def test_a_laptop_asleep_over_monday_sends_the_missed_issue_once_and_soon(world: World, opened: str) -> None:
    for name, own in READERS.items():
        world.add(name, own)
    await world.until("2025-03-16 20:00")  # Tokyo's moment is two hours later

    world.clock.now = datetime.fromisoformat(opened).replace(tzinfo=UTC)
    told = await world.tick()
    await world.until("2025-03-24 20:00")

    assert "it was due on Monday 2025-03-17 08:00 Europe/Berlin" in told[0]
    for name in ("plain", "tokyo", "kolkata", "newyork"):
        assert [line[-3:] for line in world.got[name]] == ["W12", "W13"]
    assert world.got["plain"][0].startswith(opened[5:10])
    assert world.got["berlin"] == ["03-21 18:00 W12"]
    assert world.got["plain"][1] == "03-24 08:00 W13"


async def test_just_before_the_next_issue_a_missed_one_is_left_to_it(world: World) -> None:
    world.add("plain")
    await world.until("2025-03-16 20:00")

    world.clock.now = datetime(2025, 3, 24, 6, 59, tzinfo=UTC)
    await world.tick()
    assert not world.got
    await world.until("2025-03-24 08:00", timedelta(minutes=1))

    assert world.got["plain"] == ["03-24 08:00 W13"]


@pytest.mark.parametrize(
    ("weekday", "expected"),
    [
        ("friday", ["03-17 08:00 W12", "03-21 08:00 W12-5", "03-28 08:00 W13"]),
        ("sunday", ["03-17 08:00 W12", "03-23 08:00 W12-7", "03-30 08:00 W13"]),
        ("tuesday", ["03-17 08:00 W12", "03-25 08:00 W13"]),
    ],
)
async def test_another_weekday_begins_with_the_next_such_day(world: World, weekday: str, expected: list[str]) -> None:
    world.add("plain")
    await world.until("2025-03-19 12:00")
    world.restart(weekday=weekday)

    await world.until("2025-03-30 12:00")

    assert world.got["plain"] == expected


@pytest.mark.parametrize(
    ("cadence", "expected"),
    [
        ("monthly", ["03-17 08:00 W12", "04-01 08:00 04"]),
        ("daily", ["03-17 08:00 W12", "03-20 08:00 03-20", "03-21 08:00 03-21"]),
    ],
)
async def test_another_cadence_sends_nothing_at_once(world: World, cadence: str, expected: list[str]) -> None:
    world.add("plain")
    await world.until("2025-03-19 12:00")
    world.restart(cadence=cadence)

    await world.until("2025-04-01 12:00" if cadence == "monthly" else "2025-03-21 12:00")

    assert world.got["plain"] == expected


async def test_who_asks_for_another_cadence_waits_for_its_next_issue(world: World) -> None:
    world.add("plain")
    world.add("eve")
    await world.until("2025-03-19 12:00")

    world.add("eve", cadence=Cadence.DAILY)
    await world.until("2025-03-20 12:00")

    assert world.got["eve"] == ["03-17 08:00 W12", "03-20 08:00 03-20"]


async def test_a_clock_that_is_ahead_for_two_minutes_empties_no_issue(world: World) -> None:
    world.add("plain")
    await world.until("2025-03-13 12:00")

    right, world.clock.now = world.clock.now, datetime(2035, 1, 1, tzinfo=UTC)
    for _ in range(2):
        paper = make_entry(f"plasma-{world.clock.now:%Y%H%M}")
        world.store.sightings.add([Named(paper, (paper.id,))], world.clock.now)
        await world.tick()
        world.clock.forward(minutes=1)
    world.clock.now = right
    world.got.clear()
    await world.until("2025-04-08 12:00")

    assert world.got["plain"] == ["03-17 08:00 W12", "03-24 08:00 W13", "03-31 08:00 W14", "04-07 08:00 W15"]
    assert all(world.store.issues.papers(f"2025-W{week}") for week in (12, 13, 14, 15))


async def test_a_zone_that_is_gone_concerns_its_reader_alone(world: World) -> None:
    world.add("plain")
    world.add("lost")
    with world.store.database.write() as connection:
        connection.exec_driver_sql("UPDATE subscribers SET timezone = 'Nowhere/Gone' WHERE email LIKE 'lost%'")

    world.zone = lambda name: "Europe/Berlin"  # type: ignore[method-assign]
    await world.until("2025-03-17 12:00")

    assert world.got == {"plain": ["03-17 08:00 W12"], "lost": ["03-17 08:00 W12"]}
    assert world.engine.status.overview().unknown_zones == ("Nowhere/Gone",)


async def test_a_laptop_shut_just_after_the_first_reader_got_it_sends_it_to_the_others_later(world: World) -> None:
    world.add("plain")
    world.add("tokyo", READERS["tokyo"])
    await world.until("2025-03-16 23:00")

    world.clock.now = datetime(2025, 3, 20, 12, tzinfo=UTC)
    await world.tick()
    await world.until("2025-03-24 08:00")

    assert world.got["plain"] == ["03-20 13:00 W12", "03-24 08:00 W13"]
    assert world.got["tokyo"] == ["03-17 07:00 W12", "03-24 07:00 W13"]


async def test_nobody_gets_two_issues_at_once_and_the_papers_of_the_first_are_in_the_second(world: World) -> None:
    world.add("plain", cadence=Cadence.DAILY)
    world.add("kiritimati", OwnTime(hour=0, timezone="Pacific/Kiritimati"), Cadence.DAILY)
    await world.until("2025-03-17 06:30")
    world.got.clear()

    world.clock.now = datetime(2025, 3, 18, 9, tzinfo=UTC)
    await world.tick()

    assert world.got["plain"] == ["03-18 10:00 03-18"]
    pool = {entry.id for entry in world.store.issues.frozen("2025-03-18").entries}
    assert "plasma-0315" in pool  # which the issue of the 17th had, too


async def test_a_clock_that_is_a_week_ahead_for_one_tick_loses_neither_papers_nor_an_issue(world: World) -> None:
    world.add("plain")
    await world.until("2025-03-19 09:30")

    world.clock.now += timedelta(days=7)
    await world.tick()
    world.clock.now -= timedelta(days=7)
    await world.until("2025-03-31 12:00")

    assert world.got["plain"][-2:] == ["03-24 08:00 W13-1", "03-31 08:00 W14"]
    pools = [world.store.issues.frozen(key).entries for key in ("2025-W13-1", "2025-W14")]
    assert {entry.id for pool in pools for entry in pool} >= {f"plasma-03{day}" for day in range(20, 31)}


async def test_a_weekday_that_was_changed_minutes_before_its_slot_holds_at_once(world: World) -> None:
    world.add("plain")
    await world.until("2025-03-21 07:30")  # 08:30 in Berlin
    world.restart(weekday="friday", hour=9)
    world.clock.now = datetime(2025, 3, 21, 8, 10, tzinfo=UTC)
    await world.tick()

    assert world.got["plain"] == ["03-17 08:00 W12", "03-21 09:10 W12-5"]


async def test_a_draft_keeps_nobody_out_who_came_in_the_last_hours(world: World) -> None:
    world.add("tokyo", READERS["tokyo"])
    await world.until("2025-03-16 23:30")
    world.add("late")
    world.engine.planning.plan(key="special", draft=True)
    await world.until("2025-03-17 12:00")

    assert world.got["late"] == ["03-17 08:00 W12"]
