"""Layers, one a file."""

from typing import TYPE_CHECKING

from declnet import Register, hookimpl, lazy_names

if TYPE_CHECKING:
    from declnet_layers.dense import Dense as Dense
    from declnet_layers.linear import Linear as Linear
    from declnet_layers.relu import ReLU as ReLU
    from declnet_layers.softmax import Softmax as Softmax

LAYERS = {
    "dense": "Dense",
    "linear": "Linear",
    "relu": "ReLU",
    "softmax": "Softmax",
}

__getattr__ = lazy_names(__name__, {name: file for file, name in LAYERS.items()})


@hookimpl
def declnet_register(register: Register) -> None:
    """Announces this package's components; each is imported when a spec names it."""
    for file, name in LAYERS.items():
        register.lazily("layer", file, f"{__name__}.{file}:{name}")
