"""The choice for each reader, in plain loops over numbers: compiled by numba for many readers, as it stands for few.

    atoms ─ group ─▶ interests ─ fit ─▶ rankings ─ merge (fair shares) ─▶ picks ─ credit ─▶ what made each score

How well a paper fits an interest is told in deviations above what is usual for older papers, so it means the same from
week to week and from interest to interest; below a floor there is no match.

numba's compiler takes about 20 s once per installation, and loading what it made 0.2 s; so small work is interpreted,
large work compiled, and both are this one text [measured]. What several functions need comes as NamedTuples, which
numba takes.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from newsletter.selector.jit import machine

FAINT = 0.02  #: score of a group of unassigned likes below which the others do not speak for it
OUTSIDE = 1.0  #: an exploratory pick has so many deviations for an interest of the reader, and a floor's for none
RISE = 8.0  #: deviations that the highest trend is worth, for readers who ask for nothing else
PINNED = 1000.0  #: deviations that a paper by an author of the interest stands above all others
BASE = 200.0  #: added to what is sorted by, so that it is never negative
DEEPEST = -150.0  #: deviations; nothing stands lower
LESS, MOST_LESS = 0.4, 6.0  #: what a disliked paper takes of an excess of its likeness over the interest's, and at most
PEAK = 0.25  #: of what a single phrase says above the floor, the part that counts where all together say less
FLATTEST = 1e-4  #: least deviation of a score: of likes without a word it is 0
STEPS = 1e4  #: scores differ by 1 / STEPS or are equal, and the id decides
TELLING = 0.2  #: of the strongest part of a score, what the second strongest must have to be told
SLACK = 8  #: candidates of an interest kept beyond twice the size, for those that other interests take
GROUPED = 24  #: unassigned likes that are grouped, the newest; older ones follow the nearest
GROUPS = 4  #: interests made of unassigned likes, at most
APART = 0.25  #: groups with a smaller mean cosine are two interests
SMALL = 0.15  #: a group with a smaller share of the unassigned likes joins its nearest
OVERALL = 0.5  #: of the score of such an interest, the part of all unassigned likes and words together
NEAR = 0.35  #: an unassigned like nearer than this to an interest of the reader's own belongs to it
LANES = 128  #: candidates c, c + LANES, … have one best that is known, so most of them need not be looked at
NONE = -1.0  #: value of what does not match
VOID = -1000.0  #: fit of what must not be shown, or speaks for nothing

EVERYWHERE = -2  #: owner of words that speak for every group of unassigned likes
FAIR, EXPLORATORY, POPULAR, ALONE = 0, 1, 2, 3  #: how a candidate came into an edition

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]
Steps = NDArray[np.int16]
Places = NDArray[np.int16]
Doubles = NDArray[np.float64]
Flags = NDArray[np.bool_]


class Scores(NamedTuple):
    """What each atom (a liked paper, or a reader's words) says of every candidate."""

    steps: Steps  #: atoms × candidates, in units of `sizes`
    sizes: Floats  #: atoms
    fields: Floats  #: atoms × dimensions, of length 1: they tell which likes belong together
    means: Floats  #: atoms: mean over older papers
    sketches: Floats  #: atoms × dimensions: the length of a weighted sum of them is the deviation of that sum of scores
    words: Floats  #: atoms: for a reader's words what one deviation is worth in their scores, 0 for papers


class PoolArrays(NamedTuple):
    """The candidates, the same for every reader."""

    trend: Floats  #: 0..1, .5 for unknown
    duplicate_of: Ints  #: the first candidate that tells the same story, itself if no other does
    twin: Flags  #: whether another one tells the same story
    popular: Ints  #: all candidates, best first


class Readers(NamedTuple):
    """A block of readers as arrays; `x_start[i] : x_start[i + 1]` are the x of i."""

    wish_start: Ints  #: readers + 1
    weight: Doubles  #: of each wish (one interest of one reader)
    unassigned: Flags  #: wishes: a bag of likes and words that belong to no interest, the last of its reader
    atom_start: Ints  #: wishes + 1
    atom: Ints  #: row of the table
    share: Doubles  #: its weight in the wish
    word: Flags  #: the reader's own words, no paper
    pin_start: Ints  #: wishes + 1
    pin: Ints  #: candidates by the authors of the wish
    less_start: Ints  #: readers + 1
    less: Ints  #: rows of the table: disliked papers
    less_share: Doubles
    hidden_start: Ints  #: readers + 1
    hidden: Ints  #: candidates that the reader must not get
    size: Ints  #: readers
    hype: Doubles
    surprise: Doubles
    fill: Flags  #: readers who want what is popular in places that are left
    floor: float  #: deviations below which nothing matches, for all of them


class Interests(NamedTuple):
    """The interests of one reader by number: those of their own, then the groups of unassigned likes."""

    reader: int
    first_atom: int  #: of the reader, a place in Readers.atom
    owner: Ints  #: per atom of the reader: the number of the interest that it belongs to, or EVERYWHERE
    weight: Doubles
    wish: Ints  #: the wish that the interest comes from; all groups of unassigned likes come from one
    unassigned: int  #: number of the first group of unassigned likes


class Marks(NamedTuple):
    """What the reader at hand has, or must not get; three arrays, since marks are asked for again and again."""

    used: Ints  #: per candidate the last reader of whom that is true
    shown_story: Ints  #: per story the same
    duplicate_of: Ints  #: as PoolArrays


class Scratch(NamedTuple):
    """Arrays that one thread fills anew for each reader."""

    fits: Floats  #: interests and one more × candidates
    filed: Places  #: candidates: the interest that each fits best, for all groups of unassigned likes the first one
    best: Floats  #: candidates: how well that one fits; VOID for none
    value: Floats  #: candidates: what `rank` sorts by, or NONE
    tops: Floats  #: LANES: what `top` fills
    marks: Marks


class Chosen(NamedTuple):
    """Readers × the largest size; what is beyond `number` means nothing."""

    number: Ints  #: readers: how many picks
    entry: Ints
    wish: Ints  #: the wish that the pick serves, -1 for none; groups of unassigned likes all bear its number
    group: Ints  #: number among the reader's interests
    score: Doubles
    way: Ints
    first: Ints  #: the atom (a place in Readers.atom) that made most of the score, -1 for none
    second: Ints
    share: Doubles  #: fair share of the pick's interest, 0..1
    owner: Ints  #: per atom of the block: the number of the interest that it belongs to
    matches: Ints  #: wishes: candidates that match and may be shown, as far as they were counted


def room(readers: int, largest: int, atoms: int, wishes: int) -> Chosen:
    """Space for the choices of a block."""
    shape = (readers, largest)
    whole = [np.full(shape, -1, np.int64) for _ in range(6)]
    entry, wish, group, way, first, second = whole
    score, share = np.zeros(shape), np.zeros(shape)
    owner, matches = np.zeros(atoms, np.int64), np.zeros(wishes, np.int64)
    return Chosen(np.zeros(readers, np.int64), entry, wish, group, score, way, first, second, share, owner, matches)


def twins(duplicate_of: Ints) -> Flags:
    """Per candidate whether another one tells the same story."""
    return np.bincount(duplicate_of, minlength=len(duplicate_of))[duplicate_of] > 1


def choose(scores: Scores, pool: PoolArrays, readers: Readers, start: int, stop: int, chosen: Chosen) -> None:
    """Fill `chosen` for the readers start..stop; several threads may work on parts of a block."""
    widest = 0
    for reader in range(start, stop):
        widest = max(widest, readers.wish_start[reader + 1] - readers.wish_start[reader])
    scratch = scratch_for(widest + GROUPS + 1, pool.duplicate_of)
    for reader in range(start, stop):
        choose_one(scores, pool, readers, reader, scratch, chosen)


def scratch_for(interests: int, duplicate_of: Ints) -> Scratch:
    """Space for readers of so many interests at most."""
    width = len(duplicate_of)
    marks = Marks(np.full(width, -1, np.int64), np.full(width, -1, np.int64), duplicate_of)
    fits, best, value = (
        np.zeros((interests, width), np.float32),
        np.zeros(width, np.float32),
        np.zeros(width, np.float32),
    )
    return Scratch(fits, np.zeros(width, np.int16), best, value, np.zeros(LANES, np.float32), marks)


def choose_one(
    scores: Scores, pool: PoolArrays, readers: Readers, reader: int, scratch: Scratch, chosen: Chosen
) -> None:
    """Fill `chosen` for one reader."""
    size = min(readers.size[reader], len(pool.trend))
    if size <= 0:
        return
    for candidate in readers.hidden[readers.hidden_start[reader] : readers.hidden_start[reader + 1]]:
        mark(candidate, reader, scratch.marks)
    interests = group(scores.fields, readers, reader, chosen.owner)
    fit(scores, readers, interests, scratch.fits)
    ranked = rank_interests(size, readers, interests, pool, scratch)
    for interest in range(len(interests.weight)):
        chosen.matches[interests.wish[interest]] += (ranked[interest] >= 0).sum()
    count = merge(ranked, size, interests, scratch.marks, chosen)
    most = int(readers.surprise[reader] * size + 1e-9)
    if most > 0 and len(interests.weight) > 0:
        outside(readers.hype[reader], readers.floor, pool.trend, scratch)
        count = explore(most, size, count, interests, scratch, chosen)
    account(scores, readers, interests, count, chosen)
    chosen.number[reader] = fill_up(readers, reader, count, size, pool, scratch.marks, chosen)


def mark(candidate: int, reader: int, marks: Marks) -> None:
    """Neither this candidate nor what tells the same is free for `reader` any more; -1: free for everybody."""
    marks.used[candidate] = marks.shown_story[marks.duplicate_of[candidate]] = reader


def is_free(candidate: int, reader: int, marks: Marks) -> bool:
    """Whether the reader may get this candidate and has nothing that tells the same."""
    unused: bool = marks.used[candidate] != reader
    return unused and marks.shown_story[marks.duplicate_of[candidate]] != reader


def put(candidate: int, interest: int, score: float, way: int, reader: int, place: int, chosen: Chosen) -> None:
    """Write one pick of a reader down."""
    chosen.entry[reader, place] = candidate
    chosen.group[reader, place] = interest
    chosen.score[reader, place] = score
    chosen.way[reader, place] = way


def group(fields: Floats, readers: Readers, reader: int, owners: Ints) -> Interests:
    """Which interest each atom of a reader belongs to, written into `owners` (atoms of the block) too.

    An interest of the reader's own keeps its atoms. Unassigned ones near it join it; the others are grouped by average
    linkage into at most GROUPS interests, which share the weight of the unassigned ones by size.
    """
    first, last = readers.wish_start[reader], readers.wish_start[reader + 1]
    low, most = readers.atom_start[first], last - first + GROUPS + 1
    owner, weight, wish_of = owners[low : readers.atom_start[last]], np.zeros(most), np.zeros(most, np.int64)
    named, number = 0, 0
    for wish in range(first, last):
        if readers.unassigned[wish]:
            number += group_unassigned(
                fields, readers, wish, number, Interests(reader, low, owner, weight, wish_of, named)
            )
        else:
            owner[readers.atom_start[wish] - low : readers.atom_start[wish + 1] - low] = number
            weight[number], wish_of[number] = readers.weight[wish], wish
            number += 1
            named = number
    return Interests(reader, low, owner, weight[:number], wish_of[:number], named)


def group_unassigned(fields: Floats, readers: Readers, wish: int, number: int, interests: Interests) -> int:
    """Add the groups of a bag of likes and words, numbered from `number`; returns how many there are."""
    low, owner = interests.first_atom, interests.owner
    begin, end = readers.atom_start[wish], readers.atom_start[wish + 1]
    free = np.zeros(end - begin, np.int64)
    left, words = 0, 0
    for place in range(begin, end):
        if readers.word[place]:
            words += 1
            owner[place - low] = EVERYWHERE
            continue
        owner[place - low] = near_interest(fields, readers, place, begin, interests)
        if owner[place - low] < 0:
            free[left] = place
            left += 1
    if left == 0 and words == 0:
        return 0
    if left == 0:
        owner[begin - low : end - low][readers.word[begin:end]] = number
        interests.weight[number], interests.wish[number] = readers.weight[wish], wish
        return 1
    labels, mass = linked(fields, readers.atom, readers.share, free[:left]), np.zeros(GROUPS)
    for place in range(left):
        owner[free[place] - low] = number + labels[place]
        mass[labels[place]] += readers.share[free[place]]
    groups: int = labels.max() + 1
    if groups == 1:
        owner[begin - low : end - low][readers.word[begin:end]] = number
    for label in range(groups):
        interests.weight[number + label] = readers.weight[wish] * mass[label] / max(mass.sum(), 1e-12)
        interests.wish[number + label] = wish
    return groups


def near_interest(fields: Floats, readers: Readers, place: int, stop: int, interests: Interests) -> int:
    """The interest of the reader's own that has the atom nearest to the one at `place`, -1 for none near.

    stop: the end of the atoms of those interests.
    """
    nearest, highest = -1, NEAR
    for other in range(interests.first_atom, stop):
        interest = interests.owner[other - interests.first_atom]
        if interests.weight[interest] > 0:
            found = np.dot(fields[readers.atom[place]], fields[readers.atom[other]])
            if found > highest:
                nearest, highest = interest, found
    return nearest


def linked(fields: Floats, atom: Ints, share: Doubles, free: Ints) -> Ints:
    """A label 0.. for each of these atoms, in the order in which they first appear."""
    count = len(free)
    newest = max(0, count - GROUPED)
    few = count - newest
    label = newest_linked(fields, atom, share, free[newest:])
    labels = np.zeros(count, np.int64)
    for place in range(newest):
        nearest, highest = 0, -2.0
        for one in range(few):
            found = np.dot(fields[atom[free[place]]], fields[atom[free[newest + one]]])
            if found > highest:
                nearest, highest = one, found
        labels[place] = label[nearest]
    labels[newest:] = label
    names = np.full(few, -1, np.int64)
    number = 0
    for place in range(count):
        if names[labels[place]] < 0:
            names[labels[place]] = number
            number += 1
        labels[place] = names[labels[place]]
    return labels


def newest_linked(fields: Floats, atom: Ints, share: Doubles, free: Ints) -> Ints:
    """For each of these atoms the first of its group, by average linkage weighted by their shares."""
    few = len(free)
    near, label, mass = np.zeros((few, few)), np.arange(few), np.zeros(few)
    for one in range(few):
        mass[one] = share[free[one]]
        for other in range(one):
            cosine = np.dot(fields[atom[free[one]]], fields[atom[free[other]]])
            near[one, other] = near[other, one] = cosine
    alive, whole = few, mass.sum()
    while alive > 1:
        one, other = closest(near, label, mass, whole, alive > GROUPS)
        if one < 0:
            break
        both = mass[one] + mass[other]
        for third in range(few):
            mean = (mass[one] * near[one, third] + mass[other] * near[other, third]) / max(both, 1e-12)
            near[other, third] = near[third, other] = mean
        mass[other] = both
        for third in range(few):
            if label[third] == one:
                label[third] = other
        alive -= 1
    return label


def closest(near: Doubles, label: Ints, mass: Doubles, whole: float, many: bool) -> tuple[int, int]:
    """The two groups to be joined next, -1 for none; `many`: more than may stay."""
    best, highest = (-1, -1), -2.0
    for one in range(len(label)):
        for other in range(one):
            if label[one] == one and label[other] == other:
                forced = many or min(mass[one], mass[other]) < SMALL * whole
                if (forced or near[one, other] >= APART) and near[one, other] > highest:
                    best, highest = (one, other), near[one, other]
    return best


def fit(scores: Scores, readers: Readers, interests: Interests, fits: Floats) -> None:
    """fits[interest]: the weighted mean of its atoms' scores in deviations, less what is more like a disliked paper.

    A phrase that by itself is above the floor brings the fit there, too. Several groups of unassigned likes speak
    for each other by OVERALL, but only of what a group would match by itself; of the rest its fit is VOID. The row
    behind the last interest holds what all of them say together.
    """
    number, mass = len(interests.weight), masses(readers, interests)
    means, sketches = np.zeros(number + 1), np.zeros((number + 1, scores.sketches.shape[1]))
    add_likes(scores, readers, interests, mass, fits)
    add_usual(scores, readers, interests, mass, means, sketches)
    if number - interests.unassigned > 1:
        mix_groups(interests, mass, fits, means, sketches)
    for interest in range(number):
        in_deviations(fits[interest], means[interest], length_of(sketches[interest]))
    add_peaks(scores, readers, interests, fits)
    take_dislikes(scores, readers, interests, fits)


def masses(readers: Readers, interests: Interests) -> Doubles:
    """What the shares of each interest's atoms sum to; behind the last, of all groups of unassigned likes."""
    number, owner = len(interests.weight), interests.owner
    mass = np.zeros(number + 1)
    several = number - interests.unassigned > 1
    for place in range(len(owner)):
        share = readers.share[interests.first_atom + place]
        if owner[place] >= 0:
            mass[owner[place]] += share
        if several and (owner[place] >= interests.unassigned or owner[place] == EVERYWHERE):
            mass[number] += share
    return mass


def add_likes(scores: Scores, readers: Readers, interests: Interests, mass: Doubles, fits: Floats) -> None:
    """fits[interest]: the weighted mean of its atoms' scores; behind the last, what those of EVERYWHERE add to all."""
    number, owner = len(interests.weight), interests.owner
    for interest in range(number + 1):
        fits[interest] = 0
    for place in range(len(owner)):
        interest = owner[place] if owner[place] >= 0 else number
        atom = readers.atom[interests.first_atom + place]
        mine, row = fits[interest], scores.steps[atom]
        part = np.float32(scores.sizes[atom] * readers.share[interests.first_atom + place] / mass[interest])
        for candidate in range(len(row)):
            mine[candidate] += part * np.float32(row[candidate])


def add_usual(
    scores: Scores, readers: Readers, interests: Interests, mass: Doubles, means: Doubles, sketches: Doubles
) -> None:
    """Add up what is usual as `add_likes` adds up the scores."""
    number, owner = len(interests.weight), interests.owner
    for place in range(len(owner)):
        interest = owner[place] if owner[place] >= 0 else number
        atom = readers.atom[interests.first_atom + place]
        part = readers.share[interests.first_atom + place] / mass[interest]
        means[interest] += part * scores.means[atom]
        for dimension in range(sketches.shape[1]):
            sketches[interest, dimension] += part * scores.sketches[atom, dimension]


def length_of(sketch: NDArray[Any]) -> float:
    """Its length, which is a deviation; added up in one order, as numpy and numba do not by themselves."""
    squares = 0.0
    for dimension in range(len(sketch)):
        squares += np.float64(sketch[dimension]) * np.float64(sketch[dimension])
    return float(np.sqrt(squares))


def in_deviations(fits: Floats, mean: float, deviation: float) -> None:
    """Tell fits in deviations above the mean."""
    middle, unit = np.float32(mean), np.float32(1 / max(deviation, FLATTEST))
    lowest, void = np.float32(DEEPEST), np.float32(VOID)
    for candidate in range(len(fits)):
        told = max((fits[candidate] - middle) * unit, lowest)
        fits[candidate] = told if fits[candidate] > void else void


def add_peaks(scores: Scores, readers: Readers, interests: Interests, fits: Floats) -> None:
    """Raise fits by what a single phrase says: of five phrases a paper need not speak of more than one to match.

    Above the floor it counts by PEAK only: nDCG@10 of keywords alone is .19 / .13 by their mean and .17 / .10 by the
    highest of them [measured].
    """
    number, owner = len(interests.weight), interests.owner
    for place in range(len(owner)):
        atom = readers.atom[interests.first_atom + place]
        if scores.words[atom] > 0:
            row, unit = scores.steps[atom], np.float32(scores.sizes[atom] / scores.words[atom])
            first = owner[place] if owner[place] >= 0 else interests.unassigned
            last = first + 1 if owner[place] >= 0 else number
            for interest in range(first, last):
                if interest < interests.unassigned:
                    raise_to(fits[interest], row, unit, readers.floor)
                else:
                    raise_known(fits[interest], row, unit, readers.floor)


def raise_to(fits: Floats, row: Steps, unit: Any, floor: float) -> None:
    """Raise fits by what a row says."""
    start, part = np.float32((1 - PEAK) * floor), np.float32(PEAK)
    for candidate in range(len(row)):
        said = unit * np.float32(row[candidate])
        fits[candidate] = max(fits[candidate], min(said, start + part * said))


def raise_known(fits: Floats, row: Steps, unit: Any, floor: float) -> None:
    """The same, but for those that are VOID."""
    start, part = np.float32((1 - PEAK) * floor), np.float32(PEAK)
    for candidate in range(len(row)):
        if fits[candidate] > np.float32(VOID):
            said = unit * np.float32(row[candidate])
            fits[candidate] = max(fits[candidate], min(said, start + part * said))


def peak(said: float, floor: float) -> float:
    """What a phrase that says so much by itself brings the fit to, in deviations."""
    return min(said, (1 - PEAK) * floor + PEAK * said)


def mix_groups(interests: Interests, mass: Doubles, fits: Floats, means: Doubles, sketches: Doubles) -> None:
    """Let groups of unassigned likes speak for each other."""
    number, width = len(interests.weight), fits.shape[1]
    together = fits[number]
    for interest in range(interests.unassigned, number):
        part = np.float32(mass[interest] / mass[number])
        for candidate in range(width):
            together[candidate] += part * fits[interest, candidate]
        means[number] += mass[interest] / mass[number] * means[interest]
        sketches[number] += mass[interest] / mass[number] * sketches[interest]
    common, own = np.float32(OVERALL), np.float32(1 - OVERALL)  # compiled code would reckon in doubles
    for interest in range(interests.unassigned, number):
        means[interest] = OVERALL * means[number] + (1 - OVERALL) * means[interest]
        sketches[interest] = OVERALL * sketches[number] + (1 - OVERALL) * sketches[interest]
        for candidate in range(width):
            mixed = common * together[candidate] + own * fits[interest, candidate]
            fits[interest, candidate] = mixed if fits[interest, candidate] >= np.float32(FAINT) else np.float32(VOID)


def taken(excess: Any) -> Any:
    """Deviations that a disliked paper takes; an array, too."""
    return LESS * excess / (1 + LESS * excess / MOST_LESS)


def take_dislikes(scores: Scores, readers: Readers, interests: Interests, fits: Floats) -> None:
    """Lower what is more like a disliked paper than like the interest, by one disliked paper after the other."""
    for place in range(readers.less_start[interests.reader], readers.less_start[interests.reader + 1]):
        atom = readers.less[place]
        row, share = scores.steps[atom], readers.less_share[place]
        unit = share / max(length_of(scores.sketches[atom]), FLATTEST)
        part, middle = np.float32(scores.sizes[atom] * unit), np.float32(scores.means[atom] * unit)
        for interest in range(len(interests.weight)):
            mine = fits[interest]
            for candidate in range(len(mine)):
                excess = part * np.float32(row[candidate]) - middle - max(mine[candidate], np.float32(0))
                mine[candidate] -= np.float32(taken(max(excess, np.float32(0))))


def top(value: Floats, tops: Floats) -> None:
    """tops[i]: the largest of value[i], value[i + LANES], …: many are compared at once, unlike with one maximum."""
    tops[:] = NONE
    for start in range(0, len(value), LANES):
        for lane in range(min(LANES, len(value) - start)):
            tops[lane] = max(tops[lane], value[start + lane])


def fill_values(
    fits: Floats, filing: int, pins: Ints, trend: Floats, hype: float, floor: float, scratch: Scratch
) -> None:
    """Fill the scratch's value, (1 - hype) · fit + hype · RISE · trend above BASE, or NONE for no match, and its tops.

    filing: only candidates that are filed under this number match. pins: those by authors of the interest.
    """
    filed, value, tops = scratch.filed, scratch.value, scratch.tops
    own, rise, least = np.float32(1 - hype), np.float32(hype * RISE), np.float32(max(floor, DEEPEST))
    base, none, number = np.float32(BASE), np.float32(NONE), np.int16(filing)
    for candidate in range(len(fits)):
        matched = base + own * fits[candidate] + rise * trend[candidate]
        value[candidate] = matched if filed[candidate] == number and fits[candidate] >= least else none
    top(value, tops)
    fill_pinned(pins, fits, filed, filing, trend, hype, value, tops)


def fill_pinned(
    pins: Ints, fits: Floats, filed: Places, filing: int, trend: Floats, hype: float, value: Floats, tops: Floats
) -> None:
    """The same for papers by the authors of the interest: PINNED counts whole, beside the rest of their fit."""
    for candidate in pins:
        if fits[candidate] > np.float32(VOID) and filed[candidate] == filing:
            beside = (1 - hype) * (fits[candidate] - PINNED) + hype * RISE * trend[candidate]
            value[candidate] = np.float32(BASE + PINNED + beside)
            tops[candidate % LANES] = max(tops[candidate % LANES], value[candidate])


def pin(pins: Ints, fits: Floats) -> None:
    """Put papers by the authors of an interest above all others, but for those that must not be shown."""
    for candidate in pins:
        if fits[candidate] > np.float32(VOID):
            fits[candidate] = np.float32(PINNED) + max(fits[candidate], np.float32(0))


def sort_key(value: float, candidate: int, width: int) -> int:
    """By value in steps, then by id."""
    return int(np.float64(value) * STEPS + 0.5) * width + (width - 1 - candidate)


def candidate_of(key: Any, width: int) -> Any:
    """The candidate of a key, or those of an array of keys."""
    return width - 1 - key % width


def score_of(key: int, width: int) -> float:
    """The score of a key's candidate, in whole steps; PINNED is not told."""
    score = (key // width) / STEPS - BASE
    return score - PINNED if score > PINNED / 2 else score


def rank_interests(size: int, readers: Readers, interests: Interests, pool: PoolArrays, scratch: Scratch) -> Ints:
    """interests × the most that may be needed: keys as `rank` leaves them. A paper is ranked where it fits best."""
    reader, number = interests.reader, len(interests.weight)
    hidden = readers.hidden[readers.hidden_start[reader] : readers.hidden_start[reader + 1]]
    ranked = np.full((number, min(2 * size + SLACK, len(pool.trend))), -1, np.int64)
    for interest in range(number):
        for candidate in hidden:
            scratch.fits[interest, candidate] = VOID
        wish = interests.wish[interest]
        pin(readers.pin[readers.pin_start[wish] : readers.pin_start[wish + 1]], scratch.fits[interest])
    file_papers(interests, scratch)
    for interest in range(number):
        if interests.weight[interest] > 0:
            wish, hype, fits = interests.wish[interest], readers.hype[reader], scratch.fits[interest]
            pins = readers.pin[readers.pin_start[wish] : readers.pin_start[wish + 1]]
            fill_values(fits, filing_of(interest, interests), pins, pool.trend, hype, readers.floor, scratch)
            rank(scratch.value, scratch.tops, pool, ranked[interest])
    return ranked


def filing_of(interest: int, interests: Interests) -> int:
    """The number under which an interest's papers are filed: one for all groups of unassigned likes.

    They are no interests that the reader told apart: with a paper in one group only nDCG@10 is .246 / .276, not .27 /
    .29, for who likes many [measured].
    """
    return min(interest, interests.unassigned)


def file_papers(interests: Interests, scratch: Scratch) -> None:
    """Fill `filed` and `best`: of interests with a weight the one that a candidate fits best, the first of equals."""
    best, filed = scratch.best, scratch.filed
    best[:] = np.float32(VOID)
    filed[:] = -1
    for interest in range(len(interests.weight)):
        if interests.weight[interest] > 0:
            mine, number = scratch.fits[interest], np.int16(filing_of(interest, interests))
            for candidate in range(len(mine)):
                filed[candidate] = number if mine[candidate] > best[candidate] else filed[candidate]
                best[candidate] = max(mine[candidate], best[candidate])


def rank(value: Floats, tops: Floats, pool: PoolArrays, ranked: Ints) -> None:
    """Fill `ranked` with the keys of the best matching candidates, best first; -1 behind the last.

    Of those that tell one story, the best one only.
    """
    width, keep, found = len(value), len(ranked), 0
    duplicate_of, twin = pool.duplicate_of, pool.twin
    floor = np.float32(0)  # what is worth less has no chance
    for lane in range(LANES):
        if tops[lane] < floor:
            continue
        for candidate in range(lane, width, LANES):
            if value[candidate] < floor:
                continue
            mine = sort_key(value[candidate], candidate, width)
            if twin[candidate]:
                place = place_of_duplicate(ranked[:found], duplicate_of, candidate)
                if place >= 0:
                    if mine > ranked[place]:
                        ranked[place] = mine
                        if found == keep:
                            ranked.sort()
                            floor = np.float32((ranked[0] // width - 1) / STEPS)
                    continue
            if found < keep:
                ranked[found] = mine
                found += 1
                if found < keep:
                    continue
                ranked.sort()
            elif mine > ranked[0]:
                place = 0
                while place + 1 < keep and ranked[place + 1] < mine:
                    ranked[place] = ranked[place + 1]
                    place += 1
                ranked[place] = mine
            floor = np.float32((ranked[0] // width - 1) / STEPS)
    ranked[:found].sort()
    ranked[:found] = ranked[:found][::-1].copy()


def place_of_duplicate(keys: Ints, duplicate_of: Ints, candidate: int) -> int:
    """The place of the key of a candidate that tells the same, -1 for none."""
    width = len(duplicate_of)
    for place in range(len(keys)):
        if keys[place] >= 0 and duplicate_of[candidate_of(keys[place], width)] == duplicate_of[candidate]:
            return place
    return -1


def next_interest(weight: Doubles, places: Ints, alive: Flags) -> int:
    """Sainte-Laguë: the largest weight / (2·places so far + 1); of equals the one with less weight, then the first."""
    chosen, highest = -1, 0.0
    for interest in range(len(weight)):
        if not alive[interest]:
            continue
        quotient = weight[interest] / (2 * places[interest] + 1)
        equal = abs(quotient - highest) <= 1e-9 * highest
        if chosen < 0 or (quotient > highest and not equal) or (equal and weight[interest] < weight[chosen]):
            chosen, highest = interest, quotient
    return chosen


def merge(ranked: Ints, size: int, interests: Interests, marks: Marks, chosen: Chosen) -> int:
    """Fair shares: each interest in its turn takes its best candidate that is left; returns how many were taken.

    Weights ≤ 0 get no place; an interest that has run dry leaves its places to the others. The first n are fair for
    every n.
    """
    reader, width, count = interests.reader, len(marks.used), 0
    places = np.zeros(len(interests.weight), np.int64)
    at = np.zeros(len(interests.weight), np.int64)
    alive = interests.weight > 0
    while count < size:
        interest = next_interest(interests.weight, places, alive)
        if interest < 0:
            break
        taken: Any = np.int64(-1)
        while taken < 0 and at[interest] < ranked.shape[1] and ranked[interest, at[interest]] >= 0:
            if is_free(candidate_of(ranked[interest, at[interest]], width), reader, marks):
                taken = ranked[interest, at[interest]]
            at[interest] += 1
        if taken < 0:
            alive[interest] = False
            continue
        places[interest] += 1
        mark(candidate_of(taken, width), reader, marks)
        put(candidate_of(taken, width), interest, score_of(taken, width), FAIR, reader, count, chosen)
        count += 1
    return count


def explore(most: int, size: int, count: int, interests: Interests, scratch: Scratch, chosen: Chosen) -> int:
    """Put up to `most` candidates a little outside the interests in the last places; returns the new count.

    scratch: its value and tops as `outside` leaves them.
    """
    reader, width, marks = interests.reader, len(scratch.value), scratch.marks
    keys = exploratory_keys(most, min(count, size - most), reader, scratch, chosen)
    place = make_room(keys, size, count, reader, marks, chosen)
    for key in keys:
        candidate = candidate_of(key, width)
        mark(candidate, reader, marks)
        interest = nearest(scratch.fits, interests.weight, candidate)
        put(candidate, interest, score_of(key, width), EXPLORATORY, reader, place, chosen)
        place += 1
    return place


def exploratory_keys(most: int, kept: int, reader: int, scratch: Scratch, chosen: Chosen) -> Ints:
    """The keys of the best exploratory candidates, best first, that tell nothing of the first `kept` picks again."""
    value, tops, marks, width = scratch.value, scratch.tops, scratch.marks, len(scratch.value)
    keys = np.full(most, -1, np.int64)
    for lane in range(LANES):
        if tops[lane] < 0 or sort_key(tops[lane], 0, width) < keys[most - 1]:
            continue
        for candidate in range(lane, width, LANES):
            mine = sort_key(value[candidate], candidate, width)
            if value[candidate] < 0 or mine < keys[most - 1]:
                continue
            late = False
            for place in range(kept):
                if marks.duplicate_of[chosen.entry[reader, place]] == marks.duplicate_of[candidate]:
                    late = True
                    break
            shown = marks.shown_story[marks.duplicate_of[candidate]] == reader
            if late or (shown and marks.used[candidate] != reader):
                continue
            place = place_of_duplicate(keys, marks.duplicate_of, candidate)
            if place >= 0 and mine < keys[place]:
                continue
            place = most - 1 if place < 0 else place
            while place > 0 and mine > keys[place - 1]:
                keys[place] = keys[place - 1]
                place -= 1
            keys[place] = mine
    found = 0
    while found < most and keys[found] >= 0:
        found += 1
    return keys[:found]


def make_room(keys: Ints, size: int, count: int, reader: int, marks: Marks, chosen: Chosen) -> int:
    """Leave the last places of the regular picks to these keys; returns how many regular picks stay.

    A regular pick that is also exploratory moves to the end.
    """
    width, kept = len(marks.used), 0
    for place in range(count):
        candidate, moved = chosen.entry[reader, place], False
        for key in keys:
            moved = moved or candidate_of(key, width) == candidate
        if not moved and kept < size - len(keys):
            put(candidate, chosen.group[reader, place], chosen.score[reader, place], FAIR, reader, kept, chosen)
            kept += 1
        elif not moved:
            mark(candidate, -1, marks)
    return kept


def outside(hype: float, floor: float, trend: Floats, scratch: Scratch) -> None:
    """Fill the scratch's value and tops for what comes near an interest, but matches none, by its `best`."""
    best, value, least, below = scratch.best, scratch.value, np.float32(OUTSIDE), np.float32(floor)
    own, rise, base, none = np.float32(1 - hype), np.float32(hype * RISE), np.float32(BASE), np.float32(NONE)
    for candidate in range(len(best)):
        near = base + own * best[candidate] + rise * trend[candidate]
        value[candidate] = near if best[candidate] >= least and best[candidate] < below else none
    top(value, scratch.tops)


def nearest(fits: Floats, weight: Doubles, candidate: int) -> int:
    """The interest that a candidate fits best."""
    found, highest = -1, np.float32(VOID)
    for interest in range(len(weight)):
        if weight[interest] > 0 and fits[interest, candidate] > highest:
            found, highest = interest, fits[interest, candidate]
    return found


def account(scores: Scores, readers: Readers, interests: Interests, count: int, chosen: Chosen) -> None:
    """Write down what each of the first `count` picks serves, and what made its score."""
    reader, low = interests.reader, interests.first_atom
    atom, share = readers.atom[low : low + len(interests.owner)], readers.share[low : low + len(interests.owner)]
    total = 0.0
    for weight in interests.weight:
        total += weight
    for place in range(count):
        interest = chosen.group[reader, place]
        if interest >= 0:
            chosen.wish[reader, place] = interests.wish[interest]
            chosen.share[reader, place] = interests.weight[interest] / total
            first, second = credit(scores, atom, share, interests, interest, chosen.entry[reader, place], readers.floor)
            chosen.first[reader, place] = low + first if first >= 0 else -1
            chosen.second[reader, place] = low + second if second >= 0 else -1


def credit(
    scores: Scores,
    atom: Ints,
    share: Doubles,
    interests: Interests,
    interest: int,
    candidate: int,
    floor: float,
) -> tuple[int, int]:
    """The two atoms that gave a pick most of its score, as `fit` weighs them; the second, if it gave some of it.

    Where one phrase says more than all together, it alone. atom, share: of the reader. Places among them, -1 for none.
    """
    owner, unassigned = interests.owner, interests.unassigned
    whole, mine, several = 0.0, 0.0, False
    for place in range(len(owner)):
        if interest >= unassigned and (owner[place] >= unassigned or owner[place] == EVERYWHERE):
            whole += share[place]
            several = several or owner[place] != interest
        if owner[place] == interest:
            mine += share[place]
    first, second, most, next_most = -1, -1, 0.0, 0.0
    loudest, said, together = -1, 0.0, 0.0
    weights = np.zeros(len(owner))
    for place in range(len(owner)):
        row = atom[place]
        weight = share[place] / mine if owner[place] == interest else 0.0
        every = owner[place] >= unassigned or owner[place] == EVERYWHERE
        if several:
            weight = (1 - OVERALL) * weight + (OVERALL * share[place] / whole if every else 0.0)
        weights[place] = weight
        part = weight * (scores.sizes[row] * scores.steps[row, candidate] - scores.means[row])
        together += part
        if part > most:
            next_most, second = most, first
            most, first = part, place
        elif part > next_most:
            next_most, second = part, place
        if scores.words[row] > 0 and (owner[place] == interest or (owner[place] == EVERYWHERE and every)):
            alone = scores.sizes[row] / scores.words[row] * scores.steps[row, candidate]
            if alone > said:
                loudest, said = place, alone
    if loudest >= 0 and peak(said, floor) > together / max(deviation(scores.sketches, atom, weights), FLATTEST):
        return loudest, -1
    return first, second if next_most >= TELLING * most else -1


def deviation(sketches: Floats, atom: Ints, weights: Doubles) -> float:
    """Of the weighted sum of these atoms' scores."""
    squares = 0.0
    for dimension in range(sketches.shape[1]):
        length = 0.0
        for place in range(len(atom)):
            if weights[place] != 0:
                length += weights[place] * sketches[atom[place], dimension]
        squares += length * length
    return float(np.sqrt(squares))


def fill_up(
    readers: Readers, reader: int, count: int, size: int, pool: PoolArrays, marks: Marks, chosen: Chosen
) -> int:
    """Put what is popular in the places that are left, where it is wanted; returns how many picks there are then."""
    way = POPULAR if readers.wish_start[reader + 1] > readers.wish_start[reader] else ALONE
    if way == POPULAR and not readers.fill[reader]:
        return count
    for candidate in pool.popular:
        if count == size:
            break
        if is_free(candidate, reader, marks):
            mark(candidate, reader, marks)
            put(candidate, -1, readers.hype[reader] * RISE * pool.trend[candidate], way, reader, count, chosen)
            count += 1
    return count


_SMALL = (mark, is_free, put, candidate_of, score_of, sort_key, top, place_of_duplicate)
_GROUPING = (near_interest, closest, newest_linked, linked, group_unassigned, group)
_FITTING = (
    masses,
    add_likes,
    add_usual,
    mix_groups,
    length_of,
    in_deviations,
    raise_to,
    raise_known,
    peak,
    add_peaks,
    taken,
    take_dislikes,
    fit,
)
_RANKING = (filing_of, fill_pinned, fill_values, pin, file_papers, rank, rank_interests, next_interest, merge)
_EXPLORING = (outside, nearest, exploratory_keys, make_room, explore)
_PARTS = (
    *_SMALL,
    *_GROUPING,
    *_FITTING,
    *_RANKING,
    *_EXPLORING,
    deviation,
    credit,
    account,
    fill_up,
    scratch_for,
    choose_one,
)


@lru_cache(maxsize=1)
def compiled() -> Callable[..., Any]:
    """`choose` as machine code."""
    return machine(choose, *_PARTS)


def is_compiled() -> bool:
    """Whether `choose` is there as machine code, so that it costs nothing more to take that."""
    return bool(compiled.cache_info().currsize and getattr(compiled(), "overloads", None))
