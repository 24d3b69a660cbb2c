"""What a user sees, beside golden files of it: help, picks, tables, and the demo's mails to the byte.

Where a change is meant, `python tests/support/proofs.py keep . tests/data/golden` writes them anew.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from proofs import RANK, Code, clock_library, demo_mails, digests, helps, schema, versions

from newsletter.cli import main

ROOT = Path(__file__).parents[2]
GOLDEN = ROOT / "tests" / "data" / "golden"
HELP = {path.stem: path.read_text("utf-8") for path in sorted((GOLDEN / "help").glob("*.txt"))}


def made_with(*names: str) -> None:
    """Skip where other versions of these packages are installed: their output is theirs to change."""
    then, now = json.loads((GOLDEN / "versions.json").read_text()), versions()
    if other := [f"{name} {now[name]}, not {then[name]}" for name in names if now[name] != then[name]]:
        pytest.skip(f"the golden files are of another version: {', '.join(other)}")


def run(*words: str) -> str:
    result = CliRunner().invoke(main, words, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def rows(lines: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in lines.splitlines()]


def scores(ranked: list[dict[str, Any]]) -> list[float]:
    """Taken out, since another processor may round them another way."""
    return [pick.pop("score") for row in ranked for pick in row["picks"]]


def test_there_are_the_same_commands() -> None:
    assert sorted(helps()) == sorted(HELP)


def test_every_command_explains_itself_in_the_same_words() -> None:
    made_with("click")

    found = helps()

    for name, text in HELP.items():
        assert found[name] == text, name


def test_the_seeds_are_ranked_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT / "seeds")

    found, golden = rows(run(*RANK)), rows((GOLDEN / "rank.jsonl").read_text("utf-8"))

    assert scores(found) == pytest.approx(scores(golden), abs=2e-6)
    assert found == golden


def test_a_new_database_has_the_same_tables(tmp_path: Path) -> None:
    run("init", str(tmp_path / "new"))

    assert schema(tmp_path / "new" / "newsletter.db").decode() == (GOLDEN / "schema.sql").read_text("utf-8")


def test_the_demos_mails_are_the_same_to_the_byte(tmp_path: Path) -> None:
    made_with("mjml-python", "numba", "numpy", "premailer", "scipy")
    if clock_library() is None:
        pytest.skip("this test needs faketime (Debian: apt install faketime)")

    mails = demo_mails(Code(ROOT, work=tmp_path))

    assert mails[min(mails)] == (GOLDEN / "demo.eml").read_bytes()
    assert digests(mails) == (GOLDEN / "demo.sha256").read_text("utf-8")
