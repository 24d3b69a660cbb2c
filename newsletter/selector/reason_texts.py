"""The words that reasons are told in: looked up once a language, since picks are told by the hundred thousand."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

_VALUE, _OTHER = "\0value\0", "\0other\0"  # Latin, as most values are: Messages.isolated looks at that


class Wording(NamedTuple):
    """What is a tuple stands around a value, to be joined by it; `of_two` fills what stands around two."""

    comma: str
    both: tuple[str, ...]  #: title and abstract hold a phrase of the reader's
    title: tuple[str, ...]
    abstract: tuple[str, ...]
    partly: str  #: of_two: the phrase, and the words of it that the paper has
    around: tuple[str, ...]  #: it has none of the phrase's words
    near: tuple[str, ...]
    near_by: str  #: of_two: the title of the liked paper, and the words that both have
    alike: tuple[str, ...]
    beside: tuple[str, ...]
    by: tuple[str, ...]
    rising: str
    popular: str
    ngettext: Callable[[str, str, int], str]
    number: Callable[[int], str]
    outside: str
    field: str
    trending: str
    new: str
    trending_alone: str  #: to a reader who named no interest
    new_alone: str
    new_to_all: str  #: to everybody


def rising(words: Wording, votes: int) -> str:
    """That a paper rises, with its votes if it has any."""
    if votes <= 0:
        return words.rising
    return words.ngettext("rising: %(count)s vote", "rising: %(count)s votes", votes) % {"count": words.number(votes)}


def popular(words: Wording, votes: int) -> str:
    """That a paper is liked more than others, with its votes if it has any."""
    if votes <= 0:
        return words.popular
    return words.ngettext("popular: %(count)s vote", "popular: %(count)s votes", votes) % {"count": words.number(votes)}


def of_two(around: str, first: str, second: str) -> str:
    """Fill what stands around two values, in whatever order the language has them."""
    return second.join(first.join(part.split(_VALUE)) for part in around.split(_OTHER))


def _plural(one: str, many: str, number: int) -> str:
    return one if number == 1 else many


def wording(
    gettext: Callable[[str], str],
    ngettext: Callable[[str, str, int], str] = _plural,
    number: Callable[[int], str] = str,
    isolated: Callable[[str], str] = str,
) -> Wording:
    """The words of one language. `isolated`: what a value among these words becomes; Messages has all four."""

    def around(text: str, name: str) -> tuple[str, ...]:
        return tuple((text % {name: isolated(_VALUE)}).split(_VALUE))

    def around_two(text: str, first: str, second: str) -> str:
        return text % {first: isolated(_VALUE), second: isolated(_OTHER)}

    start, end = isolated(_VALUE).split(_VALUE)
    partly = gettext("you follow %(phrase)s: it speaks of %(words)s")
    near_by = gettext("close to a paper you liked, “%(title)s”: both speak of %(words)s")
    return Wording(
        comma=end + gettext(", ") + start,
        both=around(gettext("you follow %(phrase)s: title and abstract speak of it"), "phrase"),
        title=around(gettext("you follow %(phrase)s: the title speaks of it"), "phrase"),
        abstract=around(gettext("you follow %(phrase)s: the abstract speaks of it"), "phrase"),
        partly=around_two(partly, "phrase", "words"),
        around=around(gettext("you follow %(phrase)s: it is close to that"), "phrase"),
        near=around(gettext("close to a paper you liked: “%(title)s”"), "title"),
        near_by=around_two(near_by, "title", "words"),
        alike=around(gettext("like papers you liked: it speaks of %(words)s"), "words"),
        beside=around(gettext("readers who like “%(title)s” like such papers"), "title"),
        by=around(gettext("by %(author)s, whom you follow"), "author"),
        rising=gettext("rising fast"),
        popular=gettext("popular now"),
        ngettext=ngettext,
        number=number,
        outside=gettext("a little outside your interests"),
        field=gettext("in the field of your interest"),
        trending=gettext("trending this week"),
        new=gettext("new this week, outside your interests"),
        trending_alone=gettext("no interests yet: trending this week"),
        new_alone=gettext("no interests yet: new this week"),
        new_to_all=gettext("new this week"),
    )


ENGLISH = wording(str)
