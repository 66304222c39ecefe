"""Kernels compiled by Numba; the extra `jit` installs Numba."""

from typing import TYPE_CHECKING

from declnet import Register, hookimpl, lazy_names

if TYPE_CHECKING:
    from declnet_jit.kernels.activations import ELUKernel as ELUKernel
    from declnet_jit.kernels.activations import GELUKernel as GELUKernel
    from declnet_jit.kernels.activations import HardSigmoidKernel as HardSigmoidKernel
    from declnet_jit.kernels.activations import LeakyReLUKernel as LeakyReLUKernel
    from declnet_jit.kernels.activations import MishKernel as MishKernel
    from declnet_jit.kernels.activations import ReLUKernel as ReLUKernel
    from declnet_jit.kernels.activations import SELUKernel as SELUKernel
    from declnet_jit.kernels.activations import SigmoidKernel as SigmoidKernel
    from declnet_jit.kernels.activations import SiLUKernel as SiLUKernel
    from declnet_jit.kernels.activations import SoftplusKernel as SoftplusKernel
    from declnet_jit.kernels.activations import TanhKernel as TanhKernel
    from declnet_jit.kernels.attention import CrossAttentionKernel as CrossAttentionKernel
    from declnet_jit.kernels.attention import MultiHeadAttentionKernel as MultiHeadAttentionKernel
    from declnet_jit.kernels.conv2d import Conv2dKernel as Conv2dKernel
    from declnet_jit.kernels.conv2d import Conv2dReLUKernel as Conv2dReLUKernel
    from declnet_jit.kernels.crossentropies import (
        SigmoidBinaryCrossentropyKernel as SigmoidBinaryCrossentropyKernel,
    )
    from declnet_jit.kernels.crossentropies import (
        SoftmaxCategoricalCrossentropyKernel as SoftmaxCategoricalCrossentropyKernel,
    )
    from declnet_jit.kernels.dense import DenseKernel as DenseKernel
    from declnet_jit.kernels.dense import DenseReLUKernel as DenseReLUKernel
    from declnet_jit.kernels.embedding import EmbeddingKernel as EmbeddingKernel
    from declnet_jit.kernels.noise import DropoutKernel as DropoutKernel
    from declnet_jit.kernels.noise import GaussianNoiseKernel as GaussianNoiseKernel
    from declnet_jit.kernels.optimizers import AdadeltaKernel as AdadeltaKernel
    from declnet_jit.kernels.optimizers import AdagradKernel as AdagradKernel
    from declnet_jit.kernels.optimizers import AdamKernel as AdamKernel
    from declnet_jit.kernels.optimizers import AdamWKernel as AdamWKernel
    from declnet_jit.kernels.optimizers import AMSGradKernel as AMSGradKernel
    from declnet_jit.kernels.optimizers import LionKernel as LionKernel
    from declnet_jit.kernels.optimizers import NAdamKernel as NAdamKernel
    from declnet_jit.kernels.optimizers import RMSPropKernel as RMSPropKernel
    from declnet_jit.kernels.optimizers import SGDKernel as SGDKernel
    from declnet_jit.kernels.pooling import AveragePool2dKernel as AveragePool2dKernel
    from declnet_jit.kernels.pooling import MaxPool2dKernel as MaxPool2dKernel
    from declnet_jit.kernels.recurrent import GRUKernel as GRUKernel
    from declnet_jit.kernels.recurrent import LSTMKernel as LSTMKernel
    from declnet_jit.kernels.recurrent import SimpleRNNKernel as SimpleRNNKernel
    from declnet_jit.kernels.regression import HuberKernel as HuberKernel
    from declnet_jit.kernels.regression import MeanAbsoluteErrorKernel as MeanAbsoluteErrorKernel
    from declnet_jit.kernels.regression import MeanSquaredErrorKernel as MeanSquaredErrorKernel
    from declnet_jit.kernels.regularizers import L1Kernel as L1Kernel
    from declnet_jit.kernels.regularizers import L1L2Kernel as L1L2Kernel
    from declnet_jit.kernels.regularizers import L2Kernel as L2Kernel
    from declnet_jit.planar_perceptron import PlanarPerceptronKernel as PlanarPerceptronKernel

KERNELS = {
    "kernels.activations": {
        "elu_jit": "ELUKernel",
        "gelu_jit": "GELUKernel",
        "hard_sigmoid_jit": "HardSigmoidKernel",
        "leaky_relu_jit": "LeakyReLUKernel",
        "mish_jit": "MishKernel",
        "relu_jit": "ReLUKernel",
        "selu_jit": "SELUKernel",
        "sigmoid_jit": "SigmoidKernel",
        "silu_jit": "SiLUKernel",
        "softplus_jit": "SoftplusKernel",
        "tanh_jit": "TanhKernel",
    },
    "kernels.conv2d": {"conv2d_jit": "Conv2dKernel", "conv2d_relu_jit": "Conv2dReLUKernel"},
    "kernels.attention": {
        "cross_attention_jit": "CrossAttentionKernel",
        "multi_head_attention_jit": "MultiHeadAttentionKernel",
    },
    "kernels.crossentropies": {
        "sigmoid_binary_crossentropy_jit": "SigmoidBinaryCrossentropyKernel",
        "softmax_categorical_crossentropy_jit": "SoftmaxCategoricalCrossentropyKernel",
    },
    "kernels.dense": {"dense_jit": "DenseKernel", "dense_relu_jit": "DenseReLUKernel"},
    "kernels.embedding": {"embedding_jit": "EmbeddingKernel"},
    "kernels.noise": {"dropout_jit": "DropoutKernel", "gaussian_noise_jit": "GaussianNoiseKernel"},
    "kernels.optimizers": {
        "adadelta_jit": "AdadeltaKernel",
        "adagrad_jit": "AdagradKernel",
        "adam_jit": "AdamKernel",
        "adamw_jit": "AdamWKernel",
        "amsgrad_jit": "AMSGradKernel",
        "lion_jit": "LionKernel",
        "nadam_jit": "NAdamKernel",
        "rmsprop_jit": "RMSPropKernel",
        "sgd_jit": "SGDKernel",
    },
    "kernels.pooling": {
        "average_pool2d_jit": "AveragePool2dKernel",
        "max_pool2d_jit": "MaxPool2dKernel",
    },
    "kernels.recurrent": {
        "gru_jit": "GRUKernel",
        "lstm_jit": "LSTMKernel",
        "simple_rnn_jit": "SimpleRNNKernel",
    },
    "kernels.regression": {
        "huber_jit": "HuberKernel",
        "mean_absolute_error_jit": "MeanAbsoluteErrorKernel",
        "mean_squared_error_jit": "MeanSquaredErrorKernel",
    },
    "kernels.regularizers": {
        "l1_jit": "L1Kernel",
        "l1_l2_jit": "L1L2Kernel",
        "l2_jit": "L2Kernel",
    },
    "planar_perceptron": {"planar_perceptron_jit": "PlanarPerceptronKernel"},
}
"""By module, the class of each type."""

__getattr__ = lazy_names(
    __name__, {name: module for module, types in KERNELS.items() for name in types.values()}
)


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce this package's kernels; each is imported when a run may use kernels."""
    register.lazily("engine", "native", f"{__name__}.engine:NativeEngine")
    for module, types in KERNELS.items():
        for type_, name in types.items():
            register.lazily("kernel", type_, f"{__name__}.{module}:{name}")
