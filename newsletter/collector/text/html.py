"""Source text to readable text and to safe HTML: one line each, no TeX, no control characters.

    raw ─ mended (repair.py) ─ fold ─ tags (markup.py) ─ entities ─ repaired (repair.py) ─ TeX (tex.py) ─ marked text
    marked text ─┬─ plain Unicode: scripts as characters, links behind their words
                 └─ HTML: everything escaped but our own <sub>, <sup>, <i>, <b> and <a href>

No word that a page shows is ever dropped, and what only looks like markup (`x<y`, `<p_T>`, `$5 and $6`) stays.
"""

from __future__ import annotations

import html
import re
import unicodedata
from dataclasses import dataclass, field

from newsletter.collector.text.marks import AFTER_ADDRESS, BOLD, ENDS, ITALIC, LINK, SUB, SUP
from newsletter.collector.text.markup import without_tags
from newsletter.collector.text.normal_forms import normalized
from newsletter.collector.text.repair import mended, repaired
from newsletter.collector.text.tex import TEXY, read_tex
from newsletter.collector.text.urls import address

TITLE_LIMIT = 1_000  #: characters kept of a title
ABSTRACT_LIMIT = 20_000  #: characters kept of an abstract
LONGEST_SCRIPT = 200  #: characters; anything longer in <sub> is a paragraph in small print
DEEPEST = 40  #: marks within marks

ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
#: C0, C1, soft hyphen, zero-width space, marks and overrides of direction, tag characters, lone surrogates
HIDDEN = re.compile(
    "[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\xad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f\ud800-\udfff]"
)
MARK = re.compile("([\x01-\x05\x0e-\x13])")
STARTS = {end: start for start, end in ENDS.items()}
NAMES = {SUP: "sup", SUB: "sub", ITALIC: "i", BOLD: "b"}
_RAISED = dict(
    zip(
        "0123456789+-−=()abcdefghijklmnoprstuvwxyzABDEGHIJKLMNOPRTUVWβγδθφχ∘′*⊤†‡",
        "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻⁻⁼⁽⁾ᵃᵇᶜᵈᵉᶠᵍʰⁱʲᵏˡᵐⁿᵒᵖʳˢᵗᵘᵛʷˣʸᶻᴬᴮᴰᴱᴳᴴᴵᴶᴷᴸᴹᴺᴼᴾᴿᵀᵁⱽᵂᵝᵞᵟᶿᵠᵡ°′*ᵀ†‡",
        strict=True,
    )
)
_LOWERED = dict(
    zip("0123456789+-−=()aehijklmnoprstuvxβγρφχ∥⊥", "₀₁₂₃₄₅₆₇₈₉₊₋₋₌₍₎ₐₑₕᵢⱼₖₗₘₙₒₚᵣₛₜᵤᵥₓᵦᵧᵨᵩᵪ∥⊥", strict=True)
)


@dataclass(frozen=True, slots=True)
class Text:
    """One title or abstract, cleaned."""

    text: str
    html: str = ""  #: safe by construction; "" where it would be the escaped text and nothing more
    cut: bool = False


def cleaned(raw: str, limit: int) -> Text:
    """Both readings of at most `limit` characters; what is cut has no HTML, so no tag can stay open."""
    text, marks = _read(raw[: 4 * limit])
    if len(text) <= limit and len(raw) <= 4 * limit:
        return Text(text, marks)
    head = text[: limit - 1]
    return Text((head.rpartition(" ")[0] or head) + "…", cut=True)


def bounded(raw: str, limit: int) -> tuple[str, bool]:
    """Readable text of at most `limit` characters, and whether something was cut."""
    found = cleaned(raw, limit)
    return found.text, found.cut


def readable(raw: str) -> str:
    """The text as a person would read it. Linear in the length of `raw`."""
    return _read(raw)[0]


def safe_html(raw: str) -> str:
    """The same as HTML with balanced <sub>, <sup>, <i>, <b> and <a href="http…">, everything else escaped."""
    text, marks = _read(raw)
    return marks or html.escape(text)


def plain(raw: str) -> str:
    """One line in NFC without hidden characters, otherwise untouched: for ids, names of sources, messages."""
    text = " ".join(raw.split())
    if text.isascii() and text.isprintable():
        return text
    return " ".join(normalized("NFC", HIDDEN.sub("", text)).split())


def script(mark: str, text: str) -> str:
    """A script as plain text: x², or M_⊙ and x^(a.b) where Unicode has not every character of it."""
    table = _RAISED if mark == "^" else _LOWERED
    if all(character in table for character in text) and sum(map(str.isalpha, text)) <= LONGEST_SCRIPT:
        return "".join(table[character] for character in text)
    return f"{mark}{text}" if len(text) == 1 else f"{mark}({text})"


def _read(raw: str) -> tuple[str, str]:
    """Text, and HTML if it has any tag."""
    folded = text = plain(mended(raw))
    if "<" in text:
        text = without_tags(text)
    if "&" in text:
        text = ENTITY.sub(_character, text)
    text = repaired(text)
    if TEXY.search(text):
        text = read_tex(text)
    if MARK.search(text):
        return _render(text)
    return (text if text is folded else plain(text)), ""


def _character(match: re.Match[str]) -> str:
    return HIDDEN.sub("", html.unescape(match[0]))


@dataclass(slots=True)
class _MarkedSpan:
    """The text between a mark and its end, as plain text and as HTML."""

    kind: str = ""
    text: list[str] = field(default_factory=list)
    html: list[str] = field(default_factory=list)
    address: str = ""

    def add(self, text: str, html: str) -> None:
        self.text.append(text)
        self.html.append(html)


def _render(marks: str) -> tuple[str, str]:
    """Plain text and HTML of marked text.

    Marks may come in any order: one without a partner is left out, its text stays.
    """
    pieces = [_MarkedSpan()]
    for part in MARK.split(marks):
        if part in NAMES or part == LINK:
            if len(pieces) < DEEPEST:
                pieces.append(_MarkedSpan(part))
        elif part in STARTS:
            _end(pieces, STARTS[part])
        elif part == AFTER_ADDRESS:
            _address(pieces[-1])
        elif part:
            pieces[-1].add(part, _escaped(part))
    while len(pieces) > 1:
        _unwrap(pieces)
    return plain("".join(pieces[0].text)), " ".join("".join(pieces[0].html).split())


def _escaped(text: str) -> str:
    """Escaped text. A combining character must not join the `>` of a tag before it, as U+0338 would."""
    found = normalized("NFC", text)
    escaped = html.escape(found)
    return f"&#{ord(found[0])};{escaped[1:]}" if unicodedata.combining(found[0]) else escaped


def _address(piece: _MarkedSpan) -> None:
    if piece.kind == LINK and not piece.address:
        piece.address = "".join(piece.text)
        piece.text.clear()
        piece.html.clear()


def _unwrap(pieces: list[_MarkedSpan]) -> None:
    """The last piece becomes plain text of the one around it, with the address that a link had."""
    piece = pieces.pop()
    pieces[-1].add(*_link("".join(piece.text), "".join(piece.html), piece.address, nested=True))


def _end(pieces: list[_MarkedSpan], kind: str) -> None:
    if all(piece.kind != kind for piece in pieces):
        return
    while pieces[-1].kind != kind:
        _unwrap(pieces)
    piece = pieces.pop()
    text, inside = "".join(piece.text), "".join(piece.html)
    if kind == LINK:
        nested = any(around.kind == LINK for around in pieces)
        pieces[-1].add(*_link(text, inside, piece.address, nested=nested))
    else:
        pieces[-1].add(*_styled(kind, text, inside))


def _styled(kind: str, text: str, inside: str) -> tuple[str, str]:
    raised = kind in (SUB, SUP)
    if not text.strip() or (raised and len(text) > LONGEST_SCRIPT):
        return text, inside
    shown, marks = (script("^" if kind == SUP else "_", text.strip()), inside.strip()) if raised else (text, inside)
    return shown, f"<{NAMES[kind]}>{marks}</{NAMES[kind]}>"


def _link(text: str, inside: str, target: str, *, nested: bool) -> tuple[str, str]:
    shown = text if target in text else f"{text} ({target})"
    href = "" if nested else address(target)
    if not href:
        return shown, inside if shown == text else f"{inside} ({html.escape(target)})"
    return shown, f'<a href="{html.escape(href)}">{inside if text.strip() else html.escape(target)}</a>'
