"""What `newsletter lint` says of catalogues."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from newsletter.renderer import find_all, load_templates
from newsletter.types import Masthead

TEMPLATES = Path(__file__).parents[3] / "templates"
WEEKLY, CONFIRM, MESSAGES = (load_templates(TEMPLATES / kind) for kind in ("weekly", "confirm", "messages"))
MASTHEAD = Masthead(name="The Weekly Preprint", sender="The Weekly Preprint <weekly@papers.example.org>")
GERMAN = MESSAGES["de.po"]
BARE = "<mjml><mj-body><mj-raw>{{ slot.link }}</mj-raw></mj-body></mjml>"
SWEDISH = 'msgid ""\nmsgstr ""\n"Language: sv\\n"\n'


def lint(files: dict[str, str], language: str = "en", confirm: dict[str, str] = CONFIRM) -> list[str]:
    found = find_all(WEEKLY, confirm, replace(MASTHEAD, language=language), {**MESSAGES, **files})
    return [f"{each.file}:{each.line}: {each.severity}: {each.text}" for each in found]


def edited(old: str, new: str) -> tuple[dict[str, str], int]:
    """The German catalogue with one change, and the line of the message that it is in."""
    assert GERMAN.count(old) == 1
    start = GERMAN.rindex("\nmsgid", 0, GERMAN.index(old)) + 1
    return {"de.po": GERMAN.replace(old, new)}, GERMAN[:start].count("\n") + 1


@pytest.mark.parametrize(
    "language", ["en", "ar-EG", *(pytest.param(language, marks=pytest.mark.slow) for language in ("de", "ar", "en-GB"))]
)
def test_the_built_in_catalogues_are_free_of_findings(language: str) -> None:
    assert lint({}, language) == []


def test_a_value_that_does_not_fit_is_an_error_with_its_line() -> None:
    files, line = edited("wie Arbeiten, die Ihnen gefielen: es geht um %(words)s", "es geht um %(wort)s")

    assert lint(files) == [
        f'messages/de.po:{line}: error: "like papers you liked: it speaks of %(words)s": '
        "the message has no value %(wort)s",
    ]


def test_every_value_that_does_not_fit_is_told_at_once() -> None:
    files, _ = edited("wie Arbeiten, die Ihnen gefielen: es geht um %(words)s", "passt")
    files["de.po"] = files["de.po"].replace("von %(author)s: diesem Namen folgen Sie", "100 %")

    assert len(lint(files)) == 2


@pytest.mark.parametrize(
    ("text", "line", "complaint"),
    [
        ('msgid "a\nmsgstr "b"\n', 1, "this is no line of a catalogue"),
        ('msgid ""\nmsgstr "Plural-Forms: nplurals=2; plural=(n !=;\\n"\n', 0, "the header, is not right"),
    ],
)
def test_what_is_no_catalogue_is_an_error_and_hides_no_other(text: str, line: int, complaint: str) -> None:
    confirm = {**CONFIRM, "mail.txt": CONFIRM["mail.txt"] + "{{ mast }}\n"}

    [of_template, of_catalogue] = lint({"de.po": text}, confirm=confirm)

    assert "confirm/mail.txt:" in of_template
    assert of_catalogue.startswith(f"messages/de.po:{line}: error: ")
    assert complaint in of_catalogue


def test_what_is_named_after_no_language_is_an_error_and_what_is_no_catalogue_a_warning() -> None:
    assert lint({"klingon.po": "", "notes.txt": "to do"}) == [
        "messages/klingon.po:0: error: is not named after a language, as de.po and pt_BR.po are",
        "messages/notes.txt:0: warning: is no catalogue: its name does not end in .po",
    ]


def test_what_a_catalogue_lacks_is_a_warning_since_its_readers_get_english() -> None:
    lines = lint({"sv.po": SWEDISH})

    assert {line.partition(": ")[0] for line in lines} == {"messages/sv.po:0"}
    assert (
        'messages/sv.po:0: warning: "Confirm my address" of confirm/mail.mjml is missing: readers get it in English'
        in lines
    )
    assert any('"rising fast" of newsletter/selector/reason_texts.py is missing' in line for line in lines)
    assert len(lines) == GERMAN.count("\nmsgid ") - 1


def test_an_english_of_ones_own_need_not_say_everything_anew() -> None:
    assert lint({"en.po": '# our words\nmsgid "rising fast"\nmsgstr "on everybody\'s lips"\n'}) == []


def test_what_a_region_leaves_out_is_told_by_its_language() -> None:
    austrian = (
        '# Austria\nmsgid "rising fast"\nmsgstr "im Kommen"\n\nmsgid "by %(author)s, whom you follow"\nmsgstr ""\n'
    )

    assert lint({"de_AT.po": austrian}) == []


def test_templates_of_ones_own_need_not_say_what_ours_do() -> None:
    silent = {"mail.mjml": BARE, "mail.txt": "{{ slot.link }}", "subject.txt": "Confirm"}

    assert lint({}, confirm=silent) == []


def test_what_is_empty_or_fuzzy_is_a_warning_with_its_line() -> None:
    files, line = edited('msgstr "von %(author)s: diesem Namen folgen Sie"', 'msgstr ""')
    fuzzy = files["de.po"].replace('msgid "rising fast"', '#, fuzzy\nmsgid "rising fast"')
    number = fuzzy[: fuzzy.index('msgid "rising fast"')].count("\n") + 1

    assert lint({"de.po": fuzzy}) == [
        f'messages/de.po:{line}: warning: "by %(author)s, whom you follow" is not translated: '
        "readers get it in English",
        f'messages/de.po:{number}: warning: "rising fast" is marked as fuzzy: readers get it in English',
    ]


def test_what_nobody_says_is_a_warning_that_names_the_nearest() -> None:
    files = {"de.po": GERMAN + '\nmsgid "rising faster"\nmsgstr "steigt"\n'}

    assert lint(files) == [
        f'messages/de.po:{GERMAN.count(chr(10)) + 2}: warning: "rising faster" is said nowhere: '
        'did you mean "rising fast"?'
    ]


def test_a_message_of_ones_own_template_is_asked_for_in_every_catalogue() -> None:
    confirm = {**CONFIRM, "mail.txt": CONFIRM["mail.txt"] + '{{ ngettext("one day", "%(num)s days", 3) }}\n'}

    assert lint({}, confirm=confirm) == [
        f'messages/{name}.po:0: warning: "one day" of confirm/mail.txt is missing: readers get it in English'
        for name in ("ar", "de")
    ]


@pytest.mark.parametrize("name", [pytest.param("edition.txt", marks=pytest.mark.slow), "mail.txt"])
def test_templates_are_tried_in_every_language(name: str) -> None:
    said = '{{ {"en": "Hi", "de": "Guten Tag"}["$page.lang"] }}'
    weekly, confirm = ({**files, name: said + files[name]} if name in files else files for files in (WEEKLY, CONFIRM))

    [found] = find_all(weekly, confirm, MASTHEAD, MESSAGES)

    assert (found.line, found.severity) == (1, "error")
    assert "'ar'" in found.text


def test_a_newsletter_whose_language_nobody_translated_is_told() -> None:
    assert lint({}, "fr-CA") == [
        'messages/fr_CA.po:0: warning: there is no such catalogue for language = "fr-CA": its readers get English'
    ]


def test_a_mistake_in_a_message_of_a_template_is_told_with_its_line() -> None:
    confirm = {**CONFIRM, "mail.txt": CONFIRM["mail.txt"] + "{% trans %}Hello{% endtrans %}\n"}

    [line] = lint({}, confirm=confirm)

    assert line.startswith(f"confirm/mail.txt:{CONFIRM['mail.txt'].count(chr(10)) + 1}: error: write {{{{ _(")
