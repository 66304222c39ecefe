"""Arrays and data for components of each kind, laid out as the graph lays them out."""

from __future__ import annotations

from declnet.testing.benches.callback_bench import try_callback
from declnet.testing.benches.fusion_bench import try_fusion
from declnet.testing.benches.layer_trial import try_layer
from declnet.testing.benches.loss_trial import try_loss
from declnet.testing.benches.metric_bench import try_metric
from declnet.testing.benches.optimizer_bench import try_optimizer
from declnet.testing.benches.plain_benches import (
    try_data_source,
    try_initializer,
    try_regularizer,
    try_schedule,
)
from declnet.testing.benches.transform_bench import try_transform
from declnet.testing.trial import Try

TRIALS: dict[str, Try] = {
    "layer": try_layer,
    "loss": try_loss,
    "fusion": try_fusion,
    "regularizer": try_regularizer,
    "optimizer": try_optimizer,
    "initializer": try_initializer,
    "schedule": try_schedule,
    "metric": try_metric,
    "data_source": try_data_source,
    "callback": try_callback,
    "transform": try_transform,
}
"""How a component of each kind is used once."""
