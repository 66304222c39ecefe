"""Draw docs/images/spiral.png: what `specs/spiral_adam.toml` learns, and the optimizers compared.

Needs matplotlib (the dependency group `docs`). Run it from the repository root.
"""

from __future__ import annotations

from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np

import declnet
from declnet.data.sources.loading import load_source
from declnet.spec.streams import DataSet

SPECS = Path("specs")
OPTIMIZERS = ("sgd", "sgd_momentum", "adagrad", "rmsprop", "adam")


def main() -> None:
    """Train the shipped specs and draw the picture."""
    mpl.use("agg")
    figure, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
    _draw_regions(left)
    _draw_losses(right)
    figure.savefig("docs/images/spiral.png", dpi=110)


def _draw_regions(axes: plt.Axes) -> None:
    spec = declnet.load_spec(SPECS / "spiral_adam.toml")
    result = declnet.run(spec)
    assert spec.data.test is not None  # noqa: S101  # the spec has a test set
    test = load_source(spec.data.test, spec.seed, DataSet.TEST)
    side = np.linspace(-1.15, 1.15, 300)
    grid = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
    classes = result.model.predict(grid).argmax(axis=1).reshape(300, 300)
    colors = mpl.colors.ListedColormap(["#4477aa", "#ee6677", "#228833"])
    axes.imshow(classes, extent=(-1.15, 1.15, -1.15, 1.15), origin="lower", cmap=colors, alpha=0.25)
    axes.scatter(test.x[:, 0], test.x[:, 1], c=test.y, cmap=colors, s=9)
    accuracy = result.metrics["test"]["accuracy"]
    axes.set_title(f"specs/spiral_adam.toml: test accuracy {accuracy:.3f}")
    axes.set_axis_off()


def _draw_losses(axes: plt.Axes) -> None:
    for name in OPTIMIZERS:
        result = declnet.run(declnet.load_spec(SPECS / "optimizers" / f"{name}.toml"))
        epochs = [row["epoch"] for row in result.history]
        losses = [row["loss"] for row in result.history]
        accuracy = result.metrics["train"]["accuracy"]
        axes.plot(epochs, losses, label=f"{name}: training accuracy {accuracy:.3f}", linewidth=1)
    axes.set(xlabel="epoch", ylabel="training loss", ylim=(0, 1.5), title="specs/optimizers")
    axes.legend(fontsize=8, framealpha=1)


if __name__ == "__main__":
    main()
