"""The memory order of images."""

import numpy as np

from declnet import Array


def batch_last(images: Array) -> Array:
    """Return (n, channels, height, width) viewed as (channels, height, width, n).

    The view is C-contiguous if the batch axis is the contiguous one, as between layers.
    """
    return np.moveaxis(images, 0, -1)
