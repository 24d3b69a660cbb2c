"""theme.toml: the colours of the mails, and whether what stands on what can be told apart."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Any, NamedTuple

from newsletter.renderer.lint import ERROR, WARNING, Finding, nearest, refuse

Theme = dict[str, dict[str, str]]  #: "light" and "dark", and tables of one's own: name to value

_FILE = "theme.toml"
_HEX = re.compile(r"#[0-9a-fA-F]{6}")
_TABLES = ("light", "dark")
TEXT, LARGE, MARK = 4.5, 3.0, 3.0  #: WCAG 2.1, 1.4.3 and 1.4.11; large is 24 px, or 19 px in bold


class Pair(NamedTuple):
    front: str
    under: str
    needed: float


#: What stands on what in the built-in templates. Lines between papers and the mark's shape are decoration.
PAIRS = (
    *(Pair(front, under, TEXT) for front in ("body", "quiet", "link") for under in ("paper", "sheet")),
    *(Pair("ink", under, LARGE) for under in ("paper", "sheet")),  # titles, bold, of 19 px or more
    *(
        Pair(front, under, TEXT)
        for front, under in (("rank", "sheet"), ("why", "sheet"), ("why", "why_sheet"), ("tag", "tag_sheet"))
    ),
    Pair("on_accent", "accent", TEXT),
    *(Pair("why_bar", under, MARK) for under in ("sheet", "why_sheet")),
)
_KNOWN = {"line", *(name for pair in PAIRS for name in pair[:2])}


def contrast(one: str, other: str) -> float:
    """WCAG 2.1: (L1 + 0.05) / (L2 + 0.05), from 1 to 21, of two six-digit colours."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def read_theme(text: str) -> Theme:
    """Raises TemplateError."""
    refuse(theme_refusals(text))
    theme: Theme = tomllib.loads(text)
    return {**{table: {} for table in _TABLES}, **theme}


def theme_refusals(text: str) -> Iterator[Finding]:
    try:
        theme = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        yield Finding(_FILE, int(line[1]) if line else 0, ERROR, str(error))
        return
    for table, values in theme.items():
        if not isinstance(values, dict):
            yield Finding(_FILE, _line_of(text, "", table), ERROR, f"{table} stands outside the tables")
            continue
        for name, value in values.items():
            if table in _TABLES and not _is_colour(value):
                why = f'[{table}] {name} = {value!r} is not like "#1b4dcc"'
                yield Finding(_FILE, _line_of(text, table, name), ERROR, why)
            elif not isinstance(value, str):
                why = f"[{table}] {name} = {value!r} has no quotes"
                yield Finding(_FILE, _line_of(text, table, name), ERROR, why)


def theme_faults(text: str, used: AbstractSet[str]) -> Iterator[Finding]:
    """Of a theme that is not refused. `used`: "light.ink" and so on, of all templates."""
    theme = sound_colours(text)
    for table in _TABLES:
        for name in theme[table]:
            if name not in _KNOWN and f"{table}.{name}" not in used:
                why = f"no template uses [{table}] {name}{nearest(name, _KNOWN)}"
                yield Finding(_FILE, _line_of(text, table, name), WARNING, why)
        yield from _dim_pairs(text, table, theme[table])


def _dim_pairs(text: str, table: str, colours: dict[str, str]) -> Iterator[Finding]:
    for front, under, needed in PAIRS:
        if front in colours and under in colours:
            ratio = contrast(colours[front], colours[under])
            if ratio < needed:
                # rounded down, so that 4.499 is not told as 4.5
                why = f"[{table}] {front} on {under} has a contrast of {int(ratio * 100) / 100}:1 and needs {needed}:1"
                yield Finding(_FILE, _line_of(text, table, front), ERROR, why)


def sound_colours(text: str) -> Theme:
    """What of a theme can be used, for the linter to go on with."""
    try:
        theme: dict[str, Any] = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        theme = {}
    tables = {table: values for table, values in theme.items() if isinstance(values, dict)}
    sound = {
        table: {name: value for name, value in values.items() if _is_colour(value) or table not in _TABLES}
        for table, values in tables.items()
    }
    return {**{table: {} for table in _TABLES}, **sound}


def _is_colour(value: object) -> bool:
    return isinstance(value, str) and bool(_HEX.fullmatch(value))


def _line_of(text: str, table: str, name: str) -> int:
    """Where a key stands; the table's line for what is written in another form, 0 when it is not found."""
    place, found = "", 0
    for number, line in enumerate(text.split("\n"), 1):
        if head := re.match(r"\s*\[\s*\"?([\w-]+)\"?\s*\]", line):
            place = head[1]
            found = number if place == table else found
        elif place == table and re.match(rf"\s*[\"']?{re.escape(name)}[\"']?\s*=", line):
            return number
    return found
