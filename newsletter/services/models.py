"""The configured model: whether it is here, what it is, and how it is fetched. Works without a database."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from newsletter.config import Settings
from newsletter.embedder import Embedder, make_embedder
from newsletter.embedder.fetched import FetchedModel, look_for, model_folder
from newsletter.errors import ConfigError, EmbedderError, InputError

KIND = "fastembed:"
LOCAL = ("wordllama", KIND, "folder:")  #: kinds that cost nothing to look at


@dataclass(frozen=True, slots=True)
class ModelReport:
    """What is known of the configured model."""

    model: str  #: as configured; "": none
    trouble: str = ""  #: why it cannot be used; "": it can
    place: Path | None = None  #: its folder, where it has one
    fetched: FetchedModel | None = None  #: for a model that was fetched


def models_folder(settings: Settings) -> Path:
    """Where fetched models are."""
    return settings.home / settings.selection.model_folder.expanduser()


def configured_embedder(settings: Settings) -> Embedder | None:
    """Make the embedder of [selection]; None where none is configured. Raises ConfigError, EmbedderError."""
    section = settings.selection
    key = section.model_key.get_secret_value() if section.model_key else ""
    home, models = settings.home, section.model_folder
    return make_embedder(section.model, url=section.model_url, key=key, home=home, models=models)


def missing(settings: Settings, others: bool = False) -> str:
    """One line on why the configured model cannot be used; "" where it can, or where none is configured.

    `others`: look at those of other packages, too, which may take long.
    """
    model = settings.selection.model
    if not (others or model.startswith(LOCAL)):
        return ""
    try:
        configured_embedder(settings)
    except (ConfigError, EmbedderError) as error:
        return f"{model}: {' '.join(str(error).split())}"
    return ""


def report(settings: Settings) -> ModelReport:
    """Look at the configured model."""
    model, trouble = settings.selection.model, missing(settings, others=True)
    kind, _, rest = model.partition(":")
    if model.startswith(KIND) and rest:
        try:
            folder = models_folder(settings)
            return ModelReport(model, trouble, model_folder(folder, rest), look_for(folder, rest))
        except EmbedderError:
            return ModelReport(model, trouble)
    place = settings.home / Path(rest).expanduser() if kind == "folder" and rest else None
    return ModelReport(model, trouble, place)


def fetch(
    settings: Settings,
    model: str = "",
    progress: Callable[[int, int], object] = lambda came, total: None,  # noqa: ARG005
) -> FetchedModel:
    """Fetch a model of fastembed's list, the configured one by default; nothing is downloaded if it is here.

    `progress`: called with the bytes that came in, and those of all files. Raises EmbedderError, and InputError where
    there is no model to fetch.
    """
    from newsletter.embedder.fetching import fetch as fetch_files

    chosen = (model or settings.selection.model).removeprefix(KIND)
    if not chosen:
        raise InputError('no model is configured: set [selection] model = "fastembed:…", or name one')
    if not model and not settings.selection.model.startswith(KIND):
        raise InputError(f'the model "{settings.selection.model}" is none that can be fetched')
    return fetch_files(chosen, models_folder(settings), progress)
