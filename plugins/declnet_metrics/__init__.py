"""Metrics, one a file."""

from declnet import Register, hookimpl
from declnet_metrics.accuracy import Accuracy

__all__ = ["Accuracy"]


@hookimpl
def declnet_register(register: Register) -> None:
    """Registers this package's components."""
    register(Accuracy)
