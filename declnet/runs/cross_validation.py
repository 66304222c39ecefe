"""`cross_validate`: train and evaluate a model for each fold of the data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from declnet.data.loading import GivenData
from declnet.errors import Diagnostic, SpecError
from declnet.registry.registry import Registry
from declnet.runs.folder import claim
from declnet.runs.run import run
from declnet.runs.session import Listener, RunResult
from declnet.runs.sweep import Spread, spread
from declnet.spec.model import fold_specs
from declnet.spec.validate import GivenSpec, as_spec


@dataclass(frozen=True, eq=False)
class CrossValidation:
    """The results of a cross-validation.

    Attributes:
        results: the result of each fold, in order.
    """

    results: tuple[RunResult, ...]

    @property
    def metrics(self) -> dict[str, dict[str, Spread]]:
        """The distribution of each metric over the folds, by data set and name."""
        first = self.results[0].metrics
        return {
            data: {
                name: spread([each.metrics[data][name] for each in self.results])
                for name in metrics
            }
            for data, metrics in first.items()
        }


def cross_validate(
    spec: GivenSpec,
    data: GivenData | Mapping[str, GivenData] | None = None,
    out: str | Path | None = None,
    *,
    listener: Listener | None = None,
    registry: Registry | None = None,
) -> CrossValidation:
    """Train a spec once for each of its `data.folds`, using that fold as the validation data.

    Args:
        spec: a run with `data.folds`, and without `data.fold`; as for `run`.
        data: data to use instead of the spec's, as for `run`.
        out: the folder, new or empty, in which each fold is written to `fold-<fold>`; None writes
            nothing.
        listener: called with each event of each fold's training.
        registry: where names are looked up; default: all installed plugins.

    Raises:
        SpecError: the spec is invalid or has no folds; nothing was written.
        DataError: the data is invalid or too small for the folds.
        OutputError: the folder is not empty; nothing in it was changed.
        RunError: a fold could not be finished, as recorded in its folder.
    """
    spec = as_spec(spec, registry)
    if not spec.data.is_cross_validation:
        hint = "a cross-validation takes e.g. folds = 5, and no fold"
        problem = Diagnostic('"folds" is missing', hint, ("data", "folds"), "E011")
        if spec.data.folds is not None:
            problem = Diagnostic("one fold is chosen", hint, ("data", "fold"), "E017")
        raise SpecError(spec.source_map.locate(spec.source_map.as_written([problem])))
    parent = claim(Path(out)) if out is not None else None
    return CrossValidation(
        tuple(
            run(
                each,
                data,
                parent / f"fold-{each.data.fold}" if parent is not None else None,
                listener=listener,
                registry=registry,
            )
            for each in fold_specs(spec)
        )
    )
