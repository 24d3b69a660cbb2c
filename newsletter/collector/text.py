"""Source text to readable text: one line of plain Unicode, no HTML, no TeX, no control characters.

    raw ─ fold ─ tags ─ entities ─ TeX (tex.py) ─ hidden characters ─ fold, NFC

No word is ever dropped, and what only looks like markup (`x<y`, `<p_T>`, `$5 and $6`) stays. The result is text,
not HTML: whoever shows it escapes it.
"""

from __future__ import annotations

import html
import re
import unicodedata

from newsletter.collector.tex import TEXY, read_tex, script

TITLE_LIMIT = 1_000  #: characters kept of a title
ABSTRACT_LIMIT = 20_000  #: characters kept of an abstract

BLOCKS = "address article blockquote br dd div dl dt figure figcaption h1 h2 h3 h4 h5 h6 hr li ol p pre section sec"
BLOCKS += " table tbody td th thead title tr ul"
INLINE = "a abbr b bold cite code del em font i img inf ins italic kbd label mark q s samp script small span strike"
INLINE += " strong style sub sup tt u var wbr math mfrac mi mml mn mo mover mrow msqrt msub msubsup msup mtext munder"
VOID = {"br", "hr", "img", "wbr"}  #: tags by themselves; any other is a tag only if it is closed somewhere
ATTRIBUTES = r"(?:\s+[\w:-]+\s*=\s*(?:\"[^\"]*\"|'[^']*'|[^\s<>\"']+))*"
TAG = re.compile(
    rf"<(/?)(?:(?:jats|mml|xhtml):)?({'|'.join((BLOCKS + ' ' + INLINE).split())}){ATTRIBUTES}\s*/?>", re.IGNORECASE
)
COMMENT = re.compile(r"<!--(?:(?!<!--).)*?-->|<\?(?:(?!<\?).)*?\?>")
ANCHOR = re.compile(
    r"<a\s(?:[^<>]*?\s)?href\s*=\s*[\"']?(https?://[^\s\"'<>]+)[^<>]*>((?:(?!<a\s).)*?)</a\s*>", re.IGNORECASE
)
SCRIPT = re.compile(r"<(sub|sup|inf)>([^<>]{0,200})</\1>", re.IGNORECASE)
ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
#: C0, C1, soft hyphen, zero-width space, marks and overrides of direction, tag characters, lone surrogates
HIDDEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f\ud800-\udfff]"
)


def readable(raw: str) -> str:
    """The text as a person would read it. Linear in the length of `raw`."""
    text = " ".join(raw.split())
    if "<" in text:
        text = _without_tags(text)
    if "&" in text:
        text = ENTITY.sub(lambda match: html.unescape(match[0]), text)
    if TEXY.search(text):
        text = read_tex(text)
    return plain(text)


def plain(raw: str) -> str:
    """One line in NFC without hidden characters, otherwise untouched: for ids, names of sources, messages."""
    text = raw if raw.isascii() and raw.isprintable() else unicodedata.normalize("NFC", HIDDEN.sub("", raw))
    return " ".join(text.split())


def bounded(raw: str, limit: int) -> tuple[str, bool]:
    """Readable text of at most `limit` characters, and whether something was cut."""
    text = readable(raw[: 4 * limit])
    if len(text) <= limit and len(raw) <= 4 * limit:
        return text, False
    head = text[: limit - 1]
    return (head.rpartition(" ")[0] or head) + "…", True


def _without_tags(text: str) -> str:
    text = COMMENT.sub(" ", text)
    text = ANCHOR.sub(_anchor, text)
    text = SCRIPT.sub(lambda match: script("^" if match[1].lower() == "sup" else "_", match[2]), text)
    closed = {match[2].lower() for match in TAG.finditer(text) if match[1]} | VOID
    return TAG.sub(lambda match: _space(match[2].lower()) if match[2].lower() in closed else match[0], text)


def _anchor(match: re.Match[str]) -> str:
    link, words = match.groups()
    return words if link in words else f"{words} ({link})"


def _space(tag: str) -> str:
    return " " if tag in BLOCKS.split() else ""
