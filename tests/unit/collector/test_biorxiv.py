"""bioRxiv and medRxiv: the API and the feeds."""

from __future__ import annotations

import json
import re
from collections import Counter
from datetime import UTC, datetime
from pathlib import Path

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.collector.source_kind import Parsed, Request
from newsletter.collector.sources.biorxiv import KIND, parse, without_figure_markup
from newsletter.errors import SourceError
from newsletter.testing import NOON
from newsletter.types import Entry, Source

SAMPLES = Path(__file__).parents[2] / "data/sources"
SHARED = Path(__file__).parents[4] / "shared/data/sources"
ANSWER = (SAMPLES / "biorxiv.json").read_bytes()
FEED = (SAMPLES / "biorxiv.rdf").read_bytes()
MOSS = Source("moss", "biorxiv", "biorxiv")
API = "https://api.biorxiv.org/details"
KEYS = ("messages", "collection", "status", "cursor", "total", "doi", "title", "authors", "abstract", "date", "version")

leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.just("ok") | st.just("10.1101/1")
answers = st.recursive(
    leaves, lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(KEYS) | st.text(), inner), max_leaves=30
)


def read(found: object, location: str = "biorxiv") -> Parsed:
    return parse(json.dumps(found).encode(), Source("moss", "biorxiv", location), NOON)


def asked(location: str, **options: object) -> list[str]:
    return [request.location for request in KIND.requests(Source("moss", "biorxiv", location, options), NOON)]


def after(location: str, seen: int, total: int | None = None) -> str:
    found = KIND.following(Request(location), Parsed((), seen=seen, total=total), MOSS)
    return found.location if found else ""


def test_a_paper_of_the_api_is_read_whole() -> None:
    parsed = parse(ANSWER, MOSS, NOON)

    assert parsed.entries[0] == Entry(
        id="",
        title="Moss grows on {beta}-stones <i>in situ</i>",
        abstract="ABSTRACT Moss grows where x < y. Highlights In brief Stones matter. first point Second point "
        "A stone with moss.",
        url="https://www.biorxiv.org/content/10.1101/2025.03.12.640001v1",
        authors=("A. Doe", "B. K. Roe", "The Moss Consortium"),
        published=datetime(2025, 3, 5, tzinfo=UTC),
        source="moss",
        topics=("plant biology",),
        pdf_url="https://www.biorxiv.org/content/10.1101/2025.03.12.640001v1.full.pdf",
        venue="bioRxiv",
        affiliations=("University of Stones",),
        also=("doi:10.1101/2025.03.12.640001", "doi:10.5555/stones.2025.7"),
    )
    assert (parsed.seen, parsed.total, parsed.problems) == (2, 62, ())


def test_a_later_version_is_no_news() -> None:
    parsed = parse(ANSWER, MOSS, NOON)

    assert [entry.update for entry in parsed.entries] == [False, True]
    assert parsed.entries[1].venue == "medRxiv"
    assert parsed.entries[1].authors == ("Carla Poe",)
    assert parsed.entries[1].also == ("doi:10.1101/2025.01.02.630002",)
    assert parsed.dated == datetime(2025, 3, 16, tzinfo=UTC)


def test_a_feed_is_read_whole() -> None:
    (entry,) = parse(FEED, MOSS, NOON).entries

    assert entry.title == "Lichen counts p<0.05 of all stones"
    assert entry.abstract == "Counting <lichen> where a<b. Stones in rows."
    assert entry.authors == ("A. Doe", "B. K. Roe", "C. Poe")
    assert (entry.also, entry.venue, entry.update) == (("doi:10.1101/640009",), "bioRxiv", True)
    assert entry.published == datetime(2025, 3, 14, tzinfo=UTC)


@pytest.mark.parametrize(
    ("raw", "bare"),
    [
        ("MO_SCPLOWOSSC_SCPLOWNO_SCPLOWETC_SCPLOW, a net", "MOSSNET, a net"),
        ("End. Graphical abstract", "End."),
        ("as in the graphical abstract", "as in the graphical abstract"),
        ("O_TBL View this table: org.highwire.dtl.DTLVardef@1a_HPS_FORMAT_FIGEXP M_TBL O_FLOATNOTable 1:C_FLOATNO "
         "O_TABLECAPTIONCounts C_TABLECAPTION C_TBL", "Table 1: Counts"),
        ("the mutant C_LI alone", "the mutant C_LI alone"),
        ("View larger version of the map", "View larger version of the map"),
    ],
)  # fmt: skip
def test_only_debris_goes(raw: str, bare: str) -> None:
    assert without_figure_markup(raw) == bare


def test_a_server_means_its_last_days() -> None:
    assert asked("biorxiv") == [f"{API}/biorxiv/2025-03-10/2025-03-17/0/json"]
    assert asked("medRxiv:Cardiovascular Medicine", days=2) == [
        f"{API}/medrxiv/2025-03-15/2025-03-17/0/json?category=cardiovascular_medicine"
    ]
    assert asked("biorxiv", subject="neuroscience") == [
        f"{API}/biorxiv/2025-03-10/2025-03-17/0/json?category=neuroscience"
    ]
    assert asked(f"{API}/biorxiv/2d") == [f"{API}/biorxiv/2d"]
    assert asked("saved.json") == ["saved.json"]


def test_the_next_page_begins_after_what_came() -> None:
    week = f"{API}/biorxiv/2025-03-10/2025-03-17"

    assert after(f"{week}/0/json?category=ecology", 30, 62) == f"{week}/30/json?category=ecology"
    assert after(week, 30, 62) == f"{week}/30/json"
    assert after(f"{API}/biorxiv/2d/100", 100) == f"{API}/biorxiv/2d/200/json"
    assert after(f"{week}/60/json", 2, 62) == ""
    assert after(f"{week}/60/json", 2) == ""
    assert after(f"{week}/30/json", 0, 62) == ""
    assert after("https://connect.biorxiv.org/biorxiv_xml.php?subject=ecology", 30) == ""
    assert after("saved.json", 30, 62) == ""


def test_an_empty_period_is_quiet_and_an_empty_subject_perhaps_misspelt() -> None:
    nothing = {"messages": [{"status": "no posts found"}], "collection": []}
    empty = FEED[: FEED.index(b"<item ")] + b"</rdf:RDF>"

    assert read(nothing) == Parsed((), seen=0)
    assert read(nothing, "biorxiv:mosses").doubt == "the feed has no items: is the subject spelt right?"
    assert parse(empty, MOSS, NOON).doubt == "the feed has no items: is the subject spelt right?"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b'{"messages": [{"status": "error: bad interval"}], "collection": []}', "bioRxiv says: error: bad interval"),
        (b'{"items": []}', "this is not an answer of the bioRxiv API"),
        (b'{"messages"', r"this is not JSON \(it is broken or cut short\)"),
        (b"<html>", r"this is not a feed \(it looks like an HTML page\)"),
    ],
)
def test_what_is_no_answer_is_named(data: bytes, why: str) -> None:
    with pytest.raises(SourceError, match=f"^biorxiv: {why}$"):
        parse(data, MOSS, NOON)


@given(answers)
@settings(max_examples=examples(300), deadline=None)
def test_no_answer_is_too_strange(found: object) -> None:
    for data in (found, {"collection": found}, {"messages": found}, {"collection": [found]}):
        try:
            parsed = read(data)
        except SourceError:
            continue
        assert all(entry.title.strip() for entry in parsed.entries)


def test_the_real_sample_gives_its_entries() -> None:
    if not SHARED.exists():
        pytest.skip("needs ../shared/data/sources")
    data = (SHARED / "biorxiv_rss1.xml").read_bytes()
    parsed = parse(data, MOSS, NOON)
    raw = data.decode()
    texts = re.findall(r"<description><!\[CDATA\[(.*?)\]\]>", raw, re.DOTALL)
    titles = re.findall(r"<dc:title><!\[CDATA\[(.*?)\]\]>", raw, re.DOTALL)

    assert (len(parsed.entries), parsed.problems) == (8, ())
    for entry, title, text in zip(parsed.entries, titles, texts, strict=True):
        assert Counter(f"{title} {text}".split()) <= Counter(f"{entry.title} {entry.abstract}".split())
        assert entry.also[0].startswith("doi:10.1101/")
        assert entry.authors[0].partition(" ")[0].endswith(".")
