"""The built-in catalogues are complete, and so is the tool for that: `python tests/catalogues.py` adds what is new."""

from __future__ import annotations

from pathlib import Path

import pytest
from catalogues import FOLDER, said, updated, used

from newsletter.i18n import Catalogues, forms, ill_fitting, incomplete, key_of, read_catalogue

NAMES = sorted(path.name for path in FOLDER.iterdir())
HEADER = 'msgid ""\nmsgstr ""\n"Plural-Forms: nplurals=2; plural=(n != 1);\\n"\n'


def test_german_and_arabic_are_built_in() -> None:
    assert NAMES == ["ar.po", "de.po"]


@pytest.mark.parametrize("name", NAMES)
def test_a_built_in_catalogue_translates_every_message_and_no_other(name: str) -> None:
    text = (FOLDER / name).read_text("utf-8")
    catalogue = read_catalogue(name, text)
    known = {key_of(message): message for message in catalogue if message.id}
    wanted = used()

    assert [key for key in wanted if key not in known] == []
    assert [key for key in known if key not in wanted] == []
    assert [key for key, message in known.items() if incomplete(message)] == []
    assert list(ill_fitting(catalogue)) == []
    assert updated(name, text, wanted) == text


@pytest.mark.parametrize("name", NAMES)
def test_a_built_in_catalogue_has_the_plural_forms_of_its_language(name: str) -> None:
    catalogue = read_catalogue(name, (FOLDER / name).read_text("utf-8"))

    assert catalogue.num_plurals == {"ar.po": 6, "de.po": 2}[name]


def test_german_is_polite_and_arabic_has_its_own_marks() -> None:
    files = {name: (FOLDER / name).read_text("utf-8") for name in NAMES}
    german, arabic = (read_catalogue(name, files[name]) for name in ("de.po", "ar.po"))

    words = " ".join(str(message.string) for message in german if message.id).lower().split()
    assert not {"du", "dein", "deine", "dich", "dir"} & set(words)
    told = [form for message in arabic if message.id for form in forms(message.string)]
    assert not [form for form in told if {",", ";", "?"} & set(form)]


def test_messages_are_found_in_templates_and_in_code(tmp_path: Path) -> None:
    template, code = tmp_path / "a.txt", tmp_path / "a.py"
    template.write_text('{{ _("a %(b)s", b=_("c")) }}\n{% if x %}{{ ngettext("one", "many", n) }}{% endif %}{{ _(d) }}')
    code.write_text('x = messages.gettext("a"); ngettext("one", "many", 2); gettext(a); other("b")')

    assert list(said(template)) == [("a %(b)s",), ("c",), ("one", "many")]
    assert list(said(code)) == [("a",), ("one", "many")]


def test_an_update_keeps_translations_adds_what_is_new_and_drops_what_is_gone() -> None:
    old = HEADER + '\n# by Ada\n#: a.txt\nmsgid "kept"\nmsgstr "behalten"\n\nmsgid "no longer said"\nmsgstr "weg"\n'

    new = updated("de.po", old, {("one", "many"): ["b.txt"], ("kept",): ["a.txt", "b.py"]})

    assert new == (
        HEADER + '\n#: b.txt\nmsgid "one"\nmsgid_plural "many"\nmsgstr[0] ""\nmsgstr[1] ""\n'
        '\n# by Ada\n#: a.txt b.py\nmsgid "kept"\nmsgstr "behalten"\n'
    )
    assert updated("de.po", new, {("one", "many"): ["b.txt"], ("kept",): ["a.txt", "b.py"]}) == new


def test_an_update_marks_what_was_reworded_for_somebody_to_look_at() -> None:
    old = HEADER + '\n#: a.txt\nmsgid "Read the paper"\nmsgstr "Den Artikel lesen"\n'

    new = updated("de.po", old, {("Read this paper",): ["a.txt"]})

    assert '#, fuzzy\nmsgid "Read this paper"\nmsgstr "Den Artikel lesen"\n' in new
    assert Catalogues({"de.po": new}).messages("de").gettext("Read this paper") == "Read this paper"
