"""Files for their owner's eyes only: readers' addresses, links that act in their name, secrets."""

from __future__ import annotations

import os

OWNER_ONLY = 0o600


def private(path: str, flags: int) -> int:
    """Open as `open` does, for its `opener`: nobody else can read a new file, at no moment. An old one keeps its mode."""
    return os.open(path, flags, OWNER_ONLY)
