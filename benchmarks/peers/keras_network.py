"""A work's network in Keras 3, images with channels last, the Keras default."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from works.channels_last import IMAGE_AXES, weights_first, weights_last
from works.data import Weights
from works.layers import (
    EPSILON,
    Activation,
    Add,
    Conv2d,
    Dense,
    Embedding,
    Flatten,
    Layer,
    LayerNorm,
    Lstm,
    MaxPool2d,
    MeanOverTime,
    MultiHeadAttention,
    Relu,
    Sigmoid,
    Silu,
    Softsign,
    Tanh,
)
from works.work import Work


def keras_dense(layer: Dense) -> Any:
    """Return the dense layer, with its penalty."""
    penalty = keras.regularizers.L2(layer.l2) if layer.l2 else None
    return keras.layers.Dense(layer.units, kernel_regularizer=penalty, bias_regularizer=penalty)


def keras_attention(layer: MultiHeadAttention) -> Any:
    """Return the attention, whose heads have a size rather than a number of units together."""
    return keras.layers.MultiHeadAttention(layer.heads, layer.units // layer.heads)


def keras_activation(layer: Activation) -> Any:
    """Return the activation, which has the same name in Keras."""
    return keras.layers.Activation(layer.kind)


LAYERS: dict[type[Layer], Callable[[Any], Any]] = {
    Dense: keras_dense,
    Conv2d: lambda layer: keras.layers.Conv2D(layer.filters, 3, padding="same"),
    Embedding: lambda layer: keras.layers.Embedding(layer.categories, layer.units),
    Lstm: lambda layer: keras.layers.LSTM(layer.units),
    MultiHeadAttention: keras_attention,
    LayerNorm: lambda _: keras.layers.LayerNormalization(epsilon=EPSILON),
    Add: lambda _: keras.layers.Add(),
    MeanOverTime: lambda _: keras.layers.GlobalAveragePooling1D(),
    MaxPool2d: lambda _: keras.layers.MaxPooling2D(2),
    Flatten: lambda _: keras.layers.Flatten(),
    **dict.fromkeys((Relu, Tanh, Sigmoid, Silu, Softsign), keras_activation),
}
"""How to make the Keras layer of a layer."""


class KerasNetwork:
    """The model, and the conversion of its weights."""

    def __init__(self, work: Work) -> None:
        self.work = work
        layers = [LAYERS[type(layer)](layer) for layer in work.layers]
        shape = work.sample_shape
        shape = (*shape[1:], shape[0]) if len(shape) == IMAGE_AXES else shape
        dtype = "int32" if "embedding" in work.kinds else work.dtype
        outputs = [keras.Input(shape, dtype=dtype)]
        for layer, part in zip(layers, work.layers, strict=True):
            x = outputs[-1]
            if isinstance(part, Add):
                outputs.append(layer([x, outputs[-1 - part.skipped]]))
            else:
                outputs.append(layer(x, x) if isinstance(part, MultiHeadAttention) else layer(x))
        self.model = keras.Model(outputs[0], outputs[-1])
        self.layers = {
            name: layer for (name, _), layer in zip(work.named_layers, layers, strict=True)
        }

    def load(self, weights: Weights) -> None:
        """Copy the weights into the model."""
        moved = weights_last(self.work, weights)
        for name, layer in self.work.named_layers:
            if layer.parameters:  # attention's are split by heads in Keras
                shapes = [array.shape for array in self.layers[name].get_weights()]
                arrays = [moved[f"{name}.{key}"] for key in layer.parameters]
                self.layers[name].set_weights(
                    [w.reshape(shape) for w, shape in zip(arrays, shapes, strict=True)]
                )

    def weights(self) -> Weights:
        """Copy the weights out of the model."""
        weights: Weights = {}
        for name, layer in self.work.named_layers:
            values = self.layers[name].get_weights()
            for (key, shape), value in zip(layer.parameters.items(), values, strict=True):
                joined = isinstance(layer, MultiHeadAttention)
                weights[f"{name}.{key}"] = np.array(value.reshape(shape) if joined else value)
        return weights_first(self.work, weights)
