"""Older papers of several fields, against which the selector measures what is usual."""

from __future__ import annotations

import random
from functools import cache

from newsletter.testing import make_entry
from newsletter.types import Entry

#: Fields of older papers: a few words each, of which a paper has most, in any order.
FIELDS = (
    "graph node edge embedding network convolution message",
    "robot grasp arm policy control simulation video",
    "protein cell tissue receptor assay blood immune",
    "language model token text prompt reasoning corpus",
    "galaxy telescope redshift survey star dust spectrum",
    "image segmentation pixel video camera medical scan",
    "theorem proof bound convex operator norm space",
    "market price risk auction bidder welfare policy",
)
PLAIN = [
    *("paper", "method", "result", "approach", "data", "show", "study"),
    *("analysis", "new", "large", "propose", "problem", "work", "based"),
]


@cache
def older_papers() -> tuple[Entry, ...]:
    """What a newsletter has read before: forty papers of each field."""
    chance = random.Random(16)

    def text(field: str, length: int) -> str:
        return " ".join(chance.choice(field.split() if chance.random() < 0.4 else PLAIN) for _ in range(length))

    return tuple(
        make_entry(f"old-{number}", title=text(field, 7), abstract=text(field, 90))
        for number, field in enumerate(FIELDS * 40)
    )
