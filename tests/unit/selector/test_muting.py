"""Muted words in both numbers, and muted people."""

from __future__ import annotations

import pytest

from newsletter.selector.muting import muted_index
from newsletter.testing import make_entry

PAIRS = """
policy/policies survey/surveys analysis/analyses crisis/crises axis/axes hypothesis/hypotheses virus/viruses
status/statuses stimulus/stimuli nucleus/nuclei genus/genera corpus/corpora matrix/matrices index/indices
vertex/vertices alga/algae spectrum/spectra bacterium/bacteria criterion/criteria phenomenon/phenomena
schema/schemata child/children mouse/mice
woman/women leaf/leaves life/lives box/boxes church/churches epoch/epochs hero/heroes video/videos bus/buses lens/lenses
bias/biases process/processes gas/gases database/databases movie/movies case/cases topic/topics idea/ideas quiz/quizzes
dwarf/dwarves LLM/LLMs GPU/GPUs API/APIs gpu/gpus
"""
STRANGERS = """
policy/police policy/political organ/organization universe/university new/news genetic/genetics economics/economic
rates/rat mass/mas uses/us aluminum/alumina analysis/analyst cell/cellular cat/category gene/general model/modeling
news/new species/spec minus/mini prices/prix aids/aid pass/pas physics/physical lens/len Hans/Han
"""


def hides(muted: str, title: str) -> bool:
    return muted_index([make_entry("a", title=f"On {title} and more", abstract="")]).holding(muted) == (0,)


@pytest.mark.parametrize("pair", PAIRS.split())
def test_a_muted_word_hides_its_singular_and_its_plural(pair: str) -> None:
    one, several = pair.split("/")

    assert hides(one, several)
    assert hides(several, one)
    assert hides(f"deep {one}", f"deep {several.upper()}")


@pytest.mark.parametrize("pair", STRANGERS.split())
def test_a_muted_word_hides_no_other_word(pair: str) -> None:
    muted, other = pair.split("/")

    assert not hides(muted, other)


def test_a_muted_name_is_found_in_its_spellings_and_has_no_plural() -> None:
    index = muted_index([make_entry("a", authors=("Łukaszek, Jan K.",)), make_entry("b", authors=("Ann O’Williams",))])

    assert index.holding("Lukaszek") == index.holding("jan k lukaszek") == (0,)
    assert index.holding("O'Williams") == (1,)
    assert index.holding("O'William") == ()
    assert index.holding("") == index.holding("  ") == ()
