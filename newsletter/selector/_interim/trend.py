"""How much an entry is talked about, compared with the others of its pool."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from newsletter.selector._interim.features import Floats
from newsletter.types import Entry

SIGNALS = ("votes", "comments", "stars")
SHRINK = 1.0  #: as many imagined signals in the middle as this


def trends(entries: Sequence[Entry]) -> Floats:
    """float32[n]: mean percentile of the known signals, shrunk towards .5; NaN where nothing is known.

    A missing signal is not zero. Hacker News' and Reddit's formulas decay by the hour and do not fit a weekly mail.
    """
    percentiles = np.stack([_percentiles([getattr(each, name) for each in entries]) for name in SIGNALS])
    known = np.isfinite(percentiles)
    total = np.where(known, percentiles, 0).sum(axis=0) + SHRINK * 0.5
    return np.where(known.any(axis=0), total / (known.sum(axis=0) + SHRINK), np.nan).astype(np.float32)


def _percentiles(values: Sequence[int | None]) -> Floats:
    """Mid-rank percentile among the known ones, 0..1; NaN for the unknown, the negative and the infinite."""
    clean = np.array([v if v is not None and math.isfinite(v) and v >= 0 else np.nan for v in values], np.float64)
    known = np.sort(clean[np.isfinite(clean)])
    if not len(known):
        return np.full(len(clean), np.nan, np.float32)
    middle = (np.searchsorted(known, clean, "left") + np.searchsorted(known, clean, "right")) / 2
    return np.where(np.isfinite(clean), middle / len(known), np.nan).astype(np.float32)
