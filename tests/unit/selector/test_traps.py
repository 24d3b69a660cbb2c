"""What once went wrong in the selector: twins that fill an edition, reasons that are not true, texts that repeat."""

from __future__ import annotations

import random

from newsletter.selector import prepare, select
from newsletter.selector.explain import explain
from newsletter.types import Entry, Interest, Pick, Profile

FIELDS = ("plasma", "botany", "opera", "cricket", "geology", "finance", "knitting", "harbour")
FILLER = [Entry(f"f{n}", f"filler {field} topic{n}", f"On {field} and other{n}") for n, field in enumerate(FIELDS * 3)]
CHANCE = random.Random(1)
RARE = [f"w{CHANCE.randrange(10**9)}x" for _ in range(3000)]


def rare(number: int) -> str:
    return " ".join(CHANCE.choice(RARE) for _ in range(number))


def asked(*keywords: str, **more: object) -> Profile:
    return Profile((Interest("x", keywords=keywords),), **{"surprise": 0.0, **more})  # type: ignore[arg-type]


def chosen(entries: list[Entry], profile: Profile, library: list[Entry] | None = None) -> tuple[Pick, ...]:
    return select(prepare(entries, library or []), [profile])[0]


def twins(number: int, words: str) -> list[Entry]:
    """All of one story, by a long text that they share."""
    text = rare(250)
    return [Entry(f"t{n:02}", f"report{n}", f"{words} {text} v{n}") for n in range(number)]


BACKGROUND = [Entry(f"y{n:02}", f"other{n}", rare(60)) for n in range(100)]


def test_many_tellings_of_one_story_leave_no_place_empty() -> None:
    good = [Entry(f"z{n:02}", f"graph{n}", "some tessellation " * 6 + rare(250)) for n in range(20)]

    picks = chosen([*twins(40, "tessellation " * 30), *good, *BACKGROUND], asked("tessellation", size=10))

    assert [pick.interest for pick in picks] == ["x"] * 10
    assert sum(pick.entry.id.startswith("t") for pick in picks) <= 1


def test_exploratory_picks_tell_no_story_twice() -> None:
    near = [Entry(f"n{n}", f"tessellation tiling {n}x", "tessellation tiling " * 3) for n in range(9)]

    picks = chosen(
        [*near, *twins(6, "tiling beta "), *BACKGROUND],
        asked("tessellation", "tiling", size=6, surprise=0.5),
    )

    assert sum(pick.entry.id.startswith("t") for pick in picks) == 1


FLOWERS = [Entry(f"A{n}", f"Orchid pollination study {n}", "orchid pollination by beetles") for n in range(4)]
QUANTA = [Entry(f"B{n}", f"Quantum annealing study {n}", "annealing with superconducting qubits") for n in range(4)]
TWO_FIELDS = [
    *(Entry(f"c{n}", f"Annealing qubits number{n}", f"quantum annealing hardware y{n}") for n in range(12)),
    Entry("a0", "Orchid beetles", "orchid pollination"),
    *FILLER,
]


def test_each_group_of_likes_gets_its_own_papers() -> None:
    liked = [*FLOWERS, *QUANTA]

    picks = chosen(TWO_FIELDS, Profile(liked=tuple(each.id for each in liked), surprise=0.0), liked)

    for pick in picks:
        subject = "Orchid" if pick.entry.id == "a0" else "Quantum"
        assert pick.interest.lower().startswith(subject.lower()), pick
        assert any(subject.lower() in reason.lower() for reason in pick.reasons), pick


def test_what_a_group_does_not_match_is_explained_by_its_own_numbers() -> None:
    liked = [*FLOWERS, *QUANTA]
    profile = Profile(liked=tuple(each.id for each in liked), disliked=("c1",))

    found = explain(prepare(TWO_FIELDS, liked), profile, set(), "c0")

    assert len(found.standings) == 2
    assert min(each.fit for each in found.standings) > -0.5


def test_a_text_that_repeats_itself_gives_a_short_reason() -> None:
    for text, word in (("哈" * 10_000, "哈哈"), ("foo " * 4_000, "foo")):
        picks = chosen([Entry("a", "A title", text), *FILLER], asked(word, size=1))

        assert picks[0].entry.id == "a"
        assert len(picks[0].reasons[0]) < 80


def test_a_phrase_is_quoted_where_its_words_are_neighbours() -> None:
    text = "We train a network, attention to its layers is paid. The network attention wins."

    picks = chosen([Entry("a", "A title", text), *FILLER], asked("network attention", size=1))

    assert picks[0].reasons == ("you follow network attention: the abstract speaks of it",)


def test_no_readers_are_named_where_none_are_known() -> None:
    library = [Entry("l", "Hydrology of alpine rivers", "River discharge and snow melt, hierarchical modelling.")]
    new = [Entry("a", "Tessellation", "A tessellation of the plane, with hierarchies: a model."), *FILLER]

    picks = chosen(new, Profile((Interest("x", keywords=("tessellation",), liked=("l",)),), size=1), library)

    assert picks[0].reasons == ("you follow tessellation: title and abstract speak of it",)


def test_titles_that_differ_in_a_stop_word_are_two_papers() -> None:
    pool = prepare([Entry("a", "Learning with labels", "One text."), Entry("b", "Learning without labels", "Another.")])

    assert pool.size == 2


def test_what_nobody_voted_for_is_new_and_not_trending() -> None:
    picks = chosen([Entry(str(n), f"Title {n}", votes=0) for n in range(5)], Profile())

    assert {pick.reasons for pick in picks} == {("no interests yet: new this week",)}


def test_an_author_is_named_only_where_the_author_brought_the_paper() -> None:
    new = [Entry(f"n{n}", f"tessellation {n}x", "tiling " * n, authors=("Bo Li",)) for n in range(12)]
    profile = Profile((Interest("x", keywords=("tessellation",), authors=("Bo Li",)),), size=6, surprise=0.5)

    for pick in chosen([*new, *FILLER], profile):
        assert ("by Bo Li, whom you follow" in pick.reasons) == (pick.interest == "x")


def test_an_edition_has_a_largest_size() -> None:
    assert len(chosen(FILLER, Profile(size=10**30))) == len(FILLER)
