"""Replies of servers that are not on their best behaviour, the words of envelopes, and pipelining."""

import re
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.errors import ConfigError, Deferred, HostDown, Refused, SenderRefused
from newsletter.sender.envelope import Offers, commands, mailbox, xtext
from newsletter.sender.phase import Phase
from newsletter.sender.pipelining import Pipelining, PipeliningLevel
from newsletter.sender.replies import LINE, REPLY, Garbled, Replies, Reply, error_for
from newsletter.types import Mail

NOTHING = Offers()
EVERYTHING = Offers.parse("me\nPIPELINING\nSIZE 1000\n8BITMIME\nSMTPUTF8\nDSN\nCHUNKING\nENHANCEDSTATUSCODES")


def replies_to(*pieces: bytes) -> list[Reply]:
    replies = Replies()
    return [reply for piece in pieces for reply in replies.feed(piece)]


@given(st.lists(st.integers(0, 60), max_size=6))
def test_replies_are_the_same_however_they_are_cut(cuts: list[int]) -> None:
    said = b"250 ok\r\n250-two\r\n250-more\r\n250 lines\r\n421\r\n550 5.1.1 no\n"
    places = sorted({0, *cuts, len(said)})

    pieces = [said[a:b] for a, b in pairwise(places)]

    assert replies_to(*pieces) == [
        Reply(250, b"ok"),
        Reply(250, b"two\nmore\nlines"),
        Reply(421, b""),
        Reply(550, b"5.1.1 no"),
    ]


@pytest.mark.parametrize(
    "garbage", [b"hello\r\n", b"\r\n", b"150 x\r\n", b"600 x\r\n", b"2500 x\r\n", b"\xff\xfe25\r\n"]
)
def test_what_is_no_reply_is_said_so_after_the_replies_before_it(garbage: bytes) -> None:
    replies = Replies().feed(b"250 ok\r\n" + garbage)

    assert next(replies) == Reply(250, b"ok")
    with pytest.raises(Garbled):
        next(replies)


@pytest.mark.parametrize("flood", [b"2" * (LINE + 1), b"250-x\r\n" * (REPLY // 6 + 1)])
def test_a_reply_that_does_not_end_is_given_up(flood: bytes) -> None:
    with pytest.raises(Garbled):
        replies_to(flood)


def test_words_are_one_short_line_that_any_store_can_keep() -> None:
    assert Reply(550, b"5.1.1 inconnu \xe9\n5.1.1 \0 adieu " + b"x" * 400).words.startswith(
        "550 5.1.1 inconnu \ufffd 5.1.1"
    )
    assert len(Reply(550, b"x" * 400).words) == 300


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (Reply(550, b"5.1.1 no"), "5.1.1"),
        (Reply(550, b"5.7.515 Access denied"), "5.7.515"),
        (Reply(250, b"5.1.1 no"), ""),
        (Reply(550, b"5.1.1.1 no"), ""),
        (Reply(550, b"no 5.1.1"), ""),
    ],
)
def test_the_enhanced_status_is_kept_where_it_agrees_with_the_code(reply: Reply, status: str) -> None:
    assert reply.status == status


def test_a_verdict_keeps_code_status_phase_and_words() -> None:
    error = error_for(Reply(554, b"5.7.1 spam"), Phase.DOT)

    assert type(error) is SenderRefused
    assert type(error_for(Reply(550, b"5.1.1 no such user"), Phase.DOT)) is Refused
    assert (error.code, error.status, error.phase, str(error)) == (554, "5.7.1", "dot", "554 5.7.1 spam")
    assert type(error_for(Reply(550, b"no"), Phase.MAIL)) is HostDown
    assert type(error_for(Reply(452, b"full"), Phase.MAIL)) is Deferred
    assert error_for(Reply(354, b"go"), Phase.DATA) is error_for(Reply(251, b"will forward"), Phase.DOT) is None


def test_offers_are_read_from_the_answer_to_ehlo() -> None:
    assert Offers(True, True, True, True, True, True, 1000) == EVERYTHING
    assert Offers.parse("pipelining.example.org") == NOTHING
    assert Offers.parse("me\nsize\nSIZE 0\n\n  \nauth=LOGIN PLAIN\nX").size == 0


def mail(**changes: str | bytes) -> Mail:
    plain = {"message_id": "<1+1=2@x>", "sender": "w@x.org", "recipient": "ada@example.org", "body": b"x: y\r\n"}
    return Mail(**{**plain, **changes})  # type: ignore[arg-type]


def test_nothing_is_said_that_was_not_offered() -> None:
    assert commands(mail(), NOTHING) == (b"MAIL FROM:<w@x.org>\r\n", b"RCPT TO:<ada@example.org>\r\n")
    assert commands(mail(body=b"\xff\r\n"), NOTHING)[0] == b"MAIL FROM:<w@x.org>\r\n"


def test_what_is_offered_is_used() -> None:
    said, to = commands(mail(), EVERYTHING)
    assert said == b"MAIL FROM:<w@x.org> SIZE=6 RET=HDRS ENVID=1+2B1+3D2@x\r\n"
    assert to == b"RCPT TO:<ada@example.org> NOTIFY=FAILURE,DELAY ORCPT=rfc822;ada@example.org\r\n"

    said, to = commands(
        mail(body=b"\xff\r\n", recipient="adä@bücher.example", message_id="<" + "x" * 101 + ">"), EVERYTHING
    )
    assert said == b"MAIL FROM:<w@x.org> SIZE=3 BODY=8BITMIME SMTPUTF8 RET=HDRS\r\n"
    assert to == "RCPT TO:<adä@xn--bcher-kva.example> NOTIFY=FAILURE,DELAY\r\n".encode()


def test_what_the_server_cannot_take_is_refused_without_asking_it() -> None:
    with pytest.raises(Refused, match="1001 bytes") as caught:
        commands(mail(body=b"x" * 1001), EVERYTHING)
    assert (caught.value.code, caught.value.status) == (552, "5.3.4")

    with pytest.raises(Refused) as caught:
        commands(mail(recipient="adä@example.org"), NOTHING)
    assert (caught.value.status, caught.value.phase) == ("5.6.7", "rcpt")

    with pytest.raises(ConfigError):
        commands(mail(sender="wöchentlich@x.org"), NOTHING)


def test_domains_are_written_as_idna_2008_says() -> None:
    assert mailbox("a@straße.example", NOTHING) == b"a@xn--strae-oqa.example"
    for domain in ("-ü-.example", "x\u200dy.example", "ü..example"):
        with pytest.raises(Refused):
            mailbox("a@" + domain, NOTHING)


@given(st.binary(max_size=40))
def test_xtext_is_printable_and_can_be_read_back(value: bytes) -> None:
    told = xtext(value)

    assert re.fullmatch(rb"(?:[!-*,-<>-~]|\+[0-9A-F]{2})*", told)
    assert re.sub(rb"\+(..)", lambda found: bytes.fromhex(found[1].decode()), told) == value


def test_one_mail_tries_a_new_level_and_all_follow() -> None:
    pipelining, first, second = Pipelining(), object(), object()
    assert pipelining.allows(PipeliningLevel.PIPELINED, first)
    assert not pipelining.allows(PipeliningLevel.AHEAD, first)  # pipelining comes first

    pipelining.passed(PipeliningLevel.PIPELINED, first)
    assert pipelining.allows(PipeliningLevel.AHEAD, first)
    assert pipelining.tries(first)
    assert not pipelining.allows(PipeliningLevel.AHEAD, second)
    assert not pipelining.allows(PipeliningLevel.CHUNKS, first)

    pipelining.passed(PipeliningLevel.AHEAD, first)
    assert pipelining.allows(PipeliningLevel.AHEAD, second)
    assert not pipelining.tries(first)


def test_what_failed_is_not_tried_again() -> None:
    pipelining, who = Pipelining(), object()
    pipelining.passed(PipeliningLevel.PIPELINED, who)
    pipelining.allows(PipeliningLevel.AHEAD, who)

    pipelining.failed(PipeliningLevel.AHEAD, who)

    assert pipelining.limit == pipelining.proven == PipeliningLevel.PIPELINED
    assert not pipelining.allows(PipeliningLevel.AHEAD, object())


def test_there_is_nothing_below_plain() -> None:
    pipelining = Pipelining()

    for level in (PipeliningLevel.PIPELINED, PipeliningLevel.PLAIN):
        pipelining.failed(level, object())

    assert pipelining.limit == PipeliningLevel.PLAIN
    assert pipelining.allows(PipeliningLevel.PLAIN, object())


def test_a_trial_that_ended_without_a_word_is_open_to_others() -> None:
    pipelining, first, second = Pipelining(), object(), object()
    pipelining.passed(PipeliningLevel.PIPELINED, first)
    pipelining.allows(PipeliningLevel.AHEAD, first)

    pipelining.left(first)

    assert pipelining.allows(PipeliningLevel.AHEAD, second)
