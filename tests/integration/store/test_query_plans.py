"""What runs during a send looks at no rows but its own, however many issues and readers there are."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy
from sqlalchemy import event

from newsletter.services.claiming import claim_due
from newsletter.store import Later, Store
from newsletter.testing import NOON

ISSUE = "2025-W12"


@contextmanager
def said() -> Iterator[list[tuple[str, Any]]]:
    """What is asked of the database meanwhile: (statement, values)."""
    statements: list[tuple[str, Any]] = []

    def note(_: object, __: object, statement: str, values: Any, *___: object) -> None:
        statements.append((statement, values))

    event.listen(sqlalchemy.Engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(sqlalchemy.Engine, "before_cursor_execute", note)


@pytest.mark.parametrize(
    ("work", "way"),
    [
        (lambda store: store.ledger.release(1), "SEARCH deliveries USING PRIMARY KEY (issue=?)"),
        (
            lambda store: store.ledger.complaints(ISSUE),
            "SEARCH deliveries USING PRIMARY KEY (issue=? AND subscriber=?)",
        ),
        (
            lambda store: claim_due(store.ledger, ISSUE, 1, NOON, 100),
            "SEARCH deliveries USING INDEX deliveries_waiting (issue=? AND due<?)",
        ),
    ],
    ids=["release", "complaints", "claim"],
)
def test_how_deliveries_are_found(work: Callable[[Store], object], way: str, store: Store, tmp_path: Path) -> None:
    with said() as statements:
        work(store)

    assert looked_up(tmp_path, statements) == [way]


def test_what_is_claimed_is_found_by_its_number(store: Store, tmp_path: Path) -> None:
    with said() as statements:
        store.ledger.claim(ISSUE, 1, NOON, [1, 2], {3: Later(timedelta(hours=1))})
        store.ledger.claim(ISSUE, 1, NOON, [], {3: Later(timedelta(hours=1))})

    assert set(looked_up(tmp_path, statements)) == {"SEARCH deliveries USING PRIMARY KEY (issue=? AND subscriber=?)"}


def looked_up(folder: Path, statements: list[tuple[str, Any]]) -> list[str]:
    """How SQLite finds deliveries for them."""
    database = sqlite3.connect(folder / "newsletter.db")
    plans = [database.execute(f"EXPLAIN QUERY PLAN {each}", values).fetchall() for each, values in statements]
    database.close()
    return [row[3] for rows in plans for row in rows if " deliveries" in row[3]]
