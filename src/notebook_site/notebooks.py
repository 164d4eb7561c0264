"""Notebooks and the list of articles, read once and validated once."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import yaml
from nbformat.validator import NotebookValidationError, iter_validate

from notebook_site.settings import Settings, SiteError

NAME = re.compile(r"(?P<number>\d\d)-(?P<slug>[a-z0-9]+(-[a-z0-9]+)*)")


@dataclass(frozen=True)
class Cell:
    """One cell: its kind (`code`, `markdown` or `raw`), id, source and tags."""

    kind: str
    id: str
    source: str
    tags: frozenset[str] = frozenset()
    alt: str = ""

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree of a code cell; empty where IPython's own syntax keeps Python from parsing it."""
        try:
            return ast.parse(self.source)
        except SyntaxError:
            return ast.Module(body=[], type_ignores=[])

    @property
    def assertions(self) -> int:
        """How many `assert` statements a code cell holds."""
        return sum(isinstance(node, ast.Assert) for node in ast.walk(self.tree))


@dataclass(frozen=True)
class Notebook:
    """One page: a notebook file without its outputs.

    `path` is relative to the project's root and `name` to the notebooks folder, without suffix; both are POSIX.
    `raw` is the parsed JSON, for the checks and for writing executed copies.
    """

    path: str
    name: str
    cells: tuple[Cell, ...]
    metadata: dict[str, Any] = field(repr=False)
    raw: dict[str, Any] = field(repr=False, compare=False)
    text: str = field(repr=False, compare=False)
    folder: Path = field(repr=False, compare=False)

    @property
    def site(self) -> dict[str, Any]:
        value = self.metadata.get("site")
        return value if isinstance(value, dict) else {}

    @property
    def article(self) -> str:
        return PurePosixPath(self.name).parts[0]

    @property
    def section(self) -> int:
        match = NAME.fullmatch(PurePosixPath(self.name).name)
        return int(match["number"]) if match else 0

    @property
    def question(self) -> str:
        """The page's title: its first H1."""
        first = self.cells[0].source if self.cells else ""
        match = re.match(r"# +(.+)", first)
        return match[1].strip() if match else self.name

    @property
    def answer(self) -> str:
        """The first paragraph below the title: the short answer."""
        paragraphs = re.split(r"\n\s*\n", self.cells[0].source.strip()) if self.cells else []
        return paragraphs[1].strip() if len(paragraphs) > 1 else ""

    @property
    def summary(self) -> str:
        return str(self.site.get("summary", ""))

    @property
    def methods(self) -> list[str]:
        return [str(m) for m in self.site.get("methods", [])]

    @property
    def also(self) -> list[str]:
        """Sections on the same topic, as ARTICLE/SECTION."""
        return [str(a) for a in self.site.get("also", [])]

    @property
    def data(self) -> list[str]:
        """Declared data files, relative to the notebook's folder."""
        return [str(d) for d in self.site.get("data", [])]

    @property
    def code(self) -> list[Cell]:
        return [cell for cell in self.cells if cell.kind == "code"]

    @property
    def imports(self) -> set[str]:
        """Top-level modules that the code cells import."""
        found: set[str] = set()
        for node in (n for cell in self.code for n in ast.walk(cell.tree)):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                found.add(node.module.partition(".")[0])
        return found


@dataclass(frozen=True)
class Planned:
    """A section whose notebook is still to be written."""

    section: int
    slug: str
    question: str


@dataclass(frozen=True)
class Article:
    """One source article and its sections, written (`pages`) and still to come (`planned`), each in order."""

    slug: str
    title: str
    subtitle: str
    about: str
    planned: tuple[Planned, ...] = ()
    pages: tuple[Notebook, ...] = ()


def parse_notebook(text: str, path: str, name: str, folder: Path) -> Notebook:
    """Make a Notebook of a file's text.

    Raises
    ------
    SiteError
        The text is not JSON or not a version-4 notebook.
    """
    try:
        raw = json.loads(text)
        if error := next(
            iter_validate(raw, version=4, version_minor=raw.get("nbformat_minor", 5)), None
        ):  # `validate` would repair ids that a check must see
            raise error
    except (json.JSONDecodeError, NotebookValidationError) as error:
        reason = " ".join(str(error).split())[:300]
        raise SiteError(
            f"{path}: not a readable notebook: {reason}. Open and save it in Jupyter, or restore it from git."
        ) from error
    cells = tuple(_cell(cell, index) for index, cell in enumerate(raw["cells"]))
    return Notebook(path, name, cells, raw.get("metadata", {}), raw, text, folder)


def _cell(raw: dict[str, Any], index: int) -> Cell:
    source = raw["source"] if isinstance(raw["source"], str) else "".join(raw["source"])
    metadata = raw.get("metadata", {})
    return Cell(
        raw["cell_type"],
        raw.get("id", f"cell-{index}"),
        source,
        frozenset(metadata.get("tags", ())),
        str(metadata.get("alt", "")),
    )


def read_notebook(path: Path, settings: Settings) -> Notebook:
    path = path.resolve()
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SiteError(f"{path}: cannot be read: {error}.") from error
    try:
        name = path.relative_to(settings.notebooks).with_suffix("").as_posix()
    except ValueError:
        raise SiteError(f"{path}: lies outside {settings.notebooks}, where pages live.") from None
    return parse_notebook(text, path.relative_to(settings.root).as_posix(), name, path.parent)


def find_notebooks(settings: Settings, paths: Iterable[Path] = ()) -> list[Path]:
    """All pages of the site, or those that `paths` (notebooks or folders) name, in the site's order.

    Files whose name begins with `_` or lies in a hidden folder are no pages, but may be named.

    Raises
    ------
    SiteError
        A path does not exist or holds no notebook.
    """
    chosen: list[Path] = []
    for path in [Path(p) for p in paths] or [settings.notebooks]:
        if path.is_dir():
            inside = sorted(p for p in path.rglob("*.ipynb") if not p.name.startswith("_") and "/." not in p.as_posix())
            if not inside and path.resolve() != settings.notebooks:
                raise SiteError(f"{path}: holds no notebook.")
            chosen += inside
        elif path.suffix == ".ipynb" and path.is_file():
            chosen.append(path)
        else:
            raise SiteError(f"{path}: no such notebook. Pages lie in {settings.notebooks.relative_to(settings.root)}/.")
    return list(dict.fromkeys(p.resolve() for p in chosen))


def read_articles(settings: Settings, notebooks: Iterable[Notebook]) -> list[Article]:
    """The articles of articles.yml, each with its pages among `notebooks`.

    Raises
    ------
    SiteError
        articles.yml is missing or not in its form, a page belongs to no article, or a page is still listed as planned.
    """
    path = settings.notebooks / "articles.yml"
    try:
        entries = yaml.safe_load(path.read_text("utf-8"))
        articles = [_article(entry, tuple(notebooks)) for entry in entries]
    except (OSError, yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        form = "a list of slug, title, subtitle, about, to_come: [section, slug, question]"
        raise SiteError(f"{path}: cannot be used ({type(error).__name__}: {error}). It is {form}.") from error
    listed = {(a.slug, p.section) for a in articles for p in a.planned}
    for notebook in notebooks:
        if notebook.article not in {a.slug for a in articles}:
            raise SiteError(
                f"{notebook.path}: its folder is no article of {path.name}. Add the article there, or move the notebook."
            )
        if (notebook.article, notebook.section) in listed:
            raise SiteError(
                f"{notebook.path}: the page exists; take section {notebook.section} out of `to_come` in {path.name}."
            )
    return articles


def _article(entry: dict[str, Any], notebooks: tuple[Notebook, ...]) -> Article:
    planned = (Planned(int(p["section"]), p["slug"], p["question"]) for p in entry.get("to_come") or ())
    pages = (n for n in notebooks if n.article == entry["slug"])
    return Article(
        slug=entry["slug"],
        title=entry["title"],
        subtitle=entry["subtitle"],
        about=entry["about"].strip(),
        planned=tuple(sorted(planned, key=lambda p: p.section)),
        pages=tuple(sorted(pages, key=lambda n: n.section)),
    )
