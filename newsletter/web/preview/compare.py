"""Compare two readers' editions of one issue: what only one of them has, and what stands elsewhere. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from newsletter.types import Edition, Pick


@dataclass(frozen=True, slots=True)
class PlacedPick:
    """A pick and where it stands."""

    place: int  #: 1..; counts on for what the mail had no room for
    pick: Pick


@dataclass(frozen=True, slots=True)
class ComparedPick:
    """One paper in two editions."""

    left: PlacedPick | None
    right: PlacedPick | None

    @property
    def moved(self) -> int:
        """Count the places down from left to right; 0 for what only one of them has."""
        return self.right.place - self.left.place if self.left and self.right else 0


def compare(left: Edition, right: Edition) -> tuple[ComparedPick, ...]:
    """Return what only the left one has, then what only the right one has, then what both have, each in its order."""
    left_picks, right_picks = _placed(left), _placed(right)
    return (
        *(ComparedPick(pick, None) for name, pick in left_picks.items() if name not in right_picks),
        *(ComparedPick(None, pick) for name, pick in right_picks.items() if name not in left_picks),
        *(ComparedPick(pick, right_picks[name]) for name, pick in left_picks.items() if name in right_picks),
    )


def _placed(edition: Edition) -> dict[str, PlacedPick]:
    picks = (*edition.picks, *edition.more)
    return {pick.entry.id: PlacedPick(place, pick) for place, pick in enumerate(picks, 1)}
