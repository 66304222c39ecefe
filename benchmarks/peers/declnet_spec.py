"""A work as a declnet spec."""

from pathlib import Path
from typing import Any

from works.data import DATA_FILE, VALIDATION_FILE
from works.layers import EPSILON as NORM_EPSILON
from works.layers import (
    Add,
    Conv2d,
    Dense,
    Embedding,
    Layer,
    LayerNorm,
    Lstm,
    MultiHeadAttention,
)
from works.work import BETA_1, BETA_2, EPSILON, Work


def spec_layer(layer: Layer) -> dict[str, Any]:
    """Return the layer as declared in a spec."""
    declared: dict[str, Any] = {"type": layer.kind}
    if isinstance(layer, Dense):
        declared["units"] = layer.units
        if layer.l2:
            declared["weight_regularizer"] = {"type": "l2", "strength": layer.l2}
            declared["bias_regularizer"] = {"type": "l2", "strength": layer.l2}
    elif isinstance(layer, Conv2d):
        declared |= {"filters": layer.filters, "kernel_size": 3, "padding": 1}
    elif isinstance(layer, Embedding):
        declared |= {"categories": layer.categories, "units": layer.units}
    elif isinstance(layer, Lstm):
        declared["units"] = layer.units
    elif isinstance(layer, MultiHeadAttention):
        declared["heads"] = layer.heads
    elif isinstance(layer, LayerNorm):
        declared |= {"axes": 1, "epsilon": NORM_EPSILON}
    elif layer.kind == "max_pool2d":
        declared["pool_size"] = 2
    return declared


def model(work: Work, weights_file: Path) -> dict[str, Any]:
    """Return the `model` section of the spec."""
    layers, names = [], ["input"]
    for name, layer in work.named_layers:
        layers.append(spec_layer(layer))
        if isinstance(layer, Add):
            layers[-1]["inputs"] = [names[-1], names[-1 - layer.skipped]]
        names.append(name)
    if work.classifies:
        layers.append({"type": "softmax"})
    return {"dtype": work.dtype, "initial_weights": str(weights_file), "layers": layers}


def spec(
    work: Work,
    folder: Path,
    weights_file: Path,
    steps: int,
    kernels: str | None = None,
    shuffle: bool = False,
) -> dict[str, Any]:
    """Return a spec that trains the work for that many updates, logging the first and last epoch.

    `folder` has the data. `kernels` is the key in `[engine]`; None omits the section.
    """
    epochs = steps // work.steps_per_epoch
    training: dict[str, Any] = {"epochs": epochs, "log_every": epochs}
    if work.shuffled or not work.full_batch:
        training |= {"batch_size": work.batch, "shuffle": shuffle or work.shuffled}
    files = {"train": DATA_FILE}
    if work.validated:
        files["validation"] = VALIDATION_FILE
        training["callbacks"] = [{"type": "early_stopping", "patience": epochs}]
    return {
        "declnet": 1,
        "name": work.name,
        "seed": 0,
        "data": {
            name: {"type": "npz", "path": str(folder.resolve() / file)}
            for name, file in files.items()
        },
        "model": model(work, weights_file),
        "loss": {"type": work.loss},
        "optimizer": {
            "type": "adam",
            "learning_rate": work.learning_rate,
            "beta_1": BETA_1,
            "beta_2": BETA_2,
            "epsilon": EPSILON,
        },
        "training": training,
        **({"engine": {"kernels": kernels}} if kernels else {}),
    }
