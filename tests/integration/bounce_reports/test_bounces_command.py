"""The command `bounces`, as a user types it."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from returned import SAMPLES, bounce

from newsletter.bounces.verp import ReturnPath
from newsletter.cli import main
from newsletter.config import Settings, load
from newsletter.store import Store
from newsletter.tokens import Tokens
from newsletter.types import Mail


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A newsletter with one reader, Ada, and a mail to her that comes back: ada.eml."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("NEWSLETTER_CONFIG", raising=False)
    (tmp_path / "newsletter.toml").write_text(
        '[newsletter]\nsecret = "sesame"\nsender = "W <w@papers.example.org>"\n'
        '[bounces]\naddress = "bounces@papers.example.org"\nmaildir = "Maildir"\n'
    )
    run("subscribers", "add", "ada@example.org")
    store = Store(Settings(home=tmp_path).store_url)
    number = store.subscribers.find("ada@example.org").id
    store.close()
    sender = ReturnPath("bounces@papers.example.org", "+", Tokens("sesame")).of("2025-W12", number)
    (tmp_path / "ada.eml").write_bytes(bounce(Mail("<x@papers.example.org>", sender, "ada@example.org", b"To: x\n\n")))
    return tmp_path


def run(*words: str, code: int = 0, given: bytes = b"") -> Result:
    result = CliRunner().invoke(main, words, input=given, catch_exceptions=False)
    assert result.exit_code == code, result.output
    return result


def lines(result: Result) -> list[dict[str, object]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def status() -> str:
    return str(json.loads(run("subscribers", "show", "ada@example.org").output)["status"])


def test_a_file_is_read_and_obeyed_once(home: Path) -> None:
    [first] = lines(run("bounces", "ada.eml", "--format", "jsonl"))

    assert first == {
        "file": "ada.eml",
        "recipient": "ada@example.org",
        "kind": "bounce",
        "reason": "userunknown",
        "hard": True,
        "action": "bounced",
    }
    assert status() == "bounced"
    assert lines(run("bounces", "ada.eml", "--format", "jsonl"))[0]["action"] == "none: known already"


def test_standard_input_is_read(home: Path) -> None:
    [line] = lines(run("bounces", "-", "--format", "jsonl", given=(home / "ada.eml").read_bytes()))

    assert (line["file"], line["action"]) == ("-", "bounced")


def test_a_dry_run_changes_nothing(home: Path) -> None:
    assert lines(run("bounces", "--dry-run", "ada.eml", "--format", "jsonl"))[0]["action"] == "bounced"
    assert status() == "active"


def test_without_files_the_configured_maildir_is_read(home: Path) -> None:
    for part in ("new", "cur", "tmp"):
        (home / "Maildir" / part).mkdir(parents=True)
    (home / "Maildir" / "new" / "1").write_bytes((home / "ada.eml").read_bytes())

    assert "1 bounce; 1 subscribers get no more mail" in run("bounces").output
    assert [each.name for each in (home / "Maildir" / "cur").iterdir()] == ["1:2,S"]
    assert "nothing to read" in run("bounces").output


def test_names_and_addresses_that_others_wrote_are_shown_in_one_line_of_plain_text(home: Path) -> None:
    gone = [{"emailAddress": "\ud800a\x1bc\x9b@example.org"}]
    told = {"notificationType": "Bounce", "bounce": {"bounceType": "Permanent", "bouncedRecipients": gone}}
    names = (b"1\n{}\x1b[2J", b"2\xff")
    (home / "new").mkdir()
    for name in names:
        (home / "new" / os.fsdecode(name)).write_bytes(b"Subject: x\n\n" + json.dumps(told).encode())

    first, second = lines(run("bounces", "new", "--format", "jsonl"))

    assert (first["file"], first["recipient"]) == ("new/1 {} [2J", "?a c @example.org")
    assert second["file"] == "new/2?"
    assert not set("\x1b\x9b\0") & set(run("bounces", "new").output)


def test_a_maildir_is_read_though_nobody_answers_for_the_imap_folder(home: Path) -> None:
    with (home / "newsletter.toml").open("a") as file:
        file.write('imap_host = "localhost"\nimap_port = 1\nimap_username = "a"\nimap_password = "b"\n')
    (home / "Maildir" / "new").mkdir(parents=True)
    (home / "Maildir" / "new" / "1").write_bytes((home / "ada.eml").read_bytes())

    assert "imap localhost" in run("bounces", code=1).output
    assert status() == "bounced"


def test_without_files_and_without_a_mailbox_the_usage_is_told(home: Path) -> None:
    (home / "newsletter.toml").write_text("")

    assert "maildir or imap_host" in run("bounces", code=2).output


def test_a_folder_of_foreign_reports_is_told_and_ignored(home: Path) -> None:
    told = lines(run("bounces", str(SAMPLES), "--format", "jsonl"))

    assert len(told) > 60
    assert {str(each["action"]) for each in told if each["kind"] in ("bounce", "complaint")} == {
        "ignored: not ours",
        "none: auth-failure",
    }
    assert status() == "active"


def test_subscribers_show_tells_what_came_back(home: Path) -> None:
    run("bounces", "ada.eml")

    [told] = json.loads(run("subscribers", "show", "ada@example.org").output)["bounces"]
    assert {key: told[key] for key in ("issue", "reason", "hard", "status")} == {
        "issue": "",
        "reason": "userunknown",
        "hard": True,
        "status": "bounced",
    }


def test_a_file_that_is_not_there_is_named(home: Path) -> None:
    assert "gone.eml" in run("bounces", "gone.eml", code=1).output


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ('address = "no address"', "bounces@example.org"),
        (f'address = "{"b" * 28}@example.org"', "up to 27"),
        ('imap_host = "imap.example.org"', "imap_password_file"),
        ('imap_security = "none"', "tls"),
        ('ses_topics = ["bounces"]', "ses_topics"),
        ('delimiter = "?"', "delimiter"),
        ("soft_limit = 0", "soft_limit"),
    ],
)
def test_a_wrong_configuration_is_told_in_one_line(home: Path, section: str, words: str) -> None:
    (home / "newsletter.toml").write_text(f"[bounces]\n{section}\n")

    assert words in run("bounces", "ada.eml", code=1).output


def test_secrets_come_from_files_and_stand_in_no_message(home: Path) -> None:
    (home / "imap.password").write_text("open sesame\n")
    (home / "newsletter.toml").write_text(
        '[bounces]\nimap_host = "h"\nimap_username = "u"\nimap_password_file = "imap.password"\n'
    )
    section = load(None, {}, home).bounces

    assert section.imap_password is not None
    assert section.imap_password.get_secret_value() == "open sesame"
    assert "sesame" not in repr(section)
