"""A folder as transport: one .eml a mail, for --dry-run and for looking. The links in them act in a reader's name."""

from __future__ import annotations

import re
from pathlib import Path
from zlib import crc32

from newsletter.errors import InputError
from newsletter.private_files import private
from newsletter.sender.transport import Begin, Connection
from newsletter.types import Mail


class FolderTransport:
    """Writes each mail to `folder`/`address`.eml; the folder is made if need be."""

    ahead = 1

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def open(self) -> Connection:
        """Make the folder; raises InputError where it cannot be made."""
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)  # the files have readers' addresses for names
        except OSError as error:
            raise InputError(f"{self.folder}: {error.strerror}") from error
        return self

    async def send(self, mail: Mail, begin: Begin) -> str:
        await begin()
        path = self.folder / f"{file_name(mail.recipient)}.eml"
        try:
            _write(path, mail.body)
        except OSError as error:
            raise InputError(f"{path}: {error.strerror}") from error
        return str(path)

    async def close(self) -> None:
        """Do nothing: a folder needs no goodbye."""


def _write(path: Path, body: bytes) -> None:
    with open(path, "wb", opener=private) as file:
        file.write(body)


def file_name(address: str) -> str:
    """An address as a file name: no slash, no leading dot, short; a few digits more where something was changed."""
    plain = re.sub(r"[^\w@.+-]", "_", address).lstrip(".")[:100]
    return plain if plain == address else f"{plain}-{crc32(address.encode('utf-8', 'replace')):08x}"
