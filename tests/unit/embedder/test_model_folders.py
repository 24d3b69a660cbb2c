"""Models in folders that onnxruntime runs, prefixes of queries and papers, and the time that embedding may take."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from tinymodel import WORDS, write_model

from newsletter.embedder import Query, embed_cached, make_embedder
from newsletter.embedder.batches import embed_by_length
from newsletter.embedder.onnx_model import manner
from newsletter.embedder.prefixes import Prefixes, known_prefixes
from newsletter.embedder.rows import unit_rows
from newsletter.errors import EmbedderError

onnx = pytest.mark.skipif(find_spec("onnxruntime") is None, reason="needs the extra fastembed")
Rows = NDArray[np.float32]
HALF = 0.5**0.5


def embedded(folder: Path, *texts: str) -> list[list[float]]:
    embedder = make_embedder(f"folder:{folder}")
    assert embedder
    found: list[list[float]] = embedder.embed(texts).astype(float).round(4).tolist()
    return found


# folders


@onnx
@pytest.mark.parametrize("weights", ["model.onnx", "onnx/model.onnx"])
def test_a_model_exported_to_onnx_embeds_the_mean_of_its_tokens(tmp_path: Path, weights: str) -> None:
    write_model(tmp_path / "tiny", weights=weights)

    rows = embedded(tmp_path / "tiny", "Video plasma", "video", "", "video video video query")

    assert rows == [[round(HALF, 4), round(HALF, 4), 0], [1, 0, 0], [0, 0, 0], [0.9487, 0, 0.3162]]


@onnx
@pytest.mark.parametrize(("pooling", "row"), [("cls_token", [1, 0, 0]), ("lasttoken", [0, 1, 0])])
def test_a_folder_says_how_tokens_are_pooled(tmp_path: Path, pooling: str, row: list[float]) -> None:
    said = {"pooling_mode_mean_tokens": False, f"pooling_mode_{pooling}": True}
    write_model(tmp_path / "tiny", files={"pooling": said})

    assert embedded(tmp_path / "tiny", "video query plasma", "query plasma video plasma")[0] == row


@onnx
def test_a_folder_says_how_much_of_a_text_is_read(tmp_path: Path) -> None:
    write_model(tmp_path / "tiny", files={"sentence_bert_config": {"max_seq_length": 2}})

    assert embedded(tmp_path / "tiny", "video video plasma plasma") == [[1, 0, 0]]


@pytest.mark.parametrize(
    ("files", "longest"),
    [
        ({"sentence_bert_config": {"max_seq_length": 256}}, 256),
        ({"tokenizer_config": {"model_max_length": 128}}, 128),
        ({"tokenizer_config": {"model_max_length": 10**30}}, 512),
        ({"sentence_bert_config": {"max_seq_length": None}, "tokenizer_config": {}}, 512),
    ],
)
@onnx
def test_limits_that_are_none_are_passed_over(tmp_path: Path, files: Mapping[str, object], longest: int) -> None:
    assert manner(write_model(tmp_path, files=files)).longest == longest


@onnx
@pytest.mark.parametrize(
    ("files", "why"),
    [
        (
            {"pooling": {"pooling_mode_max_tokens": True}},
            "pools its tokens in a way that is not known here: max_tokens",
        ),
        ({"modules": [{"type": "sentence_transformers.models.Dense"}]}, "parts that are not known here: Dense"),
    ],
)
def test_what_is_not_done_here_is_said_and_not_done_wrongly(
    tmp_path: Path, files: Mapping[str, object], why: str
) -> None:
    with pytest.raises(EmbedderError, match=why):
        embedded(write_model(tmp_path / "tiny", files=files), "video")


@onnx
def test_a_folder_without_its_tokenizer_or_with_a_broken_model_is_named(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "tiny")
    (folder / "model.onnx").write_bytes(b"no model")
    with pytest.raises(EmbedderError, match="it cannot be loaded"):
        embedded(folder, "video")
    (folder / "tokenizer.json").unlink()

    with pytest.raises(EmbedderError, match=r"no whole model in .*tiny \(tokenizer.json is missing\)"):
        make_embedder(f"folder:{folder}")


@pytest.mark.skipif(find_spec("onnxruntime") is not None, reason="onnxruntime is installed")
def test_a_model_exported_to_onnx_says_what_to_install(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").touch()

    with pytest.raises(EmbedderError, match=r"pip install \"newsletter\[fastembed\]\""):
        make_embedder(f"folder:{tmp_path}")


@onnx
def test_the_company_of_a_text_does_not_change_its_vector(tmp_path: Path) -> None:
    write_model(tmp_path / "tiny")
    texts = ["video " * count + "plasma" for count in (40, 1, 7, 300, 2, 5, 90, 3, 1)]

    together = embedded(tmp_path / "tiny", *texts)

    assert together == [embedded(tmp_path / "tiny", text)[0] for text in texts]


def test_rows_come_back_in_the_order_of_the_texts() -> None:
    texts = [chr(97 + place % 26) * (place * 7 % 11) for place in range(50)]

    rows = embed_by_length(texts, len, lambda some: np.array([[len(text)] for text in some], np.float32))

    assert rows[:, 0].tolist() == [len(text) for text in texts]
    assert embed_by_length([], len, lambda some: np.zeros((len(some), 1), np.float32)).shape == (0, 0)


# prefixes


class Marked:
    """Keeps what it was asked; wants queries and papers marked."""

    name = "marked"
    prefixes = Prefixes("q: ", "p: ")

    def __init__(self) -> None:
        self.asked: list[str] = []

    def embed(self, texts: Sequence[str]) -> Rows:
        self.asked += texts
        return unit_rows([[text.startswith("q: "), 1.0] for text in texts], len(texts))


def test_a_query_and_a_paper_of_the_same_words_have_vectors_of_their_own() -> None:
    embedder = Marked()
    kept: dict[str, bytes] = {}

    def known(model: str, digests: Sequence[str]) -> dict[str, bytes]:
        return {name: kept[name] for name in digests if name in kept}

    for _ in range(2):
        found = embed_cached(
            embedder,
            {"paper": " video", "word": Query("video"), "": Query("")},
            known,
            lambda _, made: kept.update(made),
        )

    assert embedder.asked == ["p: video", "q: video"]
    assert (found["paper"][0], round(float(found["word"][0]), 4)) == (0, round(HALF, 4))


def test_a_model_without_prefixes_embeds_a_query_as_it_stands() -> None:
    embedder = Marked()
    embedder.prefixes = Prefixes()

    embed_cached(embedder, {"paper": "video", "word": Query("video")})

    assert embedder.asked == ["video"]


@pytest.mark.parametrize(
    ("model", "query", "paper"),
    [
        ("BAAI/bge-small-en-v1.5", "Represent this sentence", ""),
        ("snowflake/snowflake-arctic-embed-xs", "Represent this sentence", ""),
        ("snowflake-arctic-embed2:568m", "query: ", ""),
        ("mxbai-embed-large:latest", "Represent this sentence", ""),
        ("nomic-embed-text", "search_query: ", "search_document: "),
        ("intfloat/multilingual-e5-large", "query: ", "passage: "),
        ("intfloat/multilingual-e5-large-instruct", "", ""),
        ("sentence-transformers/all-MiniLM-L6-v2", "", ""),
        ("text-embedding-3-small", "", ""),
    ],
)
def test_models_that_want_prefixes_are_known_by_name(model: str, query: str, paper: str) -> None:
    found = known_prefixes(model)

    assert found.query.startswith(query)
    assert (bool(found.query), found.paper) == (bool(query), paper)


@onnx
def test_a_folder_says_its_own_prefixes(tmp_path: Path) -> None:
    prompts = {"prompts": {"query": "query ", "document": ""}, "default_prompt_name": None}
    write_model(tmp_path / "tiny", files={"config_sentence_transformers": prompts})
    embedder = make_embedder(f"folder:{tmp_path / 'tiny'}")
    assert embedder

    found = embed_cached(embedder, {"paper": "video", "word": Query("video")})

    assert found["paper"].tolist() == [1, 0, 0]
    assert np.allclose(found["word"], [HALF, 0, HALF])


@onnx
def test_a_folder_that_says_nothing_has_the_prefixes_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "bge-small-en-v1.5").mkdir()
    write_model(tmp_path / "bge-small-en-v1.5", files={"config_sentence_transformers": {"prompts": ["odd"]}})
    embedder = make_embedder("folder:bge-small-en-v1.5", home=tmp_path)

    assert getattr(embedder, "prefixes", None) == known_prefixes("bge-small-en-v1.5")


# time


class Slow(Marked):
    """Takes a while for each text."""

    prefixes = Prefixes()

    def __init__(self, pause: float) -> None:
        super().__init__()
        self.pause = pause

    def embed(self, texts: Sequence[str]) -> Rows:
        time.sleep(self.pause * len(texts))
        return super().embed(texts)


def test_a_slow_model_does_not_go_far_beyond_its_time() -> None:
    embedder, began = Slow(0.01), time.monotonic()

    with pytest.raises(EmbedderError, match="no more time after 1 s; "):
        embed_cached(embedder, {str(number): f"text {number}" for number in range(1_000)}, within=1)

    assert 0.5 < time.monotonic() - began < 2.5
    assert 30 < len(embedder.asked) < 200


def test_a_quick_model_gets_large_pieces() -> None:
    sizes: list[int] = []

    class Quick(Marked):
        def embed(self, texts: Sequence[str]) -> Rows:
            sizes.append(len(texts))
            return super().embed(texts)

    embed_cached(Quick(), {str(number): f"text {number}" for number in range(800)}, within=60)

    assert sizes == [32, 256, 256, 256]


@onnx
def test_what_a_model_in_a_folder_has_embedded_is_kept(tmp_path: Path) -> None:
    write_model(tmp_path / "tiny", WORDS)
    kept: dict[str, bytes] = {}

    def known(model: str, digests: Sequence[str]) -> dict[str, bytes]:
        return {name: kept[name] for name in digests if name in kept}

    texts = {"one": "video", "two": "plasma", "word": Query("video")}
    first = make_embedder(f"folder:{tmp_path / 'tiny'}")
    second = make_embedder(f"folder:{tmp_path / 'tiny'}")
    assert first
    assert second
    embed_cached(first, texts, known, lambda _, made: kept.update(made))
    again = embed_cached(second, texts, known)

    assert (len(kept), set(again)) == (2, set(texts))
    assert second._model is None  # type: ignore[attr-defined]  # it was not even loaded
