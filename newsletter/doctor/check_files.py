"""Files that others should not read."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from newsletter.doctor.finding import Finding, error, ok, skipped, warning
from newsletter.doctor.setup import Setup

OLDEST = datetime(2025, 1, 1, tzinfo=UTC)  #: no clock that is right shows less


def check_files(setup: Setup, now: datetime) -> tuple[Finding, ...]:
    """Check the modes of secrets and the database, and the clock."""
    found = [*_modes(setup)] if os.name == "posix" else [skipped("secrets", "file modes are of other systems")]
    if now < OLDEST:
        found.append(error("clock", f"shows {now:%Y-%m-%d}", "Set it by NTP: certificates and dates are judged by it."))
    return tuple(found)


def _modes(setup: Setup) -> Iterator[Finding]:
    open_to = {name: exposed(path) for name, path in setup.secret_files}
    for name, path in setup.secret_files:
        if open_to[name]:
            yield error(name, f"{path} can be {open_to[name]} by every user", f"chmod o-rwx {path}")
    if setup.secret_files and not any(open_to.values()):
        yield ok("secrets", f"{', '.join(sorted({path.name for _, path in setup.secret_files}))}: closed to others")
    database = setup.database_file
    files = [database.with_name(database.name + end) for end in ("", "-wal", "-shm")] if database else []
    if told := next((f"{file} can be {how} by every user" for file in files if (how := exposed(file))), ""):
        yield warning("database file", told, f"chmod o-rwx {database}*: it holds your readers' addresses.")


def exposed(path: Path) -> str:
    """ "read" or "written" where any user of this machine can do that; "" where not, or where there is no file.

    A folder that others may not enter closes all below it.
    """
    try:
        modes = [place.stat().st_mode for place in (path, *path.absolute().parents)]
    except OSError:
        return ""
    if not all(mode & stat.S_IXOTH for mode in modes[1:]):
        return ""
    return "written" if modes[0] & stat.S_IWOTH else "read" if modes[0] & stat.S_IROTH else ""
