"""The configuration's [theme]: which colour wins, what an accent makes, and what is told of it."""

from __future__ import annotations

import re
import tomllib
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter.config import Settings, ThemeSection, load
from newsletter.errors import ConfigError
from newsletter.renderer import find_all, load_templates, themed
from newsletter.renderer.contrast import TEXT, contrast, on, pressed, readable
from newsletter.renderer.lint import ERROR, WARNING, LintFinding
from newsletter.renderer.sanitize import tidy_masthead
from newsletter.renderer.theme import PAIRS, mixed, page_colours, read_theme, theme_faults
from newsletter.types import Masthead
from newsletter.web.pages import PageTemplates, security_headers

TEMPLATES = Path(__file__).parents[3] / "templates"
WEEKLY, CONFIRM = load_templates(TEMPLATES / "weekly"), load_templates(TEMPLATES / "confirm")
BUILT_IN = WEEKLY["theme.toml"]
MASTHEAD = Settings().masthead
COLOURS = st.integers(0, 0xFFFFFF).map(lambda number: f"#{number:06x}")
GREEN = "#0b6e4f"


def frozen(own: str = BUILT_IN, **wanted: object) -> dict[str, dict[str, str]]:
    """The theme that an issue is planned with."""
    return read_theme(themed({"theme.toml": own}, ThemeSection.model_validate(wanted))["theme.toml"])


def told(text: str = BUILT_IN, **wanted: object) -> list[LintFinding]:
    return [*theme_faults(text, set(), ThemeSection.model_validate(wanted))]


def refusal(folder: Path, text: str) -> str:
    (folder / "newsletter.toml").write_text(text, "utf-8")
    with pytest.raises(ConfigError) as caught:
        load(folder / "newsletter.toml", {})
    return str(caught.value).removeprefix(f"{folder}/newsletter.toml: ")


# what an accent makes


@settings(deadline=None)
@given(COLOURS)
def test_every_accent_makes_a_theme_in_which_all_can_be_read(accent: str) -> None:
    for table, colours in mixed(BUILT_IN, ThemeSection(accent=accent)).items():
        for front, under, needed in PAIRS:
            assert contrast(colours[front].value, colours[under].value) >= needed, (table, front, under)


@settings(deadline=None)
@given(COLOURS, COLOURS)
def test_every_colour_has_a_tone_that_can_be_read_on_every_other(colour: str, under: str) -> None:
    assert contrast(readable(colour, [under]), under) >= TEXT
    assert contrast(on(under), under) >= TEXT


@settings(deadline=None)
@given(COLOURS)
def test_a_pressed_button_is_read_at_least_as_well(colour: str) -> None:
    assert contrast(pressed(colour, on(colour)), on(colour)) >= TEXT


def test_a_colour_that_can_be_read_stays_and_another_keeps_its_hue() -> None:
    assert readable(GREEN, ["#ffffff", "#f5f2ec"]) == GREEN
    lighter = readable(GREEN, ["#101317", "#191d23"])
    assert lighter > GREEN
    assert TEXT <= contrast(lighter, "#191d23") < TEXT + 0.2


def test_where_no_tone_will_do_the_best_of_all_is_taken() -> None:
    both = ["#ffffff", "#404040"]
    greys = [f"#{step:02x}{step:02x}{step:02x}" for step in range(256)]

    taken = readable("#888888", both)

    best = max(min(contrast(grey, under) for under in both) for grey in greys)
    assert min(contrast(taken, under) for under in both) == best < TEXT


def test_an_accent_is_the_button_of_the_light_and_moves_only_where_it_must() -> None:
    light, dark = (frozen(accent="#ffd400")[table] for table in ("light", "dark"))

    assert (light["accent"], light["on_accent"]) == ("#ffd400", "#000000")
    assert (dark["accent"], dark["link"]) == ("#ffd400", "#ffd400")
    assert light["link"] != "#ffd400"
    assert frozen(accent="#000000")["dark"]["accent"] != "#000000"


# which colour wins


def test_a_colour_by_name_goes_before_the_accent_and_the_accent_before_theme_toml() -> None:
    own = BUILT_IN.replace('quiet = "#5b636d"', 'quiet = "#444444"').replace('link = "#1d4aa6"', 'link = "#111111"')
    light = frozen(own, accent=GREEN, light={"accent": "#ffd400", "ink": "#222222"})["light"]

    assert light["ink"] == "#222222"
    assert (light["accent"], light["on_accent"]) == ("#ffd400", "#000000")  # fits the accent that was chosen by name
    assert light["link"] == GREEN
    assert light["quiet"] == "#444444"
    assert light["body"] == read_theme(BUILT_IN)["light"]["body"]


def test_what_a_theme_of_ones_own_leaves_out_is_built_in_and_its_own_tables_stay() -> None:
    theme = frozen('[fonts]\nserif = "Georgia \\"Pro\\", \\u007f"\n[light]\nink = "#222222"\ntint = "#333333"')

    assert theme["fonts"] == {"serif": 'Georgia "Pro", \x7f'}
    assert theme["light"] == {**read_theme(BUILT_IN)["light"], "ink": "#222222", "tint": "#333333"}
    assert theme["dark"] == read_theme(BUILT_IN)["dark"]


def test_without_a_wish_the_file_stays_as_it_is_and_a_broken_one_too() -> None:
    assert themed(WEEKLY, ThemeSection()) == WEEKLY
    broken = {"theme.toml": '[light]\nink = "#fff"'}
    assert themed(broken, ThemeSection(accent=GREEN)) == broken
    assert themed({"mail.txt": "a"}, ThemeSection(accent=GREEN)) == {"mail.txt": "a"}


# pages


def test_pages_have_the_colours_of_the_mails(tmp_path: Path) -> None:
    weekly = tmp_path / "mine" / "weekly"
    weekly.mkdir(parents=True)
    (weekly / "theme.toml").write_text('[light]\nink = "#222222"\nbad = "red"')
    settings = Settings.model_validate(
        {"newsletter": {"templates": "mine"}, "theme": {"accent": GREEN, "dark": {"ink": "#fafafa"}}, "home": tmp_path}
    )

    page = bytes(PageTemplates(settings).response("inbox.html", address="a@b.org").body).decode()

    light, dark = re.findall(r":root \{ ?(.*?) ?\}", page)
    assert f"--accent: {GREEN};" in light
    assert "--ink: #222222;" in light
    assert f"--bad: {read_theme(BUILT_IN)['light']['bad']};" in light  # "red" is for the linter to complain about
    assert "--ink: #fafafa;" in dark
    assert "--on-accent: #ffffff;" in dark


def test_every_variable_of_the_pages_is_a_colour_of_the_theme() -> None:
    colours = {name.replace("_", "-") for name in page_colours(Settings())["light"]}
    for path in (TEMPLATES / "web").glob("*.html"):
        page = path.read_text("utf-8")
        if not path.name.startswith("preview"):  # the maintainers' own, with a look of its own
            assert set(re.findall(r"var\(--([\w-]+)", page)) <= colours | set(re.findall(r"--([\w-]+):", page)), (
                path.name
            )
            assert not re.findall(r"#[0-9a-fA-F]{6}", page), path.name


def test_both_modes_name_the_same_colours() -> None:
    theme = tomllib.loads(BUILT_IN)

    assert theme["light"].keys() == theme["dark"].keys()


def test_a_page_shows_the_logo_or_the_mark(tmp_path: Path) -> None:
    def masthead(**theme: object) -> str:
        pages = PageTemplates(Settings.model_validate({"theme": theme}))
        return bytes(pages.problem(404, "").body).decode().partition("<header>")[2].partition("</header>")[0]

    assert ">W</a>" in masthead()
    assert 'class="mark two"' in masthead(mark="ab")
    assert '<img src="https://x.org/a.png?b=1&amp;c=2" alt="">' in masthead(logo="https://x.org/a.png?b=1&c=2")


def test_only_a_logo_without_tls_opens_the_pages_policy() -> None:
    assert security_headers("https://x.org/a.png", "") == security_headers("", "")
    assert "img-src http: https: data:;" in security_headers("http://x.org/a.png", "")["Content-Security-Policy"]


# the linter


def test_a_faint_colour_is_told_in_the_place_that_it_comes_from() -> None:
    found = told(
        BUILT_IN.replace('tag = "#4b525b"', 'tag = "#aaaaaa"'), light={"quiet": "#999999"}, dark={"sheet": "#555555"}
    )

    line = BUILT_IN[: BUILT_IN.index("tag =")].count("\n") + 1
    why = "[light] tag on tag_sheet has a contrast of 1.98:1 and needs 4.5:1"
    assert LintFinding("theme.toml", line, ERROR, why) in found
    why = "quiet on sheet has a contrast of 2.84:1 and needs 4.5:1"
    assert LintFinding("[theme.light]", 0, ERROR, why) in found
    assert {each.text.partition(" ")[0] for each in found if each.file == "[theme.dark]"} >= {
        "quiet",
        "why_bar",
        "edge",
    }


def test_a_tone_that_no_accent_can_have_is_told_for_the_accent() -> None:
    found = told('[light]\npaper = "#404040"', accent=GREEN)

    assert any(each.file == "[theme] accent" and each.text.startswith("light: link on ") for each in found)


def test_lint_takes_the_configuration_in_and_says_where_the_logo_is() -> None:
    wanted = ThemeSection.model_validate({"dark": {"bad": "#552222"}})
    masthead = replace(MASTHEAD, base_url="https://papers.example.org", logo="http://cdn.example.org/logo.png")

    found = find_all(WEEKLY, CONFIRM, masthead, wanted=wanted)

    assert [str(each) for each in found if each.severity == ERROR] == [
        "[theme.dark]: error: bad on bad_sheet has a contrast of 1.29:1 and needs 4.5:1",
        "[theme.dark]: error: bad on sheet has a contrast of 1.31:1 and needs 4.5:1",
    ]
    assert [(each.file, each.text.split()[-2:]) for each in found if each.severity == WARNING] == [
        ("[theme] logo", ["this", "mail"]),
        ("[theme] logo", ["write", "https:"]),
    ]


def test_lint_finds_nothing_wrong_with_a_short_theme_of_ones_own() -> None:
    assert find_all({**WEEKLY, "theme.toml": '[light]\nink = "#222222"'}, CONFIRM, MASTHEAD) == ()


# the configuration


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('[theme.light]\nlnk = "#112233"', '[theme.light] lnk: unknown colour, did you mean "link"?'),
        ('[theme]\ndark = { papr = "#112233" }', '[theme.dark] papr: unknown colour, did you mean "paper"?'),
        ('[theme.light]\nink = "#fff"', "[theme.light] ink = '#fff': a colour of six digits such as"),
        ('[theme.dark]\nink = "black"', "[theme.dark] ink = 'black': a colour of six digits such as"),
        ("[theme]\naccent = 7", "[theme] accent = 7: should be a valid string"),
        ('[theme]\naccent = "#0b6e4f80"', "[theme] accent = '#0b6e4f80': a colour of six digits such as"),
        ('[theme]\nacent = "#112233"', '[theme] acent: unknown key, did you mean "accent"?'),
        ('[theme]\nlogo = "logo.png"', "[theme] logo = 'logo.png': an address such as"),
        ('[theme]\nlogo = "javascript:alert(1)"', "[theme] logo = 'javascript:alert(1)': an address such as"),
        ("[theme]\nlogo = 'https://x.org/\"a'", "[theme] logo = 'https://x.org/\"a': an address such as"),
        ('[theme]\nlogo = "https://x.org/a b"', "[theme] logo = 'https://x.org/a b': an address such as"),
        ('[theme]\nmark = "ABC"', "[theme] mark = 'ABC': one or two characters"),
        ('[theme]\nmark = "A "', "[theme] mark = 'A ': one or two characters"),
        ('[theme]\nsections = ["popular", "adverts"]', "[theme] sections.1 = 'adverts': should be 'interests' or"),
    ],
)
def test_a_bad_value_is_refused_in_one_line(tmp_path: Path, text: str, why: str) -> None:
    line = refusal(tmp_path, text)

    assert line.startswith(why)
    assert "\n" not in line


def test_colours_of_a_theme_of_ones_own_are_known(tmp_path: Path) -> None:
    (tmp_path / "mine" / "weekly").mkdir(parents=True)
    (tmp_path / "mine" / "weekly" / "theme.toml").write_text('[light]\ntint = "#333333"')
    path = tmp_path / "newsletter.toml"
    path.write_text('[newsletter]\ntemplates = "mine"\n[theme.light]\ntint = "#AABBCC"\nink = "#222222"')

    assert load(path, {}).theme.light == {"tint": "#aabbcc", "ink": "#222222"}
    assert 'did you mean "ink"' in refusal(tmp_path, '[newsletter]\ntemplates = "mine"\n[theme.dark]\nnik = "#222222"')


def test_an_accent_can_come_from_the_environment(tmp_path: Path) -> None:
    (tmp_path / "newsletter.toml").write_text("")
    environ = {"NEWSLETTER_THEME__ACCENT": GREEN, "NEWSLETTER_THEME__SECTIONS": '["popular"]'}

    theme = load(tmp_path / "newsletter.toml", environ).theme

    assert (theme.accent, theme.sections) == (GREEN, ("popular",))


@pytest.mark.parametrize("mark", ["W", "WP", "é", "e\u0301", "☕\ufe0f", "文", "🦉"])
def test_a_mark_may_be(mark: str) -> None:
    assert ThemeSection(mark=mark).mark == mark


def test_the_masthead_has_what_the_theme_says_of_it() -> None:
    theme = {"logo": "https://x.org/a.png", "mark": "ab", "sections": []}
    masthead = Settings.model_validate({"theme": theme}).masthead

    assert (masthead.logo, masthead.mark, masthead.sections) == ("https://x.org/a.png", "ab", ())
    assert (MASTHEAD.logo, MASTHEAD.mark, MASTHEAD.sections) == ("", "W", ("interests", "popular"))


def test_a_masthead_made_by_hand_has_a_mark_and_no_logo_that_is_no_address() -> None:
    masthead = tidy_masthead(Masthead("The Plasma Post", "a@b.org", logo="javascript:alert(1)"))

    assert (masthead.mark, masthead.logo) == ("P", "")
