"""What goes wrong in HTTP, as one line for the user: whether another try may help, and nothing that holds a key."""

from __future__ import annotations

import re
import ssl
import unicodedata

from newsletter.errors import SourceError

LONGEST_LINE = 200  #: characters of somebody else's words
NO_ADDRESS = "redirects to an address that is none"


class RetriableError(Exception):
    """Another try may succeed: after `retry_after` seconds, where the host says so."""

    def __init__(self, reason: str, retry_after: float = 0.0) -> None:
        super().__init__(reason)
        self.retry_after = retry_after


def failure_of(error: Exception, host: str, seconds: float) -> Exception:
    """What to raise for an error of httpx; `seconds` was the time to connect.

    The words of httpx about our own request are left out: they may hold a key.
    """
    import httpx

    if certificate := _certificate_error(error):
        return SourceError(f"the certificate is not valid for {host}: {certificate.verify_message.rstrip('.')}")
    if isinstance(error.__context__, httpx.InvalidURL):  # httpx looks at a redirect even when it does not follow
        return SourceError(NO_ADDRESS)
    if isinstance(error, httpx.ConnectTimeout):
        return RetriableError(f"no connection within {seconds:.3g} s")
    if isinstance(error, httpx.LocalProtocolError | UnicodeError):
        return SourceError("the request cannot be written: a header or the address holds what it may not")
    if isinstance(error, httpx.TransportError | OSError):
        return RetriableError(words_of(error))
    return SourceError(words_of(error))


def _certificate_error(error: BaseException | None) -> ssl.SSLCertVerificationError | None:
    while error:
        if isinstance(error, ssl.SSLCertVerificationError):
            return error
        error = error.__cause__ or error.__context__
    return None


def words_of(error: Exception) -> str:
    """What an error says, in one line, without the numbers of the operating system."""
    return one_line(re.sub(r"^\[Errno -?\d+\] ", "", str(error))) or "the connection broke off"


def one_line(text: str, most: int = LONGEST_LINE) -> str:
    """Somebody else's words without control characters, cut to `most` characters."""
    line = "".join(char for char in " ".join(text.split()) if unicodedata.category(char)[0] != "C")
    return line if len(line) <= most else line[: most - 1] + "…"
