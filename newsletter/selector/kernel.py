"""The choice for each reader, in plain loops over numbers: compiled by numba for many readers, as it stands for few.

    atoms ─ group ─▶ interests ─ fit ─▶ rankings ─ merge (fair shares) ─▶ picks ─ credit ─▶ what made each score

numba's compiler takes about 15 s once per installation, and loading what it made 0.2 s; so small work is interpreted,
large work compiled, and both are this one text [measured].
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from newsletter.selector.jit import machine

FAINT, WEAK = 0.02, 0.15  #: no match below this score, nor below this share of the interest's best
OUTSIDE = 0.5  #: an exploratory pick has less than this relevance for every interest of the reader
PINNED = 1.01  #: a paper by an author of the interest stands above the best by words and trend
LESS = 0.5  #: what a disliked paper takes from the papers that are more like it than like the interest
STEPS = 1e6  #: scores differ by 1 / STEPS or are equal, and the id decides
TELLING = 0.2  #: of the strongest part of a score, what the second strongest must have to be told
SLACK = 8  #: candidates of an interest kept beyond twice the size, for those that other interests take
GROUPED = 24  #: loose likes that are grouped, the newest; older ones follow the nearest
GROUPS = 4  #: interests made of loose likes, at most
APART = 0.25  #: groups with a smaller mean cosine are two interests
SMALL = 0.15  #: a group with a smaller share of the loose likes joins its nearest
OVERALL = 0.7  #: of the score of such an interest, the part of all loose likes and words together
NEAR = 0.35  #: a loose like nearer than this to an interest of the reader's own belongs to it
LANES = 128  #: candidates c, c + LANES, … have one best that is known, so most of them need not be looked at
NONE = -1.0  #: worth of what does not match; fit of what must not be shown

EVERYWHERE = -2  #: owner of words that speak for every group of loose likes
FAIR, STRANGE, POPULAR, ALONE = 0, 1, 2, 3  #: how a candidate came into an edition

Ints = NDArray[np.int64]
Floats = NDArray[np.float32]
Steps = NDArray[np.int16]
Doubles = NDArray[np.float64]


class Readers(NamedTuple):
    """A block of readers as arrays; `x_start[i] : x_start[i + 1]` are the x of i."""

    wish_start: Ints  #: readers + 1
    weight: Doubles  #: of each wish (one interest of one reader)
    loose: NDArray[np.bool_]  #: wishes: a bag of likes and words that belong to no interest, the last of its reader
    atom_start: Ints  #: wishes + 1
    atom: Ints  #: row of the table
    share: Doubles  #: its weight in the wish
    word: NDArray[np.bool_]  #: the reader's own words, no paper
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


class Chosen(NamedTuple):
    """Readers × the largest size; what is beyond `number` means nothing."""

    number: Ints  #: readers: how many picks
    entry: Ints
    wish: Ints  #: the wish that the pick serves, -1 for none; groups of a loose wish all bear its number
    group: Ints  #: number among the reader's interests
    score: Doubles
    way: Ints
    first: Ints  #: the atom (a place in Readers.atom) that made most of the score, -1 for none
    second: Ints
    share: Doubles  #: fair share of the pick's interest, 0..1
    owner: Ints  #: per atom of the block: the number of the interest that it belongs to


def room(readers: int, largest: int, atoms: int) -> Chosen:
    """Space for the choices of a block."""
    shape = (readers, largest)
    whole = [np.full(shape, -1, np.int64) for _ in range(6)]
    entry, wish, group, way, first, second = whole
    score, share = np.zeros(shape), np.zeros(shape)
    owner = np.zeros(atoms, np.int64)
    return Chosen(np.zeros(readers, np.int64), entry, wish, group, score, way, first, second, share, owner)


def twins(story: Ints) -> NDArray[np.bool_]:
    """Per candidate whether another one tells the same story."""
    return np.bincount(story, minlength=len(story))[story] > 1


def choose(
    steps: Steps,
    sizes: Floats,
    fields: Floats,
    trend: Floats,
    story: Ints,
    twin: NDArray[np.bool_],
    popular: Ints,
    readers: Readers,
    start: int,
    stop: int,
    chosen: Chosen,
) -> None:
    """Fill `chosen` for the readers start..stop; several threads may work on parts of a block.

    steps: atoms × candidates, in units of sizes (atoms); fields: atoms × dimensions, of length 1, to tell which likes
    belong together; trend: 0..1, .5 for unknown; story: per candidate the first that tells the same; twin: see
    twins; popular: all candidates, best first.
    """
    width = trend.shape[0]
    widest = 0
    for reader in range(start, stop):
        widest = max(widest, readers.wish_start[reader + 1] - readers.wish_start[reader])
    most = widest + GROUPS + 1
    fits = np.zeros((most, width), np.float32)
    worth = np.zeros(width, np.float32)
    tops = np.zeros(LANES, np.float32)
    told = np.full(width, -1, np.int64)
    taken = np.full(width, -1, np.int64)
    for reader in range(start, stop):
        size = min(readers.size[reader], width)
        if size <= 0:
            continue
        first, last = readers.wish_start[reader], readers.wish_start[reader + 1]
        low = readers.atom_start[first]
        high = readers.atom_start[last]
        owner = chosen.owner[low:high]
        weight = np.zeros(most)
        wish_of = np.zeros(most, np.int64)
        number = group(fields, readers, first, last, owner, weight, wish_of)
        hidden = readers.hidden[readers.hidden_start[reader] : readers.hidden_start[reader + 1]]
        for candidate in hidden:
            taken[candidate] = told[story[candidate]] = reader
        loose = number
        while loose > 0 and readers.loose[wish_of[loose - 1]]:
            loose -= 1
        fit(steps, sizes, readers, reader, low, owner, loose, number, fits)
        hype, total = readers.hype[reader], 0.0
        keep = min(2 * size + SLACK, width)
        ranked = np.full((number, keep), -1, np.int64)
        best = np.zeros(number, np.float32)
        for each in range(number):
            total += weight[each]
            for candidate in hidden:
                fits[each, candidate] = NONE
            best[each] = value(fits[each], trend, hype, worth, tops)
            if weight[each] > 0:
                pins = readers.pin[readers.pin_start[wish_of[each]] : readers.pin_start[wish_of[each] + 1]]
                pin(pins, fits[each], trend, hype, worth, tops)
                rank(worth, tops, story, twin, ranked[each])
        strange = int(readers.surprise[reader] * size + 1e-9)
        count = merge(ranked, weight[:number], size, story, told, taken, reader, width, chosen)
        if strange > 0 and number > 0:
            outside(fits, best, weight, number, trend, hype, worth, tops)
            for each in range(number):
                if weight[each] > 0:
                    for place in range(readers.pin_start[wish_of[each]], readers.pin_start[wish_of[each] + 1]):
                        worth[readers.pin[place]] = NONE
            count = explore(
                fits,
                best,
                weight,
                number,
                worth,
                tops,
                told,
                taken,
                story,
                reader,
                size,
                strange,
                count,
                chosen,
            )
        for place in range(count):
            each = chosen.group[reader, place]
            if each >= 0:
                chosen.wish[reader, place] = wish_of[each]
                chosen.share[reader, place] = weight[each] / total
                credit(steps, sizes, readers, low, owner, loose, each, reader, place, chosen)
        for place in range(width):
            if count == size:
                break
            candidate = popular[place]
            if taken[candidate] != reader and told[story[candidate]] != reader:
                taken[candidate] = told[story[candidate]] = reader
                chosen.entry[reader, count] = candidate
                chosen.group[reader, count] = -1
                chosen.score[reader, count] = hype * trend[candidate]
                chosen.way[reader, count] = POPULAR if last > first else ALONE
                count += 1
        chosen.number[reader] = count


def group(fields: Floats, readers: Readers, first: int, last: int, owner: Ints, weight: Doubles, wish_of: Ints) -> int:
    """Which interest each atom of a reader belongs to; returns how many interests there are.

    An interest of the reader's own keeps its atoms. Loose ones near it join it; the others are grouped by average
    linkage into at most GROUPS interests, which share the weight of the loose ones by size.
    """
    low, number = readers.atom_start[first], 0
    for wish in range(first, last):
        begin, end = readers.atom_start[wish], readers.atom_start[wish + 1]
        if not readers.loose[wish]:
            owner[begin - low : end - low] = number
            weight[number], wish_of[number] = readers.weight[wish], wish
            number += 1
            continue
        free = np.zeros(end - begin, np.int64)
        left, words = 0, 0
        for place in range(begin, end):
            nearest, value = -1, NEAR
            for other in range(low, begin):
                if weight[owner[other - low]] > 0:
                    found = np.dot(fields[readers.atom[place]], fields[readers.atom[other]])
                    if found > value:
                        nearest, value = owner[other - low], found
            if readers.word[place]:
                words += 1
                owner[place - low] = EVERYWHERE
            elif nearest >= 0:
                owner[place - low] = nearest
            else:
                free[left] = place
                left += 1
        if left == 0 and words == 0:
            continue
        if left == 0:
            owner[begin - low : end - low][readers.word[begin:end]] = number
            weight[number], wish_of[number] = readers.weight[wish], wish
            number += 1
            continue
        labels = linked(fields, readers.atom, readers.share, free[:left])
        mass = np.zeros(GROUPS)
        for place in range(left):
            owner[free[place] - low] = number + labels[place]
            mass[labels[place]] += readers.share[free[place]]
        groups = labels.max() + 1
        if groups == 1:
            owner[begin - low : end - low][readers.word[begin:end]] = number
        for each in range(groups):
            weight[number + each] = readers.weight[wish] * mass[each] / max(mass.sum(), 1e-12)
            wish_of[number + each] = wish
        number += groups
    return number


def linked(fields: Floats, atom: Ints, share: Doubles, free: Ints) -> Ints:
    """A label 0.. for each of these atoms, in the order in which they first appear."""
    count = len(free)
    newest = max(0, count - GROUPED)
    few = count - newest
    near = np.zeros((few, few))
    for one in range(few):
        for other in range(one):
            value = np.dot(fields[atom[free[newest + one]]], fields[atom[free[newest + other]]])
            near[one, other] = near[other, one] = value
    label = np.arange(few)
    mass = np.zeros(few)
    for one in range(few):
        mass[one] = share[free[newest + one]]
    alive, whole = few, mass.sum()
    while alive > 1:
        best, value, small = (-1, -1), -2.0, alive > GROUPS
        for one in range(few):
            for other in range(one):
                if label[one] == one and label[other] == other:
                    forced = small or min(mass[one], mass[other]) < SMALL * whole
                    if (forced or near[one, other] >= APART) and near[one, other] > value:
                        best, value = (one, other), near[one, other]
        one, other = best
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
    labels = np.zeros(count, np.int64)
    for place in range(newest):
        nearest, value = 0, -2.0
        for one in range(few):
            found = np.dot(fields[atom[free[place]]], fields[atom[free[newest + one]]])
            if found > value:
                nearest, value = one, found
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


def fit(
    steps: Steps,
    sizes: Floats,
    readers: Readers,
    reader: int,
    low: int,
    owner: Ints,
    loose: int,
    number: int,
    fits: Floats,
) -> None:
    """fits[interest]: the weighted mean of its atoms' scores, less what is more like a disliked paper.

    Interests from `loose` on are groups of loose likes: several of them speak for each other by OVERALL, but only of
    what a group would match by itself; of the rest its fit is NONE.
    """
    whole = np.zeros(number + 1)
    for each in range(number + 1):
        fits[each] = 0
    several = number - loose > 1
    for place in range(len(owner)):
        if owner[place] >= 0:
            whole[owner[place]] += readers.share[low + place]
        if several and (owner[place] >= loose or owner[place] == EVERYWHERE):
            whole[number] += readers.share[low + place]
    for place in range(len(owner)):
        each = owner[place] if owner[place] >= 0 else number
        mine, row = fits[each], steps[readers.atom[low + place]]
        part = np.float32(sizes[readers.atom[low + place]] * readers.share[low + place] / whole[each])
        for candidate in range(len(row)):
            mine[candidate] += part * np.float32(row[candidate])
    if several:
        together = fits[number]
        for each in range(loose, number):
            part = np.float32(whole[each] / whole[number])
            for candidate in range(fits.shape[1]):
                together[candidate] += part * fits[each, candidate]
        common, own = np.float32(OVERALL), np.float32(1 - OVERALL)  # compiled code would reckon in doubles
        for each in range(loose, number):
            for candidate in range(fits.shape[1]):
                mixed = common * together[candidate] + own * fits[each, candidate]
                fits[each, candidate] = mixed if fits[each, candidate] >= np.float32(FAINT) else np.float32(NONE)
    for place in range(readers.less_start[reader], readers.less_start[reader + 1]):
        part = np.float32(sizes[readers.less[place]] * readers.less_share[place])
        row = steps[readers.less[place]]
        for each in range(number):
            mine = fits[each]
            for candidate in range(len(mine)):
                excess = part * np.float32(row[candidate]) - max(mine[candidate], np.float32(0))
                mine[candidate] -= np.float32(LESS) * max(excess, np.float32(0))


def best_of(fits: Floats) -> np.float32:
    """The best score, 0 for none."""
    tops = np.zeros(LANES, np.float32)
    top(fits, tops)
    best = np.float32(0)
    for each in tops:
        best = max(best, each)
    return best


def top(worth: Floats, tops: Floats) -> None:
    """tops[i]: the largest of worth[i], worth[i + LANES], …: many are compared at once, unlike with one maximum."""
    tops[:] = NONE
    for start in range(0, len(worth), LANES):
        for lane in range(min(LANES, len(worth) - start)):
            tops[lane] = max(tops[lane], worth[start + lane])


def least_of(best: np.float32) -> np.float32:
    """The least score that matches."""
    return max(np.float32(FAINT), np.float32(WEAK) * best)


def value(fits: Floats, trend: Floats, hype: float, worth: Floats, tops: Floats) -> np.float32:
    """Fill `worth`, (1 - hype) · fit / best + hype · trend or NONE for no match, and `tops`; returns the best fit."""
    best = best_of(fits)
    least, rise = least_of(best), np.float32(hype)
    scale = np.float32((1 - hype) / np.float64(best)) if best > 0 else np.float32(0)
    for candidate in range(len(fits)):
        matched = scale * fits[candidate] + rise * trend[candidate]
        worth[candidate] = matched if fits[candidate] >= least else np.float32(NONE)
    top(worth, tops)
    return best


def pin(pins: Ints, fits: Floats, trend: Floats, hype: float, worth: Floats, tops: Floats) -> None:
    """Put papers by the authors of an interest above all others, but for those that must not be shown."""
    for candidate in pins:
        if fits[candidate] != NONE:
            worth[candidate] = PINNED + (1 - hype) + hype * trend[candidate]
            tops[candidate % LANES] = max(tops[candidate % LANES], worth[candidate])


def key(worth: float, candidate: int, width: int) -> int:
    """By worth in steps, then by id."""
    return int(np.float64(worth) * STEPS + 0.5) * width + (width - 1 - candidate)


def rank(worth: Floats, tops: Floats, story: Ints, twin: NDArray[np.bool_], ranked: Ints) -> None:
    """Fill `ranked` with the keys of the best matching candidates, best first; -1 behind the last.

    Of those that tell one story, the best one only.
    """
    width, keep, found = len(worth), len(ranked), 0
    floor = np.float32(0)  # what is worth less has no chance
    for lane in range(LANES):
        if tops[lane] < floor:
            continue
        for candidate in range(lane, width, LANES):
            if worth[candidate] < floor:
                continue
            mine = key(worth[candidate], candidate, width)
            if twin[candidate]:
                place = told_before(ranked[:found], story, candidate)
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


def told_before(keys: Ints, story: Ints, candidate: int) -> int:
    """The place of the key of a candidate that tells the same, -1 for none."""
    width = len(story)
    for place in range(len(keys)):
        if keys[place] >= 0 and story[width - 1 - keys[place] % width] == story[candidate]:
            return place
    return -1


def next_interest(weight: Doubles, places: Ints, alive: NDArray[np.bool_]) -> int:
    """Sainte-Laguë: the largest weight / (2·places so far + 1); of equals the one with less weight, then the first."""
    chosen, highest = -1, 0.0
    for each in range(len(weight)):
        if not alive[each]:
            continue
        value = weight[each] / (2 * places[each] + 1)
        equal = abs(value - highest) <= 1e-9 * highest
        if chosen < 0 or (value > highest and not equal) or (equal and weight[each] < weight[chosen]):
            chosen, highest = each, value
    return chosen


def merge(
    ranked: Ints,
    weight: Doubles,
    size: int,
    story: Ints,
    told: Ints,
    taken: Ints,
    reader: int,
    width: int,
    chosen: Chosen,
) -> int:
    """Fair shares: each interest in its turn takes its best candidate that is left; returns how many were taken.

    Weights ≤ 0 get no place; an interest that has run dry leaves its places to the others. The first n are fair for
    every n.
    """
    number, count = len(weight), 0
    places = np.zeros(number, np.int64)
    at = np.zeros(number, np.int64)
    alive = weight > 0
    while count < size:
        each = next_interest(weight, places, alive)
        if each < 0:
            break
        candidate, mine = -1, np.int64(-1)
        while at[each] < ranked.shape[1] and ranked[each, at[each]] >= 0:
            mine = ranked[each, at[each]]
            at[each] += 1
            other = width - 1 - mine % width
            if taken[other] != reader and told[story[other]] != reader:
                candidate = other
                break
        if candidate < 0:
            alive[each] = False
            continue
        places[each] += 1
        taken[candidate] = told[story[candidate]] = reader
        chosen.entry[reader, count] = candidate
        chosen.group[reader, count] = each
        chosen.score[reader, count] = (mine // width) / STEPS
        chosen.way[reader, count] = FAIR
        count += 1
    return count


def explore(
    fits: Floats,
    best: Floats,
    weight: Doubles,
    number: int,
    worth: Floats,
    tops: Floats,
    told: Ints,
    taken: Ints,
    story: Ints,
    reader: int,
    size: int,
    strange: int,
    count: int,
    chosen: Chosen,
) -> int:
    """Put up to `strange` candidates a little outside the interests in the last places; returns the new count.

    worth, tops: as `outside` leaves them.
    """
    width = len(worth)
    keys = np.full(strange, -1, np.int64)
    kept = min(count, size - strange)
    for lane in range(LANES):
        if tops[lane] < 0 or key(tops[lane], 0, width) < keys[strange - 1]:
            continue
        for candidate in range(lane, width, LANES):
            mine = key(worth[candidate], candidate, width)
            if worth[candidate] < 0 or mine < keys[strange - 1]:
                continue
            late = False
            for place in range(kept):
                if story[chosen.entry[reader, place]] == story[candidate]:
                    late = True
                    break
            if late or (told[story[candidate]] == reader and taken[candidate] != reader):
                continue
            place = told_before(keys, story, candidate)
            if place >= 0 and mine < keys[place]:
                continue
            place = strange - 1 if place < 0 else place
            while place > 0 and mine > keys[place - 1]:
                keys[place] = keys[place - 1]
                place -= 1
            keys[place] = mine
    found = 0
    while found < strange and keys[found] >= 0:
        found += 1
    kept = 0
    for place in range(count):  # a regular pick that is also exploratory moves to the end
        candidate, moved = chosen.entry[reader, place], False
        for other in range(found):
            moved = moved or width - 1 - keys[other] % width == candidate
        if not moved and kept < size - found:
            chosen.entry[reader, kept] = candidate
            chosen.group[reader, kept] = chosen.group[reader, place]
            chosen.score[reader, kept] = chosen.score[reader, place]
            kept += 1
        elif not moved:
            taken[candidate] = told[story[candidate]] = -1
    for place in range(found):
        candidate = width - 1 - keys[place] % width
        taken[candidate] = told[story[candidate]] = reader
        chosen.entry[reader, kept] = candidate
        chosen.group[reader, kept] = nearest(fits, best, weight, number, candidate)
        chosen.score[reader, kept] = (keys[place] // width) / STEPS
        chosen.way[reader, kept] = STRANGE
        kept += 1
    return kept


def outside(
    fits: Floats,
    best: Floats,
    weight: Doubles,
    number: int,
    trend: Floats,
    hype: float,
    worth: Floats,
    tops: Floats,
) -> None:
    """Fill `worth` and `tops` as `value`, for what is relevant, but for no interest more than OUTSIDE."""
    near, width = fits[number], len(trend)
    near[:] = NONE
    for each in range(number):
        if weight[each] > 0 and best[each] > 0:
            scale, least = np.float32(1) / best[each], least_of(best[each])
            for candidate in range(width):
                relevance = scale * fits[each, candidate] if fits[each, candidate] >= least else np.float32(NONE)
                near[candidate] = max(near[candidate], relevance)
    own, rise = np.float32(1 - hype), np.float32(hype)
    for candidate in range(width):
        matched = own * near[candidate] + rise * trend[candidate]
        some = near[candidate] >= 0 and near[candidate] < np.float32(OUTSIDE)
        worth[candidate] = matched if some else np.float32(NONE)
    top(worth, tops)


def nearest(fits: Floats, best: Floats, weight: Doubles, number: int, candidate: int) -> int:
    """The interest for which a candidate is most relevant."""
    found, highest = -1, np.float32(NONE)
    for each in range(number):
        if weight[each] > 0 and best[each] > 0 and fits[each, candidate] >= least_of(best[each]):
            relevance = np.float32(1) / best[each] * fits[each, candidate]
            if relevance > highest:
                found, highest = each, relevance
    return found


def credit(
    steps: Steps,
    sizes: Floats,
    readers: Readers,
    low: int,
    owner: Ints,
    loose: int,
    each: int,
    reader: int,
    place: int,
    chosen: Chosen,
) -> None:
    """The two atoms that gave a pick most of its score, as `fit` weighs them; the second, if it gave some of it."""
    candidate, first, second = chosen.entry[reader, place], 0.0, 0.0
    whole, mine, several = 0.0, 0.0, False
    for atom in range(len(owner)):
        if each >= loose and (owner[atom] >= loose or owner[atom] == EVERYWHERE):
            whole += readers.share[low + atom]
            several = several or owner[atom] != each
        if owner[atom] == each:
            mine += readers.share[low + atom]
    for atom in range(len(owner)):
        weight = readers.share[low + atom] / mine if owner[atom] == each else 0.0
        if several:
            loosely = owner[atom] >= loose or owner[atom] == EVERYWHERE
            weight = (1 - OVERALL) * weight + (OVERALL * readers.share[low + atom] / whole if loosely else 0.0)
        row = readers.atom[low + atom]
        part = weight * sizes[row] * steps[row, candidate]
        if part > first:
            second, chosen.second[reader, place] = first, chosen.first[reader, place]
            first, chosen.first[reader, place] = part, low + atom
        elif part > second:
            second, chosen.second[reader, place] = part, low + atom
    if second < TELLING * first:
        chosen.second[reader, place] = -1


_SMALL = (top, best_of, least_of, key, next_interest, nearest, told_before)
_PARTS = (*_SMALL, linked, group, value, pin, rank, fit, merge, outside, explore, credit)


@lru_cache(maxsize=1)
def compiled() -> Callable[..., Any]:
    """`choose` as machine code."""
    return machine(choose, *_PARTS)
