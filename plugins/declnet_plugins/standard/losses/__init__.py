"""Losses, and kernels that fuse them with a last layer."""

from declnet import Register, hookimpl

LOSSES = {
    "classification": (
        "binary_crossentropy categorical_crossentropy categorical_focal focal hinge kl_divergence"
    ),
    "distribution": "gaussian_nll quantile",
    "ordinal": "ordinal",
    "regression": "cosine huber log_cosh mean_absolute_error mean_squared_error poisson",
}
"""The types that each module defines."""

KERNELS = [("sigmoid", "binary_crossentropy"), ("softmax", "categorical_crossentropy")]
"""The types of a layer and a loss that a kernel replaces."""


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce the losses; each module is imported when a spec names one of its types."""
    for module, types in LOSSES.items():
        for type_ in types.split():
            register.lazily("loss", type_, f"{__name__}.{module}")
    for replaced in KERNELS:
        register.lazily("kernel", "_".join(replaced), f"{__name__}.kernels", replaced)
