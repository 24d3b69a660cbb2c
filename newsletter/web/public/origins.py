"""Whether a form was sent by a page of ours: another site's page could have its visitors sign up somebody."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers


def is_cross_site(headers: Headers, base_url: str, allowed: Collection[str] = ()) -> bool:
    """Tell by what browsers say of a request; who says nothing is no browser, and nobody's visitor.

    `allowed`: origins of other sites that may have a form for ours. A browser that knows Sec-Fetch-Site is asked that
    alone: as our pages tell nobody their address, it says "null" for their origin.
    """
    origin = headers.get("origin", "")
    if origin in allowed:
        return False
    site = headers.get("sec-fetch-site", "")
    if site:
        return site not in ("same-origin", "none")
    ours = (urlsplit(base_url).netloc, headers.get("host", ""))
    return origin not in ("", "null") and urlsplit(origin).netloc not in ours
