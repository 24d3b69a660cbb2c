"""RSS and Atom."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from newsletter.collector.normalize import finish
from newsletter.collector.source_kind import Parsed
from newsletter.collector.sources import feed
from newsletter.collector.text.person_names import split_authors
from newsletter.errors import SourceError
from newsletter.testing import NOON
from newsletter.types import Entry, Source

SAMPLES = Path(__file__).parents[2] / "data/sources"
SHARED = Path(__file__).parents[4] / "shared/data/sources"
RSS = (SAMPLES / "journal.rss").read_text("utf-8")
ATOM = (SAMPLES / "arxiv.atom").read_text("utf-8")


def finished(parsed: Parsed) -> tuple[tuple[Entry, ...], tuple[str, ...]]:
    """What the collector makes of it: entries, and what was told."""
    sightings = [finish(entry, NOON + timedelta(days=600)) for entry in parsed.entries]
    notes = tuple(note for sighting in sightings for note in sighting.notes)
    return tuple(sighting.entry for sighting in sightings), parsed.problems + notes


def read(data: str | bytes) -> tuple[tuple[Entry, ...], tuple[str, ...]]:
    source = Source("journal", "feed", "https://journal.example.org/rss")
    return finished(feed.parse(data.encode() if isinstance(data, str) else data, source, NOON))


def items(*inside: str) -> str:
    body = "".join(f"<item><title>On {text[:9]}</title><description>{text}</description></item>" for text in inside)
    return f'<rss version="2.0"><channel><title>T</title>{body}</channel></rss>'


def test_rss_texts_arrive_whole() -> None:
    entries, problems = read(RSS)

    assert entries[0].title == "Transverse momentum when x<y: a study of five spectra"
    assert entries[0].abstract == "Where x<y and <p_T> = 3 we find more for R&D."
    assert entries[1].title == "H₂O at the surface of things unseen"
    assert entries[1].abstract == "AT&T wrote this café line by hand."
    assert problems == ("entry 3: no title; skipped: https://journal.example.org/articles/3",)


def test_ids_links_dates_and_topics_are_read() -> None:
    (first, second), _ = read(RSS)

    assert (first.id, second.id) == ("journal:1", "doi:10.1101/743294")
    assert first.url == "https://journal.example.org/articles/1"
    assert (first.published and first.published.isoformat()) == "2025-03-17T04:00:00+00:00"
    assert first.topics == ("physics",)
    assert first.source == "journal"


def test_authors_in_one_string_are_split() -> None:
    (first, second), _ = read(RSS)

    assert first.authors == ("Ada One", "Bob Two", "Cyd Three")
    assert first.affiliations == ("Rome, Italy",)
    assert second.authors == ("A. Doe", "B. K. Roe", "C. Poe")
    assert split_authors("One, Ada; Two, Bob") == ["Ada One", "Bob Two"]
    assert split_authors("Ada One") == ["Ada One"]


@pytest.mark.parametrize(
    ("pub", "published"),
    [
        ("2016/6/29 15:07:41", "2016-06-29T15:07:41+00:00"),
        ("1699092000", "2023-11-04T10:00:00+00:00"),
        ("Fri, 3 Jun 2022 10:00 PM EST", "2022-06-04T03:00:00+00:00"),
        ("03/04/2022", None),
    ],
)
def test_the_date_of_an_entry_is_the_day_that_is_said_or_none(pub: str, published: str | None) -> None:
    data = items("a text").replace("</item>", f"<pubDate>{pub}</pubDate></item>")

    ((entry,), _) = read(data)

    assert (entry.published and entry.published.isoformat()) == published


def test_several_creators_are_one_person_each() -> None:
    creators = "".join(f"<dc:creator>{name}</dc:creator>" for name in ("Doe, Jane", "Bo Ek, PhD", "Reef Group, Rome"))
    data = items("a text").replace("</item>", f"{creators}</item>")

    ((entry,), _) = read(data.replace("<rss", '<rss xmlns:dc="http://purl.org/dc/elements/1.1/"'))

    assert entry.authors == ("Jane Doe", "Bo Ek", "Reef Group, Rome")


def test_arxiv_announcements_lose_their_prefix_and_replacements_are_no_news() -> None:
    (entry, replaced), problems = read(ATOM)

    assert entry.id == "arxiv:2508.00001"
    assert entry.title == "A Paper on α-Stable Things"
    assert entry.abstract == "It is 1.13× faster. Code: https://github.com/ada/stable."
    assert entry.code_url == "https://github.com/ada/stable"
    assert entry.authors == ("André One", "Bob Two")
    assert (entry.update, replaced.update) == (False, True)
    assert problems == ()


def test_atom_html_and_xhtml_are_read_as_text() -> None:
    (entry,), _ = read(
        '<feed xmlns="http://www.w3.org/2005/Atom"><entry><id>u:1</id><title type="html">a &amp;lt; b</title>'
        '<link href="p?q=1"/><link rel="related" type="application/pdf" href="/p.pdf"/>'
        '<summary type="xhtml"><div xmlns="http://www.w3.org/1999/xhtml"><p>One</p><p>x &lt; y '
        '<a href="https://x.org/z">z</a></p></div></summary><author><name>Ada</name></author></entry></feed>'
    )

    assert (entry.title, entry.abstract) == ("a < b", "One x < y z (https://x.org/z)")
    assert entry.url == "https://journal.example.org/p?q=1"
    assert entry.pdf_url == "https://journal.example.org/p.pdf"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "it is empty"),
        (b"\n <!DOCTYPE html>\n<html><body>", "it looks like an HTML page"),
        (b'{"items": []}', "it looks like JSON"),
        (b"/etc/passwd", "it is not XML"),
        (b"<svg/>", "its root is <svg>"),
        (bytes(range(256)), "it is not XML"),
    ],
)
def test_what_is_no_feed_is_named(data: bytes, why: str) -> None:
    with pytest.raises(SourceError, match=rf"^https://journal\.example\.org/rss: this is not a feed \({why}\)$"):
        read(data)


def test_a_feed_cut_short_gives_what_it_has() -> None:
    entries, problems = read(RSS[: RSS.index("H&lt;sub")])

    assert len(entries) == 1
    assert problems == ("the XML is broken at line 16 (no element found); what could be read was kept",)


def test_a_broken_item_costs_no_other() -> None:
    entries, problems = read(items("one", "two<br>", "three", "<b>four"))

    assert [entry.title for entry in entries] == ["On one", "On three"]
    assert len(problems) == 2


def test_of_a_feed_broken_everywhere_each_entry_is_read_by_itself() -> None:
    link = "<link>https://journal.example.org/1</link><dc:creator>Ada One, Bob Two</dc:creator></item>"

    entries, problems = read(items(*["a<br>b &copy; AT&T"] * 50).replace("</item>", link))

    assert len(entries) == 50
    assert (entries[0].title, entries[0].abstract) == ("On a b &c", "a b © AT&T")
    assert (entries[49].url, entries[49].authors) == ("https://journal.example.org/1", ("Ada One", "Bob Two"))
    assert problems[-1] == "the XML is broken in more than 20 places: each entry was read by itself"


def test_an_atom_feed_broken_everywhere_keeps_links_in_attributes() -> None:
    entry = """<entry><id>u:{}</id><title>On</title><link rel='alternate' href="https://x.org/{}"/>
    <published>2025-03-17T04:00:00Z</published><content><![CDATA[a<br>&b]]></content><p></entry>"""
    text = "".join(entry.format(number, number) for number in range(40))

    entries, _ = read(f'<feed xmlns="http://www.w3.org/2005/Atom">{text}</feed>')

    assert [entry.url for entry in entries] == [f"https://x.org/{number}" for number in range(40)]
    assert (entries[39].id, entries[39].abstract) == ("u:39", "a &b")
    assert entries[39].published == datetime(2025, 3, 17, 4, tzinfo=UTC)


def test_the_document_for_feedparser_keeps_namespaces_of_other_prefixes() -> None:
    """Texts whose prefix only feedparser understands come from it."""
    (entry,), problems = read(
        '<a:feed xmlns:a="http://www.w3.org/2005/Atom"><a:title>T</a:title><a:entry><a:id>u:1</a:id>'
        '<a:title>On x</a:title><a:link href="https://x.org/1"/><a:summary>Words.</a:summary>'
        "<a:author><a:name>Ada</a:name></a:author></a:entry></a:feed>"
    )

    assert (entry.title, entry.abstract, entry.url) == ("On x", "Words.", "https://x.org/1")
    assert entry.authors == ("Ada",)
    assert problems == ()


def test_a_feed_in_a_file_finds_relative_links_by_its_own_link_and_not_by_that_of_its_picture() -> None:
    text = "<image><link>https://picture.org/</link></image><link>https://journal.org/a/</link>"
    data = items("x").replace("<title>T</title>", text).replace("<description>", "<link>1</link><description>")

    parsed = feed.parse(data.encode(), Source("journal", "feed", "journal.rss"), NOON)

    assert parsed.entries[0].url == "https://journal.org/a/1"


def test_a_feed_in_a_wrong_encoding_is_read_and_named() -> None:
    (entry,), problems = read(('<?xml version="1.0" encoding="utf-8"?>' + items("café")).encode("latin-1"))

    assert entry.abstract == "café"
    assert problems == ("the text is not UTF-8, as it says: read as Windows-1252",)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-8-sig", "iso-8859-1", "koi8-r"])
def test_encodings_are_honoured(encoding: str) -> None:
    text = "Привет" if encoding == "koi8-r" else "café"
    declared = f'<?xml version="1.0" encoding="{encoding}"?>' if encoding != "utf-8-sig" else ""

    (entry,), problems = read((declared + items(text)).encode(encoding))

    assert entry.abstract == text
    assert problems == ()


@pytest.mark.parametrize("value", ['"lol"', 'SYSTEM "file:///etc/passwd"'])
def test_entities_are_never_expanded(value: str) -> None:
    with pytest.raises(SourceError, match="declares entities of its own, which we never expand"):
        read(f"<!DOCTYPE rss [<!ENTITY a {value}><!ENTITY b '&a;&a;'>]>" + items("&b;"))


def test_a_huge_abstract_is_cut_and_named() -> None:
    (entry,), problems = read(items("word " * 1_000_000))

    assert len(entry.abstract) <= 20_000
    assert problems == ('"On word word": the abstract was cut to 20,000 characters',)


def test_hostile_links_are_dropped() -> None:
    data = items("x").replace("<description>", "<link>javascript:alert(1)</link><description>")

    assert read(data)[0][0].url == ""


@pytest.mark.parametrize(
    ("name", "count"),
    [
        ("arxiv_daily_atom.xml", 7),
        ("arxiv_daily_rss2.xml", 1),
        ("arxiv_api_single.xml", 1),
        ("arxiv_api_old_id.xml", 1),
        ("arxiv_api_page10.xml", 10),
        ("arxiv_api_empty.xml", 0),
        ("biorxiv_rss1.xml", 8),
    ],
)
def test_real_samples_give_their_entries(name: str, count: int) -> None:
    if not SHARED.exists():
        pytest.skip("needs ../shared/data/sources")
    entries, problems = read((SHARED / name).read_bytes())

    assert len(entries) == count
    assert problems == ()
    assert all(re.match(r"arxiv:|doi:10\.1101/", entry.id) and entry.abstract and entry.authors for entry in entries)
