"""The built site as a reader meets it, in Chromium. Without a browser these tests say so; in CI they must run."""

from __future__ import annotations

import functools
import http.server
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import ROOT
from playwright.sync_api import Browser, Page, expect, sync_playwright

from notebook_site.settings import find_settings
from notebook_site.site import read

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"))), None
)
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
]

if CHROMIUM is None and os.environ.get("CI"):
    raise RuntimeError("CI has no Chromium, so the site would go out unseen: `apt-get install chromium`")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="NO BROWSER: THE SITE WAS NOT LOOKED AT. Install chromium.")

PAGES = ["", "self-test/", "methods/", "glossary/", "status/"]
PAGES += [f"{article.slug}/" for article in read(find_settings(ROOT)).articles]
NOTEBOOKS = [f"{notebook.name}/" for notebook in read(find_settings(ROOT)).notebooks]


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        pass


@pytest.fixture(scope="module")
def address(built: Path) -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Quiet, directory=str(built))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        running = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        yield running
        running.close()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """A page that fails its test on a console error, a failed request or a request to another host."""
    context = browser.new_context(viewport={"width": 1280, "height": 900}, color_scheme="light", base_url=address)
    context.grant_permissions(["clipboard-read", "clipboard-write"])
    opened, trouble = context.new_page(), list[str]()
    opened.on("console", lambda message: trouble.append(message.text) if message.type == "error" else None)
    opened.on("pageerror", lambda error: trouble.append(str(error)))
    opened.on(
        "request",
        lambda r: None if r.url.startswith((address, "data:", "blob:")) else trouble.append(f"foreign: {r.url}"),
    )
    opened.on("response", lambda r: trouble.append(f"{r.status}: {r.url}") if r.status >= 400 else None)
    yield opened
    context.close()
    assert trouble == []


SECTION_TEXT = """id => {
    let node = document.getElementById(id), text = node.textContent;
    for (node = node.nextElementSibling; node && node.tagName !== "H2"; node = node.nextElementSibling) text += node.textContent;
    return text;
}"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("混淆矩阵", "/01-"),  # two pages build one: evaluating-models and f1-and-friends
        ("网络", "/0"),  # written 神经网络, on many pages
        ("漂移", "breakout-apps/06-monitoring-and-updating/"),
        ("partial_fit", "breakout-apps/04-overfitting/"),
        ("compute_class_weight", "breakout-apps/02-imbalanced-data/"),
        ("众包", "sustainable-business/02-training-data/"),
        ("校准集", "sustainable-business/03-serving-performance/"),
        ("条件数", "bubble-or-goldmine/05-convergence/"),
        ("一对其余", "international-edge/01-evaluating-multiclass/"),
        ("model.losses", "international-edge/03-overfitting-custom-loop/"),
        ("图优化", "international-edge/04-inference-speed/"),
        ("FGSM", "international-edge/05-robustness/"),
        ("梯度遮蔽", "international-edge/05-robustness/"),  # its words apart are on other pages
        ("直通估计", "international-edge/06-quantization/"),
        ("逐次减半", "international-edge/07-hyperparameter-search/"),
        ("特征提取", "international-edge/09-transfer-learning/"),
        ("控制图", "international-edge/10-monitoring-and-diagnosis/"),
        ("隐私预算", "international-edge/11-differential-privacy/"),
        ("Condorcet", "international-edge/12-ensembles/"),
        ("暗知识", "international-edge/13-distillation/"),
        ("边际似然", "international-edge/14-bayesian-search/"),
        ("蜂群图", "international-edge/15-shap-values/"),
        ("SavedModel", "international-edge/16-packaging-and-operations/"),
        ("目标编码", "international-edge/17-preprocessing/"),
        ("协调遗漏", "international-edge/18-serving-api/"),
        ("蓄水池抽样", "international-edge/19-continual-learning/"),
        ("安全聚合", "international-edge/20-secure-ml/"),
        ("算术强度", "international-edge/21-performance-tuning/"),
        ("忠实度", "international-edge/22-global-explanations/"),
        ("高水位", "international-edge/23-real-time-prediction/"),
        ("字节对编码", "international-edge/24-multilingual/"),
        ("恢复演练", "international-edge/25-data-governance/"),
        ("投机解码", "international-edge/26-llm-inference/"),
        ("蜕变测试", "international-edge/27-testing-ml/"),
        ("等价检验", "international-edge/28-significance/"),
        ("停用词", "international-edge/29-preprocessing-text-images/"),
        ("拔下来", "international-edge/30-self-supervised-and-lora/"),
        ("备货", "user-edge/01-user-data/"),
        ("逆倾向加权", "user-edge/02-learning-from-feedback/"),
        ("链接攻击", "user-edge/03-user-privacy/"),
        ("协同过滤", "user-edge/04-recommendation/"),
        ("汤普森采样", "user-edge/05-cold-start/"),
        ("辛普森悖论", "user-edge/06-evaluating-by-segment/"),
        ("热启动", "user-edge/07-online-updates/"),
        ("双下降", "user-edge/08-penalty-paths/"),
        ("范围测试", "user-edge/09-tuning-a-network/"),
        ("ONNX", "user-edge/10-deploying-safely/"),
        ("令牌桶", "user-edge/10-deploying-safely/"),
        ("局部离群因子", "user-edge/11-outliers/"),
        ("模态丢弃", "user-edge/12-multimodal-fusion/"),
        ("模式坍塌", "user-edge/13-augmenting-data/"),
        ("焦点损失", "user-edge/14-cost-sensitive-learning/"),
        ("积分梯度", "user-edge/15-explaining-networks/"),
        ("pass@k", "user-edge/16-evaluating-generation/"),
        ("样本比例失衡", "user-edge/17-experiments-and-iteration/"),
        ("燃烧率", "user-edge/18-operating-models/"),
        ("水位线", "user-edge/19-data-streams/"),
    ],
)
def test_a_search_leads_to_a_section_that_holds_the_words(page: Page, text: str, expected: str) -> None:
    page.goto("")
    page.locator("input.md-search__input").click()
    page.keyboard.type(text, delay=20)
    page.keyboard.press("End")  # an input method ends with a key; Material listens to keys
    first = page.locator(".md-search-result__item").first
    first.locator('a[href*="#"]').first.wait_for(state="attached", timeout=60_000)
    assert expected in first.locator("a").first.evaluate("a => a.pathname")
    address = first.locator('a[href*="#"]').first.evaluate("a => a.href")
    page.goto(str(address))
    assert text in page.evaluate(SECTION_TEXT, page.evaluate("decodeURI(location.hash).slice(1)"))


def test_a_query_whose_words_no_section_holds_together_finds_sections_with_some(page: Page) -> None:
    page.goto("")
    page.locator("input.md-search__input").click()
    page.keyboard.insert_text("可用不可见")
    page.keyboard.press("End")
    first = page.locator(".md-search-result__item a").first
    first.wait_for(state="attached", timeout=60_000)
    assert "international-edge/20-secure-ml/" in first.evaluate("a => a.pathname")


@pytest.mark.parametrize("path", [*PAGES, *NOTEBOOKS])
def test_a_page_fits_a_phone_without_scrolling_sideways(page: Page, path: str) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(path)
    page.wait_for_load_state("networkidle")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.parametrize("path", NOTEBOOKS)
def test_every_entry_of_the_contents_leads_to_its_heading(page: Page, path: str) -> None:
    page.goto(path)
    targets = page.locator(".md-sidebar--secondary a.md-nav__link").evaluate_all(
        "links => links.map(a => decodeURI(a.hash).slice(1))"
    )
    assert len(targets) >= 4
    for target in targets:
        assert target and page.evaluate("id => !!document.getElementById(id)", target), target


@pytest.mark.parametrize("path", NOTEBOOKS)
def test_formulas_are_set_and_figures_are_loaded(page: Page, path: str) -> None:
    page.goto(path)
    page.wait_for_load_state("networkidle")
    assert page.locator(".katex-error").count() == 0
    assert page.locator(".arithmatex").count() == page.locator(".arithmatex .katex").count()
    assert page.locator("article img:not([alt])").count() == 0
    for image in page.locator("article img").all():
        if image.is_visible():
            image.scroll_into_view_if_needed()
            expect(image).to_have_js_property("complete", True)
            assert image.evaluate("i => i.naturalWidth") > 0


def test_the_theme_toggle_changes_the_page_and_its_figures(page: Page) -> None:
    with_figure = next(p for p in NOTEBOOKS if p.endswith("evaluating-models/"))
    page.goto(with_figure)
    body, light = page.locator("body"), page.locator('article img[src$="#only-light"]').first
    assert body.get_attribute("data-md-color-scheme") == "default" and light.is_visible()
    page.locator("label[for=__palette_1]").click()
    assert body.get_attribute("data-md-color-scheme") == "slate" and not light.is_visible()
    assert page.locator('article img[src$="#only-dark"]').first.is_visible()


def test_the_copy_button_copies_code_and_output_has_none(page: Page) -> None:
    page.goto(NOTEBOOKS[0])
    block = page.locator(".highlight:not(.output)").first
    block.hover()
    block.locator("[data-clipboard-target], .md-clipboard").first.click()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert "import " in copied and copied.strip() == block.locator("code").inner_text().strip()
    assert not any(button.is_visible() for button in page.locator(".output .md-clipboard").all())


@pytest.mark.parametrize(("method", "code"), [("SMOTE", "SMOTE("), ("保留期限 (retention)", "def erase(")])
def test_a_method_of_the_index_leads_to_the_cell_that_runs_it(page: Page, method: str, code: str) -> None:
    page.goto("methods/")
    row = page.locator("tr").filter(has=page.locator("td:first-child", has_text=method)).first
    row.get_by_role("link").first.click()
    page.wait_for_url("**/*#cell-id=*")
    cell = page.locator("[id='" + page.evaluate("decodeURI(location.hash.slice(1))") + "'] + .highlight")
    assert code in cell.inner_text()
    expect(cell).to_be_in_viewport()
    header = page.locator(".md-header").bounding_box()
    assert cell.bounding_box()["y"] >= header["y"] + header["height"]  # not below the header


def test_checks_are_folded_and_open_at_a_click(page: Page) -> None:
    page.goto(NOTEBOOKS[0])
    check = page.locator("details.check").first
    assert not check.locator("code").first.is_visible()
    check.locator("summary").click()
    assert "assert" in check.locator("code").first.inner_text()


def test_a_notebook_can_be_downloaded(page: Page, address: str) -> None:
    page.goto(NOTEBOOKS[0])
    for link, has_outputs in (("下载笔记本", False), ("下载执行结果", True)):
        response = page.request.get(page.get_by_role("link", name=link).evaluate("a => a.href"))
        outputs = [cell.get("outputs") for cell in response.json()["cells"]]
        assert any(outputs) == has_outputs
