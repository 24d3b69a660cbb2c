"""The whole examination: a newsletter in good health, and one thing after another broken."""

from __future__ import annotations

import asyncio
import time
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from verifier import DKIM, PEM
from zones import Records, Zones

from newsletter.config import Settings
from newsletter.doctor import CHECKS, Finding, Level, RelaySetup, Setup, Tools, count, examine
from newsletter.doctor.check_pages import ASTRAY
from newsletter.doctor.check_sender import FREE_MAIL
from newsletter.doctor.finding import LONGEST, one_line, txt_record
from newsletter.doctor.seams import Call, NoCall, Page, Unreached
from newsletter.errors import TokenError
from newsletter.sender.dkim import Signer, rsa_key
from newsletter.services.doctor import setup_of
from newsletter.testing import NOON

ADDRESS, ADDRESS_6 = "93.184.215.14", "2a01:4f8::25"
DATE = {"date": "Mon, 17 Mar 2025 12:00:05 GMT"}
BASE = "https://papers.quires.org"
STS = "https://mta-sts.papers.quires.org/.well-known/mta-sts.txt"
SETTINGS = {
    "newsletter": {
        "sender": "The Weekly Preprint <weekly@papers.quires.org>",
        "reply_to": "desk@quires.org",
        "base_url": BASE,
        "postal_address": "1 Example Street",
        "secret": "the secret of the newsletter",
    },
    "dkim": {**DKIM, "domain": "quires.org"},
    "smtp": {"username": "weekly", "password": "swordfish", "hello_name": "mail.quires.org"},
    "bounces": {"address": "bounces@papers.quires.org", "maildir": "Maildir"},
}


@pytest.fixture(scope="module")
def healthy(tmp_path_factory: pytest.TempPathFactory) -> Setup:
    """As the settings make it; sends from this machine."""
    home = tmp_path_factory.mktemp("home")
    setup = setup_of(Settings.model_validate({**SETTINGS, "home": home}), {}, NOON)
    return replace(setup, premises=())


def zone(setup: Setup) -> dict[str, str | tuple[str, ...]]:
    """Everything that there should be in DNS."""
    return {
        **{f"{key.place} TXT": key.record for key in setup.keys},
        "papers.quires.org TXT": f"v=spf1 ip4:{ADDRESS} ip6:{ADDRESS_6} include:_spf.quires.org -all",
        "_spf.quires.org TXT": "v=spf1 mx:quires.org ~all",
        "_dmarc.quires.org TXT": "v=DMARC1; p=quarantine; rua=mailto:dmarc@quires.org",
        "papers.quires.org MX": ("20 mx2.quires.org", "10 mx.quires.org"),
        "quires.org MX": "10 mx.quires.org",
        "mx.quires.org A": "93.184.215.15",
        "mx.quires.org AAAA": "2a01:4f8::15",
        "mx2.quires.org A": "93.184.215.16",
        "mail.quires.org A": ADDRESS,
        "mail.quires.org AAAA": ADDRESS_6,
        "14.215.184.93.in-addr.arpa PTR": "mail.quires.org",
        f"{'5.2.' + '0.' * 22}8.f.4.0.1.0.a.2.ip6.arpa PTR": "mail.quires.org",
        "_mta-sts.papers.quires.org TXT": "v=STSv1; id=1",
        "_smtp._tls.papers.quires.org TXT": "v=TLSRPTv1; rua=mailto:tls@quires.org",
    }


@dataclass
class Pages:
    """Answers as told; a path that nobody told of, as our own pages would for a link of nobody."""

    pages: Mapping[str, Page | Unreached] = field(default_factory=dict)
    asked: list[str] = field(default_factory=list)

    async def ask(self, method: str, url: str, body: bytes = b"") -> Page:
        self.asked.append(f"{method} {url} {body.decode()}".strip())
        usual = {
            f"GET {BASE}/": Page(200, DATE, expires=NOON + timedelta(days=60)),
            f"GET {STS}": Page(200, {}, "version: STSv1\nmode: enforce\nmx: *.quires.org\nmax_age: 86400\n"),
        }
        told = {**usual, **self.pages}
        found = next((page for key, page in told.items() if f"{method} {url}" == key), None)
        found = found or told.get(method, Page(404, {}, f"<p>{TokenError()}</p>"))
        if isinstance(found, Unreached):
            raise found
        return found


@dataclass
class Line:
    """A relay that shows this."""

    shown: Call | NoCall

    async def call(self, _: RelaySetup) -> Call:
        if isinstance(self.shown, NoCall):
            raise self.shown
        return self.shown


WELL = Line(Call({"size": "1000", "pipelining": "", "auth": "PLAIN"}, login="235 welcome"))


def tools(records: Records, **changes: Any) -> Tools:
    plain = Tools(Zones(records), WELL, Pages(), lambda: (ADDRESS, ADDRESS_6, "10.0.0.5"), lambda: NOON)
    return replace(plain, **changes)


async def seen(setup: Setup, records: Records, **changes: Any) -> tuple[Finding, ...]:
    return await examine(setup, tools(records, **changes))


def named(findings: tuple[Finding, ...], name: str) -> Finding:
    found = [finding for finding in findings if finding.name == name]
    assert len(found) == 1, (name, [finding.name for finding in findings])
    return found[0]


async def test_a_newsletter_in_good_health_has_nothing_to_do(healthy: Setup) -> None:
    found = await seen(healthy, zone(healthy))

    assert [finding for finding in found if finding.level != Level.OK] == []
    assert {finding.group for finding in found} == {"Sender", "DNS", "Relay", "Pages"}
    assert len(found) > 25
    assert named(found, "SPF look-ups of papers.quires.org").found.startswith("2 (at most 10), 0 of them empty")
    assert named(found, "DKIM key s2025").found == "RSA, 2048 bits, the same in DNS (s2025._domainkey.quires.org)"
    assert named(found, f"SPF and {ADDRESS_6}").found == "pass"


TEXT, MX, PTR = "papers.quires.org TXT", "papers.quires.org MX", "14.215.184.93.in-addr.arpa PTR"
SPF, COST = "SPF of papers.quires.org", "SPF look-ups of papers.quires.org"
DMARC, MAIL = "DMARC of papers.quires.org", "mail to papers.quires.org"
BROKEN = [
    ({TEXT: ()}, SPF, "error", "none", f"ip4:{ADDRESS} ip6:{ADDRESS_6} ~all"),
    ({TEXT: '"v=spf1 -all"'}, SPF, "error", "not read as one", "ip4:"),
    ({TEXT: ("v=spf1 -all", "v=spf1 a -all")}, SPF, "error", "2 records", ""),
    ({TEXT: "v=spf1 ipv4:1.2.3.4 -all"}, SPF, "error", "no mechanism", ""),
    (
        {TEXT: "v=spf1 include:x.org ~all"},
        SPF,
        "error",
        "has no SPF record",
        "",
    ),
    ({TEXT: "v=spf1 +all"}, SPF, "error", "everybody", ""),
    ({TEXT: f"v=spf1 ip4:{ADDRESS}"}, SPF, "warning", "says nothing", ""),
    ({TEXT: "v=spf1 ptr ~all"}, SPF, "warning", "ptr", ""),
    (
        {TEXT: "v=spf1 mx -all"},
        f"SPF and {ADDRESS}",
        "error",
        "fail: this machine may not send",
        f'papers.quires.org. TXT "v=spf1 ip4:{ADDRESS} mx -all"',
    ),
    ({TEXT: "v=spf1 exists:%{i}.x.org -all"}, f"SPF and {ADDRESS}", "skipped", "depends", ""),
    (
        {TEXT: "v=spf1 " + " ".join(f"a:mx{n % 2 * 2 or ''}.quires.org" for n in range(11)) + " -all"},
        COST,
        "error",
        "11 (at most 10)",
        "",
    ),
    (
        {TEXT: "v=spf1 a:x.org a:y.org a:z.org -all"},
        COST,
        "error",
        "3 of them empty",
        "",
    ),
    (
        {TEXT: "v=spf1 a:mx2.quires.org a:mx2.quires.org a:mx2.quires.org -all"},
        COST,
        "error",
        "over IPv6",
        "",
    ),
    ({"s2025._domainkey.quires.org TXT": ()}, "DKIM key s2025", "error", "nothing at", "v=DKIM1; k=rsa; p="),
    ({"s2025._domainkey.quires.org TXT": "v=DKIM1; p="}, "DKIM key s2025", "error", "revoked", "k=rsa"),
    ({"s2025._domainkey.quires.org TXT": ("a", "b")}, "DKIM key s2025", "error", "2 records", "k=rsa"),
    ({"s2025._domainkey.quires.org TXT": ()}, "DKIM signature s2025", "skipped", "without its key", ""),
    (
        {"_dmarc.quires.org TXT": ()},
        DMARC,
        "error",
        "none",
        "p=none; rua=mailto:weekly@",
    ),
    ({"_dmarc.quires.org TXT": ("v=DMARC1", "v=DMARC1")}, DMARC, "error", "several", ""),
    ({"_dmarc.quires.org TXT": "v=DMARC1; p=nine"}, DMARC, "warning", "p=nine", ""),
    (
        {"_dmarc.quires.org TXT": "v=DMARC1; p=reject"},
        "DMARC reports of quires.org",
        "warning",
        "none",
        '"v=DMARC1; p=reject; rua=mailto:weekly@papers.quires.org"',
    ),
    (
        {"_dmarc.quires.org TXT": "v=DMARC1; p=reject; rua=mailto:x@reports.net"},
        "DMARC reports of quires.org",
        "warning",
        "x@reports.net",
        'quires.org._report._dmarc.reports.net. TXT "v=DMARC1"',
    ),
    ({"_dmarc.quires.org TXT": "v=DMARC1; p=none; adkim=s"}, "alignment of DKIM", "warning", "strict", ""),
    ({MX: "0 ."}, MAIL, "error", "null MX", ""),
    ({MX: ()}, MAIL, "error", "neither MX nor address", ""),
    ({MX: (), "papers.quires.org A": ADDRESS}, MAIL, "warning", "no MX", ""),
    (
        {"quires.org MX": "10 gone.quires.org"},
        "mail to quires.org",
        "error",
        "no address for its MX gone",
        "",
    ),
    ({"mx2.quires.org A": ()}, MAIL, "warning", "mx2.quires.org", ""),
    ({PTR: ()}, f"reverse DNS of {ADDRESS}", "error", "none", ""),
    (
        {PTR: "mx.quires.org"},
        f"reverse DNS of {ADDRESS}",
        "error",
        "does not lead back",
        "",
    ),
    ({"mail.quires.org A": (), "mail.quires.org AAAA": ()}, "hello_name", "warning", "no address", ""),
    (
        {"_smtp._tls.papers.quires.org TXT": "v=TLSRPTv1"},
        "TLS-RPT of papers.quires.org",
        "warning",
        "",
        "v=TLSRPTv1; rua=",
    ),
    ({TEXT: "FAIL"}, "SPF", "warning", "could not be looked at", ""),
    ({"_dmarc.quires.org TXT": "FAIL"}, "DMARC", "warning", "could not be looked at", ""),
]


@pytest.mark.parametrize(("records", "name", "level", "found", "record"), BROKEN)
async def test_what_is_wrong_in_dns_is_found_and_told(
    healthy: Setup, records: Records, name: str, level: str, found: str, record: str
) -> None:
    finding = named(await seen(healthy, {**zone(healthy), **records}), name)

    assert finding.level == level, finding
    assert found in finding.found
    assert record in finding.record
    assert finding.todo or level == "skipped"


@pytest.mark.parametrize("domain", ["gmail.com", "yahoo.com.br", "live.co.uk", "gmx.net", "gmx.at", "hotmail.fr"])
def test_providers_of_mailboxes_are_known(domain: str) -> None:
    assert FREE_MAIL.fullmatch(domain)


@pytest.mark.parametrize("domain", ["live.quires.org", "outlook.quires.org", "notgmail.com", "mail.com.org"])
def test_nobody_else_is_taken_for_one(domain: str) -> None:
    assert not FREE_MAIL.fullmatch(domain)


async def test_a_key_of_another_is_not_ours(healthy: Setup) -> None:
    first, second = healthy.keys
    records = {**zone(healthy), f"{first.place} TXT": second.record}

    found = await seen(healthy, records)

    assert "not the one that we sign with" in named(found, "DKIM key s2025").found
    assert first.record[:200] in named(found, "DKIM key s2025").record
    assert named(found, "DKIM signature s2025").level == Level.ERROR


async def test_a_key_in_testing_is_told(healthy: Setup) -> None:
    key = healthy.keys[0]

    found = await seen(healthy, {**zone(healthy), f"{key.place} TXT": key.record.replace("p=", "t=y:s; p=")})

    assert named(found, "DKIM key s2025").level == Level.WARNING


SENDERS: list[tuple[dict[str, Any], str, str, str]] = [
    ({"sender": "W <w@gmail.com>"}, "From", "error", "lets nobody else"),
    ({"sender": "W <w@yahoo.co.uk>"}, "From", "error", "lets nobody else"),
    ({"sender": "newsletter@localhost"}, "From", "error", "only this network"),
    ({"sender": "W <w@papers.example.org>"}, "From", "error", "name of the examples"),
    ({"sender": "weekly@papers.quires.org"}, "name of the From", "warning", "none"),
    ({"sender": '"a@bank.com" <weekly@papers.quires.org>'}, "name of the From", "warning", "a@bank.com"),
    ({"sender": "W <no-reply@papers.quires.org>", "reply_to": ""}, "From takes replies", "warning", "no-reply@"),
    ({"postal_address": " "}, "postal address", "warning", "none"),
    ({"list_id": ""}, "List-Id", "warning", "none"),
    ({"list_id": "weekly.localhost"}, "List-Id", "warning", "only this network"),
    ({"list_id": "weekly.other.net"}, "List-Id", "warning", "not in the sender's domain"),
    ({"bounces": "bounces@gmx.de"}, "address for bounces", "error", "does not name you"),
    ({"bounces": "desk@quires.org"}, "address for bounces", "warning", "takes replies too"),
    ({"bounces": ""}, "address for bounces", "warning", "none"),
    ({"leave_to": ""}, "unsubscribe by mail", "warning", "no mailbox is read"),
    ({"base_url": "http://papers.quires.org"}, "base_url", "error", "http:"),
    ({"base_url": "https://127.0.0.1:8000"}, "base_url", "error", "private network"),
    ({"base_url": "https://papers.example.org"}, "base_url", "error", "examples"),
    ({"keys": ()}, "DKIM", "warning", "nothing is signed"),
    ({"sample": b""}, "a mail", "skipped", "none could be made"),
]


@pytest.mark.parametrize(("changes", "name", "level", "found"), SENDERS)
async def test_what_is_wrong_in_the_settings_is_found_and_told(
    healthy: Setup, changes: dict[str, Any], name: str, level: str, found: str
) -> None:
    finding = named(await seen(replace(healthy, **changes), zone(healthy)), name)

    assert finding.level == level, finding
    assert found in finding.found
    assert finding.todo or level == "skipped"


async def test_a_signature_that_leaves_one_click_out_is_told(healthy: Setup) -> None:
    head = b"From: W <w@papers.quires.org>\r\nDate: Mon, 17 Mar 2025 12:00:00 +0000\r\n\r\n"
    bare = Signer("quires.org", [rsa_key(PEM, "s2025")]).headers(head) + head

    finding = named(await seen(replace(healthy, sample=bare), zone(healthy)), "DKIM signature s2025")

    assert finding.level == Level.ERROR
    assert "list-unsubscribe, list-unsubscribe-post" in finding.found


@pytest.mark.parametrize(
    ("old", "new", "found"),
    [
        (b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n", b"", "List-Unsubscribe-Post"),
        (b"List-Unsubscribe: <https:", b"List-Unsubscribe: <http:", "exactly one https link"),
        (b"Subject: ", b"Subject: a\r\nSubject: ", "Subject: stands there 2 times"),
        (b"Date: ", b"Day: ", "Date: stands there 0 times"),
        (b"/unsubscribe/", b"/u/", "not in the text"),
    ],
)
async def test_a_mail_that_providers_would_refuse_is_told(healthy: Setup, old: bytes, new: bytes, found: str) -> None:
    head, _, body = healthy.sample.partition(b"\r\n\r\n")
    where = body if old in body else head
    changed = healthy.sample.replace(where, where.replace(old, new))

    told = [
        finding.found
        for finding in await seen(replace(healthy, sample=changed), zone(healthy))
        if finding.name == "a mail"
    ]

    assert any(found in text for text in told), told


LINES: list[tuple[Call | NoCall, dict[str, Any], str, str, str]] = [
    (NoCall("refused", "connect"), {}, "connection to mail.net:587", "error", "refused"),
    (NoCall("x", "starttls"), {}, "TLS to mail.net:587", "error", "STARTTLS is not offered"),
    (NoCall("certificate has expired", "certificate"), {}, "certificate of mail.net:587", "error", "expired"),
    (NoCall("535 no", "login"), {}, "login to mail.net:587", "error", "535 no"),
    (Call({}), {"security": "none"}, "TLS to mail.net:587", "error", "in clear"),
    (Call({}, tls="TLSv1.1"), {}, "TLS to mail.net:587", "error", "TLSv1.1"),
    (Call({}, tls="TLSv1.3"), {}, "TLS to mail.net:587", "ok", "TLSv1.3"),
    (Call({"auth": "PLAIN"}, tls="TLSv1.3"), {}, "login to mail.net:587", "warning", "none is configured"),
    (Call({}, tls="TLSv1.3", login_in_clear=True), {}, "AUTH at mail.net:587", "warning", "before TLS"),
    (Call({}, tls="TLSv1.3", expires=NOON + timedelta(9)), {}, "certificate of mail.net:587", "warning", "9 days"),
]


@pytest.mark.parametrize(("call", "changes", "name", "level", "found"), LINES)
async def test_what_a_relay_shows_is_judged(
    healthy: Setup, call: Call | NoCall, changes: dict[str, Any], name: str, level: str, found: str
) -> None:
    relay = replace(RelaySetup("mail.net", 587), **changes)

    finding = named(await seen(replace(healthy, relays=(relay,)), zone(healthy), caller=Line(call)), name)

    assert finding.level == level
    assert found in finding.found
    assert finding.todo or level == "ok"


@pytest.mark.parametrize(
    ("host", "text", "level", "record"),
    [
        ("smtp.sendgrid.net", "v=spf1 include:sendgrid.net ~all", "ok", ""),
        ("email-smtp.eu-west-1.amazonaws.com", "v=spf1 mx ~all", "warning", '"v=spf1 include:amazonses.com mx ~all"'),
        ("mail.net", "v=spf1 a:mail.net ~all", "ok", ""),
        ("mail.net", "v=spf1 ip4:192.0.2.1 ~all", "warning", ""),
        ("mail.net", "v=spf1 include:sendgrid.net ~all", "ok", ""),
    ],
)
async def test_of_a_providers_relay_the_include_is_wanted(
    healthy: Setup, host: str, text: str, level: str, record: str
) -> None:
    more = {"sendgrid.net TXT": "v=spf1 ip4:1.2.3.4 ~all", "mail.net A": "93.184.215.99", "papers.quires.org TXT": text}

    found = await seen(replace(healthy, relays=(RelaySetup(host, 587),)), {**zone(healthy), **more})

    assert named(found, f"SPF and {host}").level == level
    assert record in named(found, f"SPF and {host}").record
    assert named(found, "reverse DNS").level == Level.SKIPPED


async def test_of_a_broken_record_nothing_more_is_said(healthy: Setup) -> None:
    found = await seen(healthy, {**zone(healthy), TEXT: "v=spf1 include:gone.org -all"})

    assert not [finding for finding in found if finding.name.startswith("SPF and")]


async def test_behind_nat_the_hello_name_says_where_we_are(healthy: Setup) -> None:
    found = await seen(healthy, zone(healthy), own_addresses=lambda: ("10.0.0.5",))
    nameless = replace(healthy, relays=(replace(healthy.relays[0], hello_name=""),))
    unknown = await seen(nameless, zone(healthy), own_addresses=lambda: ("10.0.0.5",))

    assert named(found, f"SPF and {ADDRESS}").found == "pass"
    assert named(unknown, "SPF and our addresses").level == Level.SKIPPED
    assert named(unknown, "reverse DNS").level == Level.SKIPPED


async def test_a_relay_by_a_name_of_this_machine_is_this_machine(healthy: Setup) -> None:
    relays = tuple(RelaySetup(host, 25) for host in ("mail.quires.org", "127.0.0.2", ADDRESS))

    found = await seen(replace(healthy, relays=relays), zone(healthy))

    assert [finding.found for finding in found if finding.name == f"SPF and {ADDRESS}"] == ["pass"] * 3


PAGES: list[tuple[dict[str, Page | Unreached], str, str, str]] = [
    ({f"GET {BASE}/": Unreached("refused")}, "pages", "error", "cannot be reached: refused"),
    ({f"GET {BASE}/": Unreached("has expired", certificate=True)}, "certificate", "error", "has expired"),
    ({f"GET {BASE}/": Page(301, {"location": "https://www.quires.org/"})}, "pages", "error", "www.quires.org"),
    ({f"GET {BASE}/": Page(502, {})}, "pages", "error", "502"),
    ({f"GET {BASE}/": Page(200, {}, expires=NOON + timedelta(days=3))}, "certificate", "warning", "3 days"),
    ({f"GET {BASE}/": Page(200, {"date": "Mon, 17 Mar 2025 13:00:00 GMT"})}, "clock", "warning", "3600 s"),
    ({"GET": Page(404, {}, "nginx")}, "unsubscribe link", "error", "not with our page"),
    ({"GET": Page(500, {})}, "unsubscribe link", "error", "500"),
    ({"GET": Unreached("reset")}, "unsubscribe link", "error", "reset"),
    ({"POST": Page(405, {}, "no")}, "one-click unsubscribe", "error", "405"),
    ({"POST": Page(302, {"location": "/login"})}, "one-click unsubscribe", "error", "redirects to /login"),
    ({"POST": Page(403, {}, "are you a robot?")}, "one-click unsubscribe", "error", "403"),
    ({f"GET {STS}": Page(404, {})}, "MTA-STS of papers.quires.org", "warning", "404"),
    ({f"GET {STS}": Unreached("expired")}, "MTA-STS of papers.quires.org", "warning", "expired"),
    ({f"GET {STS}": Page(200, {}, "version: STSv1")}, "MTA-STS of papers.quires.org", "warning", "mode"),
    (
        {f"GET {STS}": Page(200, {}, "version: STSv1\r\nmode: enforce\r\nmx: mx.quires.org\r\nmax_age: 9")},
        "MTA-STS of papers.quires.org",
        "error",
        "does not name mx2.quires.org",
    ),
]


@pytest.mark.parametrize(("pages", "name", "level", "found"), PAGES)
async def test_what_is_wrong_with_the_pages_is_found_and_told(
    healthy: Setup, pages: dict[str, Page | Unreached], name: str, level: str, found: str
) -> None:
    finding = named(await seen(healthy, zone(healthy), web=Pages(pages)), name)

    assert finding.level == level
    assert found in finding.found
    assert finding.todo


async def test_the_link_of_nobody_is_asked_for_as_mail_clients_do(healthy: Setup) -> None:
    web = Pages()

    await seen(healthy, zone(healthy), web=web)

    assert healthy.unsubscribe.startswith(f"{BASE}/unsubscribe/")
    assert f"POST {healthy.unsubscribe} List-Unsubscribe=One-Click" in web.asked
    assert {request.split()[0] for request in web.asked} == {"GET", "POST"}


async def test_clocks_a_little_apart_are_no_matter(healthy: Setup) -> None:
    found = await seen(healthy, zone(healthy), now=lambda: NOON + ASTRAY - timedelta(seconds=10))

    assert named(found, "clock").level == Level.OK


@pytest.mark.parametrize("date", ["", "soon", "Mon, 01 Jan 99999999999999999999 00:00:00 GMT"])
async def test_a_date_that_is_none_is_passed_over(healthy: Setup, date: str) -> None:
    found = await seen(healthy, zone(healthy), web=Pages({f"GET {BASE}/": Page(200, {"date": date})}))

    assert named(found, "pages").level == Level.OK
    assert "clock" not in [finding.name for finding in found]


async def test_offline_nothing_is_asked(healthy: Setup) -> None:
    web, resolver = Pages(), Zones({})
    done: list[int] = []

    found = await examine(healthy, tools({}, web=web, resolver=resolver), offline=True, on_done=lambda: done.append(1))

    assert (web.asked, resolver.asked) == ([], [])
    assert len(done) == count(offline=True) < count()
    assert {finding.group for finding in found} == {"Sender", "Pages"}


@pytest.mark.parametrize(("secure", "words"), [(True, "covered by DNSSEC"), (False, "does not say")])
async def test_dane_is_told_with_what_dnssec_says(healthy: Setup, secure: bool, words: str) -> None:
    records = {**zone(healthy), "_25._tcp.mx.quires.org TLSA": "3 1 1 abab"}

    found = await seen(healthy, {}, resolver=Zones(records, secure))

    assert named(found, "DANE of papers.quires.org").level == Level.OK
    assert words in named(found, "DANE of papers.quires.org").found


async def test_two_empty_look_ups_are_allowed(healthy: Setup) -> None:
    text = f"v=spf1 ip4:{ADDRESS} ip6:{ADDRESS_6} a:mx2.quires.org a:mx2.quires.org -all"

    found = await seen(healthy, {**zone(healthy), TEXT: text})

    assert named(found, COST).level == Level.OK


async def test_of_a_relay_here_no_login_is_asked_for(healthy: Setup) -> None:
    call = Line(Call({"auth": "PLAIN"}, login_in_clear=True))

    found = await seen(replace(healthy, relays=(RelaySetup("localhost", 25, "none"),)), zone(healthy), caller=call)

    assert [finding.level for finding in found if finding.group == "Relay"] == [Level.OK] * 3


async def test_of_a_relay_elsewhere_that_offers_no_login_none_is_asked_for(healthy: Setup) -> None:
    call = Line(Call({}, tls="TLSv1.3"))

    found = await seen(replace(healthy, relays=(RelaySetup("mail.net", 587),)), zone(healthy), caller=call)

    assert named(found, "login to mail.net:587").level == Level.OK


async def test_a_question_is_asked_once(healthy: Setup) -> None:
    resolver = Zones(zone(healthy))

    await seen(healthy, {}, resolver=resolver)

    assert len(resolver.asked) == len(set(resolver.asked))


@pytest.mark.parametrize(("to", "level"), [("a@quires.org", "ok"), ("b@null.org", "error"), ("c@gone.org", "error")])
async def test_an_address_can_be_asked_about(healthy: Setup, to: str, level: str) -> None:
    records = {**zone(healthy), "null.org MX": "0 ."}

    found = await examine(replace(healthy, reply_to="", bounces=""), tools(records), to=to)

    assert named(found, f"mail to {to.partition('@')[2]}").level == level
    assert f"({to})" in named(found, f"mail to {to.partition('@')[2]}").found


@dataclass
class Slow:
    """A DNS without end."""

    cancelled: int = 0

    async def ask(self, *_: str) -> Any:
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise


async def test_what_is_not_done_in_time_is_skipped_and_given_up(healthy: Setup) -> None:
    slow, began = Slow(), time.monotonic()

    found = await examine(healthy, tools({}, resolver=slow), within=0.2)

    assert time.monotonic() - began < 60
    late = {
        finding.name
        for finding in found
        if finding.level == Level.SKIPPED and "was not done within 0.2 s" in finding.found
    }
    assert {"SPF", "DKIM", "DMARC", "MX"} <= late
    assert named(found, "From").level == Level.OK
    assert slow.cancelled > 0


async def test_no_secret_is_shown_though_a_server_says_it_back(healthy: Setup) -> None:
    said = "535 no such user weekly:swordfish, c3dvcmRmaXNo, AHdlZWtseQBzd29yZGZpc2g=, the secret of the newsletter"

    found = await seen(healthy, zone(healthy), caller=Line(NoCall(said, "login")))

    told = named(found, "login to localhost:25").found
    assert told == "535 no such user weekly:…, …, …, …"
    assert "swordfish" not in repr(healthy)


HOSTILE = st.text(
    st.sampled_from("ab=;:.%{}<\\\"'\x00\x07\x1b\x7f\x9b\r\n\t\u202e\u2028\ufeff \N{PILE OF POO}"), max_size=900
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=30)
@given(HOSTILE)
async def test_words_of_others_come_in_one_line_without_an_escape(healthy: Setup, text: str) -> None:
    records = {
        **zone(healthy),
        "papers.quires.org TXT": f"v=spf1 {text}",
        "s2025._domainkey.quires.org TXT": f"v=DKIM1; p={text}",
        "_dmarc.quires.org TXT": f"v=DMARC1; p={text}; rua=mailto:{text}",
        "_smtp._tls.papers.quires.org TXT": f"v=TLSRPTv1; rua=mailto:{text}",
        "14.215.184.93.in-addr.arpa PTR": text or "x",
    }
    pages = Pages({f"GET {BASE}/": Page(302, {"location": text, "date": text}), f"GET {STS}": Page(200, {}, text)})

    found = await seen(healthy, records, web=pages, caller=Line(NoCall(text, "connect")))

    for finding in found:
        for part in (finding.name, finding.found, finding.todo, finding.record):
            assert not any(unicodedata.category(character)[0] == "C" for character in part)
            assert "\u2028" not in part
        assert len(finding.found) <= LONGEST


def test_a_long_record_comes_in_strings_that_dns_can_hold() -> None:
    line = txt_record("a.org", "x" * 300 + '"\\')

    assert line == f'a.org. TXT "{"x" * 255}" "{"x" * 45}\\"\\\\"'


def test_a_line_is_cut_at_its_end() -> None:
    assert one_line("a" * 900, 10) == "a" * 9 + "…"


def test_every_check_has_a_name_of_its_own() -> None:
    assert len({(check.group, check.name) for check in CHECKS}) == len(CHECKS)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """One that others may enter; pytest's own are closed."""
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.mark.parametrize(("mode", "level"), [(0o600, "ok"), (0o640, "ok"), (0o644, "error"), (0o602, "error")])
async def test_secrets_are_closed_to_others(healthy: Setup, open_folder: Path, mode: int, level: str) -> None:
    file = open_folder / "dkim.pem"
    file.touch()
    file.chmod(mode)

    found = await examine(replace(healthy, secret_files=(("[dkim] key_file", file),)), tools({}), offline=True)

    finding = named(found, "secrets" if level == "ok" else "[dkim] key_file")
    assert (finding.group, finding.level) == ("This machine", level)


@pytest.mark.parametrize(("folder", "told"), [(0o755, True), (0o700, False)])
async def test_a_folder_that_is_closed_closes_its_files(
    healthy: Setup, open_folder: Path, folder: int, told: bool
) -> None:
    file = open_folder / "newsletter.db"
    file.touch()
    file.chmod(0o644)
    open_folder.chmod(folder)

    found = await examine(replace(healthy, database_file=file), tools({}), offline=True)

    assert [finding.level for finding in found if finding.name == "database file"] == [Level.WARNING] * told


async def test_a_clock_of_the_last_century_is_told(healthy: Setup) -> None:
    found = await examine(healthy, tools({}, now=lambda: NOON.replace(year=1970)), offline=True)

    assert named(found, "clock").level == Level.ERROR
