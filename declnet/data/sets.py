"""Loading, splitting, preparing and weighting the data sets of a run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from declnet.caching import computed_once
from declnet.contracts.arrays import Array
from declnet.contracts.data.data_source import DataSource
from declnet.contracts.data.dataset import Dataset
from declnet.contracts.data.table import Table
from declnet.contracts.data.transform import Transform, TransformState
from declnet.contracts.network.inputs import UNNAMED, InputInfo
from declnet.contracts.returned import verified
from declnet.data.batches import varied_inputs
from declnet.data.blocks import BlockSet
from declnet.data.columns import labels_of, refuse_rows, require_known, table_with
from declnet.data.preparing.preparation import FittedPreparation, fit_preparation
from declnet.data.preparing.target_encoding import (
    TargetEncoding,
    target_encodings,
    with_chosen_labels,
)
from declnet.data.preparing.targets import (
    Fit,
    LossTarget,
    fit_target_steps,
    fit_to_all,
    only_target_column,
)
from declnet.data.preparing.windows import Windows
from declnet.data.sources.loading import checked, load_source
from declnet.data.splits import (
    NAMES,
    Data,
    distinct,
    fold_positions,
    one_fold,
    parts_of_validation,
    split_positions,
)
from declnet.errors import DataError
from declnet.registry.spelling import suggestion
from declnet.spec.data_section import DataSpec
from declnet.spec.streams import DataSet

Balance = Literal["balanced"] | Mapping[str, float]

AT_CLASSES = ("data", "class_weights")
AT_SAMPLES = ("data", "sample_weights")

SUGGESTED = 100
"""Classes without names that a message may suggest."""


def class_weights(
    sizes: Mapping[int, int], names: Sequence[str] | None, balance: Balance
) -> dict[int, float]:
    """Return the weights by label; other labels weigh 1.

    Balanced weights are n / (classes * samples of the class), so that all classes have equal total
    weight.

    Args:
        sizes: the number of samples with each label.
        names: the names of the classes, if known.
    """
    if balance == "balanced":
        total, known = sum(sizes.values()), sum(size > 0 for size in sizes.values())
        return {label: total / (known * size) for label, size in sizes.items() if size > 0}
    classes = max(sizes, default=-1) + 1
    return {label_of_class(name, names, classes): weight for name, weight in balance.items()}


def label_of_class(name: str, names: Sequence[str] | None, classes: int) -> int:
    """Return the label of a class that has a weight; raise DataError if there is no such class.

    Args:
        names: the names of the classes; None if they are the numbers from 0 on.
        classes: their number.
    """
    if names is not None and name in names:
        return names.index(name)
    if names is None and len(name) <= len(str(classes)) and name.isdecimal():
        label = int(name)
        if label < classes and name == str(label):
            return label
    known = names if names is not None else [str(index) for index in range(min(classes, SUGGESTED))]
    hint, path = suggestion(name, known, "classes"), (*AT_CLASSES, name)
    raise DataError(f'there is no class "{name}"', hint=hint, path=path, code="E034")


def _weights_in_column(data: Data, name: str) -> Array:
    """Return the weights (n,) in a column of a table."""
    table = table_with(name, data, AT_SAMPLES, "column of weights")
    column = table.columns[name]
    if column.dtype.kind not in "fiub":
        fault = "is text, not weights"
        raise DataError.in_cell(None, name, fault, path=AT_SAMPLES, code="E036")
    refuse_rows(
        table,
        name,
        ~(np.isfinite(column) & (column >= 0)),
        lambda weight: f"is {weight}",
        hint="a weight is a number of at least 0",
        path=AT_SAMPLES,
        code="E036",
    )
    return column.astype(float)


def _labels(dataset: Dataset) -> Array:
    if UNNAMED not in dataset.targets:
        raise DataError(
            "class weights need a single target, but there are several",
            hint="use sample_weights instead",
            path=AT_CLASSES,
            code="E036",
        )
    labels = labels_of(dataset.targets[UNNAMED])
    if labels is None:
        raise DataError(
            "y holds numbers, so there are no classes to weight", path=AT_CLASSES, code="E036"
        )
    return labels


@dataclass(frozen=True, eq=False)
class PreparedSets:
    """The data sets of a run.

    Attributes:
        blocks: the prepared data sets.
        preparation: the preparation to apply to other data.
        raw: samples in memory before their preparation: all of them, or of streams a sample of the
            training data.
        datasets: the same samples, prepared.
        class_weights: the weights by label; None if they are equal.
        part_of: the part (n,) of the validation data that each sample belongs to; None if that is
            missing, streamed or too small.
    """

    blocks: Mapping[str, BlockSet[Dataset]]
    preparation: FittedPreparation
    raw: Mapping[str, Data]
    datasets: Mapping[str, Dataset]
    class_weights: Mapping[int, float] | None = None
    part_of: Array | None = None

    @property
    def is_streamed(self) -> bool:
        """Whether `raw` and `datasets` are a sample of the training data."""
        return self.blocks["train"].window is not None

    @property
    def input_infos(self) -> dict[str, InputInfo]:
        """What is known about each input of the model, by name."""
        return self.preparation.input_infos(self.datasets["train"].inputs)


def split_and_prepared(
    loaded: Mapping[str, Data], spec: DataSpec, loss_targets: Sequence[LossTarget], seed: int
) -> PreparedSets:
    """Split and prepare loaded data; runs that share data and split do so once."""

    def make() -> PreparedSets:
        if spec.is_cross_validation:
            _require_classes_in_each_fold(loaded, spec, loss_targets, seed)
        sets = prepare_sets(split_sets(loaded, spec, seed), spec, loss_targets)
        if "validation" not in sets.raw:
            return sets
        samples = len(sets.datasets["validation"])
        part_of = parts_of_validation(sets.raw["validation"], samples, spec, key_seed or 0)
        return replace(sets, part_of=part_of)

    def size(sets: PreparedSets) -> int:
        return sum(data.nbytes for data in (*sets.raw.values(), *sets.datasets.values()))

    is_split = spec.folds is not None or any(name not in loaded for name in spec.fractions)
    key_seed = seed if is_split else None
    key = "sets", tuple(loaded), spec, tuple(loss_targets), key_seed
    return computed_once(tuple(loaded.values()), key, make, size)


def load_sets(spec: DataSpec, seed: int) -> dict[str, Data]:
    """Load the data sources, converting all columns to the types of the training data.

    Raises:
        DataError: a source cannot be loaded; the error's path starts with the data set's.
    """
    if spec.stream is not None:
        raise DataError(
            "the data is streamed, so it cannot be loaded as a whole",
            hint="use a file with some of the rows instead",
            path=("data", "stream"),
            code="E017",
        )
    loaded: dict[str, Data] = {}
    for name, source in spec.sources.items():
        train = loaded.get("train")
        settled = source
        if isinstance(train, Table):
            settled = verified(DataSource.with_types, source, train.types)
        try:
            loaded[name] = load_source(settled, seed, DataSet[name.upper()])
        except DataError as error:
            path = ("data", name, *error.path)  # relative to the spec, not to the source's table
            raise error.replaced(path=path) from None
    return loaded


def _require_classes_in_each_fold(
    loaded: Mapping[str, Data], spec: DataSpec, loss_targets: Sequence[LossTarget], seed: int
) -> None:
    """Raise DataError if a fold validates on a class of a table that it does not train on."""
    train = loaded["train"]
    if not isinstance(train, Table) or spec.windows is not None or spec.folds is None:
        return
    shares = {name: share for name, share in spec.fractions.items() if name not in loaded}
    rows, divided = np.arange(len(train)), train
    if shares:
        rows = split_positions(train, shares, spec.split, seed)["train"]
        divided = train.take(rows)
    parts = fold_positions(divided, spec.folds, spec.split, seed)
    folds = [(rows[rest], rows[held]) for rest, held in parts]
    for encoding in target_encodings(train, loss_targets).values():
        if encoding.classes is None:
            continue
        labels = encoding.encode(train, train.cells)
        for number, (rest, held) in enumerate(folds, 1):
            lost = np.setdiff1d(labels[held], labels[rest])
            if not lost.size:
                continue
            of_class = held[labels[held] == lost[0]]
            name = (encoding.class_names or ())[lost[0]]
            where = f"row {train.row_number(int(of_class[0]))}"
            where += ", …" if len(of_class) > 1 else ""
            raise DataError(
                f'fold {number} validates on the class "{name}" of the target "{encoding.column}" '
                f"({where}), but has no row of it to train on",
                hint=_more_of_each_class(encoding.column, int(np.sum(labels == lost[0])), spec),
                path=("data", "folds"),
                code="E033",
            )


def _more_of_each_class(target: str, rows: int, spec: DataSpec) -> str:
    """Return a hint for a fold that has no row of a class to train on."""
    if rows > 1 and spec.split.method == "random":
        return f'spread the classes: split = {{ method = "stratified", column = "{target}" }}'
    return "leave these rows out, or train a single model: validation = 0.2 in place of folds"


def split_sets(loaded: Mapping[str, Data], spec: DataSpec, seed: int) -> dict[str, Data]:
    """Hold out the data sets that the spec splits off the training data instead of loading.

    If the spec has several folds and selects none, the first one is held out. With windows, a set
    that is held out begins with the rows that its first windows read.
    """
    shares = {name: share for name, share in spec.fractions.items() if name not in loaded}
    train, positions = loaded["train"], dict[str, Array]()
    if shares or (spec.split.method == "column" and spec.folds is None):
        positions = split_positions(train, shares, spec.split, seed)
        twice = [name for name in positions if name != "train" and name in loaded]
        if twice:
            raise DataError(
                f"the split column marks the {twice[0]} rows, but data.{twice[0]} is set too",
                path=("data", twice[0]),
                code="E036",
            )
    if spec.folds is not None:
        if "validation" in {*loaded, *positions}:
            raise DataError("each fold is the validation data once, but data.validation is set too")
        rows = positions.get("train", np.arange(len(train)))
        rest, held_out = one_fold(train.take(rows) if positions else train, spec, seed)
        positions |= {"train": rows[rest], "validation": rows[held_out]}
    windows = Windows.from_spec(spec)
    if windows is not None and isinstance(train, Table):
        windows.require_later({name: loaded[name] for name in NAMES if name in loaded})
        positions = windows.with_past(train, positions)
    sets = {**loaded, **{name: train.take(rows) for name, rows in positions.items()}}
    return {name: sets[name] for name in NAMES if name in sets}


class Statistics:
    """What is learned from the training data: from all of it, if it is in memory."""

    def fit(self, transform: Transform, name: str, number: int, column: Array) -> TransformState:
        """Return the state of a transform of a column or target; arguments as for a `Fit`."""
        return fit_to_all(transform, name, number, column)

    def class_sizes(
        self,
        train: Dataset,
        encoding: TargetEncoding | None,  # noqa: ARG002
    ) -> Mapping[int, int]:
        """Return the number of samples with each label.

        Args:
            train: the prepared samples in memory.
            encoding: how the target is encoded; None for labels of arrays.

        Raises:
            DataError: there are several targets, or no labels.
        """
        values, counts = np.unique(_labels(train), return_counts=True)
        return dict(zip(values.tolist(), counts.tolist(), strict=True))


def prepare_sets(
    sets: Mapping[str, Data],
    spec: DataSpec,
    loss_targets: Sequence[LossTarget],
    fitted: FittedPreparation | None = None,
    statistics: Statistics | None = None,
) -> PreparedSets:
    """Prepare and weight all sets, fitting the preparation to the training data unless given.

    Args:
        loss_targets: the targets as the losses take them.
        fitted: the preparation of an earlier run.
        statistics: what is learned from the training data, if `sets` has only a sample.
    """
    train, statistics = sets["train"], statistics or Statistics()
    preparation = _fitted(sets, spec, loss_targets, statistics.fit) if fitted is None else fitted
    datasets = {name: prepared(data, preparation, name) for name, data in sets.items()}
    if spec.prepare_targets and fitted is None:
        column, fit = only_target_column(train), statistics.fit
        steps = fit_target_steps(datasets["train"], spec.prepare_targets, loss_targets, column, fit)
        preparation = replace(preparation, target_steps=steps)
    by_class = None
    if spec.class_weights is not None:
        sizes = statistics.class_sizes(datasets["train"], preparation.target)
        by_class = class_weights(sizes, datasets["train"].class_names, spec.class_weights)
    datasets = {
        name: weighted(dataset, sets[name], spec, by_class) for name, dataset in datasets.items()
    }
    for name, dataset in datasets.items():
        if dataset.weights is not None and not dataset.weights.any():
            raise DataError(f"all samples of the {name} data have the weight 0")
    _require_suited(datasets["train"], spec.prepare)
    blocks = {name: BlockSet.in_memory(dataset) for name, dataset in datasets.items()}
    return PreparedSets(blocks, preparation, sets, datasets, by_class)


def _fitted(
    sets: Mapping[str, Data], spec: DataSpec, loss_targets: Sequence[LossTarget], fit: Fit
) -> FittedPreparation:
    """Fit the preparation of the features and labels to the training data."""
    windows = Windows.from_spec(spec)
    preparation = fit_preparation(
        sets["train"], spec.prepare, loss_targets, spec.no_features, spec.inputs, windows, fit
    )
    targets = with_chosen_labels(preparation.targets, spec)
    _require_order(targets, loss_targets, spec)
    return replace(preparation, targets=targets)


def _require_order(
    encodings: Mapping[str, TargetEncoding], loss_targets: Sequence[LossTarget], spec: DataSpec
) -> None:
    """Raise DataError if classes that are texts have no order, but a loss needs it."""
    if spec.class_order is not None and not isinstance(spec.class_order, Mapping):
        return
    for target in loss_targets:
        encoding = encodings.get(target.name) or encodings.get(UNNAMED)
        classes = encoding.classes if encoding is not None and target.ordered else None
        if encoding is None or not classes or not isinstance(classes[0], str):
            continue
        if encoding.column not in (spec.class_order or ()):
            listed = ", ".join(f'"{name}"' for name in classes)
            order = f"[{listed}]"
            if len(encodings) > 1:
                order = f"{{ {target.name} = {order} }}"
            raise DataError(
                f"the loss needs the order of the classes, which are texts: {listed}",
                hint=f"add class_order = {order} to [data], with the lowest class first",
                path=target.path,
                code="E036",
            )


def prepared(data: Data, preparation: FittedPreparation, name: str) -> Dataset:
    """Return a data set with its preparation; raise DataError, with its name, if it is invalid."""
    if isinstance(data, Dataset):
        samples = preparation.apply_to_set(data)
        return samples if samples.inputs is data.inputs else checked(samples, name)
    if preparation.types is None:
        raise DataError(f"{name} data is a table, but the training data is not")
    try:
        return checked(preparation.apply_to_set(data), name)
    except DataError as error:
        if error.code == "E031":
            raise
        raise error.replaced(message=f"{name} data: {error.message}") from None


def _require_suited(train: Dataset, transforms: Sequence[Transform]) -> None:
    """Raise DataError if a training-only transform does not suit the training data."""
    varied = varied_inputs(train.inputs, transforms)
    for number, transform in enumerate(transforms):
        if not transform.training_only:
            continue
        varied_x = {name: x for name, x in train.inputs.items() if transform in varied[name]}
        for position, name in enumerate(transform.columns or ()):
            if [*varied] != [UNNAMED]:
                path = ("data", "prepare", number, "columns", position)
                require_known("input", name, varied, path)
        suited = [
            verified(Transform.suits, transform, np.asarray(x[:1])) for x in varied_x.values()
        ]
        if not suited or not all(suited):
            shapes = [str(x.shape[1:]) for x in (varied_x or train.inputs).values()]
            raise DataError(
                f"{transform.type} does not suit samples of shape {' or '.join(shapes)}",
                path=("data", "prepare", number),
                code="E035",
            )


def weighted(
    dataset: Dataset, data: Data, spec: DataSpec, by_class: Mapping[int, float] | None
) -> Dataset:
    """Weigh the samples of a data set as the spec says.

    Args:
        data: the same samples before they were prepared.
        by_class: the weights by label; other labels weigh 1.
    """
    if spec.sample_weights is not None:
        dataset = replace(dataset, weights=_weights_in_column(data, spec.sample_weights))
    if by_class is None:
        return dataset
    labels, positions = distinct(_labels(dataset))
    weights = np.array([by_class.get(label, 1.0) for label in labels.tolist()])[positions]
    if dataset.weights is not None:
        weights = weights * dataset.weights
    return replace(dataset, weights=weights)
