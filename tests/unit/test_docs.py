"""What the code has, the documents say; what the documents show, works."""

import doctest
import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import click
import pytest

import newsletter
from newsletter.bounces import EFFECTS, Effect
from newsletter.cli import main
from newsletter.collector import KINDS, Parsed
from newsletter.config import RelaySection, Settings, load
from newsletter.testing import NOON
from newsletter.types import Source

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text("utf-8")
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
    ):
        del tables[section][key]
    del tables["relay"][0]["password_file"]

    settings, defaults = Settings.model_validate(tables), Settings()

    for section in ("store", "smtp", "dkim", "schedule", "selection", "summary", "bounces"):
        assert getattr(settings, section) == getattr(defaults, section)


def test_the_samples_load_as_they_are() -> None:
    settings = load(ROOT / "config" / "newsletter.toml", {})

    assert settings.sources
    assert settings.home == ROOT


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_of_source_is_in_the_sample_and_the_readme(kind: str) -> None:
    assert f"`{kind}`" in README
    assert f'kind = "{kind}"' in (ROOT / "config" / "sources.toml").read_text("utf-8")


@pytest.mark.parametrize("reason", [each for each, effect in EFFECTS.items() if effect is not Effect.NOTHING])
def test_every_reason_that_ends_a_subscription_is_in_the_readme(reason: str) -> None:
    assert f"`{reason}`" in README


def test_the_readmes_python_runs() -> None:
    kind, code = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
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
