r"""Puts back what was lost on the way: the backslashes and dollars of TeX, and UTF-8 that was read as Latin-1.

Only where English cannot be meant: `2.4times` and `64 times 64` are products, "four times as fast" is not; `sigma_0` is
a letter, "the alpha beta test" has words. Signs are put in place; scripts and braces are left to `tex.py`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple

from newsletter.collector.text.tex_tables import GREEK, SYMBOLS

#: words of no language that papers are written in
_ODD = """cdot cdots geq geqslant gtrsim infty langle ldots leftarrow leftrightarrow leq leqslant lesssim longrightarrow
mapsto neq otimes propto rangle rightarrow Leftarrow Leftrightarrow Rightarrow simeq subseteq supseteq varepsilon varphi
varrho varsigma vartheta"""
ODD = _ODD.split()
LETTERS = [*GREEK, *(name.capitalize() for name in GREEK), "ell", "hbar", "varepsilon", "varphi", "vartheta"]
SIGNS = ("parallel", "perp", "odot", "oplus", "infty")  #: seen as `W_perp`
RAISED = ("ast", "dagger", "prime", "circ")  #: seen as `90^circ`; below the line they are words
COMMANDS = """mathcal mathbb mathbf mathrm mathsf mathit mathfrak mathscr boldsymbol operatorname textbf textit texttt
textsc textrm emph sqrt frac overline widehat widetilde"""
BEHIND = 300  #: characters looked at for the start of an address
IN_ADDRESS = re.compile(r"://\S*$")
COMMANDED = re.compile(r"\\[A-Za-z]+\*?$")


def _any(names: Iterable[str]) -> str:
    return f"(?:{'|'.join(sorted(set(names), key=lambda name: (-len(name), name)))})"


def _shortest(names: Iterable[str]) -> tuple[str, ...]:
    """The names without those that have another of them inside."""
    found = tuple(names)
    return tuple(name for name in found if not any(other in name and other != name for other in found))


def _sign(match: re.Match[str]) -> str:
    """The sign for the only name in the match; what stands around it stays."""
    return NAME.sub(lambda name: SYMBOLS[name[0]], match[0])


def _spaced(_: re.Match[str]) -> str:
    return " ≈"


def _nothing(_: re.Match[str]) -> str:
    return ""


def _in_braces(match: re.Match[str]) -> str:
    return f"{{{match[0]}}}"


def _command(match: re.Match[str]) -> str:
    return "\\" + match[0]


def _script(match: re.Match[str]) -> str:
    return f"{match[0][0]}{{{SYMBOLS[match[0][1:]]}}}"


def _braced(match: re.Match[str]) -> str:
    """`{alpha}` alone; in `\\emph{alpha}` it is a word."""
    return match[0] if COMMANDED.search(match.string, max(0, match.start() - 30), match.start()) else _sign(match)


def _names_in_script(match: re.Match[str]) -> str:
    known = IN_SCRIPTS[match[0][0]]
    return NAME.sub(lambda name: SYMBOLS[name[0]] if name[0] in known else name[0], match[0])


class Repair(NamedTuple):
    """One way to put a sign back."""

    hints: tuple[str, ...]  #: one of these is in any text that the pattern matches
    pattern: str
    mend: Callable[[re.Match[str]], str]


NAME = re.compile(r"[A-Za-z]+")
IN_SCRIPTS = {"_": {*ODD, *LETTERS, *SIGNS}, "^": {*ODD, *LETTERS, *SIGNS, *RAISED}}
ALONE = r"(?<![^\W_])(?<!&)"  #: before a letter that is no part of a word, nor of "R&D"
FOLLOWED = rf"(?=[_^](?:\{{|[^\W_](?!\w)|\d+(?!\w)|{_any(SIGNS)}(?!\w)))"  #: by a script that is none of a longer name
RULES = (
    # 2.4times, 300times-2500times; 64 times 64; Htimes W; n times n
    Repair(("times",), r"times(?<=[\d}]times)(?![^\W\d_])|times(?<=\d times)(?= \d)", _sign),
    Repair(("times",), rf"times(?<={ALONE}[A-Za-z]times)(?= ?[A-Z\d](?![^\W\d_]))", _sign),
    Repair(("times",), rf"times(?<={ALONE}([b-zB-HJ-Z]) times)(?= \1(?!\w))", _sign),
    # 2.36sim 8.02, but real2sim2real; 0.52pm0.01; Re_{tau}approx 180; N approx 180
    Repair(("sim",), r"sim(?<=[\d}]sim)(?<![A-Za-z]\dsim)(?= ?\d)|sim(?<=\d sim)(?= \d)", _sign),
    Repair(("pm",), r"\d\.\d+ ?pm(?= ?\d+\.\d)", _sign),
    Repair(("approx",), r"approx(?<=[\d)}]approx)(?= ?\d)", _spaced),
    Repair(("approx",), rf"approx(?<={ALONE}[b-zB-HJ-Z] approx)(?= \d)", _sign),
    # M geq d^2; }simeq 10; {cdotZ
    Repair(_shortest(ODD), rf"(?<![\w'\"“‘`./\\]){_any(ODD)}(?![\w'\"”’(])|(?<=[}})]){_any(ODD)}(?![A-Za-z])", _sign),
    Repair(("{cdot",), r"\{cdot(?=[A-Z])", _sign),
    # Theta(Nd), then sigma_0 and chi^2
    Repair(("Theta(", "Omega("), r"(?<![\w./\\])(?:Theta|Omega)(?=\()", _sign),
    Repair(("_", "^"), rf"(?<![^\W\d])(?<![./\\]){_any(LETTERS)}{FOLLOWED}", _sign),
    # {rm inj}; _{bf x}; _{mu nu}; {alpha}
    Repair(("{rm ",), r"(?<=\{)rm (?=[^\W_])", _nothing),
    Repair(("_{", "^{"), r"(?<=[_^]\{)(?:bf|it|sf|tt|cal|text|mathrm) (?=[^\W_])", _nothing),
    Repair(("_{", "^{"), r"[_^]\{[\w ,+=-]{1,40}\}", _names_in_script),
    Repair(("{",), rf"(?<![_^$])\{{{_any([*ODD, *LETTERS, 'times', 'sim', 'approx', 'pm'])}\}}", _braced),
    # W_perp, 90^circ; the script of m_ec^2 ends before the c
    Repair(("_", "^"), rf"[_^](?<=(?<![^\W\d])[^\W\d_][_^]){_any(SIGNS)}(?!\w)", _script),
    Repair(("^",), rf"(?<=\w)\^{_any(RAISED)}(?!\w)", _script),
    Repair(("_",), r"(?<=_)(?<=(?<![^\W\d])[A-Za-z]_)[A-Za-z](?=[A-Za-z]\^\d)", _in_braces),
    # mathcal{O}, hat{x}, url{https://…}
    Repair(("{",), rf"(?<![A-Za-z\\]){_any(COMMANDS.split())}(?=\{{)", _command),
    Repair(("hat{", "tilde{", "bar{", "vec{"), r"(?<![A-Za-z\\])(?:hat|tilde|bar|vec)(?=\{[A-Za-z]\})", _command),
    Repair(("{http",), r"(?<![A-Za-z\\])(?:url|href)(?=\{https?://)", _command),
)
"""In this order: what one puts back another may look for."""

_WESTERN = {
    ord(bytes([byte]).decode("cp1252")): byte for byte in range(0x80, 0xA0) if byte not in b"\x81\x8d\x8f\x90\x9d"
}
_SIGNLIKE = "‘’“”•–—™…\xa0¡¨ª«°´·º»¿"  #: may stand behind a capital letter
#: Ã, Â and â€ as only the bytes of another letter give them
GARBLED = re.compile(
    rf"Ã(?![{_SIGNLIKE}])[\x80-\xbf{''.join(map(chr, _WESTERN))}]|Ã[{_SIGNLIKE}](?=[A-Za-z])|(?<=[a-z])Ã[{_SIGNLIKE}]"
    r"|(?<![A-Z])Â[\xa0-\xbf]|â€|Î[±-¿]|Ï[€‚ƒ„†‡ˆ‰]"
)
TOKEN = re.compile(r"[^ \t\r\n]+")


def repaired(text: str) -> str:
    """One line of text with the signs that lost their backslash. Linear; addresses stay as they are."""
    for hints, pattern, mend in STEPS:
        for hint in hints:
            if hint in text:
                text = pattern.sub(mend, text)
                break
    return text


def _mend(mend: Callable[[re.Match[str]], str], match: re.Match[str]) -> str:
    start = match.start()
    return match[0] if IN_ADDRESS.search(match.string[max(0, start - BEHIND) : start]) else mend(match)


STEPS = tuple((rule.hints, re.compile(rule.pattern), partial(_mend, rule.mend)) for rule in RULES)


def mended(raw: str) -> str:
    """Text with `SchrÃ¶dinger` as Schrödinger: words that are UTF-8 read as Latin-1 from end to end. SÃO stays."""
    return raw if raw.isascii() or not GARBLED.search(raw) else TOKEN.sub(_ungarbled, raw)


def _ungarbled(match: re.Match[str]) -> str:
    if not GARBLED.search(match[0]):
        return match[0]
    try:
        found = match[0].translate(_WESTERN).encode("latin-1").decode("utf-8")
    except UnicodeError:
        return match[0]
    return match[0] if re.search("[\x80-\x9f]", found) else found
