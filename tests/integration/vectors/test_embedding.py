"""Vectors through the store, the engine and the command line; embedders of other packages."""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from conftest import ROOT, Clock, Run, rewired, with_model

from newsletter.config import Settings
from newsletter.embedder import make_embedder
from newsletter.engine import Engine, make_engine
from newsletter.errors import ConfigError, EmbedderError
from newsletter.services.overview import findings, notes
from newsletter.store import Named, Store
from newsletter.testing import NOON, MemoryTransport, make_entry, make_profile, make_subscriber
from newsletter.types import Outcome

wordllama = pytest.mark.skipif(find_spec("wordllama") is None, reason="needs the extra wordllama")
PAPERS = str(ROOT / "seeds" / "papers.jsonl")
PROFILES = str(ROOT / "seeds" / "profiles.jsonl")
OWN = """
from pathlib import Path
LOG = Path(__file__).with_name("asked")  # one line a text
BROKEN = Path(__file__).with_name("broken")
class Own:
    name = "own 1"
    def embed(self, texts):
        if BROKEN.exists():
            raise ZeroDivisionError("it is broken")
        with LOG.open("a") as log:
            log.writelines(text.splitlines()[0] + chr(10) for text in texts)
        return [[len(text), 1.0] for text in texts]
def nameless(): return object()
def raising(): raise OSError("no disk")
"""


class Package:
    """Somebody else's, installed: its embedder can be broken, and says what it was asked."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        info = folder / "own_embedder-1.0.dist-info"
        info.mkdir(parents=True)
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: own-embedder\nVersion: 1.0\n")
        points = "own = own_embedder:Own\nnameless = own_embedder:nameless\nraising = own_embedder:raising\n"
        (info / "entry_points.txt").write_text(f"[newsletter.embedders]\n{points}absent = no_such_module:Own\n")
        (folder / "own_embedder.py").write_text(OWN)

    def break_down(self, broken: bool = True) -> None:
        mark = self.folder / "broken"
        mark.touch() if broken else mark.unlink()

    def asked(self) -> list[str]:
        log = self.folder / "asked"
        return log.read_text().splitlines() if log.exists() else []


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Package]:
    package = Package(tmp_path / "site")
    monkeypatch.syspath_prepend(str(package.folder))
    yield package
    sys.modules.pop("own_embedder", None)


Embedding = Callable[..., Engine]


@pytest.fixture
def embedding(settings: Settings, store: Store, transport: MemoryTransport, clock: Clock) -> Embedding:
    """An engine with a model, three papers and a reader."""

    def make(model: str = "own", **more: Any) -> Engine:
        own = Settings.model_validate(
            {**settings.model_dump(), "home": settings.home, "selection": {"model": model, **more}}
        )
        return make_engine(own, store, transport, clock)

    store.sightings.add(
        [Named(make_entry(name), (name,)) for name in ("video", "plasma", "graphs")], NOON - timedelta(1)
    )
    store.subscribers.put_all([make_subscriber(profile=make_profile("video"))], "test", NOON)
    return make


# the store


def test_the_store_keeps_vectors_by_model_and_digest(store: Store) -> None:
    store.vectors.put("a", {"x": b"1234", "y": b"5678"})
    store.vectors.put("b", {"x": b"8765"})
    store.vectors.put("a", {"x": b"4321"})

    assert store.vectors.known("a", ["x", "y", "z"]) == {"x": b"4321", "y": b"5678"}
    assert store.vectors.known("b", ["x", "y"]) == {"x": b"8765"}
    assert store.vectors.known("a", []) == {}


def test_the_store_finds_thousands_of_vectors_at_once(store: Store) -> None:
    many = {f"{number}": b"\0\0\0\0" for number in range(2_500)}
    store.vectors.put("a", many)

    assert store.vectors.known("a", list(many)) == many


def test_a_note_stays_until_the_next_one(store: Store) -> None:
    assert store.noted("embedder") == ""
    for text in ("a", "a", "b", ""):
        store.note("embedder", text)
        assert store.noted("embedder") == text


# other people's packages


def test_other_packages_bring_embedders(package: Package) -> None:
    embedder = make_embedder("own")

    assert embedder
    assert embedder.name == "own 1"
    assert np.asarray(embedder.embed(["abc"])).tolist() == [[3, 1]]


@pytest.mark.parametrize(
    ("model", "why"),
    [("nameless", "gave object"), ("raising", "OSError: no disk"), ("absent", "ModuleNotFoundError")],
)
def test_a_package_that_does_not_keep_its_word_is_named(package: Package, model: str, why: str) -> None:
    with pytest.raises(EmbedderError, match=why):
        make_embedder(model)


def test_what_is_known_includes_other_packages(package: Package) -> None:
    with pytest.raises(ConfigError, match=re.escape("openai:MODEL, absent, nameless, own, raising)")):
        make_embedder("owm")


# the engine


def test_papers_get_vectors_by_id_and_each_text_is_asked_for_once(embedding: Embedding, package: Package) -> None:
    engine = embedding()
    entries = list(engine.store.entries.listed())

    vectors, trouble = engine.vectors.of_entries(entries)
    again, _ = embedding().vectors.of_entries(entries)

    assert trouble == ""
    assert set(vectors) == set(again) == {"video", "plasma", "graphs"}
    assert all(np.isclose(np.linalg.norm(row), 1) and row.dtype == np.float32 for row in vectors.values())
    assert sorted(package.asked()) == ["On graphs", "On plasma", "On video"]


def test_without_a_model_there_is_nothing_and_no_trouble(embedding: Embedding) -> None:
    engine = embedding("")

    assert engine.vectors.of_entries(engine.store.entries.listed()) == ({}, "")
    assert (engine.vectors.embed(), engine.vectors.trouble()) == ("", "")


@pytest.mark.parametrize("model", ["own", "nameless", "raising", "absent", "nobody", "folder:nowhere"])
async def test_an_issue_goes_out_though_its_embedder_fails(
    embedding: Embedding, package: Package, transport: MemoryTransport, model: str
) -> None:
    package.break_down()
    engine = embedding(model)

    sent = await engine.sending.send(engine.planning.plan()[0].key)

    assert sent.outcomes == {Outcome.ACCEPTED: 1}
    assert engine.vectors.trouble().startswith(f"{model}: ")
    assert "\n" not in engine.vectors.trouble()


def test_trouble_is_told_until_all_is_well_again(embedding: Embedding, package: Package) -> None:
    package.break_down()
    engine = embedding()
    engine.planning.plan()

    assert notes(engine.status.overview()) == (
        "Papers are ranked by their words alone. own: ZeroDivisionError: it is broken",
    )
    assert not [line for line in findings(engine.status.overview()) if "own" in line]
    assert notes(embedding("").status.overview()) == notes(embedding("other").status.overview()) == ()

    package.break_down(False)
    assert engine.vectors.embed() == ""
    assert notes(engine.status.overview()) == ()


def test_planning_makes_the_vectors_that_sending_needs(embedding: Embedding, package: Package) -> None:
    engine = embedding()
    engine.store.sightings.add([Named(replace(make_entry("old"), update=True), ("old",))], NOON)
    likes = make_profile("video", liked=("old",))
    engine.store.subscribers.put_all([make_subscriber("Bob", profile=likes)], "test", NOON)
    key = engine.planning.plan()[0].key
    package.break_down()

    prepared = engine.editions.prepared(key)

    assert "old" not in prepared.entries
    assert "On old" in package.asked()
    assert engine.vectors.trouble() == ""


async def test_collecting_on_schedule_makes_the_vectors_of_the_news(
    embedding: Embedding, package: Package, tmp_path: Path
) -> None:
    engine = embedding()
    own = engine.settings.model_copy(
        update={"source": Settings.model_validate({"source": [{"location": PAPERS, "name": "seeds"}]}).source}
    )
    engine = rewired(engine, own)
    engine.store.installed(NOON)

    await engine.scheduling.tick()

    assert len(package.asked()) == 62


def test_a_page_waits_for_no_embedder_that_has_just_failed(embedding: Embedding, package: Package) -> None:
    package.break_down()
    engine = embedding()
    reader = make_subscriber(profile=make_profile("video"))
    assert engine.editions.next_edition(reader).picks
    package.break_down(False)

    assert engine.editions.next_edition(reader).picks

    assert package.asked() == []
    assert engine.vectors.trouble() == ""  # a page notes nothing


def test_vectors_that_cannot_be_kept_are_vectors(embedding: Embedding, package: Package, tmp_path: Path) -> None:
    read_only = Store(f"sqlite:///file:{tmp_path / 'newsletter.db'}?mode=ro&uri=true")
    engine = make_engine(embedding().settings, read_only, MemoryTransport())

    vectors, trouble = engine.vectors.of_entries([make_entry("video")])
    read_only.close()

    assert (list(vectors), trouble) == (["video"], "")


def test_papers_without_a_word_have_no_vector(embedding: Embedding, package: Package) -> None:
    blank = replace(make_entry("blank"), title="", abstract=" ")

    assert embedding().vectors.of_entries([blank]) == ({}, "")


# the command line


TOLD = "Warning: Papers are ranked by their words alone. own: ZeroDivisionError: it is broken\n"


def test_every_command_that_ranks_says_that_an_embedder_fails(run: Run, package: Package) -> None:
    with_model("own")
    package.break_down()

    assert TOLD in run("collect").stderr
    run("subscribers", "add", "ada@example.org", "--interests", "video diffusion")
    planned = run("plan")
    assert TOLD in planned.stderr
    assert TOLD in run("send", planned.output.partition(":")[0], "--dry-run", "mails").stderr
    assert TOLD.replace("Warning", "Note") in run("status").stdout
    assert json.loads(run("status", "--format", "json").stdout)["notes"] == [TOLD.strip().partition(": ")[2]]


@wordllama
def test_collect_plan_and_send_are_quiet_when_all_is_well(run: Run) -> None:
    with_model("wordllama")

    assert run("collect").stderr == ""
    run("subscribers", "add", "ada@example.org", "--interests", "video diffusion")
    planned = run("plan")
    assert planned.stderr == ""
    assert run("send", planned.output.partition(":")[0], "--dry-run", "mails").stderr == ""
    assert "Note" not in run("status").stdout


@wordllama
def test_rank_takes_a_model(run: Run) -> None:
    result = run("rank", "--entries", PAPERS, "--profiles", PROFILES, "--model", "wordllama")

    assert (len(result.stdout.splitlines()), result.stderr) == (5, "")


def test_rank_goes_on_without_a_model_that_fails(run: Run, package: Package) -> None:
    package.break_down()
    plain = run("rank", "--entries", PAPERS, "--profiles", PROFILES)

    result = run("rank", "--entries", PAPERS, "--profiles", PROFILES, "--model", "own")

    assert result.stderr == TOLD
    assert result.stdout == plain.stdout


def test_rank_takes_the_address_and_the_key_of_a_service(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setitem(os.environ, "NEWSLETTER_SELECTION__MODEL_KEY", "sk-secret")
    words = ("rank", "--entries", PAPERS, "--profiles", PROFILES, "--model", "openai:small")

    result = run(*words, "--model-url", "http://127.0.0.1:9/v1")

    assert "openai:small: no connection, ConnectError (127.0.0.1:9/v1)" in result.stderr
    assert "secret" not in result.output
    assert "needs the url" in run(*words, code=1).stderr


def test_rank_refuses_a_model_that_nobody_has(run: Run) -> None:
    told = run("rank", "--entries", PAPERS, "--profiles", PROFILES, "--model", "gpt", code=1).stderr

    assert told.startswith('Error: there is no embedder "gpt" (known: wordllama')
