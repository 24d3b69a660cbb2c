"""Our own signs in what comes back, and whom a report may be believed on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from newsletter.bounces import Reason, RecipientReport
from newsletter.bounces.verp import Candidate, FoundToken, ReturnPath, believed, candidate, message_ids
from newsletter.errors import TokenError
from newsletter.tokens import Purpose, Tokens, issue_tag

TOKENS = Tokens("not very secret")
PATH = ReturnPath("bounces@papers.example.org", "+", TOKENS)
ADA = Candidate(7, "2025-W12", ("ada@example.net",))


def finding(recipient: str, *also: str) -> RecipientReport:
    return RecipientReport(recipient, Reason.USERUNKNOWN, also=also)


@given(st.text("ABCxyz019.-_", min_size=1, max_size=64), st.integers(1, 2**63 - 1))
def test_an_envelope_sender_names_its_delivery_in_any_case(issue: str, number: int) -> None:
    sender = PATH.of(issue, number)

    assert sender == PATH.of(issue, number)
    assert len(sender.partition("@")[0]) <= 64
    assert PATH.tokens(f"To: <{sender.upper()}>") == [FoundToken(number, issue_tag(issue))]


def test_a_longest_address_still_has_room_for_its_token() -> None:
    sender = ReturnPath(f"{'b' * 27}@papers.example.org", "+", TOKENS).of("2025-W12", 2**63 - 1)

    assert len(sender.partition("@")[0]) == 64


def test_a_token_of_another_secret_or_purpose_or_with_one_letter_changed_is_no_sign() -> None:
    other = ReturnPath("bounces@papers.example.org", "+", Tokens("another"))
    mine = PATH.of("2025-W12", 7)
    changed = mine[:12] + ("a" if mine[12] != "a" else "b") + mine[13:]

    assert PATH.tokens(other.of("2025-W12", 7)) == []
    assert PATH.tokens(changed) == []
    assert PATH.tokens(f"https://papers.example.org/unsubscribe/{TOKENS.sign(Purpose.INTERESTS, 7)}") == []


@pytest.mark.parametrize("token", ["", "a" * 24, "a" * 36, "1" * 24, "é" * 24, "a" * 1000])
def test_what_is_no_token_is_refused(token: str) -> None:
    with pytest.raises(TokenError):
        TOKENS.read_return_path(token)


def test_forwarders_that_rewrite_the_sender_keep_the_token() -> None:
    local = PATH.of("2025-W12", 7).partition("@")[0]

    assert PATH.tokens(f"SRS0=Ab1=XY=papers.example.org={local}@forwarder.example") == [
        FoundToken(7, issue_tag("2025-W12"))
    ]


def test_the_unsubscribe_link_of_the_mail_that_came_back_names_the_person() -> None:
    token = TOKENS.sign(Purpose.UNSUBSCRIBE, 7)
    page, mail = f"https://papers.example.org/unsubscribe/{token}", f"mailto:w@x.example?subject=unsubscribe%20{token}"

    assert PATH.tokens(f"List-Unsubscribe: <{page}>,\n <{mail}>") == [FoundToken(7)]


def test_without_an_address_nothing_is_written_and_only_links_are_read() -> None:
    path = ReturnPath("", "+", TOKENS)

    assert path.of("2025-W12", 7) == ""
    assert path.tokens(PATH.of("2025-W12", 7) + f" /unsubscribe/{TOKENS.sign(Purpose.UNSUBSCRIBE, 7)}") == [
        FoundToken(7)
    ]


def test_message_ids_of_our_form_are_found_among_others() -> None:
    ours = TOKENS.message_id("2025-W12", 7, "papers.example.org")

    assert message_ids(f"Message-ID: {ours}\nReferences: <other@example.net>") == [ours]


def test_a_sign_tells_the_issue_and_the_addresses_it_went_to() -> None:
    went = [("2025-W12", "old@example.net"), ("2025-W13", "ada@example.net")]

    assert candidate(FoundToken(7, issue_tag("2025-W12")), "ada@example.net", went) == Candidate(
        7, "2025-W12", ("ada@example.net", "old@example.net")
    )
    assert candidate(FoundToken(7), "ada@example.net", went).issue == ""


@pytest.mark.parametrize(
    "told",
    [
        finding("ada@example.net"),
        finding("ADA@EXAMPLE.NET"),
        finding("ada@elsewhere.example", "ada@example.net"),
        finding(""),
        finding("redacted@example.net"),
        finding("5d41402abc4b2a76b9719d911017c592"),
        finding("****@example.net"),
    ],
)
def test_a_report_is_believed_on_the_address_of_its_sign_or_on_a_hidden_one(told: RecipientReport) -> None:
    assert believed(told, [ADA]) == ADA


def test_a_report_on_somebody_else_is_not_believed_whoevers_token_it_holds() -> None:
    assert believed(finding("bob@example.net"), [ADA]) is None
    assert believed(finding("bob@example.net"), []) is None


def test_a_hidden_address_with_the_tokens_of_two_people_is_nobodys() -> None:
    bob = Candidate(8, "2025-W12", ("bob@example.net",))

    assert believed(finding(""), [ADA, bob]) is None
    assert believed(finding("bob@example.net"), [ADA, bob]) == bob
