"""What is wrong with a configuration, told in one line, with the nearest name that is known."""

from __future__ import annotations

import difflib
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

from pydantic import BaseModel, ValidationError

from newsletter.config.resources import THEME, resource
from newsletter.config.secrets import SECRETS
from newsletter.config.settings import Settings
from newsletter.errors import ConfigError


def explain(error: ValidationError) -> Iterator[str]:
    """Name each wrong key with its value and what is wrong with it; values of secrets are left out."""
    for problem in error.errors():
        place = [str(part) for part in problem["loc"]]
        if not place:  # two sections that do not agree
            yield _plain(problem["msg"])
            continue
        depth = 2 if len(place) == 3 and place[:2] in (["theme", "light"], ["theme", "dark"]) else 1
        table, key = place[:depth], place[depth:]
        name = f"[{'.'.join(table)}] {'.'.join(key)}".strip()
        if problem["type"] == "extra_forbidden":
            yield f"{name}: unknown key{_nearest(place)}"
        elif problem["type"] == "missing":
            yield f"{name}: is missing"
        else:
            yield f"{name}{_shown(place, problem['input'])}: {_plain(problem['msg'])}"


def _plain(message: str) -> str:
    return message.removeprefix("Value error, ").removeprefix("Input ")


def _shown(place: list[str], value: object) -> str:
    """The wrong value, unless it is a secret or a whole table."""
    if place[-1] in {key for _, key in SECRETS} or isinstance(value, (dict, BaseModel)):
        return ""
    return f" = {value!r}"


def _nearest(place: list[str]) -> str:
    known: Mapping[str, Any] = Settings.model_fields
    if len(place) > 1:
        known = getattr(Settings.model_fields[place[0]].annotation, "model_fields", {})
    near = difflib.get_close_matches(place[-1], [name for name in known if name != "home"], n=1, cutoff=0.5)
    return f', did you mean "{near[0]}"?' if near else f" (known: {', '.join(known)})"


def refuse_twins(names: Sequence[str], what: str, label: str) -> None:
    """Raise ConfigError where two of `what` have the same name."""
    twins = sorted({name for name in names if names.count(name) > 1})
    if twins:
        raise ConfigError(f"{label}: two {what} are called {twins[0]!r}")


def refuse_unknown_colours(settings: Settings, label: str) -> None:
    """Raise ConfigError for a colour that neither the built-in theme.toml nor the newsletter's own one names."""
    for table in ("light", "dark"):
        given: Mapping[str, str] = getattr(settings.theme, table)
        known = _colour_names(settings, table) if given else set()
        for name in sorted(given.keys() - known):
            near = difflib.get_close_matches(name, sorted(known), n=1, cutoff=0.5)
            hint = f', did you mean "{near[0]}"?' if near else f" (known: {', '.join(sorted(known))})"
            raise ConfigError(f"{label}: [theme.{table}] {name}: unknown colour{hint}")


def _colour_names(settings: Settings, table: str) -> set[str]:
    """Names of the colours; a theme.toml of one's own that cannot be read is left for the renderer to report."""
    names: set[str] = set()
    own = settings.newsletter.templates
    for folder in (resource("templates"), *([settings.home / own] if own else [])):
        with suppress(OSError, ValueError):
            colours = tomllib.loads((folder / THEME).read_text("utf-8-sig")).get(table)
            names |= set(colours) if isinstance(colours, dict) else set()
    return names
