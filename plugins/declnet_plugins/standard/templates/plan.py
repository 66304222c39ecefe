"""Choices for a table: columns, sizes, and preparation of the target."""

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import islice
from typing import ClassVar, Self

from declnet_plugins.new import ColumnProfile, TableProfile
from declnet_plugins.standard.templates.suggestions import (
    MOST_ONE_HOT,
    encoded_categories,
    has_frequent_categories,
    is_amount,
    is_category,
    rare_class,
)

MOST_CATEGORIES = 1000
"""Maximum number of different texts that are categories, unless many rows have a frequent one."""
FEW_CATEGORIES = 20
"""Number of categories that is acceptable for any number of rows."""
ROWS_FOR_A_CATEGORY = 5
"""Average rows per category, if there are more than a few categories."""
IDENTIFIER = re.compile(r"(^|[_ .-])([Ii][Dd]|KEY|[Kk]ey|[GgUu]?[Uu][Ii][Dd])$|[a-z]I[dD]$")
"""Names of columns of identifiers."""
WORDS_OF_A_TEXT = 5.0
"""Minimum mean number of words of texts to read by their words, rather than names or addresses."""
UNSPACED = re.compile(
    "[\u0e00-\u109f\u1780-\u17ff\u2e80-\u2fdf\u3040-\u31ff\u3400-\u9fff\uf900-\ufaff]"
)
"""Letters of languages that are written without spaces: Thai, Lao, Tibetan, Burmese, Khmer, Chinese
and Japanese."""
MOST_SAMPLED = 1000
"""Maximum number of different texts to look for such letters in."""
MOSTLY = 0.9
"""Share of rows without a value above which a column is left out."""

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

DIGITS = 1e4
"""Maximum number of deviations between the mean and 0 that float32 can resolve."""


@dataclass(frozen=True)
class Features:
    """The columns of a table other than the target.

    Attributes:
        used: the columns to learn from, in order.
        left_out: the unusable columns, each with the reason.
    """

    used: tuple[ColumnProfile, ...]
    left_out: tuple[tuple[ColumnProfile, str], ...]

    @property
    def texts(self) -> tuple[ColumnProfile, ...]:
        """The columns of free text, to read by their words."""
        return tuple(column for column in self.used if is_free_text(column))

    @property
    def others(self) -> tuple[ColumnProfile, ...]:
        """The other columns, which are prepared as single values."""
        return tuple(column for column in self.used if not is_free_text(column))

    @property
    def width(self) -> int:
        """The number of columns, each word of a text counted as one: what a row costs."""
        return len(self.others) + sum(round(text.words) for text in self.texts)

    @property
    def gaps(self) -> bool:
        """Whether numbers or dates are missing."""
        return any(other.missing for other in self.others if not is_category(other))

    @property
    def category_gaps(self) -> bool:
        """Whether categories are missing."""
        return any(other.missing for other in self.others if is_category(other))

    @property
    def infinities(self) -> bool:
        """Whether numbers are infinite."""
        return bool(self.infinite)

    @property
    def infinite(self) -> tuple[ColumnProfile, ...]:
        """The columns with infinite numbers."""
        return tuple(column for column in self.used if column.infinite)

    @property
    def numbers(self) -> bool:
        """Whether there are columns of numbers, or of dates, which become numbers."""
        return any(column.type in ("number", "integer") for column in self.used) or self.dates

    @property
    def text(self) -> bool:
        """Whether there are columns of categories."""
        return any(is_category(other) for other in self.others)

    @property
    def dates(self) -> bool:
        """Whether there are columns of dates or times."""
        return any(column.date_form for column in self.used)


def features_of(table: TableProfile) -> Features:
    """Sort the columns into usable and unusable ones."""
    used, left_out = [], []
    for column in table.features:
        reason = _reason(column)
        if reason is None:
            used.append(column)
        else:
            left_out.append((column, reason))
    return Features(tuple(used), tuple(left_out))


def _reason(column: ColumnProfile) -> str | None:
    """Return why a column is unusable, or None if it is usable."""
    reasons = {
        "empty": not column.present,
        f"only {column.present} of {column.rows} rows have a value": (
            column.missing > MOSTLY * column.rows
        ),
        "always the same": column.distinct == 1,
        "numbers the rows": column.counts_rows,
        "an identifier, different in each row": _is_identifier(column),
        "dates of which the day or the month may come first; datetime needs an order": (
            column.date_form == "ambiguous"
        ),
        f"{odd_date(column)}; datetime needs dates that are all written alike": (
            column.odd_date is not None and is_unread_text(column)
        ),
        f"{different_texts(column)}; tokenize reads texts": is_unread_text(column),
    }
    return next((reason for reason, holds in reasons.items() if holds), None)


def _is_identifier(column: ColumnProfile) -> bool:
    """Return whether integers that are all different have the name of an identifier."""
    differ = column.type == "integer" and column.distinct == column.rows > FEW_CATEGORIES
    return differ and IDENTIFIER.search(column.name) is not None


def is_free_text(column: ColumnProfile) -> bool:
    """Return whether a column holds texts such as messages: many different ones, of many words."""
    return _too_many_texts(column) and (column.words >= WORDS_OF_A_TEXT or is_unspaced(column))


def is_unspaced(column: ColumnProfile) -> bool:
    """Return whether texts have as many letters of languages without spaces as others have words.

    They then are most of the letters, too.
    """
    texts = [str(text) for text in islice(column.counts, MOST_SAMPLED)]
    letters = sum(character.isalpha() for text in texts for character in text)
    unspaced = sum(len(UNSPACED.findall(text)) for text in texts)
    return unspaced >= WORDS_OF_A_TEXT * len(texts) and 2 * unspaced > letters


def is_unread_text(column: ColumnProfile) -> bool:
    """Return whether a column holds many different texts of few words, most of them rare.

    Names and codes are such texts.
    """
    many = _too_many_texts(column) and not is_free_text(column)
    return many and not has_frequent_categories(column)


def different_texts(column: ColumnProfile) -> str:
    """Return how many texts differ, and whether they have spaces."""
    without = ", without spaces" if column.most_words <= 1 else ""
    return f"{column.distinct} different texts in {column.present} rows{without}"


def odd_date(column: ColumnProfile) -> str:
    """Return which text keeps a column from being one of dates."""
    return f"dates, but {json.dumps(column.odd_date, ensure_ascii=False)} is not like the others"


def _too_many_texts(column: ColumnProfile) -> bool:
    if not is_category(column) or column.distinct <= FEW_CATEGORIES:
        return False
    rare = column.distinct * ROWS_FOR_A_CATEGORY > column.present
    return rare or column.distinct > MOST_CATEGORIES


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

CATEGORY_UNITS = 8
LEARNING_RATE = 0.0015
LINEAR_RATE = 0.01
WEIGHT_DECAY = 0.05


def sizes_for(table: TableProfile, folds: int = 1) -> Sizes:
    """Return sizes for a table: the more rows, the larger batches and the fewer epochs.

    With folds, each is the validation data of a model, and no rows are held out to measure the
    models, unless the user wants some: the folds measure them on all rows.
    """
    sizes = next((sizes for limit, sizes in BELOW.items() if table.rows < limit), MANY)
    if table.test is not None:
        sizes = replace(sizes, test=table.test)
    elif folds > 1:
        sizes = replace(sizes, test=0.0)
    return sizes if folds == 1 else replace(sizes, validation=(1 - sizes.test) / folds)


def folds_for(table: TableProfile, *, quick: bool = False) -> int:
    """Return into how many folds to divide a table, 1 for a single split.

    Args:
        table: the table; what the user wants counts first.
        quick: whether training a model for each fold is quick.
    """
    if table.folds is not None:
        return max(table.folds, 1)
    rarest = min(_rows_of_classes(table), default=table.rows)
    enough = table.rows >= FEWEST_TO_HOLD_OUT and rarest >= FOLDS * ROWS_OF_A_CLASS
    return FOLDS if quick and enough else 1


def _rows_of_classes(table: TableProfile) -> Iterable[int]:
    """Yield the number of rows of each class of each target."""
    for name, task in table.targets.items():
        if task != "values":
            yield from table.columns[name].counts.values()


@dataclass(frozen=True)
class Plan:
    """The content of the spec to write.

    Attributes:
        table: the table's contents.
        features: the columns to predict from.
        sizes: the sizes for the number of rows.
        installed: the types of installed callbacks, schedules, transforms and calibrators.
        hidden: whether there are hidden layers.
        folds: into how many folds the rows are divided; 1 for a single split.
        most_one_hot: the maximum number of categories of a column to one-hot encode.
        unit_for_each: whether an output for two classes has two units, rather than one.
        is_member: whether the model is one of several, which share the data and the metrics.
    """

    table: TableProfile
    features: Features
    sizes: Sizes
    installed: frozenset[str]
    hidden: bool = True
    folds: int = 1
    most_one_hot: int = MOST_ONE_HOT
    unit_for_each: bool = False
    is_member: bool = False

    reserved: ClassVar[re.Pattern[str]] = RESERVED
    """How names of layers begin that an output cannot have."""

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
        rows = self.table.rows
        return rows - sum(int(rows * share + 1) for share in held_out if share)

    @property
    def target(self) -> ColumnProfile:
        """Facts about the target column."""
        return self.table.columns[self.table.target]

    @property
    def inputs(self) -> dict[str, tuple[str, ...]]:
        """The columns of each input by name, texts first; empty if there is only one."""
        inputs = {
            **{name: (column,) for name, column in self.text_inputs.items()},
            "table": tuple(column for column in self.columns if column not in self.embedded),
            "many": self.embedded,
        }
        named = {
            name: tuple(c.name for c in columns) for name, columns in inputs.items() if columns
        }
        return named if len(named) > 1 else {}

    @property
    def embedded(self) -> tuple[ColumnProfile, ...]:
        """The columns of so many categories that each category is a trained vector."""
        return tuple(
            column
            for column in self.columns
            if is_category(column) and encoded_categories(column) > self.most_one_hot
        )

    @property
    def text_inputs(self) -> dict[str, ColumnProfile]:
        """The columns of free text by the name of their input."""
        texts = self.features.texts
        names = ["text"] if len(texts) == 1 else [f"text_{n + 1}" for n in range(len(texts))]
        return dict(zip(names, texts, strict=True))

    @property
    def columns(self) -> tuple[ColumnProfile, ...]:
        """The columns that the source gives to the model, without free text."""
        return self.features.others

    @property
    def plans(self) -> dict[str, Self]:
        """A plan for each target, by the name of its loss and of its output."""
        if not self.table.others:
            return {"": self}
        plans: dict[str, Self] = {}
        for target in self.table.targets:
            name = NO_NAME.sub("_", target).strip("_")
            if not name or self.reserved.match(name):
                name = f"target_{name}"
            while name in plans:
                name += "_"
            plans[name] = replace(self, table=self.table.of_target(target))
        return plans

    @property
    def target_transforms(self) -> tuple[str, ...]:
        """The types of the target's transforms."""
        if self.table.task != "values":
            return ()
        if not is_amount(self.table):
            return ("standardize",)
        return (*(("clamp",) if "clamp" in self.installed else ()), "log", "standardize")

    @property
    def monitor(self) -> str:
        """The metric that chooses the epoch, in which neither smoothing nor the scale matters.

        Of classes, accuracy hardly changes with the epoch if one is rare, and the log loss may
        prefer an epoch that is less certain to one that tells them apart better. Of several
        targets it is the sum of their losses.
        """
        if self.table.others:
            return "validation_loss"
        is_number = self.table.task == "values"
        return f"validation_{'root_mean_squared_error' if is_number else 'refined_log_loss'}"

    @property
    def metrics(self) -> list[str]:
        """The metrics of the output, the main one first.

        If one of two classes is rare, that is average precision, and f1 where the output has no
        single unit: a model that never predicts the class has a high accuracy.
        """
        if self.table.task == "values":
            return ["root_mean_squared_error", "r2", "mean_absolute_error"]
        is_rare = rare_class(self.table) is not None
        if self.table.task == "classes" or self.unit_for_each:
            rare = ["f1", "matthews"] if is_rare else []
            return [*rare, "accuracy", "log_loss", "refined_log_loss"]
        rare = ["average_precision", "f1"] if is_rare else []
        return [*rare, "binary_accuracy", "log_loss", "refined_log_loss", "roc_auc"]

    @property
    def calibrators(self) -> list[object]:
        """The steps of the calibration of classes; empty for a number or without validation data.

        If one of two classes is rare, it is predicted above the threshold that has the best f1.
        """
        known = {"temperature", "threshold"} <= self.installed and self.sizes.validation
        if self.table.task == "values" or not known:
            return []
        is_rare = rare_class(self.table) is not None
        if self.table.task == "classes" or self.unit_for_each or not is_rare:
            return [TEMPERATURE]
        return [TEMPERATURE, {"type": "threshold", "metric": "f1"}]

    @property
    def last_units(self) -> int:
        """The units of the last dense layer."""
        return self.target.distinct if self.table.task == "classes" else 1

    @property
    def double(self) -> bool:
        """Whether a target needs more digits than float32 has."""
        columns = self.table.columns
        numbers = [columns[name] for name, task in self.table.targets.items() if task == "values"]
        return any(abs(number.mean) > DIGITS * number.std for number in numbers)
