"""DKIM as receivers see it: the key in DNS beside our own, and a mail of ours verified with it (RFC 6376, 8463).

dkimpy verifies, and not the signer's code: a signer that checks itself finds nothing. Keys are not read by dkimpy: of
`v=DKIM1; h=sha1; p=…` we say "h= does not allow sha256"; it takes the key, and lets the mail pass.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
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
        """The TXT record that should stand there."""
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
        """The size of an RSA key; 0 for Ed25519, which has one size."""
        return self.public.key_size if isinstance(self.public, RSAPublicKey) else 0


def public_half(pem: str, domain: str, selector: str) -> OwnKey:
    """Take the public half of a private key; raises ValueError, with nothing of the key in it."""
    try:
        private = load_pem_private_key(pem.encode(), None)
    except (TypeError, ValueError, UnsupportedAlgorithm):
        raise ValueError("is not a private key in PEM form without a passphrase") from None
    if not isinstance(private, RSAPrivateKey | Ed25519PrivateKey):
        raise ValueError("is neither an RSA nor an Ed25519 key")
    return OwnKey(domain, selector, private.public_key())


def read_key(text: str) -> Published:
    """Read the record of a selector; raises ValueError with what is wrong, in words."""
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
    """The signatures of a mail, from the top; raises ValueError."""
    return tuple(
        Signature(read_tags(field.partition(b":")[2].decode("ascii")), field)
        for field in _fields(mail)
        if _name(field) == "dkim-signature"
    )


def verify(mail: bytes, signature: Signature, key: PublicKey) -> str:
    """Return "" when a receiver that finds this key says pass; else what it would say.

    dkimpy is asked about c=relaxed/simple without l= only, the one form that we write: it would let others pass.
    """
    import dkim

    tags, algorithm = signature.tags, "rsa-sha256" if isinstance(key, RSAPublicKey) else "ed25519-sha256"
    if (tags.get("v"), tags.get("c"), tags.get("a")) != ("1", "relaxed/simple", algorithm) or "l" in tags:
        return "the signature is of another form than ours"
    record, index = OwnKey("", "", key).record.encode(), signatures(mail).index(signature)
    try:
        passed = dkim.DKIM(mail, minkey=0).verify(index, dnsfunc=lambda *_, **__: record)
    except (dkim.DKIMException, ValueError, IndexError) as trouble:  # of a mail that it cannot read, more than its own
        if str(trouble).startswith("body hash mismatch"):
            return "the body is not the one that was signed"
        passed = False
    return "" if passed else "the signature is not by this key"


def _fields(mail: bytes) -> list[bytes]:
    """Header fields, folded ones whole."""
    return re.split(rb"\r\n(?![ \t])", mail.partition(b"\r\n\r\n")[0])


def _name(field: bytes) -> str:
    return field.partition(b":")[0].strip().lower().decode("ascii", "replace")


def _unfolded(value: str) -> str:
    return re.sub(r"[ \t\r\n]", "", value)
