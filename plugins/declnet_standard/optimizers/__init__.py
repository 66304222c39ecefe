"""Optimizers: elementwise update rules, one per file."""

from typing import TYPE_CHECKING

from declnet import Register, hookimpl, lazy_names

if TYPE_CHECKING:
    from declnet_standard.optimizers.adadelta import Adadelta as Adadelta
    from declnet_standard.optimizers.adagrad import Adagrad as Adagrad
    from declnet_standard.optimizers.adam import Adam as Adam
    from declnet_standard.optimizers.adamw import AdamW as AdamW
    from declnet_standard.optimizers.amsgrad import AMSGrad as AMSGrad
    from declnet_standard.optimizers.lion import Lion as Lion
    from declnet_standard.optimizers.nadam import NAdam as NAdam
    from declnet_standard.optimizers.rmsprop import RMSProp as RMSProp
    from declnet_standard.optimizers.sgd import SGD as SGD

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
    """Announce this package's components; each is imported when a spec names it."""
    for file, name in OPTIMIZERS.items():
        register.lazily("optimizer", file, f"{__name__}.{file}:{name}")
