"""Right components: those that the broken ones spoil, and others unlike any first-party one."""

from . import layers, losses, others

RIGHT = (*layers.RIGHT, *losses.RIGHT, *others.RIGHT)
