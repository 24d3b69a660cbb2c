"""Bytes to text: byte order marks, charsets of HTTP, what documents say of themselves, and what stands before them."""

from __future__ import annotations

import codecs
import json

import pytest

from newsletter.collector.sources import feed, jsonfeed, opml
from newsletter.collector.sources.library import read_library
from newsletter.collector.text.encodings import as_utf8, codec_of, read_text
from newsletter.errors import SourceError
from newsletter.testing import NOON
from newsletter.types import Source

JOURNAL = Source("journal", "feed", "https://journal.example.org/rss")
XML = '<?xml version="1.0" encoding="{}"?>'


def rss(title: str, declared: str = "", doctype: str = "") -> str:
    head = XML.format(declared) if declared else ""
    items = f"<title>J</title><item><title>{title}</title></item>"
    return f'{head}{doctype}<rss version="2.0"><channel>{items}</channel></rss>'


def title(data: bytes) -> str:
    (entry,) = feed.parse(data, JOURNAL, NOON).entries
    return entry.title


@pytest.mark.parametrize(
    ("label", "bytes_as", "text"),
    [
        ("ISO-8859-1", "cp1252", "Meyer’s “new” € 5–10"),
        ("latin1", "cp1252", "a – b"),
        ("us-ascii", "cp1252", "a – b"),
        ("us-ascii", "utf-8", "a – b"),
        ("iso-8859-9", "cp1254", "İzmir – “x”"),
        ("gb2312", "gb18030", "镕喆堃"),
        ("gbk", "gb18030", "㐀 and 镕"),
        ("Shift_JIS", "cp932", "髙﨑①Ⅳ㈱"),
        ("euc-kr", "cp949", "뷁"),
        ("ks_c_5601-1987", "cp949", "똠"),
        ("big5", "big5hkscs", "㗎"),
        ("euc-jp", "euc_jis_2004", "①"),
        ("tis-620", "cp874", "ไทย…"),
        ("x-cp1251", "cp1251", "Привет"),
        ("koi8-u", "koi8-u", "Їжак"),
        ("macintosh", "mac-roman", "é™"),
        ("cp437", "cp437", "é"),
        ("utf8", "utf-8", "é"),
        ("utf-16", "utf-8", "é"),
        ("nonsense", "utf-8", "é"),
    ],
)
def test_labels_mean_what_browsers_take_them_for(label: str, bytes_as: str, text: str) -> None:
    assert title(rss(text, label).encode(bytes_as)) == text


def test_a_label_that_no_text_has_is_none() -> None:
    assert [codec_of(label) for label in ("hex", "idna", "unicode_escape", "utf-7", "iso-2022-kr", "")] == [""] * 6


@pytest.mark.parametrize(
    ("content_type", "declared", "bytes_as"),
    [
        ("text/xml; charset=windows-1251", "", "cp1251"),
        ('application/rss+xml;charset="Windows-1251"', "utf-8", "cp1251"),
        ("text/xml; charset=utf-8", "windows-1251", "utf-8"),
        ("text/xml", "windows-1251", "cp1251"),
        ("text/xml; charset=nonsense", "windows-1251", "cp1251"),
        ("text/xml; charset=utf-8", "windows-1251", "cp1251"),  # the bytes are no UTF-8, whatever the header says
        ("text/xml; charset=iso-8859-1", "utf-8", "utf-8"),  # and these are
        ("text/xml; charset=iso-8859-1", "utf-8", "utf-8-sig"),
        ("text/xml; charset=utf-16", "utf-16", "utf-16-le"),
        ("text/xml; charset=windows-1251", "", "utf-16"),
    ],
)
def test_the_charset_of_the_header_counts_where_the_bytes_allow_it(
    content_type: str, declared: str, bytes_as: str
) -> None:
    assert title(as_utf8(rss("Разбор течений", declared).encode(bytes_as), content_type)) == "Разбор течений"


def test_the_charset_counts_for_json_and_lists_of_feeds() -> None:
    items = {"version": "https://jsonfeed.org/version/1.1", "items": [{"id": "1", "title": "Разбор"}]}
    outline = XML.format("utf-8") + '<opml><body><outline text="Разбор" xmlUrl="https://x.org/f"/></body></opml>'

    found = jsonfeed.parse(
        as_utf8(json.dumps(items, ensure_ascii=False).encode("cp1251"), "a/b; charset=cp1251"), JOURNAL, NOON
    )
    named = opml.parse(as_utf8(outline.encode("cp1251"), "text/xml; charset=cp1251"), JOURNAL, NOON)

    assert [entry.title for entry in found.entries] == ["Разбор"]
    assert [source.name for source in named.sources] == ["journal: Разбор"]


def test_an_answer_in_utf8_stays_as_it_is() -> None:
    for data in (b"hello", "é".encode(), codecs.BOM_UTF8 + b"x", codecs.BOM_UTF16_LE + b"x\0"):
        assert as_utf8(data, "text/plain; charset=utf-8") is data


WARNING = "<br />\n<b>Warning</b>: Undefined variable $x in <b>/srv/feed.php</b> on line <b>3</b><br />\n"


@pytest.mark.parametrize(
    "before",
    [
        b"\n\n",
        b"\xef\xbb\xbf",
        b"\n\n\xef\xbb\xbf\n",
        b"\xef\xbb\xbf\xef\xbb\xbf",
        WARNING.encode(),
        WARNING.encode() + b"\xef\xbb\xbf",
        b"PHP Notice:  Undefined index in /srv/feed.php on line 3\n",
        b"<!-- cached -->\n",
    ],
)
@pytest.mark.parametrize("declared", ["utf-8", ""])
def test_what_stands_before_a_document_does_not_hide_it(before: bytes, declared: str) -> None:
    assert title(before + rss("Bats – “in” caves", declared).encode()) == "Bats – “in” caves"


def test_a_declaration_behind_a_warning_counts_and_the_warning_is_told() -> None:
    parsed = feed.parse(WARNING.encode() + rss("Разбор", "windows-1251").encode("cp1251"), JOURNAL, NOON)

    assert [entry.title for entry in parsed.entries] == ["Разбор"]
    assert parsed.problems == (f"left out before the document: {WARNING.strip()[:60]}",)


def test_a_mark_behind_blank_lines_wins_in_utf16_too() -> None:
    assert title(b"\r\n" + rss("Störche", "utf-8").encode("utf-16")) == "Störche"


def test_json_and_lists_of_feeds_are_found_behind_warnings() -> None:
    items = {"version": "https://jsonfeed.org/version/1.1", "items": [{"id": "1", "title": "On Tea"}]}
    outline = XML.format("utf-8") + '<opml><body><outline text="T" xmlUrl="https://x.org/f"/></body></opml>'

    for before in (WARNING.encode(), b"\n\xef\xbb\xbf\n"):
        assert feed.parse(before + json.dumps(items).encode(), JOURNAL, NOON).entries[0].title == "On Tea"
        assert opml.parse(before + outline.encode(), JOURNAL, NOON).sources[0].location == "https://x.org/f"


def test_a_web_page_with_a_feed_in_its_script_is_no_feed() -> None:
    page = f"<!DOCTYPE html>\n<html><head><script>x = `\n{rss('x')}`</script></head></html>"

    with pytest.raises(SourceError, match="it looks like an HTML page"):
        feed.parse(page.encode(), JOURNAL, NOON)


@pytest.mark.parametrize(
    "declared",
    [
        '<!ENTITY nbsp "&#160;">',
        "<!ENTITY eacute '&#233;'>",
        '<!ENTITY % HTMLlat1 PUBLIC "-//W3C//x" "http://w3.org/x.ent"> %HTMLlat1;',
    ],
)
def test_a_feed_that_declares_what_html_knows_is_read(declared: str) -> None:
    assert title(rss("Caf&eacute;&nbsp;au lait", "", f"<!DOCTYPE rss [{declared}]>").encode()) == "Café\xa0au lait"


@pytest.mark.parametrize("declared", ['<!ENTITY nbsp "x"><!ENTITY a "ha">', '<!ENTITY a SYSTEM "file:///etc/passwd">'])
def test_a_feed_that_declares_entities_of_its_own_is_refused(declared: str) -> None:
    with pytest.raises(SourceError, match="declares entities of its own, which we never expand"):
        title(rss("&a;", "", f"<!DOCTYPE rss [{declared}]>").encode())


def test_a_library_says_its_encoding_as_jabref_does() -> None:
    text = "% Encoding: {}\n@article{{k, title = {{Разбор}}}}"

    for label in ("windows-1251", "UTF-8"):
        assert read_library(text.format(label).encode(label), "a.bib").entries[0].title == "Разбор"


def test_what_fits_no_label_is_told() -> None:
    assert read_text(b"caf\xe9") == ("café", ["the text is not UTF-8: read as Windows-1252"])
    assert read_text("é".encode() + b"\xe9", "utf-8")[1] == [
        "the text is not utf-8, as it says: unreadable characters became �"
    ]
