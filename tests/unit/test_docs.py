"""What the code has, the documents say; what the documents show, works."""

import doctest
import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import click
import jinja2
import pytest
from jinja2 import meta, nodes

import newsletter
from newsletter.bounces import EFFECTS, Effect
from newsletter.cli import main
from newsletter.collector import KINDS, Parsed
from newsletter.config import RelaySection, Settings, load
from newsletter.renderer.compile import html_environment
from newsletter.renderer.fragments import SLOTS, Card
from newsletter.renderer.issue_renderer import Reader
from newsletter.testing import NOON
from newsletter.types import Issue, Masthead, Source

ROOT = Path(__file__).parents[2]
TEMPLATES = ROOT / "templates"
EVERYWHERE = ("masthead", "root", "archive", "theme")  #: variables of all pages
READMES = sorted(
    path
    for folder in ("newsletter", "templates", "config", "tests", ".")
    for path in (ROOT.glob("README.md") if folder == "." else (ROOT / folder).rglob("README.md"))
)


def text_of(folder: str) -> str:
    return (ROOT / folder / "README.md").read_text("utf-8")


README = text_of(".")
SAMPLE = (ROOT / "config" / "newsletter.toml").read_text("utf-8")


@pytest.mark.parametrize("name", sorted(main.commands))
def test_every_command_is_in_the_readme(name: str) -> None:
    assert f"| `{name}` |" in README


@pytest.mark.parametrize("name", sorted(main.commands["subscribers"].commands))  # type: ignore[attr-defined]
def test_every_subcommand_is_in_the_readme(name: str) -> None:
    assert f"`{name}`" in README


def test_every_command_and_option_explains_itself() -> None:
    for name, command in main.commands.items():
        assert command.help, name
        for option in command.params:
            if isinstance(option, click.Option):
                assert option.help or option.name == "form", f"{name} {option.name}"


def keys() -> list[tuple[str, str]]:
    sections = {
        name: field.annotation for name, field in Settings.model_fields.items() if name not in ("source", "home")
    }
    return [(section, key) for section, model in sections.items() for key in getattr(model, "model_fields", {})]


@pytest.mark.parametrize(("section", "key"), keys())
def test_every_setting_is_in_the_commented_sample(section: str, key: str) -> None:
    table = SAMPLE.partition(f"\n[{section}]\n")[2].partition("\n[")[0]

    assert re.search(rf"(?m)^(# )?{key}(_file)? = ", table)


@pytest.mark.parametrize("key", sorted(RelaySection.model_fields))
def test_every_setting_of_a_relay_is_in_the_sample(key: str) -> None:
    table = SAMPLE.partition("\n# [[relay]]\n")[2].partition("\n[")[0]

    assert re.search(rf"\b{key}\b", table)


def test_the_sample_with_every_comment_taken_off_is_the_default(tmp_path: Path) -> None:
    text = re.sub(r"(?m)^# ([a-z0-9_]+ = |\[\[)", r"\1", SAMPLE)
    tables = tomllib.loads(text)
    for section, key in (
        ("newsletter", "secret_file"),
        ("smtp", "password_file"),
        ("dkim", "key_file"),
        ("dkim", "ed25519_key_file"),
        ("newsletter", "templates"),
        ("selection", "model_key_file"),
        ("summary", "key_file"),
        ("bounces", "imap_password_file"),
        ("bounces", "postmark_password_file"),
        ("bounces", "mailgun_key_file"),
        ("bounces", "brevo_password_file"),
        ("bounces", "mailjet_password_file"),
        ("bounces", "sparkpost_password_file"),
        ("bounces", "resend_key_file"),
    ):
        del tables[section][key]
    del tables["relay"][0]["password_file"]

    settings, defaults = Settings.model_validate(tables), Settings()

    for section in ("store", "smtp", "dkim", "schedule", "signup", "collect", "selection", "summary", "bounces"):
        assert getattr(settings, section) == getattr(defaults, section)


def test_the_samples_load_as_they_are() -> None:
    settings = load(ROOT / "config" / "newsletter.toml", {})

    assert settings.sources
    assert settings.home == ROOT


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_of_source_is_in_the_sample_and_the_collectors_readme(kind: str) -> None:
    assert f"`{kind}`" in text_of("newsletter/collector")
    assert f'kind = "{kind}"' in (ROOT / "config" / "sources.toml").read_text("utf-8")


@pytest.mark.parametrize("reason", [each for each, effect in EFFECTS.items() if effect is not Effect.NOTHING])
def test_every_reason_that_ends_a_subscription_is_in_the_bounces_readme(reason: str) -> None:
    assert f"`{reason}`" in text_of("newsletter/bounces")


def described(name: str) -> str:
    """The rows of templates/README.md whose first cell names it."""
    rows = [line for line in text_of("templates").splitlines() if line.startswith("| `")]
    return "\n".join(row for row in rows if f"`{name}`" in row.split("|")[1])


VARIABLES = {
    "slot": {*vars(SLOTS)},
    "reader": {*Reader._fields},
    **{
        name: {*kind.__dataclass_fields__} for name, kind in (("entry", Card), ("issue", Issue), ("masthead", Masthead))
    },
}


@pytest.mark.parametrize(("name", "field"), [(name, field) for name in VARIABLES for field in sorted(VARIABLES[name])])
def test_every_variable_of_a_mail_is_in_the_templates_readme(name: str, field: str) -> None:
    assert f"`{field}`" in described(name)


@pytest.mark.parametrize(
    "path", [path for kind in ("weekly", "confirm") for path in sorted((TEMPLATES / kind).glob("*.[mt][jx]*"))]
)
def test_the_templates_readme_leaves_out_nothing_that_our_own_mails_use(path: Path) -> None:
    env = html_environment()
    tree = env.parse(path.read_text("utf-8"))
    used = {
        (node.node.name, node.attr)
        for node in tree.find_all(nodes.Getattr)
        if isinstance(node.node, nodes.Name) and node.node.name in VARIABLES
    }
    macros = {macro.name for macro in tree.find_all(nodes.Macro)} & {
        "lead",
        "card",
        "skim",
        "popular",
        "group",
        "beyond",
    }

    assert all(f"`{field}`" in described(name) for name, field in used)
    assert all(f"`{macro}(" in text_of("templates") for macro in macros)
    assert all(described(name) for name in meta.find_undeclared_variables(tree) - env.globals.keys())


def test_every_variable_that_follows_theme_and_language_is_in_the_templates_readme() -> None:
    for path in sorted((TEMPLATES / "weekly").iterdir()):
        for table, name in re.findall(r"\$([a-z]+)\.([a-z_]+)", path.read_text("utf-8")):
            assert described(f"${table}"), path
            assert table != "page" or f"`{name}`" in described("$page")


@pytest.mark.parametrize("path", sorted((TEMPLATES / "web").glob("*.html")), ids=lambda path: path.name)
def test_every_variable_of_a_page_is_in_the_templates_readme(path: Path) -> None:
    tree = jinja2.Environment(autoescape=True).parse(path.read_text("utf-8"))
    row = described("base.html") if path.name == "base.html" else described(path.name)

    assert row
    own = {macro.name for macro in tree.find_all(nodes.Macro)}  # meta does not know them within blocks
    own |= {name.name for name in tree.find_all(nodes.Name) if name.ctx != "load"}
    for name in meta.find_undeclared_variables(tree) - own:
        assert f"`{name}`" in (described("base.html") if name in EVERYWHERE else row), name


@pytest.mark.parametrize("path", READMES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_link_of_a_readme_leads_to_a_file_that_is_there(path: Path) -> None:
    text = re.sub(r"```.*?```", "", path.read_text("utf-8"), flags=re.DOTALL)
    links = re.findall(r"\]\(([^)\s]+)\)|<img src=\"([^\"]+)\"", text)
    places = {place.partition("#")[0] for place in (link or image for link, image in links) if "://" not in place}

    assert not [place for place in places - {""} if not (path.parent / place).exists()]


def test_the_readme_is_one_page_and_says_how_the_shell_finds_the_command() -> None:
    assert len(README.splitlines()) <= 180
    assert re.search(r"(?m)^\. \.venv/bin/activate\b", README)


def test_the_readmes_python_runs() -> None:
    [code] = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    [kind] = re.findall(r"```python\n(.*?)```", text_of("newsletter/collector"), re.DOTALL)
    seen: list[object] = []

    exec(code, {"print": lambda *words: seen.extend(words)})  # noqa: S102

    assert seen[0] == "On plasma turbulence"

    names: dict[str, Callable[..., Parsed]] = {}
    exec(kind, names)  # noqa: S102
    parsed = names["parse"](b"On Kettles\nOn Whistles", Source("own", "lines", "x"), NOON)

    assert [(entry.title, entry.source) for entry in parsed.entries] == [("On Kettles", "own"), ("On Whistles", "own")]


def test_the_packages_quickstart_runs() -> None:
    assert doctest.testmod(newsletter).failed == 0


def test_every_public_name_can_be_imported() -> None:
    for name in newsletter.__all__:
        assert getattr(newsletter, name)
    with pytest.raises(AttributeError):
        newsletter.nothing  # noqa: B018


def test_the_readmes_commands_are_the_ones_that_ci_runs() -> None:
    assert "bash .ci/test " in README
    assert 'exec bash "$(dirname "$0")/test"' in (ROOT / ".ci" / "run").read_text()
    assert "bash .ci/setup && .venv/bin/newsletter demo" in README
