"""`IncrementalTraining`: training on data that arrives in parts, one pass over each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from declnet.contracts.arrays import Array
from declnet.contracts.attribution import attributing_errors
from declnet.contracts.data.dataset import Dataset
from declnet.contracts.data.table import Table
from declnet.data.integer_limits import require_within
from declnet.data.preparing.targets import loss_targets_of
from declnet.data.sets import prepare_sets
from declnet.data.sources.loading import GivenData, as_data, guarded
from declnet.graph.shapes import input_limits
from declnet.registry.registry import Registry
from declnet.runs.inference.member import Member
from declnet.runs.inference.predictor import Predictor
from declnet.spec.model import RunSpec
from declnet.spec.requirements import registry_for
from declnet.spec.validate import GivenSpec, as_spec
from declnet.training.evaluation import Evaluation
from declnet.training.numerics import one_blas_thread
from declnet.training.preparation import Prepared, ReadySet, prepare
from declnet.training.trainer import Trainer


class IncrementalTraining:
    """A model trained on data that arrives in parts, with one pass over each.

    The first part decides on the preparation of the data, the classes (unless a `Table` or
    `Dataset` lists them) and the shapes of the model. Each pass is the next epoch of the spec's
    training, so a schedule reaches its end after `training.epochs` parts and stays there. There is
    no held-out data, and no callbacks, analyses or calibrators. Batches have at most as
    many samples as a part. Can be copied and pickled, without the data.

    Args:
        spec: the spec; or its file's path or its tables.
        registry: where names are looked up; default: all installed plugins.
        predictor: a trained model of the spec to continue from, which is changed, with its
            preparation; the optimizer starts fresh.

    Attributes:
        spec: the spec, as it is trained.
        passes: the number of parts trained on.
        updates: the number of updates made.

    Raises:
        SpecError: the spec is invalid.
    """

    def __init__(
        self,
        spec: GivenSpec,
        registry: Registry | None = None,
        predictor: Predictor | None = None,
    ) -> None:
        self.spec = _for_parts(as_spec(spec, registry))
        self.passes = self.updates = 0
        self._registry = registry_for(self.spec.plugins, registry)
        self._predictor = predictor
        self._optimizer: dict[str, Array] = {}
        self._trained: dict[str, Array] | None = None  # if they differ from the predictor's

    @property
    def predictor(self) -> Predictor:
        """The model as trained so far, with the preparation of its data.

        Raises:
            ValueError: no part has been fitted yet.
        """
        if self._predictor is None:
            raise ValueError("there is no model until a first part is fitted")
        return self._predictor

    def progress(self) -> dict[str, Any]:
        """Return what `resume` needs in addition to the predictor, as numbers and arrays."""
        return {
            "passes": self.passes,
            "updates": self.updates,
            "optimizer": dict(self._optimizer),
            "trained": self._trained,
        }

    def resume(self, progress: Mapping[str, Any]) -> None:
        """Continue a training with the same predictor, given its `progress`."""
        self.passes, self.updates = progress["passes"], progress["updates"]
        self._optimizer, self._trained = dict(progress["optimizer"]), progress["trained"]

    def train(self, data: GivenData) -> dict[str, float]:
        """Make one pass over a part of the data.

        Args:
            data: the part, as for `declnet.run`; like the first one.

        Returns:
            The metrics of the part after the pass: `loss`, `data_loss` and the spec's metrics.

        Raises:
            SpecError: the spec does not fit the first part.
            DataError: the part is invalid, or does not fit the first one.
            DivergenceError: the loss became NaN or infinite.
            ComponentError: a component raised an exception.
        """
        samples = guarded(as_data(data, "train"))
        with attributing_errors(self._registry):
            spec = self._spec_for(len(samples))
            if self._predictor is None:
                prepared = prepare(spec, self._registry, {"train": samples})
                member = Member(prepared.model, prepared.preparation, spec, self._registry)
                self._predictor = Predictor([member])
            else:
                model, preparation = self._predictor.model, self._predictor.preparation
                sets = {"train": self._ready(samples, spec)}
                prepared = Prepared(spec, self._registry, model, sets, preparation)
            trainer = Trainer(prepared)
            with one_blas_thread():
                self._pass(trainer)
                trainer.evaluated_parameters.enter()
                self._trained = trainer.evaluated_parameters.trained
                evaluation = Evaluation(prepared.model, spec.heads, prepared.data["train"])
                return trainer.evaluated(evaluation, self.passes - 1)

    def _spec_for(self, samples: int) -> RunSpec:
        """Return the spec of the next pass: with other random numbers, and batches that fit."""
        training = self.spec.training
        if training.batch_size is not None and training.batch_size > samples:
            training = training.model_copy(update={"batch_size": samples})
        seed = (self.spec.seed + self.passes) % 2**53
        return self.spec.model_copy(update={"seed": seed, "training": training})

    def _ready(self, data: Dataset | Table, spec: RunSpec) -> ReadySet:
        """Return a later part, prepared like the first one."""
        model, preparation = self.predictor.model, self.predictor.preparation
        sets = prepare_sets({"train": data}, spec.data, loss_targets_of(spec.heads), preparation)
        part = sets.datasets["train"]
        model.match_inputs(part.inputs)
        require_within(part.inputs, input_limits(model.nodes), data.sample_name)
        return ReadySet.of(sets.blocks["train"], model, spec.heads, preparation, "train")

    def _pass(self, trainer: Trainer) -> None:
        """Train the next epoch of the training on a part."""
        epoch = min(self.passes, trainer.epochs - 1)
        if self.passes:
            state, step = trainer.state(), epoch * trainer.steps_an_epoch
            parameters = self._trained or state.parameters
            state = replace(state, parameters=parameters, optimizer=self._optimizer)
            trainer.restore(replace(state, epoch=epoch, step=step))
        before = trainer.step
        trainer.advance(trainer.steps_an_epoch)
        self._optimizer = trainer.state().optimizer
        self.passes += 1
        self.updates += trainer.step - before


def _for_parts(spec: RunSpec) -> RunSpec:
    """Return a spec that trains on all of its data, without what needs held-out data."""
    nothing = {"validation": None, "test": None, "folds": None, "fold": None}
    losses = spec.losses and {
        name: loss.model_copy(update={"calibration": None}) for name, loss in spec.losses.items()
    }
    update = {
        "data": spec.data.model_copy(update=nothing),
        "losses": losses,
        "training": spec.training.model_copy(update={"callbacks": ()}),
        "calibration": None,
        "analyses": (),
    }
    return spec.model_copy(update=update)
