"""Hugging Face daily papers: votes, comments, stars, and one sentence on each paper.

Votes come in for one to two weeks, so the days of that time are asked for again; a day without papers answers with
the last one that had some.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from urllib.parse import quote

from newsletter.collector.http.json_response import (
    complaint,
    count,
    known_ids,
    read_entries,
    read_json,
    text,
    texts,
    value,
    values,
    when,
    whole_option,
)
from newsletter.collector.source_kind import Kind, Parsed, Request, few
from newsletter.collector.text.urls import address, shown
from newsletter.errors import SourceError
from newsletter.types import Entry, Source

DAILY = "https://huggingface.co/api/daily_papers"
LISTS = ("dailyPapers", "papers")  #: where a page's data keeps a list
DAYS = 14
MOST_DAYS = 60


def parse(data: bytes, source: Source, now: datetime) -> Parsed:  # noqa: ARG001 - a parser's signature
    """Parse a list of daily papers, the data of one paper's page, or a bare paper.

    Raises SourceError for anything else.
    """
    found, doubts = read_json(data, source)
    items = _items(found, source)
    entries, problems = read_entries(items, lambda item: _entry(item, source))
    dates = [date for date in (when(_paper(item), "submittedOnDailyAt") for item in items) if date]
    return Parsed(_once(entries), few([*doubts, *problems]), dated=max(dates, default=None), seen=len(items))


def requests(source: Source, now: datetime) -> Sequence[Request]:
    """The newest list, then each of the past days; an address with a query, or a file, as it stands."""
    location = source.location.strip().rstrip("/")
    if location not in ("", "daily", DAILY):
        return (Request(source.location),)
    days = whole_option(source, "days", DAYS, MOST_DAYS)
    dates = (f"date={now - timedelta(days=back):%Y-%m-%d}&" for back in range(1, days + 1))
    return tuple(Request(f"{DAILY}?{date}limit=100") for date in ("", *dates))


def _items(found: object, source: Source) -> Sequence[object]:
    if isinstance(found, list):
        return found
    for key in LISTS:
        if isinstance(value(found, key), list):
            return values(found, key)
    if isinstance(value(found, "paper"), dict) or text(found, "title"):
        return [found]
    said = complaint(found)
    reason = f"Hugging Face says: {said}" if said else "this is not an answer of Hugging Face's papers"
    raise SourceError(f"{shown(source.location)}: {reason}")


def _paper(item: object) -> object:
    """The paper in an item: a list holds papers in envelopes, a search bare ones."""
    inner = value(item, "paper")
    return inner if isinstance(inner, dict) else item


def _entry(item: object, source: Source) -> Entry:
    paper = _paper(item)
    number = text(paper, "id")
    also = known_ids(number)
    return Entry(
        id="",
        title=text(paper, "title") or text(item, "title"),
        abstract=text(paper, "summary") or text(item, "summary"),
        url=_url(number, also),
        authors=_authors(paper),
        published=_published(paper, item),
        source=source.name,
        topics=texts(paper, "ai_keywords"),
        code_url=address(text(paper, "githubRepo")),
        image_url=address(text(item, "thumbnail") or text(paper, "thumbnail"), DAILY),
        votes=count(paper, "upvotes"),
        comments=_comments(item, paper),
        stars=count(paper, "githubStars"),
        project_url=address(text(paper, "projectPage")),
        organisation=_organisation(paper) or _organisation(item),
        tldr=text(paper, "ai_summary"),
        also=also,
        withdrawn=bool(value(paper, "withdrawnAt") or value(item, "withdrawnAt")),
    )


def _url(number: str, also: Iterable[str]) -> str:
    """The abstract's page; Hugging Face's own for a paper that is not on arXiv."""
    arxiv = next((name.partition(":")[2] for name in also if name.startswith("arxiv:")), "")
    if arxiv:
        return f"https://arxiv.org/abs/{arxiv}"
    return f"https://huggingface.co/papers/{quote(number[:200], safe='')}" if number else ""


def _authors(paper: object) -> tuple[str, ...]:
    """The authors that are not hidden: hiding is how a wrong name is taken back."""
    shown_ones = [author for author in values(paper, "authors") if value(author, "hidden") is not True]
    return texts({"authors": shown_ones}, "authors")


def _published(paper: object, item: object) -> datetime | None:
    """The earlier of the two dates: the list's own may be that of the day before or after."""
    dates = [date for date in (when(paper, "publishedAt"), when(item, "publishedAt")) if date]
    return min(dates, default=None)


def _comments(item: object, paper: object) -> int | None:
    """The number of comments; a page has the comments themselves, of which some are hidden."""
    known = [number for number in (count(item, "numComments"), count(paper, "numComments")) if number is not None]
    if known or not isinstance(value(item, "comments"), list):
        return max(known, default=None)
    return sum(value(value(comment, "data"), "hidden") is not True for comment in values(item, "comments"))


def _organisation(found: object) -> str:
    return text(value(found, "organization"), "fullname", "name")


def _once(entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """Each paper once: one of two days with the larger of its counts."""
    found: dict[str, Entry] = {}
    for entry in entries:
        key = next(iter(entry.also), "") or entry.url or entry.title
        found[key] = _joined(found[key], entry) if key in found else entry
    return tuple(found.values())


def _joined(first: Entry, second: Entry) -> Entry:
    return replace(
        first,
        votes=_larger(first.votes, second.votes),
        comments=_larger(first.comments, second.comments),
        stars=_larger(first.stars, second.stars),
    )


def _larger(first: int | None, second: int | None) -> int | None:
    return max((number for number in (first, second) if number is not None), default=None)


KIND = Kind(
    parse=parse,
    requests=requests,
    hosts=("huggingface.co/api/daily_papers", "huggingface.co/api/papers"),
    interval=1.0,
    stale_after=timedelta(days=4),
)
