"""The maintainers' preview: the same bytes as the mail, and nothing written or sent."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from visitor import Visitor

from newsletter.config import resource
from newsletter.engine import Engine
from newsletter.errors import UnknownIssue, UnknownSubscriber
from newsletter.store import Named
from newsletter.testing import NOON, MemoryTransport, make_entry, make_profile, make_subscriber
from newsletter.types import Profile, Status
from newsletter.web.parts import parts
from newsletter.web.preview import in_scheme, make_preview, render_preview

KEY = "2025-W12"


@pytest.fixture
def desk(weekly: Engine) -> Visitor:
    """The preview of the next issue; nothing is new since the planned one, so that the pool reaches back."""
    return Visitor(make_preview(weekly, None))


def with_own_templates(engine: Engine, folder: Path) -> Path:
    """A copy of the weekly templates that the engine takes."""
    shutil.copytree(resource("templates") / "weekly", folder / "own" / "weekly")
    section = engine.settings.newsletter.model_copy(update={"templates": "own"})
    engine.settings = engine.settings.model_copy(update={"newsletter": section})
    return folder / "own" / "weekly"


def write(path: Path, words: str) -> None:
    """A file whose time differs from before, however coarse the clock of the file system is."""
    before = path.stat().st_mtime_ns
    path.write_text(words, "utf-8")
    os.utime(path, ns=(before + 10**9, before + 10**9))


def test_the_preview_of_an_issue_has_the_bytes_that_are_sent(weekly: Engine, transport: MemoryTransport) -> None:
    asyncio.run(weekly.send(KEY))

    for mail in transport.mails:
        assert render_preview(weekly, KEY, mail.recipient) == mail


def test_the_draft_and_the_issue_planned_then_have_the_same_bytes(engine: Engine) -> None:
    engine.store.sightings.add(
        [Named(make_entry(each), (each,)) for each in ("video", "mamba")], NOON - timedelta(hours=1)
    )
    ada = engine.store.subscribers.add(make_subscriber(profile=make_profile("video")), "test", NOON)
    draft = render_preview(engine, None, ada.email)

    engine.plan()

    assert render_preview(engine, KEY, ada.email) == draft


def test_a_profile_is_previewed_for_an_invented_reader(weekly: Engine) -> None:
    mail = render_preview(weekly, None, profile=make_profile("graph kernels", size=2))

    assert mail.recipient == "reader@example.org"
    assert "graph kernels" in parts(mail).subject


def test_without_a_wish_the_first_active_reader_is_shown(weekly: Engine) -> None:
    ada = weekly.store.subscribers.find("ada@example.org")
    weekly.set_status(ada.id, Status.PAUSED)

    assert render_preview(weekly, None).recipient == "bob@example.org"


def test_an_empty_store_has_a_preview_too(engine: Engine) -> None:
    assert render_preview(engine, None).recipient == "reader@example.org"
    assert render_preview(engine, None, profile=Profile()).body
    assert Visitor(make_preview(engine, None)).get("/").status_code == 200


def test_an_unknown_reader_or_issue_is_an_error(weekly: Engine) -> None:
    with pytest.raises(UnknownSubscriber):
        render_preview(weekly, None, "nobody@example.org")
    with pytest.raises(UnknownIssue):
        render_preview(weekly, "2025-W99")


def test_the_page_shows_the_mail_with_its_picks_and_size(weekly: Engine, desk: Visitor) -> None:
    mail = parts(render_preview(weekly, None, "bob@example.org"))

    shown = desk.get("/mail?address=bob@example.org").json()

    assert (shown["subject"], shown["size"], shown["text"]) == (mail.subject, mail.html_bytes, mail.text)
    assert shown["picks"][0]["interest"] == "plasma turbulence"
    assert all(each["title"] and each["score"] >= 0 and each["why"] for each in shown["picks"])
    assert "List-Id:" in shown["headers"]
    assert shown["raw"].startswith(shown["headers"].split("\n")[0])


def test_the_frame_holds_the_html_part(weekly: Engine, desk: Visitor) -> None:
    mail = parts(render_preview(weekly, None, "bob@example.org"))

    framed = desk.get("/mail?address=bob@example.org&only=html&scheme=dark")

    assert framed.text == in_scheme(mail.html, "dark")


def test_the_page_lists_the_readers_and_asks_nothing_of_other_sites(desk: Visitor) -> None:
    page = desk.get("/").text

    assert all(f'<option value="{name}@example.org">' in page for name in ("ada", "bob", "cyd"))
    assert "http" not in page


def test_an_edited_profile_changes_the_mail(desk: Visitor) -> None:
    profile = {"interests": [{"name": "Kernels <3", "keywords": ["graph kernels"]}], "size": 3}

    shown = desk.get("/mail", params={"address": "bob@example.org", "profile": json.dumps(profile)}).json()

    assert shown["to"] == "bob@example.org"
    assert shown["picks"][0]["interest"] == "Kernels <3"
    assert len(shown["picks"]) == 3


@pytest.mark.parametrize("profile", ["{", "[]", '{"size": "many"}'])
def test_a_wrong_profile_is_one_line_in_place_of_the_mail(desk: Visitor, profile: str) -> None:
    shown = desk.get("/mail", params={"profile": profile}).json()

    assert list(shown) == ["error"]
    assert len(shown["error"].splitlines()) == 1


def test_an_unknown_address_is_one_line_too(desk: Visitor) -> None:
    shown = desk.get("/mail?address=nobody@example.org").json()

    assert shown == {"error": "There is no subscriber nobody@example.org."}


def test_colours_are_forced_whatever_the_screen_prefers() -> None:
    page = "<style>:root { color-scheme: light dark } @media (prefers-color-scheme: dark) { a }</style>"

    dark, light = in_scheme(page, "dark"), in_scheme(page, "light")

    assert dark == "<style>:root { color-scheme:dark } @media all { a }</style>"
    assert light == "<style>:root { color-scheme:light } @media not all { a }</style>"


def test_a_broken_template_is_one_line_and_the_page_recovers(weekly: Engine, tmp_path: Path) -> None:
    template = with_own_templates(weekly, tmp_path) / "edition.mjml"
    desk, good = Visitor(make_preview(weekly, None)), template.read_text("utf-8")
    stamps = [desk.get("/stamp").text]

    write(template, good.replace("{{ slot.preheader }}", "{{ slot.preheader"))
    stamps.append(desk.get("/stamp").text)
    broken = desk.get("/mail").json()
    write(template, good.replace("Read the paper", "Study the paper"))
    stamps.append(desk.get("/stamp").text)
    mended = desk.get("/mail?only=html").text

    assert broken["error"].startswith("edition.mjml, line")
    assert "Study the paper" in mended
    assert len(set(stamps)) == 3


def test_new_papers_change_the_stamp_and_the_draft(engine: Engine) -> None:
    desk = Visitor(make_preview(engine, None))
    before = desk.get("/stamp").text, desk.get("/mail?only=html").text

    engine.store.sightings.add([Named(make_entry("new", title="A brand new paper"), ("new",))], NOON)

    assert desk.get("/stamp").text != before[0]
    assert "A brand new paper" not in before[1]
    assert "A brand new paper" in desk.get("/mail?only=html").text


def test_a_frozen_issue_keeps_its_templates(weekly: Engine, tmp_path: Path) -> None:
    write(with_own_templates(weekly, tmp_path) / "edition.mjml", "broken {{")

    assert "error" not in Visitor(make_preview(weekly, KEY)).get("/mail").json()


def test_the_preview_writes_and_sends_nothing(weekly: Engine, desk: Visitor, transport: MemoryTransport) -> None:
    database = create_engine(weekly.store.database.url)
    with database.connect() as connection:
        before = connection.execute(text("PRAGMA data_version")).scalar()
        for path in ("/", "/mail?address=bob@example.org", "/mail?profile={}", "/stamp"):
            assert desk.get(path).status_code == 200
        after = connection.execute(text("PRAGMA data_version")).scalar()
    database.dispose()

    assert after == before
    assert not transport.mails
    assert {desk.post(path).status_code for path in ("/", "/mail", "/stamp")} == {405}


def test_a_foreign_name_for_loopback_is_refused(weekly: Engine) -> None:
    stranger = Visitor(make_preview(weekly, None), base_url="http://evil.example")

    assert {stranger.get(path).status_code for path in ("/", "/mail", "/stamp")} == {400}
