"""Sign-ups, confirmations and the epochs of links, in the store."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config

import newsletter.store
from newsletter.errors import UnknownSubscriber
from newsletter.store import Store
from newsletter.testing import NOON, make_profile, make_subscriber
from newsletter.types import Bounce, Status, Subscriber

LATER = NOON + timedelta(seconds=9)
PAUSES = (timedelta(minutes=10), timedelta(hours=2))
EVE = make_subscriber("Eve", 0, status=Status.PENDING)


def people(store: Store, *names: str) -> list[Subscriber]:
    return [store.subscribers.add(make_subscriber(name, 0), "test", NOON) for name in names]


def asked(store: Store, minutes: float, person: Subscriber = EVE) -> bool:
    return store.subscribers.sign_up(person, NOON + timedelta(minutes=minutes), PAUSES).due


def test_confirmations_are_asked_for_in_growing_pauses(store: Store) -> None:
    assert [minute for minute in range(0, 400, 5) if asked(store, minute)] == [0, 10, 130, 250, 370]

    eve = store.subscribers.find(EVE.email)
    store.subscribers.confirm(eve.id, 0, NOON)

    assert [minute for minute in range(400, 600, 5) if asked(store, minute)] == [400, 410, 530]


def test_a_clock_that_was_ahead_keeps_nobody_waiting(store: Store) -> None:
    assert asked(store, 1_000_000)
    assert asked(store, 0)
    assert not asked(store, 1)


def test_a_mail_that_did_not_go_out_is_no_reason_to_wait(store: Store) -> None:
    noted = store.subscribers.sign_up(EVE, NOON, PAUSES)
    store.subscribers.take_back(noted.person.id, NOON, noted.asked)

    assert [minute for minute in range(15) if asked(store, minute)] == [0, 10]


def test_a_confirmation_counts_once(store: Store) -> None:
    eve = store.subscribers.sign_up(EVE, NOON, PAUSES).person

    first = store.subscribers.confirm(eve.id, eve.epoch, NOON)
    store.subscribers.set_status(eve.id, Status.BOUNCED, NOON)

    assert (first, store.subscribers.confirm(eve.id, eve.epoch, NOON)) == (True, False)
    assert store.subscribers.get(eve.id).status is Status.BOUNCED


def test_only_requests_of_the_page_change_who_is_pending(store: Store) -> None:
    store.subscribers.add(make_subscriber("Bob", 0, status=Status.PENDING), "import", NOON)

    for email in ("bob@example.org", "EVE@example.org"):
        store.subscribers.sign_up(replace(EVE, email=email, name="first"), NOON, ())
        store.subscribers.sign_up(replace(EVE, email=email, name="last", profile=make_profile("x")), LATER, ())

    bob, eve = (store.subscribers.find(f"{name}@example.org") for name in ("bob", "eve"))
    assert (bob.name, eve.name, eve.profile) == ("Bob", "last", make_profile("x"))


def test_the_epoch_rises_with_each_way_to_leave_and_with_no_other_change(store: Store) -> None:
    [ada] = people(store, "Ada")
    moves = (Status.PAUSED, Status.ACTIVE, Status.BOUNCED, Status.UNSUBSCRIBED, Status.UNSUBSCRIBED, Status.COMPLAINED)
    seen = []

    for status in moves:
        store.subscribers.set_status(ada.id, status, NOON)
        seen.append(store.subscribers.get(ada.id).epoch)
    store.subscribers.change(replace(ada, name="Ada L."))

    assert seen == [0, 0, 0, 1, 1, 2]
    assert store.subscribers.get(ada.id).epoch == 2


def test_an_import_and_a_complaint_revoke_links_too(store: Store) -> None:
    ada, bob = people(store, "Ada", "Bob")
    store.subscribers.put_all([replace(ada, status=Status.UNSUBSCRIBED)], "import", NOON)
    seen = store.bounces.history(bob.id, "r")
    assert seen
    store.bounces.record(Bounce("r", bob.id, "", "complaint", True, False, NOON, Status.COMPLAINED), seen)

    assert [store.subscribers.get(person.id).epoch for person in (ada, bob)] == [1, 1]


def test_a_change_that_was_decided_on_other_facts_is_not_made(store: Store) -> None:
    [ada] = people(store, "Ada")
    store.subscribers.set_status(ada.id, Status.UNSUBSCRIBED, NOON)

    store.subscribers.set_status(ada.id, Status.PAUSED, NOON, seen=ada)

    assert store.subscribers.get(ada.id).status is Status.UNSUBSCRIBED
    with pytest.raises(UnknownSubscriber):
        store.subscribers.set_status(99, Status.PAUSED, NOON, seen=ada)


def test_who_never_confirmed_is_forgotten_and_nobody_else(store: Store) -> None:
    store.subscribers.sign_up(EVE, NOON, PAUSES)
    store.subscribers.sign_up(replace(EVE, email="late@example.org"), LATER, PAUSES)
    store.subscribers.add(make_subscriber("Imported", 0, status=Status.PENDING), "import", NOON)
    people(store, "Ada")

    assert store.subscribers.purge_pending(LATER) == 1
    assert [person.email for person in store.subscribers.listed()] == [
        "late@example.org",
        "imported@example.org",
        "ada@example.org",
    ]


def test_the_migration_revokes_the_links_of_who_left_and_keeps_open_confirmations(tmp_path: Path) -> None:
    store = Store(f"sqlite:///{tmp_path / 'old.db'}")
    store.check()
    ada, bob, eve = people(store, "Ada", "Bob", "Eve")
    store.subscribers.sign_up(replace(EVE, email="new@example.org"), NOON, PAUSES)
    for person, status in ((ada, Status.UNSUBSCRIBED), (bob, Status.COMPLAINED)):
        store.subscribers.set_status(person.id, status, NOON)
    with store.database.write() as connection:
        config = Config()
        config.set_main_option("script_location", str(Path(newsletter.store.__file__).parent / "migrations"))
        config.attributes["connection"] = connection
        command.downgrade(config, "0007")

    store.database.migrate()

    people_now = list(store.subscribers.listed())
    assert [person.epoch for person in people_now] == [1, 1, 0, 0]
    assert store.subscribers.confirm(people_now[3].id, 0, NOON)
    assert not store.subscribers.confirm(eve.id, 0, NOON)
    store.close()
