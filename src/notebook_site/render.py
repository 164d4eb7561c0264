"""An executed notebook as Markdown and files. Pure functions; knows nothing of MkDocs."""

from __future__ import annotations

import base64
import json
import posixpath
import re
from dataclasses import dataclass, field
from html import escape
from pathlib import PurePosixPath
from typing import Any

import nh3
from nbconvert.filters.ansi import ansi2html, strip_ansi

from notebook_site.cache import Record
from notebook_site.figures import HEAVIEST_SVG, theme
from notebook_site.notebooks import Cell, Notebook
from notebook_site.prose import headings, is_foreign, map_links, resolve
from notebook_site.settings import SiteError

TABLE_TAGS = {
    "table",
    "thead",
    "tbody",
    "tfoot",
    "tr",
    "th",
    "td",
    "caption",
    "b",
    "i",
    "em",
    "strong",
    "br",
    "sub",
    "sup",
    "p",
}
CALL = re.compile(r"^(?:-+>|❱)\s*(\d+)\s(.*)$", flags=re.M)


@dataclass(frozen=True)
class Page:
    """A page in Markdown, and the files it refers to, by path relative to the site's root."""

    markdown: str
    files: dict[str, bytes] = field(default_factory=dict)


def merge(notebook: Notebook, executed: dict[str, Any]) -> dict[str, Any]:
    """The executed notebook with today's prose: outputs depend on code alone, so cells pair up by code order."""
    ran = [cell for cell in executed["cells"] if cell["cell_type"] == "code"]
    if len(ran) != len(notebook.code):
        raise SiteError(
            f"{notebook.path}: its execution has other cells. Run `notebook-site execute --force {notebook.path}`."
        )
    outputs = iter(ran)
    cells = []
    for cell in notebook.raw["cells"]:
        if cell["cell_type"] == "code":
            done = next(outputs)
            outputs_now = [_without_frames(output) for output in done["outputs"]]
            cell = {**cell, "outputs": outputs_now, "execution_count": done["execution_count"]}
        cells.append(cell)
    return {**notebook.raw, "cells": cells}


def render(
    notebook: Notebook, executed: dict[str, Any], record: Record, pages: dict[str, Notebook], colab: str = ""
) -> Page:
    """Markdown of a page; `pages` are the site's notebooks by name, for links, `colab` the start of Colab addresses.

    Raises
    ------
    SiteError
        A figure has no alt text, a link leads to no page or no heading, or an output cannot be shown.
    """
    merged = merge(notebook, executed)
    files = {
        f"{notebook.name}.ipynb": notebook.text.encode(),
        f"{notebook.name}.executed.ipynb": json.dumps(merged, ensure_ascii=False, indent=1).encode(),
    }
    parts = [f"---\ndescription: {json.dumps(notebook.summary, ensure_ascii=False)}\n---"]
    for cell, raw in zip(notebook.cells, merged["cells"], strict=True):
        if cell.kind == "markdown":
            parts.append(map_links(cell.source, lambda target: page_link(target, notebook, pages)))
        elif cell.kind == "code":
            shown, new = _code_cell(notebook, cell, raw["outputs"])
            parts.append(shown)
            files |= new
    title, _, rest = parts[1].partition("\n")
    parts[1] = f"{title}\n\n{strip(notebook, record, colab)}\n{rest}"
    return Page("\n\n".join(parts) + "\n", files)


def strip(notebook: Notebook, record: Record, colab: str = "") -> str:
    """The line under the title: when and how this page ran, and where to get it."""
    name = PurePosixPath(notebook.name).name
    versions = " · ".join(f"{escape(package)} {version}" for package, version in record.versions.items())
    facts = f"✔ 运行于 {record.executed_at[:10]} · {record.seconds:.1f} 秒 · 内存峰值 {record.peak_memory_mb:.0f} MB"
    facts += f" · Python {record.python}" + (f" · {versions}" if versions else "")
    ways = [f"[下载笔记本]({name}.ipynb){{ download }}", f"[下载执行结果]({name}.executed.ipynb){{ download }}"]
    if colab:
        ways.append(f"[在 Colab 打开]({colab}{notebook.path})")
    ways.append("[全站运行状态](../status.md)")
    return f'<div class="run-strip" markdown data-search-exclude>\n\n{facts}\n\n{" · ".join(ways)}\n\n</div>\n'


def page_link(target: str, notebook: Notebook, pages: dict[str, Notebook]) -> str:
    """A link to a notebook, as Jupyter and GitHub understand it, as a link to its page; other links unchanged."""
    path, fragment = resolve(target, posixpath.dirname(notebook.name))
    if is_foreign(target) or (path and not path.endswith(".ipynb")):
        return target
    goal = pages.get(path.removesuffix(".ipynb")) if path else notebook
    if goal is None:
        raise SiteError(f"{notebook.path}: links to {target}, which is no page of this site. Mend or drop the link.")
    anchor = find_anchor(goal, fragment) if fragment else ""
    if anchor is None:
        raise SiteError(
            f"{notebook.path}: links to {target}, but {goal.path} has no such heading. Mend the part behind `#`."
        )
    relative = posixpath.relpath(f"{goal.name}.md", posixpath.dirname(notebook.name)) if path else ""
    return f"{relative}#{anchor}" if anchor else relative


def find_anchor(notebook: Notebook, fragment: str) -> str | None:
    """The site's anchor of the heading that a fragment names in Jupyter's or GitHub's spelling."""
    known = (h for cell in notebook.cells if cell.kind == "markdown" for h in headings(cell.source))
    return next((h.anchor for h in known if fragment in h.anchors), None)


def fence(text: str, info: str) -> str:
    """A fenced block that no backtick in the text can end."""
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    ticks = "`" * max(3, longest + 1)
    return f"{ticks} {info}\n{text}\n{ticks}"


def _code_cell(notebook: Notebook, cell: Cell, outputs: list[dict[str, Any]]) -> tuple[str, dict[str, bytes]]:
    if not cell.source.strip():
        return "", {}
    # Jupyter's own anchor of a cell, so that a link to it also works where the notebook is rendered elsewhere
    parts = [f'<div class="cell" id="cell-id={cell.id}"></div>', fence(cell.source.rstrip("\n"), "python")]
    files: dict[str, bytes] = {}
    for number, output in enumerate(_joined(outputs)):
        shown, new = _output(notebook, cell, output, number)
        parts.append(shown)
        files |= new
    if "volatile" in cell.tags and outputs:
        parts.append('<p class="volatile">这里的数字每次运行都会变。</p>')
    body = "\n\n".join(part for part in parts if part)
    if "check" not in cell.tags:
        return body, files
    summary = f"✔ 以上结论由 {cell.assertions} 条断言保证"
    return f'<details class="check" markdown>\n<summary>{summary}</summary>\n\n{body}\n\n</details>', files


def _joined(outputs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Neighbouring pieces of one stream as one output: where the kernel flushed is chance."""
    joined: list[dict[str, Any]] = []
    for output in outputs:
        text = _text(output.get("text", ""))
        if joined and output["output_type"] == "stream" and joined[-1].get("name") == output["name"]:
            joined[-1] = {**joined[-1], "text": joined[-1]["text"] + text}
        else:
            joined.append({**output, "text": text} if output["output_type"] == "stream" else output)
    return joined


def _output(notebook: Notebook, cell: Cell, output: dict[str, Any], number: int) -> tuple[str, dict[str, bytes]]:
    if output["output_type"] == "stream":
        return _quiet(output["text"], "stderr" if output["name"] == "stderr" else ""), {}
    if output["output_type"] == "error":
        return _quiet("\n".join(output["traceback"]), "error"), {}
    data = output["data"]
    if "image/svg+xml" in data or "image/png" in data:
        return _figure(notebook, cell, output, number)
    if "<table" in (table := _text(data.get("text/html", ""))):
        return _table(table), {}
    if "text/latex" in data:
        return "\n" + _text(data["text/latex"]).strip() + "\n", {}
    if "text/markdown" in data:
        return _text(data["text/markdown"]), {}
    if "text/plain" in data:
        return _quiet(_text(data["text/plain"])), {}
    raise SiteError(
        f"{notebook.path}: cell {cell.id} shows {', '.join(data) or 'nothing'}, which the site cannot. Print text or draw a figure."
    )


def _quiet(text: str, kind: str = "") -> str:
    """A block of output: plain text as a fence, coloured text as HTML whose every special character is an entity."""
    text = text.rstrip("\n")
    if not text.strip():
        return ""
    if strip_ansi(text) == text:
        return fence(text, f'{{ .text .output {"." + kind if kind else ""} data-search-exclude="" }}')
    html = ansi2html(text).translate({ord(c): f"&#{ord(c)};" for c in "`*_$~\\[]{}|\n:"})
    return f'<div class="output highlight {kind}" data-search-exclude=""><pre><code>{html}</code></pre></div>'


def _without_frames(output: dict[str, Any]) -> dict[str, Any]:
    """An error as its line and message. The rest of a traceback shows paths of the machine that built the site."""
    if output["output_type"] != "error":
        return output
    trace = strip_ansi("\n".join(output["traceback"]))
    called = CALL.search(trace)
    lines = [f"line {called[1]}: {called[2].strip()}"] if called else []
    lines.append(f"{output['ename']}: {strip_ansi(output['evalue'])}".rstrip(": "))
    return {**output, "traceback": lines}


def _table(html: str) -> str:
    clean = nh3.clean(
        html,
        tags=TABLE_TAGS,
        attributes={"th": {"colspan", "rowspan"}, "td": {"colspan", "rowspan"}},
    )
    lines = (line.strip() for line in clean.splitlines())
    body = "".join(line for line in lines if line).translate({ord(c): f"&#{ord(c)};" for c in "`*_$~\\[]{}|"})
    body = body.replace("<table", '<table class="frame"')  # Material restyles tables that have no class
    return f'<div class="output table" data-search-exclude="">{body}</div>'


def _figure(notebook: Notebook, cell: Cell, output: dict[str, Any], number: int) -> tuple[str, dict[str, bytes]]:
    if not cell.alt:
        raise SiteError(
            f"{notebook.path}: the figure of cell {cell.id} has no alt text. Write it into the cell's metadata as `alt`."
        )
    data, name = output["data"], PurePosixPath(notebook.name)
    stem = f"{name.name}/{cell.id}" + (f"-{number}" if number else "")
    alt = re.sub(r"([\[\]`*_])", r"\\\1", cell.alt)
    svg = _text(data.get("image/svg+xml", ""))
    if svg and len(svg.encode()) <= HEAVIEST_SVG:
        themed = theme(svg)
        size = f"{{ width={themed.width} height={themed.height} loading=lazy }}"
        shown = f"![{alt}]({stem}.svg#only-light){size}![{alt}]({stem}.dark.svg#only-dark){size}"
        return shown, {f"{name.parent}/{stem}.svg": themed.light, f"{name.parent}/{stem}.dark.svg": themed.dark}
    png = base64.b64decode(_text(data["image/png"]))
    measured = output.get("metadata", {}).get("image/png", {})
    size = " ".join(f"{side}={int(measured[side])}" for side in ("width", "height") if side in measured)
    return f"![{alt}]({stem}.png){{ .bitmap {size} loading=lazy }}", {f"{name.parent}/{stem}.png": png}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "".join(value)
