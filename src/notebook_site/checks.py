"""What a page must be before it is executed. Every message says where, what, and how to mend it."""

from __future__ import annotations

import ast
import json
import re
import symtable
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import PurePosixPath
from typing import Any

from notebook_site.check_code import code_problems, lint_problems
from notebook_site.check_links import link_problems
from notebook_site.check_markdown import markdown_problems
from notebook_site.notebooks import NAME, Cell, Notebook, find_notebooks, read_notebook
from notebook_site.problems import Problem
from notebook_site.prose import headings
from notebook_site.settings import Settings

ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
RANDOM_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){0,3}")
SUMMARY_LENGTH = 60
KNOWN_TAGS = frozenset({"check", "volatile", "raises-exception", "warns"})
SITE_KEYS = frozenset({"section", "summary", "methods", "also", "data"})
SIZES = {"cells": (45, "cells"), "code": (22, "code cells"), "lines": (150, "lines of code")}
LONGEST_CELL = 30


def check(notebooks: Sequence[Notebook], settings: Settings) -> list[Problem]:
    """All problems of `notebooks`, in their order. Links may lead to any page of the site."""
    known = {n.name: n for n in notebooks}
    for path in find_notebooks(settings):  # links may lead to pages that are not being checked
        name = path.relative_to(settings.notebooks).with_suffix("").as_posix()
        if name not in known:
            known[name] = read_notebook(path, settings)
    lint = lint_problems(notebooks, settings)
    return [p for n in notebooks for p in (*problems(n, known), *(q for q in lint if q.path == n.path))]


def problems(notebook: Notebook, known: dict[str, Notebook]) -> Iterator[Problem]:
    """Problems of one notebook; `known` are the site's pages by name. ruff's findings come from `check`."""
    yield from _form(notebook)
    yield from _metadata(notebook)
    yield from _cells(notebook)
    yield from _headings(notebook)
    yield from link_problems(notebook, known)
    yield from _check_cells(notebook)
    yield from _figures(notebook)
    yield from _size(notebook)
    yield from code_problems(notebook)
    yield from markdown_problems(notebook)


def canonical(raw: dict[str, Any]) -> str:
    """A notebook's text as git keeps it: no outputs, no counts, sorted keys, sources as lines, Chinese unescaped."""
    cells = []
    for cell in raw["cells"]:
        source = cell["source"] if isinstance(cell["source"], str) else "".join(cell["source"])
        cell = {**cell, "source": source.splitlines(keepends=True)}
        if cell["cell_type"] == "code":
            kept = {k: v for k, v in cell["metadata"].items() if k in ("tags", "alt")}
            cell |= {"outputs": [], "execution_count": None, "metadata": kept}
        cells.append(cell)
    return json.dumps({**raw, "cells": cells}, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _form(notebook: Notebook) -> Iterator[Problem]:
    mend = f"Run `notebook-site check --fix {notebook.path}`."
    for cell in notebook.raw["cells"]:
        if cell.get("outputs") or cell.get("execution_count"):
            yield Problem(
                notebook.path, "outputs or execution counts are saved in the file; the build makes them", mend
            )
            return
    if notebook.text != canonical(notebook.raw):
        yield Problem(
            notebook.path,
            "the file is not in the form that keeps diffs small (sorted keys, indent 1, newline at the end)",
            mend,
        )


def _metadata(notebook: Notebook) -> Iterator[Problem]:
    site, path = notebook.site, notebook.path
    where = "in the notebook's metadata (Jupyter: Property Inspector, Advanced Tools)"
    is_template = PurePosixPath(notebook.name).name.startswith("_")
    if not is_template:
        if not NAME.fullmatch(PurePosixPath(notebook.name).name) or len(PurePosixPath(notebook.name).parts) != 2:
            yield Problem(
                path,
                "the file's name is not ARTICLE/NN-SLUG.ipynb",
                "Rename it: NN is the section's number, SLUG lower-case words.",
            )
        expected = f"{notebook.article}/{notebook.section}"
        if site.get("section") != expected:
            yield Problem(path, f"site.section is {site.get('section')!r}", f"Set it to {expected!r} {where}.")
    summary = site.get("summary")
    if not isinstance(summary, str) or not summary.strip() or "\n" in summary:
        yield Problem(
            path, "site.summary is missing", f"Add one sentence of at most {SUMMARY_LENGTH} characters {where}."
        )
    elif len(summary) > SUMMARY_LENGTH:
        yield Problem(path, f"site.summary has {len(summary)} characters", f"Shorten it to {SUMMARY_LENGTH}.")
    methods = site.get("methods")
    if (
        not isinstance(methods, list)
        or not methods
        or not all(isinstance(m, str) and re.search(r"[A-Za-z]", m) for m in methods)
    ):
        yield Problem(
            path,
            "site.methods is missing, or a method has no English name",
            f'List the methods the page runs, as "召回率 (recall)", {where}.',
        )
    elif doubled := [m for m, n in Counter(methods).items() if n > 1]:
        yield Problem(path, f"site.methods names {doubled[0]!r} twice", "Drop one.")
    if unknown := sorted(set(site) - SITE_KEYS):
        yield Problem(path, f"site.{unknown[0]} is not known", f"Known: {', '.join(sorted(SITE_KEYS))}.")
    kernel, language = (notebook.metadata.get(key, {}).get("name") for key in ("kernelspec", "language_info"))
    if (kernel, language) != ("python3", "python"):  # ruff passes over notebooks that do not say so
        yield Problem(
            path, "the kernel is not python3, or the language not python", "Choose the kernel Python 3 and save."
        )


def _cells(notebook: Notebook) -> Iterator[Problem]:
    for cell_id, count in Counter(cell.id for cell in notebook.cells).items():
        if count > 1:
            yield Problem(notebook.path, f"{count} cells have the id {cell_id!r}", "Give each its own.", cell_id)
    for raw, cell in zip(notebook.raw["cells"], notebook.cells, strict=True):
        if "id" not in raw or RANDOM_ID.fullmatch(cell.id) or not ID.fullmatch(cell.id):
            yield Problem(
                notebook.path,
                f"cell id {cell.id!r} says nothing",
                "Name it for what the cell does, such as 'leak-demo'.",
                cell.id,
            )
        if unknown := sorted(cell.tags - KNOWN_TAGS):
            yield Problem(
                notebook.path, f"tag {unknown[0]!r} is not known", f"Known: {', '.join(sorted(KNOWN_TAGS))}.", cell.id
            )
        if raw.get("attachments"):
            yield Problem(
                notebook.path, "the cell holds an attachment", "Draw the figure in code, or link to a file.", cell.id
            )
        if cell.kind == "raw":
            yield Problem(notebook.path, "raw cells are not shown on the site", "Make it Markdown or code.", cell.id)


def _headings(notebook: Notebook) -> Iterator[Problem]:
    found = [(cell, h) for cell in notebook.cells if cell.kind == "markdown" for h in headings(cell.source)]
    first = notebook.cells[0] if notebook.cells else Cell("markdown", "title", "")
    if first.kind != "markdown" or not first.source.startswith("# "):
        yield Problem(
            notebook.path, "the first cell is not the title", "Begin with a Markdown cell `# Question`.", first.id
        )
    for cell, _ in [(c, h) for c, h in found if h.level == 1][1:]:
        yield Problem(notebook.path, "there is a second H1", "Use `##`: the one H1 is the page's question.", cell.id)
    seen: set[str] = set()
    for cell, heading in found:
        if heading.anchor in seen:
            yield Problem(
                notebook.path,
                f"heading {heading.text!r} occurs twice, so links to it are ambiguous",
                "Reword one.",
                cell.id,
            )
        seen.add(heading.anchor)
    for (_, before), (cell, after) in pairwise(found):
        if after.level > before.level + 1:
            yield Problem(
                notebook.path, f"heading {after.text!r} skips a level", f"Use {'#' * (before.level + 1)}.", cell.id
            )


def _check_cells(notebook: Notebook) -> Iterator[Problem]:
    if not any("check" in cell.tags for cell in notebook.code):
        yield Problem(notebook.path, "no cell is tagged `check`", "Assert the page's claims and tag those cells.")
    needed: set[str] = set()  # names that visible cells further down take from above
    for cell in reversed(notebook.code):
        defined, free = _names(cell.tree)
        if "check" not in cell.tags:
            needed = (needed - defined) | free
            continue
        asserts = [n for n in ast.walk(cell.tree) if isinstance(n, ast.Assert)]
        if not asserts:
            yield Problem(notebook.path, "a check cell asserts nothing", "Assert the claim, or drop the tag.", cell.id)
        for node in asserts:
            if not any(isinstance(n, ast.Name | ast.Call | ast.Attribute) for n in ast.walk(node.test)):
                mend = "Assert something that the page computes."
                yield Problem(notebook.path, f"`{ast.unparse(node)}` cannot fail", mend, cell.id)
        if shared := sorted(defined & needed):
            what = f"a check cell defines {shared[0]!r}, which a later visible cell uses"
            yield Problem(notebook.path, what, "Define it in a visible cell, or rename it here.", cell.id)


def _names(tree: ast.Module) -> tuple[set[str], set[str]]:
    """Names that a cell binds at its top level, and names that it takes from earlier cells."""
    table = symtable.symtable(ast.unparse(tree), "cell", "exec")
    bound = {s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_imported() or s.is_namespace()}
    used = {s.get_name() for t in _scopes(table) for s in t.get_symbols() if s.is_referenced() and s.is_global()}
    used |= {s.get_name() for s in table.get_symbols() if s.is_referenced()}
    return bound, used - bound


def _scopes(table: symtable.SymbolTable) -> Iterator[symtable.SymbolTable]:
    for child in table.get_children():
        yield child
        yield from _scopes(child)


def _figures(notebook: Notebook) -> Iterator[Problem]:
    for cell in notebook.code:
        draws = re.search(
            r"\bplt\.show\(|\bplt\.subplots\(|\bplt\.figure\(|\.plot\.\w+\(|\bDisplay\.from_", cell.source
        )
        if draws and not cell.alt:
            yield Problem(
                notebook.path,
                "the figure has no alt text",
                "Write what it shows into the cell's metadata as `alt`.",
                cell.id,
            )


def _size(notebook: Notebook) -> Iterator[Problem]:
    lines = {cell.id: sum(bool(line.strip()) for line in cell.source.splitlines()) for cell in notebook.code}
    counts = {"cells": len(notebook.cells), "code": len(notebook.code), "lines": sum(lines.values())}
    for name, (limit, what) in SIZES.items():
        if counts[name] > limit:
            yield Problem(notebook.path, f"{counts[name]} {what}", f"Aim at {limit} at most.", is_error=False)
    for cell_id, count in lines.items():
        if count > LONGEST_CELL:
            yield Problem(
                notebook.path,
                f"{count} lines in one cell",
                f"Split it: {LONGEST_CELL} at most.",
                cell_id,
                is_error=False,
            )


def fix(notebooks: Iterable[Notebook]) -> list[str]:
    """Write each notebook's canonical form; the paths of those that changed. ruff's repairs are check_code.lint_fix."""
    changed = []
    for notebook in notebooks:
        text = canonical(notebook.raw)
        if text != notebook.text:
            (notebook.folder / PurePosixPath(notebook.path).name).write_text(text, encoding="utf-8")
            changed.append(notebook.path)
    return changed
