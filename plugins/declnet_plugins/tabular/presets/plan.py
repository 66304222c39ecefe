"""The plan of a preset for a table: how a network reads its columns, and its targets."""

import re
from dataclasses import dataclass
from functools import cached_property

from declnet_plugins.new import ColumnProfile
from declnet_plugins.standard.templates.plan import RESERVED, Plan
from declnet_plugins.standard.templates.suggestions import is_amount, is_category


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
