"""What collecting costs, as JSON Lines: `python tests/benchmarks/collect.py [--entries N] [--stored N]`.

Each line is one measurement: CPU seconds (or milliseconds), memory, or wall-clock seconds where waiting is what is
measured. The feed is made up: real sentences in a new order, TeX and all, so that it costs what a real one costs.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from xml.sax.saxutils import escape

from newsletter import collector
from newsletter.collector.normalize import finish
from newsletter.collector.sources import arxiv
from newsletter.collector.text.html import ABSTRACT_LIMIT, TITLE_LIMIT, cleaned
from newsletter.config import Settings
from newsletter.engine import Engine, make_engine
from newsletter.store import Named, Store
from newsletter.types import Entry, Source

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
_WORDS = "model training attention plasma diffusion gradient kernel sampling robust language vision protein cell flow"
_WORDS += " turbulence lattice quantum entropy graph causal inference policy reward token retrieval benchmark galaxy"
WORDS = (_WORDS + " stellar spectra equation bound proof manifold operator neural spectral sparse latent prior").split()
PROSE = (
    "We propose a {} {} that improves {} over the {} baseline in every setting that we tried.",
    "Experiments on {} and {} show gains of 3.2% in {} without any loss of {}.",
    "While recent {} methods rely on {}, they do not explain why {} fails when {} is scarce.",
    "We find that the {} of a {} is set by its {}, and that {} alone does not suffice.",
)
TEX = (
    "It is $2.4\\times$ faster than the {} baseline, at the {} of a {}.",
    "Here $x<y$ and $\\langle p_T\\rangle = {}$ where the {} of the {} vanishes.",
    "The {} is bounded by $O(n \\log n)$, where $n$ is the number of {} in the {}.",
    "Our {} code is at https://github.com/example/{}.",
    'In the limit of large {} the {} converges to a {} of Schr\\"odinger type.',
)
TEXY = 0.15  #: share of sentences with TeX or a link; of 118 real fields at hand less have any
ENTRY = """<entry><id>oai:arXiv.org:26{month:02}.{number:05}v1</id><title>{title}</title>
<updated>2026-11-23T05:00:00Z</updated><link href="https://arxiv.org/abs/26{month:02}.{number:05}" rel="alternate"/>
<summary>arXiv:26{month:02}.{number:05}v1 Announce Type: new
Abstract: {abstract}</summary><category term="cs.LG"/><category term="cs.AI"/>
<published>2026-11-23T00:00:00-05:00</published><arxiv:announce_type>new</arxiv:announce_type>
<dc:creator>{authors}</dc:creator></entry>"""
HEAD = """<?xml version='1.0' encoding='UTF-8'?><feed xmlns:arxiv="http://arxiv.org/schemas/atom"
xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns="http://www.w3.org/2005/Atom"><id>http://rss.arxiv.org/atom/cs</id>
<title>cs updates on arXiv.org</title><updated>2026-11-23T05:00:19+00:00</updated>"""


#: The whole command, and then the peak of its own memory: getrusage would count what it was forked from.
PEAK = """
import contextlib, pathlib
from newsletter.cli import main
with contextlib.suppress(SystemExit):
    main(["collect"])
status = pathlib.Path("/proc/self/status").read_text()
print(status.partition("VmHWM:")[2].split()[0])
"""


def sentence(chance: random.Random) -> str:
    piece = chance.choice(TEX if chance.random() < TEXY else PROSE)
    return piece.format(*(chance.choice(WORDS) for _ in range(piece.count("{}"))))


def feed(entries: int, month: int = 11, seed: int = 1) -> bytes:
    """An arXiv Atom feed with abstracts of about 1,300 characters."""
    chance = random.Random(seed)
    parts = [HEAD]
    for number in range(entries):
        title = " ".join(chance.choice(WORDS) for _ in range(9)).title() + f" {number}"
        abstract = escape(" ".join(sentence(chance) for _ in range(16)))
        authors = ", ".join(f"{chance.choice(WORDS).title()} {chance.choice(WORDS).title()}" for _ in range(5))
        parts.append(ENTRY.format(month=month, number=number, title=title, abstract=abstract, authors=authors))
    return ("\n".join(parts) + "</feed>").encode()


def say(name: str, value: float, unit: str, bar: float | None = None) -> None:
    line = {"benchmark": "collect", "what": name, "value": round(value, 4), "unit": unit}
    print(json.dumps(line | ({"bar": bar, "ok": value <= bar} if bar is not None else {})), flush=True)


@contextmanager
def cpu() -> Iterator[Callable[[], float]]:
    """CPU seconds of this process, threads included, and of the processes that it ended meanwhile."""
    start = _spent()
    end: list[float] = []
    yield lambda: (end[0] if end else _spent()) - start
    end.append(_spent())


def _spent() -> float:
    times = os.times()
    return time.process_time() + times.children_user + times.children_system


def engine_in(folder: Path, location: str) -> Engine:
    settings = Settings.model_validate(
        {
            "store": {"url": f"sqlite:///{folder / 'bench.db'}"},
            "source": [{"name": "arXiv", "kind": "arxiv", "location": location}],
            "home": folder,
        }
    )
    return make_engine(settings, now=lambda: NOW)


def measure_feed(entries: int) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "warm.xml").write_bytes(feed(20, 1))
        (folder / "feed.xml").write_bytes(feed(entries))
        asyncio.run(collector.collect([Source("warm", "arxiv", "warm.xml")], NOW, folder))
        engine = engine_in(folder, "feed.xml")
        passes = (
            ("first pass", 2.5, False),
            ("second pass", 0.3, False),
            ("a pass forced to read all again", None, True),
        )
        for name, bar, force in passes:
            with cpu() as spent:
                [done] = asyncio.run(engine.collection.collect(force=force))
            say(f"{entries} entries, {name}: new {done.added}", spent(), "CPU s", bar)
        engine.store.close()


def measure_memory(entries: int) -> None:
    """Of `newsletter collect`, the whole process."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        (folder / "feed.xml").write_bytes(feed(entries))
        (folder / "sources.toml").write_text('[[source]]\nkind = "arxiv"\nlocation = "feed.xml"\n')
        told = subprocess.run(
            [sys.executable, "-c", PEAK], cwd=folder, check=True, capture_output=True, text=True
        ).stdout.split()
    say(f"newsletter collect, {entries} entries, peak", int(told[-1]) / 1024, "MB", 150)


def measure_cleaning(entries: int) -> None:
    """Per paper: title and abstract to text and HTML."""
    parsed = arxiv.parse(feed(entries), Source("x", "arxiv", "x"), NOW)
    spent = []
    for entry in parsed.entries:
        start = time.process_time_ns()
        cleaned(entry.title, TITLE_LIMIT)
        cleaned(entry.abstract, ABSTRACT_LIMIT)
        spent.append((time.process_time_ns() - start) / 1e6)
    say("cleaning a paper, median", statistics.median(spent), "CPU ms", 0.5)


def named(entries: tuple[Entry, ...]) -> list[Named]:
    ready = [finish(entry, NOW) for entry in entries]
    return [Named(sighting.entry, collector.names(sighting.entry), sighting.raw) for sighting in ready]


def measure_identity(stored: int) -> None:
    """The same 1,000 new papers beside few and beside many stored ones."""
    spent: dict[int, list[float]] = {size: [] for size in (1_000, stored)}
    with tempfile.TemporaryDirectory() as scratch:
        stores = {size: Store(f"sqlite:///{Path(scratch) / str(size)}.db") for size in spent}
        filler = arxiv.parse(feed(1_000, 1), Source("x", "arxiv", "x"), NOW).entries
        patterns = named(filler)
        for size, store in stores.items():
            store.check()
            for block in range(size // 1_000):
                store.sightings.add([_copy(paper, block) for paper in patterns], NOW, collector.same_paper)
        for turn in range(5):
            fresh = named(arxiv.parse(feed(1_000, 2 + turn, 50 + turn), Source("x", "arxiv", "x"), NOW).entries)
            for size, store in stores.items():
                with cpu() as used:
                    store.sightings.add(fresh, NOW, collector.same_paper)
                spent[size].append(used())
        for store in stores.values():
            store.close()
    few, many = (statistics.median(spent[size]) for size in spent)
    say("1,000 papers stored beside 1,000", few, "CPU s")
    say(f"1,000 papers stored beside {stored:,}", many, "CPU s")
    say(f"beside {stored:,} : beside 1,000", many / few, "times", 1.2)


def _copy(paper: Named, block: int) -> Named:
    return Named(replace(paper.entry, id=f"{paper.entry.id}~{block}"), tuple(f"{name}~{block}" for name in paper.names))


async def measure_slow(sources: int, delay: float) -> None:
    """Ten servers that think for a second are waited for together."""
    body = feed(1)

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(delay)
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    places = [Source(str(n), "feed", f"http://127.0.0.1:{port}/{n}") for n in range(sources)]
    start = time.monotonic()
    harvests = await collector.collect(places, NOW)
    say(f"{sources} sources of {delay} s each: errors {sum(bool(harvest.error) for harvest in harvests)}",
        time.monotonic() - start, "s", sources * delay / 2)  # fmt: skip
    server.close()


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--entries", type=int, default=2_000)
    options.add_argument("--stored", type=int, default=100_000)
    given = options.parse_args()
    measure_feed(given.entries)
    measure_memory(given.entries)
    measure_cleaning(500)
    asyncio.run(measure_slow(10, 1.0))
    measure_identity(given.stored)


if __name__ == "__main__":
    main()
