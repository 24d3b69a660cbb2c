"""The folders that come with the product: templates, seeds, and the sample configuration."""

from __future__ import annotations

from pathlib import Path

THEME = Path("weekly", "theme.toml")  #: in a folder of templates


def resource(name: str) -> Path:
    """A folder that comes with the product (`templates`, `seeds`, `config`), in a wheel or a checkout."""
    package = Path(__file__).parent.parent
    packed = package / "_data" / name
    return packed if packed.is_dir() else package.parent / name
