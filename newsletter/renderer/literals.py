r"""Attributes of a template, kept as they are written: mrml writes some characters as Rust would, `\"` and `\u{200d}`.

Quotes, backslashes, joiners and the like become words while MJML is compiled and styles are inlined, as Jinja tags do.
Quotes in CSS become single ones, which mean the same and need no reference in an attribute.
"""

from __future__ import annotations

import re
import unicodedata
from html import escape

from newsletter.renderer.mjml_parser import HIDDEN, TAG

WORD = re.compile(r"Jz([0-9a-f]{2,6})z")  #: stands for a character of an attribute
_ATTRIBUTE = re.compile(r"([^\s=\"'/<>]+)(\s*=\s*)(?:\"([^\"]*)\"|'([^']*)')")
_EVERY_TAG = re.compile(f"{HIDDEN.pattern}|(?P<tag>{TAG.pattern})", re.DOTALL)
_QUOTE = re.compile(r"\"|&quot;|&#34;|&#x22;", re.IGNORECASE)
_SPECIAL = re.compile(r"[\"\\\x7f]|[^\x00-\x7f]")
_TEXTS = {"alt", "title", "href", "src", "name", "rel", "target", "id", "css-class", "mj-class", "container-id"}
_SHORT_COLOUR = re.compile(r"(?<![\w&])(?<!url\()#([0-9a-f])([0-9a-f])([0-9a-f])(?![\w-])", re.IGNORECASE)


def protect(source: str) -> str:
    """MJML with words for what its attributes must not lose; on the same lines."""
    return _EVERY_TAG.sub(_piece, source)


def _piece(found: re.Match[str]) -> str:
    """A tag, or what stays as it is: styles, and comments but for those with tags for Outlook."""
    if found["tag"]:
        return _protected(found["tag"])
    return TAG.sub(lambda tag: _protected(tag[0]), found[0]) if found[0].startswith("<!--[if") else found[0]


def _protected(tag: str) -> str:
    """A tag; line ends inside its values stand before its end, since they are blanks there."""
    is_mjml = tag.startswith("<mj")
    lines = 0

    def value(found: re.Match[str]) -> str:
        nonlocal lines
        name, said = found[1], found[3] if found[4] is None else found[4]
        lines += said.count("\n")
        said = " ".join(said.split("\n")).replace("\t", " ")
        if name == "style" or (is_mjml and name not in _TEXTS):
            said = said if "'" in said else _QUOTE.sub("'", said)
        return f'{name}{found[2]}"{_SPECIAL.sub(_word, said)}"'

    written = _ATTRIBUTE.sub(value, tag)
    end = len(written) - (2 if written.endswith("/>") else 1)
    return written[:end] + "\n" * lines + written[end:]


def _word(found: re.Match[str]) -> str:
    sign = found[0]
    is_plain = not sign.isascii() and unicodedata.category(sign)[0] in "LNPS"
    return sign if is_plain else f"Jz{ord(sign):02x}z"


def put_back(html: str) -> str:
    """The characters in the place of their words."""
    return WORD.sub(lambda word: escape(chr(int(word[1], 16))), html)


def wide_colours(style: str) -> str:
    """A style with `#aabbcc` for the `#abc` that the inliner makes of it: not all clients read three digits."""
    return _SHORT_COLOUR.sub(r"#\1\1\2\2\3\3", style)
