"""Losses, and kernels that fuse them with a last layer, each imported when it is needed."""

from typing import TYPE_CHECKING

from declnet import Register, hookimpl, lazy_names

if TYPE_CHECKING:
    from declnet_plugins.standard.losses.classification import (
        BinaryCrossentropy as BinaryCrossentropy,
    )
    from declnet_plugins.standard.losses.classification import (
        CategoricalCrossentropy as CategoricalCrossentropy,
    )
    from declnet_plugins.standard.losses.classification import CategoricalFocal as CategoricalFocal
    from declnet_plugins.standard.losses.classification import Focal as Focal
    from declnet_plugins.standard.losses.classification import Hinge as Hinge
    from declnet_plugins.standard.losses.classification import KLDivergence as KLDivergence
    from declnet_plugins.standard.losses.distribution import GaussianNLL as GaussianNLL
    from declnet_plugins.standard.losses.distribution import Quantile as Quantile
    from declnet_plugins.standard.losses.kernels import (
        SigmoidBinaryCrossentropy as SigmoidBinaryCrossentropy,
    )
    from declnet_plugins.standard.losses.kernels import (
        SoftmaxCategoricalCrossentropy as SoftmaxCategoricalCrossentropy,
    )
    from declnet_plugins.standard.losses.ordinal import Ordinal as Ordinal
    from declnet_plugins.standard.losses.regression import Cosine as Cosine
    from declnet_plugins.standard.losses.regression import Huber as Huber
    from declnet_plugins.standard.losses.regression import LogCosh as LogCosh
    from declnet_plugins.standard.losses.regression import MeanAbsoluteError as MeanAbsoluteError
    from declnet_plugins.standard.losses.regression import MeanSquaredError as MeanSquaredError
    from declnet_plugins.standard.losses.regression import Poisson as Poisson

LOSSES = {
    "classification": {
        "binary_crossentropy": "BinaryCrossentropy",
        "categorical_crossentropy": "CategoricalCrossentropy",
        "categorical_focal": "CategoricalFocal",
        "focal": "Focal",
        "hinge": "Hinge",
        "kl_divergence": "KLDivergence",
    },
    "distribution": {
        "gaussian_nll": "GaussianNLL",
        "quantile": "Quantile",
    },
    "ordinal": {
        "ordinal": "Ordinal",
    },
    "regression": {
        "cosine": "Cosine",
        "huber": "Huber",
        "log_cosh": "LogCosh",
        "mean_absolute_error": "MeanAbsoluteError",
        "mean_squared_error": "MeanSquaredError",
        "poisson": "Poisson",
    },
}
"""By module, the class of each type."""

KERNELS = {
    "sigmoid binary_crossentropy": "SigmoidBinaryCrossentropy",
    "softmax categorical_crossentropy": "SoftmaxCategoricalCrossentropy",
}
"""The kernel for the types of a layer and a loss."""

__getattr__ = lazy_names(
    __name__,
    {name: module for module, types in LOSSES.items() for name in types.values()}
    | dict.fromkeys(KERNELS.values(), "kernels"),
)


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce the losses and kernels."""
    for module, losses in LOSSES.items():
        for type_ in losses:
            register.lazily("loss", type_, f"{__name__}.{module}")
    for replaced in KERNELS:
        types = tuple(replaced.split())
        register.lazily("kernel", "_".join(types), f"{__name__}.kernels", types)
