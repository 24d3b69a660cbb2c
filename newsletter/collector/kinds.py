"""The kinds of sources: our own, those of other packages, and which one a location is of."""

from __future__ import annotations

import logging
import re
from functools import cache
from importlib.metadata import entry_points
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from newsletter.collector.source_kind import Kind
from newsletter.collector.sources import (
    arxiv,
    biorxiv,
    feed,
    huggingface,
    jsonl,
    library,
    openreview,
    opml,
    page,
    semanticscholar,
    zotero,
)
from newsletter.collector.text.urls import is_address, shown
from newsletter.errors import SourceError
from newsletter.types import Source

KINDS: dict[str, Kind] = {
    "arxiv": arxiv.KIND,
    "biorxiv": biorxiv.KIND,
    "feed": feed.KIND,
    "huggingface": huggingface.KIND,
    "jsonl": jsonl.KIND,
    "openreview": openreview.KIND,
    "opml": opml.KIND,
    "page": page.KIND,
    "semanticscholar": semanticscholar.KIND,
}
#: What a reader's reference library is read by: papers that are liked, and no news.
LIBRARIES: dict[str, Kind] = {"library": Kind(library.parse), "zotero": zotero.KIND}
GROUP = "newsletter.sources"  #: of the entry points of other packages

logger = logging.getLogger("newsletter.collector")


def kind_of(source: Source) -> Kind:
    """The kind of a source. Raises SourceError for an unknown one."""
    known = {**installed_kinds(), **KINDS}
    if source.kind in LIBRARIES:
        return LIBRARIES[source.kind]
    if source.kind not in known:
        raise SourceError(f'{shown(source.location)}: unknown kind "{source.kind}" (known: {", ".join(sorted(known))})')
    return known[source.kind]


@cache
def installed_kinds() -> dict[str, Kind]:
    """Kinds of other packages; one that cannot be loaded is logged and left out."""
    found = {}
    for point in entry_points(group=GROUP):
        try:
            loaded = point.load()
        except Exception:  # somebody else's code
            logger.exception("a kind of source cannot be loaded", extra={"kind": point.name})
        else:
            found[point.name] = loaded if isinstance(loaded, Kind) else Kind(loaded)
    return found


def guess_kind(location: str) -> str:
    """The kind of a bare location, by its host or the ending of its file; a feed where nothing else fits."""
    path, place = location, ""
    if is_address(location):
        parts = urlsplit(location)
        path, place = parts.path, f"{parts.hostname or ''}{parts.path}"
    suffix = PurePosixPath(path).suffix.lower()
    for name, kind in {**installed_kinds(), **KINDS}.items():
        if suffix in kind.suffixes or any(_below(place, host) for host in kind.hosts):
            return name
    return "feed"


def _below(place: str, host: str) -> bool:
    """Whether "rss.arxiv.org/atom/cs.AI" is on or below "arxiv.org", or whatever host and path are given."""
    return f".{place}/".startswith(f".{host}") or f".{host}/" in f".{place}/".partition("/")[0] + "/"


def guess_library(location: str) -> str:
    """The kind "zotero" for what names one of its libraries, else "library": a file in any of the formats."""
    return "zotero" if is_address(location) or re.match(r"(?:users|groups)/\d+", location) else "library"
