"""Files for their owner's eyes only: readers' addresses, links that act in their name, secrets."""

from __future__ import annotations

import os

OWNER_ONLY = 0o600


def private(path: str, flags: int) -> int:
    """Open a file, as an `opener` of `open`: nobody else can ever read a new one; an old one keeps its mode."""
    return os.open(path, flags, OWNER_ONLY)
