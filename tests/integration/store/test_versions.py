"""Which version a database is of, and whether what the next issue is made of changed."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import text

from newsletter.engine import Engine
from newsletter.errors import NewerDatabase
from newsletter.store import Named, Store
from newsletter.store.database import MIGRATIONS
from newsletter.store.schema import REVISION
from newsletter.testing import NOON, make_entry, make_subscriber
from newsletter.types import Status, Verb


def test_a_database_of_a_newer_version_asks_for_a_newer_program(store: Store) -> None:
    with store.database.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))

    for touch in (store.check, store.database.migrate):
        with pytest.raises(NewerDatabase, match=rf"newer version \(9999\) than this program \({REVISION}\)"):
            touch()


def test_the_name_of_a_migration_s_file_begins_with_its_revision() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    scripts = [*ScriptDirectory.from_config(config).walk_revisions()]

    assert [Path(script.path).name.partition("_")[0] for script in scripts] == [script.revision for script in scripts]


def test_papers_and_issues_change_the_mark(engine: Engine) -> None:
    store, marks = engine.store, {engine.store.changes.mark()}

    store.sightings.add([Named(make_entry("a"), ("a",))], NOON - timedelta(hours=1))
    marks.add(store.changes.mark())
    store.sources.put_summaries({"key": "text"})
    marks.add(store.changes.mark())
    engine.planning.plan()
    marks.add(store.changes.mark())

    assert len(marks) == 4


def test_what_readers_do_and_what_is_sent_changes_no_mark(weekly: Engine) -> None:
    before, ada = weekly.store.changes.mark(), weekly.store.subscribers.find("ada@example.org")

    weekly.store.subscribers.add(make_subscriber("Dan", 0), "test", NOON)
    weekly.subscriptions.vote(ada.id, "graph-kernels-0", Verb.MORE)
    weekly.subscriptions.set_status(ada.id, Status.UNSUBSCRIBED)
    weekly.store.note("embedder", "fails")

    assert weekly.store.changes.mark() == before
