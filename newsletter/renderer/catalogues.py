"""The rules for catalogues: what keeps one from being read, and what its readers will get in English."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import suppress

from babel.messages.catalog import Message

from newsletter.config import resource
from newsletter.errors import TemplateError
from newsletter.i18n import (
    SOURCE,
    SUFFIX,
    Catalogues,
    Key,
    ill_fitting,
    incomplete,
    key_of,
    language_of,
    read_catalogue,
)
from newsletter.renderer.lint import ERROR, WARNING, LintFinding, nearest

_PLACE = "messages"
_REFERENCE = "de.po"  #: a built-in catalogue, which the tests keep complete


def catalogue_findings(
    files: Mapping[str, str], said: Mapping[Key, str], is_all: bool, language: str
) -> Iterator[LintFinding]:
    """`said`: the messages of the templates, with a file that says each; `language`: the newsletter's own."""
    ours = _built_in()
    wanted = {**{key: place for key, place in ours.items() if place.endswith(".py")}, **said}
    sayable = {**ours, **said} if is_all else None
    for name, text in files.items():
        if name.endswith(SUFFIX):
            told = _told_by_wider(name, files)
            yield from _findings(name, text, {key: wanted[key] for key in wanted if key not in told}, sayable)
        else:
            yield LintFinding(f"{_PLACE}/{name}", 0, WARNING, "is no catalogue: its name does not end in .po")
    yield from _unspoken(files, language)


def _built_in() -> dict[Key, str]:
    """The messages of the built-in templates and of the code itself, such as the reasons of picks, with their places.

    Where one's own templates do not say them, the built-in catalogues, and copies of them, still may.
    """
    text = (resource("templates") / _PLACE / _REFERENCE).read_text("utf-8")
    known = [message for message in read_catalogue(_REFERENCE, text) if message.id]
    places = ((message, place) for message in known for place, _ in message.locations)
    return {key_of(message): place for message, place in sorted(places, key=lambda known: known[1].endswith(".py"))}


def _told_by_wider(name: str, files: Mapping[str, str]) -> set[Key]:
    """What readers of "de_AT.po" are told by "de.po"."""
    told: set[Key] = set()
    for other in files:
        if other.endswith(SUFFIX) and f"{language_of(name)}-".startswith(f"{language_of(other)}-") and other != name:
            with suppress(TemplateError):  # is told where that one is looked at
                catalogue = read_catalogue(other, files[other])
                told |= {key_of(message) for message in catalogue if message.id and not incomplete(message)}
    return told


def _findings(
    name: str, text: str, wanted: Mapping[Key, str], sayable: Mapping[Key, str] | None
) -> Iterator[LintFinding]:
    """`sayable` None: not all templates could be read."""
    file = f"{_PLACE}/{name}"
    try:
        catalogue = read_catalogue(name, text)
        faults = [LintFinding(file, fault.line, ERROR, fault.text) for fault in ill_fitting(catalogue)]
        if not faults:
            Catalogues({name: text})
    except TemplateError as error:
        yield LintFinding(file, error.line, ERROR, error.text)
    else:
        yield from faults
        known = {key_of(message): message for message in catalogue if message.id}
        yield from _open_ones(file, known, wanted)
        yield from _idle_ones(file, known, sayable) if sayable is not None else ()


def _open_ones(file: str, known: Mapping[Key, Message], wanted: Mapping[Key, str]) -> Iterator[LintFinding]:
    for key, message in known.items():
        if key in wanted and incomplete(message):
            state = "marked as fuzzy" if message.fuzzy else "not translated"
            yield LintFinding(file, message.lineno or 0, WARNING, f'"{key[0]}" is {state}: readers get it in English')
    for key in () if _is_english(file) else wanted.keys() - known.keys():
        yield LintFinding(file, 0, WARNING, f'"{key[0]}" of {wanted[key]} is missing: readers get it in English')


def _idle_ones(file: str, known: Mapping[Key, Message], sayable: Mapping[Key, str]) -> Iterator[LintFinding]:
    for key, message in known.items():
        if key not in sayable:
            near = nearest(key[0], (known[0] for known in sayable), '"{}"')
            yield LintFinding(file, message.lineno or 0, WARNING, f'"{key[0]}" is said nowhere{near}')


def _is_english(file: str) -> bool:
    """What such a catalogue leaves out stays as it is written."""
    return language_of(file).lower().split("-")[0] == SOURCE


def _unspoken(files: Mapping[str, str], language: str) -> Iterator[LintFinding]:
    name = f"{language.replace('-', '_')}{SUFFIX}"
    spoken = {language_of(name).lower().split("-")[0] for name in files if name.endswith(SUFFIX)} | {SOURCE}
    if files and language.lower().replace("_", "-").split("-")[0] not in spoken:
        why = f'there is no such catalogue for language = "{language}": its readers get English'
        yield LintFinding(f"{_PLACE}/{name}", 0, WARNING, why)
