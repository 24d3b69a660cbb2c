"""SMTP pipelining: how far we write ahead of a server's replies, which is as far as has worked with it. Pure.

    plain ─▶ pipelined ─▶ ahead ─▶ chunks

Each level includes the ones below it. A server that offers pipelining is believed; the levels above are tried by one
mail of one connection first, and used by all when that went well. What was refused is not tried again.
"""

from __future__ import annotations

from enum import IntEnum


class PipeliningLevel(IntEnum):
    """How a mail is written."""

    PLAIN = 0  #: command by command, each after the reply to the last
    PIPELINED = 1  #: MAIL, RCPT and DATA in one (RFC 2920)
    AHEAD = 2  #: the next envelope together with the last dot, before the reply to that
    CHUNKS = 3  #: BDAT (RFC 3030): the body together with the envelope, without waiting for a 354


class Pipelining:
    """What has worked with one host; all connections to it share one."""

    def __init__(self, limit: PipeliningLevel = PipeliningLevel.CHUNKS) -> None:
        self.limit = limit  #: nothing above was not refused
        self.proven = PipeliningLevel.PLAIN
        self._trial: object = None  #: who is trying the level above `proven`

    def allows(self, level: PipeliningLevel, who: object) -> bool:
        """Say whether this mail may be written so; one level above `proven`, it becomes the trial of that level."""
        if level > self.limit:
            return False
        if level <= max(self.proven, PipeliningLevel.PIPELINED):
            return True
        if level > self.proven + 1 or self._trial not in (None, who):
            return False
        self._trial = who
        return True

    def level_for(self, ahead: bool, chunking: bool, who: object) -> PipeliningLevel:
        """Choose how a server that offers pipelining is written to; `ahead`: while a reply is outstanding."""
        if not self.allows(PipeliningLevel.PIPELINED, who):
            return PipeliningLevel.PLAIN
        if chunking and self.allows(PipeliningLevel.CHUNKS, who):
            return PipeliningLevel.CHUNKS
        return PipeliningLevel.AHEAD if ahead else PipeliningLevel.PIPELINED

    def tries(self, who: object) -> bool:
        return self._trial is who

    def passed(self, level: PipeliningLevel, who: object) -> None:
        """Note that a level worked."""
        if level == self.proven + 1 and (level is PipeliningLevel.PIPELINED or self._trial is who):
            self.proven = level
            self.left(who)

    def failed(self, level: PipeliningLevel, who: object) -> None:
        """Note that it did not: neither this level nor those above will be used again."""
        self.limit = min(self.limit, PipeliningLevel(max(level - 1, PipeliningLevel.PLAIN)))
        self.proven = min(self.proven, self.limit)
        self.left(who)

    def left(self, who: object) -> None:
        """End a trial that proved nothing: somebody else may try."""
        if self._trial is who:
            self._trial = None
