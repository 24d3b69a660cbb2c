"""MAIL and RCPT in the words that a server understands. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass

from newsletter.errors import ConfigError, Refused
from newsletter.formats import ascii_domain, spelled
from newsletter.sender.phase import Phase
from newsletter.types import Mail

_ASCII = re.compile(r"[!-;=?-~]+@[!-;=?-~]+")
_SAFE = re.compile(r"[^\x00-\x20\x7f<>]+")
_NOT_XTEXT = re.compile(rb"[^!-*,-<>-~]")


@dataclass(frozen=True, slots=True)
class Offers:
    """What a server said that it can, in its answer to EHLO."""

    pipelining: bool = False
    chunking: bool = False
    eight_bit: bool = False
    smtputf8: bool = False
    dsn: bool = False
    declares_size: bool = False
    size: int = 0  #: the largest mail in bytes; 0: no limit is known

    @classmethod
    def parse(cls, text: str) -> Offers:
        """Read the lines of the answer, without their codes; the first one is the server's name."""
        words = [line.split() for line in text.upper().splitlines()[1:] if line.strip()]
        said = {name: arguments for name, *arguments in words}
        limit = said.get("SIZE", ["0"])[:1]
        return cls(
            pipelining="PIPELINING" in said,
            chunking="CHUNKING" in said,
            eight_bit="8BITMIME" in said,
            smtputf8="SMTPUTF8" in said,
            dsn="DSN" in said,
            declares_size="SIZE" in said,
            size=int(limit[0]) if limit and limit[0].isdecimal() else 0,
        )


def commands(mail: Mail, offers: Offers) -> tuple[bytes, bytes]:
    """Write the two commands, each with its line end.

    Raises Refused where this server cannot take this mail, ConfigError where the sender's address cannot be written.
    """
    if 0 < offers.size < len(mail.body):
        words = f"{len(mail.body)} bytes are more than the {offers.size} that the server takes"
        raise Refused(words, 552, "5.3.4", Phase.MAIL)
    try:
        sender = mailbox(mail.sender, offers) if mail.sender else b""
    except Refused as error:
        raise ConfigError(f"the sender: {error}") from error
    recipient = mailbox(mail.recipient, offers)
    return (
        b"MAIL FROM:<%b>%b\r\n" % (sender, _mail_words(mail, offers, sender + recipient)),
        b"RCPT TO:<%b>%b\r\n" % (recipient, _rcpt_words(recipient) if offers.dsn else b""),
    )


def _mail_words(mail: Mail, offers: Offers, addresses: bytes) -> bytes:
    words = b" SIZE=%d" % len(mail.body) if offers.declares_size else b""
    if offers.eight_bit and not (mail.sealed or mail.body.isascii()):
        words += b" BODY=8BITMIME"
    if not addresses.isascii():
        words += b" SMTPUTF8"
    if offers.dsn:
        name = xtext(mail.message_id.strip("<>").encode())
        words += b" RET=HDRS" + (b" ENVID=" + name if 0 < len(name) <= 100 else b"")
    return words


def _rcpt_words(recipient: bytes) -> bytes:
    """Ask for news of failures and delays (RFC 3461), about the address as we know it."""
    if not recipient.isascii():  # RFC 6533 has a form of its own for these
        return b" NOTIFY=FAILURE,DELAY"
    return b" NOTIFY=FAILURE,DELAY ORCPT=rfc822;" + xtext(recipient)


def mailbox(address: str, offers: Offers) -> bytes:
    """Write an address as bytes: quoted where it must be, its domain by IDNA.

    Raises Refused where the server or nobody could take it.
    """
    address = spelled(address)
    if _ASCII.fullmatch(address):
        return address.encode()
    local, _, domain = address.rpartition("@")
    if not (local and domain and _SAFE.fullmatch(address)):
        raise Refused(f"{address!r} is not an address", 501, "5.1.3", Phase.RCPT)
    if not local.isascii() and not offers.smtputf8:
        raise Refused(f"{address!r} needs SMTPUTF8, which the server does not offer", 553, "5.6.7", Phase.RCPT)
    try:
        return f"{local}@{ascii_domain(domain)}".encode()
    except UnicodeError as error:
        raise Refused(f"{domain!r} is not a domain: {error}", 501, "5.1.2", Phase.RCPT) from error


def xtext(value: bytes) -> bytes:
    """Encode as xtext (RFC 3461 4): printable ASCII without "+", "=" and space; the rest in hexadecimal."""
    return _NOT_XTEXT.sub(lambda found: b"+%02X" % found[0][0], value)
