"""Dates as people and services write them."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]\s*(\d{1,2})(:.*))?", re.DOTALL)


def moment(raw: str) -> datetime | None:
    """An aware UTC time, or None for what is no date.

    Takes ISO dates and times, zero-padded or not (bioRxiv writes 2026-6-30), and mail dates. Naive means UTC.
    """
    try:
        time = _read(" ".join(raw.split()))
        return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def _read(raw: str) -> datetime:
    match = ISO.fullmatch(raw)
    if not match:
        return parsedate_to_datetime(raw)
    year, month, day, hour, rest = match.groups()
    return datetime.fromisoformat(f"{year}-{month:0>2}-{day:0>2}T{hour or '0':0>2}{rest or ':00'}".strip())
