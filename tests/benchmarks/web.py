"""How long the subscribers' pages take, alone and in a crowd: the real server process on loopback, asked over HTTP.

A newsletter is made in a temporary folder by the command line alone, so that an older checkout can be measured too:

    python tests/benchmarks/web.py                          this code: 3,000 papers, 10,000 readers, 20 clients
    python tests/benchmarks/web.py --root ../before         that of another checkout

Clients reload the interests pages of readers by chance, without a pause between answer and question unless --pause says
so: then all that a page takes is computing time. Beside them one client unsubscribes one reader after the other. Prints
milliseconds, and how many answers were 503.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import socket
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
STEMS = (
    "river",
    "glacier",
    "enzym",
    "lattice",
    "plasma",
    "orbit",
    "pollen",
    "neuron",
    "tensor",
    "reef",
    "aerosol",
    "silt",
)
ENDS = ("", "al", "ic", "ine", "oid", "ium", "ory", "ant", "ous", "ide", "ase", "ism", "ite", "ular", "gram", "scope")
WORDS = [stem + end for stem in STEMS for end in ENDS]
PATIENCE = 300.0  #: seconds that a client waits for an answer
BETWEEN = 0.05  #: seconds between two unsubscribings


@dataclass(frozen=True)
class Newsletter:
    """A newsletter in a folder, and the code that runs it."""

    folder: Path
    root: Path
    port: int

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "newsletter", *words]

    @property
    def environment(self) -> dict[str, str]:
        web = {"NEWSLETTER_WEB__PORT": str(self.port), "NEWSLETTER_NEWSLETTER__BASE_URL": "https://papers.example.org"}
        return {**os.environ, **web, "PYTHONPATH": str(self.root), "NEWSLETTER_SMTP__SECURITY": "none"}

    def run(self, *words: str) -> None:
        done = subprocess.run(
            self.command(*words), cwd=self.folder, env=self.environment, capture_output=True, text=True
        )
        if done.returncode not in (0, 3):
            sys.exit(f"{' '.join(words)}: {done.stderr or done.stdout}")

    @contextmanager
    def serving(self) -> Iterator[subprocess.Popen[bytes]]:
        process = subprocess.Popen(
            self.command("web"), cwd=self.folder, env=self.environment, stdout=subprocess.DEVNULL
        )
        try:
            yield process
        finally:
            process.terminate()
            process.wait(60)


@dataclass
class Answers:
    """What became of many requests."""

    took: list[float] = field(default_factory=list)  #: seconds, of those that were answered 200
    codes: Counter[int] = field(default_factory=Counter)

    def told(self) -> str:
        if not self.took:
            return f"none, {dict(self.codes)}"
        ordered = sorted(self.took)
        shares = (("median", 0.5), ("p95", 0.95), ("p99", 0.99))
        times = ", ".join(f"{name} {1000 * ordered[int(share * (len(ordered) - 1))]:.0f} ms" for name, share in shares)
        return f"{times}, longest {1000 * ordered[-1]:.0f} ms; {len(ordered)} answered, {self.codes[503]} x 503"


class Client:
    """One connection, kept alive as a proxy keeps it."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, path: str, answers: Answers | None = None) -> bytes:
        began = time.perf_counter()
        try:
            async with asyncio.timeout(PATIENCE):
                code, body = await self._asked(method, path)
        except (OSError, TimeoutError, asyncio.IncompleteReadError):
            self._streams, code, body = None, 0, b""
        if answers:
            answers.codes[code] += 1
            answers.took += [time.perf_counter() - began] if code == 200 else []
        return body

    async def _asked(self, method: str, path: str) -> tuple[int, bytes]:
        self._streams = self._streams or await asyncio.open_connection("127.0.0.1", self._port)
        reader, writer = self._streams
        writer.write(f"{method} {path} HTTP/1.1\r\nHost: papers.example.org\r\nContent-Length: 0\r\n\r\n".encode())
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
        found = re.search(r"\ncontent-length: (\d+)", head)
        body = await reader.readexactly(int(found[1]) if found else 0)
        if "connection: close" in head:
            writer.close()
            self._streams = None
        return int(head.split()[1]), body


def make(root: Path, folder: Path, papers: int, readers: int) -> tuple[Newsletter, list[str], list[str]]:
    """Make a newsletter with these numbers; returns it, and the paths of all interests and unsubscribe pages."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    letter, chance = Newsletter(folder, root, port), random.Random(1)
    letter.run("init", ".")
    (folder / "sources.toml").write_text('[[source]]\nname = "s"\nlocation = "papers.jsonl"\n')
    rows = (
        {"email": f"r{n}@x{n % 50}.example", "interests": "; ".join(chance.sample(WORDS, 3))} for n in range(readers)
    )
    (folder / "readers.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    letter.run("subscribers", "import", "readers.jsonl")
    write_papers(folder, chance, 0, 20)
    for words in (("collect", "--force"), ("plan", "--key", "K"), ("send", "K", "--dry-run", "mails")):
        letter.run(*words)
    write_papers(folder, chance, 20, papers)
    letter.run("collect", "--force")
    mails = [message_from_bytes(path.read_bytes()) for path in sorted((folder / "mails").glob("*.eml"))]
    links = [re.sub(r"\s", "", str(mail["List-Unsubscribe"])) for mail in mails]
    texts = [next(part.get_payload(decode=True) for part in mail.walk() if not part.is_multipart()) for mail in mails]
    leave = re.findall(r"(/unsubscribe/[\w.-]+)>", " ".join(links))
    interests = [re.findall(r"/interests/[\w.-]+", bytes(text).decode())[0] for text in texts]
    if min(len(leave), len(interests)) < readers:
        sys.exit(f"{len(interests)} and {len(leave)} links for {readers} readers")
    return letter, interests, leave


def write_papers(folder: Path, chance: random.Random, first: int, number: int) -> None:
    def text(length: int) -> str:
        return " ".join(chance.choices(WORDS, k=length))

    rows = (
        {"id": f"p{n}", "title": text(9), "abstract": text(150), "url": f"https://j.example/{n}"}
        for n in range(first, first + number)
    )
    (folder / "papers.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))


def processor_time(process: int) -> float:
    """Seconds that a process has computed; 0 where the system does not say."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def measure(
    letter: Newsletter, interests: Sequence[str], leave: Sequence[str], asked: argparse.Namespace, process: int
) -> None:
    began, client = time.perf_counter(), Client(letter.port)
    while not await client.ask("GET", "/healthz"):
        await asyncio.sleep(0.02)
    print(f"cold: /healthz answers after {time.perf_counter() - began:.1f} s")
    first = Answers()
    page = await client.ask("GET", interests[0], first)
    print(f"cold: the first interests page {first.told()}{'' if shows(page) else ' (without the next edition)'}")
    while not shows(await client.ask("GET", interests[0])):
        await asyncio.sleep(0.2)
    print(f"cold: the next edition is shown after {time.perf_counter() - began:.1f} s")
    plain, alone, left = Answers(), Answers(), Answers()
    for _ in range(asked.alone):
        await client.ask("GET", "/healthz", plain)
    before = processor_time(process)
    for path in random.Random(2).sample(list(interests), asked.alone):
        await client.ask("GET", path, alone)
    computed = 1000 * (processor_time(process) - before) / asked.alone
    for path in leave[: asked.alone]:
        await client.ask("POST", path, left)
    print(f"alone: healthz GET {plain.told()}")
    print(f"alone: interests GET {alone.told()}; {computed:.1f} ms of a processor each")
    print(f"alone: unsubscribe POST {left.told()}")
    await crowd(letter, interests, leave[asked.alone :], asked)


async def crowd(letter: Newsletter, interests: Sequence[str], leave: Sequence[str], asked: argparse.Namespace) -> None:
    """Let many reload interests pages while one after the other unsubscribes."""
    pages, left, shown, end = Answers(), Answers(), Answers(), time.perf_counter() + asked.seconds

    async def reload(chance: random.Random) -> None:
        client = Client(letter.port)
        while time.perf_counter() < end:
            await client.ask("GET", chance.choice(interests), pages)
            await asyncio.sleep(asked.pause)

    async def unsubscribe() -> None:
        client, links = Client(letter.port), iter(leave)
        await asyncio.sleep(1)
        while time.perf_counter() < end and (path := next(links, "")):
            await client.ask("GET", path, shown)
            await client.ask("POST", path, left)
            await asyncio.sleep(BETWEEN)

    await asyncio.gather(unsubscribe(), *(reload(random.Random(seed)) for seed in range(asked.clients)))
    print(f"{asked.clients} clients: interests GET {pages.told()}; {len(pages.took) / asked.seconds:.0f} a second")
    print(f"beside them: unsubscribe GET {shown.told()}\nbeside them: unsubscribe POST {left.told()}")


def shows(page: bytes) -> bool:
    return b'class="picks"' in page


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--root", type=Path, default=ROOT, help="the checkout whose code is measured [this one]")
    parser.add_argument("--papers", type=int, default=3_000)
    parser.add_argument("--readers", type=int, default=10_000)
    parser.add_argument("--clients", type=int, default=20, help="that reload interests pages")
    parser.add_argument("--pause", type=float, default=0.0, help="seconds between two pages of one client")
    parser.add_argument("--seconds", type=float, default=30.0, help="of the crowd")
    parser.add_argument("--alone", type=int, default=200, help="pages asked for one after the other")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        letter, interests, leave = make(asked.root.resolve(), Path(folder), asked.papers, asked.readers)
        print(f"{asked.papers} papers, {asked.readers} readers, made in {time.perf_counter() - began:.0f} s")
        with letter.serving() as process:
            asyncio.run(measure(letter, interests, leave, asked, process.pid))


if __name__ == "__main__":
    main()
