"""What the records say: as JSON, as a page of the site, and as the nightly summary."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Sequence
from typing import Any

from notebook_site.cache import Cache, Record
from notebook_site.digest import ingredients, key_of
from notebook_site.notebooks import Notebook
from notebook_site.run import Result
from notebook_site.settings import Settings


def status(notebooks: Iterable[Notebook], settings: Settings, cache: Cache) -> list[dict[str, Any]]:
    """One object a notebook: `path`, `outcome`, `seconds`, `peak_memory_mb`, `versions`, `executed_at`, `key`.

    `outcome` is `ok` if the cache holds its execution, the failure's kind if its newest run failed and nothing has
    changed since, otherwise `missing` (with null for what only a run knows).
    """
    rows = []
    for notebook in notebooks:
        key = key_of(ingredients(notebook, settings))
        hit, last = cache.find(key), cache.last(notebook.path)
        record = hit[1] if hit else last if last and last.key == key and last.outcome != "ok" else None
        rows.append(_row(notebook.path, key, record))
    return rows


def _row(path: str, key: str, record: Record | None) -> dict[str, Any]:
    known = ("outcome", "seconds", "peak_memory_mb", "versions", "executed_at")
    values = (
        {name: getattr(record, name) for name in known} if record else {**dict.fromkeys(known), "outcome": "missing"}
    )
    return {"path": path, **values, "key": key}


def status_text(rows: Sequence[dict[str, Any]]) -> str:
    """The rows of `status` as plain text, one line a notebook."""
    lines = [
        f"{row['outcome']:>12}  {_number(row['seconds'], 's'):>8}  {_number(row['peak_memory_mb'], 'MB'):>8}  {row['path']}"
        for row in rows
    ]
    return "\n".join(lines) if lines else "no notebooks"


def _number(value: float | None, unit: str) -> str:
    return "–" if value is None else f"{value:.1f} {unit}" if unit == "s" else f"{value:.0f} {unit}"


def summary_markdown(results: Sequence[Result]) -> str:
    """The run as a job summary: failures first, then every page with its time and memory."""
    failed = [r for r in results if not r.ok]
    lines = [
        f"## {len(results) - len(failed)} of {len(results)} notebooks pass on Python {platform.python_version()}",
        "",
    ]
    for result in failed:
        lines += [
            f"### {result.notebook.path}: {result.record.outcome}",
            "",
            "```text",
            result.record.message,
            "```",
            "",
        ]
    lines += ["| notebook | outcome | seconds | MB |", "| --- | --- | ---: | ---: |"]
    for result in sorted(results, key=lambda r: (r.ok, -r.record.seconds)):
        record = result.record
        lines.append(f"| {record.path} | {record.outcome} | {record.seconds:.1f} | {record.peak_memory_mb:.0f} |")
    return "\n".join(lines) + "\n"


def status_page(results: Sequence[Result]) -> str:
    """The site's status page in Markdown. Only successes are ever published, so it has no failures to show."""
    records = [result.record for result in results]
    assertions = sum(cell.assertions for result in results for cell in result.notebook.code)
    lines = [
        "# 运行状态",
        "",
        f"本站 {len(results)} 页的全部代码在构建时运行，{assertions} 条断言全部成立。"
        "任何一页出错、超时、断言不成立，整站都不会发布，所以能看到的页面都是跑通的。",
        "",
    ]
    if not records:
        return "\n".join(lines)
    lines += [
        f"全部页面各跑一遍共 {sum(r.seconds for r in records):.0f} 秒（单线程，逐页相加），最近一次运行在 {max(r.executed_at for r in records)[:10]}。",
        "",
        "## 每页的运行记录",
        "",
        "| 页面 | 秒 | 内存峰值 MB | 断言 | 日期 |",
        "| --- | ---: | ---: | ---: | --- |",
    ]
    for result in results:
        record, notebook = result.record, result.notebook
        count = sum(cell.assertions for cell in notebook.code)
        lines.append(
            f"| [{notebook.question}]({notebook.name}.md) | {record.seconds:.1f} | {record.peak_memory_mb:.0f} | {count} | {record.executed_at[:10]} |"
        )
    versions: dict[str, set[str]] = {}
    for record in records:
        for package, version in record.versions.items():
            versions.setdefault(package, set()).add(version)
    lines += ["", "## 所用版本", "", "| 软件包 | 版本 |", "| --- | --- |"]
    lines += [f"| Python | {', '.join(sorted({r.python for r in records}))} |"]
    lines += [f"| {package} | {', '.join(sorted(found))} |" for package, found in sorted(versions.items())]
    return "\n".join(lines) + "\n"
