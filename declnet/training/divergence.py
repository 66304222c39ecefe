"""Errors for a loss that is NaN or infinite, with the layer where it began."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.network.inputs import input_of, sample_count, samples_of
from declnet.errors import DivergenceError
from declnet.graph.arrays import Workspaces
from declnet.graph.inference import Given
from declnet.graph.memory_plan import Order
from declnet.graph.model import Model
from declnet.graph.parameters import layer_state
from declnet.graph.shapes import Node
from declnet.training.evaluation import Evaluation
from declnet.training.metrics import NamedMetric


def layer_outputs(model: Model, x: Given) -> Iterator[tuple[Node, Array]]:
    """Yield each layer of a model in order, with its output for samples x, not in training."""
    count = sample_count(x)
    values: list[Array] = [np.empty(0)]  # value 0 is read by name
    rng = np.random.Generator(np.random.PCG64(0))
    orders: list[Order] = ["batch_last"] * len(model.nodes)
    workspaces = Workspaces(model.nodes, count, model.dtype, orders)
    for node in model.nodes:
        state = layer_state(node, model.store, workspaces.views(node, count), rng)
        y = np.empty((count, *node.output_shape), model.dtype)
        inputs = tuple(
            values[value] if read is None else input_of(x, read)
            for value, read in zip(node.inputs, node.reads, strict=True)
        )
        node.layer.forward(inputs if node.takes_many_inputs else inputs[0], y, state)
        values.append(y)
        yield node, y


def first_non_finite(model: Model, x: Given) -> tuple[str, str] | None:
    """Find the first non-finite parameter or output, layer by layer from the input.

    Returns:
        The layer's name and what is not finite (`"weights"` or `"output"`); None if everything is
        finite, so that the loss itself is the cause.
    """
    for node, y in layer_outputs(model, x):
        for name in node.parameters:
            if not np.isfinite(model.store.arrays[f"{model.nodes[node.owner].name}.{name}"]).all():
                return node.name, name
        if not np.isfinite(y).all():
            return node.name, "output"
    return None


def divergence(model: Model, epoch: int, loss: float, x: Given) -> DivergenceError:
    """Return the error for a loss that is not finite, with the first layer where it occurs.

    Args:
        epoch: the epoch whose forward pass, or whose update before an evaluation, gave that loss.
    """
    with np.errstate(all="ignore"):
        found = first_non_finite(model, x)
    where = (
        f'the first value that is not finite is in "{found[0]}" ({found[1]})'
        if found
        else "all layer outputs are finite, so the loss produced it"
    )
    message = f"epoch {epoch}: the loss is {loss}; {where}. A smaller learning_rate often helps"
    return DivergenceError(message, epoch, found[0] if found else None)


def finite_evaluation(
    evaluation: Evaluation, model: Model, epoch: int, metrics: Sequence[NamedMetric] | None = None
) -> dict[str, float]:
    """Evaluate after an epoch.

    Args:
        metrics: the metrics to compute; default: all.

    Raises:
        DivergenceError: the loss is not finite.
    """
    found = evaluation.evaluate(metrics)
    if not math.isfinite(found["loss"]):
        x = samples_of(next(iter(evaluation.data.parts())).x, slice(model.samples_at_once))
        raise divergence(model, epoch, found["loss"], x)
    return found
