"""How far we run ahead of a server's replies: as far as has worked with it. Pure.

    plain ─▶ pipelined ─▶ ahead ─▶ chunks

Each rung includes the ones below. A server that offers pipelining is believed; the rungs above are tried by one mail
of one connection first, and used by all when that went well. What was refused is not tried again.
"""

from __future__ import annotations

from enum import IntEnum


class Rung(IntEnum):
    """How a mail is written."""

    PLAIN = 0  #: command by command, each after the reply to the last
    PIPELINED = 1  #: MAIL, RCPT and DATA in one (RFC 2920)
    AHEAD = 2  #: the next envelope together with the last dot, before the reply to that
    CHUNKS = 3  #: BDAT (RFC 3030): the body together with the envelope, without waiting for a 354


class Ladder:
    """What has worked with one host; all connections to it share one."""

    def __init__(self, limit: Rung = Rung.CHUNKS) -> None:
        self.limit = limit  #: nothing above was not refused
        self.proven = Rung.PLAIN
        self._trial: object = None  #: who is trying the rung above `proven`

    def allows(self, rung: Rung, who: object) -> bool:
        """May this mail be written so? One above `proven`, it becomes the trial, which passes or fails."""
        if rung > self.limit:
            return False
        if rung <= max(self.proven, Rung.PIPELINED):
            return True
        if rung > self.proven + 1 or self._trial not in (None, who):
            return False
        self._trial = who
        return True

    def tries(self, who: object) -> bool:
        return self._trial is who

    def passed(self, rung: Rung, who: object) -> None:
        """It worked."""
        if rung == self.proven + 1 and (rung is Rung.PIPELINED or self._trial is who):
            self.proven = rung
            self.left(who)

    def failed(self, rung: Rung, who: object) -> None:
        """It did not: neither this rung nor those above will be used again."""
        self.limit = min(self.limit, Rung(max(rung - 1, Rung.PLAIN)))
        self.proven = min(self.proven, self.limit)
        self.left(who)

    def left(self, who: object) -> None:
        """The trial ended without a word: somebody else may try."""
        if self._trial is who:
            self._trial = None
