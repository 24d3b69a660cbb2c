"""Two readers' editions of one issue: what only one of them has, and what stands elsewhere. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from newsletter.types import Edition, Pick


@dataclass(frozen=True, slots=True)
class Placed:
    """A pick and where it stands."""

    place: int  #: 1..; what the mail had no room for goes on counting
    pick: Pick


@dataclass(frozen=True, slots=True)
class Pair:
    """One paper in two editions."""

    left: Placed | None
    right: Placed | None

    @property
    def moved(self) -> int:
        """Places down from left to right; 0 for what only one of them has."""
        return self.right.place - self.left.place if self.left and self.right else 0


def compare(left: Edition, right: Edition) -> tuple[Pair, ...]:
    """What only the left one has, then only the right one, then both: each in its order."""
    mine, theirs = _placed(left), _placed(right)
    return (
        *(Pair(each, None) for name, each in mine.items() if name not in theirs),
        *(Pair(None, each) for name, each in theirs.items() if name not in mine),
        *(Pair(each, theirs[name]) for name, each in mine.items() if name in theirs),
    )


def _placed(edition: Edition) -> dict[str, Placed]:
    picks = (*edition.picks, *edition.more)
    return {pick.entry.id: Placed(place, pick) for place, pick in enumerate(picks, 1)}
