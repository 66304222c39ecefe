"""Right components: those that the broken ones spoil, and others unlike any first-party one."""

from . import engines, executors, layers, losses, others

RIGHT = (*engines.RIGHT, *executors.RIGHT, *layers.RIGHT, *losses.RIGHT, *others.RIGHT)
