"""Why a paper was chosen, in plain words, from the numbers that chose it.

A score is a weighted mean over what the reader likes and said; the parts that brought most of it are told.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from sys import intern
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from newsletter.selector.features import background
from newsletter.selector.kernel import ALONE, EXPLORATORY, FAINT, FAIR, POPULAR, Chosen, Ints, Readers
from newsletter.selector.pool import Pool
from newsletter.selector.profile_arrays import Block
from newsletter.selector.reason_texts import ENGLISH, Wording, of_two, popular, rising
from newsletter.selector.score_table import RIDGE, Atom, terms_of
from newsletter.selector.tokens import LONGEST, STOP, WORD, asked, fold, singular, stem, unspaced
from newsletter.selector.tokens import words as typed_words
from newsletter.types import RISING, Entry, Pick

WORDS = 3  #: named at most
WORTH = 0.2  #: a word is named when it brought at least this share of the likeness
LIKE = 0.04  #: a liked paper is "near" from this share of the likeness on, by its words as they stand
SHORT = 40  #: characters of a title in a reason
TELLING = 12  #: best terms looked at
LONGEST_PHRASE = 8  #: words
GENERIC = 0.02  #: share of all papers from which on a single word is no reason
REMEMBERED = 600_000  #: pairs of a reader's word or paper and a candidate, of some 400 bytes


#: What joins a reader's phrase or liked paper with a candidate: the words they share, as the candidate writes them; the
#: reason, ready-made; whether this is a liked paper's; whether it is only that its readers like papers like this.
#: A plain tuple, since many are kept: the garbage collector leaves out what holds only text.
Link = tuple[tuple[str, ...], str, bool, bool]
NOTHING: Link = ((), "", False, False)


class _PickColumns(NamedTuple):
    """Picks as columns: what their reasons are told from."""

    entry: Ints
    wish: Ints
    way: Ints
    first: Ints
    second: Ints
    up: Ints  #: 1 where it rises

    def some(self, places: Ints) -> _PickColumns:
        return _PickColumns(*(column[places] for column in self))


def tell(
    pool: Pool, block: Block, readers: Readers, chosen: Chosen, wordings: Sequence[Wording] = ()
) -> list[tuple[Pick, ...]]:
    """Picks with their reasons, one tuple a reader, in the reader's language or else in English.

    All picks of a block are one list till the end: a list a reader would take as long as all else.
    """
    picked = np.arange(chosen.entry.shape[1]) < chosen.number[:, None]
    owner = np.repeat(np.arange(len(chosen.number)), chosen.number)
    entry, way, wish = chosen.entry[picked], chosen.way[picked], chosen.wish[picked]
    trend = pool.trend[entry]
    up = (trend >= RISING) & ((way >= POPULAR) | (readers.hype > 0)[owner])
    columns = _PickColumns(entry, wish, way, chosen.first[picked], chosen.second[picked], up.astype(np.int64))
    reasons = _reasons_by_language(pool, block, readers, columns, wordings, owner)
    names, named = _names(pool, block, chosen, owner, wish, chosen.group[picked], way)
    entries, scores = pool.entries, np.round(chosen.score[picked], 6).tolist()
    picks = [
        Pick(entries[entry], score, names[name], reason)
        for entry, score, name, reason in zip(entry.tolist(), scores, named.tolist(), reasons, strict=True)
    ]
    ends = np.cumsum([0, *chosen.number]).tolist()
    return [tuple(picks[start:stop]) for start, stop in pairwise(ends)]


def _reasons_by_language(
    pool: Pool, block: Block, readers: Readers, columns: _PickColumns, wordings: Sequence[Wording], owner: Ints
) -> list[tuple[str, ...]]:
    """The reasons of each pick; `owner`: its reader."""
    different = {id(wording): wording for wording in wordings or [ENGLISH]}
    if len(different) == 1:
        return _reasons(pool, block, readers, columns, *different.values())
    reasons: list[tuple[str, ...]] = [()] * len(owner)
    languages = np.array([id(wording) for wording in wordings])[owner]
    for language, wording in different.items():
        places = np.flatnonzero(languages == language)
        spoken = _reasons(pool, block, readers, columns.some(places), wording)
        for place, reason in zip(places.tolist(), spoken, strict=True):
            reasons[place] = reason
    return reasons


def _reasons(
    pool: Pool, block: Block, readers: Readers, columns: _PickColumns, wording: Wording
) -> list[tuple[str, ...]]:
    links, firsts, seconds = _links(pool, block, readers, columns, wording)
    linked_columns, authored = columns._replace(first=firsts, second=seconds), block.authored
    rises = {entry: _rise(pool, entry, wording) for entry in np.unique(columns.entry[columns.up > 0]).tolist()}
    return [
        _unasked(way, up, wording)
        if way >= POPULAR
        else _line(
            way,
            authored[wish].get(entry, "") if way == FAIR else "",
            links[first],
            links[second],
            rises[entry] if up else "",
            wording,
        )
        for entry, wish, way, first, second, up in zip(*(column.tolist() for column in linked_columns), strict=True)
    ]


def _names(
    pool: Pool, block: Block, chosen: Chosen, owner: Ints, wish: Ints, group: Ints, way: Ints
) -> tuple[list[str], Ints]:
    """Names of interests, "" first; and for each pick the place of its own among them."""
    fair = way == FAIR
    codes = owner[fair] * (int(group.max(initial=0)) + 1) + group[fair]
    _, where, inverse = np.unique(codes, return_index=True, return_inverse=True)
    found = [
        block.interest[its].name.strip() or name(pool, block, chosen.owner, its, number)
        for its, number in zip(wish[fair][where].tolist(), group[fair][where].tolist(), strict=True)
    ]
    places = np.zeros(len(way), np.int64)
    places[fair] = inverse.reshape(-1) + 1
    return ["", *found], places


def shorten(title: str) -> str:
    """At most SHORT characters, cut between words."""
    if len(title) <= SHORT:
        return title
    cut = title[: SHORT - 1]
    return cut[: max(cut.rfind(" "), SHORT // 2)].rstrip(" ,;:-") + "…"


def _unasked(way: int, trending: int, wording: Wording) -> tuple[str, ...]:
    """Of a pick that no interest asked for."""
    if way == ALONE:
        return (wording.trending_alone if trending else wording.new_alone,)
    return (wording.trending if trending else wording.new,)


def _rise(pool: Pool, candidate: int, wording: Wording) -> str:
    votes = pool.entries[candidate].votes or 0
    return rising(wording, votes) if pool.measured else popular(wording, votes)


def _line(way: int, author: str, first: Link, second: Link, rise: str, wording: Wording) -> tuple[str, ...]:
    """The parts of a reason: that a pick is exploratory, its author, and what made most of its score."""
    parts = (first[1],) if first[1] else ()
    if second[1] and second[2] and not first[2]:  # what the reader typed, and a paper that they liked
        parts = (*parts, second[1])
    if way != EXPLORATORY and not author and not rise:
        return parts or (wording.field,)
    outside, by = (wording.outside,) if way == EXPLORATORY else (), (author.join(wording.by),) if author else ()
    return (*outside, *by, *parts, *((rise,) if rise else ())) or (wording.field,)


def _links(
    pool: Pool, block: Block, readers: Readers, columns: _PickColumns, wording: Wording
) -> tuple[list[Link], Ints, Ints]:
    """What picks rest on, NOTHING first; and of each pick's first and second atom the place among them.

    The second is asked only where it is a paper and the first is none.
    """
    links: list[Link] = [NOTHING]
    firsts = _numbered(pool, block, readers.atom, columns.entry, columns.first, links, wording)
    papers = np.append(~readers.word, False)  # -1 is none
    seconds = np.where(papers[columns.second] & ~papers[columns.first], columns.second, -1)
    return links, firsts, _numbered(pool, block, readers.atom, columns.entry, seconds, links, wording)


def _numbered(
    pool: Pool, block: Block, rows: Ints, entry: Ints, atom: Ints, links: list[Link], wording: Wording
) -> Ints:
    """Add to `links` what joins these atoms (-1: none) with these candidates; returns the place of each.

    rows: of the block's atoms in the table, so that those of all readers that are one have one number.
    """
    used, width = atom >= 0, max(pool.size, 1)
    codes, where, inverse = np.unique(rows[atom[used]] * width + entry[used], return_index=True, return_inverse=True)
    atoms = [block.atom[place] for place in atom[used][where].tolist()]
    found = np.zeros(len(atom), np.int64)
    found[used] = inverse.reshape(-1) + len(links)
    links += _known(pool, [*zip(atoms, (codes % width).tolist(), strict=True)], wording)
    return found


def _known(pool: Pool, pairs: Sequence[tuple[Atom, int]], wording: Wording) -> list[Link]:
    """The links of these pairs; those that were told before are remembered.

    Several threads may tell of one pool: what is remembered may be forgotten at any moment, so nothing is read twice.
    """
    keys = [atom * pool.size + entry if isinstance(atom, int) else (atom, entry) for atom, entry in pairs]
    known = pool.links.setdefault(wording, {})
    found = [known.get(key) for key in keys]
    new = [place for place, link in enumerate(found) if link is None]
    if sum(map(len, [*pool.links.values()])) + len(new) > REMEMBERED:
        for known_links in [*pool.links.values()]:
            known_links.clear()
    for kind in (int, str):
        places = [place for place in new if isinstance(pairs[place][0], kind)]
        for start in range(0, len(places), 4096):
            some = places[start : start + 4096]
            for place, link in zip(some, linked(pool, [pairs[place] for place in some], wording), strict=True):
                found[place] = known[keys[place]] = link
    return [link for link in found if link is not None]


def linked(pool: Pool, pairs: Sequence[tuple[Atom, int]], wording: Wording = ENGLISH) -> Iterator[Link]:
    """What joins each word or liked paper (of one kind) with each candidate."""
    if not pairs:
        return
    atoms, entries = [atom for atom, _ in pairs], [entry for _, entry in pairs]
    product = _rows(pool, atoms).multiply(_rows(pool, entries)).tocsr()
    cosines = np.asarray(product.sum(axis=1)).ravel()
    shared = _shared(pool, atoms, entries) if isinstance(atoms[0], int) else np.zeros(len(pairs))
    numbers = zip(cosines.tolist(), (shared > np.maximum(cosines, FAINT)).tolist(), strict=True)
    strongest = _strongest(product, pool.vocabulary.terms)
    for (atom, entry), found, (cosine, beside) in zip(pairs, strongest, numbers, strict=True):
        words = _telling_ones(_phrases(pool.entries[entry], found)) if found else ()
        if isinstance(atom, str):
            yield words, intern(_followed(atom, pool.entries[entry], words, wording)), False, False
        else:
            title = shorten(pool.entries[atom].title) if cosine >= LIKE or beside else ""
            yield words, intern(_liked(title, words, cosine >= LIKE, wording)), True, bool(title) and cosine < LIKE


def _followed(phrase: str, entry: Entry, words: tuple[str, ...], wording: Wording) -> str:
    """Why a paper answers a phrase that the reader typed."""
    wanted = {stem(word) for word in typed_words(asked(phrase))}
    title, abstract = ({stem(word) for word in typed_words(text)} for text in (entry.title, entry.abstract))
    if wanted <= title | abstract:
        one_alone = wording.title if wanted <= title else wording.abstract
        return phrase.join(wording.both if (wanted <= title) == (wanted <= abstract) else one_alone)
    return of_two(wording.partly, phrase, wording.comma.join(words)) if words else phrase.join(wording.around)


def _liked(title: str, words: tuple[str, ...], near: bool, wording: Wording) -> str:
    """Why a paper is like one that the reader liked; title: of that, "" where it should not be named."""
    if title and near:
        return of_two(wording.near_by, title, wording.comma.join(words)) if words else title.join(wording.near)
    return title.join(wording.beside) if title else wording.comma.join(words).join(wording.alike) if words else ""


def _telling_ones(words: tuple[str, ...]) -> tuple[str, ...]:
    """The words of a reason; none where it is one word of many papers only: "video", "reasoning"."""
    return () if len(words) == 1 and background().get(singular(fold(words[0])), 0) > GENERIC else words


def _shared(pool: Pool, atoms: Sequence[Atom], entries: Sequence[int]) -> NDArray[np.float64]:
    """Of the score of each liked paper for each candidate, the part that comes from readers who like both."""
    rows = pool.shared[list(atoms)]
    owner = np.repeat(np.arange(len(atoms)), np.diff(rows.indptr))
    parts = RIDGE * rows.data * pool.damping[rows.indices, np.array(entries)[owner]]
    found: NDArray[np.float64] = np.bincount(owner, weights=parts, minlength=len(atoms)).astype(np.float64)
    return found


def _rows(pool: Pool, atoms: Sequence[Atom]) -> sparse.csr_matrix:
    """As `terms_of`, with each atom weighed once."""
    places = {atom: place for place, atom in enumerate(dict.fromkeys(atoms))}
    return terms_of(pool, [*places])[[places[atom] for atom in atoms]]


def _strongest(shares: sparse.csr_matrix, terms: Sequence[str]) -> Iterator[dict[str, float]]:
    """Per row the terms that brought most of the likeness, with what each brought."""
    shares.eliminate_zeros()
    owner = np.repeat(np.arange(shares.shape[0]), np.diff(shares.indptr))
    order = np.lexsort((shares.indices, -shares.data, owner))
    columns, data = shares.indices[order].tolist(), shares.data[order].tolist()
    for start, end in pairwise(shares.indptr.tolist()):
        some = slice(start, min(end, start + TELLING))
        yield dict(zip([terms[column] for column in columns[some]], data[some], strict=True))


def name(pool: Pool, block: Block, owner: Ints, wish: int, number: int) -> str:
    """What the reader called an interest, else its most telling words as its newest liked paper that has them writes.

    owner: per atom of the block the number of the interest it belongs to: one wish of unassigned likes may be several.
    """
    own = block.atoms(wish)
    if block.unassigned[wish]:
        numbers = owner[block.atom_start[wish] : block.atom_start[wish + 1]].tolist()
        own = [atom for atom, its in zip(own, numbers, strict=True) if its == number]
    words = [atom for atom in own if isinstance(atom, str)]
    if called := block.interest[wish].name.strip() or ", ".join(words[:2]):
        return called
    liked = [atom for atom in own if isinstance(atom, int)]
    return _telling(pool, liked) or ", ".join(block.interest[wish].authors[:2])


def _telling(pool: Pool, liked: Sequence[int]) -> str:
    if not liked:
        return ""
    found = next(_strongest(sparse.csr_matrix(terms_of(pool, liked).sum(axis=0)), pool.vocabulary.terms), {})
    written = (_phrases(pool.entries[row], found, 0)[:2] for row in reversed(liked))
    return ", ".join(next((phrases for phrases in written if phrases), ()))


class TextTokens(NamedTuple):
    """The words of a text that count, with their places; a character each in scripts without spaces."""

    words: tuple[str, ...]  #: folded; and "" at the end
    starts: tuple[int, ...]
    ends: tuple[int, ...]
    joints: tuple[str, ...]  #: what joins it to the word before: " ", "" or none ("\n")
    places: Mapping[str, Sequence[int]]  #: word → where it stands in `words`


@lru_cache(maxsize=8192)
def _tokens(text: str) -> TextTokens:
    found: list[tuple[str, int, int, str]] = []
    last = -1
    for match in WORD.finditer(text):
        start, word = match.start(), fold(match.group())
        if unspaced(word) and len(word) > 1:
            found += [(c, start + i, start + i + 1, "" if i else "\n") for i, c in enumerate(match.group())]
        elif word not in STOP:
            joint = " " if last >= 0 and _JOINT.fullmatch(text, last, start) else "\n"
            found.append((intern(singular(word)), start, match.end(), joint))
        last = match.end() if word not in STOP else -1
    places: dict[str, list[int]] = {}
    for place, token in enumerate(found):
        places.setdefault(token[0], []).append(place)
    words, starts, ends, joints = zip(*found, ("", 0, 0, "\n"), strict=True)
    return TextTokens(words, starts, ends, joints, places)


_JOINT = re.compile(r"[ \-‐‑]")


def _phrases(entry: Entry, found: Mapping[str, float], share: float = WORTH) -> tuple[str, ...]:
    """The strongest words of a paper as it writes them, neighbours together: "state-space models".

    found: the paper's terms, the strongest first, with what each brought; share: of that, what a phrase must have.
    """
    text = "\n".join((entry.abstract[:LONGEST], entry.title, *entry.topics))
    tokens, least = _tokens(text), share * sum(found.values())
    worth: dict[tuple[str, ...], float] = {}
    spans: dict[tuple[str, ...], list[tuple[int, int]]] = {}
    covered: set[int] = set()
    for first, joint, second in filter(None, map(_halves, found)):
        for place in tokens.places.get(first, ()):
            if place not in covered and tokens.words[place + 1] == second and tokens.joints[place + 1] == joint:
                start, stop = _run(tokens, place, found)
                covered.update(range(start, stop - 1))
                run = tokens.words[start:stop]
                spans.setdefault(run, []).append((start, stop))
                if run not in worth:
                    pairs = (_pair(tokens, place) for place in range(start + 1, stop))
                    worth[run] = sum([found.get(term, 0) for term in {*run, *pairs}])
    joined = {word for run in worth for word in run}
    for term in found:
        if term not in joined and term in tokens.places:
            worth[term,] = found[term]
            spans[term,] = [(place, place + 1) for place in tokens.places[term]]
    named: list[tuple[str, ...]] = []
    for run in sorted(worth, key=lambda run: (-worth[run], run)):
        if len(named) == WORDS or (named and worth[run] < least):
            break
        if not any(set(run) <= set(other) or set(other) <= set(run) for other in named):
            named.append(run)
    return tuple(_written(text, tokens, spans[run]) for run in named)


@lru_cache(maxsize=65_536)
def _halves(term: str) -> tuple[str, str, str] | None:
    """The two words of a pair and what joins them; none of a word."""
    first, joint, second = term.partition(" ")
    if joint:
        return first, joint, second
    return (term[0], "", term[1]) if len(term) == 2 and unspaced(term) else None


def _run(tokens: TextTokens, place: int, found: Mapping[str, float]) -> tuple[int, int]:
    """The longest stretch of neighbours around a place whose pairs are all in `found`, up to a bound: from, to."""
    start, stop = place, place + 2
    while start > 0 and stop - start < LONGEST_PHRASE and _pair(tokens, start) in found:
        start -= 1
    while stop - start < LONGEST_PHRASE and _pair(tokens, stop) in found:
        stop += 1
    return start, stop


def _pair(tokens: TextTokens, place: int) -> str:
    """A word and the one before it, as a term; none such where they are no neighbours."""
    return f"{tokens.words[place - 1]}{tokens.joints[place]}{tokens.words[place]}"


def _written(text: str, tokens: TextTokens, spans: Sequence[tuple[int, int]]) -> str:
    """As it stands where it has the fewest capitals: a title may shout."""
    printed = (" ".join(text[tokens.starts[start] : tokens.ends[stop - 1]].split()) for start, stop in spans)
    return min(printed, key=lambda phrase: sum(map(str.isupper, phrase)))
