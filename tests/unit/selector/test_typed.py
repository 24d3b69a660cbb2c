"""Typed interests, read as a search engine would: what a reader means by a phrase or two."""

from __future__ import annotations

import pytest
from older_papers import PLAIN, older_papers

from newsletter.selector import Pool, prepare, select
from newsletter.testing import make_entry, make_profile
from newsletter.types import Entry, Pick


def pool(*papers: Entry) -> Pool:
    return prepare(papers, older_papers())


def found(asked: str, *papers: Entry) -> list[str]:
    return [pick.entry.id for pick in picks(asked, *papers) if pick.interest == asked]


def picks(asked: str, *papers: Entry) -> tuple[Pick, ...]:
    (chosen,) = select(pool(*papers), [make_profile(asked, hype=0, surprise=0)])
    return chosen


def paper(title: str, abstract: str = "") -> Entry:
    return make_entry(
        "".join(title.split()[: 1 + title.split()[1].isdigit()]).lower(),
        title=title,
        abstract=abstract or f"{title}. {' '.join(PLAIN)}",
    )


STRANGE = [paper(f"Sourdough {n}", f"Flour, water and salt, batch {n}. {' '.join(PLAIN)}") for n in range(3)]


def test_a_phrase_beats_one_generic_word_in_passing() -> None:
    wanted = paper(
        "Streaming video diffusion", "We generate video fast: a diffusion model for video generation in real time."
    )
    passing = paper(
        "Quadruped parkour from egocentric video", "A robot learns to jump and to climb by its policy alone."
    )

    assert found("fast video generation", passing, wanted, *STRANGE)[:1] == ["streaming"]
    assert "quadruped" not in found("fast video generation", passing, *STRANGE)


def test_a_short_abstract_is_no_merit() -> None:
    survey = paper("Mamba for medical images: a survey", "A survey of state space networks.")
    wanted = paper(
        "Expressive power of graph neural networks", f"Graph neural networks pass messages. {' '.join(PLAIN * 8)}"
    )

    assert found("graph neural networks", survey, wanted, *STRANGE) == ["expressive"]


def test_an_acronym_meets_its_long_form_as_the_papers_write_it() -> None:
    said = [paper(f"Teaching {n}", "Large language models (LLMs) learn from few examples.") for n in range(2)]
    long = paper("Reasoning in large language models", "Large language models reason step by step.")
    other = paper("Flashrnn on modern hardware", "Recurrent networks made fast.")

    assert found("LLM reasoning", *said, long, other, *STRANGE)[0] == "reasoning"
    assert "flashrnn" not in found("LLM reasoning", *said, long, other, *STRANGE)


def test_gans_are_generative_adversarial_networks() -> None:
    said = [paper(f"Faces {n}", "Generative adversarial networks (GANs) draw faces.") for n in range(2)]
    long = paper("Training generative adversarial networks", "Two networks play a game.")

    assert "training" in found("GAN", *said, long, *STRANGE)


@pytest.mark.parametrize(
    ("asked", "wanted", "other"),
    [
        ("hepatitis A", "Outbreaks of hepatitis A in cities", "Therapy of hepatitis C and its cost"),
        ("T cells", "Exhausted T cells in tumours", "Solar cells of perovskite"),
        ("C++", "Memory safety for C++ programs", "Vitamin C against colds"),
        ("WHO", "Guidelines of the WHO on salt", "Children who cannot sleep"),
        ("X-ray", "Xray diffraction of ice", "Manta ray migration"),
        ("xray", "X-ray diffraction of ice", "Manta ray migration"),
        ("colour vision", "Color vision in bees", "Computer vision in factories"),
        ("modelling tumours", "Modeling of a tumor in mice", "Modelling of traffic"),
        ("data set", "A dataset of bird songs", "A set of tools"),
    ],
)
def test_a_phrase_meets_what_is_written_otherwise_and_nothing_else(asked: str, wanted: str, other: str) -> None:
    right, wrong = paper(wanted), paper(other)

    ranked = found(asked, right, wrong, *STRANGE)

    assert ranked[:1] == [right.id]
    assert right.id in ranked
    assert not any(name.startswith("sourdough") for name in ranked)


def test_an_interest_in_another_language_finds_its_papers() -> None:
    wanted = paper("Strömungsmechanik der Turbulenz", "Wirbel in einer turbulenten Strömung und ihre Energie.")

    assert found("turbulente Strömung", wanted, *STRANGE) == ["strömungsmechanik"]


def test_several_phrases_need_not_all_be_met() -> None:
    wanted = paper("Plasma confinement in a stellarator", "A stellarator holds its plasma by twisted coils.")
    asked = ("stellarator", "knitting machines", "beekeeping", "harbour cranes", "medieval law")
    profile = make_profile("mine", hype=0, surprise=0)
    profile = type(profile)(interests=(type(profile.interests[0])("mine", keywords=asked),), hype=0, surprise=0)

    (chosen,) = select(pool(wanted, *STRANGE), [profile])

    assert [pick.entry.id for pick in chosen] == ["plasma"]


def test_where_a_third_of_all_papers_speaks_of_it_they_still_match() -> None:
    many = [paper(f"Diffusion{n} for images", f"A diffusion model number {n} makes images.") for n in range(6)]

    assert len(found("diffusion", *many, *STRANGE)) == 6
