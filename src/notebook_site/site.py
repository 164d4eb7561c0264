"""The whole site as Markdown and files: what MkDocs renders, and what `notebook-site export` writes."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from notebook_site.methods import Method, methods_page, read_methods
from notebook_site.notebooks import Article, Notebook, find_notebooks, read_articles, read_notebook
from notebook_site.pages import article_page, glossary_page, read_glossary
from notebook_site.render import merge, render
from notebook_site.report import status_page
from notebook_site.run import Result
from notebook_site.settings import Settings, SiteError


@dataclass(frozen=True)
class Source:
    """Everything that authors write under notebooks/."""

    articles: list[Article]
    terms: list[tuple[str, str, list[str]]]
    methods: list[Method]

    @property
    def notebooks(self) -> list[Notebook]:
        return [notebook for article in self.articles for notebook in article.pages]

    @property
    def by_name(self) -> dict[str, Notebook]:
        return {notebook.name: notebook for notebook in self.notebooks}


def read(settings: Settings) -> Source:
    """Read all notebooks, articles.yml, glossary.yml and methods.yml.

    Raises
    ------
    SiteError
        Something cannot be read; the message has a line for each such notebook.
    """
    notebooks, troubles = [], []
    for path in find_notebooks(settings):
        try:
            notebooks.append(read_notebook(path, settings))
        except SiteError as error:  # name all broken files at once
            troubles.append(str(error))
    if troubles:
        raise SiteError("\n".join(troubles))
    articles = read_articles(settings, notebooks)
    terms = read_glossary(settings.notebooks / "glossary.yml")
    return Source(articles, terms, read_methods(settings.notebooks / "methods.yml", articles))


def generated_pages(source: Source, results: Sequence[Result]) -> dict[str, bytes | str]:
    """The pages that no one writes: articles, methods, glossary, status. In a search, the answers come before them."""
    pages = {
        **{f"{article.slug}/index.md": article_page(article) for article in source.articles},
        "methods.md": methods_page(source.notebooks, source.methods),
        "glossary.md": glossary_page(source.terms),
        "status.md": status_page(results),
    }
    return {path: f"---\nsearch:\n  boost: 0.2\n---\n\n{text}" for path, text in pages.items()}


def build(source: Source, results: Sequence[Result], colab: str = "") -> dict[str, bytes | str]:
    """Every page and file of the site but the hand-written ones, by path; str is Markdown.

    Raises
    ------
    SiteError
        A page cannot be rendered; the message has a line for each such page.
    """
    files: dict[str, bytes | str] = generated_pages(source, results)
    troubles = []
    for result in results:
        try:
            page = render(result.notebook, result.executed or {}, result.record, source.by_name, colab)
        except SiteError as error:
            troubles.append(str(error))
            continue
        files[f"{result.notebook.name}.md"] = page.markdown
        files.update(page.files)
    if troubles:
        raise SiteError("\n".join(troubles))
    return files


def executed_files(results: Sequence[Result]) -> dict[str, bytes]:
    """The executed notebooks by path."""
    merged = ((r.notebook.name, merge(r.notebook, r.executed or {})) for r in results)
    return {f"{name}.ipynb": json.dumps(notebook, ensure_ascii=False, indent=1).encode() for name, notebook in merged}
