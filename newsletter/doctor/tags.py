"""Tag lists, "v=DMARC1; p=none": the form of DKIM, DMARC, MTA-STS and TLS-RPT records.

Not `dkim.util.parse_tag_value`: `v=DMARC1;; p=none` we read as v and p, and it refuses the whole.
"""

from __future__ import annotations

import re

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
BLANKS = " \t\r\n"


def read_tags(text: str) -> dict[str, str]:
    """Read a tag list: names in lower case, in their order; blanks around names and values go. Raises ValueError."""
    found: dict[str, str] = {}
    for part in text.split(";"):
        if not part.strip(BLANKS):
            continue
        name, sign, value = (piece.strip(BLANKS) for piece in part.partition("="))
        if not sign or not _NAME.fullmatch(name):
            raise ValueError(f'"{part.strip()[:40]}" is not of the form name=value')
        if name.lower() in found:
            raise ValueError(f"{name}= stands there twice")
        found[name.lower()] = value
    return found
