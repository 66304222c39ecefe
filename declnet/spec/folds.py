"""The runs that a spec with folds stands for."""

from __future__ import annotations

from declnet.spec.run_spec import RunSpec


def fold_specs(spec: RunSpec) -> list[RunSpec]:
    """A spec for each fold, which says `data.fold`; the spec alone if it has no folds to choose."""
    if not spec.data.is_cross_validation:
        return [spec]
    folds = range(1, (spec.data.folds or 0) + 1)
    data = [spec.data.model_copy(update={"fold": fold}) for fold in folds]
    return [spec.model_copy(update={"data": each}) for each in data]
