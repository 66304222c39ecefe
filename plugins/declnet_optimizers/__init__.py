"""Optimizers: elementwise update rules, one a file."""

from typing import TYPE_CHECKING

from declnet import Register, hookimpl, lazy_names

if TYPE_CHECKING:
    from declnet_optimizers.adagrad import Adagrad as Adagrad
    from declnet_optimizers.adam import Adam as Adam
    from declnet_optimizers.rmsprop import RMSProp as RMSProp
    from declnet_optimizers.sgd import SGD as SGD

OPTIMIZERS = {
    "adagrad": "Adagrad",
    "adam": "Adam",
    "rmsprop": "RMSProp",
    "sgd": "SGD",
}

__getattr__ = lazy_names(__name__, {name: file for file, name in OPTIMIZERS.items()})


@hookimpl
def declnet_register(register: Register) -> None:
    """Announces this package's components; each is imported when a spec names it."""
    for file, name in OPTIMIZERS.items():
        register.lazily("optimizer", file, f"{__name__}.{file}:{name}")
