"""Where things are and how much a notebook may use: `[tool.notebook-site]` in the project's pyproject.toml."""

from __future__ import annotations

import os
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path


class SiteError(Exception):
    """Something a person has to mend. The message says where, what happened, and what mends it."""


@dataclass(frozen=True)
class Settings:
    """A project's paths (absolute) and the limits of one notebook's run."""

    root: Path
    notebooks: Path
    lock: Path
    cache: Path
    cell_seconds: float = 120
    notebook_seconds: float = 300
    memory_mb: float = 2048


def find_settings(start: Path) -> Settings:
    """Read the settings of the project that `start` lies in.

    The environment variable NOTEBOOK_SITE_CACHE replaces the cache folder.

    Raises
    ------
    SiteError
        No pyproject.toml with a `[tool.notebook-site]` table above `start`, or a setting that is not known.
    """
    start = start.resolve()
    for folder in (start, *start.parents):
        path = folder / "pyproject.toml"
        table = tomllib.loads(path.read_text("utf-8")).get("tool", {}).get("notebook-site") if path.is_file() else None
        if table is not None:
            return _settings(folder, path, dict(table))
    raise SiteError(
        f"{start}: no pyproject.toml with a [tool.notebook-site] table here or above. Run inside the project."
    )


def _settings(root: Path, path: Path, table: dict[str, str | float]) -> Settings:
    known = {field.name for field in fields(Settings)} - {"root"}
    if unknown := sorted(set(table) - known):
        raise SiteError(
            f"{path}: [tool.notebook-site] does not know {', '.join(unknown)}. Known: {', '.join(sorted(known))}."
        )
    cache = os.environ.get("NOTEBOOK_SITE_CACHE") or str(table.get("cache", ".cache/notebooks"))
    limits = {k: float(v) for k, v in table.items() if k not in ("notebooks", "lock", "cache")}
    return Settings(
        root=root,
        notebooks=root / str(table.get("notebooks", "notebooks")),
        lock=root / str(table.get("lock", "requirements.txt")),
        cache=(root / cache).resolve(),
        **limits,
    )
