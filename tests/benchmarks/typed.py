"""How well typed phrases find their papers, beside what others do: `python tests/benchmarks/typed.py DATA [--model M]`.

DATA is JSON Lines: for each venue a line {"venue", "interests": [phrases]} and a line a paper, {"venue", "id", "title",
"abstract", "labels": [the phrases that it was filed under]}. Every phrase is looked for in its venue's papers by a
reader who typed nothing else; relevant is what bears the label, which is no part of the text. Printed is nDCG@10, the
mean over all phrases. Labels are incomplete, so compare the rows with each other.

The peers need scikit-learn (`pip install scikit-learn`), the cosine an embedder; what is not there is left out.
"""

from __future__ import annotations

import argparse
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from newsletter.embedder import Query, embed_cached, make_embedder, paper_text
from newsletter.selector import Defaults, phrases, prepare, select
from newsletter.types import Entry, Interest, Profile

BEST = 10
Vectors = Mapping[str, NDArray[np.float32]]
Ranker = Callable[[Sequence[Entry], Sequence[str]], Iterator[list[int]]]


class Venue(NamedTuple):
    """Papers, and phrases with the places of those that bear them."""

    papers: tuple[Entry, ...]
    asked: dict[str, set[int]]


def read(path: Path) -> list[Venue]:
    rows = [json.loads(line) for line in path.read_text("utf-8").splitlines()]
    found = []
    for head in (row for row in rows if "interests" in row):
        own = [row for row in rows if row["venue"] == head["venue"] and "title" in row]
        papers = tuple(Entry(row["id"], row["title"], row["abstract"]) for row in own)
        asked = {name: {n for n, row in enumerate(own) if name in row["labels"]} for name in head["interests"]}
        found.append(Venue(papers, asked))
    return found


def ndcg(ranked: Sequence[int], relevant: set[int]) -> float:
    gain = sum(1 / math.log2(place + 2) for place, each in enumerate(ranked[:BEST]) if each in relevant)
    return gain / sum(1 / math.log2(place + 2) for place in range(min(BEST, len(relevant))))


def best(scores: NDArray[np.float64]) -> list[int]:
    return [int(place) for place in np.argsort(-scores, kind="stable")[:BEST]]


def reader(phrase: str) -> Profile:
    return Profile((Interest(phrase, keywords=(phrase,)),), size=BEST, hype=0, surprise=0)


def ours(vectors: Vectors | None = None) -> Ranker:
    def rank(papers: Sequence[Entry], asked: Sequence[str]) -> Iterator[list[int]]:
        places = {paper.id: place for place, paper in enumerate(papers)}
        readers = [reader(phrase) for phrase in asked]
        for picks in select(prepare(papers, embedded=vectors), readers, defaults=Defaults(floor=0)):
            yield [places[pick.entry.id] for pick in picks]

    return rank


def bm25(papers: Sequence[Entry], asked: Sequence[str], k1: float = 1.2, b: float = 0.75) -> Iterator[list[int]]:
    """Plain BM25 of the words as they stand (Robertson and Zaragoza 2009)."""
    bags = [Counter(re.findall(r"[a-z0-9]+", f"{paper.title} {paper.abstract}".lower())) for paper in papers]
    lengths = np.array([sum(bag.values()) for bag in bags])
    spread = Counter(word for bag in bags for word in bag)
    for phrase in asked:
        scores = np.zeros(len(papers))
        for word in re.findall(r"[a-z0-9]+", phrase.lower()):
            counts = np.array([bag[word] for bag in bags])
            rarity = math.log(1 + (len(papers) - spread[word] + 0.5) / (spread[word] + 0.5))
            scores += rarity * counts * (k1 + 1) / (counts + k1 * (1 - b + b * lengths / lengths.mean()))
        yield best(scores)


def tfidf(papers: Sequence[Entry], asked: Sequence[str]) -> Iterator[list[int]]:
    from sklearn.feature_extraction.text import TfidfVectorizer

    model = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, stop_words="english")
    table = model.fit_transform([f"{paper.title}. {paper.abstract}" for paper in papers])
    yield from map(best, (model.transform(asked) @ table.T).toarray())


def svm(papers: Sequence[Entry], asked: Sequence[str]) -> Iterator[list[int]]:
    """The recipe of arxiv-sanity-lite: a balanced linear SVM, the phrase as the one paper that is tagged."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.svm import LinearSVC

    model = TfidfVectorizer(ngram_range=(1, 2), sublinear_tf=True, stop_words="english", max_features=20_000)
    texts = [f"{paper.title} {paper.abstract}" for paper in papers]
    for phrase in asked:
        table = model.fit_transform([*texts, phrase])
        wanted = np.array([0] * len(texts) + [1])
        machine = LinearSVC(class_weight="balanced", C=0.01, max_iter=10_000, tol=1e-4).fit(table, wanted)
        yield best(machine.decision_function(table[: len(texts)]))


def cosine(vectors: Vectors) -> Ranker:
    def rank(papers: Sequence[Entry], asked: Sequence[str]) -> Iterator[list[int]]:
        table = np.stack([vectors[paper.id] / np.linalg.norm(vectors[paper.id]) for paper in papers])
        for phrase in asked:
            yield best((table @ vectors[phrase]).astype(np.float64))

    return rank


def embedded(venues: Sequence[Venue], model: str) -> Vectors | None:
    embedder = make_embedder(model)
    texts = {paper.id: paper_text(paper) for venue in venues for paper in venue.papers}
    words = {word: Query(word) for venue in venues for name in venue.asked for word in phrases(reader(name))}
    return embed_cached(embedder, texts | words) if embedder else None


def main() -> None:
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("data", type=Path)
    options.add_argument("--model", default="", help="an embedder, as in [selection] model")
    asked = options.parse_args()
    venues = read(asked.data)
    vectors = embedded(venues, asked.model)
    rankers: dict[str, Ranker] = {"BM25": bm25, "TF-IDF, words and pairs": tfidf, "SVM of arxiv-sanity": svm}
    rankers |= {f"cosine of {asked.model}": cosine(vectors)} if vectors else {}
    rankers |= {"newsletter": ours()}
    rankers |= {f"newsletter with {asked.model}": ours(vectors)} if vectors else {}
    print(f"{sum(len(venue.asked) for venue in venues)} phrases, {sum(len(venue.papers) for venue in venues)} papers")
    for name, rank in rankers.items():
        try:
            found = [
                ndcg(ranked, relevant)
                for venue in venues
                for ranked, relevant in zip(rank(venue.papers, [*venue.asked]), venue.asked.values(), strict=True)
            ]
        except ImportError as error:
            print(f"{name:44} left out: {error}")
            continue
        print(f"{name:44} {fmean(found):.3f}", flush=True)


if __name__ == "__main__":
    main()
