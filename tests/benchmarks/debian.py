"""Mail servers and load tools of Debian, unpacked by `.ci/setup test` since they conflict as packages, or installed."""

from __future__ import annotations

import os
import platform
import shutil
from pathlib import Path

UNPACKED = Path(__file__).parents[2] / ".venv" / "servers"


def program(package: str, path: str) -> Path | None:
    """The program `path` ("usr/sbin/smtp-sink") of the package, or None."""
    unpacked = UNPACKED / package / path
    if unpacked.exists():
        return unpacked
    installed = shutil.which(path.rpartition("/")[2], path="/usr/sbin:/usr/lib/postfix/sbin:" + os.environ["PATH"])
    return Path(installed) if installed else None


def environment(unpacked: Path) -> dict[str, str]:
    """What the programs of a package that lies there need to find their libraries."""
    folders = [unpacked / "usr/lib/postfix", unpacked / "usr/lib" / f"{platform.machine()}-linux-gnu"]
    return {**os.environ, "LD_LIBRARY_PATH": ":".join(map(str, folders))}
