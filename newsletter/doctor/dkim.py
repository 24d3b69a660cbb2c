"""DKIM as receivers see it: the key in DNS beside our own, and a mail of ours verified with it (RFC 6376, 8463).

Written a second time, and not with the signer's code: a signer that checks itself finds nothing.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterator
from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_der_public_key,
    load_pem_private_key,
)

from newsletter.doctor.tags import read_tags

LEAST_BITS = 2048  #: RFC 8301
PublicKey = RSAPublicKey | Ed25519PublicKey


@dataclass(frozen=True, slots=True)
class OwnKey:
    """One of our keys: where its public half belongs, and that half."""

    domain: str
    selector: str
    public: PublicKey

    @property
    def place(self) -> str:
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def record(self) -> str:
        """What should stand there."""
        if isinstance(self.public, RSAPublicKey):
            data = self.public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            return f"v=DKIM1; k=rsa; p={b64encode(data).decode()}"
        return f"v=DKIM1; k=ed25519; p={b64encode(self.public.public_bytes_raw()).decode()}"


@dataclass(frozen=True, slots=True)
class Published:
    """A key as DNS has it."""

    public: PublicKey
    testing: bool  #: t=y: receivers are asked to treat the mail as if it were not signed

    @property
    def bits(self) -> int:
        """Of an RSA key; 0 for Ed25519, which has one size."""
        return self.public.key_size if isinstance(self.public, RSAPublicKey) else 0


def public_half(pem: str, domain: str, selector: str) -> OwnKey:
    """Raises ValueError, with nothing of the key in it."""
    try:
        private = load_pem_private_key(pem.encode(), None)
    except (TypeError, ValueError, UnsupportedAlgorithm):
        raise ValueError("is not a private key in PEM form without a passphrase") from None
    if not isinstance(private, RSAPrivateKey | Ed25519PrivateKey):
        raise ValueError("is neither an RSA nor an Ed25519 key")
    return OwnKey(domain, selector, private.public_key())


def read_key(text: str) -> Published:
    """The record of a selector. Raises ValueError with what is wrong, in words."""
    tags = read_tags(text)
    if tags.get("v", "DKIM1") != "DKIM1" or ("v" in tags and next(iter(tags)) != "v"):
        raise ValueError("it does not begin with v=DKIM1")
    if "p" not in tags:
        raise ValueError("it has no p=, the key")
    kind, data = tags.get("k", "rsa"), _unfolded(tags["p"])
    if not data:
        raise ValueError("p= is empty: the key is revoked")
    if "h" in tags and "sha256" not in tags["h"].replace(" ", "").split(":"):
        raise ValueError("h= does not allow sha256")
    if "s" in tags and not {"*", "email"} & set(tags["s"].replace(" ", "").split(":")):
        raise ValueError("s= does not allow email")
    return Published(_key(kind, data), "y" in tags.get("t", "").replace(" ", "").split(":"))


def _key(kind: str, text: str) -> PublicKey:
    try:
        data = b64decode(text, validate=True)
    except (Base64Error, ValueError):
        raise ValueError("p= is not base64: a part of it was lost or added") from None
    if kind == "ed25519":
        if len(data) != 32:
            raise ValueError(f"p= has {len(data)} bytes; of an Ed25519 key it is the bare 32 (RFC 8463)")
        return Ed25519PublicKey.from_public_bytes(data)
    if kind != "rsa":
        raise ValueError("k= is neither rsa nor ed25519")
    try:
        key = load_der_public_key(data)
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, RSAPublicKey):
        raise ValueError("p= is no RSA key: a part of it was lost, or it is of another kind")
    return key


@dataclass(frozen=True, slots=True)
class Signature:
    """One DKIM-Signature of a mail."""

    tags: dict[str, str]
    header: bytes  #: the field as it stands, folded

    @property
    def place(self) -> str:
        """Where its key is."""
        return f"{self.tags.get('s', '')}._domainkey.{self.tags.get('d', '')}".lower()

    @property
    def signed(self) -> frozenset[str]:
        """Names of the header fields that it covers, in lower case."""
        return frozenset(name.strip().lower() for name in self.tags.get("h", "").split(":"))


def signatures(mail: bytes) -> tuple[Signature, ...]:
    """From the top. Raises ValueError."""
    return tuple(
        Signature(read_tags(field.partition(b":")[2].decode("ascii")), field)
        for field in _fields(mail)
        if _name(field) == "dkim-signature"
    )


def verify(mail: bytes, signature: Signature, key: PublicKey) -> str:
    """ "" when a receiver says pass; else what it would say. c=relaxed/simple, the only form that we write."""
    tags, algorithm = signature.tags, "rsa-sha256" if isinstance(key, RSAPublicKey) else "ed25519-sha256"
    if (tags.get("v"), tags.get("c"), tags.get("a")) != ("1", "relaxed/simple", algorithm) or "l" in tags:
        return "the signature is of another form than ours"
    body = mail.partition(b"\r\n\r\n")[2].rstrip(b"\r\n") + b"\r\n"
    if b64encode(sha256(body).digest()).decode() != _unfolded(tags.get("bh", "")):
        return "the body is not the one that was signed"
    try:
        _check(key, b64decode(_unfolded(tags.get("b", "")), validate=True), _data(mail, signature))
    except (InvalidSignature, Base64Error, ValueError):
        return "the signature is not by this key"
    return ""


def _check(key: PublicKey, signed: bytes, data: bytes) -> None:
    if isinstance(key, RSAPublicKey):
        key.verify(signed, data, PKCS1v15(), SHA256())
    else:
        key.verify(signed, sha256(data).digest())


def _data(mail: bytes, signature: Signature) -> bytes:
    """The fields that h= names, each name taking the lowest field that is left; then the signature without its b=."""
    left = _fields(mail)
    lines = []
    for name in (each.strip().lower() for each in signature.tags["h"].split(":")):
        at = next((at for at in reversed(range(len(left))) if _name(left[at]) == name), None)
        if at is not None:
            lines.append(_relaxed(left.pop(at)) + b"\r\n")
    bare = re.sub(rb"(;\s*b=)[^;]*", rb"\1", signature.header)
    return b"".join(lines) + _relaxed(bare)


def _fields(mail: bytes) -> list[bytes]:
    """Header fields, folded ones whole."""
    return list(_split(mail.partition(b"\r\n\r\n")[0]))


def _split(head: bytes) -> Iterator[bytes]:
    yield from re.split(rb"\r\n(?![ \t])", head)


def _name(field: bytes) -> str:
    return field.partition(b":")[0].strip().lower().decode("ascii", "replace")


def _relaxed(field: bytes) -> bytes:
    name, _, value = field.partition(b":")
    return name.strip().lower() + b":" + re.sub(rb"[ \t]+", b" ", value.replace(b"\r\n", b"")).strip()


def _unfolded(value: str) -> str:
    return re.sub(r"[ \t\r\n]", "", value)
