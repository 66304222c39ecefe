"""Choices of a preset for a table: sizes, inputs, and preparation of the targets."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Any, Self

from declnet_plugins.standard.templates.facts import MOST_ONE_HOT, Column, Target

FEWEST_TO_HOLD_OUT = 30
"""Minimum number of rows for which some can be held out."""

FOLDS = 5
"""Folds of a table that is small enough to train several models."""
ROWS_OF_A_CLASS = 2
"""Minimum number of rows of each class for each fold."""

NO_NAME = re.compile(r"[^A-Za-z0-9_]+")
"""What is not in the name of a loss."""
RESERVED = re.compile(
    r"input|trunk|joined|text|table|output|embeddings|vectors|dense|relu|dropout|.*_logits$"
)
"""How names of other layers begin, and end."""

TEMPERATURE = {"type": "temperature", "prior_samples": 100}
"""The calibration of classes; 50 to 200 samples did equally well on 37 development splits.

Few rows fit a temperature badly, and the mean of several models is less confident than they are.
"""


@dataclass(frozen=True)
class Sizes:
    """Sizes for a number of rows, chosen with `benchmarks/tables.py`.

    Attributes:
        units: the units of each hidden layer.
        dropout: the fraction of units dropped in training; 0 for none.
        validation: the fraction of rows held out for early stopping; 0 for none.
        test: the fraction of rows held out for the final evaluation; 0 for none.
        batch_size: samples per step; None for all.
        epochs: the maximum number of epochs.
        patience: epochs without improvement before training stops.
    """

    units: int
    dropout: float
    validation: float
    test: float
    batch_size: int | None
    epochs: int
    patience: int


FEW = Sizes(16, 0.0, 0.0, 0.0, None, 200, 0)
MANY = Sizes(256, 0.1, 0.05, 0.05, 512, 30, 5)
BELOW = {
    FEWEST_TO_HOLD_OUT: FEW,
    1000: Sizes(256, 0.1, 0.15, 0.2, 16, 150, 30),
    3000: Sizes(256, 0.1, 0.15, 0.15, 32, 150, 30),
    10_000: Sizes(256, 0.1, 0.15, 0.15, 64, 150, 30),
    50_000: Sizes(256, 0.1, 0.15, 0.15, 128, 150, 30),
    200_000: Sizes(256, 0.1, 0.1, 0.1, 256, 60, 10),
}
"""Sizes for fewer rows than each number, in ascending order; `MANY` for more."""


def sizes_for(rows: int, folds: int = 1, test: float | None = None) -> Sizes:
    """Return sizes for a number of rows: the more, the larger batches and the fewer epochs.

    With folds, each is the validation data of a model, and no rows are held out to measure the
    models, unless `test` is a fraction: the folds measure them on all rows.
    """
    sizes = next((sizes for limit, sizes in BELOW.items() if rows < limit), MANY)
    if test is not None:
        sizes = replace(sizes, test=test)
    elif folds > 1:
        sizes = replace(sizes, test=0.0)
    return sizes if folds == 1 else replace(sizes, validation=(1 - sizes.test) / folds)


@dataclass(frozen=True)
class Plan:
    """The choices for a table.

    Attributes:
        rows: the number of rows.
        targets: what to predict, at least one column.
        columns: what to predict from.
        gaps: whether numbers, dates or booleans are missing.
        category_gaps: whether categories are missing.
        sizes: the sizes for the number of rows.
        folds: into how many folds the rows are divided; 1 for a single split.
        streams: whether training reads the table in parts.
        hidden: whether there are hidden layers.
        most_one_hot: the maximum number of categories of a column to one-hot encode.
        clamps: whether predicted numbers stay in the range of the training data.
        unit_for_each: whether an output for two classes has two units, rather than one.
        reserved: how names of layers begin that an output cannot have.
        is_member: whether the model is one of several, which share the data and the metrics.
    """

    rows: int
    targets: tuple[Target, ...]
    columns: tuple[Column, ...]
    gaps: bool
    category_gaps: bool
    sizes: Sizes
    folds: int = 1
    streams: bool = False
    hidden: bool = True
    most_one_hot: int = MOST_ONE_HOT
    clamps: bool = False
    unit_for_each: bool = False
    reserved: re.Pattern[str] = RESERVED
    is_member: bool = False

    def with_epochs(self, most: int) -> Self:
        """Return the same plan with at most a number of epochs, and as much less patience."""
        sizes = self.sizes
        if sizes.epochs <= most:
            return self
        patience = -(-sizes.patience * most // sizes.epochs)
        return replace(self, sizes=replace(sizes, epochs=most, patience=patience))

    @property
    def training_rows(self) -> int:
        """The least number of rows that are not held out."""
        held_out = (self.sizes.validation, self.sizes.test)
        return self.rows - sum(int(self.rows * share + 1) for share in held_out if share)

    @property
    def texts(self) -> dict[str, Column]:
        """The columns of free text by the name of their input."""
        texts = [column for column in self.columns if column.is_text]
        names = ["text"] if len(texts) == 1 else [f"text_{n + 1}" for n in range(len(texts))]
        return dict(zip(names, texts, strict=True))

    @property
    def others(self) -> tuple[Column, ...]:
        """The other columns, which are prepared as single values."""
        return tuple(column for column in self.columns if not column.is_text)

    @property
    def width(self) -> int:
        """The number of columns, counting each word of a text as one: a measure of a row's cost."""
        return len(self.others) + sum(text.length for text in self.texts.values())

    @property
    def embedded(self) -> tuple[Column, ...]:
        """The columns of so many categories that each category is a trained vector."""
        return tuple(
            column
            for column in self.others
            if column.is_category and column.encoded_categories > self.most_one_hot
        )

    @property
    def categories(self) -> tuple[Column, ...]:
        """The columns of categories and of booleans that become columns rather than vectors."""
        return tuple(
            column
            for column in self.others
            if column.type in ("category", "boolean") and column not in self.embedded
        )

    @property
    def numbers(self) -> tuple[Column, ...]:
        """The columns of numbers and of dates, which become numbers."""
        return tuple(column for column in self.others if column.type in ("number", "date"))

    @property
    def dates(self) -> bool:
        """Whether there are columns of dates or times."""
        return any(column.type == "date" for column in self.columns)

    @property
    def infinite(self) -> list[str]:
        """The names of the columns with infinite numbers."""
        return names_of(column for column in self.columns if column.infinite)

    @property
    def inputs(self) -> dict[str, list[str]]:
        """The columns of each input by name, texts first; empty if there is only one."""
        table = tuple(column for column in self.others if column not in self.embedded)
        return self.named_inputs({"table": table, "many": self.embedded})

    def named_inputs(self, others: dict[str, tuple[Column, ...]]) -> dict[str, list[str]]:
        """Return the columns of each input, texts first; empty if there is only one."""
        texts = {name: (column,) for name, column in self.texts.items()}
        named = {name: names_of(columns) for name, columns in {**texts, **others}.items()}
        named = {name: columns for name, columns in named.items() if columns}
        return named if len(named) > 1 else {}

    @property
    def heads(self) -> dict[str, Target]:
        """The targets by the name of their loss and output; "" for the only one."""
        if len(self.targets) == 1:
            return {"": self.targets[0]}
        heads: dict[str, Target] = {}
        for target in self.targets:
            name = NO_NAME.sub("_", target.name).strip("_")
            if not name or self.reserved.match(name):
                name = f"target_{name}"
            while name in heads:
                name += "_"
            heads[name] = target
        return heads

    @property
    def float64(self) -> bool:
        """Whether a target needs more digits than float32 has."""
        return any(target.float64 for target in self.targets)

    def prepare_target(self, target: Target) -> list[str]:
        """Return the types of a target's transforms."""
        if target.task != "values" or target.loss == "poisson":
            return []
        clamp = ["clamp"] if self.clamps or target.logarithm else []
        return [*clamp, *(["log"] if target.logarithm else []), "standardize"]

    @property
    def monitor(self) -> str:
        """The metric that chooses the epoch, in which neither smoothing nor the scale matters.

        Of classes, accuracy hardly changes with the epoch if one is rare, and the log loss may
        prefer an epoch that is less certain to one that tells them apart better. Of several
        targets it is the sum of their losses.
        """
        if len(self.targets) > 1:
            return "validation_loss"
        is_number = self.targets[0].task == "values"
        return f"validation_{'root_mean_squared_error' if is_number else 'refined_log_loss'}"

    def metrics(self, target: Target) -> list[str]:
        """Return the metrics of an output, the main one first.

        If one of two classes is rare, that is average precision, and f1 where the output has no
        single unit: a model that never predicts the class has a high accuracy.
        """
        if target.task == "values":
            return ["root_mean_squared_error", "r2", "mean_absolute_error"]
        is_rare = target.has_rare_class(self.rows)
        if target.task == "classes" or self.unit_for_each:
            rare = ["f1", "matthews"] if is_rare else []
            return [*rare, "accuracy", "log_loss", "refined_log_loss"]
        rare = ["average_precision", "f1"] if is_rare else []
        return [*rare, "binary_accuracy", "log_loss", "refined_log_loss", "roc_auc"]

    def calibration(self, target: Target) -> dict[str, Any]:
        """Return the calibration of classes; empty for a number or without validation data.

        If one of two classes is rare, it is predicted above the threshold that has the best f1.
        """
        if target.task == "values" or not self.sizes.validation:
            return {}
        is_rare = target.has_rare_class(self.rows)
        if target.task == "classes" or self.unit_for_each or not is_rare:
            return {"steps": [TEMPERATURE]}
        return {"steps": [TEMPERATURE, {"type": "threshold", "metric": "f1"}]}


def names_of(columns: Any) -> list[str]:
    """Return the names of columns."""
    return [column.name for column in columns]
