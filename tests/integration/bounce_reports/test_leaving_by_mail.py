"""The mailto of List-Unsubscribe, from the mail that went out to the person who gets no more."""

from __future__ import annotations

import re
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
from returned import bounce

from newsletter.bounces.mailboxes import Files
from newsletter.config import Settings
from newsletter.engine import Engine, make_engine
from newsletter.services.bounce_reports import Heeded
from newsletter.store import Named, Store
from newsletter.testing import NOON, Clock, MemoryTransport, make_entry, make_subscriber
from newsletter.types import Mail, Status

BOUNCES = {"address": "bounces@papers.example.org", "maildir": "Maildir"}


@pytest.fixture
def home(tmp_path: Path) -> Path:
    (tmp_path / "Maildir" / "new").mkdir(parents=True)
    return tmp_path


def engine_of(settings: Settings, home: Path, section: dict[str, str], *parts: object) -> Engine:
    tables = {**settings.model_dump(), "bounces": section, "home": home}
    return make_engine(Settings.model_validate(tables), *parts)  # type: ignore[arg-type]


@pytest.fixture
def engine(settings: Settings, store: Store, transport: MemoryTransport, clock: Clock, home: Path) -> Engine:
    store.sightings.add([Named(make_entry(), ("id:mamba",))], NOON)
    store.subscribers.put_all([make_subscriber(name, 0) for name in ("Ada", "Bob")], "t", NOON)
    clock.forward(hours=1)
    return engine_of(settings, home, BOUNCES, store, transport, clock)


async def sent(engine: Engine, transport: MemoryTransport, key: str = "2025-W12") -> Mail:
    """The first mail of an issue: Ada's."""
    engine.planning.plan(key=key)
    await engine.sending.send(key)
    return transport.mails[0]


def offered(mail: Mail) -> list[str]:
    header = str(message_from_bytes(mail.body, policy=policy.default)["List-Unsubscribe"])
    return re.findall(r"<([^<>]+)>", header)


def answer(mail: Mail) -> bytes:
    """What a mail program writes for the mailto."""
    [uri] = [urlsplit(uri) for uri in offered(mail) if uri.startswith("mailto:")]
    letter = EmailMessage()
    letter["From"], letter["To"] = "ada@example.org", unquote(uri.path)
    letter["Subject"] = parse_qs(uri.query)["subject"][0]
    return letter.as_bytes()


def read(engine: Engine, home: Path, data: bytes, keep: bool = True) -> Heeded:
    (home / "leave.eml").write_bytes(data)
    with (home / "leave.eml").open("rb") as nothing:
        [heeded] = engine.bounces.read([Files([home / "leave.eml"], nothing)], keep)
    return heeded


def status(engine: Engine, name: str) -> Status:
    return engine.store.subscribers.find(f"{name}@example.org").status


async def test_the_mail_of_a_mail_program_unsubscribes_its_person(
    engine: Engine, transport: MemoryTransport, home: Path
) -> None:
    heeded = read(engine, home, answer(await sent(engine, transport)))

    assert (heeded.kind, heeded.recipient, heeded.reason) == ("unsubscribe", "ada@example.org", "unsubscribe")
    assert (heeded.action, heeded.ended) == ("unsubscribed", True)
    assert (status(engine, "ada"), status(engine, "bob")) == (Status.UNSUBSCRIBED, Status.ACTIVE)


async def test_a_mail_that_is_read_again_does_not_undo_a_return(
    engine: Engine, transport: MemoryTransport, home: Path
) -> None:
    letter = answer(await sent(engine, transport))
    read(engine, home, letter)
    engine.subscriptions.set_status(engine.subscriptions.find("ada@example.org").id, Status.ACTIVE)

    assert read(engine, home, letter).action == "none: known already"
    assert status(engine, "ada") is Status.ACTIVE


async def test_a_dry_run_changes_nothing(engine: Engine, transport: MemoryTransport, home: Path) -> None:
    assert read(engine, home, answer(await sent(engine, transport)), keep=False).action == "unsubscribed"
    assert status(engine, "ada") is Status.ACTIVE


async def test_who_complained_stays_so(engine: Engine, transport: MemoryTransport, home: Path) -> None:
    letter = answer(await sent(engine, transport))
    engine.subscriptions.set_status(engine.subscriptions.find("ada@example.org").id, Status.COMPLAINED)

    assert read(engine, home, letter).action == "none"
    assert status(engine, "ada") is Status.COMPLAINED


async def test_tokens_of_two_people_and_of_nobody_are_ignored(
    engine: Engine, transport: MemoryTransport, home: Path
) -> None:
    ada, bob = (await sent(engine, transport)), transport.mails[1]
    both = answer(ada).replace(
        b"Subject: unsubscribe ", b"Subject: unsubscribe " + offered(bob)[1][-20:].encode() + b" "
    )
    mixed = answer(ada).replace(b"\n\n", b"\n\nunsubscribe " + offered(bob)[1].rpartition("%20")[2].encode(), 1)

    assert read(engine, home, mixed).action == "ignored: tokens of several people"
    assert read(engine, home, both).action == "unsubscribed"
    engine.subscriptions.erase(engine.subscriptions.find("ada@example.org").id)
    assert read(engine, home, answer(ada)).action == "ignored: not ours"
    assert status(engine, "bob") is Status.ACTIVE


async def test_the_schedule_reads_such_mails_from_the_mailbox(
    engine: Engine, transport: MemoryTransport, home: Path
) -> None:
    (home / "Maildir" / "new" / "1").write_bytes(answer(await sent(engine, transport)))

    assert "1 subscribers unsubscribed by mail" in await engine.scheduling.tick()
    assert status(engine, "ada") is Status.UNSUBSCRIBED


async def test_our_own_mail_with_such_a_header_and_its_bounce_unsubscribe_nobody(
    engine: Engine, transport: MemoryTransport, home: Path
) -> None:
    mail = await sent(engine, transport)

    assert read(engine, home, mail.body).action == "none"
    assert read(engine, home, bounce(mail, "552 5.2.2 mailbox full")).action == "none"
    assert status(engine, "ada") is Status.ACTIVE


async def test_without_a_mailbox_the_header_offers_https_only(
    settings: Settings, engine: Engine, store: Store, transport: MemoryTransport, clock: Clock, home: Path
) -> None:
    deaf = engine_of(settings, home, {"address": BOUNCES["address"]}, store, transport, clock)

    [link] = offered(await sent(deaf, transport))

    assert link.startswith("https://papers.example.org/unsubscribe/")


async def test_without_an_address_the_mailto_leads_to_the_from_and_the_subject_alone_tells(
    settings: Settings, engine: Engine, store: Store, transport: MemoryTransport, clock: Clock, home: Path
) -> None:
    other = engine_of(settings, home, {"maildir": "Maildir"}, store, transport, clock)
    mail = await sent(other, transport)

    assert offered(mail)[1].startswith("mailto:weekly@papers.example.org?subject=unsubscribe%20")
    assert read(other, home, answer(mail)).action == "unsubscribed"
