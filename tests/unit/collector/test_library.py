"""Reference libraries: BibTeX, BibLaTeX, RIS, CSL-JSON, Zotero; whole, broken, and through Zotero's API."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.collector.source_kind import Parsed
from newsletter.collector.sources.library import read_library
from newsletter.collector.sources.zotero import KIND
from newsletter.errors import SourceError
from newsletter.testing import NOON
from newsletter.types import Entry, Source

DATA = Path(__file__).parents[2] / "data" / "library"
FILES = ("refs.bib", "broken.bib", "refs.ris", "csl.json", "zotero.json")


def read(name: str) -> Parsed:
    return read_library((DATA / name).read_bytes(), name)


def one(text: str, name: str = "refs.bib") -> Entry:
    (entry,) = read_library(text.encode(), name).entries
    return entry


def titles(page: Parsed) -> list[str]:
    return [entry.title for entry in page.entries]


def test_bibtex_is_read_with_its_tex_in_place() -> None:
    entry = read("refs.bib").entries[0]

    assert entry.title == "Linear {G}raph Kernels with $O(n)$ Edges"
    assert entry.abstract == r"We propose a \emph{kernel} whose cost is 50\% lower, ``in practice''."
    assert entry.authors == ("Jane A. Doe", r"Bora {\"O}zg{\"u}r", "Kim van der Berg Jr.", "The Graph and Kernel Group")
    assert (entry.venue, entry.topics) == ("J. Made-up Learn. Res.", ("graphs", "kernels", "trees, too"))
    assert (entry.url, entry.also) == ("https://example.org/kernels_1?a=1&b=2", ("doi:10.1000/kern_1.5",))
    assert (entry.published, entry.id, entry.update) == (datetime(2020, 3, 5, tzinfo=UTC), "", True)


def test_round_brackets_quotes_macros_and_unknown_types_are_read() -> None:
    page = read("refs.bib")

    assert page.problems == ()
    assert page.entries[1].title == 'Cold {"}Walls{"} Calm Plasmas'
    assert page.entries[1].published == datetime(2021, 7, 14, tzinfo=UTC)
    assert page.entries[5].title == "Of an Unheard-of Type"
    assert page.entries[5].url == "https://example.org/~strange"


def test_biblatex_has_subtitles_ranges_and_names_in_parts() -> None:
    entry = read("refs.bib").entries[2]

    assert entry.title == "A Title: And What Follows It"
    assert entry.authors == ("Pat de Poe",)
    assert entry.published == datetime(2024, 1, 31, tzinfo=UTC)
    assert (entry.also, entry.url) == (("arxiv:2401.00001",), "https://arxiv.org/abs/2401.00001")


@pytest.mark.parametrize(
    ("fields", "also"),
    [
        ("doi = {https://doi.org/10.1000/ABC}", ("doi:10.1000/abc",)),
        ("doi = {10.48550/arXiv.2401.00001}", ("arxiv:2401.00001",)),
        ("eprint = {2401.00001}, archivePrefix = {arXiv}", ("arxiv:2401.00001",)),
        ("eprint = {hep-th/9901001}", ("arxiv:hep-th/9901001",)),
        ("eprint = {arXiv:2401.00001v3}, eprinttype = {arXiv}", ("arxiv:2401.00001",)),
        ("eprint = {1234567}, eprinttype = {jstor}", ()),
        ("url = {http://arxiv.org/pdf/2401.00001v2.pdf}", ("arxiv:2401.00001",)),
        ("journal = {arXiv preprint arXiv:2401.00001}", ("arxiv:2401.00001",)),
        ("journal = {CoRR}, volume = {abs/2401.00001}", ("arxiv:2401.00001",)),
        ("note = {arXiv:2401.00001 [cs]}", ("arxiv:2401.00001",)),
        ("note = {a sequel of arXiv:2401.00001}", ()),
        ("doi = {10.1000/a}, eprint = {2401.00001}", ("arxiv:2401.00001", "doi:10.1000/a")),
        (f"doi = {{10.1000/{'a' * 1000}}}", ()),
        ("doi = {none}, eprint = {}, url = {javascript:alert(1)}", ()),
    ],
)
def test_ids_are_found_where_people_put_them(fields: str, also: tuple[str, ...]) -> None:
    assert one(f"@article{{k, title = {{T}}, {fields}}}").also == also


@pytest.mark.parametrize(
    ("names", "authors"),
    [
        ("Doe, Jane", ("Jane Doe",)),
        ("Jane Doe and\n  Richard Roe", ("Jane Doe", "Richard Roe")),
        ("{Barnes and Noble} and others", ("Barnes and Noble",)),
        ("{{Barnes and Noble}}", ("Barnes and Noble",)),
        ("Doe, Jane AND Roe, Richard and et al.", ("Jane Doe", "Richard Roe")),
        ("von der Leyen, Kim", ("Kim von der Leyen",)),
        ("{van Dyke}, Dick", ("Dick van Dyke",)),
        ("Ann One, Ben Two, Cy Three, Di Four", ("Ann One", "Ben Two", "Cy Three", "Di Four")),
        ("Sandy Anderson", ("Sandy Anderson",)),
        (" and ", ()),
        ("", ()),
    ],
)
def test_names_of_bibtex_are_split_given_names_first(names: str, authors: tuple[str, ...]) -> None:
    assert one(f"@book{{k, title = {{T}}, author = {{{names}}}}}").authors == authors


@pytest.mark.parametrize(
    ("fields", "day"),
    [
        ("year = 2020, month = 3, day = 5", "2020-03-05"),
        ("year = 2020, month = {March}, day = {5}", "2020-03-05"),
        ('year = 2020, month = "5~" # mar', "2020-03-05"),
        ("date = {2020-03-05T10:00:00Z}", "2020-03-05"),
        ("date = {2020-03}", ""),
        ("year = 2020, month = mar", ""),
        ("year = 2020", ""),
        ("year = {2020}, month = {13}, day = {45}", ""),
        ("year = {in prepared}", ""),
    ],
)
def test_only_a_whole_day_is_a_date(fields: str, day: str) -> None:
    published = one(f"@article{{k, title = {{T}}, {fields}}}").published

    assert (f"{published:%Y-%m-%d}" if published else "") == day


PARENTS = """
@inproceedings{flow, author={Ito, Ken}, title={Flow control}, crossref={ROB}}
@inbook{chap, crossref={shape}, title={Curves}}
@incollection{old, crossref={rob}, title={Gears}, author={Oe, Kim}, booktitle={Another Book}, year=1999}
@inproceedings{lent, xdata={house, rob}, crossref={nobody}, title={Lent}}
@inproceedings{one, crossref={two}, title={One}}
@inproceedings{two, crossref={one}, title={Two}, publisher={Press}}
@inproceedings{self, crossref={self}, title={Self}}
@proceedings{rob, title={Soft Robots}, editor={Poe, Max}, date={2019-05-04}, doi={10.5555/rob}, abstract={All.}}
@book{shape, title={A Book of Shapes}, author={Rao, Anu and Klein, Eric P.}, crossref={series}}
@book{series, title={Series}, publisher={Press}}
@xdata{house, institution={The House}, xdata={house}, author={Sam One}}
"""


def test_an_entry_takes_from_its_parents_what_it_lacks() -> None:
    found = {entry.title: entry for entry in read_library(PARENTS.encode(), "refs.bib").entries}

    assert (found["Flow control"].venue, found["Flow control"].authors) == ("Soft Robots", ("Ken Ito",))
    assert str(found["Flow control"].published)[:10] == "2019-05-04"
    assert (found["Flow control"].also, found["Flow control"].abstract) == ((), "")
    assert (found["Curves"].venue, found["Curves"].authors) == ("A Book of Shapes", ("Anu Rao", "Eric P. Klein"))
    assert (found["Gears"].venue, found["Gears"].authors, found["Gears"].published) == (
        "Another Book",
        ("Kim Oe",),
        None,
    )
    assert (found["Lent"].venue, found["Lent"].authors) == ("The House", ("Sam One",))
    assert (found["One"].venue, found["Two"].venue, found["Self"].venue) == ("Two", "One", "")
    assert found["Soft Robots"].also == ("doi:10.5555/rob",)


@pytest.mark.parametrize(
    "written",
    [
        "10.5555/(SICI)2345(199821)14:1<3::AID-QRS140>3.0.CO;2-K",
        "10.5555/(SICI)2345(199821)14:1$<$3::AID-QRS140$>$3.0.CO;2-K",
        r"10.5555/(SICI)2345(199821)14:1{\textless}3::AID-QRS140{\textgreater}3.0.CO;2-K",
        r"10.5555/(SICI)2345(199821)14:1\textless 3::AID-QRS140\textgreater 3.0.CO;2-K",
        "10.5555/(SICI)2345(199821)14:1&lt;3::AID-QRS140&gt;3.0.CO;2-K",
        "https://doi.org/10.5555/(SICI)2345(199821)14:1%3C3::AID-QRS140%3E3.0.CO;2-K",
        r"https://doi.org/10.5555/(SICI)2345(199821)14:1\%3C3::AID-QRS140\%3E3.0.CO;2-K",
    ],
)
def test_a_doi_with_angle_brackets_is_read_in_all_its_spellings(written: str) -> None:
    paper = one(f"@article{{a, title={{T}}, doi={{{written}}}}}")

    assert paper.also == ("doi:10.5555/(sici)2345(199821)14:1<3::aid-qrs140>3.0.co;2-k",)
    assert paper.url == "https://doi.org/10.5555/(sici)2345(199821)14:1%3C3::aid-qrs140%3E3.0.co;2-k"


@pytest.mark.parametrize(
    "line",
    [
        "M3  - doi:10.5555/wing.77",
        "M3  - 10.5555/wing.77",
        "L3  - https://doi.org/10.5555/wing.77",
        "UR  - 10.5555/wing.77",
        "UR  - doi.org/10.5555/wing.77",
        "UR  - www.doi.org/10.5555/wing.77",
        "M3  - [doi:10.5555/wing.77]",
        "M3  - (10.5555/wing.77)",
        "N1  - 10.5555/wing.77",
        "N1  - doi: 10.5555/wing.77",
        "DI  - 10.5555/WING.77",
        "C7  - DOI 10.5555/wing.77",
        "ID  - 10.5555/wing.77",
        "DO  - 10.5555/wing.77\nM3  - 10.5555/other",
    ],
)
def test_a_doi_of_ris_stands_in_many_tags(line: str) -> None:
    assert one(f"TY  - JOUR\nTI  - Wings\n{line}\nER  - \n", "a.ris").also == ("doi:10.5555/wing.77",)


@pytest.mark.parametrize("line", ["M3  - Article", "N1  - a reply to 10.5555/other", "C1  - see 10.5555/other, p. 3"])
def test_a_doi_in_a_sentence_of_ris_may_be_that_of_another_paper(line: str) -> None:
    assert one(f"TY  - JOUR\nTI  - Wings\n{line}\nER  - \n", "a.ris").also == ()


def test_a_broken_record_is_named_and_costs_no_other() -> None:
    page = read("broken.bib")

    assert titles(page) == [
        "The First One",
        "The Third One",
        "Another Paper of the Same Key",
        "Said Twice",
        "A Brace too Many",
        "No Comma",
        "The Last One",
    ]
    assert page.problems == (
        "line 11: @string does not end; skipped",
        "record 2 (unclosed): line 2: a brace, quote or comma is missing; skipped",
        "record 5 (third): a repeat of an earlier record; skipped",
        "record 7 (toomany): a closing brace too many: what follows it was not read",
        'record 8 (nocomma): no comma after "title": the next was not read',
        "record 9 (untitled): no title; skipped",
        "record 11 (torn): line 13: a brace, quote or comma is missing; skipped",
    )


def test_bibtexparser_does_not_warn_beside_us(caplog: pytest.LogCaptureFixture) -> None:
    read("broken.bib")

    assert caplog.text == ""


def test_macros_that_double_themselves_stay_small() -> None:
    bomb = '@string{a0 = "xx"}\n' + "".join(f"@string{{a{n} = a{n - 1} # a{n - 1}}}\n" for n in range(1, 60))

    assert len(one(bomb + "@article{k, title = a59}").title) <= 200_000


def test_ris_is_read_and_a_record_without_an_end_melts_into_no_other() -> None:
    page = read("refs.ris")

    assert titles(page) == [
        "Linear Graph Kernels",
        "This One Has No End",
        "Spaces are Few Here",
        "The Last One Has no End Either",
    ]
    assert page.problems == ("record 4: no title; skipped",)
    assert page.entries[1].also == ("arxiv:2101.00004",)
    assert page.entries[2].abstract == "An abstract by another name."
    assert page.entries[2].published == datetime(2022, 11, 2, tzinfo=UTC)


def test_a_full_record_of_ris() -> None:
    entry = read("refs.ris").entries[0]

    assert entry.authors == ("Jane A. Doe", "Richard Roe Jr.", "The Kernel Group")
    assert entry.abstract == "We propose a kernel. It is linear in the number of edges."
    assert (entry.venue, entry.topics) == ("J. Made-up Learn.", ("graphs", "kernels", "trees"))
    assert (entry.url, entry.also) == ("https://example.org/kernels;jsessionid=1", ("doi:10.1000/kern.1",))
    assert entry.published == datetime(2020, 3, 5, tzinfo=UTC)


def test_csl_json_is_read() -> None:
    page = read("csl.json")
    entry = page.entries[0]

    assert entry.title == "Linear Graph Kernels in <i>O</i>(<i>n</i>)"
    assert entry.authors == ("Jane A. Doe", "Kim van der Berg Jr.", "The Kernel Group")
    assert (entry.venue, entry.topics, entry.abstract) == (
        "J. Made-up Learn.",
        ("graphs", "kernels"),
        "We propose a kernel.",
    )
    assert (entry.url, entry.also) == ("https://example.org/kernels", ("doi:10.1000/kern.1",))
    assert entry.published == datetime(2020, 3, 5, tzinfo=UTC)
    assert page.entries[1].also == ("arxiv:2401.00001",)
    assert page.problems == ("record 3 (untitled): no title; skipped", "record 4: not an object; skipped")


def test_zotero_gives_all_types_and_tells_nothing_of_attachments_and_notes() -> None:
    page = read("zotero.json")
    entry = page.entries[0]

    assert titles(page) == ["Linear Graph Kernels", "Without an Abstract"]
    assert page.problems == ("record 6 (NOPE2345): no title; skipped",)
    assert page.seen == 6
    assert entry.authors == ("Jane A. Doe", "The Kernel Group")
    assert (entry.also, entry.topics) == (("arxiv:2401.00001",), ("graphs", "kernels"))
    assert entry.published == datetime(2024, 1, 2, tzinfo=UTC)
    assert (page.entries[1].authors, page.entries[1].also) == (("Ed Itor",), ("doi:10.1000/book",))
    assert page.entries[1].published is None


def test_zotero_items_of_other_exports_are_flat() -> None:
    item = {
        "itemType": "journalArticle",
        "title": "T",
        "creators": [{"firstName": "A", "lastName": "B"}],
        "tags": ["x"],
    }

    (entry,) = read_library(json.dumps({"config": {}, "items": [item]}).encode(), "lib.json").entries

    assert (entry.title, entry.authors, entry.topics) == ("T", ("A B",), ("x",))


def test_values_of_a_wrong_type_are_left_out() -> None:
    wrong: dict[str, object] = {
        "title": "T",
        "author": "x",
        "DOI": None,
        "issued": {"date-parts": [[]]},
        "keyword": {"a": 1},
        "URL": [1],
    }

    (entry,) = read_library(json.dumps([wrong]).encode(), "lib.json").entries

    assert entry == Entry(id="", title="T", update=True)


def test_half_a_character_does_not_reach_the_store() -> None:
    assert one('[{"title": "A \\ud800 title"}]', "lib.json").title == "A  title"


def test_a_library_in_windows_1252_is_read_and_told() -> None:
    page = read_library("@book{k, title = {Über Öfen – “so”}}".encode("cp1252"), "refs.bib")

    assert titles(page) == ["Über Öfen – “so”"]
    assert page.problems == ("the text is not UTF-8: read as Windows-1252",)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("name", FILES)
def test_marks_of_encoding_and_line_ends_change_nothing(name: str, end: str, encoding: str) -> None:
    text = (DATA / name).read_text("utf-8").replace("\n", end)

    assert read_library(text.encode(encoding), name) == read(name)


@pytest.mark.parametrize("name", FILES)
def test_the_content_tells_the_format(name: str) -> None:
    assert read_library((DATA / name).read_bytes(), "https://example.org/export?id=1") == read(name)


@pytest.mark.parametrize("name", ["empty.bib", "empty.ris", "https://example.org/empty.json"])
def test_an_empty_file_is_an_empty_library_when_its_name_says_so(name: str) -> None:
    assert read_library(b" \n", name).entries == ()


def test_an_empty_list_is_an_empty_library() -> None:
    assert read_library(b"[]", "items") == Parsed((), seen=0)


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "no reference library"),
        (b"\x89PNG\r\n\x1a\n\x00\x00", "no reference library"),
        (b"Just a text.", "no reference library"),
        (b"<!DOCTYPE html><style>\n@media (x) {}</style>", "a web page"),
        (b"{}", "no list of references"),
        (b'{"message": "Forbidden"}', "no list of references"),
        (b'[{"title": "T"},]', "broken JSON (line 1"),
        (b"[" * 100_000, "broken JSON"),
        (b'[{"a": 1}, 2]', "none of its 2 records can be read; the first: no title"),
        (b"@article{a, title = {x", "none of its 1 records"),
        (b"TY  - JOUR\nAU  - A\nER  - ", "none of its 1 records"),
    ],
)
def test_nothing_readable_is_told_in_one_line(data: bytes, why: str) -> None:
    with pytest.raises(SourceError) as caught:
        read_library(data, "https://ada:secret@example.org/x")

    assert why in str(caught.value)
    assert "\n" not in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("name", FILES)
def test_a_file_cut_anywhere_raises_nothing_else(name: str) -> None:
    data = (DATA / name).read_bytes()
    for end in range(0, len(data), 7):
        try:
            read_library(data[:end], name)
        except SourceError as error:
            assert "\n" not in str(error)  # noqa: PT017


@given(st.text(alphabet='@article{}()",=#\\ \n%TY-ERAUand[]:', max_size=200))
def test_no_text_at_all_raises_anything_else(text: str) -> None:
    for start in ("", "@article{k, title = {T}, ", "TY  - JOUR\nTI  - ", '[{"title": "'):
        try:
            read_library((start + text).encode(), "x.bib")
        except SourceError:
            continue


def test_many_records_take_no_minutes() -> None:
    abstract = r"We show {\'e}tale \emph{cohomology} of $O(n^2)$. " * 30
    record = "@article{k%d, title = {{T %d}}, author = {Doe, J. and Roe, R.}, abstract = {%s}, doi = {10.1000/%d}}\n"
    library = "".join(record % (n, n, abstract, n) for n in range(1_000))

    started = time.process_time()
    page = read_library(library.encode(), "refs.bib")

    assert len(page.entries) == 1_000
    assert time.process_time() - started < 30  # under one alone


# Zotero's API


def source(location: str, **options: object) -> Source:
    return Source("mine", "zotero", location, options)


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("users/123456", "users/123456/items/top"),
        ("groups/123", "groups/123/items/top"),
        ("users/1/collections/ABCD2345", "users/1/collections/ABCD2345/items/top"),
        ("/users/1/items/", "users/1/items"),
        ("https://api.zotero.org/users/1/collections/KEY", "users/1/collections/KEY/items/top"),
        ("http://api.zotero.org/groups/1/items", "groups/1/items"),
        ("https://www.zotero.org/groups/123/some_name/library", "groups/123/items/top"),
        (
            "https://www.zotero.org/groups/123/name/collections/KEY/items/X/library",
            "groups/123/collections/KEY/items/top",
        ),
    ],
)
def test_a_zotero_library_may_be_named_in_many_ways(location: str, path: str) -> None:
    (request,) = KIND.requests(source(location), NOON)

    assert request.location == f"https://api.zotero.org/{path}?format=json&limit=100&start=0&v=3"
    assert request.headers == {}


def test_what_an_address_asks_for_stays() -> None:
    (request,) = KIND.requests(source("http://127.0.0.1:23119/api/users/0/items?tag=liked&limit=50"), NOON)

    assert request.location == "http://127.0.0.1:23119/api/users/0/items?format=json&limit=50&start=0&v=3&tag=liked"


@pytest.mark.parametrize("given", [source("users/1", key="abc"), source("https://api.zotero.org/users/1?key=abc")])
def test_the_key_travels_in_a_header_only(given: Source) -> None:
    (request,) = KIND.requests(given, NOON)

    assert request.headers == {"Zotero-API-Key": "abc"}
    assert "abc" not in request.location


@pytest.mark.parametrize("location", ["", "somebody", "users/somebody", "https://www.zotero.org/ada/library"])
def test_a_location_that_names_no_library_is_refused(location: str) -> None:
    with pytest.raises(SourceError, match="no Zotero library"):
        KIND.requests(source(location), NOON)


def test_the_next_page_is_asked_for_while_pages_are_full() -> None:
    mine = source("users/1", key="abc")
    (first,) = KIND.requests(mine, NOON)

    second = KIND.following(first, Parsed((), seen=100), mine)

    assert second
    assert second.location.endswith("limit=100&start=100&v=3")
    assert second.headers == first.headers
    assert KIND.following(second, Parsed((), seen=99), mine) is None
    assert KIND.following(second, Parsed((), seen=0), mine) is None


def test_a_hundred_pages_are_the_end() -> None:
    mine = source("users/1")
    (request,) = KIND.requests(mine, NOON)
    pages = 1
    while following := KIND.following(request, Parsed((), seen=100), mine):
        request, pages = following, pages + 1

    assert pages == 100


def test_a_page_of_zotero_carries_the_name_of_the_source() -> None:
    page = KIND.parse((DATA / "zotero.json").read_bytes(), source("users/1"), NOON)

    assert {entry.source for entry in page.entries} == {"mine"}


def test_a_page_without_a_single_paper_is_no_error() -> None:
    untitled = json.dumps([{"key": "A", "data": {"itemType": "document", "title": ""}}]).encode()

    assert KIND.parse(untitled, source("users/1"), NOON).seen == 1
