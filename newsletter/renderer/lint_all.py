"""All findings of the templates of a newsletter: every rule over every file, then a trial of the whole.

The trial is what `plan` does; it names one mistake of a part at a time, so it comes after the rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

import jinja2

from newsletter.config import ThemeSection
from newsletter.errors import TemplateError
from newsletter.i18n import Catalogues, Key
from newsletter.renderer import lint
from newsletter.renderer.catalogues import catalogue_findings
from newsletter.renderer.compile import (
    SHARED,
    Templates,
    html_environment,
    put_words,
    shield_refusals,
    text_environment,
    variables,
)
from newsletter.renderer.confirmation import Confirmation
from newsletter.renderer.css import unread_css
from newsletter.renderer.lint import ERROR, WARNING, LintFinding
from newsletter.renderer.mjml_parser import WORD, MjmlDocument
from newsletter.renderer.renderer import NEEDED, Renderer
from newsletter.renderer.theme import NOTHING, theme_faults, theme_refusals, themed
from newsletter.types import Masthead

Files = Mapping[str, str]  #: file name to text


class _Kind(NamedTuple):
    name: str
    stem: str  #: of its .mjml and its .txt
    needed: tuple[str, ...]
    on_page: AbstractSet[str]  #: slots that have a value there
    on_card: AbstractSet[str]
    in_subject: AbstractSet[str]
    trial: Callable[[Files, Masthead], object]

    def names(self) -> tuple[str, ...]:
        return (f"{self.stem}.mjml", f"{self.stem}.txt", "subject.txt", *SHARED)


def _editions(files: Files, masthead: Masthead) -> None:
    for language in Catalogues(files).languages:
        Renderer(files, replace(masthead, language=language))


def _confirmations(files: Files, masthead: Masthead) -> None:
    for language in Catalogues(files).languages:
        Confirmation(files, masthead, language)


_READER = {"name", "email", "shares", "unanswered", "unheard", "minutes"}
_LINKS = {"view", "interests", "unsubscribe", "feedback"}
_WEEKLY = _Kind(
    "weekly",
    "edition",
    NEEDED,
    _READER | _LINKS | {"preheader", "lead", "cards", "popular"},
    _LINKS | {"rank", "label", "interest", "why", "count"},
    _READER | {"title", "others"},
    _editions,
)
_CONFIRM = _Kind("confirm", "mail", ("link",), {"email", "preheader", "link"}, frozenset(), {"email"}, _confirmations)
_NO_FILES: Files = {}


def find_all(
    weekly: Files, confirm: Files, masthead: Masthead, messages: Files = _NO_FILES, wanted: ThemeSection = NOTHING
) -> tuple[LintFinding, ...]:
    """Sorted by file and line; a file is named as `weekly/edition.mjml`, a table of the configuration `[theme.dark]`.

    The files are those of the three folders; `wanted` is what the configuration says about the theme.
    """
    used = set().union(*(variables(text) for text in (*weekly.values(), *confirm.values())))
    found = {*logo_faults(masthead)}
    found |= {*catalogue_findings(messages, *_said((_WEEKLY, weekly), (_CONFIRM, confirm)), masthead.language)}
    sound = {} if any(finding.severity == ERROR for finding in found) else messages
    kinds = ((_WEEKLY, weekly, {**sound, **weekly}), (_CONFIRM, confirm, {**sound, **weekly, **confirm}))
    for kind, own, files in kinds:
        ruled = {_placed(finding, kind, own) for finding in _ruled(kind, own, files, used, wanted)}
        tried = {_placed(finding, kind, own) for finding in _tried(kind, themed(files, wanted), masthead)}
        told = {(finding.file, finding.line) for finding in found | ruled if finding.severity == ERROR}
        # a trial that cannot name a line says what a rule has said better
        found |= ruled | {fault for fault in tried if (fault.file, fault.line) not in told and (fault.line or not told)}
    return tuple(sorted(found))


def logo_faults(masthead: Masthead) -> Iterator[LintFinding]:
    """Every mail program asks for the logo, so it should lie where the pages are, and behind TLS."""
    logo, ours = urlsplit(masthead.logo), urlsplit(masthead.base_url)
    if masthead.logo and logo.hostname != ours.hostname:
        why = f"{masthead.logo} is elsewhere than base_url, which tells them who reads this mail"
        yield LintFinding("[theme] logo", 0, WARNING, why)
    if logo.scheme == "http":
        yield LintFinding(
            "[theme] logo", 0, WARNING, f"{masthead.logo} is not shown by many mail programs: write https:"
        )


def _said(*kinds: tuple[_Kind, Files]) -> tuple[dict[Key, str], bool]:
    """The messages of templates, each with a file that says it; and whether all templates could be read."""
    found: dict[Key, str] = {}
    for kind, own in kinds:
        for name in sorted(own.keys() & set(kind.names()) - set(SHARED)):
            try:
                tree = html_environment().parse(own[name])
            except jinja2.TemplateSyntaxError:  # is told by _jinja
                return found, False
            found |= {words: f"{kind.name}/{name}" for _, words, _ in lint.messages_of(tree) if words}
    return found, True


def _placed(finding: LintFinding, kind: _Kind, own: Files) -> LintFinding:
    if finding.is_of_configuration:
        return finding
    folder = kind.name if finding.file in own else _WEEKLY.name
    return replace(finding, file=f"{folder}/{finding.file}")


def _ruled(
    kind: _Kind, own: Files, files: Files, used: AbstractSet[str], wanted: ThemeSection
) -> Iterator[LintFinding]:
    for name in own.keys() - set(kind.names()):
        yield LintFinding(name, 0, WARNING, f"no mail uses this file{lint.nearest(name, kind.names())}")
    theme = files.get("theme.toml", "")
    refused = [*theme_refusals(theme)]
    if "theme.toml" in own:
        yield from refused
        yield from theme_faults(theme, used, wanted)
    templates = Templates(themed({**files, "theme.toml": "" if refused else theme}, wanted), "en")
    for name in own.keys() & set(kind.names()) - {"theme.toml"}:
        if not refused:
            yield from templates.unknown(name)
        yield from _RULES[Path(name).suffix](kind, name, templates.guessed(name))


def _css(kind: _Kind, name: str, css: str) -> Iterator[LintFinding]:  # noqa: ARG001
    yield from lint.css_faults(name, css)
    yield from unread_css(name, css)


def _text(kind: _Kind, name: str, source: str) -> Iterator[LintFinding]:
    env = text_environment(trim=name != "subject.txt")
    if name == "subject.txt":
        yield from _jinja(env, name, source, kind.in_subject, frozenset())
    else:
        yield from lint.missing_slots(name, source, kind.needed)
        yield from _jinja(env, name, source, kind.on_page, kind.on_card)
    yield from lint.text_faults(name, source)


def _mjml(kind: _Kind, name: str, source: str) -> Iterator[LintFinding]:
    env = html_environment()
    yield from lint.missing_slots(name, source, kind.needed)
    yield from _jinja(env, name, source, kind.on_page, kind.on_card)
    try:
        env.parse(source)
        yield from shield_refusals(env, name, source)
        page = MjmlDocument(name, *put_words(env, WORD.sub("a word", source)))
    except jinja2.TemplateSyntaxError:
        return  # has been told by _jinja; what it spoils is no finding
    yield from lint.mjml_refusals(page)
    yield from lint.mjml_faults(page)


_RULES = {".css": _css, ".txt": _text, ".mjml": _mjml}


def _jinja(
    env: jinja2.Environment, name: str, source: str, on_page: AbstractSet[str], on_card: AbstractSet[str]
) -> Iterator[LintFinding]:
    try:
        tree = env.parse(source)
    except jinja2.TemplateSyntaxError as error:
        yield LintFinding(name, error.lineno, ERROR, error.message or "is not a template")
    else:
        yield from lint.tag_refusals(name, tree)
        yield from lint.unknown_slots(name, tree, on_page, on_card)


def _tried(kind: _Kind, files: Files, masthead: Masthead) -> Iterator[LintFinding]:
    """What the whole is refused for; then each part by itself, so that one mistake hides no other."""
    for trial in (files, *_parts(kind, files)):
        try:
            kind.trial(trial, masthead)
        except TemplateError as error:
            yield LintFinding(error.file or f"{kind.stem}.mjml", error.line, ERROR, error.text)
        else:
            if trial is files:
                return


def _parts(kind: _Kind, files: Files) -> Iterator[Files]:
    """The files with all templates but one replaced by the least that is accepted."""
    macros = "".join(f"{{% macro {name} %}}{{% endmacro %}}" for name in ("lead(entry)", "card(entry)", "beyond()"))
    body = macros + "".join(f"\n{{{{ slot.{slot} }}}}" for slot in kind.needed)
    least = {
        f"{kind.stem}.mjml": f"<mjml><mj-body><mj-raw>{body}</mj-raw></mj-body></mjml>",
        f"{kind.stem}.txt": body,
        "subject.txt": "a subject",
    }
    for name in least.keys() & files.keys():
        yield {**files, **least, name: files[name]}
