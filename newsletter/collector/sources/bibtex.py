r"""BibTeX and BibLaTeX as records of raw values: the library splits the file, the TeX in the values stays as it is.

Why not let bibtexparser read the TeX, too: its LaTeX middleware drops what it does not know (`\texttt{x\_1}` vanishes)
and needs 7 s for 500 records, where splitting 5,000 takes 1 s. Why not let it resolve `@string`: it knows no `#`.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from newsletter.collector.sources.bibtex_parents import Typed, completed
from newsletter.collector.text.html import plain

if TYPE_CHECKING:
    from bibtexparser.model import Block, Entry

LONGEST_VALUE = 200_000  #: characters; `@string{b = a # a}` could double for ever
NO_PAPERS = {"control", "set", "xdata", "bibnote"}  #: entry types that hold settings
KEY = re.compile(r"@\w*\s*[{(]\s*([^\s,{}=]*)")
BARE = re.compile(r"[^\s#{}\",]+")
JOINT = re.compile(r"\s*#\s*")
MARK = re.compile(r"\\.|[{}\"]", re.DOTALL)
PIECE = re.compile(r"\\[A-Za-z]+\*?|\\.|[{}]|[^\\{}]+|\\", re.DOTALL)
COMMAND = re.compile(r"\\(?:[A-Za-z]+\*?|.)|.*[\^_]", re.DOTALL)
TIE = re.compile(r"(?<=[^\s\\/])~(?=[^\s~/])")
#: fields that people read
TEXTS = {"title", "subtitle", "maintitle", "booktitle", "eventtitle", "abstract"}
TEXTS |= {"journal", "journaltitle", "school", "institution", "publisher"}
MOST_BRACES = 9  #: around one value
AND = " and "
OTHERS = {"others", "et al", "et al.", ""}
NAMED_PARTS = re.compile(r"\s*(family|given|prefix|suffix)\s*=\s*(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class BibtexRecord:
    """One `@type{key, …}`."""

    key: str
    fields: Mapping[str, str] | None  #: names in lower case, values without their enclosing; None: could not be read
    doubt: str = ""  #: why not, or what was left out
    type: str = ""  #: "article", in lower case


@dataclass(frozen=True, slots=True)
class BibtexFile:
    """The records of a file."""

    records: tuple[BibtexRecord, ...]
    problems: tuple[str, ...]  #: of what is no record


def read_bibtex(text: str) -> BibtexFile:
    """Split a file into records; raises nothing: what cannot be read is a record without fields."""
    from bibtexparser.entrypoint import parse_string

    logging.getLogger("bibtexparser").setLevel(logging.CRITICAL)  # it warns of each broken record; so do we, once
    blocks = parse_string(text, parse_stack=[]).blocks
    strings = _strings(blocks)
    records: list[BibtexRecord] = []
    problems: list[str] = []
    for block in blocks:
        _take(block, strings, records, problems)
    return BibtexFile(tuple(_with_parents(records, _settings(blocks, strings))), tuple(problems))


def _with_parents(records: list[BibtexRecord], settings: Mapping[str, Typed]) -> Iterator[BibtexRecord]:
    """The records, each with what it takes from others of the file; of two with one key, the first is the parent."""
    readable = [record for record in records if record.fields is not None]
    known = {record.key.lower(): Typed(record.type, record.fields or {}) for record in reversed(readable)}
    known = {**settings, **known}
    for record in records:
        if record.fields and ("crossref" in record.fields or "xdata" in record.fields):
            own = {**known, record.key.lower(): Typed(record.type, record.fields)}
            yield replace(record, fields=completed(record.key, own))
        else:
            yield record


def _settings(blocks: list[Block], strings: Mapping[str, str]) -> dict[str, Typed]:
    """The entries that are no papers and lend their fields (`@xdata`), by their keys in lower case."""
    from bibtexparser.model import Entry

    found = (_record(block, strings) for block in blocks if isinstance(block, Entry) and _is_setting(block))
    return {record.key.lower(): Typed(record.type, record.fields or {}) for record in found}


def _is_setting(entry: Entry) -> bool:
    return entry.entry_type.lower() in NO_PAPERS


def _take(block: Block, strings: Mapping[str, str], records: list[BibtexRecord], problems: list[str]) -> None:
    from bibtexparser.model import Entry, ImplicitComment, ParsingFailedBlock

    inner = (block.ignore_error_block if isinstance(block, ParsingFailedBlock) else None) or block
    if isinstance(inner, Entry):
        if not _is_setting(inner):
            records.append(_record(inner, strings))
    elif isinstance(inner, ImplicitComment):
        if records and inner.comment.startswith(","):
            last = records.pop()
            records.append(replace(last, doubt="a closing brace too many: what follows it was not read"))
    elif isinstance(inner, ParsingFailedBlock):
        _broken(inner, records, problems)


def _broken(block: Block, records: list[BibtexRecord], problems: list[str]) -> None:
    raw, line = block.raw or "", (block.start_line or 0) + 1
    kind = re.match(r"@(\w*)", raw)
    if kind and kind[1].lower() in ("string", "preamble", "comment"):
        problems.append(f"line {line}: @{kind[1].lower()} does not end; skipped")
        return
    key = KEY.match(raw)
    records.append(BibtexRecord(key[1] if key else "", None, f"line {line}: a brace, quote or comma is missing"))


def _record(entry: Entry, strings: Mapping[str, str]) -> BibtexRecord:
    fields: dict[str, str] = {}
    doubt = ""
    for field in entry.fields:
        value, rest = _value(str(field.value).strip(), strings)
        name = field.key.lower()
        fields.setdefault(name, unprotected(value) if name in TEXTS else value)  # BibTeX, too, takes the first of two
        doubt = doubt or (f'no comma after "{plain(field.key[:40])}": the next was not read' if rest else "")
    return BibtexRecord(entry.key, fields, doubt, entry.entry_type.lower())


def _strings(blocks: list[Block]) -> dict[str, str]:
    from bibtexparser.model import ParsingFailedBlock, String

    found: dict[str, str] = {}
    for block in blocks:
        inner = (block.ignore_error_block if isinstance(block, ParsingFailedBlock) else None) or block
        if isinstance(inner, String):
            found[inner.key.lower()] = _value(str(inner.value).strip(), found)[0]
    return found


def _value(raw: str, strings: Mapping[str, str]) -> tuple[str, str]:
    """A value like `jan # " 12" # {th}`, put together; and what stands behind it without a comma before."""
    pieces: list[str] = []
    place = length = 0
    while place < len(raw) and length < LONGEST_VALUE:
        end = _closing(raw, place) if raw[place] in '{"' else _ending(raw, place)
        piece = raw[place:end]
        whole = piece[1:-1] if piece[0] in '{"' else strings.get(piece.lower(), piece)
        pieces.append(whole[: LONGEST_VALUE - length])
        length += len(pieces[-1])
        mark = JOINT.match(raw, end)
        if not mark:
            return "".join(pieces), raw[end:].strip()
        place = mark.end()
    return "".join(pieces), ""


def _ending(raw: str, start: int) -> int:
    """Where a bare word ends: after one character at least."""
    word = BARE.match(raw, start)
    return word.end() if word else start + 1


def _closing(raw: str, start: int = 0) -> int:
    """Where the brace or quote that opens at `start` is closed: the index behind it."""
    quoted, depth = raw[start] == '"', 0
    for mark in MARK.finditer(raw, start + 1):
        if mark[0] == "{":
            depth += 1
        elif depth == 0 and mark[0] == ('"' if quoted else "}"):
            return mark.end()
        elif mark[0] == "}":
            depth = max(0, depth - 1)
    return len(raw)


def unprotected(value: str) -> str:
    r"""A text without ties, and with `\text` before braces that hold a comma.

    BibTeX prints neither braces nor ties, where a feed with `{0, 1}` and `~2x` means what it says.
    """
    if "{" not in value and "~" not in value:
        return value
    parts: list[str] = []
    opened: list[int] = []  # places in parts, of each group that is open
    has_comma: list[bool] = []
    for piece in PIECE.findall(value):
        if piece == "{":
            opened.append(len(parts))
            has_comma.append(False)
        elif piece == "}" and opened:
            place, comma = opened.pop(), has_comma.pop()
            if comma:
                has_comma[-1:] = [True] * bool(has_comma)
                is_argument = place > 0 and COMMAND.fullmatch(parts[place - 1])
                parts[place] = "{" if is_argument else r"\text{"
        elif has_comma and "," in piece:
            has_comma[-1] = True
        parts.append(piece)
    return TIE.sub(" ", "".join(parts))


def bare(value: str) -> str:
    """A value without the braces that enclose it all: `{{Deep} Nets}` is `{Deep} Nets`."""
    value = value.strip()
    for _ in range(MOST_BRACES):
        if not (value.startswith("{") and value.endswith("}") and _closing(value) == len(value)):
            break
        value = value[1:-1].strip()
    return value


def outside(raw: str, separator: str) -> Iterator[str]:
    """The parts of a value between separators that stand outside braces."""
    depth = start = 0
    for mark in re.finditer(rf"\\[{{}}]|[{{}}]|(?P<here>{separator})", raw, re.IGNORECASE):
        if mark["here"] and depth == 0:
            yield raw[start : mark.start()].strip()
            start = mark.end()
        elif not mark["here"]:
            depth = max(0, depth + {"{": 1, "}": -1}.get(mark[0], 0))
    yield raw[start:].strip()


def people(raw: str) -> Iterator[str]:
    """The names in a list of people: "Doe, Jane and {The Group} and others" is Jane Doe and The Group."""
    for name in outside(f" {' '.join(raw.split())} ", AND):
        if name.lower() not in OTHERS:
            yield from _person([bare(part) for part in outside(name, ",")])


def _person(parts: list[str]) -> Iterator[str]:
    """The name in BibTeX's "von Last, Jr, First" and BibLaTeX's "given=…, family=…"; more commas: a list."""
    named = [NAMED_PARTS.fullmatch(part) for part in parts]
    if all(named):
        said = {match[1]: match[2] for match in named if match}
        yield _joined(said.get(part, "") for part in ("given", "prefix", "family", "suffix"))
    elif len(parts) <= 3:
        yield _joined((parts[-1], *parts[:-1]))
    else:
        yield from (part for part in parts if part)


def _joined(parts: Iterator[str] | tuple[str, ...]) -> str:
    return " ".join(" ".join(parts).split())
