"""`load_model` and `load_predictor`: the trained model of a run."""

from __future__ import annotations

from pathlib import Path

from declnet.graph.model import Model
from declnet.registry.registry import Registry
from declnet.runs.predictor import Predictor
from declnet.runs.stored_run import open_run


def load_model(run_directory: str | Path, registry: Registry | None = None) -> Model:
    """Build the model of a run's folder with the weights that the run left.

    Args:
        run_directory: as `RunResult.directory` or the command line gave it.
        registry: where names are looked up; default: all installed plugins.

    Raises:
        OutputError: it is no run's folder, or the run left no weights.
        SpecError: a component of the run is not installed any more.
        WeightsError: the weights cannot be read.
    """
    return open_run(run_directory, registry).model()


def load_predictor(run_directory: str | Path, registry: Registry | None = None) -> Predictor:
    """Load the model of a run's folder with the preparation of its data.

    Args:
        run_directory: as `RunResult.directory` or the command line gave it.
        registry: where names are looked up; default: all installed plugins.

    Raises:
        OutputError: it is no run's folder, or the run left no weights.
        SpecError: a component of the run is not installed any more.
        WeightsError: the weights cannot be read.
    """
    return open_run(run_directory, registry).predictor()
