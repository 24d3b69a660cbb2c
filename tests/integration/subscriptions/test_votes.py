"""Votes from the store to the profile that the selector is handed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from conftest import Clock
from sqlalchemy import text

from newsletter.engine import Engine
from newsletter.errors import InputError, UnknownEntry, UnknownSubscriber
from newsletter.selector.vote_signals import QUIET_ISSUES
from newsletter.store import Named, Store
from newsletter.testing import NOON, make_entry, make_profile, make_subscriber
from newsletter.types import Fill, Showing, Status, Subscriber, Verb, Vote

LATER = NOON + timedelta(hours=1)


@pytest.fixture
def ada(store: Store) -> Subscriber:
    """Beside three papers."""
    named = [Named(make_entry(each), (f"doi:{each}", each)) for each in ("a", "b", "c")]
    store.sightings.add(named, NOON - timedelta(hours=1))
    return store.subscribers.add(make_subscriber(profile=make_profile("kettles", fill=Fill.POPULAR)), "test", NOON)


def join(store: Store) -> None:
    """The paper "b" turns out to be "a"."""
    store.sightings.add([Named(make_entry("z"), ("doi:a", "doi:b"))], LATER)


def rows(store: Store) -> int:
    with store.database.read() as connection:
        return int(connection.execute(text("SELECT count(*) FROM votes")).scalar_one())


# the store


def test_the_later_word_takes_the_place_of_the_earlier(store: Store, ada: Subscriber) -> None:
    store.votes.put(ada.id, "a", Verb.MORE, NOON)
    store.votes.put(ada.id, "b", Verb.SAVE, NOON)
    store.votes.put(ada.id, "a", Verb.LESS, LATER)
    store.votes.put(ada.id, "a", Verb.SAVE, NOON)  # this one came late

    votes = [Vote("b", Verb.SAVE, NOON), Vote("a", Verb.LESS, LATER)]
    assert store.votes.of([ada.id, 99]) == {ada.id: votes}
    assert list(store.votes.all_votes()) == [(ada.id, each) for each in votes]


def test_a_paper_is_voted_on_under_any_name_and_shown_under_its_own(store: Store, ada: Subscriber) -> None:
    join(store)

    store.votes.put(ada.id, "b", Verb.MORE, NOON)
    store.votes.put(ada.id, "doi:c", Verb.MORE, NOON)

    assert [each.entry for each in store.votes.of([ada.id])[ada.id]] == ["a", "c"]


@pytest.mark.parametrize(("entry", "verb"), [("nothing", Verb.MORE), ("a", Verb.PASSED)])
def test_what_nobody_can_say_is_refused(store: Store, ada: Subscriber, entry: str, verb: Verb) -> None:
    with pytest.raises(InputError):
        store.votes.put(ada.id, entry, verb, NOON)

    assert store.votes.of([ada.id]) == {}


def test_a_vote_taken_back_is_gone(store: Store, ada: Subscriber) -> None:
    join(store)
    for each in ("a", "c"):
        store.votes.put(ada.id, each, Verb.MORE, NOON)

    assert store.votes.take_back(ada.id, ["b", "nothing"]) == 1
    assert store.votes.take_back(ada.id, []) == 0
    assert store.votes.of([ada.id]) == {ada.id: [Vote("c", Verb.MORE, NOON)]}


@pytest.mark.parametrize(("first", "second"), [("a", "b"), ("b", "a")])
def test_votes_follow_when_papers_are_joined_and_the_later_word_stays(
    store: Store, ada: Subscriber, first: str, second: str
) -> None:
    bob = store.subscribers.add(make_subscriber("Bob", 0), "test", NOON)
    store.votes.put(ada.id, first, Verb.MORE, NOON)
    store.votes.put(ada.id, second, Verb.LESS, LATER)
    store.votes.put(bob.id, "b", Verb.SAVE, NOON)

    join(store)

    assert store.votes.of([ada.id, bob.id]) == {
        ada.id: [Vote("a", Verb.LESS, LATER)],
        bob.id: [Vote("a", Verb.SAVE, NOON)],
    }
    assert rows(store) == 2


def test_the_votes_of_an_erased_person_are_gone(store: Store, ada: Subscriber) -> None:
    store.votes.put(ada.id, "a", Verb.MORE, NOON)

    store.subscribers.erase(ada.id)

    assert rows(store) == 0


def test_votes_of_active_readers_are_counted(store: Store, ada: Subscriber) -> None:
    bob = store.subscribers.add(make_subscriber("Bob", 0), "test", NOON)
    gone = store.subscribers.add(make_subscriber("Cyd", 0, status=Status.UNSUBSCRIBED), "test", NOON)
    for person, entry, verb in ((ada, "a", "more"), (bob, "a", "save"), (bob, "b", "less"), (gone, "c", "more")):
        store.votes.put(person.id, entry, Verb(verb), NOON)

    assert store.votes.counted((Verb.MORE, Verb.SAVE)) == {"a": 2}


# what was shown


def mailed(engine: Engine, key: str, number: int) -> list[str]:
    """Plan an issue and keep this reader's edition of it; the ids of its picks."""
    engine.planning.plan(key=key)
    [kept] = engine.store.editions.keep(
        engine.editions.for_people(engine.editions.prepared(key), [engine.store.subscribers.get(number)])
    )
    return [pick.entry.id for pick in kept.edition.picks]


def announced(store: Store, number: int, at: datetime) -> None:
    entries = [make_entry(f"news-{number}-{n}", title=f"Kettles {number}.{n} boil") for n in range(3)]
    store.sightings.add([Named(each, (each.id,)) for each in entries], at)


def test_the_papers_of_the_latest_issues_are_known_with_their_day(
    engine: Engine, clock: Clock, ada: Subscriber
) -> None:
    first = mailed(engine, "one", ada.id)
    clock.forward(days=7)
    announced(engine.store, 2, clock.now)
    second = mailed(engine, "two", ada.id)

    both = engine.store.votes.shown([ada.id, 99], 2)[ada.id]

    assert both[: len(first)] == [Showing(each, "one", NOON) for each in sorted(first)]
    assert {each.entry for each in engine.store.votes.shown([ada.id], 1)[ada.id]} == {*second}


def test_the_papers_that_signals_speak_of_are_the_voted_and_their_neighbours(
    engine: Engine, clock: Clock, ada: Subscriber
) -> None:
    store, picks = engine.store, mailed(engine, "one", ada.id)
    announced(store, 2, NOON)
    store.votes.put(ada.id, picks[0], Verb.MORE, NOON)
    store.votes.put(ada.id, "news-2-0", Verb.LESS, NOON)

    assert store.votes.papers(NOON, NOON) == {*picks, "news-2-0"}
    assert store.votes.papers(NOON, LATER, [ada.id]) == {picks[0], "news-2-0"}
    assert store.votes.papers(LATER, LATER) == set()
    assert store.votes.papers(NOON, NOON, [99]) == store.votes.papers(NOON, NOON, []) == set()


# the engine


def heard(engine: Engine, person: Subscriber, but: str = "") -> dict[str, tuple[Verb, float]]:
    [told] = engine.readers.with_signals([person], but)
    return {each.entry: (each.verb, each.weight) for each in told.profile.signals}


def test_a_vote_reaches_the_profile_and_fades(engine: Engine, clock: Clock, ada: Subscriber) -> None:
    paper = engine.subscriptions.vote(ada.id, "a", Verb.SAVE)

    assert paper.title == "On a"
    assert heard(engine, ada) == {"a": (Verb.SAVE, 1.0)}
    clock.forward(days=180)
    assert heard(engine, ada) == {"a": (Verb.SAVE, 0.5)}
    assert engine.store.subscribers.get(ada.id) == ada


def test_a_vote_taken_back_is_no_signal(engine: Engine, ada: Subscriber) -> None:
    engine.subscriptions.vote(ada.id, "a", Verb.MORE)

    assert engine.subscriptions.take_back(ada.id, ["a", "nothing"]) == 1
    assert heard(engine, ada) == {}


def test_only_known_readers_vote_on_known_papers(engine: Engine, ada: Subscriber) -> None:
    with pytest.raises(UnknownEntry):
        engine.subscriptions.vote(ada.id, "nothing", Verb.MORE)
    with pytest.raises(UnknownSubscriber):
        engine.subscriptions.vote(99, "a", Verb.MORE)
    with pytest.raises(UnknownSubscriber):
        engine.subscriptions.take_back(99, ["a"])


def test_papers_left_alone_count_but_not_those_of_the_issue_that_is_made(
    engine: Engine, clock: Clock, ada: Subscriber
) -> None:
    picks = mailed(engine, "one", ada.id)
    engine.subscriptions.vote(ada.id, picks[0], Verb.MORE)

    assert {verb for verb, _ in heard(engine, ada).values()} == {Verb.MORE, Verb.PASSED}
    assert heard(engine, ada).keys() == {*picks}
    assert heard(engine, ada, but="one").keys() == {picks[0]}


def test_who_never_voted_is_handed_on_as_they_are(engine: Engine, ada: Subscriber) -> None:
    bob = engine.store.subscribers.add(make_subscriber("Bob", 0), "test", NOON)
    engine.subscriptions.vote(ada.id, "a", Verb.MORE)

    told = engine.readers.with_signals([ada, bob])

    assert [each.id for each in told] == [ada.id, bob.id]
    assert told[1] is bob


def test_the_selector_is_handed_present_ids_and_the_later_word_only(engine: Engine, ada: Subscriber) -> None:
    named = replace(ada.profile, liked=("a", "c"), disliked=("b",))
    engine.store.subscribers.change(replace(ada, profile=named))
    engine.subscriptions.vote(ada.id, "a", Verb.LESS)
    engine.subscriptions.vote(ada.id, "b", Verb.SAVE)
    [told] = engine.readers.with_signals([engine.store.subscribers.get(ada.id)])

    handed = engine.editions.draft().chooser.completed(told.profile)

    assert (handed.liked, handed.disliked) == (("c",), ())
    assert [(each.entry, each.verb) for each in handed.signals] == [("a", Verb.LESS), ("b", Verb.SAVE)]


def test_the_selector_knows_the_texts_of_voted_papers_of_long_ago(
    engine: Engine, clock: Clock, ada: Subscriber
) -> None:
    engine.subscriptions.vote(ada.id, "a", Verb.MORE)
    clock.forward(days=360)
    announced(engine.store, 2, clock.now)

    issues = engine.editions.draft(), engine.editions.draft([ada]), engine.editions.draft([])

    assert ["a" in prepared.chooser.pool.rows for prepared in issues] == [True, True, False]


def test_an_edition_names_its_reader_as_stored_and_stays_as_it_was_kept(engine: Engine, ada: Subscriber) -> None:
    engine.subscriptions.vote(ada.id, "a", Verb.MORE)
    engine.planning.plan(key="one")
    prepared = engine.editions.prepared("one")
    [kept] = engine.store.editions.keep(engine.editions.for_people(prepared, [ada]))
    mail = prepared.render_mail(kept)

    engine.subscriptions.vote(ada.id, "b", Verb.LESS)

    assert kept.edition.subscriber == ada
    [again] = engine.editions.for_people(prepared, [ada])
    assert prepared.render_mail(again) == prepared.render_mail(engine.editions.edition(prepared, ada)) == mail


def test_who_fell_silent_gets_more_that_is_new_unless_they_want_none(
    engine: Engine, clock: Clock, ada: Subscriber
) -> None:
    engine.subscriptions.vote(ada.id, "a", Verb.MORE)
    for week in range(QUIET_ISSUES):
        clock.forward(days=7)
        announced(engine.store, week, clock.now)
        assert mailed(engine, f"week-{week}", ada.id)

    [told] = engine.readers.with_signals([ada])
    [calm] = engine.readers.with_signals([replace(ada, profile=replace(ada.profile, surprise=0.0))])

    assert told.profile.surprise == pytest.approx(engine.settings.selection.surprise + 0.1)
    assert calm.profile.surprise == 0.0
    assert {each.entry for each in told.profile.signals} == {"a"}
