"""The mail that asks a new subscriber whether the address is theirs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime

from newsletter.i18n import catalogues_of
from newsletter.renderer.compile import MailTemplates, Templates, compile_templates, page
from newsletter.renderer.fragments import (
    SLOTS,
    HtmlFragment,
    Prose,
    TextFragment,
    fill,
    html_links,
    html_values,
    needing_slots,
    quoted,
)
from newsletter.renderer.issue_renderer import subject_lines
from newsletter.renderer.mime import Envelope, check_lines
from newsletter.renderer.sanitize import tidy_masthead
from newsletter.types import Mail, Masthead, Subscriber


class Confirmation:
    """The confirm templates in one language, compiled and tried out."""

    def __init__(self, templates: Mapping[str, str], masthead: Masthead, language: str | None = None) -> None:
        """`templates`: mail.mjml, mail.txt, subject.txt, catalogues, and the weekly folder's inline.css and theme.toml.

        `language`: of the person; the newsletter's own by default.
        """
        messages = catalogues_of(templates).messages(language, masthead.language)
        self._language = messages.language
        self._context = {"masthead": tidy_masthead(masthead), "slot": SLOTS}
        self._envelope = Envelope(tidy_masthead(masthead))
        written, compiled = compile_templates(Templates(templates, messages), "mail", ("link",))
        for version in (written, compiled):
            self._prepare(version)
        self._try_out()

    def _prepare(self, templates: MailTemplates) -> None:
        html, text, subject = (page(template, self._context) for template in templates)
        self._html, self._text, self._subject = HtmlFragment(html), TextFragment(text), subject

    def render(self, subscriber: Subscriber, link: str, message_id: str, date: datetime) -> Mail:
        """Pure. All but the address is a stranger's word until the link is used, so it stands nowhere in the mail."""
        values = {"email": subscriber.email}
        subject, values["preheader"] = subject_lines(fill(self._subject, values))
        html = html_values(values) | html_links({"link": link})
        text = self._text.fill(Prose(values), {"link": quoted(link)})
        parts = text, self._html.fill(html)
        nameless = replace(subscriber, name="")
        return self._envelope.seal(nameless, subject, message_id, date, parts, language=self._language)

    def _try_out(self) -> None:
        nobody, link = Subscriber(1, "ada@example.org"), "https://example.org/" + "x" * 480
        with needing_slots():
            mail = self.render(nobody, link, "<trial@example.org>", datetime(2025, 3, 17, tzinfo=UTC))
        check_lines(mail.body)
