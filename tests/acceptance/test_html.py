"""html-validate finds nothing in our mails and pages but what has a reason (acceptance 3)."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from specimens import specimens
from tools import html_validate
from visitor import Visitor

from newsletter.config import resource
from newsletter.demo import demo
from newsletter.engine import Engine
from newsletter.store import Named, Plan
from newsletter.testing import NOON, MemoryTransport, make_entry
from newsletter.tokens import Purpose
from newsletter.types import Cadence, IssueState
from newsletter.web.charts import render_report
from newsletter.web.mail_parts import parts
from newsletter.web.preview.app import make_preview
from newsletter.web.public.app import make_app
from newsletter.web.public.archive import ON_A_PAGE

RULES = ["html-validate:recommended", "html-validate:document"]


class Excuse(NamedTuple):
    """Why a rule of theirs may be broken."""

    reason: str
    where: str = ""  #: a pattern of the findings; others are mistakes


IN_MAILS = {
    "no-inline-style": Excuse("Gmail drops <style> for accounts that are not its own"),
    "no-conditional-comment": Excuse("Outlook on Windows lays out by the tables that stand in them"),
    "no-deprecated-attr": Excuse(
        "Outlook on Windows takes sizes, sides and colours from them",
        '"(cellpadding|cellspacing|width|height|align|valign|bgcolor)" is deprecated on <(table|td|img)>',
    ),
    "prefer-native-element": Excuse("role=article on a <div>: mail programs drop the element", "<article>"),
    "prefer-tbody": Excuse("every parser adds it"),
}
IN_PAGES = {
    "no-implicit-button-type": Excuse("without a type a button submits, and ours do"),
    "no-implicit-input-type": Excuse("without a type an input is for text, and ours are"),
    "no-inline-style": Excuse("a margin that one place needs; a page has its <style> in itself, too"),
    "no-trailing-whitespace": Excuse("what is left of a line with nothing but a tag of Jinja"),
    "valid-id": Excuse("HTML wants no blank in it, and this is the name of the field", r"interests\.\d\.\w+"),
    "form-dup-name": Excuse("the rows of the interests are read as lists", '"interest_'),
    "require-sri": Excuse("scripts and styles of the preview come from where the page comes from", "^preview:"),
}


@pytest.fixture
def mails(engine: Engine, transport: MemoryTransport) -> dict[str, str]:
    """And the page that an issue has for everybody, which the same template makes."""
    found = {name: parts(mail).html for name, mail in specimens(engine, transport).items()}
    issue, _, _ = engine.planning.plan()
    engine.store.issues.set_state(issue.key, IssueState.DONE)
    return {**found, "public": Visitor(make_app(engine)).get(f"/archive/{issue.key}").text}


@pytest.fixture
def pages(weekly: Engine, tmp_path: Path) -> dict[str, str]:
    """Every template of templates/web in each of its states: "feedback-done" is of feedback.html."""
    weekly.store.sightings.add([Named(make_entry("saved/2"), ("id:saved/2",))], NOON - timedelta(hours=1))
    web = Visitor(make_app(weekly))
    found = {
        **public_pages(web),
        **readers_pages(web, weekly),
        **past_issues(web, weekly),
        "preview": Visitor(make_preview(weekly, None)).get("/").text,
    }
    found["quality"] = render_report(weekly.settings, weekly.evaluation.evaluate()).decode()
    return found


def public_pages(web: Visitor) -> dict[str, str]:
    return {
        "subscribe": web.get("/").text,
        "subscribe-wrong": web.post("/subscribe", data={"email": "a@b@c", "interests": ";".join("a" * 60)}).text,
        "inbox": web.post("/subscribe", data={"email": "new@example.org"}).text,
        "problem": web.get("/nowhere").text,
        "archive-none": web.get("/archive").text,
    }


def past_issues(web: Visitor, engine: Engine) -> dict[str, str]:
    """Of so many that they fill more than two pages."""
    frozen = engine.store.issues.frozen("2025-W12")
    for hours in range(2 * ON_A_PAGE + 1):
        issue = replace(frozen.issue, key=f"issue-{hours}", state=IssueState.DONE, until=NOON + timedelta(hours=hours))
        given = issue, frozen.masthead, frozen.templates, (), NOON, NOON, timedelta(), Cadence.WEEKLY
        engine.store.issues.plan(Plan(*given))
    return {"archive": web.get("/archive?page=2").text}


def readers_pages(web: Visitor, engine: Engine) -> dict[str, str]:
    """As Ada sees them, who votes, makes a mistake, pauses and leaves."""
    ada = engine.store.subscribers.find("ada@example.org")

    def at(purpose: Purpose, more: str = "") -> str:
        return f"/{purpose}/{engine.tokens.sign(purpose, ada.id)}{more}"

    return {
        "confirm": web.get(at(Purpose.CONFIRM)).text,
        "confirm-done": web.post(at(Purpose.CONFIRM)).text,
        **{f"feedback-{verb}": web.get(at(Purpose.FEEDBACK, f"/{verb}/saved%2F2")).text for verb in ("more", "less")},
        "feedback-done": web.post(at(Purpose.FEEDBACK, "/save/saved%2F2")).text,
        "interests": web.get(at(Purpose.INTERESTS, "?saved")).text,
        "interests-wrong": web.post(at(Purpose.INTERESTS), data={"interest_weight": "heavy", "size": "many"}).text,
        "feedback-undone": web.post(at(Purpose.FEEDBACK, "/undo/saved%2F2")).text,
        "interests-paused": paused(web, at(Purpose.INTERESTS)),
        "unsubscribe": web.get(at(Purpose.UNSUBSCRIBE)).text,
        "unsubscribe-done": web.post(at(Purpose.UNSUBSCRIBE)).text,
    }


def paused(web: Visitor, page: str) -> str:
    web.post(f"{page}/pause")
    return web.get(page).text


def broken_rules(documents: Mapping[str, str], folder: Path) -> dict[str, list[str]]:
    """Rule to the places where it is broken."""
    config, report = folder / "htmlvalidate.json", folder / "report.json"  # its standard output is cut off at 128 KB
    config.write_text(json.dumps({"root": True, "extends": RULES}), "utf-8")
    for name, html in documents.items():
        (folder / f"{name}.html").write_text(html, "utf-8", newline="")
    files = [str(folder / f"{name}.html") for name in documents]
    command = [*html_validate(), "--config", str(config), "--formatter", f"json={report}", *files]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=folder)
    assert report.exists(), done.stderr
    found: dict[str, list[str]] = {}
    for file in json.loads(report.read_text("utf-8")):
        for each in file["messages"]:
            place = (
                f"{Path(file['filePath']).stem}:{each['line']}:{each['column']}: {each['message']} ({each['selector']})"
            )
            found.setdefault(each["ruleId"], []).append(place)
    return found


def assert_excused(found: Mapping[str, list[str]], excuses: Mapping[str, Excuse]) -> None:
    mistakes = [
        f"{rule} at {place}"
        for rule, places in found.items()
        for place in places
        if rule not in excuses or not re.search(excuses[rule].where, place)
    ]
    assert not mistakes, "\n".join(mistakes)
    assert not excuses.keys() - found.keys(), "nothing breaks these rules any more"


def test_a_mail_breaks_no_rule_but_those_that_mail_programs_make_it_break(
    mails: dict[str, str], tmp_path: Path
) -> None:
    assert_excused(broken_rules(mails, tmp_path), IN_MAILS)


def test_a_page_breaks_no_rule_without_a_reason(pages: dict[str, str], tmp_path: Path) -> None:
    assert_excused(broken_rules(pages, tmp_path), IN_PAGES)


def test_every_template_of_a_page_is_looked_at(pages: dict[str, str]) -> None:
    templates = {path.stem for path in (resource("templates") / "web").glob("*.html")} - {"base"}

    assert {name.partition("-")[0] for name in pages} == templates


def test_the_demos_page_breaks_no_rule(tmp_path: Path) -> None:
    asyncio.run(demo(tmp_path / "demo"))

    assert not broken_rules({"index": (tmp_path / "demo" / "index.html").read_text("utf-8")}, tmp_path)


def test_what_is_wrong_is_found(tmp_path: Path) -> None:
    body = '<p><img src="a.png" height="auto"><div></p>'
    wrong = f'<!DOCTYPE html><html lang="en"><head><title>x</title></head><body>{body}</body></html>'

    found = broken_rules({"wrong": wrong}, tmp_path)

    assert found.keys() >= {"attribute-allowed-values", "close-order", "wcag/h37"}
    assert "wrong:1:" in found["attribute-allowed-values"][0]
