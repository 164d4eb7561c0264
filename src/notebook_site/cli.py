"""The command line: parses, calls, prints. Exit status 0: well; 1: a page has to be mended; 2: the call or set-up has."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Sequence
from pathlib import Path

from notebook_site import authoring, checks, report, site
from notebook_site.cache import Cache
from notebook_site.check_code import lint_fix
from notebook_site.digest import changes, ingredients, key_of
from notebook_site.notebooks import Notebook, find_notebooks, read_notebook
from notebook_site.progress import reporter
from notebook_site.run import Result, failures, run
from notebook_site.settings import Settings, SiteError, find_settings


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        return int(options.command(options, find_settings(Path.cwd())))
    except SiteError as error:
        print(f"notebook-site: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("notebook-site: interrupted; what had finished is kept", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="notebook-site", description="Execute, check and publish the site's notebooks."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, function: object, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(command=function)
        return added

    added = command("execute", _execute, "Run the notebooks whose execution is not in the cache.")
    added.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="notebooks or folders; all pages if none")
    added.add_argument("--force", action="store_true", help="run them even if nothing changed")
    added.add_argument("--summary", type=Path, metavar="FILE", help="append a Markdown summary to FILE")

    added = command("check", _check, "Check form, metadata, prose and code, without running anything.")
    added.add_argument("paths", nargs="*", type=Path, metavar="PATH", help="notebooks or folders; all pages if none")
    added.add_argument("--fix", action="store_true", help="mend what can be mended safely: outputs, form, ruff")

    added = command("why", _why, "Tell why a notebook would run, or would not.")
    added.add_argument("path", type=Path, metavar="PATH")

    added = command("status", _status, "What the newest run of every notebook came to.")
    added.add_argument("--json", action="store_true", help="as a JSON list, one object a notebook")

    added = command("new", _new, "Begin a page from the template.")
    added.add_argument("name", metavar="ARTICLE/NN-SLUG", help="such as breakout-apps/07-feature-stores")

    added = command("export", _export, "Write the whole site as plain Markdown and files, for another generator.")
    added.add_argument("folder", type=Path, metavar="DIR")
    return parser


def _read(options: argparse.Namespace, settings: Settings) -> list[Notebook]:
    return [read_notebook(path, settings) for path in find_notebooks(settings, options.paths)]


def _cache(settings: Settings) -> Cache:
    return Cache(settings.cache, lambda line: print(f"warning: {line}", file=sys.stderr))


def _results(notebooks: Sequence[Notebook], settings: Settings, *, force: bool = False) -> list[Result]:
    with reporter() as told:
        return run(notebooks, settings, _cache(settings), force=force, report=told.step, started=told.started)


def _execute(options: argparse.Namespace, settings: Settings) -> int:
    results = _results(_read(options, settings), settings, force=options.force)
    failed = failures(results)
    fresh = sum(result.fresh for result in results)
    if options.summary:
        with options.summary.open("a", encoding="utf-8") as file:
            file.write(report.summary_markdown(results))
    for message in failed:
        print(f"\n{message}", file=sys.stderr)
    print(f"{len(results)} notebooks: {fresh} run, {len(results) - fresh} from the cache, {len(failed)} failed")
    return 1 if failed else 0


def _check(options: argparse.Namespace, settings: Settings) -> int:
    notebooks = _read(options, settings)
    if options.fix:
        before = {n.path: n.text for n in notebooks}
        lint_fix(notebooks, settings)
        checks.fix(_read(options, settings))
        notebooks = _read(options, settings)
        for notebook in notebooks:
            if before[notebook.path] != notebook.text:
                print(f"mended {notebook.path}")
    found = checks.check(notebooks, settings)
    for problem in found:
        print(problem)
    errors = sum(problem.is_error for problem in found)
    print(f"{len(notebooks)} notebooks: {errors} problems, {len(found) - errors} pieces of advice")
    return 1 if errors else 0


def _why(options: argparse.Namespace, settings: Settings) -> int:
    notebook = read_notebook(options.path, settings)
    parts = ingredients(notebook, settings)
    cache = _cache(settings)
    last = cache.last(notebook.path)
    if cache.find(key_of(parts)):
        print(f"{notebook.path}: will not run: its execution is in the cache")
    elif last is None:
        print(f"{notebook.path}: will run: it has not run here before")
    elif last.key == key_of(parts):
        reason = "its last run failed" if last.outcome != "ok" else "its execution is no longer in the cache"
        print(f"{notebook.path}: will run: {reason}")
    else:
        print(f"{notebook.path}: will run, because since {last.executed_at} this changed:")
        for line in changes(last.ingredients, parts, [cell.id for cell in notebook.code]):
            print(f"  {line}")
    return 0


def _status(options: argparse.Namespace, settings: Settings) -> int:
    notebooks = [read_notebook(path, settings) for path in find_notebooks(settings)]
    rows = report.status(notebooks, settings, _cache(settings))
    print(json.dumps(rows, ensure_ascii=False, indent=1) if options.json else report.status_text(rows))
    return 0


def _new(options: argparse.Namespace, settings: Settings) -> int:
    path = authoring.new_page(options.name, settings)
    print(f"{path}: now write it. `make serve` shows it, `notebook-site check {path}` checks it.")
    return 0


def _export(options: argparse.Namespace, settings: Settings) -> int:
    source = site.read(settings)
    results = _results(source.notebooks, settings)
    if failed := failures(results):
        print("\n\n".join(failed), file=sys.stderr)
        return 1
    count = authoring.export(options.folder, source, results, settings)
    print(f"{count} files in {os.fspath(options.folder)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
