"""How often costly property tests try: in every run a fifth of what they try with `--hypothesis-profile full`."""

from hypothesis import settings

FULL = 500  #: tries of a test without a number of its own, with that profile; 100 in every run


def examples(full: int) -> int:
    """For `max_examples`: so many with that profile."""
    assert settings.default
    return full * settings.default.max_examples // FULL
