"""The training whose next step is traced: of a spec after some updates, or of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from declnet.contracts.attribution import attributing_errors
from declnet.display.words import counted
from declnet.errors import DataError, DeclnetError
from declnet.registry.registry import Registry
from declnet.registry.spelling import suggestion
from declnet.runs.notices import Notice
from declnet.runs.ready_run import ReadyRun, make_ready_run
from declnet.runs.storage.checkpoints import Checkpoints
from declnet.runs.stored_run import StoredRun, open_run
from declnet.spec.model import RunSpec
from declnet.training.checks.check import Checked
from declnet.training.numerics import one_blas_thread
from declnet.training.state import StateError, TrainingState


class TraceError(DeclnetError):
    """The training has no such step or layer, or fewer samples than requested."""

    exit_code = 2


@dataclass(frozen=True, eq=False)
class Start:
    """A training between two steps.

    Attributes:
        ready: the training, whose next step is not made yet.
        origin: where its parameters come from, as a sentence.
    """

    ready: ReadyRun
    origin: str


def start_of_spec(
    spec: RunSpec,
    registry: Registry,
    step: int = 0,
    layers: Sequence[str] = (),
    checked: Checked | None = None,
) -> Start:
    """Train a spec for some updates, bit for bit as a run of it would, but without callbacks.

    Args:
        step: the number of updates before the step to trace.
        layers: names that the model must have, checked before the training.
        checked: the result of checking this same spec, to avoid repeating the check.

    Raises:
        TraceError: the model has no such layer, or the training no such step.
        DeclnetError: the spec or its data is invalid, or the training fails.
    """
    ready = make_ready_run(spec if step else _with_numpy(spec), registry, None, checked)
    _require_layers(ready, layers)
    return _trained(ready, step)


def start_of_run(
    path: Path,
    registry: Registry,
    step: int | None = None,
    layers: Sequence[str] = (),
    notice: Notice | None = None,
) -> Start:
    """Return a run's training: at an unfinished run's state, or from a finished run's weights.

    Args:
        path: the run's folder.
        step: train the run's spec again for this many updates, regardless of what the run saved.
            None: for an unfinished run, its newest intact checkpoint; for a finished one, or
            without checkpoint, a training that starts from the saved weights with its first update,
            since weights come without the optimizer's state.
        layers: as for `start_of_spec`.
        notice: called with a sentence for each damaged checkpoint, and each distribution whose
            version differs from the run's.

    Raises:
        TraceError: as for `start_of_spec`.
        DeclnetError: the run saved neither checkpoint nor weights, it or its data is unusable, its
            data has changed, or the training fails.
    """
    run = open_run(path, registry, notice=notice)
    spec = run.spec
    if spec.data.train is None:
        raise DataError("the run's data came from a program, so it cannot be loaded again")
    if step is None:  # the saved parameters follow
        model = spec.model.model_copy(update={"initial_weights": None})
        spec = spec.model_copy(update={"model": model})
    ready = make_ready_run(spec if step else _with_numpy(spec), run.registry, None)
    _require_layers(ready, layers)
    if run.manifest.data["train"].hash != ready.prepared.data["train"].fingerprint:
        raise DataError(
            f"{path}: the training data has changed since the run",
            hint="restore the data, or trace a spec",
        )
    if step is not None:
        return _trained(ready, step)
    unfinished = run.status != "finished"
    found = _from_checkpoint(run, ready, notice or (lambda _: None)) if unfinished else None
    return found or _from_weights(run, ready)


def _with_numpy(spec: RunSpec) -> RunSpec:
    """Return a spec that trains without compiled kernels, which take seconds to load."""
    engine = spec.engine.model_copy(update={"kernels": "numpy"})
    return spec.model_copy(update={"engine": engine})


def _require_layers(ready: ReadyRun, layers: Sequence[str]) -> None:
    names = [node.name for node in ready.prepared.model.nodes]
    for layer in layers:
        if layer not in names:
            hint = suggestion(layer, names, "layers")
            raise TraceError(f'there is no layer "{layer}" ({hint})')


def _trained(ready: ReadyRun, step: int) -> Start:
    trainer = ready.trainer
    if step >= trainer.steps:
        raise TraceError(
            f"step {step} is beyond the training of {counted(trainer.steps, 'update')} "
            f"(steps count from 0, so the last one is {trainer.steps - 1})"
        )
    with attributing_errors(ready.registry), one_blas_thread():
        trainer.advance(step)
    if step == 0:
        return Start(ready, "the parameters are the initial ones")
    without = ", without its callbacks" if ready.spec.training.callbacks else ""
    return Start(ready, f"the spec was trained for {counted(step, 'update')} before{without}")


def _from_checkpoint(run: StoredRun, ready: ReadyRun, notice: Notice) -> Start | None:
    for checkpoint, saved in Checkpoints(run.path).read(notice):
        if checkpoint.step < ready.trainer.steps:
            try:
                ready.trainer.restore(TrainingState.of(saved["training"]))
            except StateError as error:
                raise DataError(f"{run.path}: {checkpoint.file}: {error}") from None
            return Start(
                ready,
                f"the state is from {run.path}, {checkpoint.file}, after {checkpoint.step} "
                "updates, so this is the step that `declnet resume` would make next",
            )
    return None


def _from_weights(run: StoredRun, ready: ReadyRun) -> Start:
    ready.prepared.model.load_parameters(run.parameters(), str(run.path))
    return Start(
        ready,
        f"the parameters are the weights saved in {run.path}, without the optimizer's state, so "
        "this is the first update of a training that starts from them",
    )
