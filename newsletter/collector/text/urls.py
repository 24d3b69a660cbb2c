"""Web addresses found in sources: made absolute, without punctuation behind them, and never anything but http(s)."""

from __future__ import annotations

import re
from urllib.parse import urljoin, urlsplit, urlunsplit

LINK = re.compile(r"https?://[^\s<>\"{}\\|^`\[\]]+", re.IGNORECASE)
CODE_HOST = re.compile(r"(?:[\w-]+\.)*(?:github\.com|gitlab\.[\w.]+|bitbucket\.org|codeberg\.org|gitee\.com|sr\.ht)")
CODE_WORD = re.compile(r"\b(?:codes?|codebase|implementations?|software)\b[^.!?]{0,120}$", re.IGNORECASE)
LONGEST = 2000


def is_address(location: str) -> bool:
    """Whether a location is on the web, rather than a file."""
    return location.lower().startswith(("http://", "https://"))


def shown(location: str) -> str:
    """A location as messages may show it: without the user and password of an address."""
    if not is_address(location) or "@" not in location:
        return location
    scheme, _, rest = location.partition("://")
    host = re.split(r"[/?#]", rest, maxsplit=1)[0]
    if "@" not in host and not re.fullmatch(r"[^:]*(?::\d*)?|\[.*", host):
        return f"{scheme}://{rest.rpartition('@')[2]}"  # a slash in the password
    return f"{scheme}://{host.rpartition('@')[2]}{rest[len(host) :]}"


def address(raw: str, base: str = "") -> str:
    """An absolute http(s) address, or "" for anything else: nothing, `javascript:`, a name and password, nonsense."""
    try:
        parts = urlsplit(urljoin(base, raw.strip()) if raw.strip() else "")
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        return ""
    whole = urlunsplit(parts)
    return whole if len(whole) <= LONGEST and LINK.fullmatch(whole) else ""


def without_trailing_punctuation(link: str) -> str:
    """A link from running text without the punctuation that follows it; balanced brackets stay."""
    end, unmatched = len(link), link.count(")") - link.count("(")
    while end and (link[end - 1] in ".,;:!?'*" or (link[end - 1] == ")" and unmatched > 0)):
        end -= 1
        unmatched -= link[end] == ")"
    return link[:end]


def code_link(text: str) -> str:
    """The link to a paper's code in its abstract: on a code host, else one introduced by the word "code"."""
    introduced = ""
    for match in LINK.finditer(text):
        link = address(without_trailing_punctuation(match[0]))
        if link and _on_code_host(link):
            return link
        if link and CODE_WORD.search(text, max(0, match.start() - 150), match.start()):
            introduced = introduced or link
    return introduced


def _on_code_host(link: str) -> bool:
    parts = urlsplit(link)
    return bool(CODE_HOST.fullmatch(parts.hostname or "") and parts.path.strip("/"))
