"""Dates as people and services write them: the day that is said, or none, never one that is guessed.

"03/04/2026" is the third of April or the fourth of March, so it is no date; "2026-03" names no day. General parsers of
dates (feedparser, dateutil, email.utils) fill in what is missing, or read a part of the text and leave the rest.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone

LONGEST = 100  #: characters of a date
ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]\s*(\d{1,2})(:.*))?", re.DOTALL)
MAIL = re.compile(
    r"(?:[A-Z][a-z]{2}, )?(\d{1,2}) ([A-Z][a-z]{2}) (\d{4}) (\d\d):(\d\d):(\d\d) (?:([+-])(\d\d)(\d\d)|GMT|UTC)"
)
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_LONG_MONTHS = "january|february|march|april|may|june|july|august|september|october|november|december|sept"
_MONTH = rf"(?P<word>{'|'.join(MONTHS)}|{_LONG_MONTHS})\.?"
_WEEKDAY = r"(?:(?:mon|tues?|wed(?:nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:day)?\.?,? )?"
_DAY = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?\.?"
_TIME = (
    r"(?:(?: - |[T ,]*)(?P<before>上午|下午|午前|午後|오전|오후)?"
    r" ?(?P<hour>\d{1,2})[:.时時시] ?(?P<minute>\d{2})[分분]?"
    r"(?:[:.]? ?(?P<second>\d{2})(?:[.,]\d{1,9})?[秒초]?)? ?(?P<half>[ap]\.?m\.?)?"
    r" ?(?P<zone>[a-z]{1,5}|(?:utc|gmt|ut|z)? ?[+-]\d{1,2}(?::?\d{2})?)?(?: ?\([^()]*\))?|z|[+-]\d\d:?\d\d)?"
)
_CJK_WEEKDAY = r"(?: ?[(（]?(?:星期|周|週)?[一二三四五六日月火水木金土天](?:曜日)?[)）]?)?"
_FORMS = (
    rf"(?P<year>\d{{4}}) ?[-/.年년] ?(?P<month>\d{{1,2}}) ?[-/.月월] ?(?P<day>\d{{1,2}})\.?[日号號일]?{_CJK_WEEKDAY}",
    rf"{_WEEKDAY}{_DAY}[ /-]{_MONTH},?[ /-](?P<year>\d{{4}}|\d\d(?= \d\d?:))",  # of mails
    rf"{_WEEKDAY}{_MONTH} {_DAY},? (?P<year>\d{{4}})",
    rf"(?P<year>\d{{4}})[ -]{_MONTH}[ -](?P<day>\d{{1,2}})",
    r"(?P<one>\d{1,2})[-/.] ?(?P<two>\d{1,2})[-/.] ?(?P<year>\d{4})",
    r"(?P<year>\d{4})(?P<month>\d\d)(?P<day>\d\d)",
)
#: of date(1) and ctime: the year behind the time
_YEAR_LAST = re.compile(
    r"(?P<head>[a-z]{3,9},? [a-z]{3,9} \d{1,2}) (?P<time>[\d:]{5,8}(?: [a-z]{1,5})?) (?P<year>\d{4})", re.IGNORECASE
)
_READERS = tuple(re.compile(form + _TIME, re.IGNORECASE) for form in _FORMS)
_COMPACT = re.compile(r"(\d{8})T?(\d\d)(\d\d)(\d\d)?(Z?)")
_SINCE_1970 = re.compile(r"(\d{9,10})(?:\.\d{1,9})?|(\d{12,13})")

_ZONES = """
utc=0 gmt=0 ut=0 z=0 est=-5 edt=-4 cdt=-5 mst=-7 mdt=-6 pst=-8 pdt=-7 akst=-9 akdt=-8 hst=-10 ast=-4 adt=-3 nst=-3.5
ndt=-2.5 brt=-3 wet=0 west=1 cet=1 cest=2 mez=1 mesz=2 eet=2 eest=3 msk=3 sast=2 pkt=5 wib=7 hkt=8 sgt=8 awst=8 jst=9
kst=9 acst=9.5 acdt=10.5 aest=10 aedt=11 nzst=12 nzdt=13 cst=-6/8 bst=1/6 ist=5.5/2/1
"""
_PAIRS = (zone.partition("=") for zone in _ZONES.split())
#: Hours from UTC. Of some words people mean one of several: then only the day counts, and only when it is the same.
ZONES = {word: tuple(map(float, hours.split("/"))) for word, _, hours in _PAIRS}


def moment(raw: str) -> datetime | None:
    """An aware UTC time, or None for what is no date. A time without a zone means UTC, a day alone its start."""
    plain = " ".join(raw.split())
    if not 8 <= len(plain) <= LONGEST:
        return None
    try:
        return _utc(_iso(plain) or _of_mail(plain) or _read(plain.replace("，", ",").replace("：", ":")))
    except (ValueError, OverflowError, OSError):
        return None


def _utc(found: datetime | None) -> datetime | None:
    if found is None:
        return None
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)


def _iso(plain: str) -> datetime | None:
    """The time in ISO 8601, zero-padded or not (bioRxiv writes 2026-6-30); None for other forms."""
    match = ISO.fullmatch(plain)
    if not match:
        return None
    year, month, day, hour, rest = match.groups()
    try:
        return datetime.fromisoformat(f"{year}-{month:0>2}-{day:0>2}T{hour or '0':0>2}{rest or ':00'}".strip())
    except ValueError:
        return None


def _of_mail(plain: str) -> datetime | None:
    """The time as most feeds write it, in short; None for other forms."""
    match = MAIL.fullmatch(plain)
    if not match or match[2].lower() not in MONTHS:
        return None
    day, month, year, hour, minute, second, sign, hours, minutes = match.groups()
    offset = timedelta(hours=int(hours or 0), minutes=int(minutes or 0))
    when = datetime(
        int(year), MONTHS.index(month.lower()) + 1, int(day), int(hour), int(minute), min(int(second), 59), tzinfo=UTC
    )
    return when + offset if sign == "-" else when - offset


def _read(plain: str) -> datetime | None:
    if since := _SINCE_1970.fullmatch(plain):
        seconds, thousandths = since.groups()
        return datetime.fromtimestamp(int(seconds) if seconds else int(thousandths) / 1000, tz=UTC)
    if compact := _COMPACT.fullmatch(plain):
        day, hour, minute, second, _ = compact.groups()
        return datetime.strptime(f"{day}{hour}{minute}{second or '00'}", "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    if last := _YEAR_LAST.fullmatch(plain):
        plain = f"{last['head']} {last['year']} {last['time']}"
    found = next((found for reader in _READERS if (found := reader.fullmatch(plain))), None)
    return _moment(found.groupdict()) if found else None


def _moment(said: dict[str, str | None]) -> datetime | None:
    day = _day(said)
    if day is None or not said["hour"]:
        return day
    half = (said["half"] or said["before"] or "").lower()
    hour = int(said["hour"])
    if half:
        if not 1 <= hour <= 12:
            return None
        hour = hour % 12 + 12 * (half[0] == "p" or half in ("下午", "午後", "오후"))
    when = day.replace(hour=hour, minute=int(said["minute"] or 0), second=min(int(said["second"] or 0), 59))
    return _in_zone(when, (said["zone"] or "utc").lower())


def _day(said: dict[str, str | None]) -> datetime | None:
    """The day; of "03/04/2026" none, since people read it in two ways."""
    year = int(said["year"] or 0)
    if year < 100:  # RFC 2822
        year += 2000 if year < 50 else 1900
    if said.get("one"):
        one, two = int(said["one"] or 0), int(said["two"] or 0)
        ways = {way for way in ((one, two), (two, one)) if way[1] <= 12}
        if len(ways) != 1:
            return None
        [(day, month)] = ways
        return datetime(year, month, day)  # noqa: DTZ001 - made aware at the end
    month = MONTHS.index((said["word"] or "")[:3].lower()) + 1 if said.get("word") else int(said["month"] or 0)
    return datetime(year, month, int(said["day"] or 0))  # noqa: DTZ001 - made aware at the end


def _in_zone(when: datetime, zone: str) -> datetime | None:
    """The time in this zone, or the day alone where its word means several; None where even that differs."""
    if sign := re.fullmatch(r"(?:utc|gmt|ut|z)? ?([+-])(\d{1,2}):?(\d{2})?", zone):
        offset = timedelta(hours=int(sign[2]), minutes=int(sign[3] or 0))
        return when.replace(tzinfo=timezone(-offset if sign[1] == "-" else offset))
    hours = ZONES.get(zone, (-12, 14))
    times = [when.replace(tzinfo=timezone(timedelta(hours=each))).astimezone(UTC) for each in hours]
    days = {time.date() for time in times}
    if len(times) == 1:
        return times[0]
    return times[0].replace(hour=0, minute=0, second=0) if len(days) == 1 else None
