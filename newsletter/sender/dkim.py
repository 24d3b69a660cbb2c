"""DKIM signatures (RFC 6376; Ed25519 by RFC 8463), c=relaxed/simple. Pure: a mail's bytes in, headers out.

    body ─ SHA-256 ─▶ bh= ┐
    headers ─ relaxed ────┴─▶ one DKIM-Signature per key

`t=` is the mail's own Date and both kinds of signature are deterministic: the same mail is signed by the same bytes.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import lru_cache
from hashlib import sha256

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from newsletter.errors import ConfigError, InputError
from newsletter.types import Mail

#: What is signed where a mail has it. Not Precedence and X-…: they speak to robots, and relays rewrite them.
SIGNED = (
    b"From",
    b"To",
    b"Subject",
    b"Date",
    b"Message-ID",
    b"Reply-To",
    b"List-Id",
    b"List-Unsubscribe",
    b"List-Unsubscribe-Post",
    b"List-Help",
    b"Feedback-ID",
    b"Auto-Submitted",
    b"Content-Language",
    b"MIME-Version",
    b"Content-Type",
)
RSA_BITS = (2048, 4096)  #: RFC 8301: signers should use 2048 or more; verifiers need not take more than 4096
_BLANKS = re.compile(rb"[ \t]{2,}|\t")
_LINE = 78  #: columns


@dataclass(frozen=True, slots=True)
class Key:
    """A private key and where its public half is published: `selector`._domainkey.`domain`."""

    algorithm: str  #: "rsa-sha256" or "ed25519-sha256"
    selector: str
    sign: Callable[[bytes], bytes]


class Signer:
    """Signs in the name of `domain`, once with each key."""

    def __init__(self, domain: str, keys: Sequence[Key]) -> None:
        self._domain = domain
        self._keys = tuple(keys)

    def sign(self, mail: Mail) -> Mail:
        """The same mail with its signatures on top."""
        body = mail.body
        return Mail(mail.message_id, mail.sender, mail.recipient, self.headers(body) + body, mail.sealed)

    def headers(self, mail: bytes) -> bytes:
        """One DKIM-Signature per key. Raises InputError for bytes that a relay would have to change.

        A body has no bare line ends by construction (renderer.mime); to look again would take as long as the rest.
        """
        at = mail.find(b"\r\n\r\n")
        head = mail[: at if at >= 0 else len(mail)]
        if not mail.isascii() or not head.count(b"\n") == head.count(b"\r") == head.count(b"\r\n"):
            raise InputError("a mail with bare line ends in its head or 8-bit bytes cannot be signed")
        fields = relaxed(head)
        names, named = _signed(tuple(fields), tuple(map(len, fields.values())))
        data = b"".join([b"%b:%b\r\n" % (name, fields[name][place]) for name, place in names])
        digest, moment = _base64(sha256(simple(mail, len(head) + 4)).digest()), _moment(fields)
        return b"".join([self._header(key, digest, moment, named, data) for key in self._keys])

    def _header(self, key: Key, digest: str, moment: int, named: str, data: bytes) -> bytes:
        tags = f"v=1; a={key.algorithm}; c=relaxed/simple; d={self._domain}; s={key.selector}; t={moment};"
        lines = (*_folded(f"DKIM-Signature: {tags}", " "), f"bh={digest};", *_folded(f"h={named};", ":"), "b=")
        relaxed = "dkim-signature:" + " ".join(lines)[len("DKIM-Signature: ") :]
        signature = _base64(key.sign(data + relaxed.encode()))
        room = _LINE - len(" b=")
        broken = "\r\n ".join([signature[start : start + room] for start in range(0, len(signature), room)])
        return ("\r\n ".join(lines) + broken + "\r\n").encode()


@lru_cache(maxsize=64)
def _signed(names: tuple[bytes, ...], counts: tuple[int, ...]) -> tuple[tuple[tuple[bytes, int], ...], str]:
    """What is signed of a mail with these headers, so many of each: (name, place), and the h= tag."""
    count = dict(zip(names, counts, strict=True))
    # of two with one name, verifiers take the lower one first
    found = [(name, place) for name in SIGNED for place in reversed(range(count.get(name.lower(), 0)))]
    told = [*(name for name, _ in found), b"From"]  # once more than there is: nobody may add another From
    return tuple((name.lower(), place) for name, place in found), b":".join(told).decode()


def relaxed(head: bytes) -> dict[bytes, list[bytes]]:
    """Return header values by lower-case name, unfolded, runs of blanks as one (RFC 6376 3.4.2)."""
    fields: dict[bytes, list[bytes]] = {}
    for line in _unfolded(head).split(b"\r\n"):
        name, _, value = line.partition(b":")
        fields.setdefault(name.rstrip().lower(), []).append(value.strip())
    return fields


def _unfolded(head: bytes) -> bytes:
    plain = head.replace(b"\r\n ", b" ").replace(b"\r\n\t", b" ")
    return _BLANKS.sub(b" ", plain) if b"  " in plain or b"\t" in plain else plain


def simple(mail: bytes, start: int) -> bytes | memoryview:
    """The body, from there on, with exactly one line end at its end (RFC 6376 3.4.3). Ours are so already.

    Not copied then: the copy of 70 KB takes as long as to hash it [measured].
    """
    if len(mail) > start and mail.endswith(b"\r\n") and not mail.endswith(b"\r\n\r\n"):
        return memoryview(mail)[start:]
    return mail[start:].rstrip(b"\r\n") + b"\r\n"


def rsa_key(pem: str, selector: str) -> Key:
    """Read an RSA key. Raises ConfigError, which never holds anything of the key."""
    key = _private_key(pem, "[dkim] key")
    if not isinstance(key, RSAPrivateKey):
        raise ConfigError("[dkim] key: an RSA key is expected (an Ed25519 key belongs in ed25519_key_file)")
    least, most = RSA_BITS
    if not least <= key.key_size <= most:
        raise ConfigError(
            f"[dkim] key: has {key.key_size} bits; RSA keys of {least} to {most} bits are verified by all"
        )
    padding, digest = PKCS1v15(), SHA256()
    return Key("rsa-sha256", selector, lambda data: key.sign(data, padding, digest))


def ed25519_key(pem: str, selector: str) -> Key:
    """Read an Ed25519 key (RFC 8463 signs the SHA-256). Raises ConfigError, which never holds anything of the key."""
    key = _private_key(pem, "[dkim] ed25519_key")
    if not isinstance(key, Ed25519PrivateKey):
        raise ConfigError("[dkim] ed25519_key: an Ed25519 key is expected")
    return Key("ed25519-sha256", selector, lambda data: key.sign(sha256(data).digest()))


def _private_key(pem: str, name: str) -> PrivateKeyTypes:
    try:
        return load_pem_private_key(pem.encode(), None)
    except TypeError as error:
        raise ConfigError(f"{name}: is encrypted; take its passphrase off: openssl pkey -in OLD -out NEW") from error
    except (ValueError, UnsupportedAlgorithm):  # the library's words may quote what it read
        raise ConfigError(f"{name}: is not a private key in PEM form (-----BEGIN PRIVATE KEY-----)") from None


def _moment(fields: dict[bytes, list[bytes]]) -> int:
    try:
        [_], [date] = fields[b"from"], fields[b"date"]
        return _seconds(date)
    except (KeyError, ValueError) as error:
        raise InputError("a mail needs one From and one Date to be signed") from error


@lru_cache(maxsize=64)
def _seconds(date: bytes) -> int:
    moment = parsedate_to_datetime(date.decode())
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp())


@lru_cache(maxsize=64)
def _folded(text: str, joint: str) -> tuple[str, ...]:
    """Fold words into lines as long as may be; a joint stays with the word before it, a blank at a line's end goes."""
    lines, line = [], ""
    for word in text.split(joint):
        longer = f"{line}{joint}{word}" if line else word
        if line and len(longer) + len(joint) >= _LINE:
            lines.append((line + joint).rstrip())
            line = word
        else:
            line = longer
    return (*lines, line.rstrip())


def _base64(data: bytes) -> str:
    return b64encode(data).decode()
