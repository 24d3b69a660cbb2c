"""The sentences of an abstract that say the most: a summary without a model. Pure, the same for the same words."""

from __future__ import annotations

import re
from collections.abc import Iterator

SENTENCE_END = re.compile(r"(?<![.!?])[.!?]++[\"'”’)\]]*+\s+|[。！？]+\s*")
ABBREVIATION = re.compile(
    r"(?:^|[\s(\[\"'“])(?:e\.g|i\.e|et al|cf|vs|viz|resp|approx|ca|incl|w\.r\.t|a\.k\.a|figs?|eqs?|eqns?|secs?|refs?"
    r"|tabs?|thms?|defs?|props?|chaps?|nos?|vols?|pp?|drs?|profs?|mrs?|ms|st|jr|(?-i:(?:[A-Z]\.)*[A-Z]))\.$",
    re.IGNORECASE,
)
LABEL = re.compile(
    r"(?:abstract|background|introduction|objectives?|aims?|purpose|motivation|methods?|design|materials and methods"
    r"|(results?|findings|conclusions?|interpretation|significance))\s*[:.—–]\s*(?=$|(?-i:[^\Wa-z]))",
    re.IGNORECASE,
)
_VERBS = """show propose introduce present find found demonstrate prove develop report describe study investigate
provide establish design build discover derive argue release address"""
_HERE = "paper|work|article|study|letter|thesis|survey"
CUE = re.compile(
    rf"\bwe (?:\w+ly |also |then |further )?(?:{'|'.join(_VERBS.split())})\b|\bhere,? we\b|\bthis (?:{_HERE})\b"
    r"|\bour (?:results|findings|experiments)\b",
    re.IGNORECASE,
)
RESULT = re.compile(
    r"\b(?:show|find|found|demonstrate|prove|outperform\w*|improv\w+|achiev\w+|reduc\w+|propose|introduce)\b"
)
LEANING = re.compile(  # on the sentence before: alone, it says little
    r"(?:however|moreover|furthermore|further|additionally|in addition|therefore|thus|hence|but|yet|also|besides"
    r"|finally|lastly|second(?:ly)?|for (?:example|instance)|in contrast|similarly|then|specifically"
    rf"|to (?:this|that) end|it|they|these|those|this(?! (?:{_HERE})\b)|such|its|their)\b",
    re.IGNORECASE,
)
ASIDE = re.compile(  # on where things are, not on what was found
    r"https?://|\bavailable (?:at|on|from|under|here)\b|\b(?:code|data|dataset|models?|page)\b.{0,60}\bavailable"
    r"|\borgani[sz]ation of this\b|\bis organi[sz]ed\b",
    re.IGNORECASE,
)
LEAD = re.compile(  # from the sentence before; without it, "we propose" stands by itself
    r"(?:(?:further |furthermore,? )?(?:to|for) (?:this|that) (?:end|purpose)"
    r"|to (?:address|overcome|tackle|solve|mitigate|bridge|fill) (?:this|these|the)\b[^,.]{0,40}"
    r"|however|moreover|furthermore|additionally|therefore|thus|hence|finally|lastly|specifically"
    r"|in this (?:paper|work|article|study)|here),? (?=we\b)",
    re.IGNORECASE,
)
IDEOGRAPHIC = re.compile(r"[\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")


def extract(title: str, abstract: str, limit: int = 220) -> str:
    """The sentences that say the most, in their order, in at most `limit` characters; "" without an abstract.

    A sentence is worth more when it announces ("we show"), shares words with the title, stands early and fits; less
    when it leans on the one before ("However, …") or only says where the code is. A second one is added while there is
    room and it is nearly as good.
    """
    sentences = list(_labelled(" ".join(abstract.split())))
    if not sentences:
        return ""
    wanted = _stems(title)
    scores = [_worth(text, bonus, n / len(sentences), wanted, limit) for n, (text, bonus) in enumerate(sentences)]
    order = sorted(range(len(sentences)), key=lambda n: (-scores[n], n))
    chosen = [order[0]]
    for candidate in order[1:]:
        length = sum(len(sentences[index][0]) + 1 for index in (*chosen, candidate)) - 1
        if length <= limit and scores[candidate] >= max(1.0, scores[order[0]] / 2):
            chosen.append(candidate)
    return shortened(" ".join(_self_contained(sentences[n][0]) for n in sorted(chosen)), limit)


def sentences_of(text: str) -> Iterator[str]:
    """The sentences of a text; none ends at "e.g.", "et al.", "Fig. 3", "v1.5", initials, or before a small letter."""
    start = 0
    for end in SENTENCE_END.finditer(text):
        point = text[max(start, end.start() - 20) : end.start() + 1]
        following = text[end.end() : end.end() + 1]
        if following.islower() or (point.endswith(".") and ABBREVIATION.search(point)):
            continue
        yield text[start : end.end()].strip()
        start = end.end()
    if text[start:].strip():
        yield text[start:].strip()


def shortened(text: str, limit: int) -> str:
    """At most `limit` characters: whole sentences if one fits, else whole words and an ellipsis, never half a word."""
    if len(text) <= limit:
        return text
    whole = ""
    for sentence in sentences_of(text):
        longer = f"{whole} {sentence}".strip()
        if len(longer) > limit:
            break
        whole = longer
    head = text[: max(0, limit - 1)]
    if not whole and head:
        inside_word = text[len(head)] != " " and not IDEOGRAPHIC.search(head[-1] + text[len(head)])
        head = (head.rpartition(" ")[0] if inside_word else head).rstrip(" ,;:–—-(")
        return f"{head}…" if head else ""
    return whole


def _labelled(text: str) -> Iterator[tuple[str, float]]:
    """Sentences without the labels of a structured abstract; what stands under "Results" is worth more."""
    bonus = 0.0
    for sentence in sentences_of(text):
        if label := LABEL.match(sentence):
            bonus = 1.5 if label[1] else 0.0
            sentence = sentence[label.end() :]
        if sentence:
            yield sentence, bonus


def _self_contained(sentence: str) -> str:
    """The sentence without what leans on the one before: "To address this, we propose …" is "We propose …"."""
    lead = LEAD.match(sentence)
    return f"W{sentence[lead.end() + 1 :]}" if lead else sentence


def _worth(sentence: str, bonus: float, place: float, wanted: set[str], limit: int) -> float:
    """The score of a sentence; `place` from 0 (first) to 1. A cue counts as much as all the words of the title."""
    shared = len(wanted & _stems(sentence)) / len(wanted) if wanted else 0.0
    worth = bonus + 2.0 * shared + 0.5 * (1 - place)
    worth += 2.0 if CUE.search(sentence) else 0.0
    worth += 0.5 if RESULT.search(sentence) else 0.0
    worth -= 1.0 if LEANING.match(sentence) else 0.0
    worth -= 3.0 if ASIDE.search(sentence) else 0.0
    worth -= 1.0 if len(sentence) < 40 else 0.0
    return worth - min(1.5, 2 * max(0, len(sentence) - limit) / max(1, limit))


def _stems(text: str) -> set[str]:
    """Words of four letters and more, by their first six: "diffusing" and "diffusion" are one."""
    return {word[:6] for word in re.findall(r"[^\W\d_]{4,}", text.casefold())}
