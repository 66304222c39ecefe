"""`cross_validate`: a model for each fold of the data, and how well they do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from declnet.errors import Diagnostic, SpecError
from declnet.registry.registry import Registry
from declnet.runs.folder import claim
from declnet.runs.run import GivenData, run
from declnet.runs.session import Listener, RunResult
from declnet.runs.sweep import Spread, spread
from declnet.spec.model import RunSpec, fold_specs


@dataclass(frozen=True, eq=False)
class CrossValidation:
    """What came of the folds.

    Attributes:
        results: of each fold, in their order.
    """

    results: tuple[RunResult, ...]

    @property
    def metrics(self) -> dict[str, dict[str, Spread]]:
        """How each figure lies over the folds, by data set and name."""
        first = self.results[0].metrics
        return {
            data: {
                name: spread([each.metrics[data][name] for each in self.results])
                for name in figures
            }
            for data, figures in first.items()
        }


def cross_validate(
    spec: RunSpec,
    data: GivenData | Mapping[str, GivenData] | None = None,
    out: str | Path | None = None,
    *,
    listener: Listener | None = None,
    registry: Registry | None = None,
) -> CrossValidation:
    """Trains a spec once for each of its `data.folds`, which is then the validation data.

    Args:
        spec: a run with `data.folds`, and without `data.fold`.
        data: in place of the spec's, as `run` takes it.
        out: the folder, new or empty, in which each fold is written to `fold-<fold>`; None writes
            nothing.
        listener: called with each event of each fold's training.
        registry: where names are looked up; default: all installed plugins.

    Raises:
        SpecError: the spec is wrong, or has no folds; nothing was written.
        DataError: the data is wrong, or too small for the folds.
        OutputError: the folder is not empty; nothing in it was touched.
        RunError: a fold could not be finished; its folder says so.
    """
    if not spec.data.is_cross_validation:
        hint = "a cross-validation takes e.g. folds = 5, and no fold"
        problem = Diagnostic('"folds" is missing', hint, ("data", "folds"), "E011")
        if spec.data.folds is not None:
            problem = Diagnostic("one fold is chosen", hint, ("data", "fold"), "E017")
        raise SpecError(spec.source_map.locate([problem]))
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
