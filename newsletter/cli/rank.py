"""The command rank: entries and profiles in, picks out, without a database."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from newsletter.cli.base import config_option
from newsletter.cli.files import read_bytes
from newsletter.cli.output import print_lines, warn, warn_without_vectors
from newsletter.errors import EmbedderError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from newsletter.selector import Defaults, Pool
    from newsletter.types import Entry, Pick, Profile


@click.command()
@config_option
@click.option("--entries", "entries_file", type=click.Path(path_type=Path), required=True, help="The candidates.")
@click.option("--profiles", "profiles_file", type=click.Path(path_type=Path), required=True, help="The readers.")
@click.option("--library", "library_file", type=click.Path(path_type=Path), help="Entries that profiles refer to.")
@click.option("--seen", "seen_file", type=click.Path(path_type=Path), help="Pairs that must not be picked again.")
@click.option("--size", type=click.IntRange(1, 1000), help="Picks per profile [default: the profile's own, or 10].")
@click.option(
    "--floor",
    type=click.FloatRange(min=0),
    help="Deviations above what is usual that a pick needs; 0 shows the whole order [default: 3].",
)
@click.option(
    "--model", default="", help="An embedder, as in [selection] model: wordllama, fastembed:MODEL, … [default: none]."
)
@click.option("--model-url", default="", help="Of openai:MODEL; its key: $NEWSLETTER_SELECTION__MODEL_KEY.")
def rank(
    entries_file: Path,
    profiles_file: Path,
    library_file: Path | None,
    seen_file: Path | None,
    size: int | None,
    floor: float | None,
    model: str,
    model_url: str,
) -> None:
    """Rank entries for profiles: JSON Lines in, JSON Lines out; no database, no configuration.

    \b
    entry    {"id","title"} and more     profile  {"id"}, "interests", "liked", "muted", ...
    seen     {"profile","entry"}         out      {"profile","picks":[{"entry","score","interest","reasons"}]}

    A profile that nothing fits gets what many like, or else is new: without an interest, and called so. With
    "fill": "none" or "hype": 0 it gets nothing.
    """
    from dataclasses import replace

    from newsletter.collector import read_entries
    from newsletter.formats import dump_lines, pick_row, read_profiles, read_seen
    from newsletter.selector import FLOOR, Defaults, likes, prepare

    now = datetime.now(UTC)
    entries, entry_problems = read_entries(read_bytes(entries_file), now)
    library, library_problems = read_entries(read_bytes(library_file), now) if library_file else ((), ())
    profiles, profile_problems = read_profiles(read_bytes(profiles_file))
    seen, seen_problems = read_seen(read_bytes(seen_file)) if seen_file else ({}, [])
    _warn_of_lines(entries_file, entry_problems)
    _warn_of_lines(library_file, library_problems)
    _warn_of_lines(profiles_file, profile_problems)
    _warn_of_lines(seen_file, seen_problems)
    sized = [replace(profile, size=size or profile.size) for _, profile in profiles]
    vectors = _vectors(model, model_url, (*library, *entries), sized)
    pool = prepare(entries, library, None, [likes(profile) for profile in sized], vectors)
    defaults = Defaults(floor=FLOOR if floor is None else floor)
    chosen = _chosen(pool, sized, [seen.get(name, set()) for name, _ in profiles], defaults)
    rows = zip((name for name, _ in profiles), chosen, strict=True)
    print_lines(dump_lines({"profile": name, "picks": [pick_row(pick) for pick in picks]} for name, picks in rows))


def _chosen(
    pool: Pool, profiles: Sequence[Profile], seen: Sequence[Set[str]], defaults: Defaults
) -> list[tuple[Pick, ...]]:
    """The picks of each profile; where there are none, what an edition without a pick holds, unless it is unwanted."""
    from dataclasses import replace

    from newsletter.selector import select
    from newsletter.types import Fill

    found = select(pool, profiles, seen, defaults)
    dry = [
        place
        for place, picks in enumerate(found)
        if not picks and profiles[place].fill is None and profiles[place].hype != 0
    ]
    popular = replace(defaults, fill=Fill.POPULAR)
    filled = select(pool, [profiles[place] for place in dry], [seen[place] for place in dry], popular) if dry else []
    for place, picks in zip(dry, filled, strict=True):
        found[place] = picks
    return found


def _warn_of_lines(path: Path | None, problems: Sequence[str]) -> None:
    warn(f"{path}, {problem}" for problem in problems)


def _vectors(
    model: str, url: str, entries: Iterable[Entry], profiles: Iterable[Profile]
) -> Mapping[str, NDArray[np.float32]] | None:
    """By entry id, and by the readers' words; None without a model, and where it fails, with a warning.

    Raises ConfigError for an unknown name.
    """
    from newsletter.embedder import MODELS, Query, embed_cached, make_embedder, paper_text
    from newsletter.selector import phrases

    try:
        key = os.environ.get("NEWSLETTER_SELECTION__MODEL_KEY", "")
        models = Path(os.environ.get("NEWSLETTER_SELECTION__MODEL_FOLDER") or MODELS)
        embedder = make_embedder(model, url=url, key=key, models=models)
        words = {word: Query(word) for profile in profiles for word in phrases(profile)}
        texts = words | {entry.id: paper_text(entry) for entry in entries}
        return embed_cached(embedder, texts) if embedder else None
    except EmbedderError as error:
        warn_without_vectors(f"{model}: {' '.join(str(error).split())}")
        return None
