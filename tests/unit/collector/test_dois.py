"""DOIs: where they begin and end, versions of preprints, and links."""

from __future__ import annotations

from urllib.parse import unquote

import pytest

from newsletter.collector.text.dois import doi_in, doi_link, lone_doi

SICI = "10.1002/(sici)1097-4571(199806)49:8<693::aid-asi4>3.0.co;2-"


@pytest.mark.parametrize(
    ("said", "doi"),
    [
        ("10.1002/(SICI)1097-4571(199806)49:8<693::AID-ASI4>3.0.CO;2-O", f"{SICI}o"),
        ("doi:10.1002/(SICI)1097-4571(199806)49:8&lt;693::AID-ASI4&gt;3.0.CO;2-O", f"{SICI}o"),
        ("https://doi.org/10.1002/(SICI)1097-4571(199806)49:8%3C693::AID-ASI4%3E3.0.CO;2-O", f"{SICI}o"),
        ("https://doi.org/10.1002/(SICI)1097-4571(199806)49:8<693::AID-ASI4>3.0.CO;2-O/abstract", f"{SICI}o"),
        ("10.1002/(SICI)1097-4571(199806)49:8<693::AID-ASI4>3.0.CO;2-#", f"{SICI}#"),
        ("https://doi.org/10.1002/(SICI)1097-4571(199806)49:8<693::AID-ASI4>3.0.CO;2-#", f"{SICI}#"),
        ("10.5555/0003-1(1996)077<L35:ABC>2.0.CO;2", "10.5555/0003-1(1996)077<l35:abc>2.0.co;2"),
        ('<a href="https://doi.org/10.1000/x">10.1000/x</a>', "10.1000/x"),
        ("10.1000/x</identifier>", "10.1000/x"),
        ("<https://doi.org/10.1000/x>", "10.1000/x"),
        ("<10.1000/x>", "10.1000/x"),
        ("10.1000/x\u200b", "10.1000/x"),
        ("(10.1000/x(1)).", "10.1000/x(1)"),
        ("10.1061/(ASCE)0733(1988)114:12(2012)", "10.1061/(asce)0733(1988)114:12(2012)"),
        ("https://x.org/full?doi=10.1000%2Fa%26b&page=1#top", "10.1000/a&b"),
        ("https://x.org/10.1000/a.pdf?download", "10.1000/a"),
        ("DOI 10.1000.10/123", "10.1000.10/123"),
        ("https://x.org/papers?id=10", ""),
    ],
)
def test_a_doi_ends_where_its_field_or_address_ends(said: str, doi: str) -> None:
    assert doi_in(said) == doi


@pytest.mark.parametrize(
    "version",
    [
        "10.1101/2024.01.01.555111v{}",
        "10.64898/2026.01.01.555111v{}.full",
        "10.21203/rs.3.rs-99901/v{}",
        "10.26434/chemrxiv-2024-abcd1-v{}",
        "10.26434/chemrxiv.12345.v{}",
        "10.12688/f1000research.99259.{}",
        "10.12688/wellcomeopenres.2-12.v{}",
        "10.35241/emeraldopenres.13.{}",
        "10.15694/mep.2020.000123.{}",
        "10.20944/preprints202401.1234.v{}",
        "10.22541/au.170000000.12345678/v{}",
        "10.36227/techrxiv.12345.v{}",
        "10.31234/osf.io/abcde_v{}",
        "10.7554/eLife.85371.{}",
        "10.32388/9A3B7C.{}",
        "10.7287/peerj.preprints.27885v{}",
        "10.33774/coe-2024-abcd-v{}",
        "10.1002/essoar.10501234.{}",
        "https://www.researchsquare.com/article/rs-99901/v{}",
        "https://www.preprints.org/manuscript/202401.1234/v{}",
    ],
)
def test_versions_of_a_preprint_have_one_name(version: str) -> None:
    first, later = doi_in(version.format(1)), doi_in(version.format(12))

    assert first == later != ""


@pytest.mark.parametrize(
    "doi",
    [
        "10.1002/adma.2",
        "10.1038/nature.12",
        "10.7554/elife.85371.001",
        "10.18637/jss.v067",
        "10.26434/chemrxiv-2024-xxv12",
        "10.15694/mep.2020.000123",
        "10.12688/f1000research.99259",
        "10.5281/zenodo.1234.2",
    ],
)
def test_what_only_looks_like_a_version_stays(doi: str) -> None:
    assert doi_in(doi) == doi


@pytest.mark.parametrize(
    ("field", "doi"),
    [
        ("doi:10.5555/insect.0886", "10.5555/insect.0886"),
        (" DOI: https://dx.doi.org/10.5555/X ", "10.5555/x"),
        ("doi.org/10.5555/x", "10.5555/x"),
        ("a reply to 10.5555/x", ""),
        ("10.5555/x and 10.5555/y", ""),
        ("https://x.org/10.5555/x", ""),
    ],
)
def test_a_doi_alone_is_all_of_its_field(field: str, doi: str) -> None:
    assert lone_doi(field) == doi


def test_a_link_holds_what_a_doi_may_hold_encoded() -> None:
    link = doi_link(f"{SICI}#")

    assert link.isascii()
    assert not set("<># ") & set(link)
    assert unquote(link) == f"https://doi.org/{SICI}#"
    assert doi_in(link) == f"{SICI}#"
