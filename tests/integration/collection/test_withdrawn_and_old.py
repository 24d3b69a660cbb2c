"""Papers that are no news: withdrawn ones leave, old finds of a search and replacements never come."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path

import pytest

from newsletter import collector
from newsletter.collector.normalize import finish
from newsletter.config import Settings
from newsletter.engine import Engine, make_engine
from newsletter.store import Named, Store
from newsletter.testing import NOON, MemoryTransport, make_profile, make_subscriber
from newsletter.types import Entry

KETTLE = Entry(id="", title="Boiling of kettles under gentle fields", also=("arxiv:2401.00001",), authors=("Ada One",))
SIGHTINGS = (
    KETTLE,
    replace(KETTLE, abstract="This paper has been withdrawn by Ada One.", update=True),
    replace(KETTLE, also=("arxiv:2401.00001", "doi:10.5555/kettle"), votes=3),
    replace(KETTLE, also=("doi:10.5555/kettle",)),
)


def collected(store: Store, *entries: Entry) -> int:
    found = [finish(entry, NOON) for entry in entries]
    return store.sightings.add([Named(each.entry, each.names, each.raw) for each in found], NOON, collector.same_paper)


@pytest.fixture
def engine(store: Store) -> Engine:
    return make_engine(Settings(), store, MemoryTransport(), lambda: NOON)


def picked(engine: Engine, key: str) -> list[str]:
    people = list(engine.store.subscribers.listed())
    [kept] = engine.editions.for_people(engine.editions.prepared(key), people)
    return [pick.entry.title for pick in kept.edition.picks]


@pytest.mark.parametrize("order", [*permutations(SIGHTINGS)])
def test_a_withdrawn_paper_is_no_news_in_whatever_order_it_is_told(store: Store, order: tuple[Entry, ...]) -> None:
    for entry in order:
        collected(store, entry)

    assert store.entries.new_between(NOON - timedelta(days=1), NOON) == []
    assert list(store.entries.listed()) == []
    assert store.entries.find(["doi:10.5555/kettle"])["doi:10.5555/kettle"].title == KETTLE.title


def test_a_paper_that_is_withdrawn_after_its_issue_was_planned_is_not_picked(store: Store, engine: Engine) -> None:
    store.subscribers.add(make_subscriber("Ada", 0, profile=make_profile("kettles")), "test", NOON)
    collected(store, KETTLE)
    engine.planning.plan(key="planned")
    before = picked(engine, "planned")

    collected(store, replace(KETTLE, also=(), title=f"Retraction Note: {KETTLE.title}"))
    told = engine.explaining.explain("ada@example.org", "2401.00001", "planned").explanation

    assert before == [KETTLE.title]
    assert picked(engine, "planned") == []
    assert told.why.endswith("It was withdrawn, as one of its sources says.")


def test_explain_tells_of_a_replacement(store: Store, engine: Engine) -> None:
    store.subscribers.add(make_subscriber("Ada", 0, profile=make_profile("kettles")), "test", NOON)
    collected(store, replace(KETTLE, update=True))

    told = engine.explaining.explain("ada@example.org", "2401.00001").explanation

    assert "It is no news: a replacement of a paper announced before" in told.why


def search(*papers: tuple[int, int]) -> str:
    """An answer of arXiv's search. Each paper: its version, and days since its first one."""
    now = datetime.now(UTC)
    days_of = "<updated>{:%Y-%m-%dT%H:%M:%SZ}</updated><published>{:%Y-%m-%dT%H:%M:%SZ}</published>"
    entries = [
        f"<entry><id>http://arxiv.org/abs/2401.0000{number}v{version}</id><title>Kettles, volume {number}</title>"
        f"{days_of.format(now, now - timedelta(days=days))}<summary>We boil.</summary></entry>"
        for number, (version, days) in enumerate(papers, 1)
    ]
    head = '<feed xmlns="http://www.w3.org/2005/Atom" xmlns:arxiv="http://arxiv.org/schemas/atom">'
    return f"{head}{''.join(entries)}</feed>"


def test_collect_tells_replacements_and_old_papers(tmp_path: Path) -> None:
    """The limit is that of the source, where it has one."""
    (tmp_path / "found.xml").write_text(search((1, 2), (1, 30), (2, 20), (3, 400), (1, 61), (1, 400)))
    place = '[[source]]\nname = "{}"\nkind = "arxiv"\nlocation = "found.xml"\n{}\n'

    for name, option, told in (
        ("default", "", "default: 6 found, 2 new, 2 known replacements, 2 too old to be news"),
        ("shorter", 'max_age = "10d"', "shorter: 6 found, 1 new, 2 known replacements, 3 too old to be news"),
        ("endless", 'max_age = "0d"', "endless: 6 found, 4 new, 2 known replacements"),
        ("wrong", 'max_age = "soon"', "max_age = 'soon': a duration"),
    ):
        (tmp_path / "sources.toml").write_text(place.format(name, option))
        (tmp_path / "newsletter.toml").write_text(f'[store]\nurl = "sqlite:///{name}.db"\n')
        command = [sys.executable, "-m", "newsletter", "collect"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert told in done.stdout + done.stderr


async def test_a_line_may_say_that_a_paper_is_withdrawn(tmp_path: Path, store: Store) -> None:
    (tmp_path / "p.jsonl").write_text(json.dumps({"id": "k", "title": "Kettles", "withdrawn": True}))
    settings = Settings.model_validate({"source": [{"name": "p", "location": str(tmp_path / "p.jsonl")}]})
    engine = make_engine(settings, store, MemoryTransport(), lambda: NOON)

    [done] = await engine.collection.collect()

    assert (done.added, [entry.withdrawn for entry in done.harvest.entries]) == (0, [True])
