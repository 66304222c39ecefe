"""What the components of a run compute for synthetic rows, in the order of the computation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Self
from zlib import crc32

import numpy as np

from declnet.caching import computed_once
from declnet.contracts.arrays import Array, read_only
from declnet.contracts.component import Component, components_in
from declnet.contracts.data.dataset import Dataset
from declnet.contracts.data.table import Table, class_name
from declnet.contracts.network.layer import Layer
from declnet.contracts.network.metric import Metric
from declnet.contracts.network.schedule import Schedule
from declnet.contracts.returned import verified
from declnet.contracts.runs.observer import StepObserver
from declnet.data.batches import varied_inputs
from declnet.data.integer_limits import require_within
from declnet.data.preparing.preparation import FittedPreparation
from declnet.data.preparing.targets import ARRAY_TARGET, inverted_target
from declnet.data.synthetic_rows import SyntheticRows
from declnet.errors import KeyPath, dotted
from declnet.graph.inference import InferenceGraph
from declnet.graph.kernels import Kernels
from declnet.graph.model import Model
from declnet.graph.parameters import group_of, initializer_of
from declnet.graph.shapes import input_limits
from declnet.runs.inference.member import Member
from declnet.spec.heads import Head
from declnet.spec.model import RunSpec
from declnet.training.preparation import Prepared, ReadySet, make_ready, targets_for
from declnet.training.tasks import predictions_of
from declnet.training.trainer import Trainer

FACTORS = np.array([2654435761, 2246822519, 3266489917, 668265263], np.uint64)
"""Multiply a number's position, modulo 2^32, which gives its weight in each sum."""

CHUNK = 2**18
"""How many numbers are summed at a time."""

STEPS = 3
"""Training steps: momentum and the like have no effect on the first one."""

MOST_RATES = 64
"""Steps of the whole training whose scheduled values are computed, at most."""


Source = tuple[KeyPath, Component]
"""A component with its place in the spec."""


@dataclass(frozen=True, eq=False)
class Computed:
    """A result of a component.

    Attributes:
        what: which of its results this is.
        array: the result.
        sources: the component, with its place in the spec, and others that may have affected it.
    """

    what: str
    array: Any
    sources: tuple[Source, ...]

    @classmethod
    def by(cls, path: KeyPath, component: Component, what: str, array: Any) -> Self:
        """Return a result that depends on one component."""
        return cls(what, array, ((path, component),))

    @property
    def key(self) -> str:
        """The name of the result in the file."""
        return f"{dotted(self.sources[0][0])}: {self.what}"

    @property
    def sums(self) -> tuple[float, ...]:
        """The weighted sums of its numbers, rounded as they are stored."""
        values = np.asarray(self.array).reshape(-1)
        if values.dtype.kind == "O":  # text
            values = np.array([crc32(class_name(text).encode()) for text in values])
        total = np.zeros(len(FACTORS))
        for start in range(0, len(values), CHUNK):
            part = values[start : start + CHUNK].astype(float)
            places = np.arange(start + 1, start + 1 + len(part), dtype=np.uint64)
            weights = np.outer(FACTORS, places) % np.uint64(2**32) / 2.0**31 - 1
            total += weights @ part
        return tuple(float(f"{number:.10g}") for number in total)

    def is_close(self, stored: tuple[float, ...]) -> bool:
        """Return whether the sums are the stored ones, but for rounding in the result's type."""
        tolerance = 1e-4 if np.asarray(self.array).dtype == np.float32 else 1e-8
        largest = np.max(np.abs(stored), initial=0, where=np.isfinite(stored))
        return np.allclose(self.sums, stored, 0, tolerance * largest, equal_nan=True)


Compute = Callable[[SyntheticRows], Iterator[Computed]]
"""Yields the results of an aspect."""


def of_model(member: Member) -> dict[str, Compute]:
    """Return the aspects of a trained model."""
    return {
        "preparation": partial(_prepared, member.preparation),
        "predictions": partial(_predicted, member),
        "evaluation": partial(_evaluated, member),
    }


def of_training(prepared: Prepared) -> dict[str, Compute]:
    """Return the aspects of a training, whatever its state."""
    return {
        "preparation": partial(_prepared, prepared.preparation),
        "training": partial(_trained, prepared),
    }


def _prepared(preparation: FittedPreparation, rows: SyntheticRows) -> Iterator[Computed]:
    """Yield each column after each transform."""
    records = rows.data(preparation).records
    columns, _ = replace(preparation, steps=()).transformed(records, preparation.types)
    for step in preparation.steps:
        alone = replace(preparation, steps=(step,))
        columns, _ = alone.transformed(Table(columns), None)
        for name in step.states:
            path = ("data", "prepare", step.number)
            yield Computed.by(path, step.transform, f'column "{name}"', columns[name])


def _samples(rows: SyntheticRows, preparation: FittedPreparation, model: Model) -> Dataset:
    """Return as many samples as the model computes together, with inputs in its types."""

    def prepare() -> Dataset:
        dataset = rows.prepared(preparation)
        samples = dataset.take(np.arange(min(len(dataset), model.samples_at_once)))
        x = model.as_input(samples.inputs)
        require_within(x, input_limits(model.nodes), samples.sample_name)
        return replace(samples, x=x)

    return computed_once((rows, preparation, model.network), ("samples", model.dtype), prepare)


def _predicted(member: Member, rows: SyntheticRows) -> Iterator[Computed]:
    """Yield each layer's output, then each loss's predictions after each step up to the user's."""
    model, preparation = member.model, member.preparation
    samples = _samples(rows, preparation, model)
    x = {name: np.asarray(array) for name, array in samples.inputs.items()}
    outputs = {}
    for node, y in InferenceGraph(model.network, model.store, len(samples)).by_layer(x):
        yield Computed.by(_at(node.index), node.layer, "output", y)
        if node.name in model.outputs:
            outputs[node.name] = y.copy()
    for head in member.spec.heads:
        y_pred = predictions_of(head.loss, outputs[model.output(head.output).name])
        yield Computed.by(head.path, head.loss, "predictions", y_pred)
        name = head.target_among(preparation.target_steps)
        steps = preparation.target_steps[name] if name is not None else ()
        for number, step in reversed([*enumerate(steps)]):
            y_pred = inverted_target(y_pred, [step])
            target = name or (*preparation.target_columns, ARRAY_TARGET)[0]
            path: KeyPath = ("data", "prepare_targets", target, number)
            yield Computed.by(path, step.transform, "predictions", y_pred)
        if head.name in member.calibrations:
            calibration = member.calibrations[head.name]
            for number, fitted in enumerate(calibration.steps):
                alone = replace(calibration, steps=(fitted,))
                y_pred = alone.apply(y_pred)
                added = (alone.threshold, *(alone.intervals(y_pred) or ()), alone.sets(y_pred))
                results = [np.ravel(part) for part in (y_pred, *added) if part is not None]
                path = (*head.calibration_path, number)
                yield Computed.by(path, fitted.calibrator, "predictions", np.concatenate(results))


def _evaluated(member: Member, rows: SyntheticRows) -> Iterator[Computed]:
    """Yield each loss of each sample, and each metric."""
    model, preparation = member.model, member.preparation
    samples = _samples(rows, preparation, model)
    y_preds, outputs = model.compute(samples.inputs), member.outputs(samples.inputs)
    for head in member.heads:
        y, y_true = targets_for(head, samples, model, preparation, "synthetic data")
        losses = np.empty(len(samples), model.dtype)
        y_pred = read_only(y_preds[model.output(head.output).name])
        head.loss.forward(y_pred, read_only(y_true), losses)
        yield Computed.by(head.path, head.loss, "losses", losses)
        for source, value in _metrics(head, outputs[head.name], y):
            yield Computed("value", value, (source,))


def _metrics(head: Head, outputs: Array, y: Array) -> Iterator[tuple[Source, Array]]:
    """Yield each metric of a loss with its value; NaN if it has none for these rows."""
    for number, metric in head.metrics.items():
        try:
            state = metric.start()
            metric.update(state, read_only(outputs), read_only(y))
            value = verified(Metric.result, metric, state)
        except Exception:  # e.g. a correlation of constants
            value = np.nan
        yield ((*head.metrics_path, number), metric), np.array([value], outputs.dtype)


def _trained(prepared: Prepared, rows: SyntheticRows) -> Iterator[Computed]:
    """Yield the results of training steps on all rows together, from new initial parameters."""
    spec, before = prepared.spec, prepared.model
    registry = prepared.registry.preferring(spec.model.preferred)
    model = Model(before.network, before.dtype, spec.optimizer.groups)
    model.store.initialize(spec.seed, registry)
    for slot in model.store.slots:
        initializer, w = initializer_of(slot.parameter, registry), model.store.arrays[slot.key]
        yield Computed.by(_at(slot.node), initializer, f"initial {slot.name}", w)
    total = spec.training.updates(len(prepared.data["train"]))
    at = np.linspace(1, total, min(total, MOST_RATES)).astype(int).tolist()
    for path, schedule in components_in(spec):
        if isinstance(schedule, Schedule):
            rates = np.array([schedule.rate(step, total) for step in at])
            yield Computed.by(path, schedule, "rates", rates)
    samples = _samples(rows, prepared.preparation, model)
    for name, varying in varied_inputs(samples.inputs, spec.data.prepare).items():
        for transform in varying:
            x = np.array(samples.inputs[name])
            rng = np.random.Generator(np.random.PCG64(0))
            transform.vary(x, rng)
            path = ("data", "prepare", spec.data.prepare.index(transform))
            yield Computed.by(path, transform, f'input "{name}"', x)
    whole = {"batch_size": None, "accumulate": 1, "max_steps": None, "epochs": STEPS}
    update = {"training": spec.training.model_copy(update=whole)}
    spec = spec.model_copy(update=update)
    ready = make_ready(samples, model, spec.heads, prepared.preparation, "synthetic")
    data = {"train": ReadySet.in_memory(ready)}
    trainer = Trainer(replace(prepared, spec=spec, model=model, data=data), Kernels())
    trainer.is_adapted = True
    for step in range(1, STEPS + 1):
        observer = _Recorder(spec, model, ready.y, f"in step {step}")
        trainer.advance(1, observer=observer, explain=False)
        yield from observer.results


class _Recorder(StepObserver):
    """Keeps the results of a training step."""

    def __init__(self, spec: RunSpec, model: Model, ys: Sequence[Array], step: str) -> None:
        self._spec, self._model, self._ys, self._step = spec, model, ys, step
        self._layers = [(_at(node.index), node.layer) for node in model.nodes]
        self._losses = [(head.path, head.loss) for head in spec.heads]
        self.results: list[Computed] = []

    def _add(self, what: str, array: Array, *sources: Source) -> None:
        self.results.append(Computed(f"{what} {self._step}", array.copy(), sources))

    def forward(self, name: str, layer: Layer, y: Array) -> None:
        """Keep the output of a layer."""
        index = next(node.index for node in self._model.nodes if node.name == name)
        self._add("output", y, (_at(index), layer))

    def losses(self, y_pred: Array, y_true: Any, losses: Array, name: str) -> None:  # noqa: ARG002
        """Keep the losses, and the metrics of the same predictions."""
        at = [head.name for head in self._spec.heads].index(name)
        self._add("losses", losses, self._losses[at])
        head = self._spec.heads[at]
        for source, value in _metrics(head, predictions_of(head.loss, y_pred), self._ys[at]):
            self._add("value", value, source)

    def gradients(self, parameters: Mapping[str, Array], gradients: Mapping[str, Array]) -> None:
        """Keep what regularizers add, then all gradients, which later layers affect too."""
        for slot in self._model.store.regularized:
            regularizer, w = slot.parameter.regularizer, parameters[slot.key]
            if regularizer is not None:
                dw = np.zeros_like(w)
                regularizer.add_gradient(w, dw)
                added = np.append(dw, regularizer.penalty(w))
                self._add(f"penalty of {slot.name}", added, (_at(slot.node), regularizer))
        for slot in reversed(self._model.store.slots):
            if slot.key in gradients:
                sources = *self._layers[slot.node :], *self._losses
                self._add(f"gradient of {slot.name}", gradients[slot.key], *sources)

    def updated(self, before: Mapping[str, Array], after: Mapping[str, Array], rate: float) -> None:  # noqa: ARG002
        """Keep the updated parameters."""
        groups = self._spec.optimizer.groups
        for key, w in after.items():
            group = group_of(key, groups)
            used = groups[group].optimizer if group >= 0 else self._spec.optimizer
            self._add(key, w, (("optimizer",), used))


def _at(index: int) -> KeyPath:
    """Return the place of a layer in the spec."""
    return "model", "layers", index
