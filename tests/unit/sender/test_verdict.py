"""Whom the replies of well-known servers are about, and what follows: in the words that their users quote."""

import re
from datetime import timedelta

import pytest
from returned import SAMPLES, truth

from newsletter.errors import DeliveryError, Refused, SenderRefused
from newsletter.sender.circuit_breaker import Breaker, Trip
from newsletter.sender.jobs import Job
from newsletter.sender.outcomes import delivery_after
from newsletter.sender.phase import Phase
from newsletter.sender.replies import Reply, error_for
from newsletter.sender.verdict import About, about
from newsletter.testing import NOON
from newsletter.types import Delivery, Mail, Outcome

READER, SENDER, MAIL = About

PAPERS = Mail(
    "<1@papers.example.org>", "bounces+t0k3n@papers.example.org", "ada@uni.example", b"Subject: x\r\n\r\nx\r\n"
)

#: phase, reply, whom it is about
REPLIES = [
    (
        "rcpt",
        "550-5.1.1 The email account that you tried to reach does not exist. Please try double-checking the",
        READER,
    ),
    ("rcpt", "550 5.1.1 The email account that you tried to reach does not exist - gsmtp", READER),
    ("rcpt", "552-5.2.2 The recipient's inbox is out of storage space.", READER),
    ("rcpt", "550-5.2.1 The email account that you tried to reach is inactive.", READER),
    ("rcpt", "550 5.4.5 Daily SMTP relay sending limit exceeded for user.", SENDER),
    ("dot", "550 5.4.5 Daily user sending limit exceeded.", SENDER),
    ("dot", "550-5.7.1 Daily SMTP relay limit exceeded for customer.", SENDER),
    ("dot", "550-5.7.26 This mail has been blocked because the sender is unauthenticated.", MAIL),
    ("dot", "550-5.7.1 [192.0.2.1] Our system has detected that this message is likely unsolicited mail.", MAIL),
    ("rcpt", "550 5.5.0 Requested action not taken: mailbox unavailable (S2017062302).", READER),
    ("rcpt", "550 5.4.1 Recipient address rejected: Access denied. AS(201806281)", READER),
    (
        "dot",
        "550 5.7.515 Access denied, sending domain example.org does not meet the required authentication level.",
        MAIL,
    ),
    (
        "rcpt",
        "550 5.7.1 Unfortunately, messages from [192.0.2.1] weren't sent. Please contact your Internet service",
        MAIL,
    ),
    (
        "dot",
        "550 5.1.90 Your message can't be sent because you've reached your daily limit for message recipients.",
        SENDER,
    ),
    ("dot", "550 5.1.8 Access denied, bad outbound sender AS(42004)", SENDER),
    ("dot", "554 5.2.252 SendAsDenied; box@tenant.example not allowed to send as weekly@papers.example.org", SENDER),
    (
        "dot",
        "554 5.2.0 STOREDRV.Submission.Exception:SubmissionQuotaExceededException; Failed to process message due",
        SENDER,
    ),
    ("dot", "550 5.7.708 Service unavailable. Access denied, traffic not accepted from this IP.", MAIL),
    ("dot", "550 5.7.501 Service unavailable. Access denied, spam abuse detected.", MAIL),
    (
        "dot",
        "554 delivery error: dd This user doesn't have a yahoo.com account (x@yahoo.com) [0] - mta1.mail.yahoo.com",
        READER,
    ),
    (
        "rcpt",
        "554 30 Sorry, your message to x@yahoo.com cannot be delivered. This mailbox is disabled (554.30).",
        READER,
    ),
    ("dot", "554 5.7.9 Message not accepted for policy reasons. See https://postmaster.yahooinc.com/error-codes", MAIL),
    (
        "rcpt",
        "553 5.7.1 [BL21] Connections will not be accepted from 192.0.2.1, because the ip is in Spamhaus's list",
        MAIL,
    ),
    ("rcpt", "550 5.1.1 <x@y.example>: Recipient address rejected: User unknown in local recipient table", READER),
    ("rcpt", "550 5.1.1 <x@y.example>: Recipient address rejected: User unknown in virtual mailbox table", READER),
    ("rcpt", "550 5.1.8 <bounces@papers.example.org>: Sender address rejected: Domain not found", SENDER),
    ("rcpt", "553 5.7.1 <bounces@papers.example.org>: Sender address rejected: not owned by user weekly", SENDER),
    ("rcpt", "553 5.7.1 <bounces@papers.example.org>: Sender address rejected: not logged in", SENDER),
    (
        "rcpt",
        "550 5.1.0 <bounces@papers.example.org>: Sender address rejected: User unknown in virtual mailbox table",
        SENDER,
    ),
    ("rcpt", "554 5.7.1 <x@y.example>: Relay access denied", MAIL),
    ("rcpt", "554 5.7.1 <unknown[192.0.2.1]>: Client host rejected: Access denied", MAIL),
    ("rcpt", "554 5.7.1 Service unavailable; Client host [192.0.2.1] blocked using zen.spamhaus.org", MAIL),
    ("rcpt", "554 5.7.1 <x@y.example>: Recipient address rejected: Policy Rejection- Quota Exceeded.", MAIL),
    ("rcpt", "550 Sender verify failed", SENDER),
    (
        "rcpt",
        "550-Verification failed for <bounces@papers.example.org> 550-No Such User Here 550 Sender verify failed",
        SENDER,
    ),
    ("rcpt", "550 No Such User Here", READER),
    ("rcpt", "550 Unrouteable address", READER),
    ("rcpt", "550 relay not permitted", MAIL),
    (
        "rcpt",
        "550 Domain papers.example.org has exceeded the max emails per hour (100/100 (100%)) allowed.  Message",
        SENDER,
    ),
    (
        "dot",
        "550 Domain papers.example.org has exceeded the max defers and failures per hour (5/5 (100%)) allowed.",
        SENDER,
    ),
    ("rcpt", '550 Outgoing mail from "weekly@papers.example.org" has been suspended.', SENDER),
    ("rcpt", "550 Access denied - Invalid HELO name (See RFC2821 4.1.1.1)", MAIL),
    ("rcpt", "550 5.1.1 x@y.example... User unknown", READER),
    ("rcpt", "550 5.7.1 x@y.example... Relaying denied. Proper authentication required.", MAIL),
    (
        "rcpt",
        "553 5.1.8 bounces@papers.example.org... Domain of sender address bounces@papers.example.org does not exist",
        SENDER,
    ),
    ("rcpt", "553 5.3.0 x@y.example... No such user here", READER),
    (
        "dot",
        "554 Message rejected: Email address is not verified. The following identities failed the check in",
        SENDER,
    ),
    (
        "dot",
        "554 Message rejected: Sending paused for this account. For more information, please check the inbox of",
        SENDER,
    ),
    ("dot", "554 Transaction failed: Daily message quota exceeded.", SENDER),
    (
        "dot",
        "550 The from address does not match a verified Sender Identity. Mail cannot be sent until this error is",
        SENDER,
    ),
    ("rcpt", "550 Unauthenticated senders not allowed", SENDER),
    ("rcpt", "535 Authentication failed: Maximum credits exceeded", SENDER),
    ("dot", "550 5.7.1 Spam message rejected by Hetzner outgoing filter", MAIL),
    ("rcpt", "554 5.7.1 Sending limit exceeded for this mailbox, see docs.hetzner.com", SENDER),
    ("rcpt", "550 5.7.1 [OVH] Daily quota exceeded for your account", SENDER),
    ("rcpt", "550 5.4.6 Unusual sending activity detected. Please try after some time", SENDER),
    ("dot", "554 5.1.8 Email Outgoing Blocked", SENDER),
    ("rcpt", "553 Sender is not allowed to relay emails", SENDER),
    ("rcpt", "550 5.7.0 From address is not one of your addresses", SENDER),
    (
        "dot",
        "554 5.7.1 [CS01] Message rejected due to local policy. Please visit https://support.apple.com/en-us/HT204137",
        MAIL,
    ),
    ("rcpt", "550 5.1.1 <x@icloud.com>: user does not exist", READER),
    ("rcpt", "552 5.2.2 <x@icloud.com>: user is over quota", READER),
    (
        "rcpt",
        "550-Requested action not taken: mailbox unavailable 550 For explanation visit",
        READER,
    ),
    ("dot", "550-Requested action not taken: mailbox unavailable 550 Sender address is not allowed.", SENDER),
    ("dot", "554-Transaction failed 554 Unauthorized sender address.", SENDER),
    ("dot", "554-Transaction failed 554 Reject due to policy restrictions.", MAIL),
    ("dot", "554 5.7.1 Message rejected under suspicion of SPAM; https://ya.cc/1IrBc", MAIL),
    ("rcpt", "550 5.7.1 No such user!", MAIL),
    (
        "rcpt",
        "550 Message was not accepted -- invalid mailbox. Local mailbox x@mail.ru is unavailable: user not found",
        READER,
    ),
    (
        "dot",
        "550 User weekly@papers.example.org has exceeded its 24-hour sending limit. Relay quota will reset in",
        SENDER,
    ),
    ("data", "530 Authentication required", SENDER),
    ("rcpt", "530 5.7.0 Must issue a STARTTLS command first", SENDER),
    ("rcpt", "521 5.7.1 Service unavailable; client blocked using a list", MAIL),
    ("rcpt", "521 5.2.1 : (CON:B1) this server will not accept delivery", MAIL),
    ("dot", "541 5.4.1 Message rejected as spam by content scanning", MAIL),
    ("dot", "571 Delivery not authorized, message refused", MAIL),
    ("rcpt", "571 Message refused: sender not accepted", SENDER),
    ("rcpt", "556 5.1.10 Recipient address has a null MX", READER),
    ("rcpt", "550 no", READER),
    ("rcpt", "551 User not local", READER),
    ("rcpt", "554 no", MAIL),
    ("dot", "550 no", MAIL),
    ("data", "554 5.5.1 Error: no valid recipients", MAIL),
    ("dot", "550 5.1.1 no such user", READER),
    ("dot", "550 5.2.1 disabled", READER),
    ("rcpt", "550 Your account has been suspended for sending too much mail", SENDER),
    ("rcpt", "550 You have reached your daily limit of 500 messages", SENDER),
    ("rcpt", "550 Maximum number of recipients per day reached for this sender", SENDER),
    ("rcpt", "553 sorry, your envelope sender domain must exist (#5.7.1)", SENDER),
    ("rcpt", "501 5.1.3 Bad recipient address syntax", READER),
    ("rcpt", "550 5.6.7 Non-ASCII addresses are not permitted for that recipient", READER),
    ("dot", "552 5.3.4 Message size exceeds fixed limit", MAIL),
    ("dot", "554 5.6.0 Message contains a virus", MAIL),
    ("dot", "554 5.4.6 Too many hops", MAIL),
    ("rcpt", "550 5.1.7 <bounces@papers.example.org>: invalid sender address", SENDER),
]


NOT_THE_READERS = ("blocked", "badreputation", "requireptr", "authfailure", "rejected", "spamdetected", "toomanyconn")
QUOTED = re.compile(r"^Diagnostic-Code: *smtp; *(5\d\d[ -].*(?:\n[ \t].*)*)", re.IGNORECASE | re.MULTILINE)


def recipients(row: dict[str, object]) -> list[dict[str, str]]:
    found = row["recipients"]
    assert isinstance(found, list)
    return found


def quoted(file: str) -> list[str]:
    """The replies that a report quotes in its fields, each in one line."""
    text = (SAMPLES / file).read_bytes().decode("utf-8", "replace").replace("\r", "")
    return [" ".join(reply.split()) for reply in QUOTED.findall(text)]


def error(phase: str, words: str) -> DeliveryError:
    found = error_for(Reply(int(words[:3]), words[4:].encode()), Phase(phase), PAPERS)
    assert found
    return found


@pytest.mark.parametrize(("phase", "words", "whom"), REPLIES)
def test_a_reader_is_refused_for_what_is_said_of_the_reader_alone(phase: str, words: str, whom: About) -> None:
    found = error(phase, words)

    assert about(str(found), found.code, found.status, phase) is whom
    assert type(found) is (Refused if whom is READER else SenderRefused)
    outcome = delivery_after(Job(1, Delivery("2025-W12", 1, NOON), PAPERS), found, NOON, [timedelta(minutes=5)]).outcome
    assert outcome is (Outcome.REFUSED if whom is READER else Outcome.DEFERRED)


@pytest.mark.parametrize(("phase", "words", "whom"), REPLIES)
def test_what_follows_when_everybody_hears_it(phase: str, words: str, whom: About) -> None:
    breaker = Breaker()
    trips = [breaker.record(f"{number % 4}.example", error(phase, words)) for number in range(20)]
    first = next(filter(None, trips), None)

    if whom is READER:
        assert first is None
    else:
        assert first
        assert first.domain == ("" if whom is SENDER else "0.example")
        assert first.reason.endswith(str(error(phase, words)))


@pytest.mark.parametrize("phase", ["rcpt", "data", "bdat", "dot"])
@pytest.mark.parametrize("code", [500, 502, 503, 504, 521, 530, 534, 535, 538, 541, 571])
def test_some_codes_are_never_about_a_reader(phase: str, code: int) -> None:
    for words in ("", " no such user", " mailbox full", " 5.1.1 user unknown", " account disabled"):
        assert type(error(phase, f"{code}{words or ' no'}")) is SenderRefused


@pytest.mark.parametrize("phase", ["rcpt", "dot"])
@pytest.mark.parametrize("status", ["5.1.7", "5.1.8", "5.1.90", "5.2.252", "5.4.5", "5.7.1", "5.7.26", "5.7.515"])
def test_some_statuses_are_never_about_a_reader(phase: str, status: str) -> None:
    for words in ("no", "user unknown", "account disabled"):
        assert type(error(phase, f"550 {status} {words}")) is SenderRefused


def test_words_that_name_our_own_address_are_about_us() -> None:
    assert type(error("rcpt", "550 5.1.1 <bounces+t0k3n@papers.example.org>: user unknown")) is SenderRefused
    assert type(error("rcpt", "550 5.1.1 <ada@uni.example>: user unknown")) is Refused
    assert type(error("rcpt", "550 5.1.1 <ada@uni.example>: unknown; write to help@papers.example.org")) is Refused


def test_a_relay_that_refuses_everybody_pauses_the_issue_though_each_domain_has_few_readers() -> None:
    breaker, spam = Breaker(), error("dot", "554 5.7.1 Message rejected under suspicion of SPAM")
    trips = [trip for number in range(40) if (trip := breaker.record(f"{number}.example", spam))]

    assert trips[0] == Trip("", f"20 refusals in a row, the last one: {spam}")


def test_one_domain_that_refuses_our_address_pauses_itself_only() -> None:
    breaker, refused = Breaker(), error("rcpt", "550 5.1.8 Sender address rejected: Domain not found")
    trips = [trip for _ in range(6) if (trip := breaker.record("strict.example", refused))]

    assert {trip.domain for trip in trips} == {"strict.example"}


def test_bounces_that_are_not_about_a_reader_refuse_none() -> None:
    soft = {str(row["file"]) for row in truth(SAMPLES) for one in recipients(row) if one["reason"] in NOT_THE_READERS}
    told = [(file, phase, reply) for file in sorted(soft) for reply in quoted(file) for phase in ("rcpt", "dot")]
    wrong = [(file, reply) for file, phase, reply in told if type(error(phase, reply)) is Refused]

    assert len(told) >= 10
    assert wrong == []
