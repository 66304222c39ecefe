"""Optimizers: update rules, each imported when a spec names it."""

from typing import TYPE_CHECKING

from declnet import Register, hookimpl, lazy_names

if TYPE_CHECKING:
    from declnet_plugins.standard.optimizers.adagrad import Adadelta as Adadelta
    from declnet_plugins.standard.optimizers.adagrad import Adagrad as Adagrad
    from declnet_plugins.standard.optimizers.adagrad import RMSProp as RMSProp
    from declnet_plugins.standard.optimizers.adam import Adam as Adam
    from declnet_plugins.standard.optimizers.adam import AdamW as AdamW
    from declnet_plugins.standard.optimizers.adam import AMSGrad as AMSGrad
    from declnet_plugins.standard.optimizers.adam import NAdam as NAdam
    from declnet_plugins.standard.optimizers.matrices import LAMB as LAMB
    from declnet_plugins.standard.optimizers.matrices import Muon as Muon
    from declnet_plugins.standard.optimizers.sgd import SGD as SGD
    from declnet_plugins.standard.optimizers.sgd import Lion as Lion

OPTIMIZERS = {
    "adagrad": {"adadelta": "Adadelta", "adagrad": "Adagrad", "rmsprop": "RMSProp"},
    "adam": {"adam": "Adam", "adamw": "AdamW", "amsgrad": "AMSGrad", "nadam": "NAdam"},
    "matrices": {"lamb": "LAMB", "muon": "Muon"},
    "sgd": {"lion": "Lion", "sgd": "SGD"},
}
"""By module, the class of each type."""

__getattr__ = lazy_names(
    __name__, {name: module for module, types in OPTIMIZERS.items() for name in types.values()}
)


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce the optimizers."""
    for module, types in OPTIMIZERS.items():
        for type_ in types:
            register.lazily("optimizer", type_, f"{__name__}.{module}")
