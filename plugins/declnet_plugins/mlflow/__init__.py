"""MLflow: the callback that tracks runs there, and trained models as models of MLflow.

The extra `mlflow` installs what it needs. MLflow loads a saved model by the name of this module.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from declnet import Register, hookimpl

if TYPE_CHECKING:
    from declnet_plugins.mlflow.model import PyfuncModel


@hookimpl
def declnet_register(register: Register) -> None:
    """Announce the callback."""
    register.lazily("callback", "mlflow", f"{__name__}.callback")


def _load_pyfunc(path: str) -> PyfuncModel:
    """Return the model in a folder, as `mlflow.pyfunc.load_model` asks for it."""
    from declnet import load_predictor
    from declnet_plugins.mlflow.model import PyfuncModel

    return PyfuncModel(load_predictor(path))
