"""Images and weights in the channels-last layout of JAX and Keras.

There, a dense layer after images receives its inputs in the order (height, width, channels), so the
rows of its weights are reordered, too.
"""

import numpy as np

from works.data import Floats, Samples, Weights
from works.layers import Conv2d, Dense, Flatten
from works.work import Work

IMAGE_AXES = 3
Order = tuple[int, ...]


def samples_last(x: Samples) -> Samples:
    """Return images (n, channels, height, width) as (n, height, width, channels); others as is."""
    return np.ascontiguousarray(np.moveaxis(x, 1, -1)) if x.ndim == IMAGE_AXES + 1 else x


def weights_last(work: Work, weights: Weights) -> Weights:
    """Return the weights for channels last: filters (height, width, channels, filters)."""
    return moved(work, weights, back=False)


def weights_first(work: Work, weights: Weights) -> Weights:
    """Undo `weights_last`."""
    return moved(work, weights, back=True)


def moved(work: Work, weights: Weights, back: bool) -> Weights:
    """Return all weights, with those moved that depend on the order of channels."""
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
    """Return rows of weights in the other order; `image`: (channels, height, width)."""
    channels, height, width = image
    if back:
        rows = w.reshape(height, width, channels, -1).transpose(2, 0, 1, 3)
    else:
        rows = w.reshape(channels, height, width, -1).transpose(1, 2, 0, 3)
    return rows.reshape(w.shape)
