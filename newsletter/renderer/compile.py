"""MJML with Jinja tags to one Jinja template of finished HTML: shield, MJML, inline, check, restore.

The compilers see the template and never a reader. Whatever is wrong with a template is a TemplateError with file and
line, raised here and never at send time.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import chain, pairwise
from pathlib import Path
from traceback import walk_tb
from typing import NamedTuple

import jinja2
from jinja2.runtime import Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment

from newsletter.config import Settings, resource
from newsletter.errors import TemplateError
from newsletter.i18n import Messages, catalogues_of, english, language_of
from newsletter.renderer import literals
from newsletter.renderer.jinja_filters import speak
from newsletter.renderer.lint import ERROR, LintFinding, check_mjml, check_tags, missing_slots, refuse
from newsletter.renderer.mjml_parser import WORD, MjmlDocument, Tags, line_at
from newsletter.renderer.theme import read_theme, themed

SHARED = ("inline.css", "theme.toml")  #: of the weekly folder, which the other mails use too
_COLOUR = re.compile(r"\$([a-z]+)\.([a-z_]+)")
_STYLE_ATTRIBUTE = re.compile(r"""\bstyle=(?:"([^"]*)"|'([^']*)')""")
_GAPS = re.compile(r"([;:,]) +")
_TWICE = re.compile(r"background:(#[0-9a-fA-F]{6});(background-color:\1;)")
_AUTO = re.compile(r'(<img\b[^>]*) height="auto"')  # not a number: CSS says so already
_INVISIBLE = "font-size:1px;color:#ffffff;"  # of the preview line, hidden all the same; what spam filters look for
_KEPT_ATTRIBUTES = ["bgcolor", "align", "valign", "width", "height"]


def load_templates(folder: Path) -> dict[str, str]:
    """Every template of a folder: file name to text. TemplateError names what cannot be read.

    What an editor of catalogues compiles beside them (.mo) is passed over.
    """
    try:
        files = sorted(path for path in folder.iterdir() if path.is_file() and path.name[0] != ".")
        return {path.name: _read(path) for path in files if path.suffix != ".mo"}
    except OSError as error:
        raise TemplateError(f"{error.filename or folder}: {error.strerror}") from error


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TemplateError(f"{path}: a template is not UTF-8: {error}") from error


def own_folder(settings: Settings) -> Path | None:
    """The folder in [newsletter] templates, if any; TemplateError when it is not there."""
    own = settings.newsletter.templates
    if own and not (settings.home / own).is_dir():
        raise TemplateError(f"[newsletter] templates = {own!r}: there is no such folder")
    return settings.home / own if own else None


def load_kind(kind: str, own: Path | None) -> dict[str, str]:
    """The built-in files of `weekly`, `confirm` or `messages`, overridden file by file by that folder in `own`."""
    files = load_templates(resource("templates") / kind)
    return {**files, **load_templates(own / kind)} if own and (own / kind).is_dir() else files


def wanted_templates(settings: Settings, kind: str = "weekly") -> dict[str, str]:
    """All that makes the mails of a kind, as the configuration wants it: catalogues included, in [theme]'s colours.

    Templates of one's own that hold their words themselves are in one language: nobody gets them under the name of
    another. Raises TemplateError.
    """
    own = own_folder(settings)
    files, catalogues = load_kind(kind, own), load_kind("messages", own)
    if not any("_(" in text for name, text in files.items() if name.endswith(".mjml")):
        ours = catalogues_of(catalogues).messages(settings.newsletter.language).language
        catalogues = {name: text for name, text in catalogues.items() if language_of(name) == ours}
    if kind != "weekly":
        files = {**{name: text for name, text in load_kind("weekly", own).items() if name in SHARED}, **files}
    return themed({**catalogues, **files}, settings.theme)


class Templates:
    """The files of one folder with their variables put in: `$light.ink` of theme.toml, `$page.dir` of the language."""

    def __init__(self, files: Mapping[str, str], messages: Messages | str) -> None:
        """`messages`: or a language, whose messages are then looked for among the files. Raises TemplateError."""
        self._files = files
        self.messages = catalogues_of(files).messages(None, messages) if isinstance(messages, str) else messages
        start, end = ("right", "left") if self.messages.direction == "rtl" else ("left", "right")
        page = {"lang": self.messages.language, "dir": self.messages.direction, "start": start, "end": end}
        self._tables = {**read_theme(self.raw("theme.toml")), "page": page}

    def raw(self, name: str) -> str:
        """As it was given, with LF line ends."""
        try:
            return self._files[name].replace("\r\n", "\n")
        except KeyError:
            raise TemplateError("there is no such template", name) from None

    def __getitem__(self, name: str) -> str:
        """Ready for the compilers."""
        refuse(self.unknown(name))
        return self.guessed(name)

    def guessed(self, name: str) -> str:
        """The same, with black for every colour that is unknown."""
        return _COLOUR.sub(lambda match: self._tables.get(match[1], {}).get(match[2], "#000000"), self.raw(name))

    def unknown(self, name: str) -> Iterator[LintFinding]:
        text = self.raw(name)
        for match in _COLOUR.finditer(text):
            if match[2] not in self._tables.get(match[1], {}):
                yield LintFinding(name, line_at(text, match.start()), ERROR, f"{match[0]} is not in theme.toml")


def variables(text: str) -> set[str]:
    """What a template asks of its theme: "light.ink" and so on."""
    return {f"{match[1]}.{match[2]}" for match in _COLOUR.finditer(text)}


def html_environment(messages: Messages | None = None) -> jinja2.Environment:
    """Escapes; knows nothing but what it is given and the words of a language, English by default; reads no file."""
    env = ImmutableSandboxedEnvironment(autoescape=True, undefined=jinja2.StrictUndefined)
    return speak(env, messages or english())


def text_environment(messages: Messages | None = None, trim: bool = True) -> jinja2.Environment:
    """For plain text; with `trim`, a line with nothing but a block tag leaves no trace."""
    env = ImmutableSandboxedEnvironment(
        autoescape=False, undefined=jinja2.StrictUndefined, trim_blocks=trim, lstrip_blocks=trim
    )
    return speak(env, messages or english())


class MailTemplates(NamedTuple):
    """The three templates of one kind of mail."""

    html: jinja2.Template
    text: jinja2.Template
    subject: jinja2.Template


def compile_templates(files: Templates, stem: str, slots: tuple[str, ...]) -> tuple[MailTemplates, MailTemplates]:
    """The templates as written, to be tried out with their own lines in the errors, and compiled.

    `slots`: those that both parts have to print, such as the link to unsubscribe.
    """
    env, plain = html_environment(files.messages), text_environment(files.messages)
    for name in (f"{stem}.mjml", f"{stem}.txt"):
        refuse(missing_slots(name, files.raw(name), slots))
    source = files[f"{stem}.mjml"]
    html = parse(env, f"{stem}.mjml", source)
    text = parse(plain, f"{stem}.txt", files[f"{stem}.txt"])
    subject = parse(text_environment(files.messages, trim=False), "subject.txt", files["subject.txt"])
    compiled = compile_mjml(env, f"{stem}.mjml", source, files["inline.css"])
    return MailTemplates(html, text, subject), MailTemplates(compiled, text, subject)


def page(template: jinja2.Template, context: Mapping[str, object], **more: object) -> str:
    """The rendered page; TemplateError with its line."""
    with naming(template.name or ""):
        return template.render(context, **more)


class Macros:
    """What a template defines, callable by name; each call is one rendering."""

    def __init__(self, template: jinja2.Template, context: Mapping[str, object]) -> None:
        self._name = template.name or ""
        with naming(self._name):
            self._module = template.make_module(dict(context))

    def __contains__(self, name: str) -> bool:
        return isinstance(getattr(self._module, name, None), Macro)

    def __call__(self, name: str, *values: object) -> str:
        macro = getattr(self._module, name, None)
        if not isinstance(macro, Macro):
            raise TemplateError(f"there is no macro {name}", self._name)
        with naming(self._name):
            return str(macro(*values))


def parse(env: jinja2.Environment, name: str, source: str) -> jinja2.Template:
    """A template whose errors, caught by `naming`, name its lines; its slots are checked."""
    with naming(name):
        check_tags(name, env.parse(source))
        return jinja2.Template.from_code(env, env.compile(source, name, name), env.make_globals(None))


@contextmanager
def naming(name: str) -> Iterator[None]:
    """Turn what Jinja and the expressions of template `name` raise into a TemplateError with its line."""
    try:
        yield
    except jinja2.TemplateSyntaxError as error:
        raise TemplateError(error.message or "is not valid", name, error.lineno) from error
    except (jinja2.TemplateError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        raise TemplateError(str(error), name, _template_line(name, error)) from error


def _template_line(name: str, error: Exception) -> int:
    line = 0
    for frame, number in walk_tb(error.__traceback__):
        if frame.f_code.co_filename == name:  # a page's frames have been rewritten by Jinja, a macro's have not
            template = frame.f_globals.get("__jinja_template__")
            line = template.get_corresponding_lineno(number) if template else number
    return line


def compile_mjml(env: jinja2.Environment, name: str, source: str, css: str) -> jinja2.Template:
    """One template of finished HTML with our own CSS inlined; MJML's resets and media rules stay in the head."""
    shielded, tags = shield(env, name, source)
    check_mjml(MjmlDocument(name, shielded, tags))
    html = inline(to_html(name, shielded, tags), css)
    _check(name, html, tags)
    with naming(name):
        code = env.compile(restore(html, tags), name, f"compiled {name}")
        return jinja2.Template.from_code(env, code, env.make_globals(None))


def shield(env: jinja2.Environment, name: str, source: str) -> tuple[str, Tags]:
    """Each tag becomes an inert word that is valid wherever text, a URL or a CSS value is; comments go."""
    refuse(shield_refusals(env, name, source))
    return put_words(env, source)


def shield_refusals(env: jinja2.Environment, name: str, source: str) -> Iterator[LintFinding]:
    for word in chain(WORD.finditer(source), literals.WORD.finditer(source)):
        yield LintFinding(name, line_at(source, word.start()), ERROR, f"{word[0]} is a word of ours")
    for line, kind, _ in env.lex(source):
        if kind == "raw_begin":
            yield LintFinding(name, line, ERROR, "{% raw %} cannot be compiled")


def put_words(env: jinja2.Environment, source: str) -> tuple[str, Tags]:
    """The work of `shield`, for a source that it would refuse, too."""
    out: list[str] = []
    tags: Tags = []
    tag: list[str] = []
    start = 1
    for line, kind, text in env.lex(source):
        if kind.startswith("comment"):
            out.append("\n" * text.count("\n"))
        elif not tag and kind not in ("variable_begin", "block_begin"):
            out.append(text)
        else:
            start = start if tag else line
            tag.append(text)
            if kind in ("variable_end", "block_end"):
                out.append(f"Jq{len(tags):04d}{'s' if kind == 'block_end' else 'e'}")
                tags.append((start, "".join(tag)))
                tag = []
    return "".join(out), tags


def restore(text: str, tags: Tags) -> str:
    """Put the tags back in the place of their words."""
    return WORD.sub(lambda word: tags[int(word[1])][1], text)


def to_html(name: str, shielded: str, tags: Tags | None = None) -> str:
    from mjml import mjml2html

    shielded = literals.protect(shielded)
    try:
        return mjml2html(shielded.lstrip(), disable_comments=True, fonts={})
    except ValueError as error:
        offset = re.search(r"position (\d+):", str(error))
        lead = len(shielded) - len(shielded.lstrip())
        before = shielded.lstrip().encode()[: int(offset[1])].decode(errors="ignore") if offset else ""
        line = line_at(shielded, lead + len(before), tags) if offset else 0
        raise TemplateError(f"not valid MJML: {error}", name, line) from error


def inline(html: str, css: str) -> str:
    from premailer import Premailer

    marked = "<!DOCTYPE html>" + html[html.index("<html") :].replace("<style", '<style data-premailer="ignore"')
    inliner = Premailer(
        marked,
        css_text=css,
        strip_important=False,
        allow_network=False,
        disable_basic_attributes=_KEPT_ATTRIBUTES,
        cssutils_logging_level=logging.CRITICAL,
    )
    inlined = str(inliner.transform(pretty_print=False)).replace(' data-premailer="ignore"', "")
    inlined = _AUTO.sub(r"\1", inlined).replace(_INVISIBLE, "")
    return literals.put_back(_STYLE_ATTRIBUTE.sub(_tidy_style, inlined))


def _tidy_style(style: re.Match[str]) -> str:
    said = style[1] if style[2] is None else style[2].replace('"', "'")
    tidy = _TWICE.sub(r"\2", _GAPS.sub(r"\1", literals.wide_colours(said)))
    return f'style="{tidy}"'


def _check(name: str, html: str, tags: Tags) -> None:
    """Every tag is still there; statements once and in order."""
    found = [int(word[1]) for word in WORD.finditer(html)]
    for number, (line, tag) in enumerate(tags):
        if number not in found:
            raise TemplateError(f"{tag} was lost in compilation", name, line)
        if tag.startswith("{%") and found.count(number) > 1:
            raise TemplateError(f"{tag} was doubled in compilation", name, line)
    statements = [number for number in found if tags[number][1].startswith("{%")]
    for number, after in pairwise(statements):
        if number > after:
            line, tag = tags[number]
            raise TemplateError(f"{tag} was moved in compilation", name, line)
