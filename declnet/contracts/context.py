"""RunContext: what a component's own check sees of a run before it starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from declnet.contracts.arrays import Shape
from declnet.errors import Renamed

if TYPE_CHECKING:
    from declnet.contracts.data_source import DataInfo
    from declnet.contracts.layer import Layer
    from declnet.contracts.loss import Loss
    from declnet.contracts.metric import Better
    from declnet.contracts.optimizer import Optimizer


@dataclass(frozen=True, eq=False)
class LayerContext:
    """A layer in its place.

    Attributes:
        name: in the model.
        layer: the component.
        inputs: the layers that it reads; None stands for the model's input.
        input_shapes: a shape for each of them, without the batch axis.
        output_shape: without the batch axis.
    """

    name: str
    layer: Layer
    inputs: tuple[LayerContext | None, ...]
    input_shapes: tuple[Shape, ...]
    output_shape: Shape


@dataclass(frozen=True, eq=False)
class RunContext:
    """What is known of a run; a part that is wrong or missing is empty or None.

    Attributes:
        layers: in the model's order; the last one is the output.
        data: what is known of each data set: `train`, `validation`, `test`.
        loss: of the run.
        optimizer: of the run.
        here: the place of the layer whose check is called; None for other components.
        metrics: what a row of the history will have, e.g. `loss`, `validation_accuracy`, each with
            which values are better (`"higher"`, `"lower"`, or None if neither is known to be).
    """

    layers: tuple[LayerContext, ...] = ()
    data: Mapping[str, DataInfo] = field(default_factory=dict)
    loss: Loss | None = None
    optimizer: Optimizer | None = None
    here: LayerContext | None = None
    metrics: Mapping[str, Better | None] = field(default_factory=dict)

    if not TYPE_CHECKING:  # type checkers report this name
        figures = Renamed("metrics")

    @property
    def last(self) -> LayerContext | None:
        """The output layer, or None where the layers are wrong."""
        return self.layers[-1] if self.layers else None
