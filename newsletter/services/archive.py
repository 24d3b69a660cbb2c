"""The issues that went out, as everybody may see them.

frozen issue ─ selector.for_everybody ─▶ edition ─ renderer ─▶ Public, kept so that visitors cost little

A page depends on the issue as it was planned and on the configuration, never on a subscriber, and is the same to the
byte whenever it is made.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import lru_cache
from threading import Lock

from newsletter.config import Settings
from newsletter.errors import TemplateError, UnknownIssue
from newsletter.schedule import KEY, shown_day
from newsletter.store import Frozen, Issues
from newsletter.types import Edition, Issue, IssueState, Links, Subscriber

logger = logging.getLogger("newsletter")

KEPT = 128  #: pages in memory, of some 100 KB each
OUT = (IssueState.SENDING, IssueState.DONE)
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
ASKS = "reader.public"  #: a template that never asks for it is for subscribers only


@dataclass(frozen=True, slots=True)
class Public:
    """What everybody may see of an issue; its edition is nobody's."""

    issue: Issue
    edition: Edition
    subject: str
    html: bytes
    papers: int  #: that were read for it
    language: str
    languages: tuple[str, ...]  #: that it could be had in


@dataclass(frozen=True, slots=True)
class Headline:
    """A line of the list of issues."""

    issue: Issue
    day: date  #: that readers see on it
    papers: int
    subject: str


class Archive:
    """The pages of past issues. Safe for threads: each page is made once, one at a time."""

    def __init__(self, settings: Settings, issues: Issues) -> None:
        self._settings = settings
        self._issues = issues
        self._making = Lock()
        self._page = lru_cache(maxsize=KEPT)(self._made)
        self._headlines: dict[str, Headline] = {}

    def public(self, key: str, language: str = "") -> Public:
        """The page of an issue, in its own language where it does not speak the other; raises UnknownIssue.

        An issue is not known here before it goes out, nor when it has no paper.
        """
        with self._making:
            page = self._page(key, "")
            spoken = _nearest(language, page.languages)
            return self._page(key, spoken) if spoken not in ("", page.language) else page

    def headlines(self, start: int, most: int) -> list[Headline]:
        """The lines of the list of issues, newest first, from place `start` on."""
        return [self._headline(issue) for issue in self._issues.out(start, most)]

    def latest(self, papers: int) -> list[Public]:
        """The latest issues, newest first, until they have so many papers together."""
        found: list[Public] = []
        for issue in self._issues.out(0, papers):
            if sum(len(page.edition.picks) for page in found) >= papers:
                break
            found.append(self.public(issue.key))
        return found

    def began(self) -> datetime:
        """When the first issue of all ended; stays, once there is one."""
        return self._issues.first_until() or NEVER

    def _headline(self, issue: Issue) -> Headline:
        """The line of an issue, remembered for good: it is short, and does not change."""
        if issue.key not in self._headlines:
            page = self.public(issue.key)
            day = shown_day(issue, self._settings.schedule.timezone)
            self._headlines[issue.key] = Headline(page.issue, day, page.papers, page.subject)
        return self._headlines[issue.key]

    def _made(self, key: str, language: str) -> Public:
        if not KEY.fullmatch(key) or self._issues.get(key).state not in OUT:
            raise UnknownIssue
        frozen = self._issues.frozen(key)
        if not frozen.entries:
            raise UnknownIssue
        if ASKS in frozen.templates.get("edition.mjml", ""):
            try:
                return self._rendered(frozen, frozen.templates, language)
            except TemplateError as error:
                logger.warning("archived with other templates", extra={"issue": key, "error": str(error)})
        return self._rendered(frozen, self._built_in(), language)

    def _rendered(self, frozen: Frozen, templates: Mapping[str, str], language: str) -> Public:
        from newsletter.renderer import make_renderer
        from newsletter.selector import for_everybody

        renderer = make_renderer(templates, frozen.masthead)
        messages = renderer.messages(language or None)
        picks = for_everybody(frozen.entries, self._settings.selection.size, messages)
        edition = Edition(frozen.issue, Subscriber(0, "", language=messages.language), picks)
        prepared = renderer.open(frozen.issue, frozen.entries, frozen.missing)
        subject, html = prepared.public(edition, self._links())
        papers = len({entry.id for entry in frozen.entries})
        return Public(frozen.issue, edition, subject, html, papers, messages.language, renderer.languages)

    def _built_in(self) -> dict[str, str]:
        """The built-in templates, for issues that were planned with templates that know no such page."""
        from newsletter.renderer import load_kind, own_folder, themed

        messages = load_kind("messages", own_folder(self._settings))
        return themed({**messages, **load_kind("weekly", None)}, self._settings.theme)

    def _links(self) -> Links:
        """The links to where the pages are today; nothing is signed."""
        base = self._settings.masthead.base_url
        return Links(view=f"{base}/archive", interests=f"{base}/", unsubscribe="", unsubscribe_mailto="", feedback="")


def _nearest(asked: str, languages: Sequence[str]) -> str:
    """The language to answer in: "de" for "de-AT" where only that is spoken; "" for what is not."""
    tag = asked.replace("_", "-").lower()
    spoken = [known for known in languages if f"{tag}-".startswith(f"{known.lower()}-")]
    return max(spoken, key=len, default="")
