"""The subscribers' pages over a real store; only the mail server is played."""

from __future__ import annotations

import asyncio
import html
import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
from conftest import rewired
from sqlalchemy import create_engine, text
from visitor import Visitor

from newsletter.engine import Engine
from newsletter.errors import Deferred, DeliveryError, Refused
from newsletter.formats import profile_row
from newsletter.store import Named, Store
from newsletter.testing import NOON, MemoryTransport, make_entry, make_profile, make_subscriber
from newsletter.tokens import Purpose
from newsletter.types import Cadence, Interest, IssueState, Mail, Profile, Status, Subscriber, Verb
from newsletter.web.mail_parts import parts
from newsletter.web.pages import MOST_BYTES
from newsletter.web.public.app import make_app

NOT_OURS = "This link is not ours or has expired."


@pytest.fixture
def web(engine: Engine) -> Visitor:
    return Visitor(make_app(engine))


@pytest.fixture
def ada(engine: Engine) -> Subscriber:
    """Active, with one interest, one liked and one disliked paper, and one more paper to come."""
    papers = ("diffusion", "mamba", "plasma waves/2")
    engine.store.sightings.add([Named(make_entry(each), (f"id:{each}",)) for each in papers], NOON - timedelta(hours=1))
    profile = make_profile("diffusion", liked=("mamba",), disliked=("plasma waves/2",), text="tiny models")
    return engine.store.subscribers.add(make_subscriber(profile=profile), "test", NOON)


def link(engine: Engine, purpose: Purpose, person: Subscriber, *more: str) -> str:
    return f"/{purpose}/{engine.tokens.sign_personal(purpose, person.id, person.epoch, *more)}"


def stored(engine: Engine, person: Subscriber) -> Subscriber:
    return engine.store.subscribers.get(person.id)


def snapshot(store: Store) -> list[str]:
    """Every row of every table."""
    database = create_engine(store.database.url)
    with database.connect() as connection:
        tables = connection.execute(text("SELECT name FROM sqlite_master WHERE type = 'table'")).scalars().all()
        rows = [f"{each} {row}" for each in tables for row in connection.execute(text(f'SELECT * FROM "{each}"'))]  # noqa: S608
    database.dispose()
    return sorted(rows)


def plain(page: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", page.split("</style>")[-1])).split())


def sheet(**changes: object) -> dict[str, object]:
    """The interests form with one interest, as a browser sends it."""
    row = {"interest_was": "diffusion", "interest_name": "diffusion", "interest_weight": "1"}
    row |= {"interest_keywords": "diffusion", "interest_authors": ""}
    return {**row, "name": "Ada", "muted": "", "size": "", "cadence": "", "hype": "", "surprise": "", **changes}


# subscribe and confirm


def test_subscribing_stores_a_pending_person_and_sends_one_confirmation(
    web: Visitor, engine: Engine, transport: MemoryTransport
) -> None:
    sent = {"email": "eve@example.org", "name": "Ève 李", "interests": "video diffusion\nplasma physics"}

    answer = web.post("/subscribe", data=sent)

    person = engine.store.subscribers.find("eve@example.org")
    assert answer.status_code == 200
    assert "Check your inbox" in plain(answer.text)
    assert (person.status, person.name) == (Status.PENDING, "Ève 李")
    assert [each.name for each in person.profile.interests] == ["video diffusion", "plasma physics"]
    assert [mail.recipient for mail in transport.mails] == ["eve@example.org"]


@pytest.mark.parametrize("words", ["a; b; c", "a\nb\nc", "a, b, c", " a ;; b;\r\nc"])
def test_interests_are_divided_as_people_divide_them(web: Visitor, engine: Engine, words: str) -> None:
    web.post("/subscribe", data={"email": "eve@example.org", "interests": words})

    profile = engine.store.subscribers.find("eve@example.org").profile
    assert [each.name for each in profile.interests] == ["a", "b", "c"]


def test_the_answer_does_not_say_whether_an_address_is_known(web: Visitor, ada: Subscriber) -> None:
    known = web.post("/subscribe", data={"email": ada.email, "interests": ""})
    new = web.post("/subscribe", data={"email": "new@example.org", "interests": ""})

    assert known.text.replace(ada.email, "X") == new.text.replace("new@example.org", "X")
    assert (known.status_code, set(known.headers)) == (new.status_code, set(new.headers))


def test_a_known_person_keeps_profile_and_status(web: Visitor, engine: Engine, ada: Subscriber) -> None:
    web.post("/subscribe", data={"email": ada.email.upper(), "name": "Mallory", "interests": "spam"})

    assert stored(engine, ada) == ada


@pytest.mark.parametrize("address", ["", "ada", "a@b@c", "ada@example.org\nBcc: x@example.org", "ada @example.org"])
def test_a_wrong_address_comes_back_with_all_that_was_typed(
    web: Visitor, transport: MemoryTransport, address: str
) -> None:
    answer = web.post("/subscribe", data={"email": address, "name": "<Ada>", "interests": "one\ntwo"})

    assert answer.status_code == 422
    assert "This is not a mail address." in plain(answer.text)
    assert 'value="&lt;Ada&gt;"' in answer.text
    assert "one\ntwo</textarea>" in answer.text
    assert not transport.mails


def test_too_many_interests_are_refused_beside_the_field(web: Visitor) -> None:
    answer = web.post("/subscribe", data={"email": "a@example.org", "interests": ";".join(map(str, range(60)))})

    assert answer.status_code == 422
    assert "At most 50 interests" in plain(answer.text)


def test_who_fills_the_hidden_field_gets_the_same_page_and_no_mail(web: Visitor, transport: MemoryTransport) -> None:
    answer = web.post("/subscribe", data={"email": "bot@example.org", "website": "https://spam.example"})

    assert "Check your inbox" in answer.text
    assert not transport.mails


def test_a_server_that_is_down_says_so_and_the_next_try_works(web: Visitor, transport: MemoryTransport) -> None:
    transport.down = True
    first = web.post("/subscribe", data={"email": "eve@example.org"})
    transport.down = False
    web.post("/subscribe", data={"email": "eve@example.org"})

    assert first.status_code == 503
    assert "could not send the confirmation" in plain(first.text)
    assert len(transport.mails) == 1


@pytest.mark.parametrize(("error", "status"), [(Deferred("451 later", 451), 503), (Refused("550 nobody", 550), 422)])
def test_a_refused_confirmation_is_explained(
    web: Visitor, transport: MemoryTransport, error: DeliveryError, status: int
) -> None:
    def answer(mail: Mail) -> None:
        raise error

    transport.answer = answer

    assert web.post("/subscribe", data={"email": "eve@example.org"}).status_code == status


def test_only_the_button_confirms(web: Visitor, engine: Engine, transport: MemoryTransport) -> None:
    web.post("/subscribe", data={"email": "eve@example.org"})
    found = re.search(r"https://papers\.example\.org(/confirm/\S+)", parts(transport.mails[0]).text)
    assert found
    asked = web.get(found[1])
    before = engine.store.subscribers.find("eve@example.org").status
    done = web.post(found[1])

    assert "Confirm my address" in asked.text
    assert before is Status.PENDING
    assert engine.store.subscribers.find("eve@example.org").status is Status.ACTIVE
    assert "/interests/" in done.text


# interests


def test_the_interests_page_shows_what_is_stored_and_the_next_edition(
    web: Visitor, engine: Engine, ada: Subscriber
) -> None:
    page = web.get(link(engine, Purpose.INTERESTS, ada)).text

    assert 'value="diffusion"' in page
    assert page.count('name="interest_name"') >= 1 + 3
    assert "On mamba More like this" in plain(page)
    assert "On plasma waves/2 Fewer like this" in plain(page)
    assert 'href="https://papers.example.org/diffusion">On diffusion</a>' in page
    assert all(reason in plain(page) for pick in engine.editions.next_edition(ada).picks for reason in pick.reasons)


def test_saving_keeps_all_that_the_form_does_not_show(web: Visitor, engine: Engine, ada: Subscriber) -> None:
    own = replace(ada, weekday=3, hour=7, timezone="Europe/Berlin", language="de")
    liked = replace(ada.profile.interests[0], liked=("mamba",))
    engine.store.subscribers.change(replace(own, profile=replace(ada.profile, interests=(liked,))))
    before = stored(engine, ada)

    answer = web.post(link(engine, Purpose.INTERESTS, ada), data={**sheet(), "weekday": "thursday", "language": "de"})

    assert answer.status_code == 303
    assert stored(engine, ada) == before


def test_what_a_page_has_no_field_for_stays_as_it_is(web: Visitor, engine: Engine, ada: Subscriber) -> None:
    engine.store.subscribers.change(replace(ada, weekday=3, skim=True, language="ar"))
    before = stored(engine, ada)

    web.post(link(engine, Purpose.INTERESTS, ada), data=sheet(name="Ada L."))

    assert stored(engine, ada) == replace(before, name="Ada L.")


def test_saving_changes_what_the_form_shows(web: Visitor, engine: Engine, ada: Subscriber) -> None:
    rows = {
        "interest_was": ["diffusion", "", ""],
        "interest_name": ["Video", "", ""],
        "interest_weight": ["2.5", "", "1"],
        "interest_keywords": ["video diffusion, long videos", "tokamak", ""],
        "interest_authors": ["Gu, Albert; Tri Dao", "", ""],
    }
    rest = {"muted": "spiking; quantization", "size": "7", "cadence": "daily", "hype": "0.5", "surprise": "0"}
    rest |= {"weekday": "thursday", "skim": "true", "language": "de"}

    answer = web.post(link(engine, Purpose.INTERESTS, ada), data={**rows, **rest, "name": "Ada L."})

    person = stored(engine, ada)
    assert person.profile == Profile(
        interests=(
            Interest("Video", 2.5, ("video diffusion", "long videos"), ("Gu, Albert", "Tri Dao")),
            Interest("tokamak", 1.0, ("tokamak",)),
        ),
        **{name: getattr(ada.profile, name) for name in ("liked", "disliked", "text")},
        muted=("spiking", "quantization"),
        size=7,
        hype=0.5,
        surprise=0.0,
    )
    assert (person.name, person.cadence, person.weekday, person.skim) == ("Ada L.", Cadence.DAILY, 3, True)
    assert person.language == "de"
    page = web.get(answer.headers["location"]).text
    assert "Saved." in page
    assert '<option value="ar">العربية</option>' in page
    for chosen in ("daily", "thursday", "true", "de"):
        assert f'value="{chosen}" selected' in page


def test_a_wrong_field_is_named_and_nothing_is_lost_or_saved(web: Visitor, engine: Engine, ada: Subscriber) -> None:
    wrong = sheet(interest_weight="heavy", interest_keywords="a <b>; c", size="900", muted="kept words", forget="mamba")

    answer = web.post(link(engine, Purpose.INTERESTS, ada), data=wrong)

    assert answer.status_code == 422
    assert 'id="interests.0.weight-wrong">This should be a valid number.' in answer.text
    assert 'id="size-wrong">This should be less than or equal to 50.' in answer.text
    assert all(f'value="{each}"' in answer.text for each in ("heavy", "900", "kept words"))
    assert ">\na &lt;b&gt;; c</textarea>" in answer.text
    assert 'value="mamba" checked' in answer.text
    assert stored(engine, ada) == ada


def test_an_opinion_can_be_taken_back(web: Visitor, engine: Engine, ada: Subscriber) -> None:
    web.post(link(engine, Purpose.INTERESTS, ada), data=sheet(forget=["mamba", "plasma waves/2"]))

    profile = stored(engine, ada).profile
    assert (profile.liked, profile.disliked) == ((), ())


def test_a_number_that_no_choice_offers_stays_when_saved(web: Visitor, engine: Engine, ada: Subscriber) -> None:
    engine.store.subscribers.change(replace(ada, profile=replace(ada.profile, hype=0.35)))

    page = web.get(link(engine, Purpose.INTERESTS, ada)).text

    assert '<option value="0.35" selected>As it is now (0.35)</option>' in page


def test_no_new_paper_is_said_kindly(web: Visitor, engine: Engine) -> None:
    person = engine.store.subscribers.add(make_subscriber(), "test", NOON)

    assert "Nothing new fits your interests so far." in plain(web.get(link(engine, Purpose.INTERESTS, person)).text)


def test_the_form_works_while_a_mail_template_is_broken(engine: Engine, tmp_path: Path, ada: Subscriber) -> None:
    folder = tmp_path / "own" / "weekly"
    folder.mkdir(parents=True)
    (folder / "edition.mjml").write_text("<mjml>{% if %}")
    section = engine.settings.newsletter.model_copy(update={"templates": "own"})
    engine = rewired(engine, engine.settings.model_copy(update={"newsletter": section}))

    answer = Visitor(make_app(engine)).get(link(engine, Purpose.INTERESTS, ada))

    assert answer.status_code == 200
    assert "This cannot be shown just now." in answer.text


def test_an_entry_s_link_never_runs_a_script(web: Visitor, engine: Engine, ada: Subscriber) -> None:
    bad = make_entry("diffusion-bad", title="<script>diffusion</script>", url="javascript:alert(1)")
    engine.store.sightings.add([Named(bad, ("id:bad",))], NOON)

    page = web.get(link(engine, Purpose.INTERESTS, ada)).text

    assert "&lt;script&gt;diffusion" in page
    assert "javascript:" not in page
    assert "<script" not in page


def test_pause_and_resume(web: Visitor, engine: Engine, ada: Subscriber) -> None:
    page = link(engine, Purpose.INTERESTS, ada)

    web.post(f"{page}/pause")
    paused = stored(engine, ada).status
    words = plain(web.get(page).text)
    answer = web.post(f"{page}/resume")

    assert paused is Status.PAUSED
    assert "You are taking a break" in words
    assert stored(engine, ada).status is Status.ACTIVE
    assert (answer.status_code, answer.headers["location"]) == (303, page)


@pytest.mark.parametrize("status", [Status.PENDING, Status.BOUNCED, Status.COMPLAINED])
def test_who_must_confirm_cannot_resume(web: Visitor, engine: Engine, ada: Subscriber, status: Status) -> None:
    ada = engine.subscriptions.set_status(ada.id, status)

    web.post(f"{link(engine, Purpose.INTERESTS, ada)}/resume")

    assert stored(engine, ada).status is status
    assert web.get(link(engine, Purpose.INTERESTS, ada)).status_code == 200


# unsubscribe

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


@pytest.mark.parametrize(
    "body",
    [
        {"data": ONE_CLICK},
        {"files": {"List-Unsubscribe": (None, "One-Click")}},
        {"content": b"--broken", "headers": {"Content-Type": "multipart/form-data"}},
        {},
    ],
    ids=["urlencoded", "multipart", "broken multipart", "empty"],
)
def test_one_click_works_in_every_form_and_twice(
    web: Visitor, engine: Engine, ada: Subscriber, body: dict[str, object]
) -> None:
    page = link(engine, Purpose.UNSUBSCRIBE, ada)

    answers = [web.post(page, **body) for _ in range(2)]

    assert [each.status_code for each in answers] == [200, 200]
    assert not any("set-cookie" in each.headers for each in answers)
    assert stored(engine, ada).status is Status.UNSUBSCRIBED


def test_a_slip_of_the_finger_can_be_undone(web: Visitor, engine: Engine, ada: Subscriber) -> None:
    page = link(engine, Purpose.UNSUBSCRIBE, ada)

    [undo] = re.findall(r'action="([^"]+/undo)"', web.post(page).text)
    back = web.post(undo).text

    assert "You are subscribed again" in plain(back)
    assert stored(engine, ada).status is Status.ACTIVE


@pytest.mark.parametrize("status", [Status.BOUNCED, Status.COMPLAINED])
def test_unsubscribing_never_softens_a_bounce_or_complaint(
    web: Visitor, engine: Engine, ada: Subscriber, status: Status
) -> None:
    engine.subscriptions.set_status(ada.id, status)
    page = link(engine, Purpose.UNSUBSCRIBE, ada)

    answers = web.post(page), web.post(f"{page}/undo")

    assert [each.status_code for each in answers] == [200, 404]
    assert "undo" not in answers[0].text
    assert stored(engine, ada).status is status


# feedback and view


def voted(engine: Engine, person: Subscriber) -> list[tuple[str, str]]:
    return [(vote.entry, vote.verb) for vote in engine.store.votes.of([person.id]).get(person.id, [])]


@pytest.mark.parametrize(
    ("word", "entry", "told"),
    [
        ("more", "plasma waves/2", "papers like this one will count more"),
        ("less", "mamba", "papers like this one will count less"),
        ("save", "plasma waves/2", "It stands in your list"),
    ],
)
def test_feedback_is_recorded_by_the_button_only(
    web: Visitor, engine: Engine, ada: Subscriber, word: str, entry: str, told: str
) -> None:
    page = f"{link(engine, Purpose.FEEDBACK, ada)}/{word}/{quote(entry, safe='')}"
    before = snapshot(engine.store)

    asked = web.get(page)
    untouched = snapshot(engine.store) == before
    done = web.post(page)

    assert f"On {entry}" in plain(asked.text)
    assert untouched
    assert voted(engine, ada) == [(entry, word)]
    assert told in plain(done.text)
    assert "after every half a year" in plain(done.text)
    assert "/interests/" in done.text


def test_a_vote_is_undone_by_the_button_of_its_page(web: Visitor, engine: Engine, ada: Subscriber) -> None:
    done = web.post(f"{link(engine, Purpose.FEEDBACK, ada)}/save/{quote('plasma waves/2', safe='')}")
    [undo] = re.findall(r'action="([^"]+/undo/[^"]+)"', done.text)

    looked, kept = web.get(undo).status_code, voted(engine, ada)
    undone = web.post(undo)

    assert (looked, kept) == (405, [("plasma waves/2", "save")])
    assert "Taken back" in plain(undone.text)
    assert voted(engine, ada) == []
    assert stored(engine, ada) == ada
    assert web.post(undo).status_code == 200


def test_votes_need_a_token_of_their_own(web: Visitor, engine: Engine, ada: Subscriber) -> None:
    tokens = [engine.tokens.sign(each, ada.id) for each in Purpose if each is not Purpose.FEEDBACK]

    for token in (*tokens, "forged"):
        for word in ("more", "less", "save", "undo"):
            assert web.post(f"/feedback/{token}/{word}/mamba").status_code == 404

    assert voted(engine, ada) == []


def test_saved_papers_come_first_and_every_word_has_its_day(web: Visitor, engine: Engine, ada: Subscriber) -> None:
    engine.subscriptions.vote(ada.id, "diffusion", Verb.SAVE)
    engine.subscriptions.vote(ada.id, "mamba", Verb.LESS)

    page = web.get(link(engine, Purpose.INTERESTS, ada)).text

    words = plain(page)
    assert words.index("On diffusion Saved, 17 March 2025") < words.index("On mamba Fewer like this, 17 March 2025")
    assert "On plasma waves/2 Fewer like this" in words
    assert "On mamba More like this" not in words
    assert '<a href="https://papers.example.org/diffusion">On diffusion</a><br>' in page


def test_a_saved_link_leads_to_the_web_or_nowhere(web: Visitor, engine: Engine, ada: Subscriber) -> None:
    engine.store.sightings.add([Named(make_entry("evil", url="javascript:alert(1)"), ("evil",))], NOON)

    pages = web.post(f"{link(engine, Purpose.FEEDBACK, ada)}/save/evil"), web.get(link(engine, Purpose.INTERESTS, ada))

    assert all("On evil" in page.text and "javascript:" not in page.text for page in pages)


def test_forgetting_takes_votes_back(web: Visitor, engine: Engine, ada: Subscriber) -> None:
    for entry, verb in (("mamba", Verb.MORE), ("diffusion", Verb.SAVE), ("plasma waves/2", Verb.LESS)):
        engine.subscriptions.vote(ada.id, entry, verb)

    web.post(link(engine, Purpose.INTERESTS, ada), data=sheet(forget=["mamba", "diffusion"]))

    assert voted(engine, ada) == [("plasma waves/2", "less")]
    assert stored(engine, ada).profile.liked == ()


def test_feedback_on_an_unknown_paper_is_a_page_not_found(web: Visitor, engine: Engine, ada: Subscriber) -> None:
    page = link(engine, Purpose.FEEDBACK, ada)

    assert web.get(f"{page}/more/nothing").status_code == 404
    assert web.post(f"{page}/more/nothing").status_code == 404
    assert web.post(f"{page}/meh/mamba").status_code == 404


def test_the_view_is_the_edition_of_the_very_mail_without_links_of_the_readers_own(
    weekly: Engine, transport: MemoryTransport
) -> None:
    asyncio.run(weekly.sending.send("2025-W12"))
    bob = weekly.store.subscribers.find("bob@example.org")
    weekly.store.subscribers.change(replace(bob, profile=make_profile("graph kernels")))

    page = Visitor(make_app(weekly)).get(link(weekly, Purpose.VIEW, bob, "2025-W12")).text

    mailed = parts(next(mail for mail in transport.mails if mail.recipient == bob.email)).html
    titles, links = r"On [a-z -]+ \d", r'href="https://papers\.example\.org(/[^"]*)"'
    assert re.findall(titles, plain(page)) == re.findall(titles, plain(mailed)) != []
    assert {path.split("/")[1] for path in re.findall(links, mailed)} >= {
        "interests",
        "unsubscribe",
        "feedback",
        "view",
    }
    assert {path for path in re.findall(links, page) if path not in re.findall(links, mailed)} == {"/"}
    assert not re.search(r"/(interests|unsubscribe|feedback|view)/|Bob|bob@", page)


def test_the_view_has_what_the_mail_had_no_room_for(
    weekly: Engine, transport: MemoryTransport, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("newsletter.renderer.issue_renderer._ROOM", 12_000)
    asyncio.run(weekly.sending.send("2025-W12"))
    bob = weekly.store.subscribers.find("bob@example.org")

    answer = Visitor(make_app(weekly)).get(link(weekly, Purpose.VIEW, bob, "2025-W12"))

    mailed = parts(next(mail for mail in transport.mails if mail.recipient == bob.email)).html
    assert "more paper" in mailed
    assert "on the web" not in answer.text
    assert answer.text.count('class="why"') > mailed.count('class="why"') == 1


# all pages


def every_link(engine: Engine, person: Subscriber) -> list[str]:
    confirm, interests = link(engine, Purpose.CONFIRM, person), link(engine, Purpose.INTERESTS, person)
    unsubscribe, view = link(engine, Purpose.UNSUBSCRIBE, person), link(engine, Purpose.VIEW, person, "2025-W12")
    feedback = link(engine, Purpose.FEEDBACK, person)
    entry = next(iter(engine.editions.prepared("2025-W12").entries))
    votes = [f"{feedback}/{word}/{entry}" for word in ("more", "less", "save")]
    return [confirm, interests, unsubscribe, view, *votes]


def test_looking_at_any_page_changes_nothing(weekly: Engine) -> None:
    web = Visitor(make_app(weekly))
    bob = weekly.store.subscribers.find("bob@example.org")
    weekly.store.issues.set_state("2025-W12", IssueState.SENDING)
    public = ["/archive", "/archive/2025-W12?lang=de", "/archive/2025-W12/feed.atom", "/feed.atom", "/feed.json"]
    pages = ["/", "/healthz", *public, *every_link(weekly, bob)]
    before = snapshot(weekly.store)

    answers = [web.request(method, page) for page in pages for method in ("GET", "HEAD")]
    others = [web.request(method, page).status_code for page in pages for method in ("OPTIONS", "PUT", "DELETE")]

    assert {each.status_code for each in answers} == {200}
    assert set(others) == {405}
    assert snapshot(weekly.store) == before


def test_every_answer_has_its_headers(weekly: Engine) -> None:
    web = Visitor(make_app(weekly))
    bob = weekly.store.subscribers.find("bob@example.org")

    for page in ["/", "/healthz", "/nowhere", "/confirm/forged", *every_link(weekly, bob)]:
        headers = web.get(page).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert (headers["referrer-policy"], headers["x-content-type-options"]) == ("no-referrer", "nosniff")
        assert (headers.get("x-robots-tag"), headers.get("cache-control")) == (
            (None, None) if page in ("/", "/healthz") else ("noindex", "no-store")
        )
        assert "set-cookie" not in headers


@pytest.mark.parametrize("path", ["confirm", "interests", "unsubscribe", "view", "feedback"])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_forged_link_is_a_page_without_a_traceback(web: Visitor, path: str, method: str) -> None:
    end = "/more/x" if path == "feedback" else ""

    for token in ("forged", "WzFd.AAAA", "é%00", "x" * 5000):
        answer = web.request(method, f"/{path}/{token}{end}")
        if (path, method) != ("view", "POST"):
            assert (answer.status_code, NOT_OURS in plain(answer.text)) == (404, True)


def test_a_token_opens_the_page_of_its_purpose_only(web: Visitor, engine: Engine, ada: Subscriber) -> None:
    token = engine.tokens.sign(Purpose.FEEDBACK, ada.id)

    for path in ("confirm", "interests", "unsubscribe", "view"):
        assert web.get(f"/{path}/{token}").status_code == 404
    assert web.post(f"/unsubscribe/{token}").status_code == 404
    assert stored(engine, ada).status is Status.ACTIVE


def test_an_erased_person_s_links_are_not_ours_any_more(weekly: Engine) -> None:
    bob = weekly.store.subscribers.find("bob@example.org")
    links = every_link(weekly, bob)
    weekly.store.subscribers.erase(bob.id)
    web = Visitor(make_app(weekly))

    answers = [web.get(each) for each in links]

    assert {each.status_code for each in answers} == {404}
    assert all(NOT_OURS in plain(each.text) for each in answers)


@pytest.mark.parametrize("declared", [True, False])
def test_a_body_that_is_too_large_is_refused(web: Visitor, transport: MemoryTransport, declared: bool) -> None:
    body = b"email=eve%40example.org&name=" + b"x" * MOST_BYTES
    headers = {"Content-Type": "application/x-www-form-urlencoded"}

    async def in_pieces() -> AsyncIterator[bytes]:
        yield body[:9000]
        yield body[9000:]

    answer = web.post("/subscribe", content=body if declared else in_pieces(), headers=headers)

    assert answer.status_code == 413
    assert not transport.mails


def test_a_busy_database_asks_for_patience(engine: Engine, store: Store, ada: Subscriber) -> None:
    database = create_engine(store.database.url)
    with database.begin() as connection:
        connection.execute(text("ALTER TABLE subscribers RENAME TO elsewhere"))

    answer = Visitor(make_app(engine)).get(link(engine, Purpose.INTERESTS, ada))
    database.dispose()

    assert answer.status_code == 503
    assert "try again in a few minutes" in plain(answer.text)


def test_a_bug_of_ours_is_a_page_too(engine: Engine) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError

    engine.tokens.read = broken  # type: ignore[method-assign, assignment]

    answer = Visitor(make_app(engine), forgiving=True).get("/interests/x")

    assert answer.status_code == 500
    assert "Something broke on our side." in plain(answer.text)
    assert answer.headers["cache-control"] == "no-store"


def test_pages_live_below_the_path_of_the_base_url(engine: Engine, ada: Subscriber) -> None:
    section = engine.settings.newsletter.model_copy(update={"base_url": "https://example.org/papers/"})
    engine = rewired(engine, engine.settings.model_copy(update={"newsletter": section}))
    web = Visitor(make_app(engine))

    answer = web.post(f"{link(engine, Purpose.INTERESTS, ada)}/pause")

    assert answer.headers["location"].startswith("/papers/interests/")
    assert 'action="/papers/subscribe"' in web.get("/").text


def test_a_page_can_be_overridden(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "own" / "web").mkdir(parents=True)
    (tmp_path / "own" / "web" / "problem.html").write_text("<p>Ours: {{ words }}</p>")
    section = engine.settings.newsletter.model_copy(update={"templates": "own"})
    engine = rewired(engine, engine.settings.model_copy(update={"newsletter": section}))

    assert "Ours: There is no such page." in Visitor(make_app(engine)).get("/nowhere").text


def test_a_profile_survives_a_visit_that_changes_nothing(web: Visitor, engine: Engine, ada: Subscriber) -> None:
    rich = Profile((Interest("a", 0.5, ("x", "y"), ("Z, A",), ("mamba",)), Interest("b")), ("no",), size=3, hype=0.5)
    engine.store.subscribers.change(replace(ada, profile=rich))
    page = web.get(link(engine, Purpose.INTERESTS, ada)).text
    fields = re.findall(r'<input [^>]*?name="([^"]+)"[^>]*? value="([^"]*)"', page)
    fields += re.findall(r'<textarea [^>]*?name="([^"]+)"[^>]*>\n([^<]*)', page)
    chosen = re.findall(r'<select id="(\w+)".*?<option value="([^"]*)" selected', page, re.DOTALL)
    hidden = re.findall(r'<input type="hidden" name="(interest_was)" value="([^"]*)"', page)
    names = {name for name, _ in fields}
    typed = {name: [html.unescape(value) for key, value in fields if key == name] for name in names}
    typed |= {"interest_was": [html.unescape(value) for _, value in hidden]}
    del typed["forget"]

    web.post(link(engine, Purpose.INTERESTS, ada), data={**typed, **dict(chosen)})

    assert profile_row(stored(engine, ada).profile) == profile_row(rich)
