"""Messages in templates."""

from __future__ import annotations

from datetime import date

import jinja2
import pytest
from markupsafe import Markup

from newsletter.errors import TemplateError
from newsletter.i18n import FSI, PDI, Catalogues, Messages
from newsletter.renderer.compile import html_environment, page, parse, text_environment
from newsletter.renderer.fragments import SLOTS
from newsletter.renderer.sanitize import tidy, tidy_told

FILES = {
    "de.po": 'msgid "Hello %(name)s & co"\nmsgstr "Guten Tag %(name)s & <Co>"\n\n'
    'msgid "one paper"\nmsgid_plural "%(num)s papers"\nmsgstr[0] "ein Artikel"\nmsgstr[1] "%(num)s Artikel"\n',
    "ar.po": 'msgid "Hello %(name)s & co"\nmsgstr "مرحبًا %(name)s"\n',
}


def messages(language: str) -> Messages:
    return Catalogues(FILES).messages(language)


def told(env: jinja2.Environment, source: str, **values: object) -> str:
    return parse(env, "a.txt", source).render(values)


def refusal(source: str) -> str:
    with pytest.raises(TemplateError) as refused:
        page(parse(html_environment(), "edition.mjml", "\n" + source), {"slot": SLOTS, "count": 1, "name": "Ada"})
    return str(refused.value)


def test_in_html_a_message_and_its_values_are_escaped_once_and_markup_stays() -> None:
    env, source = html_environment(messages("de")), '{{ _("Hello %(name)s & co", name=name) }}'

    assert told(env, source, name="<Ada>") == "Guten Tag &lt;Ada&gt; &amp; &lt;Co&gt;"
    assert told(env, source, name=Markup("<b>Ada</b>")) == "Guten Tag <b>Ada</b> &amp; &lt;Co&gt;"


def test_in_text_nothing_is_escaped() -> None:
    source = '{{ _("Hello %(name)s & co", name="<Ada>") }}, 100 {{ _("%%") }}'

    assert told(text_environment(messages("de")), source) == "Guten Tag <Ada> & <Co>, 100 %"


@pytest.mark.parametrize(("count", "form"), [(1, "ein Artikel"), (2000, "2.000 Artikel")])
def test_a_number_has_its_form_and_is_written_as_the_language_does(count: int, form: str) -> None:
    source = '{{ ngettext("one paper", "%(num)s papers", count) }}'

    assert told(text_environment(messages("de")), source, count=count) == form


def test_a_slot_comes_through_a_message_as_it_is() -> None:
    source = '{{ _("Hello %(name)s & co", name=slot.name) }}'

    assert told(html_environment(messages("de")), source, slot=SLOTS) == "Guten Tag \x02name\x03 &amp; &lt;Co&gt;"
    assert told(text_environment(messages("ar")), source, slot=SLOTS) == f"مرحبًا {FSI}\x02name\x03{PDI}"


def test_filters_write_dates_numbers_and_lists() -> None:
    source = "{{ day|date }} {{ 1234|number }} {{ names|listed }}"
    values = {"day": date(2025, 3, 17), "names": ("<A>", Markup("<b>B</b>"))}

    assert told(html_environment(messages("de")), source, **values) == "17. März 2025 1.234 &lt;A&gt; und <b>B</b>"
    assert told(text_environment(), source, **values) == "17 March 2025 1,234 <A> and <b>B</b>"


@pytest.mark.parametrize(
    ("source", "complaint"),
    [
        ("{% trans %}Hello{% endtrans %}", 'write {{ _("…") }} instead of {% trans %}'),
        ("{{ _(name) }}", "a message stands in the template itself"),
        ('{{ ngettext("a", name, count) }}', "a message stands in the template itself"),
        ('{{ _("Hello %(name)s") }}', 'the message "Hello %(name)s" is not given its value name'),
        ('{{ _("100 %") }}', '"%" is neither "%(name)s" nor "%%"'),
        ('{{ ngettext("one", "%(num)s", slot.minutes) }}', "a slot can only be printed"),
        ('{{ _("Hello %(name)s", name=slot.name)|upper }}', "a slot can only be printed"),
        ('{{ _("Hello %(name)s", name=slot.name|upper) }}', "a slot can only be printed"),
        ('{% set line = _("Hello %(name)s", name=slot.name) %}', "a slot can only be printed"),
        ('{{ _("Hello %(name)s", **{}) }}', 'the message "Hello %(name)s" is not given its value name'),
    ],
)
def test_a_message_that_could_not_be_told_is_refused_with_file_and_line(source: str, complaint: str) -> None:
    assert refusal(source).startswith("edition.mjml, line 2: ")
    assert complaint in refusal(source)


def test_a_message_may_be_the_value_of_another_with_a_slot_in_it() -> None:
    source = '{{ _("%(a)s, %(b)s", a=_("by %(name)s", name=slot.name), b=ngettext("one", "%(num)s", 2)) }}'

    assert told(html_environment(), source, slot=SLOTS) == "by \x02name\x03, 2"


def test_words_of_ours_keep_what_isolates_their_values_and_leave_none_open() -> None:
    told = f"قريبة من {FSI}A \u202e title\u2066 of{PDI} \x00 ours"

    assert tidy_told(told, 300) == f"قريبة من {FSI}A title of{PDI} ours"
    assert tidy_told(told, 19) == f"قريبة من {FSI}A title…{PDI}"
    assert FSI not in tidy(told, 300)
