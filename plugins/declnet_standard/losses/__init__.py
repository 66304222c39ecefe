"""Losses, and kernels that fuse them with a last layer, one per file."""

from typing import TYPE_CHECKING

from declnet import Register, hookimpl, lazy_names

if TYPE_CHECKING:
    from declnet_standard.losses.binary_crossentropy import BinaryCrossentropy as BinaryCrossentropy
    from declnet_standard.losses.categorical_crossentropy import (
        CategoricalCrossentropy as CategoricalCrossentropy,
    )
    from declnet_standard.losses.hinge import Hinge as Hinge
    from declnet_standard.losses.huber import Huber as Huber
    from declnet_standard.losses.kl_divergence import KLDivergence as KLDivergence
    from declnet_standard.losses.log_cosh import LogCosh as LogCosh
    from declnet_standard.losses.mean_absolute_error import MeanAbsoluteError as MeanAbsoluteError
    from declnet_standard.losses.mean_squared_error import MeanSquaredError as MeanSquaredError
    from declnet_standard.losses.sigmoid_binary_crossentropy import (
        SigmoidBinaryCrossentropy as SigmoidBinaryCrossentropy,
    )
    from declnet_standard.losses.softmax_categorical_crossentropy import (
        SoftmaxCategoricalCrossentropy as SoftmaxCategoricalCrossentropy,
    )

LOSSES = {
    "binary_crossentropy": "BinaryCrossentropy",
    "categorical_crossentropy": "CategoricalCrossentropy",
    "hinge": "Hinge",
    "huber": "Huber",
    "kl_divergence": "KLDivergence",
    "log_cosh": "LogCosh",
    "mean_absolute_error": "MeanAbsoluteError",
    "mean_squared_error": "MeanSquaredError",
}

KERNELS = {
    "sigmoid_binary_crossentropy": "SigmoidBinaryCrossentropy",
    "softmax_categorical_crossentropy": "SoftmaxCategoricalCrossentropy",
}

__getattr__ = lazy_names(__name__, {name: file for file, name in (LOSSES | KERNELS).items()})


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce this package's components; each is imported when a spec names it."""
    for file, name in LOSSES.items():
        register.lazily("loss", file, f"{__name__}.{file}:{name}")
    for file, name in KERNELS.items():
        register.lazily("kernel", file, f"{__name__}.{file}:{name}")
