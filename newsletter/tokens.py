"""Signed links, each good for one purpose only. A token for one purpose opens nothing else.

Tokens are deterministic (the same subscriber and purpose give the same token), because a mail that is sent
again must be the same to the byte; only the confirmation expires, since it alone is asked for by strangers.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import timedelta
from enum import StrEnum

from itsdangerous import BadSignature, URLSafeSerializer, URLSafeTimedSerializer

from newsletter.errors import TokenError

CONFIRM_WITHIN = timedelta(days=7)


def new_secret() -> str:
    """256 random bits, URL-safe. Called by `newsletter init` and by a store that was given none."""
    return secrets.token_urlsafe(32)


class Purpose(StrEnum):
    """What a link may do."""

    CONFIRM = "confirm"
    INTERESTS = "interests"
    UNSUBSCRIBE = "unsubscribe"
    FEEDBACK = "feedback"
    VIEW = "view"


class Tokens:
    """Sign and read tokens with one secret."""

    def __init__(self, secret: str) -> None:
        self._secret = secret

    def sign(self, purpose: Purpose, *values: int | str) -> str:
        """URL-safe ASCII: letters, digits, "-", "_" and "."."""
        token = self._serializer(purpose).dumps(values)
        return token if isinstance(token, str) else token.decode("ascii")

    def read(self, purpose: Purpose, token: str) -> tuple[int | str, ...]:
        """The signed values; raises TokenError for a forged, foreign or expired token."""
        serializer = self._serializer(purpose)
        try:
            if isinstance(serializer, URLSafeTimedSerializer):
                return tuple(serializer.loads(token, max_age=CONFIRM_WITHIN.total_seconds()))  # type: ignore[arg-type]
            return tuple(serializer.loads(token))
        except (BadSignature, TypeError, ValueError) as error:
            raise TokenError from error

    def message_id(self, issue: str, subscriber: int, domain: str) -> str:
        """The same for the same (issue, subscriber), always; tells a stranger nothing."""
        digest = hmac.digest(self._secret.encode(), f"message-id:{issue}:{subscriber}".encode(), "sha256")
        return f"<{issue}.{digest.hex()[:24]}@{domain}>"

    def _serializer(self, purpose: Purpose) -> URLSafeSerializer | URLSafeTimedSerializer:
        kind = URLSafeTimedSerializer if purpose is Purpose.CONFIRM else URLSafeSerializer
        return kind(self._secret, salt=f"newsletter.{purpose}", signer_kwargs={"digest_method": hashlib.sha256})
