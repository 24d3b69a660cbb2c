"""Acronyms and their long forms, learnt from texts that say both: "large language models (LLM)".

The rule is Schwartz and Hearst's (2003, "A simple algorithm for identifying abbreviation definitions in biomedical
text"): the letters of the short form stand in this order in the words before the bracket, the first one at the
beginning of a word.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from newsletter.selector.features import background
from newsletter.selector.tokens import stem, words

SHORT_FORM = re.compile(r"\(\s?([A-Z][A-Za-z0-9-]{1,9})s?\s?[);,]")
BEFORE = 120  #: characters before the bracket that are looked at
CAPITALS = re.compile(r"[A-Za-z0-9-]*[A-Z][A-Za-z0-9-]*[A-Z]s?[A-Za-z0-9-]*|[A-Z]{2,}s?")
SEEN = 2  #: papers that must say it, where the texts are many
MANY = 200  #: texts


@dataclass(frozen=True, slots=True)
class Acronyms:
    """What short forms mean here, both ways; all of it in words as they are counted."""

    long_forms: Mapping[str, tuple[str, ...]]  #: "llm" → ("large", "language", "model")
    short_forms: Mapping[tuple[str, ...], str]

    def longer(self, asked: Sequence[str], phrase: str) -> tuple[tuple[str, ...], ...]:
        """The words with a long form instead of each short one, of those that the phrase has in capitals ("LLMs").

        A word that many papers have is none in small letters: "plan" is no "probabilistic language of actions".
        """
        capitals = {word for found in CAPITALS.findall(phrase) for word in words(found)}
        meant = [
            self.long_forms.get(stem(word), ()) if word in capitals or word not in background() else ()
            for word in asked
        ]
        ways = [(*asked[:place], *long, *asked[place + 1 :]) for place, long in enumerate(meant) if long]
        return tuple(dict.fromkeys(ways))

    def shorter(self, asked: Sequence[str]) -> tuple[tuple[str, ...], ...]:
        """The words with the short form instead of each long one."""
        spans = [(start, stop) for start in range(len(asked)) for stop in range(start + 2, len(asked) + 1)]
        known = [(start, stop, self.short_forms.get(tuple(asked[start:stop]), "")) for start, stop in spans]
        return tuple((*asked[:start], short, *asked[stop:]) for start, stop, short in known if short)


def learn_acronyms(texts: Iterable[str]) -> Acronyms:
    """Read every definition in these texts; of several long forms the one that most papers have counts."""
    said: defaultdict[str, Counter[tuple[str, ...]]] = defaultdict(Counter)
    number = 0
    for text in texts:
        number += 1
        if "(" in text:
            for short, long in dict(_definitions(text)).items():
                said[short][long] += 1
    least = SEEN if number >= MANY else 1
    best = {short: forms.most_common(1)[0] for short, forms in said.items()}
    long_forms = {short: long for short, (long, papers) in best.items() if papers >= least}
    return Acronyms(long_forms, {long: short for short, long in long_forms.items()})


def _definitions(text: str) -> Iterable[tuple[str, tuple[str, ...]]]:
    for found in SHORT_FORM.finditer(text):
        short = found.group(1)
        long = _long_form(short, text[max(0, found.start() - BEFORE) : found.start()])
        named, meant = words(short), tuple(words(long))
        if len(named) == 1 and len(meant) > 1:
            yield stem(named[0]), meant


def _long_form(short: str, before: str) -> str:
    """The shortest end of `before` that holds the letters of the short form in order; "" for none."""
    letters = [sign.lower() for sign in short if sign.isalnum()]
    if sum(map(str.isupper, short)) < 2:
        return ""
    text, place = before.rstrip().lower(), len(before.rstrip())
    for number in range(len(letters) - 1, -1, -1):
        place -= 1
        while place >= 0 and (
            text[place] != letters[number] or (number == 0 and place > 0 and text[place - 1].isalnum())
        ):
            place -= 1
        if place < 0:
            return ""
    long = before.rstrip()[place:]
    most = min(len(letters) + 5, 2 * len(letters))
    return long if len(long.split()) <= most and "." not in long.rstrip(".") else ""
