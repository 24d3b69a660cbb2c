"""Catalogues, and the messages, dates and numbers of a language."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from newsletter.errors import TemplateError
from newsletter.i18n import FSI, PDI, Catalogues, english, ill_fitting, placeholders, read_catalogue

GERMAN = 'msgid "Hello %(name)s"\nmsgstr "Guten Tag, %(name)s"\n'
ARABIC = r"""msgid ""
msgstr ""
"Plural-Forms: nplurals=6; plural=(n==0 ? 0 : n==1 ? 1 : n==2 ? 2 : n%100>=3 && n%100<=10 ? 3 : n%100>=11 ? 4 : 5);\n"

msgid "one paper"
msgid_plural "%(num)s papers"
msgstr[0] "لا أوراق"
msgstr[1] "ورقة واحدة"
msgstr[2] "ورقتان"
msgstr[3] "%(num)s أوراق"
msgstr[4] "%(num)s ورقةً"
msgstr[5] "%(num)s ورقة"
"""
FILES = {"de.po": GERMAN, "ar.po": ARABIC, "edition.mjml": "<mjml></mjml>"}


def refusal(text: str, name: str = "de.po") -> str:
    with pytest.raises(TemplateError) as refused:
        Catalogues({name: text})
    return str(refused.value)


def test_a_message_is_told_in_its_language_and_an_unknown_one_in_english() -> None:
    german = Catalogues(FILES).messages("de")

    assert german.gettext("Hello %(name)s") % {"name": "Ada"} == "Guten Tag, Ada"
    assert german.gettext("Goodbye") == "Goodbye"
    assert german.gettext("") == ""
    assert (german.language, german.direction) == ("de", "ltr")


@pytest.mark.parametrize(
    ("number", "form"),
    [(0, "لا أوراق"), (1, "ورقة واحدة"), (2, "ورقتان"), (3, "3 أوراق"), (11, "11 ورقةً"), (100, "100 ورقة")],
)
def test_arabic_has_six_forms_for_a_number(number: int, form: str) -> None:
    arabic = Catalogues(FILES).messages("ar")

    assert arabic.ngettext("one paper", "%(num)s papers", number) % {"num": arabic.number(number)} == form
    assert arabic.direction == "rtl"


def test_the_sources_language_needs_no_catalogue() -> None:
    assert Catalogues(FILES).languages == ("ar", "de", "en")
    assert english().ngettext("one paper", "%(num)s papers", 2) == "%(num)s papers"
    assert english().language == "en"


@pytest.mark.parametrize(
    ("language", "default", "chosen"),
    [
        ("de", "en", "de"),
        ("de-AT", "en", "de"),
        ("DE_at", "en", "de"),
        ("fr", "de-CH", "de"),
        ("fr", "sv", "en"),
        (None, "ar", "ar"),
        (None, "en", "en"),
        ("en-US", "de", "en"),
        ("", "de", "de"),
        ("not a tag", "en", "en"),
    ],
)
def test_the_best_match_is_the_language_then_the_newsletters_own_then_english(
    language: str | None, default: str, chosen: str
) -> None:
    assert Catalogues(FILES).messages(language, default).language == chosen


def test_a_region_falls_back_to_its_language_and_both_to_a_reworded_english() -> None:
    words = {name: f'msgid "{one}"\nmsgstr "{name}"\n' for name, one in (("de", "a"), ("de_AT", "b"), ("en", "c"))}

    austrian = Catalogues({f"{name}.po": text for name, text in words.items()}).messages("de-at")

    assert [austrian.gettext(each) for each in "abcd"] == ["de", "de_AT", "en", "d"]
    assert austrian.language == "de-AT"


def test_messages_are_made_once() -> None:
    catalogues = Catalogues(FILES)

    assert catalogues.messages("de") is catalogues.messages("de-DE") is catalogues.messages(None, "de")


def test_files_of_before_there_were_catalogues_hold_the_words_of_the_newsletters_language() -> None:
    frozen = Catalogues({"edition.mjml": ""})

    assert (frozen.messages("de", "fa").language, frozen.messages("de", "fa").direction) == ("fa", "rtl")
    assert [frozen.messages("de", each).language for each in ("en-US", "pt_BR")] == ["en-US", "pt_BR"]
    assert frozen.messages(None, "no language").language == "en"


@pytest.mark.parametrize(
    ("language", "told"),
    [("en", "17 March 2025"), ("de", "17. März 2025"), ("ar", "17 مارس 2025"), ("de-AT", "17. März 2025")],
)
def test_dates_are_written_as_the_language_does(language: str, told: str) -> None:
    messages = Catalogues(FILES).messages(language)

    assert messages.date(datetime(2025, 3, 17, 23, tzinfo=UTC)) == messages.date(date(2025, 3, 17)) == told


@pytest.mark.parametrize(("language", "told"), [("en", "12,345.6"), ("de", "12.345,6"), ("ar", "12,345.6")])
def test_numbers_are_written_as_the_language_does(language: str, told: str) -> None:
    assert Catalogues(FILES).messages(language).number(12345.6) == told


def test_lists_are_joined_as_the_language_does_and_isolated_from_right_to_left() -> None:
    catalogues = Catalogues(FILES)

    assert catalogues.messages("en").listed(["A", "B {0}", "C"]) == "A, B {0} and C"
    assert catalogues.messages("de").listed(("A", "B")) == "A und B"
    assert catalogues.messages("ar").listed(iter(["A", "B"])) == f"{FSI}A{PDI} و{FSI}B{PDI}"
    assert catalogues.messages("de").listed([]) == ""


# what is no catalogue


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('\nmsgid "a\nmsgstr "b"\n', 'de.po, line 2: this is no line of a catalogue: msgid "a'),
        ("Hello\n", "de.po, line 1: this is no line of a catalogue: Hello"),
        ('"Hello"\n', "de.po, line 1: this is no line of a catalogue"),
        ('msgid "a "b" c"\nmsgstr "b"\n', "de.po, line 1: this is no line"),
        ('msgid "a"\n\nmsgid "b"\nmsgstr "b"\n', "de.po, line 1: missing msgstr for msgid 'a'"),
        ('msgid "a"\nmsgstr "b"\n\nmsgid "a"\nmsgstr "c"\n', 'line 5: "a" was translated in line 2 already'),
        ('msgid "a"\nmsgid_plural "b"\nmsgstr[0] "a"\nmsgstr[5] "a"\n', "line 1: msg has more translations"),
        ('msgid ""\nmsgstr "Plural-Forms: nplurals=2; plural=(n !=;\\n"\n', "de.po: its first message, the header"),
        ('msgid ""\nmsgstr "Plural-Forms: nplurals=x; plural=n;\\n"\n', "de.po: its first message, the header"),
        ('msgid ""\nmsgstr "Content-Type: text/plain; charset=no\\n"\n', "de.po: its first message, the header"),
    ],
)
def test_a_malformed_catalogue_is_refused_with_file_and_line(text: str, complaint: str) -> None:
    assert complaint in refusal(text)


def test_a_catalogue_of_no_language_is_refused() -> None:
    assert refusal("", "klingon.po") == "klingon.po: is not named after a language, as de.po and pt_BR.po are"
    assert refusal("", "xx.po").startswith("xx.po: is not named after a language")


@pytest.mark.parametrize(
    ("message", "translation", "complaint"),
    [
        ("Hello %(name)s", "Hallo", "the value %(name)s is missing"),
        ("Hello", "Hallo %(name)s", "the message has no value %(name)s"),
        ("Hello %(name)s", "Hallo %(nahme)s", "the message has no value %(nahme)s"),
        ("Hello", "100 %", '"%" is neither "%(name)s" nor "%%"'),
        ("Hello %(name)s", "Hallo %(name)", '"%(" is neither "%(name)s" nor "%%"'),
        ("Hello %(name)s", "Hallo %s %(name)s", '"%s" is neither "%(name)s" nor "%%"'),
        ("Hello", r"Hallo\n", "the translation holds a line break, or another control character"),
        ("Hello", "Ha\x02llo", "the translation holds a line break, or another control character"),
    ],
)
def test_a_translation_whose_values_do_not_fit_is_refused(message: str, translation: str, complaint: str) -> None:
    text = f'# by hand\nmsgid "{message}"\nmsgstr "{translation}"\n'

    assert refusal(text) == f'de.po, line 2: "{message}": {complaint}'


def test_a_form_may_leave_out_the_number_but_no_other_value() -> None:
    ids = 'msgid "one for %(name)s"\nmsgid_plural "%(num)s for %(name)s"\n'
    good = read_catalogue("de.po", ids + 'msgstr[0] "eine für %(name)s"\nmsgstr[1] "%(num)s für %(name)s"\n')
    bad = read_catalogue("de.po", ids + 'msgstr[0] "eine"\nmsgstr[1] "%(num)s für %(name)s"\n')

    assert list(ill_fitting(good)) == []
    assert [fault.text for fault in ill_fitting(bad)] == ['"one for %(name)s": the value %(name)s is missing']


def test_fuzzy_and_empty_translations_are_told_in_english() -> None:
    text = '#, fuzzy\nmsgid "a"\nmsgstr "x"\n\nmsgid "b"\nmsgstr ""\n\n#~ msgid "c"\n#~ msgstr "z"\n'

    german = Catalogues({"de.po": text}).messages("de")

    assert [german.gettext(each) for each in "abc"] == ["a", "b", "c"]


def test_an_empty_catalogue_is_a_language_whose_words_stand_in_the_templates() -> None:
    hebrew = Catalogues({"he.po": "", "de.po": GERMAN}).messages("he-IL")

    assert (hebrew.language, hebrew.direction, hebrew.gettext("a")) == ("he", "rtl", "a")
    assert hebrew.ngettext("one", "many", 2) == "many"
    assert hebrew.date(date(2025, 3, 17)) == "17 במרץ 2025"


def test_windows_line_ends_are_read() -> None:
    assert Catalogues({"de.po": GERMAN.replace("\n", "\r\n")}).messages("de").gettext("Hello %(name)s")[:5] == "Guten"


def test_placeholders_are_found_once_and_percent_signs_are_not() -> None:
    assert placeholders("%(a)s of %(b)s, %(a)s, 100 %%") == {"a", "b"}
