"""The minimum that a step of a work requires: arithmetic operations and memory traffic."""

from dataclasses import dataclass
from math import prod

import numpy as np

from works.layers import (
    Activation,
    Add,
    Conv2d,
    Dense,
    Flatten,
    Layer,
    Lstm,
    MultiHeadAttention,
    Shape,
)
from works.work import Work

Product = tuple[int, int, int]  # (m, k) @ (k, n)


@dataclass(frozen=True)
class Counts:
    """The minimum of a step: matrix products, bytes of memory traffic, and bytes of memory."""

    products: tuple[Product, ...]
    traffic: int
    footprint: int

    @property
    def operations(self) -> int:
        """Return the multiplications and additions of all products."""
        return sum(2 * prod(product) for product in self.products)


def training_counts(work: Work) -> Counts:
    """Return the counts of an update.

    Products: a layer's output, and the gradients of both factors, except for the input of a first
    layer. Memory traffic, if everything that can be fused is fused: weights and both moments
    are read and written, outputs written and read again in the backward pass, the input batch read.
    Gradients and the outputs of activations, add and flatten need never leave the cores' caches.
    """
    products: list[Product] = []
    parameters = outputs = 0
    for number, (layer, shape) in enumerate(zip(work.layers, work.shapes[:-1], strict=True)):
        parameters += sum(prod(dimensions) for dimensions in layer.parameters.values())
        output = layer.output_shape(shape)
        if not isinstance(layer, Activation | Add | Flatten):
            outputs += work.batch * prod(output)
        of_input, inner = products_of(layer, shape, output, work.batch)
        for m, k, n in of_input:
            products += [(m, k, n), (k, m, n)] + ([(m, n, k)] if number else [])
        for m, k, n in inner:
            products += [(m, k, n), (k, m, n), (m, n, k)]
    inputs, size = work.batch * prod(work.sample_shape), np.dtype(work.dtype).itemsize
    return Counts(
        tuple(products),
        size * (6 * parameters + 2 * outputs + inputs),
        size * (3 * parameters + outputs + inputs),
    )


def inference_counts(work: Work) -> Counts:
    """Return the counts of a prediction: read weights and input, write the output."""
    forward: list[Product] = []
    for layer, shape in zip(work.layers, work.shapes[:-1], strict=True):
        of_input, inner = products_of(layer, shape, layer.output_shape(shape), work.batch)
        forward += [*of_input, *inner]
    parameters = sum(prod(s) for layer in work.layers for s in layer.parameters.values())
    traffic = parameters + work.batch * (prod(work.sample_shape) + work.classes)
    size = np.dtype(work.dtype).itemsize * traffic
    return Counts(tuple(forward), size, size)


def products_of(
    layer: Layer, shape: Shape, output: Shape, batch: int
) -> tuple[list[Product], list[Product]]:
    """Return the products of a layer's forward pass: with its input as a factor, and without.

    A convolution has one, over all patches. An LSTM has one for the inputs of all steps, and then
    one for the state of each step but the first, which starts from zeros.
    """
    if isinstance(layer, Dense):
        return [(batch * prod(shape[:-1]), layer.inputs, layer.units)], []
    if isinstance(layer, Conv2d):
        return [(batch * prod(output[1:]), 9 * layer.channels, layer.filters)], []
    if isinstance(layer, Lstm):
        gates = 4 * layer.units
        steps = [(batch, layer.units, gates)] * (shape[0] - 1)
        return [(batch * shape[0], layer.features, gates)], steps
    if isinstance(layer, MultiHeadAttention):
        time, units = shape
        projection, size = (batch * time, units, units), units // layer.heads
        shares = [(time, size, time), (time, time, size)] * (batch * layer.heads)
        return [projection] * 3, [*shares, projection]
    return [], []
