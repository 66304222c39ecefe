"""`cross_validate`: train and evaluate a model for each fold of the data, and resume that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from declnet.data.sharing import sharing_data
from declnet.data.sources.loading import GivenData
from declnet.errors import Diagnostic, SpecError
from declnet.registry.registry import Registry
from declnet.runs.inference.ensemble_predictor import EnsemblePredictor
from declnet.runs.many.ensembles.ensemble import Ensemble, open_ensemble
from declnet.runs.many.ensembles.recording import (
    begin_ensemble,
    finish_ensemble,
    tasks_left,
    tell_callbacks,
)
from declnet.runs.many.ensembles.series import spread
from declnet.runs.many.execution.tasks import Task, tasks_of
from declnet.runs.many.groups.callbacks import telling_group
from declnet.runs.many.groups.documents import Spread
from declnet.runs.result import RunResult
from declnet.runs.run import given_data, run
from declnet.runs.session import Listener
from declnet.runs.storage.folder import claimed, locked
from declnet.runs.storage.origins import warn
from declnet.spec.model import RunSpec, fold_specs
from declnet.spec.sweep import require_no_sweep
from declnet.spec.validate import GivenSpec, as_spec


@dataclass(frozen=True, eq=False)
class CrossValidation:
    """The results of a cross-validation.

    Attributes:
        results: the result of each fold, in order.
    """

    results: tuple[RunResult, ...]

    @cached_property
    def predictor(self) -> EnsemblePredictor:
        """The models of all folds as one, which averages their predictions."""
        return EnsemblePredictor([each.predictor for each in self.results])

    def predict(self, data: Any) -> Any:
        """Return averaged predictions for data like the training data; see `Predictor.predict`."""
        return self.predictor.predict(data)

    def _repr_html_(self) -> str:
        from declnet.runs.display.results import folds_view

        return folds_view(self)

    @property
    def metrics(self) -> dict[str, dict[str, Spread]]:
        """The distribution of each metric over the folds, by data set and name."""
        first = self.results[0].metrics
        return {
            data: {
                name: spread([each.metrics[data][name] for each in self.results])
                for name in metrics
            }
            for data, metrics in first.items()
        }


def cross_validate(
    spec: GivenSpec,
    data: GivenData | Mapping[str, GivenData] | None = None,
    out: str | Path | None = None,
    *,
    listener: Listener | None = None,
    registry: Registry | None = None,
) -> CrossValidation:
    """Train a spec once for each of its `data.folds`, using that fold as the validation data.

    Args:
        spec: a run with `data.folds`, and without `data.fold`; as for `run`.
        data: data to use instead of the spec's, as for `run`.
        out: the folder, new or empty, in which each fold is written to `fold-<fold>`, along with
            the predictions out of fold (`open_ensemble` reads it); None writes nothing.
        listener: called with each event of each fold's training.
        registry: where names are looked up; default: all installed plugins.

    Raises:
        SpecError: the spec is invalid or has no folds; nothing was written.
        DataError: the data is invalid or too small for the folds.
        OutputError: the folder is not empty; nothing in it was changed.
        RunError: a fold could not be finished, as recorded in its folder.
    """
    spec = as_spec(spec, registry)
    require_no_sweep(spec.sweep)
    if not spec.data.is_cross_validation:
        hint = "a cross-validation takes e.g. folds = 5, and no fold"
        problem = Diagnostic('"folds" is missing', hint, ("data", "folds"), "E011")
        if spec.data.folds is not None:
            problem = Diagnostic("one fold is chosen", hint, ("data", "fold"), "E017")
        raise SpecError(spec.source_map.locate(spec.source_map.as_written([problem])))
    specs, given = fold_specs(spec), given_data(data) if data is not None else None
    if out is None:
        with sharing_data():
            found = [run(each, given, listener=listener, registry=registry) for each in specs]
        return CrossValidation(tuple(found))
    with claimed(Path(out)) as parent, sharing_data():
        tasks = tasks_of(spec, None, parent, given)
        begin_ensemble(parent, spec, tasks)
        found = _trained(parent, spec, tasks, listener, registry)
    return CrossValidation(tuple(found))


def resume_ensemble(
    path: str | Path,
    data: GivenData | Mapping[str, GivenData] | None = None,
    *,
    allow_changes: bool = False,
    listener: Listener | None = None,
    registry: Registry | None = None,
) -> Ensemble:
    """Train what is left of the folds or seeds of one spec in a folder; finished ones stay.

    Args:
        path: the folder that `cross_validate` or `declnet run` wrote.
        data: the data that the program originally passed, if any; as for `cross_validate`.
        allow_changes: as for `resume`.
        listener: called with each event of each run's training.
        registry: where names are looked up; default: all installed plugins.

    Raises:
        OutputError: the folder has no folds, or another process is working in it.
        DeclnetError: as `resume` and `run` do.
    """
    directory = Path(path)
    open_ensemble(directory)
    given = given_data(data) if data is not None else None
    with locked(directory), sharing_data():
        ensemble = open_ensemble(directory, registry)
        if ensemble.status == "finished":
            tell_callbacks(ensemble, registry)
            return ensemble
        tasks = tasks_left(ensemble, registry, allow_changes=allow_changes, data=given)
        _trained(directory, ensemble.shared_spec(registry), tasks, listener, registry)
    return open_ensemble(directory, registry)


def _trained(
    directory: Path,
    spec: RunSpec,
    tasks: Sequence[Task],
    listener: Listener | None,
    registry: Registry | None,
) -> list[RunResult]:
    """Train the runs of a folder, and make it a predictor; warn of missing predictions."""
    with telling_group(directory, lambda: spec.training.callbacks, registry):
        found = [each.execute(registry, listener) for each in tasks]
    why = finish_ensemble(directory, registry, tasks[0].data)
    if why is not None:
        warn(why)
    return found
