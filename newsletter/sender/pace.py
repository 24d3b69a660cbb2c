"""How long to wait before a mail is tried again. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta


def pause(attempts: int, retry: Sequence[timedelta]) -> timedelta:
    """After the first failed attempt the first pause, and so on; the last one repeats until the mail expires."""
    return retry[min(max(attempts, 1), len(retry)) - 1]
