"""`newsletter doctor`, as a user types it; what it makes of the settings, the templates and the database."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import create_engine, text
from verifier import DKIM
from zones import Zones

from newsletter.cli import main
from newsletter.config import Settings, secret_files
from newsletter.doctor import Tools
from newsletter.doctor.seams import Call, NoCall, Page, RelaySetup
from newsletter.services import doctor
from newsletter.services.doctor import look_at_database, look_at_templates, setup_of
from newsletter.store import Store
from newsletter.testing import NOON, ScriptedServer, make_certificate

Run = Callable[..., Result]
GOOD = """
[newsletter]
sender = "The Weekly Preprint <weekly@papers.quires.org>"
base_url = "https://papers.quires.org"
postal_address = "1 Example Street"
[smtp]
host = "mail.quires.org"
username = "weekly"
password_file = "smtp.password"
[bounces]
maildir = "Maildir"
"""


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run a command in a folder with a newsletter."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NEWSLETTER_CONFIG", raising=False)
    (tmp_path / "newsletter.toml").write_text(GOOD)
    (tmp_path / "smtp.password").touch(0o600)
    (tmp_path / "smtp.password").write_text("swordfish")

    def invoke(*words: str, code: int = 0) -> Result:
        result = CliRunner().invoke(main, words, catch_exceptions=False)
        assert result.exit_code == code, result.output
        return result

    return invoke


class Refusing:
    """A relay and a site that do not like us."""

    async def call(self, relay: RelaySetup) -> Call:
        raise NoCall(f"535 {relay.password} is wrong", "login")

    async def ask(self, method: str, url: str, body: bytes = b"") -> Page:
        return Page(404, {}, f"{method} {url} {body!r}")


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not the real one."""
    zones = Zones(
        {"papers.quires.org MX": "10 mx.quires.org", "mx.quires.org A": "93.184.215.14", "away.org MX": "0 ."}
    )
    monkeypatch.setattr(
        doctor, "tools", lambda: Tools(zones, Refusing(), Refusing(), lambda: ("93.184.215.14",), lambda: NOON)
    )


def rows(result: Result) -> list[dict[str, str]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_offline_it_is_content_with_a_good_configuration(run: Run, tmp_path: Path) -> None:
    run("migrate")

    result = run("doctor", "--offline")

    assert "error" not in result.output
    assert result.output.startswith("Sender\n  ok       From")
    assert re.search(r"\n\d+ ok(, 1 warning)?\n$", result.output)  # the database file may be open to others


def test_errors_are_told_with_what_to_do_and_the_exit_code(run: Run, world: None) -> None:
    result = run("doctor", code=1)

    assert re.search(r"\n  error    DMARC of papers\.quires\.org +none\n           Publish this record", result.output)
    assert '\n           _dmarc.papers.quires.org. TXT "v=DMARC1; p=none; rua=' in result.output
    assert re.search(r"\n\d+ ok, \d+ warnings, \d+ errors, \d+ skipped\n$", result.output)
    assert "swordfish" not in result.output


def test_json_lines_hold_every_finding(run: Run, world: None) -> None:
    found = rows(run("doctor", "--format", "jsonl", code=1))

    assert {"group", "name", "level", "found", "todo", "record"} == set(found[0])
    assert [finding["level"] for finding in found if finding["name"] == "mail to papers.quires.org"] == ["ok"]
    [login] = [finding for finding in found if finding["name"] == "login to mail.quires.org:25"]
    assert login["found"] == "535 … is wrong"


def test_an_address_is_looked_at_without_a_mail(run: Run, world: None) -> None:
    found = rows(run("doctor", "--to", "a@away.org", "--format", "jsonl", code=1))

    assert [finding["level"] for finding in found if finding["name"] == "mail to away.org"] == ["error"]
    assert run("doctor", "--to", "nobody", code=1).stderr.count("\n") == 1


def test_nothing_is_made_by_looking(run: Run, tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))

    result = run("doctor", "--offline")

    assert sorted(tmp_path.rglob("*")) == before
    assert "newsletter.db is not there yet" in result.output


def test_a_secret_that_all_can_read_is_an_error(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)  # pytest's own folders are closed
        file = Path(folder, "smtp.password")
        file.write_text("swordfish")
        file.chmod(0o644)
        monkeypatch.setenv("NEWSLETTER_SMTP__PASSWORD_FILE", str(file))

        result = run("doctor", "--offline", code=1)

    assert f"[smtp] password_file  {file} can be read by every user" in result.output
    assert f"chmod o-rwx {file}" in result.output


# what it makes of them


def settings(tmp_path: Path, **sections: Any) -> Settings:
    newsletter = {"sender": "W <w@papers.quires.org>", "base_url": "https://papers.quires.org"}
    tables: dict[str, Any] = {"newsletter": newsletter, **sections}
    return Settings.model_validate({**tables, "home": tmp_path})


def test_the_sample_is_a_mail_of_nobody_signed_with_every_key(tmp_path: Path) -> None:
    setup = setup_of(settings(tmp_path, dkim={**DKIM, "domain": "papers.quires.org"}), {}, NOON)

    assert setup.sample.count(b"DKIM-Signature:") == 2
    assert setup.unsubscribe.encode() in setup.sample
    assert b"To: nobody@example.org\r\n" in setup.sample
    assert [key.selector for key in setup.keys] == ["s2025", "e2025"]


def test_a_key_that_cannot_sign_is_told_and_the_rest_goes_on(tmp_path: Path) -> None:
    broken = settings(tmp_path, dkim={"domain": "papers.quires.org", "selector": "s", "key": "no key"})

    setup = setup_of(broken, {}, NOON)

    [key] = [finding for finding in setup.premises if finding.name == "DKIM key"]
    assert key.level == "error"
    assert "PEM" in key.found
    assert (setup.sample, setup.keys) == (b"", ())


def test_templates_that_do_not_compile_are_told(tmp_path: Path) -> None:
    own = tmp_path / "mine" / "weekly"
    own.mkdir(parents=True)
    (own / "edition.mjml").write_text("<mjml>{{")

    found = look_at_templates(settings(tmp_path, newsletter={"templates": "mine"}))

    assert (found.level, "weekly/edition.mjml" in found.found) == ("error", True)
    assert look_at_templates(settings(tmp_path, newsletter={"templates": "nowhere"})).level == "error"


def store_at(path: Path) -> str:
    store = Store(f"sqlite:///{path}")
    store.check()
    store.close()
    return f"sqlite:///{path}"


def test_a_database_that_is_ready_is_told(tmp_path: Path) -> None:
    url = store_at(tmp_path / "a.db")

    assert look_at_database(settings(tmp_path, store={"url": url})).level == "ok"


def test_a_database_of_another_version_is_told(tmp_path: Path) -> None:
    url = store_at(tmp_path / "a.db")
    database = create_engine(url)
    with database.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '0001'"))
    database.dispose()

    found = look_at_database(settings(tmp_path, store={"url": url}))

    assert (found.level, found.todo) == ("error", "Run `newsletter migrate`.")


def test_a_database_that_is_none_or_empty_is_told(tmp_path: Path) -> None:
    (tmp_path / "none.db").write_text("this is not a database, and long enough to see that " * 20)
    (tmp_path / "empty.db").touch()

    assert look_at_database(settings(tmp_path, store={"url": "sqlite:///none.db"})).level == "error"
    assert look_at_database(settings(tmp_path, store={"url": "sqlite:///empty.db"})).found == "is empty"
    assert look_at_database(settings(tmp_path, store={"url": "nonsense://x"})).level == "error"


def test_secrets_are_known_by_the_files_that_hold_them(tmp_path: Path) -> None:
    file = tmp_path / "newsletter.toml"
    file.write_text('[newsletter]\nsecret = "x"\n[smtp]\npassword_file = "p"\n[dkim]\nkey_file = "/etc/k"\n')

    found = secret_files(file, {"NEWSLETTER_SELECTION__MODEL_KEY_FILE": "m", "NEWSLETTER_SUMMARY__KEY": "in clear"})

    assert found == {
        "[newsletter] secret": file,
        "[smtp] password_file": tmp_path / "p",
        "[dkim] key_file": Path("/etc/k"),
        "[selection] model_key_file": tmp_path / "m",
    }
    assert "[newsletter] secret" not in secret_files(file, {"NEWSLETTER_NEWSLETTER__SECRET": "y"})
    assert secret_files(None, {}, tmp_path / "nowhere") == {}


def test_the_spf_record_that_counts_is_of_the_address_for_bounces(tmp_path: Path) -> None:
    assert setup_of(settings(tmp_path), {}, NOON).envelope_domain == "papers.quires.org"
    own = settings(tmp_path, bounces={"address": "in@bounces.quires.org"})
    assert setup_of(own, {}, NOON).envelope_domain == "bounces.quires.org"


async def test_the_relay_is_called_by_the_rules_of_the_sender(tmp_path: Path) -> None:
    context, authority = make_certificate(tmp_path)
    smtp = {"host": "127.0.0.1", "ca_file": authority.name, "tls_minimum": "1.3", "timeout": "5s"}
    async with ScriptedServer(tls=context) as server:
        [relay] = setup_of(settings(tmp_path, smtp={**smtp, "port": server.port}), {}, NOON).relays
        call = await doctor.tools().caller.call(relay)
        with pytest.raises(NoCall, match="ca_file"):
            await doctor.tools().caller.call(replace(relay, ca_file=str(tmp_path / "gone.pem")))

    assert call.tls == "TLSv1.3"
