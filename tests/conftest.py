"""Notebooks from lists of source strings, and sites to build."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from notebook_site.checks import canonical
from notebook_site.notebooks import Notebook, parse_notebook
from notebook_site.settings import Settings, find_settings

ROOT = Path(__file__).resolve().parent.parent
TINY = ROOT / "tests" / "tinysite"


@dataclass(frozen=True)
class Draft:
    """A cell being written: `md("…")` or `code("…", "check")`."""

    kind: str
    source: str
    tags: tuple[str, ...] = ()
    id: str = ""
    metadata: dict[str, Any] = field(default_factory=dict)

    def to_json(self, number: int) -> dict[str, Any]:
        metadata = {**self.metadata, **({"tags": list(self.tags)} if self.tags else {})}
        cell: dict[str, Any] = {"cell_type": self.kind, "id": self.id or f"{self.kind}-{'abcdefghij'[number]}"}
        cell |= {"metadata": metadata, "source": self.source}
        return cell | ({"outputs": [], "execution_count": None} if self.kind == "code" else {})


def md(source: str, **more: Any) -> Draft:
    return Draft("markdown", source, **more)


def code(source: str, *tags: str, **more: Any) -> Draft:
    return Draft("code", source, tags, **more)


GOOD = (md("# 问题？\n\n**答案**。"), code("x = 1 + 1\nx"), code("assert x == 2", "check"))


def notebook_json(cells: tuple[Draft, ...], section: str = "first/1", **site: Any) -> dict[str, Any]:
    known = {"section": section, "summary": "一句话。", "methods": ["加法 (addition)"]}
    return {
        "cells": [cell.to_json(number) for number, cell in enumerate(cells)],
        "metadata": {
            "kernelspec": {"name": "python3", "display_name": "Python 3"},
            "language_info": {"name": "python"},
            "site": {**known, **site},
        },
        "nbformat": 4,
        "nbformat_minor": 5,
    }


def write(folder: Path, name: str, *cells: Draft, **site: Any) -> Path:
    """Write a page `first/01-one` below `folder` in the form that git keeps."""
    path = folder / f"{name}.ipynb"
    path.parent.mkdir(parents=True, exist_ok=True)
    article, _, page = name.partition("/")
    section = f"{article}/{int(page[:2])}" if page[:2].isdigit() else "first/1"
    path.write_text(canonical(notebook_json(cells or GOOD, section, **site)), encoding="utf-8")
    return path


def parsed(*cells: Draft, name: str = "first/01-one", folder: Path = Path(), **site: Any) -> Notebook:
    return parse_notebook(canonical(notebook_json(cells or GOOD, **site)), f"notebooks/{name}.ipynb", name, folder)


@pytest.fixture
def tiny(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a three-page site; the working directory of the test."""
    root = tmp_path / "tiny"
    shutil.copytree(TINY, root)
    pages = root / "notebooks"
    write(
        pages,
        "first/01-one",
        md("# 第一题？\n\n**答案一**，见[第二页](02-two.ipynb)。"),
        *GOOD[1:],
        md("## 一张 表\n\n| a | b |\n| --- | --- |\n| 1 | 2 |"),
    )
    figure = "import matplotlib.pyplot as plt\n\nfig, ax = plt.subplots(figsize=(2, 1))\nax.plot([1, 2])\nplt.show()"
    write(
        pages,
        "first/02-two",
        md("# 第二题？\n\n[回到表](01-one.ipynb#一张-表)"),
        code(figure, id="plot", metadata={"alt": "一条上升的线"}),
        *GOOD[1:],
    )
    write(pages, "second/01-only", *GOOD)
    monkeypatch.chdir(root)
    monkeypatch.delenv("NOTEBOOK_SITE_CACHE", raising=False)
    return root


@pytest.fixture
def settings(tiny: Path) -> Settings:
    return find_settings(tiny)


def limited(settings: Settings, **limits: float) -> Settings:
    return replace(settings, **limits)


def run(*command: str, cwd: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """A command in a process of its own, with this interpreter's scripts."""
    scripts = str(Path(sys.executable).parent)
    variables = {
        **os.environ,
        "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
        "NO_MKDOCS_2_WARNING": "1",
        **environment,
    }
    return subprocess.run(command, cwd=cwd, env=variables, capture_output=True, text=True, check=False, timeout=1800)


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The real site, every notebook executed cold, built strictly; the folder of its pages."""
    folder = tmp_path_factory.mktemp("real")
    target = folder / "site"
    done = run(
        "mkdocs", "build", "--strict", "--site-dir", str(target), cwd=ROOT, NOTEBOOK_SITE_CACHE=str(folder / "cache")
    )
    assert done.returncode == 0, done.stderr[-6000:]
    return target
