"""Words from outside made fit for a mail: no hidden characters, a bounded length, links only to the web."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace
from functools import lru_cache
from urllib.parse import quote

import nh3
from markupsafe import Markup, escape

from newsletter.config import initial
from newsletter.i18n import FSI, PDI
from newsletter.types import Masthead

#: Controls, zero-width and bidi characters, lone surrogates. ZWJ and ZWNJ stay: emoji and Persian need them.
_HIDDEN = re.compile(
    "[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u200b\u2060\ufeff\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]"
)
_HIDDEN_BUT_ISOLATES = re.compile(_HIDDEN.pattern.replace("\u2066-\u2069", "\u2066\u2067"))
#: More marks on one character than any language writes: they pile up as far as the neighbouring lines.
_PILE = re.compile(
    "[\u0300-\u036f\u0483-\u0489\u0591-\u05bd\u0610-\u061a\u064b-\u065f\u0e34-\u0e3a\u0e47-\u0e4e"
    "\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f]{5,}"
)
_BLANKS = re.compile(r"\s+")
_TWO_STOPS = re.compile(r"(?<!\.)\.\.(?!\.)")
#: The end of a sentence, but not of "e.g.", "et al.", "vs.", "Fig." or an initial.
_SENTENCE = re.compile(
    r"(?<!\be\.g)(?<!\bi\.e)(?<!\bal)(?<!\bcf)(?<!\bvs)(?<!\bFig)(?<!\b[A-Z])[.!?][\"')\]”’]*(?=\s)|[。！？]"
)
_WEB = re.compile(r"https?://[^/?#\\@:]", re.IGNORECASE)
_LONGEST_LINK = 700  #: a line of a mail holds 998 bytes


@lru_cache(maxsize=16384)
def tidy(text: str, limit: int) -> str:
    """One line of visible text, cut at a word with "…" when longer than `limit` characters."""
    return shorten(_BLANKS.sub(" ", _visible(text[: 4 * limit + 100])).strip(), limit)


def tidy_told(text: str, limit: int) -> str:
    """As `tidy`, for words of ours: what isolates the values among them stays, and none is left open."""
    visible = _visible(text[: 4 * limit + 100], _HIDDEN_BUT_ISOLATES)
    told = shorten(_BLANKS.sub(" ", visible).strip(), limit)
    return told + PDI * (told.count(FSI) - told.count(PDI))


def shorten(text: str, limit: int) -> str:
    """Cut at the end of a word, or inside one (but not inside a character) when it fills half of the room."""
    if len(text) <= limit:
        return text
    end = text.rfind(" ", limit // 2, limit)
    return text[: end if end > 0 else _whole(text, limit - 1)].rstrip(" .,;:–—-…") + "…"


def excerpt(text: str, limit: int) -> str:
    """The first sentences that fit in about `limit` characters; "…" stands for the rest."""
    plain = _TWO_STOPS.sub(".", tidy(text, 2 * limit))
    if len(plain) <= limit and not plain.endswith("…"):
        return plain
    ends = [match.end() for match in _SENTENCE.finditer(plain[: limit + 1])]
    if ends and ends[-1] > limit // 2:
        return plain[: ends[-1]] + "\N{NO-BREAK SPACE}…"
    return shorten(plain, limit)


def title_markup(html: str) -> Markup:
    """A title's own safe HTML without its links, for it stands in one; "" when there is none, or it is very long."""
    clean = nh3.clean(_HIDDEN.sub("", html), tags={"sub", "sup", "i", "b"}, attributes={}) if len(html) <= 600 else ""
    return Markup(_BLANKS.sub(" ", _visible(clean)))  # noqa: S704 - cleaned in the line above


def web_link(url: str) -> str:
    """The URL, percent-encoded, if a browser would take it for http(s) and it fits in a line; else ""."""
    link = _HIDDEN.sub("", url[: 2 * _LONGEST_LINK]).strip()
    if not _WEB.match(link):
        return ""
    safe = quote(link, safe="!#$%&()*+,/:;=?@[]~")
    return safe if len(escape(safe)) <= _LONGEST_LINK else ""


def tidy_masthead(masthead: Masthead) -> Masthead:
    """The words that a mail shows, tidy."""
    name = tidy(masthead.name, 80)
    return replace(
        masthead,
        name=name,
        sender=tidy(masthead.sender, 300),
        tagline=tidy(masthead.tagline, 300),
        reply_to=tidy(masthead.reply_to, 300),
        postal_address=tidy(masthead.postal_address, 300),
        logo=web_link(masthead.logo),
        mark=tidy(masthead.mark, 8) or initial(name),
    )


def _visible(text: str, hidden: re.Pattern[str] = _HIDDEN) -> str:
    shown = hidden.sub("", text)
    return shown if shown.isascii() else _PILE.sub(lambda pile: pile[0][:4], shown)


def joins(character: str) -> bool:
    """Whether it belongs to the character before it: accents, variation selectors, skin tones, joiners."""
    return bool(unicodedata.combining(character)) or character in "\u200d\ufe0e\ufe0f🏻🏼🏽🏾🏿"


def _whole(text: str, end: int) -> int:
    lowest = max(1, end - 20)
    while end > lowest and (joins(text[end]) or text[end - 1] == "\u200d"):
        end -= 1
    return end
