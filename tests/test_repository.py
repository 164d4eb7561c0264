"""What must hold of the project's own files and of the real site."""

from __future__ import annotations

import gzip
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from conftest import ROOT, run

from notebook_site.check_markdown import EXTENSIONS
from notebook_site.checks import check, problems
from notebook_site.execute import execute
from notebook_site.notebooks import read_notebook
from notebook_site.prose import headings
from notebook_site.settings import find_settings
from notebook_site.site import read

MODULES = sorted((ROOT / "src").rglob("*.py"))


@pytest.mark.parametrize("workflow", sorted((ROOT / ".github/workflows").glob("*.yml")), ids=lambda p: p.name)
def test_a_workflow_matches_the_schema_and_runs_existing_targets(workflow: Path) -> None:
    schema = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.github-workflows", str(workflow)]
    done = subprocess.run(schema, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text("utf-8"), flags=re.M))
    assert set(re.findall(r"run: make ([a-z]+)", workflow.read_text("utf-8"))) <= targets


def test_the_workflows_ask_for_no_more_than_they_need() -> None:
    for path in (ROOT / ".github/workflows").glob("*.yml"):
        workflow = yaml.safe_load(path.read_text("utf-8"))
        assert workflow["permissions"] == {"contents": "read"}
        wider = {name: job["permissions"] for name, job in workflow["jobs"].items() if "permissions" in job}
        assert wider in ({}, {"deploy": {"pages": "write", "id-token": "write"}})


@pytest.mark.parametrize("module", MODULES, ids=lambda p: p.name)
def test_a_module_stays_short_and_imports_only_what_its_place_allows(module: Path) -> None:
    text = module.read_text("utf-8")
    assert len(text.splitlines()) <= 300
    assert module.name == "plugin.py" or not re.search(r"^\s*(from|import) mkdocs\b", text, flags=re.M)
    assert module.name == "execute.py" or not re.search(r"^\s*(from|import) nbclient\b", text, flags=re.M)


def test_every_section_has_its_page_and_every_method_the_articles_name_leads_to_its_cell() -> None:
    source = read(find_settings(ROOT))
    originals = {"breakout-apps": 6, "sustainable-business": 5, "bubble-or-goldmine": 5}
    originals |= {"international-edge": 30, "user-edge": 19}
    sections = {f"{slug}/{k}" for slug, n in originals.items() for k in range(1, n + 1)}
    assert sections - {f"{page.article}/{page.section}" for page in source.notebooks} == set()
    assert [method.name for method in source.methods if method.notebook is None] == []
    assert len(source.methods) >= 134  # of 164 names in the five articles, synonyms merged


def test_every_page_passes_every_check() -> None:
    settings = find_settings(ROOT)
    errors = [str(p) for p in check(read(settings).notebooks, settings) if p.is_error]
    assert errors == []


def test_every_page_corrects_its_original_and_says_the_answer_aloud() -> None:
    for notebook in read(find_settings(ROOT)).notebooks:
        found = {h.text for cell in notebook.cells if cell.kind == "markdown" for h in headings(cell.source)}
        assert {"原文错在哪里", "面试怎么答"} <= found, notebook.path


def test_the_template_passes_every_check_and_runs() -> None:
    settings = find_settings(ROOT)
    template = read_notebook(settings.notebooks / "_template.ipynb", settings)
    assert [str(p) for p in problems(template, {template.name: template})] == []
    done = execute(template, settings)
    assert done.outcome == "ok", done.message


def test_the_check_reads_markdown_as_mkdocs_yml_does() -> None:
    text = (ROOT / "mkdocs.yml").read_text("utf-8")
    for extension in EXTENSIONS:
        assert re.search(rf"^  - {re.escape(extension)}$", text, flags=re.M), extension


def test_the_lock_pins_every_package_and_knows_no_index() -> None:
    lines = [x for x in (ROOT / "requirements.txt").read_text("utf-8").splitlines() if not x.startswith("#")]
    assert all(re.match(r"[a-z0-9._-]+==[^ ;]+( ; .+)?$", line) for line in lines)
    locked = {line.split("==")[0] for line in lines}
    asked = re.findall(r"^([A-Za-z0-9-]+)", (ROOT / "requirements.in").read_text("utf-8"), flags=re.M)
    assert {name.lower() for name in asked} <= locked
    assert not {name for name in locked if name.startswith(("nvidia", "cuda", "triton"))}


def test_a_build_with_nothing_changed_runs_nothing_and_the_status_knows(built: Path) -> None:
    cache = str(built.parent / "cache")
    again = run(
        "mkdocs", "build", "--strict", "--site-dir", str(built.parent / "again"), cwd=ROOT, NOTEBOOK_SITE_CACHE=cache
    )
    assert again.returncode == 0 and " ok notebooks/" not in again.stderr
    status = run("notebook-site", "status", "--json", cwd=ROOT, NOTEBOOK_SITE_CACHE=cache)
    rows = json.loads(status.stdout)
    assert len(rows) == len(read(find_settings(ROOT)).notebooks) and {row["outcome"] for row in rows} == {"ok"}
    assert all(row["peak_memory_mb"] <= 2048 and row["versions"] for row in rows)


def test_a_page_weighs_at_most_60_kb_and_asks_no_other_host(built: Path) -> None:
    for page in built.rglob("*.html"):
        html = page.read_text("utf-8")
        assert len(gzip.compress(html.encode(), 9)) <= 60_000, page
        loaded = re.findall(r'<(?:script|img|iframe|source)\b[^>]*\bsrc="([^"]+)"|<link\b[^>]*\bhref="([^"]+)"', html)
        foreign = [a or b for a, b in loaded if re.match(r"(?:https?:)?//", a or b)]
        assert foreign == [], page


def test_no_path_of_the_building_machine_is_published(built: Path) -> None:
    for path in built.rglob("*"):
        if path.suffix in (".html", ".ipynb", ".json"):
            text = path.read_text("utf-8")
            assert str(ROOT) not in text and "site-packages" not in text and "/tmp/nbsite-" not in text, path
