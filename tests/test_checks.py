"""Each check with a page that passes and pages that fail, and the repair that its message names."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import GOOD, code, md, notebook_json, parsed, write

from notebook_site.checks import canonical, check, problems
from notebook_site.notebooks import parse_notebook, read_notebook
from notebook_site.settings import Settings, SiteError

TITLE = md("# 问题？\n\n答案。")
CHECK = code("assert x == 2", "check")
SUM = code("x = 1 + 1")
DRAW = "import matplotlib.pyplot as plt\n\nplt.plot([1])\nplt.show()"

BAD = {
    "a missing summary": ((GOOD, {"summary": ""}), "site.summary is missing. Add one sentence"),
    "a long summary": ((GOOD, {"summary": "长" * 61}), "site.summary has 61 characters. Shorten it to 60"),
    "no methods": ((GOOD, {"methods": []}), "site.methods is missing"),
    "a method without English": ((GOOD, {"methods": ["召回率"]}), 'List the methods the page runs, as "召回率 (recall)"'),
    "a method named twice": ((GOOD, {"methods": ["F1", "F1"]}), "site.methods names 'F1' twice"),
    "another page's section": ((GOOD, {"section": "first/9"}), "site.section is 'first/9'. Set it to 'first/1'"),
    "an unknown key": ((GOOD, {"sumary": "x"}), "site.sumary is not known"),
    "an unnamed language": ((GOOD, {"language": "x"}), "site.language is not known"),
    "no title": (((SUM, CHECK), {}), "the first cell is not the title"),
    "a second H1": (((*GOOD, md("# 又一个")), {}), "there is a second H1. Use `##`"),
    "a heading twice": (((*GOOD, md("## 同"), md("## 同")), {}), "heading '同' occurs twice"),
    "a skipped level": (((*GOOD, md("#### 深")), {}), "heading '深' skips a level. Use ##"),
    "a random cell id": (((TITLE, SUM, code("assert x", "check", id="3f2a9c1e")), {}), "cell id '3f2a9c1e' says nothing"),
    "a cell id twice": (((TITLE, SUM, code("assert x", "check", id="code-b")), {}), "2 cells have the id 'code-b'"),
    "an unknown tag": (((TITLE, code("x = 2", "chekc"), CHECK), {}), "tag 'chekc' is not known"),
    "no check at all": (((TITLE, SUM), {}), "no cell is tagged `check`"),
    "a check without assert": (((TITLE, SUM, code("x == 2", "check")), {}), "a check cell asserts nothing"),
    "a check of a constant": (((TITLE, SUM, code("assert 1 + 1 == 2", "check")), {}), "`assert 1 + 1 == 2` cannot fail"),
    "a check that others need": (((TITLE, SUM, code("y = x\nassert y", "check"), code("y + 1")), {}), "a check cell defines 'y', which a later visible cell uses"),
    "a check whose function others need": (((TITLE, SUM, code("def f():\n    return x\n\n\nassert f()", "check"), code("def g():\n    return f()")), {}), "a check cell defines 'f'"),
    "a figure without alt": (((TITLE, SUM, CHECK, code(DRAW)), {}), "the figure has no alt text"),
    "a topic's page that is none": ((GOOD, {"also": ["first/3"]}), "site.also names 'first/3', which is no page"),
    "a dead link": (((*GOOD, md("[x](09-none.ipynb)")), {}), "link to 09-none.ipynb: there is no such page"),
    "a link to a file": (((*GOOD, md("[x](../README.md)")), {}), "only notebooks and web addresses can be linked"),
    "a dead anchor": (((*GOOD, md("[x](#没有)")), {}), "notebooks/first/01-one.ipynb has no such heading"),
    "an installer": (((TITLE, SUM, CHECK, code("!pip install x")), {}), "downloads from an installer"),
    "a data set from the net": (((TITLE, SUM, CHECK, code("from sklearn.datasets import fetch_openml\n\nfetch_openml('mnist')")), {}), "`fetch_openml(` downloads"),
    "weights from a hub": (((TITLE, SUM, CHECK, code("Model.from_pretrained('x')")), {}), "downloads from a hub"),
    "a web address in a call": (((TITLE, SUM, CHECK, code("get('https://example.com/a')")), {}), "a call is given the address 'https://example.com/a'"),
    "a Chinese comment": (((TITLE, code("x = 2  # 二"), CHECK), {}), "line 1 has Chinese outside of data. Comments and names are English"),
    "Chinese printed": (((TITLE, SUM, CHECK, code("print('好')")), {}), "line 1 has Chinese text without a comment"),
    "Chinese in an f-string": (((TITLE, SUM, CHECK, code("print(f'好{x}')")), {}), "line 1 has Chinese text without a comment"),
    "IPython syntax": (((TITLE, SUM, CHECK, code("%timeit x")), {}), "line 1 is not Python"),
    "bold against quotes": (((*GOOD, md("**“重点”**内容")), {}), "Put punctuation and quotes outside of **"),
    "a list against its paragraph": (((*GOOD, md("两点：\n- 一\n- 二")), {}), "Put a blank line before the list"),
    "a nested list of two spaces": (((*GOOD, md("- 一\n  - 二\n")), {}), "Indent what belongs to a list item by four spaces"),
    "a callout without title": (((*GOOD, md("> [!note]\n> 正文")), {}), "callout [!note] has no title"),
    "an unknown callout": (((*GOOD, md("> [!remark] 题\n> 正文")), {}), "callout [!remark] is not known"),
    "a doubled backslash in a formula": (((*GOOD, md("梯度是 $\\\\tfrac2n X$。")), {}), "has doubled backslashes. Write each command with one"),
    "display mathematics in a paragraph": (((*GOOD, md("公式\n$$\nx\n$$\n如上")), {}), "Put $$ … $$ on lines of its own"),
}  # fmt: skip

GOOD_TOO = {
    "a plain page": GOOD,
    "Chinese data with a comment": (TITLE, SUM, CHECK, code("# two Chinese sentences\ntexts = ['你好', '再见']\nlen(texts)")),
    "loopback addresses": (TITLE, SUM, CHECK, code("def ask(port):\n    return get(f'http://127.0.0.1:{port}/'), get('http://localhost:1/')\n\n\nget = str\nNone")),
    "links to itself and the web": (*GOOD, md("## 一 节\n\n[a](#一-节) [b](https://example.com/x_(y)) `[c](none.ipynb)`")),
    "mathematics, code, tables, callouts": (*GOOD, md("设 $a_1 * b$、$c_2 * d$ 与 `x*y*z`：\n\n$$\nx = \\frac{1}{2}\n$$\n\n| a | b |\n| --- | --- |\n| **1** | 2 |\n\n> [!question]- 为什么 `x`？\n> 因为 **$y$**。\n\n1. 一\n2. 二\n\n```python\n# no heading\n- no list\n```\n")),
    "bold in Chinese": (*GOOD, md("前面**重点**后面，**重点**：说明（*斜体*）。")),
    "a nested list of four spaces": (*GOOD, md("- 一\n\n    - 二\n")),
    "names that a check shares with a comprehension or a new definition": (TITLE, SUM, code("k = x\nassert k", "check"), code("[k for k in range(2)]"), code("k = 3\nk")),
    "a figure with alt": (TITLE, SUM, CHECK, code(DRAW, metadata={"alt": "一个点"})),
}  # fmt: skip


def found(*cells: object, **site: object) -> list[str]:
    notebook = parsed(*cells, **site)  # type: ignore[arg-type]
    return [str(p) for p in problems(notebook, {notebook.name: notebook})]


@pytest.mark.parametrize("name", BAD)
def test_a_page_is_refused_for(name: str) -> None:
    (cells, site), message = BAD[name]
    assert any(message in line for line in found(*cells, **site)), found(*cells, **site)


@pytest.mark.parametrize("name", GOOD_TOO)
def test_a_page_may_have(name: str) -> None:
    assert found(*GOOD_TOO[name]) == []


def test_pages_on_one_topic_must_link_to_each_other() -> None:
    there, back = md("[二](02-two.ipynb)"), md("[一](01-one.ipynb#问题)")
    for first, second, message in (
        ((*GOOD, there), (*GOOD, back), None),
        (
            (*GOOD, there),
            GOOD,
            "notebooks/first/02-two.ipynb has no link to notebooks/first/01-one.ipynb. Add the link",
        ),
        (GOOD, (*GOOD, back), "notebooks/first/01-one.ipynb has no link to notebooks/first/02-two.ipynb. Add the link"),
    ):
        one = parsed(*first, also=["first/2"])
        known = {one.name: one, "first/02-two": parsed(*second, name="first/02-two")}
        lines = [str(p) for p in problems(one, known)]
        assert len(lines) == (message is not None) and (message or "") in "".join(lines), lines


def test_saved_outputs_are_refused_and_fixed_without_touching_the_rest() -> None:
    raw = notebook_json(GOOD)
    raw["cells"][1] |= {"outputs": [{"output_type": "stream", "name": "stdout", "text": "2"}], "execution_count": 4}
    raw["cells"][1]["metadata"] = {"alt": "x", "collapsed": True}
    dirty = parse_notebook(json.dumps(raw), "notebooks/first/01-one.ipynb", "first/01-one", Path())
    assert any("outputs or execution counts are saved" in str(p) for p in problems(dirty, {}))
    clean = json.loads(canonical(raw))["cells"]
    assert clean[1]["outputs"] == [] and clean[1]["execution_count"] is None and clean[1]["metadata"] == {"alt": "x"}
    assert "".join(clean[1]["source"]) == GOOD[1].source and clean[0]["source"] == ["# 问题？\n", "\n", "**答案**。"]
    assert canonical(json.loads(canonical(raw))) == canonical(raw)


def test_an_unusual_form_is_refused() -> None:
    loose = parse_notebook(json.dumps(notebook_json(GOOD)), "notebooks/first/01-one.ipynb", "first/01-one", Path())
    assert any("not in the form that keeps diffs small" in str(p) for p in problems(loose, {}))


def test_a_large_page_gets_advice_not_errors() -> None:
    cells = (*GOOD, *(md(f"段落 {i}", id=f"text-{'abcdefghij'[i // 10]}{'abcdefghij'[i % 10]}") for i in range(50)))
    notebook = parsed(*cells[:3], *cells[3:])
    advice = [p for p in problems(notebook, {}) if not p.is_error]
    assert [str(p) for p in advice] == ["advice: notebooks/first/01-one.ipynb: 53 cells. Aim at 45 at most."]


def test_ruff_reads_every_code_cell(settings: Settings) -> None:
    path = write(settings.notebooks, "first/01-one", TITLE, code("import os\n\nx=2"), code("assert x == 2", "check"))
    lines = [str(p) for p in check([read_notebook(path, settings)], settings)]
    where, mend = f"{path.relative_to(settings.root)}: cell code-b: line", "Run `notebook-site check --fix"
    assert any(line.startswith(f"{where} 1: F401 `os` imported but unused. {mend}") for line in lines), lines
    assert any(line.startswith(f"{where} 3: unformatted File would be reformatted. {mend}") for line in lines), lines


def test_a_broken_file_says_how_to_get_it_back(settings: Settings) -> None:
    path = settings.notebooks / "first" / "01-one.ipynb"
    path.write_text('{"cells": [')
    with pytest.raises(SiteError, match=r"first/01-one.ipynb: not a readable notebook: .*restore it from git"):
        read_notebook(path, settings)
