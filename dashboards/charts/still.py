"""Still: dollars spent as months pass, as a PNG."""

import importlib.util
import logging
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from dashboards.charts.canvas import SIMULATED, Row
from dashboards.charts.inks import Ink, inks_of
from dashboards.charts.months import TITLE

_DASHES = {"solid": "-", "longdash": (0, (8, 3)), "longdashdot": (0, (8, 3, 2, 3))}
_BROKEN = {"dash": "--", "dot": ":", "dashdot": "-."}
_MARKERS = {"circle": "o", "square": "s", "triangle-up": "^"}
_POINTED = {"diamond": "D", "x": "x", "triangle-down": "v"}
_SIZE_INCHES = (10.0, 5.2)
_DPI = 144
_BAND = 0.18
_YEAR = 12


def months_png(rows: Sequence[Row], *, title: str = TITLE, remark: str = "") -> bytes:
    """A rising line a name, with its band, drawn without a browser.

    Args:
        rows: As `dashboards.charts.months.months` takes them.
        title: Stands above the figure.
        remark: Stands below it.
    """
    # Heavy, and its search for fonts is no news to a reader.
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    from matplotlib.figure import Figure  # noqa: PLC0415  heavy

    figure: Any = Figure(figsize=_SIZE_INCHES, dpi=_DPI, layout="constrained")
    axes = figure.add_subplot()
    words = {"fontfamily": _families(), "parse_math": False}
    for name, ink in inks_of(rows, "name").items():
        own = sorted((r for r in rows if r["name"] == name), key=lambda r: r["month"])
        _draw(axes, name, own, ink)
    marks = [SIMULATED] if any(row.get("simulated") for row in rows) else []
    axes.set_title(
        "\n".join((title, *marks, *remark.splitlines())), loc="left", **words
    )
    axes.set_xlabel("months")
    axes.set_ylabel("US$, cumulative")
    axes.yaxis.set_major_formatter("${x:,.0f}")
    last = max((row["month"] for row in rows), default=1)
    axes.set_xticks(range(0, last + 1, 1 if last <= _YEAR else max(2, last // _YEAR)))
    axes.set_ylim(bottom=0)
    axes.grid(visible=True, alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    legend = axes.legend(frameon=False)
    for text in legend.get_texts():
        text.set_fontfamily(_families())
        text.set_parse_math(False)
    content = BytesIO()
    figure.savefig(content, format="png", metadata={"Software": "Pixelmeter"})
    return content.getvalue()


def _draw(axes: Any, name: str, own: Sequence[Row], ink: Ink) -> None:  # noqa: ANN401  matplotlib's own
    there = [0, *(row["month"] for row in own)]
    if all(row["usd_low"] is not None for row in own):
        low = [0.0, *(float(row["usd_low"]) for row in own)]
        high = [0.0, *(float(row["usd_high"]) for row in own)]
        axes.fill_between(there, low, high, color=ink.colour, alpha=_BAND, linewidth=0)
    (line,) = axes.plot(
        there,
        [0.0, *(float(row["usd"]) for row in own)],
        color=ink.colour,
        linestyle=({**_DASHES, **_BROKEN})[ink.dash],
        marker=({**_MARKERS, **_POINTED})[ink.marker],
        markersize=4,
    )
    # A name that begins with an underscore would be left out of the legend.
    line.set_label(name.replace("_", " ", 1) if name.startswith("_") else name)


def _families() -> list[str]:
    """Fonts for Latin and Chinese names, the second one from a package of ours."""
    from matplotlib import font_manager  # noqa: PLC0415  heavy

    found = importlib.util.find_spec("zhplot")
    folders = found.submodule_search_locations if found else None
    if not folders:
        return ["DejaVu Sans"]
    path = Path(folders[0], "fonts", "NotoSansSC-Regular.ttf")
    known: Any = font_manager.fontManager
    if all(Path(font.fname) != path for font in known.ttflist):
        known.addfont(path)
    return ["DejaVu Sans", font_manager.FontProperties(fname=path).get_name()]
