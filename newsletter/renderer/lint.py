"""The rules for templates: what mrml and Jinja would let pass in silence, and what no reader should get.

Each rule is a generator of findings. What a `refusal` names stops compilation at the first one; what a `fault` names is
told by `newsletter lint` only, so that a mail that was made by an older version can still be shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from difflib import get_close_matches

from jinja2 import nodes

from newsletter.errors import TemplateError
from newsletter.i18n import placeholders
from newsletter.renderer.mjml_parser import WORD, Attribute, Element, MjmlDocument
from newsletter.renderer.mjml_spec import BODY_TAGS, CHILDREN, REFUSED, TAGS, is_computed

ERROR, WARNING = "error", "warning"
_ELSEWHERE = re.compile(r"(?:https?:)?//")
_FOREIGN_URL = re.compile(r"url\(\s*[\"']?(?:https?:)?//")
_THREE_DIGITS = re.compile(r":[^;{}]*#([0-9a-fA-F]{3})\b")
_MESSAGES = {"_": 1, "gettext": 1, "ngettext": 2}
_LOADED = ("src", "srcset", "background", "background-url")


@dataclass(frozen=True, slots=True, order=True)
class LintFinding:
    file: str  #: or a place in the configuration: "[theme.light]"
    line: int  #: 0: the file as a whole
    severity: str  #: ERROR, WARNING
    text: str

    @property
    def is_of_configuration(self) -> bool:
        return self.file.startswith("[")

    def __str__(self) -> str:
        place = self.file if self.is_of_configuration else f"{self.file}:{max(self.line, 1)}"
        return f"{place}: {self.severity}: {self.text}"


def refuse(findings: Iterable[LintFinding]) -> None:
    """Raise the first as a TemplateError."""
    for finding in findings:
        raise TemplateError(finding.text, finding.file, finding.line)


def nearest(word: str, words: Iterable[str], form: str = "{}") -> str:
    """What was meant, to be put behind a complaint; "" when nothing is near."""
    near = get_close_matches(word, words, 1)
    return f": did you mean {form.format(near[0])}?" if near else ""


# what compilation refuses


def mjml_refusals(page: MjmlDocument) -> list[LintFinding]:
    """Tags known and balanced, columns with a width, lengths with a unit; in the order of lines."""
    rules = (_unbalanced, _unknown_tags, _auto_columns, _bare_zeros, _tags_for_attributes, _raw_in_wrapper, _foreign)
    return sorted((finding for rule in rules for finding in rule(page)), key=lambda finding: finding.line)


def _about(page: MjmlDocument, element: Element, why: str, line: int = 0, severity: str = ERROR) -> LintFinding:
    return LintFinding(page.file, line or element.line, severity, f"<{element.name}> {why}")


def _unbalanced(page: MjmlDocument) -> Iterator[LintFinding]:
    for line, tag, why in page.unbalanced:
        yield LintFinding(page.file, line, ERROR, f"<{tag}> {why}")


def _unknown_tags(page: MjmlDocument) -> Iterator[LintFinding]:
    for element in page.elements:
        if element.name in REFUSED:
            yield _about(page, element, f"is not a tag that we know to work: {REFUSED[element.name]}")
        elif element.is_mjml and element.name not in TAGS:
            near = nearest(element.name, TAGS, "<{}>")
            yield _about(page, element, f"is not a tag that we know to work{near}")


def _auto_columns(page: MjmlDocument) -> Iterator[LintFinding]:
    for element in page.elements:
        if element.name == "mj-column" and "width" not in element.attributes and "mj-attributes" not in element.above:
            yield _about(page, element, 'needs a width: write width="100%"')


def _bare_zeros(page: MjmlDocument) -> Iterator[LintFinding]:
    for element, name, attribute in _mjml_attributes(page):
        if _has_bare_zero(name, attribute):
            yield _about(page, element, 'has a 0 without a unit: write "0px"', attribute.line)


def _has_bare_zero(name: str, attribute: Attribute) -> bool:
    return ("padding" in name or name.endswith("radius")) and "0" in attribute.value.split()


def _tags_for_attributes(page: MjmlDocument) -> Iterator[LintFinding]:
    for element in page.elements:
        if element.has_loose_tag:
            yield _about(page, element, "has a Jinja tag in the place of an attribute: put it into a value")


def _raw_in_wrapper(page: MjmlDocument) -> Iterator[LintFinding]:
    for element in page.elements:
        if element.name == "mj-raw" and element.parent == "mj-wrapper":
            why = "in <mj-wrapper> reaches Outlook only: put it into <mj-body>, around the wrapper, or into a section"
            yield _about(page, element, why)


def _foreign(page: MjmlDocument) -> Iterator[LintFinding]:
    for start, css in page.styles:
        for found in re.finditer(r"[^\x00-\x7f]", css):
            line = page.line_at(start + found.start())
            yield LintFinding(
                page.file, line, ERROR, f"an mj-style holds {found[0]!r}: only ASCII can stand in a style"
            )


def check_mjml(page: MjmlDocument) -> None:
    refuse(mjml_refusals(page))


def tag_refusals(file: str, tree: nodes.Template) -> Iterator[LintFinding]:
    """A slot is only printed bare, because it is a sentinel until a reader comes; a macro never asks for the reader."""
    printed = [expression for output in tree.find_all(nodes.Output) for expression in output.nodes]
    owned = {id(slot.node) for slot in _bare_slots(printed)}
    for node in tree.find_all(nodes.Name):
        if node.name == "slot" and id(node) not in owned:
            why = "a slot can only be printed, as in {{ slot.name }}, or be the value of a message that is"
            yield LintFinding(file, node.lineno, ERROR, why)
    for macro in tree.find_all(nodes.Macro):
        for node in macro.find_all(nodes.Name):
            if node.name == "reader":
                yield LintFinding(file, node.lineno, ERROR, "a macro is the same for all readers")
    yield from _message_refusals(file, tree)


def _bare_slots(expressions: Iterable[nodes.Node]) -> Iterator[nodes.Getattr]:
    """Those that are printed as they are: for themselves, or as values of messages."""
    for expression in expressions:
        if isinstance(expression, nodes.Getattr):
            yield expression
        elif isinstance(expression, nodes.Call) and _is_message(expression):
            yield from _bare_slots(given.value for given in expression.kwargs)


def _message_refusals(file: str, tree: nodes.Template) -> Iterator[LintFinding]:
    """Messages are found in the templates as they are written, and filled by name."""
    for line, words, call in messages_of(tree):
        if not words:
            yield LintFinding(file, line, ERROR, 'a message stands in the template itself, as in {{ _("Hello") }}')
        elif not call.dyn_kwargs:
            given = {argument.key for argument in call.kwargs} | ({"num"} if len(words) > 1 else set())
            try:
                missing = set().union(*map(placeholders, words)) - given
            except ValueError as error:
                yield LintFinding(file, line, ERROR, str(error))
            else:
                told = f'the message "{words[0]}" is not given its value '
                yield from (LintFinding(file, line, ERROR, told + name) for name in sorted(missing))


def messages_of(tree: nodes.Template) -> Iterator[tuple[int, tuple[str, ...], nodes.Call]]:
    """Line, message (with its plural, if any; empty when it is not written there), and the call that asks for it."""
    for call in tree.find_all(nodes.Call):
        if count := _is_message(call):
            words = [text.value for text in call.args[:count] if isinstance(text, nodes.Const)]
            told = all(isinstance(word, str) for word in words) and len(words) == count
            yield call.lineno, tuple(words) if told else (), call


def _is_message(call: nodes.Call) -> int:
    """How many texts it takes; 0: it is no message."""
    return _MESSAGES.get(call.node.name, 0) if isinstance(call.node, nodes.Name) else 0


def check_tags(file: str, tree: nodes.Template) -> None:
    refuse(tag_refusals(file, tree))


def missing_slots(file: str, source: str, slots: Iterable[str]) -> Iterator[LintFinding]:
    for slot in slots:
        if not re.search(rf"{{{{-?\s*slot\.{slot}\b", source):
            yield LintFinding(file, 0, ERROR, f"{{{{ slot.{slot} }}}} is missing")


# what only the linter tells


def mjml_faults(page: MjmlDocument) -> Iterator[LintFinding]:
    rules: tuple[Callable[[MjmlDocument], Iterator[LintFinding]], ...] = (
        *(_misplaced, _wrong_attributes, _wrong_values, _swallowed, _loose_tags, _mute_images, _inline_styles),
        *(_elsewhere, _open_links, _styles),
    )
    for rule in rules:
        yield from rule(page)


def _mjml_attributes(page: MjmlDocument) -> Iterator[tuple[Element, str, Attribute]]:
    for element in page.elements:
        if element.is_mjml:
            for name, attribute in element.attributes.items():
                yield element, name, attribute


def _misplaced(page: MjmlDocument) -> Iterator[LintFinding]:
    for element in page.elements:
        if not _may_stand(element) and element.name not in REFUSED and (element.name, element.parent) != _RAW:
            place = f"in <{element.parent}>" if element.parent else "outside <mjml>"
            yield _about(page, element, f"cannot stand {place}: {_place_for(element)}")


_RAW = ("mj-raw", "mj-wrapper")  # is refused


def _may_stand(element: Element) -> bool:
    if not element.parent:
        return element.name == "mjml"
    if element.parent in CHILDREN:
        return element.name in CHILDREN[element.parent] or (element.is_mjml and element.name not in TAGS)
    return not element.is_mjml or (element.parent.startswith("mj") and element.parent not in TAGS)


def _place_for(element: Element) -> str:
    if not element.is_mjml:
        return "put it into <mj-text> or <mj-raw>"
    places = [parent for parent, children in CHILDREN.items() if element.name in children]
    told = [f"<{place}>" for place in places if place != "mj-attributes" or len(places) == 1]
    return f"its place is {' or '.join(told)}" if told else "it is the outermost tag"


def _wrong_attributes(page: MjmlDocument) -> Iterator[LintFinding]:
    for element, name, attribute in _mjml_attributes(page):
        rules = TAGS.get(element.name)
        if rules is not None and name not in rules and not WORD.search(name):
            yield _about(page, element, f"has no attribute {name}{nearest(name, rules)}", attribute.line)


def _wrong_values(page: MjmlDocument) -> Iterator[LintFinding]:
    for element, name, attribute in _mjml_attributes(page):
        rule = TAGS.get(element.name, {}).get(name)
        if element.name in ("mj-all", "mj-class") and name not in ("name", "height", "align", "text-align"):
            rule = next((rules[name] for rules in BODY_TAGS.values() if name in rules), rule)
        is_told = WORD.search(attribute.value) or _has_bare_zero(name, attribute)
        if rule and not is_told and (why := rule(attribute.value)):
            yield _about(page, element, f'{name}="{attribute.value}" {why}', attribute.line)


def _swallowed(page: MjmlDocument) -> Iterator[LintFinding]:
    for element, name, attribute in _mjml_attributes(page):
        if is_computed(element.name, name) and WORD.search(attribute.value):
            why = f"has a Jinja tag in {name}, which MJML computes with: write the value itself"
            yield _about(page, element, why, attribute.line)


def _loose_tags(page: MjmlDocument) -> Iterator[LintFinding]:
    for parent, text in page.texts:
        if parent == "" or parent in CHILDREN:
            for word in WORD.finditer(text):
                line, tag = page.tags[int(word[1])]
                where = f"straight in <{parent}>" if parent else "outside <mjml>"
                yield LintFinding(page.file, line, ERROR, f"{tag.strip()} stands {where}: put it into <mj-raw>")


def _mute_images(page: MjmlDocument) -> Iterator[LintFinding]:
    for element in page.elements:
        is_image = element.name in ("mj-image", "img") and element.parent != "mj-attributes"
        if is_image and "alt" not in element.attributes:
            yield _about(page, element, 'has no alt: say what it shows, or alt="" for a decoration')


def _inline_styles(page: MjmlDocument) -> Iterator[LintFinding]:
    for element in page.elements:
        if element.name == "mj-style" and "inline" in element.attributes:
            yield _about(page, element, "is not inlined by our compiler: write the rules into inline.css")


def _elsewhere(page: MjmlDocument) -> Iterator[LintFinding]:
    """What makes a reader's mail program ask somebody else."""
    for element in page.elements:
        for name, attribute in element.attributes.items():
            is_loaded = name in _LOADED or (name == "href" and element.name in ("mj-font", "link"))
            if is_loaded and _ELSEWHERE.match(attribute.value):
                why = f"loads {attribute.value} from elsewhere, which tells them who reads this mail"
                yield _about(page, element, why, attribute.line, WARNING)


def _open_links(page: MjmlDocument) -> Iterator[LintFinding]:
    for element in page.elements:
        href = element.attributes.get("href")
        if href and href.value.lower().startswith("http:"):
            yield _about(page, element, f"links to {href.value}: write https:", href.line, WARNING)


def _styles(page: MjmlDocument) -> Iterator[LintFinding]:
    for start, css in page.styles:
        for position, why in _css_faults(css):
            yield LintFinding(page.file, page.line_at(start + position), WARNING, why)


def css_faults(file: str, css: str) -> Iterator[LintFinding]:
    for position, why in _css_faults(css):
        yield LintFinding(file, css.count("\n", 0, position) + 1, WARNING, why)


def _css_faults(css: str) -> Iterator[tuple[int, str]]:
    for found in _THREE_DIGITS.finditer(css):
        wide = "".join(digit * 2 for digit in found[1])
        yield found.start(1), f'#{found[1]} has three digits, which not all clients read: write "#{wide}"'
    for found in _FOREIGN_URL.finditer(css):
        yield found.start(), "a style loads something from elsewhere, which tells them who reads this mail"


def text_faults(file: str, text: str) -> Iterator[LintFinding]:
    for found in re.finditer(r"\bhttp://[^\s{]*", text):
        line = text.count("\n", 0, found.start()) + 1
        yield LintFinding(file, line, WARNING, f"a link to {found[0]}: write https:")


def unknown_slots(
    file: str, tree: nodes.Template, on_page: AbstractSet[str], on_card: AbstractSet[str]
) -> Iterator[LintFinding]:
    """`on_page`: what has a value there; `on_card`: in the macros lead and card and in those that they call."""
    cards = {id(node) for macro in _card_macros(tree) for node in macro.find_all(nodes.Getattr)} if on_card else set()
    for node in tree.find_all(nodes.Getattr):
        slots = on_card if id(node) in cards else on_page
        if isinstance(node.node, nodes.Name) and node.node.name == "slot" and node.attr not in slots:
            why = f"there is no slot.{node.attr} here{nearest(node.attr, slots, 'slot.{}')}"
            if node.attr in on_page | on_card:
                where = "on the page, outside" if node.attr in on_page else "in"
                why = f"slot.{node.attr} has no value here, only {where} the macros lead and card"
            yield LintFinding(file, node.lineno, ERROR, why)


def _card_macros(tree: nodes.Template) -> list[nodes.Macro]:
    macros = {macro.name: macro for macro in tree.find_all(nodes.Macro)}
    reached: list[nodes.Macro] = []
    names = ["lead", "card", "skim", "group"]
    while names:
        macro = macros.pop(names.pop(), None)
        if macro:
            reached.append(macro)
            names += [call.node.name for call in macro.find_all(nodes.Call) if isinstance(call.node, nodes.Name)]
    return reached
