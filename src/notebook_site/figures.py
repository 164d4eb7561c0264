"""One Matplotlib SVG, two files: for the light and for the dark colour scheme of the page.

Only what a style would set changes: background, text, axes, grid, and the default colour cycle where it is too dark to
see. Colours that carry data, and text that an author put on top of an image, stay as they are; other text that is too
dark to read on a dark page, such as the grey labels of shap's plots, does not.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.etree import ElementTree

from notebook_site.settings import SiteError

SVG = "http://www.w3.org/2000/svg"
XLINK = "http://www.w3.org/1999/xlink"
HEAVIEST_SVG = 200_000  # bytes; a scatter plot of thousands of points is smaller and faster as PNG

DARK_BACKGROUND, DARK_FOREGROUND = "#1e2129", "#d8dbe3"
DARK = {
    "#ffffff": DARK_BACKGROUND,
    "#000000": DARK_FOREGROUND,
    "#262626": DARK_FOREGROUND,
    "#b0b0b0": "#4b505c",  # grid
    "#cccccc": "#4b505c",  # legend frame
    "#1f77b4": "#5ba8e0",
    "#2ca02c": "#58c458",
    "#d62728": "#ff6f6f",
    "#9467bd": "#b794e0",
    "#8c564b": "#c08d81",
    "#7f7f7f": "#a3a3a3",
}

ElementTree.register_namespace("", SVG)
ElementTree.register_namespace("xlink", XLINK)


@dataclass(frozen=True)
class Themed:
    """The two SVG files and their size in CSS pixels."""

    light: bytes
    dark: bytes
    width: int
    height: int


@dataclass(frozen=True)
class _Box:
    left: float
    top: float
    right: float
    bottom: float

    def holds(self, x: float, y: float) -> bool:
        return self.left <= x <= self.right and self.top <= y <= self.bottom


def theme(svg: str) -> Themed:
    """Make the light and the dark file of one SVG figure.

    Raises
    ------
    SiteError
        The text is not an SVG document with a width and a height.
    """
    try:
        light, dark = ElementTree.fromstring(svg), ElementTree.fromstring(svg)
        width, height = (_pixels(light.get(name, "")) for name in ("width", "height"))
    except (ElementTree.ParseError, ValueError) as error:
        raise SiteError(f"a figure's SVG cannot be read: {error}") from error
    for root in (light, dark):
        _strip(root, width, height)
    _recolour(dark)
    dark.set("fill", DARK_FOREGROUND)  # Matplotlib leaves black text without a colour of its own
    return Themed(_bytes(light), _bytes(dark), width, height)


def _pixels(length: str) -> int:
    match = re.fullmatch(r"([\d.]+)(pt|px)?", length)
    if not match:
        raise ValueError(f"no usable width or height: {length!r}")
    return round(float(match[1]) * (4 / 3 if match[2] == "pt" else 1))


def _bytes(root: ElementTree.Element) -> bytes:
    return bytes(ElementTree.tostring(root, encoding="utf-8", xml_declaration=True))


def _strip(root: ElementTree.Element, width: int, height: int) -> None:
    """Drop the creation date, make the backgrounds transparent, state the size in pixels."""
    for child in root.findall(f"{{{SVG}}}metadata"):
        root.remove(child)
    root.set("width", str(width))
    root.set("height", str(height))
    for group in [*root.iter(f"{{{SVG}}}g")]:
        if group.get("id", "").startswith(("figure_", "axes_")) and (background := _background(group)) is not None:
            background.set("style", background.get("style", "").replace("fill: #ffffff", "fill: none"))


def _background(group: ElementTree.Element) -> ElementTree.Element | None:
    """The path that fills a figure or axes: its first child, where that is a patch."""
    first = next(iter(group), None)
    if first is None or not first.get("id", "").startswith("patch_"):
        return None
    return first.find(f"{{{SVG}}}path")


def _recolour(root: ElementTree.Element) -> None:
    kept: set[ElementTree.Element] = set()
    for axes in root.iter(f"{{{SVG}}}g"):
        if axes.get("id", "").startswith("axes_") and _shows_image(axes) and (box := _axes_box(axes)):
            for text in (g for g in axes if g.get("id", "").startswith("text_") and _starts_in(g, box)):
                text.set("fill", "#000000")
                kept |= set(text.iter())
    groups = root.iter(f"{{{SVG}}}g")
    texts = {part for group in groups if group.get("id", "").startswith("text_") for part in group.iter()}
    for element in root.iter():
        if element in kept:
            continue
        change = _readable if element in texts else _styled
        for name in ("style", "fill", "stroke"):
            if value := element.get(name):
                element.set(name, re.sub(r"#[0-9a-f]{6}", change, value))


def _styled(colour: re.Match[str]) -> str:
    return DARK.get(colour[0], colour[0])


def _readable(colour: re.Match[str]) -> str:
    dim = max(bytes.fromhex(colour[0][1:])) < 0x60
    return DARK_FOREGROUND if dim else _styled(colour)


def _shows_image(axes: ElementTree.Element) -> bool:
    return any(e.tag == f"{{{SVG}}}image" or e.get("id", "").startswith("QuadMesh") for e in axes.iter())


def _axes_box(axes: ElementTree.Element) -> _Box | None:
    background = _background(axes)
    numbers = [float(n) for n in re.findall(r"-?[\d.]+", background.get("d", ""))] if background is not None else []
    if len(numbers) < 8:
        return None
    xs, ys = numbers[0::2], numbers[1::2]
    return _Box(min(xs), min(ys), max(xs), max(ys))


def _starts_in(text: ElementTree.Element, box: _Box) -> bool:
    for element in text.iter():
        if match := re.search(r"translate\((-?[\d.]+)[ ,](-?[\d.]+)\)", element.get("transform", "")):
            return box.holds(float(match[1]), float(match[2]))
    return False
