"""A sentence-transformers model exported to ONNX, in a folder: onnxruntime and tokenizers, without PyTorch."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from newsletter.embedder.batches import embed_by_length
from newsletter.errors import EmbedderError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

WEIGHTS = ("model.onnx", "onnx/model.onnx")  #: where exports put them
PACKAGES = ("onnxruntime", "tokenizers")
POOLINGS = {"mean": "mean", "mean_tokens": "mean", "cls": "cls", "cls_token": "cls", "lasttoken": "last"}
LONGEST = 512  #: tokens, where the folder does not say
READ = ("Transformer", "Pooling", "Normalize")  #: modules of a model that are done here


def weights(folder: Path) -> Path | None:
    """The model's file in the folder; None where there is none."""
    return next((folder / name for name in WEIGHTS if (folder / name).is_file()), None)


def runs_here() -> bool:
    """Whether the packages that run such models are installed."""
    return all(map(find_spec, PACKAGES))


@dataclass(frozen=True, slots=True)
class Manner:
    """How a folder wants its texts read and its tokens pooled."""

    longest: int  #: tokens
    pooling: str  #: "mean", "cls" or "last"
    lower: bool  #: texts in lower case
    pad: str  #: the token that fills up


def manner(folder: Path) -> Manner:
    """Read it from the folder's files. Raises EmbedderError for what is not done here."""
    bert, tokens = _json(folder / "sentence_bert_config.json"), _json(folder / "tokenizer_config.json")
    modules = _json(folder / "modules.json") or []
    kinds = (str(module.get("type")).rpartition(".")[2] for module in modules)
    if other := [kind for kind in kinds if kind not in READ]:
        raise EmbedderError(f"it has parts that are not known here: {', '.join(other)}")
    limits = (bert.get("max_seq_length"), tokens.get("model_max_length"))
    longest = next((limit for limit in limits if isinstance(limit, int) and 0 < limit <= 100_000), LONGEST)
    pad = tokens.get("pad_token") or "[PAD]"
    pad = pad["content"] if isinstance(pad, dict) else pad
    return Manner(longest, _pooling(_json(folder / "1_Pooling" / "config.json")), bool(bert.get("do_lower_case")), pad)


class OnnxModel:
    """A loaded model. Raises EmbedderError where the folder holds none that can be run."""

    def __init__(self, folder: Path) -> None:
        import onnxruntime
        from tokenizers import Tokenizer

        self._manner = manner(folder)
        self._tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(self._manner.longest)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # each thread of ours runs a batch
        path, only = str(weights(folder)), ["CPUExecutionProvider"]
        self._session: Any = onnxruntime.InferenceSession(path, options, providers=only)
        self._inputs = [value.name for value in self._session.get_inputs()]
        self._output = _output([value.name for value in self._session.get_outputs()])
        if unknown := {*self._inputs} - {"input_ids", "attention_mask", "token_type_ids"}:
            raise EmbedderError(f"it wants inputs that are not known here: {', '.join(sorted(unknown))}")
        self._pad = self._tokenizer.token_to_id(self._manner.pad) or 0

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Embed texts; the rows have any length."""
        texts = [text.lower() for text in texts] if self._manner.lower else [*texts]
        return embed_by_length(self._tokenizer.encode_batch(texts), len, self._run)

    def _run(self, encoded: list[Any]) -> NDArray[np.float32]:
        """The rows of one batch of tokenised texts, filled up to the longest of them."""
        import numpy as np

        size = max(1, *map(len, encoded))
        shape = len(encoded), size
        fed = {name: np.zeros(shape, np.int64) for name in ("input_ids", "attention_mask", "token_type_ids")}
        fed["input_ids"].fill(self._pad)
        for place, text in enumerate(encoded):
            fed["input_ids"][place, : len(text)] = text.ids
            fed["attention_mask"][place, : len(text)] = 1
            fed["token_type_ids"][place, : len(text)] = text.type_ids
        found = self._session.run([self._output], {name: fed[name] for name in self._inputs})[0]
        return _pooled(found, fed["attention_mask"], self._manner.pooling)


def _pooled(found: NDArray[np.float32], mask: NDArray[np.int64], pooling: str) -> NDArray[np.float32]:
    """One row for each text, of one row for each token; what is one row already stays."""
    import numpy as np

    if found.ndim == 2:
        return found
    counts = np.maximum(mask.sum(1), 1)
    if pooling == "mean":
        rows: NDArray[np.float32] = (found * mask[..., None]).sum(1) / counts[:, None]
    else:
        rows = found[np.arange(len(found)), counts - 1 if pooling == "last" else 0]
    return rows


def _output(names: list[str]) -> str:
    """The output that is pooled already, or the first one: of the tokens."""
    return "sentence_embedding" if "sentence_embedding" in names else names[0]


def _pooling(said: Any) -> str:
    """How the tokens are pooled; the mean where nothing is said."""
    named = [name.removeprefix("pooling_mode_") for name, on in said.items() if name.startswith("pooling_mode_") and on]
    chosen = [said["pooling_mode"]] if isinstance(said.get("pooling_mode"), str) else named or ["mean"]
    if len(chosen) != 1 or chosen[0] not in POOLINGS:
        raise EmbedderError(f"it pools its tokens in a way that is not known here: {', '.join(chosen)}")
    return POOLINGS[chosen[0]]


def _json(path: Path) -> Any:
    """What a file says; {} for one that is not there or cannot be read."""
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return {}
