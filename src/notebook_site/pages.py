"""Pages made from the notebooks' own metadata and from articles.yml; nothing here is written twice."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml

from notebook_site.notebooks import Article
from notebook_site.prose import map_links
from notebook_site.settings import SiteError

ARTICLES, QUESTIONS, COUNTS = "<!-- site: articles -->", "<!-- site: questions -->", "<!-- site: counts -->"


def article_page(article: Article) -> str:
    """An article's page: what it is about, its questions with summary and methods, and what is still to come."""
    lines = [f"# {article.title}", "", f"**{article.subtitle}**", "", article.about, ""]
    if article.pages:
        lines += ["## 已经跑通的问题", ""]
    for notebook in article.pages:
        name = posixpath.basename(notebook.name)
        lines += [f"### {notebook.section} · [{notebook.question}]({name}.md)", "", notebook.summary, ""]
        lines += ["方法：" + "、".join(notebook.methods), ""]
    if article.planned:
        state = "已跑通的在上面，其余还没有页面。" if article.pages else "这一篇还没有写成的页面，先列出题目。"
        lines += ["## 还在写的问题", "", state, "", '<div class="to-come" markdown>', ""]
        lines += [f"- {planned.section} · {planned.question}" for planned in article.planned]
        lines += ["", "</div>", ""]
    return "\n".join(lines)


def article_cards(articles: Iterable[Article]) -> str:
    """The home page's list of articles."""
    cards = []
    for article in articles:
        total = len(article.pages) + len(article.planned)
        state = f"{len(article.pages)} / {total} 题已跑通"
        cards.append(f"-   **[{article.title}]({article.slug}/index.md)**\n\n    {article.subtitle}\n\n    {state}")
    return '<div class="grid cards" markdown>\n\n' + "\n\n".join(cards) + "\n\n</div>"


def counts(articles: Sequence[Article]) -> str:
    """One sentence: how much of the site stands."""
    pages = [notebook for article in articles for notebook in article.pages]
    total = len(pages) + sum(len(article.planned) for article in articles)
    assertions = sum(cell.assertions for notebook in pages for cell in notebook.code)
    return f"{total} 道题里已有 {len(pages)} 道写成可执行的页面，共 {assertions} 条断言，每次构建全部重新核对。"


def questions(articles: Iterable[Article]) -> str:
    """Every written question with its short answer folded below it."""
    lines: list[str] = []
    for article in articles:
        if article.pages:
            lines += [f"### {article.title}", ""]
        for notebook in article.pages:
            answer = map_links(notebook.answer, lambda target, folder=article.slug: _from_root(target, folder))  # type: ignore[misc]
            lines += [f"> [!question]- {notebook.question}", *(f"> {line}" for line in answer.splitlines()), ">"]
            lines += [f"> [看它怎么跑出来]({notebook.name}.md)", ""]
    return "\n".join(lines)


def _from_root(target: str, folder: str) -> str:
    path = re.sub(r"\.ipynb(?=#|$)", ".md", target)
    return path if path.startswith(("#", "http")) else posixpath.normpath(posixpath.join(folder, path))


def read_glossary(path: Path) -> list[tuple[str, str, list[str]]]:
    """English term, Chinese term, other Chinese names; in the order of the file.

    Raises
    ------
    SiteError
        The file is not in its form.
    """
    try:
        entries: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
        terms = [
            (str(en), *((zh["zh"], zh.get("aka", [])) if isinstance(zh, dict) else (zh, [])))
            for en, zh in entries.items()
        ]
    except (OSError, yaml.YAMLError, AttributeError, KeyError) as error:
        form = "`English: 中文` or `English: {zh: 中文, aka: [别名]}`"
        raise SiteError(f"{path}: cannot be used ({type(error).__name__}: {error}). Each line is {form}.") from error
    return terms


def glossary_page(terms: Iterable[tuple[str, str, list[str]]]) -> str:
    lines = [
        "# 术语",
        "",
        "全站一个概念只用一个中文词。括号里是别处常见的叫法，搜索时也能找到。",
        "",
        "| 英文 | 中文 |",
        "| --- | --- |",
    ]
    for english, chinese, others in sorted(terms, key=lambda term: term[0].lower()):
        lines.append(f"| {english} | {chinese}{_aka(others)} |")
    return "\n".join(lines) + "\n"


def _aka(others: list[str]) -> str:
    return f"（{'、'.join(others)}）" if others else ""


def fill(markdown: str, articles: Sequence[Article]) -> str:
    """A hand-written page with its markers replaced."""
    for marker, make in ((ARTICLES, article_cards), (QUESTIONS, questions), (COUNTS, counts)):
        if marker in markdown:
            markdown = markdown.replace(marker, make(articles))
    return markdown


def navigation(nav: Sequence[Any], articles: Sequence[Article], suffix: str = ".md") -> list[Any]:
    """`nav` of mkdocs.yml with its entry `notebooks` replaced by the articles and their pages."""
    sections = []
    for article in articles:
        pages: list[Any] = [f"{article.slug}/index.md"]
        pages += [{f"{n.section} · {n.question}": f"{n.name}{suffix}"} for n in article.pages]
        sections.append({article.title: pages})
    return [item for entry in nav for item in (sections if entry == "notebooks" else [entry])]
