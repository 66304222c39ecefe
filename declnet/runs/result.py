"""The result of a run, or of several runs of one spec."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Any

from declnet.contracts.network.directions import LOSSES
from declnet.data.preparing.preparation import FittedPreparation
from declnet.errors import DataError, OutputError, RunError
from declnet.graph.model import Model
from declnet.registry.registry import Registry
from declnet.runs.display.results import result_view
from declnet.runs.inference.analyzing import AnalysisResult
from declnet.runs.inference.calibration import Calibrations
from declnet.runs.inference.evaluation import Evaluation
from declnet.runs.inference.member import Member
from declnet.runs.inference.predictor import Predictor
from declnet.runs.storage.documents import Baseline
from declnet.runs.storage.folder import METRICS
from declnet.runs.storage.record import with_nan
from declnet.runs.stored_run import StoredRun, open_run
from declnet.runs.trained import TrainedModels
from declnet.spec.model import RunSpec

if TYPE_CHECKING:
    from declnet.runs.many.series import Spread


@dataclass(frozen=True, eq=False)
class RunResult:
    """The result of a run.

    Attributes:
        metrics: metrics of the finished model by data set: `loss`, `data_loss` and each metric.
        history: a row for each logged epoch, as in `history.jsonl`.
        model: the trained model; its `predict` takes prepared arrays and returns outputs before
            `Loss.predictions`.
        directory: the run's folder, or None if nothing was written.
        seconds: duration from the first epoch to the end of the evaluation.
        epochs: number of epochs trained.
        stopped: why a callback ended the training early; None if none did.
        restored: where the model's parameters come from if a callback replaced the last ones.
        baselines: the metrics of the best constant prediction, by data set.
        references: by data set, the metrics of forecasts that the data declares, such as seasonal
            naive ones.
        warnings: those of callbacks, then what is wrong with the predictions, e.g. a class that is
            never predicted.
        analyses: the results of the spec's `analyses`.
        spec: the run's spec.
        preparation: the preparation of data before the model.
        registry: where the run's names were looked up.
        calibrations: the fitted calibrations, by the name of their loss; empty if there are none.
    """

    metrics: dict[str, dict[str, float]]
    history: list[dict[str, Any]]
    model: Model
    directory: Path | None
    seconds: float
    epochs: int
    stopped: str | None = None
    restored: str | None = None
    baselines: dict[str, Baseline] = field(default_factory=dict)
    references: dict[str, tuple[Baseline, ...]] = field(default_factory=dict, kw_only=True)
    warnings: tuple[str, ...] = ()
    analyses: tuple[AnalysisResult, ...] = ()
    spec: RunSpec = field(kw_only=True, repr=False)
    preparation: FittedPreparation = field(kw_only=True, repr=False)
    registry: Registry = field(kw_only=True, repr=False)
    calibrations: Calibrations = field(kw_only=True, repr=False, default_factory=dict)

    @classmethod
    def stored(cls, run: StoredRun) -> RunResult:
        """Return the result of a finished run, from its folder.

        Raises:
            OutputError: the folder is damaged.
            DeclnetError: as `StoredRun.predictor` does.
        """
        metrics = {name: with_nan(values) for name, values in run.metrics.items()}
        for name, values in metrics.items():
            for loss in LOSSES:
                if loss not in values:
                    raise OutputError(f"{run.path / METRICS}: {name} has no {loss}")
        history, manifest = [with_nan(row) for row in run.history], run.manifest
        predictor = run.predictor()
        return cls(
            metrics,
            history,
            predictor.model,
            run.path,
            manifest.seconds or 0.0,
            manifest.epochs or history[-1]["epoch"] + 1,
            manifest.stopped,
            manifest.restored,
            manifest.baseline,
            manifest.warnings,
            references=manifest.references,
            spec=predictor.spec,
            preparation=predictor.preparation,
            registry=predictor.registry,
            calibrations=predictor.calibrations,
        )

    @cached_property
    def predictor(self) -> Predictor:
        """The trained model with the preparation of its data."""
        fitted = self.calibrations
        return Predictor([Member(self.model, self.preparation, self.spec, self.registry, fitted)])

    def _repr_html_(self) -> str:
        return result_view(self)

    @property
    def members(self) -> tuple[RunResult, ...]:
        """The results of all folds and seeds; for a single run, only this one."""
        return (self,)

    @property
    def spreads(self) -> dict[str, dict[str, Spread]]:
        """The mean, deviation and range of each metric over the members, by data set and name."""
        from declnet.runs.many.series import spread

        return {
            data: {name: spread([value]) for name, value in values.items()}
            for data, values in self.metrics.items()
        }

    def predict(self, data: Any) -> Any:
        """Return predictions for data like the training data; see `Predictor.predict`."""
        return self.predictor.predict(data)

    def evaluate(self, data: Any = None) -> Evaluation:
        """Evaluate the model on one of the run's data sets, or on other data.

        Args:
            data: as for `StoredRun.evaluate`; of a run without a folder, data or a `Path`.

        Raises:
            DataError: the run has no such data, or no folder that says where it is.
            DeclnetError: as `StoredRun.evaluate` does.
        """
        if data is not None and not isinstance(data, str):
            return self.predictor.evaluate(data)
        if self.directory is None:
            raise DataError("the run wrote no folder", hint="pass data, or run it with `out`")
        return self._opened.evaluate(data)

    def analyze(self, *analyses: Any, data: Any = None) -> tuple[AnalysisResult, ...]:
        """Analyze the model on one of the run's data sets, or on other data.

        Args:
            analyses: as for `StoredRun.analyze`.
            data: as for `StoredRun.analyze`.

        Raises:
            DeclnetError: as `StoredRun.analyze` does; DataError if the run wrote no folder.
        """
        return self._opened.analyze(*analyses, data=data)

    def report(self, path: str | Path) -> None:
        """Write the page of the command `declnet report`.

        Raises:
            RunError: no plugin offers the command.
            DeclnetError: as the command does.
        """
        commands = tuple(entry_points(group="declnet.commands", name="report"))
        if not commands:
            raise RunError("no plugin offers the command `report`")
        commands[0].load().main([str(self._folder), "--output", str(path)], standalone_mode=False)

    @property
    def _opened(self) -> TrainedModels:
        return open_run(self._folder, self.registry)

    @property
    def _folder(self) -> Path:
        if self.directory is None:
            raise DataError("the run wrote no folder", hint="run it with `out`")
        return self.directory
