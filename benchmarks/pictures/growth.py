"""The growth picture: cost against batch, width, depth, samples and epochs."""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from pictures.style import GRID, mark_of, set_style

WHOLE = ("samples", "epochs")
LABELS = {
    "batch": "samples in a batch",
    "width": "units in a layer",
    "depth": "hidden layers of 128",
    "samples": "samples, an epoch",
    "epochs": "epochs, 2→64→3, batch 300",
}


def draw_growth(results: dict[str, Any], file: Path) -> None:
    """Draw one panel per axis, both scales logarithmic; a gray line shows linear growth."""
    set_style()
    axes_of = results["axes"]
    figure, panels = plt.subplots(1, len(axes_of), figsize=(12, 2.9), layout="constrained")
    handles: dict[str, Any] = {}
    for panel, (name, points) in zip(panels, axes_of.items(), strict=True):
        for peer in points[0]["times"]:
            measured = [(p["value"], p["medians"][peer]) for p in points if peer in p["medians"]]
            values = [value for value, _ in measured]
            unit = 1e6 if name in WHOLE else 1.0
            times = [time / unit for _, time in measured]
            (handles[peer],) = panel.plot(values, times, linewidth=1.5, **mark_of(peer))
            panel.plot(
                [values[0], values[-1]],
                [times[-1] * values[0] / values[-1], times[-1]],
                color=GRID,
                zorder=0,
            )
        panel.set(xscale="log", yscale="log", xlabel=LABELS[name])
        panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5), numticks=8))
        panel.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        panel.yaxis.set_minor_formatter(NullFormatter())
        panel.set_title("whole process, s" if name in WHOLE else "a step, µs", fontsize=9)
        lowest = min(time for point in points for time in point["medians"].values())
        panel.set_ylim(bottom=lowest / (2e6 if name in WHOLE else 2.0))
    figure.legend(
        handles=list(handles.values()),
        labels=list(handles),
        loc="outside upper center",
        ncols=6,
        frameon=False,
    )
    figure.savefig(file, dpi=110)
