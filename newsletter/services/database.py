"""The database of an installation, set up or migrated before an engine can be made with it."""

from __future__ import annotations

from contextlib import closing

from newsletter.store import Store


def set_up(url: str) -> None:
    """Make the tables where there are none; raises MigrationNeeded or another StoreError."""
    with closing(Store(url)) as store:
        store.check()


def migrate(url: str) -> tuple[str, str]:
    """Bring the tables to this version; returns the versions before ("" for none) and after. Raises StoreError."""
    with closing(Store(url)) as store:
        return store.database.migrate()
