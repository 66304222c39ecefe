"""The section `[data]` of a spec: where samples come from, how they are split and prepared."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from declnet.components.data_source import DataSource
from declnet.components.declared import StrictModel
from declnet.components.located_error import located_error
from declnet.components.number_or import NumberOr
from declnet.components.transform import Transform
from declnet.spec.class_weights import ClassWeights

SourceOrFraction = Annotated[float | DataSource, NumberOr(DataSource, above=0, below=1)]

Method = Literal["random", "stratified", "grouped", "time", "column"]


class SplitSpec(StrictModel):
    """How samples are held out of the training data: the table `[data.split]`."""

    method: Method = Field(
        default="random",
        description="stratified: with the same shares of classes; grouped: whole groups; time: the "
        "last ones; column: as a column says",
    )
    column: str | None = Field(
        default=None,
        description="what groups, time or train, validation and test are read from; for "
        "stratified: in place of the target",
    )

    @model_validator(mode="after")
    def _column_where_needed(self) -> Self:
        if self.method in ("grouped", "column") and self.column is None:
            message = f'is missing: which column does "{self.method}" go by?'
            raise located_error("missing_key", message, ("column",), None)
        if self.method == "random" and self.column is not None:
            message = 'the method "random" goes by no column'
            raise located_error("contradiction", message, ("column",), self.column)
        return self


class DataSpec(StrictModel):
    """Where samples come from: the section `[data]`."""

    train: DataSource | None = Field(default=None, description="what the model learns from")
    validation: SourceOrFraction | None = Field(
        default=None, description="a data source, or the fraction of train to hold out for it"
    )
    test: SourceOrFraction | None = Field(
        default=None,
        description="what the finished model is tried on: a data source, or a fraction of train",
    )
    split: SplitSpec = Field(
        default=SplitSpec(), description="how validation and test are held out of train"
    )
    folds: int | None = Field(
        default=None,
        ge=2,
        description="train as many times, each time with another part of train as validation data",
    )
    fold: int | None = Field(
        default=None, ge=1, description="the only one of the folds to train, counted from 1"
    )
    prepare: tuple[Transform, ...] = Field(
        default=(), description="transforms in order, fitted on what the model learns from"
    )
    class_weights: ClassWeights | None = Field(
        default=None,
        description='how much each class counts in the loss: a table, or "balanced": all classes '
        "alike",
    )
    sample_weights: str | None = Field(
        default=None, description="the column that says how much each sample counts in the loss"
    )

    @model_validator(mode="after")
    def _fractions_leave_something(self) -> Self:
        held = [each for each in (self.validation, self.test) if isinstance(each, float)]
        if sum(held) >= 1:
            message = f"validation and test together take {sum(held):g} of train, so all of it"
            raise located_error("number", message, ("test",), self.test)
        return self

    @model_validator(mode="after")
    def _folds_are_the_validation(self) -> Self:
        if self.folds is None:
            if self.fold is not None:
                message = "there are no folds to choose from: add e.g. folds = 5"
                raise located_error("contradiction", message, ("fold",), self.fold)
            return self
        if self.fold is not None and self.fold > self.folds:
            message = f"there are only {self.folds} folds, counted from 1"
            raise located_error("number", message, ("fold",), self.fold)
        if self.validation is not None:
            message = "each fold is the validation data once, so leave this out"
            raise located_error("contradiction", message, ("validation",), self.validation)
        if self.split.method == "column" and isinstance(self.test, float):
            message = "each value of the split's column is a fold, so no fraction is a test"
            raise located_error("contradiction", message, ("test",), self.test)
        return self

    @property
    def is_cross_validation(self) -> bool:
        """Whether this stands for a run of each fold."""
        return self.folds is not None and self.fold is None

    @property
    def fractions(self) -> dict[str, float]:
        """The shares of the training data that are held out, by data set."""
        named = {"validation": self.validation, "test": self.test}
        return {name: each for name, each in named.items() if isinstance(each, float)}

    @property
    def sources(self) -> dict[str, DataSource]:
        """The data sources by data set."""
        named = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: each for name, each in named.items() if isinstance(each, DataSource)}

    @property
    def no_features(self) -> tuple[str, ...]:
        """The columns of a table that serve another purpose than to predict from."""
        by = self.split.method in ("grouped", "time", "column") and self.split.column
        return tuple(each for each in (by, self.sample_weights) if each)
