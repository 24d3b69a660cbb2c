"""Imports point downward only; brothers on one line never import each other."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "newsletter"
LAYERS = (
    {"cli", "web", "workers", "service", "demo", "checkup", "__main__"},
    {"engine", "testing"},
    {"archive", "returns"},
    {
        *{"collector", "embedder", "selector", "renderer", "sender", "store", "schedule"},
        *{"overview", "progress", "quality", "doctor"},
    },
    {"formats"},
    {"config", "tokens", "logs", "messages"},
    {"types", "errors", "__init__"},
)
#: the doors that open other doors, and the fakes that take the sender's seam
ALLOWED = {("cli", "web"), ("cli", "service"), ("cli", "demo"), ("cli", "checkup"), ("__main__", "cli")}


def rank(part: str) -> int:
    return next(place for place, layer in enumerate(LAYERS) if part in layer)


def parts() -> list[str]:
    return sorted(path.stem for path in PACKAGE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists())


def imported(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        if isinstance(node, ast.ImportFrom) and node.module == "newsletter":
            names = [f"newsletter.{alias.name}" for alias in node.names]
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        found |= {name.split(".")[1] for name in names if name.startswith("newsletter.")}
    return found - {"__version__"}


def test_every_part_has_a_layer() -> None:
    assert set(parts()) <= set().union(*LAYERS)


@pytest.mark.parametrize("part", [part for part in parts() if part != "__init__"])  # it only names what is public
def test_imports_point_downward(part: str) -> None:
    files = (PACKAGE / part).rglob("*.py") if (PACKAGE / part).is_dir() else [PACKAGE / f"{part}.py"]
    for path in files:
        upward = {
            other for other in imported(path) - {part} if rank(other) <= rank(part) and (part, other) not in ALLOWED
        }
        assert not upward, f"{path.relative_to(PACKAGE.parent)} imports {sorted(upward)}"
