"""Reasons in the reader's language."""

from __future__ import annotations

from dataclasses import replace

import pytest
from catalogues import FOLDER

from newsletter.i18n import FSI, PDI, Catalogues, Messages
from newsletter.selector import prepare, reasons, select
from newsletter.selector.reason_texts import ENGLISH, of_two, wording
from newsletter.testing import make_entry, make_profile
from newsletter.types import Interest, Profile

CATALOGUES = Catalogues({path.name: path.read_text("utf-8") for path in FOLDER.iterdir()})
GERMAN, ARABIC, ENGLISH_MESSAGES = (CATALOGUES.messages(each) for each in ("de", "ar", "en"))
PAPERS = [
    make_entry("a", title="On plasma turbulence", abstract="Plasma turbulence in a torus.", authors=("Ada Lovelace",)),
    make_entry("b", title="On protein folding", abstract="How a protein folds."),
    make_entry("c", title="On video codecs", abstract="Codecs for long videos."),
    make_entry("d", title="On graph kernels", abstract="Kernels on graphs."),
]
LIBRARY = [make_entry("old", title="Protein folding, again", abstract="How a protein folds once more.")]
PLASMA = make_profile("plasma turbulence", size=1, hype=0, surprise=0)
NEAR = Profile(liked=("old",), size=1, hype=0, surprise=0)
AUTHOR = Profile(interests=(Interest("x", authors=("Ada Lovelace",)),), size=1, hype=0, surprise=0)


def reason(profile: Profile, messages: Messages) -> tuple[str, ...]:
    ((pick,),) = select(prepare(PAPERS, LIBRARY), [profile], messages=[messages])
    return pick.reasons


@pytest.mark.parametrize(
    ("profile", "messages", "told"),
    [
        (PLASMA, ENGLISH_MESSAGES, "you follow plasma turbulence: title and abstract speak of it"),
        (PLASMA, GERMAN, "Sie verfolgen plasma turbulence: Titel und Abstract sprechen davon"),
        (PLASMA, ARABIC, f"تتابع {FSI}plasma turbulence{PDI}: العنوان والملخص يتناولانه"),
        (AUTHOR, GERMAN, "von Ada Lovelace: diesem Namen folgen Sie"),
        (AUTHOR, ARABIC, f"بقلم {FSI}Ada Lovelace{PDI}: اسم تتابعه"),
        (
            NEAR,
            GERMAN,
            "ähnlich wie „Protein folding, again“, das Ihnen gefiel: in beiden geht es um "
            "protein folding, protein folds",
        ),
        (
            NEAR,
            ARABIC,
            f"قريبة من ورقة أعجبتك «{FSI}Protein folding, again{PDI}»: "
            f"كلتاهما تتناول {FSI}protein folding{PDI}، {FSI}protein folds{PDI}",
        ),
        (Profile(size=1), GERMAN, "noch keine Interessen angegeben: neu in dieser Woche"),
        (Profile(size=1), ARABIC, "لم تُحدَّد اهتماماتك بعد: جديدة هذا الأسبوع"),
    ],
)
def test_a_reason_is_told_in_the_readers_language(profile: Profile, messages: Messages, told: str) -> None:
    assert told in reason(profile, messages)


def test_several_words_are_listed_as_the_language_does() -> None:
    profile = make_profile("plasma protein laser", size=1, hype=0, surprise=0)
    entries = [make_entry("a", title="Plasma for a protein", abstract="A protein in some plasma, a plasma.")]

    ((german,), (arabic,)) = select(prepare(entries), [profile, profile], messages=[GERMAN, ARABIC])

    assert german.reasons[0].removeprefix("Sie verfolgen plasma protein laser: es geht um ") in (
        "plasma, protein",
        "protein, plasma",
    )
    assert f"{PDI}، {FSI}" in arabic.reasons[0]


def test_votes_are_told_in_the_language_of_the_reader() -> None:
    wanted = make_profile("protein", size=1, hype=0.5, surprise=0)
    best = select(prepare(PAPERS), [wanted])[0][0].entry
    entries = [replace(each, votes=11 if each == best else 1) for each in PAPERS]

    told = [select(prepare(entries), [wanted], messages=[each])[0][0].reasons[-1] for each in (GERMAN, ARABIC)]

    assert told == ["beliebt: 11 Stimmen", "رائجة: 11 صوتًا"]


def test_readers_of_all_languages_in_one_block_get_the_same_papers_each_in_their_words() -> None:
    """As if each had been told alone, whoever stands beside them, twice, for links are remembered."""
    pool = prepare(PAPERS, LIBRARY)
    readers = [PLASMA, NEAR, AUTHOR, Profile(size=3), make_profile("video", size=4, hype=0.5, surprise=0.5)] * 3
    languages = [*(5 * [GERMAN]), *(5 * [ARABIC]), *(5 * [ENGLISH_MESSAGES])][::-1]

    for _ in range(2):
        together = select(pool, readers, messages=languages)
        alone = [select(pool, [each], messages=[tongue])[0] for each, tongue in zip(readers, languages, strict=True)]
        english = select(pool, readers)
        assert together == alone
        assert together[:5] == english[:5]
        assert [[replace(pick, reasons=()) for pick in picks] for picks in together] == [
            [replace(pick, reasons=()) for pick in picks] for picks in english
        ]
    spoken = (ENGLISH_MESSAGES, GERMAN, ARABIC)
    told = {wording(each.gettext, each.ngettext, each.number, each.isolated) for each in spoken}
    assert set(pool.links) == {ENGLISH, *told}  # ENGLISH: of who was told without a catalogue


def test_blocks_of_readers_keep_their_languages(monkeypatch: pytest.MonkeyPatch) -> None:
    from newsletter.selector import rank

    monkeypatch.setattr(rank, "BLOCK", 2)
    languages = [GERMAN, ENGLISH_MESSAGES, ARABIC, GERMAN, ENGLISH_MESSAGES]

    chosen = select(prepare(PAPERS), [PLASMA] * 5, messages=languages)

    starts = [picks[0].reasons[0].split()[0] for picks in chosen]
    assert starts == ["Sie", "you", "تتابع", "Sie", "you"]


def test_what_is_remembered_is_bounded_over_all_languages(monkeypatch: pytest.MonkeyPatch) -> None:
    pool = prepare(PAPERS, LIBRARY)
    select(pool, [PLASMA], messages=[GERMAN])
    monkeypatch.setattr(reasons, "REMEMBERED", 0)

    select(pool, [NEAR], messages=[ARABIC])

    assert sum(map(len, pool.links.values())) <= 2


def test_a_language_is_given_for_every_reader_or_for_none() -> None:
    with pytest.raises(ValueError, match="messages must hold one language per profile"):
        select(prepare(PAPERS), [PLASMA, NEAR], messages=[GERMAN])


def test_a_value_may_stand_anywhere_in_a_message() -> None:
    mine = {"close to a paper you liked: “%(title)s”": "%(title)s: %(title)s!"}
    mine["you follow %(phrase)s: it speaks of %(words)s"] = "%(words)s, %(words)s for %(phrase)s"
    told = wording(lambda text: mine.get(text, text))

    assert "X".join(told.near) == "X: X!"
    assert of_two(told.partly, "A", "B") == "B, B for A"
