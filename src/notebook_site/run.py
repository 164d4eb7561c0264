"""Which notebooks have to run, in which order, how many at once; what came of all of them."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from typing import Any

from notebook_site.cache import Cache, Record
from notebook_site.digest import imported_versions, ingredients, key_of
from notebook_site.execute import Execution, execute
from notebook_site.notebooks import Notebook
from notebook_site.settings import Settings, SiteError
from notebook_site.watch import CANCEL


@dataclass(frozen=True)
class Result:
    """A notebook with its record, and its executed JSON where the run went well."""

    notebook: Notebook
    record: Record
    executed: dict[str, Any] | None
    fresh: bool

    @property
    def ok(self) -> bool:
        return self.record.outcome == "ok"


@dataclass(frozen=True)
class Progress:
    """One line of progress: `done` of `total` notebooks that had to run."""

    done: int
    total: int
    result: Result


def run(
    notebooks: Iterable[Notebook],
    settings: Settings,
    cache: Cache,
    *,
    force: bool = False,
    report: Callable[[Progress], None] = lambda _: None,
    started: Callable[[int], None] = lambda _: None,
    pool: Executor | None = None,
) -> list[Result]:
    """Results of all notebooks, in their order; those without a cached success (or all, with `force`) run now.

    The longest known run starts first, unknown ones before all. `started` hears how many run, `report` of each that
    ends. A failing notebook is a Result like any other and hides nobody else's.

    Raises
    ------
    SiteError
        A run cannot be set up, or its result cannot be written to the cache.
    """
    notebooks = list(notebooks)
    results: dict[str, Result] = {}
    waiting: list[tuple[Notebook, dict[str, Any]]] = []
    for notebook in notebooks:
        parts = ingredients(notebook, settings)
        hit = None if force else cache.find(key_of(parts))
        if hit:
            results[notebook.path] = Result(notebook, hit[1], hit[0], fresh=False)
        else:
            waiting.append((notebook, parts))
    started(len(waiting))
    waiting.sort(key=lambda pair: _expected_seconds(cache, pair[0].path), reverse=True)
    troubles: list[str] = []
    ended = 0
    with pool or ThreadPoolExecutor(os.cpu_count() or 1) as executor:
        futures = {executor.submit(execute, notebook, settings): (notebook, parts) for notebook, parts in waiting}
        try:
            for future in as_completed(futures):
                notebook, parts = futures[future]
                ended += 1
                try:
                    result = _keep(notebook, parts, future.result(), cache)
                except SiteError as error:  # the others go on; this one is told at the end
                    troubles.append(str(error))
                    continue
                except Exception as error:
                    troubles.append(f"{notebook.path}: the tool failed, not the page: {error!r}. Please report it.")
                    continue
                results[notebook.path] = result
                report(Progress(ended, len(futures), result))
        except KeyboardInterrupt:
            CANCEL.set()
            executor.shutdown(wait=True, cancel_futures=True)
            raise
    if troubles:
        raise SiteError("\n".join([*troubles, *failures(results.values())]))
    return [results[notebook.path] for notebook in notebooks]


def failures(results: Iterable[Result]) -> list[str]:
    """The message of every result that failed."""
    return [result.record.message for result in results if not result.ok]


def _expected_seconds(cache: Cache, path: str) -> float:
    last = cache.last(path)
    return last.seconds if last else float("inf")


def _keep(notebook: Notebook, parts: dict[str, Any], execution: Execution, cache: Cache) -> Result:
    record = Record(
        path=notebook.path,
        key=key_of(parts),
        outcome=execution.outcome,
        message=execution.message,
        seconds=execution.seconds,
        peak_memory_mb=execution.peak_memory_mb,
        versions=imported_versions(notebook),
        python=platform.python_version(),
        executed_at=execution.executed_at,
        ingredients=parts,
        cells=execution.cells,
    )
    ok = execution.outcome == "ok"
    if ok:
        cache.store(execution.notebook, record)
    cache.remember(record)
    return Result(notebook, record, execution.notebook if ok else None, fresh=True)
