"""The draft of the next issue that all readers' pages share: prepared once, in the background, anew when needed."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Set
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Event

import pytest
from conftest import rewired

from newsletter.config import resource
from newsletter.engine import Engine
from newsletter.services.context import Context
from newsletter.services.drafts import Draft, DraftPace, Drafts
from newsletter.services.editions import IssueEditions
from newsletter.services.prepared import PreparedIssue
from newsletter.store import Named
from newsletter.testing import NOON, make_entry, make_profile, make_subscriber
from newsletter.types import Edition, Subscriber, Verb


class Preparing:
    """The editions of an engine; counts how often a draft is prepared, and for which visitors. `go_on`: it waits."""

    def __init__(self, editions: IssueEditions) -> None:
        self._editions = editions
        self.visitors: list[list[int]] = []
        self.go_on = Event()
        self.go_on.set()

    def shared_draft(self, visitors: Iterable[int]) -> tuple[PreparedIssue, Set[str]]:
        self.visitors.append([*visitors])
        assert self.go_on.wait(20)
        return self._editions.shared_draft(self.visitors[-1])

    def drafted_edition(self, draft: PreparedIssue, person: Subscriber, heard: Subscriber) -> Edition:
        return self._editions.drafted_edition(draft, person, heard)


class Ticks:
    """A clock of seconds, to be moved."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Shared:
    """The drafts of an engine, with a clock of their own and a count of preparations."""

    def __init__(self, engine: Engine) -> None:
        self._engine, self.ticks, self.preparing = engine, Ticks(), Preparing(engine.editions)
        context = Context(engine.settings, engine.store, engine.tokens, engine.now)
        given = (context, engine.planning, self.preparing, engine.readers)
        self.drafts = Drafts(*given, DraftPace(look=10), self.ticks)  # type: ignore[arg-type]

    def now(self) -> Draft:
        """The draft when nothing is under way."""
        self.drafts.latest()
        if self.drafts._thread:
            self.drafts._thread.join(20)
        draft, _ = self.drafts.latest()
        assert draft
        return draft

    def later(self, seconds: float = 10) -> Draft:
        self.ticks.now += seconds
        return self.now()

    def titles(self, person: Subscriber) -> list[str]:
        votes = self._engine.subscriptions.votes(person.id)
        return [pick.entry.title for pick in self.drafts.edition(self.now(), person, votes).picks]


@pytest.fixture
def ada(engine: Engine) -> Subscriber:
    add(engine, "video diffusion", "plasma waves", "graph kernels")
    return engine.store.subscribers.add(make_subscriber("Ada", profile=make_profile("video diffusion")), "test", NOON)


@pytest.fixture
def shared(engine: Engine, ada: Subscriber) -> Iterator[Shared]:
    shared = Shared(engine)
    yield shared
    shared.drafts.close()


def add(engine: Engine, *titles: str) -> None:
    named = [Named(make_entry(title.replace(" ", "-"), title=title), (f"id:{title}",)) for title in titles]
    engine.store.sightings.add(named, NOON - timedelta(hours=1))


def test_readers_who_come_at_once_share_one_draft(shared: Shared, ada: Subscriber) -> None:
    with ThreadPoolExecutor(8) as visitors:
        drafts = [*visitors.map(lambda _: shared.now(), range(40))]

    assert len({id(draft) for draft in drafts}) == 1
    assert len(shared.preparing.visitors) == 1


def test_a_draft_chooses_as_an_issue_prepared_for_one_reader(shared: Shared, engine: Engine) -> None:
    profiles = [make_profile("plasma waves", "graph kernels"), make_profile("video diffusion", liked=("plasma-waves",))]
    people = [
        engine.store.subscribers.add(make_subscriber(f"R{n}", n, profile=p), "t", NOON) for n, p in enumerate(profiles)
    ]

    for person in people:
        assert shared.titles(person) == [pick.entry.title for pick in engine.editions.next_edition(person).picks]


def test_nobody_waits_for_a_newer_draft_while_there_is_one(shared: Shared, engine: Engine) -> None:
    old = shared.now()
    add(engine, "video diffusion again")
    shared.preparing.go_on.clear()
    shared.ticks.now += 10

    meanwhile = shared.drafts.latest()
    shared.preparing.go_on.set()

    assert meanwhile == (old, None)
    assert shared.now().prepared.entries.keys() - old.prepared.entries.keys() == {"video-diffusion-again"}


def test_the_store_is_looked_at_now_and_then_and_prepared_anew_when_it_changed(shared: Shared, engine: Engine) -> None:
    first = shared.now()
    assert shared.later() is first
    add(engine, "video diffusion again")
    assert shared.later(5) is first

    assert shared.later(5) is not first
    engine.planning.plan()
    assert shared.later(60).prepared.issue.key == "2025-W13"


def test_a_profile_of_a_moment_ago_counts_without_another_preparation(
    shared: Shared, engine: Engine, ada: Subscriber
) -> None:
    before = shared.titles(ada)
    changed = make_subscriber("Ada", ada.id, profile=make_profile("graph kernels"))

    assert (before[0], shared.titles(changed)[0]) == ("video diffusion", "graph kernels")
    assert len(shared.preparing.visitors) == 1


def test_a_like_that_the_draft_does_not_know_is_learnt_once(shared: Shared, engine: Engine, ada: Subscriber) -> None:
    engine.store.sightings.add([Named(make_entry("of-old"), ("old",))], NOON - timedelta(days=60))
    shared.now()
    liking = make_subscriber("Ada", ada.id, profile=make_profile("video diffusion", liked=("of-old", "in no store")))
    engine.store.subscribers.change(liking)
    shared.titles(liking)

    for _ in range(5):
        shared.titles(liking)
        shared.later()

    assert shared.preparing.visitors == [[], [ada.id]]
    assert "of-old" in shared.now().prepared.chooser.pool.rows


def test_a_vote_of_a_moment_ago_counts(shared: Shared, engine: Engine, ada: Subscriber) -> None:
    shared.now()
    engine.subscriptions.vote(ada.id, "plasma-waves", Verb.LESS)
    engine.subscriptions.vote(ada.id, "video-diffusion", Verb.MORE)

    assert "video diffusion" not in shared.titles(ada)  # who voted for a paper need not get it


def test_many_readers_with_new_likes_cost_a_tenth_of_the_time(shared: Shared, engine: Engine, ada: Subscriber) -> None:
    shared.now()
    for minute in range(60):
        liking = make_subscriber("Ada", ada.id, profile=make_profile("x", liked=(f"paper of minute {minute}",)))
        engine.store.subscribers.change(liking)
        shared.titles(liking)
        shared.later(1)

    assert len(shared.preparing.visitors) <= 7


def test_a_broken_template_leaves_the_last_draft(engine: Engine, ada: Subscriber, tmp_path: Path) -> None:
    shutil.copytree(resource("templates") / "weekly", tmp_path / "own" / "weekly")
    section = engine.settings.newsletter.model_copy(update={"templates": "own"})
    shared = Shared(rewired(engine, engine.settings.model_copy(update={"newsletter": section})))
    before = shared.now()
    (tmp_path / "own" / "weekly" / "edition.mjml").write_text("<mjml>{{ nothing")

    assert shared.later() is before
    shutil.copy(resource("templates") / "weekly" / "edition.mjml", tmp_path / "own" / "weekly")
    assert shared.later() is not before


def test_without_a_draft_one_can_be_waited_for(shared: Shared) -> None:
    draft, working = shared.drafts.latest()

    assert draft is None
    assert working
    working.result(20)
    assert shared.drafts.latest()[0]


def test_a_closed_engine_begins_no_preparation(engine: Engine, ada: Subscriber) -> None:
    shared = Shared(engine)
    shared.drafts.close()

    assert shared.drafts.latest() == (None, None)
    assert shared.preparing.visitors == []
