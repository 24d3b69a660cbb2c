"""Files that commands read and write; what goes wrong with one is an InputError of one line that names it."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from newsletter.errors import InputError
from newsletter.private_files import private


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Raise the system's errors as InputErrors that begin with the path."""
    try:
        yield
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error


def read_bytes(path: Path) -> bytes:
    """The whole file; "-" is standard input."""
    with naming(path):
        return sys.stdin.buffer.read() if str(path) == "-" else path.read_bytes()


def read_text_lines(path: Path) -> list[str]:
    """Lines without their ends; what is not UTF-8 is replaced."""
    return read_bytes(path).decode("utf-8", "replace").splitlines()


def read_json_object(path: Path) -> dict[str, Any]:
    """One JSON object; raises InputError for anything else."""
    try:
        row = json.loads(read_bytes(path))
    except ValueError as error:
        raise InputError(f"{path}: not JSON ({error})") from error
    if not isinstance(row, dict):
        raise InputError(f"{path}: not a JSON object")
    return row


def write_bytes(path: Path, data: bytes) -> None:
    """Write the file, over what was there; a new one is for its owner's eyes only."""
    with naming(path), open(path, "wb", opener=private) as file:
        file.write(data)


def write_text_lines(path: Path, lines: Iterable[str]) -> None:
    """Write each line as it comes, over what was there; a new file is for its owner's eyes only."""
    with naming(path), open(path, "w", encoding="utf-8", opener=private) as file:
        file.writelines(f"{line}\n" for line in lines)


def write_missing(folder: Path, texts: Mapping[str, str]) -> None:
    """Write a file for each name that is not there yet, and print which; a `.secret` is for its owner's eyes only."""
    with naming(folder):
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            _write_if_missing(folder / name, text)


def _write_if_missing(path: Path, text: str) -> None:
    try:
        with open(path, "x", encoding="utf-8", opener=private if path.suffix == ".secret" else None) as file:
            file.write(text)
    except FileExistsError:
        click.echo(f"{path}: is there already, left as it is")
    else:
        click.echo(f"{path}: written")
