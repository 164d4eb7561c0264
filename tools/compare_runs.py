"""Which cells print something else in a second cold run: `make twice`, or `compare_runs.py CACHE CACHE`.

Cells tagged `volatile` may differ; where a stream was cut is chance. Figures are compared byte for byte.
Exit status 1 when a cell differs or a notebook was executed in one of the two caches only.
"""

from __future__ import annotations

import json
import sys
from itertools import groupby
from pathlib import Path
from typing import Any


def shown(cell: dict[str, Any]) -> list[Any]:
    """The outputs of a code cell: neighbouring pieces of one stream as one, an error without its frames' paths."""
    outputs: list[Any] = []
    for kind, group in groupby(cell["outputs"], lambda o: o.get("name", o["output_type"])):
        if kind in ("stdout", "stderr"):
            outputs.append([kind, "".join("".join(o["text"]) for o in group)])
        else:
            outputs += [{k: v for k, v in o.items() if k != "traceback"} for o in group]
    return outputs


def executed(cache: Path) -> dict[str, dict[str, Any]]:
    """Newest entry of each notebook: cell id -> outputs, by `site.section`."""
    notebooks = {}
    for path in sorted(cache.glob("*.ipynb"), key=lambda p: p.stat().st_mtime):
        notebook = json.loads(path.read_text("utf-8"))
        notebooks[notebook["metadata"]["site"]["section"]] = {
            cell["id"]: shown(cell)
            for cell in notebook["cells"]
            if cell["cell_type"] == "code" and "volatile" not in cell["metadata"].get("tags", [])
        }
    return notebooks


def differences(first: dict[str, dict[str, Any]], second: dict[str, dict[str, Any]]) -> list[str]:
    """One line for each notebook that is not the same in both runs."""
    lines = [f"{section}: executed in one of the two only" for section in sorted(first.keys() ^ second.keys())]
    for section in sorted(first.keys() & second.keys()):
        a, b = first[section], second[section]
        if cells := [cell for cell in a.keys() | b.keys() if a.get(cell) != b.get(cell)]:
            lines.append(f"{section}: {', '.join(sorted(cells))} differ. Seed them, sort them, or tag them `volatile`.")
    return lines


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("Usage: compare_runs.py CACHE CACHE")
    runs = [executed(Path(folder)) for folder in sys.argv[1:]]
    if not all(runs):
        sys.exit("A cache is empty: run `make twice`, or execute into both with NOTEBOOK_SITE_CACHE.")
    found = differences(*runs)
    print(*found, f"{len(runs[0])} notebooks compared, {len(found)} differ", sep="\n")
    sys.exit(bool(found))
