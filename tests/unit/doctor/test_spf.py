"""SPF records, read and followed through the DNS; the verdicts beside those of pyspf."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spfjudge import judged
from zones import Records, Zones

from newsletter.doctor.spf import (
    FOLLOWED,
    MOST_LOOKUPS,
    MOST_VOIDS,
    UNKNOWN,
    SpfError,
    Survey,
    expand,
    is_spf,
    parse,
    spf_result,
    survey,
)


async def surveyed(records: Records) -> Survey:
    return await survey("a.org", Zones(records))


@pytest.mark.parametrize("text", ["v=spf1", "V=SPF1 -all", "v=spf1 "])
def test_a_record_begins_with_its_version(text: str) -> None:
    assert is_spf(text)


@pytest.mark.parametrize("text", ["v=spf10 -all", "v=spf1,-all", '"v=spf1 -all"', " v=spf1 -all", "spf1 -all", ""])
def test_what_only_looks_like_a_record_is_none(text: str) -> None:
    assert not is_spf(text)


@pytest.mark.parametrize(
    "term",
    [
        "all", "+all", "?ALL", "a", "a/24", "a//64", "a/24//64", "a:b.org", "a:b.org/24//64", "mx", "MX:b.org/0",
        "ip4:192.0.2.1", "ip4:192.0.2.0/24", "ip6:2001:db8::", "ip6:2001:db8::/32", "ip6:::ffff:192.0.2.1",
        "include:_spf.b.org", "exists:%{ir}.%{l1r+-}._spf.%{d2}", "ptr", "ptr:b.org", "redirect=b.org", "exp=%{d}",
        "x-unknown=%{s}", "include:b.org.", "a:%{d}", "exists:%{i}._x%%.b.org", "a:xn--bcher-kva.example",
    ],
)  # fmt: skip
def test_every_term_of_the_standard_is_read(term: str) -> None:
    parse(f"v=spf1 {term} -all")


@pytest.mark.parametrize(
    "term",
    [
        "al", "all:b.org", "all/24", "a:", "a/33", "a//129", "a/024", "a/", "a:b", "a:b.1", "include", "include:",
        "include:b.org/24", "include:b", "ip4", "ip4:", "ip4:1.2.3", "ip4:1.2.3.4/33", "ip4:2001:db8::", "ip4:1.2.3.4/",
        "ip6:1.2.3.4", "ip6:2001:db8::/129", "exists", "exists:%{x}.b.org", "exists:%{i", "exists:%i.b.org", "ptr:",
        "ptr/24", "-", "++all", "ipv4:1.2.3.4", "mx:b..1", "redirect=", "exp=b", "x=%{q}", "a\tb", "include:b.org\n",
        "include:bücher.org", "192.0.2.1", "include;b.org",
    ],
)  # fmt: skip
def test_what_no_receiver_could_read_is_refused_with_the_term(term: str) -> None:
    with pytest.raises(SpfError, match='"'):
        parse(f"v=spf1 {term} -all")


@pytest.mark.parametrize("name", ["redirect", "exp"])
def test_a_modifier_stands_there_once(name: str) -> None:
    with pytest.raises(SpfError, match="twice"):
        parse(f"v=spf1 {name}=b.org {name}=c.org")


def test_what_stands_after_all_does_not_count() -> None:
    record = parse("v=spf1 a ~all mx redirect=b.org")

    assert [term.name for term in record.terms] == ["a", "all"]
    assert (record.ending, record.redirect) == ("~", "")


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("b.org", "b.org"), ("B.Org.", "b.org"), ("%{d}", "c.b.a.org"), ("%{o}", "a.org"), ("%{d2}", "a.org"),
        ("%{dr}", "org.a.b.c"), ("%{d1r}", "c"), ("x%%y.%{o}", "x%y.a.org"), ("%{i}.b.org", ""), ("%{l}.%{d}", ""),
        ("%{d-}", "c.b.a.org"), ("%{D}", "c.b.a.org"),
    ],
)  # fmt: skip
def test_macros_of_the_domain_are_filled_in(text: str, expanded: str) -> None:
    assert expand(text, "c.b.a.org", "a.org") == expanded


async def test_look_ups_are_counted_through_includes_and_redirects() -> None:
    found = await surveyed(
        {
            "a.org TXT": "v=spf1 ip4:192.0.2.1 a mx include:b.org redirect=c.org",
            "a.org A": "192.0.2.2",
            "a.org MX": "10 mx.a.org",
            "mx.a.org A": "192.0.2.3",
            "b.org TXT": "v=spf1 exists:x.b.org ptr ?all",
            "x.b.org A": "127.0.0.2",
            "c.org TXT": "v=spf1 -all",
        }
    )

    assert (found.lookups, found.voids[0], found.problems) == (6, 0, ())  # a, mx, include, exists, ptr, redirect
    assert found.names == {"b.org", "c.org"}
    assert found.ptr


async def test_two_records_and_none_count_as_none() -> None:
    two = await surveyed({"a.org TXT": ("v=spf1 -all", "v=spf1 mx -all", "site-verification=1")})
    none = await surveyed({"a.org TXT": ("v=spf2.0/pra", '"v=spf1 -all"')})

    assert (len(two.texts), two.record) == (2, None)
    assert (none.texts, none.record) == ((), None)
    assert '"v=spf1 -all"' in none.near


@pytest.mark.parametrize(
    ("records", "problem"),
    [
        ({"a.org TXT": "v=spf1 include:a.org -all"}, "include:a.org leads back to itself"),
        ({"a.org TXT": "v=spf1 include:b.org -all", "b.org TXT": "v=spf1 redirect=a.org"}, "redirect=a.org leads back"),
        ({"a.org TXT": "v=spf1 include:b.org -all"}, "include:b.org has no SPF record"),
        (
            {"a.org TXT": "v=spf1 redirect=b.org", "b.org TXT": ("v=spf1", "v=spf1 a")},
            "redirect=b.org has 2 SPF records",
        ),
        ({"a.org TXT": "v=spf1 include:b.org", "b.org TXT": "v=spf1 ip4:x"}, 'include:b.org: "ip4:x" is no IPv4'),
        ({"a.org TXT": "v=spf1 mx", "a.org MX": tuple(f"1 m{n}.a.org" for n in range(11))}, "11 mail servers"),
    ],
)
async def test_what_breaks_the_whole_record_is_a_problem(records: Records, problem: str) -> None:
    found = await surveyed(records)

    assert any(problem in told for told in found.problems), found.problems


async def test_names_that_are_not_there_are_empty_look_ups() -> None:
    found = await surveyed(
        {"a.org TXT": "v=spf1 a:x.org mx:y.org exists:z.org a:b.org -all", "b.org AAAA": "2001:db8::1"}
    )

    assert (found.lookups, found.voids) == (4, (4, 3))


async def test_a_record_that_grows_without_end_is_given_up() -> None:
    wide = {f"d{n}.org TXT": f"v=spf1 include:d{n + 1}.org include:d{n + 2}.org -all" for n in range(60)}
    zones = Zones(wide)

    found = await survey("d0.org", zones)

    assert found.lookups > MOST_LOOKUPS
    assert len(zones.asked) == FOLLOWED + 1


@pytest.mark.parametrize(
    ("text", "address", "result"),
    [
        ("v=spf1 ip4:192.0.2.0/24 -all", "192.0.2.9", "pass"),
        ("v=spf1 ip4:192.0.2.0/24 -all", "198.51.100.1", "fail"),
        ("v=spf1 ip6:2001:db8::/32 ~all", "2001:db8::9", "pass"),
        ("v=spf1 ip6:2001:db8::/32 ~all", "192.0.2.9", "softfail"),
        ("v=spf1 a/24 -all", "192.0.2.77", "pass"),
        ("v=spf1 mx -all", "192.0.2.3", "pass"),
        ("v=spf1 include:b.org -all", "198.51.100.1", "pass"),
        ("v=spf1 include:b.org -all", "198.51.100.9", "fail"),
        ("v=spf1 -include:b.org ?all", "198.51.100.1", "fail"),
        ("v=spf1 redirect=b.org", "198.51.100.9", "softfail"),
        ("v=spf1 ip4:192.0.2.9", "198.51.100.9", "neutral"),
        ("v=spf1 exists:x.b.org -all", "198.51.100.9", "pass"),
        ("v=spf1 exists:%{i}.b.org -all", "198.51.100.9", UNKNOWN),
        ("v=spf1 ip4:198.51.100.9 exists:%{i}.b.org -all", "198.51.100.9", "pass"),
        ("v=spf1 ptr -all", "198.51.100.9", UNKNOWN),
        ("v=spf1 ip6:2001:db8::1/0 -all", "2001:db9::1", "pass"),
    ],
)
async def test_the_first_match_decides(text: str, address: str, result: str) -> None:
    records = {
        "a.org A": "192.0.2.2",
        "a.org MX": "10 mx.a.org",
        "mx.a.org A": "192.0.2.3",
        "b.org TXT": "v=spf1 ip4:198.51.100.1 ~all",
        "x.b.org A": "127.0.0.2",
    }

    found = await surveyed({**records, "a.org TXT": text})

    assert spf_result(found.tree, address) == result


NAMES = st.sampled_from(["a.org", "b.org", "c.org", "d.org", "gone.org"])
ADDRESSES = ("192.0.2.1", "192.0.2.130", "198.51.100.7", "2001:db8::1", "2001:db8:1::1")
QUALIFIERS = st.sampled_from(["", "+", "-", "~", "?"])
TERMS = st.one_of(
    st.builds("{}a".format, QUALIFIERS),
    st.builds("{}{}:{}".format, QUALIFIERS, st.sampled_from(["a", "mx", "include"]), NAMES),
    st.builds("{}include:{}".format, QUALIFIERS, NAMES),
    st.builds("{}exists:{}".format, QUALIFIERS, NAMES),
    st.builds("{}a:{}/25//48".format, QUALIFIERS, NAMES),
    st.builds("{}ip4:{}/{}".format, QUALIFIERS, st.sampled_from(ADDRESSES[:3]), st.integers(0, 32)),
    st.builds("{}ip6:{}/{}".format, QUALIFIERS, st.sampled_from(ADDRESSES[3:]), st.integers(0, 128)),
)
ENDS = st.one_of(st.just(""), st.builds("{}all".format, QUALIFIERS), st.builds("redirect={}".format, NAMES))
RECORDS = st.builds(lambda terms, end: " ".join(["v=spf1", *terms, end]).strip(), st.lists(TERMS, max_size=3), ENDS)


@st.composite
def zones(draw: st.DrawFn) -> dict[str, str | tuple[str, ...]]:
    found: dict[str, str | tuple[str, ...]] = {}
    for name in ("a.org", "b.org", "c.org", "d.org"):
        found[f"{name} TXT"] = draw(RECORDS)
        found[f"{name} A"] = tuple(draw(st.sets(st.sampled_from(ADDRESSES[:3]), max_size=2)))
        found[f"{name} AAAA"] = tuple(draw(st.sets(st.sampled_from(ADDRESSES[3:]), max_size=2)))
        found[f"{name} MX"] = tuple(f"10 {host}" for host in draw(st.sets(NAMES, max_size=2)))
    return found


@given(zones(), st.sampled_from(ADDRESSES))
async def test_verdicts_are_those_of_pyspf(records: dict[str, Any], address: str) -> None:
    found = await surveyed(records)
    sound = not found.problems and found.lookups <= MOST_LOOKUPS and found.voids[":" in address] <= MOST_VOIDS

    other = judged(records, address)

    if sound:
        assert spf_result(found.tree, address) == other
    # a record that is broken further on may still pass: a receiver stops at the first match


@given(st.text(st.characters(codec="utf-8"), max_size=80))
def test_no_text_brings_the_parser_down(text: str) -> None:
    with suppress(SpfError):
        parse(f"v=spf1 {text}")


@given(st.integers(0, FOLLOWED))
async def test_every_include_of_a_chain_is_counted(depth: int) -> None:
    chain = {f"d{n}.org TXT": f"v=spf1 include:d{n + 1}.org ~all" for n in range(depth)}

    found = await survey("d0.org", Zones({**chain, f"d{depth}.org TXT": "v=spf1 ~all"}))

    assert (found.lookups, found.problems) == (depth, ())
