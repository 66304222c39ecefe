"""A work's network in Keras 3, images with channels last, the Keras default."""

from typing import Any

import keras
import numpy as np

from works.channels_last import weights_first, weights_last
from works.data import Weights
from works.layers import Conv2d, Dense, Embedding, Flatten, Layer, MaxPool2d
from works.work import Work


def keras_layer(layer: Layer) -> Any:
    """Return the layer as a Keras layer."""
    layers = keras.layers
    if isinstance(layer, Dense):
        penalty = keras.regularizers.L2(layer.l2) if layer.l2 else None
        return layers.Dense(layer.units, kernel_regularizer=penalty, bias_regularizer=penalty)
    if isinstance(layer, Conv2d):
        return layers.Conv2D(layer.filters, 3, padding="same")
    if isinstance(layer, Embedding):
        return layers.Embedding(layer.categories, layer.units)
    if isinstance(layer, MaxPool2d):
        return layers.MaxPooling2D(2)
    return layers.Flatten() if isinstance(layer, Flatten) else layers.ReLU()


class KerasNetwork:
    """The model, and the conversion of its weights."""

    def __init__(self, work: Work) -> None:
        self.work = work
        layers = [keras_layer(layer) for layer in work.layers]
        shape = work.sample_shape
        shape = (*shape[1:], shape[0]) if len(shape) > 1 else shape
        dtype = "int32" if "embedding" in work.kinds else "float32"
        self.model = keras.Sequential([keras.Input(shape, dtype=dtype), *layers])
        self.layers = {
            name: layer for (name, _), layer in zip(work.named_layers, layers, strict=True)
        }

    def load(self, weights: Weights) -> None:
        """Copy the weights into the model."""
        moved = weights_last(self.work, weights)
        for name, layer in self.work.named_layers:
            if layer.parameters:
                self.layers[name].set_weights([moved[f"{name}.{key}"] for key in layer.parameters])

    def weights(self) -> Weights:
        """Copy the weights out of the model."""
        weights: Weights = {}
        for name, layer in self.work.named_layers:
            for key, value in zip(layer.parameters, self.layers[name].get_weights(), strict=True):
                weights[f"{name}.{key}"] = np.array(value)
        return weights_first(self.work, weights)
