"""Why an entry was taken or left: the same numbers as the choice, and they add up."""

from __future__ import annotations

from dataclasses import replace

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from test_select import CALM, PAPERS, VOTED, some_ids, some_interests, some_words

from newsletter.selector import Defaults, prepare, select
from newsletter.selector.explain import Explanation, explain
from newsletter.selector.kernel import FAIR
from newsletter.selector.profile_arrays import read
from newsletter.selector.rank import choose
from newsletter.testing import make_entry, make_profile
from newsletter.types import Entry, Interest, Profile, Signal, Verb

WRITTEN = [replace(each, authors=("Ada Lovelace",) if each.id.endswith("2") else ()) for each in VOTED]
OLD = [make_entry("old", title="Confinement of a plasma in whales"), make_entry("older", title="Video of whales")]
POOL = prepare(WRITTEN, OLD)

some_votes = st.builds(
    Signal,
    entry=st.sampled_from(["old", "older", *(each.id for each in PAPERS[:6])]),
    verb=st.sampled_from(Verb),
    weight=st.sampled_from([0.06, 0.5, 0.8]),
)
some_profiles = st.builds(
    Profile,
    interests=st.lists(
        st.builds(replace, some_interests, authors=st.sampled_from([(), ("Ada Lovelace",)])), max_size=3
    ).map(tuple),
    muted=st.lists(some_words, max_size=1).map(tuple),
    disliked=some_ids.map(sorted).map(tuple),
    liked=some_ids.map(sorted).map(tuple),
    text=st.sampled_from(["", "plasma waves; video"]),
    size=st.integers(0, 15),
    hype=st.sampled_from([None, 0.0, 0.5, 1.0]),
    surprise=st.sampled_from([None, 0.0, 0.3, 1.0]),
    signals=st.lists(some_votes, max_size=3).map(tuple),
)


def told(profile: Profile, entry: str, entries: list[Entry] | None = None, **given: frozenset[str]) -> Explanation:
    return explain(prepare(PAPERS if entries is None else entries), profile, given.get("seen", frozenset()), entry)


def amount(found: Explanation) -> float:
    return sum(part.amount for part in found.parts)


@given(some_profiles, some_ids)
@settings(deadline=None, max_examples=examples(100))
def test_scores_are_additive_with_reasons(profile: Profile, seen: frozenset[str]) -> None:
    (picks,) = select(POOL, [profile], [seen])

    for place, pick in enumerate(picks, 1):
        found = explain(POOL, profile, seen, pick.entry.id)
        assert (found.place, found.picks, found.hidden) == (place, len(picks), ())
        assert found.interest == pick.interest
        assert amount(found) == pytest.approx(found.score) == pytest.approx(pick.score, abs=2e-4)
        assert found.why


@given(some_profiles, some_ids)
@settings(deadline=None, max_examples=examples(100))
def test_what_is_left_is_left_for_a_reason(profile: Profile, seen: frozenset[str]) -> None:
    (picks,) = select(POOL, [profile], [seen])
    hidden = read(POOL, [profile], [seen], Defaults()).hidden

    for candidate, entry in enumerate(POOL.entries[: POOL.size]):
        found = explain(POOL, profile, seen, entry.id)
        assert bool(found.hidden) == (candidate in hidden)
        assert (found.place > 0) == (entry.id in {pick.entry.id for pick in picks})
        assert found.why
        assert all(sum(part.amount for part in each.parts) == pytest.approx(each.score) for each in found.standings)


@given(some_profiles)
@settings(deadline=None, max_examples=examples(100))
def test_the_first_reason_of_a_pick_is_its_largest_part(profile: Profile) -> None:
    profile = replace(profile, text="")  # loose words count less among several groups of likes; reasons do not ask
    reader = read(POOL, [profile], [frozenset()], Defaults())
    _, chosen = choose(POOL, reader)

    for place in range(int(chosen.number[0])):
        first, entry = int(chosen.first[0, place]), POOL.entries[chosen.entry[0, place]]
        own = word_parts(explain(POOL, profile, frozenset(), entry.id)) if chosen.way[0, place] == FAIR else {}
        if first >= 0 and own:
            atom = reader.atom[first]
            name = atom if isinstance(atom, str) else POOL.entries[atom].id
            assert own[name] == pytest.approx(max(own.values()))


def word_parts(found: Explanation) -> dict[str, float]:
    """Word or id → the largest part of that name."""
    parts = [each for each in found.parts if each.kind in ("liked", "voted", "word")]
    ordered = sorted(parts, key=lambda part: part.amount)
    return {part.entry or part.of: part.amount for part in ordered}


def test_a_pick_names_the_words_that_brought_it() -> None:
    found = told(make_profile("plasma", size=4, surprise=0), "plasma-0")

    assert (found.way, found.interest) == ("fair", "plasma")
    assert (found.parts[0].kind, found.parts[0].of, found.parts[0].words) == ("word", "plasma", ("plasma",))
    assert found.why.startswith(f"Place {found.place} of 4: ranked ")
    assert found.why.endswith(" for 'plasma', which had 4 of 4 places.")


def test_a_paper_ranked_too_low_says_so() -> None:
    found = told(make_profile("plasma", "video", size=2, surprise=0), "plasma-1")

    best = found.standings[0]
    assert found.place == 0
    assert (best.interest, best.matched, best.places, best.fair, best.matches) == ("plasma", True, 1, 0.5, 4)
    assert found.why.startswith("Ranked ")
    assert "which had 1 of 2 places" in found.why


def test_a_paper_like_nothing_is_no_match() -> None:
    found = told(make_profile("plasma", size=2, surprise=0), "video-0")

    assert found.why.startswith("No match: ")
    assert found.why.endswith(" for 'plasma', which needs 3.0.")
    assert found.standings[0].rank == 0


@pytest.mark.parametrize(
    ("profile", "kind", "by"),
    [
        (Profile(liked=("plasma-0",)), "liked", ""),
        (Profile((Interest("mine", liked=("plasma-0",)),)), "liked", "mine"),
        (Profile(disliked=("plasma-0",)), "disliked", ""),
        (Profile(signals=(Signal("plasma-0", Verb.SAVE, 0.5),)), "voted", "save"),
        (Profile(muted=("Turbulence",)), "muted", "Turbulence"),
    ],
)
def test_what_must_not_be_shown_says_why(profile: Profile, kind: str, by: str) -> None:
    found = told(profile, "plasma-0")

    assert [(each.kind, each.by) for each in found.hidden] == [(kind, by)]
    assert found.why.startswith("Not to be shown: ")


def test_what_was_seen_still_has_its_numbers() -> None:
    found = told(replace(CALM, liked=("plasma-1",)), "plasma-0", seen=frozenset({"plasma-0"}))

    assert found.why == "Not to be shown: you were shown it in another issue."
    assert found.parts[0].of == "On magnetic reconnection in plasma"


def test_an_author_of_the_interest_is_a_part() -> None:
    paper = make_entry("whales", title="Songs of whales", authors=("Ada K. Lovelace",))

    found = told(Profile((Interest("video", authors=("Lovelace",)),), hype=0), "whales", [*PAPERS, paper])

    assert ("author", "Ada K. Lovelace") in {(part.kind, part.of) for part in found.parts}
    assert (found.standings[0].author, found.standings[0].strength) == ("Ada K. Lovelace", "strong")
    assert found.place == 1
    assert found.score == pytest.approx(0)


def test_a_disliked_paper_takes_its_part_away() -> None:
    wild = make_entry("wild", title="Waves of plasma turbulence")

    found = told(replace(make_profile("plasma", size=4, hype=0), disliked=("plasma-0",)), "wild", [*PAPERS, wild])

    (less,) = [part for part in found.parts if part.kind == "disliked"]
    assert less.amount < 0
    assert less.entry == "plasma-0"


def test_a_near_duplicate_of_a_pick_is_named() -> None:
    text = " ".join(f"Plasma {first}{second} waves." for first in "abcdefghijklm" for second in "nopqrstuvwxyz")
    twins = [make_entry(name, title=f"Plasma {name}", abstract=text) for name in ("first", "second")]

    found = told(make_profile("plasma", size=8, surprise=0), "second", [*PAPERS, *twins])

    assert found.twin is not None
    assert found.twin.entry == "first"
    assert found.why.startswith("It tells the same as 'Plasma first', which stands at place ")


def test_a_paper_that_makes_room_for_a_surprise_says_so() -> None:
    profile = make_profile("video diffusion consistent", "plasma turbulence", size=2, hype=0, surprise=0.5)

    gone, strange = (explain(POOL, profile, frozenset(), each) for each in ("plasma-0", "video-3"))

    assert gone.why == "Its place went to a paper a little outside the interests, which surprise asks for."
    assert (strange.way, strange.place, strange.interest) == ("outside", 2, "")


def test_what_is_in_no_pool_says_so() -> None:
    found = told(make_profile("plasma"), "lost")

    assert (found.pooled, found.why) == (False, "It is not in the pool of this issue, which holds 12 papers.")


def test_without_interests_the_trend_is_all() -> None:
    left, taken = told(Profile(size=3), "video-3"), told(Profile(size=3), "plasma-0")

    assert left.why == "No interests: ranked 12th by trend and date, and there were 3 places."
    assert (taken.way, [part.kind for part in taken.parts]) == ("popular", ["trend"])
