"""A reader's reference library as entries: BibTeX, BibLaTeX, RIS, CSL-JSON and Zotero's JSON. Pure.

    bytes ─ text ─▶ records of one format ─▶ entries, and one line for each record that is none

All bibliographic types are taken, with an abstract or without. Texts stay as the file wrote them; ids are left to the
collector.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial

from newsletter.collector.source_kind import Parsed, few
from newsletter.collector.sources.bibtex import BibtexRecord, bare, outside, people, read_bibtex
from newsletter.collector.sources.reference import ReferenceRead, day, in_venue, noted, read_record, reference
from newsletter.collector.sources.reference_json import read_json
from newsletter.collector.text.dois import doi_in, lone_doi
from newsletter.collector.text.encodings import read_text
from newsletter.collector.text.html import plain
from newsletter.collector.text.urls import shown
from newsletter.errors import SourceError
from newsletter.types import Entry, Source

FORMATS = "BibTeX, RIS, CSL-JSON and Zotero's JSON are read"
SUFFIXES = (".bib", ".bibtex", ".ris", ".json")
LONGEST_KEY = 60
ENCODING = re.compile(rb"\s*% ?Encoding: ([\w.:-]{1,40})", re.IGNORECASE)  #: as JabRef writes it
WEB_PAGE = re.compile(r"\s*<(?:!doctype|html|\?xml)", re.IGNORECASE)
BIB_RECORD = re.compile(r"^[ \t]*@[ \t]*\w+[ \t]*[{(]", re.MULTILINE)
RIS_RECORD = re.compile(r"^[ \t]*(?=TY {1,2}-)", re.MULTILINE)
RIS_LINE = re.compile(r"^[ \t]*([A-Z][A-Z0-9]) {1,2}-(?=[ \t]|$)", re.MULTILINE)
RIS_DOIS = "DI M3 L3 UR LK L1 L2 L4 N1 M1 M2 AN ID C1 C2 C3 C4 C5 C6 C7 C8 U1 U2 U3 U4 U5"  #: where a DOI stands alone
RIS_TAGS = f"A1 A2 AB AU BT CT DA DO ED ER J2 JA JF JO KW N2 PY T1 T2 TI TY Y1 {RIS_DOIS}"
TEX_SIGNS = (  #: of addresses and DOIs
    (re.compile(r"\\textasciitilde(?![a-zA-Z])\s*"), "~"),
    (re.compile(r"\\textless(?![a-zA-Z])\s*|\$<\$|\\\(<\\\)"), "<"),
    (re.compile(r"\\textgreater(?![a-zA-Z])\s*|\$>\$|\\\(>\\\)"), ">"),
    (re.compile(r"\\textbar(?![a-zA-Z])\s*"), "|"),
    (re.compile(r"\\ensuremath(?![a-zA-Z])\s*"), ""),
)
ESCAPED = re.compile(r"\\(?:url\s*)?(?=[_%&#~${<>])")
LINK = re.compile(r"https?://[^\s{}]+")


def read_library(data: bytes, name: str) -> Parsed:
    """The papers of a library; `name` is its file or address: for messages, and to know an empty library from nothing.

    `seen` counts attachments and notes as well. Raises SourceError, one line, when nothing can be read.
    """
    text, problems = _decoded(data)
    reads, more = _reads(text, shown(name))
    problems += more
    for number, read in enumerate(reads, start=1):
        if read.trouble:
            key = plain(read.key[:LONGEST_KEY])
            skipped = "; skipped" if read.entry is None else ""
            problems.append(f"record {number}{f' ({key})' if key else ''}: {read.trouble}{skipped}")
    return Parsed(tuple(read.entry for read in reads if read.entry), few(problems), seen=len(reads))


def _decoded(data: bytes) -> tuple[str, list[str]]:
    """The text with Unix line ends, and what was wrong with it."""
    named = ENCODING.match(data)
    text, problems = read_text(data, named[1].decode() if named else "")
    if not named and "\ufffd" in text and b"\xef\xbf\xbd" not in data:
        text, problems = data.decode("cp1252", "replace"), ["the text is not UTF-8: read as Windows-1252"]
    return text.replace("\r\n", "\n").replace("\r", "\n"), problems


def _reads(text: str, name: str) -> tuple[list[ReferenceRead], list[str]]:
    """Read the format that the text shows; an empty text is an empty library only when its name ends like one."""
    bib, ris = BIB_RECORD.search(text), RIS_RECORD.search(text)
    if text.lstrip()[:1] in ("[", "{") and not bib:
        reads, zotero = read_json(text, name)
        return reads if zotero else _some(reads, name), []
    if WEB_PAGE.match(text):
        raise SourceError(f"{name}: a web page or XML, no reference library ({FORMATS})")
    if ris and (not bib or ris.start() < bib.start()):
        return _some(_ris(text), name), []
    if bib:
        split = read_bibtex(text)
        return _some(_without_repeats(map(_bibtex, split.records)), name), list(split.problems)
    if not text.strip() and name.lower().endswith(SUFFIXES):
        return [], []
    raise SourceError(f"{name}: no reference library ({FORMATS})")


def _some(reads: Iterable[ReferenceRead], name: str) -> list[ReferenceRead]:
    """The records. Raises SourceError when not one of them is good."""
    found = list(reads)
    if found and not any(read.entry for read in found):
        raise SourceError(f"{name}: none of its {len(found):,} records can be read; the first: {found[0].trouble}")
    return found


def _without_repeats(reads: Iterable[ReferenceRead]) -> Iterator[ReferenceRead]:
    """The records without repeats: the same key and title. Two papers under one key are a mistake, and both stay."""
    known: set[tuple[str, str]] = set()
    for read in reads:
        name = (read.key, read.entry.title if read.entry else "")
        yield ReferenceRead(read.key, None, "a repeat of an earlier record") if read.key and name in known else read
        if read.entry:
            known.add(name)


def _bibtex(record: BibtexRecord) -> ReferenceRead:
    if record.fields is None:
        return ReferenceRead(record.key, None, record.doubt)
    return read_record(record.key, partial(_bibtex_entry, record.fields), record.doubt)


def _bibtex_entry(fields: Mapping[str, str]) -> Entry:
    def first(*names: str) -> str:
        return next((found for found in (bare(fields.get(name, "")) for name in names) if found), "")

    return reference(
        title=": ".join(filter(None, (first("title"), first("subtitle")))) or first("maintitle", "booktitle"),
        abstract=first("abstract"),
        authors=people(fields.get("author") or fields.get("editor") or ""),
        venue=first("journal", "journaltitle", "booktitle", "eventtitle", "school", "institution", "publisher"),
        topics=map(bare, outside(first("keywords", "keyword"), "[,;]")),
        published=day(first("date")) or day(_written(first("year"), first("month"), first("day"))),
        links=[_unescaped(first("url")), *LINK.findall(_unescaped(first("howpublished")))],
        ids=_bibtex_ids(first),
    )


def _bibtex_ids(first: Callable[..., str]) -> Iterator[str]:
    yield _unescaped(first("doi")) or lone_doi(_unescaped(first("url", "ee")))
    number, kind = first("eprint"), first("archiveprefix", "eprinttype").lower()
    if kind in ("arxiv", ""):
        yield f"arxiv:{number.lower().removeprefix('arxiv:')}"
    yield f"arxiv:{first('arxivid', 'arxiv').lower().removeprefix('arxiv:')}"
    if first("journal").lower() == "corr":  # as DBLP writes it
        yield f"arxiv:{first('volume').removeprefix('abs/')}"
    yield from in_venue(first("journal", "journaltitle"))
    yield from noted(first("note"))


def _written(year: str, month: str, day: str) -> str:
    """A day from three fields; `month = mar # "~5"` may hold it, too."""
    if month.isdecimal():
        return f"{year}-{month}-{day}"
    return " ".join(f"{day} {month} {year}".replace("~", " ").split())


def _unescaped(value: str) -> str:
    r"""An address or DOI without its TeX: `\url{https://x.org/a\_b}` is https://x.org/a_b."""
    for written, meant in TEX_SIGNS:
        value = written.sub(meant, value)
    return re.sub(r"[{}]", "", ESCAPED.sub("", value)).strip()


def _ris(text: str) -> Iterator[ReferenceRead]:
    """Read record by record: rispy would drop the last one without an end, and join others without an end into one."""
    import rispy  # type: ignore[import-untyped]

    tags = RIS_TAGS.split()
    parser = rispy.RisParser(
        mapping=dict(zip(tags, tags, strict=True)), list_tags=tags, delimiter_tags_mapping={}, skip_unknown_tags=True
    )
    for chunk in RIS_RECORD.split(text)[1:]:
        lines = RIS_LINE.sub(r"\1  - ", chunk)
        fields: dict[str, list[str]] = next(iter(parser.parse(f"{lines}\nER  - \n")), {})
        yield read_record(_line(fields, "ID"), partial(_ris_entry, fields))


def _ris_entry(fields: Mapping[str, list[str]]) -> Entry:
    return reference(
        title=_line(fields, "TI", "T1", "CT", "BT"),
        abstract=_line(fields, "AB", "N2"),
        authors=map(_given_first, next((fields[tag] for tag in ("AU", "A1", "A2", "ED") if tag in fields), [])),
        venue=_line(fields, "JO", "JF", "T2", "JA", "J2", "BT"),
        topics=(topic for line in fields.get("KW", ()) for topic in line.split(";")),
        published=next(filter(None, (day(_line(fields, tag)) for tag in ("DA", "PY", "Y1"))), None),
        links=[link for tag in ("UR", "LK", "L2", "L1") for link in fields.get(tag, ())],
        ids=[
            *_ris_dois(fields),
            *in_venue(_line(fields, "JO", "JF", "T2")),
            *noted("\n".join(fields.get("N1", ()))),
        ],
    )


def _ris_dois(fields: Mapping[str, list[str]]) -> list[str]:
    """The DOI in its own tag; where it has none, in any of those in which programs put one."""
    own = fields.get("DO", [])
    if any(map(doi_in, own)):
        return own
    alone = (lone_doi(line) for tag in RIS_DOIS.split() for line in fields.get(tag, ()))
    return [f"doi:{doi}" for doi in [next(filter(None, alone), "")] if doi]


def _line(fields: Mapping[str, list[str]], *tags: str) -> str:
    """The first tag that says something; lines that follow it belong to it."""
    found = (" ".join(fields.get(tag, ())).strip() for tag in tags)
    return next((line for line in found if line), "")


def _given_first(name: str) -> str:
    """The name with the given name first: "Doe, Jane, Jr." is Jane Doe Jr. (BibTeX has another order)."""
    family, *rest = (part.strip() for part in name.split(","))
    return " ".join(filter(None, (*rest[:1], family, *rest[1:])))


def parse(data: bytes, source: Source, now: datetime) -> Parsed:  # noqa: ARG001 - a parser's signature
    """Parse a library in a file; the entries carry the name of this source."""
    read = read_library(data, source.location)
    return replace(read, entries=tuple(replace(entry, source=source.name) for entry in read.entries))
