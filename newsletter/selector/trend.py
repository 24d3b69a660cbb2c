"""How much an entry is talked about, beside the others of its pool."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from newsletter.selector.features import Floats
from newsletter.types import Entry

SHRINK = 0.5  #: one signal alone counts for 1 / (1 + SHRINK) of its distance from the middle
FEW = 5.0  #: papers of a field at which its own percentiles count half, beside those of the whole pool
MOST = 10**12  #: votes beyond this are a mistake, and would not fit a float


def trends(entries: Sequence[Entry]) -> Floats:
    """Mean percentile of the known signals, 0..1, nearer to .5 the fewer they are; NaN where nothing is known.

    Within each field, so that physics does not have to beat the votes of machine learning: the field is the archive of
    the first topic ("cs" of cs.AI).
    Percentiles because the formulas of Hacker News and Reddit decay by the hour, which suits no weekly mail.
    """
    fields: dict[str, list[int]] = {}
    for number, entry in enumerate(entries):
        fields.setdefault((entry.topics or ("",))[0].partition(".")[0], []).append(number)
    signals = ([e.votes for e in entries], [e.comments for e in entries], [e.stars for e in entries])
    places = np.stack([_in_fields(values, fields.values()) for values in signals])
    known = np.isfinite(places).sum(axis=0)
    excess = np.nansum(places - 0.5, axis=0)
    return np.where(known, 0.5 + excess / (known + SHRINK), np.nan).astype(np.float32)


def _in_fields(values: Sequence[float | None], fields: Iterable[Sequence[int]]) -> Floats:
    found = _percentiles(values)
    whole = found.copy()
    for members in fields:
        own = _percentiles([values[number] for number in members])
        known = np.isfinite(own).sum()
        found[members] = (known * own + FEW * whole[members]) / (known + FEW)
    return found


def _percentiles(values: Sequence[float | None]) -> Floats:
    """Share of the known values below each, equal ones by half; NaN for what is unknown or no count."""
    clean = np.array([math.nan if v is None or not 0 <= v < math.inf else min(v, MOST) for v in values], np.float64)
    known = np.sort(clean[np.isfinite(clean)])
    middle = (np.searchsorted(known, clean, "left") + np.searchsorted(known, clean, "right")) / 2
    return np.where(np.isfinite(clean), middle / max(len(known), 1), np.nan).astype(np.float32)
