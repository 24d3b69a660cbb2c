"""Why a paper was chosen, in plain words, from the numbers that chose it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache
from itertools import pairwise

import numpy as np
from scipy import sparse

from newsletter.selector.features import LONGEST, STOP, WORD, fold, singular, unspaced
from newsletter.selector.pool import Pool
from newsletter.selector.profile import Wishes
from newsletter.types import Entry, Pick

WORDS = 3  #: named at most
WORTH = 0.2  #: a word is named when it brought at least this share of the likeness
LIKE = 0.12  #: a liked paper is named from this cosine on; of unrelated abstracts 0.04 % reach it [measured]
SHORT = 40  #: characters of a title in a reason
TELLING = 12  #: best terms looked at

TRENDING, NEW = "trending this week", "new this week"


class Way(Enum):
    """How a candidate came into an edition."""

    FAIR = "in the share of an interest"
    OUTSIDE = "exploratory"
    POPULAR = "too few matched"
    ALONE = "the reader has no interests"


@dataclass(frozen=True, slots=True)
class Choice:
    """A pick before it is explained; numbers are those of the pool and the block."""

    entry: int
    wish: int | None
    score: float
    way: Way = Way.FAIR
    rising: bool = False  #: the trend is high, and part of the score


def explain(
    pool: Pool, wishes: Wishes, authored: Sequence[Mapping[int, str]], choices: Sequence[Sequence[Choice]]
) -> list[tuple[Pick, ...]]:
    """Picks with their reasons, one tuple a reader."""
    served = [(each, each.wish) for row in choices for each in row if each.wish is not None]
    told = _told(pool, wishes, authored, served)
    names = {wish: _name(pool, wishes, wish) for wish in {wish for _, wish in served}}
    return [
        tuple(
            Pick(
                entry=pool.entries[each.entry],
                score=round(each.score, 6),
                interest=names[each.wish] if each.wish is not None and each.way is Way.FAIR else "",
                reasons=(_unasked(pool, each),) if each.wish is None else next(told),
            )
            for each in row
        )
        for row in choices
    ]


def shorten(title: str) -> str:
    """At most SHORT characters, cut between words."""
    if len(title) <= SHORT:
        return title
    cut = title[: SHORT - 1]
    return cut[: max(cut.rfind(" "), SHORT // 2)].rstrip(" ,;:-") + "…"


def _unasked(pool: Pool, choice: Choice) -> str:
    trending = pool.trend[choice.entry] >= 0.5
    if choice.way is Way.ALONE:
        return f"no interests yet: {TRENDING if trending else NEW}"
    return TRENDING if trending else f"{NEW}, outside your interests"


def _told(
    pool: Pool, wishes: Wishes, authored: Sequence[Mapping[int, str]], served: Sequence[tuple[Choice, int]]
) -> Iterator[tuple[str, ...]]:
    shares = pool.vectors[[choice.entry for choice, _ in served]].multiply(wishes.wanted[[wish for _, wish in served]])
    nearest = _nearest(pool, wishes, served)
    for (choice, wish), found in zip(served, _strongest(shares.tocsr(), pool.vocabulary.terms), strict=True):
        reasons = ["a little outside your interests"] if choice.way is Way.OUTSIDE else []
        if author := authored[wish].get(choice.entry):
            reasons.append(f"by {author}")
        if found:
            reasons.append(f"matches {', '.join(_phrases(pool.entries[choice.entry], found))}")
        if like := nearest.get((wish, choice.entry)):
            reasons.append(f"near {shorten(like)}")
        if choice.rising:
            reasons.append("rising fast" if pool.measured else "popular now")
        yield tuple(reasons)


def _strongest(shares: sparse.csr_matrix, terms: Sequence[str]) -> Iterator[dict[str, float]]:
    """Per row the terms that brought most of the likeness, with what each brought."""
    for start, end in pairwise(shares.indptr.tolist()):
        data, columns = shares.data[start:end], shares.indices[start:end]
        best = np.lexsort((columns, -data))[:TELLING]
        yield {terms[columns[place]]: float(data[place]) for place in best if data[place] > 0}


def _nearest(pool: Pool, wishes: Wishes, served: Sequence[tuple[Choice, int]]) -> dict[tuple[int, int], str]:
    """(wish, candidate) -> title of the liked paper most like it, if any is really alike."""
    entries: dict[int, list[int]] = {}
    for choice, wish in served:
        if wishes.each[wish].liked:
            entries.setdefault(wish, []).append(choice.entry)
    found: dict[tuple[int, int], str] = {}
    for wish, chosen in entries.items():
        liked = wishes.each[wish].liked
        cosines = (pool.vectors[chosen] @ pool.vectors[list(liked)].T).toarray()
        for entry, place, cosine in zip(chosen, cosines.argmax(axis=1), cosines.max(axis=1), strict=True):
            if cosine >= LIKE:
                found[wish, entry] = pool.entries[liked[place]].title
    return found


def _name(pool: Pool, wishes: Wishes, number: int) -> str:
    """What the reader called it, else its most telling words as its newest liked paper that has them writes them."""
    wish = wishes.each[number]
    if name := wish.interest.name.strip() or ", ".join(wish.interest.keywords[:2]):
        return name
    found = next(_strongest(wishes.wanted[number], pool.vocabulary.terms), {})
    liked = (_phrases(pool.entries[row], found, 0)[:2] for row in reversed(wish.liked))
    return ", ".join(next((phrases for phrases in liked if phrases), ())) or ", ".join(wish.interest.authors[:2])


Token = tuple[str, int, int, str]  #: folded word, start, end, what joins it to the word before: " ", "" or none ("\n")


@lru_cache(maxsize=4096)
def _tokens(text: str) -> tuple[Token, ...]:
    """Words that count, with their places; a character each in scripts without spaces."""
    found: list[Token] = []
    last = -1
    for match in WORD.finditer(text):
        start, word = match.start(), fold(match.group())
        if unspaced(word) and len(word) > 1:
            found += [(c, start + i, start + i + 1, "" if i else "\n") for i, c in enumerate(match.group())]
        elif word not in STOP:
            joint = " " if last >= 0 and _JOINT.fullmatch(text, last, start) else "\n"
            found.append((singular(word), start, match.end(), joint))
        last = match.end() if word not in STOP else -1
    return tuple(found)


_JOINT = re.compile(r"[ \-‐‑]")


def _phrases(entry: Entry, found: Mapping[str, float], share: float = WORTH) -> tuple[str, ...]:
    """The strongest words of a paper as it writes them, neighbours together: "state-space models"."""
    text = "\n".join((entry.abstract[:LONGEST], entry.title, *entry.topics))
    worth: dict[tuple[str, ...], float] = {}
    written: dict[tuple[str, ...], str] = {}
    for run in _runs(_tokens(text), found):
        words = tuple(token[0] for token in run)
        printed = " ".join(text[run[0][1] : run[-1][2]].split())
        written[words] = min(written.get(words, printed), printed, key=lambda each: sum(map(str.isupper, each)))
        worth[words] = sum(found.get(term, 0) for term in {*words, *_pairs(run)})
    least = share * sum(found.values())
    named: list[tuple[str, ...]] = []
    for words in sorted(worth, key=lambda words: (-worth[words], words)):
        new = not any(set(words) <= set(other) or set(other) <= set(words) for other in named)
        if new and len(named) < WORDS and (worth[words] >= least or not named):
            named.append(words)
    return tuple(written[words] for words in named)


def _runs(tokens: Sequence[Token], found: Mapping[str, float]) -> Iterator[list[Token]]:
    """Longest stretches of neighbours whose pairs are all in `found`, and single words in it."""
    run: list[Token] = []
    for token in tokens:
        if run and token[3] != "\n" and f"{run[-1][0]}{token[3]}{token[0]}" in found:
            run.append(token)
            continue
        if len(run) > 1 or (run and run[0][0] in found):
            yield run
        run = [token]
    if len(run) > 1 or (run and run[0][0] in found):
        yield run


def _pairs(run: Iterable[Token]) -> Iterator[str]:
    return (f"{first[0]}{second[3]}{second[0]}" for first, second in pairwise(run))
