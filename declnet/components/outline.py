"""What a component's own check sees of a run before it starts, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from declnet.components.arrays import Shape
from declnet.errors import KeyPath

if TYPE_CHECKING:
    from declnet.components.data_source import DataInfo
    from declnet.components.layer import Layer
    from declnet.components.loss import Loss
    from declnet.components.optimizer import Optimizer


@dataclass(frozen=True)
class Finding:
    """Something that a component's check found.

    Attributes:
        message: what is wrong or suspicious, a sentence in the user's words.
        hint: what to do about it.
        key: the key in the component's own table that it concerns, e.g. `("units",)`; `()` for the
            component as a whole.
        layer: a layer that it concerns rather than the component whose check it is; then `key` is
            one of that layer's.
        data: a data set that it concerns, e.g. `"train"`, rather than the component; then `key` is
            one of its source's, or `()` for what decides which data these are.
        code: which sort of problem it is: one of `declnet explain`, or as it is by default E060, an
            error, or W060, a warning.
    """

    message: str
    hint: str | None = None
    key: KeyPath = ()
    code: str = "E060"
    layer: LayerOutline | None = None
    data: str | None = None


@dataclass(frozen=True, eq=False)
class LayerOutline:
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
    inputs: tuple[LayerOutline | None, ...]
    input_shapes: tuple[Shape, ...]
    output_shape: Shape


@dataclass(frozen=True, eq=False)
class Outline:
    """What is known of a run; a part that is wrong or missing is empty or None.

    Attributes:
        layers: in the model's order; the last one is the output.
        data: what is known of each data set: `train`, `validation`, `test`.
        loss: of the run.
        optimizer: of the run.
        here: the place of the layer whose check is called; None for other components.
        figures: names of what a row of the history will have, e.g. `loss`, `validation_accuracy`.
    """

    layers: tuple[LayerOutline, ...] = ()
    data: Mapping[str, DataInfo] = field(default_factory=dict)
    loss: Loss | None = None
    optimizer: Optimizer | None = None
    here: LayerOutline | None = None
    figures: tuple[str, ...] = ()

    @property
    def last(self) -> LayerOutline | None:
        """The output layer, or None where the layers are wrong."""
        return self.layers[-1] if self.layers else None
