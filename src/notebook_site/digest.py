"""The key of an execution: everything that can change a notebook's output, and nothing that cannot."""

from __future__ import annotations

import hashlib
import json
import platform
import re
from functools import lru_cache
from importlib import metadata
from pathlib import Path
from typing import Any

from notebook_site.notebooks import Notebook
from notebook_site.settings import Settings, SiteError

FORMAT = 1  # raise it when an older execution must not be reused: kernel arguments, output checks, record fields

EXECUTION_TAGS = frozenset({"raises-exception", "warns"})  # other tags change how a cell is shown, not its run

# One thread a kernel and as many kernels as cores beats the libraries' own threads (bench/), and it makes sums repeat.
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "NUMBA_NUM_THREADS": "1",
    "TF_NUM_INTRAOP_THREADS": "1",
    "TF_NUM_INTEROP_THREADS": "1",
    "PYTHONHASHSEED": "0",
    "SOURCE_DATE_EPOCH": "315532800",  # 1980, zip's first day: no figure carries the date of its run
    "TF_ENABLE_ONEDNN_OPTS": "0",
    "TF_CPP_MIN_LOG_LEVEL": "3",
    "CUDA_VISIBLE_DEVICES": "",
    "KERAS_BACKEND": "tensorflow",
    "HF_HUB_OFFLINE": "1",
    "MPLBACKEND": "module://matplotlib_inline.backend_inline",
}


def sha256(data: str | bytes) -> str:
    return hashlib.sha256(data.encode() if isinstance(data, str) else data).hexdigest()


@lru_cache
def locked_versions(lock: Path) -> dict[str, str]:
    """Installed versions of the packages that the lock names; those that are not installed are left out.

    Raises
    ------
    SiteError
        The lock does not exist.
    """
    try:
        text = lock.read_text("utf-8")
    except OSError as error:
        raise SiteError(f"{lock}: the lock cannot be read: {error}. `make lock` writes it.") from error
    names = re.findall(r"^([A-Za-z0-9._-]+)==", text, flags=re.M)
    return {name: version for name in sorted(set(names)) if (version := installed_version(name))}


@lru_cache
def installed_version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None


@lru_cache
def _distributions() -> dict[str, list[str]]:
    return {module: list(names) for module, names in metadata.packages_distributions().items()}


def imported_versions(notebook: Notebook) -> dict[str, str]:
    """Versions of the distributions that the notebook imports."""
    found = {name for module in notebook.imports for name in _distributions().get(module, ())}
    return {name: version for name in sorted(found) if (version := installed_version(name))}


def ingredients(notebook: Notebook, settings: Settings) -> dict[str, Any]:
    """What the key is made of, by name; values are short strings and dicts and lists of them.

    Raises
    ------
    SiteError
        A declared data file cannot be read.
    """
    return {
        "format": FORMAT,
        "python": ".".join(platform.python_version_tuple()[:2]),
        "packages": locked_versions(settings.lock),
        "environment": ENVIRONMENT | {"kernel files": _kernel_files()},
        "data": {name: _file_digest(notebook, name) for name in notebook.data},
        "cells": [_cell_digest(cell.source, cell.tags) for cell in notebook.code],
    }


def _cell_digest(source: str, tags: frozenset[str]) -> str:
    return sha256(json.dumps([source, sorted(tags & EXECUTION_TAGS)]))[:16]


@lru_cache
def _kernel_files() -> str:
    folder = Path(__file__).parent / "kernel"
    return sha256(b"".join(p.read_bytes() for p in sorted(folder.iterdir()) if p.is_file()))[:16]


def _file_digest(notebook: Notebook, name: str) -> str:
    path = notebook.folder / name
    try:
        return sha256(path.read_bytes())[:16]
    except OSError as error:
        raise SiteError(
            f"{notebook.path}: data file {name!r} cannot be read: {error}. Mend `site.data` in the metadata."
        ) from error


def key_of(parts: dict[str, Any]) -> str:
    """The key (64 hexadecimal digits) of the ingredients."""
    return sha256(json.dumps(parts, sort_keys=True))


def changes(old: dict[str, Any], new: dict[str, Any], code_ids: list[str]) -> list[str]:
    """What differs between two sets of ingredients, one line each, empty when they are the same."""
    lines = [
        f"{name} {old.get(name)} → {new.get(name)}" for name in ("format", "python") if old.get(name) != new.get(name)
    ]
    for group, label in (("packages", ""), ("environment", "environment "), ("data", "data file ")):
        before, after = old.get(group, {}), new.get(group, {})
        for name in sorted(set(before) | set(after)):
            if before.get(name) != after.get(name):
                lines.append(f"{label}{name} {before.get(name, 'absent')} → {after.get(name, 'absent')}")
    before, after = old.get("cells", []), new.get("cells", [])
    if len(before) != len(after):
        lines.append(f"{len(before)} code cells → {len(after)}")
    known = set(before)
    lines += [
        f"code cell {number} ({code_ids[number - 1]})" for number, cell in enumerate(after, 1) if cell not in known
    ]
    return lines or (["the order of the code cells"] if before != after else [])
