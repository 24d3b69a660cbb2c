"""How fast mails go out, beside others: `python tests/benchmarks/send.py [--rounds 5] [--seconds 1]`.

Against `smtp-sink`, Postfix's own (Debian's package postfix), on loopback and through a proxy 20 ms away. Each figure
is the median of interleaved rounds, each round a process of its own, timed from its first open connection to its last
reply; `smtp-source`, Postfix's own load generator, from its start to its end. CPU is that of the client alone, system
time included. "with ledger" is the whole of `newsletter send` but for choosing and rendering, with its durable marks.
Needs a quiet machine: the load stands beside the figures. Quote ratios, since machines differ.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import resource
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from types import SimpleNamespace
from typing import Any
from unittest import mock

import aiosmtplib
from debian import UNPACKED, environment, program
from sqlalchemy import text

from newsletter.config import Settings
from newsletter.engine import make_engine
from newsletter.sender import Connection, Job, Relay, SmtpTransport
from newsletter.services.claiming import Claimer
from newsletter.services.context import utc_now
from newsletter.store import Claim, Plan, Store
from newsletter.testing import NOON, WEEK_12
from newsletter.types import Delivery, Mail, Masthead, Subscriber

SENDER = "weekly@papers.example.org"
DELAY = 10.0  #: milliseconds one way


@dataclass(frozen=True)
class Course:
    """Where the race is run."""

    name: str
    size: int
    far: bool = False


COURSES = (Course("60 KB", 60_000), Course("2 KB", 2_000), Course("60 KB, +20 ms", 60_000, far=True))


@dataclass(frozen=True)
class Racer:
    """A client at a number of connections."""

    kind: str
    connections: int

    @property
    def name(self) -> str:
        return f"{self.kind} ×{self.connections}"


NEAR = (
    *(Racer("ours", many) for many in (1, 4, 8, 16, 32)),
    *(Racer("smtp-source", many) for many in (1, 4, 8, 16, 32)),
    *(Racer("aiosmtplib", many) for many in (1, 4, 8, 16)),
    *(Racer("with ledger", many) for many in (8, 32)),
)
FAR = tuple(Racer(kind, many) for kind in ("ours", "smtp-source", "aiosmtplib", "with ledger") for many in (1, 16, 64))
PEOPLE, MANY = 10_000, 1_000_000  #: recipients between whom memory is compared


@dataclass(frozen=True)
class Lap:
    """One round of one racer."""

    rate: float  #: mails a second
    cpu: float  #: milliseconds of the client's CPU a mail
    memory: float = 0.0  #: MB, at most


def make_body(size: int) -> bytes:
    head = b"From: " + SENDER.encode() + b"\r\nSubject: Papers\r\nMessage-ID: <1@papers.example.org>\r\n\r\n"
    line = b"Sparse attention in long documents needs no training, and halves memory.\r\n"
    return (head + line * (size // len(line) + 1))[: size - 2] + b"\r\n"


# --- the clients, each in a process of its own: `send.py --client KIND --port P …` prints a lap


async def ours(port: int, connections: int, count: int, body: bytes) -> None:
    async with opened(port, connections) as found:
        mails = iter([mail(number, body) for number in range(count)])
        started()
        await asyncio.gather(*(lane(each, mails) for each in found for _ in range(each.ahead)))
        finished(count)


@asynccontextmanager
async def opened(port: int, connections: int) -> AsyncIterator[list[Connection]]:
    transport = SmtpTransport(Relay("127.0.0.1", port, "none"))
    found = await asyncio.gather(*(transport.open() for _ in range(connections)))
    yield found
    await asyncio.gather(*(each.close() for each in found))


async def lane(connection: Connection, mails: Iterator[Mail]) -> None:
    for each in mails:
        await connection.send(each, no_ledger)


async def no_ledger() -> None:
    """The connection alone."""


def mail(number: int, body: bytes) -> Mail:
    return Mail(f"<{number}@papers.example.org>", SENDER, f"reader{number}@example.org", body, sealed=True)


async def pool(port: int, connections: int, count: int, body: bytes) -> None:
    """aiosmtplib as fast as it goes: connections that stay, and sendmail with ready bytes."""
    clients = [aiosmtplib.SMTP(hostname="127.0.0.1", port=port, start_tls=False) for _ in range(connections)]
    await asyncio.gather(*(client.connect() for client in clients))
    numbers = iter(range(count))

    async def work(client: aiosmtplib.SMTP) -> None:
        for number in numbers:
            await client.sendmail(SENDER, f"reader{number}@example.org", body)

    started()
    await asyncio.gather(*(work(client) for client in clients))
    finished(count)
    await asyncio.gather(*(client.quit() for client in clients))


def audience(folder: Path, people: int) -> tuple[Store, float]:
    """So many readers and an issue planned for them; seconds that this freezing took."""
    store = Store(f"sqlite:///{folder / 'newsletter.db'}")
    store.check()
    rows = text(
        "INSERT INTO subscribers (email, email_key, name, status, profile, origin, created) "
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < :people) "
        "SELECT 'reader' || i || '@example.org', 'reader' || i, '', 'active', '{}', 'benchmark', 0 FROM n"
    )
    with store.database.write() as connection:
        connection.execute(rows, {"people": people})
    lasting = utc_now() - NOON + timedelta(days=3)
    frozen = Plan(WEEK_12, Masthead("x", SENDER), {}, (), NOON, NOON, lasting, WEEK_12.cadence)
    began = time.perf_counter()
    store.issues.plan(frozen)
    return store, time.perf_counter() - began


async def ledgered(port: int, connections: int, count: int, body: bytes, people: int = 0) -> None:
    """The whole of a send, durable marks and all, on mails that are ready; `people` may be more than `count`."""
    with TemporaryDirectory() as folder:
        store, _ = await asyncio.to_thread(audience, Path(folder), people or count)
        smtp = {"host": "127.0.0.1", "port": port, "security": "none", "connections": connections}
        settings = Settings.model_validate(
            {"newsletter": {"sender": SENDER}, "smtp": {**smtp, "mails_per_connection": 0}}
        )
        engine, stop, done = make_engine(settings, store), asyncio.Event(), 0

        def settled(_: Delivery) -> None:
            nonlocal done
            done += 1
            if done >= count:
                stop.set()

        async def opened(transport: SmtpTransport, opening: Callable[..., Any] = SmtpTransport.open) -> Connection:
            connection: Connection = await opening(transport)
            if not _start[0]:
                started()
            return connection

        with (
            mock.patch.object(Claimer, "_jobs", ready_jobs(body)),
            mock.patch.object(engine.editions, "prepared", return_value=SimpleNamespace(issue=WEEK_12)),
            mock.patch.object(SmtpTransport, "open", opened),
        ):
            await engine.sending.send(WEEK_12.key, stop=stop, on_settled=settled)
            finished(done)


def ready_jobs(body: bytes) -> Callable[..., list[Job[Claim]]]:
    def jobs(_: Claimer, claims: Sequence[Claim], people: Sequence[Subscriber]) -> list[Job[Claim]]:
        pairs = zip(claims, people, strict=True)
        return [Job(claim, claim.delivery, mail(person.id, body)) for claim, person in pairs]

    return jobs


CLIENTS: dict[str, Callable[[int, int, int, bytes], Coroutine[Any, Any, None]]] = {
    "ours": ours,
    "aiosmtplib": pool,
    "with ledger": ledgered,
}
_start = [0.0, 0.0]


def started() -> None:
    _start[:] = time.perf_counter(), time.process_time()


def finished(count: int) -> None:
    spent, cpu = time.perf_counter() - _start[0], time.process_time() - _start[1]
    memory = int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) / 1000
    print(json.dumps({"rate": count / spent, "cpu": cpu / count * 1000, "memory": memory}))


# --- the race


def lap(racer: Racer, port: int, count: int, size: int) -> Lap:
    if racer.kind == "smtp-source":
        return source_lap(racer, port, count, size)
    words = ["--client", racer.kind, "--port", port, "--connections", racer.connections]
    words += ["--count", count, "--size", size]
    told = subprocess.run(
        [sys.executable, __file__, *map(str, words)], capture_output=True, text=True, check=True, timeout=300
    )
    return Lap(**json.loads(told.stdout))


def source_lap(racer: Racer, port: int, count: int, size: int) -> Lap:
    """-d keeps its sessions, as the others keep their connections."""
    command = [str(program("postfix", "usr/sbin/smtp-source")), "-d", "-s", str(racer.connections)]
    command += ["-m", str(count), "-l", str(size), "-f", SENDER, "-t", "reader@example.org", f"127.0.0.1:{port}"]
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, env=environment(UNPACKED / "postfix"), check=True, capture_output=True, timeout=300)
    spent, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return Lap(count / spent, cpu / count * 1000)


@contextmanager
def child(command: list[str], **more: Any) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(command, text=True, **more)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


@contextmanager
def sink() -> Iterator[int]:
    """A port where mails vanish."""
    port = free_port()
    command = [str(program("postfix", "usr/sbin/smtp-sink")), f"127.0.0.1:{port}", "500"]
    if os.geteuid() == 0:
        command[1:1] = ["-u", "nobody"]
    with child(command, env=environment(UNPACKED / "postfix"), stderr=subprocess.DEVNULL):
        wait_for(port)
        yield port


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    for _ in range(100):
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except ConnectionError:
            time.sleep(0.05)
        else:
            return
    raise SystemExit("smtp-sink does not start")


@contextmanager
def proxy(port: int) -> Iterator[int]:
    """The same server, 20 ms away."""
    command = [sys.executable, str(Path(__file__).with_name("delay.py")), str(port), str(DELAY)]
    with child(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        yield int(process.stdout.readline())


def race(course: Course, port: int, rounds: int, seconds: float) -> dict[Racer, Lap]:
    """A short lap first tells how many mails make one of `seconds`."""
    racers = FAR if course.far else NEAR
    counts = {}
    for racer in racers:
        few = racer.connections * (6 if course.far else 60)
        counts[racer] = max(few, int(lap(racer, port, few, course.size).rate * seconds))
    laps: dict[Racer, list[Lap]] = {racer: [] for racer in racers}
    for _ in range(rounds):
        for racer in racers:
            laps[racer].append(lap(racer, port, counts[racer], course.size))
    return {
        racer: Lap(median(each.rate for each in found), median(each.cpu for each in found))
        for racer, found in laps.items()
    }


def report(course: Course, results: dict[Racer, Lap]) -> None:
    """All racers, and the best of each kind beside the best smtp-source."""
    print(f"\n{course.name} (load {os.getloadavg()[0]:.1f})")
    for racer, found in results.items():
        print(f"  {racer.name:<16} {found.rate:>9,.0f}/s   {found.cpu:.3f} ms CPU a mail")
    best = {
        racer.kind: max(found.rate for other, found in results.items() if other.kind == racer.kind) for racer in results
    }
    for kind in ("smtp-source", "aiosmtplib"):
        told = f"{best['ours'] / best[kind]:.2f}, with its ledger {best['with ledger'] / best[kind]:.2f}"
        print(f"  ours is {told} times {kind}, each at its best")


def ledger_report(port: int) -> None:
    """Freezing a million, bytes a row, and the memory of a send to many beside one to few."""
    with TemporaryDirectory() as folder:
        store, seconds = audience(Path(folder), MANY)
        with store.database.read() as connection:
            size = connection.execute(text("SELECT sum(pgsize) FROM dbstat WHERE name LIKE 'deliveries%'")).scalar_one()
        store.close()
    print(f"\nfreeze {MANY:,} deliveries: {seconds:.2f} s, {size / MANY:.1f} bytes a row with their index")
    command = [sys.executable, __file__, "--client", "with ledger", "--port", str(port), "--connections", "16"]
    found = []
    for people in (PEOPLE, MANY):
        words = ["--count", str(PEOPLE), "--size", "60000", "--people", str(people)]
        told = subprocess.run([*command, *words], capture_output=True, text=True, check=True, timeout=600)
        found.append(Lap(**json.loads(told.stdout)).memory)
    print(
        f"memory: {found[0]:.0f} MB for {PEOPLE:,} readers, {found[1]:.0f} MB for {MANY:,} ({found[1] / found[0]:.2f})"
    )


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--seconds", type=float, default=1.0, help="of each lap")
    options.add_argument("--course", type=int, choices=range(len(COURSES)), help="one of them only")
    options.add_argument("--client", choices=CLIENTS, help=argparse.SUPPRESS)
    for name in ("port", "connections", "count", "size", "people"):
        options.add_argument(f"--{name}", type=int, default=0, help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.client:
        given = asked.port, asked.connections, asked.count, make_body(asked.size)
        asyncio.run(ledgered(*given, asked.people) if asked.people else CLIENTS[asked.client](*given))
        return
    if not program("postfix", "usr/sbin/smtp-sink"):
        raise SystemExit("send: no smtp-sink here: run `.ci/setup test`, or install Debian's package postfix")
    print(f"{os.cpu_count()} cores, Python {sys.version.split()[0]}, {asked.rounds} rounds of {asked.seconds:g} s")
    with sink() as near, proxy(near) as far:
        for course in COURSES if asked.course is None else [COURSES[asked.course]]:
            report(course, race(course, far if course.far else near, asked.rounds, asked.seconds))
        if asked.course is None:
            ledger_report(near)


if __name__ == "__main__":
    main()
