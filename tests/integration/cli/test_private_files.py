"""Files with readers' addresses, links that act for them, or secrets: nobody else on the machine can read them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from click.testing import CliRunner
from sqlalchemy import create_engine, text

from newsletter.cli import main
from newsletter.store import Store

pytestmark = pytest.mark.skipif(os.name != "posix", reason="file modes are of other systems")


@pytest.fixture
def folder(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder that others may enter (pytest's own are closed), and a process that hides nothing by itself."""
    with TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        monkeypatch.chdir(name)
        monkeypatch.delenv("NEWSLETTER_CONFIG", raising=False)
        before = os.umask(0o000)
        yield Path(name)
        os.umask(before)


def run(*words: str, code: int = 0) -> str:
    result = CliRunner().invoke(main, words, catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result.output


def mode(file: Path) -> int:
    return file.stat().st_mode & 0o777


def test_the_doctor_finds_nothing_wrong_with_the_files_that_init_made(folder: Path) -> None:
    run("init", ".")

    told = run("doctor", "--offline", code=1)  # the example addresses are still to be replaced

    assert {mode(folder / name) for name in ("newsletter.db", "newsletter.secret")} == {0o600}
    machine = told[told.index("This machine") :]
    assert "warning  " not in machine
    assert "error  " not in machine


def test_the_journals_of_the_database_are_closed_as_it_is(folder: Path) -> None:
    run("init", ".")
    store = Store(f"sqlite:///{folder / 'newsletter.db'}")
    store.note("a", "line")

    found = {file.name: mode(file) for file in folder.glob("newsletter.db*")}
    store.close()

    assert found == dict.fromkeys(("newsletter.db", "newsletter.db-wal", "newsletter.db-shm"), 0o600)


@pytest.mark.parametrize("name", ["x.db", "file:x.db?uri=true", "file:x.db?mode=rwc&uri=true"])
def test_a_database_is_closed_however_its_url_is_written(folder: Path, name: str) -> None:
    Store(f"sqlite:///{name}").check()

    assert mode(folder / "x.db") == 0o600


def test_an_open_database_keeps_its_mode_and_the_doctor_tells(folder: Path) -> None:
    run("init", ".")
    (folder / "newsletter.db").chmod(0o644)

    told = run("doctor", "--offline", code=1)

    assert f"{folder / 'newsletter.db'} can be read by every user" in told
    assert mode(folder / "newsletter.db") == 0o644


def test_exports_previews_and_dry_runs_are_closed(folder: Path) -> None:
    run("init", ".")
    run("subscribers", "add", "ada@example.org", "--interests", "video diffusion")
    run("subscribers", "export", "people.jsonl")
    run("subscribers", "export", "people.csv")
    run("preview", "--subscriber", "ada@example.org", "--out", "mail.eml")
    run("plan", "--key", "K")
    run("send", "K", "--dry-run", "mails")

    files = [
        folder / "people.jsonl",
        folder / "people.csv",
        folder / "mail.eml",
        folder / "mails" / "ada@example.org.eml",
    ]
    assert [mode(file) for file in files] == [0o600] * 4


@pytest.mark.parametrize("words", ["", "\n", " \n\n"])
def test_an_emptied_secret_file_is_an_error_of_one_line(folder: Path, words: str) -> None:
    run("init", ".")
    (folder / "newsletter.secret").write_text(words)

    [line] = run("status", code=1).splitlines()
    assert line.startswith(f"Error: [newsletter] secret_file = '{folder / 'newsletter.secret'}': the file is empty")


@pytest.mark.parametrize("name", ["SECRET", "SECRET_FILE"])
def test_an_emptied_secret_in_the_environment_is_an_error(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    run("init", ".")
    monkeypatch.setenv(f"NEWSLETTER_NEWSLETTER__{name}", "")

    assert f"[newsletter] {name.lower()} is empty" in run("status", code=1)


@pytest.mark.parametrize("command", ["status", "migrate", "collect", "plan", "issues", "subscribers list", "preview"])
def test_every_command_tells_a_newer_database_in_one_line(folder: Path, command: str) -> None:
    run("init", ".")
    database = create_engine(f"sqlite:///{folder / 'newsletter.db'}")
    with database.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'ffff12345678'"))
    database.dispose()

    [line] = run(*command.split(), code=1).splitlines()

    assert line.startswith("Error: The database is of a newer version (ffff12345678) than this program (")
    assert "newer version (ffff12345678)" in run("doctor", "--offline", code=1)


def test_a_database_behind_a_link_that_leads_nowhere_yet_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    (tmp_path / "newsletter.db").symlink_to(tmp_path / "real.db")

    Store(f"sqlite:///{tmp_path / 'newsletter.db'}").check()

    assert (tmp_path / "real.db").stat().st_mode & 0o077 == 0
