"""Values of the configuration: parsers for durations, rates, addresses and time zones, and their pydantic types."""

from __future__ import annotations

import re
import unicodedata
from contextlib import suppress
from datetime import timedelta
from email.errors import MessageError
from email.headerregistry import Address
from email.utils import parseaddr
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field

MOST_PICKS = 50  #: in an edition, that a newsletter may set or a reader ask for
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


def parse_duration(value: object) -> object:
    """Read "90s", "5m", "1h", "3d", "2w" or a number of seconds; raises ValueError for anything else."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([smhdw])\s*", value) if isinstance(value, str) else None
    with suppress(OverflowError):
        if found:
            return timedelta(**{_UNITS[found[2]]: float(found[1])})
        if isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0:
            return timedelta(seconds=value)
    if isinstance(value, timedelta):
        return value
    raise ValueError('a duration such as "30s", "5m", "1h" or "3d" is expected')


def parse_rate(value: object) -> object:
    """Read "20/s", "100/m", "1000/h", "5000/d" or a number as mails a second; "" is 0: no limit."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*/\s*([smhd])\s*", value) if isinstance(value, str) else None
    if found and float(found[1]):
        return float(found[1]) / timedelta(**{_UNITS[found[2]]: 1}).total_seconds()
    if isinstance(value, (int, float)) and not isinstance(value, bool) and value >= 0:
        return value
    if value == "":
        return 0.0
    raise ValueError('a rate such as "20/s", "100/m" or "1000/h" is expected')


def amounts(value: str) -> str:
    """Refuse what is not "25/h" or several such, "25/h; 100/d"; "" is allowed: no limit."""
    if value and not re.fullmatch(r"[1-9]\d{0,6}/[mhd](; ?[1-9]\d{0,6}/[mhd]){0,3}", value):
        raise ValueError('amounts such as "25/h" or "25/h; 100/d" are expected')
    return value


def parse_weekday(value: object) -> object:
    """Read the name of a weekday, short or long; anything else is left to pydantic."""
    names = [day for day in WEEKDAYS if isinstance(value, str) and day.startswith(value.lower())]
    if isinstance(value, str) and len(value) >= 2 and len(names) == 1:
        return WEEKDAYS.index(names[0])
    return value


def known_timezone(value: str) -> str:
    """Refuse a name that the IANA database does not have."""
    try:
        ZoneInfo(value)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError('an IANA time zone such as "Europe/Berlin" is expected') from error
    return value


def sender_address(value: str) -> str:
    """Refuse what cannot stand in a From header."""
    name, address = parseaddr(value)
    try:
        Address(name, addr_spec=address)
    except (ValueError, IndexError, MessageError) as error:
        raise ValueError('an address such as "The Weekly Preprint <weekly@example.org>" is expected') from error
    if "@" not in address or any(ord(character) < 32 for character in value):
        raise ValueError('an address such as "The Weekly Preprint <weekly@example.org>" is expected')
    return value


def return_address(value: str) -> str:
    """Refuse what has no room for a signed token before the @, or could not stand in an envelope."""
    expected = 'an address such as "bounces@example.org", with up to 27 characters before the @, is expected'
    if not re.fullmatch(r"[A-Za-z0-9!#$%&'*/?^_`{|}~.+=-]{1,27}@[A-Za-z0-9.-]{1,180}", value):
        raise ValueError(expected)
    try:
        Address(addr_spec=value)
    except (ValueError, IndexError, MessageError) as error:
        raise ValueError(expected) from error
    return value


def host_name(value: str) -> str:
    """Refuse what DNS could not look up, in ASCII; "" is allowed."""
    labels = value.split(".")
    if value and not (len(value) <= 120 and all(map(_LABEL.fullmatch, labels))):
        raise ValueError('letters, digits and hyphens with dots between are expected, such as "papers.example.org"')
    return value


def hello_name(value: str) -> str:
    """Refuse what cannot stand in EHLO; "" is allowed."""
    if not re.fullmatch(r"[!-~]*", value):
        raise ValueError('a name without spaces such as "mail.example.org" is expected')
    return value


def at_least_a_second(value: timedelta) -> timedelta:
    """Refuse a time that would be over before it began, or a retry that would never rest."""
    if value < timedelta(seconds=1):
        raise ValueError("at least a second is expected")
    return value


def six_digits(value: str) -> str:
    """Refuse a colour of three digits, a colour's name, and one with transparency."""
    if not re.fullmatch(r"#[0-9a-fA-F]{6}", value):
        raise ValueError('a colour of six digits such as "#0b6e4f" is expected')
    return value.lower()


def web_address(value: str) -> str:
    """Refuse what cannot stand in a mail as the address of an image; "" is allowed."""
    if value and not (re.fullmatch(r"https?://[^/?#\\@:][!-~]{0,480}", value) and not set("\"'<>") & set(value)):
        raise ValueError('an address such as "https://papers.example.org/logo.png" is expected')
    return value


def short_mark(value: str) -> str:
    """Refuse more than two characters; accents and other combining marks count with their letter."""
    letters = [letter for letter in value if not unicodedata.combining(letter) and letter not in "\ufe0e\ufe0f"]
    if len(letters) > 2 or not value.isprintable() or " " in value:
        raise ValueError('one or two characters such as "W" are expected')
    return value


def initial(name: str) -> str:
    """The mark of a newsletter that configures none: "W" for The Weekly Preprint."""
    return name.removeprefix("The ")[:1].upper()


Duration = Annotated[timedelta, BeforeValidator(parse_duration)]
Span = Annotated[Duration, AfterValidator(at_least_a_second)]
Timeout = Annotated[Duration, Field(gt=timedelta())]
Rate = Annotated[float, BeforeValidator(parse_rate)]
OwnRate = Annotated[float | None, BeforeValidator(lambda value: None if value is None else parse_rate(value))]
Connections = Annotated[int, Field(ge=1, le=100)]
Weekday = Annotated[int, BeforeValidator(parse_weekday), Field(ge=0, le=6)]
Hour = Annotated[int, Field(ge=0, le=23)]
Share = Annotated[float, Field(ge=0, le=1)]
EditionSize = Annotated[int, Field(ge=1, le=MOST_PICKS)]
Timezone = Annotated[str, AfterValidator(known_timezone)]
HostName = Annotated[str, AfterValidator(host_name)]
HelloName = Annotated[str, AfterValidator(hello_name)]
Colour = Annotated[str, AfterValidator(six_digits)]
Amounts = Annotated[str, AfterValidator(amounts)]
