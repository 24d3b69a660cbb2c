"""Whole mails: what a reader gets, and what a hostile entry does not get."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path

import pytest

from newsletter.renderer import Confirmation, MultilingualIssue, Renderer, load_templates, make_renderer
from newsletter.renderer.compile import Macros
from newsletter.testing import NOON, WEEK_12, make_entry, make_subscriber
from newsletter.types import Edition, Entry, Links, Mail, Masthead, Pick

TEMPLATES = Path(__file__).parents[3] / "templates"
WEEKLY = load_templates(TEMPLATES / "weekly")
CONFIRM = WEEKLY | load_templates(TEMPLATES / "confirm")
MASTHEAD = Masthead(
    name="The Weekly Preprint",
    sender="The Weekly Preprint <weekly@papers.example.org>",
    tagline="New research, picked for you",
    list_id="weekly.papers.example.org",
    postal_address="12 Quay Street, 1010 Vienna",
)
BASE = "https://papers.example.org/s/token"
LINKS = Links(
    f"{BASE}/view", f"{BASE}/interests", f"{BASE}/leave", "mailto:u@papers.example.org?subject=u", f"{BASE}/f"
)
ID = "<2025-W12.1@papers.example.org>"
NASTY = "<script>alert(1)</script> {{7*7}} </mj-text></td> --> <!-- {% raw %} \x00\u202e\u200b 🧑‍🔬 \x02name\x03"


@pytest.fixture
def issue() -> MultilingualIssue:
    return make_renderer(WEEKLY, MASTHEAD).open(WEEK_12, [make_entry(f"paper-{number}") for number in range(59)])


def picked(*entries: Entry, interest: str = "Plasma physics", reason: str = "you follow Jane Doe") -> tuple[Pick, ...]:
    return tuple(Pick(entry, 1.0, interest, (reason, "near mamba")) for entry in entries)


def mail_of(issue: MultilingualIssue, *entries: Entry, name: str = "Ada", **words: str) -> Mail:
    edition = Edition(WEEK_12, make_subscriber(name, email="ada@example.org"), picked(*entries, **words))
    return issue.render(edition, LINKS, ID, NOON)


def parts(mail: Mail) -> tuple[str, str]:
    """Text and HTML, as a mail program reads them."""
    message = message_from_bytes(mail.body, policy=policy.default)
    assert isinstance(message, EmailMessage)
    assert not any(part.defects for part in message.walk())
    text, html = (message.get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None
    assert html is not None
    return text.get_content().replace("\r\n", "\n"), html.get_content()


def full(entry_id: str = "full") -> Entry:
    return make_entry(
        entry_id,
        authors=("A. One", "B. Two", "C. Three", "D. Four"),
        published=NOON,
        source="arXiv",
        topics=("plasma",),
        code_url="https://git.example.org/code",
        pdf_url="https://papers.example.org/pdf",
        image_url="https://papers.example.org/figure.png",
        votes=12,
    )


def test_both_parts_say_the_same(issue: MultilingualIssue) -> None:
    for part in parts(mail_of(issue, full(), make_entry("two"))):
        for words in (
            *(
                "Hi Ada,",
                "We read 59 new papers this week. We picked 2 for you: 1 min to read.",
                "Plasma physics 2",
                "On full",
                "On two",
            ),
            *("A. One, B. Two, C. Three and 1 more", "17 March 2025", "arXiv", "12 votes", "plasma"),
            *("Why this paper:", "You follow Jane Doe; near mamba", "ada@example.org", "12 Quay Street, 1010 Vienna"),
            *(
                "https://git.example.org/code",
                "https://papers.example.org/pdf",
                f"{BASE}/f/more/full",
                f"{BASE}/f/less/two",
                f"{BASE}/f/save/full",
            ),
            *(LINKS.view, LINKS.interests, LINKS.unsubscribe, "2025-W12"),
        ):
            assert words in re.sub(r"\s+", " ", part.replace("&#160;", " ")), words


def test_what_is_not_known_is_not_shown(issue: MultilingualIssue) -> None:
    bare = Entry("bare", "A bare title", url="javascript:alert(1)", image_url="data:image/png,x")

    text, html = parts(mail_of(issue, bare, name="", interest=""))

    assert "Hello," in text
    assert "Beyond your interests" in text
    assert "Beyond your interests" in html
    for absent in ("Your interests:", "votes", "PDF", "Code", "Read the paper", "<img", "javascript", "data:", "None"):
        assert absent not in text + html, absent


def test_an_edition_without_picks_is_short_and_friendly(issue: MultilingualIssue) -> None:
    mail = mail_of(issue)

    for part in parts(mail):
        assert "Nothing new came close to your interests this week." in re.sub(r"\s+", " ", part)
        assert "Widen your interests" in part
    assert b"Subject: A quiet week for your interests\r\n" in mail.body


def test_the_subject_is_the_lead_and_the_preheader_the_next(issue: MultilingualIssue) -> None:
    mail = mail_of(issue, *(make_entry(f"paper-{number}") for number in range(5)))

    assert b"Subject: On paper 0 and 4 more\r\n" in mail.body
    assert "Also: On paper 1; On paper 2; On paper 3" in parts(mail)[1]


def test_twenty_picks_are_numbered_and_fit_below_the_clip_of_gmail(issue: MultilingualIssue) -> None:
    mail = mail_of(issue, *(make_entry(f"paper-{number}") for number in range(20)))

    assert "20 | Plasma physics" in parts(mail)[0]
    assert len(parts(mail)[1]) < 102_000


def test_ten_cards_with_usual_abstracts_take_less_than_60_kb(issue: MultilingualIssue) -> None:
    entries = [
        replace(full(f"paper-{number}"), abstract="A usual sentence of nine words stands here. " * 20)
        for number in range(10)
    ]

    assert len(parts(mail_of(issue, *entries))[1]) < 60_000


def test_a_rising_paper_with_a_project_and_a_summary_says_so(issue: MultilingualIssue) -> None:
    entry = make_entry("a", tldr="Short and good.", project_url="https://project.example.org/a", trend=0.8)

    text, html = parts(mail_of(issue, entry))

    assert "TL;DR Short and good." in text
    assert "<b>TL;DR</b> <bdi>Short and good.</bdi>" in re.sub(r"\s+", " ", html)
    for part in (text, html):
        assert "rising" in part
        assert "https://project.example.org/a" in part
    assert "rising" not in "".join(parts(mail_of(issue, replace(entry, trend=0.5))))


def test_the_time_to_read_follows_the_words(issue: MultilingualIssue) -> None:
    long = [make_entry(str(place), abstract="Five words stand in here. " * 14) for place in range(20)]

    text, _ = parts(mail_of(issue, *long))

    assert "picked 20 for you: 7 min to read." in re.sub(r"\s+", " ", text)


def test_what_a_mail_has_no_room_for_stands_on_its_page(issue: MultilingualIssue) -> None:
    entries = [make_entry(f"{place:02}", title="量子" * 60, abstract="物理学。" * 200) for place in range(20)]
    whole = Edition(WEEK_12, make_subscriber("Ada", email="ada@example.org"), picked(*entries))

    fitting = issue.fitting(whole, LINKS)

    assert fitting.picks + fitting.more == whole.picks
    version = issue.version(fitting)
    assert version._size(fitting, LINKS) == len(b"".join(version._parts(fitting, LINKS)[2]))
    text, html = parts(issue.render(fitting, LINKS, ID, NOON))
    assert 80_000 < len(html.encode("ascii", "xmlcharrefreplace")) <= 101_000
    for part in (text, html):
        assert f"{len(fitting.more)} more papers on the web" in part
        assert "picked 20 for you" in re.sub(r"\s+", " ", part)
    assert issue.fitting(replace(whole, picks=whole.picks[:3]), LINKS).more == ()


def test_of_many_sources_that_could_not_be_read_the_first_are_named() -> None:
    issue = make_renderer(WEEKLY, MASTHEAD).open(WEEK_12, [], tuple(f"source {at} " + "源" * 50 for at in range(300)))

    text, html = parts(mail_of(issue, full()))

    assert "source 11" in text.replace("\n", " ")
    assert "source 12" not in text.replace("\n", " ")
    assert "…." in text
    assert len(html.encode("ascii", "xmlcharrefreplace")) < 30_000


def test_sources_that_could_not_be_read_are_named() -> None:
    issue = make_renderer(WEEKLY, MASTHEAD).open(WEEK_12, [], ("bioRxiv", "<b>OpenReview</b>"))

    text, html = parts(mail_of(issue, full()))

    assert "Not every source could be read this week: bioRxiv, <b>OpenReview</b>." in text.replace("\n", " ")
    assert "source could be read this week: bioRxiv, &lt;b&gt;OpenReview&lt;/b&gt;." in html.replace("\n", " ")


def test_a_source_that_was_read_and_had_nothing_new_was_read() -> None:
    issue = make_renderer(WEEKLY, MASTHEAD).open(WEEK_12, [], ("bioRxiv (nothing new came from it)",))

    for part in parts(mail_of(issue, full())):
        assert "These sources had nothing new this week: bioRxiv." in part.replace("\n", " ")
        assert "could be read" not in part


def test_each_card_is_rendered_once_however_many_readers(
    issue: MultilingualIssue, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    render = Macros.__call__

    def counted(macros: Macros, name: str, *values: object) -> str:
        calls.append(name)
        return render(macros, name, *values)

    monkeypatch.setattr(Macros, "__call__", counted)

    for name in ("Ada", "Bob", "", "李"):
        mail_of(issue, full("one"), full("two"), full("three"), name=name)

    once = ["beyond"] + ["card"] * 4 + ["group"] * 2 + ["lead"] * 2  # HTML and text
    assert sorted(calls) == once


def test_the_same_arguments_give_the_same_bytes_in_any_order(issue: MultilingualIssue) -> None:
    first = mail_of(issue, full("one"), full("two"))
    mail_of(issue, replace(full("one"), title="Another title for the same id"), full("two"), name="Bob")

    assert mail_of(issue, full("one"), full("two")) == first
    other = Renderer(WEEKLY, MASTHEAD).open(WEEK_12, [make_entry(f"paper-{number}") for number in range(59)])
    assert mail_of(other, full("one"), full("two")) == first


def test_another_mail_has_another_boundary(issue: MultilingualIssue) -> None:
    edition = Edition(WEEK_12, make_subscriber(), picked(full()))

    bodies = [issue.render(edition, LINKS, f"<{number}@x.org>", NOON).body for number in (1, 2)]

    assert len({re.findall(rb'boundary="(.*)"', body)[0] for body in bodies}) == 2


def test_hostile_words_stay_words(issue: MultilingualIssue) -> None:
    entry = replace(full(), title=NASTY, abstract=NASTY, authors=(NASTY,), topics=(NASTY,), source=NASTY)
    plain = parts(mail_of(issue, full()))[1]

    mail = mail_of(issue, entry, name=NASTY, interest=NASTY, reason=NASTY)
    text, html = parts(mail)

    assert html.count("<script") == 0
    assert html.count("<td") == plain.count("<td")
    assert html.count("<!--") == plain.count("<!--")
    assert "{{7*7}}" in text
    assert "49" not in text
    assert not re.search("[\x00\x02\x03\u202e\u200b]", text + html)
    assert b"\r\n.\r\n" not in mail.body


@pytest.mark.parametrize("word", ["x" * 5000, "李" * 5000, "<&>" * 2000, "a\r\nb\n" * 1000])
def test_no_line_is_too_long_and_none_ends_in_a_bare_lf(issue: MultilingualIssue, word: str) -> None:
    entry = replace(full(), title=word, abstract=word * 100, authors=(word,) * 9, topics=(word,) * 9, source=word)

    body = mail_of(issue, entry, entry, name=word, interest=word, reason=word).body

    assert max(map(len, body.split(b"\r\n"))) <= 998
    assert b"\n" not in body.replace(b"\r\n", b"")
    assert b"\r" not in body.replace(b"\r\n", b"")
    assert body.isascii()


def test_prose_is_wrapped_and_no_line_of_text_ends_in_a_blank(issue: MultilingualIssue) -> None:
    entries = (replace(full(), abstract="many words " * 60), make_entry("bare", abstract="", url=""))

    text, _ = parts(
        mail_of(issue, *entries, interest="a rather long name of an interest " * 2, reason="a reason " * 20)
    )

    for line in text.split("\n"):
        assert line == line.rstrip()
        assert len(line) <= 76 or line.lstrip().startswith("http")
    assert "\n\n\n" not in text


def test_no_third_party_is_asked_for_anything_but_the_figure(issue: MultilingualIssue) -> None:
    _, html = parts(mail_of(issue, full(), full("two")))

    loaded = re.findall(r"""src="([^"]*)|<link|@import|url\(""", html)
    assert loaded == ["https://papers.example.org/figure.png"] * 2


def test_a_right_to_left_language_turns_the_page() -> None:
    issue = Renderer(WEEKLY, replace(MASTHEAD, language="ar")).open(WEEK_12, [])

    mail = mail_of(issue, full())

    assert '<html lang="ar" dir="rtl"' in parts(mail)[1].replace("\n", " ")
    assert "direction:ltr" not in parts(mail)[1]
    assert b"Content-Language: ar\r\n" in mail.body


def test_an_issue_is_dated_where_the_newsletter_is() -> None:
    evening = replace(WEEK_12, key="2025-03-18", until=datetime(2025, 3, 17, 19, tzinfo=UTC))
    issue = Renderer(WEEKLY, replace(MASTHEAD, timezone="Pacific/Auckland")).open(evening, [])

    assert "2025-03-18, 18 March 2025" in parts(mail_of(issue, full()))[0]


@pytest.mark.parametrize(("cadence", "words"), [("daily", "today"), ("monthly", "this month")])
def test_other_cadences_have_their_words(cadence: str, words: str) -> None:
    issue = make_renderer(WEEKLY, MASTHEAD).open(replace(WEEK_12, cadence=type(WEEK_12.cadence)(cadence)), [full()])

    text, _ = parts(mail_of(issue, full()))

    assert f"We read one new paper {words}. We picked one for you: 1\u00a0min to read." in text
    assert f"This {cadence} mail goes to" in text


def test_a_confirmation_has_its_link_and_nothing_of_a_list() -> None:
    link = BASE + "/confirm?" + "x" * 200
    mail = Confirmation(CONFIRM, MASTHEAD).render(make_subscriber("Zoë", email="zoe@example.org"), link, ID, NOON)
    message = message_from_bytes(mail.body, policy=policy.default)

    assert all(link in part for part in parts(mail))
    assert message["Subject"] == "Please confirm: The Weekly Preprint"
    assert message["Auto-Submitted"] == "auto-generated"
    assert not [name for name in message if name.startswith(("List-", "Precedence"))]


def test_a_confirmation_repeats_no_stranger_s_words() -> None:
    spam = make_subscriber("Buy at https://evil.example", email="ada@example.org")

    assert "evil" not in "".join(parts(Confirmation(CONFIRM, MASTHEAD).render(spam, BASE, ID, NOON)))


# how an edition is laid out


OPTICS, PLASMA = "Optics", "Plasma physics"


def edition(*interests: str, **more: object) -> Edition:
    """A paper for each interest, in their order: paper-0 and so on."""
    picks = tuple(Pick(full(f"paper-{at}"), 1.0, each, (f"reason {at}",)) for at, each in enumerate(interests))
    person = replace(make_subscriber("Ada", email="ada@example.org"), skim=bool(more.pop("skim", False)))
    return replace(Edition(WEEK_12, person, picks), **more)  # type: ignore[arg-type]


def made(some: Edition, renderer: Renderer | None = None) -> tuple[str, str]:
    issue = (renderer or make_renderer(WEEKLY, MASTHEAD)).open(WEEK_12, [make_entry(f"paper-{at}") for at in range(59)])
    return parts(issue.render(some, LINKS, ID, NOON))


def order(part: str, *words: str) -> list[str]:
    """These words as they follow each other from the first pick on."""
    part = part[part.upper().index("FIRST PICK") :]
    found = re.findall("|".join(map(re.escape, words)), re.sub(r"<[^>]*>|\s+", " ", part))
    return [each for at, each in enumerate(found) if at == 0 or found[at - 1] != each]


def test_cards_stand_under_their_interests_the_best_first() -> None:
    some = edition(PLASMA, OPTICS, PLASMA, "", OPTICS)

    for part in made(some):
        heads = [f"On paper {at}" for at in range(5)]
        assert order(part, *heads) == ["On paper 0", "On paper 1", "On paper 4", "On paper 2", "On paper 3"]
    _, html = made(some)
    sections = [re.sub(r"<[^>]*>|\s+", " ", each) for each in re.findall(r"<h2[^>]*section.*?</h2>", html, re.DOTALL)]
    assert [" ".join(each.split()) for each in sections] == ["Optics 2", "Plasma physics 1", "Beyond your interests 1"]


def test_papers_are_numbered_as_they_stand() -> None:
    text, _ = made(edition(PLASMA, OPTICS, PLASMA, OPTICS))

    assert re.findall(r"^(\d) \| (.*)$", text, re.MULTILINE) == [("2", OPTICS), ("3", OPTICS), ("4", PLASMA)]


def test_one_interest_needs_no_groups() -> None:
    _, html = made(edition(PLASMA, PLASMA, PLASMA))

    assert "2 more papers" in html
    assert "2 &#183; Plasma physics" in html or "2 · Plasma physics" in html


def test_without_the_section_nothing_is_grouped() -> None:
    plain = Renderer(WEEKLY, replace(MASTHEAD, sections=()))

    _, html = made(edition(PLASMA, OPTICS, PLASMA), plain)

    assert order(html, "On paper 0", "On paper 1", "On paper 2") == ["On paper 0", "On paper 1", "On paper 2"]
    assert "2 more papers" in html


def test_a_short_mail_has_titles_and_reasons_only() -> None:
    long, short = made(edition(PLASMA, OPTICS, "")), made(edition(PLASMA, OPTICS, "", skim=True))

    for part in short:
        for at in range(3):
            assert f"On paper {at}" in part
            assert f"Reason {at}" in part
        for absent in ("A. One", "12 votes", "PDF", "Code", "More like this", "First pick", "FIRST PICK", "<img"):
            assert absent not in part, absent
        assert LINKS.unsubscribe in part
    assert len(short[1]) < len(long[1]) * 0.75
    assert "paper-0" in short[0]
    assert "We picked 3 for you" in short[0]


def test_what_is_popular_stands_beside_the_picks() -> None:
    popular = (replace(full("hot"), title="Everybody reads this", votes=1234), make_entry("warm"))

    for part in made(edition(PLASMA, popular=popular)):
        assert "Popular this week" in part
        assert "1,234 votes" in part
        assert order(part, "On paper 0", "Everybody reads this", "On warm")[-2:] == ["Everybody reads this", "On warm"]
        assert "more/hot" not in part
    assert "Popular" not in "".join(made(edition(PLASMA)))


def test_an_edition_without_picks_may_tell_what_is_popular() -> None:
    for part in made(edition(popular=(full("hot"),))):
        assert "Nothing new came close" in part
        assert "Popular this week" in part


def test_a_card_shows_its_figure_with_words_for_who_does_not_see_it() -> None:
    _, html = made(edition(PLASMA, PLASMA))

    images = re.findall(r"<img[^>]*>", html)
    assert len(images) == 2
    assert all('alt="Figure from the paper"' in " ".join(each.split()) for each in images)


def test_the_page_for_everybody_holds_nothing_of_a_reader() -> None:
    issue = make_renderer(WEEKLY, MASTHEAD).open(WEEK_12, [make_entry(f"paper-{at}") for at in range(59)])
    some = edition(PLASMA, OPTICS, "", skim=True)

    subject, page = issue.public(some, LINKS)

    assert subject == "On paper 0"
    html = page.decode()
    for at in range(3):
        assert f"On paper {at}" in html
    for absent in (LINKS.feedback, LINKS.unsubscribe, "Ada", "ada@example.org", "Hi ", "Your interests"):
        assert absent not in html, absent
    assert "Subscribe" in html
    assert issue.render(some, LINKS, ID, NOON) == issue.render(some, LINKS, ID, NOON)


def test_templates_of_ones_own_may_lack_the_newer_macros() -> None:
    files = dict(WEEKLY)
    for name in ("edition.mjml", "edition.txt"):
        for macro in ("group()", "skim(entry)", "popular(entry)"):
            files[name] = files[name].replace(f"macro {macro}", f"macro my_{macro}")
    own = Renderer(files, MASTHEAD)

    text, html = made(edition(PLASMA, OPTICS, PLASMA, skim=True, popular=(full("hot"),)), own)

    assert order(html, "On paper 0", "On paper 1", "On paper 2") == ["On paper 0", "On paper 1", "On paper 2"]
    assert "Popular" not in html
    assert "PDF" in text
