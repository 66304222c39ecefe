"""The style of the peers: colors for color-blind readers (Okabe and Ito), and shapes."""

from dataclasses import dataclass
from typing import Any

import matplotlib as mpl

INK, GRID = "#333333", "#dddddd"


@dataclass(frozen=True)
class Mark:
    """A peer's mark."""

    color: str
    shape: str
    size: float = 6.0
    order: int = 2


OURS = Mark("#D55E00", "o", 9.0, 4)
MARKS = {
    "declnet-jit": Mark("#8B1A00", "*", 14.0, 5),
    "declnet": OURS,
    "torch": Mark("#0072B2", "s"),
    "torch-compile": Mark("#0072B2", "^"),
    "jax-jit": Mark("#009E73", "s"),
    "jax-scan": Mark("#009E73", "D"),
    "keras": Mark("#CC79A7", "P", 7.0),
    "scikit-learn": Mark("#E69F00", "X", 7.0),
    "onnxruntime": Mark("#000000", "p", 7.0),
}
OTHER = Mark("#888888", ".")


def mark_of(peer: str) -> dict[str, Any]:
    """Return a peer's mark as matplotlib arguments."""
    mark = MARKS.get(peer, OTHER)
    return {
        "color": mark.color,
        "marker": mark.shape,
        "markersize": mark.size,
        "zorder": mark.order,
        "markeredgecolor": "white",
        "markeredgewidth": 0.8,
    }


def set_style() -> None:
    """Disable windows, and set small, plain text."""
    mpl.use("agg")
    mpl.rcParams.update(
        {
            "font.size": 9,
            "axes.edgecolor": GRID,
            "axes.labelcolor": INK,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "text.color": INK,
            "xtick.color": INK,
            "ytick.color": INK,
        }
    )
