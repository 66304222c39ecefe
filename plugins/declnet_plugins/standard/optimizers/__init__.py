"""Optimizers: update rules."""

from declnet import Register, hookimpl

OPTIMIZERS = {
    "adagrad": "adadelta adagrad rmsprop",
    "adam": "adam adamw amsgrad nadam",
    "matrices": "lamb muon",
    "schedule_free": "schedule_free_adamw",
    "sgd": "lion sgd",
}
"""The types that each module defines."""


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce the optimizers; each module is imported when a spec names one of its types."""
    for module, types in OPTIMIZERS.items():
        for type_ in types.split():
            register.lazily("optimizer", type_, f"{__name__}.{module}")
