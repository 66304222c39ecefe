"""Callbacks."""

from declnet import Register, hookimpl

CALLBACKS = {
    "averaging": "ema swa",
    "logs": "csv_log tensorboard",
    "monitored": "best_epoch checkpoint early_stopping reduce_on_plateau",
    "time_limit": "time_limit",
    "watch": "watch",
}
"""The types that each module defines."""


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce the callbacks; each module is imported when a spec names one of its types."""
    for module, types in CALLBACKS.items():
        for type_ in types.split():
            register.lazily("callback", type_, f"{__name__}.{module}")
    register.lazily("report_panel", "watch", f"{__name__}.watch_panel")
