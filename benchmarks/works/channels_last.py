"""Images and weights as libraries have them that keep channels last: JAX's and Keras's convention.

A dense layer behind images sees its inputs in the order (height, width, channels) there, so its
rows of weights move, too.
"""

import numpy as np

from works.data import Floats, Samples, Weights
from works.layers import Conv2d, Dense, Flatten
from works.work import Work

IMAGE_AXES = 3
Order = tuple[int, ...]


def samples_last(x: Samples) -> Samples:
    """Images (n, channels, height, width) as (n, height, width, channels); others as they are."""
    return np.ascontiguousarray(np.moveaxis(x, 1, -1)) if x.ndim == IMAGE_AXES + 1 else x


def weights_last(work: Work, weights: Weights) -> Weights:
    """The weights for channels last: filters (height, width, channels, filters)."""
    return moved(work, weights, back=False)


def weights_first(work: Work, weights: Weights) -> Weights:
    """What `weights_last` moved, where it was."""
    return moved(work, weights, back=True)


def moved(work: Work, weights: Weights, back: bool) -> Weights:
    """All weights, those moved that the order of channels concerns."""
    new = dict(weights)
    flattened: tuple[int, ...] = ()
    for (name, layer), shape in zip(work.named_layers, work.shapes[:-1], strict=True):
        key = f"{name}.weights"
        if isinstance(layer, Conv2d):
            new[key] = weights[key].transpose((3, 2, 0, 1) if back else (2, 3, 1, 0)).copy()
        elif isinstance(layer, Flatten):
            flattened = shape
        elif isinstance(layer, Dense) and len(flattened) == IMAGE_AXES:
            new[key] = moved_rows(weights[key], flattened, back)
            flattened = ()
    return new


def moved_rows(w: Floats, image: tuple[int, ...], back: bool) -> Floats:
    """Rows of weights in the order of the other convention; `image`: (channels, height, width)."""
    channels, height, width = image
    if back:
        rows = w.reshape(height, width, channels, -1).transpose(2, 0, 1, 3)
    else:
        rows = w.reshape(channels, height, width, -1).transpose(1, 2, 0, 3)
    return rows.reshape(w.shape)
