"""Preparation of a run: check the spec, load the data for the model and the loss, build it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Any

import numpy as np

from declnet.caching import computed_once
from declnet.contracts.arrays import Array, Dtype, MappedArray, read_only
from declnet.contracts.data.dataset import Dataset
from declnet.contracts.data.sample_arrays import SampleArrays
from declnet.contracts.network.inputs import Inputs, sample_count
from declnet.contracts.network.loss import Loss
from declnet.contracts.returned import verified
from declnet.data.block_file import PreparedCopy
from declnet.data.blocks import BlockSet
from declnet.data.preparing.preparation import FittedPreparation
from declnet.data.preparing.targets import inverted_target, loss_targets_of
from declnet.data.sources.loading import fingerprint
from declnet.data.splits import Data
from declnet.data.streaming.fitting import prepared_sets
from declnet.data.synthetic_rows import SyntheticRows
from declnet.errors import ChangedFileError, DataError, error_message
from declnet.graph.model import Model, initialized_model, network_of
from declnet.registry.registry import Registry
from declnet.spec.heads import Head
from declnet.spec.model import RunSpec
from declnet.training.checks.check import Checked, check_spec
from declnet.training.metrics import Unscale


@dataclass(frozen=True, eq=False)
class ReadyData(SampleArrays):
    """Arrays in the types that a model and a loss compute with, which components only read.

    Attributes:
        x: the inputs in the model's types, batch-first.
        y: the target of each loss, as passed by the user, for metrics.
        y_true: the target of each loss, as prepared by it.
        weights: (n,) in the model's type; None if all samples are weighted equally.
    """

    x: Inputs
    y: tuple[Array, ...]
    y_true: tuple[Array, ...]
    weights: Array | None = None

    def __len__(self) -> int:
        return sample_count(self.x)

    @property
    def arrays(self) -> dict[str, Array | MappedArray]:
        """All arrays of samples."""
        weights = {} if self.weights is None else {"weights": self.weights}
        inputs = {f"x {name}": x for name, x in self.x.items()}
        ys = {f"y {number}": y for number, y in enumerate(self.y)}
        return {**inputs, **ys, **{f"loss {n}": y for n, y in enumerate(self.y_true)}, **weights}

    def as_dtype(self, dtype: Dtype) -> ReadyData:
        """Return copies of the samples with floating-point inputs and targets in another type."""

        def converted(array: Array | MappedArray) -> Array:
            samples = np.asarray(array)
            return samples.astype(dtype if samples.dtype.kind == "f" else samples.dtype)

        return ReadyData(
            {name: converted(x) for name, x in self.x.items()},
            self.y,
            tuple(map(converted, self.y_true)),
            None if self.weights is None else converted(self.weights),
        )

    def with_arrays(self, arrays: Mapping[str, Any], rows: Array | None = None) -> ReadyData:  # noqa: ARG002
        """Return other samples with the same inputs and losses."""
        return ReadyData(
            {name: arrays[f"x {name}"] for name in self.x},
            tuple(arrays[f"y {number}"] for number in range(len(self.y))),
            tuple(arrays[f"loss {number}"] for number in range(len(self.y))),
            arrays.get("weights"),
        )


@dataclass(frozen=True, eq=False)
class ReadySet(BlockSet[ReadyData]):
    """A data set in the types that a model and its losses compute with.

    Attributes:
        unscale: for each loss with a prepared target, how to invert that in predictions.
        references: as of `Dataset`; none if the data is streamed.
    """

    unscale: Mapping[int, Unscale] = field(default_factory=dict)
    references: Mapping[str, Mapping[str, Array]] = field(default_factory=dict)

    @classmethod
    def of(
        cls,
        blocks: BlockSet[Dataset],
        model: Model,
        heads: Sequence[Head],
        preparation: FittedPreparation,
        label: str,
    ) -> ReadySet:
        """Return a prepared data set for a model and its losses; arguments as for `make_ready`."""

        def prepare(number: int) -> ReadyData:
            return make_ready(blocks.read(number), model, heads, preparation, label)

        unscale = unscaling(heads, preparation)
        if blocks.window is None:
            ready, whole = prepare(0), blocks.whole
            references = whole.references
            return cls.in_memory(
                ready, fingerprint=fingerprint(whole), unscale=unscale, references=references
            )
        return cls(
            blocks.sizes,
            PreparedCopy(blocks.sizes, prepare) if blocks.copied else prepare,
            blocks.fingerprint,
            blocks.window,
            blocks.groups,
            blocks.copied,
            unscale,
        )

    @cached_property
    def like(self) -> ReadyData:
        """The samples of the first block, in whose types and shapes all of them are."""
        with ChangedFileError.during("the start of the training"):
            return self.read(next(number for number, size in enumerate(self.sizes) if size))


def make_ready(
    dataset: Dataset,
    model: Model,
    heads: Sequence[Head],
    preparation: FittedPreparation,
    label: str,
) -> ReadyData:
    """Convert a data set for a model and its losses.

    Args:
        heads: the losses.
        preparation: the preparation of the training data, and of its targets.
        label: the data set's name in messages, e.g. `"train"`.

    Raises:
        DataError: the data does not match the model or a loss.
    """
    pairs = [targets_for(head, dataset, model, preparation, f"{label} data") for head in heads]
    weights, x = dataset.weights, _converted(dataset.inputs, model, label)
    return ReadyData(
        {name: read_only(array) for name, array in x.items()},
        tuple(read_only(y) for y, _ in pairs),
        tuple(read_only(y_true) for _, y_true in pairs),
        _weights_as(model.dtype, weights, label) if weights is not None else None,
    )


def targets_for(
    head: Head,
    dataset: Dataset,
    model: Model,
    preparation: FittedPreparation,
    called: str,
) -> tuple[Array, Array]:
    """Return the target of a loss as passed by the user, and as prepared by the loss.

    Args:
        called: the data in messages.

    Raises:
        DataError: the data does not have the target, or it does not match the model or the loss.
    """
    name = head.target_among(dataset.targets)
    if name is None:
        message = missing_target(head.target or head.name, dataset.targets, called)
        raise DataError(message, path=head.path)
    y = dataset.targets[name]
    prepared = preparation.target_as_prepared(y, name)
    shape = model.output(head.output).output_shape
    try:
        y_true = verified(Loss.prepare, head.loss, prepared, shape, model.dtype)
    except ValueError as error:
        label = f"{head.name}: " if head.name else ""
        raise DataError(f"{called}: {label}{error_message(error)}") from None
    return y, y_true


def missing_target(name: str, targets: Iterable[str], called: str) -> str:
    """Return the message that the data does not have the target of a loss."""
    listed = ", ".join(target or "y, without a name" for target in targets)
    if not name:
        return f"{called} has the targets {listed}, but [loss] takes one"
    return f'{called} has no target "{name}" (it has {listed})'


def unscaling(heads: Sequence[Head], preparation: FittedPreparation) -> dict[int, Unscale]:
    """Return, for each loss with a prepared target, how to invert that in predictions."""
    steps = preparation.target_steps
    named = ((number, head.target_among(steps)) for number, head in enumerate(heads))
    known = {number: steps[name] for number, name in named if name is not None}
    return {
        number: partial(inverted_target, steps=transforms) for number, transforms in known.items()
    }


def _weights_as(dtype: Dtype, weights: Array, label: str) -> Array:
    """Return sample weights in the model's type; raise DataError if it cannot add them up."""
    most = float(np.finfo(dtype).max) ** 0.5
    with np.errstate(over="ignore"):
        total = float(np.sum(weights, dtype=float))
    if total and not 1 / most <= total <= most:
        raise DataError(
            f"{label} data: the sample weights add up to {total:.3g}, beyond what {dtype} can "
            "average",
            hint="divide all weights by their mean",
        )
    return weights.astype(dtype)


def _converted(x: Inputs, model: Model, label: str) -> Inputs:
    """Return finite x in the model's type; raise DataError if a number is too large for it."""
    with np.errstate(over="ignore"):
        converted = model.as_input(x)
    for name, array in converted.items():
        before = x[name] if name in x else next(iter(x.values()))
        if isinstance(array, np.ndarray) and array.dtype != before.dtype:
            finite = np.isfinite(array).reshape(len(array), -1).all(axis=1)
            if not finite.all():
                named = f' of "{name}"' if name else ""
                raise DataError(
                    f"{label} data: sample {np.argmin(finite) + 1}{named} has a number that is too "
                    f"large for {array.dtype}",
                    hint='correct it, or use dtype = "float64" in [model]',
                )
    return converted


@dataclass(frozen=True, eq=False)
class Prepared:
    """The result of checking a spec, loading its data and building its model.

    Attributes:
        registry: where names are looked up, as the spec sees it.
        model: the model, with initialized parameters.
        data: `train`, and `validation` and `test` if they exist.
        preparation: the preparation to apply to other data before the model.
        rows: rows like the training data's, for which a run stores what its components compute;
            None if there are none.
        part_of: as of `PreparedSets`.
    """

    spec: RunSpec
    registry: Registry
    model: Model
    data: dict[str, ReadySet]
    preparation: FittedPreparation
    rows: SyntheticRows | None = None
    part_of: Array | None = None


def prepare(
    spec: RunSpec,
    registry: Registry,
    data: Mapping[str, Data] | None = None,
    checked: Checked | None = None,
) -> Prepared:
    """Check a spec, load and prepare its data, and build its model.

    Args:
        data: data sets by name, in place of the spec's.
        checked: the result of a check of the same spec and data, if there was one.

    Raises:
        SpecError: lists every error that can be found before the data is loaded.
        DataError: the data is invalid.
        WeightsError: the initial weights are invalid.
    """
    checked = checked or check_spec(spec, registry, data, suspects=False)
    checked.require_right()
    heads, optimizer = spec.heads, spec.optimizer
    sets = checked.sets or prepared_sets(spec.data, loss_targets_of(heads), spec.seed, data)
    network, inputs = checked.network, sets.input_infos
    if network is None or network.inputs != inputs:
        network = network_of(spec.model, inputs, registry)
    model = initialized_model(network, spec.model, spec.seed, registry, optimizer.groups)
    ready: dict[str, ReadySet] = {}
    for name, blocks in sets.blocks.items():
        make = partial(ReadySet.of, blocks, model, heads, sets.preparation, name)
        if blocks.window is None:
            sources, key = (blocks, sets.preparation, model.network), (name, spec.model, heads)
            ready[name] = computed_once(sources, ("ready", *key), make, lambda x: x.whole.nbytes)
        else:  # whose copies are not kept for other runs
            ready[name] = make()
    draw = partial(SyntheticRows.drawn, sets.raw["train"], sets.preparation, heads)
    rows = computed_once((sets,), ("rows", heads), draw)
    return Prepared(spec, registry, model, ready, sets.preparation, rows, sets.part_of)
