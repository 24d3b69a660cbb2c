"""The words of each language: catalogues of gettext (.po), read as they are, and dates and numbers by Babel.

The messages are written in English where they are used, so English needs no catalogue. A message is plain text with
named values: "%(count)s papers"; a percent sign is written "%%".
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from functools import lru_cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import PurePath
from typing import NamedTuple
from unicodedata import bidirectional

from babel import Locale, UnknownLocaleError
from babel.dates import format_date
from babel.lists import format_list
from babel.messages.catalog import Catalog, Message
from babel.messages.mofile import write_mo
from babel.messages.pofile import PoFileError, read_po
from babel.numbers import format_decimal

from newsletter.errors import TemplateError

SOURCE = "en"  #: the language that messages are written in
SUFFIX = ".po"
FSI, PDI = "\N{FIRST STRONG ISOLATE}", "\N{POP DIRECTIONAL ISOLATE}"
NUMBERS = {"count", "num"}  #: values that a plural form may leave out, as the Arabic dual does
_PLACEHOLDER = re.compile(r"%(?:%|\((\w+)\)s|.?)", re.DOTALL)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_LINE = re.compile(r'(msgctxt|msgid|msgid_plural|msgstr(?:\[\d\])?)?\s*("(?:[^"\\]|\\.)*")')


class Messages:
    """The words of one language, with its way to write dates and numbers."""

    def __init__(self, language: str, words: NullTranslations) -> None:
        """Take the words of a language that Babel knows: "de", "pt-BR"."""
        self.language = language
        self._locale = _locale(language)
        self.direction = self._locale.text_direction  #: "ltr" or "rtl"
        self.name = Locale.parse(language, sep="-").get_display_name() or language  #: in itself: "Deutsch"
        self._words = words

    def gettext(self, message: str) -> str:
        """The message in this language; as it is where the catalogue does not know it."""
        return self._words.gettext(message) if message else ""  # the empty message is a catalogue's header

    def ngettext(self, one: str, many: str, number: int) -> str:
        """The form that goes with a number, out of up to six."""
        return self._words.ngettext(one, many, number)

    def date(self, moment: datetime | date) -> str:
        """A date in words: "17 March 2025"."""
        return format_date(moment, "long", self._locale)

    def number(self, value: int | float) -> str:
        """A number with its separators: "1,234.5"."""
        return format_decimal(value, locale=self._locale)

    def listed(self, items: Iterable[str]) -> str:
        """A list in words: "A, B and C"."""
        return format_list([self.isolated(item) for item in items], locale=self._locale)

    def isolated(self, value: str) -> str:
        """A value among words: its own direction, where the words run from right to left, moves nothing around it."""
        foreign = self.direction == "rtl" and any(bidirectional(character) == "L" for character in value)
        return f"{FSI}{value}{PDI}" if foreign else value


class Catalogues:
    """The languages that a newsletter speaks."""

    def __init__(self, files: Mapping[str, str]) -> None:
        """Read `files`, name → text: "de.po", "pt_BR.po" are catalogues, others are ignored. Raises TemplateError."""
        names = sorted(name for name in files if name.endswith(SUFFIX))
        words = {language_of(name): _translations(name, files[name]) for name in names}
        for language in sorted(words, key=len):
            for wider in (*_wider(language), SOURCE):
                if wider in words and wider != language:
                    words[language].add_fallback(words[wider])
                    break
        self._messages = {language.lower(): Messages(language, catalogue) for language, catalogue in words.items()}
        self._messages.setdefault(SOURCE, Messages(SOURCE, NullTranslations()))
        self._without_catalogues = not words
        self._chosen: dict[tuple[str | None, str], Messages] = {}
        self.languages = tuple(sorted(messages.language for messages in self._messages.values()))

    def messages(self, language: str | None, default: str = SOURCE) -> Messages:
        """The best match for a BCP 47 tag: the language itself, then without its region, then `default`, then English.

        Without any catalogue, as in an issue that was frozen before there were any, the templates hold the words of
        `default`.
        """
        key = language, default
        if key not in self._chosen:
            self._chosen[key] = self._choose(language, default) or self._messages[SOURCE]
        return self._chosen[key]

    def _choose(self, language: str | None, default: str) -> Messages | None:
        if self._without_catalogues:
            return _without_words(default)
        return self._match(language or default) or self._match(default)

    def _match(self, language: str) -> Messages | None:
        tag = language.replace("_", "-").lower()
        return next((self._messages[known] for known in (tag, *_wider(tag)) if known in self._messages), None)


def _without_words(language: str) -> Messages | None:
    """Messages without words, under the language's name as it was given: such an issue stays the same to the byte."""
    try:
        found = Messages(language.replace("_", "-"), NullTranslations())
    except (UnknownLocaleError, ValueError):
        return None
    found.language = language
    return found


def catalogues_of(files: Mapping[str, str]) -> Catalogues:
    """The catalogues of files, cached: reading them takes some 10 ms, and every page and issue needs them."""
    return _cached(tuple(sorted((name, text) for name, text in files.items() if name.endswith(SUFFIX))))


@lru_cache(maxsize=8)
def _cached(files: tuple[tuple[str, str], ...]) -> Catalogues:
    return Catalogues(dict(files))


@lru_cache(maxsize=1)
def english() -> Messages:
    """The messages as they are written."""
    return Catalogues({}).messages(SOURCE)


Key = tuple[str, ...]  #: a message, or a message and its plural


class Fault(NamedTuple):
    """What is wrong with a message of a catalogue."""

    line: int
    text: str


def read_catalogue(name: str, text: str) -> Catalog:
    """Read a .po file. Raises TemplateError with the line of what is no catalogue."""
    text = text.replace("\r\n", "\n")
    _check_lines(name, text)
    try:
        return read_po(text.split("\n"), locale=_named(name), abort_invalid=True)
    except PoFileError as error:
        raise TemplateError(str(error).rpartition(" on ")[0], name, error.lineno + 1) from error
    except (ValueError, LookupError) as error:
        raise TemplateError(f"its first message, the header, is not right: {error}", name) from error


def language_of(name: str) -> str:
    """The language of a catalogue's name: "pt_BR.po" → "pt-BR"."""
    return PurePath(name).stem.replace("_", "-")


def ill_fitting(catalogue: Catalog) -> Iterator[Fault]:
    """Translations that would break a line of a mail, or whose values are not those of the message."""
    for message in catalogue:
        if message.id and (why := _ill_fitting(message)):
            yield Fault(message.lineno or 0, f'"{forms(message.id)[0]}": {why}')


def key_of(message: Message) -> Key:
    """The key of a message."""
    return forms(message.id)


def incomplete(message: Message) -> bool:
    """Whether readers get the message in English."""
    return message.fuzzy or not all(forms(message.string))


def placeholders(text: str) -> set[str]:
    """The names of the values in a message; ValueError when a percent sign is not one of "%(name)s" and "%%"."""
    found = [*_PLACEHOLDER.finditer(text)]
    for match in found:
        if not match[1] and match[0] != "%%":
            raise ValueError(f'"{match[0]}" is neither "%(name)s" nor "%%"')
    return {match[1] for match in found if match[1]}


def _ill_fitting(message: Message) -> str:
    try:
        sources = [placeholders(form) for form in forms(message.id)]
        translations = [placeholders(form) for form in forms(message.string) if form]
    except ValueError as error:
        return str(error)
    if any(map(_CONTROL.search, forms(message.string))) and not any(map(_CONTROL.search, forms(message.id))):
        return "the translation holds a line break, or another control character"
    known, needed = set.union(*sources), set.intersection(*sources)
    if len(sources) > 1:
        needed -= NUMBERS
    for names in translations:
        if names - known:
            return f"the message has no value %({min(names - known)})s"
        if needed - names:
            return f"the value %({min(needed - names)})s is missing"
    return ""


def forms(text: str | Iterable[str] | None) -> tuple[str, ...]:
    """The forms of a message or its translation: one, or one for each number that the language tells apart."""
    return (text,) if isinstance(text, str) else tuple(text or ("",))


def _translations(name: str, text: str) -> GNUTranslations:
    catalogue = read_catalogue(name, text)
    for fault in ill_fitting(catalogue):
        raise TemplateError(fault.text, name, fault.line)
    compiled = BytesIO()
    try:
        write_mo(compiled, catalogue)
        compiled.seek(0)
        return GNUTranslations(compiled)
    except (ValueError, LookupError) as error:
        raise TemplateError(f"its first message, the header, is not right: {error}", name) from error


def _check_lines(name: str, text: str) -> None:
    """Raise TemplateError for what Babel overlooks: a missing quote, and the first of two translations."""
    first: dict[tuple[str, str], int] = {}
    parts = {"msgctxt": "", "msgid": ""}
    for number, keyword, value, starts in _lines(name, text):
        if keyword in parts:
            parts[keyword] = value if starts else parts[keyword] + value
        elif starts and keyword in ("msgstr", "msgstr[0]"):
            line = first.setdefault((parts["msgctxt"], parts["msgid"]), number)
            if line != number:
                raise TemplateError(f'"{parts["msgid"]}" was translated in line {line} already', name, number)
            parts["msgctxt"] = ""


def _lines(name: str, text: str) -> Iterator[tuple[int, str, str, bool]]:
    """Lines as number, keyword, what is between the quotes, and whether the keyword stands in this line."""
    keyword = ""
    for number, line in enumerate(map(str.strip, text.split("\n")), 1):
        if not line or line.startswith("#"):
            continue
        found = _LINE.fullmatch(line)
        if not found or not (found[1] or keyword):
            raise TemplateError(f"this is no line of a catalogue: {line[:60]}", name, number)
        keyword = found[1] or keyword
        yield number, keyword, found[2][1:-1], bool(found[1])


def _named(name: str) -> Locale:
    try:
        return Locale.parse(language_of(name), sep="-")
    except (UnknownLocaleError, ValueError) as error:
        raise TemplateError("is not named after a language, as de.po and pt_BR.po are", name) from error


def _locale(language: str) -> Locale:
    """The locale of a language; English without a country is written as in most of the world: 17 March 2025."""
    return Locale.parse("en-GB" if language == SOURCE else language, sep="-")


def _wider(tag: str) -> Iterator[str]:
    """The wider languages of a tag: "zh-Hant-TW" → "zh-Hant", "zh"."""
    while "-" in tag:
        tag = tag.rpartition("-")[0]
        yield tag
