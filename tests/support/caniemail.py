"""What the mail programs make of a mail's HTML and CSS, by the data of caniemail.com in tests/data/caniemail.json.

    mail ─ signs ─▶ {"<table>", "[align]", "@media", "display:grid", ...} ┐
    data ─ features, each with its signs ────────────────────────────────┴─▶ findings

To renew the data: unpack the npm package caniemail, say `python tests/caniemail.py dist/data/caniemail.json`, and set
the version in `about`.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from html.parser import HTMLParser
from pathlib import Path
from typing import Any, NamedTuple

import tinycss2

DATA = Path(__file__).parents[1] / "data" / "caniemail.json"
FAMILIES = ("gmail", "outlook", "apple-mail", "yahoo")

#: Features whose title does not say what to look for.
SIGNS: dict[str, tuple[str, ...]] = {
    "css-at-media-device-pixel-ratio": tuple(
        f"@media -webkit-{limit}device-pixel-ratio" for limit in ("", "min-", "max-")
    ),
    "css-border-inline-block-individual": ("border-inline", "border-block"),
    "css-border-inline-block-longhand": ("border-inline", "border-block"),
    "css-border-radius-logical": tuple(
        f"border-{block}-{inline}-radius" for block in ("start", "end") for inline in ("start", "end")
    ),
    "css-column-layout-properties": (
        *("columns", "column-count", "column-fill", "column-rule", "column-rule-color"),
        *("column-rule-style", "column-rule-width", "column-span", "column-width"),
    ),
    "css-comments": ("/*",),
    "css-grid-template": tuple(f"grid-template{part}" for part in ("", "-areas", "-columns", "-rows")),
    "css-important": ("!important",),
    "css-intrinsic-size": ("fit-content keyword", "min-content keyword", "max-content keyword"),
    "css-nesting": ("&",),
    "css-pseudo-class-lang": (":lang",),
    "css-scroll-snap": ("scroll-snap-type", "scroll-snap-align", "scroll-snap-stop"),
    "css-selector-adjacent-sibling": ("selector +",),
    "css-selector-attribute": ("selector []",),
    "css-selector-chaining": ("selector .a.b",),
    "css-selector-child": ("selector >",),
    "css-selector-class": ("selector .",),
    "css-selector-descendant": ("selector a b",),
    "css-selector-general-sibling": ("selector ~",),
    "css-selector-grouping": ("selector ,",),
    "css-selector-id": ("selector #",),
    "css-selector-type": ("selector a",),
    "css-selector-universal": ("selector *",),
    "css-sytem-ui": tuple(
        f"{name} keyword" for name in ("system-ui", "ui-serif", "ui-sans-serif", "ui-rounded", "ui-monospace")
    ),
    "css-unit-calc": ("calc()",),
    "css-unit-initial": ("initial keyword",),
    "css-variables": ("var()",),
    "html-address": ("<address>",),
    "html-anchor-links": ("<a href=#>",),
    "html-comments": ("<!--",),
    "html-doctype": ("<!doctype html>",),
    "html-h1-h6": tuple(f"<h{level}>" for level in range(1, 7)),
    "html-image-maps": ("<map>", "<area>"),
    "html-lists": ("<ul>", "<ol>", "<dl>"),
    "html-mailto-links": ("<a href=mailto:>",),
    "html-meta-color-scheme": ("<meta name=color-scheme>",),
    "html-semantics": tuple(
        f"<{name}>"
        for name in (
            *("article", "aside", "details", "figcaption", "figure", "footer", "header"),
            *("main", "mark", "nav", "section", "summary", "time"),
        )
    ),
    "html-srcset": ("[srcset]", "[sizes]"),
    "html-svg": ("<svg>",),
}
#: What a title says to look for.
TITLES = (
    (r"([a-z-]+)(?: CSS)?(?: property| shorthand)?", r"\1"),
    (r"([a-z-]+): ?([a-z]+)", r"\1:\2"),
    (r"([a-z-]+)\(\)", r"\1()"),
    (r"(\S+) unit", r"\1 unit"),
    (r"(::?[a-z-]+)(?:\(\))?", r"\1"),
    (r"(@[a-z-]+)", r"\1"),
    (r"(@media) \(([a-z-]+)\)", r"\1 \2"),
    (r"([a-z-]+) attribute", r"[\1]"),
    (r"<(\w+)>(?: element)?", r"<\1>"),
    (r'<(\w+) type="(\w+)"> element', r"<\1 type=\2>"),
)


class Feature(NamedTuple):
    """One of caniemail.com."""

    title: str
    lacking: Mapping[str, str]  #: "outlook/windows" to "n" (no) or "a" (in part)
    notes: tuple[str, ...]  #: "outlook/windows: Only in px."
    signs: frozenset[str]


def read_features(path: Path = DATA) -> dict[str, Feature]:
    """By slug, as in https://www.caniemail.com/features/SLUG/."""
    data = json.loads(path.read_text("utf-8"))
    return {slug: _feature(slug, row, data["clients"]) for slug, row in data["features"].items()}


def _feature(slug: str, row: dict[str, Any], clients: list[str]) -> Feature:
    support = dict(zip(clients, row["support"], strict=True))
    lacking = {client: letter for client, letter in support.items() if letter in "na"}
    return Feature(row["title"], lacking, tuple(row.get("notes", ())), frozenset(signs_of(slug, row["title"])))


def signs_of(slug: str, title: str) -> tuple[str, ...]:
    """What to look for. LookupError for a feature that nobody would find."""
    parts = re.split(r" & |, ", title.strip())
    return SIGNS.get(slug) or tuple(_sign(part) for part in parts)


def _sign(title: str) -> str:
    for pattern, sign in TITLES:
        if match := re.fullmatch(pattern, title):
            return match.expand(sign)
    raise LookupError(f"nobody knows how to look for {title!r}")


def findings(html: str, features: Mapping[str, Feature]) -> dict[str, Feature]:
    """The features that the mail uses and that at least one client does not have in full."""
    found = signs(html)
    return {slug: each for slug, each in features.items() if each.lacking and each.signs & found}


def signs(html: str) -> set[str]:
    """All that is used for everybody; what stands in a comment for Outlook alone is Outlook's own."""
    page = _Page()
    page.feed(html)
    page.close()
    return page.found


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: set[str] = set()

    def handle_decl(self, decl: str) -> None:
        self.found.add(f"<!{decl.lower()}>")

    def handle_comment(self, data: str) -> None:  # noqa: ARG002
        self.found.add("<!--")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found |= {f"<{tag}>", *(f"[{name}]" for name, _ in attrs)}
        for name, value in attrs:
            self.found |= set(_attribute_signs(tag, name, value or ""))

    def handle_data(self, data: str) -> None:
        if self.cdata_elem == "style":
            self.found |= set(_rule_signs(tinycss2.parse_stylesheet(data)))


def _attribute_signs(tag: str, name: str, value: str) -> Iterator[str]:
    if name == "style":
        yield from _rule_signs(tinycss2.parse_blocks_contents(value))
    elif name == "href":
        yield from (f"<{tag} href={start}>" for start in ("#", "mailto:") if value.lower().startswith(start))
    elif name in ("type", "name"):
        yield f"<{tag} {name}={value.lower()}>"


def _rule_signs(nodes: Iterable[Any]) -> Iterator[str]:
    for node in nodes:
        if node.type == "comment":
            yield "/*"
        elif node.type == "declaration":
            yield from _declaration_signs(node)
        elif node.type == "qualified-rule":
            yield from _selector_signs(node.prelude)
            yield from _block_signs(node.content)
        elif node.type == "at-rule":
            yield from _at_rule_signs(node)
        elif node.type == "error":
            raise ValueError(f"line {node.source_line} of the CSS: {node.message}")


def _block_signs(content: Iterable[Any]) -> Iterator[str]:
    nodes = tinycss2.parse_blocks_contents(content)
    if any(node.type == "qualified-rule" for node in nodes):
        yield "&"
    yield from _rule_signs(nodes)


def _at_rule_signs(rule: Any) -> Iterator[str]:
    yield f"@{rule.lower_at_keyword}"
    for token in rule.prelude:
        names = [each.lower_value for each in getattr(token, "content", ()) if each.type == "ident"]
        yield from (f"@{rule.lower_at_keyword} {name}" for name in names[:1])
    if rule.lower_at_keyword in ("media", "supports"):
        yield from _rule_signs(tinycss2.parse_rule_list(rule.content or ()))
    elif rule.lower_at_keyword != "keyframes":
        yield from _rule_signs(tinycss2.parse_blocks_contents(rule.content or ()))


def _declaration_signs(declaration: Any) -> Iterator[str]:
    name = declaration.lower_name
    yield name
    yield re.sub(r"^(margin|padding|border)(-(top|right|bottom|left))?(-(width|style|color))?$", r"\1", name)
    yield re.sub(r"^border-(top|bottom)-(left|right)-radius$", "border-radius", name)
    yield re.sub(r"^(border-inline|border-block|overflow)-.*", r"\1", name)
    if declaration.important:
        yield "!important"
    for token in _flat(declaration.value):
        if token.type == "ident":
            yield from (f"{name}:{token.lower_value}", f"{token.lower_value} keyword")
        elif token.type == "function":
            yield f"{token.lower_name}()"
        elif token.type in ("dimension", "percentage"):
            yield f"{getattr(token, 'lower_unit', '%')} unit"


def _flat(tokens: Iterable[Any]) -> Iterator[Any]:
    for token in tokens:
        yield token
        yield from _flat(getattr(token, "arguments", None) or getattr(token, "content", None) or ())


def _selector_signs(prelude: Iterable[Any]) -> Iterator[str]:
    """Of `a.b > c:hover, [d]`: "selector a", "selector .", "selector >", ":hover", "selector ,", "selector []"."""
    text = tinycss2.serialize(list(prelude)).strip()
    plain = re.sub(r"\[[^]]*\]|\([^)]*\)", lambda match: match[0][0], text)
    plain = re.sub(r"\s*([>+~,])\s*", r"\1", plain)
    yield from (f"selector {mark}" for mark in ">+~,.#*" if mark in plain)
    yield from re.findall(r"::?[a-z-]+", plain)
    for sign, pattern in (
        ("[]", r"\["),
        ("a", r"(^|[\s>+~,])[a-z]"),
        ("a b", r"\s"),
        (".a.b", r"\.[\w-]+\."),
    ):
        if re.search(pattern, plain, re.IGNORECASE):
            yield f"selector {sign}"


def compact(raw: dict[str, Any]) -> dict[str, Any]:
    """The newest word on each client of the four families, one letter each, and what is said where it is not yes."""
    rows = [row for row in raw["data"] if row["category"] in ("html", "css")]
    clients = list(dict.fromkeys(client for family in FAMILIES for row in rows for client in _newest(row, family)))
    return {"clients": clients, "features": {row["slug"]: _compact(row, clients) for row in rows}}


def _newest(row: dict[str, Any], family: str) -> dict[str, str]:
    """ "gmail/ios" to "a #1"; versions are listed as they were tested."""
    platforms = row["stats"].get(family, {})
    return {f"{family}/{platform}": list(versions.values())[-1] for platform, versions in platforms.items()}


def _compact(row: dict[str, Any], clients: list[str]) -> dict[str, Any]:
    words = {client: word for family in FAMILIES for client, word in _newest(row, family).items()}
    support = "".join(words.get(client, "u")[0] for client in clients)
    notes = [
        f"{', '.join(cited)}: {text}"
        for number, text in (row["notes_by_num"] or {}).items()
        if (cited := [each for each, word in words.items() if word[0] in "na" and f"#{number}" in word.split()])
    ]
    return {"title": row["title"].strip(), "support": support} | ({"notes": notes} if notes else {})


def _renew(source: Path) -> None:
    raw = json.loads(source.read_text("utf-8"))
    about = json.loads(DATA.read_text("utf-8"))["about"] | {"date": raw["last_update_date"][:10]}
    data = {"about": about, **compact(raw)}
    DATA.write_text(json.dumps(data, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    _renew(Path(sys.argv[1]))
