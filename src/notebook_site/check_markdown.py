"""Markdown that Jupyter and the site would read differently.

Both are asked: the text is rendered as Jupyter reads it (CommonMark with tables, by markdown-it-py) and as the site
does (Python-Markdown with the extensions of mkdocs.yml that matter), and the two must hold the same lists, tables,
emphasis, headings, links and code. Nothing is rewritten behind the author's back; the message names the repair.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from html.parser import HTMLParser

import markdown
from markdown_it import MarkdownIt

from notebook_site.notebooks import Cell, Notebook
from notebook_site.problems import Problem
from notebook_site.prose import FENCE, INLINE_CODE

COMPARED = {"strong", "em", "ul", "ol", "li", "table", "tr", "h1", "h2", "h3", "h4", "a", "img", "code", "pre", "hr"}
BLOCKS = {"ul", "ol", "li", "table", "tr"}
CALLOUT = re.compile(r"^(> ?)\[!(?P<kind>[\w-]+)\][+-]? *(?P<title>.*)$", flags=re.M)
KINDS = {
    "note",
    "abstract",
    "info",
    "tip",
    "success",
    "question",
    "warning",
    "failure",
    "danger",
    "bug",
    "example",
    "quote",
}
MATH = re.compile(r"\$\$.+?\$\$|(?<![\\$\w])\$(?![\s$])[^$\n]*?(?<![\s\\])\$(?!\w)", flags=re.S)
BREAK = re.compile(r"\\\\(?=[A-Za-z]{2})")  # a line break in front of a word: a command whose backslash was doubled
EMPHASIS = "Put punctuation and quotes outside of ** and *: “**重点**”内容, **重点**：内容."
EXTENSIONS = [
    "tables",
    "attr_list",
    "md_in_html",
    "pymdownx.superfences",
    "pymdownx.betterem",
    "footnotes",
    "sane_lists",
]


class _Outline(HTMLParser):
    """The compared elements in order of appearance, each with the text it holds."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[list[str]] = []
        self.items: list[list[str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in COMPARED:
            self.items.append(entry := [tag, dict(attrs).get("alt") or ""])
            if tag not in ("img", "hr"):
                self.open.append(entry)

    def handle_endtag(self, tag: str) -> None:
        if self.open and self.open[-1][0] == tag:
            self.open.pop()

    def handle_data(self, data: str) -> None:
        for entry in self.open:
            entry[1] += re.sub(r"\s+", "", data)


def _outline(html: str) -> list[tuple[str, str]]:
    parser = _Outline()
    parser.feed(html)
    return [(tag, text) for tag, text in parser.items]


@lru_cache
def _jupyter() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])


@lru_cache
def _site() -> markdown.Markdown:
    return markdown.Markdown(extensions=EXTENSIONS)


def markdown_problems(notebook: Notebook) -> Iterator[Problem]:
    for cell in (c for c in notebook.cells if c.kind == "markdown"):
        yield from _callouts(notebook, cell)
        text = _comparable(cell.source)
        html = _jupyter().render(text)
        jupyter, site = _outline(html), _outline(_site().reset().convert(text))
        if stars := re.search(r"\*\*.{0,20}", re.sub(r"<(code|pre)\b.*?</\1>|<[^>]*>", "", html, flags=re.S)):
            yield Problem(notebook.path, f"“{stars[0]}” is not bold: its ** stay visible", EMPHASIS, cell.id)
        elif jupyter != site:
            what, mend = _difference(jupyter, site, text)
            yield Problem(notebook.path, what, mend, cell.id)
        if "```" in cell.source and re.search(r"^ {1,3}```", cell.source, flags=re.M):
            yield Problem(notebook.path, "an indented code fence", "Begin ``` at the margin.", cell.id)
        yield from _math(notebook, cell)


def _callouts(notebook: Notebook, cell: Cell) -> Iterator[Problem]:
    for match in CALLOUT.finditer(cell.source):
        if match["kind"] not in KINDS:
            yield Problem(
                notebook.path,
                f"callout [!{match['kind']}] is not known",
                f"Use one of {', '.join(sorted(KINDS))}.",
                cell.id,
            )
        if not match["title"].strip():
            yield Problem(
                notebook.path,
                f"callout [!{match['kind']}] has no title",
                "Write one behind it: the site would print the English kind.",
                cell.id,
            )


def _math(notebook: Notebook, cell: Cell) -> Iterator[Problem]:
    """What MathJax in Jupyter forgives and the site prints as source or as an error."""
    visible = INLINE_CODE.sub("", FENCE.sub("", cell.source))
    if doubled := next(
        (m[0] for m in MATH.finditer(visible) if not m[0].startswith("$$") and BREAK.search(m[0])), None
    ):
        yield Problem(
            notebook.path, f"the formula {doubled} has doubled backslashes", "Write each command with one.", cell.id
        )
    for match in re.finditer(r"^.*?\$\$", visible, flags=re.M):
        line_before = visible[: match.start()].rstrip("\n").rpartition("\n")[2]
        opens = visible[: match.start()].count("$$") % 2 == 0
        alone = match[0].lstrip("> ").startswith("$$")
        if opens and (
            not alone or (line_before.strip("> ") and not visible[: match.start()].endswith(("\n\n", "> \n", ">\n")))
        ):
            yield Problem(
                notebook.path,
                "display mathematics inside a paragraph",
                "Put $$ … $$ on lines of its own with a blank line around.",
                cell.id,
            )
            return


def _comparable(source: str) -> str:
    """The source without what one side has no word for: callout markers and mathematics."""
    text = CALLOUT.sub(lambda m: f"{m[1]}{m['title']}\n{m[1]}", source)
    kept: list[str] = []

    def keep(match: re.Match[str]) -> str:
        kept.append(match[0])
        return f"\x02{len(kept) - 1}\x03"

    text = INLINE_CODE.sub(keep, FENCE.sub(keep, text))
    text = MATH.sub("MATH", text)
    while "\x02" in text:
        text = re.sub(r"\x02(\d+)\x03", lambda m: kept[int(m[1])], text)
    return text


def _difference(jupyter: list[tuple[str, str]], site: list[tuple[str, str]], text: str) -> tuple[str, str]:
    """The first element that only one side sees, and the usual repair of that difference."""
    pairs = zip([*jupyter, ("end", "")], [*site, ("end", "")], strict=False)
    (tag_jupyter, text_jupyter), (tag_site, text_site) = next((a, b) for a, b in pairs if a != b)
    quoted = (text_jupyter or text_site)[:24]
    what = f"Jupyter reads <{tag_jupyter}> and the site <{tag_site}> near “{quoted}”"
    if {tag_jupyter, tag_site} & {"strong", "em"} and not (tag_jupyter in BLOCKS and tag_site in BLOCKS):
        return what, EMPHASIS
    if re.search(r"^[^\n>|\s#-][^\n]*\n(?:[-*+]|\d+\.) ", text, flags=re.M):
        return what, "Put a blank line before the list."
    if re.search(r"^ {1,3}(?:[-*+]|\d+\.) ", text, flags=re.M):
        return what, "Indent what belongs to a list item by four spaces."
    if {tag_jupyter, tag_site} & {"table", "tr"}:
        return what, "Put a blank line before and after the table, and as many cells in each row as in the head."
    return what, "Put a blank line around lists, tables and quotes, and indent nested blocks by four spaces."
