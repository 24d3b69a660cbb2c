"""MJML with Jinja tags to one Jinja template of finished HTML: shield, MJML, inline, check, restore.

The compilers see the template and never a reader. Whatever is wrong with a template is a TemplateError with file and
line, raised here and never at send time.
"""

from __future__ import annotations

import logging
import re
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import pairwise, product
from pathlib import Path
from traceback import walk_tb
from typing import NamedTuple

import jinja2
from jinja2.runtime import Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment

from newsletter.errors import TemplateError
from newsletter.renderer.lint import check_mjml, check_tags, line_at

_WORD = re.compile(r"Jq(\d{4})[es]")
_COLOUR = re.compile(r"\$([a-z]+)\.([a-z_]+)")
_HEX = re.compile(r"#[0-9a-fA-F]{6}")
_STYLE = re.compile(r"<style[^>]*>(.*?)</style>", re.DOTALL)
_STYLE_ATTRIBUTE = re.compile(r'\bstyle="[^"]*"')
_GAPS = re.compile(r"([;:,]) +")
_TWICE = re.compile(r"background:(#[0-9a-fA-F]{6});(background-color:\1;)")
_RIGHT_TO_LEFT = ("ar", "fa", "he", "ur")
_KEPT_ATTRIBUTES = ["bgcolor", "align", "valign", "width", "height"]

Tags = list[tuple[int, str]]  #: line and text of each Jinja tag of a template, in order


def load_templates(folder: Path) -> dict[str, str]:
    """Every template of a folder: file name to text. TemplateError names what cannot be read."""
    try:
        files = sorted(path for path in folder.iterdir() if path.is_file() and path.name[0] != ".")
        return {path.name: path.read_text("utf-8") for path in files}
    except OSError as error:
        raise TemplateError(f"{error.filename or folder}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise TemplateError(f"{folder}: a template is not UTF-8: {error}") from error


class Templates:
    """The files of one folder with their variables put in: `$light.ink` of theme.toml, `$page.dir` of the language."""

    def __init__(self, files: Mapping[str, str], language: str) -> None:
        self._files = files
        right_to_left = language.lower().split("-")[0] in _RIGHT_TO_LEFT
        start, end = ("right", "left") if right_to_left else ("left", "right")
        page = {"lang": language, "dir": "rtl" if right_to_left else "ltr", "start": start, "end": end}
        self._tables = {**_read_theme(self.raw("theme.toml")), "page": page}

    def raw(self, name: str) -> str:
        """As it was given, with LF line ends."""
        try:
            return self._files[name].replace("\r\n", "\n")
        except KeyError:
            raise TemplateError(f"{name}: there is no such template") from None

    def __getitem__(self, name: str) -> str:
        """Ready for the compilers."""
        text = self.raw(name)

        def value(match: re.Match[str]) -> str:
            try:
                return self._tables[match[1]][match[2]]
            except KeyError:
                line = line_at(text, match.start())
                raise TemplateError(f"{name}, line {line}: {match[0]} is not in theme.toml") from None

        return _COLOUR.sub(value, text)


def _read_theme(text: str) -> dict[str, dict[str, str]]:
    try:
        theme = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TemplateError(f"theme.toml: {error}") from error
    for table in ("light", "dark"):
        for name, colour in theme.setdefault(table, {}).items():
            if not (isinstance(colour, str) and _HEX.fullmatch(colour)):
                raise TemplateError(f'theme.toml: [{table}] {name} = {colour!r} is not like "#1b4dcc"')
    return theme


def html_environment() -> jinja2.Environment:
    """Escapes; knows nothing but what it is given; reads no file."""
    return ImmutableSandboxedEnvironment(autoescape=True, undefined=jinja2.StrictUndefined)


def text_environment(trim: bool = True) -> jinja2.Environment:
    """For plain text; with `trim`, a line with nothing but a block tag leaves no trace."""
    return ImmutableSandboxedEnvironment(
        autoescape=False, undefined=jinja2.StrictUndefined, trim_blocks=trim, lstrip_blocks=trim
    )


class Sheet(NamedTuple):
    """The three templates of one kind of mail."""

    html: jinja2.Template
    text: jinja2.Template
    subject: jinja2.Template


def compile_sheet(files: Templates, stem: str, slots: tuple[str, ...]) -> tuple[Sheet, Sheet]:
    """The templates as written, to be tried out with their own lines in the errors, and compiled.

    `slots`: those that both parts have to print, such as the link to unsubscribe.
    """
    env, plain = html_environment(), text_environment()
    for name, slot in product((f"{stem}.mjml", f"{stem}.txt"), slots):
        if not re.search(rf"{{{{\s*slot\.{slot}\b", files.raw(name)):
            raise TemplateError(f"{name}: {{{{ slot.{slot} }}}} is missing")
    source = files[f"{stem}.mjml"]
    html = parse(env, f"{stem}.mjml", source)
    text = parse(plain, f"{stem}.txt", files[f"{stem}.txt"])
    subject = parse(text_environment(trim=False), "subject.txt", files["subject.txt"])
    compiled = compile_mjml(env, f"{stem}.mjml", source, files["inline.css"])
    return Sheet(html, text, subject), Sheet(compiled, text, subject)


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

    def __call__(self, name: str, *values: object) -> str:
        macro = getattr(self._module, name, None)
        if not isinstance(macro, Macro):
            raise TemplateError(f"{self._name}: there is no macro {name}")
        with naming(self._name):
            return str(macro(*values))


def parse(env: jinja2.Environment, name: str, source: str) -> jinja2.Template:
    """A template whose errors, caught by `naming`, name its lines; slots are checked, see lint.py."""
    with naming(name):
        check_tags(name, env.parse(source))
        return jinja2.Template.from_code(env, env.compile(source, name, name), env.make_globals(None))


@contextmanager
def naming(name: str) -> Iterator[None]:
    """Turn what Jinja and the expressions of template `name` raise into a TemplateError with its line."""
    try:
        yield
    except jinja2.TemplateSyntaxError as error:
        raise TemplateError(f"{name}, line {error.lineno}: {error.message}") from error
    except (jinja2.TemplateError, ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        line = _template_line(name, error)
        raise TemplateError(f"{name}, line {line}: {error}" if line else f"{name}: {error}") from error


def _template_line(name: str, error: Exception) -> int | None:
    line = None
    for frame, number in walk_tb(error.__traceback__):
        if frame.f_code.co_filename == name:  # a page's frames have been rewritten by Jinja, a macro's have not
            template = frame.f_globals.get("__jinja_template__")
            line = template.get_corresponding_lineno(number) if template else number
    return line


def compile_mjml(env: jinja2.Environment, name: str, source: str, css: str) -> jinja2.Template:
    """One template of finished HTML with our own CSS inlined; MJML's resets and media rules stay in the head."""
    shielded, tags = shield(env, name, source)
    check_mjml(name, shielded)
    html = inline(to_html(name, shielded), css)
    _check(name, html, tags)
    with naming(name):
        code = env.compile(restore(html, tags), name, f"compiled {name}")
        return jinja2.Template.from_code(env, code, env.make_globals(None))


def shield(env: jinja2.Environment, name: str, source: str) -> tuple[str, Tags]:
    """Each tag becomes an inert word that is valid wherever text, a URL or a CSS value is; comments go."""
    if word := _WORD.search(source):
        raise TemplateError(f"{name}, line {line_at(source, word.start())}: {word[0]} is a word of ours")
    out: list[str] = []
    tags: Tags = []
    tag: list[str] = []
    start = 1
    for line, kind, text in env.lex(source):
        if kind == "raw_begin":
            raise TemplateError(f"{name}, line {line}: {{% raw %}} cannot be compiled")
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
    return _WORD.sub(lambda word: tags[int(word[1])][1], text)


def to_html(name: str, shielded: str) -> str:
    from mjml import mjml2html

    try:
        return mjml2html(shielded.lstrip(), disable_comments=True, fonts={})
    except ValueError as error:
        offset = re.search(r"position (\d+):", str(error))
        lead = len(shielded) - len(shielded.lstrip())
        before = shielded.lstrip().encode()[: int(offset[1])].decode(errors="ignore") if offset else ""
        where = f"{name}, line {line_at(shielded, lead + len(before))}" if offset else name
        raise TemplateError(f"{where}: not valid MJML: {error}") from error


def inline(html: str, css: str) -> str:
    from premailer import Premailer

    for style in _STYLE.finditer(html):
        if not style[1].isascii():
            raise TemplateError(f"an mj-style holds {style[1]!r}: only ASCII can stand in a style")
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
    return _STYLE_ATTRIBUTE.sub(lambda style: _TWICE.sub(r"\2", _GAPS.sub(r"\1", style[0])), inlined)


def _check(name: str, html: str, tags: Tags) -> None:
    """Every tag is still there; statements once and in order."""
    found = [int(word[1]) for word in _WORD.finditer(html)]
    for number, (line, tag) in enumerate(tags):
        if number not in found:
            raise TemplateError(f"{name}, line {line}: {tag} was lost in compilation")
        if tag.startswith("{%") and found.count(number) > 1:
            raise TemplateError(f"{name}, line {line}: {tag} was doubled in compilation")
    statements = [number for number in found if tags[number][1].startswith("{%")]
    for number, after in pairwise(statements):
        if number > after:
            line, tag = tags[number]
            raise TemplateError(f"{name}, line {line}: {tag} was moved in compilation")
