"""One paper, whatever it is called and in whatever order it is announced: properties of identity and store together."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from shutil import copy

from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from newsletter import collector
from newsletter.collector.normalize import finish
from newsletter.config import Settings
from newsletter.engine import Engine, make_engine
from newsletter.store import Named, Store
from newsletter.testing import NOON, MemoryTransport, make_profile, make_subscriber
from newsletter.types import Entry, Verb

TITLES = ("Boiling of Kettles Under Gentle Magnetic Fields", "Whistles", "Steam Engines See What Nobody Else Could See")


def sightings(paper: int) -> list[Entry]:
    """Everything that one paper is announced as; not all of them share a name with each other."""
    number, doi, title = f"2401.0000{paper}", f"10.1000/kettle.{paper}", TITLES[paper]
    bare = Entry(id="", title=title, authors=(f"Ada Family{paper}",), published=NOON - timedelta(days=40))
    arxiv = replace(bare, source="arXiv", abstract="We boil.")
    return [
        replace(arxiv, also=(f"arxiv:{number}v1",)),
        replace(arxiv, also=(f"arxiv:{number}",), topics=("cs.AI",)),  # a cross-list
        replace(arxiv, url=f"https://arxiv.org/abs/{number}v2", also=(f"doi:{doi}",), update=True),  # a replacement
        replace(bare, id=f"https://doi.org/{doi}", title=f"{title}: the journal version", source="journal"),
        replace(bare, also=(f"arxiv:{number}", f"s2:{str(paper) * 40}"), votes=paper + 3, source="hf"),
        replace(bare, also=(f"s2:{str(paper) * 40}", f"openreview:forum{paper}"), title="Submission", source="s2"),
        replace(bare, url=f"https://openreview.net/forum?id=forum{paper}", title="Under review", source="openreview"),
    ]


ALL = [entry for paper in range(len(TITLES)) for entry in sightings(paper)]


@contextmanager
def fresh_store(migrated: Path) -> Iterator[Store]:
    with tempfile.TemporaryDirectory() as folder:
        store = Store(f"sqlite:///{copy(migrated, folder)}")
        store.check()
        yield store
        store.close()


def collected(store: Store, entries: Sequence[Entry], day: int = 0) -> int:
    now = NOON + timedelta(days=day)
    ready = [finish(entry, now) for entry in entries]
    named = [Named(each.entry, collector.names(each.entry), each.raw) for each in ready]
    return store.sightings.add(named, now, collector.same_paper)


@settings(max_examples=examples(100), deadline=None)
@given(st.permutations(ALL), st.lists(st.integers(0, len(ALL)), max_size=4))
def test_any_order_of_announcements_gives_the_same_papers(migrated: Path, order: list[Entry], cuts: list[int]) -> None:
    with fresh_store(migrated) as store:
        edges = [0, *sorted(cuts), len(order)]
        for day, (start, end) in enumerate(pairwise(edges)):
            collected(store, order[start:end], day)

        entries = list(store.entries.listed())

    assert len(entries) == len(TITLES)
    assert sorted(sorted(entry.also) for entry in entries) == [
        sorted(
            (f"arxiv:2401.0000{n}", f"doi:10.1000/kettle.{n}", f"openreview:forum{n}", f"s2:{str(n) * 40}"),
        )
        for n in range(len(TITLES))
    ]
    assert {entry.votes for entry in entries} == {3, 4, 5}
    assert all(entry.published == NOON - timedelta(days=40) and "cs.AI" in entry.topics for entry in entries)


@settings(max_examples=examples(80), deadline=None)
@given(st.permutations(ALL))
def test_likes_follow_and_nothing_is_shown_twice(migrated: Path, order: list[Entry]) -> None:
    """Collected in weekly portions, with an issue after each and a like. What nobody could know to be one may come
    under two names; from the moment they are joined it never comes again."""
    with fresh_store(migrated) as store:
        clock = [NOON]
        engine = make_engine(Settings(), store, MemoryTransport(), lambda: clock[0])
        person = make_subscriber("Ada", 0, profile=replace(make_profile("kettles", "engines"), size=20))
        ada = store.subscribers.add(person, "test", NOON)
        shown: list[str] = []
        for week in range(4):
            clock[0] = NOON + timedelta(days=7 * week)
            collected(store, order[week::4], 7 * week)
            engine.planning.plan(key=f"week-{week}")
            known = {entry.id for entry in store.entries.find(shown).values()}
            fresh = picked(engine, f"week-{week}", ada.id)
            assert known.isdisjoint(fresh)
            shown += fresh
            for entry in list(store.entries.listed())[:1]:
                engine.subscriptions.vote(ada.id, entry.id, Verb.MORE)

        liked = [vote.entry for vote in store.votes.of([ada.id])[ada.id]]

        assert {entry.id for entry in store.entries.find(shown).values()} <= {e.id for e in store.entries.listed()}
        assert {store.entries.find([each])[each].id for each in liked} == {*liked}


def picked(engine: Engine, key: str, subscriber: int) -> list[str]:
    """What this person is shown in an issue, by the way that `send` goes."""
    prepared = engine.editions.prepared(key)
    [kept] = engine.store.editions.keep(
        engine.editions.for_people(prepared, [engine.store.subscribers.get(subscriber)])
    )
    return [pick.entry.id for pick in kept.edition.picks]


def test_an_issue_planned_before_two_papers_were_joined_shows_one_of_them(migrated: Path) -> None:
    with fresh_store(migrated) as store:
        engine = make_engine(Settings(), store, MemoryTransport(), lambda: NOON)
        ada = store.subscribers.add(make_subscriber("Ada", 0, profile=make_profile("kettles")), "test", NOON)
        entries = sightings(0)
        collected(store, [entries[0], entries[3]])
        engine.planning.plan(key="before")

        collected(store, [entries[2]])

        assert len(list(store.entries.listed())) == 1
        assert len(picked(engine, "before", ada.id)) == 1
