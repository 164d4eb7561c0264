"""Checks on code cells: ruff, no Chinese outside data, nothing downloaded."""

from __future__ import annotations

import ast
import io
import json
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator, Sequence
from pathlib import PurePath
from typing import Any

from notebook_site.notebooks import Cell, Notebook
from notebook_site.problems import Problem
from notebook_site.settings import Settings, SiteError

CHINESE = re.compile(r"[\u3400-\u9fff\u3000-\u303f\uff00-\uffef]")
LOOPBACK = ("localhost", "127.", "[::1]", "0.0.0.0", "{")

DOWNLOADS = {  # calls that fetch something, by the last parts of their dotted name
    "sklearn.datasets": re.compile(r"\bfetch_\w+\s*\("),
    "keras.datasets": re.compile(r"\bdatasets\.\w+\.load_data\s*\("),
    "a hub": re.compile(r"\b(from_pretrained|snapshot_download|hf_hub_download|load_dataset|hub\.load)\s*\("),
    "keras.applications": re.compile(r"weights\s*=\s*['\"]imagenet['\"]"),
    "a URL": re.compile(r"\b(urlretrieve|get_file|read_html)\s*\("),
    "an installer": re.compile(r"^\s*[!%]\s*(pip|conda|apt|wget|curl|git)\b|['\"](wget|curl|apt-get)['\"]", flags=re.M),
}


def code_problems(notebook: Notebook) -> Iterator[Problem]:
    for cell in notebook.code:
        yield from _syntax(notebook, cell)
        yield from _chinese(notebook, cell)
        yield from _downloads(notebook, cell)


def _syntax(notebook: Notebook, cell: Cell) -> Iterator[Problem]:
    try:
        ast.parse(cell.source)
    except SyntaxError as error:
        yield Problem(
            notebook.path,
            f"line {error.lineno} is not Python ({error.msg})",
            "Pages use plain Python: no `!` and no `%`.",
            cell.id,
        )


def _chinese(notebook: Notebook, cell: Cell) -> Iterator[Problem]:
    """Chinese may stand in string data only, on lines with an English comment that says what it is."""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(cell.source).readline))
    except (tokenize.TokenError, SyntaxError):
        return  # _syntax has told
    strings = {tokenize.STRING, getattr(tokenize, "FSTRING_MIDDLE", tokenize.STRING)}
    commented = {t.start[0] for t in tokens if t.type == tokenize.COMMENT}
    for token in (t for t in tokens if CHINESE.search(t.string) and t.type != getattr(tokenize, "ERRORTOKEN", -1)):
        if token.type not in strings:
            yield Problem(
                notebook.path,
                f"line {token.start[0]} has Chinese outside of data",
                "Comments and names are English.",
                cell.id,
            )
        elif not commented & set(range(token.start[0] - 1, token.end[0] + 1)):
            yield Problem(
                notebook.path,
                f"line {token.start[0]} has Chinese text without a comment",
                "Say in English, on its line or the line above, what data it is; print and label in English.",
                cell.id,
            )


def _downloads(notebook: Notebook, cell: Cell) -> Iterator[Problem]:
    for source, pattern in DOWNLOADS.items():
        if found := pattern.search(cell.source):
            yield Problem(
                notebook.path,
                f"`{found[0].strip()}` downloads from {source}",
                "Use bundled or generated data: pages run offline.",
                cell.id,
            )
    for node in (n for n in ast.walk(cell.tree) if isinstance(n, ast.Call)):
        values = (a.value for a in node.args if isinstance(a, ast.Constant))
        for value in (v for v in values if isinstance(v, str)):
            address = re.match(r"(?:https?|ftp)://([^/]*)", value)
            if address and not address[1].startswith(LOOPBACK):
                yield Problem(
                    notebook.path,
                    f"a call is given the address {value!r}",
                    "Pages run offline: serve it on 127.0.0.1 inside the page.",
                    cell.id,
                )


def lint_problems(notebooks: Sequence[Notebook], settings: Settings) -> list[Problem]:
    """ruff's findings and the cells that it would format, over all notebooks in one call each."""
    if not notebooks:
        return []
    paths = [n.path for n in notebooks]
    options = ("--output-format", "json", *paths)
    found = json.loads(_ruff(settings, "check", *options)) + json.loads(_ruff(settings, "format", "--check", *options))
    return [_finding(notebooks, item) for item in found]


def _finding(notebooks: Sequence[Notebook], item: dict[str, Any]) -> Problem:
    """One of ruff's findings as a problem; `cell` counts all cells from 1."""
    notebook = next(n for n in notebooks if PurePath(item["filename"]).as_posix().endswith(n.path))
    number = item.get("cell")
    cell = notebook.cells[number - 1].id if number and number <= len(notebook.cells) else ""
    mend = f"Run `notebook-site check --fix {notebook.path}`." if item.get("fix") else "Mend it by hand."
    what = f"line {item['location']['row']}: {item['code'] or ''} {item['message']}"
    return Problem(notebook.path, what, mend, cell)


def lint_fix(notebooks: Sequence[Notebook], settings: Settings) -> None:
    """Let ruff repair and format the notebooks in place."""
    if paths := [n.path for n in notebooks]:
        _ruff(settings, "check", "--fix", "--exit-zero", "--quiet", *paths)
        _ruff(settings, "format", "--quiet", *paths)


def _ruff(settings: Settings, *arguments: str) -> str:
    command = [sys.executable, "-m", "ruff", *arguments]
    done = subprocess.run(command, cwd=settings.root, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):  # 1: it found something
        raise SiteError(
            f"ruff cannot check the notebooks: {done.stderr.strip() or done.stdout.strip()}. Is it installed? `make setup`."
        )
    return done.stdout
