"""`load_model` and `load_predictor`: the trained model of a run."""

from __future__ import annotations

from pathlib import Path

from declnet.graph.model import Model
from declnet.registry.registry import Registry
from declnet.runs.checkpoints import Notice
from declnet.runs.predictor import Predictor
from declnet.runs.stored_run import open_run


def load_model(
    run_directory: str | Path, registry: Registry | None = None, *, notice: Notice | None = None
) -> Model:
    """Build the model of a run's folder with the weights that the run left.

    Args:
        run_directory: as `RunResult.directory` or the command line gave it.
        registry: where names are looked up; default: all installed plugins.
        notice: called with a sentence for each distribution whose version is not the run's;
            default: a `DeclnetWarning`.

    Raises:
        OutputError: it is not a run's folder, or the run left no weights.
        OriginError: a component would come from another distribution than the run's.
        SpecError: a component of the run is not installed any more.
        WeightsError: the weights cannot be read.
    """
    return open_run(run_directory, registry, notice=notice).model()


def load_predictor(
    run_directory: str | Path, registry: Registry | None = None, *, notice: Notice | None = None
) -> Predictor:
    """Load the model of a run's folder with the preparation of its data.

    Args:
        run_directory: as `RunResult.directory` or the command line gave it.
        registry: where names are looked up; default: all installed plugins.
        notice: called with a sentence for each distribution whose version is not the run's;
            default: a `DeclnetWarning`.

    Raises:
        OutputError: it is not a run's folder, or the run left no weights.
        OriginError: a component would come from another distribution than the run's.
        SpecError: a component of the run is not installed any more.
        WeightsError: the weights cannot be read.
    """
    return open_run(run_directory, registry, notice=notice).predictor()
