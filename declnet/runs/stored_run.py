"""`open_run`: read access to a run's folder for programs, commands and the report."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property, partial
from pathlib import Path

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.attribution import attributing_errors
from declnet.contracts.network.inputs import as_arrays, unwrapped
from declnet.data.preparing.targets import loss_targets_of
from declnet.data.sets import PreparedSets, load_sets, prepare_sets, split_sets
from declnet.data.splits import Data
from declnet.display.displayed import DisplayedTuple
from declnet.display.tables import ResultTable
from declnet.errors import ChangedBehaviorError, DataError, OutputError, SampleName
from declnet.graph.kernels import Kernels
from declnet.graph.model import LayerSummary, Model, build_model, summary_of
from declnet.graph.parameters import view
from declnet.graph.shapes import infer_network
from declnet.graph.training_graph import TrainingGraph
from declnet.registry.registry import Registry
from declnet.runs.behavior import require_same_behavior
from declnet.runs.comparison import Comparison, compared
from declnet.runs.computed import of_model
from declnet.runs.display.result_tables import metrics_table
from declnet.runs.display.results import stored_view
from declnet.runs.inference.analyzing import ANALYSES_FILE, AnalysisResult
from declnet.runs.inference.calibration import Calibrations, restored
from declnet.runs.inference.examined import ExaminedPart
from declnet.runs.inference.held_out import HeldOutPredictions
from declnet.runs.inference.held_out_parts import validated_member, validation_parts
from declnet.runs.inference.member import Member, readings_of
from declnet.runs.inference.predictions import require_finite
from declnet.runs.inference.predictor import Predictor
from declnet.runs.notices import Notice, warn
from declnet.runs.ranking import Directions, stored_directions
from declnet.runs.storage import folder
from declnet.runs.storage.contents import RunContents
from declnet.runs.storage.documents import read_manifest
from declnet.runs.storage.folder import PACK_SUFFIX, REMEDY, reading, unpacked
from declnet.runs.storage.origins import Origins
from declnet.runs.stored_data import PredictedData, StoredData
from declnet.runs.trained import TrainedModels
from declnet.spec.shown_values import is_missing
from declnet.training.preparation import make_ready

SETS = ("test", "validation", "train")
"""Data sets in order of preference; the first one that a run has is the default."""


def open_run(
    path: str | Path,
    registry: Registry | None = None,
    *,
    notice: Notice | None = None,
    allow_changes: bool = False,
) -> StoredRun:
    """Open the folder of a run, finished or not, or a pack of one.

    Only the manifest is read immediately; everything else is read on first use.

    Args:
        path: the folder, e.g. `RunResult.directory`, or the file that `pack_run` wrote.
        registry: where names are looked up; default: all installed plugins.
        notice: called with each warning of the spec, and with what has changed if that is allowed,
            once they are needed; default: a `DeclnetWarning`.
        allow_changes: whether to use components that compute something else than in the training.

    Raises:
        OutputError: it is neither a run's folder nor a valid pack, or its manifest is malformed.
    """
    path = unpacked(path)
    with reading(path):
        if not (path / folder.MANIFEST).is_file():
            raise OutputError(f"{path}: {_other_than_a_run(path)}")
    manifest = read_manifest(path)
    return StoredRun(path, manifest, registry, notice or warn, allow_changes=allow_changes)


def _other_than_a_run(path: Path) -> str:
    if (path / folder.GROUP).is_file():
        one = next((inside.name for inside in sorted(path.iterdir()) if inside.is_dir()), "fold-1")
        return f"these are several runs, not one (name one, e.g. {path / one})"
    if path.is_file():
        if path.suffix.lower() in (".toml", ".json"):
            return "this is a spec, not a run's folder (train it with `declnet run`)"
        return f"this is a file, not a run's folder (the name of a pack ends in {PACK_SUFFIX})"
    what = "there is no such folder" if is_missing(path) else "this is not a run's folder"
    return f"{what} (a run's folder has a {folder.MANIFEST})"


class StoredRun(RunContents, TrainedModels):
    """A run, finished or not: the contents of its folder, and its model and data for further use.

    An exception raised by a component becomes a ComponentError naming it and its distribution.
    """

    def metrics_table(self) -> ResultTable:
        """Return a row per metric of the finished model: its values by data set, and baselines'.

        Raises:
            OutputError: the metrics cannot be read.
        """
        return metrics_table(self.metrics, self.manifest.baseline, self.manifest.references)

    def _repr_html_(self) -> str:
        return stored_view(self)

    @cached_property
    def better(self) -> Directions:
        """Which values of each metric are better; None if it does not say."""
        return stored_directions(self.manifest.better)

    def compare(self, *others: StoredRun) -> Comparison:
        """Compare this run with others: the differences of the specs, and the final metrics.

        Raises:
            SpecError: a run's spec cannot be read.
            OutputError: a run's metrics cannot be read.
        """
        return compared((self, *others))

    def summary(self) -> tuple[LayerSummary, ...]:
        """Return a summary line for each layer; does not require weights.

        Raises:
            OriginError: a component would come from a different distribution than in the run.
            SpecError: a component is no longer installed.
        """
        with attributing_errors(self.registry):
            model = self.spec.model
            network = infer_network(model.layers, self.inputs, self.registry, model.outputs)
            return summary_of(network.nodes)

    def model(self) -> Model:
        """Return the trained model; every call returns the same object.

        Raises:
            OutputError: the run saved no weights.
            OriginError: a component would come from a different distribution than in the run.
            SpecError: a component of the run is no longer installed.
            WeightsError: the weights cannot be read.
            ChangedBehaviorError: with another version of a plugin, a component computes something
                else than in the training.
        """
        self._require_same("preparation", "predictions")
        return self._model

    @property
    def runs(self) -> tuple[StoredRun, ...]:
        """This run alone."""
        return (self,)

    def predictor(self) -> Predictor:
        """Return the trained model with its data preparation; raise as `model` does."""
        self._require_same("preparation", "predictions")
        return self._predictor

    @cached_property
    def data_sets(self) -> dict[str, StoredData]:
        """The run's data sets by name, loaded, split and prepared as in the run.

        Raises:
            DataError: they can no longer be loaded.
        """
        return self.stored_sets(self._sets)

    @cached_property
    def _sets(self) -> PreparedSets:
        return self.prepared_sets(self.load_data())

    def load_data(self) -> dict[str, Data]:
        """Return the data as the spec's sources load it, before it is split.

        Raises:
            DataError: it can no longer be loaded.
        """
        if self.spec.data.train is None:
            raise DataError("the run's data came from a program, so it cannot be loaded again")
        with attributing_errors(self.registry):
            return load_sets(self.spec.data, self.spec.seed)

    def raw_sets(self, loaded: Mapping[str, Data] | None = None) -> dict[str, Data]:
        """Return the run's data sets before their preparation; raise as `data_sets` does.

        Args:
            loaded: the data as `load_data` returns it, which is the default.
        """
        loaded = self.load_data() if loaded is None else loaded
        return split_sets(loaded, self.spec.data, self.spec.seed)

    def prepared_sets(self, loaded: Mapping[str, Data]) -> PreparedSets:
        """Return the run's data sets, split and prepared as in the run.

        Args:
            loaded: the data as loaded from the spec's sources, or as a program passed it.

        Raises:
            DataError: it can no longer be split or prepared.
        """
        targets = loss_targets_of(self.spec.heads)
        with attributing_errors(self.registry):
            return prepare_sets(self.raw_sets(loaded), self.spec.data, targets, self._preparation)

    def stored_sets(self, sets: PreparedSets) -> dict[str, StoredData]:
        """Return prepared data sets with the hashes of those that the run used."""
        used = self.manifest.data
        return {
            name: StoredData(name, dataset, used[name].hash if name in used else None)
            for name, dataset in sets.datasets.items()
        }

    def data(self, name: str | None = None) -> StoredData:
        """Return a data set of the run.

        Args:
            name: `test`, `validation` or `train`; default: the first of these that the run has.

        Raises:
            DataError: the run has no such data set, or it can no longer be loaded.
        """
        sets = self.data_sets
        chosen = name or next(preferred for preferred in SETS if preferred in sets)
        if chosen not in sets:
            raise DataError(f"the run has no {chosen} data", hint=f"it has {', '.join(sets)}")
        return sets[chosen]

    def predictions(self, data: str | None = None, positions: Array | None = None) -> PredictedData:
        """Return the model's outputs for samples of one of the run's data sets.

        Of validation data, they are those that `evaluate` measures; see `examined`.

        Args:
            data: as for `data`.
            positions: positions of the samples in the data set, (n,); default: all.

        Raises:
            DeclnetError: as `model` and `data` do; DataError if an output is NaN or infinite.
        """
        predictor, stored = self.predictor(), self.data(data)
        part = stored.dataset if positions is None else stored.dataset.take(positions)
        x = as_arrays(part.inputs)
        held_out = self.held_out if stored.name == "validation" and stored.unchanged else None
        with attributing_errors(self.registry):
            compute = partial(predictor.outputs, [x])
            if held_out is not None:
                compute = partial(held_out.finished, predictor.member, positions)
            outputs = compute()
            raw = compute(calibrated=False) if predictor.calibrations else outputs
        places = np.arange(len(part)) if positions is None else positions

        def name_sample(position: int) -> SampleName:
            number = int(places[position]) + 1
            return SampleName(f"{stored.name}: sample {number}", number)

        for output in outputs.values():
            require_finite(output, name_sample)
        ys = part.targets
        targets = {head.name: ys[head.target_among(ys) or ""] for head in predictor.heads}
        return PredictedData(stored.name, *map(unwrapped, (x, targets, outputs, raw)))

    @property
    def evaluated_on(self) -> tuple[str, ...]:
        """The data set to evaluate the model on: the first of test, validation and train."""
        return (self.data().name,)

    def examined(
        self, name: str, data: Mapping[str, Data] | None = None, *, by_models: bool = False
    ) -> list[ExaminedPart]:
        """Return a data set of the run, with its model; see `TrainedModels.examined`.

        Validation data that selects the epoch or fits calibrators is in parts, each with what the
        others select.
        """
        predictor = self.predictor()
        if data is not None:
            self._sets = self.prepared_sets(data)
            self.data_sets = self.stored_sets(self._sets)
        stored = self.data(name)
        if name == "validation":
            member = validated_member(self, self._sets, by_models=by_models)
            return validation_parts([member], name)
        raw, unchanged = self._sets.raw[name], stored.unchanged
        return [ExaminedPart(predictor, raw, stored.labeled, name, unchanged=unchanged)]

    @cached_property
    def analyses(self) -> tuple[AnalysisResult, ...]:
        """The results of the spec's `analyses`, as stored; empty if there are none.

        Raises:
            OutputError: the file cannot be read, or changed since the run ended.
        """
        content = self._files.read(folder.ANALYSES)
        with reading(self.path / folder.ANALYSES):
            return DisplayedTuple(ANALYSES_FILE.parse(content) if content is not None else ())

    def gradients(self, positions: Array | None = None) -> dict[str, Array]:
        """Return the loss gradients of the trained model's parameters, except for frozen ones.

        Args:
            positions: positions of training samples, (n,), which form one batch; default: all.

        Raises:
            DeclnetError: as `model` and `data` do.
        """
        dataset, spec = self.data("train").dataset, self.spec
        part = dataset if positions is None else dataset.take(positions)
        self.model()
        model = self._trained_model()  # the step changes statistics, e.g. in batch_norm
        with attributing_errors(self.registry), np.errstate(all="ignore"):
            ready = make_ready(part, model, spec.heads, self._preparation, "the training")
            kernels = Kernels(self.registry)
            total = spec.training.updates(len(dataset))
            graph = TrainingGraph(model, spec.heads, len(part), spec.seed, kernels, total)
            graph.schedules.begin(total)
            graph.step(as_arrays(ready.x), ready.y_true).run()
        slots = [slot for slot in model.store.slots if slot.is_trained()]
        return {slot.key: view(graph.gradient, slot).copy() for slot in slots}

    @cached_property
    def _model(self) -> Model:
        return self._trained_model()

    def _trained_model(self) -> Model:
        parameters = self.parameters()
        declared = self.spec.model.model_copy(update={"initial_weights": None})
        with attributing_errors(self.registry):
            model = build_model(declared, self.inputs, self.spec.seed, self.registry)
        model.load_parameters(parameters, str(self.path / folder.WEIGHTS))
        return model

    @cached_property
    def _predictor(self) -> Predictor:
        model, preparation, fitted = self._model, self._preparation, self._calibrations
        return Predictor([Member(model, preparation, self.spec, self.registry, fitted)])

    def require_same_metrics(self) -> None:
        """Raise ChangedBehaviorError if a loss or metric computes something else than it did."""
        self._require_same("evaluation")

    def _require_same(self, *aspects: str) -> None:
        """Raise ChangedBehaviorError if components have other versions and compute something else.

        If that is allowed, it is a notice.
        """
        changed = Origins.recorded(self.manifest).changed_versions(self.registry)
        if not changed or self._compared.issuperset(aspects):
            return
        computed = of_model(self._predictor.member)
        chosen = {name: computed[name] for name in aspects}
        try:
            require_same_behavior(self.spec, self._files, chosen, changed, self.registry)
        except ChangedBehaviorError as error:
            if not self.allow_changes:
                raise
            self._notice(str(error))
        self._compared |= {*aspects}

    @cached_property
    def _compared(self) -> set[str]:
        """The aspects of the run's behavior that have been compared."""
        return set()

    @cached_property
    def _calibrations(self) -> Calibrations:
        """The fitted calibrations; empty if the run has none, or ended before they were fitted."""
        heads, path = self.spec.heads, self.path / folder.CALIBRATION
        content = self._files.read(folder.CALIBRATION)
        if content is None:
            if any(head.calibration for head in heads):
                if self.status == "finished":
                    raise OutputError(f"{path}: this file of the run is missing; {REMEDY}")
                self._notice(f"the run is {self.status}, so its predictions are not calibrated")
            return {}
        with attributing_errors(self.registry), reading(path):
            readings = readings_of(heads, self._model, self._preparation)
            return restored(content, heads, readings, self.registry)

    @cached_property
    def held_out(self) -> HeldOutPredictions | None:
        """The predictions of the validation data by what other rows select; None if none.

        Raises:
            OutputError: they cannot be read.
        """
        content = self._files.read(folder.HELD_OUT)
        if content is None:
            return None
        heads = self.spec.heads
        with attributing_errors(self.registry), reading(self.path / folder.HELD_OUT):
            readings = readings_of(heads, self._model, self._preparation)
            return HeldOutPredictions.restored(content, heads, readings, self.registry)
