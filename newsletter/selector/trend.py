"""How much an entry is talked about, beside the others of its pool."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from newsletter.selector.features import Floats
from newsletter.types import Entry

SHRINK = 0.5  #: one signal alone counts for 1 / (1 + SHRINK) of its distance from the middle
MOST = 10**12  #: votes beyond this are a mistake, and would not fit a float


def trends(entries: Sequence[Entry]) -> Floats:
    """Mean percentile of the known signals, 0..1, nearer to .5 the fewer they are; NaN where nothing is known.

    Percentiles because the formulas of Hacker News and Reddit decay by the hour, which suits no weekly mail.
    """
    places = np.stack(
        [
            _percentiles([each.votes for each in entries]),
            _percentiles([each.comments for each in entries]),
            _percentiles([each.stars for each in entries]),
        ]
    )
    known = np.isfinite(places).sum(axis=0)
    excess = np.nansum(places - 0.5, axis=0)
    return np.where(known, 0.5 + excess / (known + SHRINK), np.nan).astype(np.float32)


def _percentiles(values: Sequence[float | None]) -> Floats:
    """Share of the known values below each, equal ones by half; NaN for what is unknown or no count."""
    clean = np.array([math.nan if v is None or not 0 <= v < math.inf else min(v, MOST) for v in values], np.float64)
    known = np.sort(clean[np.isfinite(clean)])
    middle = (np.searchsorted(known, clean, "left") + np.searchsorted(known, clean, "right")) / 2
    return np.where(np.isfinite(clean), middle / max(len(known), 1), np.nan).astype(np.float32)
