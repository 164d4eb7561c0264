"""Reading Markdown: what is code and what is prose, headings and their anchors, links and where they lead."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import unquote

from pymdownx.slugs import slugify

FENCE = re.compile(r"^ {0,3}(?:> ?)*(`{3,}|~{3,})[^\n]*\n.*?(?:^ {0,3}(?:> ?)*\1[`~]* *$|\Z)", flags=re.M | re.S)
INLINE_CODE = re.compile(r"(`+)(?!`).+?(?<!`)\1(?!`)", flags=re.S)
LINK = re.compile(
    r"(?P<lead>!?\[(?:[^\[\]]|\[[^\]]*\])*\]\()(?P<target>[^()\s]+(?:\([^()\s]*\)[^()\s]*)*)(?P<tail>[^()\n]*\))"
)
HEADING = re.compile(r"^(?P<level>#{1,6}) +(?P<text>.+?) *#* *$", flags=re.M)

_slug: Callable[[str, str], str] = slugify(case="lower")  # what mkdocs.yml sets for `toc`


@dataclass(frozen=True)
class Heading:
    """A heading: its level, its text without markup, and the anchors that lead to it."""

    level: int
    text: str

    @property
    def anchor(self) -> str:
        """The anchor on the site."""
        return _slug(self.text, "-")

    @property
    def anchors(self) -> set[str]:
        """All spellings that authors may use: the site's and GitHub's, and Jupyter's."""
        return {self.anchor, self.text.replace(" ", "-")}


def _blank(match: re.Match[str]) -> str:
    return re.sub(r"[^\n]", " ", match[0])


def without_code(markdown: str) -> str:
    """The text with fenced and inline code blanked out; every position and line stays where it is."""
    return INLINE_CODE.sub(_blank, FENCE.sub(_blank, markdown))


def headings(markdown: str) -> list[Heading]:
    """The headings, in order."""
    visible = FENCE.sub(_blank, markdown)
    return [Heading(len(m["level"]), _plain(m["text"])) for m in HEADING.finditer(visible)]


def _plain(text: str) -> str:
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return re.sub(r"(`+|\*\*|(?<!\w)\*|\*(?!\w)|\$)", "", text).strip()


def links(markdown: str) -> list[str]:
    """The targets of inline links and images."""
    return [match["target"] for match in LINK.finditer(without_code(markdown))]


def map_links(markdown: str, change: Callable[[str], str]) -> str:
    """The text with every inline link's target passed through `change`; code stays untouched."""
    pieces, position = [], 0
    for match in LINK.finditer(without_code(markdown)):
        start, end = match.span("target")
        pieces += [markdown[position:start], change(markdown[start:end])]
        position = end
    return "".join([*pieces, markdown[position:]])


def is_foreign(target: str) -> bool:
    return bool(re.match(r"[a-z][a-z0-9+.-]*:|//", target))


def resolve(target: str, folder: str) -> tuple[str, str]:
    """Path (relative to the root that `folder` is relative to) and fragment of a local link; the path is empty for `#…`."""
    path, _, fragment = target.partition("#")
    return (posixpath.normpath(posixpath.join(folder, unquote(path))) if path else ""), unquote(fragment)
