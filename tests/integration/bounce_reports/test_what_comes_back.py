"""What comes back, from the mail that went out to the person who is not written to again."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from datetime import timedelta
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from returned import SAMPLES, bounce, complaint
from stuck import stuck_or_read

from newsletter.bounces.mailboxes import Files, Maildir, RawReport
from newsletter.bounces.reading import LetterReader
from newsletter.config import Settings
from newsletter.engine import Engine, make_engine
from newsletter.errors import InputError
from newsletter.store import Named, Store
from newsletter.testing import NOON, Clock, MemoryTransport, make_entry, make_subscriber
from newsletter.types import Mail, Outcome, Status

settings_for_fuzz = hypothesis_settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)  # one store for all examples: nothing in it may ever change
FULL = "552 5.2.2 mailbox full"
UNSURE = "550 5.2.1 this account is disabled"


class Pile:
    """Letters at hand; remembers which were done."""

    def __init__(self, *data: bytes) -> None:
        self._letters = [RawReport(f"{number}.eml", each) for number, each in enumerate(data)]
        self.finished: list[str] = []

    def reports(self) -> Iterator[RawReport]:
        return iter(self._letters)

    def done(self, report: RawReport) -> None:
        self.finished.append(report.name)


def test_a_letter_that_cannot_be_read_is_done_with_and_says_why(verp: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("newsletter.services.bounce_reports.LetterReader", lambda: LetterReader(0.2, stuck_or_read))
    pile = Pile(b"stuck" + b"x" * 9_000)

    (told,) = verp.bounces.read([pile])

    assert told.action == "none: took longer than 0.2 s to read"
    assert pile.finished == ["0.eml"]


@pytest.fixture
def verp(settings: Settings, store: Store, transport: MemoryTransport, clock: Clock) -> Engine:
    """An engine whose envelope senders are signed; three active readers."""
    more = {"bounces": {"address": "bounces@papers.example.org"}, "home": settings.home}
    engine = make_engine(Settings.model_validate({**settings.model_dump(), **more}), store, transport, clock)
    store.sightings.add([Named(make_entry(), ("id:mamba",))], NOON - timedelta(hours=1))
    store.subscribers.put_all([make_subscriber(name, 0) for name in ("Ada", "Bob", "Cyd")], "t", NOON)
    return engine


async def sent(engine: Engine, transport: MemoryTransport, key: str = "2025-W12") -> dict[str, Mail]:
    """The mails of an issue, by first name."""
    engine.planning.plan(key=key)
    await engine.sending.send(key)
    return {mail.recipient.partition("@")[0]: mail for mail in transport.mails}


def status(engine: Engine, name: str) -> Status:
    return engine.store.subscribers.find(f"{name}@example.org").status


def read(engine: Engine, *data: bytes, keep: bool = True) -> list[str]:
    return [each.action for each in engine.bounces.read([Pile(*data)], keep)]


async def test_each_delivery_has_an_envelope_sender_of_its_own_and_the_same_when_sent_again(
    verp: Engine, transport: MemoryTransport
) -> None:
    mails = await sent(verp, transport)
    prepared = verp.editions.prepared("2025-W12")
    ada = verp.store.subscribers.find("ada@example.org")

    senders = {mail.sender for mail in mails.values()}
    assert len(senders) == 3
    assert all(each.startswith("bounces+") and each.endswith("@papers.example.org") for each in senders)
    assert prepared.render_mail(verp.editions.edition(prepared, ada)) == mails["ada"]
    assert b"bounces+" not in mails["ada"].body


async def test_without_an_address_the_envelope_sender_stays_as_it_was(
    weekly: Engine, transport: MemoryTransport
) -> None:
    await weekly.sending.send("2025-W12")

    assert {mail.sender for mail in transport.mails} == {"weekly@papers.example.org"}


async def test_a_hard_bounce_ends_a_subscription_and_the_delivery_stays_accepted(
    verp: Engine, transport: MemoryTransport
) -> None:
    mails = await sent(verp, transport)

    assert read(verp, bounce(mails["ada"])) == ["bounced"]

    assert (status(verp, "ada"), status(verp, "bob")) == (Status.BOUNCED, Status.ACTIVE)
    assert verp.store.ledger.tally("2025-W12").accepted == 3
    assert len(verp.store.ledger.having("2025-W12", Outcome.ACCEPTED)) == 3
    [kept] = verp.store.bounces.of(verp.store.subscribers.find("ada@example.org").id)
    assert (kept.issue, kept.reason, kept.hard, kept.status) == ("2025-W12", "userunknown", True, Status.BOUNCED)


async def test_who_bounced_gets_no_further_issue(verp: Engine, transport: MemoryTransport, clock: Clock) -> None:
    mails = await sent(verp, transport)
    read(verp, bounce(mails["ada"]))
    transport.mails.clear()
    clock.forward(days=7)
    verp.store.sightings.add([Named(make_entry("plasma"), ("id:plasma",))], clock())

    assert set(await sent(verp, transport, "2025-W13")) == {"bob", "cyd"}


async def test_the_same_report_counts_once(verp: Engine, transport: MemoryTransport) -> None:
    mails = await sent(verp, transport)
    report = bounce(mails["ada"])
    read(verp, report)
    verp.subscriptions.set_status(verp.store.subscribers.find("ada@example.org").id, Status.ACTIVE)

    assert read(verp, report) == ["none: known already"]
    assert status(verp, "ada") is Status.ACTIVE


@pytest.mark.parametrize(
    ("said", "action"),
    [
        (FULL, "failed"),
        ("550 5.7.26 unauthenticated mail is not accepted: DMARC policy", "failed"),
        ("554 5.7.1 blocked, see our blacklist", "failed"),
        ("550 5.1.1 user unknown", "delayed"),
        ("450 4.1.1 user unknown", "failed"),
        ("250 2.1.5 ok", "delivered"),
    ],
)
async def test_what_is_not_the_addresss_fault_ends_nothing_however_often(
    verp: Engine, transport: MemoryTransport, clock: Clock, said: str, action: str
) -> None:
    mails = await sent(verp, transport)
    for day in range(6):
        clock.forward(days=1)
        assert read(verp, bounce(mails["ada"], f"{said} {day}", action)) == ["none"]

    assert status(verp, "ada") is Status.ACTIVE


async def test_soft_bounces_of_three_issues_end_a_subscription(
    verp: Engine, transport: MemoryTransport, clock: Clock
) -> None:
    actions = []
    for key in ("2025-W12", "2025-W13", "2025-W14"):
        verp.store.sightings.add([Named(make_entry(key), (f"id:{key}",))], clock())
        mails = await sent(verp, transport, key)
        again = [bounce(mails["ada"], f"{UNSURE} today")] if key != "2025-W14" else []
        actions += read(verp, bounce(mails["ada"], UNSURE), *again)
        clock.forward(days=7)

    once, twice = "counted: 1 of 3", "counted: 2 of 3"
    assert actions == [once, once, twice, twice, "bounced"]
    assert status(verp, "ada") is Status.BOUNCED


@pytest.mark.parametrize("recipient", ["ada@example.org", "", "redacted@example.org"])
async def test_a_complaint_ends_a_subscription_at_once_also_with_a_hidden_address(
    verp: Engine, transport: MemoryTransport, recipient: str
) -> None:
    mails = await sent(verp, transport)

    assert read(verp, complaint(mails["ada"], recipient)) == ["complained"]

    assert (status(verp, "ada"), status(verp, "bob")) == (Status.COMPLAINED, Status.ACTIVE)


@pytest.mark.parametrize("kind", ["auth-failure", "not-spam"])
async def test_a_report_on_authentication_is_no_complaint(verp: Engine, transport: MemoryTransport, kind: str) -> None:
    mails = await sent(verp, transport)

    assert read(verp, complaint(mails["ada"], "ada@example.org", kind)) == [f"none: {kind}"]
    assert status(verp, "ada") is Status.ACTIVE


async def test_a_forged_report_is_told_and_changes_nobody(verp: Engine, transport: MemoryTransport) -> None:
    mails = await sent(verp, transport)
    strange = Mail("<x@evil.example>", "bounces+aaaaaaaaaaaaaaaaaaaaaaaa@papers.example.org", "ada@example.org", b"")

    assert read(verp, bounce(strange)) == ["ignored: not ours"]
    assert read(verp, bounce(mails["bob"], recipient="ada@example.org")) == ["ignored: another address than ours"]
    assert {status(verp, name) for name in ("ada", "bob", "cyd")} == {Status.ACTIVE}


@settings_for_fuzz
@given(data=st.data())
def test_no_report_without_a_token_of_ours_ends_a_subscription(verp: Engine, data: st.DataObject) -> None:
    """Whatever it says, of whomever, in the form of any mail system."""
    sample = data.draw(st.sampled_from(sorted(SAMPLES.glob("*.eml")))).read_bytes()
    place, noise = data.draw(st.integers(0, len(sample))), data.draw(st.binary(max_size=20))
    aimed = sample.replace(b"ada@example.net", b"ada@example.org").replace(b"bob@example.net", b"bob@example.org")

    read(verp, aimed, aimed[:place] + noise + aimed[place:])

    assert {status(verp, name) for name in ("ada", "bob", "cyd")} == {Status.ACTIVE}


async def test_without_verp_the_message_id_or_the_link_of_the_mail_that_came_back_is_enough(
    weekly: Engine, transport: MemoryTransport
) -> None:
    await weekly.sending.send("2025-W12")
    ada, bob, _ = transport.mails
    no_id = bounce(bob).replace(b"Message-ID:", b"X-Was:").replace(bob.message_id.encode(), b"<gone@x.example>")
    no_link = bounce(ada).replace(b"/unsubscribe/", b"/gone/").replace(b"unsubscribe%20", b"gone%20")

    assert read(weekly, no_link) == ["bounced"]
    assert read(weekly, no_id) == ["bounced"]
    assert weekly.store.bounces.of(1)[0].issue == "2025-W12"


async def test_a_changed_address_is_still_known_by_where_the_mail_went(
    verp: Engine, transport: MemoryTransport
) -> None:
    mails = await sent(verp, transport)
    ada = verp.store.subscribers.find("ada@example.org")

    with verp.store.database.write() as connection:
        connection.exec_driver_sql("UPDATE subscribers SET email = 'new@example.org' WHERE id = ?", (ada.id,))

    assert read(verp, bounce(mails["ada"])) == ["bounced"]


async def test_a_confirmation_that_bounces_ends_a_pending_subscription(
    verp: Engine, transport: MemoryTransport
) -> None:
    await verp.subscriptions.subscribe("typo@example.org", "", make_subscriber().profile)

    assert read(verp, bounce(transport.mails[-1])) == ["bounced"]
    assert status(verp, "typo") is Status.BOUNCED


async def test_an_erased_persons_report_is_nobodys(verp: Engine, transport: MemoryTransport) -> None:
    mails = await sent(verp, transport)
    ada = verp.store.subscribers.find("ada@example.org")
    read(verp, bounce(mails["ada"], FULL))
    verp.store.subscribers.erase(ada.id)

    assert read(verp, bounce(mails["ada"])) == ["ignored: not ours"]
    assert verp.store.bounces.of(ada.id) == []


async def test_a_dry_run_tells_and_changes_nothing(verp: Engine, transport: MemoryTransport) -> None:
    mails = await sent(verp, transport)

    assert read(verp, bounce(mails["ada"]), keep=False) == ["bounced"]
    assert read(verp, bounce(mails["ada"]), keep=False) == ["bounced"]
    assert status(verp, "ada") is Status.ACTIVE


# mailboxes


def maildir(folder: Path, *data: bytes) -> Path:
    for part in ("new", "cur", "tmp"):
        (folder / part).mkdir(parents=True)
    for number, each in enumerate(data):
        (folder / "new" / f"{number}.host").write_bytes(each)
    return folder


async def test_what_was_read_of_a_maildir_moves_to_cur_and_is_marked_as_seen(
    verp: Engine, transport: MemoryTransport, tmp_path: Path
) -> None:
    mails = await sent(verp, transport)
    folder = maildir(tmp_path / "Maildir", bounce(mails["ada"]), b"no report")

    done = verp.bounces.read([Maildir(folder)])

    assert [each.action for each in done] == ["bounced", "none"]
    assert sorted(each.name for each in (folder / "cur").iterdir()) == ["0.host:2,S", "1.host:2,S"]
    assert list((folder / "new").iterdir()) == []
    assert verp.bounces.read([Maildir(folder)]) == []


async def test_what_cannot_be_read_in_a_maildir_keeps_no_letter_waiting(
    verp: Engine, transport: MemoryTransport, tmp_path: Path
) -> None:
    mails = await sent(verp, transport)
    folder = maildir(tmp_path / "Maildir", bounce(mails["ada"]))
    (folder / "new" / "0.folder").mkdir()
    os.mkfifo(folder / "new" / "0.pipe")
    (folder / "new" / "0.loop").symlink_to(folder / "new" / "0.loop")
    (folder / "new" / "0.elsewhere").symlink_to(folder / "new" / ("x" * 300))

    with pytest.raises(InputError, match=r"0\.elsewhere: File name too long"):
        verp.bounces.read([Maildir(folder)])

    assert status(verp, "ada") is Status.BOUNCED


async def test_a_letter_stays_where_it_is_until_its_work_is_durable(
    verp: Engine, transport: MemoryTransport, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    mails = await sent(verp, transport)
    folder = maildir(tmp_path / "Maildir", bounce(mails["ada"]))

    def crash(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(verp.store.bounces, "record", crash)
        with pytest.raises(KeyboardInterrupt):
            verp.bounces.read([Maildir(folder)])
    assert [each.name for each in (folder / "new").iterdir()] == ["0.host"]

    with monkeypatch.context() as broken:
        broken.setattr(Maildir, "done", crash)
        with pytest.raises(KeyboardInterrupt):
            verp.bounces.read([Maildir(folder)])

    assert status(verp, "ada") is Status.BOUNCED
    assert [each.action for each in verp.bounces.read([Maildir(folder)])] == ["none: known already"]


async def test_a_dry_run_moves_no_letter(verp: Engine, tmp_path: Path) -> None:
    folder = maildir(tmp_path / "Maildir", b"no report")

    verp.bounces.read([Maildir(folder)], keep=False)

    assert [each.name for each in (folder / "new").iterdir()] == ["0.host"]


def test_a_folder_that_is_no_maildir_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a Maildir"):
        list(Maildir(tmp_path / "nothing").reports())


def test_files_folders_maildirs_and_standard_input_are_read_and_stay(tmp_path: Path) -> None:
    (tmp_path / "one.eml").write_bytes(b"one")
    folder = maildir(tmp_path / "Maildir", b"two")
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "three.eml").write_bytes(b"three")

    files = Files([tmp_path / "one.eml", folder, tmp_path / "folder", Path("-")], BytesIO(b"four"))

    assert len(files) == 4
    assert [each.data for each in files.reports()] == [b"one", b"two", b"three", b"four"]
    with pytest.raises(InputError, match=r"gone\.eml"):
        Files([tmp_path / "gone.eml"], BytesIO())


# on schedule


async def test_the_schedule_reads_the_maildir_before_it_sends(
    settings: Settings, store: Store, transport: MemoryTransport, clock: Clock, verp: Engine, tmp_path: Path
) -> None:
    mails = await sent(verp, transport)
    section = {"address": "bounces@papers.example.org", "maildir": "Maildir", "read_every": "5m"}
    tables = {**settings.model_dump(), "bounces": section, "home": tmp_path}
    engine = make_engine(Settings.model_validate(tables), store, transport, clock)
    folder = maildir(tmp_path / "Maildir", bounce(mails["ada"]))

    assert await engine.scheduling.tick() == ["1 subscribers bounced or complained"]
    (folder / "new" / "later").write_bytes(bounce(mails["bob"]))
    assert await engine.scheduling.tick() == []
    clock.forward(minutes=5)
    assert await engine.scheduling.tick() == ["1 subscribers bounced or complained"]

    assert (status(engine, "ada"), status(engine, "bob")) == (Status.BOUNCED, Status.BOUNCED)


async def test_a_mailbox_that_cannot_be_read_keeps_the_schedule_from_nothing_else(
    settings: Settings, store: Store, transport: MemoryTransport, clock: Clock, verp: Engine
) -> None:
    verp.planning.plan()
    tables = {**settings.model_dump(), "bounces": {"maildir": "gone"}, "home": settings.home}
    engine = make_engine(Settings.model_validate(tables), store, transport, clock)

    with pytest.raises(InputError, match="gone"):
        await engine.scheduling.tick()

    assert len(transport.mails) == 3


# in JSON


def test_a_line_says_what_the_design_promises(verp: Engine) -> None:
    from newsletter.serializers.bounces import report_row

    [row] = map(report_row, verp.bounces.read([Pile(b"Subject: hello\n\nhello\n")]))

    assert json.loads(json.dumps(row)) == {
        "file": "0.eml",
        "recipient": "",
        "kind": "none",
        "reason": "",
        "hard": False,
        "action": "none",
    }
