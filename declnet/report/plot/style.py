"""How all pictures look: light, large enough to read, and told apart by any colour vision."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from declnet.report.page.palette import LIGHT

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.layout_engine import ConstrainedLayoutEngine

INK = "#1f2933"
QUIET = "#5c6670"
GRID = "#e3e7eb"

LOGARITHMIC = 30.0
"""How many times the smallest loss the largest is where the axis becomes logarithmic."""

DASHES: tuple[Any, ...] = ("solid", (0, (6, 2)), (0, (2, 1.5)), (0, (7, 2, 2, 2)))
"""A further eight series differ from the first by their dashes."""

_SETTINGS: dict[str, Any] = {
    "axes.axisbelow": True,
    "axes.edgecolor": QUIET,
    "axes.grid": True,
    "axes.labelcolor": QUIET,
    "axes.labelsize": 10,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlecolor": INK,
    "axes.titlelocation": "left",
    "axes.titlepad": 10,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "figure.facecolor": "white",
    "font.family": "sans-serif",
    "font.size": 10,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "legend.fontsize": 10,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "lines.solid_capstyle": "round",
    "text.color": INK,
    "xtick.color": QUIET,
    "xtick.labelsize": 9,
    "ytick.color": QUIET,
    "ytick.labelsize": 9,
}


@contextmanager
def style() -> Iterator[None]:
    """Draws what is drawn within in this style, whatever matplotlib is set to elsewhere."""
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(cast("Any", _SETTINGS))  # its keys are literals to matplotlib
        yield


def layout() -> ConstrainedLayoutEngine:
    """Room between and around panels."""
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    return ConstrainedLayoutEngine(w_pad=0.11, h_pad=0.1)


def colour(index: int) -> str:
    """Of a series."""
    return LIGHT[index % len(LIGHT)]


def dashes(index: int) -> Any:
    """Of a series' line."""
    return DASHES[index // len(LIGHT) % len(DASHES)]


def label_ends(
    axes: Axes, labels: Sequence[tuple[str, float, str]], *, end: float, size: float = 10
) -> None:
    """Writes each label beside the right end of its line, moved apart where they would touch.

    Args:
        axes: whose limits are set for good.
        labels: the text, the height of the line's end, and the colour of each.
        end: where the lines end, in the units of the x axis.
        size: of the letters.
    """
    box = axes.get_window_extent()
    pixels = axes.transData.transform([(end, height) for _, height, _ in labels])[:, 1]
    apart = size * 1.3 * axes.figure.dpi / 72
    order = sorted(range(len(labels)), key=lambda index: pixels[index])
    places = set_apart(
        [float(pixels[index]) for index in order], apart, float(box.y0), float(box.y1)
    )
    for index, place in zip(order, places, strict=True):
        text, _, of_text = labels[index]
        axes.annotate(
            text,
            (1.0, (place - box.y0) / box.height),
            xycoords="axes fraction",
            xytext=(6, 0),
            textcoords="offset points",
            color=of_text,
            fontsize=size,
            va="center",
            annotation_clip=False,
        )


def set_apart(places: Sequence[float], apart: float, low: float, high: float) -> list[float]:
    """The places, rising, moved as little as it takes to be `apart` and, if they fit, within.

    Least squares: less `apart` each, the places must only not fall, which pooling neighbours gives.
    """
    pools: list[tuple[float, int]] = []
    for index, place in enumerate(places):
        mean, count = place - index * apart, 1
        while pools and pools[-1][0] > mean:
            before, more = pools.pop()
            mean = (mean * count + before * more) / (count + more)
            count += more
        pools.append((mean, count))
    highest = max(low, high - (len(places) - 1) * apart)
    means = [min(max(mean, low), highest) for mean, count in pools for _ in range(count)]
    return [mean + index * apart for index, mean in enumerate(means)]
