"""What to say when a loss is NaN or infinite."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from declnet.components.arrays import Array
from declnet.components.metric import Metric
from declnet.errors import DivergenceError
from declnet.graph.diagnosis import first_non_finite
from declnet.graph.model import Model
from declnet.training.evaluation import Evaluation


def divergence(model: Model, epoch: int, loss: float, x: Array) -> DivergenceError:
    """The error for a loss that is not finite; looks for the first layer at fault.

    Args:
        model: as it is now.
        epoch: whose forward pass, or whose update before an evaluation, gave that loss.
        loss: NaN or infinite.
        x: the samples that gave it.
    """
    with np.errstate(all="ignore"):
        found = first_non_finite(model, x)
    where = (
        f'the first value that is not finite is in "{found[0]}" ({found[1]})'
        if found
        else "all layers are finite, so it arose in the loss"
    )
    message = f"epoch {epoch}: the loss is {loss}; {where}. A smaller learning_rate often helps"
    return DivergenceError(message, epoch, found[0] if found else None)


def finite_evaluation(
    evaluation: Evaluation, model: Model, epoch: int, metrics: Sequence[Metric] | None = None
) -> dict[str, float]:
    """Evaluate after an epoch.

    Args:
        metrics: to compute in place of all.

    Raises:
        DivergenceError: the loss is not finite.
    """
    found = evaluation.evaluate(metrics)
    if not math.isfinite(found["loss"]):
        x = evaluation.data.x[: model.samples_at_once]
        raise divergence(model, epoch, found["loss"], x)
    return found
