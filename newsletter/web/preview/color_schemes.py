"""A mail's HTML as different mail programs and their settings show it: light, dark, without styles."""

from __future__ import annotations

import re

_STYLES = re.compile(r"<style\b.*?</style\s*>", re.IGNORECASE | re.DOTALL)


def html_as_shown(html: str, scheme: str, styles: bool) -> str:
    """Return the HTML in light or dark colours, with links that open in a new tab.

    `styles` False: as Gmail shows mail in accounts of other providers.
    """
    shown = in_scheme(html, scheme) if styles else without_styles(html)
    return re.sub(r"<head\b[^>]*>", lambda head: f'{head[0]}<base target="_blank">', shown, count=1)


def in_scheme(html: str, scheme: str) -> str:
    """Turn the dark rules on for good, or off, whatever the maintainer's system prefers."""
    condition = "all" if scheme == "dark" else "not all"
    forced = re.sub(r"\(\s*prefers-color-scheme\s*:\s*dark\s*\)", condition, html)
    only = "dark" if scheme == "dark" else "light"
    return re.sub(r"color-scheme:\s*light dark", f"color-scheme:{only}", forced)


def without_styles(html: str) -> str:
    return _STYLES.sub("", html)
