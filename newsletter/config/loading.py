"""Settings: built-in defaults < TOML < `NEWSLETTER_SECTION__KEY` in the environment.

Nothing is read at import; the command line calls `load` once with the file and the environment.
Paths in the file are relative to `Settings.home`: the folder of the file, or the folder above it when the
file lies in a folder called `config`.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr, ValidationError

from newsletter.config.problems import explain, refuse_twins, refuse_unknown_colours
from newsletter.config.secrets import SECRETS, read_secret_files
from newsletter.config.settings import Settings
from newsletter.errors import ConfigError

PLACES = ("newsletter.toml", "config/newsletter.toml")  #: looked for in the current folder, in this order


def load(path: Path | None, environ: Mapping[str, str], folder: Path = Path()) -> Settings:
    """Read the settings; `path` None looks at NEWSLETTER_CONFIG and then at PLACES below `folder`.

    Raises ConfigError with every wrong key and value in one line.
    """
    path = path or _find(environ, folder)
    home = _home(path) if path else folder
    tables = _read(path) if path else {}
    label = str(path) if path else "the environment"
    _add_sources_file(tables, path.parent if path else folder)
    _overlay(tables, environ)
    read_secret_files(tables, home)
    try:
        settings = Settings.model_validate({**tables, "home": home})
    except ValidationError as error:
        raise ConfigError(f"{label}: {'; '.join(explain(error))}") from error
    refuse_twins([source.name for source in settings.sources], "sources", label)
    refuse_twins([relay.name or f"{relay.host}:{relay.port}" for relay in settings.relay], "relays", label)
    refuse_unknown_colours(settings, label)
    return settings


def secret_files(path: Path | None, environ: Mapping[str, str], folder: Path = Path()) -> dict[str, Path]:
    """Key of each secret that lies in a file → that file: its own, or the configuration that has it in clear."""
    path = path or _find(environ, folder)
    tables = _read(path) if path else {}
    written = {(section, key) for section, key in SECRETS if path and key in tables.get(section, {})}
    _overlay(tables, environ)
    found: dict[str, Path] = {}
    for section, key in SECRETS:
        place = tables.get(section, {}).get(f"{key}_file")
        if place:
            found[f"[{section}] {key}_file"] = (_home(path) if path else folder) / str(place)
        elif path and (section, key) in written and f"NEWSLETTER_{section}__{key}".upper() not in environ:
            found[f"[{section}] {key}"] = path
    return found


def _find(environ: Mapping[str, str], folder: Path) -> Path | None:
    if environ.get("NEWSLETTER_CONFIG"):
        return Path(environ["NEWSLETTER_CONFIG"])
    return next((folder / place for place in PLACES if (folder / place).is_file()), None)


def _home(path: Path) -> Path:
    parent = path.absolute().parent
    return parent.parent if parent.name == "config" else parent


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: {error}") from error


def _add_sources_file(tables: dict[str, Any], folder: Path) -> None:
    """Add the [[source]] tables of `sources.toml` beside the configuration (or in ./config)."""
    for place in (folder / "sources.toml", folder / "config" / "sources.toml"):
        if place.is_file():
            more = _read(place)
            if set(more) - {"source"}:
                raise ConfigError(f"{place}: only [[source]] tables belong here")
            tables["source"] = [*tables.get("source", []), *more.get("source", [])]
            return


def _overlay(tables: dict[str, Any], environ: Mapping[str, str]) -> None:
    for name, value in environ.items():
        section, divider, key = name.removeprefix("NEWSLETTER_").lower().partition("__")
        if name.startswith("NEWSLETTER_") and divider and isinstance(tables.setdefault(section, {}), dict):
            tables[section][key] = _environment_value(section, key, value)
            tables[section].pop(key.removesuffix("_file") if key.endswith("_file") else f"{key}_file", None)


def _environment_value(section: str, key: str, value: str) -> object:
    """Keep text where text is expected; read lists and numbers as TOML writes them."""
    field = Settings.model_fields.get(section)
    fields = getattr(field.annotation, "model_fields", {}) if field else {}
    if key not in fields or fields[key].annotation in (str, SecretStr | None):
        return value
    try:
        return tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        return value
