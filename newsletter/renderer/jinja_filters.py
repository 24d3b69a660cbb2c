"""The messages in templates: _("%(name)s wrote", name=name), ngettext("one paper", "%(num)s papers", count), and the
filters date, number and listed."""

from __future__ import annotations

from collections.abc import Iterable

import jinja2
from jinja2 import nodes
from jinja2.ext import Extension
from jinja2.nodes import EvalContext
from jinja2.parser import Parser
from markupsafe import Markup, escape

from newsletter.i18n import Messages


class NoTrans(Extension):
    """Says what to write instead of {% trans %}, whose text the MJML compiler would see."""

    tags = {"trans"}  # noqa: RUF012

    def parse(self, parser: Parser) -> nodes.Node:
        parser.fail('write {{ _("…") }} instead of {% trans %}: MJML would take its text for a part of the page')


def speak(env: jinja2.Environment, messages: Messages) -> jinja2.Environment:
    """Give an environment the words of a language.

    Messages and values are plain text, both escaped where the environment escapes; Markup stays as it is.
    """

    @jinja2.pass_eval_context
    def gettext(context: EvalContext, message: str, **values: object) -> str:
        return _filled(context, messages, messages.gettext(message), values)

    @jinja2.pass_eval_context
    def ngettext(context: EvalContext, one: str, many: str, number: int, **values: object) -> str:
        """`%(num)s` is the number, unless told otherwise."""
        values = {"num": messages.number(number), **values}
        return _filled(context, messages, messages.ngettext(one, many, number), values)

    @jinja2.pass_eval_context
    def listed(context: EvalContext, items: Iterable[object]) -> str:
        if context.autoescape:
            return Markup(messages.listed([str(escape(item)) for item in items]))  # noqa: S704 - each was escaped
        return messages.listed(map(str, items))

    env.add_extension(NoTrans)
    env.globals.update({"_": gettext, "gettext": gettext, "ngettext": ngettext})
    env.filters.update({"date": messages.date, "number": messages.number, "listed": listed})
    return env


def _filled(context: EvalContext, messages: Messages, text: str, values: dict[str, object]) -> str:
    values = {name: _isolated(messages, value) for name, value in values.items()}
    try:
        return (escape(text) if context.autoescape else text) % values
    except KeyError as error:
        raise TypeError(f'the message "{text}" is not given its value {error.args[0]}') from error


def _isolated(messages: Messages, value: object) -> object:
    return messages.isolated(value) if isinstance(value, str) and not isinstance(value, Markup) else value
