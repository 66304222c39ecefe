"""Metrics, one a file."""

from typing import TYPE_CHECKING

from declnet import Register, hookimpl, lazy_names

if TYPE_CHECKING:
    from declnet_metrics.accuracy import Accuracy as Accuracy

METRICS = {
    "accuracy": "Accuracy",
}

__getattr__ = lazy_names(__name__, {name: file for file, name in METRICS.items()})


@hookimpl
def declnet_register(register: Register) -> None:
    """Announces this package's components; each is imported when a spec names it."""
    for file, name in METRICS.items():
        register.lazily("metric", file, f"{__name__}.{file}:{name}")
