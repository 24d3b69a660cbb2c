"""Reports in an IMAP folder, on a real connection with TLS."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from ssl import SSLContext

import pytest
from certificates import contexts
from imapserver import ImapServer

from newsletter.bounces.imap import Account, Imap
from newsletter.engine import Engine
from newsletter.errors import InputError

MAILS = {3: b"Subject: one\r\n\r\nhello\r\n", 5: b"Subject: two\r\n\r\nhello again\r\n"}


@pytest.fixture
def trust(tmp_path: Path) -> tuple[SSLContext, SSLContext]:
    return contexts(tmp_path)


@pytest.fixture
def server(trust: tuple[SSLContext, SSLContext]) -> Iterator[ImapServer]:
    with ImapServer(trust[0], mails=dict(MAILS)) as server:
        yield server


def account(server: ImapServer, **more: str) -> Account:
    return Account("localhost", "bounces", more.pop("password", "sesame"), port=server.port, **more)


def test_unseen_mails_are_read_and_marked_as_seen_only_when_they_are_done(
    server: ImapServer, trust: tuple[SSLContext, SSLContext], engine: Engine
) -> None:
    with Imap(account(server), trust[1]) as box:
        assert [(each.name, each.data) for each in box.reports()] == [("imap:3", MAILS[3]), ("imap:5", MAILS[5])]
    assert server.seen == set()

    with Imap(account(server), trust[1]) as box:
        assert [each.kind for each in engine.bounces.read([box])] == ["none", "none"]
    assert server.seen == {3, 5}

    with Imap(account(server), trust[1]) as box:
        assert list(box.reports()) == []


def test_read_mails_can_be_moved_to_a_folder(
    server: ImapServer, trust: tuple[SSLContext, SSLContext], engine: Engine
) -> None:
    with Imap(account(server, done="Read"), trust[1]) as box:
        engine.bounces.read([box])

    assert server.moved == {"Read": [3, 5]}


def test_a_dry_run_marks_nothing(server: ImapServer, trust: tuple[SSLContext, SSLContext], engine: Engine) -> None:
    with Imap(account(server), trust[1]) as box:
        engine.bounces.read([box], keep=False)

    assert server.seen == set()


def test_a_wrong_password_is_told_in_one_line_without_it(
    server: ImapServer, trust: tuple[SSLContext, SSLContext]
) -> None:
    wrong = account(server, password="open barley")

    with pytest.raises(InputError, match="imap localhost") as error, Imap(wrong, trust[1]):
        pass

    assert "barley" not in str(error.value) + repr(wrong)


def test_a_server_whose_certificate_nobody_trusts_never_hears_the_password(server: ImapServer) -> None:
    with pytest.raises(InputError, match="imap localhost"), Imap(account(server)):
        pass

    assert server.said == []


def test_starttls_comes_before_the_password_or_there_is_none(
    trust: tuple[SSLContext, SSLContext], engine: Engine
) -> None:
    with (
        ImapServer(trust[0], starttls=True, mails=dict(MAILS)) as server,
        Imap(account(server, security="starttls"), trust[1]) as box,
    ):
        engine.bounces.read([box])
    assert server.seen == {3, 5}

    with ImapServer(trust[0], starttls=True, refuses_tls=True) as stripped:
        with pytest.raises(InputError), Imap(account(stripped, security="starttls"), trust[1]):
            pass
        assert not any("sesame" in each for each in stripped.said)


def test_nobody_at_home_is_told_in_one_line() -> None:
    with pytest.raises(InputError, match="imap localhost"), Imap(Account("localhost", "a", "b", port=1)):
        pass
