"""Layers, each imported when a spec names it."""

from typing import TYPE_CHECKING

from declnet import Register, hookimpl, lazy_names

if TYPE_CHECKING:
    from declnet_plugins.standard.layers.activations import ELU as ELU
    from declnet_plugins.standard.layers.activations import SELU as SELU
    from declnet_plugins.standard.layers.activations import HardSigmoid as HardSigmoid
    from declnet_plugins.standard.layers.activations import LeakyReLU as LeakyReLU
    from declnet_plugins.standard.layers.activations import Linear as Linear
    from declnet_plugins.standard.layers.activations import Mish as Mish
    from declnet_plugins.standard.layers.activations import ReLU as ReLU
    from declnet_plugins.standard.layers.activations import Sigmoid as Sigmoid
    from declnet_plugins.standard.layers.activations import SiLU as SiLU
    from declnet_plugins.standard.layers.activations import Softmax as Softmax
    from declnet_plugins.standard.layers.activations import Softplus as Softplus
    from declnet_plugins.standard.layers.activations import Tanh as Tanh
    from declnet_plugins.standard.layers.attention import CrossAttention as CrossAttention
    from declnet_plugins.standard.layers.attention import MultiHeadAttention as MultiHeadAttention
    from declnet_plugins.standard.layers.conv1d import Conv1d as Conv1d
    from declnet_plugins.standard.layers.conv2d import Conv2d as Conv2d
    from declnet_plugins.standard.layers.conv2d_transpose import Conv2dTranspose as Conv2dTranspose
    from declnet_plugins.standard.layers.dense import Dense as Dense
    from declnet_plugins.standard.layers.dropout import Dropout as Dropout
    from declnet_plugins.standard.layers.embedding import Embedding as Embedding
    from declnet_plugins.standard.layers.gating import GLU as GLU
    from declnet_plugins.standard.layers.gating import Maxout as Maxout
    from declnet_plugins.standard.layers.gaussian_noise import GaussianNoise as GaussianNoise
    from declnet_plugins.standard.layers.gelu import GELU as GELU
    from declnet_plugins.standard.layers.gru import GRU as GRU
    from declnet_plugins.standard.layers.joining import Add as Add
    from declnet_plugins.standard.layers.joining import Concatenate as Concatenate
    from declnet_plugins.standard.layers.joining import Multiply as Multiply
    from declnet_plugins.standard.layers.lstm import LSTM as LSTM
    from declnet_plugins.standard.layers.normalization import BatchNorm as BatchNorm
    from declnet_plugins.standard.layers.over_time import LastStep as LastStep
    from declnet_plugins.standard.layers.over_time import MaxOverTime as MaxOverTime
    from declnet_plugins.standard.layers.over_time import MeanOverTime as MeanOverTime
    from declnet_plugins.standard.layers.pooling import AveragePool2d as AveragePool2d
    from declnet_plugins.standard.layers.pooling import GlobalAveragePool2d as GlobalAveragePool2d
    from declnet_plugins.standard.layers.pooling import GlobalMaxPool2d as GlobalMaxPool2d
    from declnet_plugins.standard.layers.pooling import MaxPool2d as MaxPool2d
    from declnet_plugins.standard.layers.positions import PositionalEncoding as PositionalEncoding
    from declnet_plugins.standard.layers.prelu import PReLU as PReLU
    from declnet_plugins.standard.layers.reshaping import Flatten as Flatten
    from declnet_plugins.standard.layers.reshaping import Reshape as Reshape
    from declnet_plugins.standard.layers.sample_normalization import GroupNorm as GroupNorm
    from declnet_plugins.standard.layers.sample_normalization import LayerNorm as LayerNorm
    from declnet_plugins.standard.layers.sample_normalization import RMSNorm as RMSNorm
    from declnet_plugins.standard.layers.simple_rnn import SimpleRNN as SimpleRNN

LAYERS = {
    "activations": {
        "elu": "ELU",
        "hard_sigmoid": "HardSigmoid",
        "leaky_relu": "LeakyReLU",
        "linear": "Linear",
        "mish": "Mish",
        "relu": "ReLU",
        "selu": "SELU",
        "sigmoid": "Sigmoid",
        "silu": "SiLU",
        "softmax": "Softmax",
        "softplus": "Softplus",
        "tanh": "Tanh",
    },
    "attention": {
        "cross_attention": "CrossAttention",
        "multi_head_attention": "MultiHeadAttention",
    },
    "conv1d": {"conv1d": "Conv1d"},
    "conv2d": {"conv2d": "Conv2d"},
    "conv2d_transpose": {"conv2d_transpose": "Conv2dTranspose"},
    "dense": {"dense": "Dense"},
    "dropout": {"dropout": "Dropout"},
    "embedding": {"embedding": "Embedding"},
    "gating": {"glu": "GLU", "maxout": "Maxout"},
    "gaussian_noise": {"gaussian_noise": "GaussianNoise"},
    "gelu": {"gelu": "GELU"},
    "gru": {"gru": "GRU"},
    "joining": {
        "add": "Add",
        "concatenate": "Concatenate",
        "multiply": "Multiply",
    },
    "lstm": {"lstm": "LSTM"},
    "normalization": {"batch_norm": "BatchNorm"},
    "over_time": {
        "last_step": "LastStep",
        "max_over_time": "MaxOverTime",
        "mean_over_time": "MeanOverTime",
    },
    "pooling": {
        "average_pool2d": "AveragePool2d",
        "global_average_pool2d": "GlobalAveragePool2d",
        "global_max_pool2d": "GlobalMaxPool2d",
        "max_pool2d": "MaxPool2d",
    },
    "positions": {"positional_encoding": "PositionalEncoding"},
    "prelu": {"prelu": "PReLU"},
    "reshaping": {"flatten": "Flatten", "reshape": "Reshape"},
    "sample_normalization": {
        "group_norm": "GroupNorm",
        "layer_norm": "LayerNorm",
        "rms_norm": "RMSNorm",
    },
    "simple_rnn": {"simple_rnn": "SimpleRNN"},
}
"""By module, the class of each type."""

__getattr__ = lazy_names(
    __name__, {name: module for module, types in LAYERS.items() for name in types.values()}
)


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce the layers."""
    for module, types in LAYERS.items():
        for type_ in types:
            register.lazily("layer", type_, f"{__name__}.{module}")
