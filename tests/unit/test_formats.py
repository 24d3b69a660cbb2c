import json
from email.headerregistry import HeaderRegistry

import pytest

from newsletter.cli.subscriber_changes import FIELDS
from newsletter.errors import InputError
from newsletter.formats import (
    CHANGEABLE,
    address_key,
    changed,
    entry_row,
    frozen_entry,
    parse_address,
    parse_profile,
    parse_subscriber,
    parse_votes,
    profile_row,
    read_profiles,
    read_seen,
    spelled,
    subscriber_row,
    with_interests,
)
from newsletter.testing import NOON, make_entry, make_profile, make_subscriber
from newsletter.types import Cadence, Interest, Profile, Verb, Vote


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
        "a@b.org..",
        "..@b.org",
        '"a b"@c.org',
        "a" * 300 + "@b.org",
        "a@" + "b" * 100_000,
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


@pytest.mark.parametrize("address", ["a..b@example.org", ".a@example.org", "a.@docomo.example", "a...@example.org"])
def test_dots_in_odd_places_are_kept_and_quoted_where_mails_are_written(address: str) -> None:
    local, _, domain = address.partition("@")

    assert parse_address(address) == parse_address(f'"{local}"@{domain}') == address
    assert spelled(address) == f'"{local}"@{domain}'
    header = HeaderRegistry()("To", spelled(address))
    assert ([at.username for at in header.addresses], header.defects) == ([local], ())  # type: ignore[attr-defined]


@pytest.mark.parametrize("address", ["ada@example.org", "a.b@example.org", '"a..b"@example.org'])
def test_other_addresses_are_written_as_they_are(address: str) -> None:
    assert spelled(address) == address


@pytest.mark.parametrize(
    "typed",
    [
        "ada@bücher.example",
        "ADA@BÜCHER.EXAMPLE",
        "ada@bu\u0308cher.example",
        " ada@xn--bcher-kva.example. ",
        "ada@XN--BCHER-KVA.Example",
        "ada@bücher.example.",
        "ａｄａ＠ｂücher．ｅｘａｍｐｌｅ",
        "ada@bücher。example",
        '"ada"@bücher.example',
    ],
)
def test_all_spellings_of_an_address_have_one_key(typed: str) -> None:
    assert address_key(typed) == "ada@xn--bcher-kva.example"
    assert parse_address(typed.strip()).casefold() == "ada@xn--bcher-kva.example"


def test_other_domains_have_other_keys_and_what_is_no_address_has_one_too() -> None:
    assert address_key("a@straße.example") != address_key("a@strasse.example")
    assert address_key("a@x..y") == "a@x..y"
    assert {address_key(text) for text in ("", "ada", "a@\ud800.org", "@" * 100_000)} >= {"@", "@ada"}


def test_votes_are_read_as_they_are_told() -> None:
    votes = (Vote("2401.00001", Verb.SAVE, NOON),)
    row = json.loads(json.dumps(subscriber_row(make_subscriber(), votes)))

    assert parse_votes(row) == votes
    assert parse_votes({"votes": None}) == ()
    for wrong in ({"verb": "passed"}, {"at": "2025-03-17T12:00:00"}, {"entry": ""}):
        with pytest.raises(InputError, match=r"votes\.0"):
            parse_votes({"votes": [{**row["votes"][0], **wrong}]})


def test_what_is_set_changes_and_the_rest_stays() -> None:
    profile = Profile((Interest("plasma", 2.0, ("fusion",), liked=("x",)),), muted=("survey",), size=5)
    person = make_subscriber(profile=profile, hour=7, language="de")

    new = changed(person, {"hour": "", "weekday": "fri", "size": "12", "muted": "", "interests": "plasma; optics"})

    assert (new.hour, new.weekday, new.language) == (None, 4, "de")
    assert (new.profile.size, new.profile.muted) == (12, ())
    assert new.profile.interests == (profile.interests[0], Interest("optics", keywords=("optics",)))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"hour": "24"}, "hour = '24'"),
        ({"timezone": "Mars/Olympus"}, "Europe/Berlin"),
        ({"weekday": "t"}, "weekday"),
        ({"size": "0"}, "size"),
        ({"hype": "2"}, "hype"),
        ({"language": "d?"}, "language"),
        ({"interests": ";".join(map(str, range(51)))}, "interests"),
    ],
)
def test_a_wrong_value_is_named(given: dict[str, str], words: str) -> None:
    with pytest.raises(InputError, match=words):
        changed(make_subscriber(), given)


def test_interests_are_added_changed_and_forgotten_one_by_one() -> None:
    profile = Profile((Interest("Plasma", 2.0, ("fusion",), ("Ada",), ("x",)), Interest("optics")))

    new = with_interests(profile, ["plasma: tokamak, stellarator", "video"], ["OPTICS"])

    kept = Interest("Plasma", 2.0, ("tokamak", "stellarator"), ("Ada",), ("x",))
    assert new.interests == (kept, Interest("video", keywords=("video",)))
    with pytest.raises(InputError, match="Plasma; optics"):
        with_interests(profile, [], ["nothing"])
    with pytest.raises(InputError, match="at most 50"):
        with_interests(profile, map(str, range(60)))


def test_the_command_line_knows_what_can_be_set() -> None:
    assert FIELDS == CHANGEABLE


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


def test_words_ids_and_all_words_together_are_bounded() -> None:
    """What is stored already is read all the same, so it is cut and not refused."""
    profile = parse_profile(
        {
            "interests": [{"name": "n" * 999, "keywords": ["k" * 999, *(f"{n} {'w' * 99}" for n in range(999))]}] * 50,
            "liked": ["x" * 501, "arxiv:2401.00001"],
            "muted": ["late"],
        }
    )

    first, *_, last = profile.interests
    assert (len(first.name), len(first.keywords[0]), len(first.keywords)) == (120, 120, 200)
    assert (len(profile.interests), last.keywords, profile.muted) == (50, (), ())
    assert sum(len(word) for interest in profile.interests for word in interest.keywords) <= 40_000
    assert profile.liked == ("arxiv:2401.00001",)


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
