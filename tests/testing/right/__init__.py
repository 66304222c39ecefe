"""Correct components: bases of the broken ones, and some unlike any first-party component."""

from declnet import Component

from . import engines, executors, layers, losses, others

RIGHT = tuple(
    component
    for module in (engines, executors, layers, losses, others)
    for component in vars(module).values()
    if isinstance(component, type) and issubclass(component, Component)
    if component.__module__ == module.__name__
)
