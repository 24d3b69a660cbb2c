"""A run over real connections: who is in doubt when, and who pays for whose trouble."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import timedelta
from math import inf

import pytest

from newsletter.errors import Withdrawn
from newsletter.sender import (
    Breaker,
    DispatchTuning,
    Gate,
    Job,
    Pace,
    Relay,
    Route,
    Run,
    SmtpTransport,
    Transport,
    Trip,
)
from newsletter.sender.tuning import DISPATCH
from newsletter.testing import NOON, MemoryTransport, ScriptedServer
from newsletter.types import Delivery, Mail, Outcome

ALL = ("PIPELINING", "8BITMIME", "CHUNKING")


class PaperLedger:
    """Notes who is in doubt: begun and not yet handed back."""

    def __init__(self, count: int, withdrawn: Callable[[int], bool] = lambda number: False) -> None:
        self.numbers = [*range(count)]
        self.withdrawn = withdrawn
        self.doubtful: set[int] = set()
        self.most = 0
        self.settled: dict[int, list[Outcome]] = {}

    async def claim(self, gate: Gate, most: int) -> Sequence[Job[int]]:  # noqa: ARG002
        some, self.numbers = self.numbers[:10], self.numbers[10:]
        return [Job(number, Delivery("2025-W12", number, NOON), mail(number)) for number in some]

    async def begin(self, handle: int) -> None:
        self.doubtful.add(handle)
        self.most = max(self.most, len(self.doubtful))
        await asyncio.sleep(0.001)
        if self.withdrawn(handle):
            self.doubtful.discard(handle)
            raise Withdrawn

    def settle(self, handle: int, delivery: Delivery) -> asyncio.Future[Outcome]:
        self.doubtful.discard(handle)
        self.settled.setdefault(handle, []).append(delivery.outcome)
        return asyncio.ensure_future(asyncio.sleep(0.001, delivery.outcome))

    async def take_back(self, handle: int) -> None:
        self.doubtful.discard(handle)

    async def comes_back(self) -> float:
        return inf

    async def hand_back(self, jobs: Sequence[Job[int]], wait: timedelta) -> None:  # noqa: ARG002
        raise AssertionError("no lane is slow here")

    async def pause(self, trip: Trip, jobs: Sequence[Job[int]]) -> None:  # noqa: ARG002
        raise AssertionError("nothing is refused for policy here")


def mail(number: int) -> Mail:
    body = f"Message-ID: <{number}@x>\r\n\r\nhello\r\n".encode()
    return Mail(f"<{number}@x>", f"w+{number}@x.org", f"reader{number}@x.org", body)


async def run(
    ledger: PaperLedger, transport: Transport, connections: int = 3, tuning: DispatchTuning = DISPATCH
) -> Run[int]:
    routes, retry = [Route(transport, connections)], [timedelta(minutes=5)]
    made = Run(ledger, routes, Pace(), Breaker(), retry, lambda: NOON, asyncio.Event(), lambda _: None, tuning=tuning)
    await asyncio.wait_for(made.finish(), 60)
    return made


def smtp(server: ScriptedServer) -> SmtpTransport:
    return SmtpTransport(Relay("127.0.0.1", server.port, "none", timeout=20))


@pytest.mark.parametrize("offers", [(), ALL[:1], ALL])
async def test_no_more_mails_are_in_doubt_than_there_are_connections(offers: tuple[str, ...]) -> None:
    ledger = PaperLedger(200)
    async with ScriptedServer(offers=offers, delay=0.001) as server:
        await run(ledger, smtp(server))

    assert Counter(server.recipients()) == Counter(f"reader{n}@x.org" for n in range(200))
    assert ledger.settled == {n: [Outcome.ACCEPTED] for n in range(200)}
    assert ledger.most == 3
    assert server.connections == 3
    assert (server.early > 50) == bool(offers)


@pytest.mark.parametrize("offers", [ALL[:1], ALL])
async def test_a_mail_that_ends_every_connection_is_put_off_and_costs_its_neighbours_nothing(
    offers: tuple[str, ...],
) -> None:
    ledger = PaperLedger(120)
    bad = {f"reader{n}@x.org" for n in (20, 21, 22, 40, 60)}

    def script(verb: str, argument: str) -> str:
        return "reset" if verb == "RCPT" and any(address in argument for address in bad) else ""

    async with ScriptedServer(script, offers=offers) as server:
        done = await run(ledger, smtp(server), 2, DispatchTuning(relay_pause_seconds=0.001))

    assert not done.gave_up
    assert set(server.recipients()) == {f"reader{n}@x.org" for n in range(120)} - bad
    assert {n for n, outcomes in ledger.settled.items() if outcomes == [Outcome.DEFERRED]} == {20, 21, 22, 40, 60}
    assert max(Counter(server.recipients()).values()) == 1


async def test_withdrawn_mails_do_not_use_up_their_neighbours_patience() -> None:
    ledger = PaperLedger(60, withdrawn=lambda number: number % 3 > 0)
    async with ScriptedServer(offers=ALL) as server:
        done = await run(ledger, smtp(server), 1)

    assert ledger.settled == {n: [Outcome.ACCEPTED] for n in range(0, 60, 3)}
    assert not done.gave_up


async def test_a_server_that_takes_few_mails_a_connection_takes_all_in_the_end() -> None:
    """421 at MAIL is its limit, and no mail's failure."""
    ledger = PaperLedger(100)
    counts: Counter[int] = Counter()

    def script(verb: str, argument: str) -> str:
        counts[server.connections] += verb == "MAIL"
        return "421 4.7.0 enough" if verb == "MAIL" and counts[server.connections] > 7 else ""

    async with ScriptedServer(script, offers=ALL) as server:
        await run(ledger, smtp(server), 1)

    assert ledger.settled == {n: [Outcome.ACCEPTED] for n in range(100)}


@pytest.mark.parametrize("offers", [(), ALL[:1], ALL])
async def test_the_last_mail_does_not_wait_for_a_worker_that_waits_for_mails(offers: tuple[str, ...]) -> None:
    """On a connection that is over."""
    ledger, told = PaperLedger(20), list[str]()

    def script(verb: str, argument: str) -> str:
        if verb == "RCPT" and "reader19@" in argument:
            told.append(argument)
        return "421 4.3.2 going" if len(told) == 1 and verb == "RCPT" and "reader19@" in argument else ""

    async with ScriptedServer(script, offers=offers) as server, asyncio.timeout(60):
        await run(ledger, smtp(server), 1)

    assert len(told) == 2
    assert ledger.settled == {n: [Outcome.ACCEPTED] for n in range(20)}


async def test_a_run_may_be_finished_twice() -> None:
    ledger, transport = PaperLedger(5), MemoryTransport()
    done = await run(ledger, transport, 2)
    ledger.numbers = [5, 6]

    await done.finish()

    assert len(transport.mails) == 7


async def test_an_error_of_ours_ends_the_run() -> None:
    class Full(PaperLedger):
        async def begin(self, handle: int) -> None:  # noqa: ARG002
            raise OSError("disk full")

    async with ScriptedServer(offers=ALL) as server:
        with pytest.raises(OSError, match="disk full"):
            await run(Full(50), smtp(server))

    assert server.accepted == []


TOO_MANY = "432 4.3.2 Concurrent connections limit exceeded."


@pytest.mark.parametrize("verb", ["CONNECT", "EHLO", "MAIL", "RCPT"])
@pytest.mark.parametrize("words", [TOO_MANY, "421 4.7.0 Too many connections", "450 4.3.2 Too many open sessions"])
@pytest.mark.parametrize("offers", [(), ALL])
async def test_a_relay_that_wants_fewer_connections_gets_all_mails_by_fewer(
    verb: str, words: str, offers: tuple[str, ...]
) -> None:
    """In whatever form it says so, and whether it hangs up (421) or not; its words are kept."""
    ledger = PaperLedger(48)
    server = ScriptedServer(offers=offers, delay=0.002)
    server.script = lambda asked, _: words if asked == verb and server.open > 2 else ""
    async with server:
        done = await run(ledger, smtp(server), 6)

    assert ledger.settled == {n: [Outcome.ACCEPTED] for n in range(48)}
    assert not done.gave_up
    assert done.routes[0].crowded.endswith(words) or verb in ("CONNECT", "EHLO")


@pytest.mark.parametrize("offers", [(), ALL[:1], ALL])
async def test_a_relay_that_closes_after_its_words_gets_all_mails_by_fewer_connections(offers: tuple[str, ...]) -> None:
    ledger = PaperLedger(48)
    server = ScriptedServer(offers=offers, delay=0.002)
    server.script = lambda verb, _: f"{TOO_MANY}\r\n" if verb == "MAIL" and server.open > 2 else ""
    async with server:
        done = await run(ledger, smtp(server), 6)

    assert ledger.settled == {n: [Outcome.ACCEPTED] for n in range(48)}
    assert done.routes[0].crowded == TOO_MANY


@pytest.mark.parametrize("verb", ["MAIL", "RCPT"])
@pytest.mark.parametrize("words", ["452 4.5.3 Too many mails", "452 4.3.1 enough", "451 4.7.0 session limit reached"])
async def test_a_relay_that_has_had_enough_mails_of_a_connection_gets_the_rest_by_new_ones(
    verb: str, words: str
) -> None:
    ledger, mails = PaperLedger(60), Counter[int]()

    def script(asked: str, argument: str) -> str:
        mails[server.connections] += asked == verb
        return words if asked == verb and mails[server.connections] > 10 else ""

    async with ScriptedServer(script, offers=ALL[:1]) as server:
        await run(ledger, smtp(server), 1)

    assert ledger.settled == {n: [Outcome.ACCEPTED] for n in range(60)}
    assert server.connections >= 6


async def test_a_452_that_no_new_connection_helps_is_for_later_and_is_tried_once() -> None:
    ledger = PaperLedger(60)

    def script(verb: str, argument: str) -> str:
        return "452 4.3.1 no space" if verb == "RCPT" and int(argument.split("@")[0][10:]) % 3 == 1 else ""

    async with ScriptedServer(script) as server:
        await run(ledger, smtp(server), 1)

    assert ledger.settled == {n: [Outcome.DEFERRED if n % 3 == 1 else Outcome.ACCEPTED] for n in range(60)}
    assert server.connections == 2


async def test_a_relay_that_turns_everybody_away_ends_the_run_with_its_words() -> None:
    ledger = PaperLedger(6)
    async with ScriptedServer(lambda verb, _: TOO_MANY if verb == "MAIL" else "") as server:
        done = await run(ledger, smtp(server), 2, DispatchTuning(relay_pause_seconds=0.001))

    assert done.gave_up
    assert TOO_MANY in done.trouble
    assert not server.accepted
