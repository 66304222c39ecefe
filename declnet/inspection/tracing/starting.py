"""The training whose next step is traced: of a spec after some updates, or of a run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from declnet import (
    DataError,
    DeclnetError,
    RunSpec,
    StepwiseTraining,
    StoredRun,
)

Notice = Callable[[str], None]
"""Called with a sentence to show."""


class TraceError(DeclnetError):
    """The training has no such step or layer, or fewer samples than requested."""

    exit_code = 2


@dataclass(frozen=True, eq=False)
class Start:
    """A training between two steps.

    Attributes:
        training: the training, whose next step is not made yet.
        origin: where its parameters come from, as a sentence.
    """

    training: StepwiseTraining
    origin: str


def spec_to_trace(spec: RunSpec, step: int) -> RunSpec:
    """Return a spec that trains without compiled kernels, which take seconds to load, at step 0."""
    if step:
        return spec
    engine = spec.engine.model_copy(update={"kernels": "numpy"})
    return spec.model_copy(update={"engine": engine})


def start_of_spec(training: StepwiseTraining, step: int = 0, layers: Sequence[str] = ()) -> Start:
    """Train a spec for some updates, bit for bit as a run of it would, but without callbacks.

    Args:
        training: the training of the spec, before its first step.
        step: the number of updates before the step to trace.
        layers: names that the model must have, checked before the training.

    Raises:
        TraceError: the model has no such layer, or the training no such step.
        DeclnetError: the training fails.
    """
    _require_layers(training, layers)
    if step >= training.steps:
        updates = _updates(training.steps)
        raise TraceError(
            f"step {step} is beyond the training of {updates} "
            f"(steps count from 0, so the last one is {training.steps - 1})"
        )
    training.advance(step)
    if step == 0:
        return Start(training, "the parameters are the initial ones")
    without = ", without its callbacks" if training.spec.training.callbacks else ""
    return Start(training, f"the spec was trained for {_updates(step)} before{without}")


def start_of_run(
    run: StoredRun, step: int | None, layers: Sequence[str], notice: Notice = lambda _: None
) -> Start:
    """Return a run's training: at an unfinished run's state, or from a finished run's weights.

    Args:
        run: the run.
        step: train the run's spec again for this many updates, regardless of what the run saved.
            None: for an unfinished run, its newest intact checkpoint; for a finished one, or
            without checkpoint, a training that starts from the saved weights with its first update,
            since weights come without the optimizer's state.
        layers: as for `start_of_spec`.
        notice: called with a sentence for each damaged checkpoint.

    Raises:
        TraceError: as for `start_of_spec`.
        DeclnetError: the run saved neither checkpoint nor weights, it or its data is unusable, its
            data has changed, or the training fails.
    """
    spec = run.spec
    if spec.data.train is None:
        raise DataError("the run's data came from a program, so it cannot be loaded again")
    if step is None:  # the saved parameters follow
        model = spec.model.model_copy(update={"initial_weights": None})
        spec = spec.model_copy(update={"model": model})
    training = StepwiseTraining(spec_to_trace(spec, step or 0), run.registry)
    _require_layers(training, layers)
    if not training.has_data_of(run):
        raise DataError(
            f"{run.path}: the training data has changed since the run",
            hint="restore the data, or trace a spec",
        )
    if step is not None:
        return start_of_spec(training, step, layers)
    file = training.resume(run, notice) if run.status != "finished" else None
    if file is not None:
        origin = (
            f"the state is from {run.path}, {file}, after {training.step} "
            "updates, so this is the step that `declnet resume` would make next"
        )
        return Start(training, origin)
    training.model.load_parameters(run.model().parameters(), str(run.path))
    return Start(
        training,
        f"the parameters are the weights saved in {run.path}, without the optimizer's state, so "
        "this is the first update of a training that starts from them",
    )


def _updates(count: int) -> str:
    return "1 update" if count == 1 else f"{count} updates"


def _require_layers(training: StepwiseTraining, layers: Sequence[str]) -> None:
    names = [node.name for node in training.model.nodes]
    for layer in layers:
        if layer not in names:
            close = get_close_matches(layer, names, 1)
            hint = f'did you mean "{close[0]}"?' if close else f"layers: {', '.join(sorted(names))}"
            raise TraceError(f'there is no layer "{layer}" ({hint})')
