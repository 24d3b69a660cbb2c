"""The selector (interim)."""

from newsletter.selector._interim import HYPE, SIZE, SURPRISE, Pool, prepare, select

__all__ = ["HYPE", "SIZE", "SURPRISE", "Pool", "prepare", "select"]
