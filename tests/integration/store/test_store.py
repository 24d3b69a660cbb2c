from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import text

import newsletter.store
from newsletter.config import Settings
from newsletter.errors import (
    InputError,
    MigrationNeeded,
    StoreBusy,
    StoreError,
    StoreReadOnly,
    UnknownIssue,
    UnknownSubscriber,
)
from newsletter.services.claiming import claim_due
from newsletter.store import BounceHistory, Claim, Kept, Later, Named, Plan, PlanOutdated, Store
from newsletter.store.schema import REVISION
from newsletter.testing import NOON, WEEK_12, make_entry, make_profile, make_subscriber
from newsletter.types import (
    Bounce,
    Cadence,
    Delivery,
    Edition,
    Entry,
    Health,
    Issue,
    IssueState,
    Outcome,
    OwnTime,
    Pick,
    Receipt,
    SourceState,
    Status,
    Subscriber,
)

SOON = NOON + timedelta(seconds=4)
LATER = NOON + timedelta(seconds=9)


def people(store: Store, *names: str) -> list[Subscriber]:
    return [store.subscribers.add(make_subscriber(name, 0), "test", NOON) for name in names]


def plan(store: Store, due: Callable[..., datetime] = lambda *own: NOON, **changes: object) -> int:
    own_times = store.subscribers.own_times(Cadence.WEEKLY, Cadence.WEEKLY)
    given = {
        "issue": WEEK_12,
        "masthead": Settings().masthead,
        "templates": {"edition.txt": "x"},
        "missing": ("arXiv",),
        "planned": NOON,
        "due": NOON,
        "expire_after": timedelta(days=3),
        "cadence_default": Cadence.WEEKLY,
        "own_times": {own: due(*own) for own in own_times},
    }
    return store.issues.plan(Plan(**{**given, **changes}))  # type: ignore[arg-type]


def planned(store: Store, key: str = "2025-W12") -> Issue:
    plan(store, issue=replace(WEEK_12, key=key))
    return store.issues.get(key)


def kept_for(issue: Issue, person: Subscriber, *ids: str) -> Kept:
    picks = tuple(Pick(make_entry(each), 0.5, "x", ("y",)) for each in ids)
    return Kept(Edition(issue, person, picks), f"<{issue.key}@x>", NOON)


def claimed(store: Store, most: int = 10) -> list[Claim]:
    return claim_due(store.ledger, "2025-W12", store.ledger.enroll(SOON), NOON, most)


def answered(claim: Claim, outcome: Outcome, **more: object) -> Claim:
    delivery = Delivery(claim.delivery.issue, claim.delivery.subscriber, NOON, outcome, **more)  # type: ignore[arg-type]
    return Claim(delivery, claim.sender)


# the database


def test_an_empty_file_is_set_up_by_itself_and_migrating_twice_changes_nothing(store: Store) -> None:
    assert store.database.revision() == REVISION
    assert store.database.migrate() == (REVISION, REVISION)


def test_the_newest_migration_is_the_one_the_code_expects() -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(newsletter.store.__file__).parent / "migrations"))

    assert ScriptDirectory.from_config(config).get_current_head() == REVISION


def test_a_database_of_another_version_asks_for_migrate(store: Store) -> None:
    with store.database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0006'"))

    with pytest.raises(MigrationNeeded, match="newsletter migrate"):
        store.check()


def test_a_file_that_is_no_database_is_named(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_text("this is no database, but long enough to look like one" * 20)

    with pytest.raises(StoreError, match=r"x\.db"):
        Store(f"sqlite:///{tmp_path / 'x.db'}").check()


def test_an_unknown_kind_of_database_is_named() -> None:
    with pytest.raises(StoreError, match="nosuch"):
        Store("nosuch://x")


def test_a_busy_database_says_so(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("newsletter.store.database.BUSY_SECONDS", 0.1)
    other = Store(f"sqlite:///{tmp_path / 'newsletter.db'}")

    with store.database.write() as connection:
        connection.execute(text("DELETE FROM facts"))
        with pytest.raises(StoreBusy):
            other.subscribers.add(make_subscriber(), "test", NOON)


def test_a_read_only_database_says_so(store: Store, tmp_path: Path) -> None:
    url = f"sqlite:///file:{tmp_path / 'newsletter.db'}?mode=ro&uri=true"

    with pytest.raises(StoreReadOnly):
        people(Store(url), "Ada")


def test_a_password_in_the_url_is_never_shown() -> None:
    with pytest.raises(StoreError) as caught:
        Store("nosuch://me:hush@host/db")

    assert "hush" not in str(caught.value)


def test_an_installation_keeps_its_secret_and_its_first_day(store: Store) -> None:
    assert store.secret() == store.secret()
    assert store.installed(NOON) == store.installed(LATER) == NOON


# entries


def test_an_entry_is_found_again_under_any_of_its_names(store: Store) -> None:
    assert store.sightings.add([Named(make_entry("a"), ("arxiv:1", "title:x"))], NOON) == 1
    assert store.sightings.add([Named(make_entry("b", votes=3), ("doi:2", "title:x"))], NOON) == 0
    assert store.sightings.add([Named(make_entry("c"), ("doi:2",))], NOON) == 0

    [entry] = store.entries.listed()
    assert (entry.id, entry.votes) == ("a", 3)
    assert store.entries.find(["a", "doi:2", "nobody"]).keys() == {"a", "doi:2"}


def test_what_is_asked_within_a_view_is_as_of_one_moment(store: Store) -> None:
    [ada] = people(store, "ada")

    with store.database.view():
        before = store.subscribers.get(ada.id).status
        with store.database.view():
            assert store.subscribers.counted() == {Status.ACTIVE: 1}
        with ThreadPoolExecutor(1) as another:
            another.submit(store.subscribers.set_status, ada.id, Status.PAUSED, NOON).result()
            told = another.submit(store.subscribers.get, ada.id).result().status
        within = store.subscribers.counted()
    after = store.subscribers.counted()

    assert (before, told) == (Status.ACTIVE, Status.PAUSED)
    assert (within, after) == ({Status.ACTIVE: 1}, {Status.PAUSED: 1})


def test_twins_within_one_source_are_one_entry(store: Store) -> None:
    assert store.sightings.add([Named(make_entry("a"), ("x",)), Named(make_entry("b"), ("x", "y"))], NOON) == 1


def test_entries_that_share_a_name_stay_two_where_they_are_told_apart(store: Store) -> None:
    named = [Named(make_entry("a"), ("title:x",)), Named(make_entry("b"), ("b", "title:x"))]

    assert store.sightings.add(named, NOON, lambda known, new, shared: False) == 2


def test_two_papers_with_one_id_from_two_files_are_both_kept(store: Store) -> None:
    store.sightings.add([Named(make_entry("1"), ("title:x",)), Named(make_entry("1"), ("title:y",))], NOON)

    assert {entry.id for entry in store.entries.listed()} == {"1", "1~2"}


def test_a_later_sighting_fills_gaps_and_takes_nothing_away(store: Store) -> None:
    store.sightings.add([Named(make_entry("a", topics=("x",), votes=5), ("a",))], NOON)
    store.sightings.add([Named(make_entry("a", title="", topics=("y",), code_url="https://c.org"), ("a",))], LATER)

    [entry] = store.entries.listed()
    assert (entry.title, entry.topics, entry.votes, entry.code_url) == ("On a", ("x", "y"), 5, "https://c.org")


def test_a_source_is_known_by_its_last_state(store: Store) -> None:
    first = Health("arXiv", SourceState.FRESH, NOON, NOON, NOON, NOON, NOON, 5, 5)
    second = Health("arXiv", SourceState.FAILING, LATER, LATER, NOON, NOON, NOON, 5, 0, "404")

    store.sources.record(first, [Receipt("k", NOON, '"1"', "", "abc")])
    store.sources.record(second)

    assert store.sources.health() == [second]
    assert store.sources.recall(["k", "other"]) == {"k": Receipt("k", NOON, '"1"', "", "abc")}


def test_a_host_is_taken_by_one_at_a_time(store: Store) -> None:
    assert store.sources.reserve("arxiv.org", 100.0, 3.0) == 0.0
    assert store.sources.reserve("arxiv.org", 101.0, 3.0) == 2.0
    assert store.sources.reserve("x.org", 101.0, 3.0) == 0.0

    store.sources.release("arxiv.org", 101.5)

    assert store.sources.reserve("arxiv.org", 101.6, 3.0) == 0.0


def test_a_later_sighting_joins_two_entries_and_everything_follows(store: Store) -> None:
    [ada] = people(store, "Ada")
    store.sightings.add([Named(make_entry("a", votes=1), ("doi:1",), ("raw a", ""))], NOON)
    store.sightings.add([Named(make_entry("b", stars=2), ("arxiv:2",), ("raw b", ""))], LATER)
    issue = planned(store)
    store.editions.keep([kept_for(issue, ada, "b")])

    news = store.sightings.add([Named(make_entry("c"), ("doi:1", "arxiv:2", "s2:3"))], LATER)

    [entry] = store.entries.listed()
    assert (news, entry.id, entry.votes, entry.stars) == (0, "a", 1, 2)
    assert {each.id for each in store.entries.find(["a", "b", "doi:1", "arxiv:2", "s2:3"]).values()} == {"a"}
    assert len(store.entries.find(["a", "b", "doi:1", "arxiv:2", "s2:3"])) == 5
    assert store.entries.raw("b") == ("raw a", "")
    assert store.editions.seen([ada.id]) == {ada.id: {"a", "b", "c"}}


def test_a_replacement_is_no_news_until_the_paper_is_announced(store: Store) -> None:
    entry = make_entry("a", update=True)
    assert store.sightings.add([Named(entry, ("a",))], NOON) == 0
    assert store.entries.new_between(NOON, LATER) == []
    assert [each.id for each in store.entries.listed()] == ["a"]

    assert store.sightings.add([Named(replace(entry, update=False), ("a",))], LATER) == 1
    assert store.sightings.add([Named(entry, ("a",))], LATER + timedelta(days=1)) == 0

    assert [each.id for each in store.entries.new_between(LATER, LATER)] == ["a"]


def test_counts_are_kept_by_source_and_day(store: Store) -> None:
    for day, votes in ((0, 3), (0, 4), (1, 9)):
        entry = make_entry("a", votes=votes, source="hf")
        store.sightings.add([Named(entry, ("a",))], NOON + timedelta(days=day))

    taken, known = store.entries.snapshots(NOON)

    assert [(each.source, each.votes) for each in taken] == [("hf", 4), ("hf", 9)]
    assert taken[1].day - taken[0].day == 1
    assert known["a"][1] == NOON


def test_an_edition_leaves_out_what_another_issue_showed(store: Store) -> None:
    [ada] = people(store, "Ada")
    store.sightings.add([Named(make_entry("a"), ("a",)), Named(make_entry("b"), ("b",))], NOON)
    first, second = planned(store, "one"), planned(store, "two")
    store.editions.keep([kept_for(first, ada, "a")])

    [kept] = store.editions.keep([kept_for(second, ada, "a", "b")])

    assert [pick.entry.id for pick in kept.edition.picks] == ["b"]


# subscribers


def test_an_address_belongs_to_one_person_in_any_case(store: Store) -> None:
    [ada] = people(store, "Ada")

    assert store.subscribers.find("ADA@Example.org") == ada
    with pytest.raises(InputError, match="already there"):
        store.subscribers.add(make_subscriber("ada", 0, email="Ada@EXAMPLE.org"), "test", NOON)


def test_an_import_never_brings_back_who_left(store: Store) -> None:
    ada, bob = people(store, "Ada", "Bob")
    store.subscribers.set_status(ada.id, Status.UNSUBSCRIBED, NOON)

    assert store.subscribers.put_all([make_subscriber(n, 0) for n in ("Ada", "Bob", "Cyd")], "import", NOON) == (
        1,
        1,
        1,
    )
    assert store.subscribers.get(ada.id).status is Status.UNSUBSCRIBED
    assert store.subscribers.get(bob.id).status is Status.ACTIVE


def test_an_import_keeps_what_a_row_leaves_out_and_obeys_who_left(store: Store) -> None:
    store.subscribers.add(make_subscriber("Ada", 0, profile=make_profile("x"), hour=7), "test", NOON)

    store.subscribers.put_all([make_subscriber("Ada L.", 0, email="ada@example.org")], "import", NOON)
    ada = store.subscribers.find("ada@example.org")
    assert (ada.name, ada.hour, ada.profile) == ("Ada L.", 7, make_profile("x"))

    store.subscribers.put_all([make_subscriber("Ada", 0, status=Status.BOUNCED)], "import", NOON)
    assert store.subscribers.find("ada@example.org").status is Status.BOUNCED


def test_more_people_than_fit_on_a_page_are_all_listed(store: Store) -> None:
    store.subscribers.put_all([make_subscriber(f"p{n}", 0) for n in range(1500)], "test", NOON)

    assert sum(1 for _ in store.subscribers.listed(Status.ACTIVE)) == 1500


def test_an_erased_person_is_forgotten_and_the_ledger_still_adds_up(store: Store) -> None:
    ada, _ = people(store, "Ada", "Bob")
    plan(store)

    store.subscribers.erase(ada.id)

    assert str(store.ledger.tally("2025-W12")) == "planned 2 = accepted 0 + skipped 1 + waiting 1"
    with pytest.raises(UnknownSubscriber):
        store.subscribers.get(ada.id)


@pytest.mark.parametrize("verb", ["get", "erase"])
def test_nobody_is_a_clear_error(store: Store, verb: str) -> None:
    with pytest.raises(UnknownSubscriber):
        getattr(store.subscribers, verb)(99)
    with pytest.raises(UnknownSubscriber):
        store.subscribers.find("nobody@example.org")
    with pytest.raises(UnknownSubscriber):
        store.subscribers.set_status(99, Status.ACTIVE, NOON)
    with pytest.raises(UnknownSubscriber):
        store.subscribers.change(make_subscriber(number=99))


# issues


def test_planning_twice_adds_nobody_twice(store: Store) -> None:
    people(store, "Ada")
    assert plan(store) == 1
    people(store, "Bob")

    assert plan(store) == -1
    assert store.ledger.tally("2025-W12").planned == 1


def test_a_plan_freezes_pool_templates_and_audience(store: Store) -> None:
    store.sightings.add([Named(make_entry("a"), ("a",))], NOON)
    store.sightings.add([Named(make_entry("late"), ("late",))], LATER)
    people(store, "Ada")
    store.subscribers.add(make_subscriber("Bob", 0, status=Status.PENDING), "test", NOON)
    store.subscribers.add(make_subscriber("Cyd", 0, cadence=Cadence.DAILY), "test", NOON)

    assert plan(store) == 1
    store.sightings.add([Named(make_entry("a", code_url="https://c.org"), ("a",))], LATER)
    frozen = store.issues.frozen("2025-W12")
    assert [entry.code_url for entry in frozen.entries] == [""]
    assert (frozen.templates, frozen.missing, frozen.masthead) == (
        {"edition.txt": "x"},
        ("arXiv",),
        Settings().masthead,
    )


def test_who_has_an_hour_of_their_own_is_due_then(store: Store) -> None:
    store.subscribers.add(make_subscriber("Ada", 0, hour=18), "test", NOON)

    plan(store, due=lambda day, hour, zone: NOON.replace(hour=hour))

    assert store.ledger.next_due("2025-W12") == NOON.replace(hour=18)
    assert claimed(store) == []


def test_a_time_zone_alone_is_a_time_of_ones_own(store: Store) -> None:
    store.subscribers.add(make_subscriber("Ada", 0, timezone="Asia/Tokyo"), "test", NOON)

    plan(store, due=lambda day, hour, zone: NOON + timedelta(hours=11) if zone == "Asia/Tokyo" else NOON)

    assert store.ledger.next_due("2025-W12") == NOON + timedelta(hours=11)


def test_who_has_no_time_of_their_own_is_due_at_once(store: Store) -> None:
    people(store, "Ada")

    plan(store, due=lambda *own: LATER)

    assert store.ledger.next_due("2025-W12") == NOON


def test_a_time_that_is_news_to_the_plan_leaves_nothing_planned(store: Store) -> None:
    for name, hour in (("Ada", 18), ("Bob", 19)):
        store.subscribers.add(make_subscriber(name, 0, hour=hour), "test", NOON)

    with pytest.raises(PlanOutdated):
        plan(store, own_times={OwnTime(hour=18): LATER})

    assert store.issues.listed() == []
    assert plan(store) == 2


def test_a_paper_without_a_summary_that_is_news_to_the_plan_leaves_nothing_planned(store: Store) -> None:
    store.sightings.add([Named(make_entry("a"), ("a",)), Named(make_entry("b", tldr="Own."), ("b",))], NOON)

    with pytest.raises(PlanOutdated):
        plan(store, tldrs={})

    assert store.issues.listed() == []
    assert plan(store, tldrs={"a": "Made."}, trends={"b": 0.5}) == 0
    frozen = store.issues.frozen("2025-W12").entries
    assert [(entry.tldr, entry.trend) for entry in frozen] == [("Made.", None), ("Own.", 0.5)]


def test_an_unknown_issue_is_a_clear_error(store: Store) -> None:
    with pytest.raises(UnknownIssue, match="2025-W99"):
        store.issues.get("2025-W99")


# sightings that others change


def test_what_changes_while_it_is_judged_is_judged_again(store: Store) -> None:
    store.sightings.add([Named(make_entry("a"), ("x",))], NOON)
    asked: list[str] = []

    def same(known: Entry, new: Entry, shared: Collection[str]) -> bool:
        if not asked:
            store.entries.put_tldr({"a": "By somebody else."})
        asked.append(known.tldr)
        return True

    assert store.sightings.add([Named(make_entry("b", code_url="https://c.org"), ("x", "y"))], LATER, same) == 0

    assert asked == ["", "By somebody else."]
    [entry] = store.entries.listed()
    assert (entry.tldr, entry.code_url) == ("By somebody else.", "https://c.org")


# the ledger


def test_a_claim_is_held_by_one_sender_only(store: Store) -> None:
    people(store, "Ada", "Bob", "Cyd")
    plan(store)

    first, second = claimed(store, 2), claimed(store)

    assert [claim.delivery.subscriber for claim in first + second] == [1, 2, 3]
    assert claimed(store) == []


def test_of_two_senders_that_read_the_same_block_only_one_holds_each_delivery(store: Store) -> None:
    people(store, "Ada", "Bob", "Cyd")
    plan(store)
    first, second = store.ledger.enroll(SOON), store.ledger.enroll(SOON)
    block = [row.subscriber for row in store.ledger.due("2025-W12", NOON, 10)]

    held, _ = store.ledger.claim("2025-W12", first, NOON, block[:1], {block[1]: Later(timedelta(hours=1))})
    away = {block[2]: Later(timedelta(hours=2), kept=False)}
    late, all_free = store.ledger.claim("2025-W12", second, NOON, block[:2], away)

    assert [claim.delivery.subscriber for claim in held] == [1]
    assert (late, all_free) == ([], False)
    assert store.ledger.comes_back("2025-W12") == NOON + timedelta(hours=1)
    assert store.ledger.next_due("2025-W12") == NOON + timedelta(hours=1)
    assert store.ledger.claim("2025-W12", second, NOON, block, dict.fromkeys(block, Later(timedelta()))) == ([], False)


def test_a_dead_senders_claims_are_free_again_and_what_it_began_is_uncertain(store: Store) -> None:
    people(store, "Ada", "Bob")
    plan(store)
    begun, _ = claimed(store)
    assert store.ledger.write([begun], []) == [Outcome.SENDING]

    assert store.ledger.recover("2025-W12", NOON) == 0
    assert store.ledger.recover("2025-W12", LATER) == 2

    assert str(store.ledger.tally("2025-W12")) == "planned 2 = accepted 0 + uncertain 1 + waiting 1"
    assert [claim.delivery.subscriber for claim in claimed(store)] == [2]


def test_a_sender_that_lost_its_claim_can_begin_nothing(store: Store) -> None:
    people(store, "Ada")
    plan(store)
    [slow] = claimed(store)
    store.ledger.recover("2025-W12", LATER)
    [fast] = claimed(store)

    assert store.ledger.write([slow], [answered(slow, Outcome.REFUSED)]) == [Outcome.PLANNED]
    assert store.ledger.write([fast], []) == [Outcome.SENDING]
    assert store.ledger.tally("2025-W12").refused == 0


def test_a_late_answer_settles_what_was_thought_uncertain(store: Store) -> None:
    people(store, "Ada")
    plan(store)
    [claim] = claimed(store)
    store.ledger.write([claim], [])
    store.ledger.recover("2025-W12", LATER)

    store.ledger.write([], [answered(claim, Outcome.ACCEPTED)])

    assert str(store.ledger.tally("2025-W12")) == "planned 1 = accepted 1"


def test_nothing_begins_twice(store: Store) -> None:
    people(store, "Ada")
    plan(store)
    [claim] = claimed(store)

    assert store.ledger.write([claim, claim], []) == [Outcome.SENDING, Outcome.PLANNED]


def test_a_time_that_many_have_is_reckoned_once(store: Store) -> None:
    asked: list[tuple[object, ...]] = []

    def due(*own: object) -> datetime:
        asked.append(own)
        return NOON + timedelta(hours=2)

    for name, hour in (("Ada", 14), ("Bob", 14), ("Cyd", None)):
        store.subscribers.add(make_subscriber(name, 0, hour=hour), "test", NOON)
    plan(store, due=due, spread=timedelta(minutes=1))

    moments = (NOON + timedelta(minutes=1), NOON + timedelta(hours=2, minutes=1))
    due_then = [claim_due(store.ledger, "2025-W12", 1, moment, 10) for moment in moments]
    assert asked == [(None, 14, None)]
    assert [{claim.delivery.subscriber for claim in claims} for claims in due_then] == [{3}, {1, 2}]


def test_who_left_since_the_plan_is_skipped_with_the_reason(store: Store) -> None:
    [ada] = people(store, "Ada")
    plan(store)
    [claim] = claimed(store)
    store.subscribers.set_status(ada.id, Status.UNSUBSCRIBED, NOON)

    assert store.ledger.write([claim], []) == [Outcome.SKIPPED]
    [(delivery, _)] = store.ledger.having("2025-W12", Outcome.SKIPPED)
    assert delivery.detail == "unsubscribed"


def test_a_stopped_sender_gives_back_what_it_had_not_begun(store: Store) -> None:
    people(store, "Ada", "Bob")
    plan(store)
    claims = claimed(store)
    store.ledger.write([claims[0]], [])

    assert store.ledger.release(claims[0].sender) == 1
    assert store.ledger.tally("2025-W12").waiting == 2


def test_what_is_too_late_expires_and_counts_as_never_shown(store: Store) -> None:
    [ada] = people(store, "Ada")
    entry = make_entry("a")
    store.sightings.add([Named(entry, ("a",))], NOON)
    plan(store, expire_after=SOON - NOON)
    edition = Edition(WEEK_12, ada, (Pick(entry, 1.0, "x", ("y",)),))
    store.editions.keep([Kept(edition, "<1@x>", NOON)])
    assert store.editions.seen([ada.id]) == {ada.id: {"a"}}

    assert store.ledger.expire("2025-W12", LATER) == 1

    assert store.editions.seen([ada.id]) == {ada.id: set()}
    assert store.ledger.tally("2025-W12").expired == 1


def test_uncertain_ones_are_settled_by_decision(store: Store) -> None:
    people(store, "Ada", "Bob")
    plan(store)
    store.ledger.write(claimed(store), [])
    store.ledger.recover("2025-W12", LATER)

    changed = store.ledger.resolve("2025-W12", [(1, Outcome.ACCEPTED, "log"), (2, Outcome.PLANNED, "")], LATER)

    assert changed == 2
    assert str(store.ledger.tally("2025-W12")) == "planned 2 = accepted 1 + waiting 1"


# editions


def test_an_edition_comes_back_as_it_was_kept(store: Store) -> None:
    ada = store.subscribers.add(make_subscriber("Ada", 0, profile=make_profile("x", muted=("y",))), "test", NOON)
    entry = make_entry("a")
    store.sightings.add([Named(entry, ("a",))], NOON)
    plan(store)
    kept = Kept(Edition(WEEK_12, ada, (Pick(entry, 0.123456789, "x", ("y", "z")),)), "<1@x>", NOON)

    store.editions.keep([kept])
    store.editions.keep([Kept(Edition(WEEK_12, ada, ()), "<1@x>", LATER)])

    assert store.editions.kept(WEEK_12, [ada.id, 99], {"a": entry}) == {ada.id: kept}
    assert store.editions.seen([ada.id], but="2025-W12") == {ada.id: set()}


def test_what_a_mail_had_no_room_for_and_what_is_popular_is_kept_and_may_come_again(store: Store) -> None:
    ada = store.subscribers.add(replace(make_subscriber("Ada", 0), skim=True), "test", NOON)
    entries = {each: make_entry(each) for each in ("a", "b", "c")}
    store.sightings.add([Named(entry, (name,)) for name, entry in entries.items()], NOON)
    plan(store)
    first, second, _ = (Pick(entry, 0.5, "x", ("y",)) for entry in entries.values())
    kept = Kept(Edition(WEEK_12, ada, (first,), (second,), (entries["c"],)), "<1@x>", NOON)

    store.editions.keep([kept])

    assert store.editions.kept(WEEK_12, [ada.id], entries) == {ada.id: kept}
    assert store.editions.seen([ada.id]) == {ada.id: {"a"}}


def test_done_is_a_state_like_the_others(store: Store) -> None:
    plan(store)
    store.issues.set_state("2025-W12", IssueState.DONE)

    assert store.issues.open_ones() == []
    assert store.issues.listed()[0].state is IssueState.DONE


# bounces


def test_a_bounce_that_was_judged_by_what_no_longer_holds_is_not_kept(store: Store) -> None:
    [ada] = people(store, "Ada")
    first, second = (Bounce(report, ada.id, "", "mailboxfull", False, True, NOON) for report in ("one", "two"))
    seen = store.bounces.history(ada.id, "one")
    assert seen == BounceHistory(Status.ACTIVE, ())

    assert store.bounces.record(first, seen)
    assert not store.bounces.record(replace(second, status=Status.BOUNCED), seen)
    assert store.bounces.of(ada.id) == [first]
    assert store.subscribers.get(ada.id).status is Status.ACTIVE
    assert store.bounces.history(ada.id, "one") is None
