"""Lists of phrases in files: reasons.txt tells why a mail failed, marks.txt what kind of mail it is.

One phrase a line, whole words in any case and without accents: "locked" is not in "blocked". "word*" is any ending, (a|b)
is one of these, "…" is up to 50 characters that begin and end at a word's edge, "_" up to two words, "^" the start and "$"
the end of the text.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from pathlib import Path

PIECE = 500  #: characters: accents are brought into an order, which takes the square of their number

_SIGNS = re.compile(r"(…|_|\*|[()|$^]| )")
_PATTERNS = {
    "…": r"(?!\w).{0,50}?(?<!\w)",
    "_": r"(?:\S{1,40} ){0,2}",
    "*": r"\w{0,40}",
    "(": "(?:",
    ")": ")",
    "|": "|",
    "^": "^",
    "$": r"[ .:;]*$",
    " ": r"(?: |(?<!\w)|(?!\w))",  # what stands on either side may be empty, but two words stay two
}


@lru_cache(maxsize=2)
def sections(name: str) -> tuple[tuple[str, re.Pattern[str]], ...]:
    """Return (section, one pattern for all its phrases), in the order of the file; a section may come twice."""
    found: list[tuple[str, list[str]]] = []
    for line in (Path(__file__).parent / f"{name}.txt").read_text("utf-8").splitlines():
        if line.startswith("["):
            found.append((line.strip("[]"), []))
        elif line.strip() and not line.startswith("#"):
            found[-1][1].append(_pattern(line.strip()))
    return tuple((section, re.compile("|".join(patterns))) for section, patterns in found)


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


def _pattern(phrase: str) -> str:
    """Make the pattern of one line. Scripts without spaces between words have no whole words either."""
    phrase = phrase.removesuffix(" …")
    text = "".join(_PATTERNS.get(part) or re.escape(folded(part)) for part in _SIGNS.split(phrase))
    return rf"(?<!\w){text}(?!\w)" if phrase.isascii() or " " in phrase else text
