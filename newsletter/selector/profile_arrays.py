"""Profiles to arrays: the interests of a block of readers, each a weighted bag of liked papers and words."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import lru_cache
from itertools import accumulate
from types import MappingProxyType

import numpy as np

from newsletter.people import readings, same_person
from newsletter.selector.kernel import DEEPEST, Readers
from newsletter.selector.pool import Pool
from newsletter.selector.score_table import Atom
from newsletter.types import WANTED, Fill, Interest, Profile, Verb

SIZE, HYPE, SURPRISE, FILL = 10, 0.2, 0.1, Fill.NONE  #: where neither the reader nor the configuration says
FLOOR = 3.0  #: deviations: less is no match
MOST_PICKS = 1000  #: in an edition
MOST_LIKES = 500  #: of one interest, the newest; older ones change little and cost as much
KEYWORDS = 1.5  #: all keywords of an interest together, in liked papers: a reader chose these words
TEXT = (
    0.15  #: all unassigned words together, in parts of the unassigned likes: what a reader wrote once, about everything
)
FADE = 0.5  #: a liked paper's weight is 1 / (1 + FADE·log10(place)), the newest in place 1
FORGOTTEN = 0.02  #: signals with less weight are gone
NOBODY: Mapping[int, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Defaults:
    """For readers who did not say."""

    size: int = SIZE
    hype: float = HYPE
    surprise: float = SURPRISE
    fill: Fill = FILL
    floor: float = FLOOR  #: 0: none, so that everything is ranked

    def overridden(self, profile: Profile) -> Defaults:
        """The reader's own values where they make sense."""
        if (profile.size, profile.hype, profile.surprise, profile.fill) == (None, None, None, None):
            return self
        size = self.size if profile.size is None else min(max(profile.size, 0), MOST_PICKS)
        hype, surprise = _share(profile.hype, self.hype), _share(profile.surprise, self.surprise)
        return replace(
            self, size=size, hype=hype, surprise=surprise, fill=self.fill if profile.fill is None else profile.fill
        )


def completed(profile: Profile, defaults: Defaults) -> Profile:
    """The profile with a size, a hype and so on that make sense: the defaults where the reader named none."""
    own = defaults.overridden(profile)
    return replace(profile, size=own.size, hype=own.hype, surprise=own.surprise, fill=own.fill)


@dataclass(slots=True)
class Block:
    """Readers as columns: an object for each of their interests would be most of the time (and of the garbage).

    `x_start[i] : x_start[i + 1]` are the x of i. A wish is one interest of one reader, with what is known of it here.
    """

    wish_start: list[int] = field(default_factory=lambda: [0])
    interest: list[Interest] = field(default_factory=list)
    weight: list[float] = field(default_factory=list)  #: of each wish; 0 where the reader's own makes no sense
    unassigned: list[bool] = field(default_factory=list)  #: likes and words that belong to no interest
    authored: list[Mapping[int, str]] = field(default_factory=list)  #: candidates by its authors, with their names
    atom_start: list[int] = field(default_factory=lambda: [0])
    atom: list[Atom] = field(default_factory=list)
    share: list[float] = field(default_factory=list)
    less_start: list[int] = field(default_factory=lambda: [0])
    less: list[Atom] = field(default_factory=list)
    less_share: list[float] = field(default_factory=list)
    hidden_start: list[int] = field(default_factory=lambda: [0])
    hidden: list[int] = field(default_factory=list)  #: candidates that must not be picked
    size: list[int] = field(default_factory=list)
    hype: list[float] = field(default_factory=list)
    surprise: list[float] = field(default_factory=list)
    fill: list[bool] = field(default_factory=list)
    floor: float = FLOOR  #: of all of them

    def atoms(self, wish: int) -> list[Atom]:
        return self.atom[self.atom_start[wish] : self.atom_start[wish + 1]]


def likes(profile: Profile) -> tuple[str, ...]:
    """Ids of all papers that a reader likes or voted for: what `prepare` learns from."""
    voted = (signal.entry for signal in profile.signals if signal.verb in WANTED)
    named = (name for interest in profile.interests for name in interest.liked)
    return tuple(dict.fromkeys((*named, *profile.liked, *voted)))


def phrases(profile: Profile) -> tuple[str, ...]:
    """All words of a reader's own, as an embedder should know them."""
    named = (phrase for interest in profile.interests for phrase in spoken(interest))
    return tuple(dict.fromkeys((*named, *_unassigned_words(profile))))


def read(pool: Pool, profiles: Sequence[Profile], seen: Iterable[Set[str]], defaults: Defaults) -> Block:
    """What profiles mean in this pool; papers that it does not know are left out."""
    block = Block(floor=defaults.floor if defaults.floor > 0 else DEEPEST)
    for profile, ids in zip(profiles, seen, strict=True):
        _add_wishes(block, pool, profile)
        _add_less(block, pool, profile)
        block.hidden += sorted(hidden(pool, profile, ids))
        wanted = defaults.overridden(profile)
        block.size.append(wanted.size)
        block.hype.append(wanted.hype)
        block.surprise.append(wanted.surprise)
        block.fill.append(wanted.fill is Fill.POPULAR)
        block.wish_start.append(len(block.interest))
        block.less_start.append(len(block.less))
        block.hidden_start.append(len(block.hidden))
    return block


def arrays(block: Block, numbers: Mapping[Atom, int]) -> Readers:
    """The block as `kernel.choose` takes it."""
    return Readers(
        wish_start=np.array(block.wish_start, np.int64),
        weight=np.array(block.weight, np.float64),
        unassigned=np.array(block.unassigned, np.bool_),
        atom_start=np.array(block.atom_start, np.int64),
        atom=np.array([numbers[atom] for atom in block.atom], np.int64),
        share=np.array(block.share, np.float64),
        word=np.array([isinstance(atom, str) for atom in block.atom], np.bool_),
        pin_start=np.array([0, *accumulate(map(len, block.authored))], np.int64),
        pin=np.array([candidate for authored in block.authored for candidate in authored], np.int64),
        less_start=np.array(block.less_start, np.int64),
        less=np.array([numbers[atom] for atom in block.less], np.int64),
        less_share=np.array(block.less_share, np.float64),
        hidden_start=np.array(block.hidden_start, np.int64),
        hidden=np.array(block.hidden, np.int64),
        size=np.array(block.size, np.int64),
        hype=np.array(block.hype, np.float64),
        surprise=np.array(block.surprise, np.float64),
        fill=np.array(block.fill, np.bool_),
        floor=block.floor,
    )


def hidden(pool: Pool, profile: Profile, seen: Set[str]) -> Set[int]:
    """Candidates seen, liked, voted on, disliked or muted."""
    rated = (*profile.liked, *profile.disliked, *[signal.entry for signal in profile.signals])
    same, found = pool.same, set()
    for names in (seen, rated, *[interest.liked for interest in profile.interests]):
        if not same.keys().isdisjoint(names):
            found.update([same[name] for name in names if name in same])
    for phrase in profile.muted:
        found.update(pool.muted.holding(phrase))
    return found


def _add_wishes(block: Block, pool: Pool, profile: Profile) -> None:
    """The reader's own interests, then one of all unassigned words and likes, as weighty as the mean of the others.

    Weights that are no positive number count as 0; when all are 0, they count as equal. The largest becomes 1, so that
    no sum of them overflows.
    """
    weights = [_weight(interest.weight) for interest in profile.interests]
    largest = max(weights, default=0.0)
    weights = [weight / largest if largest else 1.0 for weight in weights]
    for interest, weight in zip(profile.interests, weights, strict=True):
        _add_likes(block, pool, interest.liked)
        _add_words(block, spoken(interest), KEYWORDS)
        _add_wish(block, interest, weight, False, written_by(pool, interest))
    words, start = _unassigned_words(profile), len(block.atom)
    _add_likes(block, pool, profile.liked)
    for signal in profile.signals:
        if signal.verb in WANTED and signal.weight > FORGOTTEN and signal.entry in pool.rows:
            block.atom.append(pool.rows[signal.entry])
            block.share.append(min(signal.weight, 1.0))
    if words or len(block.atom) > start:
        _add_words(block, words, TEXT * sum(block.share[start:]) or 1.0)
        weight = sum(weights) / len(weights) if weights else 1.0
        _add_wish(block, Interest("", weight, words), weight, True, NOBODY)


def _add_wish(block: Block, interest: Interest, weight: float, unassigned: bool, authored: Mapping[int, str]) -> None:
    block.interest.append(interest)
    block.weight.append(weight)
    block.unassigned.append(unassigned)
    block.authored.append(authored)
    block.atom_start.append(len(block.atom))


def _add_likes(block: Block, pool: Pool, names: Sequence[str]) -> None:
    rows = pool.rows
    found = [rows[name] for name in dict.fromkeys(names) if name in rows][-MOST_LIKES:]
    block.atom += found
    block.share += _faded(len(found))


def _add_words(block: Block, words: Sequence[str], share: float) -> None:
    """share: of all of them together."""
    block.atom += words
    block.share += [share / max(len(words), 1)] * len(words)


def _add_less(block: Block, pool: Pool, profile: Profile) -> None:
    """Disliked papers, those voted down, and those passed over."""
    if not profile.disliked and not profile.signals:
        return
    found = {pool.rows[name]: 1.0 for name in profile.disliked if name in pool.rows}
    for signal in profile.signals:
        if signal.verb in (Verb.LESS, Verb.PASSED) and signal.weight > FORGOTTEN and signal.entry in pool.rows:
            row = pool.rows[signal.entry]
            found[row] = max(found.get(row, 0.0), min(signal.weight, 1.0))
    block.less += [*found][-MOST_LIKES:]
    block.less_share += [*found.values()][-MOST_LIKES:]


def _unassigned_words(profile: Profile) -> tuple[str, ...]:
    if not profile.text:
        return ()
    return tuple(part for part in (part.strip() for part in re.split(r"[;\n]", profile.text)) if part)


def written_by(pool: Pool, interest: Interest) -> Mapping[int, str]:
    """Candidates by the authors that this interest names, with the name as the paper prints it."""
    if not interest.authors:
        return NOBODY
    found: dict[int, str] = {}
    for asked in (reading for name in interest.authors for reading in readings(name)):
        for name, papers in pool.authors.get(asked.family, {}).items():
            for candidate, printed in papers if same_person(asked, name) else ():
                found.setdefault(candidate, printed)
    return found


def spoken(interest: Interest) -> tuple[str, ...]:
    """Name and keywords, each once."""
    found: dict[str, str] = {}
    for text in (interest.name, *interest.keywords):
        if plain := text.strip():
            found.setdefault(plain.casefold(), text)
    return tuple(found.values())


def _weight(weight: float) -> float:
    return weight if math.isfinite(weight) and weight > 0 else 0.0


@lru_cache(maxsize=MOST_LIKES + 1)
def _faded(number: int) -> tuple[float, ...]:
    """Weights of likes, newest last; they sum to the number of likes."""
    weights = [1 / (1 + FADE * math.log10(place)) for place in range(number, 0, -1)]
    return tuple(weight * number / sum(weights) for weight in weights)


def _share(value: float | None, default: float) -> float:
    return default if value is None or math.isnan(value) else min(max(value, 0.0), 1.0)
