"""Draw docs/images/stages.png: the stages of a run, and the object that each hands to the next.

Functions, classes and layers are looked up, so the picture names nothing that does not exist. Needs
matplotlib (the dependency group `docs`). Run it from the repository root.
"""

from __future__ import annotations

import tomllib
from importlib import import_module
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt

STAGES = (
    ("spec", "spec.validate:read_spec", "spec.model:RunSpec"),
    ("training/checks", "training.checks.check:check_spec", "training.checks.check:Checked"),
    ("data", "data.sets:load_sets", "data.sets:PreparedSets"),
    ("graph", "graph.model:initialized_model", "graph.model:Model"),
    ("training", "training.trainer:Trainer", "training.trainer:Event"),
    ("runs", "runs.session:Session", "runs.result:RunResult"),
)
"""A package, the function or class that does its work, and what that gives."""

BASE = ("contracts", "registry")
ABOVE = ("testing", "inspection", "sklearn")
BLUE, GRAY, GREEN = "#4477aa", "#dddddd", "#228833"
WIDTH, HEIGHT, GAP = 2.0, 0.9, 0.85


def name_of(place: str) -> str:
    """Return the name of a function or class in `module:name`, which must exist."""
    module, _, name = place.partition(":")
    getattr(import_module(f"declnet.{module}"), name)
    return name


def require_layers(*packages: str) -> None:
    """Raise ValueError if import-linter's layers of the core do not have a package."""
    contracts = tomllib.loads(Path("pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    layers = " ".join(contracts["contracts"][0]["layers"])
    missing = [package for package in packages if f"declnet.{package.split('/')[0]}" not in layers]
    if missing:
        raise ValueError(f"no layers: {', '.join(missing)}")


def draw_box(axes: plt.Axes, left: float, bottom: float, width: float, color: str) -> None:
    """Draw a rounded box of one height."""
    style = mpl.patches.BoxStyle("round", pad=0, rounding_size=0.08)
    box = mpl.patches.FancyBboxPatch(
        (left, bottom), width, HEIGHT, style, facecolor=color, edgecolor="none", alpha=0.85
    )
    axes.add_patch(box)


def main() -> None:
    """Draw the picture."""
    mpl.use("agg")
    require_layers(*(stage[0] for stage in STAGES), *BASE, *ABOVE)
    total = len(STAGES) * WIDTH + (len(STAGES) - 1) * GAP
    figure, axes = plt.subplots(figsize=(14, 3.4), layout="constrained")
    for number, (package, work, result) in enumerate(STAGES):
        left = number * (WIDTH + GAP)
        draw_box(axes, left, 0, WIDTH, BLUE)
        middle = left + WIDTH / 2
        axes.text(middle, 0.6, package, color="white", ha="center", weight="bold", size=11)
        axes.text(
            middle, 0.2, name_of(work), color="white", ha="center", size=9, family="monospace"
        )
        end = left + WIDTH + GAP
        axes.annotate("", (end, 0.45), (left + WIDTH, 0.45), arrowprops={"arrowstyle": "->"})
        axes.text(end - GAP / 2, 0.98, name_of(result), ha="center", size=9, family="monospace")
    axes.annotate("", (0, 0.45), (-GAP, 0.45), arrowprops={"arrowstyle": "->"})
    axes.text(-GAP / 2, 0.98, "spec.toml", ha="center", size=9, family="monospace")
    draw_box(axes, 0, -1.25, total, GRAY)
    base = f"{' · '.join(BASE)}: what a spec can name, and where it is found"
    axes.text(total / 2, -0.85, base, ha="center", size=10)
    draw_box(axes, 0, -2.45, total, GREEN)
    plugins = "plugins: every component, through the public names alone"
    axes.text(total / 2, -2.05, plugins, ha="center", size=10, color="white")
    draw_box(axes, 0, 1.5, total, GREEN)
    above = f"above the core, by its public names: {' · '.join(ABOVE)} · commands of plugins"
    axes.text(total / 2, 1.9, above, ha="center", size=10, color="white")
    axes.set(xlim=(-GAP - 0.1, total + GAP + 0.1), ylim=(-2.6, 2.6))
    axes.axis("off")
    figure.savefig("docs/images/stages.png", dpi=90)


if __name__ == "__main__":
    main()
