"""`run`: from a spec to a trained, evaluated model, and what was written of it."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from declnet.components.arrays import Array
from declnet.components.blame import blaming_components
from declnet.components.callback import EpochLogged
from declnet.components.data_source import Dataset
from declnet.data.loading import as_dataset
from declnet.errors import DataError
from declnet.graph.model import Model
from declnet.registry.discovery import default_registry
from declnet.registry.registry import Registry
from declnet.runs.callbacks import ActiveRun, Callbacks
from declnet.runs.folder import claim, claim_numbered
from declnet.runs.manifest import first_manifest
from declnet.runs.record import Record
from declnet.spec.resolved import resolved_toml
from declnet.spec.run_spec import RunSpec
from declnet.training.checks.check import Checked
from declnet.training.divergence import finite_evaluation
from declnet.training.evaluation import Evaluation
from declnet.training.events import Event
from declnet.training.preparation import Prepared, prepare
from declnet.training.trainer import Trainer

Data = Dataset | tuple[Array, Array]
Listener = Callable[[Event], None]


@dataclass(frozen=True, eq=False)
class RunResult:
    """What a run gave.

    Attributes:
        metrics: of the finished model, by data set: `loss`, `data_loss` and each metric.
        history: a row for each logged epoch, as in `history.jsonl`.
        model: the trained model.
        directory: the run's folder, or None if nothing was written.
        seconds: from the first epoch to the end of the evaluation.
    """

    metrics: dict[str, dict[str, float]]
    history: list[dict[str, Any]]
    model: Model
    directory: Path | None
    seconds: float


def run(
    spec: RunSpec,
    data: Data | Mapping[str, Data] | None = None,
    out: str | Path | None = None,
    *,
    numbered: bool = False,
    listener: Listener | None = None,
    registry: Registry | None = None,
    checked: Checked | None = None,
) -> RunResult:
    """Trains and evaluates a spec.

    Args:
        spec: the run.
        data: in place of the spec's: `(x, y)` or a `Dataset` to train on, or a mapping with
            `"train"` and, if wanted, `"validation"` and `"test"`.
        out: the folder to write the run to, new or empty; None writes nothing.
        numbered: whether to write to a new folder `<name>-<number>` within `out` instead.
        listener: called with each event of the training.
        registry: where fusions and initializers are looked up; default: all installed plugins.
        checked: what a check of the spec found, so that it need not be checked again.

    Raises:
        SpecError: the spec is wrong; nothing was written.
        DataError: the data is wrong; nothing was written.
        OutputError: the folder is not empty; nothing in it was touched.
        RunError: the run could not be finished; the folder says so and keeps what was logged. A
            component that raised is named with its distribution (`ComponentError`).
    """
    registry = registry or default_registry()
    with blaming_components(registry):
        prepared = prepare(spec, registry, _given(data) if data is not None else None, checked)
        trainer = Trainer(
            spec,
            prepared.model,
            prepared.data["train"],
            prepared.data.get("validation"),
            registry,
        )
    record = None
    if out is not None:
        manifest = first_manifest(
            spec, registry, prepared.data, prepared.model.input_shape, trainer.fusion
        )
        directory = claim_numbered(Path(out), spec.name) if numbered else claim(Path(out))
        record = Record(directory, resolved_toml(spec), manifest)
    return _recorded(spec, trainer, prepared, record, registry, listener)


def _recorded(
    spec: RunSpec,
    trainer: Trainer,
    prepared: Prepared,
    record: Record | None,
    registry: Registry,
    listener: Listener | None,
) -> RunResult:
    """Runs to the end, whichever it is, and sees to it that the folder tells of it."""
    start = time.perf_counter()
    model, directory = prepared.model, record.directory if record else None
    active = ActiveRun(spec.name, spec.training.epochs, directory, model)
    callbacks = Callbacks(spec.training.callbacks)
    try:
        with blaming_components(registry):
            callbacks.start(active)
            history = _train(trainer, record, listener, callbacks, active)
            metrics = _evaluate(spec, prepared, history[-1]["epoch"])
            seconds = time.perf_counter() - start
            if record is not None:
                record.finished(model, metrics, seconds, active.stopped)
            callbacks.finished(metrics)
    except BaseException as error:
        callbacks.failed(error)
        if record is not None:
            record.failed(model, error, time.perf_counter() - start)
        raise
    return RunResult(metrics, history, model, directory, seconds)


def _train(
    trainer: Trainer,
    record: Record | None,
    listener: Listener | None,
    callbacks: Callbacks,
    active: ActiveRun,
) -> list[dict[str, Any]]:
    history: list[dict[str, Any]] = []
    for event in trainer.events():
        if isinstance(event, EpochLogged):
            history.append(event.row())
            if record is not None:
                record.epoch(history[-1])
        if listener is not None:
            listener(event)
        if isinstance(event, EpochLogged):
            callbacks.epoch_finished(event)
            if active.stopped is not None:
                break
    return history


def _evaluate(spec: RunSpec, prepared: Prepared, epoch: int) -> dict[str, dict[str, float]]:
    model = prepared.model
    return {
        name: finite_evaluation(
            Evaluation(model, spec.loss, spec.training.metrics, data), model, epoch
        )
        for name, data in prepared.data.items()
    }


def _given(data: Data | Mapping[str, Data]) -> dict[str, Dataset]:
    named = data if isinstance(data, Mapping) else {"train": data}
    unknown = set(named) - {"train", "validation", "test"}
    if unknown or "train" not in named:
        raise DataError("data must have train and may have validation and test, nothing else")
    return {name: as_dataset(each, name) for name, each in named.items()}
