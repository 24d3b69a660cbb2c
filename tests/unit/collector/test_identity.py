"""One paper, many names."""

from __future__ import annotations

from dataclasses import replace

import pytest

from newsletter.collector.identity import entry_id, identifiers, names, same_paper
from newsletter.testing import NOON
from newsletter.types import Entry

PAPER = Entry(id="", title="Attention Is Not All You Need Anymore")


def same(known: Entry, new: Entry) -> bool:
    return same_paper(known, new, set(names(known)) & set(names(new)))


@pytest.mark.parametrize(
    "given",
    [
        "2508.13426",
        "2508.13426v2",
        "arXiv:2508.13426",
        "oai:arXiv.org:2508.13426v1",
        "http://arxiv.org/abs/2508.13426v1",
        "https://arxiv.org/pdf/2508.13426v3.pdf",
        "https://huggingface.co/papers/2508.13426",
        "https://doi.org/10.48550/arXiv.2508.13426",
        "10.48550/ARXIV.2508.13426",
    ],
)
def test_every_form_of_an_arxiv_id_is_one_name(given: str) -> None:
    assert names(replace(PAPER, id=given))[0] == "arxiv:2508.13426"
    assert entry_id(replace(PAPER, id=given)) == "arxiv:2508.13426"


def test_old_arxiv_ids_lose_version_and_subject_class() -> None:
    assert names(replace(PAPER, id="astro-ph/0601001v1"))[0] == "arxiv:astro-ph/0601001"
    assert names(replace(PAPER, url="https://arxiv.org/abs/math.GT/0309136"))[0] == "arxiv:math/0309136"


@pytest.mark.parametrize(
    ("address", "wanted"),
    [
        ("https://doi.org/10.5802/JEP.257", "doi:10.5802/jep.257"),
        ("https://dl.acm.org/doi/abs/10.1145/3292500.3330701", "doi:10.1145/3292500.3330701"),
        ("https://www.biorxiv.org/content/10.1101/2020.01.01.123456v2.full.pdf", "doi:10.1101/2020.01.01.123456"),
        ("https://doi.org/10.1016/S0140-6736(20)30183-5", "doi:10.1016/s0140-6736(20)30183-5"),
        ("https://openreview.net/forum?id=aBc_-1&noteId=zz", "openreview:aBc_-1"),
        ("https://openreview.net/pdf?id=aBc_-1", "openreview:aBc_-1"),
    ],
)
def test_addresses_hold_names(address: str, wanted: str) -> None:
    assert names(replace(PAPER, url=address))[0] == wanted


@pytest.mark.parametrize("given", ["2508.134261", "2513.00001", "10.1/x", "mamba"])
def test_what_is_no_number_stays_as_given(given: str) -> None:
    assert names(replace(PAPER, id=given))[0] == f"id:{given}"
    assert entry_id(replace(PAPER, id=given)) == given


def test_strong_names_come_first_and_a_given_id_stays() -> None:
    entry = replace(PAPER, id="mine", url="https://doi.org/10.5802/jep.257", pdf_url="https://arxiv.org/pdf/2203.01250")

    assert [name.partition(":")[0] for name in names(entry)] == ["arxiv", "doi", "id", "title"]


def test_a_long_title_matches_with_and_without_author() -> None:
    dated = replace(PAPER, title="Attention is not all you need — anymore", authors=("Ada One",), published=NOON)

    assert same(PAPER, dated)


def test_short_and_generic_titles_match_only_with_author_and_year() -> None:
    for title in ("Editorial", "Introduction to the special issue on machine learning"):
        bare = Entry(id="", title=title)
        known = replace(bare, authors=("One, Ada",), published=NOON)

        assert names(bare) == ()
        assert names(known) == names(replace(known, authors=("A. One",)))
        assert names(known) != names(replace(known, authors=("Bob Two",)))


def test_two_arxiv_ids_are_two_papers_whatever_their_titles() -> None:
    first, second = (replace(PAPER, id=number) for number in ("2508.13426", "2508.13427"))

    assert not same(first, second)
    assert same(first, PAPER)
    assert not same_paper(first, second, ())


def test_a_title_joins_nobody_whose_authors_are_others() -> None:
    ada, bob = (replace(PAPER, authors=(name,)) for name in ("Ada One", "Two, Bob"))

    assert not same(ada, bob)
    assert same(ada, replace(PAPER, authors=("Cyd Three", "One, A.")))
    assert same(ada, PAPER)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("Smith JA", "Lee B"), ("John A. Smith", "Bo Lee")),
        (("Jan Łukaszek",), ("Jan Lukaszek",)),
        (("Martin Kingsley Jr.",), ("Martin Kingsley",)),
        (("José García-Pérez",), ("Jose Garcia Perez",)),
        (("Jürgen Müller",), ("Juergen Mueller",)),
        (("Zhuang Ziyu",), ("Ziyu Zhuang",)),
        (("García, J.",), ("José García Pérez",)),
        (("van der Berg, J.",), ("Jan Berg",)),
        (("陈 昊",), ("陈昊",)),
        (("Hao Chen (陈昊)",), ("陈昊",)),
        (("The AURORA Collaboration",), ("AURORA Collaboration",)),
        (("AURORA Collaboration",), ("Ann Lee", "Bo Ek")),
        (("Ann Lee", "AURORA Collaboration"), ("AURORA Collaboration",)),
    ],
)
def test_one_title_by_the_same_people_is_one_paper(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    assert same(replace(PAPER, authors=one), replace(PAPER, authors=other))
    assert same(replace(PAPER, authors=other), replace(PAPER, authors=one))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("Ida Holm",), ("Zeno Park",)),
        (("Juergen Mueller",), ("Juergen Muller",)),
        (("陈昊",), ("陈浩",)),
        (("AURORA Collaboration",), ("BOREALIS Collaboration",)),
        (("AURORA Collaboration", "Ann Lee"), ("Zeno Park",)),
        (("Wei Zhang",), ("Zhang Yi Feng",)),
    ],
)
def test_one_title_by_other_people_is_two_papers(one: tuple[str, ...], other: tuple[str, ...]) -> None:
    assert not same(replace(PAPER, authors=one), replace(PAPER, authors=other))


@pytest.mark.parametrize(
    ("first", "wanted"),
    [
        ("Smith JA", True),
        ("J. Smith Jr.", True),
        ("Bob Smith", False),
        ("John Smithson", False),
        ("Pérez-Smith", False),
    ],
)
def test_a_short_title_wants_the_same_first_author(first: str, wanted: bool) -> None:
    short = replace(PAPER, title="Editorial", published=NOON, authors=("John A. Smith", "Ann Lee"))

    assert same(short, replace(short, authors=(first, "Ann Lee"))) is wanted


def test_other_ids_of_a_paper_are_its_names() -> None:
    entry = replace(
        PAPER, id="arxiv:2508.13426", also=("doi:10.1000/X", "s2:" + "a" * 40, "openreview:abc", "nonsense")
    )

    assert identifiers(entry) == ("arxiv:2508.13426", "doi:10.1000/x", "openreview:abc", "s2:" + "a" * 40)
    assert set(identifiers(entry)) < set(names(entry))


def test_an_id_made_from_a_title_is_short_stable_and_of_its_own() -> None:
    made = entry_id(PAPER)

    assert made == entry_id(replace(PAPER, title="attention is not all you need, anymore", source="other"))
    assert made.startswith("attention-is-not-all-you-need-anymore-")
    assert entry_id(Entry(id="", title="Editorial", source="a")) != entry_id(
        Entry(id="", title="Editorial", source="b")
    )
    assert entry_id(Entry(id="", title="注意力")).startswith("paper-")


def test_an_id_is_a_name_of_its_entry() -> None:
    for entry in (PAPER, replace(PAPER, id="mamba"), replace(PAPER, id="10.5802/jep.257")):
        stored = replace(entry, id=entry_id(entry))

        assert entry_id(stored) == stored.id
        assert same(entry, stored)


@pytest.mark.parametrize(
    "other",
    [
        "http://j.example/a",
        "https://J.example/a/",
        "https://j.example/a?utm_source=rss&utm_medium=feed",
        "https://j.example/a/?fbclid=1",
    ],
)
def test_links_that_lead_to_one_page_are_one_name(other: str) -> None:
    first, second = (Entry(id=link, title="Tea", source="s") for link in ("https://j.example/a", other))

    assert same(first, second)


@pytest.mark.parametrize("other", ["https://j.example/a?id=2", "https://j.example/A", "https://j.example/a#2"])
def test_links_that_may_lead_to_another_page_are_two_names(other: str) -> None:
    first, second = (Entry(id=link, title="Tea", source="s") for link in ("https://j.example/a", other))

    assert not same(first, second)


def test_a_doi_with_angle_brackets_is_one_name_in_field_and_link() -> None:
    sici = "10.1002/(SICI)1097-4571(199806)49:8<{}::AID-ASI4>3.0.CO;2-O"
    field = Entry(id=sici.format(693), title="Tea")
    link = Entry(id="", title="Tea", url=f"https://doi.org/{sici.format(693).replace('<', '%3C').replace('>', '%3E')}")

    assert same(field, link)
    assert not same(field, replace(field, id=sici.format(725)))
