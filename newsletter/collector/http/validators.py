"""What is kept of an answer so that an unchanged one need not be sent again: ETag and Last-Modified (RFC 9110)."""

from __future__ import annotations

from dataclasses import dataclass

LONGEST_VALIDATOR = 500  #: characters


@dataclass(frozen=True, slots=True)
class Validators:
    """The validators of the last answer, sent with the next request."""

    etag: str = ""
    modified: str = ""  #: `Last-Modified` as it was received

    def headers(self) -> dict[str, str]:
        """The conditional headers; none for what no header may hold."""
        pairs = {"If-None-Match": validator(self.etag), "If-Modified-Since": validator(self.modified)}
        return {name: value for name, value in pairs.items() if value}


@dataclass(frozen=True, slots=True)
class Fetched:
    """One answer with its validators."""

    data: bytes | None  #: None: nothing changed since the answer that the validators came with
    etag: str = ""
    modified: str = ""


NOTHING_KNOWN = Validators()


def validator(value: str) -> str:
    """The value as it is, or "" where it is too long or unprintable: half an ETag is worse than none."""
    return value if len(value) <= LONGEST_VALIDATOR and value.isascii() and value.isprintable() else ""
