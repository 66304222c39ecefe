"""The folds or seeds of one spec in a group's folder, used as one model."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.attribution import attributing_errors
from declnet.contracts.network.inputs import as_arrays, unwrapped
from declnet.contracts.runs.plan import Task
from declnet.errors import DataError, OutputError, SampleName
from declnet.registry.registry import Registry
from declnet.runs.exchange.exportable import Exportable
from declnet.runs.storage import folder
from declnet.runs.storage.checkpoints import Notice
from declnet.runs.storage.checksums import checksum
from declnet.runs.storage.folder import REMEDY, reading
from declnet.runs.storage.origins import Origins
from declnet.runs.stored_run import StoredRun, open_run

if TYPE_CHECKING:
    from declnet.contracts.data.data_source import DataSource
    from declnet.data.sources.loading import GivenData
    from declnet.data.splits import Data
    from declnet.runs.inference.ensemble_predictor import EnsemblePredictor
    from declnet.runs.inference.evaluation import Evaluation
    from declnet.runs.inference.predictions import AnyPredictions
    from declnet.runs.inference.predictor import Predictor
    from declnet.runs.many.group_file import GroupFile


class Ensemble(Exportable):
    """The folds or seeds of one spec, used as one model.

    Attributes:
        path: the folder of the group.
    """

    path: Path
    file: GroupFile
    _registry: Registry | None
    _notice: Notice | None

    @property
    @abstractmethod
    def tasks(self) -> tuple[Task, ...]:
        """The runs."""

    @property
    @abstractmethod
    def status(self) -> str:
        """`finished`, `running` (or killed), or `failed` if a run did."""

    @property
    def has_folds(self) -> bool:
        """Whether the runs are folds, so that each row was not seen by one of the models."""
        return all(each.fold is not None for each in self.tasks)

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of the runs, without repetitions."""
        return tuple(dict.fromkeys(each.seed or 0 for each in self.tasks))

    @property
    def evaluated_on(self) -> tuple[str, ...]:
        """The data sets that tell most of the models together: those that `evaluate` takes.

        Seeds that also hold out other rows than each other have only their folds.
        """
        if not self.has_folds:
            return ("test",)
        tested = all("test" in run.manifest.data for run in self.runs)
        return ("validation", *(["test"] if tested and len(self.seeds) == 1 else ()))

    @cached_property
    def runs(self) -> tuple[StoredRun, ...]:
        """The finished runs, in order.

        Raises:
            OutputError: one is not finished, is missing or was replaced.
        """
        found = []
        for task in self.tasks:
            path = self.path / task.folder
            if not (path / folder.MANIFEST).is_file():
                what = "is missing" if self.status == "finished" else "has not begun"
                raise OutputError(f"{path}: this run {what}; {self._remedy}")
            run = open_run(path, self._registry, notice=self._notice)
            if run.status != "finished":
                message = f"this run is not finished ({run.status})"
                raise OutputError(f"{path}: {message}; {self._remedy}")
            expected = self.file.manifests.get(task.folder)
            if expected is not None and manifest_checksum(path) != expected:
                message = f"changed since the runs ended: its checksum in {folder.GROUP} differs"
                raise OutputError(f"{path / folder.MANIFEST}: {message}; {REMEDY}")
            found.append(run)
        return tuple(found)

    @property
    def _remedy(self) -> str:
        return REMEDY if self.status == "finished" else f"continue by `declnet resume {self.path}`"

    def predictor(self) -> EnsemblePredictor:
        """Return the models as one, which averages their predictions.

        Raises:
            OutputError: a run is not finished, or damaged, or the runs differ in their columns,
                classes or versions.
            DeclnetError: as `StoredRun.predictor` does.
        """
        return self._predictor

    def evaluate(self, data: str | Path | DataSource | GivenData | None = None) -> Evaluation:
        """Evaluate the averaged predictions or, with folds, predictions out of fold.

        Args:
            data: `"validation"`: out of fold; `"test"` or another data set that all runs have in
                common; or the path of a file, as a `Path`, a data source or data, as for
                `Predictor.evaluate`.
                Default: out of fold with folds, else the test data.

        Raises:
            DeclnetError: as `predictor` and `Predictor.evaluate` do; DataError if the runs do not
                have such data in common.
        """
        if data is not None and not isinstance(data, str):
            return self.predictor().evaluate(data)
        if self.has_folds and data in (None, "validation"):
            return self._out_of_fold(None)
        return self._on_common(data or "test")

    def out_of_fold(self, data: Mapping[str, Data] | None = None) -> AnyPredictions:
        """Return the predictions of the validation data of each fold, by its own model.

        They are in the order of the data, with the identifiers `row` (of arrays `sample`: the
        number in the training data as loaded, from 1; of windows `window`: the number within the
        fold) and `fold`, and `seed` if there are several.

        Args:
            data: the data that a program passed to the runs; default: that of the spec.

        Raises:
            DeclnetError: as `evaluate` does.
        """
        if not self.has_folds:
            raise DataError("the runs are not folds, so each has seen the same rows")
        predictor = self.predictor()
        parts = [self._predicted(run, loaded) for run, loaded in self._with_data(data)]
        numbers = {name: np.concatenate([own[name] for own, _ in parts]) for name in parts[0][0]}
        order = np.lexsort([*numbers.values()][::-1])
        outputs = {
            loss: np.concatenate([own[loss] for _, own in parts])[order] for loss in parts[0][1]
        }
        identifiers = {name: each[order] for name, each in numbers.items()}
        found: AnyPredictions = unwrapped(
            {
                loss: replace(predictions, identifiers=identifiers)
                for loss, predictions in predictor.read(outputs).items()
            }
        )
        return found

    def _out_of_fold(self, data: Mapping[str, Data] | None) -> Evaluation:
        from declnet.runs.inference.evaluation import evaluate_each

        reader = self.predictor()  # which requires that they are alike
        models, changed = [], False
        for run, loaded in self._with_data(data):
            predictor = run.predictor()
            stored = run.stored_sets(run.prepared_sets(loaded))["validation"]
            changed = changed or not stored.unchanged
            models.append((predictor, stored.labeled_parts(predictor)))
        with attributing_errors(self.runs[0].registry):
            return _warned(evaluate_each(models, "out of fold", reader), changed)

    def _with_data(
        self, data: Mapping[str, Data] | None
    ) -> list[tuple[StoredRun, Mapping[str, Data]]]:
        """Return each run with its data as loaded, which the folds of a seed share."""
        found: list[tuple[StoredRun, Mapping[str, Data]]] = []
        for _, group in groupby(self.runs, key=lambda run: run.spec.seed):
            runs = list(group)
            loaded = data if data is not None else runs[0].load_data()
            found += [(run, loaded) for run in runs]
        return found

    def _predicted(
        self, run: StoredRun, loaded: Mapping[str, Data]
    ) -> tuple[dict[str, Array], dict[str, Array]]:
        """Return what identifies the validation data of a fold, in order, and the predictions."""
        from declnet.runs.inference.predictions import require_finite

        predictor, spec, sets = run.predictor(), run.spec, run.prepared_sets(loaded)
        held, dataset = sets.raw["validation"], sets.datasets["validation"]
        with attributing_errors(run.registry):
            outputs = predictor.outputs(as_arrays(dataset.inputs))
        sample = f"{run.path}: validation: sample"
        for each in outputs.values():
            require_finite(each, lambda at: SampleName(f"{sample} {at + 1}", at + 1))
        count, fold = len(dataset), spec.data.fold or 1
        numbers = {"seed": np.full(count, spec.seed)} if len(self.seeds) > 1 else {}
        if predictor.windows is not None:
            return {
                **numbers,
                "fold": np.full(count, fold),
                "window": np.arange(1, count + 1),
            }, outputs
        numbers[held.unit] = np.asarray(held.row_numbers)
        return {**numbers, "fold": np.full(count, fold)}, outputs

    def _on_common(self, name: str) -> Evaluation:
        """Evaluate on a data set that all runs have in common and, of folds, have not seen."""
        from declnet.data.sources.loading import guarded
        from declnet.runs.inference.evaluation import evaluate_parts

        predictor = self.predictor()
        if self.has_folds and name == "train":
            raise DataError(
                "each fold has its own training data, so the rows were seen by some of the models",
                hint='evaluate out of fold: --on validation, or "validation" in a program',
            )
        found: dict[int, Data] = {}
        changed = False
        for run in self.runs:
            spec = run.spec
            if spec.seed in found:
                continue
            sets = run.prepared_sets(run.load_data())
            if name not in sets.raw:
                raise DataError(f"the runs have no {name} data", hint="name a file with --data")
            found[spec.seed] = sets.raw[name]
            changed = changed or not run.stored_sets(sets)[name].unchanged
        first, *others = found.values()
        if not all(_same(first, each) for each in others):
            raise DataError(
                f"each seed has other {name} data, which other models may have seen",
                hint="name a file with --data",
            )
        with attributing_errors(predictor.registry):
            part = predictor.labeled(guarded(first), f"the {name}")
            return _warned(evaluate_parts(predictor, [part], name), changed)

    @cached_property
    def _predictor(self) -> EnsemblePredictor:
        from declnet.runs.inference.ensemble_predictor import EnsemblePredictor
        from declnet.runs.many.group import one_model

        if not one_model(self.tasks):
            one = self.path / self.tasks[0].point
            raise OutputError(f"{self.path}: these runs are of several specs; name one, e.g. {one}")
        self._require_one_version()
        predictors = [run.predictor() for run in self.runs]
        first = _described(predictors[0])
        for run, each in zip(self.runs, predictors, strict=True):
            for what, own in _described(each).items():
                if own != first[what]:
                    other = self.runs[0].path.relative_to(self.path)
                    message = f"this run has other {what} than {other}, so they cannot be averaged"
                    raise OutputError(f"{run.path}: {message}")
        return EnsemblePredictor(predictors)

    def _require_one_version(self) -> None:
        """Require that all runs were made by the same versions of declnet and its plugins."""
        seen: dict[str, tuple[str, Path]] = {}
        for run in self.runs:
            versions = Origins.of(run.manifest).versions(kernels=False)
            for name, version in {**versions, "declnet": run.manifest.declnet}.items():
                known, path = seen.setdefault(name, (version, run.path))
                if known != version:
                    other = path.relative_to(self.path)
                    message = f"this run was made by {name} {version}, but {other} by {known}"
                    raise OutputError(f"{run.path}: {message}; train them again")


def manifest_checksum(run: Path) -> str:
    """Return the checksum of a run's manifest; raise OutputError if it cannot be read."""
    with reading(run / folder.MANIFEST):
        return checksum((run / folder.MANIFEST).read_bytes())


def _warned(found: Evaluation, changed: bool) -> Evaluation:
    """Return an evaluation that says if its data has changed since the runs."""
    warning = f"the {found.data} data is not what the runs saw (another hash)"
    return replace(found, warnings=(*found.warnings, *([warning] if changed else ())))


def _described(predictor: Predictor) -> dict[str, Any]:
    """Return what the models of an ensemble have in common, by what messages call it."""
    types = predictor.preparation.types
    return {
        "columns": types if types is not None else tuple(predictor.model.inputs),
        "classes": [each.classes for each in predictor.readings],
        "outputs": [each.outputs for each in predictor.readings],
    }


def _same(one: Data, other: Data) -> bool:
    """Return whether two data sets as loaded have the same samples."""
    from declnet.data.streaming.source import digest_of

    return len(one) == len(other) and digest_of(one) == digest_of(other)
