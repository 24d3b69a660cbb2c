"""What votes and showings say today."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from newsletter.selector.vote_signals import (
    FAINTEST,
    LASTS,
    MOST_SURPRISE,
    PASSED_ISSUES,
    PASSED_LASTS,
    QUIET_ISSUES,
    RESTLESS,
    restless,
    signals,
    with_vote_signals,
)
from newsletter.testing import NOON, make_profile
from newsletter.types import Showing, Signal, Verb, Vote


def vote(entry: str = "a", verb: Verb = Verb.MORE, days: float = 0) -> Vote:
    return Vote(entry, verb, NOON - timedelta(days=days))


def showings(*issues: str, days: int = 0, step: int = 7) -> list[Showing]:
    """An issue a word; each shows the papers that its letters name, one issue a week, the last one `days` ago."""
    ages = [days + step * place for place in reversed(range(len(issues)))]
    return [
        Showing(entry, f"issue-{number}", NOON - timedelta(days=age))
        for number, (age, issue) in enumerate(zip(ages, issues, strict=True))
        for entry in issue
    ]


def quiet(issues: int) -> list[Showing]:
    return showings(*("x" * issues))


@pytest.mark.parametrize(("verb", "weight"), [(Verb.MORE, 0.8), (Verb.SAVE, 1.0), (Verb.LESS, 1.0)])
def test_a_fresh_vote_has_its_full_strength_and_half_of_it_after_half_a_year(verb: Verb, weight: float) -> None:
    old, new = signals([vote("b", verb), vote("a", verb, days=180)], [], NOON)

    assert (old, new) == (Signal("a", verb, weight / 2), Signal("b", verb, weight))


def test_a_vote_from_after_now_is_no_stronger_than_a_fresh_one() -> None:
    assert signals([vote(days=-300)], [], NOON) == (Signal("a", Verb.MORE, 0.8),)


def test_a_vote_is_forgotten_when_little_of_it_is_left() -> None:
    nearly, gone = LASTS / timedelta(days=1) - 1, LASTS / timedelta(days=1) + 1

    [faint] = signals([vote("a", Verb.SAVE, nearly), vote("b", Verb.SAVE, gone)], [], NOON)

    assert faint.entry == "a"
    assert faint.weight == pytest.approx(FAINTEST, rel=0.01)


def test_the_later_word_on_a_paper_counts_in_whatever_order_they_come() -> None:
    words = [vote("a", Verb.LESS, days=1), vote("a", Verb.MORE, days=2)]

    assert [each.verb for each in signals(words, [], NOON)] == [Verb.LESS]
    assert signals(words, [], NOON) == signals(words[::-1], [], NOON)


def test_papers_left_alone_count_a_little_where_another_of_the_issue_was_wanted() -> None:
    found = signals([vote("a", Verb.SAVE), vote("d", Verb.LESS)], showings("ab", "cd", "e"), NOON)

    assert {(each.entry, each.verb) for each in found} == {
        ("a", Verb.SAVE),
        ("b", Verb.PASSED),
        ("d", Verb.LESS),
    }
    assert min(each.weight for each in found) == pytest.approx(0.1 * 0.5 ** (14 / 45))


def test_silence_is_not_dislike() -> None:
    assert signals([], showings("ab", "cd"), NOON) == ()
    assert [each.entry for each in signals([vote("old", days=3)], showings("ab", "cd"), NOON)] == ["old"]


def test_a_paper_left_alone_is_forgotten_sooner_than_a_vote() -> None:
    late = PASSED_LASTS // timedelta(days=1) + 1

    found = signals([vote("a"), vote("c")], [*showings("ab", days=late), *showings("cd", days=late - 2)], NOON)

    assert {each.entry for each in found} == {"a", "c", "d"}


def test_papers_are_passed_over_in_the_latest_issues_only() -> None:
    issues = [f"{chr(200 + n)}{chr(400 + n)}" for n in range(PASSED_ISSUES + 3)]

    found = signals([vote(issue[0]) for issue in issues], showings(*issues, step=1), NOON)

    passed = {each.entry for each in found if each.verb is Verb.PASSED}
    assert passed == {issue[1] for issue in issues[-PASSED_ISSUES:]}


def test_signals_are_oldest_first() -> None:
    found = signals([vote("a", days=3), vote("c", days=40)], showings("ab", days=20), NOON)

    assert [each.entry for each in found] == ["c", "b", "a"]


@pytest.mark.parametrize(
    ("votes", "issues", "extra"),
    [
        ([], QUIET_ISSUES, 0),  # never said a word: a reader who only reads
        ([vote(days=300)], QUIET_ISSUES, RESTLESS),
        ([vote(days=300)], QUIET_ISSUES - 1, 0),
        ([vote(days=300), vote("b", Verb.LESS, days=1)], QUIET_ISSUES, 0),  # any word says that the mail is read
    ],
)
def test_who_used_to_vote_and_fell_silent_is_shown_more_that_is_new(
    votes: list[Vote], issues: int, extra: float
) -> None:
    assert restless(votes, quiet(issues), NOON) == extra


@pytest.mark.parametrize(
    ("own", "usual", "surprise"),
    [(None, 0.1, 0.2), (0.2, 0.1, 0.3), (0.0, 0.1, 0.0), (0.45, 0.1, MOST_SURPRISE), (0.8, 0.1, 0.8)],
)
def test_surprise_is_raised_within_bounds_and_never_against_a_wish(
    own: float | None, usual: float, surprise: float
) -> None:
    profile = replace(make_profile("kettles"), surprise=own)

    heard = with_vote_signals(profile, [vote(days=300)], quiet(QUIET_ISSUES), NOON, usual)

    assert heard.surprise == pytest.approx(surprise)
    assert heard.interests == profile.interests


def test_a_reader_who_votes_keeps_their_own_surprise() -> None:
    heard = with_vote_signals(make_profile("kettles"), [vote()], quiet(QUIET_ISSUES), NOON, 0.1)

    assert heard == replace(make_profile("kettles"), signals=(Signal("a", Verb.MORE, 0.8),))
