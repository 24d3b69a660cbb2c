"""Why a paper was chosen, in plain words, from the numbers that chose it.

A score is a weighted mean over what the reader likes and said; the parts that brought most of it are told.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import count, pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from newsletter.selector.features import LONGEST, STOP, WORD, fold, singular, unspaced
from newsletter.selector.kernel import ALONE, FAIR, POPULAR, STRANGE, Chosen, Readers
from newsletter.selector.pool import Pool
from newsletter.selector.readers import Reader, Wish
from newsletter.selector.table import Atom, vectors
from newsletter.types import Entry, Pick

WORDS = 3  #: named at most
WORTH = 0.2  #: a word is named when it brought at least this share of the likeness
LIKE = 0.08  #: a liked paper is named from this cosine on
RISING = 0.75  #: a trend that is worth a word
SHORT = 40  #: characters of a title in a reason
TELLING = 12  #: best terms looked at
REMEMBERED = 300_000  #: pairs of a reader's word or paper and a candidate

_NUMBERS = count(1)
TRENDING, NEW = "trending this week", "new this week"
OUTSIDE, FIELD = "a little outside your interests", "in the field of your interest"


class Link(NamedTuple):
    """What joins a reader's word or liked paper with a candidate."""

    words: tuple[str, ...]  #: shared, as the candidate writes them
    near: str  #: the liked paper's title, where it is really alike
    beside: str  #: the liked paper's title, where its readers like papers like this one
    number: int  #: its own, for a quick look-up


def tell(pool: Pool, readers: Sequence[Reader], block: Readers, chosen: Chosen) -> list[tuple[Pick, ...]]:
    """Picks with their reasons, one tuple a reader.

    Each pair of a word or paper and a candidate, and each line made of such pairs, is looked up once a block.
    """
    atoms = [atom for reader in readers for wish in reader.wishes for atom, _ in wish.bag]
    wishes = [wish for reader in readers for wish in reader.wishes]
    links, numbers = _links(pool, atoms, block, chosen)
    lines, places = _lines(pool, readers, chosen, links, numbers)
    entries, names = pool.entries, _names(pool, wishes, atoms, block, chosen)
    columns = (chosen.entry, chosen.wish, chosen.group, np.round(chosen.score, 6), chosen.way, places)
    told: list[tuple[Pick, ...]] = []
    rows = zip(*(column.tolist() for column in columns), strict=True)
    for number, (picked, row) in enumerate(zip(chosen.number.tolist(), rows, strict=True)):
        picks = []
        for entry, wish, group, score, way, line in zip(*(column[:picked] for column in row), strict=True):
            reasons = lines[line]
            if wish >= 0 and wishes[wish].authored and (author := wishes[wish].authored.get(entry)):
                reasons = _by(author, reasons)
            name = names[number, group] if wish >= 0 and way == FAIR else ""
            picks.append(Pick(entries[entry], score, name, reasons))
        told.append(tuple(picks))
    return told


def _by(author: str, reasons: tuple[str, ...]) -> tuple[str, ...]:
    """The author before all but the word that a pick is exploratory."""
    rest = tuple(each for each in reasons if each not in (OUTSIDE, FIELD))
    return (*(each for each in reasons if each == OUTSIDE), f"by {author}", *rest)


def _names(
    pool: Pool, wishes: Sequence[Wish], atoms: Sequence[Atom], block: Readers, chosen: Chosen
) -> dict[tuple[int, int], str]:
    """(reader, number of an interest) → its name, for all that have a pick."""
    readers, places = np.nonzero(chosen.wish >= 0)
    groups, served = chosen.group[readers, places].tolist(), chosen.wish[readers, places].tolist()
    found = dict(zip(zip(readers.tolist(), groups, strict=True), served, strict=True))
    return {
        key: wishes[wish].interest.name.strip() or _name(pool, wishes[wish], _own(block, chosen, atoms, wish, key[1]))
        for key, wish in found.items()
    }


def shorten(title: str) -> str:
    """At most SHORT characters, cut between words."""
    if len(title) <= SHORT:
        return title
    cut = title[: SHORT - 1]
    return cut[: max(cut.rfind(" "), SHORT // 2)].rstrip(" ,;:-") + "…"


def _line(pool: Pool, way: int, links: tuple[Link, Link], rising: bool, trending: bool) -> tuple[str, ...]:
    """The parts of a reason, the strongest first."""
    if way == ALONE:
        return (f"no interests yet: {TRENDING if trending else NEW}",)
    if way == POPULAR:
        return (TRENDING if trending else f"{NEW}, outside your interests",)
    reasons = [OUTSIDE] if way == STRANGE else []
    if shared := [*dict.fromkeys(word for link in links for word in link.words)][:WORDS]:
        reasons.append(f"matches {', '.join(shared)}")
    if near := next((link.near for link in links if link.near), ""):
        reasons.append(f"near {shorten(near)}")
    elif beside := next((link.beside for link in links if link.beside), ""):
        reasons.append(f"close to what readers of {shorten(beside)} like")
    reasons += [("rising fast" if pool.measured else "popular now")] if rising else []
    return tuple(reasons) or (FIELD,)


def _lines(
    pool: Pool, readers: Sequence[Reader], chosen: Chosen, links: Sequence[Link], numbers: NDArray[np.int64]
) -> tuple[list[tuple[str, ...]], NDArray[np.int64]]:
    """The different reasons of a block, and the place among them of each pick's; `numbers`: as _links gives them."""
    keen = np.array([reader.knobs.hype > 0 for reader in readers], np.bool_)[:, None]
    rising = (pool.trend >= RISING)[chosen.entry] & keen & (chosen.way != POPULAR) & (chosen.way != ALONE)
    trending = (pool.trend >= 0.5)[chosen.entry]
    pairs = numbers[0] * len(links) + numbers[1]
    codes = ((pairs * 4 + np.maximum(chosen.way, 0)) * 2 + rising) * 2 + trending
    different, places = np.unique(codes, return_inverse=True)
    found = []
    for code in different.tolist():
        first, second = divmod(code // 16, len(links))
        key = (code // 4 % 4, links[first].number, links[second].number, bool(code // 2 % 2), bool(code % 2))
        line = pool.lines.get(key) or _line(pool, key[0], (links[first], links[second]), *key[3:])
        pool.lines[key] = line
        found.append(line)
    return found, places.reshape(codes.shape)


NOTHING = Link((), "", "", 0)


def _links(pool: Pool, atoms: Sequence[Atom], block: Readers, chosen: Chosen) -> tuple[list[Link], NDArray[np.int64]]:
    """What picks rest on, NOTHING first; and of each pick's first and second atom the place among them."""
    served = np.arange(chosen.entry.shape[1]) < chosen.number[:, None]
    used = np.stack([served & (chosen.first >= 0), served & (chosen.second >= 0)])
    places = np.stack([chosen.first, chosen.second])[used]
    width = max(pool.size, 1)
    codes = block.atom[places] * width + np.stack([chosen.entry, chosen.entry])[used]
    _, where, inverse = np.unique(codes, return_index=True, return_inverse=True)
    chosen_entries = (codes[where] % width).tolist()
    pairs = [(atoms[place], entry) for place, entry in zip(places[where].tolist(), chosen_entries, strict=True)]
    numbers = np.zeros(used.shape, np.int64)
    numbers[used] = inverse.reshape(-1) + 1
    return [NOTHING, *_known(pool, pairs)], numbers


def _known(pool: Pool, pairs: Sequence[tuple[Atom, int]]) -> list[Link]:
    """The links of these pairs; those that were told before are remembered.

    Several threads may tell of one pool: what is remembered may be forgotten at any moment, so nothing is read twice.
    """
    found = {pair: link for pair in pairs if (link := pool.links.get(pair))}
    new = [pair for pair in pairs if pair not in found]
    for kind in (int, str):
        some = [pair for pair in new if isinstance(pair[0], kind)]
        for start in range(0, len(some), 4096):
            found.update(_linked(pool, some[start : start + 4096]))
    if len(pool.links) + len(new) > REMEMBERED:
        pool.links.clear()
        pool.lines.clear()
    pool.links.update({pair: found[pair] for pair in new})
    return [found[pair] for pair in pairs]


def _linked(pool: Pool, pairs: Sequence[tuple[Atom, int]]) -> Iterator[tuple[tuple[Atom, int], Link]]:
    if not pairs:
        return
    mine, theirs = vectors(pool, [atom for atom, _ in pairs]), pool.vectors[[entry for _, entry in pairs]]
    product = mine.multiply(theirs).tocsr()
    cosines = np.asarray(product.sum(axis=1)).ravel()
    shared = product[:, : len(pool.vocabulary.terms)]
    for pair, found, cosine in zip(pairs, _strongest(shared, pool.vocabulary.terms), cosines.tolist(), strict=True):
        atom, entry = pair
        words = _phrases(pool.entries[entry], found) if found else ()
        title = "" if isinstance(atom, str) else pool.entries[atom].title
        if isinstance(atom, str):
            yield pair, Link(words or (atom,), "", "", next(_NUMBERS))
        else:
            near = cosine >= LIKE
            yield pair, Link(words, title if near else "", "" if near else title, next(_NUMBERS))


def _strongest(shares: sparse.csr_matrix, terms: Sequence[str]) -> Iterator[dict[str, float]]:
    """Per row the terms that brought most of the likeness, with what each brought."""
    for start, end in pairwise(shares.indptr.tolist()):
        data, columns = shares.data[start:end], shares.indices[start:end]
        best = np.lexsort((columns, -data))[:TELLING]
        yield {terms[columns[place]]: float(data[place]) for place in best if data[place] > 0}


def _own(block: Readers, chosen: Chosen, atoms: Sequence[Atom], wish: int, group: int) -> list[Atom]:
    """The atoms of a wish that belong to this interest of its reader."""
    places = range(int(block.atom_start[wish]), int(block.atom_start[wish + 1]))
    return [atoms[place] for place in places if chosen.owner[place] == group]


def _name(pool: Pool, wish: Wish, own: Sequence[Atom]) -> str:
    """What the reader called it, else its most telling words as its newest liked paper that has them writes them."""
    words = [atom for atom in own if isinstance(atom, str)]
    if name := wish.interest.name.strip() or ", ".join(words[:2]):
        return name
    liked = [atom for atom in own if not isinstance(atom, str)]
    return _telling(pool, tuple(liked)) or ", ".join(wish.interest.authors[:2])


def _telling(pool: Pool, liked: tuple[int, ...]) -> str:
    width = len(pool.vocabulary.terms)
    mean = sparse.csr_matrix(pool.vectors[list(liked)].sum(axis=0))[:, :width]
    found = next(_strongest(mean, pool.vocabulary.terms), {})
    written = (_phrases(pool.entries[row], found, 0)[:2] for row in reversed(liked))
    return ", ".join(next((phrases for phrases in written if phrases), ()))


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
