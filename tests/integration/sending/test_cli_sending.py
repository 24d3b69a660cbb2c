"""The commands around a send that is under way, paused or in doubt."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from newsletter.cli import main
from newsletter.config import load
from newsletter.engine import Engine, make_engine
from newsletter.errors import Deferred, Refused, Uncertain
from newsletter.sender import DispatchTuning
from newsletter.services.claiming import claim_due
from newsletter.services.context import utc_now
from newsletter.store import Named
from newsletter.testing import MemoryTransport, make_entry, make_profile, make_subscriber
from newsletter.types import Mail, Outcome

Run = Callable[..., Result]


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    """The same database as the commands use, with the issue `week` for three readers, and no server."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("newsletter.services.sending.DispatchTuning", partial(DispatchTuning, relay_pause_seconds=0.0))
    (tmp_path / "newsletter.toml").write_text(
        '[newsletter]\nsender = "W <w@papers.example.org>"\n[smtp]\nport = 1\nsecurity = "none"\nhost = "127.0.0.1"\n'
    )
    engine = make_engine(load(None, {}), transport=MemoryTransport())
    people = [make_subscriber(name, 0, profile=make_profile("x")) for name in ("Ada", "Bob", "Cyd")]
    engine.store.subscribers.put_all(people, "test", engine.now())
    engine.store.sightings.add([Named(make_entry("x"), ("x",))], engine.now())
    engine.planning.plan(key="week")
    yield engine
    engine.store.close()


def run(*words: str, code: int = 0) -> Result:
    result = CliRunner().invoke(main, words, catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result


async def sent(engine: Engine, **errors: Exception) -> None:
    """To everybody, but for who gets an error."""

    def answer(mail: Mail) -> None:
        if error := errors.get(mail.recipient.partition("@")[0]):
            raise error

    await engine.sending.send("week", MemoryTransport(answer))


async def test_status_tells_what_holds_mails_up(engine: Engine) -> None:
    await sent(engine, bob=Deferred("451 4.3.0 <bob@example.org> later", 451, "4.3.0"))

    told = run("status", "week").output
    row = json.loads(run("status", "week", "--format", "json").output)

    assert "week (sending): planned 3 = accepted 2 + waiting 1" in told
    assert "mails/s in the last minute, about" in told
    assert [line.split()[:4] for line in told.splitlines() if line.startswith("example.org")] == [
        ["example.org", "1", "2", "1"]
    ]
    assert "451 4.3.0 … later" in told
    assert row["rate"] > 0
    assert row["left"] >= 0
    [domain] = row["domains"]
    assert (domain["domain"], domain["waiting"], domain["accepted"], domain["deferred"]) == ("example.org", 1, 2, 1)
    assert (domain["reason"], domain["paused"]) == ("451 4.3.0 … later", None)


async def test_of_many_the_first_are_listed_and_the_rest_counted(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("newsletter.cli.status.LISTED", 2)
    later, no = Deferred("451 4.3.0 later", 451, "4.3.0"), Refused("550 5.1.1 nobody", 550, "5.1.1")
    await sent(engine, ada=later, bob=later, cyd=later)
    told = run("status", "week").output
    assert told.count("  deferred: ") == 3
    assert "  deferred: and 1 more" in told

    later_today = make_engine(engine.settings, engine.store, now=lambda: utc_now() + timedelta(hours=9))
    await sent(later_today, ada=no, bob=no)
    told = run("status", "week").output

    assert told.count("  refused: ") == 2
    assert "more" not in told


async def test_a_paused_domain_is_told_with_its_reason(engine: Engine) -> None:
    engine.store.ledger.pause_domain(
        "week", "example.org", engine.now() + timedelta(hours=1), "5 in a row: 550 5.7.1 no"
    )

    assert "paused until" in run("status", "week").output
    assert "5 in a row: 550 5.7.1 no" in run("status", "week").output
    assert json.loads(run("status", "week", "--format", "json").output)["domains"][0]["paused"]


async def test_to_watch_ends_when_nothing_waits(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    looks = []

    def settle_one(_: float) -> None:
        looks.append(1)
        sender = engine.store.ledger.enroll(engine.now())
        [claim] = claim_due(engine.store.ledger, "week", sender, engine.now(), 1)
        engine.store.subscribers.erase(claim.delivery.subscriber)

    monkeypatch.setattr("newsletter.cli.status.time.sleep", settle_one)

    assert "planned 3 = accepted 0 + skipped 3" in run("status", "week", "--watch").output
    assert len(looks) == 3
    run("status", "--watch", code=2)


def test_an_issue_is_paused_and_resumed_by_hand(engine: Engine) -> None:
    listed = run("issues", "--pause", "week").output
    assert "paused" in listed
    assert "week is paused: by hand. `newsletter send week` goes on." in run("status").output
    assert "Paused: by hand" in run("status", "week").output
    assert json.loads(run("issues", "--format", "jsonl").output)["paused"] == "by hand"
    assert engine.store.issues.open_ones() == []

    assert "paused" not in run("issues", "--resume", "week").output
    assert "was not paused" in run("issues", "--resume", "week").stderr
    run("issues", "--pause", "week", "--resume", "week", code=2)
    run("issues", "--pause", "nothing", code=1)


def test_to_send_a_paused_issue_by_hand_goes_on(engine: Engine) -> None:
    engine.accounting.pause_issue("week", "the server refuses the sender: 553 no")

    told = run("send", "week", code=3).stderr

    assert "week was paused: the server refuses the sender: 553 no. It goes on now." in told
    assert engine.store.issues.paused("week") == ""


async def test_what_is_refused_for_policy_is_deferred_with_the_servers_words(engine: Engine) -> None:
    blocked = Refused("550 5.7.1 blocked", 550, "5.7.1", "rcpt")
    await sent(engine, ada=blocked)

    assert engine.store.ledger.tally("week").waiting == 1
    [(delivery, _)] = engine.store.ledger.having("week", Outcome.DEFERRED)
    assert (delivery.code, delivery.detail) == (550, "550 5.7.1 blocked")


async def test_a_list_of_message_ids_settles_uncertain_ones(engine: Engine, tmp_path: Path) -> None:
    await sent(engine, ada=Uncertain("lost"), bob=Uncertain("lost"))
    [(ada, _), (bob, _)] = engine.store.ledger.having("week", Outcome.UNCERTAIN)
    (tmp_path / "ids").write_text(f"{ada.message_id.strip('<>')}\n\n<other@example.org>\n")

    assert "1 settled; planned 3 = accepted 2 + uncertain 1" in run("resolve", "week", "--message-ids", "ids").output
    (tmp_path / "ids").write_text(f"{bob.message_id}\n")
    assert "1 settled; planned 3 = accepted 3" in run("resolve", "week", "--resend", "--message-ids", "ids").output
    run("resolve", "week", "--message-ids", "gone", code=1)
