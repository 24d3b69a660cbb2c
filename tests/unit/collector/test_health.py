"""Whether a source is well, and what keeps mail from coming."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from newsletter.collector import Harvest, Kind, Parsed, judge
from newsletter.collector.health import stale_after
from newsletter.collector.normalize import finish
from newsletter.errors import SourceError
from newsletter.services.overview import Overview, findings
from newsletter.testing import NOON, make_entry
from newsletter.types import Health, IssueState, Source, SourceState, Status, Tally

SOURCE = Source("arXiv", "arxiv", "cs.AI")
KIND = Kind(lambda data, source, now: Parsed(()), stale_after=timedelta(days=4))
GOOD = Harvest(SOURCE, (finish(make_entry(), NOON),), dated=NOON - timedelta(days=1), online=True)
DAY = timedelta(days=1)


def after(*steps: tuple[Harvest, int, int]) -> Health:
    """`steps`: (harvest, added, days later)."""
    health = None
    for harvest, added, days in steps:
        health = judge(health, harvest, added, KIND, NOON + days * DAY)
    assert health is not None
    return health


def test_what_brings_news_is_fresh_and_then_quiet_since_then() -> None:
    assert (after((GOOD, 1, 0)).state, after((GOOD, 1, 0)).found) == (SourceState.FRESH, 1)

    quiet = after((GOOD, 1, 0), (GOOD, 0, 2))

    assert (quiet.state, quiet.since, quiet.news) == (SourceState.QUIET, NOON, NOON)


def test_a_source_that_did_not_move_is_stale_since_its_date() -> None:
    stale = after((GOOD, 1, 0), (GOOD, 0, 2), (replace(GOOD, unchanged=True, sightings=(), dated=None), 0, 5))

    assert (stale.state, stale.since, stale.found) == (SourceState.STALE, NOON - DAY, 1)
    assert stale.detail == "nothing newer than 16 March 2025 in it"
    assert after((GOOD, 1, 0), (replace(GOOD, online=False), 0, 9)).state is SourceState.QUIET


def test_a_calendar_of_its_own_makes_a_source_stale() -> None:
    strict = replace(KIND, late=lambda dated, now: "a feed was due")

    assert judge(None, GOOD, 0, strict, NOON).detail == "a feed was due"
    assert judge(None, GOOD, 1, strict, NOON).state is SourceState.FRESH


def test_failing_is_since_the_first_failure_and_remembers_success() -> None:
    bad = Harvest(SOURCE, error="cs.AI: 503")

    health = after((GOOD, 1, 0), (bad, 0, 1), (bad, 0, 3))

    assert (health.state, health.since, health.succeeded) == (SourceState.FAILING, NOON + DAY, NOON)
    assert (health.detail, health.found, health.added) == ("cs.AI: 503", 1, 0)


def test_partial_stays_partial_while_nothing_changes() -> None:
    part = replace(GOOD, problems=("entry 2: no title", "entry 3: no title"))

    health = after((part, 1, 0), (Harvest(SOURCE, unchanged=True), 0, 2))

    assert (health.state, health.since) == (SourceState.PARTIAL, NOON)
    assert health.detail == "entry 2: no title (and 1 more)"


def test_a_source_that_may_be_misspelt_is_stale_and_says_so() -> None:
    empty = after((replace(GOOD, sightings=(), doubt="is the subject spelt right?"), 0, 0))

    assert (empty.state, empty.detail) == (SourceState.STALE, "is the subject spelt right?")


def test_a_source_may_say_when_it_is_stale() -> None:
    assert stale_after(replace(SOURCE, options={"stale_after": "30d"}), KIND) == timedelta(days=30)
    with pytest.raises(SourceError, match="stale_after = 'soon': a duration"):
        stale_after(replace(SOURCE, options={"stale_after": "soon"}), KIND)


WELL = Overview(
    now=NOON,
    health=(Health("arXiv", SourceState.FRESH, NOON, NOON),),
    unread=(),
    since=NOON - 7 * DAY,
    news=5,
    seen=6,
    readers={Status.ACTIVE: 2},
    issues=(Tally("2025-W11", IssueState.DONE, planned=2, accepted=2),),
    due=NOON + DAY,
    collect_every=timedelta(hours=6),
)


def test_nothing_is_found_where_all_is_well() -> None:
    assert findings(WELL) == ()


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"health": (), "news": 0}, "No source is configured: add a [[source]]"),
        ({"unread": ("bioRxiv",)}, "Never read yet: bioRxiv. Run `newsletter collect`."),
        (
            {"health": (Health("arXiv", SourceState.FAILING, NOON, NOON, detail="503"),)},
            'The source "arXiv" cannot be read (since 2025-03-17 12:00 UTC): 503',
        ),
        ({"now": NOON + DAY}, "Nothing was collected since 2025-03-17 12:00 UTC: is `newsletter run`"),
        ({"news": 0, "seen": 3}, "all 3 papers that came are new versions of older ones"),
        ({"news": 0, "seen": 0}, "the sources could be read and had nothing that was not known"),
        (
            {"news": 0, "seen": 0, "health": (Health("arXiv", SourceState.STALE, NOON, NOON, detail="old"),)},
            "see the sources above",
        ),
        ({"readers": {Status.PENDING: 2, Status.PAUSED: 1}}, "2 signed up and did not open the link"),
        ({"issues": (Tally("W1", IssueState.PLANNED, 3, waiting=3),)}, "W1 is not sent: 3 wait. Run `newsletter send"),
        ({"issues": (Tally("W1", IssueState.DONE, 3, uncertain=1),)}, "W1: 1 may or may not have arrived"),
        ({"issues": (Tally("W1", IssueState.DONE, 3, refused=1),)}, "W1: 1 were refused"),
    ],
)
def test_what_stands_in_the_way_is_told(changes: dict[str, object], told: str) -> None:
    lines = findings(replace(WELL, **changes))  # type: ignore[arg-type]

    assert any(told in line for line in lines)
