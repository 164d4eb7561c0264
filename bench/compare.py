"""The same notebooks through us and through mkdocs-jupyter: `make bench`.

Two questions, each answered by alternating runs so that a busy machine slows both alike; medians and ratios count:
how long the cold execution of all notebooks takes, and what the rendered pages weigh. Prints Markdown tables.
"""

from __future__ import annotations

import argparse
import gzip
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SCRIPTS = Path(sys.executable).parent
THEIRS = """
site_name: bench
theme: { name: material, language: zh }
plugins:
  search: { lang: [en] }
  mkdocs-jupyter: { execute: true, cache: false, allow_errors: true }
"""
EMPTY_ID = re.compile(r'<h[2-4][^>]*\bid="(?:_\d+)?"')


def call(*command: str, cwd: Path, **environment: str) -> float:
    """Seconds that a command took; its output is shown if it fails."""
    variables = {
        **os.environ,
        "PATH": f"{SCRIPTS}{os.pathsep}{os.environ['PATH']}",
        "NO_MKDOCS_2_WARNING": "1",
        **environment,
    }
    start = time.perf_counter()
    done = subprocess.run(command, cwd=cwd, env=variables, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr[-3000:]}")
    return time.perf_counter() - start


def execution(folder: Path, rounds: int) -> str:
    """Cold execution and build: ours in fresh kernels, theirs with `execute: true`."""
    project = folder / "theirs"
    shutil.copytree(ROOT / "notebooks", project / "docs", ignore=shutil.ignore_patterns("_*", "*.yml"))
    (project / "docs/index.md").write_text("# bench\n")
    (project / "mkdocs.yml").write_text(THEIRS)
    ours, theirs = [], []
    for number in range(rounds):
        cache = str(folder / f"cache-{number}")
        ours.append(call("mkdocs", "build", "-q", "-d", str(folder / "cold"), cwd=ROOT, NOTEBOOK_SITE_CACHE=cache))
        theirs.append(call("mkdocs", "build", "-q", cwd=project))
    rows = [("notebook-site", ours), ("mkdocs-jupyter, execute: true", theirs)]
    base = statistics.median(ours)
    lines = [
        f"| cold build, {len(list(project.rglob('*.ipynb')))} notebooks | seconds (median of {rounds}) | ratio |",
        "| --- | ---: | ---: |",
    ]
    lines += [
        f"| {name} | {statistics.median(times):.0f} | {statistics.median(times) / base:.1f} |" for name, times in rows
    ]
    return "\n".join(lines)


def rendering(folder: Path, rounds: int) -> str:
    """The same executed notebooks rendered both ways, from a filled cache."""
    cache = str(folder / "cache-0")
    ways = {
        "notebook-site": {"RENDERER": "notebook-site", "MKDOCS_JUPYTER": "false"},
        "mkdocs-jupyter": {"RENDERER": "mkdocs-jupyter", "MKDOCS_JUPYTER": "true"},
    }
    times: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, options in ways.items():
            shutil.rmtree(folder / name, ignore_errors=True)
            target = str(folder / name)
            times[name].append(
                call("mkdocs", "build", "-q", "-d", target, cwd=ROOT, NOTEBOOK_SITE_CACHE=cache, **options)
            )
    facts = {name: weigh(folder / name) for name in ways}
    lines = ["| the same executed notebooks | " + " | ".join(ways) + " |", "| --- | ---: | ---: |"]
    lines.append(
        "| warm build, seconds (median) | " + " | ".join(f"{statistics.median(t):.1f}" for t in times.values()) + " |"
    )
    lines += [f"| {fact} | " + " | ".join(facts[name][fact] for name in ways) + " |" for fact in facts["notebook-site"]]
    return "\n".join(lines)


def weigh(site: Path) -> dict[str, str]:
    """What a built site weighs and asks for, over its notebook pages."""
    pages = [p.read_bytes() for p in site.glob("*/[0-9][0-9]-*/index.html")]
    texts = [page.decode() for page in pages]
    index = (site / "search/search_index.json").read_bytes()
    total = sum(p.stat().st_size for p in site.rglob("*") if p.is_file())
    return {
        "page, KB of HTML (median)": f"{statistics.median(map(len, pages)) / 1000:.0f}",
        "page, KB gzipped (median)": f"{statistics.median(len(gzip.compress(p, 9)) for p in pages) / 1000:.0f}",
        "search index, KB / KB gzipped": f"{len(index) / 1000:.0f} / {len(gzip.compress(index, 9)) / 1000:.0f}",
        "whole site, MB": f"{total / 1e6:.1f}",
        "headings with an empty or numbered anchor": f"{sum(len(EMPTY_ID.findall(t)) for t in texts)}",
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3, help="alternating runs of each way")
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory() as temporary:
        print(execution(Path(temporary), rounds), end="\n\n")
        print(rendering(Path(temporary), rounds))
