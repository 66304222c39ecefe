"""Layers, one per file."""

from typing import TYPE_CHECKING

from declnet import Register, hookimpl, lazy_names

if TYPE_CHECKING:
    from declnet_standard.layers.add import Add as Add
    from declnet_standard.layers.average_pool2d import AveragePool2d as AveragePool2d
    from declnet_standard.layers.batch_norm import BatchNorm as BatchNorm
    from declnet_standard.layers.concatenate import Concatenate as Concatenate
    from declnet_standard.layers.conv2d import Conv2d as Conv2d
    from declnet_standard.layers.dense import Dense as Dense
    from declnet_standard.layers.dropout import Dropout as Dropout
    from declnet_standard.layers.elu import ELU as ELU
    from declnet_standard.layers.embedding import Embedding as Embedding
    from declnet_standard.layers.flatten import Flatten as Flatten
    from declnet_standard.layers.gelu import GELU as GELU
    from declnet_standard.layers.global_average_pool2d import (
        GlobalAveragePool2d as GlobalAveragePool2d,
    )
    from declnet_standard.layers.hard_sigmoid import HardSigmoid as HardSigmoid
    from declnet_standard.layers.layer_norm import LayerNorm as LayerNorm
    from declnet_standard.layers.leaky_relu import LeakyReLU as LeakyReLU
    from declnet_standard.layers.linear import Linear as Linear
    from declnet_standard.layers.max_pool2d import MaxPool2d as MaxPool2d
    from declnet_standard.layers.multiply import Multiply as Multiply
    from declnet_standard.layers.prelu import PReLU as PReLU
    from declnet_standard.layers.relu import ReLU as ReLU
    from declnet_standard.layers.reshape import Reshape as Reshape
    from declnet_standard.layers.selu import SELU as SELU
    from declnet_standard.layers.sigmoid import Sigmoid as Sigmoid
    from declnet_standard.layers.silu import SiLU as SiLU
    from declnet_standard.layers.softmax import Softmax as Softmax
    from declnet_standard.layers.softplus import Softplus as Softplus
    from declnet_standard.layers.tanh import Tanh as Tanh

LAYERS = {
    "add": "Add",
    "average_pool2d": "AveragePool2d",
    "batch_norm": "BatchNorm",
    "concatenate": "Concatenate",
    "conv2d": "Conv2d",
    "dense": "Dense",
    "dropout": "Dropout",
    "elu": "ELU",
    "embedding": "Embedding",
    "flatten": "Flatten",
    "gelu": "GELU",
    "global_average_pool2d": "GlobalAveragePool2d",
    "hard_sigmoid": "HardSigmoid",
    "layer_norm": "LayerNorm",
    "leaky_relu": "LeakyReLU",
    "linear": "Linear",
    "max_pool2d": "MaxPool2d",
    "multiply": "Multiply",
    "prelu": "PReLU",
    "relu": "ReLU",
    "reshape": "Reshape",
    "selu": "SELU",
    "sigmoid": "Sigmoid",
    "silu": "SiLU",
    "softmax": "Softmax",
    "softplus": "Softplus",
    "tanh": "Tanh",
}

__getattr__ = lazy_names(__name__, {name: file for file, name in LAYERS.items()})


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce this package's components; each is imported when a spec names it."""
    for file, name in LAYERS.items():
        register.lazily("layer", file, f"{__name__}.{file}:{name}")
