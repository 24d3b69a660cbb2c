"""What mrml and Jinja would let pass in silence: wrong tags, values that vanish, slots that are not just printed."""

from __future__ import annotations

import re

from jinja2 import nodes

from newsletter.errors import TemplateError

_KNOWN = {
    *("mjml", "mj-head", "mj-title", "mj-preview", "mj-attributes", "mj-all", "mj-class", "mj-style", "mj-font"),
    *("mj-breakpoint", "mj-raw", "mj-body", "mj-section", "mj-group", "mj-column", "mj-text", "mj-button"),
    *("mj-image", "mj-divider", "mj-spacer"),
}
_VOID = {"area", "base", "br", "col", "hr", "img", "input", "link", "meta", "source", "wbr"}
_QUOTED = re.compile(r"\"[^\"]*\"|'[^']*'")
_TAG = re.compile(rf"<(/?)([A-Za-z][\w:-]*)((?:[^<>\"']|{_QUOTED.pattern})*?)(/?)>")
_WORD = re.compile(r"Jq\d{4}[es]")
_BARE_ZERO = re.compile(r"(?:padding|radius)\S*=\"(?:[^\"]* )?0[ \"]")
_STYLE = re.compile(r"(?<=<mj-style>).*?(?=</mj-style>)|<!--.*?-->", re.DOTALL)


def line_at(text: str, position: int) -> int:
    """The number, from 1, of the line at a position."""
    return text.count("\n", 0, position) + 1


def check_mjml(name: str, source: str) -> None:
    """Shielded MJML: tags known and balanced, columns with a width, lengths with a unit."""
    open_tags: list[re.Match[str]] = []
    bare = _STYLE.sub(lambda style: re.sub(r"[^\n]", " ", style[0]), source)
    for tag in _TAG.finditer(bare):
        _check_tag(name, bare, tag)
        if tag[1]:
            if not open_tags or open_tags[-1][2] != tag[2]:
                _refuse(name, bare, (open_tags or [tag])[-1], "has no partner")
            open_tags.pop()
        elif not tag[4] and tag[2].lower() not in _VOID:
            open_tags.append(tag)
    if open_tags:
        _refuse(name, bare, open_tags[-1], "is not closed")


def _check_tag(name: str, source: str, tag: re.Match[str]) -> None:
    is_mjml = tag[2].startswith("mj")
    if is_mjml and tag[2] not in _KNOWN:
        _refuse(name, source, tag, "is not a tag that we know to work")
    if tag[2] == "mj-column" and not tag[1] and "width=" not in tag[3]:
        in_attributes = source.rfind("<mj-attributes", 0, tag.start()) > source.rfind("</mj-attributes", 0, tag.start())
        if not in_attributes:
            _refuse(name, source, tag, 'needs a width: write width="100%"')
    if is_mjml and _BARE_ZERO.search(tag[3]):
        _refuse(name, source, tag, 'has a 0 without a unit: write "0px"')
    if _WORD.search(_QUOTED.sub("", tag[3])):
        _refuse(name, source, tag, "has a Jinja tag in the place of an attribute: put it into a value")


def _refuse(name: str, source: str, tag: re.Match[str], why: str) -> None:
    raise TemplateError(f"{name}, line {line_at(source, tag.start())}: <{tag[1]}{tag[2]}> {why}")


def check_tags(name: str, tree: nodes.Template) -> None:
    """A slot is only printed bare, because it is a sentinel until a reader comes; a macro never asks for the reader."""
    printed = {id(node) for output in tree.find_all(nodes.Output) for node in output.nodes}
    owned = {id(node.node) for node in tree.find_all(nodes.Getattr) if id(node) in printed}
    for node in tree.find_all(nodes.Name):
        if node.name == "slot" and id(node) not in owned:
            raise TemplateError(f"{name}, line {node.lineno}: a slot can only be printed, as in {{{{ slot.name }}}}")
    for macro in tree.find_all(nodes.Macro):
        for node in macro.find_all(nodes.Name):
            if node.name == "reader":
                raise TemplateError(f"{name}, line {node.lineno}: a macro is the same for all readers")
