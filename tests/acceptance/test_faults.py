"""Every phase and every fault in a whole send, over TLS and with a password: what the ledger says is what happened.

The judge is what the scripted server accepted, by its own record. The short version strikes one mail, or one
connection, of each phase, with each fault in one phase or another; `-m slow` has each fault in each phase. The long one
strikes one mail in twenty of 2,000 in each phase on each rung of the ladder:
`.ci/test -m slow -s tests/acceptance/test_faults.py`, about ten minutes.
"""

import asyncio
import email
import email.policy
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import product
from pathlib import Path
from random import Random
from typing import Any

import pytest
from conftest import with_smtp

from newsletter.config import Settings
from newsletter.engine import make_engine
from newsletter.sender import SmtpTransport, SmtpTuning
from newsletter.services.context import utc_now
from newsletter.services.sending import Sent
from newsletter.services.wiring import relay
from newsletter.store import Named, Store
from newsletter.testing import ScriptedServer, make_certificate, make_entry, make_profile, make_subscriber
from newsletter.types import Outcome, Status

KEY = "issue"
CONNECTIONS = 2
USERS = {"me": "secret"}
OFFERS = {
    "plain": ("8BITMIME",),
    "pipelined": ("8BITMIME", "PIPELINING"),
    "chunks": ("8BITMIME", "PIPELINING", "CHUNKING"),
}
LOST = ("reset", "close", "garbage", "hang")
FAULTS = ("451 4.3.0 later", "550 5.1.1 no such user", "421 4.3.2 going", *LOST, "slow")
BEFORE = ("CONNECT", "EHLO", "STARTTLS", "TLS", "AUTH")
DURING = ("MAIL", "RCPT", "DATA", ".")
AFTER = [(".", f"accept and {what}") for what in LOST]  #: the mail is taken, and nobody hears of it
SHORT = 1.0  #: seconds that are waited for a reply, in place of a minute, or of ten after the last dot
EVERY = 3  #: of all pairs of a phase and a fault, so many are one in every run: no divisor of the number of faults
WITHIN = 120.0  #: seconds for one run
TRIES = 40  #: runs, an hour apart


@dataclass
class Strikes:
    """A script: every so often something is done to a mail, or a connection, in one phase."""

    verb: str
    what: str
    chance: Callable[[int], bool]  #: given how many were seen
    most: int = sys.maxsize
    seen: int = 0
    struck: list[str] = field(default_factory=list)  #: whose mails; "" where nobody can know

    def __call__(self, verb: str, argument: str) -> str:
        if verb != self.verb or len(self.struck) >= self.most:
            return ""
        self.seen += 1
        if not self.chance(self.seen):
            return ""
        self.struck.append(recipient(verb, argument))
        return self.what


def recipient(verb: str, argument: str) -> str:
    if verb == "RCPT":
        return argument.partition("<")[2].partition(">")[0]
    if verb == ".":
        return str(email.message_from_string(argument, policy=email.policy.default)["To"].addresses[0].addr_spec)
    return argument if verb in ("DATA", "BDAT") else ""


@dataclass
class Trial:
    """One issue for so many readers, and a server that is struck."""

    settings: Settings
    store: Store
    server: ScriptedServer
    addresses: list[str]
    pause: timedelta = timedelta(hours=1)  #: between two runs, as they see it
    runs: int = 0

    def plan(self) -> None:
        engine = make_engine(self.settings, self.store)
        person = make_subscriber(number=0, profile=make_profile("diffusion"))
        people = [replace(person, email=address) for address in self.addresses]
        self.store.subscribers.put_all(people, "test", utc_now())
        self.store.sightings.add([Named(make_entry("diffusion"), ("x",))], utc_now())
        engine.planning.plan(key=KEY)

    async def run(self) -> Sent:
        """As a timer would start it, each time an hour later."""
        later = self.runs * self.pause
        self.runs += 1
        transport = SmtpTransport(relay(self.settings, self.settings.smtp), SmtpTuning(dot_timeout_seconds=SHORT))
        engine = make_engine(self.settings, self.store, transport, now=lambda: utc_now() + later)
        return await asyncio.wait_for(engine.sending.send(KEY), WITHIN)

    async def finish(self) -> None:
        for _ in range(TRIES):
            if not (await self.run()).tally.waiting:
                return
        raise AssertionError(f"after {TRIES} runs there are still some who wait")

    def judge(self, refused: set[str], doubtful: set[str]) -> None:
        """Everyone exactly once, but for whom the server refused, and whom nobody can know of."""
        got = self.server.recipients()
        said = {outcome: self.having(outcome) for outcome in Outcome}
        everybody = {*self.addresses}
        assert len(got) == len({*got})
        assert said[Outcome.REFUSED] == refused
        assert said[Outcome.UNCERTAIN] == doubtful
        assert said[Outcome.ACCEPTED] == everybody - refused - doubtful == {*got} - doubtful
        assert self.store.subscribers.counted() == {Status.ACTIVE: len(everybody)}

    def having(self, outcome: Outcome) -> set[str]:
        return {address for _, address in self.store.ledger.having(KEY, outcome)}


def verdict(strikes: Strikes) -> tuple[set[str], set[str]]:
    """(who was refused, who is in doubt) by what was done to whom."""
    struck, nobody = {*strikes.struck}, set[str]()
    refused = strikes.what.startswith("5") and strikes.verb != "MAIL"
    lost = strikes.verb == "." and strikes.what.removeprefix("accept and ") in LOST
    return struck if refused else nobody, struck if lost else nobody


def some(verbs: Iterable[str], faults: Iterable[str]) -> Iterator[Any]:
    """All pairs, most of them slow; of each verb and of each fault there are some in every run."""
    for place, pair in enumerate(product(verbs, faults)):
        yield pytest.param(*pair, marks=[pytest.mark.slow] if place % EVERY else [])


Begin = Callable[..., Trial]


@pytest.fixture
def begin(settings: Settings, store: Store, tmp_path: Path) -> Begin:
    """Plan an issue for a server, which is given a certificate and asks for a password."""
    context, ca_file = make_certificate(tmp_path)
    login = {"security": "starttls", "username": "me", "password": USERS["me"], "ca_file": str(ca_file)}
    usual = {**login, "timeout": timedelta(seconds=SHORT), "connections": CONNECTIONS}

    def begun(
        server: ScriptedServer,
        readers: int = 24,
        addresses: list[str] | None = None,
        own: Store | None = None,
        **changed: Any,
    ) -> Trial:
        server.tls, server.users = context, USERS
        people = addresses or [f"reader{n}@example.org" for n in range(readers)]
        trial = Trial(with_smtp(settings, server.port, **{**usual, **changed}), own or store, server, people)
        trial.plan()
        return trial

    return begun


@pytest.mark.parametrize(("verb", "what"), [*some(DURING, FAULTS), *AFTER])
async def test_a_mail_is_struck_and_nobody_is_judged_for_it(verb: str, what: str, begin: Begin) -> None:
    strikes = Strikes(verb, what, lambda seen: seen == 9)
    async with ScriptedServer(strikes, offers=OFFERS["pipelined"]) as server:
        trial = begin(server)
        await trial.finish()

    assert len(strikes.struck) == 1
    trial.judge(*verdict(strikes))


@pytest.mark.parametrize(("verb", "what"), [*some(BEFORE, FAULTS)])
async def test_a_connection_is_struck_before_its_first_mail(verb: str, what: str, begin: Begin) -> None:
    """The first three are, as by a server that is in trouble for a while."""
    strikes = Strikes(verb, what, lambda seen: seen <= 3)
    async with ScriptedServer(strikes, offers=OFFERS["chunks"]) as server:
        trial = begin(server)
        await trial.finish()

    assert strikes.struck
    trial.judge(set(), set())


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"password": "wrong"}, "535 5.7.8 wrong name or password"),
        ({"ca_file": ""}, "certificate verify failed"),
        ({"security": "tls"}, 'smtp.security = "starttls"?'),
    ],
)
async def test_what_is_wrong_for_good_is_said_and_costs_nobody_a_mail(
    changed: dict[str, str], words: str, begin: Begin
) -> None:
    async with ScriptedServer(offers=OFFERS["chunks"]) as server:
        trial = begin(server, **changed)
        sent = await trial.run()
        assert server.recipients() == []
        await begin(server).finish()

    assert words in sent.trouble
    assert sent.tally.waiting == 24
    trial.judge(set(), set())


async def test_a_relay_that_is_down_at_the_start_and_for_a_while_costs_nobody_a_mail(begin: Begin) -> None:
    server = ScriptedServer(offers=OFFERS["chunks"], delay=0.01)
    async with server:  # it gets its port, and goes
        trial = begin(server, 60)
    assert (await trial.run()).tally.waiting == 60

    async with server:
        running = asyncio.create_task(trial.run())
        while len(server.accepted) < 30:
            await asyncio.sleep(0.001)
    await asyncio.sleep(0.4)
    async with server:
        sent = await running
        await trial.finish()

    assert not sent.trouble
    assert sent.tally.uncertain <= CONNECTIONS
    trial.judge(set(), trial.having(Outcome.UNCERTAIN))


@pytest.mark.slow
@pytest.mark.parametrize("offers", OFFERS)
@pytest.mark.parametrize(("verb", "what"), [*product(DURING, FAULTS), *AFTER])
async def test_one_mail_in_twenty_is_struck(verb: str, what: str, offers: str, begin: Begin) -> None:
    chance = Random(f"{verb} {what} {offers}")
    sender = verb == "MAIL" and what.startswith("5")  # the third in a row pauses the issue
    asked = "BDAT" if verb == "DATA" and offers == "chunks" else verb
    strikes = Strikes(asked, what, lambda seen: seen > 20 and chance.random() < 0.05, most=2 if sender else sys.maxsize)
    async with ScriptedServer(strikes, offers=OFFERS[offers]) as server:
        trial = begin(server, 2_000, connections=8)
        await trial.finish()

    assert strikes.struck
    trial.judge(*verdict(strikes))
    sys.stderr.write(f"\n{offers}, {verb}, {what}: {len(strikes.struck)} struck, {trial.runs} runs\n")


@pytest.mark.slow
async def test_a_third_is_put_off_and_a_slow_domain_holds_up_no_other(begin: Begin, tmp_path: Path) -> None:
    """Everybody gets one mail; how long all others take with a domain at 2/s among them, beside without."""
    quick = [f"reader{n}@quick{n % 5}.example" for n in range(3_000)]
    slow = [f"reader{n}@slow.example" for n in range(60)]
    other = Store(f"sqlite:///{tmp_path / 'other.db'}")
    other.check()
    without = await until_all_quick_ones_have_it(begin, quick)
    beside = await until_all_quick_ones_have_it(begin, [*slow, *quick], own=other)
    other.close()

    sys.stderr.write(f"\n30 % put off: {without:.1f} s, with a slow domain {beside:.1f} s: {beside / without:.3f}\n")
    assert beside <= 1.05 * without


async def until_all_quick_ones_have_it(begin: Begin, addresses: list[str], own: Store | None = None) -> float:
    """Seconds."""
    chance, last = Random(30), 0.0

    def put_off(verb: str, argument: str) -> str:
        nonlocal last
        if verb == "." and "@quick" in recipient(verb, argument):
            last = time.monotonic()
        replies = ("450 4.2.1 busy", "451 4.3.0 later", "452 4.3.1 full", "421 4.3.2 going")
        return chance.choice(replies) if verb == "RCPT" and chance.random() < 0.3 else ""

    async with ScriptedServer(put_off, offers=OFFERS["chunks"]) as server:
        limits = {"slow.example": {"rate": "2/s"}}
        trial = begin(server, addresses=addresses, own=own, connections=8, domains=limits, retry=["1s"])
        trial.pause = timedelta(0)
        began = time.monotonic()
        while (await trial.run()).tally.waiting:
            await asyncio.sleep(0.2)
    trial.judge(set(), set())
    return last - began
