"""Imports point downward only; brothers on one line never import each other; nothing goes round in a circle."""

from __future__ import annotations

import ast
import re
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "newsletter"
LAYERS = (
    {"__main__"},
    {"cli", "demo", "web"},
    {"engine", "serializers", "testing"},
    {"services"},
    {"collector", "doctor", "embedder", "renderer", "selector", "sender", "store"},
    {"bounces"},
    {"tables"},
    {"formats"},
    {"config", "i18n", "logs", "schedule", "tokens", "worker_process"},
    {"errors", "handshakes", "people", "private_files", "smtp_login", "types", "version", "__init__"},
)
#: doors that open other doors, and `__init__`, which only names what is public
ALLOWED = {("cli", "web"), ("cli", "demo")}
DOORS = ("cli", "demo", "web")


def rank(part: str) -> int:
    return next(place for place, layer in enumerate(LAYERS) if part in layer)


@cache
def modules() -> dict[str, Path]:
    """Dotted name → file."""
    found = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        found[".".join(parts).removesuffix(".__init__")] = path
    return found


def part_of(module: str) -> str:
    return module.split(".")[1] if "." in module else "__init__"


@cache
def imported(module: str) -> frozenset[str]:
    """The modules of ours that one imports, typing-only imports included."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(modules()[module].read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            whole = {f"{node.module}.{alias.name}" for alias in node.names}
            inside = whole & modules().keys()
            found |= inside if inside == whole else {*inside, node.module}
    return frozenset(found & modules().keys() - {module})


def test_every_part_has_a_layer() -> None:
    assert {part_of(module) for module in modules()} <= set().union(*LAYERS)


@pytest.mark.parametrize("module", sorted(modules().keys() - {"newsletter"}))
def test_imports_point_downward(module: str) -> None:
    part = part_of(module)
    others = {part_of(other) for other in imported(module)} - {part}

    assert not {other for other in others if rank(other) <= rank(part) and (part, other) not in ALLOWED}


def test_imports_go_round_in_no_circle() -> None:
    sorter = TopologicalSorter({module: imported(module) for module in modules()})

    try:
        sorter.prepare()
    except CycleError as error:
        pytest.fail(" → ".join(error.args[1]))


@pytest.mark.parametrize("module", sorted(module for module in modules() if part_of(module) in DOORS))
def test_doors_never_touch_the_store(module: str) -> None:
    """They call services; only `init` and `migrate` make and change a database."""
    text = modules()[module].read_text("utf-8")
    reached = re.findall(r"engine\.store\b|^\s*from newsletter\.store import .*\bStore\b", text, re.MULTILINE)

    assert not reached
