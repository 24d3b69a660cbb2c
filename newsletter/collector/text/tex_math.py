r"""Where math begins and ends in a line of text: `$…$`, `$$…$$`, `\(…\)` and `\[…\]`, but for prices.

A dollar opens math when what follows up to the next one can be math: its braces close, it is no price, and, where a
blank stands at its edge, it has no words of prose in it. Else it is a dollar, and the next one is tried.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise

MARK = re.compile(
    r"\\\(((?:\\[^()]|[^\\])+?)\\\)"
    r"|\\\[((?:\\[^\[\]]|[^\\])+?)\\\]"
    r"|\$\$([^$]+)\$\$"
    r"|\\.|\$",
    re.DOTALL,
)
CERTAIN = re.compile(r"[\\^_={}]")  #: no price has these
SIGN = re.compile(r"[^\w$]+|[^\W\d_]")  #: signs alone, or one letter: no price, whatever digit follows
SIMPLE = re.compile(r"[<>=+\-−–/:~|±×*]+ ?[\d.,]*%?|\d[\d.,]*|[^\W\d_]'?(?: ?[<>=+\-−*/] ?(?:[^\W\d_]|[\d.,]+))*")
PRICED = re.compile(r"\d ?$")  #: before a dollar with a blank behind it: 5 $
ENDED = re.compile(r"[,;.)] ")  #: what stands behind "5 $"
BRACE = re.compile(r"\\.|([{}])", re.DOTALL)
COMMAND = re.compile(r"\\[A-Za-z]+")
WORD = re.compile(r"(?<![^\s(])[A-Za-z]{2,}(?![^\s,.;)])")
MOST_INSIDE = 2  #: pieces of math inside a piece of math, as in `$x \text{ if $y$}$`


def stretches(text: str) -> Iterator[tuple[str, bool]]:
    """The text in pieces, each with whether it is math; math without its dollars and the blanks inside them."""
    done = 0
    for start, end, inside in _found(text):
        if start > done:
            yield text[done:start], False
        yield inside.strip(), True
        done = end
    if done < len(text):
        yield text[done:], False


def _found(text: str) -> Iterator[tuple[int, int, str]]:
    """Start, end and inside of each piece of math."""
    marks = list(MARK.finditer(text))
    dollars = [mark.start() for mark in marks if mark[0] == "$"]
    number, done = 0, 0
    for mark in marks:
        if mark.start() < done:
            number += mark[0] == "$"
            continue
        inside = mark[1] or mark[2] or mark[3]
        if inside and inside.strip():
            done = mark.end()
            yield mark.start(), done, inside
        elif mark[0] == "$":
            number += 1
            end = _end(text, dollars[number - 1 : number + 2 * MOST_INSIDE + 1])
            if end:
                done = end + 1
                yield mark.start(), done, text[mark.start() + 1 : end]


def _end(text: str, dollars: list[int]) -> int:
    """Where the dollar is that closes the first of these, or 0: none does."""
    depth = 0
    ends = dollars[1:]
    for before, here in pairwise(dollars):
        for brace in BRACE.finditer(text, before + 1, here):
            depth += {"{": 1, "}": -1}.get(brace[1], 0)
            if depth < 0:
                return 0
        if depth == 0:
            return here if _is_math(text, dollars[0] + 1, here) else 0
    return ends[0] if ends and _is_math(text, dollars[0] + 1, ends[0]) else 0


def _is_math(text: str, start: int, end: int) -> bool:
    inside, follows = text[start:end], text[end + 1 : end + 2]
    bare = inside.strip()
    if not bare or _is_price(bare, follows) or ENDED.match(inside):
        return False
    if bare == inside:
        return True
    if not CERTAIN.search(bare):
        return bool(SIMPLE.fullmatch(bare)) and not PRICED.search(text, max(0, start - 4), start - 1)
    return not (bare[0].isdigit() and follows.isdigit()) and not WORD.search(COMMAND.sub("", bare))


def _is_price(inside: str, follows: str) -> bool:
    """Prices, in `$5 m to US$ 6 m` and `$5-$6`, are no math; `1$-$5` and `$>$5` are."""
    if CERTAIN.search(inside):
        return False
    return (follows.isdigit() and not SIGN.fullmatch(inside)) or (inside[0].isdigit() and " " in inside)
