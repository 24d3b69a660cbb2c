"""One frozen issue, prepared: it chooses editions, renders mails and signs them."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import parseaddr
from typing import TYPE_CHECKING

from newsletter.bounces.leaving import LeaveByMail
from newsletter.bounces.verp import ReturnPath
from newsletter.config import SelectionSection
from newsletter.i18n import Catalogues, catalogues_of
from newsletter.services.readership import Readership
from newsletter.services.wiring import Sign
from newsletter.store import Frozen, Kept
from newsletter.tokens import Purpose, Tokens
from newsletter.types import WANTED, Edition, Entry, Issue, Links, Mail, Masthead, Profile, Subscriber, Verb, WhenEmpty

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from newsletter.selector.explain import Explanation


@dataclass(frozen=True, slots=True)
class Telling:
    """In which words an issue's editions are told, and which parts they have."""

    catalogues: Catalogues
    language: str
    popular: bool  #: whether they tell what is popular this week

    @classmethod
    def of(cls, frozen: Frozen) -> Telling:
        """Choose the catalogue and sections for this issue's editions."""
        masthead = frozen.masthead
        return cls(catalogues_of(frozen.templates), masthead.language, "popular" in masthead.sections)


class Chooser:
    """The papers of one issue, prepared: chooses for its readers. Pure but for what it was given."""

    def __init__(
        self,
        frozen: Frozen,
        readership: Readership,
        defaults: SelectionSection,
        twins: Collection[str] = (),
        vectors: Mapping[str, NDArray[np.float32]] | None = None,
    ) -> None:
        """`twins`: ids of the pool that are left out: another one is the same paper, or it was withdrawn.

        `vectors`: of entries, by id, and of words; None: no embedder is configured, or it failed.
        """
        from newsletter import selector  # with numpy and scipy; to collect needs neither

        self.issue = frozen.issue
        self.entries = {entry.id: entry for entry in frozen.entries}
        self._library = readership.library
        self._aliases = {asked: entry.id for asked, entry in readership.library.items()}
        own = (defaults.size, defaults.hype, defaults.surprise, defaults.fill, defaults.floor)
        self._defaults, self._when_empty = selector.Defaults(*own), defaults.when_empty
        beside = {entry.id: entry for entry in (*readership.older, *self._library.values())}
        others = [entry for entry in beside.values() if entry.id not in self.entries]
        rises = {entry.id: entry.trend for entry in frozen.entries if entry.trend is not None}
        candidates = [entry for entry in frozen.entries if entry.id not in twins]
        liked = [self._known(ids, ()) for ids in readership.likes]
        self.pool = selector.prepare(candidates, others, rises or None, liked, vectors)

    def choose(self, people: Sequence[Subscriber], seen: Mapping[int, set[str]], telling: Telling) -> list[Edition]:
        """Choose one edition per subscriber, in their order; their profiles hold their signals.

        `seen`: subscriber → ids of entries that they were shown in other issues.
        """
        from newsletter import selector

        profiles = [self.completed(person.profile) for person in people]
        gone = [seen.get(person.id, set()) for person in people]
        messages = [telling.catalogues.messages(person.language, telling.language) for person in people]
        found = selector.find(self.pool, profiles, gone, self._defaults, messages)
        popular: Sequence[tuple[Entry, ...]] = [()] * len(people)
        if telling.popular:
            popular = selector.popular(self.pool, profiles, gone, [chosen.picks for chosen in found])
        return [
            Edition(
                self.issue,
                person,
                chosen.picks,
                popular=() if chosen.general else beside,
                unanswered=chosen.unanswered,
                unheard=chosen.unheard,
                general=chosen.general,
            )
            for person, chosen, beside in zip(people, found, popular, strict=True)
        ]

    def warm(self, people: Sequence[Subscriber], largest: int) -> None:
        """Compute ahead what a quick choice for one of these needs; the table of scores keeps `largest` bytes."""
        from newsletter import selector

        selector.warm(self.pool, [self.completed(person.profile) for person in people], largest)

    def explain(self, person: Subscriber, seen: set[str], entry_id: str) -> Explanation:
        """Choose for this person alone, and take the choice apart for one entry."""
        from newsletter.selector.explain import explain

        return explain(self.pool, self.completed(person.profile), seen, entry_id, self._defaults)

    def survey(self, person: Subscriber, seen: set[str]) -> tuple[Explanation, ...]:
        """Explain every candidate, without the parts of its score."""
        from newsletter.selector.survey import survey

        return survey(self.pool, self.completed(person.profile), seen, self._defaults)

    def title(self, entry_id: str) -> str:
        """The title of a candidate, or of what readers named; "" where it is neither."""
        known = self.entries.get(entry_id) or self._library.get(entry_id)
        return known.title if known else ""

    def completed(self, profile: Profile) -> Profile:
        """The newsletter's defaults where the subscriber said nothing; every id by its entry's own name.

        A vote is a later word than what the profile says of the same paper.
        """
        from newsletter import selector

        signals = tuple(replace(signal, entry=self._name(signal.entry)) for signal in profile.signals)
        refused = {signal.entry for signal in signals if signal.verb is Verb.LESS}
        wanted = {signal.entry for signal in signals if signal.verb in WANTED}
        return replace(
            selector.completed(profile, self._defaults),
            when_empty=profile.when_empty or self._when_empty,
            liked=self._known(profile.liked, refused),
            disliked=self._known(profile.disliked, wanted),
            interests=tuple(
                replace(interest, liked=self._known(interest.liked, refused)) for interest in profile.interests
            ),
            signals=signals,
        )

    def _known(self, ids: Iterable[str], but: Collection[str]) -> tuple[str, ...]:
        return tuple(name for name in map(self._name, ids) if name not in but)

    def _name(self, entry_id: str) -> str:
        return entry_id if entry_id in self.entries else self._aliases.get(entry_id, entry_id)


class Signatures:
    """What an installation signs: the links of a reader, Message-IDs, envelope senders, whole mails."""

    def __init__(self, tokens: Tokens, return_path: ReturnPath, leave_by_mail: LeaveByMail, sign: Sign) -> None:
        self._tokens = tokens
        self._return_path = return_path
        self._leave_by_mail = leave_by_mail
        self.sign = sign

    def links(self, number: int, epoch: int, issue: Issue, masthead: Masthead) -> Links:
        """All links of a subscriber's mail, each signed for one purpose; that to unsubscribe is never stale."""
        base, sign = masthead.base_url, self._tokens.sign_personal
        unsubscribe = self._tokens.sign(Purpose.UNSUBSCRIBE, number)
        return Links(
            view=f"{base}/view/{sign(Purpose.VIEW, number, epoch, issue.key)}",
            interests=f"{base}/interests/{sign(Purpose.INTERESTS, number, epoch)}",
            unsubscribe=f"{base}/unsubscribe/{unsubscribe}",
            unsubscribe_mailto=self._leave_by_mail.mailto(number),
            feedback=f"{base}/feedback/{sign(Purpose.FEEDBACK, number, epoch)}",
        )

    def message_id(self, number: int, issue: Issue, masthead: Masthead) -> str:
        """The same for the same subscriber and issue, always."""
        domain = parseaddr(masthead.sender)[1].rpartition("@")[2]
        return self._tokens.message_id(issue.key, number, domain)

    def sender(self, number: int, issue: Issue) -> str:
        """The envelope sender; "" where the newsletter's own address is it."""
        return self._return_path.of(issue.key, number)


class PreparedIssue:
    """One issue: chooses its editions and renders them."""

    def __init__(self, frozen: Frozen, chooser: Chooser, signatures: Signatures) -> None:
        """Raises TemplateError."""
        from newsletter.renderer import make_renderer

        self.frozen = frozen
        self.issue = frozen.issue
        self.chooser = chooser
        self._signatures = signatures
        self._telling = Telling.of(frozen)
        renderer = make_renderer(frozen.templates, frozen.masthead)
        self._rendering = renderer.open(frozen.issue, frozen.entries, frozen.missing)
        self.entries = chooser.entries  #: by id

    def with_templates(self, templates: Mapping[str, str], masthead: Masthead) -> PreparedIssue:
        """The same papers, and so the same choices, in other templates. Raises TemplateError."""
        return PreparedIssue(
            replace(self.frozen, templates=templates, masthead=masthead), self.chooser, self._signatures
        )

    def choose(self, people: Sequence[Subscriber], seen: Mapping[int, set[str]]) -> list[Edition]:
        """Choose one edition per subscriber, in their order; their profiles hold their signals.

        `seen`: subscriber → ids of entries that they were shown in other issues.
        """
        return self.chooser.choose(people, seen, self._telling)

    def is_unwanted(self, person: Subscriber, kept: Kept) -> bool:
        """Whether this is an edition without a pick, and such a one is not to be mailed."""
        wanted = self.chooser.completed(person.profile).when_empty
        return not kept.edition.picks and wanted is WhenEmpty.SKIP

    def kept(self, edition: Edition, made: datetime) -> Kept:
        """Fit an edition into a mail, and note what makes its bytes the same again."""
        number = edition.subscriber.id
        edition = self._rendering.fitting(edition, self._links_of(edition.subscriber))
        return Kept(edition, self._signatures.message_id(number, self.issue, self.frozen.masthead), made)

    def render_mail(self, kept: Kept) -> Mail:
        """Render the mail: the same bytes and envelope for the same kept edition, always."""
        number = kept.edition.subscriber.id
        mail = self._signatures.sign(self._rendered(kept, kept.edition))
        sender = self._signatures.sender(number, self.issue) if number else ""  # a test mail has nobody's number
        return replace(mail, sender=sender or mail.sender)

    def render_web_page(self, kept: Kept, links: Links) -> str:
        """Render also what the mail had no room for: its page on the web. `links` open nobody's pages."""
        whole = replace(kept.edition, picks=kept.edition.picks + kept.edition.more, more=())
        return self._rendering.shared(whole, links).decode("ascii")

    def links(self, number: int, epoch: int = 0) -> Links:
        """All links of a subscriber's mail, each signed for one purpose."""
        return self._signatures.links(number, epoch, self.issue, self.frozen.masthead)

    def _links_of(self, person: Subscriber) -> Links:
        return self.links(person.id, person.epoch)

    def _rendered(self, kept: Kept, edition: Edition) -> Mail:
        links = self._links_of(edition.subscriber)
        return self._rendering.render(edition, links, kept.message_id, kept.made)
