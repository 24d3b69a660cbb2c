"""`newsletter collect` as a user runs it, against servers that misbehave in every way."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest

pytestmark = pytest.mark.xdist_group("processes")  #: several at once take all of a small machine

ATOM = (Path(__file__).parents[1] / "data/sources/arxiv.atom").read_bytes()
RSS = (
    b'<rss version="2.0"><channel><title>T</title><item><title>On Kettles</title><link>/kettles</link>'
    b"<description>Where x&lt;y.</description><pubDate>Mon, 2 Nov 2026 00:00:00 +0000</pubDate></item>"
    b"%s</channel></rss>"
)
LAUGHS = b'<!DOCTYPE rss [<!ENTITY a "ha"><!ENTITY b "&a;&a;">]>' + RSS % b"<item><title>&b;</title></item>"
FUTURE = RSS.replace(b"2 Nov 2026", b"2 Nov 2099") % b""


def ok(body: bytes, head: bytes = b"") -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n%s\r\n" % (len(body), head) + body


ANSWERS = {
    "/good": ok(RSS % b"", b'ETag: "one"\r\n'),
    "/cut": ok((RSS % b"<item><title>Half")[:-20]),
    "/latin": ok(RSS % "<item><title>Café kettles</title></item>".encode("latin-1")),
    "/empty": ok(b""),
    "/page": ok(b"<!DOCTYPE html><html><body>Moved</body></html>"),
    "/laughs": ok(LAUGHS),
    "/future": ok(FUTURE),
    "/bomb": ok(gzip.compress(b"<rss>" + b" " * 80_000_000, compresslevel=1), b"Content-Encoding: gzip\r\n"),
    "/gone": b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n",
    "/busy": b"HTTP/1.1 429 Slow down\r\nRetry-After: 900\r\nContent-Length: 0\r\n\r\n",
    "/loop": b"HTTP/1.1 302 Found\r\nLocation: /loop\r\nContent-Length: 0\r\n\r\n",
    "/inside": b"HTTP/1.1 302 Found\r\nLocation: http://169.254.169.254/latest\r\nContent-Length: 0\r\n\r\n",
    "/error": b"HTTP/1.1 400 Bad Request\r\nContent-Type: application/atom+xml\r\nContent-Length: %d\r\n\r\n" % 70
    + b"<feed><entry><title>Error</title><summary>bad id</summary></entry></feed>"[:70],
}
OUTCOMES = {  # path → (what is told, state)
    "/good": ("", "fresh"),
    "/cut": ("the XML is broken", "partial"),
    "/latin": ("read as Windows-1252", "partial"),
    "/empty": ("this is not a feed (it is empty)", "failing"),
    "/page": ("it looks like an HTML page", "failing"),
    "/laughs": ("declares entities of its own", "failing"),
    "/future": ("in the future: left undated", "quiet"),
    "/bomb": ("larger than 50,000,000 bytes", "failing"),
    "/gone": ("404 Not Found", "failing"),
    "/loop": ("more than 5 redirects", "failing"),
    "/inside": ("169.254.169.254", "failing"),
    "/endless": ("larger than 50,000,000 bytes", "failing"),
}


class Site:
    """Answers by ANSWERS and keeps its own record of (path, time, headers); `/endless` never ends."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, float, str]] = []
        self.ends: list[float] = []
        self.port = 0
        self._ready = threading.Event()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Site:
        self._thread.start()
        self._ready.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(asyncio.start_server(self._serve, "127.0.0.1", 0))
        self.port = server.sockets[0].getsockname()[1]
        self._ready.set()
        self._loop.run_forever()
        server.close()
        tasks = asyncio.all_tasks(self._loop)
        for task in tasks:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*tasks, return_exceptions=True))

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            await self._answer(reader, writer)
        writer.close()
        with suppress(ConnectionError, asyncio.CancelledError):
            await writer.wait_closed()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        path = head.split(" ")[1].partition("?")[0]
        self.seen.append((path, time.time(), head))
        if path == "/endless":
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n<rss>")
            while True:
                writer.write(b" " * 1_000_000)
                await writer.drain()
        unchanged = path == "/good" and 'if-none-match: "one"' in head.lower()
        known = ok(ATOM) if path.startswith("/arxiv") else ANSWERS[path]
        writer.write(b"HTTP/1.1 304 Not Modified\r\n\r\n" if unchanged else known)
        await writer.drain()
        if path.startswith("/arxiv"):
            await asyncio.sleep(0.3)
        self.ends.append(time.time())

    def times(self, start: str) -> list[float]:
        return [moment for path, moment, _ in self.seen if path.startswith(start)]


@pytest.fixture
def site() -> Iterator[Site]:
    with Site() as running:
        yield running


def newsletter(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "newsletter", *words]
    env = {**os.environ, "NO_PROXY": "*", "no_proxy": "*"}
    return subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, timeout=120, check=False)


def states(folder: Path) -> dict[str, dict[str, str]]:
    told = json.loads(newsletter(folder, "status", "--format", "json").stdout)
    return {each["source"]: each for each in told["sources"]}


def test_every_fault_is_named_and_costs_no_other_source(site: Site, tmp_path: Path) -> None:
    sources = (f'[[source]]\nkind = "feed"\nlocation = "http://127.0.0.1:{site.port}{path}"\n' for path in OUTCOMES)
    (tmp_path / "sources.toml").write_text("".join(sources))

    done = newsletter(tmp_path, "collect")

    known = states(tmp_path)
    assert done.returncode == 3
    assert {path: known[path[1:]]["state"] for path in OUTCOMES} == {
        path: state for path, (_, state) in OUTCOMES.items()
    }
    for path, (told, _) in OUTCOMES.items():
        lines = [line for line in done.stderr.splitlines() if f" {path[1:]}: " in line]
        assert told in "".join(lines), path
    assert "Traceback" not in done.stderr
    assert newsletter(tmp_path, "entries").stdout.count("On Kettles") == 1


def test_a_busy_host_is_left_alone_also_by_the_next_process(site: Site, tmp_path: Path) -> None:
    place = f'[[source]]\nkind = "feed"\nlocation = "http://127.0.0.1:{site.port}/busy"\n'
    (tmp_path / "sources.toml").write_text(place)

    first = newsletter(tmp_path, "collect")
    second = newsletter(tmp_path, "collect")

    assert (first.returncode, second.returncode) == (1, 1)
    assert "429" in first.stderr
    assert "asks to come back in 15 min" in first.stderr
    assert "asked for a pause until" in second.stderr
    assert len(site.seen) == 1


def test_a_source_rests_for_an_hour_and_is_asked_conditionally(site: Site, tmp_path: Path) -> None:
    place = f'[[source]]\nname = "kettles"\nlocation = "http://127.0.0.1:{site.port}/good"\n'
    (tmp_path / "sources.toml").write_text(place)

    first, second = newsletter(tmp_path, "collect"), newsletter(tmp_path, "collect")
    assert "fresh" in first.stdout
    assert "resting" in second.stdout
    assert len(site.seen) == 1

    database = sqlite3.connect(tmp_path / "newsletter.db")
    database.execute("UPDATE receipts SET fetched = fetched - 4000")
    database.commit()
    database.close()
    third = newsletter(tmp_path, "collect")

    assert "as it was the last time" in third.stdout
    assert 'if-none-match: "one"' in site.seen[1][2].lower()


def test_two_processes_take_turns_at_one_host(site: Site, tmp_path: Path) -> None:
    """The interval and the single connection of the `arxiv` kind hold over processes that share a database."""
    place = '[[source]]\nname = "{0}"\nkind = "arxiv"\nlocation = "http://127.0.0.1:{1}/arxiv{0}"\n'
    (tmp_path / "sources.toml").write_text("".join(place.format(n, site.port) for n in range(4)))
    newsletter(tmp_path, "status")  # sets the database up
    command = [sys.executable, "-m", "newsletter", "collect"]
    env = {**os.environ, "NO_PROXY": "*", "no_proxy": "*"}

    halves = [
        subprocess.Popen([*command, *names], cwd=tmp_path, env=env, stdout=subprocess.DEVNULL)
        for names in (("0", "1"), ("2", "3"))
    ]
    assert [process.wait(120) for process in halves] == [0, 0]

    starts = sorted(site.times("/arxiv"))
    assert len(starts) == 4
    # three seconds between two turns, less what a busy machine kept the earlier request waiting after its turn came;
    # without turns it were .3 s, which an answer takes, or none
    assert all(later - earlier > 1 for earlier, later in pairwise(starts))


def test_two_lines_of_configuration_are_enough(site: Site, tmp_path: Path) -> None:
    (tmp_path / "sources.toml").write_text(f'[[source]]\nlocation = "http://127.0.0.1:{site.port}/good"\n')

    table = newsletter(tmp_path, "collect")
    status = newsletter(tmp_path, "status")

    assert table.returncode == 0
    assert table.stdout.splitlines()[0].split() == ["source", "kind", "found", "new", "state", "since", "(UTC)"]
    assert table.stdout.splitlines()[1].split()[:5] == ["good", "feed", "1", "1", "fresh"]
    assert "Nobody gets mail: there is no active subscriber." in status.stdout
    assert "1 new papers" in status.stdout


def test_status_says_why_nothing_came(tmp_path: Path) -> None:
    (tmp_path / "sources.toml").write_text('[[source]]\nname = "gone"\nlocation = "gone.xml"\n')
    assert "Never read yet: gone. Run `newsletter collect`." in newsletter(tmp_path, "status").stdout

    newsletter(tmp_path, "collect")
    newsletter(tmp_path, "subscribers", "add", "ada@example.org", "--interests", "kettles")
    told = newsletter(tmp_path, "status").stdout

    assert 'The source "gone" cannot be read' in told
    assert "gone.xml: there is no such file" in told
    assert "No new paper came since" in told
    assert "Nobody gets mail" not in told


def test_a_library_becomes_likes(tmp_path: Path) -> None:
    library = Path(__file__).parents[1] / "data/library/refs.bib"
    newsletter(tmp_path, "subscribers", "add", "ada@example.org")

    done = newsletter(tmp_path, "subscribers", "like", "ada@example.org", str(library))
    again = newsletter(tmp_path, "subscribers", "like", "ada@example.org", str(library))
    shown = json.loads(newsletter(tmp_path, "subscribers", "show", "ada@example.org").stdout)

    assert done.returncode == 0, done.stderr
    count = int(done.stdout.split()[0])
    assert count == len(shown["profile"]["liked"]) > 3
    assert "0 new likes" in again.stdout
    assert "0 new papers" in newsletter(tmp_path, "status").stdout
    assert newsletter(tmp_path, "subscribers", "like", "ada@example.org", "nothing.bib").returncode == 1
