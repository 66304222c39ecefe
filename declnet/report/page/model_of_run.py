"""A run's trained model and its data, as far as its folder still leads to them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from declnet.components.attribution import attributing_errors
from declnet.components.data_source import Dataset
from declnet.data.fingerprint import fingerprint
from declnet.data.sets import load_sets, prepare_sets, split_sets
from declnet.errors import DataError, DeclnetError, OriginError, SpecError
from declnet.registry.registry import Registry
from declnet.runs.origins import spec_of_run
from declnet.runs.predictor import Predictor, load_predictor
from declnet.runs.reading import StoredRun
from declnet.spec.run_spec import RunSpec


@dataclass(frozen=True, eq=False)
class LoadedRun:
    """What could be loaded; for what could not, `missing` says why.

    Attributes:
        spec: None if a component of it is not installed any more.
        predictor: the model with its weights; None if the run left none.
        data: prepared, by set, the same that the run saw; empty if it is not there any more.
        missing: why the first part that is not there is missing; empty if all is there.
    """

    spec: RunSpec | None = None
    predictor: Predictor | None = None
    data: Mapping[str, Dataset] = field(default_factory=dict)
    missing: str = ""


def load_run(run: StoredRun, registry: Registry) -> LoadedRun:
    """Load all that a run's folder leads to; `missing` says what is not there any more.

    Raises:
        OriginError: a component would come from another distribution than the run's.
    """
    loaded = LoadedRun()
    try:
        with attributing_errors(registry):
            spec, _ = spec_of_run(run.directory, run.manifest, registry)
            loaded = replace(loaded, spec=spec)
            predictor = load_predictor(run.directory, registry, notice=lambda _: None)
            loaded = replace(loaded, predictor=predictor)
            return replace(loaded, data=_data(run, predictor))
    except OriginError:
        raise
    except DeclnetError as error:
        return replace(loaded, missing=_reason(error))


def _data(run: StoredRun, predictor: Predictor) -> Mapping[str, Dataset]:
    """The data sets as the run saw them.

    Raises:
        DataError: they cannot be had any more, or are not what the run saw.
    """
    spec = predictor.spec
    if spec.data.train is None:
        raise DataError("a program handed the run's data over, so it cannot be loaded again")
    loaded = load_sets(spec.data, spec.seed)
    sets = split_sets(loaded, spec.data, spec.seed)
    targets, preparation = spec.loss.targets, predictor.preparation
    datasets = prepare_sets(sets, spec.data, targets, loaded["train"], preparation).datasets
    seen = run.manifest.get("data", {})
    for name, dataset in datasets.items():
        if seen.get(name, {}).get("hash") != fingerprint(dataset):
            raise DataError(f"the {name} data is not what the run saw: it has another hash")
    return datasets


def _reason(error: DeclnetError) -> str:
    told = error.problems[0].message if isinstance(error, SpecError) and error.problems else error
    return str(told).rstrip(".")
