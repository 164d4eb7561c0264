"""A three-page site through MkDocs and the command line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from conftest import GOOD, code, md, run, write

from notebook_site.cli import main
from notebook_site.settings import SiteError, find_settings
from notebook_site.site import read


def build(tiny: Path, *options: str, **environment: str) -> tuple[int, str]:
    done = run("mkdocs", "build", *options, cwd=tiny, **environment)
    return done.returncode, done.stdout + done.stderr


def test_a_site_is_built_strictly_and_prose_does_not_run_again(tiny: Path) -> None:
    status, log = build(tiny, "--strict")
    assert status == 0, log
    assert log.count(" ok notebooks/") == 3
    first = (tiny / "site/first/01-one/index.html").read_text("utf-8")
    assert 'href="../02-two/"' in first and 'id="一张-表"' in first and 'href="../01-one.ipynb"' in first
    assert (tiny / "site/first/02-two/plot.dark.svg").is_file() and (
        tiny / "site/first/01-one.executed.ipynb"
    ).is_file()
    home = (tiny / "site/index.html").read_text("utf-8")
    assert 'href="first/01-one/#一张-表"' in home and "4 道题里已有 3 道" in home and "2 / 3 题已跑通" in home
    article = (tiny / "site/first/index.html").read_text("utf-8")
    assert "第三题还没写？" in article and "03-three" not in article  # shown as to come, no dead link
    methods = (tiny / "site/methods/index.html").read_text("utf-8")
    assert 'href="../first/01-one/#cell-id=code-b">第一题？' in methods and 'id="cell-id=code-b"' in first
    assert "共 2 个，已经跑通 1 个" in methods and "求和 (sum)" in methods and "还没有页面" in methods
    assert "3 条断言全部成立" in (tiny / "site/status/index.html").read_text("utf-8")
    assert "查全率" in (tiny / "site/glossary/index.html").read_text("utf-8")

    write(tiny / "notebooks", "second/01-only", md("# 改了题目？\n\n改了。"), *GOOD[1:])
    status, log = build(tiny, "--strict")
    assert status == 0 and " ok notebooks/" not in log
    assert "改了题目？" in (tiny / "site/second/01-only/index.html").read_text("utf-8")


def test_a_failing_page_never_publishes_and_all_failures_are_told(tiny: Path) -> None:
    write(tiny / "notebooks", "first/02-two", GOOD[0], code("1 / 0"), code("assert x", "check"))
    write(tiny / "notebooks", "second/01-only", GOOD[0], code("x = 1"), code("assert x == 2", "check"))
    status, log = build(tiny)
    assert status != 0 and not (tiny / "site").exists()
    assert "first/02-two.ipynb: code cell 1 of 2 (code-b), line 1: ZeroDivisionError" in log
    assert "second/01-only.ipynb: code cell 2 of 2 (code-c), line 1: AssertionError" in log
    assert "2 of 3 notebooks failed; nothing is published." in log


def test_a_page_that_a_check_refuses_fails_a_strict_build_only(tiny: Path) -> None:
    write(tiny / "notebooks", "second/01-only", *GOOD, md("两点：\n- 一"))
    assert build(tiny)[0] == 0
    status, log = build(tiny, "--strict")
    assert status != 0 and "Put a blank line before the list" in log


@pytest.mark.parametrize(
    ("entry", "message"),
    [
        ("{method: 加法 (addition), run: first/09-none#code-b}", "加法 (addition): there is no page first/09-none"),
        ("{method: 加法 (addition), run: first/01-one#code-z}", "01-one.ipynb has no visible code cell 'code-z'"),
        ("{method: 加法 (addition), run: first/01-one#code-c}", "has no visible code cell 'code-c'"),  # a folded check
        ("{method: 乘法 (product), run: first/01-one#code-b}", "01-one.ipynb does not name it. Add it to site.methods"),
        ("{method: 乘法 (product), to_come: first/1}", "first/1 is no section still to come. Name the cell"),
        ("{method: 乘法 (product), to_come: first/3, aka: [减法 (subtraction)]}", "减法 (subtraction) is there twice"),
        ("{run: first/01-one#code-b}", "methods.yml: cannot be used (KeyError: 'method'). It is a list of"),
    ],
)
def test_an_entry_of_the_method_index_that_leads_nowhere_is_named(tiny: Path, entry: str, message: str) -> None:
    path = tiny / "notebooks/methods.yml"
    path.write_text(f"- {{method: 减法 (subtraction), to_come: first/3}}\n- {entry}\n", "utf-8")
    with pytest.raises(SiteError, match=re.escape(message)):
        read(find_settings(tiny))


def test_edit_and_colab_links_need_a_repository(tiny: Path) -> None:
    assert build(tiny)[0] == 0
    assert "colab" not in (tiny / "site/first/01-one/index.html").read_text("utf-8")
    assert build(tiny, REPO_URL="https://github.com/a/b", EDIT_URI="edit/main/docs/")[0] == 0
    page = (tiny / "site/first/01-one/index.html").read_text("utf-8")
    assert "https://colab.research.google.com/github/a/b/blob/main/notebooks/first/01-one.ipynb" in page
    assert 'href="https://github.com/a/b/edit/main/notebooks/first/01-one.ipynb"' in page
    assert "/notebooks/articles.yml" in (tiny / "site/first/index.html").read_text("utf-8")
    assert "/notebooks/methods.yml" in (tiny / "site/methods/index.html").read_text("utf-8")
    assert "/edit/main" not in (tiny / "site/status/index.html").read_text("utf-8")  # nobody writes that page


def test_mkdocs_jupyter_renders_the_same_executed_notebooks(tiny: Path) -> None:
    status, log = build(tiny, RENDERER="mkdocs-jupyter", MKDOCS_JUPYTER="true")
    assert status == 0, log
    assert 'href="../first/01-one/#cell-id=code-b"' in (tiny / "site/methods/index.html").read_text("utf-8")
    assert 'id="cell-id=code-b"' in (tiny / "site/first/01-one/index.html").read_text("utf-8")
    page = (tiny / "site/first/02-two/index.html").read_text("utf-8")
    assert "jp-Cell" in page and "jp-OutputArea-output" in page and "<svg" in page
    assert 'href="first/01-one/' in (tiny / "site/index.html").read_text("utf-8")


def test_all_unreadable_files_are_named_at_once(tiny: Path) -> None:
    for name in ("first/01-one", "second/01-only"):
        (tiny / "notebooks" / f"{name}.ipynb").write_text("{")
    with pytest.raises(
        SiteError, match=r"(?s)first/01-one.ipynb: not a readable.*second/01-only.ipynb: not a readable"
    ):
        read(find_settings(tiny))


def test_a_written_page_must_leave_the_list_of_what_is_to_come(tiny: Path) -> None:
    write(tiny / "notebooks", "first/03-three", *GOOD)
    with pytest.raises(SiteError, match=r"first/03-three.ipynb: the page exists; take section 3 out of `to_come`"):
        read(find_settings(tiny))


def test_a_page_in_no_article_is_refused(tiny: Path) -> None:
    write(tiny / "notebooks", "third/01-x", *GOOD)
    with pytest.raises(SiteError, match=r"third/01-x.ipynb: its folder is no article of articles.yml"):
        read(find_settings(tiny))


@pytest.mark.parametrize("text", ["- slug: a", "{", "- 3", "5"])
def test_a_damaged_list_of_articles_shows_its_form(tiny: Path, text: str) -> None:
    (tiny / "notebooks/articles.yml").write_text(text)
    with pytest.raises(SiteError, match=r"(?s)articles.yml: cannot be used .*It is a list of slug, title"):
        read(find_settings(tiny))


def test_execute_runs_once_and_force_runs_again(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = "notebooks/second/01-only.ipynb"
    assert main(["execute", page]) == 0 and "1 run, 0 from the cache, 0 failed" in capsys.readouterr().out
    assert main(["execute", page]) == 0 and "0 run, 1 from the cache" in capsys.readouterr().out
    summary = tiny / "summary.md"
    assert main(["execute", "--force", "--summary", str(summary), page]) == 0 and "1 run" in capsys.readouterr().out
    assert f"| {page} | ok |" in summary.read_text("utf-8")


def test_execute_fails_with_the_message_and_why_and_status_tell_the_story(
    tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = "notebooks/second/01-only.ipynb"
    assert main(["why", page]) == 0 and "will run: it has not run here before" in capsys.readouterr().out
    write(tiny / "notebooks", "second/01-only", GOOD[0], code("x = 1"), code("assert x == 2", "check"))
    assert main(["execute", page]) == 1
    assert "line 1: AssertionError" in capsys.readouterr().err
    assert main(["why", page]) == 0 and "will run: its last run failed" in capsys.readouterr().out
    assert main(["status", "--json"]) == 0
    rows = {row["path"]: row for row in json.loads(capsys.readouterr().out)}
    assert set(rows[page]) == {"path", "outcome", "seconds", "peak_memory_mb", "versions", "executed_at", "key"}
    assert rows[page]["outcome"] == "assertion" and rows["notebooks/first/01-one.ipynb"]["outcome"] == "missing"
    write(tiny / "notebooks", "second/01-only", GOOD[0], code("x = 2"), GOOD[2])
    main(["why", page])
    assert "code cell 1 (code-b)" in capsys.readouterr().out
    main(["status", "--json"])  # the failure was another text's
    assert {row["outcome"] for row in json.loads(capsys.readouterr().out)} == {"missing"}
    assert main(["execute", page]) == 0 and main(["status"]) == 0 and main(["why", page]) == 0
    out = capsys.readouterr().out
    assert re.search(rf"^ +ok .* MB  {page}$", out, flags=re.M) and "will not run: its execution is in the cache" in out


def test_check_fix_mends_what_is_safe_to_mend(tiny: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tiny / "notebooks", "second/01-only", GOOD[0], code("import os\n\nx=2"), GOOD[2])
    raw = json.loads(path.read_text("utf-8"))
    raw["cells"][1]["execution_count"] = 5
    path.write_text(json.dumps(raw))
    assert main(["check"]) == 1 and "problems" in capsys.readouterr().out
    assert main(["check", "--fix", str(path)]) == 0
    assert "mended notebooks/second/01-only.ipynb" in capsys.readouterr().out
    assert "".join(json.loads(path.read_text("utf-8"))["cells"][1]["source"]) == "x = 2"
    assert main(["check"]) == 0


def test_a_new_page_comes_from_the_template_with_its_planned_question(
    tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write(tiny / "notebooks", "_template", md("# 问题写在这里？\n\n答案。"), *GOOD[1:])
    assert (
        main(["new", "first/03-three"]) == 0
        and "notebooks/first/03-three.ipynb: now write it" in capsys.readouterr().out
    )
    raw = json.loads((tiny / "notebooks/first/03-three.ipynb").read_text("utf-8"))
    assert raw["cells"][0]["source"][0] == "# 第三题还没写？\n" and raw["metadata"]["site"]["section"] == "first/3"
    for name, message in [
        ("first/3-x", "is not ARTICLE/NN-SLUG"),
        ("none/01-x", "'none' is no article"),
        ("first/01-one", "exists already"),
    ]:
        (tiny / "notebooks/first/03-three.ipynb").unlink(missing_ok=True)
        assert main(["new", name]) == 2 and message in capsys.readouterr().err


def test_export_writes_a_site_that_plain_markdown_tools_can_read(
    tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", "out"]) == 0 and "files in out" in capsys.readouterr().out
    page = (tiny / "out/first/01-one.md").read_text("utf-8")
    assert "[第二页](02-two.md)" in page and (tiny / "out/first/02-two/plot.svg").is_file()
    assert "(first/01-one.md#一张-表)" in (tiny / "out/index.md").read_text("utf-8")
    assert main(["export", "out"]) == 2 and "is not empty" in capsys.readouterr().err


def test_a_wrong_path_or_place_is_told_in_one_line(
    tiny: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (
        main(["execute", "notebooks/none.ipynb"]) == 2
        and "no such notebook. Pages lie in notebooks/" in capsys.readouterr().err
    )
    monkeypatch.chdir("/")
    assert main(["status"]) == 2 and "Run inside the project" in capsys.readouterr().err
