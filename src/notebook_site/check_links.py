"""Where a page's links lead: every target stands, and pages on one topic lead to each other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from notebook_site.notebooks import Cell, Notebook
from notebook_site.problems import Problem
from notebook_site.prose import is_foreign, links, resolve
from notebook_site.render import find_anchor


def link_problems(notebook: Notebook, known: dict[str, Notebook]) -> Iterator[Problem]:
    """Problems of one notebook's links; `known` are the site's pages by name."""
    yield from _targets(notebook, known)
    yield from _also(notebook, known)


def _inner(notebook: Notebook) -> Iterator[tuple[Cell, str, str, str]]:
    """Links inside the site: their cell, the target as written, its page (empty: this one) and its anchor."""
    folder = PurePosixPath(notebook.name).parent.as_posix()
    for cell in (c for c in notebook.cells if c.kind == "markdown"):
        for target in (t for t in links(cell.source) if not is_foreign(t)):
            yield cell, target, *resolve(target, folder)


def _targets(notebook: Notebook, known: dict[str, Notebook]) -> Iterator[Problem]:
    for cell, target, path, fragment in _inner(notebook):
        goal = known.get(path.removesuffix(".ipynb")) if path else notebook
        if path and not path.endswith(".ipynb"):
            what, mend = "only notebooks and web addresses can be linked", "Link to the .ipynb file."
        elif goal is None:
            what, mend = "there is no such page", "Mend the path, or drop the link until the page exists."
        elif fragment and find_anchor(goal, fragment) is None:
            what, mend = f"{goal.path} has no such heading", "Mend the part behind `#`."
        else:
            continue
        yield Problem(notebook.path, f"link to {target}: {what}", mend, cell.id)


def _also(notebook: Notebook, known: dict[str, Notebook]) -> Iterator[Problem]:
    """`site.also` lists the pages on the same topic, as ARTICLE/SECTION: a reader of either finds the other."""
    pages = {f"{n.article}/{n.section}": n for n in known.values() if n.section}
    for section in notebook.also:
        other = pages.get(section)
        if other is None:
            what = f"site.also names {section!r}, which is no page"
            yield Problem(notebook.path, what, "Write ARTICLE/SECTION of a page that stands, or drop it.")
            continue
        for here, there in ((notebook, other), (other, notebook)):
            if f"{there.name}.ipynb" not in {path for _, _, path, _ in _inner(here)}:
                what = f"site.also names {section!r}, but {here.path} has no link to {there.path}"
                yield Problem(notebook.path, what, "Add the link, under 相关 or where the text needs it.")
