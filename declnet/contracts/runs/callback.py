"""Callback: follows a run, named in `[training] callbacks`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Protocol

from declnet.contracts.annotations import Misfit
from declnet.contracts.arrays import Array
from declnet.contracts.component import Component
from declnet.contracts.network.directions import Better
from declnet.contracts.network.parameter import require_like
from declnet.contracts.runs.observer import StepObserver
from declnet.contracts.serialization import NotPlainError, is_plain_dict, to_plain


@dataclass(frozen=True)
class EpochFinished:
    """A finished epoch.

    Attributes:
        epoch: counted from 0.
        learning_rate: the rate of the epoch's (last) update.
        metrics: metrics of the training data, from the epoch's own forward passes, before their
            updates; with mini-batches, the mean over samples. If the epoch is not logged, only the
            metrics that a callback monitors.
        validation: the same for the validation data, if any, after the epoch's last update.
    """

    epoch: int
    learning_rate: float
    metrics: dict[str, float] = field(default_factory=dict)
    validation: dict[str, float] = field(default_factory=dict)

    def row(self) -> dict[str, float | int]:
        """Return the epoch as a row of the history, validation metrics under `validation_…`."""
        validation = {f"validation_{name}": value for name, value in self.validation.items()}
        rate = {"learning_rate": self.learning_rate}
        return {"epoch": self.epoch, **self.metrics, **rate, **validation}

    def metric(self, name: str) -> float:
        """Return a metric by its name in the history; raise ValueError if there is none."""
        key = name.removeprefix("validation_")
        values: Mapping[str, float] = self.metrics if key == name else self.validation
        if key not in values:
            key, values = name, self.row()
        if key not in values:
            raise ValueError(f'epoch {self.epoch} has no metric "{name}", but {", ".join(values)}')
        return float(values[key])


@dataclass(frozen=True)
class EpochLogged(EpochFinished):
    """A finished epoch that is logged, with the loss, its parts and every metric of the run.

    `metrics` has `loss`, `data_loss`, `regularization_loss` and each metric by its name.
    """


@dataclass(frozen=True)
class GroupedRun:
    """A run of a group: of a sweep, a study, or the seeds or folds of a spec.

    Attributes:
        directory: the run's folder.
        group: the folder of the group; of a sweep with several seeds, that of the sweep.
        values: what tells the run from the others of the group, by dotted key, `seed` or `fold`.
        status: as in the manifest; `running` also for one that was killed.
        metrics: the metrics of a finished run by data set; empty before.
    """

    directory: Path
    group: Path
    values: Mapping[str, Any]
    status: str = "running"
    metrics: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)


class RunningModel(Protocol):
    """The model in training, as a callback may use it.

    If the optimizer or a callback says which parameters are evaluated instead of the trained ones
    (`Optimizer.evaluated`, `Callback.evaluated`), `parameters` and `predict` use them.
    """

    def parameters(self) -> dict[str, Array]:
        """Return copies of all parameters by name, as they are evaluated, saved and exported."""

    def load_parameters(self, saved: Mapping[str, Array]) -> None:
        """Load saved parameters, e.g. from the best epoch."""

    def vector(self) -> Array:
        """Return a read-only view of the trained parameters, flat; it follows the training."""

    def to_vector(self, parameters: Mapping[str, Array]) -> Array:
        """Return the trained ones of saved parameters as a new array like `vector`."""

    def from_vector(self, vector: Array) -> dict[str, Array]:
        """Return copies of all parameters by name, the trained ones from an array like `vector`."""

    def predict(self, x: Any) -> Array:
        """Return the raw output of the model, before `Loss.predictions`."""


class Run(Protocol):
    """The run that a callback is part of."""

    @property
    def name(self) -> str:
        """The run's name in the spec."""

    @property
    def epochs(self) -> int:
        """The number of epochs in the training, unless a callback ends it early."""

    @property
    def directory(self) -> Path | None:
        """The run's folder, where the callback may write files; None if nothing is written."""

    @property
    def model(self) -> RunningModel:
        """The model in training."""

    def better(self, name: str) -> Better | None:
        """Return which values of a metric are better, as in `Metric.better`; None if unknown.

        Args:
            name: the metric's name in the history, e.g. `validation_loss`.
        """

    def warn(self, message: str) -> None:
        """Show a warning in the terminal now, and record it in the manifest.

        Args:
            message: one line: what is wrong, where, and what to do.
        """

    def stop(self, reason: str) -> None:
        """End the training after this epoch; the run finishes as after its last one.

        Args:
            reason: why, for the terminal and the manifest.
        """

    def scale_learning_rate(self, factor: float) -> None:
        """Multiply every learning rate from now on; repeated calls accumulate.

        Args:
            factor: e.g. 0.5.
        """

    def restore_parameters(
        self,
        parameters: Mapping[str, Array] | None,
        origin: str | None = None,
    ) -> None:
        """Request that the finished model use these parameters instead of the last ones.

        They are loaded when the training ends, for whatever reason, before the evaluation;
        checkpoints keep them. The last request wins, so one from `training_ended` wins over one
        from any epoch.

        Args:
            parameters: as returned by `model.parameters()`; None to keep the last ones after all.
            origin: where they come from, for the terminal and the manifest, e.g. `epoch 12, the
                best accuracy`.
        """

    def save_checkpoint(self, best: bool = False) -> None:
        """Write a checkpoint once all callbacks have been called for this epoch.

        Args:
            best: whether this is the best epoch so far; kept until a better one.
        """

    def save_checkpoints(
        self,
        *,
        every_epochs: int | None = None,
        every_seconds: float | None = None,
        keep_last: int = 3,
    ) -> None:
        """Write checkpoints from now on, also in epochs that are not logged and within epochs.

        Without a folder this does nothing. Requests of several callbacks are all honored.

        Args:
            every_epochs: write after each epoch, counted from 1, that is a multiple of this.
            every_seconds: write when this many seconds have passed since the last checkpoint.
            keep_last: how many to keep, besides the best.
        """


class Callback(Component):
    """A component that follows a run and may steer it.

    `start` (or `restore` in a resumed run) is called first; exactly one of `finished` and `failed`
    is called last. An exception in any method stops the run with an error that names the callback
    and its distribution.
    """

    kind = "callback"
    conformance_checks = "declnet.testing.checks.callbacks"

    writes_checkpoints: ClassVar[bool] = False
    """Whether it is meant for `Run.save_checkpoints`, so that `declnet resume` can recommend it."""

    selects_epoch: ClassVar[bool] = False
    """Whether `after_epoch` selects that epoch, by the metrics of `monitors` and by
    `Run.restore_parameters`, for the finished model. In a fold, the epoch is then also selected by
    parts of the validation data, to predict the rest of it: for each part the callback is started
    once more, with a `run` of its own, and `after_epoch` gets the metrics of the other parts.
    `start`, `save`, `restore` and `after_epoch` act on nothing but the state and the `run`."""

    works_outside: ClassVar[bool] = False
    """Whether it works outside the run's folder, e.g. on a server. The conformance kit, which
    simulates runs, then skips it."""

    def start(self, run: Run) -> Any:
        """Called before the first epoch; returns the state passed to the other methods.

        The component itself is frozen: keep anything that changes, and `run` if needed, in the
        state.
        """
        return run

    def save(self, state: Any) -> dict[str, Any] | None:
        """Return what a checkpoint keeps: a dict of JSON values, NumPy arrays and lists of these.

        The default returns the state if it is such a dict, else None: nothing is kept, and a
        resumed run calls `start` again. That suits a callback that only reports, but not one that
        remembers.
        """
        return state if is_plain_dict(state) else None

    def verify_save(self, saved: dict[str, Any] | None, _: Any) -> None:
        """Raise Misfit for what a checkpoint cannot keep."""
        try:
            to_plain(saved, {}, "it")
        except NotPlainError as error:
            raise Misfit("what a checkpoint cannot keep", f": {error}") from None

    def restore(self, run: Run, saved: dict[str, Any]) -> Any:  # noqa: ARG002
        """Called in place of `start` when a run is resumed; returns the state that gave `saved`.

        Epochs after the checkpoint are run again: discard anything already written for them.
        """
        return saved

    def monitors(self) -> Sequence[str]:
        """Return the history names of the metrics that `after_epoch` needs; default: none.

        These are computed after every epoch, including validation metrics; all others only when an
        epoch is logged.
        """
        return ()

    def observer(self, state: Any) -> StepObserver | None:  # noqa: ARG002
        """Return an observer of the last training step of each logged epoch; default: none.

        Called once, after `start` or `restore`. The observer is called within that step, before
        `after_epoch` and `epoch_finished`.
        """
        return None

    def after_update(self, state: Any, step: int) -> None:
        """Called after each update of the parameters, if overridden; see `RunningModel.vector`.

        It is part of the training loop: a run with it takes longer by its time at every step.

        Args:
            step: number of the update, from 1.
        """

    def epoch_trained(self, state: Any, epoch: int) -> None:
        """Called after the last update of every epoch, before its validation, if overridden.

        For callbacks that decide on the parameters of the validation, see `evaluated`. Training
        pauses for it after every epoch, logged or not.

        Args:
            epoch: counted from 0.
        """

    def evaluated(self, state: Any, w: Array) -> Array | None:  # noqa: ARG002
        """Return the parameters that are evaluated, saved and exported instead of the trained ones.

        Called between updates, for each evaluation of the model: in validations, for
        `RunningModel.parameters` and at the end of the training. They may change in `after_update`
        and `epoch_trained`. Running statistics (`Parameter.running_statistic`) are computed for
        them, in one pass over the training data. At most one callback overrides this, and none if
        the optimizer says which parameters are evaluated.

        Args:
            w: the trained parameters, flat, read-only; see `RunningModel.vector`.

        Returns:
            The parameters, like `w`, which are copied; None to evaluate the trained ones. Default:
            None.
        """
        return None

    def verify_evaluated(self, parameters: Array | None, _: Any, w: Array) -> None:
        """Raise Misfit unless there is a parameter for each of w, in its type."""
        if parameters is not None:
            require_like(parameters, w)

    def after_epoch(self, state: Any, epoch: EpochFinished) -> None:
        """Called after every epoch, logged or not, with at least the metrics of `monitors`.

        Training pauses after an unlogged epoch only if a callback overrides this method and, if it
        overrides `monitors` too, names a metric there.
        """

    def epoch_finished(self, state: Any, epoch: EpochLogged) -> None:
        """Called after each logged epoch (every `log_every`-th, the last), after `after_epoch`."""

    def training_ended(self, state: Any) -> None:
        """Called after the last epoch, or the one that a callback stopped at.

        The finished model is evaluated afterwards: `Run.restore_parameters` may still replace its
        parameters. In a run that is resumed after this, it is called again.
        """

    def finished(self, state: Any, metrics: dict[str, dict[str, float]]) -> None:
        """Called after the evaluation, with the finished model's metrics by data set."""

    def found_finished(self, directory: Path, metrics: dict[str, dict[str, float]]) -> None:
        """Called if a run that has finished is resumed, which trains nothing; default: nothing.

        The process that trained it may have been killed after the run's folder was complete and
        before `finished` ended. No state is at hand, and the folder must stay as it is.

        Args:
            directory: the run's folder.
            metrics: as for `finished`.
        """

    def failed(self, state: Any, error: BaseException) -> None:
        """Called when the run fails or is interrupted (`KeyboardInterrupt`)."""

    def group_finished(self, runs: Sequence[GroupedRun], best: GroupedRun | None) -> None:
        """Called once all runs of a group have ended, in the process that started them.

        It is called again if the group is resumed. No run's state is at hand: a callback finds what
        it wrote for them in their folders, or where else it keeps it.

        Args:
            runs: at least one, each with its status and metrics.
            best: the finished run with the best main metric; None without one.
        """

    def group_failed(self, group: Path, error: BaseException) -> None:
        """Called when the runs of a group end early, before all of them have ended.

        An error of declnet or an interruption (`KeyboardInterrupt`) did that, not the failure of a
        single run. The group may be resumed; a killed process calls nothing.

        Args:
            group: the group's folder, as in `GroupedRun`.
            error: what ended it.
        """
