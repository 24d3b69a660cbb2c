"""A mark of what the next issue is made of: papers and issues. Cheap on either database: it reads indexes alone."""

from __future__ import annotations

from sqlalchemy import func, select

from newsletter.store.database import Database
from newsletter.store.schema import entries, issues, sources, summaries

Mark = tuple[object, ...]

_MARK = select(
    *(
        select(value).scalar_subquery()
        for value in (
            func.count(entries.c.announced),
            func.max(entries.c.announced),
            func.max(entries.c.num),
            func.count(issues.c.num),
            func.max(issues.c.num),
            func.max(issues.c.planned),
            func.max(sources.c.checked),
            func.count(summaries.c.key),
        )
    )
)


class Changes:
    """Tells whether papers or issues changed."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def mark(self) -> Mark:
        """Another value after each collection that found something, each summary and each issue; else the same.

        Readers' own changes are no part of it: whoever needs those reads them.
        """
        with self._database.read() as connection:
            return tuple(connection.execute(_MARK).one())
