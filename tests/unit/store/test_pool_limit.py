"""Which papers an issue chooses from, where there are too many of them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from newsletter.store.pool_limit import left_out, within_limit
from newsletter.testing import NOON, make_entry

OLD, NEW, NEWEST = (replace(make_entry(f"e{n}"), published=NOON + timedelta(days=n)) for n in range(3))
UNDATED = replace(make_entry("u"), published=None)


def test_a_pool_within_the_limit_stays_as_it_is() -> None:
    assert within_limit([OLD, NEW], 2, {}) == (OLD, NEW)


def test_the_newest_stay_in_their_order_and_what_has_no_date_goes_first() -> None:
    assert within_limit([NEWEST, UNDATED, OLD, NEW], 3, {}) == (NEWEST, OLD, NEW)


def test_what_several_sources_showed_stays_before_what_is_newer() -> None:
    assert within_limit([OLD, NEW, NEWEST], 2, {OLD.id: 3}) == (OLD, NEWEST)


def test_of_equals_the_first_stay() -> None:
    twins = [replace(NEW, id=f"t{n}") for n in range(5)]

    assert within_limit(twins, 2, {}) == tuple(twins[:2])


def test_what_is_left_out_is_told_in_a_line() -> None:
    assert left_out(20_000, 20_000) == ""
    assert left_out(26_000, 20_000) == "6,000 of 26,000 papers left out: an issue chooses from 20,000 at most"
