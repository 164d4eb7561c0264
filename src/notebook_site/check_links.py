"""Where a page's links lead: every target stands, and pages on one topic lead to each other."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from notebook_site.notebooks import Notebook
from notebook_site.problems import Problem
from notebook_site.prose import is_foreign, links, resolve
from notebook_site.render import find_anchor


def link_problems(notebook: Notebook, known: dict[str, Notebook]) -> Iterator[Problem]:
    """Problems of one notebook's links; `known` are the site's pages by name."""
    yield from _targets(notebook, known)
    yield from _also(notebook, known)


def _targets(notebook: Notebook, known: dict[str, Notebook]) -> Iterator[Problem]:
    folder = PurePosixPath(notebook.name).parent.as_posix()
    for cell in (c for c in notebook.cells if c.kind == "markdown"):
        for target in links(cell.source):
            if is_foreign(target):
                continue
            path, fragment = resolve(target, folder)
            goal = known.get(path.removesuffix(".ipynb")) if path else notebook
            if path and not path.endswith(".ipynb"):
                yield Problem(
                    notebook.path,
                    f"link to {target}: only notebooks and web addresses can be linked",
                    "Link to the .ipynb file.",
                    cell.id,
                )
            elif goal is None:
                yield Problem(
                    notebook.path,
                    f"link to {target}: there is no such page",
                    "Mend the path, or drop the link until the page exists.",
                    cell.id,
                )
            elif fragment and find_anchor(goal, fragment) is None:
                yield Problem(
                    notebook.path,
                    f"link to {target}: {goal.path} has no such heading",
                    "Mend the part behind `#`.",
                    cell.id,
                )


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
            if there.name not in _linked(here):
                what = f"site.also names {section!r}, but {here.path} has no link to {there.path}"
                yield Problem(notebook.path, what, "Add the link, under 相关 or where the text needs it.")


def _linked(notebook: Notebook) -> set[str]:
    """Names of the pages that a notebook links to."""
    folder = PurePosixPath(notebook.name).parent.as_posix()
    targets = (t for c in notebook.cells if c.kind == "markdown" for t in links(c.source) if not is_foreign(t))
    return {resolve(target, folder)[0].removesuffix(".ipynb") for target in targets}
