"""An Amazon SNS topic of a test's own: signs calls with a certificate made for it."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

TOPIC = "arn:aws:sns:eu-west-1:123456789012:bounces"
CERTIFICATE = "https://sns.eu-west-1.amazonaws.com/SimpleNotificationService-1.pem"
NAMES = {
    "Notification": ("Message", "MessageId", "Timestamp", "TopicArn", "Type"),
    "SubscriptionConfirmation": ("Message", "MessageId", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"),
}


class Topic:
    """Its certificate and its signatures."""

    def __init__(self) -> None:
        self._key = rsa.generate_private_key(65537, 2048)
        now, name = datetime.now(UTC), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "sns.amazonaws.com")])
        certificate = (
            x509.CertificateBuilder(name, name, self._key.public_key(), x509.random_serial_number())
            .not_valid_before(now - timedelta(days=900))
            .not_valid_after(now + timedelta(days=300))
            .sign(self._key, SHA256())
        )
        self.certificate = certificate.public_bytes(Encoding.PEM)

    def signed(self, call: dict[str, Any], version: str = "2") -> dict[str, Any]:
        """The call as Amazon posts it."""
        whole = {"MessageId": "m", "TopicArn": TOPIC, "Timestamp": "2025-03-17T08:00:00.000Z", **call}
        text = "".join(f"{name}\n{whole[name]}\n" for name in NAMES[whole["Type"]])
        kind = SHA1() if version == "1" else SHA256()  # noqa: S303 (Amazon's version 1)
        signature = base64.b64encode(self._key.sign(text.encode(), PKCS1v15(), kind)).decode()
        return {**whole, "SignatureVersion": version, "Signature": signature, "SigningCertURL": CERTIFICATE}


@lru_cache(maxsize=1)
def a_topic() -> Topic:
    """One for tests that do not care which."""
    return Topic()
