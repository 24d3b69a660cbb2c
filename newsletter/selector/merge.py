"""Fair shares: one list out of several rankings, each with its part."""

from __future__ import annotations

from collections.abc import Sequence


def merge(rankings: Sequence[Sequence[int]], weights: Sequence[float], size: int) -> list[tuple[int, int]]:
    """(ranking, entry) pairs in order, no entry twice.

    Sainte-Laguë: the next place goes to the largest weight / (2·places so far + 1), the first of equals; it takes its
    best unused entry. Weights ≤ 0 get no place; a ranking that has run dry leaves its places to the others. The first
    n pairs are fair for every n.
    """
    places = [0] * len(rankings)
    waiting = [iter(ranking) for ranking in rankings]
    alive = {number for number, weight in enumerate(weights) if weight > 0}
    used: set[int] = set()
    merged: list[tuple[int, int]] = []
    while alive and len(merged) < size:
        turn = max(alive, key=lambda number: (weights[number] / (2 * places[number] + 1), -number))
        entry = next((each for each in waiting[turn] if each not in used), None)
        if entry is None:
            alive.remove(turn)
            continue
        used.add(entry)
        places[turn] += 1
        merged.append((turn, entry))
    return merged
