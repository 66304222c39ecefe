"""Right components: those that the broken ones spoil, and others unlike any first-party one."""

from . import engines, layers, losses, others

RIGHT = (*engines.RIGHT, *layers.RIGHT, *losses.RIGHT, *others.RIGHT)
