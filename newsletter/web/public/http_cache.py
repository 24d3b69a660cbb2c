"""HTTP caching of responses that are the same for everybody: caches may keep them, and ask whether they changed."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import format_datetime
from hashlib import sha256

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

MAX_AGE = 300  #: seconds


def cacheable(request: Request, response: Response, changed: datetime | None) -> Response:
    """Return the response with caching headers, or 304 where the visitor has these very bytes.

    `changed`: None where nobody can say.
    """
    headers = {
        "ETag": f'"{sha256(response.body).hexdigest()[:32]}"',
        "Cache-Control": f"public, max-age={MAX_AGE}",
    }
    if changed:
        headers["Last-Modified"] = format_datetime(changed.astimezone(UTC).replace(microsecond=0), usegmt=True)
    if _is_unchanged(request.headers, headers):
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    return response


def _is_unchanged(asked: Headers, ours: dict[str, str]) -> bool:
    """Compare as RFC 9110, 13.1: the tag goes before the date, and only the date that we gave counts."""
    tags = asked.getlist("if-none-match")
    if tags:
        known = [tag.strip().removeprefix("W/") for tag in ",".join(tags).split(",")]
        return ours["ETag"] in known or "*" in known
    return asked.get("if-modified-since", "") == ours.get("Last-Modified", "-")
