"""A feed broken in too many places, written anew: each item by itself, each of its children as plain text.

Only what stands between a child's own tags counts, so one tag that is never closed ("a<br>b") costs nothing. Linear: a
tag that is missing is looked for once in an item.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from xml.sax.saxutils import quoteattr

CHILDREN = """title link description summary content content:encoded guid id pubdate published updated dc:title dc:date
dc:creator dc:identifier dc:description dc:source dc:subject category author prism:doi prism:publicationname
arxiv:announce_type arxiv:comment arxiv:doi arxiv:journal_ref enclosure media:content media:thumbnail"""
KNOWN = frozenset(CHILDREN.split())
NAMESPACES = {
    "xmlns:dc": "http://purl.org/dc/elements/1.1/",
    "xmlns:content": "http://purl.org/rss/1.0/modules/content/",
    "xmlns:prism": "http://prismstandard.org/namespaces/basic/2.0/",
    "xmlns:media": "http://search.yahoo.com/mrss/",
    "xmlns:arxiv": "http://arxiv.org/schemas/atom",
}
HEAD = 10_000  #: characters in which namespaces are declared
NAMESPACE = re.compile(r"(xmlns(?::[A-Za-z][\w.-]{0,60})?)\s?=\s?(?:\"([^\"<>&]{1,500})\"|'([^'<>&]{1,500})')")
START = re.compile(r"<(item|entry)(?=[\s>])", re.IGNORECASE)
TAG = re.compile(r"<([A-Za-z][\w:.-]{0,60})(\s[^<>]{0,4000})?(?<!/)(/?)>")
ATTRIBUTE = re.compile(r"\s([a-z]{1,30})\s?=\s?(?:\"([^\"<>]{0,2000})\"|'([^'<>]{0,2000})')")


def written_anew(text: str, root: str) -> str:
    """A well-formed document with the children that could be told apart; `root`: the name of the outermost element."""
    declared = NAMESPACES | {name: max(values) for name, *values in NAMESPACE.findall(text[:HEAD])}
    names = "".join(f" {name}={quoteattr(address)}" for name, address in declared.items())
    inner = ("<channel>", "</channel>") if root.lower() == "rss" else ("", "")
    return f"<{root}{names}>{inner[0]}{''.join(_items(text))}{inner[1]}</{root}>"


def _items(text: str) -> Iterator[str]:
    starts = list(START.finditer(text))
    ends = [start.start() for start in starts[1:]] + [len(text)]
    for start, most in zip(starts, ends, strict=True):
        end = text.find(f"</{start[1]}", start.end(), most)
        children = "".join(_children(text[start.end() : end if end >= 0 else most]))
        yield f"<{start[1]}>{children}</{start[1]}>"


def _children(item: str) -> Iterator[str]:
    place, missing = 0, set[str]()
    while tag := TAG.search(item, place):
        name, place = tag[1], tag.end()
        if name.lower() not in KNOWN or name.lower() in missing:
            continue
        end = place if tag[3] else item.find(f"</{name}>", place)
        if end < 0:
            missing.add(name.lower())
            continue
        yield f"<{name}{_attributes(tag[2] or '')}>{_content(item[place:end])}</{name}>"
        place = end


def _attributes(text: str) -> str:
    found = {name: max(values) for name, *values in ATTRIBUTE.findall(text)}  # the other kind of quotes holds nothing
    return "".join(f" {name}={quoteattr(unescape(value))}" for name, value in found.items())


def _content(raw: str) -> str:
    """What stands there, as text."""
    plain = raw.strip()
    if plain.startswith("<![CDATA[") and plain.endswith("]]>"):
        raw = plain[9:-3].replace("&", "&amp;")
    return raw.replace("<", "&lt;").replace(">", "&gt;")
