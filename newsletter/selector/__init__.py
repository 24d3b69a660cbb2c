"""The right papers for every reader: `prepare` a pool once an issue, then `select` for many readers at a time."""

from newsletter.selector.pool import Pool, prepare
from newsletter.selector.popular import for_everybody, popular
from newsletter.selector.profile_arrays import FILL, FLOOR, HYPE, SIZE, SURPRISE, Defaults, completed, likes, phrases
from newsletter.selector.rank import find, select, warm
from newsletter.selector.selection import Selection

__all__ = [
    "FILL",
    "FLOOR",
    "HYPE",
    "SIZE",
    "SURPRISE",
    "Defaults",
    "Pool",
    "Selection",
    "completed",
    "find",
    "for_everybody",
    "likes",
    "phrases",
    "popular",
    "prepare",
    "select",
    "warm",
]
