"""Pace, relays and the breaker, over real SMTP to servers that keep their own record."""

import asyncio
import re
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from conftest import rewired, with_smtp

from newsletter.config import Settings
from newsletter.engine import Engine, make_engine
from newsletter.sender import DispatchTuning
from newsletter.services.claiming import claim_due
from newsletter.services.lease import Lease, LeaseTuning
from newsletter.services.overview import findings
from newsletter.services.sending import Sent
from newsletter.store import Kept, Named, Store
from newsletter.testing import (
    NOON,
    Clock,
    MemoryTransport,
    ScriptedServer,
    make_entry,
    make_profile,
    make_subscriber,
)
from newsletter.types import Mail, Outcome, Status

WITHIN = 60.0  #: seconds that a send may take on a busy machine


def planned(settings: Settings, store: Store, transport: MemoryTransport | None = None, **people: int) -> Engine:
    """An engine with an issue for so many people of each domain: quick=3 is three at quick.example."""
    engine = make_engine(settings, store, transport)
    readers = [
        replace(make_subscriber(f"r{n}", 0, profile=make_profile("diffusion")), email=f"r{n}@{name}.example")
        for name, number in people.items()
        for n in range(number)
    ]
    store.subscribers.put_all(readers, "test", engine.now())
    store.sightings.add([Named(make_entry("diffusion"), ("x",))], engine.now())
    engine.planning.plan(key="issue")
    return engine


async def send(engine: Engine, **more: Any) -> Sent:
    return await asyncio.wait_for(engine.sending.send("issue", **more), WITHIN)


def domain(address: str) -> str:
    return address.partition("@")[2].partition(".")[0]


class Record:
    """A script that notes when each domain's mails came, and answers as it is told."""

    def __init__(self, answer: Callable[[str, str], str] = lambda verb, argument: "") -> None:
        self.answer = answer
        self.times: dict[str, list[float]] = {}

    def __call__(self, verb: str, argument: str) -> str:
        said = self.answer(verb, argument)
        if verb == "RCPT" and not said:
            name = domain(argument.partition("<")[2].partition(">")[0])
            self.times.setdefault(name, []).append(time.monotonic())
        return said


def once_each(server: ScriptedServer, *more: ScriptedServer) -> bool:
    recipients = [address for each in (server, *more) for address in each.recipients()]
    return max(Counter(recipients).values()) == 1


async def test_a_domain_with_a_limit_keeps_it_and_holds_up_no_other(settings: Settings, store: Store) -> None:
    record = Record()
    async with ScriptedServer(record) as server:
        limits = {"slow.example": {"rate": "2/s"}}
        engine = planned(with_smtp(settings, server.port, domains=limits), store, slow=12, quick=100, other=50)
        sent = await send(engine)

    slow = record.times["slow"]
    assert str(sent.tally) == "planned 162 = accepted 162"
    assert once_each(server)
    assert slow[-1] - slow[0] >= 11 / 2 - 0.5
    assert max(record.times["quick"] + record.times["other"]) < slow[-1]


async def test_a_third_of_temporary_refusals_and_a_slow_domain_everyone_exactly_once(
    settings: Settings, store: Store
) -> None:
    chance = Random(4)

    def answer(verb: str, argument: str) -> str:
        if verb not in ("MAIL", "RCPT", "DATA", ".") or chance.random() > 0.1:
            return ""
        return chance.choice(["421 4.3.2 bye", "450 4.2.1 busy", "451 4.3.0 later", "454 4.7.0 not now"])

    record = Record(answer)
    async with ScriptedServer(record) as server:
        more = {"retry": ["1s"], "domains": {"slow.example": {"rate": "2/s"}}}
        engine = planned(with_smtp(settings, server.port, **more), store, slow=10, quick=150, other=40)
        tally = (await send(engine)).tally
        while tally.waiting:
            await asyncio.sleep(0.3)
            tally = (await send(engine)).tally

    assert str(tally) == "planned 200 = accepted 200"
    assert once_each(server)


async def test_what_is_sent_away_waits_in_the_ledger_not_in_memory(
    settings: Settings, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered = []
    transport = MemoryTransport()
    tables = settings.model_dump()
    tables["smtp"]["domains"] = {"slow.example": {"rate": "1/s"}}
    engine = planned(Settings.model_validate({**tables, "home": settings.home}), store, transport, slow=400, quick=40)
    prepared = engine.editions.prepared("issue")

    def counted(kept: Kept) -> Mail:
        rendered.append(kept)
        return type(prepared).render_mail(prepared, kept)

    monkeypatch.setattr(prepared, "render_mail", counted)
    stop = asyncio.Event()

    def settled(_: object) -> None:
        if len(transport.mails) >= 42:
            stop.set()

    sent = await send(engine, stop=stop, on_settled=settled)

    assert len(rendered) < 60
    assert sent.tally.waiting > 390
    assert sum(mail.recipient.endswith("quick.example") for mail in transport.mails) == 40


async def test_a_send_waits_for_what_an_earlier_one_had_sent_away(settings: Settings, store: Store) -> None:
    transport = MemoryTransport()
    tables = settings.model_dump()
    tables["smtp"]["domains"] = {"slow.example": {"rate": "4/s"}}
    slow = Settings.model_validate({**tables, "home": settings.home})
    stop = asyncio.Event()
    await send(planned(slow, store, transport, slow=12), stop=stop, on_settled=lambda _: stop.set())

    sent = await send(make_engine(slow, store, transport))

    assert str(sent.tally) == "planned 12 = accepted 12"


async def test_a_send_that_waits_for_a_slow_domain_ends_when_somebody_pauses_the_issue(
    settings: Settings, store: Store
) -> None:
    async with ScriptedServer() as server:
        engine = planned(with_smtp(settings, server.port, domains={"slow.example": {"rate": "2/s"}}), store, slow=30)
        sending = asyncio.create_task(send(engine))
        while not server.accepted:
            await asyncio.sleep(0.05)
        engine.accounting.pause_issue("issue", "by hand")
        sent = await asyncio.wait_for(sending, WITHIN)

    assert sent.trouble == "issue is paused: by hand"
    assert sent.tally.waiting > 20


async def test_the_schedule_does_not_wait_for_a_slow_domain(settings: Settings, store: Store) -> None:
    transport = MemoryTransport()
    tables = settings.model_dump()
    tables["smtp"]["domain_rate"] = "1/m"
    engine = planned(Settings.model_validate({**tables, "home": settings.home}), store, transport, slow=5, other=1)

    sent = await send(engine, turn=0.0)

    assert 1 <= sent.tally.accepted < 6
    assert sent.tally.waiting == 6 - sent.tally.accepted


# relays


def with_relays(settings: Settings, *servers: ScriptedServer | int, **smtp: Any) -> Settings:
    """One [[relay]] each; the first one has three times the weight of the others."""
    ports = [server if isinstance(server, int) else server.port for server in servers]
    local = {"host": "127.0.0.1", "security": "none"}
    relays = [{**local, "port": port, "weight": 1 if place else 3} for place, port in enumerate(ports)]
    tables = settings.model_dump(exclude={"smtp", "relay"})
    return Settings.model_validate(
        {**tables, "smtp": {"timeout": "5s", **smtp}, "relay": relays, "home": settings.home}
    )


async def test_relays_have_connections_by_weight(settings: Settings, store: Store) -> None:
    async with ScriptedServer(delay=0.02) as first, ScriptedServer(delay=0.02) as second:
        engine = planned(with_relays(settings, first, second, connections=4), store, quick=120)
        sent = await send(engine)

    assert str(sent.tally) == "planned 120 = accepted 120"
    assert (first.connections, second.connections) == (3, 1)
    assert once_each(first, second)
    assert len(first.accepted) > len(second.accepted) > 0


async def test_a_relay_that_is_down_is_left_out(settings: Settings, store: Store) -> None:
    async with ScriptedServer() as server:
        engine = planned(with_relays(settings, 1, server), store, quick=60)
        sent = await send(engine)
        words = await engine.sending.send_test("issue", "me@example.org")

    assert str(sent.tally) == "planned 60 = accepted 60"
    assert sent.trouble == ""
    assert words == "250 taken"


async def test_a_relay_that_dies_in_the_middle_leaves_its_mails_to_the_others(settings: Settings, store: Store) -> None:
    def script(verb: str, _: str) -> str:
        return "reset" if verb == "MAIL" and len(first.accepted) >= 10 else ""

    async with ScriptedServer(script) as first, ScriptedServer(delay=0.01) as second:
        engine = planned(with_relays(settings, first, second), store, quick=100)
        sent = await send(engine)

    assert str(sent.tally) == "planned 100 = accepted 100"
    assert once_each(first, second)
    assert len(first.accepted) >= 10


async def test_a_relay_that_comes_back_is_used_again(settings: Settings, store: Store) -> None:
    def script(verb: str, _: str) -> str:
        return "421 come back later" if verb == "CONNECT" and 5 < len(second.accepted) < 50 else ""

    async with ScriptedServer(script) as first, ScriptedServer(delay=0.02) as second:
        engine = planned(with_relays(settings, first, second, connections=2, mails_per_connection=2), store, quick=200)
        engine = rewired(engine, dispatch=DispatchTuning(relay_pause_seconds=0.05))
        sent = await send(engine)

    assert str(sent.tally) == "planned 200 = accepted 200"
    assert once_each(first, second)
    assert len(first.accepted) > 60


async def test_a_relay_keeps_its_own_rate(settings: Settings, store: Store) -> None:
    record = Record()
    async with ScriptedServer(record) as server:
        await send(planned(with_smtp(settings, server.port, rate="20/s"), store, quick=15, other=15))

    times = sorted(record.times["quick"] + record.times["other"])
    assert times[-1] - times[0] >= 29 / 20 - 0.5


async def test_a_connection_has_so_many_mails(settings: Settings, store: Store) -> None:
    async with ScriptedServer() as server:
        more = {"mails_per_connection": 5, "connections": 1}
        sent = await send(planned(with_smtp(settings, server.port, **more), store, quick=23))

    assert str(sent.tally) == "planned 23 = accepted 23"
    assert server.connections == 5


async def test_a_no_for_good_is_not_asked_again_and_again(settings: Settings, store: Store) -> None:
    async with ScriptedServer(lambda verb, _: "554 5.7.1 who are you" if verb == "CONNECT" else "") as server:
        engine = planned(with_smtp(settings, server.port), store, quick=20)
        first, again = await send(engine), await send(engine)

    assert "who are you" in first.trouble
    assert again.trouble == first.trouble
    assert (first.tally.waiting, again.tally.waiting) == (20, 20)
    assert server.connections <= 4


# the breaker


async def test_refusals_for_policy_pause_the_domain_and_no_person(settings: Settings, store: Store) -> None:
    def script(verb: str, argument: str) -> str:
        return "550 5.7.1 blocked for spam" if verb == "RCPT" and "@strict" in argument else ""

    async with ScriptedServer(script) as server:
        engine = planned(with_smtp(settings, server.port, connections=1), store, strict=40, quick=40)
        sent = await send(engine)

    now = engine.now()
    assert str(sent.tally) == "planned 80 = accepted 40 + waiting 40"
    assert sent.outcomes[Outcome.DEFERRED] < 20
    assert store.subscribers.counted() == {Status.ACTIVE: 80}
    until, reason = store.ledger.pauses("issue", now)["strict.example"]
    assert until - now > timedelta(minutes=55)
    assert "550 5.7.1 blocked for spam" in reason
    due = store.ledger.next_due("issue")
    assert due is not None
    assert due > now
    [told] = [each for each in engine.accounting.progress("issue").domains if each.domain == "strict.example"]
    assert (told.waiting, told.paused, told.reason) == (40, until, reason)


async def test_another_process_respects_the_pause(settings: Settings, store: Store) -> None:
    transport = MemoryTransport()
    engine = planned(settings, store, transport, strict=3, quick=3)
    store.ledger.pause_domain("issue", "strict.example", engine.now() + timedelta(hours=1), "no")

    sent = await send(make_engine(settings, store, transport))

    assert str(sent.tally) == "planned 6 = accepted 3 + waiting 3"
    engine.accounting.resume_issue("issue")
    assert store.ledger.pauses("issue", engine.now()) == {}


async def test_a_refused_sender_pauses_the_issue_until_somebody_looks(settings: Settings, store: Store) -> None:
    script: dict[str, str] = {"MAIL": "553 5.7.1 sender not allowed"}
    async with ScriptedServer(lambda verb, _: script.get(verb, "")) as server:
        engine = planned(with_smtp(settings, server.port), store, quick=30)
        sent = await send(engine)
        assert "the server refuses the sender" in sent.trouble
        assert str(sent.tally) == "planned 30 = accepted 0 + waiting 30"
        assert await engine.scheduling.tick() == []
        assert "is paused" in " ".join(findings(engine.status.overview()))

        script.clear()
        assert "sender not allowed" in engine.accounting.resume_issue("issue")
        sent = await send(engine)

    assert str(sent.tally) == "planned 30 = accepted 30"


@pytest.mark.parametrize("what", ["close", "accept and reset"])
async def test_a_relay_that_dies_of_every_mail_does_not_put_everybody_in_doubt(
    settings: Settings, store: Store, what: str
) -> None:
    async with ScriptedServer(lambda verb, _: what if verb == "." else "") as server:
        engine = planned(with_smtp(settings, server.port, connections=2), store, quick=60)
        sent = await send(engine)

    assert re.match("issue is paused: 1[01] mails in a row are in doubt: ", sent.trouble)  # one more may be under way
    assert sent.tally.uncertain <= 12


async def test_several_domains_that_refuse_us_pause_the_issue(settings: Settings, store: Store) -> None:
    def script(verb: str, argument: str) -> str:
        return "554 5.7.1 looks like spam" if verb == "." else ""

    async with ScriptedServer(script) as server:
        engine = planned(with_smtp(settings, server.port, connections=1), store, a=20, b=20, c=20, d=20)
        sent = await send(engine)

    assert "domains refuse what we send" in sent.tally.paused
    assert sent.outcomes[Outcome.DEFERRED] < 40
    assert sent.tally.waiting == 80


async def test_complaints_pause_the_issue_and_can_be_excused(settings: Settings, store: Store) -> None:
    transport = MemoryTransport()
    engine = planned(settings, store, transport, quick=30)
    complaining = iter(range(1, 6))

    def settled(_: object) -> None:
        if number := next(complaining, 0):
            engine.subscriptions.set_status(number, Status.COMPLAINED)

    await send(engine, on_settled=settled)
    engine.store.subscribers.put_all([make_subscriber("Late", 0)], "test", engine.now())
    assert engine.accounting.too_many_complaints("issue") == "5 of 30 complained"

    engine.accounting.pause_issue("issue", engine.accounting.too_many_complaints("issue"))
    engine.accounting.resume_issue("issue")

    assert engine.accounting.too_many_complaints("issue") == ""


async def test_a_mail_that_hung_up_after_it_was_begun_goes_again(settings: Settings, store: Store) -> None:
    """421 to the last dot is a clear no; the ledger had marked the mail as begun."""
    said = iter(["421 4.3.2 going down"])

    async with ScriptedServer(lambda verb, _: next(said, "") if verb == "." else "") as server:
        sent = await send(planned(with_smtp(settings, server.port, connections=1), store, quick=3))

    assert str(sent.tally) == "planned 3 = accepted 3"
    assert once_each(server)


# together


async def test_a_sender_that_could_not_renew_its_lease_once_tries_again(
    settings: Settings, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else another one would declare it dead, and all that it has in flight uncertain."""
    monkeypatch.setattr("newsletter.store.database.BUSY_SECONDS", 0.1)
    clock, impatient = Clock(), Store(f"sqlite:///{tmp_path / 'newsletter.db'}")
    sender = store.ledger.enroll(NOON)
    renewing = asyncio.create_task(Lease(impatient, clock, LeaseTuning(renew_seconds=0.05)).renew(sender))
    other = sqlite3.connect(tmp_path / "newsletter.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    await asyncio.sleep(0.5)
    other.execute("ROLLBACK")
    clock.forward(hours=1)

    async def renewed() -> None:
        while alive_until() <= (NOON + timedelta(hours=1)).timestamp():
            await asyncio.sleep(0.05)

    def alive_until() -> float:
        [(moment,)] = other.execute("SELECT alive_until FROM senders WHERE num = ?", (sender,)).fetchall()
        return float(moment)

    await asyncio.wait_for(renewed(), WITHIN)
    renewing.cancel()
    other.close()
    impatient.close()


async def test_two_engines_share_an_issue_without_a_duplicate(settings: Settings, store: Store) -> None:
    async with ScriptedServer(delay=0.01) as server:
        own = with_smtp(settings, server.port, domains={"slow.example": {"rate": "20/s"}})
        first = planned(own, store, quick=150, slow=30)
        second = make_engine(own, store)
        await asyncio.gather(send(first), send(second))

    assert str(store.ledger.tally("issue")) == "planned 180 = accepted 180"
    assert once_each(server)


async def test_an_unsubscribe_in_the_middle_of_a_send_takes_effect_before_the_next_dot(
    settings: Settings, store: Store
) -> None:
    left = {f"r{number}@quick.example" for number in range(60, 100, 3)}  # claimed and rendered by then

    def script(verb: str, argument: str) -> str:
        if len(server.accepted) == 20 and left != said:
            for address in left:
                engine.subscriptions.set_status(store.subscribers.find(address).id, Status.UNSUBSCRIBED)
                said.add(address)
        return ""

    said: set[str] = set()
    async with ScriptedServer(script) as server:
        engine = planned(with_smtp(settings, server.port), store, quick=100)
        sent = await send(engine)

    assert said == left
    assert not left & set(server.recipients())
    assert str(sent.tally) == "planned 100 = accepted 86 + skipped 14"


async def test_a_stop_gives_what_is_in_flight_some_time_and_then_closes(settings: Settings, store: Store) -> None:
    stop = asyncio.Event()
    hung: list[str] = []

    def script(verb: str, argument: str) -> str:
        if len(server.accepted) < 20:
            return ""
        stop.set()
        if verb in ("MAIL", ".") and verb not in hung:
            hung.append(verb)
            return "hang"
        return ""

    async with ScriptedServer(script) as server:
        engine = planned(with_smtp(settings, server.port), store, quick=100)
        engine = rewired(engine, dispatch=DispatchTuning(grace_seconds=0.5))
        began = time.monotonic()
        sent = await send(engine, stop=stop)

    assert time.monotonic() - began < WITHIN / 2
    assert sent.stopped
    assert sent.tally.uncertain == hung.count(".")
    assert sent.tally.accepted == len(server.accepted)
    assert sent.tally.adds_up()


async def test_a_stop_does_not_wait_until_all_of_a_domain_are_sent_away(settings: Settings, store: Store) -> None:
    stop = asyncio.Event()
    transport = MemoryTransport(lambda mail: stop.set())
    engine = planned(settings, store, transport, quick=1, slow=4_000)
    now = engine.now()
    store.ledger.pause_domain("issue", "slow.example", now + timedelta(hours=1), "by hand")

    await send(engine, stop=stop)

    assert len(claim_due(store.ledger, "issue", store.ledger.enroll(now), now, 4_000)) > 2_000


@pytest.mark.parametrize(
    ("policy", "tally"), [("hold", "planned 3 = accepted 2 + uncertain 1"), ("resend", "planned 3 = accepted 3")]
)
async def test_what_to_do_with_uncertain_ones_is_configured(
    settings: Settings, store: Store, policy: str, tally: str
) -> None:
    broken = iter(["reset"])
    async with ScriptedServer(lambda verb, _: next(broken, "") if verb == "." else "") as server:
        own = with_smtp(settings, server.port, uncertain=policy, retry=["1s"])
        engine = planned(own, store, quick=3)
        await send(engine)
        await asyncio.sleep(1.3)
        sent = await send(engine)

    assert str(sent.tally) == tally


@pytest.mark.parametrize(("policy", "uncertain"), [("hold", 1), ("resend", 0)])
async def test_what_a_dead_sender_had_begun_is_configured_too(
    settings: Settings, store: Store, policy: str, uncertain: int
) -> None:
    tables = settings.model_dump()
    tables["smtp"]["uncertain"] = policy
    engine = planned(Settings.model_validate({**tables, "home": settings.home}), store, MemoryTransport(), quick=3)
    dead = store.ledger.enroll(engine.now() - timedelta(seconds=60))
    store.ledger.write(claim_due(store.ledger, "issue", dead, engine.now(), 1), [])

    sent = await send(engine)

    assert (sent.tally.accepted, sent.tally.uncertain) == (3 - uncertain, uncertain)
