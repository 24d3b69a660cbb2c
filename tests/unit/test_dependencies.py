"""The versions that the set-up installs: such as pyproject.toml allows, from nowhere in particular."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]
VERSIONS = (ROOT / ".ci" / "constraints.txt").read_text("utf-8")
PINNED = {canonicalize_name(name): version for name, version in re.findall(r"(?m)^([\w.-]+)==(\S+)$", VERSIONS)}


def test_constraints_are_versions_and_nothing_else() -> None:
    lines = [line for line in VERSIONS.splitlines() if not line.startswith("#")]

    assert [line for line in lines if not re.fullmatch(r"[\w.-]+==[\w.!+-]+", line)] == []
    assert len(PINNED) == len(lines)


def test_every_dependency_has_a_version_that_its_floor_allows() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    wanted = [Requirement(line) for line in project["dependencies"] + project["optional-dependencies"]["test"]]

    wrong = [str(one) for one in wanted if not one.specifier.contains(PINNED.get(canonicalize_name(one.name), "0"))]

    assert wrong == []


def test_the_set_up_installs_nothing_without_the_constraints() -> None:
    setup = (ROOT / ".ci" / "setup").read_text("utf-8")

    assert re.findall(r"pip install.*", setup) == [
        'pip install --quiet --disable-pip-version-check --constraint .ci/constraints.txt "$@"'
    ]
