"""Plain loops as machine code, where numba is installed; one text, so both give the same to the last digit."""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable
from functools import lru_cache
from types import FunctionType
from typing import Any

MATHS = {"nnan", "nsz"}  #: scores are never NaN: then the largest are found many at a time, and are the same


@lru_cache(maxsize=1)
def compiles() -> bool:
    """Whether numba is installed."""
    return importlib.util.find_spec("numba") is not None


def processors() -> int:
    """How many this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def machine(whole: Callable[..., Any], *parts: Callable[..., Any]) -> Callable[..., Any]:
    """`whole`, compiled when first called, with the parts that it calls, each behind those that it calls itself.

    The compiler's work is kept beside the source where that may be written. Itself where numba is not installed.
    """
    if not compiles():
        return whole
    import numba

    known: dict[str, Any] = dict(vars(sys.modules[whole.__module__]))
    for part in (*parts, whole):
        copy = FunctionType(part.__code__, known, part.__name__, part.__defaults__)
        copy.__module__, copy.__qualname__ = part.__module__, part.__qualname__
        # inlined, since each call counts references to all arrays that it is given
        options: dict[str, Any] = {"nogil": True, "fastmath": MATHS, "forceinline": part is not whole}
        try:
            known[part.__name__] = numba.njit(cache=True, **options)(copy)
        except RuntimeError:  # no folder that may be written: compiled anew in each process
            known[part.__name__] = numba.njit(**options)(copy)
    return known[whole.__name__]  # type: ignore[no-any-return]
