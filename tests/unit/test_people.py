"""Whom a name may mean."""

from __future__ import annotations

from itertools import product

import pytest

from newsletter.people import families, is_degree, is_group, readings, same_person, words_agree


def finds(asked: str, printed: str) -> bool:
    """Whether a reader who asks for a name finds what a paper prints."""
    return any(same_person(one, other) for one, other in product(readings(asked), readings(printed)))


ONE_PERSON = [
    ("Jane Doe", "Doe, Jane", "J. Doe", "Doe J", "Doe, J.", "Jane M. Doe", "Doe, Jane, PhD", "Dr. Jane Doe"),
    ("John Albert Smith", "Smith JA", "J.A. Smith", "J. A. Smith Jr.", "Smith, John A., Jr.", "Smith, Jr., John"),
    ("Lucja Wrzos", "Łucja Wrzos", "Ł. Wrzos", "WRZOS Łucja"),
    ("Soren Osterby", "Søren Østerby", "S. Østerby", "Østerby, Søren"),
    ("Jürgen Müller", "Juergen Mueller", "Jurgen Muller", "J. Mueller"),
    ("Michelle O'Neary", "Michelle O’Neary", "M. OʼNeary", "M. O´Neary", "ONeary, Michelle", "Michelle O`Neary"),
    ("Jan van der Berg", "van der Berg, Jan", "Berg, J. van der", "J. Berg", "Jan Vanderberg", "van der Berg J"),
    ("Jim Al-Khalili", "Al-Khalili, J.", "Jim al Khalili", "J. Khalili", "Jim Alkhalili", "Jim El-Khalili"),
    ("José García-Pérez", "Jose Garcia Perez", "García-Pérez J", "Garcia Perez, Jose"),
    ("Jean-Pierre Serre", "J.-P. Serre", "JP Serre", "Serre, Jean-Pierre", "J. P. Serre", "Jean Pierre Serre"),
    ("Xiaoming Li", "Xiao-Ming Li", "X.-M. Li", "Xiao Ming Li", "Li, Xiaoming", "LI Xiaoming", "Xiaoming LI"),
    ("Yuri A. Petrov", "Yu. A. Petrov", "Yu. Petrov", "Petrov, Yuri"),
    ("陈昊", "陈 昊", "陈, 昊", "Hao Chen (陈昊)"),
    ("Hao Chen", "Hao Chen (陈昊)", "Chen, H."),
    ("AURORA Collaboration", "The AURORA Collaboration", "the Aurora Collaboration", "AURORA Collab."),
    ("Mehmet Işık", "Mehmet Isik", "M. IŞIK"),
    ("Gróa Þórðardóttir", "Groa Thordardottir"),
    ("Đặng Văn Đức", "Dang Van Duc"),
    ("Claudia Straßer", "Claudia Strasser"),
    ("Ann McDonald", "Ann Mc Donald"),
    ("Zoë Cœur-Lætitia", "Zoe Coeur-Laetitia"),
]


@pytest.mark.parametrize("ways", ONE_PERSON, ids=lambda ways: ways[0])
def test_a_person_is_found_in_all_usual_ways_to_write_the_name(ways: tuple[str, ...]) -> None:
    assert [way for way in ways if not finds(ways[0], way)] == []


@pytest.mark.parametrize(
    ("asked", "printed"),
    [
        ("Ada Lovelace", "Bob Lovelace"),
        ("Ada Lovelace", "Lovelace"),
        ("John A. Smith", "John B. Smith"),
        ("Martin Kingsley Jr.", "Martin Kingsley Sr."),
        ("John Smith III", "John Smith Jr."),
        ("Jan van der Berg", "Kim van der Berg"),
        ("Juergen Mueller", "Juergen Muller"),
        ("Van Nguyen", "Anh Nguyen"),
        ("Kim Anh Do", "Kim Anh"),
        ("García-Pérez", "G. Pérez"),
        ("Hao Chen (陈昊)", "陈浩"),
        ("陈昊", "陈昊天"),
        ("AURORA Collaboration", "BOREALIS Collaboration"),
        ("International Reef Laboratory", "Reef Laboratory"),
        ("Lee Smith", "Smith Lee"),
        ("Ann Lee", "Ann Leeds"),
        ("de Vries", "Jan de Boer"),
        ("O'Neary", "Neary"),
    ],
)
def test_different_people_stay_different(asked: str, printed: str) -> None:
    assert not finds(asked, printed)


@pytest.mark.parametrize("asked", ["Lovelace", "de Vries", "De Vries", "García-Pérez", "Müller"])
def test_a_family_name_alone_finds_all_that_bear_it(asked: str) -> None:
    assert finds(asked, f"A. K. {asked}")


def test_two_orders_of_a_name_are_the_same_words() -> None:
    (zhuang,), (ziyu,), (smith,) = map(readings, ("Zhuang Ziyu", "Ziyu Zhuang", "Zhuang Smith"))

    assert words_agree(zhuang, ziyu)
    assert not words_agree(zhuang, smith)
    assert words_agree(readings("J. Garcia")[0], readings("José García Pérez")[0])
    assert not words_agree(readings("J. G.")[0], readings("José García")[0])


@pytest.mark.parametrize("name", ["", " ", "...", "12", ",", "()"])
def test_what_holds_no_letters_is_nobody(name: str) -> None:
    assert readings(name) == ()
    assert families([name]) == frozenset()


def test_degrees_and_groups_are_told_from_names() -> None:
    assert all(map(is_degree, ("PhD", "Ph.D.", "M.D.", "MD MPH", "MSc", "MD, PhD".partition(",")[0])))
    assert not any(map(is_degree, ("Ma", "Do", "Ann Lee", "A.", "")))
    assert all(map(is_group, ("The AURORA Collaboration", "International Reef Laboratory", "清华大学", "LIGO Team")))
    assert not any(map(is_group, ("Ann Lee", "Grace Labrador", "陈昊", "Martin Teamer")))
