"""Fixtures that several test files share."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import timedelta
from functools import wraps
from pathlib import Path
from shutil import copy
from typing import Any

import leaks
import pytest
from click.testing import CliRunner, Result
from examples import FULL
from hypothesis import settings as tries
from wirelint import violations

from newsletter.cli import main
from newsletter.config import Settings
from newsletter.engine import Engine, make_engine
from newsletter.renderer import find_all
from newsletter.renderer.lint import LintFinding
from newsletter.renderer.mime import Envelope
from newsletter.sender import DispatchTuning
from newsletter.sender.dkim import Signer
from newsletter.services import doctor
from newsletter.services.sending import SendTuning
from newsletter.store import Named, Store
from newsletter.store.database import Database
from newsletter.testing import NOON, MemoryTransport, make_entry, make_profile, make_subscriber
from newsletter.testing import Clock as Clock  # tests that read it from here keep doing so
from newsletter.types import Mail
from newsletter.web.preview import checks

# no property holds only on a machine with nothing else to do: hypothesis would allow 0.2 s a try
tries.register_profile("every run", tries.default, deadline=None, max_examples=100)
tries.register_profile("full", tries.default, deadline=None, max_examples=FULL)
tries.load_profile("every run")

Run = Callable[..., Result]
LOOKED_AT = 50  #: mails of one test
MIGRATE = Database.migrate
ROOT = Path(__file__).parent.parent
SHARED = ROOT.parent / "shared"


def pytest_configure() -> None:
    leaks.watch()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_teardown() -> Iterator[None]:
    """After all fixtures: what is left open is charged to the test that left it, not to whom the collector meets."""
    yield
    left = leaks.left_open()
    assert not left, left


@pytest.fixture(autouse=True)
def _every_mail_keeps_the_rules(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[None]:
    """Whatever mail a test makes, its bytes go through the wire lint; signed ones a second time.

    But for the tests of the linter, whose templates are broken, and are refused for it.
    """
    if request.path.name == "test_lint.py":
        yield
        return
    made: dict[bytes, None] = {}

    def looked_at(make: Callable[..., Mail]) -> Callable[..., Mail]:
        @wraps(make)
        def wrapper(*given: object, **named: object) -> Mail:
            mail = make(*given, **named)
            made[mail.body] = None
            return mail

        return wrapper

    monkeypatch.setattr(Envelope, "seal", looked_at(Envelope.seal))
    monkeypatch.setattr(Signer, "sign", looked_at(Signer.sign))
    yield
    wrong = {violation for body in list(made)[:LOOKED_AT] for violation in violations(body)}
    assert not wrong, wrong


@pytest.fixture(autouse=True, scope="session")
def _templates_are_linted_once() -> Iterator[None]:
    """The doctor and the preview ask in each of their tests what is wrong with templates that are the same in most."""
    known: dict[str, tuple[LintFinding, ...]] = {}

    def find(*given: Any) -> tuple[LintFinding, ...]:
        asked = repr(given)
        if asked not in known:
            known[asked] = find_all(*given)
        return known[asked]

    with pytest.MonkeyPatch.context() as patch:
        for who in (doctor, checks):
            patch.setattr(who, "find_all", find)
        yield


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with all tables and nothing in them: to make one takes longer than most tests."""
    path = tmp_path_factory.mktemp("migrated") / "newsletter.db"
    store = Store(f"sqlite:///{path}")
    MIGRATE(store.database)
    store.close()
    return path


@pytest.fixture(autouse=True)
def _new_databases_are_copies(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> None:
    """But in the tests of the store: a database that a command sets up is the ready one, as `migrate` would make it."""
    if request.path.parent.name == "store":
        return

    def migrate(self: Database) -> tuple[str, str]:
        path = self._engine.url.database
        if self._engine.dialect.name != "sqlite" or not path or self.revision():
            return MIGRATE(self)
        with (
            closing(sqlite3.connect(request.getfixturevalue("migrated"))) as ready,
            closing(sqlite3.connect(path)) as new,
        ):
            ready.backup(new)
        return "", self.revision()

    monkeypatch.setattr(Database, "migrate", migrate)


@pytest.fixture
def store(migrated: Path, tmp_path: Path) -> Iterator[Store]:
    copy(migrated, tmp_path)
    store = Store(f"sqlite:///{tmp_path / 'newsletter.db'}")
    store.check()
    yield store
    store.close()


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings.model_validate(
        {
            "newsletter": {
                "sender": "The Weekly Preprint <weekly@papers.example.org>",
                "base_url": "https://papers.example.org",
                "secret": "not very secret",
            },
            "home": tmp_path,
        }
    )


@pytest.fixture
def transport() -> MemoryTransport:
    return MemoryTransport()


@pytest.fixture
def engine(settings: Settings, store: Store, transport: MemoryTransport, clock: Clock) -> Engine:
    return make_engine(settings, store, transport, clock)


TOPICS = ("video diffusion", "plasma turbulence", "state-space models", "medical imaging", "graph kernels")


@pytest.fixture
def weekly(engine: Engine) -> Engine:
    """An engine with twenty entries, three readers, and the issue 2025-W12 planned."""
    named = [
        Named(make_entry(f"{topic}-{n}".replace(" ", "-")), (f"id:{topic}-{n}",)) for topic in TOPICS for n in range(4)
    ]
    engine.store.sightings.add(named, NOON - timedelta(hours=1))
    people = [make_subscriber(name, 0, profile=make_profile(TOPICS[n])) for n, name in enumerate(("Ada", "Bob", "Cyd"))]
    engine.store.subscribers.put_all(people, "test", NOON)
    engine.planning.plan()
    return engine


def rewired(engine: Engine, settings: Settings | None = None, dispatch: DispatchTuning | None = None) -> Engine:
    """The same store, transport and clock with other settings, or in other hurry."""
    tuning = SendTuning(dispatch=dispatch) if dispatch else None
    return make_engine(
        settings or engine.settings, engine.store, engine.sending.routes[0].transport, engine.now, tuning
    )


def with_smtp(settings: Settings, port: int, **more: Any) -> Settings:
    """The same settings with a server on loopback."""
    smtp = {"host": "127.0.0.1", "port": port, "security": "none", "timeout": "5s", **more}
    tables = settings.model_dump(exclude={"smtp"})
    return Settings.model_validate({**tables, "smtp": smtp, "home": settings.home})


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in an empty folder; any traceback fails the test."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NEWSLETTER_CONFIG", raising=False)

    def invoke(*words: str, code: int = 0, **more: object) -> Result:
        result = CliRunner().invoke(main, words, catch_exceptions=False, **more)  # type: ignore[arg-type]
        assert result.exit_code == code, result.output
        return result

    return invoke


def with_model(model: str) -> None:
    """Configure a newsletter in this folder that has the seeds as its source, and this embedder."""
    Path("newsletter.toml").write_text(
        f'[newsletter]\nsender = "W <w@papers.example.org>"\n[selection]\nmodel = "{model}"\n'
        f'[[source]]\nname = "seeds"\nlocation = "{ROOT / "seeds" / "papers.jsonl"}"\n'
    )
