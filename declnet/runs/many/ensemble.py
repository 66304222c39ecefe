"""The runs of a group that are used as one model: folds, seeds, members, trials with weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import numpy as np

from declnet.contracts.network.inputs import unwrapped
from declnet.contracts.runs.plan import Task
from declnet.data.sets import PreparedSets
from declnet.data.sources.loading import guarded
from declnet.data.splits import Data
from declnet.errors import DataError, OutputError
from declnet.runs.inference.evaluation import Evaluation
from declnet.runs.inference.examined import ExaminedPart, evaluate_examined, joined_arrays
from declnet.runs.inference.held_out_parts import validated_member, validation_parts
from declnet.runs.inference.predictions import AnyPredictions
from declnet.runs.inference.predictor import Predictor
from declnet.runs.many.agreement import (
    have_same_content,
    have_same_samples,
    require_alike,
    require_one_version,
)
from declnet.runs.many.group_file import one_model
from declnet.runs.many.group_folder import GroupFolder
from declnet.runs.storage import folder
from declnet.runs.storage.checksums import checksum
from declnet.runs.storage.folder import REMEDY, reading
from declnet.runs.stored_data import PredictedData
from declnet.runs.stored_run import StoredRun, open_run
from declnet.runs.trained import TrainedModels


class Ensemble(GroupFolder, TrainedModels):
    """The runs of a group as one model: a predictor whose members are theirs."""

    @property
    def has_folds(self) -> bool:
        """Whether the runs are folds, so that each row was not seen by one of the models."""
        return all(task.fold is not None for task in self.tasks)

    @property
    def seeds(self) -> tuple[int, ...]:
        """The seeds of the runs, without repetitions."""
        return tuple(dict.fromkeys(task.seed or 0 for task in self.tasks))

    @property
    def evaluated_on(self) -> tuple[str, ...]:
        """The data sets that the models have not seen, to evaluate them on.

        Seeds that also hold out other rows than each other have only their folds.
        """
        tested = all("test" in run.manifest.data for run in self.runs)
        if self.has_folds:
            return ("validation", *(["test"] if tested and len(self.seeds) == 1 else ()))
        if tested or self.file.kind == "seeds":
            return ("test",)
        return ("validation",)

    @cached_property
    def runs(self) -> tuple[StoredRun, ...]:
        """The finished runs in order, except runs of members without weight.

        Raises:
            OutputError: one is not finished, is missing or was replaced.
        """
        return tuple(run for _, run in self._weighted_runs)

    def packed_runs(self) -> dict[str, StoredRun]:
        """Return the runs of all members by their folders; of a study, of the trials with weights.

        Raises:
            OutputError: the models are not used as one, or as `runs` does.
        """
        if not self.file.is_predictor:
            one = self.path / self.tasks[0].point
            raise OutputError(f"{self.path}: these runs are of several specs; name one, e.g. {one}")
        listed = self.weights
        return {task.folder: self._run_of(task) for task in self.tasks if task.point in listed}

    def _run_of(self, task: Task) -> StoredRun:
        """Return a finished run; raise OutputError if it is not finished, or was replaced."""
        if task.folder in self._opened:
            return self._opened[task.folder]
        path = self.path / task.folder
        if not (path / folder.MANIFEST).is_file():
            what = "is missing" if self.status == "finished" else "has not begun"
            raise OutputError(f"{path}: this run {what}; {self._remedy}")
        run = open_run(path, self._registry, notice=self._notice, allow_changes=self.allow_changes)
        if run.status != "finished":
            message = f"this run is not finished ({run.status})"
            raise OutputError(f"{path}: {message}; {self._remedy}")
        expected = self.file.manifests.get(task.folder)
        if expected is not None and manifest_checksum(path) != expected:
            message = f"changed since the runs ended: its checksum in {folder.GROUP} differs"
            raise OutputError(f"{path / folder.MANIFEST}: {message}; {REMEDY}")
        self._opened[task.folder] = run
        return run

    @cached_property
    def _opened(self) -> dict[str, StoredRun]:
        """The runs that have been opened, by their folders."""
        return {}

    @property
    def _remedy(self) -> str:
        return REMEDY if self.status == "finished" else f"continue by `declnet resume {self.path}`"

    @property
    def weights(self) -> Mapping[str, float]:
        """The weight of each member, by the folder of its runs; equal ones without members.

        Raises:
            OutputError: they have not been selected yet.
        """
        if not self.file.has_members:
            return dict.fromkeys(self.points(), 1.0)
        if self.file.weights is None and self.status == "finished":
            raise OutputError(f"{self.path}: none of its trials could be given a weight")
        if self.file.weights is None:
            message = "the weights of its members are selected when all have finished"
            raise OutputError(f"{self.path}: {message}; {self._remedy}")
        return self.file.weights

    def predictor(self) -> Predictor:
        """Return the models as one, which takes the weighted mean of their predictions.

        Raises:
            OutputError: a run is not finished, or damaged, or the runs differ in their targets,
                classes or versions.
            DeclnetError: as `StoredRun.predictor` does.
        """
        return self._predictor

    def predictions(self, data: str | None = None) -> PredictedData:
        """Return the predictions for a data set of the runs, as `evaluate` makes them.

        Args:
            data: the data set, as for `evaluate`.

        Returns:
            The predictions without `x`, which each model prepares in its own way.

        Raises:
            DeclnetError: as `evaluate` does; DataError if a prediction is NaN or infinite.
        """
        parts = self.examined(data or self.evaluated_on[0])
        names = [head.name for head in self.predictor().heads]
        y = joined_arrays([dict(zip(names, part.targets(), strict=True)) for part in parts])
        outputs = joined_arrays([part.finite_outputs() for part in parts])
        raw = joined_arrays([part.outputs(calibrated=False) for part in parts])
        return PredictedData(parts[0].name, None, *map(unwrapped, (y, outputs, raw)))

    def of_members(self, name: str) -> dict[str, tuple[float, Evaluation]]:
        """Return the weight of each member, and its evaluation alone, by the folder of its runs.

        Args:
            name: the data set, as for `evaluate`.

        Raises:
            DeclnetError: as `evaluate` does.
        """
        parts = self.examined_alone(name)
        return {
            point: (self.weights[point], evaluate_examined(of_point, self._reader_of(point)))
            for point, of_point in parts.items()
        }

    def _reader_of(self, point: str) -> Predictor:
        """Return the models of a member of the spec."""
        runs = [self._run_of(task) for task in self.tasks if task.point == point]
        return Predictor([run.predictor().member for run in runs])

    def examined_alone(
        self, name: str, data: Mapping[str, Data] | None = None, *, by_models: bool = False
    ) -> dict[str, list[ExaminedPart]]:
        """Return what `examined` does for each member of the spec alone, by the member's name.

        Out of fold, these include members for which no weight was selected.
        """
        needed = self.has_folds and name == "validation" and self.file.fold_weights is not None
        equal = {point: float(needed or weight > 0) for point, weight in self.weights.items()}
        file = self.file.model_copy(update={"weights": equal, "fold_weights": None})
        alike = self.with_file(file)
        alike._opened = self._opened
        points = [task.point for task, _ in alike._weighted_runs]
        parts = alike.examined(name, data, by_models=by_models)
        if self.has_folds and name == "validation":  # one model of each member predicts a part
            points = list(dict.fromkeys(points))
        return {
            point: [
                part.of_members([at for at, other in enumerate(points) if other == point])
                for part in parts
            ]
            for point in dict.fromkeys(points)
        }

    def validation_parts(self, point: str, data: Mapping[str, Data] | None) -> list[ExaminedPart]:
        """Return the rows on which weights are selected, with the models of one member.

        With folds, they are predicted out of fold and also by the finished models: those predict
        later, and more rows have selected their epochs.

        Args:
            point: the folder of the member.
            data: as for `examined`.
        """
        file = self.file.model_copy(update={"weights": {point: 1.0}, "fold_weights": None})
        alone = self.with_file(file)
        parts = alone.examined("validation", data)
        if self.has_folds:
            parts += alone.examined("validation", data, by_models=True)
        return parts

    def out_of_fold(self, data: Mapping[str, Data] | None = None) -> AnyPredictions:
        """Predict the validation data of each fold with the models of that fold.

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
        parts, several_seeds = self.examined("validation", data), len(self.seeds) > 1
        numbers = joined_arrays([part.identifiers(several_seeds=several_seeds) for part in parts])
        order = np.lexsort([*numbers.values()][::-1])
        identifiers = {name: column[order] for name, column in numbers.items()}
        outputs = [part.finite_outputs() for part in parts]
        read = [part.predictor.read(y_pred) for part, y_pred in zip(parts, outputs, strict=True)]
        predicted = {}
        for loss, predictions in self.predictor().read(joined_arrays(outputs)).items():
            decided = predictions.decided_by([of_part[loss] for of_part in read])
            ordered = decided.changed(lambda array: array[order])
            predicted[loss] = replace(ordered, identifiers=identifiers)
        result: AnyPredictions = unwrapped(predicted)
        return result

    def examined(
        self, name: str, data: Mapping[str, Data] | None = None, *, by_models: bool = False
    ) -> list[ExaminedPart]:
        """Return a data set of the runs, with the models that have not seen it.

        That is one part, or with folds and `"validation"` at least one for each seed and fold: what
        a row has a say in, the epoch of a model, its calibration and the weights of members, does
        not predict it.

        Args:
            name: the data set.
            data: the data that a program passed to the runs; default: that of the specs.
            by_models: whether the finished models predict it nonetheless.

        Raises:
            DeclnetError: as `evaluate` does.
        """
        if self.has_folds and name == "validation":
            return self._folds(data, by_models)
        predictor, (raw, unchanged, sets) = self.predictor(), self._common(name, data)
        if name == "validation" and any(run.held_out is not None for run in self.runs):
            runs = zip(self._weighted_runs, predictor.weights, strict=True)
            return validation_parts(
                [
                    validated_member(
                        run, sets[task.point, run.spec.seed], weight, by_models=by_models
                    )
                    for (task, run), weight in runs
                ],
                name,
            )
        part = predictor.labeled(raw, f"the {name}")
        return [ExaminedPart(predictor, raw, part, name, unchanged=unchanged)]

    def _folds(self, data: Mapping[str, Data] | None, by_models: bool) -> list[ExaminedPart]:
        _ = self.predictor()  # which requires that they are alike
        fold_weights = {} if by_models else self.file.fold_weights or {}
        points = [
            point
            for point in self.points()
            if any(of.get(point) for of in (self.weights, *fold_weights.values()))
        ]
        by_fold: dict[str, list[Task]] = {}
        for task in self.tasks:
            if task.point in points:
                by_fold.setdefault(task.folder.removeprefix(f"{task.point}/"), []).append(task)
        for tasks in by_fold.values():  # trials in parallel train their folds in any order
            tasks.sort(key=lambda task: points.index(task.point))
        if any(len(tasks) < len(points) for tasks in by_fold.values()):
            raise self._no_common_rows()
        loaded: dict[tuple[str, int], Mapping[str, Data]] = {}
        parts = []
        for fold, tasks in by_fold.items():
            weights = fold_weights.get(fold, self.weights)
            members = []
            for task in tasks:
                weight = weights.get(task.point)
                if not weight:
                    continue
                run = self._run_of(task)
                key = task.point, run.spec.seed
                if key not in loaded:
                    loaded[key] = data if data is not None else run.load_data()
                sets = run.prepared_sets(loaded[key])
                members.append(validated_member(run, sets, weight, by_models=by_models))
            if not all(have_same_samples(members[0].raw, one.raw) for one in members[1:]):
                raise self._no_common_rows()
            parts += validation_parts(members, "out of fold")
        return parts

    def _no_common_rows(self) -> DataError:
        message = "the members hold out other rows than each other, so there is no mean out of fold"
        hint = "give them the same data, seed, folds and split"
        return DataError(f"{self.path}: {message}", hint=hint)

    @cached_property
    def _weighted_runs(self) -> tuple[tuple[Task, StoredRun], ...]:
        """The runs of members with a weight, each with its task."""
        weights = self.weights
        return tuple((task, self._run_of(task)) for task in self.tasks if weights.get(task.point))

    def _common(
        self, name: str, data: Mapping[str, Data] | None = None
    ) -> tuple[Data, bool, dict[tuple[str, int], PreparedSets]]:
        """Return a data set that all runs share and, with folds, none of them has seen.

        Also whether it is what they saw, and all data sets by member and seed.
        """
        if self.has_folds and name == "train":
            raise DataError(
                "each fold has its own training data, so the rows were seen by some of the models",
                hint='evaluate out of fold: --on validation, or "validation" in a program',
            )
        by_seed: dict[tuple[str, int], PreparedSets] = {}
        unchanged = True
        for task, run in self._weighted_runs:
            key = task.point, run.spec.seed
            if key in by_seed:
                continue
            sets = run.prepared_sets(data if data is not None else run.load_data())
            if name not in sets.raw:
                raise DataError(f"the runs have no {name} data", hint="name a file with --data")
            by_seed[key] = sets
            unchanged &= run.stored_sets(sets)[name].unchanged
        first, *others = (sets.raw[name] for sets in by_seed.values())
        if not all(have_same_content(first, other) for other in others):
            raise DataError(
                f"each seed has other {name} data, which other models may have seen",
                hint="name a file with --data",
            )
        return guarded(first), unchanged, by_seed

    @cached_property
    def _predictor(self) -> Predictor:
        if not (self.file.has_members or one_model(self.tasks)):
            one = self.path / self.tasks[0].point
            raise OutputError(f"{self.path}: these runs are of several specs; name one, e.g. {one}")
        members = [run.predictor().member for run in self.runs]
        require_one_version(self.runs)
        require_alike(self.runs, members)
        points = [task.point for task, _ in self._weighted_runs]
        weights = [self.weights[point] / points.count(point) for point in points]
        return Predictor(members, weights if len(set(weights)) > 1 else None)


def manifest_checksum(run: Path) -> str:
    """Return the checksum of a run's manifest; raise OutputError if it cannot be read."""
    with reading(run / folder.MANIFEST):
        return checksum((run / folder.MANIFEST).read_bytes())
