"""What a reader gets: picks and their reasons."""

import math
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from examples import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from older_papers import older_papers

from newsletter.selector import Defaults, popular, prepare, select
from newsletter.testing import NOON, make_entry, make_profile
from newsletter.types import Entry, Fill, Interest, Pick, Profile

TOPICS = {
    "video": ("diffusion for video generation", "consistent long videos", "image-to-video animation", "video codec"),
    "plasma": ("plasma turbulence", "magnetic reconnection in plasma", "plasma confinement", "particles in a plasma"),
    "protein": ("protein folding", "protein design", "docking of a protein", "protein language model"),
}
PAPERS = [
    make_entry(f"{topic}-{place}", title=f"On {text}", abstract=f"We study {text} and what follows from it.")
    for topic, texts in TOPICS.items()
    for place, text in enumerate(texts)
]
CALM = Profile(hype=0, surprise=0)


def ids(picks: tuple[Pick, ...]) -> list[str]:
    return [pick.entry.id for pick in picks]


def choose(profile: Profile, entries: list[Entry] | None = None, **given: object) -> tuple[Pick, ...]:
    (picks,) = select(prepare(PAPERS if entries is None else entries), [profile], **given)  # type: ignore[arg-type]
    return picks


def test_a_keyword_brings_its_papers_first_and_says_so() -> None:
    picks = choose(make_profile("plasma", size=4, surprise=0))

    assert {pick.entry.id.split("-")[0] for pick in picks} == {"plasma"}
    assert {pick.interest for pick in picks} == {"plasma"}
    assert all("plasma" in pick.reasons[0] for pick in picks)


def test_a_liked_paper_brings_papers_near_it_but_never_itself() -> None:
    picks = choose(replace(CALM, liked=("protein-0",), size=3))

    assert sorted(ids(picks)) == ["protein-1", "protein-2", "protein-3"]
    assert picks[0].reasons[0].startswith("close to a paper you liked, “On protein folding”: both speak of ")
    assert "protein" in picks[0].interest


def test_liked_papers_may_stand_in_the_library() -> None:
    library = [make_entry("old", title="Confinement of a plasma", abstract="Tokamaks.")]

    (picks,) = select(prepare(PAPERS, library), [replace(CALM, liked=("old", "lost"), size=1)])

    assert ids(picks) == ["plasma-2"]


def test_many_readers_get_what_each_would_get_alone() -> None:
    profiles = [make_profile(word, size=3) for word in ("video", "plasma", "protein")]
    pool = prepare(PAPERS)

    together = select(pool, profiles)

    assert together == [select(pool, [profile])[0] for profile in profiles]


def test_places_follow_the_weights_of_the_interests() -> None:
    interests = (Interest("video", 3, ("video",)), Interest("plasma", 1, ("plasma",)))

    picks = choose(Profile(interests, size=4, surprise=0))

    assert Counter(pick.interest for pick in picks) == {"video": 3, "plasma": 1}


@pytest.mark.parametrize("weights", [(0, 0), (math.nan, -1), (math.inf, 0)])
def test_weights_without_sense_count_as_equal(weights: tuple[float, float]) -> None:
    interests = (Interest("video", weights[0]), Interest("plasma", weights[1]))

    picks = choose(Profile(interests, size=4, surprise=0))

    assert Counter(pick.interest for pick in picks) == {"video": 2, "plasma": 2}


def test_an_interest_of_no_weight_gives_not_even_a_surprise() -> None:
    interests = (Interest("video", 1), Interest("plasma", 0))

    picks = choose(Profile(interests, size=8, surprise=0.5))

    assert not any("plasma" in reason for pick in picks for reason in pick.reasons)


def test_an_interest_that_nothing_matches_leaves_its_places() -> None:
    picks = choose(make_profile("video", "whales", size=3, surprise=0))

    assert [pick.interest for pick in picks] == ["video"] * 3


def test_no_paper_is_labelled_with_an_interest_it_shares_nothing_with() -> None:
    filled = choose(make_profile("protein", size=10, surprise=0, fill=Fill.POPULAR))

    assert [pick.interest for pick in filled] == ["protein"] * 4 + [""] * 6
    assert {reason for pick in filled[4:] for reason in pick.reasons} == {"new this week, outside your interests"}
    assert choose(make_profile("protein", size=10, surprise=0)) == filled[:4]


def test_free_text_is_keywords_of_one_interest() -> None:
    picks = choose(replace(CALM, text="video generation; magnetic reconnection\n", size=2))

    assert sorted(ids(picks)) == ["plasma-1", "video-0"]
    assert {pick.interest for pick in picks} == {"video generation, magnetic reconnection"}


@pytest.mark.parametrize("asked", ["Ada Lovelace", "A. Lovelace", "lovelace, ada", "Lovelace"])
def test_a_paper_by_an_author_of_the_interest_comes_first(asked: str) -> None:
    paper = make_entry("whales", title="Songs of whales", authors=("Grace Hopper", "Ada K. Lovelace"))
    interest = Interest("video", keywords=("video",), authors=(asked,))

    first = choose(Profile((interest,), size=3), [*PAPERS, paper])[0]

    assert first.entry.id == "whales"
    assert first.reasons == ("by Ada K. Lovelace, whom you follow",)


@pytest.mark.parametrize("other", ["Bob Lovelace", "Ada Byron", "B. Lovelace"])
def test_another_author_of_that_name_does_not(other: str) -> None:
    paper = make_entry("whales", title="Songs of whales", abstract="", authors=(other,))
    interest = Interest("video", keywords=("video",), authors=("Ada Lovelace",))

    assert "whales" not in ids(choose(Profile((interest,), size=3), [*PAPERS, paper]))


@pytest.mark.parametrize(
    ("asked", "printed"),
    [
        ("Martin Kingsley", "Martin L. Kingsley Jr."),
        ("AURORA Collaboration", "The AURORA Collaboration"),
        ("Lucja Wrzos", "Łucja Wrzos"),
        ("Juergen Mueller", "Jürgen Müller"),
        ("M. O'Neary", "Michelle O’Neary"),
        ("Ann Lee", "Ann Lee, PhD"),
        ("Jan van der Berg", "Berg JP"),
        ("陈昊", "Hao Chen (陈昊)"),
    ],
)
def test_an_author_is_found_however_the_name_is_written(asked: str, printed: str) -> None:
    paper = make_entry("whales", title="Songs of whales", abstract="", authors=("Grace Hopper", printed))
    interest = Interest("video", keywords=("video",), authors=(asked,))

    first = choose(Profile((interest,), size=3), [*PAPERS, paper])[0]

    assert (first.entry.id, first.reasons[0]) == ("whales", f"by {printed}, whom you follow")


@pytest.mark.parametrize("muted", ["reconnection", "Magnetic-Reconnection", "hopper", "physics.plasm-ph"])
def test_muted_words_topics_and_authors_never_appear(muted: str) -> None:
    entries = [
        replace(each, topics=("physics.plasm-ph",), authors=("Grace Hopper",)) if each.id == "plasma-1" else each
        for each in PAPERS
    ]

    picks = choose(make_profile("plasma", muted=(muted,), size=20, fill=Fill.POPULAR), entries)

    assert len(picks) == len(PAPERS) - 1
    assert "plasma-1" not in ids(picks)


def test_a_disliked_paper_moves_its_words_down_and_not_its_field() -> None:
    plain = make_profile("plasma", size=4, hype=0, surprise=0)

    entries = [*PAPERS, make_entry("wild", title="Waves of plasma turbulence")]

    profiles = [replace(plain, size=5), replace(plain, disliked=("plasma-0",))]

    before, after = select(prepare(entries, older_papers()), profiles)

    assert "plasma-0" not in ids(after)
    assert {pick.interest for pick in after} == {"plasma"}
    scores = {pick.entry.id: pick.score for pick in before}
    lost = {pick.entry.id: scores[pick.entry.id] - pick.score for pick in after}
    assert max(lost, key=lambda name: lost[name]) == "wild"


def test_hype_decides_how_much_the_trend_weighs() -> None:
    plain = make_profile("protein", size=4, surprise=0)
    first, *_, last = ids(choose(replace(plain, hype=0)))
    pool = prepare(PAPERS, trend={last: 0.95, first: 0.1})

    calm, wild = select(pool, [replace(plain, hype=0.0), replace(plain, hype=0.9)])

    assert (calm[0].entry.id, wild[0].entry.id) == (first, last)
    assert "rising fast" in wild[0].reasons
    assert not any("rising fast" in pick.reasons for pick in calm)


def test_plain_votes_make_a_paper_popular_not_rising() -> None:
    entries = [replace(each, votes=place) for place, each in enumerate(PAPERS)]

    pick = choose(make_profile("protein", size=1, hype=1, surprise=0), entries)[0]

    assert pick.reasons == ("you follow protein: title and abstract speak of it", "popular: 11 votes")


def test_surprise_takes_its_share_from_a_little_outside() -> None:
    profile = make_profile("video generation diffusion", size=4, surprise=0.25)

    picks = choose(profile)

    (strange,) = [pick for pick in picks if "a little outside your interests" in pick.reasons]
    assert strange.interest == ""
    assert strange.reasons == (
        "a little outside your interests",
        "you follow video generation diffusion: it is close to that",
    )
    assert picks[0].interest == "video generation diffusion"
    assert not any("a little outside" in str(pick) for pick in choose(replace(profile, surprise=0)))


def test_an_empty_profile_gets_the_trending_ones_and_is_told() -> None:
    pool = prepare(PAPERS, trend={"video-3": 0.9, "protein-2": 0.8})

    ((first, second, third),) = select(pool, [Profile(size=3)])

    assert ids((first, second)) == ["video-3", "protein-2"]
    assert first.reasons == ("no interests yet: trending this week",)
    assert third.reasons == ("no interests yet: new this week",)


def test_without_a_trend_the_newest_come_first() -> None:
    entries = [replace(each, published=NOON - timedelta(days=place)) for place, each in enumerate(PAPERS)]

    assert (
        ids(choose(Profile(size=3), entries[::-1]))
        == ids(choose(Profile(size=3), entries))
        == [each.id for each in PAPERS[:3]]
    )


def test_nothing_seen_before_is_picked_under_any_id() -> None:
    twin = replace(PAPERS[4], id="doi-of-plasma-0", abstract="")

    picks = choose(make_profile("plasma", size=20), [*PAPERS, twin], seen=[{"doi-of-plasma-0", "video-1", "lost"}])

    assert not {"plasma-0", "doi-of-plasma-0", "video-1"} & set(ids(picks))


def test_one_set_of_seen_ids_belongs_to_each_profile() -> None:
    with pytest.raises(ValueError, match="one set per profile"):
        select(prepare(PAPERS), [Profile(), Profile()], [set()])


def test_equal_papers_come_in_the_order_of_their_ids() -> None:
    entries = [make_entry(name, title=f"Plasma {number}", abstract="") for number, name in enumerate("cab", 1)]

    assert ids(choose(make_profile("plasma"), entries)) == ["a", "b", "c"]


def test_an_empty_pool_gives_nothing() -> None:
    assert select(prepare([]), [Profile(), make_profile("plasma", liked=("x",), muted=("y",))], [set(), {"z"}]) == [
        (),
        (),
    ]
    assert select(prepare(PAPERS), []) == []


def test_muting_everything_gives_nothing() -> None:
    assert choose(make_profile("plasma", muted=("on",))) == ()


def test_identical_papers_come_once() -> None:
    entries = [replace(PAPERS[0], id=f"copy-{place}") for place in range(5)]

    assert ids(choose(make_profile("video"), entries)) == ["copy-0"]


def test_one_word_in_another_script_is_enough() -> None:
    entries = [*PAPERS, make_entry("zh", title="基于扩散模型的视频生成", abstract="")]

    (pick,) = choose(make_profile("扩散", size=1), entries)

    assert pick.entry.id == "zh"
    assert pick.reasons == ("you follow 扩散: it speaks of 扩散",)


def test_only_unknown_likes_are_as_good_as_no_interest() -> None:
    picks = choose(Profile(liked=("lost",), size=2))

    assert [pick.reasons for pick in picks] == [("no interests yet: new this week",)] * 2


def test_numbers_without_sense_do_no_harm() -> None:
    entries = [replace(each, votes=math.nan, stars=-3) for each in PAPERS]  # type: ignore[arg-type]
    pool = prepare(entries, trend={"video-0": math.nan, "video-1": 7.0})

    picks, none = select(pool, [make_profile("video", hype=math.nan, surprise=9.0), make_profile("video", size=-1)])

    assert all(math.isfinite(pick.score) for pick in picks)
    assert len(picks) >= 4
    assert none == ()


def test_the_newsletters_defaults_count_where_the_reader_said_nothing() -> None:
    defaults = Defaults(size=2, hype=0, surprise=0)

    picks, own = select(prepare(PAPERS), [make_profile("video"), make_profile("video", size=3)], defaults=defaults)

    assert (len(picks), len(own)) == (2, 3)


def test_reasons_name_phrases_as_the_paper_writes_them() -> None:
    paper = make_entry(
        "mamba", title="Mamba: State-Space Models for Long Text", abstract="Our state-space models are fast."
    )

    pick = choose(make_profile("state space models"), [*PAPERS, paper])[0]

    assert pick.reasons[0] == "you follow state space models: title and abstract speak of it"


def test_a_long_title_is_cut_between_words() -> None:
    liked = make_entry("a", title="Efficient video diffusion transformers with attention tiles", abstract="")
    paper = make_entry("b", title="Efficient video diffusion transformers again", abstract="")

    (pick,) = choose(Profile(liked=("a",)), [liked, paper])

    assert pick.reasons[0].startswith("close to a paper you liked, “Efficient video diffusion transformers…”: ")


some_words = st.sampled_from(["video", "plasma", "protein", "model", "whales", "扩散"])
some_ids = st.frozensets(st.sampled_from([each.id for each in PAPERS]), max_size=5)
some_interests = st.builds(
    Interest,
    name=st.sampled_from(["", "video", "mine"]),
    weight=st.sampled_from([0.0, 1.0, 2.5, math.nan]),
    keywords=st.lists(some_words, max_size=2).map(tuple),
    liked=some_ids.map(sorted).map(tuple),
)
some_profiles = st.builds(
    Profile,
    interests=st.lists(some_interests, max_size=3).map(tuple),
    muted=st.lists(some_words, max_size=1).map(tuple),
    disliked=some_ids.map(sorted).map(tuple),
    liked=some_ids.map(sorted).map(tuple),
    text=st.sampled_from(["", "plasma waves; video"]),
    size=st.integers(0, 15),
    hype=st.sampled_from([None, 0.0, 0.5, 1.0]),
    surprise=st.sampled_from([None, 0.0, 0.3, 1.0]),
)
VOTED = [replace(each, votes=place % 5 or None) for place, each in enumerate(PAPERS)]
POOL = prepare(VOTED)


@given(some_profiles, st.permutations(VOTED))
@settings(deadline=None, max_examples=examples(100))
def test_the_order_of_the_entries_does_not_matter(profile: Profile, shuffled: list[Entry]) -> None:
    assert select(prepare(shuffled), [profile]) == select(POOL, [profile])


@given(some_profiles, some_ids)
@settings(deadline=None)
def test_every_edition_keeps_its_promises(profile: Profile, seen: frozenset[str]) -> None:
    (picks,) = select(POOL, [profile], [seen])

    rated = {*profile.liked, *profile.disliked, *(each for own in profile.interests for each in own.liked)}
    texts = [f"{pick.entry.title} {pick.entry.abstract}".lower() for pick in picks]
    assert len(set(ids(picks))) == len(picks) <= (profile.size or 0)
    assert not (seen | rated) & set(ids(picks))
    assert not any(muted in text for muted in profile.muted for text in texts)
    assert all(math.isfinite(pick.score) and pick.reasons and all(pick.reasons) for pick in picks)


# what is popular beside the picks

RISES = {paper.id: 1 - place / 20 for place, paper in enumerate(PAPERS)}


def beside(profile: Profile, seen: frozenset[str] = frozenset()) -> list[str]:
    pool = prepare(PAPERS, (), RISES)
    picks = select(pool, [profile], [seen])
    assert not {pick.entry.id for pick in picks[0]} & {entry.id for entry in popular(pool, [profile], [seen], picks)[0]}
    return [entry.id for entry in popular(pool, [profile], [seen], picks)[0]]


def test_the_fastest_rising_papers_that_are_no_picks_are_popular() -> None:
    assert beside(make_profile("protein", size=2, surprise=0, hype=0.1)) == ["video-0", "video-1", "video-2"]
    assert beside(make_profile("video codec", size=1, surprise=0, hype=0.1)) == ["video-0", "video-1", "video-2"]
    assert beside(make_profile("diffusion", size=1, surprise=0, hype=0.1)) == ["video-1", "video-2", "video-3"]


def test_what_is_seen_muted_liked_or_disliked_is_not_popular() -> None:
    profile = replace(
        make_profile("protein", size=1, surprise=0, hype=0.1),
        muted=("image-to-video animation",),
        liked=("video-1",),
    )

    assert beside(profile, frozenset({"video-0"})) == ["video-3", "plasma-0", "plasma-1"]


def test_who_wants_no_trend_is_told_nothing_popular() -> None:
    assert beside(make_profile("protein", size=1, hype=0)) == []


def test_nothing_is_popular_where_nothing_is_counted_or_rises() -> None:
    for rises in (None, dict.fromkeys(RISES, 0.5)):
        pool = prepare(PAPERS, (), rises)
        assert popular(pool, [Profile()], [frozenset()], [()]) == [()]
