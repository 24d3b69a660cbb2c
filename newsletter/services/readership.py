"""What readers name, like and vote for: one value for a whole issue, and the signals of single readers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from datetime import datetime

from newsletter.embedder import Query, paper_text
from newsletter.services.context import Context
from newsletter.services.papers import Papers
from newsletter.store import batched
from newsletter.types import WANTED, Entry, Profile, Status, Subscriber, Vote

TOGETHER = 900  #: readers in one question
MOST_READERS = 50_000  #: whose likes teach which papers go together; more teach little more


@dataclass(frozen=True, slots=True)
class Readership:
    """What the readers of an issue are known by."""

    library: Mapping[str, Entry] = field(default_factory=dict)  #: asked-for id → entry: liked, disliked, voted on
    likes: Sequence[Sequence[str]] = ()  #: of each reader
    texts: Mapping[str, str] = field(default_factory=dict)  #: for an embedder: papers by id, words by themselves
    named: Set[str] = frozenset()  #: ids that were looked for, found or not, and the words of `texts`
    older: Sequence[Entry] = ()  #: papers of the months before, which tell what is usual


class KnownReaders:
    """What is known of readers."""

    def __init__(self, context: Context, papers: Papers) -> None:
        self._settings = context.settings
        self._store = context.store
        self._now = context.now
        self._papers = papers

    def readership(self, people: Iterable[Subscriber] | None = None, guest: Subscriber | None = None) -> Readership:
        """Gather what these people (all active ones by default) name, voted for and wrote; and what `guest` does."""
        from newsletter import selector

        listed = None if people is None else [*people]
        readers = self._store.subscribers.listed(Status.ACTIVE) if listed is None else iter(listed)
        if guest:
            readers = _with_guest(readers, guest)
        voted: dict[int, list[str]] = {}
        numbers = None if listed is None else [person.id for person in listed]
        for number, vote in self._votes(numbers):
            if vote.verb in WANTED:
                voted.setdefault(number, []).append(vote.entry)
        ids = self._voted(numbers)
        words: set[str] = set()
        likes: list[Sequence[str]] = []
        for person in readers:
            ids.update(named_ids(person.profile))
            words.update(selector.phrases(person.profile) if self._settings.selection.model else ())
            if len(likes) < MOST_READERS:
                likes.append((*selector.likes(person.profile), *voted.get(person.id, ())))
        library = self._papers.find(ids)
        texts = {entry.id: paper_text(entry) for entry in library.values()} | {word: Query(word) for word in words}
        return Readership(library, likes, texts, ids | words)

    def _votes(self, numbers: Sequence[int] | None) -> Iterator[tuple[int, Vote]]:
        """Votes of these readers (None: everybody's); a page about one reader does not read all of them."""
        if numbers is None:
            yield from self._store.votes.all_votes()
            return
        for some in batched(numbers, TOGETHER):
            for number, votes in self._store.votes.of(some).items():
                yield from ((number, vote) for vote in votes)

    def _voted(self, numbers: Sequence[int] | None) -> set[str]:
        """Ids of the papers that these readers' signals may speak of (None: everybody's)."""
        from newsletter.selector import vote_signals

        now = self._now()
        return self._store.votes.papers(now - vote_signals.LASTS, now - vote_signals.PASSED_LASTS, numbers)

    def with_signals(
        self, people: Sequence[Subscriber], but: str = "", moment: datetime | None = None
    ) -> list[Subscriber]:
        """Add to the same people's profiles what their votes say as of now; what issue `but` showed does not count.

        `moment`: as of then, from what had been said and shown before.
        """
        said = self._store.votes.of([person.id for person in people])
        if moment:
            before = {number: [vote for vote in votes if vote.at < moment] for number, votes in said.items()}
            said = {number: votes for number, votes in before.items() if votes}
        return self._heard(people, said, but, moment)

    def with_signals_of(self, person: Subscriber, votes: Sequence[Vote], but: str = "") -> Subscriber:
        """The same for one person whose votes are known."""
        return self._heard([person], {person.id: votes} if votes else {}, but)[0]

    def _heard(
        self, people: Sequence[Subscriber], said: Mapping[int, Sequence[Vote]], but: str, moment: datetime | None = None
    ) -> list[Subscriber]:
        if not said:
            return [*people]
        from newsletter.selector import vote_signals

        now, surprise = moment or self._now(), self._settings.selection.surprise
        shown = self._store.votes.shown([*said], vote_signals.LOOK_BACK, moment)

        def heard(person: Subscriber) -> Subscriber:
            showings = [showing for showing in shown.get(person.id, ()) if showing.issue != but]
            profile = vote_signals.with_vote_signals(person.profile, said[person.id], showings, now, surprise)
            return replace(person, profile=profile)

        return [heard(person) if person.id in said else person for person in people]


def needed(profile: Profile, words: bool) -> set[str]:
    """What a prepared issue has to know of a profile: its papers, those voted on, and for an embedder its words."""
    from newsletter import selector

    papers = {*named_ids(profile), *(signal.entry for signal in profile.signals)}
    return papers | {*selector.phrases(profile)} if words else papers


def liked_ids(profile: Profile) -> Iterator[str]:
    """Ids that a profile likes, as they were written."""
    yield from profile.liked
    for interest in profile.interests:
        yield from interest.liked


def named_ids(profile: Profile) -> Iterator[str]:
    """Ids that a profile likes or dislikes."""
    yield from liked_ids(profile)
    yield from profile.disliked


def _with_guest(people: Iterable[Subscriber], guest: Subscriber) -> Iterator[Subscriber]:
    """In the place of who has the same number, else behind all."""
    taken = False
    for person in people:
        yield guest if person.id == guest.id else person
        taken = taken or person.id == guest.id
    if not taken:
        yield guest
