"""What people type into the forms, and what they see in them. Pure: form fields in, profiles and errors out.

An error has the name of its field (`interests.0.weight`), so that the page can show it there and keep what was typed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any

from pydantic import ValidationError
from starlette.datastructures import FormData

from newsletter.config import MOST_PICKS, WEEKDAYS, Weekday
from newsletter.errors import InputError
from newsletter.formats import Language, Name, SubscriberProfileLine, parse_address, parse_profile, profile_row
from newsletter.types import Cadence, Interest, Profile, Subscriber, Verb, Vote

_OPINIONS = {Verb.MORE: "more", Verb.LESS: "fewer", Verb.SAVE: "saved"}
_PUBLIC_DOMAIN = re.compile(r"[@.][a-z0-9-]+\.(?:[a-z]{2,63}|xn--[a-z0-9-]{1,59})$", re.IGNORECASE)  #: has an ending
_SINGLE_FIELDS = ("name", "size", "cadence", "weekday", "skim", "language", "hype", "surprise", "fill", "when_empty")
SPARE_ROWS = 3
LARGEST = MOST_PICKS  #: number of picks that somebody may ask for
LONGEST_INTEREST = 100  #: letters, of who signs up: they may be nobody
LARGEST_PROFILE = 6_000  #: bytes as stored, of who signs up


@dataclass(frozen=True, slots=True)
class InterestRow:
    """One interest as it stands in the form."""

    name: str = ""
    weight: str = ""
    keywords: str = ""
    authors: str = ""
    was: str = ""  #: its name before the form was changed, by which it keeps its liked entries

    def filled(self) -> dict[str, str]:
        """Return the fields that hold something, as `SubscriberProfileLine` takes them."""
        typed = {"name": self.name, "weight": self.weight.strip(), "authors": self.authors}
        typed["keywords"] = with_semicolons(self.keywords)
        return {key: value for key, value in typed.items() if value.strip()}


@dataclass(frozen=True, slots=True)
class InterestsForm:
    """The interests form as it stands on the page: all text, right or wrong."""

    name: str = ""
    muted: str = ""
    size: str = ""
    cadence: str = ""
    hype: str = ""
    surprise: str = ""
    fill: str = ""
    when_empty: str = ""
    weekday: str = ""
    skim: str = ""
    language: str = ""
    rows: tuple[InterestRow, ...] = ()

    @classmethod
    def of(cls, person: Subscriber) -> InterestsForm:
        """Fill the form with what is stored."""
        profile = person.profile
        return cls(
            name=person.name,
            muted="; ".join(profile.muted),
            size=_number(profile.size),
            cadence=person.cadence or "",
            hype=_number(profile.hype),
            surprise=_number(profile.surprise),
            fill=profile.fill or "",
            when_empty=profile.when_empty or "",
            weekday="" if person.weekday is None else WEEKDAYS[person.weekday],
            skim="true" if person.skim else "",
            language=person.language or "",
            rows=tuple(map(_row, profile.interests)),
        )

    @classmethod
    def sent(cls, data: FormData, before: InterestsForm) -> InterestsForm:
        """Read what was sent, without empty rows; what the page had no field for stays as `before`."""
        single = [field.name for field in fields(cls) if field.name != "rows"]
        texts = {name: field_text(data, name, getattr(before, name)) for name in single}
        names = [field.name for field in fields(InterestRow)]
        columns = [[str(value) for value in data.getlist(f"interest_{name}")] for name in names]
        rows = (InterestRow(*cells) for cells in zip(*columns, strict=False))
        kept = tuple(row for row in rows if row.filled().keys() - {"weight"})
        return cls(rows=kept, **texts)

    def with_spare(self) -> tuple[InterestRow, ...]:
        """Return the rows and some empty ones to fill in."""
        return self.rows + (InterestRow(),) * SPARE_ROWS


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:g}"


def _row(interest: Interest) -> InterestRow:
    keywords, authors = "; ".join(interest.keywords), "; ".join(interest.authors)
    return InterestRow(interest.name, _number(interest.weight), keywords, authors, was=interest.name)


class _CheckedForm(SubscriberProfileLine):
    name: Name = ""
    cadence: Cadence | None = None
    weekday: Weekday | None = None
    skim: bool | None = None
    language: Language | None = None


def apply_form(
    person: Subscriber, form: InterestsForm, forget: Sequence[str] = ()
) -> tuple[Subscriber, dict[str, str]]:
    """Return the subscriber as the form has it, or unchanged with the errors: field → words.

    `forget`: entries on which the reader takes an opinion back.
    """
    given = {key: getattr(form, key).strip() for key in _SINGLE_FIELDS}
    values: dict[str, Any] = {key: value for key, value in given.items() if value}
    values |= {"muted": with_semicolons(form.muted), "interests": [row.filled() for row in form.rows]}
    try:
        line = _CheckedForm.model_validate(values)
    except ValidationError as error:
        return person, {".".join(map(str, wrong["loc"])): _field_error(wrong["msg"]) for wrong in error.errors()}
    old, new = person.profile, line.profile()
    liked = {interest.name: interest.liked for interest in old.interests}
    kept = [
        replace(interest, liked=liked.get(row.was, ())) for interest, row in zip(new.interests, form.rows, strict=True)
    ]
    profile = replace(new, interests=tuple(kept), liked=old.liked, disliked=old.disliked, text=old.text)
    own = {name: getattr(line, name) for name in ("name", "cadence", "weekday", "skim", "language")}
    return replace(person, profile=without_opinions(profile, forget), **own), {}


def without_opinions(profile: Profile, forget: Sequence[str]) -> Profile:
    """Return the profile with no opinion on these entries."""

    def left(ids: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(entry for entry in ids if entry not in forget)

    interests = tuple(replace(interest, liked=left(interest.liked)) for interest in profile.interests)
    return replace(profile, liked=left(profile.liked), disliked=left(profile.disliked), interests=interests)


@dataclass(frozen=True, slots=True)
class Opinion:
    """A reader's opinion on a paper, as the page shows it."""

    word: str  #: "more", "fewer" or "saved"
    at: datetime | None = None  #: None: it stands in the profile, which has no dates


def opinions(profile: Profile, votes: Sequence[Vote] = ()) -> dict[str, Opinion]:
    """Return entry id → opinion: votes, latest first, then what the profile names; a vote overrides the profile."""
    more = [*profile.liked, *(entry for interest in profile.interests for entry in interest.liked)]
    named = dict.fromkeys(more, Opinion("more")) | dict.fromkeys(profile.disliked, Opinion("fewer"))
    voted = {vote.entry: Opinion(_OPINIONS[vote.verb], vote.at) for vote in reversed(votes)}
    return voted | {entry: opinion for entry, opinion in named.items() if entry not in voted}


def parse_subscription(typed: Mapping[str, str]) -> tuple[str, Profile, dict[str, str]]:
    """Return address and profile of the subscribe form, and its errors: field → words."""
    address, profile, errors = "", Profile(), {}
    try:
        address = parse_address(typed["email"])
    except InputError:
        errors["email"] = "This is not a mail address. Please look for a slip of the finger."
    if address and not _PUBLIC_DOMAIN.search(address):
        domain = address.rpartition("@")[2]
        errors["email"] = f"Is something missing at the end? “{domain}” has no ending such as “.org” or “.com”."
    try:
        profile = parse_profile({"interests": with_semicolons(typed["interests"])})
    except InputError:
        errors["interests"] = "At most 50 interests, please."
    if _is_long(profile):
        few = f"At most {LONGEST_INTEREST} letters for one interest, please, and fewer words in all."
        errors["interests"] = f"{few} You can say more on your interests page later."
    return address, profile, errors


def _is_long(profile: Profile) -> bool:
    """Whether this is more than we keep for somebody who may never confirm."""
    longest = max((len(word) for interest in profile.interests for word in interest.keywords), default=0)
    return longest > LONGEST_INTEREST or len(json.dumps(profile_row(profile))) > LARGEST_PROFILE


def with_semicolons(words: str) -> str:
    """Read "a, b" as "a; b", unless semicolons or lines divide the words already."""
    return words if re.search(r"[;\n]", words) else words.replace(",", ";")


def field_text(data: FormData, name: str, missing: str = "") -> str:
    """Return a field's text, "" for a file, and `missing` where there is no such field."""
    value = data.get(name, missing)
    return value if isinstance(value, str) else ""


def _field_error(message: str) -> str:
    """Reword pydantic's message for people."""
    return message.removeprefix("Value error, ").replace("Input should", "This should").split(",")[0] + "."
