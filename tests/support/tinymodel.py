"""A model of a few words, as an ONNX file of some hundred bytes: each word's vector is what the test says.

It has one operation (Gather), so that what becomes of a text can be reckoned by hand.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

Vectors = Mapping[str, Sequence[float]]

UNKNOWN, PAD = "[UNK]", "[PAD]"
FLOAT, INT64 = 1, 7  #: ONNX's numbers of types
WORDS: Vectors = {"video": (1, 0, 0), "plasma": (0, 1, 0), "query": (0, 0, 1), "sparse": (1, 1, 1)}


def write_model(
    folder: Path, words: Vectors = WORDS, weights: str = "model.onnx", files: Mapping[str, object] | None = None
) -> Path:
    """Write the model with its tokenizer; `files`: what further ones say, "sentence_bert_config" and so on."""
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.normalizers import Lowercase
    from tokenizers.pre_tokenizers import Whitespace

    size = len(next(iter(words.values())))
    rows = {PAD: [9.0] * size, UNKNOWN: [0.0] * size, **words}  # padding would be seen
    tokenizer: Any = Tokenizer(WordLevel({word: place for place, word in enumerate(rows)}, unk_token=UNKNOWN))
    tokenizer.normalizer, tokenizer.pre_tokenizer = Lowercase(), Whitespace()
    (folder / weights).parent.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(folder / "tokenizer.json"))
    (folder / weights).write_bytes(onnx([*rows.values()]))
    known: dict[str, object] = {"config": {}, "tokenizer_config": {"pad_token": PAD, "model_max_length": 512}}
    for name, said in {**known, **(files or {})}.items():
        place = folder / {"pooling": "1_Pooling/config"}.get(name, name)
        place.parent.mkdir(exist_ok=True)
        place.with_suffix(".json").write_text(json.dumps(said))
    return folder


def onnx(rows: Sequence[Sequence[float]]) -> bytes:
    """A model that looks up a row for each token: input_ids (texts, tokens) → (texts, tokens, numbers)."""
    numbers = b"".join(struct.pack("<f", number) for row in rows for number in row)
    dimensions = b"".join(_number(1, size) for size in (len(rows), len(rows[0])))
    table = dimensions + _number(2, FLOAT) + _bytes(8, b"rows") + _bytes(9, numbers)
    node = _bytes(1, b"rows") + _bytes(1, b"input_ids") + _bytes(2, b"last_hidden_state") + _bytes(4, b"Gather")
    inputs = b"".join(_bytes(11, _value(name, INT64, 2)) for name in (b"input_ids", b"attention_mask"))
    output = _bytes(12, _value(b"last_hidden_state", FLOAT, 3))
    graph = _bytes(1, node) + _bytes(2, b"tiny") + _bytes(5, table) + inputs + output
    return _number(1, 8) + _bytes(7, graph) + _bytes(8, _bytes(1, b"") + _number(2, 13))


def _value(name: bytes, kind: int, dimensions: int) -> bytes:
    """A named tensor whose dimensions may have any size."""
    shape = b"".join(_bytes(1, _bytes(2, f"{name.decode()}{place}".encode())) for place in range(dimensions))
    return _bytes(1, name) + _bytes(2, _bytes(1, _number(1, kind) + _bytes(2, shape)))


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _bytes(field: int, value: bytes) -> bytes:
    return _varint(field << 3 | 2) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    """Protocol Buffers' numbers: seven bits a byte, the lowest first."""
    low, rest = value & 127, value >> 7
    return bytes([low | 128]) + _varint(rest) if rest else bytes([low])
