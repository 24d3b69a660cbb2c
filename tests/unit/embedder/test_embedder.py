"""Embedders, their rows, and the cache before them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from newsletter.embedder import Vectoriser, cache, embed_cached, interest_text, make_embedder, paper_text
from newsletter.embedder.folder import fingerprint
from newsletter.embedder.openai import OpenaiEmbedder
from newsletter.embedder.rows import unit_rows
from newsletter.errors import ConfigError, EmbedderError
from newsletter.testing import make_entry
from newsletter.types import Interest

wordllama = pytest.mark.skipif(find_spec("wordllama") is None, reason="needs the extra wordllama")
transformers = pytest.mark.skipif(
    find_spec("sentence_transformers") is None, reason="needs the extra sentence-transformers"
)
Rows = NDArray[np.float32]


class Letters:
    """Embeds by counting the first letters of the alphabet; keeps what it was asked."""

    def __init__(self, name: str = "letters 1", size: int = 3, most: int = 10_000) -> None:
        self.name, self.size, self.most = name, size, most
        self.asked: list[str] = []

    def embed(self, texts: Sequence[str]) -> Rows:
        if len(self.asked) + len(texts) > self.most:
            raise EmbedderError("enough")
        self.asked += texts
        return unit_rows([[text.count(letter) for letter in "abcdefg"[: self.size]] for text in texts], len(texts))


class Memory:
    """Keeps vectors as the store does."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], bytes] = {}

    def known(self, model: str, digests: Sequence[str]) -> dict[str, bytes]:
        return {each: self.kept[model, each] for each in digests if (model, each) in self.kept}

    def put(self, model: str, vectors: Mapping[str, bytes]) -> None:
        self.kept.update({(model, each): vector for each, vector in vectors.items()})


def test_no_model_is_no_embedder() -> None:
    assert make_embedder("") is None


@pytest.mark.parametrize("model", ["word-llama", "wordllama:", "folder:", "openai:", "gpt"])
def test_a_name_that_nobody_has_lists_what_is_known(model: str) -> None:
    with pytest.raises(ConfigError) as caught:
        make_embedder(model)

    assert f'there is no embedder "{model}" (known: wordllama, fastembed:MODEL, folder:PATH, openai:MODEL' in str(
        caught.value
    )


def test_an_openai_model_wants_an_address() -> None:
    assert isinstance(make_embedder("openai:small", url="http://127.0.0.1:1/v1"), OpenaiEmbedder)
    with pytest.raises(ConfigError, match="needs the url"):
        make_embedder("openai:small")


def test_the_name_of_an_openai_model_says_where_it_is_and_no_secret() -> None:
    named = OpenaiEmbedder("small", "https://ada:secret@api.example.org:444/v1/embeddings?key=secret", "sk-secret")

    assert named.name.startswith("openai:small api.example.org:444/v1")
    assert "secret" not in named.name


def test_what_makes_no_vectors_loads_no_numpy() -> None:
    code = (
        "import sys, newsletter.cli, newsletter.engine, newsletter.embedder.openai as o, newsletter.embedder.wordllama;"
        "o.OpenaiEmbedder('small', 'http://127.0.0.1:1'); sys.exit(bool({'numpy', 'wordllama'} & {*sys.modules}))"
    )

    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


# wordllama, folders


@wordllama
def test_wordllama_finds_papers_alike_that_share_no_word() -> None:
    embedder = make_embedder("wordllama")
    assert embedder

    rows = embedder.embed(["Synthesising video clips", "Movie generation", "Turbulent plasma in a tokamak"])

    assert rows.dtype == np.float32
    assert rows.shape == (3, 256)
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert rows[0] @ rows[1] > rows[0] @ rows[2] + 0.1


@wordllama
def test_wordllama_keeps_the_order_and_says_nothing_of_an_empty_text() -> None:
    embedder = make_embedder("wordllama")
    assert embedder
    texts = ["a long text about the kernels of graphs " * 20, "", "short", "日本語の論文", "of medium length"] * 20

    rows = embedder.embed(texts)

    assert not rows[1].any()
    for row, text in list(zip(rows, texts, strict=True))[:5]:
        assert np.allclose(row, embedder.embed([text])[0], atol=1e-5)
    assert embedder.embed([]).shape[0] == 0


@wordllama
def test_wordllama_needs_neither_a_network_nor_a_home() -> None:
    code = (
        "import sys\n"
        "def refuse(event, words):\n"
        "    if event in ('socket.connect', 'socket.getaddrinfo'): raise SystemExit('it asked the network')\n"
        "sys.addaudithook(refuse)\n"
        "from newsletter.embedder import make_embedder\n"
        "print(make_embedder('wordllama').embed(['a']).shape)"
    )
    environ = {"HOME": "/nonexistent", "PYTHONPATH": ":".join(sys.path)}

    done = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True)

    assert done.stdout == "(1, 256)\n", done.stderr


@pytest.mark.skipif(find_spec("wordllama") is not None, reason="wordllama is installed")
def test_wordllama_that_is_not_installed_says_how_to_install_it() -> None:
    with pytest.raises(EmbedderError, match=r"pip install \"newsletter\[wordllama\]\""):
        make_embedder("wordllama")


@pytest.mark.skipif(find_spec("sentence_transformers") is not None, reason="sentence-transformers is installed")
def test_a_folder_without_its_package_says_how_to_install_it(tmp_path: Path) -> None:
    with pytest.raises(EmbedderError, match=r"pip install \"newsletter\[sentence-transformers\]\""):
        make_embedder("folder:model", home=tmp_path)


@transformers
def test_a_folder_without_a_model_is_named(tmp_path: Path) -> None:
    with pytest.raises(EmbedderError, match="there is no model in"):
        make_embedder("folder:model", home=tmp_path)


@transformers
@pytest.mark.filterwarnings("ignore")
def test_a_folder_with_a_model_embeds(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.models import BoW

    SentenceTransformer(modules=[BoW(["video", "plasma"])], device="cpu").save(str(tmp_path / "model"))
    embedder = make_embedder("folder:model", home=tmp_path)
    assert embedder

    rows = embedder.embed(["video", "plasma", "video plasma"])

    assert np.allclose(rows, [[1, 0], [0, 1], [0.5**0.5, 0.5**0.5]], atol=1e-6)


def test_a_model_whose_files_change_has_another_name(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text("{}")
    before = fingerprint(tmp_path)
    same = fingerprint(tmp_path)
    (tmp_path / "config.json").write_text('{"size": 2}')

    assert before == same != fingerprint(tmp_path)


# rows


def test_rows_have_length_one_however_large_or_small_they_come() -> None:
    rows = unit_rows([[3.0, 4.0], [0, 0], [1e300, 0], [0, -1e-300]], 4)

    assert rows.dtype == np.float32
    assert rows.tolist() == [[np.float32(0.6), np.float32(0.8)], [0, 0], [1, 0], [0, -1]]


@pytest.mark.parametrize(
    ("values", "why"),
    [
        ([[1.0, 2.0]], "shape"),
        ([1.0, 2.0], "shape"),
        ([[[1.0]], [[2.0]]], "shape"),
        ([[], []], "shape"),
        (None, "shape"),
        ([[1.0], [1.0, 2.0]], "different lengths"),
        ([["a"], ["b"]], "no numbers"),
        ([[{}], [1]], "no numbers"),
        ([[10**400], [1]], "no numbers"),
        ([[1.0, float("nan")], [1.0, 2.0]], "not finite"),
        ([[1.0, float("inf")], [1.0, 2.0]], "not finite"),
        ([[1.0, None], [1.0, 2.0]], "not finite"),
    ],
)
def test_rows_that_are_none_are_refused(values: object, why: str) -> None:
    with pytest.raises(EmbedderError, match=why):
        unit_rows(values, 2)


# the cache


def test_each_text_is_asked_for_once() -> None:
    embedder, memory = Letters(), Memory()

    first = embed_cached(embedder, {"x": "abba", "y": "cab", "z": "abba"}, memory.known, memory.put)
    second = embed_cached(embedder, {"y": "cab", "new": "bee"}, memory.known, memory.put)

    assert sorted(embedder.asked) == ["abba", "bee", "cab"]
    assert (first["x"] == first["z"]).all()
    assert (first["y"] == second["y"]).all()
    assert second["new"].dtype == np.float32


def test_white_space_and_the_form_of_letters_make_no_other_text() -> None:
    embedder, memory = Letters(), Memory()

    embed_cached(embedder, {"x": " Poincare\u0301  a\n\n b "}, memory.known, memory.put)
    embed_cached(embedder, {"x": "Poincaré a\nb"}, memory.known, memory.put)

    assert embedder.asked == ["Poincaré a\nb"]


def test_half_characters_and_endless_texts_are_made_harmless() -> None:
    embedder = Letters()

    embed_cached(embedder, {"x": "a\ud800", "y": "a" * 100_000})

    assert embedder.asked == ["a?", "a" * 8_000]


def test_a_text_that_says_nothing_has_no_vector() -> None:
    embedder = Letters()

    assert embed_cached(embedder, {"blank": " \n", "unknown": "xyz"}) == {}
    assert embedder.asked == ["xyz"]


def test_models_never_share_a_vector() -> None:
    one, other, memory = Letters("letters 1", 2), Letters("letters 2", 3), Memory()

    for embedder in (one, other):
        found = embed_cached(embedder, {"x": "abc"}, memory.known, memory.put)
        assert len(found["x"]) == embedder.size


def test_what_was_made_before_a_failure_is_kept() -> None:
    texts = {str(number): f"{'a' * number}b" for number in range(2 * cache.CHUNK)}
    memory, failing, well = Memory(), Letters(most=cache.CHUNK), Letters()

    with pytest.raises(EmbedderError, match="enough"):
        embed_cached(failing, texts, memory.known, memory.put)
    found = embed_cached(well, texts, memory.known, memory.put)

    assert len(found) == 2 * cache.CHUNK
    assert len(well.asked) == cache.CHUNK


def test_no_more_is_asked_for_when_the_time_is_over() -> None:
    embedder = Letters()

    with pytest.raises(EmbedderError, match="no more time after -1 s; 1 of 1 texts are left for the next run"):
        embed_cached(embedder, {"x": "abc"}, within=-1)

    assert embedder.asked == []


def test_vectors_of_another_size_are_made_again() -> None:
    memory = Memory()
    embed_cached(Letters(size=2), {"x": "abc", "y": "ab"}, memory.known, memory.put)
    changed = Letters(size=3)

    found = embed_cached(changed, {"x": "abc", "y": "ab", "z": "a"}, memory.known, memory.put)

    assert {len(row) for row in found.values()} == {3}
    assert sorted(changed.asked) == ["a", "ab", "abc"]


def test_kept_vectors_of_two_sizes_are_all_made_again() -> None:
    memory = Memory()
    embed_cached(Letters(size=2), {"x": "abc"}, memory.known, memory.put)
    embed_cached(Letters(size=3), {"y": "ab"}, memory.known, memory.put)

    found = embed_cached(Letters(size=4), {"x": "abc", "y": "ab"}, memory.known, memory.put)

    assert {len(row) for row in found.values()} == {4}


def test_bytes_that_are_no_vector_are_made_again() -> None:
    memory = Memory()
    memory.put("letters 1", {cache.digest("abc"): b"xyz"})

    assert len(embed_cached(Letters(), {"x": "abc"}, memory.known, memory.put)["x"]) == 3


class Odd(Letters):
    """Answers, or raises, whatever it was made with."""

    def __init__(self, answer: object) -> None:
        super().__init__()
        self.answer = answer

    def embed(self, texts: Sequence[str]) -> Rows:  # noqa: ARG002
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (None, "shape"),
        (np.ones((2, 3)), "shape"),
        ([[float("nan")]], "not finite"),
        (ZeroDivisionError("no\nway"), "^ZeroDivisionError: no$"),
        (KeyError(), "^KeyError$"),
    ],
)
def test_whatever_an_embedder_does_is_our_error(answer: object, why: str) -> None:
    with pytest.raises(EmbedderError, match=why):
        embed_cached(Odd(answer), {"x": "abc"})


def test_what_is_embedded_of_papers_and_interests() -> None:
    assert paper_text(make_entry(title="T", abstract="A")) == "T\nA"
    assert interest_text(Interest("plasma", keywords=("tokamak", "plasma"))) == "plasma, tokamak"


# the vectoriser


def test_a_failure_is_no_vectors_and_a_line() -> None:
    memory = Memory()
    vectoriser = Vectoriser("own", lambda: Odd(ZeroDivisionError("no way")), memory.known, memory.put)

    assert vectoriser.vectors({"x": "abc"}, 10) == ({}, "own: ZeroDivisionError: no way")


def test_those_in_a_hurry_do_not_ask_again_what_has_just_failed() -> None:
    memory, embedder, clock = Memory(), Letters(most=0), [0.0]
    vectoriser = Vectoriser("own", lambda: embedder, memory.known, memory.put, lambda: clock[0])
    failed = vectoriser.vectors({"x": "abc"}, 10, hurry=True)
    embedder.most = 10

    assert vectoriser.vectors({"x": "abc"}, 10, hurry=True) == failed == ({}, "own: enough")
    clock[0] = 301
    assert vectoriser.vectors({"x": "abc"}, 10, hurry=True)[1] == ""


def test_those_who_can_wait_ask_again_at_once() -> None:
    memory, embedder = Memory(), Letters(most=0)
    vectoriser = Vectoriser("own", lambda: embedder, memory.known, memory.put)
    vectoriser.vectors({"x": "abc"}, 10)
    embedder.most = 10

    assert vectoriser.vectors({"x": "abc"}, 10)[1] == ""
    assert vectoriser.vectors({"x": "abc"}, 10, hurry=True)[1] == ""


def test_a_name_that_nobody_has_is_only_trouble_for_the_vectoriser() -> None:
    memory = Memory()
    vectoriser = Vectoriser("gpt", lambda: make_embedder("gpt"), memory.known, memory.put)

    assert vectoriser.vectors({"x": "abc"}, 10)[1].startswith('gpt: there is no embedder "gpt"')


def test_no_model_is_no_trouble() -> None:
    memory = Memory()

    assert Vectoriser("", lambda: None, memory.known, memory.put).vectors({"x": "abc"}, 10) == ({}, "")
