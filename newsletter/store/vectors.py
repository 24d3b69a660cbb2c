"""Vectors: what an embedder made of a text, by model and digest. Bytes here: only who embeds knows what is in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import select

from newsletter.store.database import TOGETHER, Database, batched
from newsletter.store.schema import vectors


class Vectors:
    """The vectors that were made."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def known(self, model: str, digests: Sequence[str]) -> dict[str, bytes]:
        """Digest → vector, for those that were made before."""
        found: dict[str, bytes] = {}
        with self._database.read() as connection:
            for some in batched(digests, TOGETHER - 1):
                mine = vectors.c.model == model, vectors.c.digest.in_(some)
                found.update((row.digest, row.vector) for row in connection.execute(select(vectors).where(*mine)))
        return found

    def has(self, model: str, digests: Sequence[str]) -> set[str]:
        """The digests of which a vector was made before."""
        found: set[str] = set()
        with self._database.read() as connection:
            for some in batched(digests, TOGETHER - 1):
                mine = vectors.c.model == model, vectors.c.digest.in_(some)
                found.update(connection.execute(select(vectors.c.digest).where(*mine)).scalars())
        return found

    def put(self, model: str, made: Mapping[str, bytes]) -> None:
        """Keep vectors by digest."""
        rows = [{"model": model, "digest": digest, "vector": vector} for digest, vector in made.items()]
        self._database.put(vectors, rows)
