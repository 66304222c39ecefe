"""Right components of many sorts, on which the kit must not raise a false alarm."""

from . import data, layers, losses, others, trained_layers

RIGHT = (*layers.RIGHT, *trained_layers.RIGHT, *losses.RIGHT, *others.RIGHT, *data.RIGHT)
