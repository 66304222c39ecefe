"""The minimum that a step of a work requires: arithmetic operations and memory traffic."""

from dataclasses import dataclass
from math import prod

from works.layers import Conv2d, Dense, Flatten, Relu
from works.work import Work

Product = tuple[int, int, int]  # (m, k) @ (k, n)
BYTES = 4  # size of a float32


@dataclass(frozen=True)
class Counts:
    """The minimum of a step: matrix products, bytes of memory traffic, and bytes kept."""

    products: tuple[Product, ...]
    passing: int
    kept: int

    @property
    def operations(self) -> int:
        """Return the multiplications and additions of all products."""
        return sum(2 * prod(product) for product in self.products)


def training_counts(work: Work) -> Counts:
    """Return the counts of an update.

    Products: a layer's output, and the gradients of its weights and, except for a first layer, of
    its input. Memory traffic, if everything that can be fused is fused: weights and both moments
    are read and written, outputs written and read again in the backward pass, the input batch read.
    Gradients and the outputs of relu and flatten need never leave the cores' caches.
    """
    products: list[Product] = []
    parameters = outputs = 0
    for number, (layer, shape) in enumerate(zip(work.layers, work.shapes[1:], strict=True)):
        parameters += sum(prod(each) for each in layer.parameters.values())
        if not isinstance(layer, Relu | Flatten):
            outputs += work.batch * prod(shape)
        forward = product_of(layer, shape, work.batch)
        if forward:
            m, k, n = forward
            products += [(m, k, n), (k, m, n)] + ([(m, n, k)] if number else [])
    inputs = work.batch * prod(work.sample_shape)
    return Counts(
        tuple(products),
        BYTES * (6 * parameters + 2 * outputs + inputs),
        BYTES * (3 * parameters + outputs + inputs),
    )


def inference_counts(work: Work) -> Counts:
    """Return the counts of a prediction: read weights and input, write the output."""
    forward = [
        product_of(layer, shape, work.batch)
        for layer, shape in zip(work.layers, work.shapes[1:], strict=True)
    ]
    parameters = sum(prod(s) for layer in work.layers for s in layer.parameters.values())
    passing = parameters + work.batch * (prod(work.sample_shape) + work.classes)
    return Counts(tuple(each for each in forward if each), BYTES * passing, BYTES * passing)


def product_of(layer: object, output: tuple[int, ...], batch: int) -> Product | None:
    """Return the product of a layer's forward pass; for a convolution, over all patches."""
    if isinstance(layer, Dense):
        return (batch, layer.inputs, layer.units)
    if isinstance(layer, Conv2d):
        return (batch * prod(output[1:]), 9 * layer.channels, layer.filters)
    return None
