"""Why a paper was taken or left for one reader, number by number."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from newsletter.errors import UnknownEntry
from newsletter.services.context import Context
from newsletter.services.editions import IssueEditions
from newsletter.services.papers import Papers
from newsletter.services.prepared import PreparedIssue
from newsletter.services.readership import KnownReaders
from newsletter.types import Entry, Issue, Profile, Subscriber, Verb

if TYPE_CHECKING:
    from newsletter.selector.explain import Explanation

#: of a paper that no pool takes, by whether it was withdrawn
NO_NEWS = {
    True: "It was withdrawn, as one of its sources says.",
    False: "It is no news: a replacement of a paper announced before, older than `max_age` allows, or only liked.",
}
EVERY_ISSUE = 1_000_000  #: more issues than there can be


@dataclass(frozen=True, slots=True)
class Heard:
    """A word of a reader on a paper that still counts."""

    entry: str
    title: str
    verb: Verb
    days: int  #: ago
    weight: float  #: 0..1, beside a paper that the profile itself names


@dataclass(frozen=True, slots=True)
class Explained:
    """Why an entry was taken or left for a reader, as of today; and what the mail had, where one was made."""

    issue: Issue
    planned: bool  #: else it is the draft of the next issue
    subscriber: Subscriber
    explanation: Explanation
    heard: tuple[Heard, ...]  #: latest first
    kept: bool  #: an edition was made: today's numbers may differ from those of then
    kept_place: int  #: of the entry in that edition, 1..; 0: it was not in it


class Explaining:
    """Takes choices apart."""

    def __init__(self, context: Context, editions: IssueEditions, readers: KnownReaders, papers: Papers) -> None:
        self._settings = context.settings
        self._store = context.store
        self._editions = editions
        self._readers = readers
        self._papers = papers

    def explain(self, address: str, entry_id: str, key: str = "") -> Explained:
        """Why this entry, by any form of its id, was taken or left for this subscriber. Changes nothing.

        In the issue `key`; by default in the latest issue of the subscriber's cadence that has it in its pool, else in
        the next issue as of now. By the votes of today. Raises UnknownSubscriber, UnknownEntry, UnknownIssue.
        """
        person, entry = self._store.subscribers.find(address), self._papers.find([entry_id]).get(entry_id)
        if entry is None:
            raise UnknownEntry(f"{entry_id}: {UnknownEntry()}")
        planned = key or self._latest_holding(entry, person)
        prepared = self._editions.prepared(planned) if planned else self._editions.draft([person])
        return self.explained(prepared, person, entry, bool(planned))

    def survey(self, prepared: PreparedIssue, person: Subscriber) -> tuple[Explanation, ...]:
        """Explain every paper of the pool, without the parts of its score."""
        return prepared.chooser.survey(*self._asking(prepared, person))

    def explained(self, prepared: PreparedIssue, person: Subscriber, entry: Entry, planned: bool) -> Explained:
        """As `explain`, of an issue and a person at hand."""
        heard, seen = self._asking(prepared, person)
        names = self._store.entries.present(prepared.entries)
        pooled = [name for name in prepared.entries if names.get(name, name) == entry.id]
        tried = [prepared.chooser.explain(heard, seen, name) for name in pooled or [entry.id]]
        explanation = next((each for each in tried if each.pooled), tried[0])
        made = self._store.editions.kept(prepared.issue, [person.id], prepared.entries) if planned else {}
        kept = made.get(person.id)
        places = [place for place, pick in enumerate(kept.edition.picks, 1) if pick.entry.id in pooled] if kept else []
        return Explained(
            issue=prepared.issue,
            planned=bool(planned),
            subscriber=person,
            explanation=replace(explanation, title=explanation.title or entry.title, why=self._why(explanation, entry)),
            heard=_heard(prepared, heard.profile),
            kept=kept is not None,
            kept_place=next(iter(places), 0),
        )

    def _why(self, explanation: Explanation, entry: Entry) -> str:
        """The explanation's sentence; of what is in no pool, also why."""
        withdrawn = None if explanation.pooled else self._store.entries.no_news([entry.id]).get(entry.id)
        return explanation.why if withdrawn is None else f"{explanation.why} {NO_NEWS[withdrawn]}"

    def shown_elsewhere(self, prepared: PreparedIssue, person: Subscriber) -> dict[str, str]:
        """Entry id of the pool → key of the latest other issue that showed the entry to this subscriber."""
        showings = self._store.votes.shown([person.id], EVERY_ISSUE).get(person.id, ())
        keys = {showing.entry: showing.issue for showing in showings if showing.issue != prepared.issue.key}
        present = self._store.entries.present(prepared.entries)
        today = {name: present.get(name, name) for name in prepared.entries}
        return {name: keys[current] for name, current in today.items() if current in keys}

    def _asking(self, prepared: PreparedIssue, person: Subscriber) -> tuple[Subscriber, set[str]]:
        """The person with what their votes say, and what they were shown in other issues."""
        key = prepared.issue.key
        seen = self._store.editions.seen([person.id], but=key)[person.id]
        return self._readers.with_signals([person], but=key)[0], seen

    def _latest_holding(self, entry: Entry, person: Subscriber) -> str:
        """The key of the latest issue of this person's cadence with this entry in its pool; "" if there is none."""
        cadence = person.cadence or self._settings.schedule.cadence
        return next((issue.key for issue in self._store.issues.holding(entry.id) if issue.cadence is cadence), "")


def _heard(prepared: PreparedIssue, profile: Profile) -> tuple[Heard, ...]:
    from newsletter.selector import vote_signals

    return tuple(
        Heard(
            signal.entry,
            prepared.chooser.title(signal.entry),
            signal.verb,
            vote_signals.age(signal).days,
            signal.weight,
        )
        for signal in profile.signals[::-1]
    )
