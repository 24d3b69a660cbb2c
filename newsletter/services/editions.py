"""Editions: issues prepared and kept in memory; what each reader got or would get."""

from __future__ import annotations

from collections.abc import Iterable, Sequence, Set
from dataclasses import replace
from itertools import islice
from threading import Lock

from newsletter.embedder import paper_text
from newsletter.services.context import Context
from newsletter.services.papers import Papers
from newsletter.services.planning import Planning
from newsletter.services.prepared import Chooser, PreparedIssue, Signatures
from newsletter.services.readership import KnownReaders, Readership
from newsletter.services.vectors import EMBEDDING, EntryVectors
from newsletter.store import Frozen, Kept
from newsletter.types import Edition, IssueState, Links, Status, Subscriber

BLOCK = 100  #: subscribers chosen for, rendered and claimed together
LATEST_CACHED = 4  #: prepared issues kept in memory
MOST_DRAFTED = 20_000  #: readers whose likes a shared draft knows; those of others when they visit
LARGEST_TABLE = 128_000_000  #: bytes of scores that a shared draft keeps
HURRIED = 10.0  #: seconds for vectors, while a page waits


class IssueEditions:
    """Prepares issues, and chooses editions for readers. Safe for threads."""

    def __init__(
        self,
        context: Context,
        planning: Planning,
        readers: KnownReaders,
        papers: Papers,
        vectors: EntryVectors,
        signatures: Signatures,
    ) -> None:
        self._settings = context.settings
        self._store = context.store
        self._now = context.now
        self._planning = planning
        self._readers = readers
        self._papers = papers
        self._vectors = vectors
        self._signatures = signatures
        self._cache: dict[str, PreparedIssue] = {}
        self._withdrawn: dict[str, set[str]] = {}  #: ids of a cached pool that were withdrawn since it was frozen
        self._preparing = Lock()

    def prepared(self, key: str) -> PreparedIssue:
        """A planned issue, prepared once; raises UnknownIssue."""
        with self._preparing:  # pages ask from several threads; one of them prepares
            issue = replace(self._store.issues.get(key), state=IssueState.PLANNED)  # planned again, it is another one
            withdrawn = self._store.entries.withdrawn_of(key)
            if key not in self._cache or (self._cache[key].issue, self._withdrawn[key]) != (issue, withdrawn):
                self._cache.pop(key, None)
                while len(self._cache) >= LATEST_CACHED:
                    del self._cache[next(iter(self._cache))]
                self._withdrawn[key] = withdrawn
                self._cache[key] = self._prepare(replace(self._store.issues.frozen(key), issue=issue))
            return self._cache[key]

    def trial(self, key: str = "", guest: Subscriber | None = None) -> PreparedIssue:
        """Prepare anew, for a preview, an issue or ("") the one that would be planned now, for all its readers.

        `guest`: a reader who is none of them, or one of them with another profile; their papers are known too. Where
        nothing is new since the last issue, the pool reaches one period back. An embedder gets little time.
        """
        frozen = self._store.issues.frozen(key) if key else self._planning.drafted(generous=True)
        return self._prepare(frozen, guest=guest, hurry=True)

    def draft(self, people: Iterable[Subscriber] | None = None) -> PreparedIssue:
        """Prepare the issue that would be planned now, for `people` (all by default)."""
        return self._prepare(self._planning.drafted(), people, hurry=people is not None)

    def with_todays_templates(self, prepared: PreparedIssue) -> PreparedIssue:
        """The same issue, planned or not, as the templates are now. Raises TemplateError."""
        return prepared.with_templates(self._planning.templates(), self._settings.masthead)

    def edition(self, prepared: PreparedIssue, person: Subscriber, anew: bool = False) -> Kept:
        """What this person got, or would get, in this issue. Changes nothing. `anew`: whatever they got."""
        kept = {} if anew else self._store.editions.kept(prepared.issue, [person.id], prepared.entries)
        if person.id in kept:
            return kept[person.id]
        return prepared.kept(self._chosen(prepared, [person])[0], prepared.issue.until)

    def shared_draft(self, visitors: Iterable[int]) -> tuple[PreparedIssue, Set[str]]:
        """Prepare the issue that would be planned now, to choose for one reader after the other; and what it knows.

        It knows what the first MOST_DRAFTED active readers and these visitors name, and notes nothing in the store.
        """
        frozen = self._planning.drafted()
        active = islice(self._store.subscribers.listed(Status.ACTIVE), MOST_DRAFTED)
        visiting = self._store.subscribers.many(sorted(visitors))
        people = [*{person.id: person for person in (*active, *visiting)}.values()]
        readership = self._readers.readership(people)
        prepared = self._with(frozen, readership, EMBEDDING, hurry=True)
        prepared.chooser.warm(people, LARGEST_TABLE)
        return prepared, readership.named

    def next_edition(self, person: Subscriber) -> Edition:
        """What the next issue would hold for this person, as of now. All of it: a mail may have less room."""
        return self._chosen(self.draft([person]), [person])[0]

    def drafted_edition(self, draft: PreparedIssue, person: Subscriber, heard: Subscriber) -> Edition:
        """What the next issue would hold by a draft. `heard`: the person, and what their votes say."""
        return self._chosen_as(draft, [person], [heard])[0]

    def for_people(self, prepared: PreparedIssue, people: Sequence[Subscriber]) -> list[Kept]:
        """What these people got or will get, in their order; chosen for a whole block at once."""
        ids = [person.id for person in people]
        known = self._store.editions.kept(prepared.issue, ids, prepared.entries)
        rest = [person for person in people if person.id not in known]
        chosen, made = self._chosen(prepared, rest), self._now().replace(microsecond=0)
        new = {edition.subscriber.id: prepared.kept(edition, made) for edition in chosen}
        return [known.get(number) or new[number] for number in ids]

    def web_page(self, person: Subscriber, key: str) -> str:
        """The HTML of this subscriber's mail in this issue, with what it had no room for, without links of their own.

        Templates that do not know `reader.shared` still print links to unsubscribe and so on: they lead to the start
        page.
        """
        prepared = self.prepared(key)
        start = f"{self._settings.masthead.base_url}/"
        past = f"{start}archive" if self._settings.web.archive else start
        neutral = Links(view=past, interests=start, unsubscribe=start, unsubscribe_mailto="", feedback=start)
        return prepared.render_web_page(self.edition(prepared, person), neutral)

    def _prepare(
        self,
        frozen: Frozen,
        people: Iterable[Subscriber] | None = None,
        guest: Subscriber | None = None,
        hurry: bool = False,
    ) -> PreparedIssue:
        return self._with(frozen, self._readers.readership(people, guest), HURRIED if hurry else EMBEDDING, hurry)

    def _with(self, frozen: Frozen, readership: Readership, within: float, hurry: bool) -> PreparedIssue:
        readership = replace(readership, older=self._papers.older(frozen.issue.since))
        papers = (*readership.older, *frozen.entries)
        texts = {**readership.texts, **{entry.id: paper_text(entry) for entry in papers}}
        vectors, _ = self._vectors.of_texts(texts, within, hurry)
        gone = self._papers.twins(frozen) | self._store.entries.withdrawn_of(frozen.issue.key)
        chooser = Chooser(frozen, readership, self._settings.selection, gone, vectors or None)
        return PreparedIssue(frozen, chooser, self._signatures)

    def _chosen(self, prepared: PreparedIssue, people: Sequence[Subscriber]) -> list[Edition]:
        """For who has no kept edition yet; an edition names its subscriber as stored, without today's signals."""
        return self._chosen_as(prepared, people, self._readers.with_signals(people, but=prepared.issue.key))

    def _chosen_as(
        self, prepared: PreparedIssue, people: Sequence[Subscriber], heard: Sequence[Subscriber]
    ) -> list[Edition]:
        seen = self._store.editions.seen([person.id for person in people], but=prepared.issue.key)
        chosen = prepared.choose(heard, seen)
        return [replace(edition, subscriber=person) for edition, person in zip(chosen, people, strict=True)]
