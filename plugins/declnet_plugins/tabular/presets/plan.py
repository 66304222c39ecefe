"""The plan of a preset for a table: how a network reads its columns, and its targets."""

import re
from dataclasses import dataclass
from functools import cached_property

from declnet_plugins.new import ColumnProfile
from declnet_plugins.standard.templates.plan import RESERVED, Plan
from declnet_plugins.standard.templates.suggestions import is_amount, is_category, rare_class


@dataclass(frozen=True)
class TablePlan(Plan):
    """A `Plan` whose columns are sorted by how a network of numbers and categories reads them.

    Attributes:
        clamps: whether predicted numbers stay in the range of the training data.
    """

    clamps: bool = False

    reserved = re.compile(
        f"{RESERVED.pattern}|numbers|categories|embed|vectors|feature_scale|ntp_dense|selu|mish|"
        "parametric|members|softmax"
    )

    @cached_property
    def categories(self) -> tuple[ColumnProfile, ...]:
        """The columns of text and of booleans."""
        return tuple(
            column for column in self.columns if is_category(column) or column.type == "boolean"
        )

    @cached_property
    def one_hot(self) -> tuple[ColumnProfile, ...]:
        """The categories that become columns rather than vectors."""
        return tuple(column for column in self.categories if column not in self.embedded)

    @cached_property
    def numbers(self) -> tuple[ColumnProfile, ...]:
        """The other columns, of numbers and of dates."""
        return tuple(column for column in self.columns if column not in self.categories)

    @property
    def training_rows(self) -> int:
        """The least number of rows that are not held out."""
        rows = self.table.rows
        return rows - sum(int(rows * share + 1) for share in self._held_out if share)

    @property
    def _held_out(self) -> tuple[float, float]:
        return self.sizes.validation, self.sizes.test

    @property
    def classes(self) -> int:
        """The number of classes; 0 for a number."""
        return 0 if self.table.task == "values" else self.target.distinct

    @property
    def any_classes(self) -> bool:
        """Whether some target is one of several classes."""
        return any(plan.classes for plan in self.plans.values())

    @property
    def target_transforms(self) -> tuple[str, ...]:
        """The types of the target's transforms."""
        if self.classes:
            return ()
        clamp = ("clamp",) if self.clamps or is_amount(self.table) else ()
        return (*clamp, *(("log",) if is_amount(self.table) else ()), "standardize")

    @property
    def is_binary(self) -> bool:
        """Whether the target has two classes."""
        return self.table.task == "binary"

    @property
    def monitor(self) -> str:
        """The metric that chooses the epoch; of a single number, in its own unit."""
        is_one_number = not self.table.others and not self.classes
        return "validation_mean_squared_error" if is_one_number else super().monitor

    @property
    def metrics(self) -> list[str]:
        """The metrics of an output of one number or of a probability for each class."""
        if not self.classes:
            return ["mean_squared_error", "r2", "mean_absolute_error"]
        return ["accuracy", "log_loss", *(["f1", "matthews"] if rare_class(self.table) else [])]

    @property
    def metrics_of_one_unit(self) -> list[str]:
        """The same metrics, for one unit if there are two classes."""
        if not self.is_binary:
            return self.metrics
        rare = ["f1", "average_precision"] if rare_class(self.table) else []
        return ["binary_accuracy", "log_loss", "roc_auc", *rare]
