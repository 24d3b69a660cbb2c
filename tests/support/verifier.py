"""An independent judge of DKIM signatures: dkimpy, with a DNS that holds our keys."""

from __future__ import annotations

import re
from base64 import b64encode
from functools import cache

import dkim
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

_RSA = generate_private_key(65537, 2048)
_ED25519 = Ed25519PrivateKey.generate()
PEM = _RSA.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
ED25519_PEM = _ED25519.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
DKIM = {
    "domain": "papers.example.org",
    "selector": "s2025",
    "key": PEM,
    "ed25519_selector": "e2025",
    "ed25519_key": ED25519_PEM,
}


@cache
def records() -> dict[bytes, bytes]:
    rsa = _RSA.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    ed25519 = _ED25519.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return {
        b"s2025._domainkey.papers.example.org.": b"v=DKIM1; k=rsa; p=" + b64encode(rsa),
        b"e2025._domainkey.papers.example.org.": b"v=DKIM1; k=ed25519; p=" + b64encode(ed25519),
    }


def verdicts(mail: bytes, dns: dict[bytes, bytes] | None = None) -> list[bool]:
    """One for each signature, from the top."""
    count = len(re.findall(rb"(?m)^DKIM-Signature:", mail.partition(b"\r\n\r\n")[0]))
    return [verdict(mail, place, dns or records()) for place in range(count)]


def verdict(mail: bytes, place: int, dns: dict[bytes, bytes]) -> bool:
    try:
        return bool(dkim.DKIM(mail, minkey=2048).verify(place, dnsfunc=lambda name, timeout: dns.get(name)))
    except dkim.DKIMException:
        return False


def signed_names(mail: bytes, place: int = 0) -> list[str]:
    """What h= of a signature says."""
    header = b"".join(mail.split(b"DKIM-Signature: ")[place + 1].partition(b"; b=")[0].split())
    return header.partition(b";h=")[2].partition(b";")[0].decode().split(":")
