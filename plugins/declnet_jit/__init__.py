"""Kernels compiled by Numba; the extra `jit` installs Numba."""

from typing import TYPE_CHECKING

from declnet import Register, hookimpl, lazy_names

if TYPE_CHECKING:
    from declnet_jit.dense import DenseKernel as DenseKernel
    from declnet_jit.dense import DenseReLUKernel as DenseReLUKernel
    from declnet_jit.flat import AdamKernel as AdamKernel
    from declnet_jit.flat import L2Kernel as L2Kernel
    from declnet_jit.kernels.conv2d import Conv2dKernel as Conv2dKernel
    from declnet_jit.kernels.conv2d import Conv2dReLUKernel as Conv2dReLUKernel
    from declnet_jit.kernels.pooling import AveragePool2dKernel as AveragePool2dKernel
    from declnet_jit.kernels.pooling import MaxPool2dKernel as MaxPool2dKernel
    from declnet_jit.planar_perceptron import PlanarPerceptronKernel as PlanarPerceptronKernel
    from declnet_jit.softmax_categorical_crossentropy import (
        SoftmaxCategoricalCrossentropyKernel as SoftmaxCategoricalCrossentropyKernel,
    )

KERNELS = {
    "adam_jit": ("flat", "AdamKernel"),
    "conv2d_jit": ("kernels.conv2d", "Conv2dKernel"),
    "conv2d_relu_jit": ("kernels.conv2d", "Conv2dReLUKernel"),
    "dense_jit": ("dense", "DenseKernel"),
    "dense_relu_jit": ("dense", "DenseReLUKernel"),
    "l2_jit": ("flat", "L2Kernel"),
    "average_pool2d_jit": ("kernels.pooling", "AveragePool2dKernel"),
    "max_pool2d_jit": ("kernels.pooling", "MaxPool2dKernel"),
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
