"""Every mail that leaves is signed, and signed alike however often it leaves."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Clock, with_smtp
from verifier import DKIM, signed_names, verdicts

from newsletter.config import Settings
from newsletter.engine import Engine, make_engine
from newsletter.errors import ConfigError, Deferred
from newsletter.store import Store
from newsletter.testing import MemoryTransport, ScriptedServer
from newsletter.types import Mail, Profile
from newsletter.web.preview.proof import render_preview

WEEK = "2025-W12"


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """The same newsletter with two keys."""
    return Settings.model_validate({**settings.model_dump(), "dkim": DKIM, "home": settings.home})


async def test_what_goes_over_the_wire_verifies_and_covers_one_click(
    weekly: Engine, settings: Settings, store: Store, clock: Clock
) -> None:
    async with ScriptedServer() as server:
        sent = await make_engine(with_smtp(settings, server.port), store, now=clock).sending.send(WEEK)

    assert str(sent.tally) == "planned 3 = accepted 3"
    for _, mail in server.accepted:
        assert verdicts(mail) == [True, True]
        assert {"List-Unsubscribe", "List-Unsubscribe-Post"} < {*signed_names(mail, 0)} & {*signed_names(mail, 1)}


async def test_a_mail_that_goes_again_has_the_same_signature(
    weekly: Engine, settings: Settings, store: Store, clock: Clock
) -> None:
    tried: list[Mail] = []

    def busy(mail: Mail) -> None:
        tried.append(mail)
        raise Deferred("451 later", 451)

    await weekly.sending.send(WEEK, MemoryTransport(busy))
    clock.forward(hours=5)
    again = MemoryTransport()
    await make_engine(settings, store, again, clock).sending.send(WEEK)

    assert len(tried) == 3
    assert sorted(mail.body for mail in again.mails) == sorted(mail.body for mail in tried)


async def test_the_preview_and_the_dry_run_are_the_very_mail(
    weekly: Engine, transport: MemoryTransport, tmp_path: Path
) -> None:
    shown = render_preview(weekly, WEEK, "ada@example.org")
    await weekly.sending.dry_run(WEEK, tmp_path / "dry")
    await weekly.sending.send(WEEK)

    [ada] = [mail.body for mail in transport.mails if mail.recipient == "ada@example.org"]
    assert shown.body == (tmp_path / "dry" / "ada@example.org.eml").read_bytes() == ada


async def test_signed_mails_are_sealed(weekly: Engine, transport: MemoryTransport) -> None:
    """No line begins with a dot, so that the sender writes them as they are."""
    await weekly.sending.send(WEEK)
    await weekly.subscriptions.subscribe("new@example.org", "New", Profile())

    assert len(transport.mails) == 4
    for mail in transport.mails:
        assert mail.sealed
        assert mail.body.isascii()
        assert mail.body.endswith(b"\r\n")
        assert not mail.body.startswith(b".")
        assert b"\n." not in mail.body


async def test_test_mails_and_confirmations_verify(weekly: Engine, transport: MemoryTransport) -> None:
    await weekly.sending.send_test(WEEK, "me@example.org")
    await weekly.subscriptions.subscribe("new@example.org", "New", Profile())

    assert [verdicts(mail.body) for mail in transport.mails] == [[True, True], [True, True]]


def test_a_key_that_cannot_sign_stops_the_engine_before_anything_is_planned(settings: Settings, store: Store) -> None:
    broken = settings.model_copy(update={"dkim": settings.dkim.model_copy(update={"key": settings.dkim.ed25519_key})})

    with pytest.raises(ConfigError, match="an RSA key is expected"):
        make_engine(broken, store)
