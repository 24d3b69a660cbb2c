"""Words, weights and the trend of a pool."""

import math

import numpy as np
import pytest

from newsletter.selector.features import learn
from newsletter.selector.pool import prepare
from newsletter.selector.term_counts import count_terms
from newsletter.selector.tokens import fold, terms, words
from newsletter.selector.trend import trends
from newsletter.testing import make_entry


def test_letters_that_look_the_same_are_the_same() -> None:
    assert fold("Poincaré ﬁeld STRASSE Straße") == "poincare field strasse strasse"
    assert fold("한국어 हिन्दी") == "한국어 हिन्दी"


def test_compounds_and_plurals_meet_their_other_forms() -> None:
    assert words("State-space models of the policies") == ["state", "space", "model", "policy"]
    assert "state space" in set(terms("state-space")) & set(terms("State space"))


@pytest.mark.parametrize("word", ["bias", "loss", "analysis", "corpus", "gas"])
def test_words_that_only_look_plural_stay(word: str) -> None:
    assert words(word) == [word]


def test_scripts_without_spaces_are_cut_into_pairs() -> None:
    assert set(terms("扩散模型")) == {"扩散", "散模", "模型"}
    assert set(terms("扩散 Transformer模型")) >= {"扩散", "transformer", "模型"}
    assert words("हिन्दी भाषा") == ["हिन्दी", "भाषा"]


def test_a_word_of_the_title_weighs_more_than_one_of_the_abstract() -> None:
    title, abstract = (
        make_entry("a", title="plasma waves", abstract="in a box with some gas"),
        make_entry("b", title="gas waves", abstract="in a box with some plasma"),
    )

    counts = count_terms([title, abstract])
    vocabulary = learn(counts)
    vectors = vocabulary.weigh(counts.counted)

    plasma = vectors[:, vocabulary.columns["plasma"]].toarray().ravel()
    assert plasma[0] > plasma[1] > 0


def test_a_rare_word_weighs_more_than_one_that_all_papers_have() -> None:
    entries = [make_entry(name, title=f"{name} model", abstract="") for name in ("plasma", "turbulence", "mamba")]

    counts = count_terms(entries)
    vocabulary = learn(counts)
    vectors = vocabulary.weigh(counts.counted)

    assert vectors[2, vocabulary.columns["mamba"]] > vectors[2, vocabulary.columns["model"]] > 0


@pytest.mark.parametrize("number", [0, 1, 2])
def test_a_pool_may_be_as_small_as_it_likes(number: int) -> None:
    pool = prepare([make_entry(f"paper-{place}") for place in range(number)])

    assert pool.size == number
    assert np.isfinite(pool.vocabulary.weigh(pool.counted).data).all()
    assert np.isfinite(pool.damping).all()


def test_a_missing_signal_is_not_zero() -> None:
    entries = [make_entry("a", votes=0), make_entry("b"), make_entry("c", votes=10)]

    low, unknown, high = trends(entries)

    assert low < 0.5 < high
    assert math.isnan(unknown)


def test_two_signals_say_more_than_one() -> None:
    entries = [make_entry("a", votes=10, stars=10), make_entry("b", votes=1, stars=1), make_entry("c", stars=12)]

    both, none, one = trends([*entries, make_entry("d", votes=1)])[:3]

    assert one > 0.5
    assert none < 0.5 < both


@pytest.mark.parametrize("absurd", [math.nan, -5, math.inf, 10**400])
def test_absurd_votes_harm_nobody(absurd: float) -> None:
    entries = [make_entry("a", votes=absurd), make_entry("b", votes=3), make_entry("c", votes=4)]

    found = trends(entries)

    assert found[1] < found[2]
    assert all(math.isnan(each) or 0 <= each <= 1 for each in found)


def test_one_paper_under_two_ids_is_one_candidate() -> None:
    pool = prepare([make_entry("arxiv-1", title="On Mamba"), make_entry("doi-1", title="On mamba.")])

    assert pool.size == 1
    assert pool.same == {"arxiv-1": 0, "doi-1": 0}


def test_a_phrase_is_found_as_whole_words_in_every_field() -> None:
    pool = prepare(
        [
            make_entry("a", title="Quantum-inspired cats"),
            make_entry("b", abstract="a category", topics=("cs.LG",)),
            make_entry("c", abstract="a quantum inspired idea", authors=("Lovelace, Ada",)),
            make_entry("d", title="基于扩散模型的视频"),
        ]
    )

    holding = pool.muted.holding
    assert holding("quantum inspired") == holding("Quantum-Inspired") == (0, 2)
    assert holding("cat") == (0,)  # the plural too, no longer word
    assert holding("CS.lg") == (1,)
    assert holding("ada lovelace") == holding("lovelace") == (2,)
    assert holding("扩散") == (3,)
    assert holding("") == holding(" - ") == holding("whales") == ()


def test_a_field_with_few_votes_does_not_have_to_beat_one_with_many() -> None:
    physics = [make_entry(f"p{n}", topics=("hep-th",), votes=n) for n in range(20)]
    learning = [make_entry(f"m{n}", topics=("cs.LG",), votes=100 + n) for n in range(20)]

    found = trends([*physics, *learning])

    assert found[19] > found[20]  # the most voted of physics, the least voted of machine learning
    assert found[39] > found[19] > 0.6
