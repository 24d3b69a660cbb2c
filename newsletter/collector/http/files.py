"""A source in a file: which file a location means, and its bytes within a limit."""

from __future__ import annotations

import stat
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from newsletter.collector.http.body import raise_too_large
from newsletter.errors import SourceError


def resolve(location: str, base: Path = Path()) -> Path:
    """The file a location means: `file://` and `~` understood, relative to `base`, else to the current directory."""
    scheme, mark, _ = location.partition("://")
    if mark and scheme.lower() != "file":
        raise SourceError(f'{location}: addresses of the form "{scheme}://" are not read (http, https, file or a path)')
    try:
        path = Path(url2pathname(urlsplit(location).path) if mark else location).expanduser()
    except RuntimeError:
        raise SourceError(f"{location}: there is no such home directory") from None
    return path if not (base / path).exists() and path.exists() else base / path


def read_file(location: str, base: Path, limit: int) -> bytes:
    """The bytes of a regular file. Raises SourceError, one line that names the location."""
    try:
        path = resolve(location, base)
        if not stat.S_ISREG(path.stat().st_mode):
            raise SourceError(f"{location}: {'a directory' if path.is_dir() else 'a device or pipe'}, not a file")
        with path.open("rb") as file:
            data = file.read(limit + 1)
    except FileNotFoundError:
        raise SourceError(f"{location}: there is no such file") from None
    except (OSError, ValueError) as error:
        raise SourceError(f"{location}: {getattr(error, 'strerror', None) or error}") from error
    if len(data) > limit:
        raise_too_large(limit, location)
    return data
