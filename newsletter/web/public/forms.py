"""What people type into the forms, and what they see in them. Pure: form fields in, profiles and problems out.

A field that is wrong is named (`interests.0.weight`), so that the page can say so beside it with nothing lost.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Annotated, Any

from pydantic import Field, ValidationError
from starlette.datastructures import FormData

from newsletter.config import WEEKDAYS, Weekday
from newsletter.errors import InputError
from newsletter.formats import Language, Name, ProfileLine, parse_address, parse_profile
from newsletter.types import Cadence, Profile, Subscriber, Verb, Vote

_WORDS = {Verb.MORE: "more", Verb.LESS: "fewer", Verb.SAVE: "saved"}
_PLAIN = ("name", "size", "cadence", "weekday", "skim", "language", "hype", "surprise")
SPARE_ROWS = 3
LARGEST = 50  #: picks that somebody may ask for


@dataclass(frozen=True, slots=True)
class Row:
    """One interest as it stands in the form."""

    name: str = ""
    weight: str = ""
    keywords: str = ""
    authors: str = ""
    was: str = ""  #: the name it came with; its liked entries are kept by it

    def given(self) -> dict[str, str]:
        """The filled fields, as `ProfileLine` takes them."""
        typed = {"name": self.name, "weight": self.weight.strip(), "authors": self.authors}
        return {key: value for key, value in {**typed, "keywords": by_comma(self.keywords)}.items() if value.strip()}


@dataclass(frozen=True, slots=True)
class Sheet:
    """The interests form as it stands on the page: all text, right or wrong."""

    name: str = ""
    muted: str = ""
    size: str = ""
    cadence: str = ""
    hype: str = ""
    surprise: str = ""
    weekday: str = ""
    skim: str = ""
    language: str = ""
    rows: tuple[Row, ...] = ()

    @classmethod
    def of(cls, person: Subscriber) -> Sheet:
        """What is stored."""
        own = person.profile
        rows = tuple(
            Row(each.name, f"{each.weight:g}", "; ".join(each.keywords), "; ".join(each.authors), each.name)
            for each in own.interests
        )
        numbers = ("" if value is None else f"{value:g}" for value in (own.size, own.hype, own.surprise))
        size, hype, surprise = numbers
        weekday = "" if person.weekday is None else WEEKDAYS[person.weekday]
        skim = "true" if person.skim else ""
        return cls(
            person.name,
            "; ".join(own.muted),
            size,
            person.cadence or "",
            hype,
            surprise,
            weekday,
            skim,
            person.language or "",
            rows,
        )

    @classmethod
    def typed(cls, form: FormData, before: Sheet) -> Sheet:
        """What was sent; rows with no word in them are gone. What the page had no field for stays as `before`."""
        single = [each.name for each in fields(cls) if each.name != "rows"]
        texts = {name: text(form, name, getattr(before, name)) for name in single}
        names = [each.name for each in fields(Row)]
        columns = [[str(value) for value in form.getlist(f"interest_{name}")] for name in names]
        rows = (Row(*cells) for cells in zip(*columns, strict=False))
        kept = tuple(row for row in rows if row.given().keys() - {"weight"})
        return cls(rows=kept, **texts)

    def with_spare(self) -> tuple[Row, ...]:
        """For the page: empty rows to fill in."""
        return self.rows + (Row(),) * SPARE_ROWS


class _Checked(ProfileLine):
    name: Name = ""
    cadence: Cadence | None = None
    weekday: Weekday | None = None
    skim: bool | None = None
    language: Language | None = None
    size: Annotated[int, Field(ge=1, le=LARGEST)] | None = None


def changed(person: Subscriber, sheet: Sheet, forget: Sequence[str] = ()) -> tuple[Subscriber, dict[str, str]]:
    """The subscriber as the form wants them, or what is wrong: field → words. `forget`: opinions to take back."""
    given = {key: getattr(sheet, key).strip() for key in _PLAIN}
    row: dict[str, Any] = {key: value for key, value in given.items() if value}
    row |= {"muted": by_comma(sheet.muted), "interests": [each.given() for each in sheet.rows]}
    try:
        line = _Checked.model_validate(row)
    except ValidationError as error:
        return person, {".".join(map(str, each["loc"])): _plain(each["msg"]) for each in error.errors()}
    old, new = person.profile, line.profile()
    liked = {each.name: each.liked for each in old.interests}
    kept = [replace(each, liked=liked.get(sent.was, ())) for each, sent in zip(new.interests, sheet.rows, strict=True)]
    profile = replace(new, interests=tuple(kept), liked=old.liked, disliked=old.disliked, text=old.text)
    own = {name: getattr(line, name) for name in ("name", "cadence", "weekday", "skim", "language")}
    return replace(person, profile=without(profile, forget), **own), {}


def without(profile: Profile, forget: Sequence[str]) -> Profile:
    """The profile with no opinion on these entries."""

    def left(ids: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(each for each in ids if each not in forget)

    interests = tuple(replace(each, liked=left(each.liked)) for each in profile.interests)
    return replace(profile, liked=left(profile.liked), disliked=left(profile.disliked), interests=interests)


@dataclass(frozen=True, slots=True)
class Opinion:
    """What a reader said of a paper, as the page shows it."""

    word: str  #: "more", "fewer" or "saved"
    at: datetime | None = None  #: None: the profile says so, without a date


def opinions(profile: Profile, votes: Sequence[Vote] = ()) -> dict[str, Opinion]:
    """Entry id → opinion, the latest vote first, then what the profile names; a vote is the later word."""
    more = [*profile.liked, *(each for interest in profile.interests for each in interest.liked)]
    named = dict.fromkeys(more, Opinion("more")) | dict.fromkeys(profile.disliked, Opinion("fewer"))
    voted = {each.entry: Opinion(_WORDS[each.verb], each.at) for each in reversed(votes)}
    return voted | {entry: opinion for entry, opinion in named.items() if entry not in voted}


def newcomer(typed: Mapping[str, str]) -> tuple[str, Profile, dict[str, str]]:
    """Address and profile of the subscribe form, and what is wrong: field → words."""
    address, profile, errors = "", Profile(), {}
    try:
        address = parse_address(typed["email"])
    except InputError:
        errors["email"] = "This is not a mail address. Please look for a slip of the finger."
    try:
        profile = parse_profile({"interests": by_comma(typed["interests"])})
    except InputError:
        errors["interests"] = "At most 50 interests, please."
    return address, profile, errors


def by_comma(words: str) -> str:
    """ "a, b" is two words where nothing else divides them."""
    return words if re.search(r"[;\n]", words) else words.replace(",", ";")


def text(form: FormData, name: str, missing: str = "") -> str:
    """A field's text; a file is none. `missing`: where there is no such field."""
    value = form.get(name, missing)
    return value if isinstance(value, str) else ""


def _plain(message: str) -> str:
    return message.removeprefix("Value error, ").replace("Input should", "This should").split(",")[0] + "."
