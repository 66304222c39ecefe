"""Preparation of a run: check the spec, load the data for the model and the loss, build it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

import numpy as np

from declnet.contracts.arrays import Array, Dtype, MappedArray, read_only
from declnet.contracts.data.data_source import Dataset
from declnet.contracts.network.inputs import Inputs, by_name, for_each, sample_count
from declnet.contracts.network.loss import Loss
from declnet.contracts.returned import verified
from declnet.data.preparing.preparation import FittedPreparation
from declnet.data.preparing.targets import inverted_target, wanted_targets
from declnet.data.sharing import made_once
from declnet.data.sources.loading import fingerprint
from declnet.data.splits import Data
from declnet.data.streaming.fitting import prepared_sets
from declnet.data.streaming.source import read_ahead
from declnet.data.streaming.streamed_set import StreamedSet
from declnet.errors import ChangedFileError, DataError, error_message
from declnet.graph.model import Model, build_model
from declnet.registry.registry import Registry
from declnet.spec.heads import Head
from declnet.spec.model import RunSpec
from declnet.training.checks.check import Checked, check_spec
from declnet.training.metrics import Unscale
from declnet.training.prepared_copy import PreparedCopy


@dataclass(frozen=True, eq=False)
class ReadyData:
    """Arrays in the types that a model and a loss compute with, which components only read.

    Attributes:
        x: in the model's type, batch-first; several inputs by name.
        y: the target of each loss, as passed by the user, for metrics.
        y_true: the target of each loss, as prepared by it.
        weights: (n,) in the model's type; None if all samples are weighted equally.
        class_names: the names of the labels 0, 1, 2, …, if known.
        unscale: for each loss with a prepared target, how to invert that in predictions.
    """

    x: Inputs
    y: tuple[Array, ...]
    y_true: tuple[Array, ...]
    fingerprint: str
    weights: Array | None = None
    class_names: tuple[str, ...] | None = None
    unscale: Mapping[int, Unscale] = field(default_factory=dict)

    def __len__(self) -> int:
        return sample_count(self.x)

    def parts(self) -> Iterator[ReadyData]:
        """Yield all samples: these."""
        yield self

    @property
    def arrays(self) -> list[Array]:
        """All arrays of samples."""
        inputs = [np.asarray(each) for each in by_name(self.x).values()]
        return [*inputs, *self.y, *self.y_true, *([] if self.weights is None else [self.weights])]

    def with_arrays(self, arrays: Sequence[Array]) -> ReadyData:
        """Return the same with other arrays, in the order of `arrays`."""
        names, heads = list(by_name(self.x)), len(self.y)
        inputs, rest = dict(zip(names, arrays, strict=False)), arrays[len(names) :]
        return replace(
            self,
            x=inputs if isinstance(self.x, Mapping) else inputs[names[0]],
            y=tuple(rest[:heads]),
            y_true=tuple(rest[heads : 2 * heads]),
            weights=rest[2 * heads] if len(rest) > 2 * heads else None,
        )


@dataclass(frozen=True, eq=False)
class ReadyStream:
    """A streamed data set, read in the types that a model and its losses compute with.

    Attributes:
        sizes: the number of samples in each block.
        prepare: reads and prepares the samples in a block, from any thread.
        window: about how many samples are in memory and shuffled at a time.
        class_names: the names of the labels 0, 1, 2, …, if known.
        unscale: for each loss with a prepared target, how to invert that in predictions.
        groups: as for `Blocks`.
        copy: keeps blocks that were prepared; None if they are prepared whenever they are read.
    """

    sizes: tuple[int, ...]
    prepare: Callable[[int], ReadyData]
    fingerprint: str
    window: int
    class_names: tuple[str, ...] | None = None
    unscale: Mapping[int, Unscale] = field(default_factory=dict)
    groups: tuple[int, ...] = ()
    copy: PreparedCopy | None = None

    @classmethod
    def of(
        cls,
        streamed: StreamedSet,
        model: Model,
        heads: Sequence[Head],
        preparation: FittedPreparation | None,
        label: str,
    ) -> ReadyStream:
        """Return a prepared stream for a model and its losses; arguments as for `make_ready`."""

        def read(number: int) -> ReadyData:
            part = streamed.read(number)
            return make_ready(part, model, heads, preparation, label, hashed=False)

        return cls(
            streamed.sizes,
            read,
            streamed.fingerprint,
            streamed.window,
            streamed.class_names,
            unscaling(heads, preparation),
            streamed.groups,
            PreparedCopy(streamed.sizes) if streamed.copied else None,
        )

    def __len__(self) -> int:
        return sum(self.sizes)

    @cached_property
    def like(self) -> ReadyData:
        """The samples of the first block, in whose types and shapes all of them are."""
        with ChangedFileError.during("the start of the training"):
            return self._kept(next(at for at, size in enumerate(self.sizes) if size))

    def read(self, number: int) -> ReadyData:
        """Return the samples in a block, from any thread."""
        if self.copy is None:
            return self.prepare(number)
        size = self.sizes[number]
        arrays = [np.empty((size, *each.shape[1:]), each.dtype) for each in self.like.arrays]
        if self.copy.fill(number, arrays):
            return self.like.with_arrays(arrays)
        return self._kept(number)

    def fill(self, number: int, arrays: Sequence[Array]) -> None:
        """Fill arrays (size, …), ordered as `ReadyData.arrays`, with the samples in a block."""
        if self.copy is not None and self.copy.fill(number, arrays):
            return
        for memory, own in zip(arrays, self._kept(number).arrays, strict=True):
            memory[...] = own

    def _kept(self, number: int) -> ReadyData:
        """Prepare the samples in a block, and keep them."""
        found = self.prepare(number)
        if self.copy is not None:
            self.copy.keep(number, found.arrays)
        return found

    def parts(self) -> Iterator[ReadyData]:
        """Yield all samples in order, block by block."""
        return read_ahead(self.read, (at for at, size in enumerate(self.sizes) if size))


ReadySet = ReadyData | ReadyStream


def in_memory(data: ReadySet) -> ReadyData:
    """Return the data, all in memory; raise DataError if it is streamed."""
    if isinstance(data, ReadyStream):
        raise DataError(
            "this needs the data in memory, but it is streamed",
            hint="copy some of the rows to a file, and set data.stream = false",
            path=("data", "stream"),
            code="E017",
        )
    return data


def make_ready(
    dataset: Dataset,
    model: Model,
    heads: Sequence[Head],
    preparation: FittedPreparation | None,
    label: str,
    *,
    hashed: bool = True,
) -> ReadyData:
    """Convert a data set for a model and its losses.

    Args:
        heads: the losses.
        preparation: the preparation of the training data, and of its targets, if there is any.
        label: the data set's name in messages, e.g. `"train"`.
        hashed: whether the fingerprint is needed.

    Raises:
        DataError: the data does not match the model or a loss.
    """
    pairs = [targets_for(head, dataset, model, preparation, f"{label} data") for head in heads]
    weights, x = dataset.weights, _converted(dataset.x, model, label)
    return ReadyData(
        for_each(_read_only, x),
        tuple(read_only(y) for y, _ in pairs),
        tuple(read_only(y_true) for _, y_true in pairs),
        fingerprint(dataset) if hashed else "",
        _weights_as(model.dtype, weights, label) if weights is not None else None,
        dataset.class_names,
        unscaling(heads, preparation),
    )


def targets_for(
    head: Head,
    dataset: Dataset,
    model: Model,
    preparation: FittedPreparation | None,
    called: str,
) -> tuple[Array, Array]:
    """Return the target of a loss as passed by the user, and as prepared by the loss.

    Args:
        called: the data in messages.

    Raises:
        DataError: the data does not have the target, or it does not match the model or the loss.
    """
    ys = by_name(dataset.y)
    name = head.target_among(ys)
    if name is None:
        raise DataError(missing_target(head.target or head.name, ys, called), path=head.path)
    y: Array = ys[name]
    prepared = y if preparation is None else preparation.target_as_prepared(y, name)
    shape = model.output(head.output).output_shape
    try:
        y_true = verified(Loss.prepare, head.loss, prepared, shape, model.dtype)
    except ValueError as error:
        of = f"{head.name}: " if head.name else ""
        raise DataError(f"{called}: {of}{error_message(error)}") from None
    return y, y_true


def missing_target(name: str, targets: Iterable[str], called: str) -> str:
    """Return the message that the data does not have the target of a loss."""
    listed = ", ".join(each or "y, without a name" for each in targets)
    if not name:
        return f"{called} has the targets {listed}, but [loss] takes one"
    return f'{called} has no target "{name}" (it has {listed})'


def unscaling(heads: Sequence[Head], preparation: FittedPreparation | None) -> dict[int, Unscale]:
    """Return, for each loss with a prepared target, how to invert that in predictions."""
    steps = preparation.target_steps if preparation is not None else {}
    named = ((number, head.target_among(steps)) for number, head in enumerate(heads))
    known = {number: steps[name] for number, name in named if name is not None}
    return {number: partial(inverted_target, steps=own) for number, own in known.items()}


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


def _size(data: ReadyData) -> int:
    """Return the bytes of a data set's arrays."""
    arrays = *by_name(data.x).values(), *data.y, *data.y_true
    return sum(each.nbytes for each in arrays if isinstance(each, np.ndarray))


def _read_only(x: Array | MappedArray) -> Array | MappedArray:
    return x if isinstance(x, MappedArray) else read_only(x)


def _converted(x: Inputs, model: Model, label: str) -> Inputs:
    """Return finite x in the model's type; raise DataError if a number is too large for it."""
    with np.errstate(over="ignore"):
        converted: Inputs = model.as_input(x)
    given = by_name(x)
    for name, each in by_name(converted).items():
        before = given[name] if name in given else next(iter(given.values()))
        if isinstance(each, np.ndarray) and each.dtype != before.dtype:
            finite = np.isfinite(each).reshape(len(each), -1).all(axis=1)
            if not finite.all():
                of = f' of "{name}"' if name else ""
                raise DataError(
                    f"{label} data: sample {np.argmin(finite) + 1}{of} has a number that is too "
                    f"large for {each.dtype}",
                    hint='correct it, or use dtype = "float64" in [model]',
                )
    return converted


@dataclass(frozen=True, eq=False)
class Prepared:
    """Everything that a run needs.

    Attributes:
        model: the model, with initialized parameters.
        data: `train`, and `validation` and `test` if they exist.
        preparation: the preparation to apply to other data before the model; None if the model
            takes arrays unchanged.
    """

    model: Model
    data: dict[str, ReadySet]
    preparation: FittedPreparation | None = None


def prepare(
    spec: RunSpec,
    registry: Registry,
    given: Mapping[str, Data] | None = None,
    checked: Checked | None = None,
) -> Prepared:
    """Check a spec, load and prepare its data, and build its model.

    Args:
        given: data sets by name, in place of the spec's.
        checked: the result of a check of the same spec and data, if there was one.

    Raises:
        SpecError: lists every error that can be found before the data is loaded.
        DataError: the data is invalid.
        WeightsError: the initial weights are invalid.
    """
    checked = checked or check_spec(spec, registry, given, suspects=False)
    checked.require_right()
    sets = checked.sets or prepared_sets(spec.data, wanted_targets(spec.heads), spec.seed, given)
    model = build_model(spec.model, sets.input_infos, spec.seed, registry, spec.optimizer.groups)
    heads, preparation = spec.heads, sets.preparation
    ready: dict[str, ReadySet] = {
        name: ReadyStream.of(each, model, heads, preparation, name)
        for name, each in sets.streams.items()
    }
    # of a stream, what is in memory is a sample
    for name, each in ({} if ready else sets.datasets).items():
        made_of, about = (each, preparation, model.nodes), ("ready", name, spec.model, heads)
        make = partial(make_ready, each, model, heads, preparation, name)
        ready[name] = made_once(made_of, about, make, _size)
    return Prepared(model, ready, sets.preparation)
