"""Who speaks? The signatures of providers' web hooks. Pure; all compare in constant time and never raise."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key
from cryptography.x509 import Certificate, load_pem_x509_certificate

_SNS_PEM = re.compile(r"/SimpleNotificationService-\w{1,80}\.pem")
_SNS_HOST = re.compile(r"sns\.([a-z0-9-]{3,30})\.amazonaws\.com(?:\.cn)?")
SVIX_TRIES = timedelta(minutes=5)  #: how old a call may be; each try is signed anew
MAILGUN_TRIES = timedelta(hours=12)  #: how long after it was signed a call may come; Mailgun tries for eight hours
_NOTIFIED = ("Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type")
_ASKED = ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type")


def is_sns(url: object, topic: str) -> bool:
    """Say whether an address is Amazon SNS's own: https, and the host of the topic's region."""
    try:
        parts = urlsplit(url if isinstance(url, str) else "")
        plain = parts.port in (None, 443) and parts.username is None and parts.password is None
        host = _SNS_HOST.fullmatch(parts.hostname or "")
    except ValueError:
        return False
    return parts.scheme == "https" and plain and host is not None and [host[1]] == topic.split(":")[3:4]


def is_sns_certificate(url: object, topic: str) -> bool:
    """Say whether it is where SNS keeps its certificates: other answers of that host may hold what a stranger wrote."""
    if not isinstance(url, str) or not is_sns(url, topic):
        return False
    parts = urlsplit(url)
    return _SNS_PEM.fullmatch(parts.path) is not None and "?" not in url and "#" not in url


def by_sns(event: Mapping[str, Any], certificate: bytes, now: datetime) -> bool:
    """Verify versions 1 (SHA-1) and 2 (SHA-256). `certificate`: what SigningCertURL, checked before, answered."""
    names = _NOTIFIED if event.get("Type") == "Notification" else _ASKED
    values = [(name, event[name]) for name in names if name in event]
    if not all(isinstance(value, str) for _, value in values):
        return False
    text = "".join(f"{name}\n{value}\n" for name, value in values).encode("utf-8", "surrogatepass")
    kind = {"1": SHA1(), "2": SHA256()}.get(str(event.get("SignatureVersion")))  # noqa: S303
    signature, signer = _decoded(event.get("Signature")), _certificate(certificate)
    if kind is None or not signature or signer is None:
        return False
    if not signer.not_valid_before_utc <= now <= signer.not_valid_after_utc:
        return False
    key = signer.public_key()
    if not isinstance(key, RSAPublicKey):
        return False
    try:
        key.verify(signature, text, PKCS1v15(), kind)
    except (InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def by_mailgun(event: object, key: str, now: datetime) -> bool:
    """Verify an HMAC of time and token. The event is not signed: an old signature, or a token again, proves nothing."""
    signed = event.get("signature") if isinstance(event, dict) else None
    if not isinstance(signed, dict):
        return False
    time, token, signature = (str(signed.get(name, "")) for name in ("timestamp", "token", "signature"))
    expected = hmac.new(key.encode(), f"{time}{token}".encode("utf-8", "replace"), hashlib.sha256).hexdigest()
    right = hmac.compare_digest(expected.encode(), signature.encode("utf-8", "replace"))
    return right and _is_near(time, now, MAILGUN_TRIES)


def by_svix(body: bytes, headers: Mapping[str, str], key: str, now: datetime) -> bool:
    """Verify an HMAC of number, time and body, by which Resend signs. `key`: "whsec_" and base64.

    While a key is changed, a call bears several signatures, "v1,BASE64 v1,BASE64".
    """
    number, time, signed = (headers.get(f"svix-{name}", "") for name in ("id", "timestamp", "signature"))
    secret = _decoded(key.removeprefix("whsec_"))
    if not secret or not number or not _is_near(time, now, SVIX_TRIES):
        return False
    expected = hmac.new(secret, f"{number}.{time}.".encode("utf-8", "replace") + body, hashlib.sha256).digest()
    given = [_decoded(text.partition(",")[2]) for text in signed.split()[:10] if text.startswith("v1,")]
    return any(hmac.compare_digest(expected, signature) for signature in given)


def _is_near(time: str, now: datetime, tries: timedelta) -> bool:
    """Say whether the time of signing, in seconds since 1970, is near enough."""
    if not re.fullmatch(r"[0-9]{1,11}", time):
        return False
    return abs(now - datetime.fromtimestamp(int(time), UTC)) <= tries


def by_sendgrid(body: bytes, time: str, signature: str, key: str) -> bool:
    """Verify ECDSA, or Ed25519, over time and body. `key`: the public one, as SendGrid shows it (DER in base64)."""
    data, sealed, der = f"{time}".encode("utf-8", "replace") + body, _decoded(signature), _decoded(key)
    if not sealed or not der:
        return False
    try:
        public = load_der_public_key(der)
        if isinstance(public, EllipticCurvePublicKey):
            public.verify(sealed, data, ECDSA(SHA256()))
        elif isinstance(public, Ed25519PublicKey):
            public.verify(sealed, data)
        else:
            return False
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False
    return True


def by_password(authorization: str, password: str) -> bool:
    """Verify Basic authentication; `password` is "user:password", or the password alone for any user, or as a token."""
    scheme, _, encoded = authorization.partition(" ")
    if scheme.lower() == "bearer":
        given = encoded.strip().encode("utf-8", "replace")
        return bool(given) and hmac.compare_digest(given, password.encode())
    given = _decoded(encoded.strip()) if scheme.lower() == "basic" else b""
    given = given if ":" in password else given.partition(b":")[2]
    return bool(given) and hmac.compare_digest(given, password.encode())


def _decoded(text: object) -> bytes:
    try:
        return base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except (binascii.Error, ValueError):
        return b""


def _certificate(pem: bytes) -> Certificate | None:
    try:
        return load_pem_x509_certificate(pem)
    except ValueError:
        return None
