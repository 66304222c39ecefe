"""Checks on data sources: they load what they describe."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from declnet import Array, DataError, DataInfo, Dataset, DataSource, Table, verified
from declnet.testing.checking import CheckFailed, CheckSkipped, Subject, calling, check
from declnet.testing.checks.common import USED_ONCE, parts_equal_the_whole
from declnet.testing.comparison import difference, require_equal
from declnet.testing.examples import writes_files
from declnet.testing.trial import Setting, Trial, copied

ALL = 1_000_000
"""More samples, and more numbers, than a source has."""


def try_component(subject: Subject, setting: Setting) -> Trial:
    """Load all data, or in chunks of the size given by the first cut."""
    source, rng = subject.instance, np.random.Generator(np.random.PCG64(setting.seed))
    dataset = _loaded(subject)
    if not setting.cuts:
        return Trial(_arrays(dataset))
    size = setting.cuts[0] if len(setting.cuts) < 3 else ALL
    with calling("chunks"):
        parts = list(verified(DataSource.chunks, source, rng, size))
    if not parts or any(len(part) > size for part in parts):
        raise CheckFailed(f"chunks({size}) gives more samples, or nothing at all")
    arrays = [_arrays(part) for part in parts]
    return Trial({name: np.concatenate([array[name] for array in arrays]) for name in arrays[0]})


@check
def loads_usable_arrays(subject: Subject) -> None:
    """Loads arrays of finite numbers, x and y with as many samples each."""
    dataset = _loaded(subject)
    if isinstance(dataset, Dataset):
        try:
            dataset.require_aligned()
        except DataError as error:
            raise CheckFailed(f"its data: {error}") from None
    sizes = {name: len(array) for name, array in _arrays(dataset).items()}
    if len(set(sizes.values())) != 1 or not len(dataset):
        raise CheckFailed(f"its data has {sizes} samples; it needs as many of each, and some")
    weights = dataset.weights if isinstance(dataset, Dataset) else None
    if weights is not None and not (weights.shape == (len(dataset),) and (weights >= 0).all()):
        raise CheckFailed("its weights must be (n,) numbers of at least 0")
    for name, array in _arrays(dataset).items() if isinstance(dataset, Dataset) else ():
        if array.dtype.kind not in "fiub" or not array[0].size:
            raise CheckFailed(f"its {name} is {array.dtype} {array.shape}; samples are numbers")
        if not np.isfinite(array).all():
            raise CheckFailed(f"its {name} is not finite")


@check
def loads_what_it_describes(subject: Subject) -> None:
    """Describes the shapes, types, classes and number of samples that it loads, each time."""
    dataset, described = _loaded(subject), _described(subject)
    if described != _described(subject):
        raise CheckFailed("describe() differs from call to call; only load() may draw")
    if isinstance(dataset, Table) or described is None:
        _require_table(dataset, described)
        return
    loaded = DataInfo.of(dataset.x, dataset.y)
    pairs: dict[str, tuple[Any, Any]] = {
        "sample_shape": (tuple(described.sample_shape), loaded.sample_shape),
        "dtype": (described.dtype, loaded.dtype),
        "inputs": (_shapes(described), _shapes(loaded)),
    }
    described_targets, loaded_targets = described.targets, loaded.targets
    pairs["targets"] = (list(described_targets), list(loaded_targets))
    for name, y in (
        dataset.targets.items() if list(described_targets) == list(loaded_targets) else ()
    ):
        target, label = described_targets[name], f' of "{name}"' if name else ""
        if target.target == "classes":
            pairs[f"target{label}"] = (target.target, loaded_targets[name].target)
        else:
            pairs[f"target_shape{label}"] = (tuple(target.target_shape), y.shape[1:])
    if described.samples is not None:
        pairs["samples"] = (described.samples, loaded.samples)
    if described.class_names is not None:
        pairs["class_names"] = (described.class_names, dataset.class_names)
    for name, (said, loaded_as) in pairs.items():
        if said != loaded_as:
            raise CheckFailed(f"describe() says {name} {said!r}, load() gives {loaded_as!r}")
    for name, target in described_targets.items():
        classes, labels = loaded_targets[name].classes, loaded_targets[name].labels
        if target.classes is None or classes is None or labels is None:
            continue
        if classes > target.classes or labels[0] < 0:
            raise CheckFailed(
                f"describe() says {target.classes} classes, so labels from 0 to "
                f"{target.classes - 1}, but load() gives labels from {labels[0]} to {labels[1]}"
            )


@check
def reads_files_by_suffix(subject: Subject) -> None:
    """Gives a source for a file of each of its `suffixes`, as it is itself or by default."""
    for suffix in getattr(subject.instance, "suffixes", ()):
        for like in (None, subject.instance):
            with calling(f"for_file of a file data{suffix}", skips=DataError):
                cls: Any = type(subject.instance)
                for_file: Any = DataSource.for_file
                verified(for_file, cls, Path(f"data{suffix}"), like)


@check
def names_its_files(subject: Subject) -> None:
    """Names the files that it reads as paths, if it reads any."""
    with calling("data_files", skips=DataError):
        verified(DataSource.data_files, subject.instance)


@check
def blocks_are_the_data(subject: Subject) -> None:
    """Reads blocks in any order that together are all data, if it can be read in blocks."""
    source, dataset = subject.instance, _loaded(subject)
    for samples, numbers in ((1, ALL), (ALL, 3), (3, ALL)):
        with calling("blocks"):
            blocks = verified(DataSource.blocks, source, samples, numbers)
            if blocks is None:
                raise CheckSkipped("it has no blocks")
            order = np.random.default_rng(0).permutation(len(blocks.sizes)).tolist()
            read = {index: _arrays(blocks.read(index)) for index in order}
        for name, array in _arrays(dataset).items():
            parts = [read[index][name] for index in range(len(blocks.sizes))]
            if [len(part) for part in parts] != list(blocks.sizes):
                raise CheckFailed("blocks have other sizes than said")
            fault = f"the {name} of all blocks differs from load's"
            require_equal(np.concatenate(parts), array, fault)


@check
def previews_the_first_samples(subject: Subject) -> None:
    """Previews the first samples of the data, if it can be read in blocks."""
    source, dataset = subject.instance, _loaded(subject)
    for samples, numbers in ((3, ALL), (ALL, 3), (ALL, ALL)):
        with calling("blocks"):
            blocks = verified(DataSource.blocks, source, samples, numbers)
            if blocks is None:
                raise CheckSkipped("it has no blocks")
        with calling("preview"):
            preview = verified(DataSource.preview, source, samples, numbers)
        if preview is None:
            raise CheckFailed("it has blocks, but no preview of them")
        most = max(samples, *blocks.sizes) if len(blocks) else 0
        if not min(1, len(dataset)) <= len(preview) <= min(most, len(dataset)):
            many = f"{len(preview)} of {len(dataset)} samples"
            raise CheckFailed(f"preview({samples}, {numbers}) has {many}")
        first, whole = _arrays(preview), _arrays(dataset)
        if first.keys() != whole.keys():
            raise CheckFailed(f"preview has {', '.join(first)}, and load {', '.join(whole)}")
        for name, array in first.items():
            expected = whole[name][: len(array)]
            # the types of a table's columns may be those of these rows alone
            fault = difference(array, expected) if array.dtype == expected.dtype else None
            if fault:
                raise CheckFailed(f"the {name} of the preview is not the first of load: {fault}")


CHECKS = (
    loads_usable_arrays,
    *USED_ONCE,
    loads_what_it_describes,
    parts_equal_the_whole,
    reads_files_by_suffix,
    names_its_files,
    blocks_are_the_data,
    previews_the_first_samples,
)


def _loaded(subject: Subject) -> Dataset | Table:
    """Return the data; raise CheckSkipped if another example is the one to read."""
    cls = type(subject.instance)
    has_files = writes_files(cls) and subject.example < len(cls.examples)
    try:
        with calling("load", skips=DataError):
            rng = np.random.Generator(np.random.PCG64(0))
            return verified(DataSource.load, subject.instance, rng)
    except CheckSkipped as reason:
        if has_files:
            raise
        fault = f"it cannot be read: {reason}"
        advice = "define example(folder), which writes the files that it needs"
        raise CheckFailed(f"{fault}; {advice}", fault) from reason.__cause__


def _described(subject: Subject) -> DataInfo | None:
    with calling("describe"):
        return verified(DataSource.describe, subject.instance)


def _arrays(data: Dataset | Table) -> dict[str, Array]:
    if isinstance(data, Table):
        return {f"column {name}": copied(column) for name, column in data.columns.items()}
    named = {f"x {name}".strip(): array for name, array in data.inputs.items()}
    x = {name: copied(np.asarray(array)) for name, array in named.items()}
    return x | {f"y {name}".strip(): copied(array) for name, array in data.targets.items()}


def _shapes(info: DataInfo) -> dict[str, tuple[Any, str]]:
    """Return the shape and type of each input."""
    return {name: (tuple(x.shape), x.dtype) for name, x in info.inputs.items()}


def _require_table(dataset: Dataset | Table, described: DataInfo | None) -> None:
    if not isinstance(dataset, Table):
        raise CheckFailed("describe() gives None, as for a table, but load() gives a Dataset")
    if described is not None:
        raise CheckFailed("load() gives a Table, so describe() must give None")
    named = [*(dataset.features or ()), *([dataset.target] if dataset.target else [])]
    for name in named:
        if name not in dataset.columns:
            raise CheckFailed(f'the table has no column "{name}", which it names')
