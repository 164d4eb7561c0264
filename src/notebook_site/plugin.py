"""The MkDocs plugin: executes what has to run and hands MkDocs Markdown pages. The only module that knows MkDocs."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import urlsplit

import jieba
from mkdocs.config import config_options
from mkdocs.config.base import Config
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.plugins import BasePlugin, event_priority
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

from notebook_site import site
from notebook_site.authoring import from_repository
from notebook_site.cache import Cache
from notebook_site.checks import check
from notebook_site.pages import fill, navigation
from notebook_site.progress import reporter
from notebook_site.prose import map_links
from notebook_site.run import failures, run
from notebook_site.settings import Settings, SiteError, find_settings

jieba.setLogLevel(logging.WARNING)  # it announces its dictionary
log = logging.getLogger("mkdocs.plugins.notebook-site")


class PluginOptions(Config):
    renderer = config_options.Choice(("notebook-site", "mkdocs-jupyter"), default="notebook-site")


class NotebookSitePlugin(BasePlugin[PluginOptions]):
    """Pages from notebooks: `plugins: [notebook-site]` in mkdocs.yml."""

    settings: Settings
    source: site.Source

    def on_config(self, config: MkDocsConfig) -> MkDocsConfig:
        try:
            self.settings = find_settings(Path(config.config_file_path).parent)
            self.source = site.read(self.settings)
        except SiteError as error:
            raise PluginError(str(error)) from error
        config.nav = navigation(config.nav or ["notebooks"], self.source.articles, self._suffix)
        config.watch.append(str(self.settings.notebooks))
        for _, term, _ in self.source.terms:
            halves = (term[:2], term[2:])
            if len(term) == 4 and all(jieba.dt.FREQ.get(half) for half in halves):
                jieba.suggest_freq(halves, tune=True)  # so that 网络 finds 神经网络, which is found all the same
        return config

    @property
    def _suffix(self) -> str:
        return ".md" if self.config.renderer == "notebook-site" else ".ipynb"

    @event_priority(50)  # before plugins that look at all pages
    def on_files(self, files: Files, config: MkDocsConfig) -> Files:
        for problem in check(self.source.notebooks, self.settings):
            log.warning(str(problem)) if problem.is_error else log.info(str(problem))
        try:
            cache = Cache(self.settings.cache, log.warning)
            with reporter() as told:
                results = run(self.source.notebooks, self.settings, cache, report=told.step, started=told.started)
            if failed := failures(results):
                raise PluginError(
                    "\n\n".join([*failed, f"{len(failed)} of {len(results)} notebooks failed; nothing is published."])
                )
            if self.config.renderer == "mkdocs-jupyter":
                pages = site.generated_pages(self.source, results)
                self._add_for_mkdocs_jupyter(files, config, results)
            else:
                pages = site.build(self.source, results, _colab(config))
        except SiteError as error:
            raise PluginError(str(error)) from error
        for path, content in pages.items():
            file = File.generated(config, path, content=content)
            source = self._edited(path)
            file.edit_uri = f"../{source}" if source else None  # joined to edit_uri, which ends in docs/
            files.append(file)
        return files

    def _edited(self, path: str) -> str | None:
        """The file, relative to the project's root, that an author edits to change a generated page."""
        folder = self.settings.notebooks.relative_to(self.settings.root).as_posix()
        if notebook := self.source.by_name.get(path.removesuffix(".md")):
            return notebook.path
        if path in {f"{article.slug}/index.md" for article in self.source.articles}:
            return f"{folder}/articles.yml"
        return {"glossary.md": f"{folder}/glossary.yml", "methods.md": f"{folder}/methods.yml"}.get(path)

    def on_page_markdown(self, markdown: str, /, *, page: Page, config: MkDocsConfig, files: Files) -> str:
        """Markers, and links to notebooks as they work on GitHub (`../notebooks/…`), in hand-written pages."""
        if page.file.generated_by:
            return self._relink(markdown)
        return self._relink(map_links(fill(markdown, self.source.articles), from_repository))

    def _relink(self, markdown: str) -> str:
        """With mkdocs-jupyter as the renderer, pages keep their `.ipynb`."""
        if self._suffix == ".md":
            return markdown
        names = {f"{name}.md" for name in self.source.by_name}
        tails = {PurePosixPath(name).name for name in names}

        def kept(target: str) -> str:
            path, hash_, fragment = target.partition("#")
            return path[:-3] + ".ipynb" + hash_ + fragment if path in names | tails else target

        return map_links(markdown, kept)

    def _add_for_mkdocs_jupyter(self, files: Files, config: MkDocsConfig, results: list[Any]) -> None:
        """mkdocs-jupyter reads notebooks from disk, so the executed ones are written out."""
        folder = self.settings.cache.parent / "mkdocs-jupyter-input"
        shutil.rmtree(folder, ignore_errors=True)
        for path, content in site.executed_files(results).items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            files.append(File(path, str(folder), config.site_dir, config.use_directory_urls))


def _colab(config: MkDocsConfig) -> str:
    """The start of Colab addresses, where the repository is on GitHub."""
    parts = urlsplit(config.repo_url or "")
    if parts.netloc != "github.com":
        return ""
    return f"https://colab.research.google.com/github{parts.path.rstrip('/')}/blob/main/"
