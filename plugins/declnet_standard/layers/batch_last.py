"""The order that images have in memory."""

import numpy as np

from declnet import Array


def batch_last(images: Array) -> Array:
    """A view of (n, channels, height, width) as (channels, height, width, n).

    It is C-contiguous where the batch axis is the contiguous one, as between layers.
    """
    return np.moveaxis(images, 0, -1)
