"""Brings a spec's parts together before training: checked, data loaded, model built."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from declnet.components.data_source import DataInfo, Dataset
from declnet.data.loading import load_dataset
from declnet.data.split import held_out
from declnet.graph.model import Model, build_model
from declnet.registry.registry import Registry
from declnet.spec.run_spec import RunSpec
from declnet.spec.streams import DataSet
from declnet.training.checks.check import Checked, check_spec
from declnet.training.ready_data import ReadyData, make_ready


@dataclass(frozen=True, eq=False)
class Prepared:
    """All that a run needs: the model, and `train`, `validation` and `test` as far as there are."""

    model: Model
    data: dict[str, ReadyData]


def prepare(
    spec: RunSpec,
    registry: Registry,
    given: Mapping[str, Dataset] | None = None,
    checked: Checked | None = None,
) -> Prepared:
    """Checks a spec, loads its data and builds its model.

    Args:
        spec: the run.
        registry: where initializers are looked up.
        given: data sets by name, in place of the spec's.
        checked: what a check of the spec found, so that it need not be checked again.

    Raises:
        SpecError: with every fault that can be known before the data is loaded.
        DataError: the data turned out wrong.
        WeightsError: the initial weights turned out wrong.
    """
    described = {name: DataInfo.of(each.x, each.y) for name, each in (given or {}).items()}
    if checked is None:
        checked = check_spec(spec, registry, described if given is not None else None)
    checked.require_right()
    datasets = dict(given) if given is not None else _loaded(spec)
    if isinstance(spec.data.validation, float) and "validation" not in datasets:
        rest, out = held_out(datasets["train"], spec.data.validation, spec.seed)
        datasets |= {"train": rest, "validation": out}
    model = build_model(spec.model, datasets["train"].x.shape[1:], spec.seed, registry)
    ready: dict[str, ReadyData] = {
        name: make_ready(datasets[name], model, spec.loss, name)
        for name in ("train", "validation", "test")
        if name in datasets
    }
    return Prepared(model, ready)


def _loaded(spec: RunSpec) -> dict[str, Dataset]:
    sources = {
        DataSet.TRAIN: spec.data.train,
        DataSet.VALIDATION: spec.data.validation,
        DataSet.TEST: spec.data.test,
    }
    return {
        data_set.name.lower(): load_dataset(source, spec.seed, data_set)
        for data_set, source in sources.items()
        if source is not None and not isinstance(source, float)
    }
