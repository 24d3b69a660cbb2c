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

#: Refusals at RCPT that are not about the reader, in words that were taken for a reader's before.
NOT_ABOUT_A_READER = """
550 Requested action not taken: mailbox unavailable. invalid DNS MX or A/AAAA resource record.
550 Requested action not taken: mailbox unavailable Sender address has null MX
550 Requested action not taken: mailbox unavailable Email address is not allowed.
550 Domain may not exist or DNS check failed
550 Suspected bounce attacks
550 Connection frequency limited. http://service.mail.qq.com/cgi-bin/help?subtype=1
550 Ip frequency limited
550 Sender frequency limited
550 The sender's mail frequency limited
553 Mail from must equal authorized user
550 MI:SFQ 163 发信人在15分钟内的发信数量超过限制
550 Domain not found: papers.example.org is not configured at this account, sending refused
550 Sender signature not confirmed
550 Account is pending approval and can only send to its own domain
550 HELO should be a FQDN or address literal (See RFC 2821 4.1.1.1)
550 Unrouteable address in From: header
550 there is no valid sender in any header line
517 Domain does not exist: papers.example.org.
550 Rule imposed mailbox access for ada@uni.example refused
550 Envelope blocked - https://community.mimecast.com/docs/DOC-1369#550
550 Administrative Lockout - https://community.mimecast.com/docs/DOC-1369#550
553 Invalid Date format
550 Submitter failed to authenticate
550 journal messages past expiration
550 SC-001 (BAY004-MC1F1) Unfortunately, messages from 192.0.2.1 weren't sent.
550 Votre adresse IP n'est pas autorisée
550 Ihr Mailserver ist nicht berechtigt
550 Maximale Anzahl an E-Mails pro Stunde erreicht
550 Ihr Konto wurde wegen Spamversand gesperrt
550 Sie haben Ihr Tageslimit für den Versand erreicht
550 Vous avez atteint la limite quotidienne d'envoi
550 Su dirección IP está en una lista negra
550 Ha superado el límite de mensajes por hora
550 O remetente não foi autorizado
550 Seu IP está bloqueado
550 Limite de envio diário excedido
550 Nadawca nie istnieje
550 Twoje konto zostało zablokowane z powodu wysyłania spamu
550 Przekroczono limit wysyłki wiadomości
550 Ваш IP-адрес заблокирован
550 Письмо отклонено: обнаружен спам
550 Ваш аккаунт заблокирован за рассылку спама
550 送信制限に達しました
550 您的发信IP被拒绝
550 发送频率超过限制
550 您的账号已被禁止发信
550 Gönderen adresi bulunamadı
550 Afzender bestaat niet
550 Uw IP-adres staat op een zwarte lijst
550 Avsändaren finns inte
550 Your domain does not have a valid MX record
550 Could not resolve the domain of your address
550 we cannot reply to your address, so we refuse this
550 Message contains invalid header
550 List-Unsubscribe address does not exist
550 HTML-only messages are not accepted here
550 message body is empty
550 ARC seal invalid
550 invalid certificate from client
550 Message-Id domain does not exist
550 URL in message body does not exist / domain in link not found
550 The domain in the links of this message is unknown
550 this message links to an invalid domain
550 your server has sent mail to non-existent users; blocked
550 No more messages to this domain from you today
550 unknown IP
550 unknown hostname [192.0.2.1]
550 unknown server
550 The account of the sender has been deactivated
550 sender's mailbox is full, we could not verify it
550 Your mailbox is full; delete messages before sending
550 Your mailbox is over quota; you cannot send
550 SMTP user not found
550 invalid user name or password
550 License for this server invalid
550 unknown error
550 unknown reason
550 invalid message
550 invalid data
550 Message not found
550 message does not exist
550 invalid reference
550 invalid subject
550 invalid character in address list header
550 Your address 192.0.2.1 is not found in DNS
550 Connecting address unknown
550 remote address not recognized
550 unrecognized client address
550 your network address is unknown
550 Origin not known
550 origin address invalid
550 Kein gültiger Absender
550 L'adresse IP est invalide
550 Dirección del remitente desconocida
550 Dirección IP desconocida
550 indirizzo IP sconosciuto
550 indirizzo mittente inesistente
550 Endereço do remetente inexistente
550 Adres nadawcy nie istnieje
550 неизвестный IP адрес
550 SPF记录不存在
550 Blocked by mail filter
550 the closed list takes mail from members only
550 SMTP service disabled
550 TLS 1.0 is disabled
550 receiving suspended during maintenance
550 domain suspended
550 Message has been deactivated by filter
550 forwarding to external addresses is disabled
550 unlocked
550 mailbox unavailable due to virus
550 No recipient wants mail from you
550 user-defined filter
550 unknown protocol
550 undisclosed recipients are invalid
550 Header address invalid
550 the message was moved to the quarantine
550 your server has moved to another list
550 service not available for unknown hosts
550 suspicious URL: host not found
550 domain papers.example.org does not exist
550 sender host not trusted
550 mail server name does not match its address
550 certificate name not found
550 wrong time zone in the Date header
550 format of this message is not valid
550 charset not known here
550 none of our users wants this
550 no rule found for this sender
550 you have no account here
550 relay user unknown
550 The address of your mail server cannot be resolved
550 author domain does not exist
550 no return path
550 you are not on the guest list
550 ip not registered
550 access table: not found
550 link not found
550 URL host does not exist
550 unsubscribe link invalid
550 unknown list
550 duplicate message
550 not accepted at night
550 only local users may send to this address
550 signature is invalid
550 no valid key
550 scanner not found
550 payment required
550 you may send 200 mails a day
550 bounce rate of sender too high
550 dictionary attack detected; invalid user limit
550 your mail hit a non-existent trap address
550 users do not like your mail
550 unknown ISP
550 Source unknown
550 unknown content
550 invalid recipient header
550 invalid boundary
550 invalid signature
550 invalid session
550 invalid operation
550 invalid link
550 no such file or directory
550 no such host in access list
550 no such method
550 sender: no such user
550 MAIL FROM: no such user
550 no reply address
550 ESP not accepted
550 To header missing recipient
550 recipient not in To: or Cc:
550 subject is empty
550 no text part
550 language not accepted
550 5.1.1 certificate problem
""".strip().splitlines()

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


@pytest.mark.parametrize("words", NOT_ABOUT_A_READER)
def test_nobody_is_refused_for_what_is_said_of_anything_else(words: str) -> None:
    assert type(error("rcpt", words)) is SenderRefused


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
    assert type(error("rcpt", "550 papers.example.org: unknown domain")) is SenderRefused
    assert type(error("rcpt", "550 mx.papers.example.org: user unknown")) is Refused
    assert type(error("rcpt", "550 uni.example has no such user; sent by papers.example.org")) is Refused


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
