"""Unicode's normal forms in linear time: bringing marks into their order takes the square of their number."""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

MOST_MARKS = 30  #: on one letter, as in the Stream-Safe Text Format of UAX 15; no language has half as many
_MARK = r"[^\w\s\x00-\u02ff]"
_PILE = re.compile(rf"{_MARK}{{{MOST_MARKS + 1},}}")


def normalized(form: Literal["NFC", "NFKD"], text: str) -> str:
    """The text in this form; what is more than MOST_MARKS on one letter is left out."""
    return unicodedata.normalize(form, text if text.isascii() else _PILE.sub(_few_marks, text))


def _few_marks(pile: re.Match[str]) -> str:
    """The same signs, but for marks behind MOST_MARKS others; signs that are no marks stay, however many they are."""
    kept, marks = [], 0
    for sign in pile[0]:
        marks = marks + 1 if unicodedata.combining(sign) else 0
        if marks <= MOST_MARKS:
            kept.append(sign)
    return "".join(kept)
