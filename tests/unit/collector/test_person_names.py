"""Lines of authors, split at the people."""

from __future__ import annotations

import pytest

from newsletter.collector.text.person_names import given_first, split_authors, without_affiliation

LINES = {
    "Doe, A., Roe, B. K., International Reef Laboratory": "A. Doe; B. K. Roe; International Reef Laboratory",
    "International Reef Laboratory, Doe, A., Roe, B.": "International Reef Laboratory; A. Doe; B. Roe",
    "Doe, A., Roe, B., and AURORA Collaboration": "A. Doe; B. Roe; AURORA Collaboration",
    "Ann Lee on behalf of the AURORA Collaboration": "Ann Lee; AURORA Collaboration",
    "Ann Lee, for the AURORA Collaboration": "Ann Lee; AURORA Collaboration",
    "AURORA Collaboration and BOREALIS Collaboration": "AURORA Collaboration; BOREALIS Collaboration",
    "School of Physics and Astronomy, Ann Lee": "School of Physics and Astronomy; Ann Lee",
    "Institut de Physique et Chimie": "Institut de Physique et Chimie",
    "Institute of Physics, Rome": "Institute of Physics, Rome",
    "John Smith, Jr., Ann Lee": "John Smith Jr.; Ann Lee",
    "John Smith III, Ann Lee": "John Smith III; Ann Lee",
    "Smith, John, Jr.": "John Smith Jr.",
    "King, M. L., Jr., Roe, B.": "M. L. King Jr.; B. Roe",
    "Ann Lee, Bo Ek & Cy Fox": "Ann Lee; Bo Ek; Cy Fox",
    "Ann Lee, Bo Ek, and Cy Fox": "Ann Lee; Bo Ek; Cy Fox",
    "Anna Müller und Bo Ek": "Anna Müller; Bo Ek",
    "Karl von und zu Berg, Ann Lee": "Karl von und zu Berg; Ann Lee",
    "Ann Lee, Bo Ek, et al.": "Ann Lee; Bo Ek",
    "Ann Lee et al": "Ann Lee",
    "G. Aad et al. (AURORA Collaboration)": "G. Aad (AURORA Collaboration)",
    "Ann Lee, Bo Ek, and 12 others": "Ann Lee; Bo Ek",
    "By Ann Lee and Bo Ek": "Ann Lee; Bo Ek",
    "Doe, Jane": "Jane Doe",
    "Doe, Jane M.": "Jane M. Doe",
    "van der Berg, Jan": "Jan van der Berg",
    "García Pérez, José": "José García Pérez",
    "García Pérez, J., Roe, B.": "J. García Pérez; B. Roe",
    "Doe, Jane, Roe, Richard": "Jane Doe; Richard Roe",
    "Doe, Jane and Roe, Richard": "Jane Doe; Richard Roe",
    "Doe, Jane, and Richard Roe": "Jane Doe; Richard Roe",
    "Doe, Jane, Richard Roe, and Cy Fox": "Jane Doe; Richard Roe; Cy Fox",
    "Lee, Smith and Park": "Lee; Smith; Park",
    "Lee, Smith, Park": "Lee; Smith; Park",
    "Smith JA, Lee B": "Smith JA; Lee B",
    "陈昊、吴丽、王强": "陈昊; 吴丽; 王强",
    "陈昊，吴丽": "陈昊; 吴丽",
    "陈昊, 吴丽": "陈昊; 吴丽",
    "陈昊 吴丽 王强": "陈昊; 吴丽; 王强",
    "陈昊；吴丽": "陈昊; 吴丽",
    "陈昊等": "陈昊",
    "陈, 昊": "陈昊",
    "山田 太郎": "山田 太郎",
    "John Smith, PhD, Ann Lee, MD": "John Smith; Ann Lee",
    "John Smith, MA, MPH, Ann Lee, M.D., Ph.D.": "John Smith; Ann Lee",
    "Doe, Jane, PhD, Roe, Richard, MD": "Jane Doe; Richard Roe",
    "Smith, MA, Roe, BS": "MA Smith; BS Roe",
    "Doe, A.; Roe, B. and Poe, C.": "A. Doe; B. Roe; C. Poe",
    "Doe, A., PhD; Roe, B., Jr.; et al.": "A. Doe; B. Roe Jr.",
    "Ann Lee, 1, Bo Ek, 2": "Ann Lee; Bo Ek",
    "Ann Lee (Rome, Italy), Bo Ek": "Ann Lee (Rome, Italy); Bo Ek",
    "Ann Lee | Bo Ek": "Ann Lee; Bo Ek",
    "Ann Lee / Bo Ek": "Ann Lee; Bo Ek",
    "山田太郎・鈴木花子": "山田太郎; 鈴木花子",
    "ジョン・スミス": "ジョン・スミス",
    "ann@lab.example (Ann Lee)": "Ann Lee",
    "José Ortega y Gasset": "José Ortega y Gasset",
    "Madonna": "Madonna",
    "": "",
}


@pytest.mark.parametrize("line", LINES)
def test_a_line_of_authors_is_split_at_the_people(line: str) -> None:
    assert "; ".join(split_authors(line)) == LINES[line]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("Doe, A.", "A. Doe"),
        ("Doe, A., Jr.", "A. Doe Jr."),
        ("King, Jr., M. L.", "M. L. King Jr."),
        ("García Pérez, José Luis", "José Luis García Pérez"),
        ("Ann Lee, PhD", "Ann Lee"),
        ("University of Reefs, Rome", "University of Reefs, Rome"),
        ("Reefs, Rome, Italy", "Reefs, Rome, Italy"),
    ],
)
def test_given_names_go_first(name: str, wanted: str) -> None:
    assert given_first(name) == wanted


def test_a_name_in_other_letters_is_no_affiliation() -> None:
    assert without_affiliation("Hao Chen (陈昊)") == ("Hao Chen (陈昊)", "")
    assert without_affiliation("Jiyoung Kim (김지영)") == ("Jiyoung Kim (김지영)", "")
    for place in ("清华大学", "中科院", "北大", "서울대", "Rome, Italy"):
        assert without_affiliation(f"Hao Chen ({place})") == ("Hao Chen", place)
