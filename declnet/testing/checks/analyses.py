"""Checks on analyses: they return tables of plain values for simulated models, and change none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import Literal

import numpy as np

from declnet import Analysis, Array, DataError, verified
from declnet.testing.checking import CheckFailed, Subject, check, checks_in, require, skip_unless
from declnet.testing.checks import common
from declnet.testing.trial import Setting, Trial, read_only, tried
from declnet.testing.watched import call_locked

SAMPLES, TRAINING = 60, 90

FEATURES, TARGETS = ("size", "rooms", "new", "city"), ("price",)

Columns = Mapping[str, Array]

MANY, MOST_PREDICTED = 30_000, 3_000_000
"""Samples of a large data set, and the most of its samples that an analysis should predict."""


def _table(rng: np.random.Generator, rows: int, differ: bool = True) -> dict[str, Array]:
    """Return columns of every type, with gaps, and two targets; `differ` is whether rows do."""
    at = np.arange(rows) * differ
    size = rng.normal(100, 30, rows)[at]
    size[3:4] = np.nan
    city = np.array(["Bern", "Lyon", "Turin", None], object)[rng.integers(0, 4, rows)[at]]
    return {
        "size": size,
        "rooms": rng.integers(1, 6, rows)[at],
        "new": rng.random(rows)[at] > 0.5,
        "city": city,
        "price": np.nan_to_num(size) + 20 * (city == "Bern"),
        "note": np.array([f"note {index}" for index in at], object),
    }


@dataclass(eq=False)
class SimulatedModel:
    """A fixed function of columns: an `AnalyzedModel` for checks.

    Attributes:
        name: in messages.
        classes: the names of its classes; None for values.
        columns: of the samples.
        training_columns: of the training data.
        features: the columns that it predicts from.
        predicted: how many samples it has predicted.
    """

    name: str
    classes: tuple[str, ...] | None
    columns: Columns
    training_columns: Columns
    features: tuple[str, ...]
    target_columns: tuple[str, ...] = ()
    windows: int = 0
    data_name: str = "test"
    predicted: int = 0
    rng: np.random.Generator = field(default_factory=lambda: np.random.default_rng(7))

    @property
    def samples(self) -> int:
        """The number of samples; fewer than rows if they are windows."""
        return self.windows or len(next(iter(self.columns.values()), np.empty(SAMPLES)))

    total = samples

    @property
    def class_names(self) -> Mapping[str, tuple[str, ...] | None]:
        """The names of the classes."""
        return {"": self.classes}

    @property
    def better(self) -> dict[str, Literal["higher", "lower"] | None]:
        """Two metrics, one of which is undefined for few samples, and one without direction."""
        return {"loss": "lower", "share": "higher", "spread": None}

    def targets(self, positions: Array | None = None) -> dict[str, Array]:
        """Return the targets."""
        truth = self._truth
        return {"": read_only(truth if positions is None else truth[positions])}

    @cached_property
    def _truth(self) -> Array:
        score = self._score({})
        return score if self.classes is None else (score > np.median(score)).astype(int)

    def outputs(
        self, positions: Array | None = None, replaced: Columns | None = None
    ) -> dict[str, Array]:
        """Return the outputs: a value, one probability, or one for each of several classes."""
        count = self.samples if positions is None else len(positions)
        self.predicted += count
        for name, values in (replaced or {}).items():
            if name not in self.features or len(values) != count:
                raise DataError(f'"{name}" cannot be replaced by {len(values)} values')
        score = self._score(replaced or {}, positions) + 0.1
        if self.classes is None:
            return {"": read_only(score.reshape(-1, 1))}
        share, others = 1 / (1 + np.exp(-score / 100)), len(self.classes) - 1
        p = [share, *[(1 - share) / others] * others] if others > 1 else [share]
        return {"": read_only(np.stack(p, axis=1))}

    def metrics(
        self, positions: Array | None = None, replaced: Columns | None = None
    ) -> dict[str, float]:
        """Return three numbers that depend on outputs and targets."""
        (y_pred,) = self.outputs(positions, replaced).values()
        (y,) = self.targets(positions).values()
        error = float(np.mean(np.abs(y_pred[:, 0] - y)))
        share = float("nan") if len(y) < 5 else 1 / (1 + error)
        return {"loss": error, "share": share, "spread": float(np.std(y_pred))}

    def _score(self, replaced: Columns, positions: Array | None = None) -> Array:
        score = np.zeros(self.samples if positions is None else len(positions))
        for weight, name in enumerate(self.features, start=1):
            column = replaced.get(name)
            if column is None:
                column = self.columns[name] if positions is None else self.columns[name][positions]
            numbers = column == "Bern" if column.dtype.kind == "O" else np.nan_to_num(column)
            score += weight * np.asarray(numbers, float)
        return score


def _candidates(rows: int = SAMPLES) -> Iterator[SimulatedModel]:
    """Yield models of tables, of few or equal rows, of arrays, windows and images."""
    rng = np.random.default_rng(41)
    for name, classes, n, differ in (
        ("values from a table", None, rows, True),
        ("two classes from a table", ("no", "yes"), rows, True),
        ("three classes from a table", ("low", "middle", "high"), rows, True),
        ("values from a row", None, 1, True),
        ("values from two rows", None, 2, True),
        ("two classes from equal rows", ("no", "yes"), SAMPLES, False),
    ):
        columns, training = _table(rng, n, differ), _table(rng, TRAINING)
        yield SimulatedModel(name, classes, columns, training, FEATURES, TARGETS)
    arrays, training = ({f"x[{i}]": rng.normal(size=n) for i in range(3)} for n in (rows, TRAINING))
    yield SimulatedModel("values from arrays", None, arrays, training, tuple(arrays))
    columns, training = _table(rng, rows), _table(rng, TRAINING)
    yield SimulatedModel("windows", None, columns, training, (), TARGETS, rows // 2)
    yield SimulatedModel("images", ("no", "yes"), {}, {}, ())


def try_component(subject: Subject, setting: Setting) -> Trial:  # noqa: ARG001
    """Analyze each simulated model that the analysis suits; return its tables as text."""
    trial, reasons = Trial(), []
    for model in _candidates():
        training = {f"{name} of training": x for name, x in model.training_columns.items()}
        arrays = {**model.columns, **training}
        analyze = partial(verified, Analysis.analyze, subject.instance, model)
        try:
            tables = call_locked(f"analyze, of {model.name},", analyze, arrays)
        except CheckFailed as failure:
            if not isinstance(failure.__cause__, DataError):
                raise
            reasons.append(f"{model.name}: {failure.__cause__}")
            continue
        for table in tables:
            cells = [repr(cell) for cell in (table.note, table.columns, *table.rows)]
            trial.outputs[f'"{table.title}", of {model.name},'] = np.array(cells, object)
    fault = f"it suits no simulated model ({'; '.join(reasons)}); their columns are size, rooms,"
    skip_unless(trial.outputs, f"{fault} new and city: name these in examples")
    return trial


@check
def takes_bounded_time(subject: Subject) -> None:
    """Predicts a limited number of samples, however large the data is."""
    tried(subject)
    for model in _candidates(MANY):
        try:
            subject.instance.analyze(model)
        except DataError:
            continue
        fault = f"of {MANY} samples of {model.name}, it predicts {model.predicted} in total, so it"
        advice = "is slow for millions; draw some of them with model.rng, and say so in the note"
        require(model.predicted <= MOST_PREDICTED, f"{fault} {advice}")


CHECKS = (common.leaves_inputs_alone, *common.USED_ONCE, *checks_in(globals()))
