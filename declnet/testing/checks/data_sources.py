"""Checks on data sources: they load what they describe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any, cast

import numpy as np

from declnet import Array, Blocks, DataError, DataInfo, Dataset, DataSource, Table, verified
from declnet.testing import checking
from declnet.testing.checking import CheckFailed, Subject, called, calling, check, require
from declnet.testing.checks import common
from declnet.testing.comparison import require_equal
from declnet.testing.examples import writes_files
from declnet.testing.trial import Setting, Trial, copied

ALL = 1_000_000  # more samples, and more numbers, than a source has


def try_component(subject: Subject, setting: Setting) -> Trial:
    """Load all data, or in chunks of the size given by the first cut."""
    dataset = _loaded(subject)
    if not setting.cuts:
        return Trial(_arrays(dataset))
    size = setting.cuts[0] if len(setting.cuts) < 3 else ALL
    with calling("chunks"):
        rng = np.random.default_rng(setting.seed)
        parts = list(verified(DataSource.chunks, subject.instance, rng, size))
    require(all(len(part) <= size for part in parts), f"chunks({size}) gives more samples")
    return Trial(_joined([_arrays(part) for part in parts]))


@check
def loads_usable_arrays(subject: Subject) -> None:
    """Loads arrays of finite numbers, x and y with as many samples each."""
    arrays = _arrays(dataset := _loaded(subject))
    sizes = {name: array.shape[:1] for name, array in arrays.items()}
    fits = len({*sizes.values()}) == 1 and () not in sizes.values() and len(dataset)
    require(fits, f"its data has {sizes} samples; it needs as many of each, and some")
    if isinstance(dataset, Table):
        missing = {*dataset.target_columns, *(dataset.features or ())} - {*arrays}
        require(not missing, f"the table has no columns {missing}, which it names")
        return
    for name, array in arrays.items():
        fault = f"its {name} is {array.dtype} {array.shape}; samples are numbers"
        require(array.dtype.kind in "fiub" and array[0].size, fault)
        require(np.isfinite(array).all(), f"its {name} is not finite")
        are_weights = array.ndim == 1 and (array >= 0).all()
        require(name != "weights" or are_weights, "its weights must be (n,) numbers of at least 0")


@check
def loads_what_it_describes(subject: Subject) -> None:
    """Describes the shapes, types, classes and number of samples that it loads, each time."""
    dataset, described = _loaded(subject), called(subject, DataSource.describe)
    again = called(subject, DataSource.describe)
    require(described == again, "describe() differs from call to call; only load() may draw")
    if isinstance(dataset, Table) or described is None:
        fits = isinstance(dataset, Table) and described is None
        require(fits, "describe() gives None for a Table, and only for a Table")
        return
    loaded = DataInfo.of(dataset.x, dataset.y)
    facts = _facts(described, described, described.class_names)
    loaded_facts = _facts(loaded, described, dataset.class_names)
    for name in facts | loaded_facts:
        fact, other = facts.get(name), loaded_facts.get(name)
        require(fact == other, f"describe() says {name} {fact!r}, load() gives {other!r}")
    for name, target in described.targets.items():
        classes, labels = target.classes, loaded.targets[name].labels
        fault = f"describe() says labels below {classes}, but load() gives {labels}"
        require(not (classes and labels) or 0 <= labels[0] <= labels[1] < classes, fault)


@check
def reads_files_by_suffix(subject: Subject) -> None:
    """Gives a source for a file of each of its suffixes, as it is itself or by default."""
    cls, for_file = cast("Any", type(subject.instance)), cast("Any", DataSource.for_file)
    suffixes = (*cls.suffixes, *cls.list_suffixes)
    for suffix, like in product(suffixes, (None, subject.instance)):
        with calling(f"for_file of a file data{suffix}", skips=DataError):
            verified(for_file, cls, Path(f"data{suffix}"), like)


@check
def names_its_files(subject: Subject) -> None:
    """Names the files that it reads as paths, if it reads any."""
    with calling("data_files", skips=DataError):
        verified(DataSource.data_files, subject.instance)


@check
def reads_inputs_without_targets(subject: Subject) -> None:
    """Reads the same inputs in parts, without a target column, as for predictions."""
    whole, source = _loaded(subject), called(subject, DataSource.with_target, None)
    with calling("input_chunks of with_target(None)"):
        rng = np.random.default_rng(0)
        parts: list[Any] = list(verified(DataSource.input_chunks, source, rng, 7))
    if isinstance(whole, Dataset):
        inputs = _joined([part if isinstance(part, Mapping) else {"": part} for part in parts])
        for name, array in whole.inputs.items():
            fault = f"{f'the input {name}' if name else 'x'} of input_chunks differs from load's"
            require_equal(inputs[name], copied(np.asarray(array)), fault)
        return
    for part in parts:
        missing = whole.columns.keys() - {*whole.target_columns, *part.columns}
        require(not missing, f"the table of with_target(None) has no columns {missing}")
        has_target = part.target_columns and source != subject.instance
        require(not has_target, f"the table of with_target(None) has {part.target_columns}")


@check
def blocks_are_the_data(subject: Subject) -> None:
    """Reads blocks in any order that together are all data, if it can be read in blocks."""
    whole = _arrays(_loaded(subject))
    for limits in ((1, ALL), (ALL, 3), (3, ALL)):
        blocks = _blocks(subject, *limits)
        order = np.random.default_rng(0).permutation(len(blocks.sizes)).tolist()
        with calling("the read of blocks"):
            read = {index: _arrays(blocks.read(index)) for index in order}
        parts = [read[index] for index in range(len(order))]
        sizes = [{*map(len, part.values())} for part in parts]
        require(sizes == [{size} for size in blocks.sizes], "blocks have other sizes than said")
        for name, array in _joined(parts).items():
            require_equal(array, whole[name], f"the {name} of all blocks differs from load's")


@check
def previews_the_first_samples(subject: Subject) -> None:
    """Previews the first samples of the data, if it can be read in blocks."""
    whole = _arrays(dataset := _loaded(subject))
    for samples, numbers in ((3, ALL), (ALL, 3), (ALL, ALL)):
        most = max(samples, *_blocks(subject, samples, numbers).sizes)
        preview = called(subject, DataSource.preview, samples, numbers)
        first = {} if preview is None else _arrays(preview)
        many = 0 if preview is None else len(preview)
        fault = f"preview({samples}, {numbers}) has {many} of {len(dataset)} samples"
        require(1 <= many <= min(most, len(dataset)), fault)
        names = f"preview has {', '.join(first)}, and load {', '.join(whole)}"
        require(first.keys() == whole.keys(), names)
        for name, array in first.items():
            if array.dtype == whole[name].dtype:  # a table's may depend on its rows
                fault = f"the {name} of the preview is not the first of load"
                require_equal(array, whole[name][:many], fault)


INSTALL = "pip install"
"""What the error of a source says if it needs a package that is not installed."""


def _loaded(subject: Subject) -> Dataset | Table:
    """Return the data; raise checking.CheckSkipped if another example is the one to read."""
    cls = type(subject.instance)
    try:
        with calling("load", skips=DataError):
            return verified(DataSource.load, subject.instance, np.random.default_rng(0))
    except checking.CheckSkipped as reason:
        if writes_files(cls) and subject.example < len(cls.examples):
            raise
        if INSTALL in str(reason):
            raise
        fault = f"it cannot be read: {reason}"
        advice = "define example(folder), which writes the files that it needs"
        raise CheckFailed(f"{fault}; {advice}", fault) from reason.__cause__


def _blocks(subject: Subject, samples: int, numbers: int) -> Blocks:
    """Return the blocks of the data; raise checking.CheckSkipped if it has none."""
    try:
        blocks = called(subject, DataSource.blocks, samples, numbers)
    except CheckFailed as failure:
        if INSTALL in str(failure):
            raise checking.CheckSkipped(str(failure)) from failure
        raise
    if blocks is None:
        raise checking.CheckSkipped("it has no blocks")
    return blocks


def _arrays(data: Dataset | Table) -> dict[str, Array]:
    """Return copies of columns, or of x, y and weights, by their names."""
    return {name.strip(): copied(np.asarray(array)) for name, array in data.arrays.items()}


def _joined(parts: Sequence[Mapping[str, Any]]) -> dict[str, Array]:
    """Return arrays of the same names, one after another; raise CheckFailed if there are none."""
    require(parts, "it gives no part of its data")
    return {name: np.concatenate([np.asarray(part[name]) for part in parts]) for name in parts[0]}


def _facts(info: DataInfo, described: DataInfo, class_names: Any) -> dict[str, Any]:
    """Return what a description, and class names, say of what the described data knows."""
    facts: dict[str, Any] = {} if described.samples is None else {"samples": info.samples}
    if described.class_names is not None:
        facts["class_names"] = class_names
    for name, x in info.inputs.items():
        facts[f"x {name}".strip()] = (tuple(x.shape), x.dtype)
    for name, target in info.targets.items():
        known = described.targets.get(name, target)
        is_class = known.target == "classes"
        facts[f"y {name}".strip()] = target.target if is_class else tuple(target.target_shape)
    return facts


CHECKS = (*checking.checks_in(globals()), *common.USED_ONCE, common.parts_equal_the_whole)
