"""Trained models in a folder, of one run or of several that are used as one."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from declnet.contracts.attribution import attributing_errors
from declnet.contracts.data.data_source import DataSource
from declnet.contracts.runs.analysis import Analysis
from declnet.data.sources.loading import GivenData
from declnet.data.splits import Data
from declnet.display.displayed import DisplayedTuple
from declnet.runs.inference.analyzing import AnalysisResult, other_data, unseen_data
from declnet.runs.inference.evaluation import Evaluation
from declnet.runs.inference.examined import ExaminedPart, evaluate_examined
from declnet.runs.inference.predictor import Predictor

if TYPE_CHECKING:
    from declnet.runs.stored_run import StoredRun


class TrainedModels(ABC):
    """The trained models of one run or of several, and the data sets that they did not see."""

    @property
    @abstractmethod
    def runs(self) -> Sequence[StoredRun]:
        """The runs, at least one."""

    @abstractmethod
    def predictor(self) -> Predictor:
        """Return the trained model, or the mean of several."""

    @property
    @abstractmethod
    def evaluated_on(self) -> tuple[str, ...]:
        """The data sets to evaluate the models on, most meaningful first."""

    def evaluate(self, data: str | Path | DataSource | GivenData | None = None) -> Evaluation:
        """Evaluate the models on a data set of the runs, or on other data.

        Of validation data, the metrics equal the run's; with folds, they are of predictions out of
        fold. See `examined`.

        Args:
            data: the name of a data set, by default the first of `evaluated_on`; or what
                `Predictor.evaluate` accepts: the path of a file, as a `Path`, or data.

        Raises:
            DeclnetError: as `predictor`, `examined` and `Predictor.evaluate` do.
        """
        predictor = self.predictor()
        for run in self.runs:
            run.require_same_metrics()
        if data is not None and not isinstance(data, str):
            return predictor.evaluate(data)
        return evaluate_examined(self.examined(data or self.evaluated_on[0]), predictor)

    @abstractmethod
    def examined(
        self, name: str, data: Mapping[str, Data] | None = None, *, by_models: bool = False
    ) -> list[ExaminedPart]:
        """Return a data set of the runs, with the models that have not seen it.

        Args:
            name: the name of the data set.
            data: what a program passed to the runs; None loads the data of their spec.
            by_models: whether the finished models predict what they have not learned from, even if
                it selected their epoch.

        Raises:
            DataError: there is no such data set, or it can no longer be loaded.
        """

    def analyze(
        self,
        *analyses: Analysis | str | Mapping[str, Any],
        data: str | Path | DataSource | None = None,
    ) -> tuple[AnalysisResult, ...]:
        """Analyze the models on a data set of the runs, or on other data.

        With folds, each row is examined by the models that have not seen it.

        Args:
            analyses: each as in a spec: a type, a table or an instance.
            data: the name of a data set, by default the first of `evaluated_on`; or a file or
                source with targets, as a `Path` or a `DataSource`.

        Raises:
            pydantic.ValidationError: an analysis is invalid.
            DeclnetError: as `predictor` and `examined` do; DataError if an analysis does not suit
                the model or the data.
        """
        predictor, first = self.predictor(), self.runs[0]
        context = {"registry": predictor.registry}
        declared = [Analysis.from_declaration(analysis, context) for analysis in analyses]

        def training() -> Data:
            return first.raw_sets()["train"]

        with attributing_errors(predictor.registry):
            if isinstance(data, Path | DataSource):
                analyzed = other_data(predictor, data, training)
            else:
                name = data or self.evaluated_on[0]
                parts = self.examined(name, by_models=True)
                analyzed = unseen_data(predictor, parts, name, training)
            return DisplayedTuple(map(analyzed.result, declared))
