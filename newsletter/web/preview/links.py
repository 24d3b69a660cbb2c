"""Every link of a mail: what it is for, and what is wrong with it. Pure; whether it opens is asked elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from newsletter.renderer.accessibility import alike
from newsletter.renderer.html_outline import Outline
from newsletter.web.mail_parts import Parts

_URL = re.compile(r"\b(?:https?://|mailto:)[^\s<>\"]+")
_BRACKETED = re.compile(r"<((?:https?|mailto):[^>]*)>")
_EXAMPLES = ("example", "test", "invalid", "example.org", "example.com", "example.net")
#: purposes of our own pages, by the first words of their path
_OURS = {
    "view": "view in a browser",
    "interests": "interests",
    "unsubscribe": "unsubscribe",
    "confirm": "confirm",
    "more": "more like this",
    "less": "fewer like this",
    "save": "save",
}


@dataclass(frozen=True, slots=True)
class MailLink:
    """One address, wherever it stands in the mail."""

    url: str
    purpose: str
    ours: bool  #: a page of the newsletter itself
    words: tuple[str, ...]  #: its link texts, each once
    places: tuple[str, ...]  #: "html", "text", "headers"
    faults: tuple[str, ...]

    @property
    def askable(self) -> bool:
        """Whether it leads to another site, which can be asked whether it answers."""
        return not self.ours and self.url.startswith(("http://", "https://"))


def mail_links(parts: Parts, page: Outline, base_url: str) -> tuple[MailLink, ...]:
    """Return each address once, in the order in which the mail has them."""
    found: dict[str, list[tuple[str, str, bool]]] = {}
    for place, url, words, image in _seen(parts, page):
        found.setdefault(url, []).append((place, words, image))
    doubled = {anchor.href or "" for anchor in alike(page)}
    return tuple(_link(url, seen, base_url, url in doubled) for url, seen in found.items())


def _seen(parts: Parts, page: Outline) -> Iterator[tuple[str, str, str, bool]]:
    """Yield where it stands, the address, its text, and whether it is an image."""
    yield from (("html", anchor.href, anchor.words, False) for anchor in page.anchors if anchor.href is not None)
    yield from (("html", image.src, image.alt or "", True) for image in page.images)
    yield from (("text", match[0].rstrip(".,;:!?)"), "", False) for match in _URL.finditer(parts.text))
    unfolded = re.sub(r"\n[ \t]+", "", parts.headers)
    yield from (("headers", match[1], "", False) for match in _BRACKETED.finditer(unfolded))


def _link(url: str, seen: list[tuple[str, str, bool]], base_url: str, doubled: bool) -> MailLink:
    page = _page_of_ours(url, base_url)
    return MailLink(
        url=url,
        purpose=_purpose(url, page, all(image for _, _, image in seen)),
        ours=bool(page),
        words=tuple(dict.fromkeys(words for _, words, _ in seen if words)),
        places=tuple(dict.fromkeys(place for place, _, _ in seen)),
        faults=(*_faults(url, bool(page)), *(("the same words lead elsewhere too",) if doubled else ())),
    )


def _page_of_ours(url: str, base_url: str) -> str:
    """Return the purpose of our page, "" for one that is not ours: papers may lie below the same address."""
    if not base_url or not url.startswith(base_url):
        return ""
    path = url.removeprefix(base_url).split("/")
    if path[1:] in ([], [""]):
        return "start" if path[0] == "" else ""
    return _OURS.get(path[3] if path[1] == "feedback" and len(path) > 3 else path[1], "") if path[0] == "" else ""


def _purpose(url: str, page: str, is_image: bool) -> str:
    if is_image:
        return "image"
    return "mail" if url.lower().startswith("mailto:") else page or "outside"


def _faults(url: str, ours: bool) -> Iterator[str]:
    """Yield what is wrong; a wrong `base_url` is reported once, not for each link to it."""
    scheme = re.match(r"([a-zA-Z][a-zA-Z0-9+.-]*):", url)
    if not url.strip():
        yield "is empty"
    elif url.startswith("#"):
        yield "leads to a place in the mail, which many mail programs cannot"
    elif not scheme:
        yield "is relative, and a mail has no address"
    elif scheme[1].lower() not in ("http", "https", "mailto"):
        yield f"is no address on the web: {scheme[1].lower()}:"
    elif scheme[1].lower() == "http" and not ours:
        yield "write https:"


def base_url_faults(base_url: str) -> tuple[str, ...]:
    """Return what is wrong with the address that all links of ours begin with."""
    host = urlsplit(base_url).hostname or ""
    if not host:
        return ("base_url is not set: links to the newsletter's own pages lead nowhere",)
    if _is_local(host):
        return (f"base_url is {base_url}, which only this machine or network can open",)
    if any(host == example or host.endswith(f".{example}") for example in _EXAMPLES):
        return (f"base_url is {base_url}, a name for examples that nobody can open",)
    return () if base_url.startswith("https:") else (f"base_url is {base_url}: write https:",)


def _is_local(host: str) -> bool:
    try:
        return not ip_address(host).is_global
    except ValueError:
        return "." not in host or host.endswith((".localhost", ".local", ".internal", ".lan"))
