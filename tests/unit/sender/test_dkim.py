"""Signatures, judged by dkimpy; the configuration of keys."""

from __future__ import annotations

import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as elliptic
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from verifier import DKIM, ED25519_PEM, PEM, records, signed_names, verdicts

from newsletter.config import Settings, load
from newsletter.errors import ConfigError, InputError
from newsletter.renderer import Confirmation, load_templates, make_renderer
from newsletter.renderer.mime import Envelope, list_headers
from newsletter.renderer.sanitize import tidy_masthead
from newsletter.sender.dkim import Signer, ed25519_key, relaxed, rsa_key, simple
from newsletter.services.wiring import signing
from newsletter.testing import NOON, WEEK_12, make_entry, make_subscriber
from newsletter.types import Edition, Links, Mail, Masthead, Pick

ROOT = Path(__file__).parents[3]
WEEKLY = load_templates(ROOT / "templates" / "weekly")
SENDER = "The Weekly Preprint <weekly@papers.example.org>"
MASTHEAD = Masthead("The Weekly Preprint", SENDER, reply_to="desk@example.org", list_id="weekly.papers.example.org")
LINK = "https://papers.example.org/s/" + "x" * 300
LINKS = Links(LINK + "/v", LINK + "/i", LINK + "/u", "mailto:u@papers.example.org?subject=" + "y" * 90, LINK + "/f")
SIGNER = Signer("papers.example.org", [rsa_key(PEM, "s2025"), ed25519_key(ED25519_PEM, "e2025")])
HOSTILE = (
    "Ada",
    "李思远" * 30,
    "Ada 🧑‍🔬🎉",
    'Ada "the Countess" \\ (A) <b>',
    "a;  b=c; bh=x;\tDKIM-Signature: v=1",
    "=?utf-8?q?x?=",
    "x\r\nFrom: eve@example.org",
    " ".join(["word"] * 60),
    "x" * 300,
    ".",
)


def rendered(name: str = "Ada", title: str = "On kettles") -> Mail:
    entries = [
        make_entry(f"paper-{number}", title=f"{title} {number}", abstract=f"{title}.\n\n ") for number in range(3)
    ]
    picks = tuple(Pick(entry, 1.0, title, (title,)) for entry in entries)
    edition = Edition(WEEK_12, make_subscriber(name, email="ada@example.org"), picks)
    return (
        make_renderer(WEEKLY, MASTHEAD)
        .open(WEEK_12, entries)
        .render(edition, LINKS, "<2025-W12.1@papers.example.org>", NOON)
    )


def sealed(
    name: str = "Ada", subject: str = "Papers", body: bytes = b"<p>html</p>", masthead: Masthead = MASTHEAD
) -> Mail:
    envelope = Envelope(tidy_masthead(masthead))
    headers = envelope.issue_headers(WEEK_12) + list_headers(LINKS)
    reader = make_subscriber(name, email="ada@example.org")
    return envelope.seal(reader, subject, "<1@papers.example.org>", NOON, ([b"text\r\n"], [body]), headers)


def signed(mail: Mail | None = None) -> bytes:
    return SIGNER.sign(mail or sealed()).body


def pem(key: object, encryption: KeySerializationEncryption | None = None) -> str:
    made: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())  # type: ignore[attr-defined]
    return made.decode()


@pytest.mark.parametrize("words", HOSTILE)
def test_whole_mails_with_hostile_names_and_titles_verify(words: str) -> None:
    assert verdicts(signed(rendered(words, words))) == [True, True]


def test_a_signed_mail_is_as_ready_for_the_wire_as_before() -> None:
    mail = rendered()

    assert mail.sealed
    assert SIGNER.sign(mail) == replace(mail, body=signed(mail))


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=90), st.text(max_size=300))
def test_any_name_and_subject_verify(name: str, subject: str) -> None:
    body = signed(sealed(name, subject, masthead=replace(MASTHEAD, name=name)))

    assert verdicts(body) == [True, True]


def test_a_confirmation_verifies() -> None:
    confirm = Confirmation(WEEKLY | load_templates(ROOT / "templates" / "confirm"), MASTHEAD)

    mail = confirm.render(make_subscriber(), LINK, "<c@papers.example.org>", NOON)

    assert verdicts(signed(mail)) == [True, True]


def test_all_that_matters_is_signed_and_from_is_named_twice() -> None:
    names = signed_names(signed())

    assert names[0] == names[-1] == "From"
    assert {*names} == {
        *("From", "To", "Subject", "Date", "Message-ID", "Reply-To", "List-Id", "List-Unsubscribe"),
        *("List-Unsubscribe-Post", "List-Help", "Feedback-ID", "Auto-Submitted", "Content-Language"),
        *("MIME-Version", "Content-Type"),
    }


@pytest.mark.parametrize("name", [*dict.fromkeys(signed_names(SIGNER.sign(sealed()).body))])
def test_a_changed_header_fails(name: str) -> None:
    body = signed()

    changed = re.sub(rf"(?m)^({name}: )".encode(), rb"\1x", body)

    assert changed != body
    assert verdicts(changed) == [False, False]


@pytest.mark.parametrize("change", [(b"<p>html", b"<p>htmL"), (b"text\r\n", b"text \r\n"), (b"--\r\n", b"--\r\n.\r\n")])
def test_a_changed_body_fails(change: tuple[bytes, bytes]) -> None:
    head, _, body = signed().partition(b"\r\n\r\n")

    assert change[0] in body
    assert verdicts(head + b"\r\n\r\n" + body.replace(*change)) == [False, False]


def test_nobody_may_add_another_from() -> None:
    assert verdicts(b"From: eve@example.org\r\n" + signed()) == [False, False]


def test_what_relays_may_change_is_not_minded() -> None:
    body = signed().replace(b"Subject: ", b"SUBJECT:\t ").replace(b"Precedence: bulk\r\n", b"")

    assert verdicts(b"Received: from here\r\n by there\r\n" + body + b"\r\n\r\n") == [True, True]


@pytest.mark.parametrize("body", [b"", b"\r\n\r\n", b"one", b"one\r\n", b"one\r\n\r\n\r\n", b" \r\n"])
def test_any_end_of_a_body_verifies(body: bytes) -> None:
    mail = b"From: a@papers.example.org\r\nDate: Mon, 17 Mar 2025 12:00:00 +0000\r\n\r\n" + body

    assert verdicts(SIGNER.headers(mail) + mail) == [True, True]


def test_canonical_forms_are_those_of_the_rfc() -> None:
    fields = relaxed(b"A: X\r\nB : Y\t\r\n\tZ  \r\nb:\r\n \r\n\t q")

    assert fields == {b"a": [b"X"], b"b": [b"Y Z", b"q"]}
    assert simple(b" C \r\nD \t E\r\n\r\n\r\n", 0) == b" C \r\nD \t E\r\n"
    assert simple(b"", 0) == b"\r\n"


def test_the_same_mail_has_the_same_signature_and_its_date_is_the_mails_own() -> None:
    again = Signer("papers.example.org", [rsa_key(PEM, "s2025"), ed25519_key(ED25519_PEM, "e2025")])

    assert again.headers(sealed().body) == SIGNER.headers(sealed().body)
    assert signed().count(b" t=%d;" % NOON.timestamp()) == 2


def test_no_line_is_longer_than_78_columns() -> None:
    header = SIGNER.headers(sealed().body)

    assert max(map(len, header.split(b"\r\n"))) <= 78
    assert all(line.strip() == line.lstrip() for line in header.decode().split("\r\n"))


def test_a_domain_that_fits_no_line_still_verifies() -> None:
    domain = ".".join(["d" * 59] * 2)
    dns = {f"s2025._domainkey.{domain}.".encode(): records()[b"s2025._domainkey.papers.example.org."]}
    mail = b"From: a@b.org\r\nDate: Mon, 17 Mar 2025 12:00:00 -0000\r\n\r\nx\r\n"

    assert verdicts(Signer(domain, [rsa_key(PEM, "s2025")]).headers(mail) + mail, dns) == [True]


@pytest.mark.parametrize(
    "mail",
    [
        b"From: a@b.org\nDate: Mon, 17 Mar 2025 12:00:00 +0000\r\n\r\nab\r\n",
        b"From: a@b.org\rDate: Mon, 17 Mar 2025 12:00:00 +0000\r\n\r\nab\r\n",
        b"From: a@b.org\r\nDate: Mon, 17 Mar 2025 12:00:00 +0000\r\n\r\n\xc3\xbc\r\n",
        b"From: a@b.org\r\n\r\nno date\r\n",
        b"From: a@b.org\r\nDate: soon\r\n\r\n",
        b"From: a@b.org\r\nFrom: a@b.org\r\nDate: Mon, 17 Mar 2025 12:00:00 +0000\r\n\r\n",
    ],
)
def test_what_a_relay_would_have_to_change_is_not_signed(mail: bytes) -> None:
    with pytest.raises(InputError, match="signed"):
        SIGNER.headers(mail)


# configuration


def configured(**dkim: str) -> Settings:
    return Settings.model_validate({"newsletter": {"sender": SENDER}, "dkim": {**DKIM, **dkim}})


def test_without_the_section_nothing_is_signed() -> None:
    mail = sealed()

    assert signing(Settings())(mail) is mail


def test_one_key_makes_one_signature() -> None:
    sign = signing(configured(ed25519_selector="", ed25519_key=""))

    assert verdicts(sign(sealed()).body) == [True]


@pytest.mark.parametrize("domain", ["papers.example.org", "example.org", "Papers.Example.Org"])
def test_the_domain_is_the_senders_or_one_above_it(domain: str) -> None:
    assert configured(domain=domain).dkim.domain == domain


def refusal(folder: Path, text: str, environ: dict[str, str] | None = None) -> str:
    path = folder / "newsletter.toml"
    path.write_text(f'[newsletter]\nsender = "{SENDER}"\n[dkim]\n{text}', "utf-8")
    with pytest.raises(ConfigError) as caught:
        signing(load(path, environ or {}))
    told = str(caught.value)
    assert "\n" not in told
    assert "MII" not in told
    return told


WHOLE = 'domain = "papers.example.org"\nselector = "s"\nkey_file = "dkim.pem"\n'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('domain = "papers.example.org"', "selector and key_file must be given too"),
        ('selector = "s"', "domain and key_file must be given too"),
        (WHOLE + 'ed25519_selector = "e"', "ed25519_key_file must be given too"),
        (WHOLE + 'ed25519_selector = "S"\ned25519_key_file = "dkim.pem"', "the two keys need two selectors"),
        (
            WHOLE.replace("papers", "letters"),
            "domain = 'letters.example.org': must be the sender's, 'papers.example.org'",
        ),
        (WHOLE.replace("papers", "pers"), "or one above it"),
        (WHOLE.replace("papers.example.", ""), "a domain such as"),
        (WHOLE.replace("papers", "pa pers"), "[dkim] domain = 'pa pers.example.org': letters, digits"),
        (WHOLE.replace('"s"', '"s;"'), "[dkim] selector = 's;': letters, digits"),
        (WHOLE.replace("dkim.pem", "gone.pem"), "gone.pem': cannot be read (No such file or directory)"),
        (WHOLE.replace('"dkim.pem"', f"'''{PEM}'''"), "[dkim] key_file: the path of a file is expected"),
        (WHOLE.replace("key_file", "keyfile"), 'did you mean "key"?'),
    ],
)
def test_what_is_wrong_with_the_section_is_told(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "dkim.pem").write_text(PEM)

    assert told in refusal(tmp_path, text)


@pytest.mark.parametrize(
    ("key", "told"),
    [
        ("", "the file is empty, and should hold the secret"),
        ("nonsense", "is not a private key in PEM form"),
        (PEM.replace("A", "B"), "is not a private key in PEM form"),
        (pem(generate_private_key(65537, 2048), BestAvailableEncryption(b"x")), "is encrypted"),
        (pem(generate_private_key(65537, 1024)), "has 1024 bits"),  # noqa: S505
        (pem(elliptic(SECP256R1())), "an RSA key is expected"),
        (ED25519_PEM, "an RSA key is expected"),
    ],
)
def test_what_is_wrong_with_a_key_is_told(tmp_path: Path, key: str, told: str) -> None:
    (tmp_path / "dkim.pem").write_text(key)

    assert told in refusal(tmp_path, WHOLE)


def test_a_key_that_is_not_text_is_told(tmp_path: Path) -> None:
    (tmp_path / "dkim.pem").write_bytes(b"\x30\x82\xff")

    assert "it is not a text file" in refusal(tmp_path, WHOLE)


def test_the_second_key_is_an_ed25519_one(tmp_path: Path) -> None:
    (tmp_path / "dkim.pem").write_text(PEM)

    assert "an Ed25519 key is expected" in refusal(
        tmp_path, WHOLE + 'ed25519_selector = "e"\ned25519_key_file = "dkim.pem"'
    )


def test_all_can_come_from_the_environment_and_no_key_is_shown(tmp_path: Path) -> None:
    (tmp_path / "dkim.pem").write_text(ED25519_PEM)
    names = {key: value for key, value in DKIM.items() if key != "ed25519_key"} | {"ed25519_key_file": "dkim.pem"}

    given = load(
        None,
        {f"NEWSLETTER_DKIM__{key.upper()}": value for key, value in names.items()}
        | {"NEWSLETTER_NEWSLETTER__SENDER": SENDER},
        tmp_path,
    )

    assert verdicts(signing(given)(sealed()).body) == [True, True]
    assert "PRIVATE" not in repr(given) + given.model_dump_json()


def test_the_readmes_keys_and_records_verify(tmp_path: Path) -> None:
    if not shutil.which("openssl"):
        pytest.skip("no openssl")
    readme = (ROOT / "config" / "README.md").read_text("utf-8").partition("## Signing")[2].partition("\n## ")[0]
    for block in re.findall(r"```sh\n(.*?)```", readme, re.DOTALL):
        subprocess.run(["sh", "-ec", block], cwd=tmp_path, check=True, capture_output=True)
    keys = (
        rsa_key((tmp_path / "dkim.pem").read_text(), "s"),
        ed25519_key((tmp_path / "dkim-ed25519.pem").read_text(), "e"),
    )
    dns = {
        b"s._domainkey.example.org.": b"v=DKIM1; k=rsa; p=" + (tmp_path / "dkim.txt").read_bytes(),
        b"e._domainkey.example.org.": b"v=DKIM1; k=ed25519; p=" + (tmp_path / "dkim-ed25519.txt").read_bytes(),
    }

    assert verdicts(Signer("example.org", keys).sign(sealed()).body, dns) == [True, True]
    assert (tmp_path / "dkim.pem").stat().st_mode & 0o077 == 0
