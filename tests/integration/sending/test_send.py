"""The whole line: plan, send, settle, on SQLite and with transports that misbehave."""

import asyncio
import re
from collections import Counter
from datetime import timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from conftest import Clock, rewired, with_smtp

from newsletter.config import Settings
from newsletter.engine import Engine, make_engine
from newsletter.errors import Deferred, HostDown, InputError, Refused, Uncertain, UnknownIssue
from newsletter.sender import DispatchTuning
from newsletter.services.claiming import claim_due
from newsletter.store import Named, Store
from newsletter.testing import NOON, MemoryTransport, ScriptedServer, make_entry, make_profile, make_subscriber
from newsletter.types import IssueState, Mail, Outcome, Status

WEEK = "2025-W12"


def addresses(transport: MemoryTransport) -> list[str]:
    return sorted(mail.recipient.partition("@")[0] for mail in transport.mails)


def only_for(name: str, error: Exception) -> MemoryTransport:
    def answer(mail: Mail) -> None:
        if mail.recipient.startswith(name):
            raise error

    return MemoryTransport(answer)


async def test_everybody_gets_one_mail_and_the_issue_is_done(weekly: Engine, transport: MemoryTransport) -> None:
    sent = await weekly.sending.send(WEEK)

    assert addresses(transport) == ["ada", "bob", "cyd"]
    assert str(sent.tally) == "planned 3 = accepted 3"
    assert sent.tally.state is weekly.store.issues.get(WEEK).state is IssueState.DONE


async def test_sending_twice_reaches_nobody_twice(weekly: Engine, transport: MemoryTransport) -> None:
    await weekly.sending.send(WEEK)
    again = await weekly.sending.send(WEEK)

    assert len(transport.mails) == 3
    assert again.outcomes == Counter()


async def test_two_senders_at_once_reach_nobody_twice(weekly: Engine, transport: MemoryTransport) -> None:
    await asyncio.gather(weekly.sending.send(WEEK), weekly.sending.send(WEEK))

    assert addresses(transport) == ["ada", "bob", "cyd"]


async def test_each_reader_gets_their_own_choice(weekly: Engine, transport: MemoryTransport) -> None:
    await weekly.sending.send(WEEK)

    leads = {}
    for mail in transport.mails:
        part = message_from_bytes(mail.body, policy=policy.default).get_body(("plain",))
        assert part is not None
        leads[mail.recipient] = re.findall(r"On ([\w ]+) \d", part.get_content())[0]
    assert leads == {
        "ada@example.org": "video diffusion",
        "bob@example.org": "plasma turbulence",
        "cyd@example.org": "state space models",
    }


async def test_a_deferred_mail_is_the_same_to_the_byte_when_it_goes_again(weekly: Engine, clock: Clock) -> None:
    tried: list[bytes] = []

    def answer(mail: Mail) -> None:
        if mail.recipient.startswith("bob"):
            tried.append(mail.body)
            if len(tried) == 1:
                raise Deferred("451 later", 451)

    transport = MemoryTransport(answer)
    first = await weekly.sending.send(WEEK, transport)
    clock.forward(minutes=4)
    await weekly.sending.send(WEEK, transport)
    assert len(tried) == 1
    weekly.store.subscribers.change(make_subscriber("Robert", 2, email="bob@example.org"))
    clock.forward(minutes=2)
    last = await weekly.sending.send(WEEK, transport)

    assert (first.tally.waiting, last.tally.accepted) == (1, 3)
    assert tried[0] == tried[1]


async def test_pauses_grow_with_every_attempt(weekly: Engine, clock: Clock) -> None:
    transport = only_for("bob", Deferred("451 later", 451))
    pauses = []
    for _ in range(4):
        await weekly.sending.send(WEEK, transport)
        due = weekly.store.ledger.next_due(WEEK)
        assert due is not None
        pauses.append(due - clock.now)
        clock.now = due

    planned = [timedelta(minutes=5), timedelta(minutes=15), timedelta(hours=1), timedelta(hours=4)]
    assert all(0.79 * plain < real < 1.21 * plain for plain, real in zip(planned, pauses, strict=True))


async def test_what_is_deferred_for_too_long_expires(weekly: Engine, clock: Clock) -> None:
    await weekly.sending.send(WEEK, only_for("bob", Deferred("451 later", 451)))
    clock.forward(days=4)

    sent = await weekly.sending.send(WEEK)

    assert str(sent.tally) == "planned 3 = accepted 2 + expired 1"


async def test_a_refusal_stops_nobody_else(weekly: Engine) -> None:
    transport = only_for("bob", Refused("550 5.1.1 unknown", 550))
    sent = await weekly.sending.send(WEEK, transport)

    assert addresses(transport) == ["ada", "cyd"]
    assert str(sent.tally) == "planned 3 = accepted 2 + refused 1"
    [(delivery, _)] = weekly.store.ledger.having(WEEK, Outcome.REFUSED)
    assert (delivery.code, delivery.detail) == (550, "550 5.1.1 unknown")


async def test_a_mail_that_cannot_be_rendered_stops_nobody_else(weekly: Engine, transport: MemoryTransport) -> None:
    weekly.store.subscribers.change(make_subscriber("Bob", 2, email="bøb@example.org"))  # no import lets this in

    sent = await weekly.sending.send(WEEK)

    assert addresses(transport) == ["ada", "cyd"]
    assert str(sent.tally) == "planned 3 = accepted 2 + refused 1"
    assert sent.outcomes[Outcome.REFUSED] == 1


@pytest.mark.parametrize("key", ["é", "a\nb", "", " ", "x" * 65, "../x"])
def test_a_key_that_no_message_id_could_hold_is_refused(engine: Engine, key: str) -> None:
    if key:
        with pytest.raises(InputError, match="the key of an issue"):
            engine.planning.plan(key=key)
    else:
        assert engine.planning.plan(key=key)[0].key == WEEK


async def test_a_server_that_does_not_speak_utf_8_is_understood(settings: Settings, store: Store) -> None:
    def script(verb: str, argument: str) -> str:
        if verb == "RCPT" and "ada@" in argument:
            return "550 inconnu \udce9"
        return "250 re\udce7u" if verb == "." else ""

    async with ScriptedServer(script) as server:
        engine = make_engine(with_smtp(settings, server.port), store)
        store.subscribers.put_all([make_subscriber(name, 0) for name in ("Ada", "Bob")], "test", engine.now())
        issue, _, _ = engine.planning.plan()
        sent = await asyncio.wait_for(engine.sending.send(issue.key), 60)

    assert str(sent.tally) == "planned 2 = accepted 1 + refused 1"
    [(delivery, _)] = store.ledger.having(issue.key, Outcome.REFUSED)
    assert delivery.detail == "550 inconnu \ufffd"


async def test_an_uncertain_mail_is_held_until_somebody_decides(weekly: Engine, transport: MemoryTransport) -> None:
    sent = await weekly.sending.send(WEEK, only_for("bob", Uncertain()))
    assert str(sent.tally) == "planned 3 = accepted 2 + uncertain 1"
    await weekly.sending.send(WEEK)
    assert transport.mails == []

    assert weekly.accounting.resolve(WEEK, Outcome.PLANNED) == 1
    await weekly.sending.send(WEEK)

    assert addresses(transport) == ["bob"]


async def test_the_relays_log_settles_uncertain_ones(weekly: Engine) -> None:
    await weekly.sending.send(WEEK, only_for("bob", Uncertain()))
    [(delivery, _)] = weekly.store.ledger.having(WEEK, Outcome.UNCERTAIN)

    assert weekly.accounting.resolve(WEEK, Outcome.UNCERTAIN, {delivery.message_id}) == 1

    assert str(weekly.store.ledger.tally(WEEK)) == "planned 3 = accepted 3"


async def test_a_server_that_is_down_costs_nobody_anything(weekly: Engine, transport: MemoryTransport) -> None:
    weekly = rewired(weekly, dispatch=DispatchTuning(relay_pause_seconds=0.01))
    transport.down = True
    sent = await weekly.sending.send(WEEK)
    assert (sent.tally.waiting, sent.trouble) == (3, "memory: connection refused")

    transport.down = False
    assert (await weekly.sending.send(WEEK)).tally.accepted == 3


async def test_a_server_that_hangs_up_on_one_mail_still_takes_the_others(
    weekly: Engine,
) -> None:
    weekly = rewired(weekly, dispatch=DispatchTuning(relay_pause_seconds=0.01))
    transport = only_for("ada", HostDown("421 no", 421))
    sent = await weekly.sending.send(WEEK, transport, connections=2)

    assert addresses(transport) == ["bob", "cyd"]
    assert str(sent.tally) == "planned 3 = accepted 2 + waiting 1"


async def test_who_unsubscribes_in_the_middle_of_a_send_gets_nothing(weekly: Engine) -> None:
    def answer(mail: Mail) -> None:
        if mail.recipient.startswith("ada"):
            weekly.subscriptions.set_status(2, Status.UNSUBSCRIBED)

    transport = MemoryTransport(answer)
    sent = await weekly.sending.send(WEEK, transport, connections=1)

    assert addresses(transport) == ["ada", "cyd"]
    assert str(sent.tally) == "planned 3 = accepted 2 + skipped 1"


async def test_stopping_finishes_what_is_in_flight_and_keeps_the_rest(weekly: Engine) -> None:
    stop = asyncio.Event()
    transport = MemoryTransport(lambda mail: stop.set())

    sent = await weekly.sending.send(WEEK, transport, connections=1, stop=stop)

    assert str(sent.tally) == "planned 3 = accepted 1 + waiting 2"
    assert (await weekly.sending.send(WEEK, transport)).tally.accepted == 3


async def test_a_crash_leaves_one_mail_in_doubt_and_sends_the_rest(
    weekly: Engine, clock: Clock, transport: MemoryTransport
) -> None:
    sender = weekly.store.ledger.enroll(NOON + timedelta(seconds=4))
    claims = claim_due(weekly.store.ledger, WEEK, sender, NOON, 10)
    weekly.store.ledger.write(claims[:1], [])
    clock.forward(seconds=6)

    sent = await weekly.sending.send(WEEK)

    assert addresses(transport) == ["bob", "cyd"]
    assert str(sent.tally) == "planned 3 = accepted 2 + uncertain 1"


async def test_nothing_shown_before_is_shown_again(weekly: Engine, clock: Clock, transport: MemoryTransport) -> None:
    await weekly.sending.send(WEEK)
    first = weekly.store.editions.seen([1, 2, 3])
    clock.forward(days=7)
    weekly.store.sightings.add([Named(make_entry("video-diffusion-new"), ("new",))], clock.now)
    weekly.planning.plan()
    await weekly.sending.send("2025-W13")

    second = weekly.store.editions.seen([1, 2, 3], but=WEEK)
    assert second[1] == {"video-diffusion-new"}
    assert all(not first[who] & second[who] for who in (1, 2, 3))


async def test_a_dry_run_writes_every_mail_and_changes_nothing(
    weekly: Engine, transport: MemoryTransport, tmp_path: Path
) -> None:
    assert await weekly.sending.dry_run(WEEK, tmp_path / "out") == 3
    dry = {path.stem: path.read_bytes() for path in (tmp_path / "out").iterdir()}
    assert weekly.store.ledger.tally(WEEK).waiting == 3
    assert weekly.store.editions.seen([1]) == {1: set()}

    await weekly.sending.send(WEEK)

    assert dry == {mail.recipient: mail.body for mail in transport.mails}


async def test_a_folder_that_cannot_be_made_is_named(weekly: Engine, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")

    with pytest.raises(InputError, match="file"):
        await weekly.sending.dry_run(WEEK, tmp_path / "file")


async def test_a_test_mail_stays_outside_the_ledger_and_opens_nobodys_page(
    weekly: Engine, transport: MemoryTransport
) -> None:
    await weekly.sending.send_test(WEEK, "me@example.org")

    assert addresses(transport) == ["me"]
    assert weekly.store.ledger.tally(WEEK).waiting == 3
    assert weekly.editions.prepared(WEEK).links(1).interests.encode() not in transport.mails[0].body


async def test_an_unknown_issue_is_a_clear_error(engine: Engine) -> None:
    with pytest.raises(UnknownIssue):
        await engine.sending.send("2025-W99")


async def test_an_issue_without_readers_or_entries_is_done_at_once(engine: Engine) -> None:
    engine.planning.plan()

    assert str((await engine.sending.send(WEEK)).tally) == "planned 0 = accepted 0"


def test_a_reader_without_interests_gets_something_and_is_told_why(engine: Engine) -> None:
    engine.store.sightings.add([Named(make_entry(f"paper-{n}", votes=n), (str(n),)) for n in range(12)], NOON)
    dan = engine.store.subscribers.add(make_subscriber("Dan", 0), "test", NOON)

    picks = engine.editions.next_edition(dan).picks

    assert [pick.entry.id for pick in picks[:2]] == ["paper-11", "paper-10"]
    assert all("no interests" in reason for pick in picks for reason in pick.reasons)


async def test_over_real_smtp_with_refusals_everyone_is_accepted_exactly_once(settings: Settings, store: Store) -> None:
    people = [make_subscriber(f"reader{n}", 0, profile=make_profile("diffusion")) for n in range(30)]
    counter = Counter[str]()

    def script(verb: str, argument: str) -> str:
        counter[verb] += 1
        if verb == "RCPT" and "reader7@" in argument:
            return "550 5.1.1 unknown"
        return "451 4.3.0 later" if verb == "RCPT" and counter["RCPT"] % 3 == 0 else ""

    async with ScriptedServer(script) as server:
        engine = make_engine(with_smtp(settings, server.port, retry=["1s", "1s"]), store)
        store.subscribers.put_all(people, "test", engine.now())
        store.sightings.add([Named(make_entry("diffusion"), ("x",))], engine.now())
        issue, _, _ = engine.planning.plan()
        for _ in range(12):
            tally = (await engine.sending.send(issue.key)).tally
            if not tally.waiting:
                break
            await asyncio.sleep(1.1)

    assert str(tally) == "planned 30 = accepted 29 + refused 1"
    assert len(server.recipients()) == len(set(server.recipients())) == 29
