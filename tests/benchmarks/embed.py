"""How long a model takes for new papers: `python tests/benchmarks/embed.py folder:PATH [--papers 2000]`.

The model is named as in [selection] model; "fastembed:MODEL" is looked for in ./models. Without one that is there, it
says so and measures nothing. The papers are made of the seeds' sentences, as long as conferences' are (1,150
characters, give or take 300), no two alike. Told are seconds by the clock and of the processors (on a busy machine the
second says more), and what it takes when all is kept.
"""

from __future__ import annotations

import argparse
import re
import resource
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from random import Random

from newsletter.collector import read_entries
from newsletter.config import resource as file_of_ours
from newsletter.embedder import Query, embed_cached, make_embedder
from newsletter.embedder.batches import processors
from newsletter.errors import EmbedderError
from newsletter.types import Entry

LENGTH, SPREAD = 1_150, 300  #: characters of an abstract
BAR = 60.0  #: seconds for 2,000 papers on two processors


def papers(known: Sequence[Entry], number: int) -> list[str]:
    """Texts of the sentences of known papers."""
    chance = Random(1)
    sentences = [sentence for entry in known for sentence in re.split(r"(?<=[.!?]) ", entry.abstract) if sentence]
    found = []
    for place in range(number):
        abstract, size = "", max(200, int(chance.gauss(LENGTH, SPREAD)))
        while len(abstract) < size:
            abstract = f"{abstract} {chance.choice(sentences)}"
        found.append(f"{known[place % len(known)].title} {place}\n{abstract.strip()[:size]}")
    return found


class Kept:
    """Keeps vectors as the store does."""

    def __init__(self) -> None:
        self.vectors: dict[str, bytes] = {}

    def known(self, _: str, digests: Sequence[str]) -> dict[str, bytes]:
        return {digest: self.vectors[digest] for digest in digests if digest in self.vectors}

    def put(self, _: str, made: Mapping[str, bytes]) -> None:
        self.vectors.update(made)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", help='such as "folder:PATH" or "fastembed:BAAI/bge-small-en-v1.5"')
    parser.add_argument("--papers", type=int, default=2_000)
    given = parser.parse_args()
    try:
        embedder = make_embedder(given.model)
    except EmbedderError as error:
        print(f"skipped: {error}")
        return
    if embedder is None:
        print("skipped: no model")
        return
    entries, _ = read_entries((file_of_ours("seeds") / "papers.jsonl").read_bytes(), datetime.now(UTC))
    texts = papers([entry for entry in entries if entry.abstract], given.papers)
    kept = Kept()
    embed_cached(embedder, {"warm": Query("graph neural networks")})  # the model is loaded
    for what, some in (("new", texts), ("kept", texts), ("one phrase", [Query("fast video generation")])):
        clock, own = time.perf_counter(), time.process_time()
        embed_cached(embedder, {str(place): text for place, text in enumerate(some)}, kept.known, kept.put)
        told = f"{time.perf_counter() - clock:8.2f} s, of the processors {time.process_time() - own:8.2f} s"
        print(f"{what:<12}{len(some):>6} texts{told}")
    characters = sum(map(len, texts)) / len(texts)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{embedder.name}: {characters:.0f} characters a paper, {processors()} processors, {peak:.0f} MB at most")
    print(f"the bar: {BAR:.0f} s for 2,000 papers on two processors")


if __name__ == "__main__":
    main()
