"""The maintainer's scripts in tools/."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from conftest import ROOT


def stored(folder: Path, *cells: tuple[str, list[str], list[Any]]) -> Path:
    """A cache folder with one executed notebook of (id, tags, outputs)."""
    folder.mkdir()
    code = [{"cell_type": "code", "id": i, "metadata": {"tags": t}, "outputs": o} for i, t, o in cells]
    notebook = {"metadata": {"site": {"section": "first/1"}}, "cells": code}
    (folder / "key.ipynb").write_text(json.dumps(notebook))
    return folder


def text(*pieces: str) -> list[Any]:
    return [{"output_type": "stream", "name": "stdout", "text": piece} for piece in pieces]


def error(path: str) -> list[Any]:
    return [{"output_type": "error", "ename": "ValueError", "evalue": "no", "traceback": [path]}]


def compare(first: Path, second: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "tools" / "compare_runs.py"), str(first), str(second)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_a_cell_that_prints_something_else_in_the_second_run_is_named(tmp_path: Path) -> None:
    first = stored(tmp_path / "a", ("draw", [], text("1")), ("same", [], text("2")))
    done = compare(first, stored(tmp_path / "b", ("draw", [], text("3")), ("same", [], text("2"))))
    assert done.returncode == 1
    assert done.stdout.startswith("first/1: draw differ. Seed them, sort them, or tag them `volatile`.\n")


def test_volatile_cells_cuts_of_a_stream_and_frames_of_an_error_may_differ(tmp_path: Path) -> None:
    first = stored(
        tmp_path / "a", ("race", ["volatile"], text("1")), ("cut", [], text("1\n", "2")), ("e", [], error("/a"))
    )
    again = stored(tmp_path / "b", ("race", ["volatile"], text("9")), ("cut", [], text("1\n2")), ("e", [], error("/b")))
    done = compare(first, again)
    assert (done.returncode, done.stdout) == (0, "1 notebooks compared, 0 differ\n")


def test_an_empty_cache_is_not_called_equal(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    done = compare(tmp_path / "a", tmp_path / "a")
    assert done.returncode == 1 and "A cache is empty: run `make twice`" in done.stderr
