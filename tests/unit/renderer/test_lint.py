"""The linter: each rule with a template that breaks it, and the line it names."""

from __future__ import annotations

from pathlib import Path

import pytest

from newsletter.errors import TemplateError
from newsletter.renderer import find_all, load_templates
from newsletter.renderer.compile import html_environment, put_words
from newsletter.renderer.contrast import contrast
from newsletter.renderer.css import unread_css
from newsletter.renderer.lint import WARNING, LintFinding, check_mjml, css_faults, mjml_faults, mjml_refusals
from newsletter.renderer.mjml_parser import MjmlDocument
from newsletter.renderer.mjml_spec import CHILDREN, REFUSED, TAGS, border, colour, length
from newsletter.renderer.theme import theme_faults, theme_refusals
from newsletter.types import Masthead

TEMPLATES = Path(__file__).parents[3] / "templates"
WEEKLY, CONFIRM = load_templates(TEMPLATES / "weekly"), load_templates(TEMPLATES / "confirm")
MASTHEAD = Masthead(name="The Weekly Preprint", sender="The Weekly Preprint <weekly@papers.example.org>")
COLUMN = """<mjml><mj-body>
<mj-section><mj-column width="100%">
{}
</mj-column></mj-section>
</mj-body></mjml>"""


def told(source: str) -> list[str]:
    """What the rules for MJML say, as line and text."""
    page = MjmlDocument("a.mjml", *put_words(html_environment(), source))
    found = sorted({*mjml_refusals(page), *mjml_faults(page)})
    return [f"{each.line}: {each.text}" for each in found]


def lint(**edits: tuple[str, str]) -> list[str]:
    """All findings of the built-in templates, some of them edited: `edition_mjml=("old", "new")`."""
    weekly, confirm = dict(WEEKLY), dict(CONFIRM)
    for name, (old, new) in edits.items():
        file = name.replace("_", ".")
        files = confirm if file.startswith("mail") else weekly
        assert old in files[file]
        files[file] = files[file].replace(old, new, 1)
    return [f"{each.file}:{each.line}: {each.severity}: {each.text}" for each in find_all(weekly, confirm, MASTHEAD)]


def line_of(name: str, text: str) -> int:
    whole = (CONFIRM | WEEKLY)[name]
    return whole[: whole.index(text)].count("\n") + 1


def test_the_built_in_templates_are_free_of_findings() -> None:
    assert lint() == []


# tags and attributes


@pytest.mark.parametrize(
    ("markup", "finding"),
    [
        ('<mj-text colour="#112233">a</mj-text>', "has no attribute colour: did you mean color?"),
        ('<mj-text\n colour="#112233">a</mj-text>', "4: <mj-text> has no attribute colour"),
        ('<mj-text zzz="1">a</mj-text>', "3: <mj-text> has no attribute zzz"),
        ('<mj-text color="#eee">a</mj-text>', 'has a colour of three digits: write "#eeeeee"'),
        ('<mj-text color="gren">a</mj-text>', 'color="gren" is not a colour'),
        ('<mj-text font-size="16">a</mj-text>', 'font-size="16" is not a length in px: write "16px"'),
        ('<mj-text font-size="16pt">a</mj-text>', 'font-size="16pt" is not a length in px'),
        ('<mj-text padding="1px 2px 3px 4px 5px">a</mj-text>', "takes one to 4 lengths"),
        ('<mj-text align="middle">a</mj-text>', "is none of left, center, right, justify"),
        ('<mj-spaced height="2px" />', "3: <mj-spaced> is not a tag that we know to work: did you mean <mj-spacer>?"),
        ("<mj-section></mj-section>", "cannot stand in <mj-column>: its place is <mj-body> or <mj-wrapper>"),
        ("<p>a</p>", "<p> cannot stand in <mj-column>: put it into <mj-text> or <mj-raw>"),
        ("<mj-text><mj-button>a</mj-button></mj-text>", "<mj-button> cannot stand in <mj-text>"),
        ("<mj-text><b>a</mj-text>", "3: <b> has no partner"),
        ("<mj-text>a</b></mj-text>", "3: </b> has no partner"),
        ('<mj-text padding="0 2px">a</mj-text>', '<mj-text> has a 0 without a unit: write "0px"'),
        ('<mj-image alt="" src="x" border-radius="0" />', '<mj-image> has a 0 without a unit: write "0px"'),
        ('<mj-text css-class="a" {{ b }}>a</mj-text>', "has a Jinja tag in the place of an attribute"),
        ('<mj-image src="x" />', "<mj-image> has no alt"),
        ('<mj-text><img src="x"></mj-text>', "<img> has no alt"),
        ('<mj-image alt="" src="x" width="{{ w }}px" />', "has a Jinja tag in width, which MJML computes with"),
        ('<mj-image alt="" src="x" height="{{ w }}px" />', "has a Jinja tag in height, which MJML computes with"),
        ('<mj-text padding-top="{{ w }}px">a</mj-text>', "has a Jinja tag in padding-top, which MJML computes with"),
        ('<mj-text mj-class="{{ w }}">a</mj-text>', "has a Jinja tag in mj-class, which MJML computes with"),
        ("{% if a %}<mj-text>a</mj-text>", "{% if a %} stands straight in <mj-column>: put it into <mj-raw>"),
        ('<mj-image alt="" src="https://x.org/a.png" />', "<mj-image> loads https://x.org/a.png from elsewhere"),
        ('<mj-text><a href="http://x.org">a</a></mj-text>', "<a> links to http://x.org: write https:"),
    ],
)
def test_what_is_wrong_in_a_column_is_named_with_its_line(markup: str, finding: str) -> None:
    [line] = told(COLUMN.format(markup))

    assert finding in line
    assert line.startswith(("3: ", "4: "))


@pytest.mark.parametrize("tag", REFUSED)
def test_a_tag_that_does_not_work_is_refused_with_what_to_write_instead(tag: str) -> None:
    assert told(COLUMN.format(f"<{tag}></{tag}>")) == [f"3: <{tag}> is not a tag that we know to work: {REFUSED[tag]}"]
    assert "write " in REFUSED[tag]


@pytest.mark.parametrize(
    ("source", "finding"),
    [
        ("<mjml><mj-body>\n<mj-text>a</mj-text></mj-body></mjml>", "2: <mj-text> cannot stand in <mj-body>"),
        ("<mjml><mj-body><mj-section>\n<mj-column></mj-column></mj-section></mj-body></mjml>", "2: <mj-column> needs"),
        (
            "<mjml><mj-body>\n<mj-wrapper><mj-raw>a</mj-raw></mj-wrapper></mj-body></mjml>",
            "2: <mj-raw> in <mj-wrapper>",
        ),
        ("<mjml><mj-head>\n<mj-style inline='inline'>a</mj-style></mj-head></mjml>", "2: <mj-style> is not inlined"),
        ("<mjml><mj-head><mj-style>a\n{ b: 'é' }</mj-style></mj-head></mjml>", "2: an mj-style holds 'é'"),
        ("<mjml><mj-head><mj-style>a\n{ b: #eee }</mj-style></mj-head></mjml>", "2: #eee has three digits"),
        (
            "<mjml><mj-head><mj-attributes>\n<mj-all colr='a'/></mj-attributes></mj-head></mjml>",
            "2: <mj-all> has no attr",
        ),
        (
            "<mjml><mj-head><mj-attributes>\n<mj-all color='#eee'/></mj-attributes></mj-head></mjml>",
            "2: <mj-all> color=",
        ),
        ("\n{% set a = 1 %}<mjml></mjml>", "2: {% set a = 1 %} stands outside <mjml>"),
        ("\n<mj-body></mj-body>", "2: <mj-body> cannot stand outside <mjml>: its place is <mjml>"),
        ("\n<mjml>", "2: <mjml> is not closed"),
    ],
)
def test_what_is_wrong_elsewhere_is_named_with_its_line(source: str, finding: str) -> None:
    [line] = told(source)

    assert line.startswith(finding)


def test_lines_are_right_after_tags_that_span_lines_or_take_blanks_along() -> None:
    markup = (
        "<mj-text>{{\n a\n}}\n{# b\n #}</mj-text>\n<mj-raw>\n\n{%- if a -%}\n\n</mj-raw>\n<mj-text colr=''>a</mj-text>"
    )
    [line] = told(COLUMN.format(markup))

    assert line.startswith("13: ")


def test_what_stands_in_comments_and_styles_is_no_markup() -> None:
    assert told(COLUMN.format("<!-- <mj-foo> --><mj-text>a<!--[if mso]><b><![endif]--></mj-text>")) == []
    assert told("<mjml><mj-head><mj-style>a > b { c: '<p>' }</mj-style></mj-head></mjml>") == []


def test_several_mistakes_of_one_template_are_all_told_and_compilation_stops_at_the_first() -> None:
    source = COLUMN.format('<mj-text padding="0">a</mj-text>\n<mj-foo />\n<mj-text bg="a">a</mj-text>')

    assert [line[0] for line in told(source)] == ["3", "4", "5"]
    with pytest.raises(TemplateError, match=r"a\.mjml, line 3: "):
        check_mjml(MjmlDocument("a.mjml", *put_words(html_environment(), source)))


def test_every_tag_has_a_place_and_attributes() -> None:
    placed = {name for children in CHILDREN.values() for name in children}

    assert placed | {"mjml"} == set(TAGS)
    assert not placed & set(REFUSED)


@pytest.mark.parametrize("value", ["#1b4dcc", "white", "Transparent", "rgba(0, 0, 0, .5)"])
def test_a_colour_may_be(value: str) -> None:
    assert colour(value) == ""


@pytest.mark.parametrize("value", ["none", "0px", "1px solid #1b4dcc", "thin dotted red", "2px solid rgb(1, 2, 3)"])
def test_a_border_may_be(value: str) -> None:
    assert border(value) == ""


@pytest.mark.parametrize(
    ("value", "why"),
    [("1 solid #1b4dcc", "without a unit"), ("1px solid #eee", "three digits"), ("1px slid", "'slid'")],
)
def test_a_border_may_not_be(value: str, why: str) -> None:
    assert why in border(value)


@pytest.mark.parametrize("value", ["1px", "1.5px 20%", ".5px", "-2px"])
def test_a_length_may_be(value: str) -> None:
    assert length("px", "%", most=2)(value) == ""


@pytest.mark.parametrize(
    ("css", "finding"),
    [
        ("a { margin: 0\nb { margin: 0 }", "2: error: this cannot be read as CSS, from '{' on"),
        ("a { margin: 0 }}", "1: error: this cannot be read as CSS, from its end on"),
        ("\na { margin: 0px padding: 0 }", "2: error: this cannot be read as CSS, from ':' on"),
        (
            "a { font-wieght: 700; mso-line-height-rule: exactly }",
            "1: warning: font-wieght is no property that we know",
        ),
        ("a { margin: 14pxx }", "1: warning: margin has a value that we do not know"),
    ],
)
def test_what_the_inliner_would_leave_out_in_silence_is_told(css: str, finding: str) -> None:
    [found] = unread_css("inline.css", css)

    assert f"{found.line}: {found.severity}: {found.text}".startswith(finding)


def test_a_style_that_loads_or_shortens_is_a_warning_with_its_line() -> None:
    found = css_faults(
        "inline.css", "#abc { color: #abcdef }\na { color: #eee }\nb { background: url('https://x.org/a') }"
    )

    assert [(each.line, each.severity) for each in found] == [(2, WARNING), (3, WARNING)]


# slots and variables of all files


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("{{ slot.why }}", "{{ slot.wy }}", "there is no slot.wy here: did you mean slot.why?"),
        ("{{ slot.why }}", "{{ slot.why|upper }}", "a slot can only be printed, as in {{ slot.name }}"),
        ("{{ masthead.tagline }}", "{{ slot.rank }}", "slot.rank has no value here, only in the macros lead and card"),
        ("{{ slot.why }}", "{{ slot.name }}", "slot.name has no value here, only on the page, outside the macros"),
        ("{{ entry.abstract }}", "{{ entry.sauce }}", "has no attribute 'sauce'"),
        ("$light.sheet", "$light.sheep", "$light.sheep is not in theme.toml"),
        ("{% endfor %}", "", "Encountered unknown tag 'endif'"),
        ("{{ masthead.tagline }}", "{{ pool", "unexpected '>'"),
        ("{{ masthead.tagline }}", "{% raw %}{% endraw %}", "{% raw %} cannot be compiled"),
        ("{{ masthead.tagline }}", "Jq0001e", "Jq0001e is a word of ours"),
    ],
)
def test_a_mistake_in_the_weekly_template_is_told_once_with_its_line(old: str, new: str, text: str) -> None:
    [line] = lint(edition_mjml=(old, new))

    assert line.startswith(f"weekly/edition.mjml:{line_of('edition.mjml', old)}: error: ")
    assert text in line


@pytest.mark.parametrize(
    ("name", "old", "new", "text"),
    [
        ("edition.txt", "{{ slot.why }}", "{{ slot.wy }}", "error: there is no slot.wy here"),
        ("edition.txt", "{{ masthead.tagline }}", "http://x.org", "warning: a link to http://x.org: write https:"),
        ("subject.txt", "{{ slot.title }}", "{{ slot.why }}", "error: there is no slot.why here"),
        ("inline.css", "$light.link", "$dusk.link", "error: $dusk.link is not in theme.toml"),
        ("theme.toml", '"#ffffff"         #', '"#fff" #', "error: [light] sheet = '#fff' is not like"),
        ("theme.toml", "[dark]", "tint = '#112233'\n[dark]", "warning: no template uses [light] tint"),
        ("theme.toml", "[dark]", "[dark", "error: Expected ']'"),
    ],
)
def test_a_mistake_in_another_file_is_told_with_its_line(name: str, old: str, new: str, text: str) -> None:
    lines = lint(**{name.replace(".", "_"): (old, new)})

    assert lines == [line for line in lines if line.startswith(f"weekly/{name}:{line_of(name, old)}: {text}")]
    assert lines


def test_a_mistake_in_the_mail_that_confirms_is_told_for_its_folder() -> None:
    [line] = lint(mail_mjml=('href="{{ slot.link }}" padding', 'hrf="{{ slot.link }}" padding'))

    number = line_of("mail.mjml", 'href="{{ slot.link }}" padding')
    assert line == f"confirm/mail.mjml:{number}: error: <mj-button> has no attribute hrf: did you mean href?"


def test_a_mistake_in_one_part_hides_none_in_another() -> None:
    lines = lint(
        edition_mjml=("<mj-spacer", "<mj-spaced"),
        edition_txt=("{{ entry.abstract }}", "{{ entry.abstrakt }}"),
        subject_txt=("{{ slot.title }}", "{{ titel }}"),
    )

    assert [line.partition(":")[0] for line in lines] == [
        "weekly/edition.mjml",
        "weekly/edition.txt",
        "weekly/subject.txt",
    ]


@pytest.mark.parametrize("name", ["edition.mjml", "edition.txt", "subject.txt", "inline.css", "theme.toml"])
def test_an_empty_file_is_a_finding_or_none_and_never_a_traceback(name: str) -> None:
    found = find_all({**WEEKLY, name: ""}, CONFIRM, MASTHEAD)

    assert all(each.file.startswith(("weekly/", "confirm/")) for each in found)


def test_a_missing_slot_and_a_file_of_no_use_are_told() -> None:
    weekly = {
        **WEEKLY,
        "edition.txt": WEEKLY["edition.txt"].replace("slot.unsubscribe", "slot.view"),
        "edition.mjlm": "",
    }

    assert find_all(weekly, CONFIRM, MASTHEAD) == (
        LintFinding("weekly/edition.mjlm", 0, "warning", "no mail uses this file: did you mean edition.mjml?"),
        LintFinding("weekly/edition.txt", 0, "error", "{{ slot.unsubscribe }} is missing"),
    )


# the theme


def test_contrast_is_that_of_wcag() -> None:
    assert contrast("#ffffff", "#000000") == pytest.approx(21)
    assert contrast("#777777", "#ffffff") == pytest.approx(4.478, abs=0.001)
    assert contrast("#123456", "#123456") == 1


def test_a_pair_without_contrast_is_an_error_that_names_pair_ratio_and_need() -> None:
    theme = '[light]\nbody = "#777777"\nsheet = "#ffffff"\nwhy_bar = "#949494"\nink = "#999999"\n[dark]\n'

    assert [(each.line, each.text) for each in theme_faults(theme, set())] == [
        (5, "[light] ink on paper has a contrast of 2.54:1 and needs 4.5:1"),
        (5, "[light] ink on sheet has a contrast of 2.84:1 and needs 4.5:1"),
        (2, "[light] body on paper has a contrast of 4.0:1 and needs 4.5:1"),
        (2, "[light] body on sheet has a contrast of 4.47:1 and needs 4.5:1"),
        (4, "[light] why_bar on why_sheet has a contrast of 2.76:1 and needs 3.0:1"),
    ]


def test_an_unknown_colour_is_a_warning_unless_a_template_uses_it() -> None:
    theme = '[light]\nlnk = "#777777"\nmine = "#777777"'

    [found] = theme_faults(theme, {"light.mine"})

    assert found == LintFinding("theme.toml", 2, WARNING, "no template uses [light] lnk: did you mean link?")


@pytest.mark.parametrize(
    ("theme", "line"), [("a = 1", 1), ("[light]\nink = '#fff'", 2), ("[fonts]\n\nbody = 7", 3), ("[light]\n=", 2)]
)
def test_a_theme_that_cannot_be_used_is_refused_with_its_line(theme: str, line: int) -> None:
    [found] = theme_refusals(theme)

    assert (found.line, found.severity) == (line, "error")
