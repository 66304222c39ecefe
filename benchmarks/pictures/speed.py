"""The speed picture: a line per work, times relative to the best peer's."""

from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.lines import Line2D

from measuring.speed_page import times
from pictures.style import GRID, INK, mark_of, set_style

SHOWN = {
    "declnet-jit": "declnet with the extra `jit`",
    "declnet": "declnet",
    "jax-scan": "JAX, scan over steps",
    "keras": "best of JAX with a jitted step, PyTorch, torch.compile, Keras",
}
"""Labels of the marks, by the peer whose mark it is, in the order of the table's columns."""

FURTHEST = 8.0  # slower ones are drawn at the edge


def draw_speed(page: str, file: Path) -> None:
    """Draw the table of a page that `training.py --page` has written."""
    set_style()
    rows = times(page)
    figure, axes = plt.subplots(figsize=(9, 1.2 + 0.3 * len(rows)), layout="constrained")
    axes.set_xscale("log")
    axes.axvline(1.0, color=INK, linewidth=1, zorder=1)
    labels: list[str] = []
    for height, (label, row) in enumerate(rows.items()):
        labels.append(label.replace("the same", labels[-1]) if labels else label)
        axes.axhline(height, color=GRID, linewidth=0.8, zorder=0)
        best = min(row[peer] for peer in ("jax-scan", "keras") if peer in row)
        for peer, microseconds in row.items():
            axes.plot(min(microseconds / best, FURTHEST), height, **mark_of(peer))
    axes.set_yticks(range(len(rows)), labels)
    axes.tick_params(axis="y", length=0)
    axes.invert_yaxis()
    ticks = [0.25, 0.5, 1, 2, 4, 8]
    axes.set_xticks(ticks, [f"{tick:g}×" for tick in ticks], minor=False)
    axes.minorticks_off()
    axes.set_xlabel("time of a training step, in times of the fastest peer's (left is faster)")
    handles = [
        Line2D([], [], linestyle="", label=label, **mark_of(peer)) for peer, label in SHOWN.items()
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=2, frameon=False)
    figure.savefig(file, dpi=120)
