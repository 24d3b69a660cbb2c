"""The words that reasons are told in: looked up once a language, since picks are told by the hundred thousand."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

_VALUE = "\0value\0"  # Latin, as most values are: Messages.isolated looks at that


class Wording(NamedTuple):
    """What is a tuple stands around a value, to be joined by it."""

    matches: tuple[str, ...]
    comma: str
    near: tuple[str, ...]
    beside: tuple[str, ...]
    by: tuple[str, ...]
    rising: str
    popular: str
    outside: str
    field: str
    trending: str
    new: str
    trending_alone: str  #: to a reader who named no interest
    new_alone: str
    new_to_all: str  #: to everybody


def wording(gettext: Callable[[str], str], isolated: Callable[[str], str] = str) -> Wording:
    """The words of one language. `isolated`: what a value among these words becomes; Messages has both functions."""

    def around(text: str, name: str) -> tuple[str, ...]:
        return tuple((text % {name: isolated(_VALUE)}).split(_VALUE))

    start, end = isolated(_VALUE).split(_VALUE)
    return Wording(
        matches=around(gettext("matches %(words)s"), "words"),
        comma=end + gettext(", ") + start,
        near=around(gettext("near %(title)s"), "title"),
        beside=around(gettext("close to what readers of %(title)s like"), "title"),
        by=around(gettext("by %(author)s"), "author"),
        rising=gettext("rising fast"),
        popular=gettext("popular now"),
        outside=gettext("a little outside your interests"),
        field=gettext("in the field of your interest"),
        trending=gettext("trending this week"),
        new=gettext("new this week, outside your interests"),
        trending_alone=gettext("no interests yet: trending this week"),
        new_alone=gettext("no interests yet: new this week"),
        new_to_all=gettext("new this week"),
    )


ENGLISH = wording(str)
