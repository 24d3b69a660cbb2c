"""How fast papers rise."""

from __future__ import annotations

import math

import pytest

from newsletter.collector.trend import Counted, field_of, growth, trends

TODAY = 20_000


def counted(key: str, *votes: int, age: int = 3, field: str = "cs", stars: int | None = None) -> Counted:
    days = [(TODAY - len(votes) + 1 + n, count) for n, count in enumerate(votes)]
    more = {"hf/stars": [(TODAY, stars)]} if stars is not None else {}
    return Counted(key, field, age, {**({"hf/votes": days} if votes else {}), **more})


def test_what_rises_faster_stands_higher() -> None:
    found = trends([counted(str(n), 0, n * n) for n in range(10)], TODAY)

    assert sorted(found, key=lambda key: found[key]) == [str(n) for n in range(10)]
    assert 0 < found["0"] < 0.5 < found["9"] < 1


def test_a_paper_without_a_signal_has_no_trend() -> None:
    assert trends([counted("silent"), counted("loud", 5)], TODAY).keys() == {"loud"}


def test_fields_and_ages_are_compared_among_themselves() -> None:
    ai = [counted(f"ai{n}", 0, 1_000 + n) for n in range(9)]
    physics = [counted(f"ph{n}", 0, n, field="physics") for n in range(9)]
    old = [counted(f"old{n}", 0, n, age=30) for n in range(9)]

    found = trends([*ai, *physics, *old], TODAY)

    assert found["ph8"] == found["ai8"] > 0.7


def test_few_papers_and_few_signals_say_little() -> None:
    alone = trends([counted("a", 0, 9)], TODAY)["a"]
    two = trends([counted("a", 0, 9), counted("b", 0, 1)], TODAY)["a"]
    many = trends([counted("a", 0, 9), *(counted(f"b{n}", 0, 1) for n in range(50))], TODAY)["a"]
    others = (counted(f"b{n}", 0, 1, stars=n % 3) for n in range(50))
    both = trends([counted("a", 0, 9, stars=99), *others], TODAY)["a"]

    assert alone == 0.5 < two < many < both < 1


@pytest.mark.parametrize(
    ("counts", "age", "rise"),
    [
        ([(TODAY - 9, 10), (TODAY - 7, 20), (TODAY, 50)], 30, 30),
        ([(TODAY, 50)], 3, 50),
        ([(TODAY, 50)], 30, None),
        ([(TODAY - 1, 40), (TODAY, 50)], 30, None),
        ([(TODAY - 2, 40), (TODAY, 50)], 30, 35),
        ([(TODAY - 8, 40)], 3, None),
        ([(TODAY - 7, 40), (TODAY, 30)], 30, 0),
        ([], 3, None),
    ],
)
def test_growth_is_of_seven_days(counts: list[tuple[int, int]], age: int, rise: float | None) -> None:
    found = growth(counts, TODAY, age)

    assert found == (None if rise is None else pytest.approx(math.log1p(rise)))


def test_the_field_is_the_archive_of_the_first_category() -> None:
    assert field_of(["machine learning", "cs.AI", "math.OC"]) == "cs"
    assert field_of(["Genomics"]) == "Genomics"
    assert field_of([]) == ""
