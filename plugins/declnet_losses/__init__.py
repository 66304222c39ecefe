"""Losses, and their fusions with last layers, one a file."""

from typing import TYPE_CHECKING

from declnet import Register, hookimpl, lazy_names

if TYPE_CHECKING:
    from declnet_losses.categorical_crossentropy import (
        CategoricalCrossentropy as CategoricalCrossentropy,
    )
    from declnet_losses.softmax_categorical_crossentropy import (
        SoftmaxCategoricalCrossentropy as SoftmaxCategoricalCrossentropy,
    )

LOSSES = {
    "categorical_crossentropy": "CategoricalCrossentropy",
}

FUSIONS = {
    "softmax_categorical_crossentropy": "SoftmaxCategoricalCrossentropy",
}

__getattr__ = lazy_names(__name__, {name: file for file, name in (LOSSES | FUSIONS).items()})


@hookimpl
def declnet_register(register: Register) -> None:
    """Announces this package's components; each is imported when a spec names it."""
    for file, name in LOSSES.items():
        register.lazily("loss", file, f"{__name__}.{file}:{name}")
    for file, name in FUSIONS.items():
        register.lazily("fusion", file, f"{__name__}.{file}:{name}")
