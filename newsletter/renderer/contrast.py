"""Colours by their numbers: contrast, and the nearest tone that can be read.

WCAG 2.1: a part c of a colour, 0 to 1, is linear after c / 12.92 up to 0.04045 and after ((c + 0.055) / 1.055) ** 2.4
above; the relative luminance is L = 0.2126 R + 0.7152 G + 0.0722 B of the linear parts; the contrast of two colours is
(L1 + 0.05) / (L2 + 0.05), the lighter one first, from 1 to 21. Text needs 4.5 (1.4.3), what is not text 3 (1.4.11).
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from colorsys import hls_to_rgb, rgb_to_hls

TEXT, MARK = 4.5, 3.0
WHITE, BLACK = "#ffffff", "#000000"


def contrast(one: str, other: str) -> float:
    """Of two six-digit colours."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in _parts(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _parts(colour: str) -> tuple[float, float, float]:
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    return red, green, blue


def readable(colour: str, under: Collection[str], needed: float = TEXT) -> str:
    """The colour, or its nearest lighter or darker tone, with that contrast to all that is under it.

    Hue and saturation (HSL) stay. Where no tone will do, the one that comes closest.
    """
    for tone in (colour, *_tones(colour)):
        if _least(tone, under) >= needed:
            return tone
    return max(_tones(colour), key=lambda tone: _least(tone, under))


def _least(colour: str, under: Collection[str]) -> float:
    return min((contrast(colour, other) for other in under), default=21.0)


def _tones(colour: str) -> Iterator[str]:
    """From black to white, the nearest ones first."""
    hue, lightness, saturation = rgb_to_hls(*_parts(colour))
    for step in sorted(range(256), key=lambda step: abs(step / 255 - lightness)):
        yield _written(hls_to_rgb(hue, step / 255, saturation))


def _written(parts: tuple[float, float, float]) -> str:
    return "#" + "".join(f"{round(255 * min(max(part, 0), 1)):02x}" for part in parts)


def on(colour: str) -> str:
    """White where it can be read on this colour, else black, which then can: one of the two always reaches 4.58."""
    return WHITE if contrast(WHITE, colour) >= TEXT else BLACK


def pressed(colour: str, front: str) -> str:
    """A button under the pointer: further away from what is written on it."""
    hue, lightness, saturation = rgb_to_hls(*_parts(colour))
    is_dark = _luminance(front) > _luminance(colour)
    moved = 0.82 * lightness if is_dark else 1 - 0.82 * (1 - lightness)
    return _written(hls_to_rgb(hue, moved, saturation))


def from_accent(accent: str, under: Collection[str], is_dark: bool, button: str = "") -> dict[str, str]:
    """What one accent makes of a theme: the button, the words on it, the links. `under`: paper and sheet.

    A button is the accent itself; in the dark, its nearest tone that stands out from what is under it.
    """
    button = button or (readable(accent, under, MARK) if is_dark else accent)
    return {"accent": button, "on_accent": on(button), "link": readable(accent, under)}
