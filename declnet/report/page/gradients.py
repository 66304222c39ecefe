"""The gradients of a trained model's parameters, on a part of its training data."""

from __future__ import annotations

import numpy as np

from declnet.components.arrays import Array
from declnet.components.attribution import attributing_errors
from declnet.errors import DeclnetError
from declnet.graph.kernels import Kernels
from declnet.graph.parameters import view
from declnet.graph.training_graph import TrainingGraph
from declnet.registry.registry import Registry
from declnet.report.page.model_of_run import LoadedRun
from declnet.report.page.statistics.thinning import even_positions

SAMPLES = 512


def parameter_gradients(loaded: LoadedRun, registry: Registry) -> dict[str, Array]:
    """The gradient of the loss by each trainable parameter; empty if it cannot be had.

    A step of training is taken without its update. Layers that keep statistics of the data, such as
    batch_norm, change theirs, so the model is good for nothing else afterwards.
    """
    predictor, data = loaded.predictor, loaded.data.get("train")
    if predictor is None or data is None or not predictor.model.store.vector.size:
        return {}
    model, spec = predictor.model, predictor.spec
    part = data.take(even_positions(len(data), SAMPLES))
    try:
        with attributing_errors(registry), np.errstate(all="ignore"):
            x = model.as_input(np.asarray(part.x))
            y_true = spec.loss.prepare(part.y, model.output_shape, model.dtype)
            graph = TrainingGraph(model, spec.loss, len(part), spec.seed, Kernels(registry))
            graph.step(x, y_true).run()
    except DeclnetError:
        return {}
    slots = [slot for slot in model.store.slots if slot.offset >= 0]
    return {slot.key: view(graph.gradient, slot).copy() for slot in slots}
