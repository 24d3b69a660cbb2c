"""What the engine does for the preview site: presses on trial, and mails on trial."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes, policy

from newsletter.engine import Engine
from newsletter.store import Named
from newsletter.testing import NOON, Clock, MemoryTransport, make_entry, make_profile
from newsletter.types import Interest, Profile, Status, Subscriber

KEY = "2025-W12"


def named(*ids: str) -> list[Named]:
    return [Named(make_entry(each), (each,)) for each in ids]


def titles(engine: Engine, person: Subscriber) -> list[str]:
    return [pick.entry.title for pick in engine.editions.next_edition(person).picks]


async def test_the_next_edition_is_not_the_one_that_went_out_this_week(weekly: Engine, clock: Clock) -> None:
    ada = weekly.store.subscribers.find("ada@example.org")
    await weekly.sending.send(KEY)
    clock.forward(days=1)
    weekly.store.sightings.add(named("video-diffusion-news"), clock.now - timedelta(hours=1))

    assert weekly.editions.draft().issue.key == "2025-W13"
    assert titles(weekly, ada) == ["On video diffusion news"]


def test_a_trial_is_for_all_readers_as_the_issue_would_be(weekly: Engine, clock: Clock) -> None:
    ada = weekly.store.subscribers.find("ada@example.org")

    assert weekly.editions.edition(weekly.editions.trial(KEY), ada) == weekly.editions.edition(
        weekly.editions.prepared(KEY), ada
    )


def test_a_trial_knows_the_papers_of_its_guest(weekly: Engine) -> None:
    weekly.store.sightings.add(named("graph-kernels-of-old"), NOON - timedelta(days=400))
    liking = Profile(interests=(Interest("mine", liked=("graph-kernels-of-old",)),), size=3)
    guest = Subscriber(0, "guest@example.org", status=Status.ACTIVE, profile=liking)

    unknown = weekly.editions.edition(weekly.editions.trial(KEY), guest).edition
    known = weekly.editions.edition(weekly.editions.trial(KEY, guest), guest).edition

    assert unknown.picks == ()
    assert all("graph-kernels" in pick.entry.id and pick.interest == "mine" for pick in known.picks)


def test_a_guest_with_a_readers_number_stands_in_their_place(weekly: Engine) -> None:
    ada = weekly.store.subscribers.find("ada@example.org")

    assert weekly.editions.edition(weekly.editions.trial(KEY, ada), ada) == weekly.editions.edition(
        weekly.editions.trial(KEY), ada
    )


async def test_an_edition_may_be_chosen_anew_whatever_was_sent(weekly: Engine) -> None:
    await weekly.sending.send(KEY)
    ada = weekly.store.subscribers.find("ada@example.org")
    other = replace(ada, profile=make_profile("graph kernels", size=2))

    assert weekly.editions.edition(weekly.editions.prepared(KEY), other).edition.subscriber.profile == ada.profile
    anew = weekly.editions.edition(weekly.editions.prepared(KEY), other, anew=True).edition

    assert [pick.interest for pick in anew.picks] == ["graph kernels"] * 2


async def test_a_trial_mail_holds_the_same_papers_and_opens_nobodys_pages(
    weekly: Engine, transport: MemoryTransport
) -> None:
    prepared, bob = weekly.editions.prepared(KEY), weekly.store.subscribers.find("bob@example.org")
    edition = weekly.editions.edition(prepared, bob).edition

    words = await weekly.sending.send_trial(prepared, edition, "editor@example.org")

    [mail] = transport.mails
    text = message_from_bytes(mail.body, policy=policy.default).get_body(("plain",))
    assert words == "250 kept"
    assert mail.recipient == "editor@example.org"
    assert text
    assert all(pick.entry.title in text.get_content() for pick in edition.picks)
    assert prepared.links(bob.id).unsubscribe.encode() not in mail.body
    assert weekly.store.ledger.tally(KEY).waiting == 3


def test_a_survey_says_what_the_explanations_say(weekly: Engine) -> None:
    bob, prepared = weekly.store.subscribers.find("bob@example.org"), weekly.editions.prepared(KEY)

    for found in weekly.explaining.survey(prepared, bob):
        told = weekly.explaining.explain(bob.email, found.entry, KEY).explanation
        assert (found.place, found.why) == (told.place, told.why)
