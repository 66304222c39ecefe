"""The picture of tables: the normalized error of each method, and the time of its fits."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

from pictures.style import GRID, MARKS, OTHER, OURS, set_style
from tabular.comparing import geometric_mean, interval
from tabular.comparison import Comparison

COLORS = {"declnet": OURS.color, "sklearn": MARKS["scikit-learn"].color, "pytabkit": "#0072B2"}


def draw_tables(compared: Comparison, file: Path) -> None:
    """Draw the methods, the best at the top, with the intervals of their errors."""
    set_style()
    count = len(compared.methods)
    figure, (left, right) = plt.subplots(
        ncols=2, figsize=(9, 1.1 + 0.33 * count), sharey=True, layout="constrained"
    )
    for at, method in enumerate(compared.methods):
        color = COLORS.get(method.partition(":")[0], OTHER.color)
        errors = compared.normalized[:, at]
        left.plot(interval(errors), [at, at], color=color, linewidth=2, alpha=0.5)
        left.plot(errors.mean(), at, "o", color=color, markersize=7)
        right.plot(geometric_mean(compared.seconds[:, at]), at, "o", color=color, markersize=7)
    for axes in (left, right):
        axes.set_ylim(count - 0.4, -0.6)
        for at in range(count):
            axes.axhline(at, color=GRID, linewidth=0.8, zorder=0)
        axes.tick_params(axis="y", length=0)
    left.set_yticks(np.arange(count), compared.methods)
    left.set_xlabel("mean normalized error, 0 is the best on every set; 95 % interval")
    right.set_xscale("log")
    right.xaxis.set_major_formatter("{x:g}")
    right.set_xlabel("seconds of a fit, geometric mean")
    figure.savefig(file, dpi=120)
    plt.close(figure)
