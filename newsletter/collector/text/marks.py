"""Marked text: scripts, italics, bold and links as control characters around their text, which no input has."""

from __future__ import annotations

#: what opens a marked piece of text, and what ends it; the address of a link stands first, up to AFTER_ADDRESS
SUP, SUB, ITALIC, BOLD, LINK = "\x01\x02\x03\x04\x05"
ENDS = dict(zip("\x01\x02\x03\x04\x05", "\x0e\x0f\x10\x11\x12", strict=True))
AFTER_ADDRESS = "\x13"
OPENERS, CLOSERS = "".join(ENDS), "".join(ENDS.values())


def marked(kind: str, inside: str, address: str = "") -> str:
    """A piece of text that is SUP, SUB, ITALIC, BOLD or LINK."""
    return f"{kind}{address + AFTER_ADDRESS if kind == LINK else ''}{inside}{ENDS[kind]}"
