"""Beginning a page, and writing the site as plain Markdown."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Sequence
from pathlib import Path

from notebook_site.checks import canonical
from notebook_site.notebooks import NAME
from notebook_site.pages import fill
from notebook_site.prose import map_links
from notebook_site.run import Result
from notebook_site.settings import Settings, SiteError
from notebook_site.site import Source, build, read

TEMPLATE = "_template.ipynb"


def new_page(name: str, settings: Settings) -> str:
    """Copy the template to `ARTICLE/NN-SLUG`, with its section set and, where it is planned, its question.

    Returns the new file's path, relative to the project's root.

    Raises
    ------
    SiteError
        The name is not in its form, the article is not known, or the page exists.
    """
    article, _, page = name.removesuffix(".ipynb").partition("/")
    match = NAME.fullmatch(page)
    if not match:
        raise SiteError(f"{name!r} is not ARTICLE/NN-SLUG, such as breakout-apps/07-feature-stores.")
    source = read(settings)
    known = {a.slug: a for a in source.articles}
    if article not in known:
        raise SiteError(f"{article!r} is no article of articles.yml. Known: {', '.join(known)}.")
    target = settings.notebooks / article / f"{page}.ipynb"
    if target.exists():
        raise SiteError(f"{target.relative_to(settings.root)}: exists already.")
    section = int(match["number"])
    question = next((p.question for p in known[article].planned if p.section == section), "")
    raw = json.loads((settings.notebooks / TEMPLATE).read_text("utf-8"))
    raw["metadata"]["site"]["section"] = f"{article}/{section}"
    if question:
        first = "".join(raw["cells"][0]["source"])
        raw["cells"][0]["source"] = re.sub(r"\A# .*", lambda _: f"# {question}", first)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(canonical(raw), encoding="utf-8")
    return target.relative_to(settings.root).as_posix()


def export(folder: Path, source: Source, results: Sequence[Result], settings: Settings) -> int:
    """Write every page and file of the site below `folder`; the number of files.

    Raises
    ------
    SiteError
        The folder exists and is not empty, or cannot be written.
    """
    if folder.exists() and any(folder.iterdir()):
        raise SiteError(f"{folder}: is not empty. Name a new folder, or empty this one.")
    files = build(source, results)
    try:
        shutil.copytree(settings.root / "docs", folder, dirs_exist_ok=True)
        for page in folder.rglob("*.md"):
            text = fill(page.read_text("utf-8"), source.articles)
            page.write_text(map_links(text, from_repository), encoding="utf-8")
        for path, content in files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content.encode() if isinstance(content, str) else content)
    except OSError as error:
        raise SiteError(f"{folder}: cannot be written: {error}.") from error
    return sum(path.is_file() for path in folder.rglob("*"))


def from_repository(target: str) -> str:
    """A hand-written page's link to a notebook (`../notebooks/a/01-b.ipynb`) as a link to its page."""
    match = re.match(r"(?:\.\./)*notebooks/(.+)\.ipynb(#.*)?$", target)
    return f"{match[1]}.md{match[2] or ''}" if match else target
