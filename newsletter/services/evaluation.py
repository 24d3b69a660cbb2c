"""How good past issues were: measured from what was mailed and voted, and chosen anew by today's selector."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from newsletter.embedder import paper_text
from newsletter.i18n import catalogues_of
from newsletter.services.context import Context
from newsletter.services.editions import BLOCK
from newsletter.services.papers import Papers
from newsletter.services.prepared import Chooser, Telling
from newsletter.services.readership import KnownReaders, Readership, named_ids
from newsletter.services.vectors import EntryVectors
from newsletter.store import Frozen, batched
from newsletter.types import Edition, Entry, Issue, Profile, Subscriber

if TYPE_CHECKING:
    from newsletter.selector.evaluation import EvaluationReport, ReaderHistory, Replay

PAST_ISSUES = 26  #: half a year of a weekly mail, evaluated
MOST_REPLAYED = 500  #: voters for whom a past issue is chosen anew; enough for a mean, and a bound for the time


class Evaluation:
    """Measures past issues. Keeps vectors that are made for it, and changes nothing else."""

    def __init__(self, context: Context, readers: KnownReaders, papers: Papers, vectors: EntryVectors) -> None:
        self._settings = context.settings
        self._store = context.store
        self._readers = readers
        self._papers = papers
        self._vectors = vectors

    def past(self, since: datetime | None = None, most: int = PAST_ISSUES) -> list[Issue]:
        """The latest issues of which editions were made, oldest first. `since`: only pools that end there or later."""
        made = self._store.editions.issues()
        listed = (issue for issue in self._store.issues.listed() if issue.key in made)
        return [issue for issue in listed if since is None or issue.until >= since][:most][::-1]

    def evaluate(
        self,
        since: datetime | None = None,
        most_issues: int = PAST_ISSUES,
        on_issue: Callable[[Issue], None] = lambda _: None,
    ) -> EvaluationReport:
        """Measure how good past issues were, and how good today's selector would have been.

        A block of subscribers is looked at at a time.
        """
        from newsletter.selector.evaluation import Past, measure

        pasts, pools = [], {}
        for issue in self.past(since, most_issues):
            frozen = self._store.issues.frozen(issue.key)
            pools[issue] = pool = self._named_today(frozen)
            size = len({entry.id for entry in pool.values()})
            pasts.append(Past(issue, size, tuple(self._replays(frozen, pool)), _outside(frozen)))
            on_issue(issue)
        return measure(pasts, self._past_readers(pools))

    def _named_today(self, frozen: Frozen) -> dict[str, Entry]:
        """Frozen id → what figures need of an entry, under the id that it has today."""
        present = self._store.entries.present(entry.id for entry in frozen.entries)
        return {
            entry.id: Entry(
                present.get(entry.id, entry.id), entry.title, published=entry.published, topics=entry.topics
            )
            for entry in frozen.entries
        }

    def _past_readers(self, pools: Mapping[Issue, Mapping[str, Entry]]) -> Iterator[ReaderHistory]:
        from newsletter.selector.evaluation import ReaderHistory

        for people in batched(self._store.subscribers.listed() if pools else (), BLOCK):
            numbers = [person.id for person in people]
            votes = self._store.votes.of(numbers)
            for number, editions in self._store.editions.of(numbers, pools).items():
                yield ReaderHistory(number, editions, votes.get(number, ()))

    def _replays(self, frozen: Frozen, pool: Mapping[str, Entry]) -> Iterator[Replay]:
        """The issue chosen anew for a sample of those who voted for a paper of it."""
        from newsletter.selector.evaluation import Replay, sample

        wanted = self._store.votes.wanted(frozen.issue.key)
        people = self._store.subscribers.many(sample(wanted, MOST_REPLAYED))
        if not people:
            return
        heard = self._readers.with_signals(people, frozen.issue.key, frozen.issue.until)
        readership = self._readership_of(heard, pool)
        chooser, telling = self._chooser(frozen, readership), Telling.of(frozen)
        seen = self._store.editions.seen([person.id for person in people], frozen.issue.key, frozen.issue.until)
        arms = (*self._unspoilt((heard, people), frozen.issue, pool, readership.library), [*map(_unknown, people)])
        chosen = ([_ids_today(edition, pool) for edition in chooser.choose(some, seen, telling)] for some in arms)
        for person, *rankings in zip(people, *chosen, strict=True):
            yield Replay(frozenset(wanted[person.id]), *rankings)

    def _readership_of(self, heard: Sequence[Subscriber], pool: Mapping[str, Entry]) -> Readership:
        """What these people alone name and like, but for what the issue itself held."""
        from newsletter import selector

        ids = (
            entry_id
            for person in heard
            for entry_id in (*named_ids(person.profile), *(signal.entry for signal in person.profile.signals))
        )
        words = {word: word for person in heard for word in selector.phrases(person.profile)}
        likes = [[entry_id for entry_id in selector.likes(person.profile) if entry_id not in pool] for person in heard]
        return Readership(self._papers.find(ids), likes, words)

    def _chooser(self, frozen: Frozen, readership: Readership) -> Chooser:
        readership = replace(readership, older=self._papers.older(frozen.issue.since))
        papers = (*readership.older, *frozen.entries, *readership.library.values())
        texts = {entry.id: paper_text(entry) for entry in papers}
        vectors, _ = self._vectors.of_texts({**texts, **readership.texts})
        twins = self._papers.twins(frozen)
        return Chooser(frozen, readership, self._settings.selection, twins, vectors or None)

    def _unspoilt(
        self,
        arms: Iterable[Sequence[Subscriber]],
        issue: Issue,
        pool: Mapping[str, Entry],
        library: Mapping[str, Entry],
    ) -> Iterator[list[Subscriber]]:
        """Without a word on what the issue itself showed them: it was said afterwards."""
        names = {asked: entry.id for asked, entry in library.items()}
        for people in arms:
            got = self._store.editions.of([person.id for person in people], {issue: pool})
            shown = {number: {pick.entry.id for pick in edition.picks} for number, [edition] in got.items()}
            yield [_silent(person, shown.get(person.id, ()), names) for person in people]


def _outside(frozen: Frozen) -> frozenset[str]:
    """What an issue called an exploratory pick, in all its languages."""
    from newsletter.selector.evaluation import OUTSIDE

    catalogues = catalogues_of(frozen.templates)
    return frozenset(catalogues.messages(language).gettext(OUTSIDE) for language in catalogues.languages)


def _silent(person: Subscriber, on: Collection[str], names: Mapping[str, str]) -> Subscriber:
    """As if they had said nothing on these papers. `names`: an id in a profile → the id that it has today."""
    profile = person.profile

    def others(ids: Iterable[str]) -> tuple[str, ...]:
        return tuple(entry_id for entry_id in ids if names.get(entry_id) not in on)

    rest = replace(
        profile,
        liked=others(profile.liked),
        disliked=others(profile.disliked),
        interests=tuple(replace(interest, liked=others(interest.liked)) for interest in profile.interests),
        signals=tuple(signal for signal in profile.signals if signal.entry not in on),
    )
    return replace(person, profile=rest)


def _unknown(person: Subscriber) -> Subscriber:
    """As if they had said nothing but what they do not want to see."""
    return replace(person, profile=Profile(muted=person.profile.muted, size=person.profile.size))


def _ids_today(edition: Edition, pool: Mapping[str, Entry]) -> tuple[str, ...]:
    return tuple(pool[pick.entry.id].id for pick in edition.picks)
