"""Letters ─▶ BounceReports, in a process apart, but for the smallest: anybody can write to a bounce address."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable

from newsletter.bounces.mime_parser import MOST_BYTES
from newsletter.bounces.read import read_mail
from newsletter.bounces.report import BounceReport, ReportKind
from newsletter.worker_process import WorkerGone, WorkerLost, WorkerProcess

SMALL = 8_192  #: bytes that are read here: what takes the square of them is done in a second
SECONDS = 20.0  #: of computing, for one letter

logger = logging.getLogger("newsletter")


class LetterReader:
    """Reads the letters of one mailbox. A context manager: at its end the process is gone."""

    def __init__(self, seconds: float = SECONDS, read: Callable[[bytes], BounceReport] = read_mail) -> None:
        """`read` is a function of a module: the process finds it by its name."""
        self._worker = WorkerProcess()
        self._seconds = seconds
        self._read = read

    def __enter__(self) -> LetterReader:
        return self

    def __exit__(self, *error: object) -> None:
        self._worker.__exit__(*error)

    def read(self, data: bytes) -> BounceReport:
        """Read what a letter says; one that takes too long, or too much memory, says nothing but that."""
        if len(data) <= SMALL:
            return self._read(data)
        try:
            return self._read_apart(data[:MOST_BYTES])
        except WorkerLost as error:
            digest = hashlib.blake2b(data[:MOST_BYTES], digest_size=16).hexdigest()
            logger.warning("a letter could not be read", extra={"digest": digest, "reason": str(error)})
            return BounceReport(ReportKind.NONE, digest=digest, note=str(error))

    def _read_apart(self, data: bytes) -> BounceReport:
        """Read it, a second time where somebody else ended the process: a good letter must not be lost by that."""
        try:
            return self._worker.run(self._seconds, self._read, data)
        except WorkerGone:
            return self._worker.run(self._seconds, self._read, data)
