"""How well a pick fits, in a word that means the same from week to week."""

from __future__ import annotations

from typing import Literal

Strength = Literal["strong", "good", "faint", ""]

STRONG, GOOD = 8.0, 5.0  #: deviations


def strength(deviations: float, floor: float) -> Strength:
    """`floor`: what does not reach it is no match, which is ""."""
    if deviations < floor:
        return ""
    return "strong" if deviations >= STRONG else "good" if deviations >= GOOD else "faint"
