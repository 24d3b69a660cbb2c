"""kill -9 and SIGTERM in the middle of a send, by the command line, against a server that keeps its own record.

The judge is what the scripted server accepted: nobody got two, and whom it never accepted is in the ledger as waiting
or uncertain. The short version is part of every run; the long one (20,000 mails, 200 kills) by `-m slow -s`, which
prints the table of the README.
"""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import func, or_, select

from newsletter.config import load
from newsletter.services.context import utc_now
from newsletter.store import Named, Store
from newsletter.store.schema import deliveries
from newsletter.testing import ScriptedServer, make_entry, make_profile, make_subscriber
from newsletter.types import Outcome, Status

pytestmark = pytest.mark.xdist_group("processes")  #: several at once take all of a small machine

READERS = 500
CONNECTIONS = 4
CONFIG = """
[newsletter]
sender = "The Weekly Preprint <weekly@papers.example.org>"
[smtp]
host = "127.0.0.1"
port = {port}
security = "none"
connections = {connections}
"""


def command(folder: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "newsletter", *words, "--config", str(folder / "newsletter.toml")]


async def start(folder: Path, *words: str, before: tuple[str, ...] = ()) -> asyncio.subprocess.Process:
    env, pipe = {**os.environ, "NO_COLOR": "1"}, subprocess.PIPE
    return await asyncio.create_subprocess_exec(*before, *command(folder, *words), stdout=pipe, stderr=pipe, env=env)


async def finished(folder: Path, *words: str) -> tuple[int, str]:
    process = await start(folder, *words)
    out, error = await process.communicate()
    assert b"Traceback" not in error, error.decode()
    return process.returncode or 0, out.decode()


def prepare(folder: Path, port: int, readers: int = READERS, connections: int = CONNECTIONS) -> str:
    """A store with readers and a planned issue; returns its key."""
    (folder / "newsletter.toml").write_text(CONFIG.format(port=port, connections=connections))
    store = Store(load(folder / "newsletter.toml", {}).store_url)
    store.check()
    store.sightings.add([Named(make_entry(f"video-diffusion-{n}"), (str(n),)) for n in range(20)], utc_now())
    people = [make_subscriber(f"reader{n}", 0, profile=make_profile("video diffusion")) for n in range(readers)]
    store.subscribers.put_all(people, "test", utc_now())
    store.close()
    planned = subprocess.run(command(folder, "plan"), capture_output=True, text=True, check=True)
    return planned.stdout.partition(":")[0]


async def tally(folder: Path, key: str) -> dict[str, Any]:
    _, out = await finished(folder, "status", key, "--format", "json")
    row: dict[str, Any] = json.loads(out)
    parts = ("accepted", "refused", "skipped", "expired", "uncertain", "waiting")
    assert row["planned"] == sum(row[part] for part in parts)
    return row


@dataclass
class Trial:
    """One issue, killed again and again."""

    server: ScriptedServer
    folder: Path
    key: str
    kills: int = 0
    doubts: list[int] = field(default_factory=list)  #: in all, after each kill
    resumed: list[float] = field(default_factory=list)  #: seconds from a start to the first mail that is accepted

    def uncertain(self) -> set[str]:
        return set(self._having(Outcome.UNCERTAIN))

    def accepted(self) -> list[str]:
        return self._having(Outcome.ACCEPTED)

    def in_doubt(self) -> int:
        """Those too whose sender is dead, which nobody has noticed yet."""
        begun = or_(deliveries.c.begun == 1, deliveries.c.outcome == Outcome.UNCERTAIN)
        with self._store() as store, store.database.read() as connection:
            return int(connection.execute(select(func.count()).select_from(deliveries).where(begun)).scalar_one())

    def _having(self, outcome: Outcome) -> list[str]:
        with self._store() as store:
            return [address for _, address in store.ledger.having(self.key, outcome)]

    @contextmanager
    def _store(self) -> Iterator[Store]:
        store = Store(load(self.folder / "newsletter.toml", {}).store_url)
        try:
            yield store
        finally:
            store.close()

    async def run_until(self, signalled: signal.Signals, moment: Callable[[], bool], wait: float = 0.0) -> int:
        """Send, and end the process `wait` seconds after `moment`; returns its exit code."""
        began, before = time.monotonic(), len(self.server.accepted)
        process = await start(self.folder, "send", self.key)
        reading = asyncio.create_task(process.communicate())
        while not moment() and process.returncode is None:
            await asyncio.sleep(0.001)
            if len(self.server.accepted) > before and len(self.resumed) <= self.kills:
                self.resumed.append(time.monotonic() - began)
        await asyncio.sleep(wait)
        if process.returncode is None:
            process.send_signal(signalled)
            self.kills += signalled is signal.SIGKILL
        await reading
        return process.returncode or 0

    async def judge(self) -> None:
        """After a last run to the end: nobody got two, and nobody was forgotten."""
        code, out = await finished(self.folder, "send", self.key)
        row = await tally(self.folder, self.key)
        got, doubtful = Counter(self.server.recipients()), self.uncertain()
        assert row["waiting"] == 0, out
        assert code in (0, 3), out
        assert [who for who, count in got.items() if count > 1] == []
        assert [who for who in self.accepted() if who not in got] == []
        assert len(got.keys() | doubtful) == row["planned"]
        assert row["accepted"] + row["uncertain"] == row["planned"]


async def a_trial(
    server: ScriptedServer, folder: Path, readers: int = READERS, connections: int = CONNECTIONS
) -> Trial:
    key = await asyncio.to_thread(prepare, folder, server.port, readers, connections)
    return Trial(server, folder, key)


def after(server: ScriptedServer, more: int) -> Callable[[], bool]:
    wanted = len(server.accepted) + more
    return lambda: len(server.accepted) >= wanted


STEPS = ("CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "body", "dot, taken", "dot, not taken")
FEW = ("EHLO", "RCPT", "body", "dot, taken", "dot, not taken")  #: in every run


@pytest.mark.parametrize("steps", [FEW, pytest.param(STEPS, marks=pytest.mark.slow)], ids=["few", "all"])
async def test_killed_at_every_step_it_leaves_at_most_its_open_connections_in_doubt(
    steps: tuple[str, ...], tmp_path: Path
) -> None:
    """The server itself kills the sender when it sees the step: of the fifth mail, or of the first connection."""
    step, seen = "", Counter[str]()
    process: list[asyncio.subprocess.Process] = []

    def script(said: str, argument: str) -> str:
        verb = step.partition(",")[0].replace("dot", ".").replace("body", "DATA")
        seen[said] += 1
        if said != verb or seen[said] != (1 if verb in ("CONNECT", "EHLO") else 5):
            return ""
        if step == "body":  # some of it is on its way
            asyncio.get_running_loop().call_later(0.0005, process[-1].kill)
            return ""
        process[-1].kill()
        return "reset" if step == "dot, not taken" else ""

    async with ScriptedServer(script) as server:
        trial = await a_trial(server, tmp_path, 200)
        for step in steps:
            seen.clear()
            before = trial.uncertain()
            process.append(await start(tmp_path, "send", trial.key))
            await process[-1].communicate()
            assert process[-1].returncode == -signal.SIGKILL, step
        step = ""
        await trial.judge()

        assert len(trial.uncertain()) <= len({*steps} - {"CONNECT", "EHLO"}) * CONNECTIONS
        assert len(trial.uncertain() - before - {*server.recipients()}) >= 1  # the last one was not taken


async def kill_again_and_again(trial: Trial, kills: int, chance: Random, burst: int) -> None:
    """At random moments, a while after the first mail of each run."""
    while trial.kills < kills:
        more, wait = chance.randrange(1, burst), chance.random() * 0.05
        code = await trial.run_until(signal.SIGKILL, after(trial.server, more), wait)
        if code != -signal.SIGKILL:
            return
        trial.doubts.append(trial.in_doubt())


async def test_killed_again_and_again_the_issue_comes_to_its_end(tmp_path: Path) -> None:
    async with ScriptedServer() as server:
        trial = await a_trial(server, tmp_path, 600)
        await kill_again_and_again(trial, 3, Random(1), 100)
        await trial.judge()

        assert trial.kills == 3
        assert len(trial.uncertain()) <= 3 * CONNECTIONS


async def test_sigterm_finishes_what_is_in_flight(tmp_path: Path) -> None:
    async with ScriptedServer(delay=0.01) as server:
        trial = await a_trial(server, tmp_path)
        code = await trial.run_until(signal.SIGTERM, after(server, 100))
        row = await tally(tmp_path, trial.key)

        assert code == 3
        assert row["uncertain"] == 0
        assert row["accepted"] == len(server.accepted) < READERS
        await trial.judge()

    assert Counter(server.recipients()) == Counter({f"reader{n}@example.org": 1 for n in range(READERS)})


async def test_on_a_full_disk_no_dot_goes_out_without_its_mark(tmp_path: Path) -> None:
    """No file of its may grow beyond some size."""
    full = ("bash", "-c", 'ulimit -f 1024; exec "$@"', "bash")
    async with ScriptedServer() as server:
        trial = await a_trial(server, tmp_path)
        process = await start(tmp_path, "send", trial.key, before=full)
        _, error = await process.communicate()
        got = len(server.accepted)
        await trial.judge()

    assert 0 < got < READERS
    assert process.returncode == 1
    assert error.decode().startswith("Error: The database ")
    assert error.count(b"\n") == 1
    assert len(trial.uncertain()) <= CONNECTIONS


async def test_two_senders_share_an_issue_and_one_of_them_dies(tmp_path: Path) -> None:
    async with ScriptedServer(delay=0.005) as server:
        trial = await a_trial(server, tmp_path)
        other = asyncio.create_task(finished(tmp_path, "send", trial.key))
        await trial.run_until(signal.SIGKILL, after(server, 150))
        await other
        await trial.judge()

        assert len(trial.uncertain()) <= CONNECTIONS


async def test_who_unsubscribes_during_a_send_gets_no_mail_any_more(tmp_path: Path) -> None:
    async with ScriptedServer(delay=0.02) as server:
        trial = await a_trial(server, tmp_path)
        sending = asyncio.create_task(finished(tmp_path, "send", trial.key))
        while len(server.accepted) < 20:
            await asyncio.sleep(0.001)
        store = Store(load(tmp_path / "newsletter.toml", {}).store_url)
        gone = [f"reader{n}@example.org" for n in range(READERS - 100, READERS)]
        people = {each: store.subscribers.find(each) for each in gone}
        for person in people.values():
            store.subscribers.set_status(person.id, Status.UNSUBSCRIBED, utc_now())
        got = {*server.recipients()}  # a mail may have been on its way when they left
        store.close()
        await sending
        row = await tally(tmp_path, trial.key)

    late = {*server.recipients()} & {*gone} - got
    assert len(late) <= CONNECTIONS
    assert row["skipped"] == len({*gone} - {*server.recipients()})
    assert row["skipped"] >= 50


@pytest.mark.slow
@pytest.mark.parametrize("connections", [1, 8, 16])
async def test_two_hundred_kills_over_twenty_thousand_mails(connections: int, tmp_path: Path) -> None:
    """The table of the README; about ten minutes a row."""
    readers, kills = 20_000, 200
    async with ScriptedServer() as server:
        trial = await a_trial(server, tmp_path, readers, connections)
        await kill_again_and_again(trial, kills, Random(connections), 90)
        in_doubt = [later - before for before, later in pairwise([0, *trial.doubts])]
        await trial.judge()
        doubtful, got = trial.uncertain(), {*server.recipients()}

    assert trial.kills == kills
    assert max(in_doubt) <= connections
    median = sorted(trial.resumed)[len(trial.resumed) // 2]
    sys.stderr.write(
        f"\n{connections} connections, {readers:,} mails, {trial.kills} kills: 0 duplicates, 0 lost, "
        f"{len(doubtful)} in doubt ({len(doubtful & got)} had been accepted), at most {max(in_doubt)} a kill; "
        f"first mail after a start {median:.1f} s (median), {max(trial.resumed):.1f} s at most\n"
    )
