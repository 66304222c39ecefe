"""Load the trained model of a run, or of a group of runs that are used as one."""

from __future__ import annotations

from pathlib import Path

from declnet.graph.model import Model
from declnet.registry.registry import Registry
from declnet.runs.inference.predictor import Predictor
from declnet.runs.many.group import is_group, open_group
from declnet.runs.notices import Notice
from declnet.runs.stored_run import open_run


def load_model(
    run_directory: str | Path,
    registry: Registry | None = None,
    *,
    notice: Notice | None = None,
    allow_changes: bool = False,
) -> Model:
    """Load the trained model from a run's folder.

    Args:
        run_directory: the run's folder, e.g. `RunResult.directory`.
        registry: where names are looked up; default: all installed plugins.
        notice: called with each warning of the spec, and with what has changed if that is allowed;
            default: a `DeclnetWarning`.
        allow_changes: whether to use components that compute something else than in the training.

    Raises:
        OutputError: it is not a run's folder, or the run saved no weights.
        OriginError: a component would come from a different distribution than in the run.
        SpecError: a component of the run is no longer installed.
        WeightsError: the weights cannot be read.
        ChangedBehaviorError: with another version of a plugin, a component computes something else
            than in the training.
    """
    return open_run(run_directory, registry, notice=notice, allow_changes=allow_changes).model()


def load_predictor(
    run_directory: str | Path,
    registry: Registry | None = None,
    *,
    notice: Notice | None = None,
    allow_changes: bool = False,
) -> Predictor:
    """Load the trained model from a run's folder together with its data preparation.

    From a folder of folds, seeds or members, or of a study that selects weights of its trials, it
    loads one predictor with their models as members.

    It takes the arguments of `load_model` and raises the same errors, and OutputError if the
    preparation cannot be read, or the models of a folder cannot be averaged.
    """
    opening = open_group if is_group(run_directory) else open_run
    opened = opening(run_directory, registry, notice=notice, allow_changes=allow_changes)
    return opened.predictor()
