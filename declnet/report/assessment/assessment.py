"""What was found about a model on some data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from declnet.components.arrays import Array
from declnet.report.page.statistics.classification import class_figures


@dataclass(frozen=True, eq=False)
class Assessment:
    """How good a model is on some data.

    Attributes:
        data: which, in words.
        samples: how many.
        figures: the loss, its parts and the run's metrics.
        class_names: in the order of the counts; None for values.
        counts: (true class, predicted class); of several yes-or-no outputs (outputs, 2, 2); None
            for values.
        errors: r2 and the errors of values; None for classes.
    """

    data: str
    samples: int
    figures: dict[str, float]
    class_names: tuple[str, ...] | None = None
    counts: Array | None = None
    errors: dict[str, float] | None = None

    def by_class(self) -> list[dict[str, Any]]:
        """Precision, recall, F1 and number of samples (support) of each class; empty for values.

        Of several yes-or-no outputs: of the answer yes of each.
        """
        if self.counts is None:
            return []
        if self.counts.ndim == 3:
            return [_row(f"output {index + 1}", each, 1) for index, each in enumerate(self.counts)]
        return [_row(name, self.counts, index) for index, name in enumerate(self.class_names or ())]

    def as_data(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        data: dict[str, Any] = {
            "data": self.data,
            "samples": self.samples,
            "figures": self.figures,
        }
        if self.errors is not None:
            data["errors"] = self.errors
        if self.counts is not None:
            if self.class_names is not None:
                data["class_names"] = list(self.class_names)
            data["confusion_matrix"] = self.counts.tolist()
            data["by_class"] = self.by_class()
        return data


def _row(name: str, counts: Array, index: int) -> dict[str, Any]:
    figures = class_figures(counts)
    return {
        "class": name,
        "precision": float(figures.precision[index]),
        "recall": float(figures.recall[index]),
        "f1": float(figures.f1[index]),
        "support": int(figures.support[index]),
    }
