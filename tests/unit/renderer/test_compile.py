"""Templates: what compiles, and what is refused with file, line and tag."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import lxml.html  # type: ignore[import-untyped]
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from newsletter.errors import TemplateError
from newsletter.renderer import Renderer, load_templates
from newsletter.renderer.compile import (
    Templates,
    compile_mjml,
    html_environment,
    inline,
    parse,
    restore,
    shield,
    text_environment,
    to_html,
)
from newsletter.renderer.contrast import contrast
from newsletter.renderer.theme import PAIRS, ColourPair, read_theme
from newsletter.types import Masthead

WEEKLY = load_templates(Path(__file__).parents[3] / "templates" / "weekly")
MASTHEAD = Masthead(name="The Weekly Preprint", sender="The Weekly Preprint <weekly@papers.example.org>")
PAGE = """<mjml><mj-body>
<mj-section><mj-column width="100%">
<mj-text>{}</mj-text>
</mj-column></mj-section>
</mj-body></mjml>"""


def refusal(files: Mapping[str, str]) -> str:
    with pytest.raises(TemplateError) as refused:
        Renderer({**WEEKLY, **files}, MASTHEAD)
    return str(refused.value)


def edited(name: str, old: str, new: str) -> tuple[dict[str, str], int]:
    """The weekly templates with one change, and its line."""
    text = WEEKLY[name]
    assert old in text
    return {name: text.replace(old, new, 1)}, text[: text.index(old)].count("\n") + 1


@pytest.mark.parametrize(
    "source",
    ["plain", "{{ a }}", "a{{ '}}' }}b{% if x %}c{%- endif -%} d", '<a href="{{ u }}?{{ v|e }}">{{\n w }}</a>'],
)
def test_a_shielded_template_comes_back_as_it_was(source: str) -> None:
    shielded, tags = shield(html_environment(), "edition.mjml", source)

    assert "{" not in shielded
    assert html_environment().from_string(restore(shielded, tags))
    assert restore(shielded, tags).replace(" ", "") == source.replace(" ", "")


def test_comments_go_and_the_lines_after_them_keep_their_numbers() -> None:
    shielded, tags = shield(html_environment(), "edition.mjml", "a{# {{ x }}\n\n #}\n{{ y }}")

    assert shielded == "a\n\n\nJq0000e"
    assert tags == [(4, "{{ y }}")]


@pytest.mark.parametrize("source", ["{% raw %}{{ x }}{% endraw %}", "Jq0001e"])
def test_what_cannot_be_shielded_is_refused_with_its_line(source: str) -> None:
    with pytest.raises(TemplateError, match=r"edition\.mjml, line 2: "):
        shield(html_environment(), "edition.mjml", "\n" + source)


def test_a_tag_that_mjml_swallows_is_named_with_file_line_and_text() -> None:
    source = PAGE.format("a").replace("<mj-text>a</mj-text>", '<mj-image src="x" alt="" width="{{ w }}px" />')

    with pytest.raises(TemplateError, match=r"edition\.mjml, line 3: \{\{ w \}\} was lost in compilation"):
        compile_mjml(html_environment(), "edition.mjml", source, "")


def test_a_statement_that_mjml_doubles_is_named() -> None:
    source = PAGE.format("a").replace("<mjml>", "<mjml><mj-head><mj-title>{% if a %}b{% endif %}</mj-title></mj-head>")

    with pytest.raises(TemplateError, match=r"line 1: \{% if a %\} was doubled"):
        compile_mjml(html_environment(), "edition.mjml", source, "")


def test_our_css_is_inlined_and_what_looks_like_mathematics_in_tags_survives() -> None:
    source = PAGE.format('<p class="a">{{ 1 if 2 < 3 else "<" }}</p>')

    html = compile_mjml(html_environment(), "edition.mjml", source, "p.a { color: #12345f; margin: 0 }").render()

    assert html.startswith("<!DOCTYPE html>")
    assert '<p class="a" style="color:#12345f;margin:0">1</p>' in html


ATTRIBUTES = """<p class="a" style='font-family:"Segoe UI",Arial;content:"\\2014"'>x</p>
<i class="b" title="C:\\tmp\\n1 &amp; &quot;q&quot;" style="font-family:&quot;Segoe UI&quot;">x</i><img alt='two "words"
on lines\tand tabs' src="/a\\b.png"><b title="\N{WOMAN}\u200d\N{MICROSCOPE} nb\u00a0sp a\u0301 \u200c é">x</b>"""


@pytest.mark.parametrize("css", ["", "p, i, b, img { color: #aabbcc }"])
def test_attributes_arrive_as_they_are_written(css: str) -> None:
    page = PAGE.format(ATTRIBUTES).replace("<mj-text>", """<mj-text font-family='"Segoe UI"' css-class="t">""")

    tree = lxml.html.fromstring(compile_mjml(html_environment(), "a.mjml", page, css).render())

    styles = [element.get("style").replace(" ", "") for element in tree.cssselect("p.a, i.b, .t div")]
    assert all("font-family:'SegoeUI'" in style for style in styles)
    assert len(styles) == 3
    assert r"content:'\2014'" in styles[1]
    assert tree.cssselect("i.b")[0].get("title") == r'C:\tmp\n1 & "q"'
    assert tree.cssselect("img")[0].get("alt") == 'two "words" on lines and tabs'
    assert tree.cssselect("img")[0].get("src") == r"/a\b.png"
    assert tree.cssselect("b")[0].get("title") == "\N{WOMAN}\u200d\N{MICROSCOPE} nb\u00a0sp a\u0301 \u200c é"


def test_attributes_in_comments_for_outlook_arrive_too() -> None:
    comment = """<!--[if mso]><p title="C:\\x" style='font-family:"Segoe UI"'>x</p><![endif]-->"""
    page = PAGE.format(f"x</mj-text><mj-raw>{comment}</mj-raw><mj-text>y")

    html = compile_mjml(html_environment(), "a.mjml", page, "").render()

    assert """<!--[if mso]><p title="C:\\x" style="font-family:'Segoe UI'">x</p><![endif]-->""" in html


def test_inlined_colours_keep_six_digits() -> None:
    page = PAGE.format("<p style='color:#aabbcc'>x</p><b style='font-family:\"A b\"'>y</b><i>&#124;</i>")

    html = compile_mjml(html_environment(), "a.mjml", page, "p,b{background:#ffffff;border:1px solid #112233}").render()

    assert "#aabbcc" in html
    assert html.count("#ffffff") == 2
    assert html.count("#112233") == 2
    assert not re.search(r"#[0-9a-f]{3}\b", html)


def test_a_mistake_behind_an_attribute_of_several_lines_is_named_with_its_line() -> None:
    source = PAGE.format("<p style='color:#aabbcc;\n\n'>x</p>").replace(
        "</mj-text>", "</mj-text>\n<mj-include path='x' />"
    )

    with pytest.raises(TemplateError, match=r"a\.mjml, line 6: "):
        to_html("a.mjml", source)


def test_what_mjml_writes_against_html_and_spam_filters_goes() -> None:
    head = "<mjml><mj-head><mj-preview>First words</mj-preview></mj-head><mj-body><mj-section><mj-column>"
    image = '<mj-image src="https://example.org/a.png" alt="A" />'

    html = inline(to_html("a.mjml", f"{head}{image}</mj-column></mj-section></mj-body></mjml>"), "")

    assert 'height="auto"' not in html
    assert "height:auto" in html
    assert re.search(r'<div style="display:none;line-height:1px;max-height:0px;[^"]*">First words</div>', html)


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("{{ entry.title_html or", "{{ entri.title_html or", "'entri' is undefined"),
        ("{{ entry.abstract }}", "{{ entry.sauce }}", "has no attribute 'sauce'"),
        ("{% endfor %}", "", "Encountered unknown tag 'endif'"),
        ("{{ masthead.tagline }}", "{{ pool", "unexpected '>'"),
        ("{{ slot.why }}", "{{ slot.why|upper }}", "a slot can only be printed"),
        ("{% if reader.named %}", "{% if slot.name %}", "a slot can only be printed"),
        ("{% if entry.image_url %}", "{% if reader.named %}", "a macro is the same for all readers"),
        ("$light.sheet", "$light.sheep", "$light.sheep is not in theme.toml"),
        ("<mj-spacer", "<mj-spaced", "<mj-spaced> is not a tag that we know to work"),
        ("<mj-column width=", "<mj-column with=", '<mj-column> needs a width: write width="100%"'),
        ('padding="8px 40px 6px"', 'padding="0 40px 6px"', '<mj-section> has a 0 without a unit: write "0px"'),
    ],
)
def test_a_mistake_in_the_weekly_template_is_named_with_file_and_line(old: str, new: str, complaint: str) -> None:
    files, line = edited("edition.mjml", old, new)

    assert f"edition.mjml, line {line}: " in refusal(files)
    assert complaint in refusal(files)


@pytest.mark.parametrize(
    ("name", "old", "new", "complaint"),
    [
        ("edition.txt", "{{ entry.abstract }}", "{{ entry.abstrakt }}", "has no attribute 'abstrakt'"),
        ("subject.txt", "{{ slot.title }}", "{{ slot.titel }}", "has no attribute 'titel'"),
        ("inline.css", "$light.link", "$dusk.link", "$dusk.link is not in theme.toml"),
    ],
)
def test_a_mistake_in_another_file_is_named_too(name: str, old: str, new: str, complaint: str) -> None:
    files, line = edited(name, old, new)

    assert f"{name}, line {line}: " in refusal(files)
    assert complaint in refusal(files)


@pytest.mark.parametrize("name", ["edition.mjml", "edition.txt"])
def test_a_template_without_the_link_to_unsubscribe_is_refused(name: str) -> None:
    files = {name: WEEKLY[name].replace("slot.unsubscribe", "slot.view")}

    assert refusal(files) == f"{name}: {{{{ slot.unsubscribe }}}} is missing"


def test_a_slot_where_it_has_no_value_is_refused() -> None:
    files, _ = edited("edition.txt", "{{ masthead.name }}", "{{ slot.rank }}")

    assert refusal(files) == "slot.rank has no value in the place where it is printed"


def test_a_slot_of_a_card_has_no_value_in_what_follows_it() -> None:
    files, _ = edited("edition.mjml", "{% macro popular(entry) %}", "{% macro popular(entry) %}{{ slot.label }}")

    assert refusal(files) == "slot.label has no value in the place where it is printed"


@pytest.mark.parametrize(
    ("markup", "complaint"),
    [
        ("<p>a", "line 3: <p> has no partner"),
        ("a</mj-text>\n<mj-raw>", "line 4: </mj-text> has no partner"),
        ("a</mj-text><mj-text {% if a %}x=1{% endif %}>", "line 3: <mj-text> has a Jinja tag in the place of"),
        ("<p {{ a }}>a</p>", "line 3: <p> has a Jinja tag in the place of an attribute"),
    ],
)
def test_unbalanced_markup_is_named_with_line_and_tag(markup: str, complaint: str) -> None:
    with pytest.raises(TemplateError, match=r"edition\.mjml") as refused:
        compile_mjml(html_environment(), "edition.mjml", PAGE.format(markup), "")

    assert complaint in str(refused.value)


@pytest.mark.parametrize("colour", ['"#eee"', '"red"', "7"])
def test_a_colour_has_six_digits(colour: str) -> None:
    assert refusal({"theme.toml": f"[light]\nink = {colour}"}).startswith("theme.toml, line 2: [light] ink = ")


def test_a_missing_template_and_an_unreadable_one_are_named(tmp_path: Path) -> None:
    (tmp_path / "edition.txt").write_bytes(b"\xff")

    with pytest.raises(TemplateError, match=r"edition\.txt: a template is not UTF-8"):
        load_templates(tmp_path)
    with pytest.raises(TemplateError, match="nowhere"):
        load_templates(tmp_path / "nowhere")
    with pytest.raises(TemplateError, match=r"edition\.txt: there is no such template"):
        Renderer({name: text for name, text in WEEKLY.items() if name != "edition.txt"}, MASTHEAD)


def test_what_editors_of_catalogues_leave_is_no_matter(tmp_path: Path) -> None:
    (tmp_path / "de.po").write_bytes(b'\xef\xbb\xbfmsgid "Save"\r\nmsgstr "Merken"\r\n')
    (tmp_path / "de.mo").write_bytes(b"\xde\x12\x04\x95\xff")

    assert load_templates(tmp_path) == {"de.po": 'msgid "Save"\nmsgstr "Merken"\n'}


@pytest.mark.parametrize(("language", "direction", "start"), [("en", "ltr", "left"), ("ar-EG", "rtl", "right")])
def test_the_language_sets_direction_and_sides(language: str, direction: str, start: str) -> None:
    files = Templates({"theme.toml": "", "a": "$page.lang $page.dir $page.start"}, language)

    assert files["a"] == f"{language} {direction} {start}"


def test_templates_cannot_reach_into_python() -> None:
    template = parse(text_environment(), "edition.txt", "{{ x.__class__.__mro__ }}")

    with pytest.raises(Exception, match="unsafe"):
        template.render(x=1)


@pytest.mark.parametrize("table", ["light", "dark"])
@pytest.mark.parametrize("pair", PAIRS)
def test_every_text_of_the_theme_stands_out(table: str, pair: ColourPair) -> None:
    colours = read_theme(WEEKLY["theme.toml"])[table]

    assert contrast(colours[pair.front], colours[pair.under]) >= pair.needed


CARD = (
    '<h2 class="t"><a href="{{ entry.url }}">{{ entry.title }}</a></h2>'
    '{% if entry.why %}<p class="w">{{ entry.why }}</p>{% else %}<i>-</i>{% endif %}'
    "<table><tr><td>{{ entry.title }}</td></tr></table>"
)
SQUARE = f"""<mjml><mj-body>
<mj-raw>{{% for entry in entries %}}</mj-raw>
<mj-section css-class="sheet"><mj-column width="100%">
<mj-text>{CARD}</mj-text>
<mj-button href="{{{{ entry.url }}}}?a=1&amp;b={{{{ loop.index }}}}">{{{{ entry.why }}}}</mj-button>
</mj-column></mj-section>
<mj-raw>{{% endfor %}}</mj-raw>
</mj-body></mjml>"""
CSS = "h2.t { color: #112233 } p.w { margin: 0; border-left: 4px solid #3d8b5a } td { padding: 1px }"
HOSTILE = [
    "\"'<>&",
    "{{ 7*7 }}",
    "</mj-text></td>",
    "--> <!-- x",
    "{% raw %}",
    "\u202eabc",
    "🧑‍🔬 李",
    "\u200b",
    "",
    "x" * 300,
]
words = st.sampled_from(HOSTILE) | st.text(st.characters(exclude_categories=("Cc", "Cs", "Cn", "Co")), max_size=30)
entries = st.fixed_dictionaries({"title": words, "why": words, "url": st.sampled_from(["https://x.org/a", ""])})


def body(html: str) -> str:
    """The body as a parser sees it, blanks folded."""
    tree = lxml.html.document_fromstring(html).find("body")
    return re.sub(r"\s+", " ", lxml.html.tostring(tree, encoding="unicode"))


@settings(max_examples=60, deadline=None)
@example([{"title": word, "why": word, "url": "https://x.org/?a=1&b=2"} for word in HOSTILE])
@given(st.lists(entries, max_size=10))
def test_compiling_first_and_rendering_first_give_the_same_body(some: list[dict[str, str]]) -> None:
    env = html_environment()
    compiled = compile_mjml(env, "square.mjml", SQUARE, CSS)

    rendered_first = inline(to_html("square.mjml", env.from_string(SQUARE).render(entries=some)), CSS)

    assert body(compiled.render(entries=some)) == body(rendered_first)


def test_a_wrapper_compiles_with_tags_around_it_and_in_its_sections() -> None:
    source = """<mjml><mj-body>
<mj-raw>{% for entry in entries %}</mj-raw>
<mj-wrapper padding="10px"><mj-section><mj-column width="100%">
<mj-raw>{% if entry %}</mj-raw><mj-text>{{ entry }}</mj-text><mj-raw>{% endif %}</mj-raw>
</mj-column></mj-section></mj-wrapper>
<mj-raw>{% endfor %}</mj-raw>
</mj-body></mjml>"""

    html = compile_mjml(html_environment(), "wrapper.mjml", source, "").render(entries=["one", "", "two"])

    assert re.findall("one|two", body(html)) == ["one", "two"]
