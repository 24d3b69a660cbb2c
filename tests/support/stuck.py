"""Functions for a process apart: what goes wrong in parsers."""

from __future__ import annotations

import os
import re
import signal
from datetime import datetime
from threading import Lock

from newsletter.bounces import BounceReport, read_mail
from newsletter.collector import Parsed
from newsletter.collector.http.ssrf import NotPublic
from newsletter.errors import SourceError
from newsletter.types import Entry, Source


def doubled(number: int) -> int:
    return 2 * number


def own_number() -> int:
    return os.getpid()


def environment() -> list[str]:
    return sorted(os.environ)


def stuck(*_: object) -> None:
    """An expression that comes to no end, and that no signal handler of Python's interrupts."""
    re.fullmatch(r"(?:a|a)+", "a" * 60 + "b")


def stuck_or_read(data: bytes) -> BounceReport:
    if data.startswith(b"stuck"):
        stuck()
    return read_mail(data)


def greedy(*_: object) -> None:
    bytearray(2**40)


def crash(*_: object) -> None:
    os.kill(os.getpid(), signal.SIGSEGV)


def faulty(*_: object) -> None:
    raise KeyError("a bug")


def refusing(words: str) -> None:
    raise SourceError(words)


def parse(data: bytes, source: Source, now: datetime) -> Parsed:
    """A kind of source: stuck, greedy, crashing, faulty as the first word says; else one entry a line."""
    said, *_ = data.split(maxsplit=1)
    {b"stuck": stuck, b"greedy": greedy, b"crash": crash, b"faulty": faulty}.get(said, doubled)(1)
    titles = data.decode().splitlines()
    return Parsed(tuple(Entry(id=f"t:{title}", title=title, source=source.name) for title in titles))


def not_public(host: str, address: str) -> None:
    raise NotPublic(host, address)


def raising(error: Exception) -> None:
    raise error


def unsendable() -> None:
    error = SourceError("with something that no pickle takes")
    error.add_note("a note")
    vars(error)["lock"] = Lock()
    raise error
