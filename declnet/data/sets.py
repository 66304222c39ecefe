"""All data sets of a run: loaded, split, prepared, weighted."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from declnet.components.arrays import Array
from declnet.components.data_source import Dataset
from declnet.components.table import Table
from declnet.data.augmentation import require_suited
from declnet.data.folds import one_fold
from declnet.data.loading import checked, load_source
from declnet.data.preparation import FittedPreparation, fit_preparation
from declnet.data.split import Data, split
from declnet.data.weighting import weights_by_class, weights_in_column, weights_of_classes
from declnet.errors import DataError
from declnet.spec.data_section import DataSpec
from declnet.spec.streams import DataSet

NAMES = ("train", "validation", "test")


@dataclass(frozen=True, eq=False)
class PreparedSets:
    """The data sets of a run.

    Attributes:
        datasets: by name, ready for a model.
        preparation: what other data must go through; None if arrays are taken as they are.
        loaded: the training data as it was loaded, before it was split.
    """

    datasets: dict[str, Dataset]
    preparation: FittedPreparation | None
    loaded: Data


def prepared_sets(
    spec: DataSpec, targets: str, seed: int, given: Mapping[str, Data] | None = None
) -> PreparedSets:
    """Loads, splits, prepares and weighs all data sets.

    Args:
        spec: the section `[data]`.
        targets: what the loss needs: `"classes"`, `"binary"` or `"values"`.
        seed: the run's.
        given: data sets by name, in place of the spec's.

    Raises:
        DataError: the data turned out wrong.
    """
    loaded = dict(given) if given is not None else load_sets(spec, seed)
    return prepare_sets(split_sets(loaded, spec, seed), spec, targets, loaded["train"])


def load_sets(spec: DataSpec, seed: int) -> dict[str, Data]:
    """Loads the data sources, the columns of all by the types of the training data.

    Raises:
        DataError: one cannot be loaded; its path begins with the data set's.
    """
    loaded: dict[str, Data] = {}
    for name, source in spec.sources.items():
        train = loaded.get("train")
        settled = source.with_types(train.types) if isinstance(train, Table) else source
        try:
            loaded[name] = load_source(settled, seed, DataSet[name.upper()])
        except DataError as error:
            raise _within(error, ("data", name)) from None
    return loaded


def split_sets(loaded: Mapping[str, Data], spec: DataSpec, seed: int) -> dict[str, Data]:
    """Holds out of the training data what the spec says and is not loaded.

    Of a spec of several folds that chooses none, it is the first that is held out.
    """
    shares = {name: each for name, each in spec.fractions.items() if name not in loaded}
    sets = dict(loaded)
    if shares or (spec.split.method == "column" and spec.folds is None):
        parts = split(loaded["train"], shares, spec.split, seed)
        twice = [name for name in parts if name != "train" and name in loaded]
        if twice:
            raise DataError(
                f"the column of the split says which rows are {twice[0]}, but data.{twice[0]} is "
                "given too",
                path=("data", twice[0]),
                code="E036",
            )
        sets |= parts
    if spec.folds is not None:
        if "validation" in sets:
            raise DataError("each fold is the validation data once, but that is given too")
        sets["train"], sets["validation"] = one_fold(sets["train"], spec, seed)
    return {name: sets[name] for name in NAMES if name in sets}


def prepare_sets(
    sets: Mapping[str, Data],
    spec: DataSpec,
    targets: str,
    loaded: Data,
    fitted: FittedPreparation | None = None,
) -> PreparedSets:
    """Prepares and weighs all sets; fits the preparation to the training data, unless it is given.

    Args:
        sets: by name.
        spec: the section `[data]`.
        targets: what the loss needs: `"classes"`, `"binary"` or `"values"`.
        loaded: the training data before it was split.
        fitted: the preparation of a run that has been.
    """
    train, preparation = sets["train"], fitted
    lasting = any(not each.training_only for each in spec.prepare)
    if preparation is None and (isinstance(train, Table) or lasting):
        preparation = fit_preparation(train, spec.prepare, targets, spec.no_features)
    datasets = {name: _prepared(each, preparation, name) for name, each in sets.items()}
    if spec.sample_weights is not None:
        for name, each in sets.items():
            weights = weights_in_column(each, spec.sample_weights)
            datasets[name] = replace(datasets[name], weights=weights)
    if spec.class_weights is not None:
        by_class = weights_of_classes(datasets["train"], spec.class_weights)
        datasets = {name: _weighted(each, by_class) for name, each in datasets.items()}
    for name, each in datasets.items():
        _require_weight(each, name)
    require_suited(datasets["train"], spec.prepare)
    return PreparedSets(datasets, preparation, loaded)


def _prepared(data: Data, preparation: FittedPreparation | None, name: str) -> Dataset:
    try:
        if preparation is not None:
            return checked(preparation.apply_to_set(data), name)
    except DataError as error:
        if isinstance(data, Table) and error.code != "E031":
            raise _of_set(error, name) from None
        raise
    if isinstance(data, Table):
        raise DataError(f"{name} data is a table, but the training data is not")
    return data


def _weighted(dataset: Dataset, by_class: Array) -> Dataset:
    weights = weights_by_class(dataset, by_class)
    if dataset.weights is not None:
        weights = weights * dataset.weights
    return replace(dataset, weights=weights)


def _require_weight(dataset: Dataset, name: str) -> None:
    if dataset.weights is not None and not dataset.weights.sum() > 0:
        raise DataError(f"all samples of the {name} data have the weight 0")


def _of_set(error: DataError, name: str) -> DataError:
    return DataError(
        f"{name} data: {error.message}", hint=error.hint, path=error.path, code=error.code
    )


def _within(error: DataError, path: tuple[str, ...]) -> DataError:
    """The error of a source, its path within the spec instead of within the source's table."""
    return DataError(error.message, hint=error.hint, path=(*path, *error.path), code=error.code)
