"""RunContext: the view of a run that a component's own check gets before the run starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from declnet.contracts.arrays import Shape

if TYPE_CHECKING:
    from declnet.contracts.data.dataset import DataInfo
    from declnet.contracts.network.directions import Better
    from declnet.contracts.network.layer import Layer, OutputRange
    from declnet.contracts.network.loss import Loss
    from declnet.contracts.network.optimizer import Optimizer
    from declnet.contracts.network.parameter import ParameterInfo
    from declnet.contracts.runs.callback import Callback


@dataclass(frozen=True, eq=False)
class LayerContext:
    """A layer and its place in the model.

    Attributes:
        name: its name in the model.
        layer: the component.
        inputs: the layers that it reads; None means an input of the model.
        input_shapes: the shape of each input, without the batch axis.
        output_shape: the shape of its output, without the batch axis.
    """

    name: str
    layer: Layer
    inputs: tuple[LayerContext | None, ...]
    input_shapes: tuple[Shape, ...]
    output_shape: Shape


@dataclass(frozen=True, eq=False)
class RunContext:
    """The known facts about a run; a part that is invalid or missing is empty or None.

    Attributes:
        layers: the layers in the model's order.
        data: what is known about each data set: `train`, `validation`, `test`.
        loss: the run's loss; for a loss or a metric, its own. None for other components if there
            are several.
        optimizer: the run's optimizer.
        here: the layer whose check is called; None for other components.
        parameters: for an optimizer's check: the parameters that it updates, in its group if it
            has one; empty if they are unknown.
        metrics: the metrics in a row of the history, e.g. `loss`, `validation_accuracy`, each with
            the better values, as in `Metric.better`.
        outputs: the layers that are outputs; for a loss or a metric, only its own.
        epochs: the number of epochs, unless the training ends early.
        callbacks: the run's callbacks, in order.
        columns: the raw columns of the training data, as `AnalyzedModel.columns`; empty if unknown.
    """

    layers: tuple[LayerContext, ...] = ()
    data: Mapping[str, DataInfo] = field(default_factory=dict)
    loss: Loss | None = None
    optimizer: Optimizer | None = None
    here: LayerContext | None = None
    parameters: tuple[ParameterInfo, ...] = ()
    metrics: Mapping[str, Better | None] = field(default_factory=dict)
    outputs: tuple[LayerContext, ...] = ()
    epochs: int | None = None
    callbacks: tuple[Callback, ...] = ()
    columns: tuple[str, ...] = ()

    @property
    def last(self) -> LayerContext | None:
        """The output layer, of several the first; None if the layers are invalid."""
        return next(iter(self.outputs), self.layers[-1] if self.layers else None)

    @property
    def output_range(self) -> OutputRange | None:
        """Bounds of the model's output, as its last layers declare them; None if unknown."""
        here = self.last
        while here is not None and here.layer.output_range == "input":
            here = here.inputs[0]
        declared = here.layer.output_range if here is not None else None
        return None if declared == "input" else declared
