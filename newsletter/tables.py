"""Tables of people: CSV as spreadsheets and other services write it, and JSON Lines.

bytes ─ `decoded` ─▶ text ─ `_dialect`: separator, columns ─▶ rows with their line numbers, or what is wrong there

A table is read right, or refused with the line: a wrong guess would damage names in silence.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from csv import Error as CsvError
from csv import reader, writer
from dataclasses import dataclass
from io import StringIO
from typing import Any

from newsletter.errors import InputError
from newsletter.formats import SubscriberLine, parse_address, read_lines

Row = Mapping[str, Any] | str  #: a row, or what is wrong with it

#: Byte order marks; that of UTF-16 begins that of UTF-32.
_BOMS = (
    (b"\xef\xbb\xbf", "utf-8"),
    (b"\xff\xfe\0\0", "utf-32-le"),
    (b"\0\0\xfe\xff", "utf-32-be"),
    (b"\xff\xfe", "utf-16-le"),
    (b"\xfe\xff", "utf-16-be"),
)
#: What programs of today may write instead of Unicode. Where readings by two of them differ, nobody can tell.
_CODE_PAGES = (
    *("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "iso8859_2", "koi8_r"),
    *("mac_roman", "cp850", "cp852", "cp866", "cp932", "euc_jp", "gb18030", "big5", "cp949"),
)
_AS_GOOD = 0.2  #: difference of "chaos" below which charset-normalizer has no opinion [tests/unit/test_tables.py]
MOST_LINES = 100  #: of one row: a quote that nobody closes is noticed before it has eaten the file
_SEPARATORS = ",;\t|"
_COLUMNS = (
    *SubscriberLine.model_fields,
    "interests",
    "muted",
    "liked",
    "disliked",
    "text",
    "size",
    "hype",
    "surprise",
    "fill",
    "when_empty",
)
#: Titles of the column with the address, best first; of capitals, accents, blanks and hyphens nothing is left.
_ADDRESSES = (
    *("email", "email address", "mail", "mail address", "email adresse", "mail adresse", "subscriber email"),
    *("adresse email", "adresse mail", "adresse électronique", "courriel", "correo electrónico", "correo"),
    *("indirizzo email", "e-posta", "e-post", "e-postadresse", "メールアドレス", "メール", "邮箱", "电子邮件", "почта"),
    *("adresse", "address"),
)
_FORMULA = re.compile(r"'*[=+\-@\t\r]")
_ESCAPED = re.compile(r"'+[=+\-@\t\r]")


def read_table(data: bytes, csv: bool, encoding: str = "") -> Iterator[tuple[int, Row]]:
    """Rows of a JSON Lines or CSV file with their line numbers.

    `encoding`: of the file; "" finds out. Raises InputError where it cannot be known, and where a CSV has no column
    with addresses.
    """
    text = decoded(data, encoding) if csv or encoding or data.startswith(tuple(bom for bom, _ in _BOMS)) else ""
    yield from _csv_rows(text) if csv else read_lines(text.encode() if text else data)


def decoded(data: bytes, encoding: str = "") -> str:
    """The text of a file, without a byte order mark. Raises InputError where its encoding cannot be known."""
    if encoding:
        return _decoded_as(data, encoding).removeprefix("\ufeff")
    for bom, name in _BOMS:
        if data.startswith(bom):
            return _decoded_as(data[len(bom) :], name)
    if data.count(0) * 4 > len(data):  # UTF-16 without a mark: of ASCII, every other byte is none
        name = "utf-16-le" if data[1::2].count(0) > data[::2].count(0) else "utf-16-be"
        return _decoded_as(data, name)
    with suppress(UnicodeDecodeError):
        return data.decode()
    return _decoded_by_guess(data)


def _decoded_as(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InputError(f"line {line} is not in the encoding {encoding}: --encoding names another one") from error
    except (LookupError, ValueError) as error:
        raise InputError(f"there is no encoding {encoding!r}; cp1252 and utf-8 are some") from error


def _decoded_by_guess(data: bytes) -> str:
    """Decode what is not Unicode, if all that it may be is the same text. Raises InputError."""
    from charset_normalizer import from_bytes

    if line := _line_beside_utf8(data):
        raise InputError(f"line {line} is not UTF-8, while others are: which encoding is it? --encoding names one")
    matches = list(from_bytes(data, cp_isolation=list(_CODE_PAGES)))
    least = min((match.chaos for match in matches), default=0.0)
    readings: dict[str, str] = {}
    for match in matches:
        if match.chaos <= least + _AS_GOOD and _reads_well(str(match)):
            readings[str(match)] = min(match.could_be_from_charset, key=_CODE_PAGES.index)
    if len(readings) == 1:
        return next(iter(readings))
    names = sorted(readings.values(), key=_CODE_PAGES.index)
    told = ", ".join(f"{name} ({sample})" for name, sample in zip(readings.values(), _differing(readings), strict=True))
    raise InputError(
        f"the file is not UTF-8; it may be {told or 'of many encodings'}. Say which: "
        f"--encoding {names[0] if names else _CODE_PAGES[0]}"
    )


def _line_beside_utf8(data: bytes) -> int:
    """The number of the first line that is not UTF-8 in a file that has letters in UTF-8 elsewhere; else 0."""
    text = data.decode("utf-8", "surrogateescape")
    if not any("\x7f" < letter < "\ud800" or letter > "\udfff" for letter in text):
        return 0
    wrong = next(place for place, letter in enumerate(text) if "\ud800" <= letter <= "\udfff")
    return text.count("\n", 0, wrong) + 1


def _reads_well(text: str) -> bool:
    """Say whether no symbol stands within a word, as in "J¸rgen" and "£ukasz"."""
    if "\0" in text:
        return False
    for found in re.finditer(r"[^\0-\x7f]", text):
        if unicodedata.category(found[0])[0] in "SC" or found[0] in "§¶·ªº":
            beside = text[max(0, found.start() - 1) : found.start()] + text[found.end() : found.end() + 1]
            if any(letter.isalpha() for letter in beside):
                return False
    return True


def _differing(texts: Iterable[str]) -> Iterator[str]:
    """The words that are not ASCII of the first line in which the texts differ, of each."""
    lines = [text.split("\n") for text in texts]
    first = next((row for row in zip(*lines, strict=False) if len(set(row)) > 1), [""] * len(lines))
    for line in first:
        yield " ".join(word for word in re.split(r"[\s,;|\"]+", line[:1000]) if not word.isascii())[:40]


@dataclass(frozen=True, slots=True)
class _Dialect:
    """How a table is written."""

    separator: str
    columns: tuple[str, ...]  #: our name of each, "" of one that we do not know

    @property
    def address(self) -> int:
        return self.columns.index("email")


def _csv_rows(text: str) -> Iterator[tuple[int, Row]]:
    lines = list(StringIO(text, newline=""))  # by line feeds and returns only: a name may hold other separators
    first = next((number for number, line in enumerate(lines) if line.strip()), 0)
    given = re.fullmatch(r'"?sep=(.)"?\s*', lines[first]) if lines else None  # a word to spreadsheets
    first += bool(given)
    dialect = _dialect(lines[first] if first < len(lines) else "", given[1] if given else "")
    number = first + 1
    while number < len(lines):
        cells, used, trouble = _row(lines, number, dialect)
        trouble = trouble or _too_many(cells, dialect)
        if trouble:
            yield number + 1, trouble
        elif any(cell.strip() for cell in cells):
            yield number + 1, _by_name(cells, dialect)
        number += used


def _dialect(header: str, separator: str) -> _Dialect:
    """Find the separator by which the header has a column with addresses.

    Not by csv.Sniffer, which takes the "m" of "email" for one where there is a single column [tried].
    """
    found = [_Dialect(one, _columns(_cells(header, one))) for one in separator or _SEPARATORS]
    usable = [dialect for dialect in found if "email" in dialect.columns]
    if not usable:
        raise InputError(f'the CSV has no column "email" in its first line: {header.strip()[:80]!r}')
    return max(usable, key=lambda dialect: len(dialect.columns))


def _cells(line: str, separator: str) -> list[str]:
    try:
        return next(reader([line], delimiter=separator, skipinitialspace=True), [])
    except CsvError:
        return []


def _columns(titles: Sequence[str]) -> tuple[str, ...]:
    """Our names of columns; of several that may hold addresses the best, and of two with one name the first."""
    found = [_letters(title) for title in titles]
    best = next((name for name in map(_letters, _ADDRESSES) if name in found), "")
    names = ["email" if best and name == best else name if name in _COLUMNS[1:] else "" for name in found]
    return tuple(name if name not in names[:place] else "" for place, name in enumerate(names))


def _letters(title: str) -> str:
    return "".join(filter(str.isalpha, unicodedata.normalize("NFKD", title.casefold())))


def _row(lines: Sequence[str], start: int, dialect: _Dialect) -> tuple[list[str], int, str]:
    """(cells, lines that they take, what is wrong). Of a wrong row the first line alone is passed over."""

    def following() -> Iterator[str]:
        for number in range(start, min(start + MOST_LINES, len(lines))):
            yield lines[number]

    rows = reader(following(), delimiter=dialect.separator, skipinitialspace=True, strict=True)
    try:
        cells = next(rows)
    except CsvError as error:
        between = "expected after" in str(error)  # two quotes that are not those of one cell
        return [], 1, f'a quote (") {"is in the wrong place, or" if between else "opens here and"} is not closed'
    used = rows.line_num
    if used > 1 and any(_looks_like_a_row(line, dialect) for line in lines[start + 1 : start + used]):
        return [], 1, 'a quote (") opens here and is closed in the row of somebody else'
    return cells, used, ""


def _looks_like_a_row(line: str, dialect: _Dialect) -> bool:
    cells = _cells(line, dialect.separator)
    if len(cells) != len(dialect.columns):
        return False
    try:
        return bool(parse_address(cells[dialect.address]))
    except InputError:
        return False


def _too_many(cells: Sequence[str], dialect: _Dialect) -> str:
    extra = any(cell.strip() for cell in cells[len(dialect.columns) :])
    return f"{len(cells)} cells under {len(dialect.columns)} columns: quote those with separators" if extra else ""


def _by_name(cells: Sequence[str], dialect: _Dialect) -> dict[str, str]:
    pairs = zip(dialect.columns, cells, strict=False)
    return {name: cell[1:] if _ESCAPED.match(cell) else cell for name, cell in pairs if name}


def csv_lines(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Subscribers as CSV with a header line; of an interest only its name is kept.

    A cell that a spreadsheet would take for a formula gets an apostrophe, which `read_table` takes off again.
    """
    columns = [*SubscriberLine.model_fields, "interests", "muted", "size"]
    yield ",".join(columns)
    for row in rows:
        profile = row.get("profile", {})
        names = "; ".join(interest["name"] for interest in profile.get("interests", ()))
        given = {
            **row,
            "interests": names,
            "muted": "; ".join(profile.get("muted", ())),
            "size": profile.get("size", ""),
        }
        line = StringIO()
        writer(line, lineterminator="").writerow([_harmless(given.get(column, "")) for column in columns])
        yield line.getvalue()


def _harmless(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and _FORMULA.match(value) else value
