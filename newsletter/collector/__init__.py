"""Collect entries from sources.

    source ─ requests ─▶ fetch (http/) ─▶ bytes ─ parse (one of KINDS) ─▶ finish ─▶ Harvest
    Harvest ─ judge ─▶ Health

To add a kind: one file in `sources/` with `parse(data, source, now) -> Parsed` and a `KIND`, and one line in KINDS
(kinds.py). Other people's packages add theirs by an entry point in the group `newsletter.sources`, whose name is the
kind and whose object is a `Kind`, or just the parse function.
"""

from __future__ import annotations

from newsletter.collector.collect import CollectLimits, ask, collect
from newsletter.collector.harvest import Harvest, Records
from newsletter.collector.health import judge
from newsletter.collector.http.limits import FetchLimits
from newsletter.collector.http.link_check import Reached, reach
from newsletter.collector.http.ssrf import Lookup, public_addresses
from newsletter.collector.identity import entry_id, names, same_paper
from newsletter.collector.kinds import KINDS, LIBRARIES, guess_kind, guess_library, kind_of
from newsletter.collector.normalize import Raw, Sighting
from newsletter.collector.reading import ReadLimits
from newsletter.collector.source_kind import Kind, Parsed, Parser, Request
from newsletter.collector.sources.jsonl import read_entries
from newsletter.collector.summarizer import Summaries, Summariser, content_key, extract
from newsletter.collector.trend import Counted, field_of, trends

__all__ = [
    "KINDS",
    "LIBRARIES",
    "CollectLimits",
    "Counted",
    "FetchLimits",
    "Harvest",
    "Kind",
    "Lookup",
    "Parsed",
    "Parser",
    "Raw",
    "Reached",
    "ReadLimits",
    "Records",
    "Request",
    "Sighting",
    "Summaries",
    "Summariser",
    "ask",
    "collect",
    "content_key",
    "entry_id",
    "extract",
    "field_of",
    "guess_kind",
    "guess_library",
    "judge",
    "kind_of",
    "names",
    "public_addresses",
    "reach",
    "read_entries",
    "same_paper",
    "trends",
]
