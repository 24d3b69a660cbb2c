"""HTML, JATS and MathML in a text, as marks: every tag goes, its text stays; scripts, styles and drawings go whole.

    text ─ what begins no tag is escaped ─ lxml's parser ─ a tree ─ marked text

Sources mix markup with `x<y`, `<p_T>` and `<p>` for a mean, which a parser takes for tags. So a `<` begins a tag only
where there is evidence: the name is closed somewhere, it has attributes or a slash, or HTML knows it and it does not
stand in the line like a word.

Why not nh3: it makes `x = 3` of `x<y and <p_T> = 3`, moves text out of tables, and joins the words of two paragraphs.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Protocol

from newsletter.collector.text.marks import BOLD, ENDS, ITALIC, LINK, SUB, SUP, marked


class Element(Protocol):
    """What is asked of lxml's elements."""

    tag: str
    text: str | None
    tail: str | None

    def get(self, key: str, default: str = ...) -> str: ...
    def __iter__(self) -> Iterator[Element]: ...


DEEPEST = 60  #: open tags; one that opens deeper goes, its text stays
LONGEST = 4_000  #: characters of a link's tag
_VALUE = r"\"[^\"]*+\"|'[^']*+'|[^\s<>\"'=`]++"
_NAME = r"[^\s<>\"'=/]"
TAG = re.compile(rf"<(/?)([A-Za-z][\w:.-]*+)((?:\s+{_NAME}++(?:\s*=\s*(?:{_VALUE}))?+)*+)\s*(/?)>")
EVIDENT = re.compile(rf"(?:\s+{_NAME}{{2,}}+\s*=\s*(?:{_VALUE}))+")  #: <p class=x>, and not "a<b and c=1 or d>e"
QUOTED = re.compile(r"=\s*[\"']")
COMMENT = re.compile(r"<!--(?:(?!<!--).)*?-->|<[!?](?:[A-Za-z]|\[(?!CDATA\[))[^<>]*+>", re.DOTALL)
SECTION = re.compile(r"<!\[CDATA\[|\]\]>")
UNFINISHED = re.compile(rf"<(?:/[A-Za-z][\w:.-]*|[A-Za-z][\w:.-]*\s+{_NAME}+=[^<>]*)$")
SCRIPT = re.compile(r"<(script|style)(?=[\s>])(?:[^<>\"']|\"[^\"]*+\"|'[^']*+')*+(?<!/)>", re.IGNORECASE)
SCRIPT_ENDS = {name: re.compile(rf"</{name}\s*>", re.IGNORECASE) for name in ("script", "style")}
WORDLIKE = re.compile(r"(?<=[\s(\[,;=])<[^<>]*>(?=[\s)\],;.:=^_]|$)")
PREAMBLE = re.compile(r"\\documentclass.*?\\begin\{document\}|\\end\{document\}.*", re.DOTALL)

_BLOCKS = """abstract address article aside blockquote body boxed-text br caption center dd details dialog disp-formula
disp-quote div dl dt fieldset figcaption figure footer form h1 h2 h3 h4 h5 h6 head header hgroup hr html legend li list
list-item main menu nav ol optgroup option p pre sec section select summary table tbody td tfoot th thead title tr ul"""
_INLINE = """a abbr acronym audio b bdi bdo big button canvas cite code del dfn em embed font i iframe img input ins kbd
label link map mark meta meter noscript object output picture progress q ruby s samp script small source span strike
strong style sub sup svg template textarea time tt u var video wbr"""
_VOID = "area base br col embed hr img input link meta param source track wbr"
_BARED = "title textarea xmp plaintext listing html head body frameset"
_GONE = """iframe noscript noembed noframes svg template xml annotation annotation-xml object audio video canvas"""
BLOCKS = frozenset(_BLOCKS.split())  #: a blank stands for each
INLINE = frozenset(_INLINE.split())
VOID = frozenset(_VOID.split())
BARED = frozenset(_BARED.split())  #: a parser has ways of its own with these; their text is read like any other
GONE = frozenset(_GONE.split())  #: with their text: no reader of the page sees it
MARKED = {"i": ITALIC, "em": ITALIC, "italic": ITALIC, "b": BOLD, "strong": BOLD, "bold": BOLD}
MARKED |= {"sub": SUB, "inf": SUB, "sup": SUP}
SCRIPTS = {"msub": (SUB,), "msup": (SUP,), "msubsup": (SUB, SUP)}


def without_tags(text: str) -> str:
    """The text with marks for what its tags say. Linear."""
    text = _without_scripts(COMMENT.sub(" ", SECTION.sub("", text)))
    tags = list(TAG.finditer(text))
    if not tags:
        return text
    closed = {tag[2].lower(): tag.start() for tag in tags if tag[1]}
    if is_markup := _is_markup(tags):
        text = UNFINISHED.sub("", text)
    markup = [tag for tag in tags if _is_tag(tag, closed, is_markup)]
    return "".join(_pieces(_parsed(_escaped(text, markup, closed)))) if markup else text


def _without_scripts(text: str) -> str:
    """The text without scripts and styles; one that does not end goes on to the end, behind other markup."""
    parts: list[str] = []
    endless: set[str] = set()
    done = 0
    for tag in SCRIPT.finditer(text):
        name = tag[1].lower()
        if tag.start() < done or name in endless:
            continue
        end = SCRIPT_ENDS[name].search(text, tag.end())
        if end or "=" in tag[0] or _is_markup([*TAG.finditer(text, 0, tag.start())]):
            parts += [text[done : tag.start()], " "]
            done = end.end() if end else len(text)
        else:
            endless.add(name)
    return "".join([*parts, text[done:]])


def _escaped(text: str, tags: list[re.Match[str]], closed: Mapping[str, int]) -> str:
    """The text with nothing for a parser to find but text and tags; those that nothing closes are gone.

    `closed`: where each name is closed last.
    """
    parts: list[str] = []
    done = depth = 0
    for tag in tags:
        parts.append(_text(text[done : tag.start()]))
        done = tag.end()
        name = tag[2].lower()
        is_whole = name not in BARED and (bool(tag[1]) or (tag.start() < closed.get(name, 0) and not tag[4]))
        depth += is_whole and not tag[1]
        parts.append(_bare(name, tag) if is_whole and depth <= DEEPEST else _gap(name))
        depth = max(0, depth - (is_whole and bool(tag[1])))
    parts.append(_text(text[done:]))
    return "".join(parts)


def _bare(name: str, tag: re.Match[str]) -> str:
    """A tag without attributes, but for links."""
    is_link = name == "a" and not tag[1] and len(tag[0]) <= LONGEST
    return tag[0].replace("&", "&amp;") if is_link else f"<{tag[1]}{name}>"


def _is_markup(tags: list[re.Match[str]]) -> bool:
    """Whether the text of these tags is markup: one is certain, or it begins with one."""
    return any(map(_is_evident, tags)) or (tags != [] and tags[0].start() == 0 and _is_tag(tags[0], {}, True))


def _is_evident(tag: re.Match[str]) -> bool:
    return bool(tag[1] or tag[4] or EVIDENT.fullmatch(tag[3]) or QUOTED.search(tag[3]))


def _is_tag(tag: re.Match[str], closed: Mapping[str, int], is_markup: bool) -> bool:
    name = tag[2].lower()
    if _is_evident(tag):
        return True
    if tag[3] and len(name) < 2:  # <b and c>
        return False
    if name in closed or name in VOID:
        return True
    known = _local(name) in BLOCKS or name in INLINE
    return known and (is_markup or not WORDLIKE.match(tag.string, tag.start()))


def _text(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _gap(name: str) -> str:
    return " " if _local(name) in BLOCKS else ""


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _parsed(markup: str) -> Element:
    from lxml import etree  # type: ignore[import-untyped]

    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    root: Element = etree.fromstring(f"<div>{markup}</div>".encode(), parser)
    return root


def _pieces(element: Element) -> Iterator[str]:
    """The marked text of an element, without what follows it."""
    name = _local(element.tag).lower()
    if name in GONE:
        return
    start, end = _around(name, element)
    yield start
    text = element.text or ""
    yield PREAMBLE.sub("", text) if name == "tex-math" else text
    scripts = SCRIPTS.get(name, ())
    for number, child in enumerate(_shown(name, element)):
        mark = scripts[number - 1] if 0 < number <= len(scripts) else ""
        yield mark
        yield from _pieces(child)
        yield ENDS[mark] if mark else ""
        yield "/" if name == "mfrac" and number == 0 else ""
        yield child.tail or ""
    yield end


def _shown(name: str, element: Element) -> list[Element]:
    """The children; of the same formula in several notations, the first."""
    return [*element][:1] if name == "alternatives" else [*element]


def _around(name: str, element: Element) -> tuple[str, str]:
    if name in MARKED:
        return MARKED[name], ENDS[MARKED[name]]
    if name == "a":
        link = element.get("href", "").strip()
        is_whole = link.lower().startswith(("http://", "https://")) and not any(map(str.isspace, link))
        before, _, after = marked(LINK, "\n", link).partition("\n") if is_whole else ("", "", "")
        return before, after
    gap = _gap(name)
    return gap, gap
