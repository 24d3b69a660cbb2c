"""The configured model in JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from newsletter.services.models import ModelReport
from newsletter.services.vectors import Coverage


def model_row(found: ModelReport, coverage: Coverage | None) -> dict[str, Any]:
    """A model, its files, and how many of the next issue's texts have a vector (null where it cannot be told)."""
    files = found.fetched
    return {
        "model": found.model,
        "here": bool(found.model) and not found.trouble,
        "trouble": found.trouble,
        "folder": str(found.place) if found.place else "",
        "bytes": files.size if files else None,
        "dimensions": len(files.trial) if files else None,
        "source": files.source if files else "",
        "revision": files.revision if files else "",
        "vectors": asdict(coverage) if coverage else None,
    }
