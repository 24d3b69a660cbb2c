"""Signs that have a command in TeX, by the table of pylatexenc: textcomp, AMS, Cyrillic and more."""

from __future__ import annotations

import unicodedata
from functools import cache


@cache
def library_sign(name: str) -> str:
    """The one sign or letter that a command stands for, or ""."""
    from pylatexenc.latex2text import get_default_latex_context_db  # type: ignore[import-untyped]

    sign = getattr(get_default_latex_context_db().get_macro_spec(name), "simplify_repl", None)
    return sign if isinstance(sign, str) and len(sign) == 1 and unicodedata.category(sign)[0] in "LNPS" else ""
