"""From outputs to Markdown and files."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
from conftest import GOOD, code, md, parsed

from notebook_site.cache import Record
from notebook_site.figures import theme
from notebook_site.prose import Heading, headings, links, map_links, without_code
from notebook_site.render import Page, merge, render
from notebook_site.settings import SiteError

RECORD = Record("p", "k", "ok", "", 12.34, 99.6, {"numpy": "2.4.6"}, "3.11.7", "2026-11-23T08:00:00+00:00", {})
FIGURE = """<svg xmlns="http://www.w3.org/2000/svg" width="72pt" height="36pt" viewBox="0 0 72 36"><metadata>today</metadata>
<g id="figure_1"><g id="patch_1"><path d="M 0 0 L 72 0 L 72 36 L 0 36 z" style="fill: #ffffff"/></g>
<g id="axes_1"><g id="patch_2"><path d="M 10 10 L 60 10 L 60 30 L 10 30 z" style="fill: #ffffff"/></g>{image}
<g id="line2d_1"><path d="M 0 0 L 1 1" style="fill: none; stroke: #000000"/><path style="stroke: #1f77b4"/></g>
<g id="text_1"><g transform="translate(20 20) scale(0.1)"><path d="M 0 0"/></g></g>
<g id="text_2"><g transform="translate(20 5) scale(0.1)"><path d="M 0 0" style="fill: #ffffff"/></g></g></g></g></svg>"""
IMAGE = '<image width="50" height="20" transform="scale(1 -1)"/>'


def shown(*outputs: dict[str, Any], cell: Any = None, **more: Any) -> Page:
    notebook = parsed(md("# 问题？\n\n答案。"), cell or code("x", id="cell"))
    return render(
        notebook,
        {"cells": [{"cell_type": "markdown"}, {"cell_type": "code", "outputs": list(outputs), "execution_count": 1}]},
        RECORD,
        {},
        **more,
    )


def stream(text: str, name: str = "stdout") -> dict[str, Any]:
    return {"output_type": "stream", "name": name, "text": text}


def data(**mime: str) -> dict[str, Any]:
    return {
        "output_type": "display_data",
        "metadata": {},
        "data": {k.replace("_", "/").replace("svg", "svg+xml"): v for k, v in mime.items()},
    }


def test_the_strip_under_the_title_says_when_how_and_with_what_it_ran() -> None:
    text = shown().markdown
    head = text.index("# 问题？")
    assert head < text.index('<div class="run-strip"') < text.index("答案。")
    assert "✔ 运行于 2026-11-23 · 12.3 秒 · 内存峰值 100 MB · Python 3.11.7 · numpy 2.4.6" in text
    assert "[下载笔记本](01-one.ipynb)" in text and "Colab" not in text


def test_colab_is_offered_only_where_its_address_is_known() -> None:
    assert "(https://colab.example/notebooks/first/01-one.ipynb)" in shown(colab="https://colab.example/").markdown


def test_both_downloads_come_with_the_page() -> None:
    files = shown(stream("hello")).files
    assert b"hello" not in files["first/01-one.ipynb"] and b"hello" in files["first/01-one.executed.ipynb"]


def test_text_is_a_quiet_block_that_backticks_cannot_leave() -> None:
    text = shown(stream("a\n"), stream("```\nb <c>")).markdown
    assert '```` { .text .output  data-search-exclude="" }\na\n```\nb <c>\n````' in text


def test_coloured_text_is_html_without_anything_that_markdown_reads() -> None:
    text = shown(stream("\x1b[31mred\x1b[0m\n\n`*_$#\n- x")).markdown
    block = text[text.index('<div class="output highlight') :].split("</div>")[0]
    assert '<span class="ansi&#45;red' not in block and "ansi-red-fg" in block
    assert "\n" not in block and not set("`*_$") & set(block)


def test_an_error_shows_its_line_and_no_path_of_the_builder() -> None:
    trace = [
        "\x1b[0;31m---\x1b[0m",
        "Cell \x1b[0;32mIn[3], line 2\x1b[0m\n      1 a\n----> 2 a / 0\n",
        "File /home/me/x.py:3, in f()\n",
        "ZeroDivisionError: no",
    ]
    page = shown({"output_type": "error", "ename": "ZeroDivisionError", "evalue": "no", "traceback": trace})
    assert "line 2: a / 0\nZeroDivisionError: no" in page.markdown and "/home/me" not in page.markdown
    assert b"/home/me" not in page.files["first/01-one.executed.ipynb"]


def test_tables_lose_style_and_script_and_keep_their_cells() -> None:
    frame = '<div><style scoped>td {color: red}</style><table border="1" class="dataframe"><tr style="x"><td onclick="y">a_b*</td></tr></table><script>z</script></div>'
    text = shown(data(text_html=frame, text_plain="plain")).markdown
    assert "<td>a&#95;b&#42;</td>" in text and "plain" not in text


def test_html_without_a_table_falls_back_to_text() -> None:
    assert "plain" in shown(data(text_html="<div>widget</div>", text_plain="plain")).markdown


def test_what_cannot_be_shown_is_refused_by_name() -> None:
    with pytest.raises(SiteError, match=r"cell cell shows video/mp4, which the site cannot"):
        shown({"output_type": "display_data", "metadata": {}, "data": {"video/mp4": "x"}})


def test_a_figure_becomes_a_light_and_a_dark_file_with_size_and_alt() -> None:
    page = shown(data(image_svg=FIGURE.format(image="")), cell=code("x", id="plot", metadata={"alt": "图 [1]"}))
    size = "{ width=96 height=48 loading=lazy }"
    assert (
        rf"![图 \[1\]](01-one/plot.svg#only-light){size}![图 \[1\]](01-one/plot.dark.svg#only-dark){size}"
        in page.markdown
    )
    assert {"first/01-one/plot.svg", "first/01-one/plot.dark.svg"} <= set(page.files)


def test_a_figure_without_alt_is_refused() -> None:
    with pytest.raises(SiteError, match=r"the figure of cell cell has no alt text"):
        shown(data(image_svg=FIGURE.format(image="")))


def test_a_heavy_figure_is_a_bitmap() -> None:
    heavy = FIGURE.format(image="<!--" + "x" * 300_000 + "-->")
    png = base64.b64encode(b"bits").decode()
    output = {
        "output_type": "display_data",
        "metadata": {"image/png": {"width": 9, "height": 8}},
        "data": {"image/svg+xml": heavy, "image/png": png},
    }
    page = shown(output, cell=code("x", id="plot", metadata={"alt": "点"}))
    assert "![点](01-one/plot.png){ .bitmap width=9 height=8 loading=lazy }" in page.markdown
    assert page.files["first/01-one/plot.png"] == b"bits"


def test_dark_figures_change_what_style_sets_and_keep_text_on_images() -> None:
    plain, on_image = theme(FIGURE.format(image="")), theme(FIGURE.format(image=IMAGE))
    dark = plain.dark.decode()
    assert "#000000" not in dark and "#1f77b4" not in dark and 'fill="#d8dbe3"' in dark and "today" not in dark
    assert plain.light.count(b"fill: none") == 3 and b"#1f77b4" in plain.light
    first_text = on_image.dark.decode().split('id="text_1"')[1].split("</g>")[0]
    assert 'fill="#000000"' in first_text  # inside the image: as the author drew it
    assert 'id="text_2"><g' in on_image.dark.decode().replace("\n", "")  # a title above it: follows the page


def test_text_too_dark_for_a_dark_page_is_lightened_and_a_dark_mark_is_not() -> None:
    grey = FIGURE.format(image="").replace("#1f77b4", "#333333").replace('id="text_2"', 'id="text_2" fill="#333333"')
    dark = theme(grey).dark.decode()
    assert 'id="text_2" fill="#d8dbe3"' in dark and dark.count("#333333") == 1


def test_two_runs_give_the_same_figure_files() -> None:
    other = FIGURE.replace("today", "tomorrow")
    assert theme(FIGURE.format(image="")) == theme(other.format(image=""))


def test_check_cells_are_folded_under_their_number_of_assertions() -> None:
    text = shown(cell=code("assert x\nassert y", "check", id="cell")).markdown
    assert '<details class="check" markdown>\n<summary>✔ 以上结论由 2 条断言保证</summary>' in text


def test_volatile_output_says_so() -> None:
    assert "每次运行都会变" in shown(stream("1.2 s"), cell=code("x", "volatile", id="cell")).markdown
    assert "每次运行都会变" not in shown(stream("1.2 s")).markdown


def test_new_prose_meets_old_outputs() -> None:
    old = {
        "cells": [
            {"cell_type": "code", "outputs": [stream("2")], "execution_count": 1},
            {"cell_type": "code", "outputs": [], "execution_count": 2},
        ]
    }
    merged = merge(parsed(md("# 新？"), *GOOD[1:], md("又一段")), old)
    assert [c.get("outputs") for c in merged["cells"]] == [None, [stream("2")], [], None]
    with pytest.raises(SiteError, match="its execution has other cells"):
        merge(parsed(*GOOD[:2]), old)


def test_links_between_notebooks_become_links_between_pages() -> None:
    two = parsed(md("# 二？"), md("## 一张 Big 表，好"), name="second/02-two")
    source = "[a](../second/02-two.ipynb#一张-Big-表，好) [b](../second/02-two.ipynb) [c](#问题) [d](https://x.y/z.ipynb) `[e](f.ipynb)`"
    page = render(parsed(md(f"# 问题\n\n{source}"), folder=Path()), {"cells": []}, RECORD, {two.name: two})
    assert (
        "[a](../second/02-two.md#一张-big-表好) [b](../second/02-two.md) [c](#问题) [d](https://x.y/z.ipynb) `[e](f.ipynb)`"
        in page.markdown
    )


def test_headings_and_links_inside_code_are_not_seen() -> None:
    text = "# 一 `x` **二**\n\n```python\n# no\n[a](b)\n```\n\n## 三 {y}\n\n`[c](d)` [e](f(g).html)"
    assert headings(text) == [Heading(1, "一 x 二"), Heading(2, "三 {y}")]
    assert links(text) == ["f(g).html"]
    assert len(without_code(text)) == len(text)
    assert map_links("[a](b) `[a](b)`", str.upper) == "[a](B) `[a](b)`"
