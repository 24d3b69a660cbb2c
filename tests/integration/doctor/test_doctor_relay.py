"""The doctor's call to a relay, against servers on loopback: it greets, secures, logs in and leaves."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult
from certificates import contexts

from newsletter.doctor.check_relay import SmtpCaller
from newsletter.doctor.seams import Call, NoCall, RelaySetup
from newsletter.testing import ScriptedServer


class Recorder:
    """What came; a doctor sends no mail."""

    def __init__(self) -> None:
        self.came: list[str] = []

    def authenticate(self, _: Any, __: Any, ___: Any, mechanism: str, data: Any) -> AuthResult:
        self.came.append(f"AUTH {mechanism}")
        return AuthResult(success=(data.login, data.password) == (b"weekly", b"swordfish"), handled=False)

    async def handle_MAIL(self, *_: Any) -> str:  # noqa: N802
        self.came.append("MAIL")
        return "250 ok"


@asynccontextmanager
async def server(recorder: Recorder, implicit: ssl.SSLContext | None = None, **how: Any) -> AsyncIterator[int]:
    """An aiosmtpd; yields its port."""

    def protocol() -> SMTP:
        return SMTP(recorder, authenticator=recorder.authenticate, hostname="relay.test", **how)

    listening = await asyncio.get_running_loop().create_server(protocol, "127.0.0.1", 0, ssl=implicit)
    try:
        yield listening.sockets[0].getsockname()[1]
    finally:
        listening.close()


def relay(port: int, **changes: Any) -> RelaySetup:
    return RelaySetup(**{"host": "127.0.0.1", "port": port, "timeout": 5.0, "hello_name": "doctor.test", **changes})


def trusting(context: ssl.SSLContext) -> SmtpCaller:
    return SmtpCaller(lambda _: context)


async def refused(caller: SmtpCaller, relay: RelaySetup) -> tuple[str, str]:
    with pytest.raises(NoCall) as caught:
        await caller.call(relay)
    return caught.value.step, str(caught.value)


async def test_a_good_relay_is_seen_from_end_to_end(tmp_path: Path) -> None:
    ours, theirs = contexts(tmp_path)
    recorder = Recorder()
    async with server(recorder, tls_context=ours, enable_SMTPUTF8=True, data_size_limit=9000) as port:
        call = await trusting(theirs).call(relay(port, username="weekly", password="swordfish"))

    assert call.tls in ("TLSv1.2", "TLSv1.3")
    assert call.expires is not None
    assert abs(call.expires - datetime.now(UTC) - timedelta(days=30)) < timedelta(minutes=1)
    assert call.extensions["size"] == "9000"
    assert {"8bitmime", "smtputf8", "auth"} <= set(call.extensions)
    assert call.login.startswith("235 ")
    assert not call.login_in_clear
    assert recorder.came[0].startswith("AUTH ")
    assert "MAIL" not in recorder.came


async def test_implicit_tls_is_spoken_from_the_start(tmp_path: Path) -> None:
    ours, theirs = contexts(tmp_path)
    async with server(Recorder(), ours) as port:
        call = await trusting(theirs).call(relay(port, security="tls"))

    assert call.tls.startswith("TLSv1.")
    assert call.expires is not None


async def test_a_relay_on_this_machine_may_be_plain_and_hears_two_words() -> None:
    said: list[str] = []

    def script(verb: str, _: str) -> str:
        said.append(verb)
        return ""

    async with ScriptedServer(script) as plain:
        call = await SmtpCaller().call(relay(plain.port, security="none"))

    assert call == Call({"pipelining": "", "8bitmime": ""})
    assert said == ["CONNECT", "EHLO"]  # and QUIT, which is not told
    assert plain.accepted == []


@pytest.mark.parametrize(
    ("days", "host", "trusted", "why"),
    [
        (30, "localhost", False, "self-signed certificate"),
        (-3, "localhost", True, "certificate has expired"),
        (30, "mail.test", True, "certificate is not valid for '127.0.0.1'"),
    ],
)
@pytest.mark.parametrize("implicit", [False, True])
async def test_a_certificate_that_is_not_right_ends_the_call(
    tmp_path: Path, days: int, host: str, trusted: bool, why: str, implicit: bool
) -> None:
    ours, theirs = contexts(tmp_path, days, host)
    recorder = Recorder()
    caller = trusting(theirs) if trusted else SmtpCaller()
    security = "tls" if implicit else "starttls"
    async with server(recorder, ours if implicit else None, tls_context=None if implicit else ours) as port:
        step, words = await refused(caller, relay(port, security=security, username="weekly", password="swordfish"))

    assert step == "certificate"
    assert why in words
    assert recorder.came == []


async def test_without_starttls_nothing_goes_on_in_clear() -> None:
    recorder = Recorder()
    async with server(recorder, auth_require_tls=False) as port:
        step, _ = await refused(SmtpCaller(), relay(port, username="weekly", password="swordfish"))

    assert step == "starttls"
    assert recorder.came == []


async def test_a_login_offered_before_tls_is_seen(tmp_path: Path) -> None:
    ours, theirs = contexts(tmp_path)
    async with server(Recorder(), tls_context=ours, auth_require_tls=False) as port:
        call = await trusting(theirs).call(relay(port))

    assert call.login_in_clear
    assert call.login == ""


async def test_a_password_that_is_wrong_is_told_in_the_servers_words(tmp_path: Path) -> None:
    ours, theirs = contexts(tmp_path)
    async with server(Recorder(), tls_context=ours) as port:
        step, words = await refused(trusting(theirs), relay(port, username="weekly", password="haddock"))

    assert step == "login"
    assert words.startswith("535 ")


async def test_a_password_never_goes_in_clear() -> None:
    recorder = Recorder()
    async with server(recorder, auth_require_tls=False) as port:
        plain = relay(port, security="none", username="weekly", password="swordfish")
        step, words = await refused(SmtpCaller(), plain)

    assert (step, words) == ("login", "a password is never sent in clear")
    assert recorder.came == []


async def test_a_relay_without_a_login_is_told_where_one_is_configured(tmp_path: Path) -> None:
    ours, theirs = contexts(tmp_path)
    async with server(Recorder(), tls_context=ours, auth_exclude_mechanism=["LOGIN", "PLAIN"]) as port:
        step, words = await refused(trusting(theirs), relay(port, username="w", password="p"))

    assert step == "login"
    assert "for AUTH the server offers nothing" in words


@pytest.mark.parametrize(
    ("verb", "reply", "why"),
    [("CONNECT", "554 go away", "554 go away"), ("EHLO", "reset", ""), ("CONNECT", "hang", "")],
)
async def test_a_relay_that_does_not_talk_is_no_call(verb: str, reply: str, why: str) -> None:
    async with ScriptedServer(lambda asked, _: reply if asked == verb else "") as rude:
        step, words = await refused(SmtpCaller(), relay(rude.port, security="none", timeout=1.0))

    assert step == "connect"
    assert why in words
    assert words


async def test_nobody_listening_and_the_wrong_security_are_told_apart(tmp_path: Path) -> None:
    async with ScriptedServer() as plain:
        port = plain.port
        wrong, _ = await refused(SmtpCaller(), relay(port, security="tls", timeout=5.0))
    nobody, words = await refused(SmtpCaller(), relay(port))

    assert (wrong, nobody) == ("tls", "connect")
    assert "Errno" not in words


async def test_a_server_that_knows_only_helo_is_greeted_so() -> None:
    async with ScriptedServer(lambda verb, _: "502 what?" if verb == "EHLO" else "") as old:
        call = await SmtpCaller().call(relay(old.port, security="none"))

    assert call.extensions == {}
