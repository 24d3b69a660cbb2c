"""Editions of an issue: compiled once a language, each card rendered once, a mail a join of ready bytes.

templates ─ Renderer ─▶ open(issue, entries) ─ MultilingualIssue ─▶ render(edition, links) ─▶ Mail
             compiled       an IssueRenderer a language               slots filled, parts joined
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from functools import lru_cache

from newsletter.errors import TemplateError
from newsletter.i18n import Messages, catalogues_of
from newsletter.renderer.compile import MailTemplates, Templates, compile_templates
from newsletter.renderer.fragments import needing_slots
from newsletter.renderer.issue_renderer import IssueRenderer
from newsletter.renderer.mime import Envelope, check_lines
from newsletter.renderer.sanitize import tidy_masthead
from newsletter.types import NOTHING_NEW, Cadence, Edition, Entry, Issue, Links, Mail, Masthead, Pick, Subscriber

NEEDED = ("unsubscribe", "lead", "cards")


class Renderer:
    """The weekly templates, compiled and tried out."""

    def __init__(self, templates: Mapping[str, str], masthead: Masthead) -> None:
        """`templates`: edition.mjml, edition.txt, subject.txt, inline.css, theme.toml, catalogues (de.po).

        Raises TemplateError.
        """
        self._files = templates
        self._masthead = tidy_masthead(masthead)
        self._envelope = Envelope(self._masthead)
        self._catalogues = catalogues_of(templates)
        messages = self.messages(None)
        written, compiled = compile_templates(Templates(templates, messages), "edition", NEEDED)
        self._compiled = {messages.language: compiled}
        try:
            self._try_out(compiled, messages)
        except TemplateError:
            self._try_out(written, messages, of_mail=False)  # names the line as it is in the file
            raise

    def _try_out(self, templates: MailTemplates, messages: Messages, of_mail: bool = True) -> None:
        """Render made-up editions, so that no template fails at send time. Raises TemplateError."""
        for missing in ((), ("A source", f"Another{NOTHING_NEW}")):
            version = IssueRenderer(templates, messages, self._masthead, self._envelope, _ISSUE, 2, missing)
            for body in _trials(version):
                if of_mail:
                    check_lines(body)

    def open(self, issue: Issue, entries: Iterable[Entry], missing: tuple[str, ...] = ()) -> MultilingualIssue:
        """`entries`: the frozen pool; `missing`: sources to name in the footer, those that were read NOTHING_NEW."""
        return MultilingualIssue(self, issue, len({entry.id for entry in entries}), missing)

    def messages(self, language: str | None) -> Messages:
        """The words of the nearest language that there are any of; None: the newsletter's own."""
        return self._catalogues.messages(language, self._masthead.language)

    @property
    def languages(self) -> tuple[str, ...]:
        """That there are words of, by their BCP 47 tags."""
        return self._catalogues.languages

    def version(self, messages: Messages, issue: Issue, pool: int, missing: tuple[str, ...]) -> IssueRenderer:
        """The issue in these words."""
        return IssueRenderer(
            self._compiled_in(messages), messages, self._masthead, self._envelope, issue, pool, missing
        )

    def _compiled_in(self, messages: Messages) -> MailTemplates:
        if messages.language not in self._compiled:
            _, compiled = compile_templates(Templates(self._files, messages), "edition", NEEDED)
            self._compiled[messages.language] = compiled
        return self._compiled[messages.language]


def make_renderer(templates: Mapping[str, str], masthead: Masthead) -> Renderer:
    """A Renderer, remembered: to compile and try out takes a tenth of a second, and pages ask again and again.

    Raises TemplateError.
    """
    return _remembered(tuple(sorted(templates.items())), masthead)


@lru_cache(maxsize=8)
def _remembered(templates: tuple[tuple[str, str], ...], masthead: Masthead) -> Renderer:
    return Renderer(dict(templates), masthead)


class MultilingualIssue:
    """An issue in the languages of its readers, each made when a reader first needs it."""

    def __init__(self, renderer: Renderer, issue: Issue, pool: int, missing: tuple[str, ...]) -> None:
        self._renderer = renderer
        self._given = issue, pool, missing
        self._versions: dict[str, IssueRenderer] = {}

    def fitting(self, edition: Edition, links: Links) -> Edition:
        """The edition with as many picks as its mail has room for; the others, the lowest ranked, in `more`."""
        return self.version(edition).fitting(edition, links)

    def render(self, edition: Edition, links: Links, message_id: str, date: datetime) -> Mail:
        """Pure: the same arguments give the same bytes, always. A pick need not be of the pool."""
        return self.version(edition).render(edition, links, message_id, date)

    def shared(self, edition: Edition, links: Links) -> bytes:
        """HTML of an edition on the web: the reader's picks, without name and votes; `links` open nobody's pages."""
        return self.version(edition).shared(edition, links)

    def public(self, edition: Edition, links: Links) -> tuple[str, bytes]:
        """Subject and HTML of the page for everybody: nothing in it is the subscriber's own, or asks for a vote."""
        return self.version(edition).public(edition, links)

    def version(self, edition: Edition) -> IssueRenderer:
        """In the language of the edition's subscriber."""
        messages = self._renderer.messages(edition.subscriber.language)
        if messages.language not in self._versions:
            self._versions[messages.language] = self._renderer.version(messages, *self._given)
        return self._versions[messages.language]


def _trials(issue: IssueRenderer) -> Iterator[bytes]:
    """Mails and pages of every kind."""
    ada = Subscriber(1, "ada@example.org", "Ada")
    first, bare, other = (
        Pick(_FULL, 1.0, "an interest", ("a reason",)),
        Pick(_BARE, 1.0, "", ("a reason",)),
        Pick(_BARE, 1.0, "another", ("a reason",)),
    )
    kinds = (
        ((), "", (), ()),
        ((first,), "Ada", (first,), ()),
        ((bare,), "", (first, bare), ()),
        ((first, bare), "Ada", (), ()),
        ((bare, replace(first, entry=_SHORT), first), "", (), (_FULL, _BARE)),
        ((first, bare, other), "Ada", (bare,), (_BARE,)),
    )
    for picks, name, more, popular in kinds:
        for skim in (False, True):
            quiet = () if more else ("an interest", "another")
            person = replace(ada, name=name, skim=skim)
            edition = Edition(_ISSUE, person, picks, more, popular, quiet, quiet[:1], general=bool(popular) and skim)
            with needing_slots():
                issue.fitting(edition, _SAMPLE_LINKS)  # where a slot has no value, `render` may find its neighbour's
                mail = issue.render(edition, _SAMPLE_LINKS, "<trial@example.org>", _ISSUE.until)
                _, page = issue.public(edition, _SAMPLE_LINKS)
                shared = issue.shared(edition, _SAMPLE_LINKS)
            yield from (mail.body, page, shared)


_ISSUE = Issue("2025-W12", Cadence.WEEKLY, datetime(2025, 3, 10, tzinfo=UTC), datetime(2025, 3, 17, tzinfo=UTC))
_LINK = "https://example.org/" + "x" * 480
_SAMPLE_LINKS = Links(view=_LINK, interests=_LINK, unsubscribe=_LINK, unsubscribe_mailto="", feedback=_LINK)
_BARE = Entry("bare", "A title")
_FULL = Entry(
    id="full",
    title="A title",
    abstract="A sentence. " * 80,
    url=_LINK,
    authors=("A", "B", "C", "D"),
    published=_ISSUE.since,
    source="A source",
    topics=("a topic", "another"),
    code_url=_LINK,
    pdf_url=_LINK,
    project_url=_LINK,
    trend=1.0,
    image_url=_LINK,
    votes=2,
    comments=2,
    stars=2,
)
_SHORT = replace(_FULL, id="short", tldr="A summary.")
