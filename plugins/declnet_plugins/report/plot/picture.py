"""Picture files, and their style: light, legible, suitable for any color vision."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast
from warnings import catch_warnings, filterwarnings

from declnet import OutputError, escaped, write_atomically
from declnet_plugins.report.commands import require_folder
from declnet_plugins.report.drawing import LIGHT, set_apart

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine


SUFFIXES = (".png", ".svg")

PIXELS_PER_INCH = 140

INK = "#1f2933"

QUIET = "#5c6670"

GRID = "#e3e7eb"

LONGEST_LABEL = 80
"""Maximum number of characters of a label."""

DASHES: tuple[Any, ...] = ("solid", (0, (6, 2)), (0, (2, 1.5)), (0, (7, 2, 2, 2)))
"""Dash patterns, by how often the colors have repeated."""

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


def check_picture(path: Path) -> None:
    """Refuse a picture that cannot be drawn or written.

    Raises:
        OutputError: the folder is missing, or the suffix is not an image format's.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise OutputError(f"{path}: a picture's name ends in {' or '.join(SUFFIXES)}")
    require_folder(path)
    try:
        is_folder = path.is_dir()
    except OSError as error:  # a name that is too long
        raise OutputError(f"{path}: cannot be written: {error.strerror}") from None
    if is_folder:
        raise OutputError(f"{path}: is a folder; name a file")


def save_picture(figure: Figure, path: Path) -> None:
    """Write a figure in the format of its suffix, byte for byte reproducibly.

    Raises:
        OutputError: the file cannot be written.
    """
    from matplotlib import rc_context

    content = BytesIO()
    form = path.suffix.lower().removeprefix(".")
    undated = {"Date": None} if form == "svg" else {"Software": None}
    with rc_context({"svg.hashsalt": "declnet"}), catch_warnings():
        filterwarnings("ignore", "Glyph .* missing from")  # drawn as a box
        figure.savefig(content, format=form, dpi=PIXELS_PER_INCH, metadata=undated)
    try:
        write_atomically(path, content.getvalue())
    except OSError as error:
        raise OutputError(f"{path}: cannot be written: {error.strerror}") from None


@contextmanager
def style() -> Iterator[None]:
    """Use this style within the context, whatever matplotlib's settings."""
    import matplotlib as mpl

    with mpl.rc_context():
        mpl.rcdefaults()
        mpl.rcParams.update(cast("Any", _SETTINGS))  # matplotlib types its keys as literals
        yield


def unformatted(text: str) -> str:
    """Return a text that matplotlib draws literally on one line, shortened if it is very long.

    Text between `$` signs would be mathematics, and no font has control characters.
    """
    line = escaped(text).replace("\n", r"\n").replace("\t", r"\t")
    short = line if len(line) <= LONGEST_LABEL else f"{line[: LONGEST_LABEL - 1]}…"
    return short.replace("$", r"\$")


def layout() -> ConstrainedLayoutEngine:
    """Return room between and around panels."""
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    return ConstrainedLayoutEngine(w_pad=0.11, h_pad=0.1)


def color(index: int) -> str:
    """Return the color of a series."""
    return LIGHT[index % len(LIGHT)]


def dashes(index: int) -> Any:
    """Return the dashes of a series' line."""
    return DASHES[index // len(LIGHT) % len(DASHES)]


def label_ends(
    axes: Axes, labels: Sequence[tuple[str, float, str]], *, end: float, size: float = 10
) -> None:
    """Write each label next to the right end of its line, spread apart to avoid overlaps.

    Args:
        axes: axes with final limits.
        labels: the text, the height of the line's end, and the color of each.
        end: where the lines end, in the units of the x axis.
        size: the font size.
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
            unformatted(text),
            (1.0, (place - box.y0) / box.height),
            xycoords="axes fraction",
            xytext=(6, 0),
            textcoords="offset points",
            color=of_text,
            fontsize=size,
            va="center",
            annotation_clip=False,
        )
