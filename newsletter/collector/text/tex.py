r"""TeX as it stands in titles and abstracts, to Unicode with marks: one small recursive reader.

`$…$` is math unless it looks like money (tex_math.py). Outside math a script needs a single letter, a digit, `)` or `}`
before it. An unknown macro keeps its name and its argument: no word is ever dropped. `html.py` turns the marks into
plain text and into HTML.

Why not let pylatexenc read it all: of the titles in our tests it makes `R   D` of `R&D`, `grants of 5 and10 million` of
prices, and nothing of `\texttt{code}` and `\tnti`; `\'\^a` and scripts stay unread, `\href` is an IndexError. Its table
of signs is taken (tex_signs.py).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache

from newsletter.collector.text.marks import CLOSERS, LINK, OPENERS, SUB, SUP, marked
from newsletter.collector.text.normal_forms import normalized
from newsletter.collector.text.tex_atoms import URL, AtomCursor, is_math
from newsletter.collector.text.tex_signs import library_sign
from newsletter.collector.text.tex_tables import (
    ALPHABETS,
    CITED,
    DROPPED,
    HATS,
    MARKS,
    PROSE,
    SIGNS,
    STYLES,
    SYMBOLS,
    WRAPPERS,
)
from newsletter.collector.text.urls import LONGEST, is_address, without_trailing_punctuation

TEXY = re.compile(r"[\\$^_{}~]|--|``|[?!]`|`\w")
DASHES = re.compile(rf"{URL}|(?<=[\w)\]%”’.,{CLOSERS}])---?(?=[\w(\[“‘{OPENERS}])|(?<=\s)---?(?=\s)")
QUOTES = re.compile(r"``((?:(?!``|'').)+)''")
QUOTED = re.compile(r"(?<![\w`])`([^`']+)'(?![\w'])")
SPANISH = re.compile(r"(?<!\w)([?!])`(?=\w)")
COUNT = re.compile(r"(?<=[A-Za-z)\]])\d+")
MACRO = re.compile(r"\\[A-Za-z]")
LONE = re.compile(rf"(?:^|[\W\d_])[^\W\d_][{CLOSERS}]*$|\)$")  # N^2, but not Net^2
DIGITS = re.compile(r"[+-]?\d")
SIMPLE = re.compile(r"[\w.\x01-\x13]*")
ALONE = re.compile(r"(?:[^\W_]|[*+-])(?!\w)")
TIED = re.compile(r"(?:\.|[^\W\d_]{2})$")  # "Fig.~3", "et~al"; but "10X~20X" and "~2x" mean "about"
NUMBERED = re.compile(r"\b(?:alg|app|ch|eq|eqs|fig|figs|no|ref|sec|tab|theorem|vol)[a-z]*\.?$", re.IGNORECASE)
ACCENTS = "".join(MARKS.values())
DEEPEST = 40  #: braces within braces; deeper ones are text


def read_tex(text: str) -> str:
    """Unicode with marks, for a line of text with TeX in it; marks in it stay."""
    return _typeset(_TexReader(text).read())


def _typeset(text: str) -> str:
    if "``" in text:
        text = QUOTES.sub(r"“\1”", text)
    if "`" in text:
        text = SPANISH.sub(lambda match: "¿" if match[1] == "?" else "¡", QUOTED.sub(r"‘\1’", text))
    if "--" not in text:
        return text
    return DASHES.sub(lambda match: {"--": "–", "---": "—"}.get(match[0], match[0]), text)


def _ends_word(before: str) -> bool:
    return before.rstrip(CLOSERS)[-1:].isalnum()


class _TexReader:
    """Reads a stretch of text, all math or all prose."""

    def __init__(self, text: str, *, math: bool = False, depth: int = 0) -> None:
        self.atoms = AtomCursor(text)
        self.math = math
        self.outer = self.depth = depth

    def read(self) -> str:
        """Up to the brace that closes the group we are in, or the end; a stray closing brace is text."""
        parts: list[str] = []
        while not self.atoms.done:
            atom = self.atoms.next()
            if atom == "}" and self.depth > self.outer:
                break
            parts.append(self._piece(atom, parts[-1] if parts else ""))
        return "".join(parts)

    def _piece(self, atom: str, before: str) -> str:
        if atom[0] == "\\":
            return self._macro(atom[1:], before)
        if atom == "{":
            return self._braced(before)
        if atom in "^_":
            return self._script(atom, before)
        if is_math(atom):
            return self._formula(atom)
        return self._tilde(before) if atom == "~" else atom

    def _formula(self, atom: str) -> str:
        return _TexReader(atom[1:], math=True, depth=self.depth + 1).read() if self.depth < DEEPEST else atom[1:]

    def _group(self) -> str:
        self.depth += 1
        inside = self.read()
        self.depth -= 1
        return inside

    def _braced(self, before: str) -> str:
        """Braces that no macro asked for: markup, but for sets in prose and what follows a link."""
        if self.depth >= DEEPEST:
            return "{"
        is_styled = SYMBOLS.get(self.atoms.peek()[1:]) == ""  # {\em i.e.,}
        inside = self._group()
        if self.math or is_styled:
            return inside
        if "," in inside:
            return f"{{{inside}}}"
        return f" {inside}" if "://" in before else inside

    def _argument(self, pattern: str = ".") -> str:
        """A braced group, a macro, or what `pattern` finds at the start of the text that follows."""
        atom = self.atoms.peek()
        if atom in ("", "}", "^", "_", "~") or self.depth >= DEEPEST:
            return ""
        if atom != "{" and atom[0] != "\\" and not is_math(atom):
            return self.atoms.take(pattern)
        self.atoms.next()
        if is_math(atom):
            return self._formula(atom)
        return self._group() if atom == "{" else self._inner_macro(atom)

    def _inner_macro(self, atom: str) -> str:
        self.depth += 1
        inside = self._macro(atom[1:], "")
        self.depth -= 1
        return inside

    def _script(self, mark: str, before: str) -> str:
        if not (self.math or self._takes_script(mark, before)):
            return mark
        braced = self.atoms.peek() == "{"
        text = self._argument(r"[+-]?\d+|.")
        if mark == "^" and text.strip() in SIGNS:
            return SIGNS[text.strip()]
        return marked(SUP if mark == "^" else SUB, text) if text.strip() or braced else mark + text

    def _takes_script(self, mark: str, before: str) -> bool:
        """Whether `^` or `_` in prose is TeX (N^2, x_{max}) and not part of a name (max_len, a_b_c)."""
        behind, follows = self.atoms.before_last(), self.atoms.peek()
        after_braces = behind == "}" or bool(MACRO.match(behind))
        if follows == "{" or MACRO.match(follows):
            return after_braces or _ends_word(before) or before[-1:] in (")", "]")
        if not (after_braces or LONE.search(before) or (mark == "^" and before[-1:].isdigit())):
            return False
        name_goes_on = len(follows) == 1 and self.atoms.after_next() in ("_", "~")
        return bool(DIGITS.match(follows)) or (bool(ALONE.match(follows)) and not name_goes_on)

    def _tilde(self, before: str) -> str:
        """A blank where it ties two words, or a word and math; "about" stays: ~2, ~$10^5$."""
        behind, follows = self.atoms.before_last(), self.atoms.peek()
        between = bool(follows.strip() and before.strip()) and not before[-1:].isspace()
        if self.math or follows[:1] == "\\" or (between and (is_math(behind) or is_math(follows))):
            return " "
        tied = NUMBERED.search(before) if follows[:1].isdigit() else follows[:1].isalpha() and TIED.search(before)
        return " " if tied else "~"

    def _macro(self, name: str, before: str) -> str:
        if not name:
            return "\\"
        if name in SYMBOLS:
            return self._symbol(name)
        if name in MARKS and not (self.math and name == "h"):
            return self._accent(name)
        if name in COMMANDS:
            return COMMANDS[name](self, name)
        return self._unknown(name, before)

    def _symbol(self, name: str) -> str:
        r"""A sign or letter. Names that only prose has take the blank after them along: `S\o rensen`."""
        if name in PROSE and not self.math:
            self.atoms.skip_blank()
        return SYMBOLS[name]

    def _accent(self, name: str) -> str:
        if name.isalpha() and self.atoms.peek()[:1] not in ("{", " ", "\\"):
            return name
        letter = self._argument() if self.atoms.peek()[:1] != " " or name.isalpha() else ""
        bare = letter.lstrip(OPENERS)
        base = {"ı": "i", "ȷ": "j"}.get(bare[:1], bare[:1])
        opened = letter[: len(letter) - len(bare)]
        return opened + _accented(base, MARKS[name], bare[1:]) if base.isalpha() else name + letter

    def _unknown(self, name: str, before: str) -> str:
        if sign := library_sign(name):
            return sign
        gap = " " if _ends_word(before) else ""
        if self.atoms.peek() != "{":
            return gap + name
        inside = self._argument()
        return f"{gap}{name} {inside}" if inside.strip() else gap + name

    def _wrapped(self, _: str) -> str:
        if self.atoms.peek() == "*":
            self.atoms.next()
        return self._argument()

    def _styled(self, name: str) -> str:
        inside = self._argument()
        return marked(STYLES[name], inside) if inside.strip() else inside

    def _hat(self, name: str) -> str:
        inside = self._argument()
        return inside + HATS[name] if len(inside) == 1 else inside

    def _fraction(self, _: str) -> str:
        over, under = self._argument(), self._argument()
        return "/".join(part if SIMPLE.fullmatch(part) else f"({part})" for part in (over, under))

    def _root(self, _: str) -> str:
        inside = self._argument()
        return f"√{inside}" if len(inside) == 1 or inside.isdigit() else f"√({inside})"

    def _alphabet(self, name: str) -> str:
        known = ALPHABETS[name]
        return "".join(_letter(known, sign) if sign.isascii() and sign.isalpha() else sign for sign in self._argument())

    def _address(self, _: str) -> str:
        found = self.atoms.verbatim()
        link = without_trailing_punctuation(found) if len(found) <= LONGEST else found
        return marked(LINK, link, link) if is_address(link) else link

    def _anchor(self, _: str) -> str:
        link, words = self.atoms.verbatim(), self._argument()
        if is_address(link):
            return marked(LINK, words, link)
        return f"{words} ({link})" if link else words

    def _in_math(self, _: str) -> str:
        around, self.math = self.math, True
        inside = self._argument()
        self.math = around
        return inside

    def _first(self, _: str) -> str:
        """The first of two arguments: the second says the same to who reads no TeX."""
        first = self._argument()
        if self.atoms.peek() == "{":
            self._argument()
        return first

    def _second(self, _: str) -> str:
        self.atoms.skip_word()
        return self._argument()

    def _note(self, _: str) -> str:
        return f" ({self._argument()})"

    def _quoted(self, _: str) -> str:
        return f"“{self._argument()}”"

    def _cited(self, _: str) -> str:
        return f"[{self.atoms.verbatim()}]"

    def _dropped(self, _: str) -> str:
        self.atoms.skip_word()
        return " "


def _accented(base: str, mark: str, rest: str) -> str:
    """The letter with one more accent, behind those that it has, or before them where Unicode has a letter for that."""
    letter, *known = list(unicodedata.normalize("NFD", base))
    bare = rest.lstrip(ACCENTS)
    marks = "".join(known) + rest[: len(rest) - len(bare)]
    above, below = (normalized("NFC", letter + found) for found in (marks + mark, mark + marks))
    return (below if len(below) == 1 < len(above) else above) + bare


@cache
def _letter(alphabet: str, letter: str) -> str:
    """ℝ and ℒ have names of their own, 𝔼 and 𝒪 are "mathematical"; a letter without either stays."""
    name = f"{alphabet} {'CAPITAL' if letter.isupper() else 'SMALL'} {letter}"
    for known in (name, f"MATHEMATICAL {name}"):
        with suppress(KeyError):
            return unicodedata.lookup(known)
    return letter


def _chemical(reader: _TexReader, _: str) -> str:
    """A formula of mhchem, where numbers behind an element or a bracket are lowered."""
    return COUNT.sub(lambda match: marked(SUB, match[0]), reader._argument())


_Command = Callable[[_TexReader, str], str]
COMMANDS: Mapping[str, _Command] = (
    dict.fromkeys(WRAPPERS.split(), _TexReader._wrapped)
    | dict.fromkeys(STYLES, _TexReader._styled)
    | dict.fromkeys(HATS, _TexReader._hat)
    | dict.fromkeys(("frac", "dfrac", "tfrac", "nicefrac", "sfrac"), _TexReader._fraction)
    | dict.fromkeys(ALPHABETS, _TexReader._alphabet)
    | dict.fromkeys(DROPPED.split(), _TexReader._dropped)
    | dict.fromkeys(CITED.split(), _TexReader._cited)
    | {"ensuremath": _TexReader._in_math, "texorpdfstring": _TexReader._first, "enquote": _TexReader._quoted}
    | {
        "ce": _chemical,
        "sqrt": _TexReader._root,
        "url": _TexReader._address,
        "href": _TexReader._anchor,
        "footnote": _TexReader._note,
    }
    | dict.fromkeys(("textcolor", "colorbox", "raisebox", "foreignlanguage"), _TexReader._second)
)
