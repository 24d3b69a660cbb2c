"""Where reports wait to be read: files, and a Maildir."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

from newsletter.bounces.mime_parser import MOST_BYTES
from newsletter.errors import InputError


@dataclass(frozen=True, slots=True)
class RawReport:
    """One mail that came back."""

    name: str  #: for people
    data: bytes
    key: str = ""  #: what the mailbox finds it by


class Mailbox(Protocol):
    """Somewhere reports wait. Reading one twice does no harm; forgetting one does."""

    def reports(self) -> Iterator[RawReport]:
        """Yield all that wait, one at a time. Raises InputError."""
        ...

    def done(self, report: RawReport) -> None:
        """Mark one as done: it was read, and what it led to is durable."""
        ...


class Files:
    """Named files, "-" for standard input, folders of files and Maildirs, which are only looked at."""

    def __init__(self, paths: Sequence[Path], stdin: BinaryIO) -> None:
        """Look for the files; raises InputError for a path that is not there."""
        missing = [path for path in paths if str(path) != "-" and not path.exists()]
        if missing:
            raise InputError(f"{missing[0]}: No such file or directory")
        self._paths = [file for path in paths for file in _files(path)]
        self._stdin = stdin

    def __len__(self) -> int:
        return len(self._paths)

    def reports(self) -> Iterator[RawReport]:
        for path in self._paths:
            try:
                if str(path) == "-":
                    yield RawReport("-", self._stdin.read(MOST_BYTES))
                else:
                    yield RawReport(str(path), _read(path))
            except OSError as error:
                raise InputError(f"{path}: {error.strerror}") from error

    def done(self, report: RawReport) -> None:
        """Files stay as they are."""


class Maildir:
    """The new mails of a Maildir; what was read moves to `cur`, marked as seen."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def reports(self) -> Iterator[RawReport]:
        """Yield all that can be read; the first error of the others is raised at the end."""
        try:
            names = sorted(file.name for file in (self._folder / "new").iterdir() if not file.name.startswith("."))
        except OSError as error:
            raise InputError(f"{self._folder}: not a Maildir ({error.strerror})") from error
        trouble: InputError | None = None
        for name in names:
            path = self._folder / "new" / name
            try:
                if not path.is_file():  # a folder, a pipe
                    continue
                data = _read(path)
            except FileNotFoundError:  # another reader was quicker
                continue
            except OSError as error:
                trouble = trouble or InputError(f"{path}: {error.strerror}")
                continue
            yield RawReport(name, data, name)
        if trouble:
            raise trouble

    def done(self, report: RawReport) -> None:
        bare = report.key.partition(":")[0]
        try:
            (self._folder / "cur").mkdir(exist_ok=True)
            (self._folder / "new" / report.key).rename(self._folder / "cur" / f"{bare}:2,S")
        except FileNotFoundError:
            return
        except OSError as error:
            raise InputError(f"{self._folder}: {error.strerror}") from error


def _files(path: Path) -> list[Path]:
    """Return a file as itself, a folder as the files in it, a Maildir as the mails in it."""
    if not path.is_dir():
        return [path]
    if (path / "new").is_dir() and (path / "cur").is_dir():
        return [file for part in ("new", "cur") for file in _files(path / part)]
    return sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith("."))


def _read(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(MOST_BYTES)
