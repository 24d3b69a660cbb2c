"""theme.toml and the configuration's [theme]: the colours of mails and pages, and whether they can be told apart.

    built-in theme.toml < your own theme.toml < what [theme] accent makes < [theme.light] and [theme.dark]

An issue is planned with all of it written into one theme.toml, which is frozen with the templates.
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any, NamedTuple

from newsletter.config import THEME, Settings, ThemeSection, resource
from newsletter.renderer.contrast import MARK, TEXT, contrast, from_accent, pressed
from newsletter.renderer.lint import ERROR, WARNING, LintFinding, nearest, refuse

Theme = dict[str, dict[str, str]]  #: "light" and "dark", and tables of one's own: name to value

_FILE = THEME.name
_HEX = re.compile(r"#[0-9a-fA-F]{6}")
_TABLES = ("light", "dark")
NOTHING = ThemeSection()
_BUILT_IN, _OWN, _ACCENT, _BY_NAME = range(4)  #: where a colour comes from; the higher wins


class ColourPair(NamedTuple):
    """A colour on another, and the contrast that they need."""

    front: str
    under: str
    needed: float


#: What stands on what in the built-in templates. Lines between papers and the mark's shape are decoration.
PAIRS = (
    *(ColourPair(front, under, TEXT) for front in ("ink", "body", "quiet", "link") for under in ("paper", "sheet")),
    *(
        ColourPair(front, under, TEXT)
        for front, under in (("rank", "sheet"), ("why", "sheet"), ("why", "why_sheet"), ("tag", "tag_sheet"))
    ),
    ColourPair("on_accent", "accent", TEXT),
    *(ColourPair("why_bar", under, MARK) for under in ("sheet", "why_sheet")),
    # on the pages only
    *(ColourPair(front, under, TEXT) for front, under in (("bad", "sheet"), ("bad", "bad_sheet"))),
    *(ColourPair(front, "sheet", MARK) for front in ("edge", "chart_two", "chart_three", "chart_four")),
)
_KNOWN = {"line", "plate", *(name for pair in PAIRS for name in pair[:2])}


class Colour(NamedTuple):
    value: str
    origin: int  #: _BUILT_IN … _BY_NAME


def read_theme(text: str) -> Theme:
    """Raises TemplateError."""
    refuse(theme_refusals(text))
    theme: Theme = tomllib.loads(text)
    return {**{table: {} for table in _TABLES}, **theme}


def themed(files: Mapping[str, str], wanted: ThemeSection) -> dict[str, str]:
    """The files of a folder, theme.toml with all that goes before it or is missing in it.

    One that is broken stays as it is, to be refused with its line.
    """
    text = files.get(_FILE)
    if text is None or any(theme_refusals(text)):
        return dict(files)
    theme = read_theme(text)
    whole = theme | {table: _values(colours) for table, colours in mixed(text, wanted).items()}
    return {**files, _FILE: text if whole == theme else _written(whole)}


def page_colours(settings: Settings, own: bool = True) -> Theme:
    """For the pages: the same colours and `press`, a button under the pointer. What cannot be used is left out."""
    folder = settings.newsletter.templates
    text = _read(settings.home / folder / THEME) if folder and own else ""
    theme = {table: _values(colours) for table, colours in mixed(text, settings.theme).items()}
    return {
        table: {**colours, "press": pressed(colours["accent"], colours["on_accent"])}
        for table, colours in theme.items()
    }


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return ""


def mixed(text: str, wanted: ThemeSection) -> dict[str, dict[str, Colour]]:
    """Both tables of a theme.toml that may be sound in part only, with what comes from elsewhere."""
    built_in, own = sound_colours((resource("templates") / THEME).read_text("utf-8")), sound_colours(text)
    chosen = {"light": wanted.light, "dark": wanted.dark}
    return {table: _mixed(table, built_in[table], own[table], wanted.accent, chosen[table]) for table in _TABLES}


def _mixed(
    table: str, built_in: Mapping[str, str], own: Mapping[str, str], accent: str, chosen: Mapping[str, str]
) -> dict[str, Colour]:
    known = {**built_in, **own, **chosen}
    under = [known["paper"], known["sheet"]]
    made = from_accent(accent, under, table == "dark", chosen.get("accent", "")) if accent else {}
    layers = enumerate((built_in, own, made, chosen))
    return {name: Colour(value, origin) for origin, layer in layers for name, value in layer.items()}


def _values(colours: Mapping[str, Colour]) -> dict[str, str]:
    return {name: colour.value for name, colour in colours.items()}


def _written(theme: Theme) -> str:
    """As TOML; a string of JSON is one of TOML, but for DEL."""
    tables = (
        [f"[{_quoted(table)}]", *(f"{_quoted(name)} = {_quoted(value)}" for name, value in values.items())]
        for table, values in theme.items()
    )
    return "\n\n".join("\n".join(lines) for lines in tables) + "\n"


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")


def theme_refusals(text: str) -> Iterator[LintFinding]:
    try:
        theme = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        line = re.search(r"line (\d+)", str(error))
        yield LintFinding(_FILE, int(line[1]) if line else 0, ERROR, str(error))
        return
    for table, values in theme.items():
        if not isinstance(values, dict):
            yield LintFinding(_FILE, _line_of(text, "", table), ERROR, f"{table} stands outside the tables")
            continue
        for name, value in values.items():
            if table in _TABLES and not _is_colour(value):
                why = f'[{table}] {name} = {value!r} is not like "#1b4dcc"'
                yield LintFinding(_FILE, _line_of(text, table, name), ERROR, why)
            elif not isinstance(value, str):
                why = f"[{table}] {name} = {value!r} has no quotes"
                yield LintFinding(_FILE, _line_of(text, table, name), ERROR, why)


def theme_faults(text: str, used: AbstractSet[str], wanted: ThemeSection = NOTHING) -> Iterator[LintFinding]:
    """Of a theme that is not refused. `used`: "light.ink" and so on, of all templates."""
    theme, colours = sound_colours(text), mixed(text, wanted)
    for table in _TABLES:
        for name in theme[table]:
            if name not in _KNOWN and f"{table}.{name}" not in used:
                why = f"no template uses [{table}] {name}{nearest(name, _KNOWN)}"
                yield LintFinding(_FILE, _line_of(text, table, name), WARNING, why)
        yield from _dim_pairs(text, table, colours[table])


def _dim_pairs(text: str, table: str, colours: Mapping[str, Colour]) -> Iterator[LintFinding]:
    for front, under, needed in PAIRS:
        ratio = contrast(colours[front].value, colours[under].value)
        if ratio < needed:
            # rounded down, so that 4.499 is not told as 4.5
            why = f"{front} on {under} has a contrast of {int(ratio * 100) / 100}:1 and needs {needed}:1"
            name = max((front, under), key=lambda name: colours[name].origin)  # what was put in last is to blame
            yield _blamed(text, table, name, colours[name].origin, why)


def _blamed(text: str, table: str, name: str, origin: int, why: str) -> LintFinding:
    """In the place where the colour comes from."""
    if origin == _BY_NAME:
        return LintFinding(f"[theme.{table}]", 0, ERROR, why)
    if origin == _ACCENT:
        return LintFinding("[theme] accent", 0, ERROR, f"{table}: {why}")
    return LintFinding(_FILE, _line_of(text, table, name), ERROR, f"[{table}] {why}")


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
