r"""TeX as it stands in titles and abstracts, to Unicode with marks: tables, and one small recursive reader.

`$…$` is math unless it looks like money. Outside math a script needs a single letter, a digit, `)` or `}` before it.
An unknown macro keeps its name and its argument: no word is ever dropped. Scripts, italics, bold and links become
control characters around their text, which no input has; `html.py` turns these into plain text and into HTML.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from contextlib import suppress

from newsletter.collector.text.urls import LONGEST, is_address, without_debris

#: what opens a marked piece of text, and what ends it; the address of a link stands first, up to AFTER_ADDRESS
SUP, SUB, ITALIC, BOLD, LINK = "\x01\x02\x03\x04\x05"
ENDS = dict(zip("\x01\x02\x03\x04\x05", "\x0e\x0f\x10\x11\x12", strict=True))
AFTER_ADDRESS = "\x13"
OPENERS, CLOSERS = "".join(ENDS), "".join(ENDS.values())

TEXY = re.compile(r"[\\$^_{}~]|--|``")
MATH = re.compile(
    r"\$\$([^$]+)\$\$"
    r"|(?<!\\)\$(?![\s$])((?:\\.|[^$\\])++)(?<!\s)\$"
    r"|\\\(((?:\\[^()]|[^\\])+?)\\\)"
    r"|\\\[((?:\\[^\[\]]|[^\\])+?)\\\]"
)
CERTAIN = re.compile(r"[\\^_={}]")  #: no price has these
URL = r"https?://[^\s\\{}<>\"\x01-\x13]+"
ATOM = re.compile(rf"\\(?:[A-Za-z]+|.)|{URL}|[{{}}^_~]|(?:(?!https?://)[^\\{{}}^_~])+|\\", re.DOTALL)
DASHES = re.compile(rf"{URL}|(?<=[\w)\]%”’.,{CLOSERS}])---?(?=[\w(\[“‘{OPENERS}])|(?<=\s)---?(?=\s)")
QUOTES = re.compile(r"``((?:(?!``|'').)+)''")
MACRO = re.compile(r"\\[A-Za-z]")
LONE = re.compile(rf"(?:^|[\W\d_])[^\W\d_][{CLOSERS}]*$|\)$")  # N^2, but not Net^2
DIGITS = re.compile(r"[+-]?\d")
SIMPLE = re.compile(r"[\w.\x01-\x13]*")
ALONE = re.compile(r"(?:[^\W_]|[*+-])(?!\w)")
TIED = re.compile(r"(?:\.|[^\W\d_]{2})$")  # "Fig.~3", "et~al"; but "10X~20X" and "~2x" mean "about"
NUMBERED = re.compile(r"\b(?:alg|app|ch|eq|eqs|fig|figs|no|ref|sec|tab|theorem|vol)[a-z]*\.?$", re.IGNORECASE)
SHORT, LONG = 8, 40  #: atoms and characters of an argument that is no text
DEEPEST = 40  #: braces within braces; deeper ones are text

_GREEK = "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma tau upsilon"
_GREEK += " phi chi psi omega"
GREEK = dict(
    zip(
        _GREEK.split(),
        "αβγδεζηθικλμνξοπρστυφχψω",
        strict=True,
    )
)
_PAIRS = r"""
cdot · times × div ÷ pm ± mp ∓ leq ≤ le ≤ leqslant ≤ geq ≥ ge ≥ geqslant ≥ neq ≠ ne ≠ approx ≈ sim ∼ simeq ≃ cong ≅
equiv ≡ propto ∝ ll ≪ gg ≫ lesssim ≲ gtrsim ≳ prec ≺ succ ≻ in ∈ notin ∉ ni ∋ subset ⊂ subseteq ⊆ supset ⊃ supseteq ⊇
cup ∪ cap ∩ bigcup ⋃ bigcap ⋂ setminus ∖ emptyset ∅ varnothing ∅ forall ∀ exists ∃ neg ¬ land ∧ wedge ∧ lor ∨ vee ∨
to → rightarrow → longrightarrow → leftarrow ← leftrightarrow ↔ Rightarrow ⇒ Leftarrow ⇐ Leftrightarrow ⇔ iff ⇔
implies ⇒ mapsto ↦ hookrightarrow ↪ uparrow ↑ downarrow ↓ infty ∞ partial ∂ nabla ∇ sum ∑ prod ∏ int ∫ oint ∮ iint ∬
odot ⊙ oplus ⊕ otimes ⊗ ominus ⊖ circ ∘ bullet • ast ∗ star ⋆ dagger † ddagger ‡ perp ⊥ parallel ∥ mid ∣ angle ∠
triangle △ square □ Box □ langle ⟨ rangle ⟩ lceil ⌈ rceil ⌉ lfloor ⌊ rfloor ⌋ Vert ‖ lVert ‖ rVert ‖ | ‖ vert | lvert |
rvert | ell ℓ hbar ℏ aleph ℵ top ⊤ bot ⊥ vdash ⊢ models ⊨ dots … ldots … cdots ⋯ vdots ⋮ ddots ⋱ prime ′
degree ° textdegree ° S § P ¶ copyright © pounds £ euro € ss ß ae æ AE Æ oe œ OE Œ o ø O Ø l ł L Ł aa å AA Å i ı j ȷ
dh ð th þ micro µ textmu µ textasciitilde ~ textasciicircum ^ textbackslash \ backslash \ textunderscore _ textendash –
textemdash — textregistered ® texttrademark ™ checkmark ✓ lbrace { rbrace } varepsilon ε vartheta ϑ varphi φ varpi ϖ
varrho ϱ varsigma ς % % & & # # $ $ _ _ { { } } ( ( ) ) [ [ ] ]
"""
_SPACES = r"""\ , ; : > quad qquad space newline linebreak par item hfill enspace thinspace noindent"""
_SILENT = """! - / @ left right middle big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr displaystyle textstyle
scriptstyle limits nolimits rm bf it sf tt sc em cal boldmath unboldmath protect xspace centering"""
SYMBOLS = (
    GREEK
    | {name.capitalize(): letter.upper() for name, letter in GREEK.items()}
    | dict(zip(_PAIRS.split()[::2], _PAIRS.split()[1::2], strict=True))
    | dict.fromkeys([*_SPACES.split(), " "], " ")
    | dict.fromkeys(_SILENT.split(), "")
)
MARKS = dict(
    zip(
        "\"'`^~=.uvHckrdb",
        "\u0308\u0301\u0300\u0302\u0303\u0304\u0307\u0306\u030c\u030b\u0327\u0328\u030a\u0323\u0331",
        strict=True,
    )
)
_HATS = "hat widehat tilde widetilde bar overline vec dot ddot acute grave breve check mathring"
HATS = dict(
    zip(
        _HATS.split(),
        "\u0302\u0302\u0303\u0303\u0304\u0304\u20d7\u0307\u0308\u0301\u0300\u0306\u030c\u030a",
        strict=True,
    )
)
STYLES = {"emph": ITALIC, "textit": ITALIC, "textsl": ITALIC, "textbf": BOLD}
STYLES |= {"textsuperscript": SUP, "textsubscript": SUB}
WRAPPERS = """texttt textrm textsc textsf textup textnormal textmd text mathrm mathbf mathit
mathsf mathtt mathnormal mathop mathbin mathrel operatorname mbox hbox fbox bm boldsymbol pmb underline uline
ensuremath underbrace overbrace lowercase num unit si centerline"""
DROPPED = "begin end hspace vspace label color vskip hskip"  #: with their argument, which is no text
CITED = "cite citep citet citealp citeauthor citeyear ref eqref autoref cref Cref"
ALPHABETS = dict.fromkeys(("mathbb", "mathds", "Bbb"), "DOUBLE-STRUCK") | {"mathfrak": "FRAKTUR"}
ALPHABETS |= dict.fromkeys(("mathcal", "mathscr"), "SCRIPT")
SIGNS = {"∘": "°", "°": "°", "′": "′", "′′": "″", "″": "″"}  #: raised as they are


def read_tex(text: str) -> str:
    """Unicode with marks, for a line of text with TeX in it; marks in it stay."""
    pieces, done = [], 0
    for match in MATH.finditer(text):
        inside = next(group for group in match.groups() if group is not None)
        pieces.append(_Reader(text[done : match.start()]).read())
        money = _is_money(inside, text[match.end() : match.end() + 1])
        pieces.append(match[0] if money else _Reader(inside, math=True).read())
        done = match.end()
    pieces.append(_Reader(text[done:]).read())
    return _typeset("".join(pieces))


def marked(kind: str, inside: str, address: str = "") -> str:
    """A piece of text that is SUP, SUB, ITALIC, BOLD or LINK."""
    return f"{kind}{address + AFTER_ADDRESS if kind == LINK else ''}{inside}{ENDS[kind]}"


def _is_money(inside: str, follows: str) -> bool:
    """Prices, in `$5 m to US$ 6 m` and `$5-$6`, are no math."""
    return not CERTAIN.search(inside) and (follows.isdigit() or (inside[0].isdigit() and " " in inside))


def _typeset(text: str) -> str:
    if "``" in text:
        text = QUOTES.sub(r"“\1”", text)
    if "--" not in text:
        return text
    return DASHES.sub(lambda match: {"--": "–", "---": "—"}.get(match[0], match[0]), text)


def _ends_word(before: str) -> bool:
    return before.rstrip(CLOSERS)[-1:].isalnum()


class _Reader:
    """Reads one stretch of text, all math or all prose."""

    def __init__(self, text: str, *, math: bool = False) -> None:
        self.atoms: list[str] = ATOM.findall(text)
        self.at = 0
        self.math = math
        self.depth = 0

    def read(self) -> str:
        """Up to the brace that closes the group we are in, or the end; a stray closing brace is text."""
        parts: list[str] = []
        while self.at < len(self.atoms):
            atom = self._next()
            if atom == "}" and self.depth:
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
        return self._tilde(before) if atom == "~" else atom

    def _next(self) -> str:
        self.at += 1
        return self.atoms[self.at - 1]

    def _peek(self) -> str:
        return self.atoms[self.at] if self.at < len(self.atoms) else ""

    def _group(self) -> str:
        self.depth += 1
        inside = self.read()
        self.depth -= 1
        return inside

    def _braced(self, before: str) -> str:
        """Braces that no macro asked for: markup, but for sets in prose and debris behind a link."""
        if self.depth >= DEEPEST:
            return "{"
        inside = self._group()
        if self.math:
            return inside
        if "," in inside:
            return f"{{{inside}}}"
        return f" {inside}" if "://" in before else inside

    def _argument(self, pattern: str = ".") -> str:
        """A braced group, a macro, or what `pattern` finds at the start of the text that follows."""
        atom = self._peek()
        if atom in ("", "}", "^", "_", "~") or self.depth >= DEEPEST:
            return ""
        if atom != "{" and atom[0] != "\\":
            return self._bite(atom, pattern)
        self.at += 1
        return self._group() if atom == "{" else self._inner_macro(atom)

    def _bite(self, atom: str, pattern: str) -> str:
        match = re.match(rf"\s*({pattern})", atom, re.DOTALL)
        if not match:
            return ""
        self.atoms[self.at] = atom[match.end() :]
        self.at += not self.atoms[self.at]
        return match[1]

    def _inner_macro(self, atom: str) -> str:
        self.depth += 1
        inside = self._macro(atom[1:], "")
        self.depth -= 1
        return inside

    def _verbatim(self) -> str:
        """The characters of a braced argument, unread: addresses and keys."""
        if self._peek() != "{":
            return ""
        self.at += 1
        parts: list[str] = []
        while self.at < len(self.atoms) and (atom := self._next()) != "}":
            parts.append(atom[1:] if atom[0] == "\\" and len(atom) == 2 else atom)
        return "".join(parts)

    def _script(self, mark: str, before: str) -> str:
        if not (self.math or self._takes_script(mark, before)):
            return mark
        braced = self._peek() == "{"
        text = self._argument(r"[+-]?\d+|.")
        if mark == "^" and text.strip() in SIGNS:
            return SIGNS[text.strip()]
        return marked(SUP if mark == "^" else SUB, text) if text.strip() or braced else mark + text

    def _takes_script(self, mark: str, before: str) -> bool:
        """Whether `^` or `_` in prose is TeX (N^2, x_{max}) and not part of a name (max_len, a_b_c)."""
        behind, follows = self.atoms[self.at - 2] if self.at > 1 else "", self._peek()
        after_braces = behind == "}" or bool(MACRO.match(behind))
        if follows == "{" or MACRO.match(follows):
            return after_braces or _ends_word(before) or before[-1:] in (")", "]")
        if not (after_braces or LONE.search(before) or (mark == "^" and before[-1:].isdigit())):
            return False
        return bool(DIGITS.match(follows)) or (bool(ALONE.match(follows)) and not self._name_goes_on(follows))

    def _name_goes_on(self, follows: str) -> bool:
        return len(follows) == 1 and self.atoms[self.at + 1 : self.at + 2] in (["_"], ["~"])

    def _tilde(self, before: str) -> str:
        follows = self._peek()
        if self.math or follows[:1] == "\\":
            return " "
        tied = NUMBERED.search(before) if follows[:1].isdigit() else follows[:1].isalpha() and TIED.search(before)
        return " " if tied else "~"

    def _macro(self, name: str, before: str) -> str:
        if not name:
            return "\\"
        if name in SYMBOLS:
            return SYMBOLS[name]
        if name in MARKS:
            return self._accent(name)
        if name in COMMANDS:
            return COMMANDS[name](self, name)
        return self._unknown(name, before)

    def _accent(self, name: str) -> str:
        if name.isalpha() and self._peek()[:1] not in ("{", " ", "\\"):
            return name
        letter = self._argument() if self._peek()[:1] != " " or name.isalpha() else ""
        bare = letter.lstrip(OPENERS)
        base = {"ı": "i", "ȷ": "j"}.get(bare[:1], bare[:1])
        opened = letter[: len(letter) - len(bare)]
        return opened + base + MARKS[name] + bare[1:] if base.isalpha() else name + letter

    def _unknown(self, name: str, before: str) -> str:
        gap = " " if _ends_word(before) else ""
        if self._peek() != "{":
            return gap + name
        inside = self._argument()
        return f"{gap}{name} {inside}" if inside.strip() else gap + name

    def _wrapped(self, _: str) -> str:
        self.at += self._peek() == "*"
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
        return "".join(_letter(ALPHABETS[name], letter) for letter in self._argument())

    def _address(self, _: str) -> str:
        found = self._verbatim()
        link = without_debris(found) if len(found) <= LONGEST else found
        return marked(LINK, link, link) if is_address(link) else link

    def _anchor(self, _: str) -> str:
        link, words = self._verbatim(), self._argument()
        if is_address(link):
            return marked(LINK, words, link)
        return f"{words} ({link})" if link else words

    def _second(self, _: str) -> str:
        self._skip()
        return self._argument()

    def _note(self, _: str) -> str:
        return f" ({self._argument()})"

    def _cited(self, _: str) -> str:
        return f"[{self._verbatim()}]"

    def _dropped(self, _: str) -> str:
        self._skip()
        return " "

    def _skip(self) -> None:
        """Passes over a braced word that is no text: a key, a colour, a length. Anything longer stays."""
        ahead = self.atoms[self.at : self.at + SHORT]
        end = ahead.index("}") if ahead[:1] == ["{"] and "}" in ahead else 0
        if end and "{" not in ahead[1:end] and len("".join(ahead[:end])) < LONG:
            self.at += end + 1


def _letter(alphabet: str, letter: str) -> str:
    """ℝ and ℒ have names of their own, 𝔼 and 𝒪 are "mathematical"; a letter without either stays."""
    name = f"{alphabet} {'CAPITAL' if letter.isupper() else 'SMALL'} {letter}"
    for known in (name, f"MATHEMATICAL {name}"):
        with suppress(KeyError):
            return unicodedata.lookup(known)
    return letter


_Command = Callable[[_Reader, str], str]
COMMANDS: Mapping[str, _Command] = (
    dict.fromkeys(WRAPPERS.split(), _Reader._wrapped)
    | dict.fromkeys(STYLES, _Reader._styled)
    | dict.fromkeys(HATS, _Reader._hat)
    | dict.fromkeys(("frac", "dfrac", "tfrac", "nicefrac", "sfrac"), _Reader._fraction)
    | dict.fromkeys(ALPHABETS, _Reader._alphabet)
    | dict.fromkeys(DROPPED.split(), _Reader._dropped)
    | dict.fromkeys(CITED.split(), _Reader._cited)
    | {"sqrt": _Reader._root, "url": _Reader._address, "href": _Reader._anchor, "footnote": _Reader._note}
    | dict.fromkeys(("textcolor", "colorbox", "raisebox"), _Reader._second)
)
