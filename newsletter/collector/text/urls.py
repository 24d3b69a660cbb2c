"""Web addresses found in sources: made absolute, without punctuation behind them, and never anything but http(s)."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, quote, urljoin, urlsplit, urlunsplit

LINK = re.compile(r"https?://[^\s<>\"{}\\|^`\[\]]+", re.IGNORECASE)
CODE_HOST = re.compile(r"(?:[\w-]+\.)*(?:github\.com|gitlab\.[\w.]+|bitbucket\.org|codeberg\.org|gitee\.com|sr\.ht)")
CODE_WORD = re.compile(r"\b(?:codes?|codebase|implementations?|software)\b[^.!?]{0,120}$", re.IGNORECASE)
LONGEST = 2000
BLANKS = "".join(map(chr, range(33)))  #: and controls, around an address
PLAIN = re.compile(r"[!#$%&'()*+,\-./0-9:;=?@A-Z_a-z~]+")  #: an address that is encoded already
KEPT = "!$%&'()*+,-./:;=?@_~"  #: beside letters and digits; `%`, since what is encoded stays as it is
TRACKING = re.compile(r"(?:utm_\w{1,40}|fbclid|gclid|mc_[ce]id)=", re.IGNORECASE)


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
    """An absolute http(s) address, or "" for anything else: nothing, `javascript:`, a name and password, nonsense.

    As browsers do, it reads a backslash as a slash, and encodes what has to be: blanks, `<`, `|`, letters with accents.
    """
    link = raw.strip(BLANKS)
    if not link:
        return ""
    try:
        parts = urlsplit(urljoin(base, _with_slashes(link)) if base else _with_slashes(link))
        if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
            return ""
        whole = urlunsplit(parts)
        if not PLAIN.fullmatch(whole):
            whole = _encoded(parts)
            whole = whole if LINK.fullmatch(whole) else ""
    except ValueError:
        return ""
    return whole if len(whole) <= LONGEST else ""


def _with_slashes(link: str) -> str:
    """Without the backslashes that browsers take for slashes; and with "#" where a DOI of the old form ends in it."""
    if link.endswith(";2-#"):
        link = f"{link[:-1]}%23"
    if "\\" not in link:
        return link
    place = re.split(r"[?#]", link, maxsplit=1)[0]
    return place.replace("\\", "/") + link[len(place) :]


def _encoded(parts: SplitResult) -> str:
    """Raises ValueError where a host or a character can be in no address."""
    host = parts.netloc
    if not host.isascii():
        import idna

        name, colon, port = host.partition(":")
        host = idna.encode(name, uts46=True).decode() + colon + port
    path, query, fragment = (quote(part, safe=KEPT) for part in parts[2:])
    return urlunsplit((parts.scheme, host, path, query, fragment))


def without_tracking(link: str) -> str:
    """What an address has in common with those that lead to the same page.

    These are http and https, with or without a slash at the end, and with what newsletters and networks add to see who
    came from them. What is no address stays as it is.
    """
    if not is_address(link):
        return link
    place, mark, fragment = link.partition("#")
    path, _, query = place.partition("?")
    host, slash, below = path.partition("://")[2].partition("/")
    asked = "&".join(part for part in query.split("&") if part and not TRACKING.match(part))
    shown_part = f"{mark}{fragment}" if fragment else ""
    return f"https://{host.lower()}{slash}{below}".rstrip("/") + (f"?{asked}" if asked else "") + shown_part


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
