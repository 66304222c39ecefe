"""`StepwiseTraining`: a training in memory, made step by step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from declnet.contracts.arrays import Array
from declnet.contracts.attribution import attributing_errors
from declnet.contracts.runs.observer import StepObserver
from declnet.errors import DataError
from declnet.graph.kernels import Kernels
from declnet.graph.model import Model
from declnet.registry.registry import Registry
from declnet.runs.inference.member import readings_of
from declnet.runs.ready_run import make_ready_run
from declnet.runs.storage.checkpoints import Checkpoints
from declnet.runs.stored_run import StoredRun
from declnet.spec.model import RunSpec
from declnet.spec.validate import GivenSpec, as_spec
from declnet.training.checks.check import Checked
from declnet.training.evaluation import Evaluation
from declnet.training.metrics import MetricAccumulator
from declnet.training.numerics import one_blas_thread
from declnet.training.preparation import Prepared, ReadyData, ReadySet
from declnet.training.state import StateError, TrainingState
from declnet.training.trainer import Trainer


class StepwiseTraining:
    """A training in memory, made step by step, bit for bit as a run would make it.

    No file is written, no callback is called, and no metric is computed but the losses. The data is
    loaded and the model built once, also for trainings that `restart` begins.

    Args:
        spec: the spec; or its file's path or its tables.
        registry: where names are looked up; default: all installed plugins.
        checked: the result of checking this same spec, to avoid repeating the check.

    Attributes:
        spec: the spec of the training in progress.
        model: its model, which each step changes.
        registry: where names are looked up, as the spec sees it.
        made: the number of updates made, in all trainings since the data was loaded.

    Raises:
        SpecError: the spec is invalid.
        DataError: its data is invalid.
    """

    def __init__(
        self,
        spec: GivenSpec,
        registry: Registry | None = None,
        *,
        checked: Checked | None = None,
    ) -> None:
        ready = make_ready_run(as_spec(spec, registry), registry, None, checked)
        self._set_up(ready.prepared, ready.trainer)

    def _set_up(self, prepared: Prepared, trainer: Trainer) -> None:
        self.spec, self.registry, self.model = prepared.spec, prepared.registry, prepared.model
        self._prepared, self._sets, self._trainer = prepared, prepared.data, trainer
        self._initial = self.model.parameters()
        self._evaluations: dict[str, Evaluation] = {}
        self.made = 0

    @property
    def epoch(self) -> int:
        """The epoch in progress, or the next one, from 0."""
        return self._trainer.epoch

    @property
    def batch(self) -> int:
        """The finished batches of that epoch."""
        return self._trainer.batch

    @property
    def step(self) -> int:
        """The number of updates made in this training."""
        return self._trainer.step

    @property
    def steps(self) -> int:
        """The number of updates in the whole training."""
        return self._trainer.steps

    @property
    def epoch_steps(self) -> int:
        """The number of updates in an epoch."""
        return self._trainer.steps_an_epoch

    @property
    def learning_rate_scale(self) -> float:
        """The factor of every learning rate, which may be set between two steps."""
        return self._trainer.learning_rate_scale

    @learning_rate_scale.setter
    def learning_rate_scale(self, factor: float) -> None:
        self._trainer.learning_rate_scale = factor

    def samples(self, name: str = "train") -> ReadyData:
        """Return a prepared data set: `train` or, if there is one, `validation` or `test`.

        Raises:
            DataError: it is streamed, so it is never in memory as a whole.
        """
        return self._sets[name].whole

    def count(self, name: str = "train") -> int:
        """Return the number of samples in a data set; 0 if there is none of this name."""
        return len(self._sets[name]) if name in self._sets else 0

    def labels(self) -> Array | None:
        """Return the class index of each training sample (n,); None if targets are not classes.

        Of several losses, the first one decides.
        """
        reading = readings_of(self.spec.heads, self.model, self._prepared.preparation)[0]
        if reading.task not in ("classes", "binary"):
            return None
        return reading.true_labels(np.asarray(self._sets["train"].whole.y[0]))

    def has_data_of(self, run: StoredRun) -> bool:
        """Return whether a run was trained on this training data."""
        return run.manifest.data["train"].hash == self._sets["train"].fingerprint

    def restart(self, spec: RunSpec | None = None, *, adapt: bool = True) -> None:
        """Begin a training on the same data from the same initial parameters.

        Args:
            spec: differs from the spec at most in `optimizer`, `training` and `engine`, with the
                same groups of parameters; default: the same spec.
            adapt: whether data-driven initializers see the first batch now; not needed if a state
                is restored next.
        """
        self.spec = spec if spec is not None else self.spec
        self.model.load_parameters(self._initial)
        train = {"train": self._sets["train"]}
        self._trainer = Trainer(replace(self._prepared, spec=self.spec, data=train))
        if adapt:
            self.advance(0)

    def advance(
        self, updates: int = 1, *, observer: StepObserver | None = None, explain: bool = True
    ) -> float:
        """Make updates, or those that are left; return the mean loss of their batches.

        Before the first one, data-driven initializers see its batch.

        Args:
            updates: how many; 0 for the initializers alone.
            observer: is called in the only step.
            explain: whether an error names the component that caused it, for which steps are
                repeated.

        Returns:
            NaN without updates.

        Raises:
            DivergenceError: the loss became NaN or infinite.
            ComponentError: a component raised an exception or violated its contract.
        """
        losses, first = MetricAccumulator(self.spec.heads, ()), self.step
        with attributing_errors(self.registry), one_blas_thread():
            try:
                self._trainer.advance(updates, losses, observer, explain=explain)
            finally:
                self.made += self.step - first
        return losses.result()["loss"] if self.step > first else float("nan")

    def evaluate(self, name: str = "validation") -> dict[str, float]:
        """Return `loss`, `data_loss` and `regularization_loss` of the model on a data set.

        They may be infinite or NaN.
        """
        if name not in self._evaluations:
            data = self._sets[name]
            self._evaluations[name] = Evaluation(self.model, self.spec.heads, data)
        evaluated = self._trainer.evaluated_parameters
        with attributing_errors(self.registry), one_blas_thread(), evaluated.in_model():
            return self._evaluations[name].evaluate(())

    def next_batch(self) -> tuple[Array, ReadyData]:
        """Return the samples of the next step, which must then not be made.

        Returns:
            Their positions in the training data (n,), and their arrays, with augmentation.
        """
        train = self._sets["train"].whole
        positions, step = self._trainer.next_batch()
        y = tuple(target[positions] for target in train.y)
        return positions, ReadyData(step.x, y, step.y_true, step.weights)

    def with_samples(
        self,
        samples: ReadyData,
        spec: RunSpec | None = None,
        *,
        by_components: bool = False,
        penalties: bool = True,
    ) -> StepwiseTraining:
        """Return this training, in its state, on other training samples, all of them in each step.

        Args:
            samples: the samples, prepared as those of this training.
            spec: may differ in `model.dtype`, to which arrays are converted, `optimizer` and
                `training`; batches, accumulation and `max_steps` are ignored.
            by_components: whether the components compute all values, without any kernel.
            penalties: whether the loss includes the regularizers' penalties.
        """
        spec = spec or self.spec
        whole = {"batch_size": None, "accumulate": 1, "max_steps": None}
        training = spec.training.model_copy(update=whole)
        spec = spec.model_copy(update={"training": training})
        dtype = np.dtype(spec.model.dtype)
        model = Model(self.model.network, dtype, spec.optimizer.groups)
        model.load_parameters(self.model.store.arrays)
        model.loaded = self.model.loaded
        if not penalties:
            model.store.regularized.clear()
        data, unscale = samples.as_dtype(dtype), self._sets["train"].unscale
        train = ReadySet.in_memory(data, unscale=unscale)
        prepared = replace(self._prepared, spec=spec, model=model, data={"train": train})
        kernels, epoch = Kernels() if by_components else None, self._trainer.steps_an_epoch
        other = Trainer(prepared, kernels, epoch)
        other.restore(self._trainer.state().for_whole_batches(dtype, len(model.nodes)))
        other.is_adapted = self._trainer.is_adapted
        moved = object.__new__(StepwiseTraining)
        moved._set_up(prepared, other)
        return moved

    def state(self) -> dict[str, Any]:
        """Return copies of everything that decides on the following steps, by name.

        `parameters` and `optimizer` are arrays, by key and by `<key>:<name>`; `layers` are the
        states of the layers' random streams.
        """
        return self._trainer.state().copied().plain()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Continue from a state of a training with this spec and data."""
        self._trainer.restore(TrainingState.of(state), with_metrics=False)

    def resume(self, run: StoredRun, notice: Callable[[str], None]) -> str | None:
        """Continue from a run's newest intact checkpoint before the end of the training.

        Args:
            run: an unfinished run of this spec and data.
            notice: called with a sentence for each damaged checkpoint.

        Returns:
            The name of the checkpoint's file; None if there is none.

        Raises:
            DataError: the checkpoint is of another spec or other data.
        """
        for checkpoint, saved in Checkpoints(run.path).read(notice):
            if checkpoint.step < self.steps:
                try:
                    self.restore(saved["training"])
                except StateError as error:
                    raise DataError(f"{run.path}: {checkpoint.file}: {error}") from None
                return checkpoint.file
        return None
