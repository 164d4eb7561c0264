"""One notebook, one fresh kernel: the outputs, or the kind of failure and where it happened."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import nbformat
from ipykernel.kernelspec import get_kernel_dict
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from notebook_site.cache import CellRun
from notebook_site.digest import ENVIRONMENT
from notebook_site.notebooks import Cell, Notebook
from notebook_site.settings import Settings, SiteError
from notebook_site.watch import Watch, process_mark

ANSI = re.compile(r"\x1b\[[0-9;]*m")
ADDRESS = re.compile(r"\bat 0x[0-9a-fA-F]{6,}")

MAX_PRINTED = 1_000_000  # characters a notebook; a page should show a thousandth of it

KERNEL_ARGUMENTS = ["--InlineBackend.figure_formats={'svg', 'retina'}", "--HistoryManager.enabled=False"]

CAUSES = {  # what mends a failure, by its kind
    "error": "Mend the cell; tag it `raises-exception` only if the error is the point.",
    "assertion": "The page claims something that its own run refutes: mend the claim or the code.",
    "expected-error-missing": "The cell is tagged `raises-exception` but ends well: drop the tag or mend the demonstration.",
    "timeout": "Make it smaller: a page may take 60 s. The limits are in pyproject.toml, [tool.notebook-site].",
    "memory": "Use less data at once: a page may take 2 GB. The limit is in pyproject.toml, [tool.notebook-site].",
    "kernel-died": "Run it in Jupyter to see what ends the process (a crash in compiled code, os._exit, the system's memory killer).",
    "network": "Pages run offline: use bundled or generated data, or serve it on 127.0.0.1 inside the page.",
    "missing-package": "Add it to requirements.in, then `make lock` and `make setup`.",
    "stray-process": "End what the page starts: use `with`, or terminate() and wait() in a `finally`.",
    "output": "Mend its cause; tag the cell `warns` only if a warning is the point.",
}


@dataclass(frozen=True)
class Execution:
    """What came of one run; `notebook` is the executed nbformat JSON, as far as it got."""

    notebook: dict[str, Any]
    outcome: str
    message: str
    seconds: float
    peak_memory_mb: float
    executed_at: str
    cells: tuple[CellRun, ...]


@dataclass(frozen=True)
class _Failure:
    """Where and how a run went wrong. `cell` is the index among the code cells, None for the notebook as a whole."""

    kind: str
    what: str
    cell: int | None = None
    line: int | None = None


def execute(notebook: Notebook, settings: Settings) -> Execution:
    """Run all code cells in a fresh kernel, in an empty folder that holds only the declared data files.

    Every failure of the notebook is a value; SiteError is raised only if the run cannot be set up (a data file is
    missing, the disk is full). No process that the notebook started outlives the call.
    """
    raw = nbformat.reads(json.dumps(_without_outputs(notebook.raw)), as_version=4)
    started, executed_at = time.perf_counter(), datetime.now(UTC).isoformat(timespec="seconds")
    mark = uuid.uuid4().hex
    with _workspace(notebook) as space:
        manager = AsyncKernelManager(kernel_spec_manager=_OwnInterpreter())
        if os.name == "posix":  # TCP kernels warn that anybody may listen; each needs its own socket names
            manager.transport, manager.ip = "ipc", str(space / "kernel")
        watch = Watch(manager, mark, settings.notebook_seconds, settings.memory_mb)
        client = _Client(
            raw,
            watch,
            km=manager,
            timeout=int(settings.cell_seconds),
            startup_timeout=90,
            record_timing=True,
            extra_arguments=KERNEL_ARGUMENTS,
            resources={"metadata": {"path": str(space / "work")}},
        )
        with watch:
            failure = _run(client, kernel_environment(space, mark))
        failure = watch.failure(_Failure) or failure
        if (strays := watch.end_strays()) and failure is None:
            failure = _Failure("stray-process", f"still running after the kernel's end: {'; '.join(strays)}")
    result = json.loads(nbformat.writes(raw))
    cells = _cell_runs(notebook, result)
    failure = failure or _missing_error(notebook, result) or _unclean_output(notebook, result)
    return Execution(
        notebook=_without_timing(result),
        outcome=failure.kind if failure else "ok",
        message=_message(notebook, failure) if failure else "",
        seconds=round(time.perf_counter() - started, 2),
        peak_memory_mb=round(watch.peak_mb),
        executed_at=executed_at,
        cells=cells,
    )


class _Client(NotebookClient):
    """Ends the run when a notebook prints without end: the time limit alone would let it fill the builder's memory."""

    def __init__(self, raw: nbformat.NotebookNode, watch: Watch, **options: Any) -> None:
        super().__init__(raw, **options)
        self._watch = watch
        self._printed = 0

    def process_message(
        self, msg: dict[str, Any], cell: nbformat.NotebookNode, cell_index: int
    ) -> nbformat.NotebookNode | None:
        self._printed += len(msg["content"].get("text", "")) if msg["msg_type"] == "stream" else 0
        if self._printed > MAX_PRINTED:
            self._watch.stop("output", f"printed more than {MAX_PRINTED:,} characters, by cell {cell['id']}")
            return None
        return super().process_message(msg, cell, cell_index)


class _OwnInterpreter(KernelSpecManager):
    """Always the running interpreter's kernel, whatever `python3` kernel the user has installed."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        return KernelSpec(**get_kernel_dict())


@contextmanager
def _workspace(notebook: Notebook) -> Iterator[Path]:
    """A temporary folder: `work` with the data files (where the kernel runs), `tmp`, `home` and `ipython`."""
    try:
        space = Path(tempfile.mkdtemp(prefix="nbsite-"))  # short: a Unix socket's path ends at 107 characters
        for name in ("work", "tmp", "home", "ipython"):
            (space / name).mkdir()
        for name in notebook.data:
            target = (space / "work" / name).resolve()
            if not target.is_relative_to(space / "work"):
                raise SiteError(f"{notebook.path}: data file {name!r} must lie in the notebook's folder or below it.")
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(notebook.folder / name, target)
    except OSError as error:
        raise SiteError(
            f"{notebook.path}: cannot set up its run: {error}. Is the disk full, or a data file missing?"
        ) from error
    try:
        yield space
    finally:
        shutil.rmtree(space, ignore_errors=True)


def kernel_environment(space: Path, mark: str) -> dict[str, str]:
    """The environment of a kernel: the fixed part, caches in the temporary folder, no proxies, no start-up files."""
    dropped = {"PYTHONSTARTUP", "PYTHONPATH", "PYTHONWARNINGS", "PYTEST_ADDOPTS"}
    dropped |= {"CI", "BUILD_NUMBER"}  # programs print more when they see them, pytest object addresses
    base = {k: v for k, v in os.environ.items() if k not in dropped and not k.lower().endswith("_proxy")}
    guard = Path(__file__).parent / "kernel"
    homes = dict.fromkeys(
        ("KERAS_HOME", "SCIKIT_LEARN_DATA", "TORCH_HOME", "HF_HOME", "JUPYTER_CONFIG_DIR"), str(space / "home")
    )
    return {
        **base,
        **ENVIRONMENT,
        **homes,
        **dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(space / "tmp")),
        "IPYTHONDIR": str(space / "ipython"),
        "MATPLOTLIBRC": str(guard / "matplotlibrc"),
        "PYTHONPATH": str(guard),
        **process_mark(mark),
    }


def _run(client: NotebookClient, environment: dict[str, str]) -> _Failure | None:
    """Execute; the first failure that the kernel or nbclient reports."""
    try:
        client.execute(env=environment, cleanup_kc=True)  # nbclient leaves a manager that it was given
    except CellExecutionError as error:
        return _cell_failure(client, error)
    except CellTimeoutError:
        return _Failure("timeout", f"ran longer than {client.timeout} s", _current(client))
    except (DeadKernelError, RuntimeError) as error:  # RuntimeError: it died while starting
        return _Failure("kernel-died", str(error).strip() or "the kernel died", _current(client))
    return None


def _current(client: NotebookClient) -> int:
    """Index, among the code cells, of the last one that was started."""
    return max(int(client.code_cells_executed) - 1, 0)


def _cell_failure(client: NotebookClient, error: CellExecutionError) -> _Failure:
    text = ANSI.sub("", error.traceback)
    line = re.search(r"Cell In\[\d+\], line (\d+)", text)
    what = f"{error.ename}: {error.evalue}".strip().removesuffix(":")
    kind = "error"
    if "network is off while notebooks are executed" in text:
        kind = "network"
    elif error.ename == "AssertionError":
        kind = "assertion"
    elif error.ename == "ModuleNotFoundError":
        kind = "missing-package"
    return _Failure(kind, what, _current(client), int(line[1]) if line else None)


def _missing_error(notebook: Notebook, result: dict[str, Any]) -> _Failure | None:
    for index, (cell, ran) in enumerate(_pairs(notebook, result)):
        if "raises-exception" in cell.tags and not any(o["output_type"] == "error" for o in ran["outputs"]):
            return _Failure("expected-error-missing", "ended without the error it announces", index)
    return None


def _unclean_output(notebook: Notebook, result: dict[str, Any]) -> _Failure | None:
    """Warnings, log noise and object addresses do not belong on a page."""
    for index, (cell, ran) in enumerate(_pairs(notebook, result)):
        for output in ran["outputs"]:
            text = _as_text(output.get("text") or output.get("data", {}).get("text/plain", ""))
            if output.get("name") == "stderr" and "warns" not in cell.tags:
                return _Failure("output", f"writes to stderr: {text.strip().splitlines()[-1][:200]}", index)
            if found := ADDRESS.search(text):
                return _Failure("output", f"shows an object's address ({found[0]}), which differs at every run", index)
    return None


def _message(notebook: Notebook, failure: _Failure) -> str:
    where, quoted = notebook.path, ""
    if failure.cell is not None:
        cell = notebook.code[failure.cell]
        where += f": code cell {failure.cell + 1} of {len(notebook.code)} ({cell.id})"
        if failure.line and failure.line <= len(lines := cell.source.splitlines()):
            where += f", line {failure.line}"
            quoted = f"\n    {lines[failure.line - 1].strip()}"
    return (
        f"{where}: {failure.what}{quoted}\n  {CAUSES[failure.kind]}\n  Repeat it: notebook-site execute {notebook.path}"
    )


def _pairs(notebook: Notebook, result: dict[str, Any]) -> list[tuple[Cell, dict[str, Any]]]:
    return list(zip(notebook.code, (c for c in result["cells"] if c["cell_type"] == "code"), strict=True))


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else "".join(value)


def _without_outputs(raw: dict[str, Any]) -> dict[str, Any]:
    code: dict[str, Any] = {"outputs": [], "execution_count": None}
    return {**raw, "cells": [{**c, **code} if c["cell_type"] == "code" else c for c in raw["cells"]]}


def _without_timing(result: dict[str, Any]) -> dict[str, Any]:
    for cell in result["cells"]:
        cell["metadata"].pop("execution", None)
    return result


def _cell_runs(notebook: Notebook, result: dict[str, Any]) -> tuple[CellRun, ...]:
    runs = []
    for cell, ran in _pairs(notebook, result):
        times = ran["metadata"].get("execution", {})
        with suppress(KeyError):  # cells after a failure have no times
            begin, end = times["iopub.execute_input"], times["shell.execute_reply"]
            seconds = (datetime.fromisoformat(end) - datetime.fromisoformat(begin)).total_seconds()
            runs.append(CellRun(cell.id, round(seconds, 3), len(json.dumps(ran["outputs"]))))
    return tuple(runs)
