"""What a profile asks for, made plain: interests with clean weights, and what must not appear."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import replace

from newsletter.selector._interim.features import fold
from newsletter.types import Entry, Interest, Profile

LOOSE = "your liked papers"  #: the interest that loose likes form
WORDS = "your words"  #: the interest that free text forms


def interests_of(profile: Profile) -> tuple[Interest, ...]:
    """The interests that get slots: explicit ones, and one each for free text and loose likes.

    Free text and loose likes of a profile without explicit interests are one interest together. A weight that is
    no positive number counts as 0; when all are 0, all are equal.
    """
    interests = list(profile.interests)
    words = tuple(part.strip() for part in re.split(r"[;\n]", profile.text) if part.strip())
    if words or profile.liked:
        name = words[0] if words and not interests else (WORDS if words else LOOSE)
        interests.append(Interest(name, _usual_weight(interests), words, (), profile.liked))
    return _weighed([each for each in interests if each.name or each.keywords or each.authors or each.liked])


def muted(entry: Entry, words: Iterable[str]) -> bool:
    """Whether a muted word or phrase stands in the text, or a muted name among the authors."""
    text = f" {_spaced(' '.join((entry.title, entry.abstract, *entry.topics)))} "
    people = [f" {_spaced(author)} " for author in entry.authors]
    return any(f" {word} " in each for word in map(_spaced, words) if word for each in (text, *people))


def by_author(entry: Entry, names: Iterable[str]) -> str:
    """The pinned author who wrote it, as the profile spells the name; "" when there is none."""
    people = {_spaced(author) for author in entry.authors}
    return next((name for name in names if _spaced(name) in people), "")


def _spaced(text: str) -> str:
    return " ".join(re.findall(r"\w+", fold(text)))


def _usual_weight(interests: list[Interest]) -> float:
    clean = [each.weight for each in interests if _positive(each.weight)]
    return sum(clean) / len(clean) if clean else 1.0


def _weighed(interests: list[Interest]) -> tuple[Interest, ...]:
    if not any(_positive(each.weight) for each in interests):
        return tuple(replace(each, weight=1.0) for each in interests)
    return tuple(each for each in interests if _positive(each.weight))


def _positive(weight: float) -> bool:
    return math.isfinite(weight) and weight > 0
