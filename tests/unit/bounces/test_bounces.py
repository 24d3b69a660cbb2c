"""Reports on mails, as many systems write them: who, why, and whether the address is bad."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from conftest import SHARED
from hypothesis import given, settings
from hypothesis import strategies as st
from returned import SAMPLES, bounce, truth

from newsletter.bounces import EFFECTS, BounceReport, Effect, Reason, ReportKind, read_mail
from newsletter.bounces.addresses import same
from newsletter.bounces.classify import Diagnostic, classify
from newsletter.types import Mail

PUBLIC = SHARED / "data" / "bounces"
#: What must never cost anybody their subscription, whatever the words.
HARMLESS = {
    Reason(each) for each in ("mailboxfull", "expired", "vacation", "authfailure", "policyviolation", "blocked")
}


def findings(report: BounceReport) -> list[tuple[str, str, bool]]:
    return [(each.recipient, each.reason.value, each.hard) for each in report.recipients]


@pytest.mark.parametrize("sample", truth(SAMPLES), ids=lambda sample: sample["file"])
def test_a_report_tells_who_and_why_and_whether_the_address_is_bad(sample: dict[str, object]) -> None:
    report = read_mail((SAMPLES / str(sample["file"])).read_bytes())

    expected = [(each["recipient"], each["reason"], each["hard"]) for each in sample["recipients"]]  # type: ignore[attr-defined]
    assert (report.kind.value, findings(report)) == (sample["kind"], expected)


@pytest.mark.parametrize("said", ["Domain papers.example.org does not exist", "<w@papers.example.org>: user unknown"])
def test_words_that_name_who_sent_the_mail_are_not_about_its_recipient(said: str) -> None:
    mail = Mail(
        "<1@papers.example.org>", "bounces@papers.example.org", "ada@uni.example", b"From: w@papers.example.org"
    )
    others = (f"<{mail.recipient}>: user unknown; {said}", "user unknown at mx.papers.example.org", "user unknown")

    assert [each.effect for each in read_mail(bounce(mail, f"550 5.1.1 {said}")).recipients] == [Effect.NOTHING]
    for words in others:
        assert [each.hard for each in read_mail(bounce(mail, f"550 5.1.1 {words}")).recipients] == [True]


def test_there_are_samples_of_many_systems() -> None:
    assert len(truth(SAMPLES)) >= 40
    assert {path.name for path in SAMPLES.glob("*.eml")} == {str(sample["file"]) for sample in truth(SAMPLES)}


@pytest.mark.skipif(not PUBLIC.is_dir(), reason=f"no public samples in {PUBLIC}")
def test_public_samples_are_read_as_others_read_them() -> None:
    """The truth is another parser's; 97 in 100 is what the two must have in common, and nearly nobody hard in error."""
    exact, agreed, both, wrongly_hard, complaints = 0, 0, 0, 0, []
    samples = {str(each["file"]): each["recipients"] for each in truth(PUBLIC)}
    for name, recipients in samples.items():
        report = read_mail((PUBLIC / name).read_bytes())
        told = {each["recipient"].lower(): each for each in recipients}  # type: ignore[attr-defined]
        found = {each.recipient.lower(): each for each in report.recipients if each.recipient}
        exact += told.keys() == found.keys()
        for address in told.keys() & found.keys():
            both, agreed = both + 1, agreed + (found[address].hard == told[address]["hard"])
            wrongly_hard += found[address].hard and not told[address]["hard"]
            assert not (found[address].hard and told[address]["reason"] in HARMLESS), name
        complaints += [report.kind is ReportKind.COMPLAINT] if name.startswith("arf-") else []

    assert exact / len(samples) >= 0.95
    assert agreed / both >= 0.97
    assert wrongly_hard / both <= 0.01
    assert sum(complaints) / len(complaints) >= 0.95


@pytest.mark.parametrize("other", ["Ada@STRASSE.example", "ada@xn--strae-oqa.example", '"ada"@straße.example.'])
def test_a_domain_is_the_same_in_any_spelling_but_no_other_one(other: str) -> None:
    assert same("ada@straße.example", other) == ("STRASSE" not in other)


POLICY = """
550 5.7.26 Unauthenticated email from example.org is not accepted due to domain's DMARC policy
550 5.7.515 Access denied, sending domain example.org doesn't meet the required authentication level
550 5.7.1 Message rejected due to local policy
550 5.7.1 Unfortunately, messages from [192.0.2.7] weren't sent. Part of their network is on our block list
550 5.7.1 <ada@example.net>: Recipient address rejected: user unknown to this policy
421 4.7.0 Try again later, closing connection
421 4.7.28 Gmail has detected an unusual rate of unsolicited mail
554 5.7.1 Service unavailable; Client host [192.0.2.7] blocked using zen.example
550 5.7.25 The sending IP address does not have a PTR record
550 SPF check failed
550 JunkMail rejected - is in an RBL
553 sorry, your mail was administratively denied (#5.7.1)
554 5.7.9 Message not accepted for policy reasons
552 5.2.2 mailbox full
452 4.2.2 The email account that you tried to reach is over quota
550 5.2.2 User mailbox exceeds allowed size
450 4.2.0 Greylisted, try again in five minutes
450 4.1.1 user unknown, try later
451 4.3.0 temporary failure, unknown user database
554 5.4.7 message expired: in the queue too long
552 5.3.4 message too big
550 5.1.8 Sender address rejected: Domain not found
550 5.7.1 user unknown
554 5.7.1 <ada@example.net>: account disabled
550 5.7.2 not for this list
550 5.7.54 SMTP; Unable to relay recipient in non-accepted domain
""".strip().splitlines()


@pytest.mark.parametrize("words", POLICY)
@pytest.mark.parametrize("phase", ["RCPT TO", "end of DATA"])
def test_policy_fullness_and_lateness_are_no_verdict_on_an_address(words: str, phase: str) -> None:
    reason, temporary = classify(Diagnostic(words, f"{words} (in reply to {phase} command)"))

    assert temporary or EFFECTS[reason] is Effect.NOTHING


GONE = """
550 5.1.1 The email account that you tried to reach does not exist
550 5.1.1 <ada@example.net> User doesn't exist
550 No such user here
550 5.1.0 Address rejected
550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup
550 5.4.1 Recipient address rejected: Access denied
550 5.1.1 Adresse d au moins un destinataire invalide. Invalid recipient.
550 5.1.1 El usuario no existe
550 Unrouteable address
550 sorry, no mailbox here by that name (#5.1.1)
553 5.3.0 <ada@example.net>... Addressee unknown
550 5.1.2 Host unknown
556 5.1.10 Domain does not accept mail (nullMX)
551 5.1.6 recipient has moved to another address
""".strip().splitlines()


@pytest.mark.parametrize("words", GONE)
def test_an_address_that_is_no_more_is_a_hard_bounce_at_rcpt(words: str) -> None:
    reason, temporary = classify(Diagnostic(words, f"{words} (in reply to RCPT TO command)"))

    assert not temporary
    assert EFFECTS[reason] is Effect.BOUNCES


def test_a_user_who_is_unknown_only_once_the_mail_was_read_is_a_soft_bounce() -> None:
    said = "550 user unknown"

    assert classify(Diagnostic(said, f"{said} (in reply to end of DATA command)"))[0] is Reason.FILTERED
    assert classify(Diagnostic(said, f"{said} (in reply to RCPT TO command)"))[0] is Reason.USERUNKNOWN


# hostile reports

PIECES = [
    *(path.read_bytes() for path in sorted(SAMPLES.glob("*.eml"))[::4]),
    b"\r\n\r\n",
    b"--b1\n",
    b"Content-Type: multipart/report; boundary=b1\n",
    b"Content-Type: message/delivery-status\n\n",
    b"Content-Transfer-Encoding: base64\n\n\xff\xfe==\n",
    b"Final-Recipient: rfc822;",
    b"=?utf-8?b?4pi=?=",
    "ünï@exämple.org\n".encode(),
]


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.sampled_from(PIECES) | st.binary(max_size=80), max_size=6), st.integers(0, 4000), st.binary(max_size=9)
)
def test_no_bytes_make_it_raise(pieces: list[bytes], place: int, noise: bytes) -> None:
    data = b"".join(pieces)

    report = read_mail(data[:place] + noise + data[place:])

    assert report == read_mail(data[:place] + noise + data[place:])
    assert len(report.recipients) <= 100


def deep(levels: int) -> bytes:
    head = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (each, each) for each in range(levels))
    return b"From: MAILER-DAEMON@x.example\nSubject: failure notice\n" + head + b"\n<ada@example.net>: unknown user\n"


@pytest.mark.parametrize(
    "data",
    [
        deep(3_000),
        b"Subject: failure notice\n\n" + b"a" * 3_000_000,
        b"Subject: failure notice\n\n" + b"a@" * 1_000_000,
        b"Subject: failure notice\n\n" + b"<a@b.example>:\n" * 100_000,
        b"Subject: failure notice\n\n" + b"-" * 2_000_000,
        b"Subject: failure notice\n\n" + b"550 " * 500_000,
        b"Subject: " + b"=?utf-8?q?x?= " * 100_000,
        b"Content-Type: multipart/report; boundary=b\n\n--b\nContent-Type: message/delivery-status\n\n"
        + b"Final-Recipient: rfc822;a@b.example\nAction: failed\n\n" * 20_000,
        b"Content-Type: text/html\nSubject: failure notice\n\n" + b"<style><" * 100_000,
        b"x: y\n" * 500_000,
        deep(90) + b"\n" * 3_000_000,
        deep(300).replace(b"boundary=", b"boundary*0=") + b"\n" * 1_000_000,
        b"Content-Type: message/delivery-status\n\n" + b"a:b\n\n" * 300_000,
        b"Content-Type: multipart/mixed; boundary=b\n\n"
        + (b"--b\nContent-Type: text/plain; charset=punycode\n\n" + b"b9" * 200_000 + b"\n") * 10,
        b"Subject: failure notice\n\n" + "\u0345\u0300".encode() * 50_000,
    ],
    ids=[
        "nested",
        "word",
        "at signs",
        "recipients",
        "dashes",
        "codes",
        "words",
        "groups",
        "tags",
        "headers",
        "lines",
        "more lines",
        "blocks",
        "charset",
        "accents",
    ],
)
def test_a_mail_made_to_be_slow_is_read_soon(data: bytes) -> None:
    begin = time.process_time()

    report = read_mail(data)

    assert time.process_time() - begin < 20  # one to three on a busy machine
    assert len(report.recipients) <= 100


def test_a_report_of_a_hundred_megabytes_is_read_up_to_a_limit(tmp_path: Path) -> None:
    sample = (SAMPLES / "postfix-userunknown.eml").read_bytes()

    assert findings(read_mail(sample + b"x" * 20_000_000)) == findings(read_mail(sample))


def test_an_answering_machine_never_bounces_anybody() -> None:
    report = read_mail((SAMPLES / "vacation.eml").read_bytes())

    assert report.kind is ReportKind.AUTO_REPLY
    assert [each.effect for each in report.recipients] == [Effect.NOTHING]


@pytest.mark.parametrize(
    ("kind", "note"), [("Abuse (junk button)", ""), ("(by hand) abuse", ""), ("not-spam (x)", "not-spam")]
)
def test_the_kind_of_a_feedback_report_may_bear_a_comment(kind: str, note: str) -> None:
    fields = f"Feedback-Type: {kind}\nOriginal-Rcpt-To: ada@example.org\n"

    report = read_mail(f"Content-Type: message/feedback-report\n\n{fields}".encode())

    assert (report.kind, report.note) == (ReportKind.COMPLAINT, note)
