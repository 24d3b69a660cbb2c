"""In how many papers of 10,000 each word stands: `python tests/benchmarks/background.py FILE... > background.txt`.

    newsletter entries --format jsonl > mine.jsonl
    python tests/benchmarks/background.py --plain --of "our own entries" mine.jsonl > background.txt

Each FILE holds entries as JSON Lines with the keys id, title, abstract, topics (and published, for the years). A paper
counts under its first topic, as arXiv names it ("cs.LG"), and each category counts by its share of all new papers at
arXiv, however many of its papers are here; `--plain` counts every paper alike, whatever its topics.

The table, as shipped in newsletter/selector/background.txt: one comment, then "term<TAB>papers of 10,000", the most
frequent first. Terms are those of `newsletter.selector.features`, of title and abstract, as a collected paper has them:
without TeX. Words without a letter and single letters have no line, nor have pairs with a bare number. A table from
fewer than some thousand papers says little about rare words.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from newsletter.collector.sources.jsonl import read_entries
from newsletter.selector.tokens import terms
from newsletter.types import Entry

WORD, PAIR = 5, 15  #: papers of 10,000 from which a word, a pair of words is worth a line
LINES = 12_500  #: of a table at most
FEW = 25  #: a category with fewer papers is counted with its archive, an archive with fewer is left out
SHORT = 150  #: characters; a shorter abstract is none ("Withdrawn")

#: Papers of each category in 10,000 new ones at arXiv. Archives by their size in recent years, categories in them as
#: they stood in a week of 2025; an archive's own number is for those of its categories that have none.
_SHARES = """
astro-ph.GA:211 astro-ph.HE:160 astro-ph.CO:150 astro-ph.SR:105 astro-ph.EP:86 astro-ph.IM:62 cond-mat:806
cs.LG:919 cs.CV:897 cs.CL:347 cs.AI:254 cs.RO:183 cs.CR:171 cs.IT:137 cs:93 cs.HC:90 cs.CY:73 cs.SE:68 cs.DS:59
cs.DC:56 cs.NI:56 cs.SD:46 cs.DB:42 cs.MA:42 cs.SI:39 cs.IR:34 cs.AR:34 cs.LO:29 cs.CE:29 cs.PL:27 cs.CC:27
cs.GT:22 cs.NE:22 econ:74 eess.SY:182 eess.SP:122 eess.IV:75 eess.AS:21 gr-qc:216 hep-ex:43 hep-lat:21
hep-ph:280 hep-th:200 math.AP:160 math.OC:144 math.NT:139 math.CO:132 math.NA:110 math.PR:103 math.AG:100
math.DS:85 math.DG:68 math.LO:46 math.GR:43 math.FA:36 math.RT:36 math.GT:32 math.CA:32 math.ST:32 math.RA:26
math.OA:24 math.AT:24 math.AC:19 math:19 math.CV:18 math.CT:17 math.QA:17 math.SG:14 math.MG:12 math.HO:12
math-ph:60 nlin:31 nucl-ex:17 nucl-th:57 physics.optics:143 physics.flu-dyn:93 physics.chem-ph:57
physics.app-ph:41 physics.soc-ph:38 physics.plasm-ph:38 physics.ins-det:38 physics.ao-ph:36 physics:33
physics.acc-ph:28 physics.comp-ph:26 physics.atom-ph:26 physics.ed-ph:22 physics.med-ph:22 physics.bio-ph:19
physics.geo-ph:17 physics.gen-ph:17 q-bio:94 q-fin:33 quant-ph:599 stat.ME:161 stat.ML:82 stat.AP:34 stat.CO:23
"""
SHARES = {name: int(share) for name, _, share in (pair.partition(":") for pair in _SHARES.split())}


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("files", nargs="+", type=Path, metavar="FILE", help="entries as JSON Lines")
    parser.add_argument("--plain", action="store_true", help="count every paper alike, not by its category's share")
    parser.add_argument("--of", default="arXiv abstracts", help="what was counted, for the comment")
    parser.add_argument("--licence", default="", help='of the texts, for the comment: "metadata CC0"')
    options = parser.parse_args(arguments)
    papers = read(options.files)
    groups = {"all": papers} if options.plain else grouped(papers)
    weights = {"all": 10_000 / max(len(papers), 1)} if options.plain else weighed(groups)
    for name, group in sorted(groups.items()):
        print(f"{name}: {len(group)} papers{'' if name in weights else ', too few: left out'}", file=sys.stderr)
    counted = [(paper, weight) for name, weight in weights.items() for paper in groups[name]]
    years = {paper.published.year for paper, _ in counted if paper.published}
    span = f" of {min(years)}-{max(years)}" if years else ""
    licence = f" ({options.licence})" if options.licence else ""
    how = "every paper alike" if options.plain else "each category by its share of new papers"
    floor = f"words from {WORD}, pairs from {PAIR}"
    print(f"# document frequency in {len(counted)} {options.of}{span}{licence}, per 10,000 papers; {how}; {floor}")
    sys.stdout.writelines(f"{term}\t{share}\n" for term, share in table(counted))


def read(files: Iterable[Path]) -> list[Entry]:
    """The papers with an abstract, each once, made readable as when they are collected."""
    now = datetime.now(UTC)
    entries = (entry for file in files for entry in read_entries(file.read_bytes(), now)[0])
    return list({entry.id: entry for entry in entries if len(entry.abstract) >= SHORT}.values())


def grouped(papers: Sequence[Entry]) -> dict[str, list[Entry]]:
    """By category; those of small and of unlisted categories by archive; those of no archive known here nowhere."""
    sizes = Counter(topic(paper) for paper in papers)
    groups: dict[str, list[Entry]] = {}
    for paper in papers:
        category = topic(paper)
        alone = category in SHARES and sizes[category] >= FEW
        groups.setdefault(category if alone else archive(category), []).append(paper)
    names = {*SHARES, *map(archive, SHARES)}
    return {name: group for name, group in groups.items() if name in names}


def topic(paper: Entry) -> str:
    return paper.topics[0] if paper.topics else ""


def archive(category: str) -> str:
    return category.partition(".")[0]


def weighed(groups: Mapping[str, Sequence[Entry]]) -> dict[str, float]:
    """What one paper of each group adds, so that all of them are 10,000; groups of few papers are left out.

    An archive's group stands for those of its categories that have no group of their own.
    """
    parts: Counter[str] = Counter()
    for category, share in SHARES.items():
        parts[category if category in groups else archive(category)] += share
    kept = {name: share for name, share in parts.items() if len(groups.get(name, ())) >= FEW}
    return {name: 10_000 * share / sum(kept.values()) / len(groups[name]) for name, share in kept.items()}


def table(papers: Sequence[tuple[Entry, float]]) -> list[tuple[str, int]]:
    """The terms and their papers of 10,000, the most frequent first, as many as a table may hold.

    In two rounds, since a pair is never in more papers than its words: all pairs at once would fill the memory.
    """
    words, pairs = dict[str, float](), dict[str, float]()
    for paper, weight in papers:
        for term in found(paper):
            if " " not in term:
                words[term] = words.get(term, 0) + weight
    usual = {word for word, share in words.items() if share >= PAIR and is_word(word)}
    for paper, weight in papers:
        for term in found(paper):
            if " " in term and is_pair(term, usual):
                pairs[term] = pairs.get(term, 0) + weight
    kept = [(word, round(share)) for word, share in words.items() if share >= WORD and is_word(word)]
    kept += [(pair, round(share)) for pair, share in pairs.items() if share >= PAIR]
    return sorted(kept, key=lambda line: (-line[1], line[0]))[:LINES]


def found(paper: Entry) -> set[str]:
    return {*terms(paper.title), *terms(paper.abstract)}


def is_word(term: str) -> bool:
    return len(term) > 1 and any(map(str.isalpha, term))


def is_pair(term: str, usual: set[str]) -> bool:
    """Two usual words, of which one may be a letter: "x ray", "k mean"."""
    unusual = [word for word in term.split(" ") if word not in usual]
    return not unusual or (len(unusual) == 1 and len(unusual[0]) == 1 and unusual[0].isalpha())


if __name__ == "__main__":
    main()
