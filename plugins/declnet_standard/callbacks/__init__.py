"""Callbacks, one per file."""

from typing import TYPE_CHECKING

from declnet import Register, hookimpl, lazy_names

if TYPE_CHECKING:
    from declnet_standard.callbacks.checkpoint import Checkpoint as Checkpoint
    from declnet_standard.callbacks.csv_log import CsvLog as CsvLog
    from declnet_standard.callbacks.early_stopping import EarlyStopping as EarlyStopping
    from declnet_standard.callbacks.mlflow import Mlflow as Mlflow
    from declnet_standard.callbacks.reduce_on_plateau import ReduceOnPlateau as ReduceOnPlateau
    from declnet_standard.callbacks.tensorboard import TensorBoard as TensorBoard
    from declnet_standard.callbacks.time_limit import TimeLimit as TimeLimit

CALLBACKS = {
    "checkpoint": "Checkpoint",
    "csv_log": "CsvLog",
    "early_stopping": "EarlyStopping",
    "mlflow": "Mlflow",
    "reduce_on_plateau": "ReduceOnPlateau",
    "tensorboard": "TensorBoard",
    "time_limit": "TimeLimit",
}

__getattr__ = lazy_names(__name__, {name: file for file, name in CALLBACKS.items()})


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce this package's components; each is imported when a spec names it."""
    for file, name in CALLBACKS.items():
        register.lazily("callback", file, f"{__name__}.{file}:{name}")
