"""A portfolio: different models of the same folds, whose predictions are weighed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from math import ceil
from typing import Any

from declnet_plugins.standard.templates.dense import MLP, Linear
from declnet_plugins.standard.templates.plan import Plan
from declnet_plugins.standard.templates.table_preset import Table, TablePreset, shared_document
from declnet_plugins.tabular.presets.realmlp import RealMLPTD

FEWEST_EPOCHS = {5: 16, 3: 8}
"""The numbers of folds, and the epochs that the last model must be able to train in each."""

RUN = 0.2
"""Processor time of a run without its epochs."""

PresetClass = type[TablePreset]

PARTS: dict[PresetClass, float] = {Linear: 4.0, MLP: 15.0, RealMLPTD: 38.0}
"""The presets of the models, and the processor time that each may take, about, in all folds: a
minute for 10,000 rows of 20 columns, and less for smaller tables."""


@dataclass(frozen=True)
class _Part:
    """One of the models, and its choices for the table."""

    preset: TablePreset
    plan: Plan

    @property
    def seconds(self) -> float:
        """About how much processor time it takes in all folds."""
        of_epochs = self.plan.sizes.epochs * self.preset.seconds_per_epoch(self.plan)
        return self.plan.folds * RUN + of_epochs

    def member(self) -> Table:
        """Return the table `[[members]]`."""
        return {"name": self.preset.type, **self.preset.sections(self.plan).document(self.plan)}


class Portfolio(RealMLPTD):
    """A linear model, a plain network and RealMLP-TD in the same folds, with selected weights.

    Weights are selected on rows that a model has not seen. A table with too few rows for folds, or
    so many that the models would have few epochs, gets RealMLP-TD alone, as does `folds = 1`; texts
    alone get a linear model.
    """

    type = "portfolio"

    def document(self) -> dict[str, Any]:
        """Return what the models share, and each as a member; or the spec of RealMLP-TD."""
        parts = self._parts()
        if not parts:
            folds = {} if self.has_texts_alone else {"folds": 1}
            return RealMLPTD(**{**dict(self), **folds}).document()
        shared = shared_document(parts[-1].plan)  # its predictions of numbers are clamped
        return {"weights": "selected", **shared, "members": [part.member() for part in parts]}

    def about(self) -> tuple[str, ...]:
        """Return how many models are trained, and how long that takes."""
        parts = self._parts()
        if not parts:
            return ()
        seconds = _rounded(sum(part.seconds for part in parts))
        names = ", ".join(part.preset.type for part in parts)
        return (
            f"trains {names} in each of {parts[0].plan.folds} folds and weighs their predictions, "
            f"in about {seconds} s of processor time",
        )

    def _parts(self) -> list[_Part]:
        """Return the models, all with the same folds; none for a single model."""
        if self.has_texts_alone:
            return []
        most = self.suitable_folds(quick=True)
        for folds in FEWEST_EPOCHS if self.folds is None else (most,):
            if 1 < folds <= most:
                parts = [self._part(preset, seconds, folds) for preset, seconds in PARTS.items()]
                is_fit = parts[-1].plan.sizes.epochs >= FEWEST_EPOCHS.get(folds, 0)
                if is_fit or self.folds is not None:
                    return parts
        return []

    def _part(self, preset_class: PresetClass, seconds: float, folds: int) -> _Part:
        """Return a model in folds, with as many epochs as its time allows."""
        preset = preset_class(**{**dict(self), "folds": folds})
        plan = replace(preset.plan(), is_member=True)
        most = max(1, int(seconds / preset.seconds_per_epoch(plan)))
        return _Part(preset, plan.with_epochs(most))


def _rounded(seconds: float) -> int:
    """Return seconds rounded up to 1, 2, 3 ..., 10, 15, 20 ... 100, 150 and so on."""
    unit = max(1, int(10 ** (len(str(ceil(seconds))) - 1)) // 2)
    return ceil(seconds / unit) * unit
