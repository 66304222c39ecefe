"""A work's network in thinc: a chain of thinc layers, with a custom layer that reshapes."""

from math import prod
from typing import Any

import numpy as np
import thinc.api

from works.data import Weights
from works.layers import Dense, Embedding, Flatten, Relu, Shape
from works.work import Work

PARAMETERS = {"dense": {"weights": "W", "biases": "b"}, "embedding": {"weights": "E"}}


def reshape(before: Shape, after: Shape) -> Any:
    """Return a layer that reshapes samples; thinc has none."""

    def forward(_: Any, x: Any, is_train: bool) -> Any:  # noqa: ARG001
        return x.reshape(-1, *after), lambda dy: dy.reshape(-1, *before)

    return thinc.api.Model("reshape", forward)


class ThincNetwork:
    """The chain, and the conversion of its weights: dense weights are (units, inputs)."""

    def __init__(self, work: Work) -> None:
        self.work = work
        self.layers: dict[str, Any] = {}
        chain = []
        following = [*work.layers[1:], None]
        for (name, layer), shape, after in zip(
            work.named_layers, work.shapes[:-1], following, strict=True
        ):
            if isinstance(layer, Dense):
                self.layers[name] = self.dense(layer, after)
                chain.append(self.layers[name])
            elif isinstance(layer, Embedding):  # takes all tokens of a batch on one axis
                self.layers[name] = thinc.api.Embed(layer.units, layer.categories)
                chain += [reshape(shape, ()), self.layers[name]]
            elif isinstance(layer, Flatten):
                chain.append(reshape(shape[-1:], (prod(shape),)))
        self.model = thinc.api.chain(*chain)
        self.model.initialize()

    def dense(self, layer: Dense, after: object) -> Any:
        """Return the layer with its activation, which thinc's dense layers include."""
        kind = thinc.api.Softmax if after is None else thinc.api.Linear
        return (thinc.api.Relu if isinstance(after, Relu) else kind)(layer.units, layer.inputs)

    def load(self, weights: Weights) -> None:
        """Copy the weights into the model."""
        for name, layer in self.layers.items():
            for key, own in PARAMETERS[name.rpartition("_")[0]].items():
                value = weights[f"{name}.{key}"]
                layer.set_param(own, np.array(value.T if own == "W" else value, order="C"))

    def weights(self) -> Weights:
        """Copy the weights out of the model."""
        weights: Weights = {}
        for name, layer in self.layers.items():
            for key, own in PARAMETERS[name.rpartition("_")[0]].items():
                value = layer.get_param(own)
                weights[f"{name}.{key}"] = np.array(value.T if own == "W" else value, order="C")
        return weights
