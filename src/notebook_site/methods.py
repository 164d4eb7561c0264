"""The method index: every method that a page runs, and every one that an article names, with the cell that runs it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from notebook_site.notebooks import Article, Notebook
from notebook_site.settings import SiteError

FORM = "a list of {method: 中文 (English), run: article/page#cell, aka: [其他叫法]}, or `to_come: article/section` for `run`"


@dataclass(frozen=True)
class Method:
    """A method that an article names: its name in the pages, what articles call it, and where it is run."""

    name: str
    aka: tuple[str, ...]
    notebook: Notebook | None  # None: its section has no page yet
    cell: str = ""


def read_methods(path: Path, articles: Sequence[Article]) -> list[Method]:
    """The methods of methods.yml, in the order of the file.

    Raises
    ------
    SiteError
        The file is not in its form, an entry is there twice, or it leads to no page, no code cell or no planned section.
    """
    try:
        entries = yaml.safe_load(path.read_text("utf-8"))
        methods = [_method(entry, articles, path) for entry in entries]
    except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise SiteError(f"{path}: cannot be used ({type(error).__name__}: {error}). It is {FORM}.") from error
    names = [name for method in methods for name in (method.name, *method.aka)]
    if doubled := sorted({name for name in names if names.count(name) > 1}):
        raise SiteError(f"{path}: {doubled[0]} is there twice. Merge the two entries.")
    return methods


def _method(entry: dict[str, Any], articles: Sequence[Article], path: Path) -> Method:
    name, aka = str(entry["method"]), tuple(str(other) for other in entry.get("aka") or ())
    where = f"{path}: {name}"
    if "to_come" in entry:
        planned = {f"{article.slug}/{page.section}" for article in articles for page in article.planned}
        if entry["to_come"] not in planned:
            raise SiteError(
                f"{where}: {entry['to_come']} is no section still to come. Name the cell that runs the method: `run: …`."
            )
        return Method(name, aka, None)
    page, _, cell = str(entry["run"]).partition("#")
    notebook = next((n for article in articles for n in article.pages if n.name == page), None)
    if notebook is None:
        raise SiteError(f"{where}: there is no page {page}. Mend `run`.")
    if not any(c.id == cell and "check" not in c.tags for c in notebook.code):
        raise SiteError(f"{where}: {notebook.path} has no visible code cell {cell!r}. Mend `run`, or the cell's id.")
    if name not in notebook.methods:
        raise SiteError(f"{where}: {notebook.path} does not name it. Add it to site.methods there, or mend `method`.")
    return Method(name, aka, notebook, cell)


def methods_page(notebooks: Iterable[Notebook], methods: Sequence[Method]) -> str:
    """The method index, by English name."""
    rows: dict[str, list[str]] = {}
    aka: dict[str, tuple[str, ...]] = {}
    for method in methods:
        aka[method.name] = method.aka
        page = method.notebook
        rows[method.name] = [f"[{page.question}]({page.name}.md#cell-id={method.cell})"] if page else ["还没有页面"]
    first = {method.name: method.notebook for method in methods}
    for notebook in notebooks:
        for name in notebook.methods:
            if first.get(name) is not notebook:
                rows.setdefault(name, []).append(f"[{notebook.question}]({notebook.name}.md)")
    ran = sum(method.notebook is not None for method in methods)
    lines = [
        "# 方法索引",
        "",
        f"每个方法都指向真正运行它的页面。原文点名的方法合并同义的说法，共 {len(methods)} 个，"
        f"已经跑通 {ran} 个，它们的第一个链接直达那个单元格；名字下面的小字是原文的叫法。",
        "",
        "| 方法 | 页面 |",
        "| --- | --- |",
    ]
    for name, pages in sorted(rows.items(), key=lambda pair: _sort_key(pair[0])):
        others = f"<br><small>{'、'.join(aka[name])}</small>" if aka.get(name) else ""
        lines.append(f"| {name}{others} | {'<br>'.join(pages)} |")
    return "\n".join(lines) + "\n"


def _sort_key(method: str) -> str:
    """Methods sort by their English name, which is what a reader can look up by letter."""
    match = re.search(r"[（(]([A-Za-z].*)[)）]", method)
    return (match[1] if match else method).lower()
