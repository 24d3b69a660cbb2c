"""Lists of phrases in files: reasons.txt tells why a mail failed, marks.txt what kind of mail it is.

One phrase a line, whole words in any case and without accents: "locked" is not in "blocked". "word*" is any ending,
(a|b) is one of these, "…" is up to 50 characters that begin and end at a word's edge, "_" up to two words, "^" the
start and "$" the end of the text.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

PIECE = 500  #: characters: accents are brought into an order, which takes the square of their number

_SIGNS = re.compile(r"(…|_|\*|[()|$^]| )")
_CHOICE = re.compile(r"\(([^()|]{1,80}(?:\|[^()|]{1,80}){1,80})\)")
_PATTERNS = {
    "…": r"(?!\w).{0,50}?(?<!\w)",
    "_": r"(?:\S{1,40} ){0,2}",
    "*": r"\w{0,40}",
    "(": "(?:",
    ")": ")",
    "|": "|",
    "^": "^",
    "$": r"[ .:;]*$",
    " ": r"(?: |(?<!\w)|(?!\w))",  # beside a sign, for which nothing may stand; two words stay two
}


@lru_cache(maxsize=2)
def sections(name: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Return (section, one pattern for all its phrases), in the order of the file; a section may come twice."""
    found: list[tuple[str, list[str]]] = []
    for line in (Path(__file__).parent / f"{name}.txt").read_text("utf-8").splitlines():
        if line.startswith("["):
            found.append((line.strip("[]"), []))
        elif line.strip() and not line.startswith("#"):
            found[-1][1].append(line.strip().removesuffix(" …"))
    return tuple((section, re.compile(_pattern(phrases))) for section, phrases in found)


def has_phrase(text: str, mark: str) -> bool:
    """Say whether a text holds one of the phrases of a section of marks.txt."""
    pattern = next(pattern for section, pattern in sections("marks") if section == mark)
    return bool(pattern.search(" ".join(folded(text).split())))


def folded(text: str) -> str:
    """Return a text in lower case, without accents, with plain apostrophes."""
    pieces = (text[start : start + PIECE] for start in range(0, len(text), PIECE))
    parts = "".join(unicodedata.normalize("NFKD", piece) for piece in pieces)
    return (
        "".join(character for character in parts if not unicodedata.combining(character)).replace("\u2019", "'").lower()
    )


def _pattern(phrases: Iterable[str]) -> str:
    """Make one pattern of all phrases of a section.

    Those that begin with the same letter stand together: most words of a text are then done with by their first one.
    """
    by_letter: dict[str, list[str]] = {}
    others: list[str] = []
    for phrase in phrases:
        found = _CHOICE.match(phrase)
        choices, rest = (found[1].split("|"), phrase[found.end() :]) if found else ([phrase], "")
        has_words = phrase.isascii() or " " in phrase  # scripts without spaces between words have no whole words either
        if not has_words or not all(choice[:1].isalnum() for choice in choices):
            others.append(rf"(?<!\w){_texts(phrase)}(?!\w)" if has_words else _texts(phrase))
            continue
        texts: dict[str, list[str]] = {}
        for text in map(_texts, choices):
            texts.setdefault(text[0], []).append(text[1:])
        for letter, ends in texts.items():
            choice = f"(?:{'|'.join(ends)})" if len(ends) > 1 else ends[0]
            by_letter.setdefault(letter, []).append(choice + _texts(rest))
    words = "|".join(f"{letter}(?:{'|'.join(ends)})" for letter, ends in by_letter.items())
    return "|".join([*([rf"(?<!\w)(?:{words})(?!\w)"] if words else []), *others])


def _texts(phrase: str) -> str:
    """Return the pattern of a phrase or a part of one, without edges."""
    parts = [part for part in _SIGNS.split(phrase) if part]
    return "".join(map(_text, ["(", *parts], parts, [*parts[1:], ")"]))


def _text(before: str, part: str, after: str) -> str:
    """Return the pattern of one part; between two words stands a blank, and nothing else does."""
    if part == " " and before not in _PATTERNS and after not in _PATTERNS:
        return part
    return _PATTERNS.get(part) or re.escape(part.lower() if part.isascii() else folded(part))
