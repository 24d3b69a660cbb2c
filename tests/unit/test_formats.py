import json

import pytest

from newsletter.errors import InputError
from newsletter.formats import (
    entry_row,
    frozen_entry,
    parse_address,
    parse_profile,
    parse_subscriber,
    profile_row,
    read_profiles,
    read_seen,
    subscriber_row,
)
from newsletter.testing import NOON, make_entry, make_profile, make_subscriber
from newsletter.types import Cadence, Interest, Profile


@pytest.mark.parametrize(
    "address",
    [
        "a@b.org\r\nBcc: x@y.org",
        "a@b.org\n",
        "a b@c.org",
        "a@",
        "@b.org",
        "a",
        "a@b..org",
        "a@b.org,c@d.org",
        "<a@b.org>",
    ],
)
def test_what_is_no_address_is_refused(address: str) -> None:
    with pytest.raises(InputError):
        parse_address(address)


@pytest.mark.parametrize("address", ["ada@example.org", "a+b@example.org", "o'neil@example.org"])
def test_an_address_is_kept_as_written(address: str) -> None:
    assert parse_address(f" {address} ") == address


def test_a_foreign_domain_is_kept_in_ascii_and_a_foreign_local_part_refused() -> None:
    assert parse_address("ada@bücher.example") == "ada@xn--bcher-kva.example"
    assert parse_address("ada@straße.example") == "ada@xn--strae-oqa.example"
    with pytest.raises(InputError, match="cannot be reached yet"):
        parse_address("adä@example.org")


def test_a_profile_reads_what_it_writes() -> None:
    profile = Profile(
        interests=(Interest("diffusion", 2.0, ("video", "image"), ("Ada",), ("mamba",)),),
        muted=("survey",),
        liked=("a",),
        disliked=("b",),
        text="fast; slow",
        size=5,
        hype=0.0,
        surprise=0.5,
    )

    assert parse_profile(json.loads(json.dumps(profile_row(profile)))) == profile


def test_interests_may_be_written_as_one_text() -> None:
    profile = parse_profile({"interests": "video diffusion;  plasma\tphysics ; "})

    assert profile.interests == (
        Interest("video diffusion", keywords=("video diffusion",)),
        Interest("plasma physics", keywords=("plasma physics",)),
    )


def test_unknown_keys_are_ignored_and_wrong_values_named() -> None:
    assert parse_profile({"colour": "red"}) == Profile()
    with pytest.raises(InputError, match=r"hype = '2'"):
        parse_profile({"hype": 2})


def test_control_characters_never_get_into_a_name() -> None:
    person = parse_subscriber({"email": "ada@example.org", "name": "Ada\r\nBcc: x@y.org\x00"})

    assert person.name == "Ada Bcc: x@y.org"


def test_a_subscriber_reads_what_it_writes() -> None:
    person = make_subscriber("Ada", 0, profile=make_profile("x"), cadence=Cadence.DAILY, weekday=4, hour=7)

    assert parse_subscriber(json.loads(json.dumps(subscriber_row(person)))) == person


def test_a_subscribers_profile_may_stand_beside_the_address() -> None:
    person = parse_subscriber({"email": "ada@example.org", "interests": "x; y", "weekday": "tue"})

    assert [interest.name for interest in person.profile.interests] == ["x", "y"]
    assert person.weekday == 1


@pytest.mark.parametrize("written", ["pt_BR", "pt-BR"])
def test_a_language_is_read_as_other_programs_write_it(written: str) -> None:
    assert parse_subscriber({"email": "ada@example.org", "language": written}).language == "pt-BR"


def test_a_bad_line_is_named_by_number_and_skipped() -> None:
    profiles, problems = read_profiles(b'{"id": "a"}\n\n{"id": \n[]\n{"size": 3}\n{"id": "b", "size": 0}\n')

    assert [name for name, _ in profiles] == ["a"]
    assert [problem.split(":")[0] for problem in problems] == ["line 3", "line 4", "line 5", "line 6"]


def test_seen_pairs_are_grouped_by_profile() -> None:
    seen, problems = read_seen(b'{"profile": "a", "entry": "x"}\n{"profile": "a", "entry": "y"}\n{"entry": "z"}\n')

    assert seen == {"a": {"x", "y"}}
    assert problems == ["line 3: needs profile and entry"]


def test_an_entry_thaws_as_it_was_frozen() -> None:
    entry = make_entry(published=NOON, authors=("Ada", "Bob"), topics=("x",), votes=0)

    assert frozen_entry(json.loads(json.dumps(entry_row(entry)))) == entry
