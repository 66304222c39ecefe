"""Callbacks."""

from typing import TYPE_CHECKING

from declnet import Register, hookimpl, lazy_names

if TYPE_CHECKING:
    from declnet_plugins.standard.callbacks.averaging import (
        ExponentialMovingAverage as ExponentialMovingAverage,
    )
    from declnet_plugins.standard.callbacks.averaging import (
        StochasticWeightAveraging as StochasticWeightAveraging,
    )
    from declnet_plugins.standard.callbacks.logs import CsvLog as CsvLog
    from declnet_plugins.standard.callbacks.logs import TensorBoard as TensorBoard
    from declnet_plugins.standard.callbacks.mlflow import Mlflow as Mlflow
    from declnet_plugins.standard.callbacks.monitored import BestEpoch as BestEpoch
    from declnet_plugins.standard.callbacks.monitored import Checkpoint as Checkpoint
    from declnet_plugins.standard.callbacks.monitored import EarlyStopping as EarlyStopping
    from declnet_plugins.standard.callbacks.monitored import ReduceOnPlateau as ReduceOnPlateau
    from declnet_plugins.standard.callbacks.time_limit import TimeLimit as TimeLimit
    from declnet_plugins.standard.callbacks.watch import Watch as Watch

CALLBACKS = {
    "best_epoch": ("monitored", "BestEpoch"),
    "checkpoint": ("monitored", "Checkpoint"),
    "csv_log": ("logs", "CsvLog"),
    "ema": ("averaging", "ExponentialMovingAverage"),
    "early_stopping": ("monitored", "EarlyStopping"),
    "mlflow": ("mlflow", "Mlflow"),
    "reduce_on_plateau": ("monitored", "ReduceOnPlateau"),
    "swa": ("averaging", "StochasticWeightAveraging"),
    "tensorboard": ("logs", "TensorBoard"),
    "time_limit": ("time_limit", "TimeLimit"),
    "watch": ("watch", "Watch"),
}

__getattr__ = lazy_names(__name__, {name: file for file, name in CALLBACKS.values()})


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce this package's components; each is imported when a spec names it."""
    for type_name, (file, _) in CALLBACKS.items():
        register.lazily("callback", type_name, f"{__name__}.{file}")
    register.lazily("report_panel", "watch", f"{__name__}.watch_panel")
