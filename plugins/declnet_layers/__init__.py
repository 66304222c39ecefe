"""Layers, one a file."""

from typing import TYPE_CHECKING

from declnet import Register, hookimpl, lazy_names

if TYPE_CHECKING:
    from declnet_layers.add import Add as Add
    from declnet_layers.average_pool2d import AveragePool2d as AveragePool2d
    from declnet_layers.batch_norm import BatchNorm as BatchNorm
    from declnet_layers.concatenate import Concatenate as Concatenate
    from declnet_layers.conv2d import Conv2d as Conv2d
    from declnet_layers.dense import Dense as Dense
    from declnet_layers.dropout import Dropout as Dropout
    from declnet_layers.elu import ELU as ELU
    from declnet_layers.embedding import Embedding as Embedding
    from declnet_layers.flatten import Flatten as Flatten
    from declnet_layers.gelu import GELU as GELU
    from declnet_layers.global_average_pool2d import GlobalAveragePool2d as GlobalAveragePool2d
    from declnet_layers.hard_sigmoid import HardSigmoid as HardSigmoid
    from declnet_layers.layer_norm import LayerNorm as LayerNorm
    from declnet_layers.leaky_relu import LeakyReLU as LeakyReLU
    from declnet_layers.linear import Linear as Linear
    from declnet_layers.max_pool2d import MaxPool2d as MaxPool2d
    from declnet_layers.multiply import Multiply as Multiply
    from declnet_layers.prelu import PReLU as PReLU
    from declnet_layers.relu import ReLU as ReLU
    from declnet_layers.reshape import Reshape as Reshape
    from declnet_layers.selu import SELU as SELU
    from declnet_layers.sigmoid import Sigmoid as Sigmoid
    from declnet_layers.silu import SiLU as SiLU
    from declnet_layers.softmax import Softmax as Softmax
    from declnet_layers.softplus import Softplus as Softplus
    from declnet_layers.tanh import Tanh as Tanh

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
    """Announces this package's components; each is imported when a spec names it."""
    for file, name in LAYERS.items():
        register.lazily("layer", file, f"{__name__}.{file}:{name}")
