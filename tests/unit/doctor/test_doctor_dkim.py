"""The doctor's reading of DKIM, beside the signer and dkimpy.

`verify` asks dkimpy, so where the two are compared dkimpy is no independent judge: it shows that its verdict arrives.
"""

from __future__ import annotations

import subprocess
import sys
from base64 import b64encode
from contextlib import suppress

import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from verifier import ED25519_PEM, PEM, verdict

from newsletter.doctor.dkim import OwnKey, public_half, read_key, signatures, verify
from newsletter.sender.dkim import Signer, ed25519_key, rsa_key

DOMAIN = "papers.example.org"
KEYS = {"s2025": public_half(PEM, DOMAIN, "s2025"), "e2025": public_half(ED25519_PEM, DOMAIN, "e2025")}
SIGNER = Signer(DOMAIN, [rsa_key(PEM, "s2025"), ed25519_key(ED25519_PEM, "e2025")])
HEAD = (
    b"From: W <w@papers.example.org>\r\nTo: a@example.org\r\nSubject: On  kettles\r\n\tand  whistles\r\n"
    b"Date: Mon, 17 Mar 2025 12:00:00 +0000\r\nMessage-ID: <1@x>\r\n"
)
RSA = generate_private_key(65537, 2048).public_key()


def signed(body: bytes = b"Hello\r\n", head: bytes = HEAD) -> bytes:
    mail = head + b"\r\n" + body
    return SIGNER.headers(mail) + mail


def verdicts(mail: bytes, keys: dict[str, OwnKey] | None = None) -> list[str]:
    return [verify(mail, signature, (keys or KEYS)[signature.tags["s"]].public) for signature in signatures(mail)]


def by_dkimpy(mail: bytes) -> list[bool]:
    dns = {f"{key.place}.".encode(): key.record.encode() for key in KEYS.values()}
    return [verdict(mail, place, dns) for place in range(2)]


@pytest.mark.parametrize("body", [b"Hello\r\n", b"", b"\r\n\r\n", b"Hello", b"a  b \r\n\r\n\r\n"])
def test_what_we_sign_is_verified(body: bytes) -> None:
    mail = signed(body)

    assert verdicts(mail) == ["", ""]
    assert by_dkimpy(mail) == [True, True]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Hello", b"Hallo"),
        (b"kettles", b"kittens"),
        (b"From: W", b"From: V"),
        (b"Hello\r\n", b"Hello\r\nmore\r\n"),
        (b"Message-ID: <1@x>", b"Message-ID: <2@x>"),
        (b"To: ", b"From: eve@example.net\r\nTo: "),
    ],
)
def test_what_was_changed_is_not(old: bytes, new: bytes) -> None:
    head, _, rest = signed().partition(b"From: ")
    changed = head + (b"From: " + rest).replace(old, new, 1)

    assert all(verdicts(changed))
    assert by_dkimpy(changed) == [False, False]


PIECES = st.text(st.characters(max_codepoint=127, exclude_characters="\r\n"), max_size=30).map(str.encode)


@given(PIECES, st.integers(0))
def test_no_change_is_let_through_that_dkimpy_would_not(piece: bytes, at: int) -> None:
    mail = signed()
    at %= len(mail)
    changed = mail[:at] + piece + mail[at:]

    ours: list[str] = []
    with suppress(ValueError, KeyError):  # what is no signature of ours any more
        ours = verdicts(changed)

    assert ours != ["", ""] or by_dkimpy(changed) == [True, True]


def test_a_body_that_was_changed_is_called_that() -> None:
    assert verdicts(signed().replace(b"Hello", b"Hallo")) == ["the body is not the one that was signed"] * 2


@pytest.mark.parametrize("form", [b"c=simple/simple;", b"c=relaxed/relaxed;", b"c=relaxed/simple; l=0;"])
def test_a_form_that_we_do_not_write_is_not_verified(form: bytes) -> None:
    mail = signed().replace(b"c=relaxed/simple;", form)

    assert verdicts(mail) == ["the signature is of another form than ours"] * 2


def test_dkimpy_is_loaded_only_where_a_signature_is_verified() -> None:
    code = "import sys, newsletter.cli, newsletter.doctor, newsletter.services.doctor; sys.exit('dkim' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_another_key_does_not_verify() -> None:
    other = OwnKey(DOMAIN, "s2025", RSA)

    assert verdicts(signed(), {"s2025": other, "e2025": KEYS["e2025"]}) == ["the signature is not by this key", ""]


def test_a_signature_knows_what_it_covers_and_where_its_key_is() -> None:
    first, second = signatures(signed(head=HEAD + b"List-Unsubscribe: <https://x>\r\n"))

    assert first.place == KEYS["s2025"].place
    assert second.place == KEYS["e2025"].place
    assert {"from", "list-unsubscribe"} < first.signed


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_the_record_to_publish_is_read_back_as_the_same_key(key: OwnKey) -> None:
    published = read_key(key.record)

    assert published.public == key.public
    assert not published.testing


def data(encoding: Encoding, form: PublicFormat) -> str:
    return b64encode(RSA.public_bytes(encoding, form)).decode()


WHOLE = data(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


@pytest.mark.parametrize(
    "text",
    [
        f"p={WHOLE}",
        f"v=DKIM1;k=rsa;p={WHOLE};",
        f"v=DKIM1; h=sha1:sha256; s=email:other; n=a note; p={WHOLE[:100]} {WHOLE[100:]}",
        f"k=rsa; p={data(Encoding.DER, PublicFormat.PKCS1)}",
    ],
)
def test_every_form_of_an_rsa_record_is_read(text: str) -> None:
    assert read_key(text).public == RSA
    assert read_key(text).bits == 2048


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("v=DKIM1; k=rsa; p=", "revoked"),
        ("v=DKIM1; k=rsa", "no p="),
        (f"v=DKIM2; p={WHOLE}", "v=DKIM1"),
        (f"k=rsa; v=DKIM1; p={WHOLE}", "v=DKIM1"),
        (f"v=DKIM1; p={WHOLE[:-30]}", "base64|no RSA key"),
        (f"v=DKIM1; p={WHOLE[:100]}", "no RSA key"),
        (f'v=DKIM1; p="{WHOLE}"', "not base64"),
        (f"v=DKIM1; h=sha1; p={WHOLE}", "sha256"),
        (f"v=DKIM1; s=other; p={WHOLE}", "email"),
        (f"v=DKIM1; k=dsa; p={WHOLE}", "neither rsa nor"),
        (f"v=DKIM1; k=ed25519; p={WHOLE}", "the bare 32"),
        (f"v=DKIM1; p={WHOLE}; p={WHOLE}", "twice"),
        ("v=DKIM1 k=rsa p", "revoked|no p=|v=DKIM1"),
        ("hello", "name=value"),
        pytest.param(KEYS["e2025"].record.replace("k=ed25519; ", ""), "no RSA key", id="an Ed25519 key said to be RSA"),
    ],
)
def test_what_is_wrong_with_a_record_is_said(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        read_key(text)


@given(st.text(max_size=60))
def test_no_record_brings_the_reader_down(text: str) -> None:
    for record in (text, f"v=DKIM1; p={text}", f"k=ed25519; p={text}"):
        with pytest.raises(ValueError, match=r"."):
            read_key(record)


@pytest.mark.parametrize("pem", ["", "secret", PEM.replace("PRIVATE", "PUBLIC")])
def test_a_key_that_is_none_is_refused_without_a_word_of_it(pem: str) -> None:
    with pytest.raises(ValueError, match=r"^is not a private key in PEM form without a passphrase$"):
        public_half(pem, DOMAIN, "s")
