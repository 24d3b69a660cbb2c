"""Rows: whatever an embedder gave, as float32 of shape (n, d) with rows of length 1, or an error."""

from __future__ import annotations

from typing import TYPE_CHECKING

from newsletter.errors import EmbedderError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


def unit_rows(values: object, count: int) -> NDArray[np.float32]:
    """The rows at length 1; a row of zeros stays one.

    Raises EmbedderError unless these are `count` rows of one size, all finite.
    """
    import numpy as np

    if not count:
        return np.zeros((0, 0), np.float32)
    try:
        with np.errstate(over="ignore"):
            rows = np.asarray(values, np.float64)
    except (ValueError, TypeError, OverflowError):
        raise EmbedderError("vectors of different lengths, or of no numbers") from None
    if rows.ndim != 2 or rows.shape[0] != count or not rows.shape[1]:
        raise EmbedderError(f"vectors of the shape {rows.shape} for {count} texts")
    if not np.isfinite(rows).all():
        raise EmbedderError("vectors with numbers that are not finite")
    largest = np.abs(rows).max(axis=1, keepdims=True)  # first, so that no square is too large or too small
    rows = rows / np.where(largest > 0, largest, 1)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    units: NDArray[np.float32] = (rows / np.where(lengths > 0, lengths, 1)).astype(np.float32)
    return units
