"""The file formats: JSON Lines for profiles, subscribers and picks; addresses; frozen entries and editions.

What comes from outside is checked here, once, by pydantic; unknown keys are ignored. An address with a line
break never gets further than `parse_address`.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, fields, replace
from datetime import datetime
from email.errors import MessageError
from email.headerregistry import Address
from typing import Annotated, Any, Literal, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, ValidationError

from newsletter.config import EditionSize, Hour, Share, Timezone, Weekday
from newsletter.errors import InputError
from newsletter.types import (
    Bounce,
    Cadence,
    Entry,
    Fill,
    Interest,
    Pick,
    Profile,
    Status,
    Subscriber,
    Verb,
    Vote,
    WhenEmpty,
)

Model = TypeVar("Model", bound=BaseModel)

_WIDE = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}  #: letters as Japanese keyboards type them, too
LONGEST_ADDRESS = 254
_LONE = re.compile(rb"\\u[dD]")
LONGEST_LINE = 5_000_000  #: characters of one JSON line
LONGEST_NAME = 120
MOST_INTERESTS = 50
MOST_WORDS = 200  #: keywords, authors or ids in one list
LONGEST_WORD = 120  #: characters of a keyword, an author or a muted phrase
LONGEST_ID = 500  #: characters of a paper's id, as the collector has it
MOST_CHARACTERS = 40_000  #: of all words of a profile together
MOST_IDS = 5_000  #: papers of a profile: a whole library


def parse_address(text: str) -> str:
    """A mail address as it may stand in an envelope and a header: ASCII; raises InputError.

    A domain in another script is kept in its IDNA form. A local part in another script would need SMTPUTF8. Dots in
    odd places, as in "a..b@example.org", are kept: some providers allow them, and `spelled` quotes them.
    """
    if any(unicodedata.category(character) in ("Cc", "Cf", "Zl", "Zp") for character in text):
        raise InputError(f"{text!r}: an address holds no line breaks or control characters")
    local, domain = _divided(text)
    if not local.isascii():
        raise InputError(f"{text.strip()!r}: an address with such letters before the @ cannot be reached yet")
    try:
        domain = ascii_domain(domain[:LONGEST_ADDRESS]).removesuffix(".")
        address = f"{local}@{domain}"
        parsed = Address(addr_spec=f"{re.sub(r'[.]+', '.', local[:LONGEST_ADDRESS]).strip('.')}@{domain}")
    except (ValueError, IndexError, MessageError) as error:
        raise InputError(f"{text.strip()!r}: this is not a mail address") from error
    right = parsed.username and all(parsed.domain.split("."))
    if not right or len(address) > LONGEST_ADDRESS or re.search(r"[\s<>,;\"]", address):
        raise InputError(f"{text.strip()!r}: this is not a mail address")
    return address


def address_key(text: str) -> str:
    """What all spellings of one mailbox have in common; of an address that is none, too.

    In any case, with the domain in any form, quoted or not, typed wide ("ａｄａ＠ｅｘａｍｐｌｅ．ｏｒｇ").
    """
    local, domain = _divided(text)
    with suppress(UnicodeError):
        domain = ascii_domain(domain[: 2 * LONGEST_ADDRESS])
    return f"{local}@{domain.rstrip('.')}".casefold()


def spelled(address: str) -> str:
    """As RFC 5321 and 5322 write it: a local part with dots in odd places stands in quotes."""
    local, _, domain = address.rpartition("@")
    odd = ".." in local or local.startswith(".") or local.endswith(".")
    return f'"{local}"@{domain}' if odd and '"' not in local else address


def _divided(text: str) -> tuple[str, str]:
    """(local part, domain), in letters of usual width; quotes that nothing needs are left out."""
    local, _, domain = text.strip().translate(_WIDE).rpartition("@")
    quoted = re.fullmatch(r'"([A-Za-z0-9!#$%&\'*+/=?^_`{|}~.-]+)"', local)
    return (quoted[1] if quoted else local), domain


def ascii_domain(domain: str) -> str:
    """By IDNA 2008, as registries do: by the older one of Python's own codec "straße.de" would be strasse.de.

    What is ASCII stays as it is. Raises UnicodeError.
    """
    import idna

    return domain if domain.isascii() else idna.encode(domain, uts46=True).decode()


def one_line(text: str) -> str:
    """Without control characters, white space folded: a name or keyword as it may stand in a header."""
    if not text.isprintable():  # most are, and to look at each letter would be half the time to read a profile
        text = "".join(" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in text)
    return " ".join(text.split())


def split_words(value: object) -> object:
    """ "a; b; c" or a list; anything else is left to pydantic to refuse."""
    if isinstance(value, str):
        return tuple(part for part in re.split(r"[;\n]", value) if part.strip())
    return value if value is not None else ()


def _tidy(words: tuple[str, ...]) -> tuple[str, ...]:
    lines = (one_line(word[: 4 * LONGEST_WORD])[:LONGEST_WORD].strip() for word in words[:MOST_WORDS])
    return tuple(dict.fromkeys(line for line in lines if line))


def _tidy_ids(ids: tuple[str, ...]) -> tuple[str, ...]:
    lines = (one_line(each) for each in ids[:MOST_IDS] if len(each) <= LONGEST_ID)
    return tuple(dict.fromkeys(line for line in lines if line))


Ids = Annotated[tuple[str, ...], BeforeValidator(split_words), AfterValidator(_tidy_ids)]
Words = Annotated[tuple[str, ...], BeforeValidator(split_words), AfterValidator(_tidy)]
Line = Annotated[str, BeforeValidator(lambda value: "" if value is None else value), AfterValidator(one_line)]
Language = Annotated[  #: BCP 47; as other programs write it, too: "pt_BR"
    str, Field(pattern=r"^[A-Za-z0-9_-]{2,35}$"), AfterValidator(lambda value: value.replace("_", "-"))
]
Name = Annotated[Line, AfterValidator(lambda value: value[:LONGEST_NAME].strip())]


class _FromOutside(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, coerce_numbers_to_str=True)


class InterestLine(_FromOutside):
    """One interest as it stands in a file or form."""

    name: Name = ""
    weight: Annotated[float, Field(ge=0, le=1000)] = 1.0
    keywords: Words = ()
    authors: Words = ()
    liked: Ids = ()


def _interests(value: object) -> object:
    """A list of interests, or "a; b; c": one interest a name."""
    parts = split_words(value)
    if not isinstance(parts, (list, tuple)):
        return parts
    return [{"name": part, "keywords": [part]} if isinstance(part, str) else part for part in parts]


class ProfileLine(_FromOutside):
    """One profile as it stands in a file."""

    id: str = ""
    interests: Annotated[tuple[InterestLine, ...], BeforeValidator(_interests), Field(max_length=MOST_INTERESTS)] = ()
    liked: Ids = ()
    disliked: Ids = ()
    muted: Words = ()
    text: Annotated[str, Field(max_length=20_000)] = ""
    size: Annotated[int, Field(ge=1, le=1000)] | None = None
    hype: Share | None = None
    surprise: Share | None = None
    fill: Fill | None = None
    when_empty: WhenEmpty | None = None

    def profile(self) -> Profile:
        """The value that the selector takes; an interest without a name is called after its first word."""
        room = _Room(MOST_CHARACTERS)
        interests = tuple(
            Interest(line.name or next(iter(line.keywords + line.authors), f"interest {place}"), *rest)
            for place, line in enumerate(self.interests, 1)
            for rest in [(line.weight, room.take(line.keywords), room.take(line.authors), line.liked)]
        )
        plain = ("liked", "disliked", "text", "size", "hype", "surprise", "fill", "when_empty")
        given = {name: getattr(self, name) for name in plain}
        return Profile(interests=interests, muted=room.take(self.muted), **given)


class _Room:
    """So many characters for the words of one profile: each word is matched with every paper, for every issue."""

    def __init__(self, left: int) -> None:
        self._left = left

    def take(self, words: tuple[str, ...]) -> tuple[str, ...]:
        """The first words that there is room for."""
        taken = []
        for word in words:
            self._left -= len(word)
            if self._left < 0:
                break
            taken.append(word)
        return tuple(taken)


class SubscriberProfileLine(ProfileLine):
    """A profile that somebody gets mail by."""

    size: EditionSize | None = None


class SubscriberLine(_FromOutside):
    """One subscriber as it stands in a file: the profile in "profile", or its keys beside the address."""

    email: Annotated[str, AfterValidator(parse_address)]
    name: Name = ""
    status: Status = Status.ACTIVE
    cadence: Cadence | None = None
    weekday: Weekday | None = None
    hour: Hour | None = None
    timezone: Timezone | None = None
    language: Language | None = None
    skim: bool | None = None


class VoteLine(_FromOutside):
    """One vote as `subscriber_row` tells it."""

    entry: Annotated[str, Field(min_length=1, max_length=500)]
    verb: Literal[Verb.MORE, Verb.SAVE, Verb.LESS]
    at: AwareDatetime


class VoterLine(_FromOutside):
    """What a subscriber's row says of single papers."""

    votes: Annotated[tuple[VoteLine, ...], BeforeValidator(lambda value: value or ()), Field(max_length=MOST_IDS)] = ()


class ChangeLine(SubscriberProfileLine):
    """What of a subscriber can be set one by one; None and "": the newsletter's own."""

    name: Name = ""
    cadence: Cadence | None = None
    weekday: Weekday | None = None
    hour: Hour | None = None
    timezone: Timezone | None = None
    language: Language | None = None
    skim: bool | None = None


CHANGEABLE = tuple(sorted(ChangeLine.model_fields.keys() - {"id", "liked", "disliked"}))


def parse_profile(row: Mapping[str, Any]) -> Profile:
    """Raises InputError with the wrong key and value."""
    return _checked(ProfileLine, row).profile()


def parse_subscriber_profile(row: Mapping[str, Any]) -> Profile:
    """The same, for a profile that is new to a subscriber: as large as an edition may be."""
    return _checked(SubscriberProfileLine, row).profile()


def parse_subscriber(row: Mapping[str, Any]) -> Subscriber:
    """A subscriber without a number (id 0); raises InputError with the wrong key and value."""
    given = {key: value for key, value in row.items() if value not in ("", None)}
    line = _checked(SubscriberLine, given)
    profile = parse_subscriber_profile(given["profile"] if isinstance(given.get("profile"), dict) else given)
    rest = {name: getattr(line, name) for name in SubscriberLine.model_fields}
    return Subscriber(id=0, profile=profile, **rest)


def frozen_subscriber(row: Mapping[str, Any]) -> Subscriber:
    """The inverse of `subscriber_row`, for rows that we wrote ourselves: what holds no longer, such as a time zone that
    this machine does not know, stays as it is.
    """
    plain: dict[str, Any] = {name: row.get(name) for name in ("weekday", "hour", "timezone", "language", "skim")}
    cadence = Cadence(row["cadence"]) if row.get("cadence") else None
    person = Subscriber(0, row["email"], row.get("name", ""), Status(row.get("status", Status.ACTIVE)), cadence=cadence)
    return replace(person, profile=parse_profile(row.get("profile", {})), **plain)


def parse_votes(row: Mapping[str, Any]) -> tuple[Vote, ...]:
    """What a row of a subscriber says of single papers; raises InputError with the wrong key and value."""
    return tuple(Vote(line.entry, line.verb, line.at) for line in _checked(VoterLine, row).votes)


def changed(person: Subscriber, given: Mapping[str, Any]) -> Subscriber:
    """The person with other values for some of CHANGEABLE; "" sets one back to the newsletter's own.

    Of interests that are named again, keywords, authors and so on stay. Raises InputError with the wrong key and value.
    """
    line = _checked(ChangeLine, {key: value for key, value in given.items() if value != ""})
    values = {key: getattr(line, key) for key in given}
    if "interests" in given:
        known = {interest.name: interest for interest in person.profile.interests}
        values["interests"] = tuple(known.get(one.name, one) for one in line.profile().interests)
    own = {key: value for key, value in values.items() if key not in ProfileLine.model_fields}
    rest = {key: value for key, value in values.items() if key in ProfileLine.model_fields}
    return replace(person, profile=replace(person.profile, **rest), **own)


def with_interests(profile: Profile, added: Iterable[str], without: Iterable[str] = ()) -> Profile:
    """The profile with interests added, or given other keywords: "video: diffusion, motion"; and without some.

    Weight, authors and liked papers of a known one stay. Raises InputError.
    """
    interests = {interest.name.casefold(): interest for interest in profile.interests}
    for text in added:
        name, _, words = text.partition(":")
        keywords = [word for word in re.split(r"[,;]", words) if word.strip()] or [name]
        (new,) = _checked(ProfileLine, {"interests": [{"name": name, "keywords": keywords}]}).profile().interests
        known = interests.get(new.name.casefold())
        interests[new.name.casefold()] = replace(known, keywords=new.keywords) if known else new
    for name in without:
        if interests.pop(one_line(name).casefold(), None) is None:
            raise InputError(f"there is no interest {name!r}: {'; '.join(one.name for one in interests.values())}")
    if len(interests) > MOST_INTERESTS:
        raise InputError(f"at most {MOST_INTERESTS} interests")
    return replace(profile, interests=tuple(interests.values()))


def _checked(model: type[Model], row: Mapping[str, Any]) -> Model:
    try:
        return model.model_validate(row)
    except ValidationError as error:
        problem = error.errors()[0]
        key = ".".join(str(part) for part in problem["loc"])
        value = "" if problem["type"] == "missing" else f" = {str(problem['input'])[:80]!r}"
        raise InputError(f"{key}{value}: {problem['msg'].removeprefix('Value error, ')}") from error


def read_lines(data: bytes) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    """(line number, object), or (line number, what is wrong with it) for a bad line; empty lines are passed over."""
    for number, line in enumerate(data.splitlines(), 1):
        if line.strip():
            yield number, _object(line)


def _object(line: bytes) -> Mapping[str, Any] | str:
    if len(line) > LONGEST_LINE:
        return f"longer than {LONGEST_LINE:,} bytes"
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        return f"not JSON ({error})"
    if not isinstance(row, dict):
        return "not a JSON object"
    return "holds half a character (a lone surrogate)" if _LONE.search(line) and not _whole(row) else row


def _whole(row: Mapping[str, Any]) -> bool:
    try:
        json.dumps(row, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def read_profiles(data: bytes) -> tuple[list[tuple[str, Profile]], list[str]]:
    """(id, profile) pairs in the file's order, and one problem per bad line, named by number."""
    found: list[tuple[str, Profile]] = []
    problems: list[str] = []
    for number, row in read_lines(data):
        try:
            found.append(_identified_profile(row))
        except InputError as error:
            problems.append(f"line {number}: {error}")
    return found, problems


def _identified_profile(row: Mapping[str, Any] | str) -> tuple[str, Profile]:
    if isinstance(row, str):
        raise InputError(row)
    line = _checked(ProfileLine, row)
    if not line.id:
        raise InputError('a profile needs an "id"')
    return line.id, line.profile()


def read_seen(data: bytes) -> tuple[dict[str, set[str]], list[str]]:
    """Profile id → entry ids that must not be picked again; and one problem per bad line."""
    seen: dict[str, set[str]] = {}
    problems: list[str] = []
    for number, row in read_lines(data):
        if isinstance(row, str) or "profile" not in row or "entry" not in row:
            problems.append(f"line {number}: {row if isinstance(row, str) else 'needs profile and entry'}")
        else:
            seen.setdefault(str(row["profile"]), set()).add(str(row["entry"]))
    return seen, problems


def profile_row(profile: Profile) -> dict[str, Any]:
    """As `parse_profile` reads it; empty keys left out."""
    row = _without_empty(asdict(replace(profile, signals=())))
    if profile.interests:
        row["interests"] = [_without_empty(asdict(interest)) for interest in profile.interests]
    return row


def subscriber_row(subscriber: Subscriber, votes: Iterable[Vote] = ()) -> dict[str, Any]:
    """As `parse_subscriber` and `parse_votes` read it; the number and the epoch stay inside."""
    row = {field.name: getattr(subscriber, field.name) for field in fields(subscriber)}
    del row["id"], row["epoch"]
    no_skim = {"skim": False} if subscriber.skim is False else {}
    told = [{"entry": vote.entry, "verb": vote.verb.value, "at": vote.at.isoformat()} for vote in votes]
    votes_row = {"votes": told} if told else {}
    return {**_without_empty(row), **no_skim, "profile": profile_row(subscriber.profile), **votes_row}


def bounce_row(bounce: Bounce) -> dict[str, Any]:
    """What came back from a person, for people; the report's digest stays inside."""
    row = {"at": bounce.at.isoformat(), "issue": bounce.issue, "reason": bounce.reason, "hard": bounce.hard}
    return row | ({"status": bounce.status.value} if bounce.status else {})


def entry_row(entry: Entry) -> dict[str, Any]:
    """As the `jsonl` kind reads it; empty keys left out."""
    row = _without_empty({field.name: getattr(entry, field.name) for field in fields(entry)})
    if entry.published:
        row["published"] = entry.published.isoformat()
    return row


def frozen_entry(row: Mapping[str, Any]) -> Entry:
    """The inverse of `entry_row`, for rows that we wrote ourselves."""
    lists = {name: tuple(row.get(name, ())) for name in ("authors", "topics", "affiliations", "also")}
    published = datetime.fromisoformat(row["published"]) if row.get("published") else None
    return Entry(**{**row, **lists, "published": published})


def pick_row(pick: Pick) -> dict[str, Any]:
    """One pick of the `rank` command's output."""
    row: dict[str, Any] = {"entry": pick.entry.id, "score": round(pick.score, 6)}
    return {**row, "interest": pick.interest, "reasons": list(pick.reasons)}


def dump_lines(rows: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """One JSON object a line, readable Unicode."""
    for row in rows:
        yield json.dumps(row, ensure_ascii=False, default=str)


def _without_empty(row: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in row.items() if value is not False and value not in ("", None, (), [], {})}
