"""kill -9 in the middle of a send, by the command line, against a server that keeps its own record."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from newsletter.config import load
from newsletter.store import Named, Store
from newsletter.testing import ScriptedServer, make_entry, make_profile, make_subscriber

READERS = 500
CONFIG = """
[newsletter]
sender = "The Weekly Preprint <weekly@papers.example.org>"
[smtp]
host = "127.0.0.1"
port = {port}
security = "none"
connections = 4
"""


def command(folder: Path, *words: str) -> list[str]:
    return [sys.executable, "-m", "newsletter", *words, "--config", str(folder / "newsletter.toml")]


async def start(folder: Path, *words: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *command(folder, *words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, env={**os.environ, "NO_COLOR": "1"}
    )


async def finished(folder: Path, *words: str) -> tuple[int, str]:
    process = await start(folder, *words)
    out, error = await process.communicate()
    assert b"Traceback" not in error, error.decode()
    return process.returncode or 0, out.decode()


def prepare(folder: Path, port: int) -> str:
    """A store with READERS readers and a planned issue; returns its key."""
    (folder / "newsletter.toml").write_text(CONFIG.format(port=port))
    store = Store(load(folder / "newsletter.toml", {}).store_url)
    store.check()
    from newsletter.engine import utc_now

    store.sightings.add([Named(make_entry(f"video-diffusion-{n}"), (str(n),)) for n in range(20)], utc_now())
    people = [make_subscriber(f"reader{n}", 0, profile=make_profile("video diffusion")) for n in range(READERS)]
    store.subscribers.put_all(people, "test", utc_now())
    store.close()
    planned = subprocess.run(command(folder, "plan"), capture_output=True, text=True, check=True)
    return planned.stdout.partition(":")[0]


async def tally(folder: Path, key: str) -> dict[str, Any]:
    _, out = await finished(folder, "status", key, "--format", "json")
    row: dict[str, Any] = json.loads(out)
    waiting = row["waiting"]
    assert (
        row["planned"]
        == row["accepted"] + row["refused"] + row["skipped"] + row["expired"] + row["uncertain"] + waiting
    )
    return row


async def end_early(server: ScriptedServer, folder: Path, key: str, how: signal.Signals) -> int:
    """Send, and end the process after 100 mails; returns its exit code."""
    process = await start(folder, "send", key)
    while len(server.accepted) < 100:
        await asyncio.sleep(0.005)
    process.send_signal(how)
    await process.communicate()
    return process.returncode or 0


async def test_after_kill_9_nobody_gets_two_and_nobody_is_forgotten(tmp_path: Path) -> None:
    async with ScriptedServer(delay=0.01) as server:
        key = await asyncio.to_thread(prepare, tmp_path, server.port)
        await end_early(server, tmp_path, key, signal.SIGKILL)
        _, out = await finished(tmp_path, "send", key)
        row = await tally(tmp_path, key)

    got = Counter(server.recipients())
    assert max(got.values()) == 1
    assert row["waiting"] == 0, out
    assert row["uncertain"] <= 4
    assert len(got) >= READERS - row["uncertain"]
    assert row["accepted"] + row["uncertain"] == READERS


async def test_sigterm_finishes_what_is_in_flight(tmp_path: Path) -> None:
    async with ScriptedServer(delay=0.01) as server:
        key = await asyncio.to_thread(prepare, tmp_path, server.port)
        code = await end_early(server, tmp_path, key, signal.SIGTERM)
        row = await tally(tmp_path, key)

        assert code == 3
        assert row["uncertain"] == 0
        assert row["accepted"] == len(server.accepted) < READERS
        assert (await finished(tmp_path, "send", key))[0] == 0

    assert Counter(server.recipients()) == Counter({f"reader{n}@example.org": 1 for n in range(READERS)})
