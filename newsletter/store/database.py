"""One database: connect, transactions, migrations, and SQLAlchemy's errors turned into ours.

SQLite runs in WAL mode with synchronous=FULL, so that what was committed survives a power cut; a write
transaction takes its lock at the start (BEGIN IMMEDIATE), so that two writers wait instead of failing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from threading import Lock, local
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, Table, create_engine, event, exists, inspect, select, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError, SQLAlchemyError
from sqlalchemy.sql.elements import ColumnElement

from newsletter.errors import MigrationNeeded, NewerDatabase, StoreBusy, StoreError, StoreReadOnly
from newsletter.store.private_file import make_private
from newsletter.store.schema import REVISION
from newsletter.store.upsert import is_sqlite, upsert

BUSY_SECONDS = 10
MIGRATIONS = Path(__file__).parent / "migrations"
TOGETHER = 900  #: values in one question; older builds of SQLite take 999

Thing = TypeVar("Thing")


def batched(things: Iterable[Thing], size: int) -> Iterator[list[Thing]]:
    """Lists of at most `size`, in order."""
    remaining = iter(things)
    while some := list(islice(remaining, size)):
        yield some


class Database:
    """Connections and transactions for the parts of a Store; nobody else sees SQLAlchemy."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._turn = Lock()  #: of who writes to SQLite: it would ask again every 1, 2, 5, 10 ms instead
        self._views = local()  #: of each thread, the connection of the view that is open
        with _our_errors(url):
            self._engine = _connectable(url)
            self._is_sqlite = is_sqlite(self._engine.url)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A consistent view, by the connection of `view` where one is open in this thread; raises StoreError."""
        if shared := getattr(self._views, "connection", None):
            with _our_errors(self.url):
                yield shared
            return
        with _our_errors(self.url), self._engine.connect() as connection:
            yield connection

    @contextmanager
    def view(self) -> Iterator[None]:
        """Let all that this thread reads in the block come by one connection: to take one costs as much as a question.

        From SQLite it is all as of one moment.
        """
        before = getattr(self._views, "connection", None)
        with self.read() as self._views.connection:
            try:
                yield
            finally:
                self._views.connection = before

    @contextmanager
    def write(self, wait: bool = True) -> Iterator[Connection]:
        """One transaction, durable when the block ends; raises StoreError and then nothing was changed.

        Without `wait`, StoreBusy is raised at once where another one writes, and always by a server's database.
        """
        with self._its_turn(wait), _our_errors(self.url), self._engine.connect() as connection:
            connection = connection.execution_options(immediate=True, wait=wait)
            with connection.begin():
                yield connection

    @contextmanager
    def _its_turn(self, wait: bool) -> Iterator[None]:
        """Wait for a turn: SQLite takes one writer at a time; a server looks after that itself, and in its own time."""
        if not self._is_sqlite:
            if not wait:
                raise StoreBusy
            yield
            return
        if not self._turn.acquire(timeout=BUSY_SECONDS if wait else 0):
            raise StoreBusy
        try:
            yield
        finally:
            self._turn.release()

    def any_row(self, which: ColumnElement[bool]) -> bool:
        """Whether there is a row of which this is true: to look first spares the others a wait for the lock."""
        with self.read() as connection:
            return bool(connection.execute(select(exists().where(which))).scalar_one())

    def put(self, table: Table, rows: list[dict[str, Any]]) -> None:
        """Add the rows, or change those that have the same primary key; in one transaction."""
        if rows:
            with self.write() as connection:
                upsert(connection, table, rows)

    def revision(self) -> str:
        """The migration the database is at; "" for an empty one."""
        with self.read() as connection:
            if not inspect(connection).has_table("alembic_version"):
                return ""
            return connection.execute(text("SELECT version_num FROM alembic_version")).scalar_one_or_none() or ""

    def check(self) -> None:
        """Set up an empty SQLite file; raise MigrationNeeded where `newsletter migrate` is needed.

        Raises NewerDatabase where that would not help.
        """
        revision = self.revision()
        if revision == REVISION:
            return
        refuse_newer(revision)
        if revision or not self._is_sqlite:
            raise MigrationNeeded
        self.migrate()

    def migrate(self) -> tuple[str, str]:
        """Bring the tables to REVISION; safe to run twice and at once. Returns (before, after).

        Raises NewerDatabase where a later version of the program made them.
        """
        from alembic import command
        from alembic.config import Config

        config = Config()
        config.set_main_option("script_location", str(MIGRATIONS))
        before = self.revision()
        refuse_newer(before)
        with self.write() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
        return before, self.revision()

    def close(self) -> None:
        self._engine.dispose()


def refuse_newer(revision: str) -> None:
    """Raise NewerDatabase for a revision that none of our migrations leads to."""
    known = (file.name.partition("_")[0] for file in (MIGRATIONS / "versions").glob("*.py"))
    if revision and revision not in known:
        raise NewerDatabase(
            f"The database is of a newer version ({revision}) than this program ({REVISION}): update the program."
        )


def _connectable(url: str) -> Engine:
    if not is_sqlite(make_url(url)):
        return create_engine(url, pool_pre_ping=True)
    engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS, "check_same_thread": False})
    event.listen(engine, "do_connect", lambda *_: make_private(engine.url))
    event.listen(engine, "connect", _prepare_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _prepare_sqlite(connection: Any, record: object) -> None:  # noqa: ARG001
    connection.isolation_level = None  # SQLAlchemy's recipe: _begin_sqlite says BEGIN
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
        try:
            connection.execute(f"PRAGMA {pragma}")
        except connection.OperationalError as error:  # a read-only file can still be read
            if "readonly" not in str(error):
                raise


def _begin_sqlite(connection: Connection) -> None:
    options = connection.get_execution_options()
    if not options.get("immediate"):
        connection.connection.cursor().execute("BEGIN")  # takes no lock yet: there is no error to translate
        return
    if options.get("wait", True):
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        return
    connection.exec_driver_sql("PRAGMA busy_timeout = 0")
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")


@contextmanager
def _our_errors(url: str) -> Iterator[None]:
    try:
        yield
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as error:
        raise StoreError(f"[store] url = {_shown(url)!r}: {_first_line(error)}") from error
    except SQLAlchemyError as error:
        raise _translated(error, url) from error


def _translated(error: SQLAlchemyError, url: str) -> StoreError:
    words = _first_line(error.orig if isinstance(error, DBAPIError) and error.orig else error)
    if "locked" in words or "busy" in words:
        return StoreBusy()
    if "readonly" in words or "read-only" in words:
        return StoreReadOnly(f"The database {_shown(url)} is read-only.")
    if isinstance(error, OperationalError):
        return StoreError(f"The database {_shown(url)}: {words}.")
    return StoreError(f"The database {_shown(url)} refused: {words}")


def _shown(url: str) -> str:
    """The URL without its password."""
    try:
        return make_url(url).render_as_string(hide_password=True)
    except ArgumentError:
        return url


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]
