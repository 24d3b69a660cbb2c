"""Issues planned by hand are drafts; `tick` is one pass of the schedule; `send` tells who waits."""

import asyncio
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from shutil import copytree

import pytest
from click.testing import CliRunner, Result

from newsletter.cli import main
from newsletter.config import load
from newsletter.config.values import WEEKDAYS
from newsletter.engine import Engine, make_engine
from newsletter.errors import Deferred
from newsletter.services.context import utc_now
from newsletter.store import Named
from newsletter.testing import MemoryTransport, make_entry, make_profile, make_subscriber
from newsletter.types import Fill, IssueState, Mail

ROOT = Path(__file__).parents[3]
UNITS = sorted(path for path in (ROOT / "config").iterdir() if path.suffix in (".service", ".timer"))
BEGUN = timedelta(days=1)  #: ago, when the schedule began
NOBODY = '[smtp]\nport = 1\nsecurity = "none"\nhost = "127.0.0.1"\n'


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """The same database as the commands use, with two readers; the issue of this hour is owed."""
    monkeypatch.chdir(tmp_path)
    now = utc_now()
    schedule = f'[schedule]\nweekday = "{WEEKDAYS[now.weekday()]}"\nhour = {now.hour}\n'
    (tmp_path / "newsletter.toml").write_text(
        f'[newsletter]\nsender = "W <w@papers.example.org>"\ntemplates = "own"\n{NOBODY}{schedule}'
    )
    (tmp_path / "own").mkdir()
    engine = make_engine(load(None, {}), transport=MemoryTransport())
    make_engine(engine.settings, engine.store, now=lambda: now - BEGUN).scheduling.begin()
    people = [make_subscriber(name, 0, profile=make_profile("x", fill=Fill.POPULAR)) for name in ("Ada", "Bob")]
    engine.store.subscribers.put_all(people, "test", now - BEGUN)
    engine.store.sightings.add([Named(make_entry("x"), ("x",))], now - timedelta(hours=2))
    yield engine
    engine.store.close()


@pytest.fixture
def transport(engine: Engine) -> MemoryTransport:
    transport = engine.sending.routes[0].transport
    assert isinstance(transport, MemoryTransport)
    return transport


def run(*words: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, words, catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result


async def test_the_schedule_sends_a_draft_only_when_it_is_approved(engine: Engine, transport: MemoryTransport) -> None:
    await engine.scheduling.tick()  # this hour's own issue
    transport.mails.clear()
    engine.store.sightings.add([Named(make_entry("xx"), ("xx",))], engine.now())
    told = run("plan", "--key", "try").output
    assert "1 paper, 2 readers\nA draft: `newsletter send try` sends it" in told
    assert "try is a draft: nobody gets it before" in run("status").output

    await engine.scheduling.tick()
    assert transport.mails == []
    assert " planned " in run("issues", "--approve", "try").output
    [told] = await engine.scheduling.tick()

    assert len(transport.mails) == 2
    assert re.match(r"try, \w+day \d{4}-\d\d-\d\d \d\d:\d\d UTC: sent 2 \(planned 2 = accepted 2\)", told)


async def test_a_draft_to_try_something_leaves_the_scheduled_issue_its_papers(
    engine: Engine, transport: MemoryTransport
) -> None:
    run("plan", "--key", "try")

    await engine.scheduling.tick()

    assert len(transport.mails) == 2
    assert b"On x" in transport.mails[0].body


async def test_a_draft_of_this_periods_issue_waits_for_its_maintainer(
    engine: Engine, transport: MemoryTransport
) -> None:
    run("plan")

    assert await engine.scheduling.tick() == []
    assert transport.mails == []


async def test_to_send_a_draft_approves_it(engine: Engine) -> None:
    run("plan", "--key", "try")

    sent = await engine.sending.send("try")

    assert sent.tally.accepted == 2
    assert "try is no draft" in run("issues", "--approve", "try").stderr


def test_a_cancelled_draft_is_gone_and_its_key_is_free(engine: Engine) -> None:
    run("plan", "--key", "try")
    run("issues", "--cancel", "try")

    assert engine.store.issues.listed() == []
    assert "1 paper, 2 readers" in run("plan", "--key", "try").output


def test_a_cancelled_issue_of_the_schedule_stays_cancelled_and_frees_its_papers(
    engine: Engine, transport: MemoryTransport
) -> None:
    transport.down = True
    with pytest.raises(Exception, match="refused"):
        asyncio.run(engine.scheduling.tick())
    [issue] = engine.store.issues.listed()
    engine.planning.cancel(issue.key)
    transport.down = False

    assert asyncio.run(engine.scheduling.tick()) == []
    assert engine.store.issues.get(issue.key).state is IssueState.CANCELLED
    assert "was cancelled" in run("send", issue.key, code=1).output
    assert "1 paper, 2 readers" in run("plan", "--key", issue.key).output


async def test_what_somebody_got_cannot_be_cancelled_or_planned_again(engine: Engine) -> None:
    run("plan", "--key", "try")
    await engine.sending.send("try")

    assert "somebody got it" in run("issues", "--cancel", "try", code=1).output
    assert "somebody got it" in run("plan", "--again", "try", code=1).output
    assert "There is no issue" in run("plan", "--again", "other", code=1).output


async def test_an_issue_planned_again_has_todays_papers_templates_and_readers(
    engine: Engine, transport: MemoryTransport, tmp_path: Path
) -> None:
    run("plan", "--key", "try")
    engine.editions.prepared("try")
    engine.store.sightings.add([Named(make_entry("xx"), ("xx",))], engine.now())
    (tmp_path / "own" / "weekly").mkdir()
    subject = (ROOT / "templates" / "weekly" / "subject.txt").read_text("utf-8")
    (tmp_path / "own" / "weekly" / "subject.txt").write_text(f"Anew: {subject}", "utf-8")
    engine.store.subscribers.put_all([make_subscriber("Cyd", 0)], "test", engine.now())

    assert "2 papers, 3 readers" in run("plan", "--again", "try").output
    await engine.sending.send("try")

    assert len(transport.mails) == 3
    assert all(b"Subject: Anew" in mail.body for mail in transport.mails)


def test_a_template_with_an_error_is_not_planned(engine: Engine, tmp_path: Path) -> None:
    copytree(ROOT / "templates" / "weekly", tmp_path / "own" / "weekly")
    edition = tmp_path / "own" / "weekly" / "edition.txt"
    edition.write_text(edition.read_text("utf-8").replace("slot.unsubscribe", "slot.unsubscribed"), "utf-8")

    told = run("plan", code=1).output

    assert "edition.txt" in told
    assert engine.store.issues.listed() == []


def test_send_tells_who_waits_and_now_sends_to_them_at_once(engine: Engine, transport: MemoryTransport) -> None:
    later = (utc_now().weekday() + 3) % 7
    people = [make_subscriber("Cyd", 0, weekday=later), make_subscriber("Dan", 0, weekday=later, timezone="Asia/Tokyo")]
    engine.store.subscribers.put_all(people, "test", engine.now())
    engine.planning.plan(key="try")

    first = asyncio.run(engine.sending.send("try"))
    told = run("send", "try").output
    everybody = asyncio.run(engine.sending.send("try", everybody=True))

    assert (first.tally.accepted, first.ahead.number) == (2, 2)
    assert re.search(r"2 readers wait for their own time, the first until \w+ [\d-]{10} \d\d:00 \S+; --now sends", told)
    assert (everybody.tally.accepted, everybody.ahead.number) == (4, 0)
    assert len(transport.mails) == 4


def test_a_pool_cannot_end_later_than_now(engine: Engine) -> None:
    told = run("plan", "--key", "try", "--until", "2035-01-01")

    assert "--until lies ahead" in told.stderr
    assert engine.store.issues.get("try").until <= engine.now()


def test_tick_tells_what_it_did_or_what_is_wrong(engine: Engine) -> None:
    failed = run("tick", code=1).output

    assert "127.0.0.1:1" in failed
    assert engine.store.issues.listed()[0].state is IssueState.SENDING


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_the_units_are_right(unit: Path) -> None:
    if not (tool := shutil.which("systemd-analyze")):
        pytest.skip("systemd-analyze is not installed")

    done = subprocess.run([tool, "verify", *map(str, UNITS)], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (0, ""), unit


def test_of_too_many_papers_the_newest_are_frozen_and_the_rest_told(engine: Engine, tmp_path: Path) -> None:
    config = tmp_path / "newsletter.toml"
    config.write_text(f"{config.read_text()}[collect]\npapers_per_issue = 2\n")
    papers = [make_entry(f"p{days}", published=engine.now() - timedelta(days=days)) for days in range(4)]
    engine.store.sightings.add([Named(paper, (paper.id,)) for paper in papers], engine.now())

    told = run("plan", "--key", "try")

    assert "3 of 5 papers left out: an issue chooses from 2 at most" in told.stderr
    assert "2 papers, 2 readers" in told.output
    assert {entry.id for entry in engine.store.issues.frozen("try").entries} == {"p0", "p1"}
    assert "3 of 5 papers left out" in run("status").output


async def test_a_draft_that_is_approved_late_still_reaches_everybody(
    engine: Engine, transport: MemoryTransport
) -> None:
    now = engine.now()
    make_engine(engine.settings, engine.store, now=lambda: now - timedelta(days=9)).planning.plan(key="try", draft=True)
    make_engine(engine.settings, engine.store, now=lambda: now - timedelta(days=9)).planning.plan(key="too", draft=True)

    engine.planning.approve("try")
    sent = [await engine.sending.send(key) for key in ("try", "too")]

    assert [one.tally.accepted for one in sent] == [2, 2]


async def test_a_cancelled_draft_of_an_issue_that_is_due_sends_nothing_in_its_place(
    engine: Engine, transport: MemoryTransport
) -> None:
    run("plan")
    [issue] = engine.store.issues.listed()

    run("issues", "--cancel", issue.key)

    assert await engine.scheduling.tick() == []
    assert transport.mails == []
    assert "1 paper, 2 readers" in run("plan").output


def test_an_unknown_zone_of_who_waits_is_told_as_the_newsletters(engine: Engine) -> None:
    person = make_subscriber("Cyd", 0, weekday=(utc_now().weekday() + 3) % 7)
    engine.store.subscribers.put_all([person], "test", engine.now())
    with engine.store.database.write() as connection:
        connection.exec_driver_sql("UPDATE subscribers SET timezone = 'Atlantis/City' WHERE email LIKE 'cyd%'")
    engine.planning.plan(key="try")
    transport = MemoryTransport(busy)
    asyncio.run(engine.sending.send("try", transport))

    told = run("send", "try").output
    later = make_engine(engine.settings, engine.store, MemoryTransport(), now=lambda: utc_now() + timedelta(hours=9))
    sent = asyncio.run(later.sending.send("try", everybody=True))

    assert re.search(r"1 reader waits for their own time, the first until \S+ [\d-]{10} \d\d:00 UTC", told)
    assert sent.tally.accepted == 3


def busy(_: Mail) -> None:
    raise Deferred("451 4.3.0 later", 451, "4.3.0")
