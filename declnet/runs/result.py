"""The result of a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from declnet.data.preparing.preparation import FittedPreparation
from declnet.graph.model import Model
from declnet.registry.registry import Registry
from declnet.runs.inference.calibration import Calibrations
from declnet.runs.inference.observing import Baseline
from declnet.runs.inference.predictor import Predictor
from declnet.spec.model import RunSpec

if TYPE_CHECKING:
    from declnet.runs.inference.analyzing import AnalysisResult


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
    warnings: tuple[str, ...] = ()
    analyses: tuple[AnalysisResult, ...] = ()
    spec: RunSpec = field(kw_only=True, repr=False)
    preparation: FittedPreparation = field(kw_only=True, repr=False)
    registry: Registry = field(kw_only=True, repr=False)
    calibrations: Calibrations = field(kw_only=True, repr=False, default_factory=dict)

    @cached_property
    def predictor(self) -> Predictor:
        """The trained model with the preparation of its data."""
        fitted = self.calibrations
        return Predictor(self.model, self.preparation, self.spec, self.registry, fitted)

    def _repr_html_(self) -> str:
        from declnet.runs.display.results import result_view

        return result_view(self)

    def predict(self, data: Any) -> Any:
        """Return predictions for data like the training data; see `Predictor.predict`."""
        return self.predictor.predict(data)
