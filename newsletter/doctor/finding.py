"""What the doctor found: one line each, with what to do about it."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

LONGEST = 400  #: characters of what was found
LONGEST_RECORD = 4_000
STRING = 255  #: bytes of one string of a TXT record


class Level(StrEnum):
    """How bad it is. An error keeps mail from arriving or gives a secret away; a warning may."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """`found` may hold words of somebody else's server until `examine` has tidied it."""

    name: str
    level: Level
    found: str
    todo: str = ""  #: one sentence
    record: str = ""  #: to publish in DNS, ready to paste
    group: str = ""


def ok(name: str, found: str, todo: str = "", record: str = "") -> Finding:
    return Finding(name, Level.OK, found, todo, record)


def warning(name: str, found: str, todo: str, record: str = "") -> Finding:
    return Finding(name, Level.WARNING, found, todo, record)


def error(name: str, found: str, todo: str, record: str = "") -> Finding:
    return Finding(name, Level.ERROR, found, todo, record)


def skipped(name: str, why: str) -> Finding:
    return Finding(name, Level.SKIPPED, why)


def one_line(text: str, most: int = LONGEST) -> str:
    """Make one line of a text: without control and formatting characters, no longer than so many characters."""
    line = "".join(
        character for character in " ".join(text[: 4 * most].split()) if unicodedata.category(character)[0] != "C"
    )
    return line if len(line) <= most else line[: most - 1] + "…"


def words(trouble: BaseException) -> str:
    """What an error of the system says, without its number."""
    return re.sub(r"\[Errno -?\d+\] ", "", str(trouble)) or type(trouble).__name__


def txt_record(name: str, value: str) -> str:
    """A line of a zone file; long values in several strings, as a TXT record wants them."""
    pieces = [value[start : start + STRING] for start in range(0, len(value), STRING)]
    escaped = (re.sub(r'(["\\])', r"\\\1", piece) for piece in pieces)
    return f"{name}. TXT " + " ".join(f'"{piece}"' for piece in escaped)
