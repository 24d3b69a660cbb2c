"""How fast the selector is, beside scikit-learn: `python tests/benchmarks/select.py [--million] [--rounds 3]`.

Papers are made of words drawn by the product's own background table, with a field each; readers like papers of two
or three fields out of a library and have keywords. Everything is measured in one run, side by side, medians of
interleaved rounds; quote ratios, since machines differ. scikit-learn is needed for the peers (`pip install
scikit-learn`), else they are left out.
"""

from __future__ import annotations

import argparse
import gc
import resource
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from statistics import median
from typing import Any

import numpy as np

from newsletter.cli.base import GC_THRESHOLDS
from newsletter.selector import Defaults, Pool, prepare, select
from newsletter.selector.features import background, learn
from newsletter.selector.jit import processors
from newsletter.selector.kernel import compiled
from newsletter.selector.profile_arrays import Block, likes, read
from newsletter.selector.rank import BLOCK, choose
from newsletter.selector.term_counts import count_terms
from newsletter.types import Entry, Interest, Profile

FIELDS, FIELD_WORDS, WORDS, OWN = 60, 150, 130, 0.3
LIBRARY, READERS = 20_000, 20_000


class Papers:
    """Makes papers: each word is of the paper's field with chance OWN, else of all."""

    def __init__(self, seed: int) -> None:
        self.chance = np.random.default_rng(seed)
        rates = {word: rate for word, rate in background().items() if " " not in word and word.isalpha()}
        self.words = np.array(sorted(rates))
        weights = np.array([rates[word] for word in self.words])
        self.weights = weights / weights.sum()
        self.fields = [self.chance.choice(len(self.words), FIELD_WORDS, replace=False) for _ in range(FIELDS)]

    def make(self, number: int, prefix: str) -> list[Entry]:
        """`number` papers; paper i is of field i % FIELDS."""
        found = []
        common = self.chance.choice(len(self.words), (number, WORDS), p=self.weights)
        for place in range(number):
            field = self.fields[place % FIELDS]
            skewed = (FIELD_WORDS * self.chance.random(WORDS) ** 2).astype(int)
            text = self.words[np.where(self.chance.random(WORDS) < OWN, field[skewed], common[place])]
            title, abstract = " ".join(text[:9]), " ".join(text[9:])
            authors = (f"Ada {self.words[common[place, 0]].title()}", f"Bob {self.words[common[place, 1]].title()}")
            found.append(
                Entry(f"{prefix}{place:06}", title, abstract, authors=authors, votes=int(common[place, 2] % 90))
            )
        return found

    def readers(self, number: int, seed: int) -> Iterator[Profile]:
        """Two or three interests each, of four liked papers and two keywords; popular papers more often."""
        chance = np.random.default_rng(seed)
        picks = (LIBRARY // FIELDS * chance.random((number, 3, 4)) ** 2).astype(int)
        fields = chance.integers(0, FIELDS, (number, 3))
        words = (20 * chance.random((number, 3, 2))).astype(int)
        names = self.words
        for reader in range(number):
            interests = []
            for place in range(2 + reader % 2):
                field = int(fields[reader, place])
                liked = tuple(f"l{int(paper) * FIELDS + field:06}" for paper in picks[reader, place])
                keywords = tuple(str(names[self.fields[field][word]]) for word in words[reader, place])
                interests.append(Interest("", float(place + 1), keywords, liked=liked))
            yield Profile(tuple(interests))


def timed(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def blocks(pool: Pool, profiles: Sequence[Profile]) -> list[Block]:
    """Readers as `choose` takes them, as scikit-learn's peer gets its matrix of readers ready-made."""
    plain = Defaults(hype=0, surprise=0)
    parts = (profiles[start : start + BLOCK] for start in range(0, len(profiles), BLOCK))
    return [read(pool, part, [frozenset[str]()] * len(part), plain) for part in parts]


def scores_and_top(pool: Pool, ready: Sequence[Block]) -> None:
    """Scores of all candidates and the exact best ten, as numbers: no reasons, no objects."""
    for block in ready:
        with pool.table.lock:
            choose(pool, block, processors())


def pipeline(
    pool_texts: Sequence[str], liked_texts: Sequence[str], liked: Sequence[Sequence[int]]
) -> Callable[[], Any]:
    """scikit-learn's usual recipe: TF-IDF, mean vector, linear_kernel, argsort; fitted outside of the time."""
    from scipy import sparse
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.metrics.pairwise import linear_kernel

    vectoriser = TfidfVectorizer(
        stop_words="english", sublinear_tf=True, ngram_range=(1, 2), min_df=2, dtype=np.float32
    )
    papers = vectoriser.fit_transform(pool_texts)
    library = vectoriser.transform(liked_texts)
    ends = np.cumsum([0, *map(len, liked)])
    readers = sparse.csr_matrix(
        (np.ones(ends[-1], np.float32), np.concatenate([np.array(row) for row in liked]), ends),
        shape=(len(liked), library.shape[0]),
    )

    def work() -> None:
        for start in range(0, len(liked), 256):
            found = linear_kernel(readers[start : start + 256] @ library, papers)
            np.argsort(-found, axis=1)[:, :10]

    return work


def machine(pool_texts: Sequence[str], liked_texts: Sequence[str], liked: Sequence[Sequence[int]]) -> Callable[[], Any]:
    """arxiv-sanity-lite's recipe: a balanced linear SVM a reader, all other papers its negatives."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.svm import LinearSVC

    vectoriser = TfidfVectorizer(
        stop_words="english", sublinear_tf=True, ngram_range=(1, 2), max_features=20_000, min_df=2
    )
    papers = vectoriser.fit_transform([*pool_texts, *liked_texts])

    def work() -> None:
        for row in liked:
            wanted = np.zeros(papers.shape[0])
            wanted[len(pool_texts) + np.array(row)] = 1
            model = LinearSVC(class_weight="balanced", C=0.01, max_iter=10_000, tol=1e-4).fit(papers, wanted)
            np.argsort(-model.decision_function(papers[: len(pool_texts)]))[:10]

    return work


def peak() -> str:
    return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB"


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--million", action="store_true", help="only choose for 1,000,000 readers x 5,000 papers")
    options.add_argument("--rounds", type=int, default=3)
    asked = options.parse_args()
    gc.set_threshold(*GC_THRESHOLDS)
    papers = Papers(1)
    library, many = papers.make(LIBRARY, "l"), papers.make(5_000, "c")
    profiles = [*papers.readers(READERS, 2)]
    taste = [likes(profile) for profile in profiles[:2_000]]
    print(f"compiler ready in {timed(compiled):.1f} s")
    print(f"features of 5,000 papers: {timed(lambda: learn(count_terms(many))):.2f} s")
    began = time.perf_counter()
    large = prepare(many, library, None, taste)
    print(f"prepare 5,000 papers and a library of {LIBRARY:,}: {time.perf_counter() - began:.1f} s, peak {peak()}")
    if asked.million:
        million(papers, large)
        return
    small = prepare(many[:1_000], library[: LIBRARY // 4], None, taste)
    flat = [Profile((Interest("", 1.0, p.interests[0].keywords, liked=likes(p)),), size=10) for p in profiles]
    ready = blocks(large, flat)
    seen = [{f"c{number % 1000:06}", f"c{number % 777:06}"} for number in range(READERS)]
    select(small, profiles, seen)  # warm: the first issue of a process computes what readers like
    select(large, profiles)
    scores_and_top(large, ready)
    ours = {
        "1,000 papers, end to end (seen, fair shares, reasons)": lambda: select(small, profiles, seen),
        "5,000 papers, scores and exact top 10": lambda: scores_and_top(large, ready),
        "5,000 papers, end to end": lambda: select(large, profiles),
    }
    rates: dict[str, list[float]] = {}
    peers: dict[str, tuple[int, Callable[[], Any]]] = {}
    try:
        texts = {entry.id: f"{entry.title} {entry.abstract}" for entry in (*many, *library)}
        names = [entry.id for entry in library]
        place = {name: number for number, name in enumerate(names)}
        rows = [[place[name] for name in likes(profile)] for profile in profiles[:2_000]]
        own = [texts[name] for name in names]
        for size, pool in ((1_000, many[:1_000]), (5_000, many)):
            some = [texts[entry.id] for entry in pool]
            peers[f"scikit-learn TF-IDF, linear_kernel, argsort: {size:,} papers"] = (
                1_000,
                pipeline(some, own, rows[:1_000]),
            )
        few = [[place % (LIBRARY // 4) for place in row] for row in rows[:3]]
        svm = machine([texts[entry.id] for entry in many[:1_000]], own[: LIBRARY // 4], few)
        peers["scikit-learn LinearSVC a reader: 1,000 papers"] = (3, svm)
    except ImportError:
        print("scikit-learn is not installed: no peers")
    for _ in range(asked.rounds):
        for name, work in ours.items():
            rates.setdefault(name, []).append(READERS / timed(work))
        for name, (count, peer) in peers.items():
            rates.setdefault(name, []).append(count / timed(peer))
    for name, found in rates.items():
        print(f"{name}: {median(found):,.0f} readers/s  ({min(found):,.0f}-{max(found):,.0f})")
    one = [timed(partial(select, large, [profile])) for profile in profiles[:20]]
    print(f"one reader against 5,000 prepared papers: {1000 * median(one):.1f} ms")
    print(f"peak {peak()}")


def million(papers: Papers, large: Pool) -> None:
    """Alone in its process, for the memory; the readers are made outside of the time."""
    spent, count = 0.0, 0
    for batch in range(50):
        some = [*papers.readers(20_000, 100 + batch)]
        count += len(some)
        spent += timed(partial(select, large, some))
        print(f"{count:,} readers x 5,000 papers, end to end: {spent:.0f} s, peak {peak()}", flush=True)


if __name__ == "__main__":
    main()
