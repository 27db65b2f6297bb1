"""A matplotlib figure as SVG that may stand inside an HTML page.

The raw output would not do: every figure has the same ids, its `<style>` would rule the whole page, its colours know
no dark face. So it is parsed and written again with what this page needs. Text stays text (`svg.fonttype: none`),
and `$` in a label is a dollar sign, not mathematics.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from xml.etree import ElementTree

import matplotlib.style
from markupsafe import Markup
from matplotlib.figure import Figure

from harness.report.palette import css_colour

_SVG = "{http://www.w3.org/2000/svg}"
_XLINK = "{http://www.w3.org/1999/xlink}"
_STAND_IN = re.compile(r"#010[01][0-9a-f]{2}")
_REFERENCE = re.compile(r"url\(#([^)]*)\)")
_FONT_FAMILY = re.compile(r"font-family:[^;]*;?\s*")
_UNPRINTABLE = re.compile(r"[^\x20-\x7e\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_STYLE: dict[str, object] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "harness",  # ids do not depend on the moment
    "text.parse_math": False,
    "text.usetex": False,
}


@contextmanager
def house_style() -> Iterator[None]:
    """Draw in the page's style, whatever matplotlibrc the machine has; also usable as a decorator."""
    with matplotlib.style.context(["default", _STYLE]), warnings.catch_warnings():
        # A label in a script that matplotlib's own font lacks is shown by the browser's fonts all the same.
        warnings.filterwarnings("ignore", message=r"Glyph .* missing from font")
        yield


def label(text: str, longest: int = 48) -> str:
    """`text` fit for one line of a chart: printable (XML allows no control characters) and not endless."""
    clean = _UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)
    return clean if len(clean) <= longest else clean[: longest - 1] + "…"


def inline(figure: Figure, chart_id: str, description: str) -> Markup:
    """The figure as an `<svg>` element; `chart_id` makes its ids the page's own, `description` is what it says to
    those who do not see it."""
    file = io.StringIO()
    nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
    figure.savefig(file, format="svg", metadata=nothing, transparent=True)
    root = ElementTree.fromstring(file.getvalue())
    _tidy(root, chart_id)
    width, height = root.attrib["viewBox"].split()[2:]
    root.attrib = {
        "viewBox": root.attrib["viewBox"],
        "width": width,
        "height": height,
        "role": "img",
        "aria-label": description,
    }
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def _tidy(root: ElementTree.Element, chart_id: str) -> None:
    for parent in list(root.iter()):
        for child in list(parent):
            if child.tag in (f"{_SVG}metadata", f"{_SVG}style"):
                parent.remove(child)
    wanted = _referenced(root)
    for element in root.iter():
        element.tag = element.tag.removeprefix(_SVG)
        if element.tag != "text":
            element.text = None
        element.tail = None
        attributes = {}
        for name, value in element.attrib.items():
            attributes[name.removeprefix(_XLINK)] = value
        if attributes.get("id") not in wanted:
            attributes.pop("id", None)
        if "id" in attributes:
            attributes["id"] = f"{chart_id}-{attributes['id']}"
        if "href" in attributes:
            attributes["href"] = f"#{chart_id}-{attributes['href'].removeprefix('#')}"
        for name in ("style", "clip-path"):
            if name in attributes:
                attributes[name] = _on_page(attributes[name], chart_id)
        if "d" in attributes:
            attributes["d"] = " ".join(attributes["d"].split())
        element.attrib = attributes


def _referenced(root: ElementTree.Element) -> set[str]:
    found: set[str] = set()
    for element in root.iter():
        for name, value in element.attrib.items():
            if name == f"{_XLINK}href":
                found.add(value.removeprefix("#"))
            found.update(_REFERENCE.findall(value))
    return found


def _on_page(value: str, chart_id: str) -> str:
    """A style or clip-path attribute with this page's ids, colours and fonts."""
    value = _REFERENCE.sub(lambda match: f"url(#{chart_id}-{match[1]})", value)
    value = _FONT_FAMILY.sub("", value)
    return _STAND_IN.sub(lambda match: css_colour(match[0]), value)
