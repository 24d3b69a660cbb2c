"""Past issues for everybody: what is public, what is not, and what a crowd can do."""

from __future__ import annotations

import asyncio
import html
import json
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import timedelta
from threading import Event

import httpx
import pytest
from conftest import rewired
from visitor import Visitor

from newsletter.config import Settings
from newsletter.engine import Engine, make_engine
from newsletter.errors import UnknownIssue
from newsletter.services.archive import Archive
from newsletter.store import Frozen, Issues, Plan, Store
from newsletter.testing import NOON, Clock, MemoryTransport, make_profile, make_subscriber
from newsletter.tokens import Purpose
from newsletter.types import Cadence, Issue, IssueState, Profile, Verb
from newsletter.web.pages import PRIVATE_HEADERS
from newsletter.web.public.app import make_app
from newsletter.web.public.archive import MOST, ON_A_PAGE

PAGES = (
    "/archive",
    "/archive/2025-W12",
    "/archive/2025-W12?lang=de",
    "/feed.atom",
    "/feed.json",
    "/archive/2025-W12/feed.atom",
    "/archive/2025-W12/feed.json",
)


@pytest.fixture
def out(weekly: Engine) -> Engine:
    """The issue of `weekly` went out."""
    weekly.store.issues.set_state("2025-W12", IssueState.DONE)
    return weekly


@pytest.fixture
def web(out: Engine) -> Visitor:
    return Visitor(make_app(out))


def plain(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.split("</style>")[-1])).split())


def planned(engine: Engine, key: str, hours: int = 0, **changes: object) -> Issue:
    """One more issue, of the same pool, without the templates being tried out; planned, not out."""
    issue = Issue(key, Cadence.WEEKLY, NOON - timedelta(days=7), NOON + timedelta(hours=hours))
    frozen = engine.store.issues.frozen("2025-W12")
    given = issue, frozen.masthead, frozen.templates, (), NOON, NOON, timedelta(days=3), Cadence.WEEKLY
    plan = Plan(*given)
    engine.store.issues.plan(replace(plan, **changes))  # type: ignore[arg-type]
    return issue


def sent(engine: Engine, keys: Iterable[str]) -> None:
    for hours, key in enumerate(keys, 1):
        planned(engine, key, hours)
        engine.store.issues.set_state(key, IssueState.DONE)


def listed(page: str) -> list[str]:
    return re.findall(r'href="/archive/([^"]+)"', page)


# what is public


def test_an_issue_is_public_from_the_moment_it_goes_out(weekly: Engine) -> None:
    web = Visitor(make_app(weekly))
    before = [web.get(page) for page in PAGES]
    weekly.store.issues.set_state("2025-W12", IssueState.SENDING)
    after = [web.get(page) for page in PAGES]

    assert [each.status_code for each in before] == [200, 404, 404, 200, 200, 404, 404]
    assert {each.status_code for each in after} == {200}
    assert "The first one is yet to come." in plain(before[0].text)
    assert json.loads(before[4].text)["items"] == []


def test_the_page_holds_the_popular_papers_and_no_word_about_interests(out: Engine, web: Visitor) -> None:
    page = web.get("/archive/2025-W12").text

    told = plain(page)
    assert "We read 20 new papers this week. These are the ones that most people talk about." in told
    assert told.count("New this week") == out.settings.selection.size
    for absent in ("no interests", "Hello", "Hi ", "Your interests", "Unsubscribe", "More like this"):
        assert absent not in told
    assert 'href="https://papers.example.org/"' in page
    assert 'href="https://papers.example.org/archive"' in page


def test_an_issue_for_which_nothing_was_new_has_no_page(out: Engine, web: Visitor) -> None:
    empty = Issue("2020-01-01", Cadence.DAILY, NOON - timedelta(days=2000), NOON - timedelta(days=1999))
    planned(out, empty.key, issue=empty)
    out.store.issues.set_state(empty.key, IssueState.DONE)

    assert web.get(f"/archive/{empty.key}").status_code == 404
    assert listed(web.get("/archive").text) == ["2025-W12"]


def test_a_page_speaks_the_languages_that_there_are(web: Visitor) -> None:
    spoken = {"de": "Neu in dieser Woche", "de-AT": "Neu in dieser", "ar": "جديدة هذا الأسبوع", "DE_ch": "Neu in"}
    unspoken = dict.fromkeys(("", "en", "fr", "d", "de.po", "../de", "x" * 900, "%00", "de&lang=en"), "New this week")

    for asked, told in {**spoken, **unspoken}.items():
        assert told in plain(web.get(f"/archive/2025-W12?lang={asked}").text), asked


def test_a_newsletter_in_german_has_german_pages(out: Engine, web: Visitor) -> None:
    planned(out, "deutsch", masthead=replace(out.settings.masthead, language="de"))
    out.store.issues.set_state("deutsch", IssueState.DONE)

    assert '<html lang="de"' in web.get("/archive/deutsch").text
    assert '<html lang="en"' in web.get("/archive/deutsch?lang=en").text
    assert json.loads(web.get("/archive/deutsch/feed.json").text)["language"] == "de"


def test_a_page_is_the_same_whatever_subscribers_do(out: Engine, store: Store, clock: Clock) -> None:
    before = [Visitor(make_app(out)).get(page).content for page in PAGES]
    people = [make_subscriber(f"New{at}", 0, profile=make_profile("graph kernels", "plasma")) for at in range(20)]
    store.subscribers.put_all(people, "test", NOON)
    for entry in out.editions.prepared("2025-W12").entries:
        out.subscriptions.vote(1, entry, Verb.MORE)
    ada = store.subscribers.get(1)
    store.subscribers.change(
        replace(ada, profile=Profile(liked=tuple(out.editions.prepared("2025-W12").entries), size=3))
    )
    clock.forward(days=400)
    again = make_engine(out.settings, store, MemoryTransport(), clock)

    assert [Visitor(make_app(again)).get(page).content for page in PAGES] == before


def test_nothing_of_a_subscriber_and_no_token_is_public(weekly: Engine) -> None:
    secrets = [f"zq{at:03}x" for at in range(60)]
    people = [
        make_subscriber(word, 0, profile=make_profile(f"{word} topic", muted=(f"{word} muted",), text=f"{word} words"))
        for word in secrets
    ]
    weekly.store.subscribers.put_all(people, "test", NOON)
    planned(weekly, "all")
    asyncio.run(weekly.sending.send("all"))
    weekly.subscriptions.vote(weekly.store.subscribers.find("zq001x@example.org").id, "video-diffusion-1", Verb.SAVE)
    web = Visitor(make_app(weekly))

    answers = [web.get(page.replace("2025-W12", "all")) for page in (*PAGES, "/")]

    assert weekly.store.ledger.tally("all").accepted == 63
    assert {each.status_code for each in answers} == {200}
    whole = "".join(str(each.headers) + each.text for each in answers)
    for person in weekly.store.subscribers.listed():
        assert person.email not in whole
        assert person.name not in whole
        assert not any(weekly.tokens.sign(purpose, person.id) in whole for purpose in Purpose if purpose != "view")
        assert weekly.tokens.sign(Purpose.VIEW, person.id, "all") not in whole
    assert "zq" not in whole
    assert not re.search(r"/(interests|unsubscribe|feedback|view|confirm)/", whole)


# the list


def test_issues_are_listed_newest_first_fifty_on_a_page(out: Engine, web: Visitor) -> None:
    keys = [f"day-{at:02}" for at in range(ON_A_PAGE + 3)]
    sent(out, keys)
    planned(out, "planned", 99)

    first, second = web.get("/archive"), web.get("/archive?page=2")

    assert listed(first.text) == keys[:2:-1]
    assert listed(second.text) == [*keys[2::-1], "2025-W12"]
    assert ('href="/archive?page=2"' in first.text, "Newer issues" in first.text) == (True, False)
    assert ('href="/archive"' in second.text, "Older issues" in second.text) == (True, False)
    assert plain(second.text).count("20 papers read") == 4
    assert "17 March 2025" in second.text


def test_a_page_of_the_list_that_is_not_there_is_not_found(web: Visitor) -> None:
    for page in ("0", "2", "-1", "01", "x", "", "1e9", "9999999", "²"):
        assert web.get(f"/archive?page={page}").status_code == 404, page


def test_the_subject_is_that_of_the_page(out: Engine, web: Visitor) -> None:
    subject = out.archive.public("2025-W12").subject

    assert subject
    assert subject in plain(web.get("/archive").text)


# feeds


def test_the_feed_of_all_has_the_latest_issues_papers_once(out: Engine, web: Visitor) -> None:
    sent(out, ["later"])

    items = json.loads(web.get("/feed.json").text)["items"]
    own = json.loads(web.get("/archive/later/feed.json").text)["items"]

    assert items == own
    assert len({item["id"] for item in items}) == out.settings.selection.size
    assert items[0]["date_modified"] == "2025-03-17T13:00:00Z"


def test_a_feed_that_is_not_there_is_not_found(web: Visitor) -> None:
    for path in ("/feed.rss", "/feed.", "/feed", "/archive/2025-W12/feed.xml", "/archive/x/feed.atom"):
        assert web.get(path).status_code == 404, path


def test_pages_announce_the_feeds(web: Visitor) -> None:
    for page in ("/archive", "/"):
        head = web.get(page).text.partition("</head>")[0]
        for kind, form in (("application/atom+xml", "atom"), ("application/feed+json", "json")):
            assert f'<link rel="alternate" type="{kind}" title="The Weekly Preprint" href="/feed.{form}">' in head


# asking again


def test_who_has_a_page_already_gets_it_not_again(web: Visitor) -> None:
    for page in PAGES:
        first = web.get(page)
        tag, date = first.headers["etag"], first.headers["last-modified"]
        for known in (
            {"If-None-Match": tag},
            {"If-None-Match": f'"other", W/{tag}'},
            {"If-None-Match": "*"},
            {"If-Modified-Since": date},
            {"If-None-Match": tag, "If-Modified-Since": "Mon, 01 Jan 2024 00:00:00 GMT"},
        ):
            again = web.get(page, headers=known)
            assert (again.status_code, again.content) == (304, b"")
            assert (again.headers["etag"], again.headers["cache-control"]) == (tag, "public, max-age=300")
        for other in ({"If-None-Match": '"other"', "If-Modified-Since": date}, {"If-Modified-Since": "yesterday"}):
            assert web.get(page, headers=other).status_code == 200


def test_a_new_issue_changes_the_tag_of_the_list_and_of_the_feed(out: Engine, web: Visitor) -> None:
    pages = ("/archive", "/feed.atom")
    known = [{"If-None-Match": web.get(page).headers["etag"]} for page in pages]
    sent(out, ["later"])

    assert [web.get(page, headers=tag).status_code for page, tag in zip(pages, known, strict=True)] == [200, 200]


# safety


def test_past_issues_are_for_reading_only(web: Visitor) -> None:
    for page in PAGES:
        assert web.request("HEAD", page).status_code == 200
        assert {web.request(method, page).status_code for method in ("POST", "PUT", "DELETE")} == {405}
        headers = web.get(page, headers={"Cookie": "a=b"}).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert (headers["referrer-policy"], headers["x-content-type-options"]) == ("no-referrer", "nosniff")
        assert "x-robots-tag" not in headers
        assert "set-cookie" not in headers


def test_a_strange_key_is_not_found_and_not_kept_by_caches(web: Visitor) -> None:
    for key in ("nope", "2025-w12", "%2e%2e", "a%2Fb", "x" * 5000, "%00", "-", "2025-W12%0A", "' OR 1=1"):
        for page in (f"/archive/{key}", f"/archive/{key}/feed.atom"):
            answer = web.get(page)
            assert answer.status_code == 404
            assert "There is no such page." in plain(answer.text)
            assert PRIVATE_HEADERS.items() <= {name.title(): value for name, value in answer.headers.items()}.items()


def test_without_an_archive_there_are_no_such_pages(out: Engine) -> None:
    section = out.settings.web.model_copy(update={"archive": False})
    out = rewired(out, out.settings.model_copy(update={"web": section}))
    web = Visitor(make_app(out))

    assert {web.get(page).status_code for page in PAGES} == {404}
    assert "alternate" not in web.get("/").text
    assert "archive" not in web.get("/").text


def test_the_start_page_links_to_past_issues_below_the_path_of_the_base_url(settings: Settings, store: Store) -> None:
    section = settings.newsletter.model_copy(update={"base_url": "https://example.org/papers/"})
    web = Visitor(make_app(make_engine(settings.model_copy(update={"newsletter": section}), store)))

    assert 'href="/papers/archive"' in web.get("/").text
    assert 'href="/papers/feed.atom"' in web.get("/archive").text
    assert json.loads(web.get("/feed.json").text)["feed_url"] == "https://example.org/papers/feed.json"


# templates of their time


def test_templates_that_know_no_page_for_everybody_are_replaced(out: Engine, web: Visitor) -> None:
    templates = dict(out.store.issues.frozen("2025-W12").templates)
    templates["edition.mjml"] = templates["edition.mjml"].replace("reader.public", "false")
    planned(out, "old", templates=templates)
    out.store.issues.set_state("old", IssueState.DONE)

    page = plain(web.get("/archive/old").text)

    assert "These are the ones that most people talk about." in page
    assert "Unsubscribe" not in page


def test_templates_that_are_broken_today_are_replaced(out: Engine, web: Visitor) -> None:
    templates = {**out.store.issues.frozen("2025-W12").templates, "subject.txt": "{{ nothing }}"}
    planned(out, "broken", 1, templates=templates)
    out.store.issues.set_state("broken", IssueState.DONE)

    assert "These are the ones that most people talk about." in plain(web.get("/archive/broken").text)
    assert listed(web.get("/archive").text) == ["broken", "2025-W12"]


def test_the_look_of_an_issue_stays_what_it_was(out: Engine, web: Visitor) -> None:
    templates = dict(out.store.issues.frozen("2025-W12").templates)
    templates["edition.mjml"] = templates["edition.mjml"].replace("Past issues", "As it was")
    planned(out, "own", templates=templates)
    out.store.issues.set_state("own", IssueState.DONE)

    assert "As it was" in web.get("/archive/own").text


# a crowd


class _Slow(Issues):
    """Counts how often an issue is read, and waits for a word before it."""

    def __init__(self, issues: Issues) -> None:
        super().__init__(issues._database)
        self.read = 0
        self.go_on = Event()

    def frozen(self, key: str) -> Frozen:
        self.read += 1
        assert self.go_on.wait(20)
        return super().frozen(key)


async def crowd(engine: Engine, issues: _Slow, paths: list[str]) -> tuple[list[int], int]:
    """What all these visitors get, and what the start page answers while they wait."""
    transport = httpx.ASGITransport(app=make_app(engine))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        asked = [asyncio.create_task(client.get(path)) for path in paths]
        await asyncio.sleep(0.1)
        meanwhile = await asyncio.wait_for(client.get("/view/forged"), 15)
        issues.go_on.set()
        return [answer.status_code for answer in await asyncio.gather(*asked)], meanwhile.status_code


def test_a_page_that_many_ask_for_is_made_once(out: Engine) -> None:
    issues = _Slow(out.store.issues)
    out = replace(out, archive=Archive(out.settings, issues))

    answers, meanwhile = asyncio.run(crowd(out, issues, ["/archive/2025-W12"] * 40))

    assert (set(answers), meanwhile) == ({200}, 404)
    assert issues.read == 1


def test_a_crowd_is_sent_away_and_the_other_pages_answer(out: Engine) -> None:
    sent(out, [f"day-{at}" for at in range(3)])
    issues = _Slow(out.store.issues)
    out = replace(out, archive=Archive(out.settings, issues))

    paths = [f"/archive/day-{at % 3}" for at in range(MOST + 20)]
    answers, meanwhile = asyncio.run(crowd(out, issues, paths))

    assert meanwhile == 404
    assert (answers.count(200), answers.count(503)) == (MOST, 20)
    assert issues.read == 3


def test_the_engine_says_what_is_not_public(weekly: Engine) -> None:
    for key in ("2025-W12", "nope", "no key"):
        with pytest.raises(UnknownIssue):
            weekly.archive.public(key)
