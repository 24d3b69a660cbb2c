"""The phases of a conversation with a mail server."""

from __future__ import annotations

from enum import StrEnum


class Phase(StrEnum):
    """What a server answered."""

    IDLE = "idle"  #: nothing that we asked
    CONNECT = "connect"
    EHLO = "ehlo"
    STARTTLS = "starttls"
    AUTH = "auth"
    RSET = "rset"
    MAIL = "mail"
    RCPT = "rcpt"
    DATA = "data"
    BDAT = "bdat"
    DOT = "dot"
    QUIT = "quit"


AFTER_RCPT = (Phase.DATA, Phase.BDAT, Phase.DOT)  #: here a server has taken the recipient, and speaks of the mail
