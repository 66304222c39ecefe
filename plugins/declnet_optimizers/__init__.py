"""Optimizers: elementwise update rules, one a file."""

from typing import TYPE_CHECKING

from declnet import Register, hookimpl, lazy_names

if TYPE_CHECKING:
    from declnet_optimizers.adadelta import Adadelta as Adadelta
    from declnet_optimizers.adagrad import Adagrad as Adagrad
    from declnet_optimizers.adam import Adam as Adam
    from declnet_optimizers.adamw import AdamW as AdamW
    from declnet_optimizers.amsgrad import AMSGrad as AMSGrad
    from declnet_optimizers.lion import Lion as Lion
    from declnet_optimizers.nadam import NAdam as NAdam
    from declnet_optimizers.rmsprop import RMSProp as RMSProp
    from declnet_optimizers.sgd import SGD as SGD

OPTIMIZERS = {
    "adadelta": "Adadelta",
    "adagrad": "Adagrad",
    "adam": "Adam",
    "adamw": "AdamW",
    "amsgrad": "AMSGrad",
    "lion": "Lion",
    "nadam": "NAdam",
    "rmsprop": "RMSProp",
    "sgd": "SGD",
}

__getattr__ = lazy_names(__name__, {name: file for file, name in OPTIMIZERS.items()})


@hookimpl
def declnet_register(register: Register) -> None:
    """Announces this package's components; each is imported when a spec names it."""
    for file, name in OPTIMIZERS.items():
        register.lazily("optimizer", file, f"{__name__}.{file}:{name}")
