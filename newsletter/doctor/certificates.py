"""What a TLS certificate says, of pages and of relays."""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from newsletter.doctor.finding import Finding, ok, warning

SOON = timedelta(days=14)


def certificate_error(trouble: BaseException | None) -> str:
    """What is wrong with a certificate, "" where that was not the trouble."""
    while trouble:
        if isinstance(trouble, ssl.SSLCertVerificationError):
            return str(trouble.verify_message).rstrip(".") or "not valid"
        trouble = trouble.__cause__ or trouble.__context__
    return ""


def expiry(certificate: Mapping[str, object] | None) -> datetime | None:
    """When a certificate ends, of what `getpeercert` returns."""
    until = (certificate or {}).get("notAfter")
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(until)), UTC) if until else None


def certificate_finding(name: str, expires: datetime, now: datetime) -> Finding:
    days = (expires - now).days
    found = f"valid until {expires:%Y-%m-%d}, {days} days"
    if expires - now < SOON:
        return warning(name, found, "Renew it, and see why that did not happen by itself.")
    return ok(name, found)
