"""A new SQLite file for its owner alone: it holds the readers' addresses, and perhaps the secret that signs links."""

from __future__ import annotations

import os
from contextlib import suppress
from urllib.parse import unquote

from sqlalchemy import URL

from newsletter.private_files import private


def make_private(url: URL) -> None:
    """Make an empty file with mode 0600 where there is none; SQLite gives its journals the same mode.

    One that is there keeps its mode: `newsletter doctor` tells of a wider one. What hinders here hinders SQLite too,
    which then says why.
    """
    name, given = url.database or "", url.normalized_query
    if name.startswith("file:") and given.get("uri"):
        if given.get("mode", ("rwc",)) != ("rwc",):
            return
        name = unquote(name.removeprefix("file:"))
    if name in ("", ":memory:"):
        return
    with suppress(OSError):
        os.close(private(os.path.realpath(name), os.O_CREAT | os.O_EXCL | os.O_WRONLY))
