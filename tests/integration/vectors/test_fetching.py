"""Models of fastembed's list: fetched from a hub on loopback, looked for, and never downloaded by anything else."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pytest
from conftest import ROOT, Run, with_model
from modelhub import ModelHub, serving
from tinymodel import WORDS, write_model

from newsletter.config import Settings
from newsletter.embedder import Vectoriser, embed_cached, make_embedder
from newsletter.embedder.fetched import look_for, model_folder
from newsletter.errors import EmbedderError
from newsletter.services.doctor import look_at_model

if find_spec("fastembed") is None:
    pytest.skip("needs the extra fastembed", allow_module_level=True)

from newsletter.embedder.fetching import fetch

MODEL = "sentence-transformers/all-MiniLM-L6-v2"
FILES = {"config.json", "model.onnx", "tokenizer.json", "tokenizer_config.json"}
PAPERS = str(ROOT / "seeds" / "papers.jsonl")
NOBODY = "http://127.0.0.1:9"


def nothing(model: str, vectors: object) -> dict[str, bytes]:
    """Knows and keeps no vector."""
    return {}


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[ModelHub]:
    with serving(write_model(tmp_path / "hub")) as hub:
        yield hub


@pytest.fixture
def models(tmp_path: Path) -> Path:
    return tmp_path / "models"


def test_a_model_is_fetched_once_and_embeds(hub: ModelHub, models: Path, tmp_path: Path) -> None:
    (hub.folder / "README.md").write_text("not needed")

    found = fetch(MODEL, models, endpoint=hub.address)
    again = fetch(MODEL.lower(), models, endpoint=NOBODY)
    embedder = make_embedder(f"fastembed:{MODEL}", home=tmp_path)

    assert found == again == look_for(models, MODEL)
    assert sorted(hub.asked) == sorted(found.files) == sorted(FILES)
    assert [path.name for path in models.iterdir()] == ["sentence-transformers--all-minilm-l6-v2"]
    assert embedder
    assert embedder.embed(["video", "", "nothing plasma"]).round(3).tolist() == [[1, 0, 0], [0, 0, 0], [0, 1, 0]]


def test_progress_is_told_in_bytes(hub: ModelHub, models: Path) -> None:
    told: list[tuple[int, int]] = []

    found = fetch(MODEL, models, lambda came, total: told.append((came, total)), hub.address)

    assert sum(came for came, _ in told) == found.size
    assert {total for _, total in told} == {found.size}


def test_a_model_that_was_not_fetched_is_an_error_and_no_download(models: Path, tmp_path: Path) -> None:
    with pytest.raises(EmbedderError, match=f"{MODEL} is not here yet: run `newsletter model fetch {MODEL}`"):
        make_embedder(f"fastembed:{MODEL}", home=tmp_path)


@pytest.mark.parametrize("name", ["../../etc", "a/b/c", "", "a b", "/etc", "a/..", "é"])
def test_names_that_no_model_has_lead_to_no_folder(models: Path, name: str) -> None:
    with pytest.raises(EmbedderError, match="is no name of a model"):
        model_folder(models, name)


def test_an_unknown_model_is_told_with_those_that_are_like_it(models: Path) -> None:
    with pytest.raises(EmbedderError, match=r"no model BAAI/bge-smal-en-v1.5; it has BAAI/bge-small-en-v1.5, "):
        fetch("BAAI/bge-smal-en-v1.5", models, endpoint=NOBODY)


def test_without_a_network_there_is_one_line(models: Path) -> None:
    with pytest.raises(EmbedderError) as caught:
        fetch(MODEL, models, endpoint=NOBODY)

    assert str(caught.value) == f"the model cannot be fetched: {NOBODY} cannot be reached (ConnectError)"
    assert look_for(models, MODEL) is None


def test_a_hub_that_refuses_is_quoted(hub: ModelHub, models: Path) -> None:
    hub.status = 404

    with pytest.raises(EmbedderError, match=f"{hub.address} answers 404"):
        fetch(MODEL, models, endpoint=hub.address)


def test_a_file_with_another_checksum_is_refused_and_fetched_again(hub: ModelHub, models: Path) -> None:
    data = (hub.folder / "model.onnx").read_bytes()
    hub.lies["model.onnx"] = data[:-9] + b"\0" + data[-8:]
    with pytest.raises(EmbedderError, match=r"the checksum of model\.onnx is wrong"):
        fetch(MODEL, models, endpoint=hub.address)
    assert look_for(models, MODEL) is None
    hub.lies.clear()

    fetch(MODEL, models, endpoint=hub.address)

    assert hub.asked.count("model.onnx") == 2
    assert hub.asked.count("config.json") == 1


def test_a_folder_that_cannot_be_written_is_named(hub: ModelHub, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")

    with pytest.raises(EmbedderError, match=r"taken cannot be written: "):
        fetch(MODEL, tmp_path / "taken", endpoint=hub.address)


def test_a_repository_without_the_model_is_refused(hub: ModelHub, models: Path) -> None:
    (hub.folder / "model.onnx").unlink()

    with pytest.raises(EmbedderError, match=r"Qdrant/all-MiniLM-L6-v2-onnx does not hold model\.onnx"):
        fetch(MODEL, models, endpoint=hub.address)


@pytest.mark.parametrize("harm", ["unlink", "cut", "note"])
def test_half_a_model_is_none(hub: ModelHub, models: Path, harm: str) -> None:
    fetch(MODEL, models, endpoint=hub.address)
    folder = model_folder(models, MODEL)
    if harm == "unlink":
        (folder / "tokenizer.json").unlink()
    elif harm == "cut":
        (folder / "model.onnx").write_bytes((folder / "model.onnx").read_bytes()[:-4])
    else:
        (folder / "fetched.json").write_text('{"model": ')

    assert look_for(models, MODEL) is None
    assert fetch(MODEL, models, endpoint=hub.address) == look_for(models, MODEL)


def test_a_model_with_a_wrong_byte_is_fetched_again(hub: ModelHub, models: Path) -> None:
    first = fetch(MODEL, models, endpoint=hub.address)
    path = model_folder(models, MODEL) / "model.onnx"
    data = path.read_bytes()
    path.write_bytes(data[:-9] + b"\0" + data[-8:])

    assert fetch(MODEL, models, endpoint=hub.address) == first
    assert path.read_bytes() == data


def test_a_model_that_gives_other_vectors_than_before_is_refused_until_it_is_fetched(
    hub: ModelHub, models: Path, tmp_path: Path
) -> None:
    """As after an update of fastembed that pools otherwise: vectors of before and after must not meet."""
    first = fetch(MODEL, models, endpoint=hub.address)
    note = model_folder(models, MODEL) / "fetched.json"
    note.write_text(json.dumps({**json.loads(note.read_text()), "trial": [1.0, 0.0, 0.0]}))
    vectoriser = Vectoriser("tiny", lambda: make_embedder(f"fastembed:{MODEL}", home=tmp_path), nothing, nothing)
    vectors, trouble = vectoriser.vectors({"x": "video"}, 60)
    told = f"the model gives other vectors than when it was fetched: run `newsletter model fetch {MODEL}`"
    assert (vectors, trouble) == ({}, f"tiny: {told}")

    assert fetch(MODEL, models, endpoint=hub.address) == first
    assert vectoriser.vectors({"x": "video"}, 60)[1] == ""


def test_vectors_are_kept_by_what_the_model_is(hub: ModelHub, models: Path, tmp_path: Path) -> None:
    """Another version of the same model under the same name makes vectors of its own."""
    fetch(MODEL, models, endpoint=hub.address)
    before = make_embedder(f"fastembed:{MODEL}", home=tmp_path)
    write_model(hub.folder, {**WORDS, "video": (0, 1, 1)})
    (models / "sentence-transformers--all-minilm-l6-v2" / "config.json").unlink()
    fetch(MODEL, models, endpoint=hub.address)
    after = make_embedder(f"fastembed:{MODEL}", home=tmp_path)

    assert before
    assert after
    assert before.name != after.name
    assert embed_cached(after, {"x": "video"})["x"] @ [0, 0.5**0.5, 0.5**0.5] == pytest.approx(1)


# the command line


def command(hub: ModelHub, *words: str) -> subprocess.Popen[str]:
    """A process with the address of the hub, which huggingface_hub reads when it is imported."""
    environ = {**os.environ, "HF_ENDPOINT": hub.address, "HF_HOME": str(hub.folder.parent / "home")}
    line = (sys.executable, "-m", "newsletter", *words)
    environ["PYTHONPATH"] = str(ROOT)
    return subprocess.Popen(line, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_download_that_was_killed_leaves_no_model_and_goes_on(hub: ModelHub, run: Run) -> None:
    with_model(f"fastembed:{MODEL}")
    write_model(hub.folder, {**WORDS, **{f"word{number}": (1, 0, 0) for number in range(60_000)}})
    size = (hub.folder / "model.onnx").stat().st_size
    hub.stops["model.onnx"] = size // 2
    killed = command(hub, "model", "fetch")
    assert hub.stopped.wait(60)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert "is not here yet" in run("model", "show").stdout
    hub.stops.clear()

    done = command(hub, "model", "fetch")
    output, told = done.communicate()

    assert (done.returncode, told) == (0, "")
    assert output.startswith(f"{MODEL} is here: ")
    assert hub.asked.count("config.json") == 1


def test_a_missing_model_is_told_everywhere_and_costs_no_mail(run: Run) -> None:
    with_model(f"fastembed:{MODEL}")
    absent = f"fastembed:{MODEL}: the model {MODEL} is not here yet: run `newsletter model fetch {MODEL}`"

    assert absent in run("collect").stderr
    assert f"Note: Papers are ranked by their words alone. {absent}" in run("status").stdout
    [finding] = look_at_model(Settings.model_validate({"selection": {"model": f"fastembed:{MODEL}"}, "home": Path()}))
    assert (finding.level, finding.found) == ("warning", absent)
    run("subscribers", "add", "ada@example.org", "--interests", "video diffusion")
    key = run("plan").output.partition(":")[0]
    assert absent in run("send", key, "--dry-run", "mails").stderr
    assert len(list(Path("mails").glob("*.eml"))) == 1


def test_what_was_fetched_since_is_no_trouble_any_more(run: Run, hub: ModelHub, models: Path) -> None:
    with_model(f"fastembed:{MODEL}")
    run("collect")
    run("subscribers", "add", "ada@example.org", "--interests", "video diffusion; plasma")
    assert "is not here yet" in run("status").stdout
    fetch(MODEL, models, endpoint=hub.address)

    assert "Note" not in run("status").stdout
    assert "papers   0 of 59 that the next issue needs have a vector\nphrases  0 of 2" in run("model", "show").stdout
    assert "Warning" not in run("plan").stderr
    shown = json.loads(run("model", "show", "--format", "json").stdout)
    assert (shown["here"], shown["dimensions"], shown["vectors"]["papers_kept"]) == (True, 3, 59)
    assert shown["vectors"]["phrases_kept"] == 2


def test_rank_takes_a_model_that_was_fetched(run: Run, hub: ModelHub, models: Path) -> None:
    words = ("rank", "--entries", PAPERS, "--profiles", str(ROOT / "seeds" / "profiles.jsonl"), "--model")
    assert "is not here yet" in run(*words, f"fastembed:{MODEL}").stderr
    fetch(MODEL, models, endpoint=hub.address)

    assert run(*words, f"fastembed:{MODEL}").stderr == ""


@pytest.mark.parametrize(
    ("model", "words", "told"),
    [
        ("", ("fetch",), "Error: no model is configured: set [selection] model"),
        ("wordllama", ("fetch",), 'Error: the model "wordllama" is none that can be fetched'),
        ("fastembed:nobody/nothing", ("fetch",), "Error: fastembed has no model nobody/nothing"),
    ],
)
def test_what_cannot_be_fetched_is_one_line(run: Run, model: str, words: tuple[str, ...], told: str) -> None:
    with_model(model)

    result = run("model", *words, code=1)

    assert result.stderr.startswith(told)
    assert result.stderr.count("\n") == 1


def test_show_tells_of_no_model_and_of_other_kinds(run: Run, tmp_path: Path) -> None:
    with_model("")
    assert run("model", "show").stdout == "No model is configured: papers are ranked by their words alone.\n"
    with_model("folder:hub")
    assert "trouble  folder:hub: " in run("model", "show").stdout
    write_model(tmp_path / "hub")

    shown = run("model", "show").stdout

    assert f"folder   {tmp_path / 'hub'}" in shown
    assert "trouble" not in shown
