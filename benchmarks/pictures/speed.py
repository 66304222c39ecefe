"""The speed picture: a line per work, a mark per peer, the time relative to the best peer's."""

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.lines import Line2D

from pictures.style import GRID, INK, MARKS, mark_of, set_style

Results = dict[str, Any]
TITLES = {
    "training": "a step of training",
    "cold_start": "a whole process, from its start to the trained network",
    "inference": "a prediction",
}
FURTHEST = 40.0  # slower peers are drawn at the edge


def lines_of(results: list[Results]) -> list[tuple[str, str, Results]]:
    """Return the lines to draw, from the top: the kind, the label and the work's record."""
    lines = []
    for kind in TITLES:
        for each in results:
            if each["kind"] == kind:
                lines += [(kind, label(work), work) for work in each["works"]]
    return [line for line in lines if line[2]["best_microseconds"]]


def label(record: Results) -> str:
    """Return the network, its batch, and the best peer's time."""
    best = record["best_microseconds"]
    time = f"{best:.0f} µs" if best < 1000 else f"{best / 1000:.1f} ms"
    time = time if best < 1e6 else f"{best / 1e6:.1f} s"
    work = record["work"]
    more = "".join(f", {key}" for key in ("validated", "shuffled") if work.get(key))
    return f"{work['network']}, batch {work['batch']}{more}  [{time}]"


def draw_speed(results: list[Results], file: Path) -> None:
    """Draw the results."""
    set_style()
    lines = lines_of(results)
    heights, places, place = [], [], 0.0
    for number, (kind, _, _) in enumerate(lines):
        place -= 1.0 + (1.1 if number == 0 or lines[number - 1][0] != kind else 0.0)
        heights.append(place)
        if number == 0 or lines[number - 1][0] != kind:
            places.append((place + 0.85, TITLES[kind]))
    figure, axes = plt.subplots(figsize=(9, 1.3 + 0.33 * -place), layout="constrained")
    axes.set_xscale("log")
    axes.axvline(1.0, color=INK, linewidth=1, zorder=1)
    shown = set()
    for height, (_, _, work) in zip(heights, lines, strict=True):
        axes.axhline(height, color=GRID, linewidth=0.8, zorder=0)
        for row in work["rows"]:
            if row.get("ratio") and row["agrees"] and row["peer"] in MARKS:
                shown.add(row["peer"])
                axes.plot(min(row["ratio"], FURTHEST), height, **mark_of(row["peer"]))
    axes.set_yticks(heights, [text for _, text, _ in lines])
    axes.tick_params(axis="y", length=0)
    for height, title in places:
        axes.text(0.0, height, title, transform=axes.get_yaxis_transform(), fontweight="bold")
    axes.set_xlim(min(0.25, axes.get_xlim()[0]), FURTHEST * 1.15)
    ticks = [0.25, 0.5, 1, 2, 4, 8, 16]
    axes.set_xticks(ticks, [f"{tick:g}×" for tick in ticks], minor=False)
    axes.minorticks_off()
    axes.set_ylim(place - 0.7, 0.0)
    axes.set_xlabel("times the fastest peer, whose own time is in brackets")
    handles = [
        Line2D([], [], linestyle="", label=peer, **mark_of(peer)) for peer in MARKS if peer in shown
    ]
    figure.legend(handles=handles, loc="outside upper center", ncols=6, frameon=False)
    described, settings = results[0]["machine"], results[0]["settings"]
    caption = (
        f"{described['processor']}, {settings['threads']} threads; float32, Adam; "
        f"medians of {settings['rounds']}; beyond {FURTHEST:g}×: at the edge"
    )
    figure.supxlabel(caption, fontsize=7.5)
    figure.savefig(file, dpi=120)
