"""Executed notebooks on disk, found again by their key.

An entry is one file, `<key>.ipynb`: an executed notebook that Jupyter opens, with its Record in the metadata. Writing
ends in one rename, so two builds at once, or a killed one, leave whole entries only. Beside the entries, `last/` keeps
the newest record of each page, failures included: for `status`, `why` and the order of execution.
"""

from __future__ import annotations

import json
import os
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from notebook_site.digest import sha256
from notebook_site.settings import SiteError

METADATA_KEY = "notebook_site"


@dataclass(frozen=True)
class CellRun:
    """What one code cell took: wall seconds and bytes of output."""

    id: str
    seconds: float
    output_bytes: int


@dataclass(frozen=True)
class Record:
    """One execution of one page.

    `outcome` is `ok` or the failure's kind (see execute.py), `message` says what happened where. `seconds` is the wall
    time from kernel start to its end, `peak_memory_mb` the largest resident size of the kernel and its children.
    """

    path: str
    key: str
    outcome: str
    message: str
    seconds: float
    peak_memory_mb: float
    versions: dict[str, str]
    python: str
    executed_at: str
    ingredients: dict[str, Any] = field(repr=False)
    cells: tuple[CellRun, ...] = ()

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Record:
        cells = tuple(CellRun(**cell) for cell in value["cells"])
        return cls(**{**value, "cells": cells})


class Cache:
    """The folder of executed notebooks. `warn` is told, in one line, of entries that cannot be used."""

    def __init__(self, folder: Path, warn: Callable[[str], None]) -> None:
        self.folder = folder
        self.warn = warn

    def _entry(self, key: str) -> Path:
        return self.folder / f"{key}.ipynb"

    def _last(self, path: str) -> Path:
        return self.folder / "last" / f"{path.replace('/', '__')}.json"

    def find(self, key: str) -> tuple[dict[str, Any], Record] | None:
        """The executed notebook (nbformat JSON) and record of a key; None if there is none or it is damaged."""
        path = self._entry(key)
        if not path.exists():
            return None
        try:
            notebook = json.loads(path.read_text("utf-8"))
            kept = notebook["metadata"].pop(METADATA_KEY)
            record = Record.from_json(kept["record"])
            if kept["digest"] != _outputs_digest(notebook) or record.key != key or record.outcome != "ok":
                raise ValueError("its contents are not those it was written with")
        except (OSError, ValueError, KeyError, TypeError) as error:
            self.warn(f"{path}: damaged cache entry ignored, the notebook runs again ({type(error).__name__}: {error})")
            return None
        return notebook, record

    def store(self, executed: dict[str, Any], record: Record) -> None:
        """Keep a successful execution.

        Raises
        ------
        SiteError
            The entry cannot be written, for instance because the disk is full; nothing half is left behind.
        """
        kept = {"record": asdict(record), "digest": _outputs_digest(executed)}
        notebook = {**executed, "metadata": {**executed["metadata"], METADATA_KEY: kept}}
        self._write(self._entry(record.key), json.dumps(notebook, ensure_ascii=False, indent=1))

    def last(self, path: str) -> Record | None:
        """The newest record of a page, whatever its outcome."""
        try:
            return Record.from_json(json.loads(self._last(path).read_text("utf-8")))
        except (OSError, ValueError, KeyError, TypeError):
            return None  # only an order of execution and an explanation depend on it

    def remember(self, record: Record) -> None:
        """Make `record` the newest of its page. Raises SiteError as `store` does."""
        self._write(self._last(record.path), json.dumps(asdict(record), ensure_ascii=False, indent=1))

    def _write(self, path: Path, text: str) -> None:
        temporary: Path | None = None
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._sweep(path.parent)
            descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".writing-")
            temporary = Path(name)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
            temporary.replace(path)
        except OSError as error:
            if temporary is not None:
                temporary.unlink(missing_ok=True)
            raise SiteError(
                f"{path}: cannot be written: {error}. Free some space, or set NOTEBOOK_SITE_CACHE to a folder that has it."
            ) from error

    @staticmethod
    def _sweep(folder: Path) -> None:
        """Remove what killed builds left behind: unfinished files older than a day."""
        for leftover in folder.glob(".writing-*"):
            with suppress(OSError):  # another build may have removed it
                if leftover.stat().st_mtime < time.time() - 86_400:
                    leftover.unlink()


def _outputs_digest(notebook: dict[str, Any]) -> str:
    return sha256(json.dumps([cell.get("outputs") for cell in notebook["cells"]], sort_keys=True))
