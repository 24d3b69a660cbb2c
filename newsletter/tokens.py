"""Signed links, each good for one purpose only. A token for one purpose opens nothing else.

Tokens are deterministic (the same subscriber and purpose give the same token), because a mail that is sent
again must be the same to the byte. Two kinds expire: the confirmation, since it is asked for by strangers, and
the way back from a mistaken unsubscribe.

Links are revoked by the epoch of their subscriber. It rises when they leave, complain or want new links; a
personal token of an older epoch is stale. The unsubscribe token has none, so that every mail ever sent lets its
reader go. Epoch 0 is left out of a token: the tokens of mails sent before there were epochs are of that one.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from base64 import b32decode, b32encode, urlsafe_b64encode
from datetime import timedelta
from enum import StrEnum
from typing import NamedTuple

from itsdangerous import BadSignature, URLSafeSerializer, URLSafeTimedSerializer

from newsletter.errors import TokenError

CONFIRM_WITHIN = timedelta(days=7)
UNDO_WITHIN = timedelta(minutes=30)


def new_secret() -> str:
    """256 random bits, URL-safe."""
    return secrets.token_urlsafe(32)


class Purpose(StrEnum):
    """What a link may do."""

    CONFIRM = "confirm"
    INTERESTS = "interests"
    UNSUBSCRIBE = "unsubscribe"
    UNDO = "undo"  #: of an unsubscribe by mistake
    FEEDBACK = "feedback"
    VIEW = "view"
    BOUNCE = "bounce"  #: written by `return_path`, for an address has less room than a link


_EXPIRING = {Purpose.CONFIRM: CONFIRM_WITHIN, Purpose.UNDO: UNDO_WITHIN}
_RETURN_PATH = re.compile(r"[a-z2-7]{24,36}")
_LEAVING = re.compile(r"[a-z2-7]{18,29}")
_TAG, _MAC = 4, 10  #: bytes


class PersonalToken(NamedTuple):
    """What a revocable token says."""

    subscriber: int
    epoch: int
    more: tuple[str, ...] = ()


class Tokens:
    """Sign and read tokens with one secret."""

    def __init__(self, secret: str) -> None:
        self._secret = secret
        self._serializers = {purpose: self._serializer(purpose) for purpose in Purpose}
        self._return_key = self.key(Purpose.BOUNCE)
        self._leaving_key = self.key(f"{Purpose.UNSUBSCRIBE}.mail")

    def sign(self, purpose: Purpose, *values: int | str) -> str:
        """URL-safe ASCII: letters, digits, "-", "_" and "."."""
        token = self._serializers[purpose].dumps(values)
        return token if isinstance(token, str) else token.decode("ascii")

    def read(self, purpose: Purpose, token: str) -> tuple[int | str, ...]:
        """The signed values; raises TokenError for a forged, foreign or expired token."""
        serializer = self._serializers[purpose]
        try:
            if isinstance(serializer, URLSafeTimedSerializer):
                max_age = _EXPIRING[purpose].total_seconds()
                return tuple(serializer.loads(token, max_age=max_age))  # type: ignore[arg-type]
            return tuple(serializer.loads(token))
        except (BadSignature, TypeError, ValueError) as error:
            raise TokenError from error

    def sign_personal(self, purpose: Purpose, subscriber: int, epoch: int, *more: str) -> str:
        """Sign a token that is stale once the subscriber's epoch has risen."""
        return self.sign(purpose, subscriber, *more, *((epoch,) if epoch else ()))

    def read_personal(self, purpose: Purpose, token: str, more: int = 0) -> PersonalToken:
        """Read what `sign_personal` signed with so many values `more`; raises TokenError."""
        values = self.read(purpose, token)
        if len(values) not in (more + 1, more + 2):
            raise TokenError
        subscriber, epoch = values[0], values[more + 1] if len(values) > more + 1 else 0
        if not isinstance(subscriber, int) or not isinstance(epoch, int):
            raise TokenError
        return PersonalToken(subscriber, epoch, tuple(map(str, values[1 : more + 1])))

    def key(self, name: str) -> bytes:
        """Derive a key for one use from the secret; it tells nothing of the secret or of other keys."""
        return hmac.digest(self._secret.encode(), f"newsletter.{name}".encode(), "sha256")

    def message_id(self, issue: str, subscriber: int, domain: str) -> str:
        """The same for the same (issue, subscriber), always; tells a stranger nothing."""
        digest = hmac.digest(self._secret.encode(), f"message-id:{issue}:{subscriber}".encode(), "sha256")
        return f"<{issue}.{digest.hex()[:24]}@{domain}>"

    def preview(self) -> str:
        """The secret part of the preview site's address: the same always, and only for who may read our secret."""
        digest = hmac.digest(self._secret.encode(), b"newsletter.preview", "sha256")
        return urlsafe_b64encode(digest[:18]).decode("ascii")

    def return_path(self, issue: str, subscriber: int) -> str:
        """Names one delivery in the local part of an address: letters and digits, good in any case, deterministic."""
        number = subscriber.to_bytes((subscriber.bit_length() + 7) // 8 or 1, "big")
        payload = issue_tag(issue) + number
        return b32encode(payload + self._return_mac(payload)).decode("ascii").rstrip("=").lower()

    def leaving(self, subscriber: int) -> str:
        """Names who leaves by mail, in an address or a subject: letters and digits, good in any case, deterministic."""
        number = subscriber.to_bytes((subscriber.bit_length() + 7) // 8 or 1, "big")
        mac = hmac.digest(self._leaving_key, number, "sha256")[:_MAC]
        return b32encode(number + mac).decode("ascii").rstrip("=").lower()

    def read_leaving(self, token: str) -> int:
        """The subscriber's number; raises TokenError."""
        text = token.lower()
        if not _LEAVING.fullmatch(text):
            raise TokenError
        try:
            data = b32decode(text.upper() + "=" * (-len(text) % 8))
        except ValueError as error:
            raise TokenError from error
        number = int.from_bytes(data[:-_MAC], "big")
        if not hmac.compare_digest(self.leaving(number), text):
            raise TokenError
        return number

    def read_return_path(self, token: str) -> tuple[bytes, int]:
        """(the tag of the issue, the subscriber's number); raises TokenError."""
        text = token.lower()
        if not _RETURN_PATH.fullmatch(text):
            raise TokenError
        try:
            data = b32decode(text.upper() + "=" * (-len(text) % 8))
        except ValueError as error:
            raise TokenError from error
        payload, mac = data[:-_MAC], data[-_MAC:]
        if not hmac.compare_digest(mac, self._return_mac(payload)):
            raise TokenError
        return payload[:_TAG], int.from_bytes(payload[_TAG:], "big")

    def _return_mac(self, payload: bytes) -> bytes:
        """80 bits: more than enough for a token that is tried one mail at a time."""
        return hmac.digest(self._return_key, payload, "sha256")[:_MAC]

    def _serializer(self, purpose: Purpose) -> URLSafeSerializer | URLSafeTimedSerializer:
        kind = URLSafeTimedSerializer if purpose in _EXPIRING else URLSafeSerializer
        return kind(self._secret, salt=f"newsletter.{purpose}", signer_kwargs={"digest_method": hashlib.sha256})


def issue_tag(issue: str) -> bytes:
    """Four bytes that stand for an issue; two issues of one person share theirs once in four thousand million times."""
    return hashlib.sha256(issue.encode()).digest()[:_TAG]
