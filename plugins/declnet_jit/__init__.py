"""Kernels compiled by Numba; the extra `jit` installs Numba."""

from typing import TYPE_CHECKING

from declnet import Register, hookimpl, lazy_names

if TYPE_CHECKING:
    from declnet_jit.dense import DenseKernel as DenseKernel
    from declnet_jit.dense import DenseReLUKernel as DenseReLUKernel
    from declnet_jit.flat import AdamKernel as AdamKernel
    from declnet_jit.flat import L2Kernel as L2Kernel
    from declnet_jit.planar_perceptron import PlanarPerceptronKernel as PlanarPerceptronKernel
    from declnet_jit.softmax_categorical_crossentropy import (
        SoftmaxCategoricalCrossentropyKernel as SoftmaxCategoricalCrossentropyKernel,
    )

KERNELS = {
    "adam_jit": ("flat", "AdamKernel"),
    "dense_jit": ("dense", "DenseKernel"),
    "dense_relu_jit": ("dense", "DenseReLUKernel"),
    "l2_jit": ("flat", "L2Kernel"),
    "planar_perceptron_jit": ("planar_perceptron", "PlanarPerceptronKernel"),
    "softmax_categorical_crossentropy_jit": (
        "softmax_categorical_crossentropy",
        "SoftmaxCategoricalCrossentropyKernel",
    ),
}

__getattr__ = lazy_names(__name__, {name: file for file, name in KERNELS.values()})


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce this package's kernels; each is imported when a run may use kernels."""
    register.lazily("engine", "native", f"{__name__}.engine:NativeEngine")
    for type_name, (file, name) in KERNELS.items():
        register.lazily("kernel", type_name, f"{__name__}.{file}:{name}")
