"""Trending research papers in your inbox, picked for each reader.

>>> from newsletter import Interest, Profile, prepare, select
>>> from newsletter.testing import make_entry
>>> pool = prepare([make_entry("video-diffusion"), make_entry("plasma-turbulence")])
>>> [picks] = select(pool, [Profile(interests=(Interest("plasma", keywords=("plasma turbulence",)),))])
>>> picks[0].entry.id
'plasma-turbulence'
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from newsletter.version import __version__ as __version__

if TYPE_CHECKING:
    from newsletter.config import Settings, load
    from newsletter.engine import Engine, make_engine
    from newsletter.errors import NewsletterError
    from newsletter.selector import prepare, select
    from newsletter.types import Edition, Entry, Interest, Issue, Mail, Pick, Profile, Source, Subscriber

_HOMES = {
    "Settings": "config",
    "load": "config",
    "Engine": "engine",
    "make_engine": "engine",
    "NewsletterError": "errors",
    "prepare": "selector",
    "select": "selector",
    "Edition": "types",
    "Entry": "types",
    "Interest": "types",
    "Issue": "types",
    "Mail": "types",
    "Pick": "types",
    "Profile": "types",
    "Source": "types",
    "Subscriber": "types",
}
__all__ = [
    "Edition",
    "Engine",
    "Entry",
    "Interest",
    "Issue",
    "Mail",
    "NewsletterError",
    "Pick",
    "Profile",
    "Settings",
    "Source",
    "Subscriber",
    "load",
    "make_engine",
    "prepare",
    "select",
]


def __getattr__(name: str) -> Any:
    """Import a public name when it is asked for, so that `newsletter --help` answers at once."""
    if name not in _HOMES:
        raise AttributeError(f"module 'newsletter' has no attribute {name!r}")
    return getattr(import_module(f"newsletter.{_HOMES[name]}"), name)
