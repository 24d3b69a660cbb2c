"""The maintainers' preview: the same bytes as the mail; nothing is written, and nothing sent but by its own page."""

from __future__ import annotations

import asyncio
import json
import os
import re
import shutil
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest
from conftest import rewired
from pydantic import SecretStr
from sqlalchemy import create_engine, text
from visitor import Visitor

from newsletter.config import Settings, resource
from newsletter.engine import Engine
from newsletter.errors import HostDown, UnknownIssue, UnknownSubscriber
from newsletter.store import Named
from newsletter.testing import NOON, Clock, MemoryTransport, make_entry, make_profile, make_subscriber
from newsletter.types import Mail, Profile, Status, Verb
from newsletter.web.mail_parts import parts
from newsletter.web.preview.app import make_preview, secret_path
from newsletter.web.preview.color_schemes import html_as_shown
from newsletter.web.preview.proof import render_preview

KEY = "2025-W12"
STRANGE = (
    '{"text": "\\ud800"}',
    '{"hype": NaN}',
    '{"interests": [{"name": "a", "weight": Infinity}]}',
    '{"size": 1e400}',
)


class PreviewSite(Visitor):
    """A visitor with the page's token."""

    def __init__(self, engine: Engine, key: str | None = None, **more: Any) -> None:
        super().__init__(make_preview(engine, key, **more), base_url=f"http://127.0.0.1{secret_path(engine)}")
        found = re.search(r'preview-token" content="([^"]+)"', self.get("/").text)
        assert found
        self.headers = {"X-Preview-Token": found[1]}

    def ask(self, path: str, **row: Any) -> Any:
        return self.post(path, json=row, headers=self.headers).json()

    def proof(self, **row: Any) -> Any:
        return self.ask("/proof", **row)


@pytest.fixture
def site(weekly: Engine) -> PreviewSite:
    """The preview of the next issue; nothing is new since the planned one, so that the pool reaches back."""
    return PreviewSite(weekly)


def with_own_templates(engine: Engine, folder: Path) -> tuple[Engine, Path]:
    """An engine that takes a copy of the weekly templates, and their folder."""
    shutil.copytree(resource("templates") / "weekly", folder / "own" / "weekly")
    section = engine.settings.newsletter.model_copy(update={"templates": "own"})
    own = rewired(engine, engine.settings.model_copy(update={"newsletter": section}))
    return own, folder / "own" / "weekly"


def write(path: Path, words: str) -> None:
    """A file whose time differs from before, however coarse the clock of the file system is."""
    before = path.stat().st_mtime_ns
    path.write_text(words, "utf-8")
    os.utime(path, ns=(before + 10**9, before + 10**9))


def raw(site: PreviewSite, proof: Any) -> bytes:
    return site.get(f"/proof/{proof['id']}/mail.eml").content


# the mail


def test_the_preview_of_an_issue_has_the_bytes_that_are_sent(weekly: Engine, transport: MemoryTransport) -> None:
    site = PreviewSite(weekly, KEY)
    before = {name: raw(site, site.proof(issue=KEY, address=f"{name}@example.org")) for name in ("ada", "bob", "cyd")}

    asyncio.run(weekly.sending.send(KEY))

    assert {mail.recipient.partition("@")[0]: mail.body for mail in transport.mails} == before
    for mail in transport.mails:
        assert render_preview(weekly, KEY, mail.recipient) == mail
        assert raw(site, site.proof(issue=KEY, address=mail.recipient)) == mail.body


def test_of_a_mail_that_goes_out_later_only_the_date_is_another(
    weekly: Engine, transport: MemoryTransport, clock: Clock
) -> None:
    before = render_preview(weekly, KEY, "bob@example.org").body
    clock.forward(minutes=7)

    asyncio.run(weekly.sending.send(KEY))

    [sent] = [mail.body for mail in transport.mails if mail.recipient == "bob@example.org"]
    differing = [pair for pair in zip(before.split(b"\r\n"), sent.split(b"\r\n"), strict=True) if pair[0] != pair[1]]
    assert [[line[:5] for line in pair] for pair in differing] == [[b"Date:", b"Date:"]]


def test_the_draft_and_the_issue_planned_then_have_the_same_bytes(engine: Engine) -> None:
    engine.store.sightings.add(
        [Named(make_entry(each), (each,)) for each in ["video", "mamba", "whales"]], NOON - timedelta(hours=1)
    )
    people = [
        make_subscriber(profile=make_profile("video")),
        make_subscriber("Bob", profile=Profile(liked=("whales",))),
        make_subscriber("Cyd", profile=Profile(liked=("whales", "mamba"))),
    ]
    engine.store.subscribers.put_all(people, "test", NOON)
    drafts = [render_preview(engine, None, person.email) for person in people]

    engine.planning.plan()

    assert [render_preview(engine, KEY, person.email) for person in people] == drafts


def test_a_profile_is_previewed_for_an_invented_reader(weekly: Engine) -> None:
    mail = render_preview(weekly, None, profile=make_profile("graph kernels", size=2))

    assert mail.recipient == "reader@example.org"
    assert "graph kernels" in parts(mail).subject


def test_without_a_request_the_first_active_reader_is_shown(weekly: Engine) -> None:
    ada = weekly.store.subscribers.find("ada@example.org")
    weekly.subscriptions.set_status(ada.id, Status.PAUSED)

    assert render_preview(weekly, None).recipient == "bob@example.org"


def test_an_empty_store_has_a_preview_too(engine: Engine) -> None:
    assert render_preview(engine, None).recipient == "reader@example.org"
    assert render_preview(engine, None, profile=Profile()).body
    proof = (site := PreviewSite(engine)).proof()
    assert (proof["picks"], site.get(f"/proof/{proof['id']}/why").json()) == ([], [])


def test_an_unknown_reader_or_issue_is_an_error(weekly: Engine, site: PreviewSite) -> None:
    with pytest.raises(UnknownSubscriber):
        render_preview(weekly, None, "nobody@example.org")
    with pytest.raises(UnknownIssue):
        render_preview(weekly, "2025-W99")
    assert site.proof(address="nobody@example.org") == {"error": "There is no subscriber nobody@example.org."}
    assert "error" in site.proof(issue="2025-W99")


def test_the_page_is_told_the_mail_with_its_picks_and_sizes(weekly: Engine, site: PreviewSite) -> None:
    mail = render_preview(weekly, None, "bob@example.org")
    told = parts(mail)

    shown = site.proof(address="bob@example.org")

    assert (shown["subject"], shown["to"], shown["name"]) == (told.subject, "bob@example.org", "Bob")
    assert shown["sizes"] == {
        "html": told.html_bytes,
        "text": len(told.text.encode()),
        "mail": len(mail.body),
    }
    assert shown["preheader"].startswith("Also: On plasma turbulence")
    assert shown["picks"][0]["interest"] == "plasma turbulence"
    assert all(each["title"] and each["score"] >= 0 and each["why"] for each in shown["picks"])
    assert (shown["planned"], shown["frozen"], shown["edited"], shown["trouble"]) == (False, False, False, None)


def test_each_part_is_shown_as_it_travels(weekly: Engine, site: PreviewSite) -> None:
    mail = render_preview(weekly, None, "bob@example.org")
    told, place = parts(mail), f"/proof/{site.proof(address='bob@example.org')['id']}"

    assert site.get(f"{place}/text").text == told.text
    assert site.get(f"{place}/headers").text == told.headers
    assert site.get(f"{place}/raw").text.encode("latin-1") == mail.body
    assert site.get(f"{place}/mail.eml").content == mail.body
    assert site.get(f"{place}/nothing").status_code == 404


def test_the_frame_holds_the_html_part(weekly: Engine, site: PreviewSite) -> None:
    html = parts(render_preview(weekly, None, "bob@example.org")).html
    place = f"/proof/{site.proof(address='bob@example.org')['id']}/html"

    assert site.get(f"{place}?scheme=dark").text == html_as_shown(html, "dark", styles=True)
    assert site.get(f"{place}?styles=off").text == html_as_shown(html, "light", styles=False)


def test_the_same_mail_has_the_same_name(site: PreviewSite) -> None:
    bob, again, ada = (site.proof(address=f"{name}@example.org")["id"] for name in ("bob", "bob", "ada"))

    assert bob == again != ada


def test_a_mail_that_was_too_long_ago_is_said_to_be_gone(site: PreviewSite) -> None:
    answer = site.get("/proof/0011223344556677/why")

    assert (answer.status_code, answer.json()) == (404, {"error": "This mail is no longer at hand."})


# the reader


def test_the_page_lists_readers_and_issues_and_asks_nothing_of_other_sites(site: PreviewSite) -> None:
    page = site.get("/").text

    assert all(f'<option value="{name}@example.org">' in page for name in ("ada", "bob", "cyd"))
    assert f'<option value="{KEY}">' in page
    for name in set(re.findall(r'(?:src|href)="(/preview/[^"]+)"', page)) | {"/preview/stage.js"}:
        file = site.get(name)
        assert file.headers["content-type"].startswith(("text/javascript", "text/css"))
        assert "http" not in page + file.text


@pytest.mark.parametrize("name", ["../preview.html", "%2e%2e%2fpreview.html", "nothing.js", "preview.html"])
def test_no_other_file_is_given_away(site: PreviewSite, name: str) -> None:
    assert site.get(f"/preview/{name}").status_code == 404


def test_an_edited_profile_changes_the_mail(site: PreviewSite) -> None:
    profile = {"interests": [{"name": "Kernels <3", "keywords": ["graph kernels"]}], "size": 3}

    shown = site.proof(address="bob@example.org", profile=json.dumps(profile))

    assert (shown["to"], shown["edited"]) == ("bob@example.org", True)
    assert shown["picks"][0]["interest"] == "Kernels <3"
    assert len(shown["picks"]) == 3
    assert shown["profile"] == {**profile, "interests": [{**profile["interests"][0], "weight": 1.0}]}  # type: ignore[index]


def test_an_edited_profile_counts_though_the_mail_is_out(weekly: Engine) -> None:
    asyncio.run(weekly.sending.send(KEY))

    shown = PreviewSite(weekly, KEY).proof(issue=KEY, address="bob@example.org", profile='{"size": 1}')

    assert len(shown["picks"]) == 1


def test_papers_of_an_edited_profile_are_known_although_no_reader_named_them(engine: Engine) -> None:
    named = [Named(make_entry(each), (each,)) for each in ("plasma-waves", "video-diffusion")]
    engine.store.sightings.add(named, NOON - timedelta(hours=1))
    engine.store.sightings.add([Named(make_entry("plasma-of-old"), ("old",))], NOON - timedelta(days=90))

    shown = PreviewSite(engine).proof(profile='{"liked": ["plasma-of-old"]}')

    assert shown["picks"][0]["entry"] == "plasma-waves"
    assert shown["picks"][0]["why"] == ["close to a paper you liked, “On plasma of old”: both speak of study plasma"]


@pytest.mark.parametrize("profile", ["{", "[]", '{"size": "many"}', '{"interests": 7}', "[" * 100_000, *STRANGE])
def test_a_wrong_profile_is_one_line_in_place_of_the_mail(site: PreviewSite, profile: str) -> None:
    shown = site.proof(profile=profile)

    assert list(shown) == ["error"]
    assert len(shown["error"].splitlines()) == 1


@pytest.mark.parametrize("body", [b"", b"[]", b"\xff", b"{", b"[" * 100_000, b'{"address": "\\ud800"}'])
def test_a_request_that_is_none_is_one_line_too(site: PreviewSite, body: bytes) -> None:
    answer = site.post("/proof", content=body, headers=site.headers)

    assert answer.status_code == 422
    assert len(answer.json()["error"].splitlines()) == 1


# two readers


def test_two_readers_are_compared(site: PreviewSite) -> None:
    few = json.dumps({"interests": [{"name": "plasma turbulence"}], "size": 2})
    left, right = site.proof(address="bob@example.org", profile=few), site.proof(address="bob@example.org")

    pairs = site.get(f"/compare/{left['id']}/{right['id']}").json()

    both = [pair for pair in pairs if pair["left"] and pair["right"]]
    assert {pair["title"] for pair in both} == {pick["title"] for pick in left["picks"]}
    assert len(pairs) == len(right["picks"])
    assert all(pair["moved"] == pair["right"]["place"] - pair["left"]["place"] for pair in both)


# why


def test_every_paper_of_the_pool_is_taken_or_left_for_a_reason(site: PreviewSite) -> None:
    shown = site.proof(address="bob@example.org", profile='{"interests": ["plasma turbulence", "mamba"], "size": 3}')

    rows = site.get(f"/proof/{shown['id']}/why").json()

    assert len(rows) == shown["pool"] == 20
    assert [(row["entry"], row["place"], row["mailed"]) for row in rows[:3]] == [
        (pick["entry"], place, place) for place, pick in enumerate(shown["picks"], 1)
    ]
    assert all(row["why"] and row["place"] == 0 for row in rows[3:])
    outranked = next(row for row in rows if "the last one taken has" in row["why"])
    assert outranked["interest"] == "plasma turbulence"
    assert re.search(r"Ranked 4th .* Score \d+\.\d; the last one taken has \d+\.\d\.$", outranked["why"])


async def test_what_was_shown_before_names_its_issue(weekly: Engine, clock: Clock) -> None:
    await weekly.sending.send(KEY)
    bob = weekly.store.subscribers.find("bob@example.org")
    weekly.subscriptions.vote(bob.id, "graph-kernels-0", Verb.LESS)
    clock.forward(days=6)
    shown = await asyncio.to_thread(lambda: (site := PreviewSite(weekly), site.proof(address=bob.email)))
    site, proof = shown

    rows = await asyncio.to_thread(lambda: site.get(f"/proof/{proof['id']}/why").json())

    seen = {row["entry"]: row for row in rows if "seen" in row["hidden"]}
    assert "Not to be shown: you were shown it in 2025-W12" in seen["plasma-turbulence-0"]["why"]
    assert any("you asked for less like it" in row["why"] for row in rows)


def test_a_muted_word_is_named(site: PreviewSite) -> None:
    shown = site.proof(profile='{"interests": ["plasma turbulence"], "muted": ["video"]}')

    rows = {row["entry"]: row for row in site.get(f"/proof/{shown['id']}/why").json()}

    assert rows["video-diffusion-0"]["why"] == "Not to be shown: muted by 'video'."
    assert rows["video-diffusion-0"]["hidden"] == ["muted"]


def test_one_paper_is_explained_number_by_number(weekly: Engine, site: PreviewSite) -> None:
    shown = site.proof(address="bob@example.org")

    told = site.get(f"/proof/{shown['id']}/explain", params={"entry": shown["picks"][1]["entry"]}).json()

    assert (told["place"], told["kept"]) == (2, False)
    assert sum(part["amount"] for part in told["parts"]) == pytest.approx(told["score"], abs=1e-6)
    assert told["standings"][0]["interest"] == "plasma turbulence"


def test_a_paper_that_is_not_in_the_pool_or_not_known_is_told(weekly: Engine, site: PreviewSite) -> None:
    weekly.store.sightings.add([Named(make_entry("old"), ("old",))], NOON - timedelta(days=90))
    place = f"/proof/{site.proof()['id']}/explain"

    assert "not in the pool" in site.get(place, params={"entry": "old"}).json()["why"]
    assert site.get(place, params={"entry": "new"}).json() == {"error": "new: this paper is not known here."}


# checks


def test_links_and_findings_are_told(site: PreviewSite) -> None:
    told = site.get(f"/proof/{site.proof()['id']}/checks").json()

    assert told["base_url"] == ["base_url is https://papers.example.org, a name for examples that nobody can open"]
    assert (told["lint"], told["access"]) == ([], [])
    assert {"interests", "view in a browser", "unsubscribe", "more like this", "save"} <= {
        link["purpose"] for link in told["links"]
    }


def test_findings_are_those_of_the_templates_in_use(weekly: Engine, tmp_path: Path) -> None:
    weekly, own = with_own_templates(weekly, tmp_path)
    template = own / "edition.mjml"
    words = re.sub(r"<h2 class=\"lead\"(.*?)</h2>", r"<h4\1</h4>", template.read_text("utf-8"))
    write(template, words.replace('<mj-text align="center">', '<mj-text align="center" colour="red">'))
    site = PreviewSite(weekly)

    drafted = site.get(f"/proof/{site.proof()['id']}/checks").json()
    frozen = site.get(f"/proof/{site.proof(issue=KEY)['id']}/checks").json()

    assert any("a level is left out" in each["text"] for each in drafted["access"])
    assert any("<mj-text> has no attribute colour" in each["text"] for each in drafted["lint"])
    assert (frozen["access"], frozen["lint"]) == ([], [])


def test_links_to_our_own_pages_are_tried(weekly: Engine) -> None:
    site = PreviewSite(weekly, KEY)
    shown = site.proof(issue=KEY, address="bob@example.org")
    links = site.get(f"/proof/{shown['id']}/checks").json()["links"]

    opened = site.get(f"/proof/{shown['id']}/opened").json()

    ours = [link["url"] for link in links if link["ours"]]
    assert len(ours) > 10
    assert opened == {url: {"good": True, "words": "opens"} for url in ours}


def test_a_link_of_ours_that_does_not_open_is_told(weekly: Engine, tmp_path: Path) -> None:
    weekly, own = with_own_templates(weekly, tmp_path)
    template = own / "edition.mjml"
    write(template, template.read_text("utf-8").replace('"{{ slot.unsubscribe }}"', '"{{ slot.unsubscribe }}x"'))
    site = PreviewSite(weekly)

    opened = site.get(f"/proof/{site.proof(address='bob@example.org')['id']}/opened").json()

    assert {"good": False, "words": "does not open: 404"} in opened.values()


def test_why_a_link_does_not_open_yet_is_told(weekly: Engine, site: PreviewSite) -> None:
    drafted = site.get(f"/proof/{site.proof(address='bob@example.org')['id']}/opened").json()
    made_up = site.get(f"/proof/{site.proof(profile='{}')['id']}/opened").json()

    assert {each["words"] for url, each in drafted.items() if "/view/" in url} == {"opens once the issue is planned"}
    assert {each["words"] for url, each in made_up.items() if "/interests/" in url} == {
        "opens for a subscriber; this reader is made up"
    }


def test_other_sites_are_asked_only_for_links_of_the_mail_and_not_in_the_local_network(weekly: Engine) -> None:
    inward = make_entry("inward", title="On plasma turbulence", url="http://127.0.0.1:9/admin")
    weekly.store.sightings.add([Named(inward, ("inward",))], NOON)
    site = PreviewSite(weekly)
    place = f"/proof/{site.proof(profile=json.dumps({'interests': ['plasma turbulence']}))['id']}/ask"

    told = site.ask(place, url="http://127.0.0.1:9/admin")
    other = site.ask(place, url="http://127.0.0.1:9/other")

    assert (told["good"], told["status"]) == (False, 0)
    assert told["words"] == "127.0.0.1 leads to 127.0.0.1, which is not on the public internet"
    assert other == {"error": "This mail has no such link to another site."}


@pytest.fixture
def papers(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[int, list[str]]]:
    """A site of papers on loopback: its port, and what it was asked."""
    monkeypatch.setenv("NO_PROXY", "*")
    asked: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            asked.append(f"{self.command} {self.path}")
            self.send_response(200 if self.path == "/good" else 404)
            self.end_headers()

        do_GET = do_HEAD  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Nothing on the terminal."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port, asked
        server.shutdown()


def test_other_sites_are_asked_when_the_button_is_pressed_and_never_by_themselves(
    weekly: Engine, papers: tuple[int, list[str]]
) -> None:
    async def here(host: str, port: int) -> tuple[str, ...]:
        return ("127.0.0.1",)

    port, asked = papers
    entries = [
        make_entry(name, title=f"On the {name} whale", url=f"http://papers.test:{port}/{name}")
        for name in ("good", "bad")
    ]
    weekly.store.sightings.add([Named(entry, (entry.id,)) for entry in entries], NOON)
    site = PreviewSite(weekly, lookup=here)
    place = f"/proof/{site.proof(profile=json.dumps({'interests': ['whale'], 'size': 2}))['id']}"
    links = [link["url"] for link in site.get(f"{place}/checks").json()["links"] if link["askable"]]
    site.get(f"{place}/opened")
    assert len(links) == 2
    assert asked == []

    told = {url.rpartition("/")[2]: site.ask(f"{place}/ask", url=url) for url in links}

    assert told["good"] == {"good": True, "status": 200, "words": "200 OK", "moved": ""}
    assert (told["bad"]["good"], told["bad"]["words"]) == (False, "404 Not Found")
    assert sorted(asked) == ["GET /bad", "HEAD /bad", "HEAD /good"]


# a test mail


def test_a_test_holds_what_is_shown_with_links_that_open_nobodys_pages(
    weekly: Engine, site: PreviewSite, transport: MemoryTransport
) -> None:
    shown = site.proof(address="bob@example.org", profile='{"interests": ["graph kernels"], "size": 2}')

    told = site.ask(f"/proof/{shown['id']}/send", to=" editor@example.org ")

    [mail] = transport.mails
    assert told == {"to": "editor@example.org", "words": "250 kept"}
    assert mail.recipient == "editor@example.org"
    assert parts(mail).subject == shown["subject"]
    assert all(pick["title"] in parts(mail).text for pick in shown["picks"])
    address = r"https://papers\.example\.org/(?:feedback|unsubscribe)/\S+"
    own = re.findall(address, site.get(f"/proof/{shown['id']}/text").text)
    sent = re.findall(address, parts(mail).text)
    assert len(own) == len(sent) > 6
    assert not {*own} & {*sent}


def test_what_keeps_a_test_from_going_is_one_line(
    weekly: Engine, site: PreviewSite, transport: MemoryTransport
) -> None:
    place = f"/proof/{site.proof()['id']}/send"

    assert site.ask(place, to="no address") == {"error": "'no address': this is not a mail address"}
    transport.down = True
    assert site.ask(place, to="editor@example.org") == {"error": "memory: connection refused"}


def test_a_server_that_refuses_is_quoted(weekly: Engine, site: PreviewSite, transport: MemoryTransport) -> None:
    def answer(mail: Mail) -> None:
        raise HostDown("451 4.3.0 try\r\nlater")

    transport.answer = answer

    assert site.ask(f"/proof/{site.proof()['id']}/send", to="editor@example.org") == {"error": "451 4.3.0 try later"}


# live


def test_a_broken_template_is_told_with_its_line_and_the_last_good_mail_stays(weekly: Engine, tmp_path: Path) -> None:
    weekly, own = with_own_templates(weekly, tmp_path)
    template = own / "edition.mjml"
    site, good = PreviewSite(weekly), template.read_text("utf-8")
    stamps, before = [site.get("/stamp").text], site.proof(address="bob@example.org")

    write(template, good.replace("{{ slot.preheader }}", "{{ slot.preheader"))
    stamps.append(site.get("/stamp").text)
    broken = site.proof(address="bob@example.org")
    other = site.proof(address="ada@example.org")
    write(template, good.replace("Read the paper", "Study the paper"))
    stamps.append(site.get("/stamp").text)
    mended = site.proof(address="bob@example.org")

    assert broken["body"] == before["body"] != mended["body"]
    assert broken["trouble"]["error"].startswith("edition.mjml, line")
    assert (broken["trouble"]["file"], broken["trouble"]["line"] > 0) == ("edition.mjml", True)
    assert raw(site, broken) == raw(site, before)
    assert (other["to"], other["trouble"]) == ("ada@example.org", broken["trouble"])
    assert mended["trouble"] is None
    assert "Study the paper" in site.get(f"/proof/{mended['id']}/html").text
    assert len(set(stamps)) == 3


def test_a_template_that_was_never_good_is_an_error_with_its_line(weekly: Engine, tmp_path: Path) -> None:
    weekly, own = with_own_templates(weekly, tmp_path)
    template = own / "edition.mjml"
    write(template, "broken {{")

    told = PreviewSite(weekly).proof()

    assert told["file"] == "edition.mjml"
    assert "\n" not in told["error"]


@pytest.mark.parametrize("name", ["theme.toml", "inline.css", "edition.txt", "subject.txt"])
def test_every_file_of_the_templates_is_watched(weekly: Engine, tmp_path: Path, name: str) -> None:
    weekly, own = with_own_templates(weekly, tmp_path)
    file = own / name
    site = PreviewSite(weekly)
    before = site.get("/stamp").json()["templates"]

    write(file, file.read_text("utf-8"))

    assert site.get("/stamp").json()["templates"] != before


def test_a_catalogue_is_watched_too_and_rewords_template_and_reasons(weekly: Engine, tmp_path: Path) -> None:
    weekly, own = with_own_templates(weekly, tmp_path)
    folder = own.parent / "messages"
    site = PreviewSite(weekly)
    before, first = site.get("/stamp").json()["templates"], site.proof(address="bob@example.org")
    words = {
        "Read the paper": "Study the paper",
        "you follow %(phrase)s: title and abstract speak of it": "is about %(phrase)s",
    }

    folder.mkdir()
    lines = "".join(f'\nmsgid "{old}"\nmsgstr "{new}"\n' for old, new in words.items())
    (folder / "en.po").write_text(f'msgid ""\nmsgstr "Language: en\\n"\n{lines}', "utf-8")
    reworded = site.proof(address="bob@example.org")

    assert site.get("/stamp").json()["templates"] != before
    assert first["picks"][0]["why"] == ["you follow plasma turbulence: title and abstract speak of it"]
    assert reworded["picks"][0]["why"] == ["is about plasma turbulence"]
    assert "Study the paper" in site.get(f"/proof/{reworded['id']}/html").text


def test_a_broken_catalogue_is_told_like_a_broken_template(weekly: Engine, tmp_path: Path) -> None:
    weekly, own = with_own_templates(weekly, tmp_path)
    folder = own.parent / "messages"
    site = PreviewSite(weekly)
    before = site.proof()

    folder.mkdir()
    (folder / "en.po").write_text('msgid "Read the paper\n', "utf-8")
    broken = site.proof()

    assert broken["trouble"]["file"] == "en.po"
    assert raw(site, broken) == raw(site, before)


def test_new_papers_change_the_stamp_and_the_draft(engine: Engine) -> None:
    site = PreviewSite(engine)
    before = site.get("/stamp").json(), site.proof()

    engine.store.sightings.add([Named(make_entry("new", title="A brand new paper"), ("new",))], NOON)

    assert site.get("/stamp").json()["store"] != before[0]["store"]
    assert before[1]["picks"] == []
    assert [pick["title"] for pick in site.proof()["picks"]] == ["A brand new paper"]


def test_papers_that_come_while_a_template_is_broken_are_there_when_it_is_mended(
    engine: Engine, tmp_path: Path
) -> None:
    engine, own = with_own_templates(engine, tmp_path)
    template = own / "edition.mjml"
    site, good = PreviewSite(engine), template.read_text("utf-8")
    site.proof()
    write(template, "broken {{")
    engine.store.sightings.add([Named(make_entry("new", title="A brand new paper"), ("new",))], NOON)
    assert site.proof()["trouble"]

    write(template, good)

    assert [pick["title"] for pick in site.proof()["picks"]] == ["A brand new paper"]


def test_a_frozen_issue_keeps_its_templates_unless_those_of_today_are_asked_for(weekly: Engine, tmp_path: Path) -> None:
    weekly, own = with_own_templates(weekly, tmp_path)
    template = own / "edition.mjml"
    write(template, template.read_text("utf-8").replace("Read the paper", "Study the paper"))
    site = PreviewSite(weekly, KEY)

    frozen, today = site.proof(issue=KEY), site.proof(issue=KEY, today=True)

    assert (frozen["frozen"], today["frozen"], today["planned"]) == (True, False, True)
    assert "Study the paper" not in site.get(f"/proof/{frozen['id']}/html").text
    assert "Study the paper" in site.get(f"/proof/{today['id']}/html").text
    assert [pick["entry"] for pick in today["picks"]] == [pick["entry"] for pick in frozen["picks"]]


def test_broken_templates_of_today_leave_the_issues_own(weekly: Engine, tmp_path: Path) -> None:
    weekly, own = with_own_templates(weekly, tmp_path)
    write(own / "edition.mjml", "broken {{")
    site = PreviewSite(weekly, KEY)

    frozen, today = site.proof(issue=KEY), site.proof(issue=KEY, today=True)

    assert frozen["trouble"] is None
    assert today["trouble"]["file"] == "edition.mjml"
    assert raw(site, today) == raw(site, frozen)


# safety


def test_the_preview_writes_nothing_and_sends_nothing_unasked(
    weekly: Engine, site: PreviewSite, transport: MemoryTransport
) -> None:
    database = create_engine(weekly.store.database.url)
    with database.connect() as connection:
        before = connection.execute(text("PRAGMA data_version")).scalar()
        place = f"/proof/{site.proof(address='bob@example.org', profile='{}')['id']}"
        paths = [f"{place}/{part}" for part in ("html", "text", "why", "explain?entry=mamba", "checks", "opened")]
        for path in ("/", "/stamp", *paths):
            assert site.get(path).status_code in (200, 422)
        after = connection.execute(text("PRAGMA data_version")).scalar()
    database.dispose()

    assert after == before
    assert not transport.mails
    assert {site.get(f"{place}/{act}").status_code for act in ("send", "ask")} == {404}
    assert {site.post(path, headers=site.headers).status_code for path in ("/", "/stamp", f"{place}/html")} == {405}


@pytest.mark.parametrize(
    "headers",
    [
        {"X-Preview-Token": ""},
        {"X-Preview-Token": "guessed"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:9"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_another_sites_page_can_send_nothing(
    site: PreviewSite, transport: MemoryTransport, headers: dict[str, str]
) -> None:
    place = f"/proof/{site.proof()['id']}/send"

    answer = site.post(place, json={"to": "eve@example.org"}, headers={**site.headers, **headers})

    assert (answer.status_code, transport.mails) == (403, [])


def test_our_own_page_can(site: PreviewSite, transport: MemoryTransport) -> None:
    ours = {**site.headers, "Origin": "http://127.0.0.1", "Sec-Fetch-Site": "same-origin"}

    answer = site.post(f"/proof/{site.proof()['id']}/send", json={"to": "eve@example.org"}, headers=ours)

    assert (answer.status_code, len(transport.mails)) == (200, 1)


def policy(answer: httpx.Response) -> str:
    return answer.headers["content-security-policy"]


def test_no_mail_can_run_a_script_and_no_site_can_frame_the_page(site: PreviewSite) -> None:
    place = f"/proof/{site.proof()['id']}/html"

    page, mail, bare = site.get("/"), site.get(place), site.get(f"{place}?images=off")

    assert "script-src 'self'" in policy(page)
    assert "frame-ancestors 'none'" in policy(page)
    assert "script-src" not in policy(mail)
    assert "default-src 'none'" in policy(mail)
    assert "allow-scripts" not in policy(mail)
    assert "img-src https:" in policy(mail)
    assert "img-src 'none'" in policy(bare)
    assert {each.headers["x-content-type-options"] for each in (page, mail)} == {"nosniff"}


def test_a_foreign_name_for_loopback_is_refused(weekly: Engine) -> None:
    stranger = Visitor(make_preview(weekly, None), base_url=f"http://evil.example{secret_path(weekly)}")

    assert {stranger.get(path).status_code for path in ("/", "/stamp", "/preview/main.js")} == {400}


def test_who_was_not_told_the_secret_path_finds_nothing(weekly: Engine) -> None:
    neighbour, path = Visitor(make_preview(weekly, None)), secret_path(weekly)

    asked = [
        neighbour.get(each) for each in ("/", "/stamp", "/preview/main.js", path[:-1], f"/x{path}", f"/{path[2:]}")
    ]

    assert {answer.status_code for answer in asked} == {404}
    assert not any(path.strip("/") in answer.text for answer in asked)
    assert neighbour.get(path).status_code == 200


def test_the_secret_path_stays_the_same_and_is_of_one_installation(weekly: Engine, settings: Settings) -> None:
    section = settings.newsletter.model_copy(update={"secret": SecretStr("another one")})
    other = rewired(weekly, settings.model_copy(update={"newsletter": section}))

    assert secret_path(rewired(weekly)) == secret_path(weekly) != secret_path(other)
    assert re.fullmatch(r"/[A-Za-z0-9_-]{24}/", secret_path(weekly))
