"""What makes a notebook run again and what must not; what a damaged, full or shared cache does."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from conftest import GOOD, code, md, parsed

from notebook_site import digest
from notebook_site.cache import Cache, Record
from notebook_site.digest import changes, ingredients, key_of
from notebook_site.execute import Execution
from notebook_site.run import Progress, failures, run
from notebook_site.settings import Settings, SiteError

TITLE, SUM, CHECK = GOOD


def key(settings: Settings, *cells: Any, **site: Any) -> str:
    return key_of(ingredients(parsed(*(cells or GOOD), folder=settings.root, **site), settings))


@pytest.mark.parametrize(
    "changed",
    [
        (TITLE, code("x = 2"), CHECK),
        (TITLE, CHECK, SUM),
        (TITLE, SUM, CHECK, code("x")),
        (TITLE, code(SUM.source, "raises-exception"), CHECK),
        (TITLE, code(SUM.source, "warns"), CHECK),
    ],
    ids=["source", "order", "number of cells", "tag raises-exception", "tag warns"],
)
def test_a_change_to_the_code_runs_it_again(settings: Settings, changed: Any) -> None:
    assert key(settings, *changed) != key(settings)


@pytest.mark.parametrize(
    "changed",
    [
        (md("# 别的题目？\n\n别的话。"), SUM, CHECK),
        (TITLE, md("新的一段"), SUM, CHECK),
        (TITLE, replace(SUM, id="renamed"), CHECK),
        (TITLE, replace(SUM, metadata={"alt": "说明"}), CHECK),
        (TITLE, code(SUM.source, "volatile"), CHECK),
    ],
    ids=["prose", "new prose", "cell id", "alt text", "tag volatile"],
)
def test_a_change_to_the_prose_does_not(settings: Settings, changed: Any) -> None:
    assert key(settings, *changed) == key(settings)


def test_a_change_to_the_summary_or_methods_does_not(settings: Settings) -> None:
    assert key(settings, summary="另一句。", methods=["x (y)"]) == key(settings)


def test_versions_python_environment_data_and_format_are_in_the_key(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    (settings.root / "a.csv").write_text("1")
    keys = [key(settings, data=["a.csv"])]
    (settings.root / "a.csv").write_text("2")
    keys.append(key(settings, data=["a.csv"]))
    for target, name, value in [
        (digest, "ENVIRONMENT", {**digest.ENVIRONMENT, "OMP_NUM_THREADS": "2"}),
        (digest, "FORMAT", 99),
        (digest, "locked_versions", lambda lock: {"numpy": "9.9"}),
        (digest.platform, "python_version_tuple", lambda: ("3", "99", "0")),
        (digest, "_kernel_files", lambda: "other"),
    ]:
        monkeypatch.setattr(target, name, value)
        keys.append(key(settings, data=["a.csv"]))
    assert len(set(keys)) == len(keys)


def test_only_installed_packages_of_the_lock_count(settings: Settings) -> None:
    assert set(digest.locked_versions(settings.lock)) == {"numpy", "pip"}


def test_why_names_what_changed(settings: Settings) -> None:
    old = ingredients(parsed(*GOOD), settings)
    new = ingredients(parsed(TITLE, code("x = 2"), CHECK), settings)
    new = {**new, "python": "3.99", "packages": {"numpy": "9"}}
    lines = changes(old, new, ["code-b", "code-c"])
    assert f"python {old['python']} → 3.99" in lines and f"numpy {old['packages']['numpy']} → 9" in lines
    assert "code cell 1 (code-b)" in lines and "code cell 2 (code-c)" not in lines
    assert changes(old, old, []) == []
    assert changes({**old, "cells": ["a", "b"]}, {**old, "cells": ["b", "a"]}, ["p", "q"]) == [
        "the order of the code cells"
    ]


def record(settings: Settings, **values: Any) -> Record:
    parts = ingredients(parsed(), settings)
    known: dict[str, Any] = {
        "path": "notebooks/first/01-one.ipynb",
        "key": key_of(parts),
        "outcome": "ok",
        "message": "",
    }
    known |= {
        "seconds": 1.0,
        "peak_memory_mb": 2.0,
        "versions": {},
        "python": "3",
        "executed_at": "2026-01-01T00:00:00+00:00",
    }
    return Record(**{**known, "ingredients": parts, **values})


def store(settings: Settings, warnings: list[str]) -> tuple[Cache, Record, Path]:
    cache, kept = Cache(settings.cache, warnings.append), record(settings)
    cache.store(json.loads(parsed().text), kept)
    return cache, kept, settings.cache / f"{kept.key}.ipynb"


def test_what_is_stored_is_found_again_and_opens_in_jupyter(settings: Settings) -> None:
    cache, kept, path = store(settings, [])
    found = cache.find(kept.key)
    assert found is not None and found[1] == kept and found[0]["cells"] == json.loads(parsed().text)["cells"]
    assert json.loads(path.read_text("utf-8"))["nbformat"] == 4


@pytest.mark.parametrize("damage", ["", "{", "{}", "null", "[1]", "swap", "truncate"])
def test_a_damaged_entry_is_a_miss_with_a_warning(settings: Settings, damage: str) -> None:
    warnings: list[str] = []
    cache, kept, path = store(settings, warnings)
    text = path.read_text("utf-8")
    path.write_text(
        {"swap": text.replace('"outputs": []', '"outputs": ["wrong"]', 1), "truncate": text[:-40]}.get(damage, damage)
    )
    assert cache.find(kept.key) is None
    assert len(warnings) == 1 and "damaged cache entry ignored, the notebook runs again" in warnings[0]


def test_an_entry_under_another_key_is_not_believed(settings: Settings) -> None:
    warnings: list[str] = []
    cache, _, path = store(settings, warnings)
    path.rename(settings.cache / f"{'0' * 64}.ipynb")
    assert cache.find("0" * 64) is None and warnings


def test_a_cache_that_cannot_be_written_says_what_helps_and_leaves_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(self: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "replace", full)
    with pytest.raises(SiteError, match=r"cannot be written: .*No space left on device.*NOTEBOOK_SITE_CACHE"):
        store(settings, [])
    assert not [p for p in settings.cache.iterdir() if p.is_file()]


def fake(outcomes: dict[str, str], order: list[str]) -> Any:
    def execute(notebook: Any, settings: Settings) -> Execution:
        order.append(notebook.name)
        outcome = outcomes.get(notebook.name, "ok")
        message = "" if outcome == "ok" else f"{notebook.path}: broken"
        return Execution(notebook.raw, outcome, message, 1.0, 2.0, "2026-01-01T00:00:00+00:00", ())

    return execute


def pages(*names: str) -> list[Any]:
    return [parsed(TITLE, code(f"x = {i}"), CHECK, name=name) for i, name in enumerate(names)]


def test_a_failure_hides_nobody_and_is_not_kept(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    order: list[str] = []
    monkeypatch.setattr("notebook_site.run.execute", fake({"first/02-b": "error", "first/03-c": "timeout"}, order))
    cache, steps = Cache(settings.cache, print), list[Progress]()
    notebooks = pages("first/01-a", "first/02-b", "first/03-c", "first/04-d")
    results = run(notebooks, settings, cache, report=steps.append)
    assert [r.record.outcome for r in results] == ["ok", "error", "timeout", "ok"]
    assert failures(results) == ["notebooks/first/02-b.ipynb: broken", "notebooks/first/03-c.ipynb: broken"]
    assert len(list(settings.cache.glob("*.ipynb"))) == 2
    assert [(s.done, s.total) for s in steps] == [(1, 4), (2, 4), (3, 4), (4, 4)]
    order.clear()
    run(notebooks, settings, cache)
    assert sorted(order) == ["first/02-b", "first/03-c"]
    order.clear()
    run(notebooks, settings, cache, force=True)
    assert len(order) == 4


def test_the_longest_run_starts_first_and_unknown_ones_before_all(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []
    monkeypatch.setattr("notebook_site.run.execute", fake({}, order))
    cache = Cache(settings.cache, print)
    for name, seconds in [("first/01-a", 2.0), ("first/02-b", 9.0)]:
        cache.remember(record(settings, path=f"notebooks/{name}.ipynb", seconds=seconds))
    run(pages("first/01-a", "first/02-b", "first/03-c"), settings, cache, pool=ThreadPoolExecutor(1))
    assert order == ["first/03-c", "first/02-b", "first/01-a"]


def test_one_result_that_cannot_be_kept_is_told_with_the_other_failures(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("notebook_site.run.execute", fake({"first/02-b": "error"}, []))
    cache = Cache(settings.cache, print)
    monkeypatch.setattr(cache, "store", lambda *_: (_ for _ in ()).throw(SiteError("the disk is full")))
    with pytest.raises(SiteError, match=r"the disk is full\nnotebooks/first/02-b.ipynb: broken"):
        run(pages("first/01-a", "first/02-b"), settings, cache)


def test_a_fault_of_the_tool_is_told_with_the_page_and_hides_nobody(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = fake({}, [])

    def execute(notebook: Any, settings: Settings) -> Execution:
        if notebook.name == "first/01-a":
            raise ValueError("a bug")
        return good(notebook, settings)  # type: ignore[no-any-return]

    monkeypatch.setattr("notebook_site.run.execute", execute)
    steps = list[Progress]()
    with pytest.raises(SiteError, match=r"first/01-a.ipynb: the tool failed, not the page: ValueError\('a bug'\)"):
        run(pages("first/01-a", "first/02-b"), settings, Cache(settings.cache, print), report=steps.append)
    assert [s.result.notebook.name for s in steps] == ["first/02-b"]


def test_two_builds_at_once_share_a_cache(settings: Settings) -> None:
    caches = [Cache(settings.cache, print) for _ in range(2)]
    with ThreadPoolExecutor(2) as pool:
        both = list(pool.map(lambda cache: run([parsed()], settings, cache), caches))
    assert all(results[0].ok for results in both)
    again = run([parsed()], settings, caches[0])
    assert not again[0].fresh and [p.name for p in settings.cache.glob(".writing-*")] == []
