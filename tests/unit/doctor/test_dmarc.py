"""DMARC records, and the walk up the tree of RFC 9989 4.10."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from zones import Records, Zones

from newsletter.doctor.dmarc_record import aligned, is_dmarc, read_policy, takes_reports, targets, walk

NONE = "v=DMARC1; p=none"


def test_a_walk_goes_up_label_by_label() -> None:
    assert targets("a.mail.example.com") == ["a.mail.example.com", "mail.example.com", "example.com", "com"]


def test_a_long_name_is_asked_for_eight_times_at_most() -> None:
    assert targets("a.b.c.d.e.f.g.h.i.j.mail.example.com") == [
        "a.b.c.d.e.f.g.h.i.j.mail.example.com",
        "g.h.i.j.mail.example.com",
        "h.i.j.mail.example.com",
        "i.j.mail.example.com",
        "j.mail.example.com",
        "mail.example.com",
        "example.com",
        "com",
    ]


@given(st.lists(st.from_regex(r"[a-z]{1,5}", fullmatch=True), min_size=1, max_size=30))
def test_every_walk_is_short_and_ends_at_the_top(labels: list[str]) -> None:
    names = targets(".".join(labels))

    assert len(names) <= 8
    assert names[0] == ".".join(labels)
    assert names[-1] == labels[-1] or len(labels) == 1


@pytest.mark.parametrize(
    ("records", "organisation", "applies"),
    [
        ({}, "a.mail.example.com", None),
        ({"_dmarc.example.com TXT": NONE}, "example.com", "example.com"),
        ({"_dmarc.mail.example.com TXT": NONE, "_dmarc.example.com TXT": NONE}, "example.com", "example.com"),
        ({"_dmarc.a.mail.example.com TXT": NONE}, "a.mail.example.com", "a.mail.example.com"),
        ({"_dmarc.com TXT": f"{NONE}; psd=y"}, "example.com", "com"),
        ({"_dmarc.com TXT": f"{NONE}; psd=y", "_dmarc.example.com TXT": NONE}, "example.com", "example.com"),
        ({"_dmarc.mail.example.com TXT": "v=DMARC1; psd=n", "_dmarc.com TXT": NONE}, *2 * ("mail.example.com",)),
        ({"_dmarc.example.com TXT": (NONE, NONE)}, "a.mail.example.com", None),
        ({"_dmarc.example.com TXT": ("site=1", NONE)}, "example.com", "example.com"),
    ],
)
async def test_the_organisation_is_found_as_the_standard_says(
    records: Records, organisation: str, applies: str | None
) -> None:
    found = await walk("a.mail.example.com", Zones(records))

    assert found.organisation == organisation
    assert (found.policy.domain if found.policy else None) == applies


@pytest.mark.parametrize("text", ["v=DMARC1", "v=DMARC1; p=none", "V = DMARC1;p=none", "v=DMARC1;"])
def test_a_record_begins_with_its_version(text: str) -> None:
    assert is_dmarc(text)


@pytest.mark.parametrize("text", ["v=DMARC2; p=none", "p=none; v=DMARC1", "v=dmarc1", "v=spf1 -all", ""])
def test_what_does_not_is_none(text: str) -> None:
    assert not is_dmarc(text)


def test_a_subdomain_has_a_policy_of_its_own() -> None:
    reports = "rua=mailto:a@b.org!10m,https://x,mailto:c@d.org"
    policy = read_policy("example.com", f"v=DMARC1; p=reject; sp=none; adkim=s; {reports}")

    assert policy.wanted("example.com") == "reject"
    assert policy.wanted("a.example.com") == "none"
    assert (policy.strict("adkim"), policy.strict("aspf")) == (True, False)
    assert policy.reports == ("a@b.org", "c@d.org")


@pytest.mark.parametrize("text", ["v=DMARC1; p=nine", "v=DMARC1; rua", "v=DMARC1; p=none; sp=x", "v=DMARC1"])
def test_a_record_that_receivers_make_do_with_has_a_problem(text: str) -> None:
    policy = read_policy("example.com", text)

    assert policy.problem
    assert policy.wanted("example.com") == "none"


@pytest.mark.parametrize(
    ("domain", "strict", "speaks"),
    [
        ("papers.example.org", True, True),
        ("bounces.papers.example.org", False, True),
        ("bounces.papers.example.org", True, False),
        ("example.org", False, True),
        ("example.net", False, False),
    ],
)
async def test_alignment_is_by_the_organisation(domain: str, strict: bool, speaks: bool) -> None:
    zones = Zones({"_dmarc.example.org TXT": NONE})

    assert await aligned(domain, await walk("papers.example.org", zones), strict, zones) is speaks


async def test_reports_to_another_domain_want_its_consent() -> None:
    zones = Zones({"_dmarc.a.org TXT": NONE, "a.org._report._dmarc.b.org TXT": "v=DMARC1"})
    policy = read_policy("a.org", NONE)

    assert await takes_reports("x@sub.a.org", policy, zones)
    assert await takes_reports("x@B.org", policy, zones)
    assert not await takes_reports("x@c.org", policy, zones)
