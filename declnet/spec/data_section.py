"""The section `[data]` of a spec: data sources, splits and preparation."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Field,
    PlainValidator,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from declnet.contracts.data.data_source import DataSource
from declnet.contracts.data.transform import Transform
from declnet.contracts.network.inputs import NAME_HINT, is_name
from declnet.contracts.number_or import NumberOr
from declnet.contracts.strict_model import StrictModel, custom_error, located_error
from declnet.errors import Diagnostic, KeyPath
from declnet.spec import other_keys
from declnet.spec.document.editing import BARE
from declnet.spec.section import Section, contradiction, duplicates

SourceOrFraction = Annotated[float | DataSource, NumberOr(DataSource, minimum=0, below=1)]
Method = Literal["random", "stratified", "grouped", "time", "column"]


def _class_weights(value: Any) -> str | dict[str, float]:
    """Validate `"balanced"`, or a table with a weight for each class."""
    if value == "balanced":
        return "balanced"
    if not isinstance(value, dict) or not value:
        raise custom_error("balance", 'must be "balanced" or a table of a weight for each class')
    for name, weight in value.items():
        number = isinstance(weight, int | float) and not isinstance(weight, bool)
        if not number or not 0 <= weight < float("inf"):
            raise located_error("number", "must be a number of at least 0", (str(name),), weight)
    return {str(name): float(weight) for name, weight in value.items()}


_WEIGHTS = {"type": "object", "additionalProperties": {"type": "number", "minimum": 0}}
ClassWeights = Annotated[
    Literal["balanced"] | dict[str, float],
    PlainValidator(_class_weights),
    WithJsonSchema({"anyOf": [{"const": "balanced"}, _WEIGHTS]}),
]


def _class_name(value: Any, at: tuple[str | int, ...]) -> str:
    if not isinstance(value, str):
        raise located_error("class", "must be the name of a class, a string", at, value)
    return value


def _class_order(value: Any, at: tuple[str | int, ...]) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or len(value) < 2:
        raise located_error("order", "must be a list of two classes or more", at, value)
    names = tuple(_class_name(name, (*at, position)) for position, name in enumerate(value))
    for position, name in duplicates(names):
        raise located_error("class", f'duplicate class "{name}"', (*at, position), name)
    return names


def _by_target(validate: Callable[[Any, tuple[str | int, ...]], Any]) -> BeforeValidator:
    """Return the validator of a value for the only target, or of a table with one for each."""

    def validator(value: Any) -> Any:
        if isinstance(value, dict):
            return {str(target): validate(item, (str(target),)) for target, item in value.items()}
        return validate(value, ())

    return BeforeValidator(validator)


def _schema_by_target(schema: dict[str, Any]) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [schema, {"type": "object", "additionalProperties": schema}]})


_NAME: dict[str, Any] = {"type": "string"}
_NAMES: dict[str, Any] = {"type": "array", "items": _NAME, "minItems": 2, "uniqueItems": True}
PositiveClass = Annotated[str | dict[str, str], _by_target(_class_name), _schema_by_target(_NAME)]
ClassOrder = Annotated[
    tuple[str, ...] | dict[str, tuple[str, ...]],
    _by_target(_class_order),
    _schema_by_target(_NAMES),
]


class SplitSpec(Section):
    """The split of held-out samples from the training data: the table `[data.split]`."""

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
    equal_rows_together: bool = Field(
        default=False,
        description="whether rows of a table with equal features, such as copies, are held out "
        "together; for random and stratified",
    )

    def check(self) -> Iterator[Diagnostic]:
        """Yield a column that is missing, or that the method does not use."""
        if self.method in ("grouped", "column") and self.column is None:
            content = "the groups" if self.method == "grouped" else "train, validation and test"
            message = f'is missing: the method "{self.method}" needs a column'
            hint = f'add column = "…", the column with {content}'
            yield Diagnostic(message, hint, ("column",), "E011")
        if self.method == "random" and self.column is not None:
            yield contradiction('the method "random" uses no column', None, "column")
        if self.equal_rows_together and self.method not in ("random", "stratified"):
            message = f'the method "{self.method}" decides which rows stay together'
            yield contradiction(message, "remove it", "equal_rows_together")


class WindowSpec(Section):
    """The samples of a forecast, cut from a table in the order of time: `[data.windows]`."""

    past: int = Field(ge=1, description="rows that a forecast reads")
    horizon: int = Field(default=1, ge=1, description="rows after them whose target it predicts")
    step: int = Field(default=1, ge=1, description="rows from one window to the next")
    season: int = Field(
        default=1,
        ge=1,
        description="rows in a season, e.g. 12 of months: results are compared with the same rows "
        "of the season before; 1: with the last row",
    )
    series: str | None = Field(
        default=None,
        description="the column that says which series a row belongs to, e.g. the shop; default: "
        "all rows are of one series",
    )
    known: tuple[str, ...] = Field(
        default=(),
        description="features that are known in advance, e.g. holidays: their values in the "
        "horizon are the input `future`",
    )

    def check(self) -> Iterator[Diagnostic]:
        """Yield a column that `known` has twice, and a season longer than the past."""
        for position, name in duplicates(self.known):
            yield contradiction(f'duplicate column "{name}"', None, "known", position)
        if self.season > self.past:
            message = f"a season of {self.season} rows is longer than the past, {self.past}"
            yield Diagnostic(message, "increase past, or reduce season", ("season",), "E039")

    def count(self, rows: int) -> int:
        """Return the number of windows in a series."""
        return max(0, rows - self.past - self.horizon + self.step) // self.step


class StreamSpec(StrictModel):
    """The settings for data larger than memory: `[data.stream]`."""

    window: int | None = Field(
        default=None,
        ge=1,
        description="about how many samples to keep in memory and shuffle at a time; default: as "
        "many as take 32 MB",
    )
    cache: bool = Field(
        default=True,
        description="whether to keep prepared samples in a temporary file, up to half of the "
        "free disk space, so that files are read and prepared only once",
    )


def _step_text(step: Any) -> str:
    """Return a transform as TOML, with … for its keys."""
    if isinstance(step, dict) and len(step) > 1:
        return f'{{ type = "{step.get("type", "…")}", … }}'
    return f'"{step["type"] if isinstance(step, dict) and "type" in step else step}"'


def _stream(value: Any) -> Any:
    """Return the settings that `true` and `false` stand for."""
    return ({} if value else None) if isinstance(value, bool) else value


class DataSpec(Section):
    """The source and preparation of samples: the section `[data]`."""

    other_keys = other_keys.DATA

    train: DataSource | None = Field(default=None, description="what the model learns from")
    validation: SourceOrFraction | None = Field(
        default=None,
        description="a data source, or the fraction of train to hold out for it; 0: none",
    )
    test: SourceOrFraction | None = Field(
        default=None,
        description="what the trained model is evaluated on: a data source, or a fraction of "
        "train; 0: none",
    )
    split: SplitSpec = Field(
        default=SplitSpec(), description="how validation and test are held out of train"
    )
    folds: int | None = Field(
        default=None,
        ge=1,
        description="number of times to train, each with a different part of train as validation "
        "data; 1: a single model, as without it",
    )
    fold: int | None = Field(
        default=None, ge=1, description="the only fold to train, counted from 1"
    )
    inputs: dict[str, tuple[str, ...]] | None = Field(
        default=None,
        min_length=1,
        description="the inputs of the model by name, each with its columns of the table; default: "
        "one input of all columns",
    )
    windows: WindowSpec | None = Field(
        default=None,
        description="samples of several consecutive rows of a table, for forecasts; default: each "
        "row is a sample",
    )
    prepare: tuple[Transform, ...] = Field(
        default=(), description="transforms in order, fitted on what the model learns from"
    )
    prepare_targets: dict[str, tuple[Transform, ...]] | None = Field(
        default=None,
        min_length=1,
        description="transforms of targets by name, inverted in predictions and metrics; an "
        "array without a name is y",
    )
    positive_class: PositiveClass | None = Field(
        default=None,
        description="for two classes of a table: the one with the label 1, which binary metrics "
        "and thresholds refer to; of several targets, a table by target; default: the last one in "
        "sorted order",
    )
    class_order: ClassOrder | None = Field(
        default=None,
        description="the classes of a table's target in the order of their labels 0, 1, 2, …, e.g. "
        "of grades; of several targets, a table by target; default: sorted",
    )
    stream: Annotated[StreamSpec | None, BeforeValidator(_stream, bool | StreamSpec)] = Field(
        default=None,
        description="true, or a table: data larger than memory is read in parts, and prepared and "
        "shuffled on the way",
    )
    class_weights: ClassWeights | None = Field(
        default=None,
        description='weight of each class in the loss: a table, or "balanced" to make all classes '
        "count equally",
    )
    sample_weights: str | None = Field(
        default=None, description="the column with the weight of each sample in the loss"
    )

    @field_validator("validation", "test")
    @classmethod
    def _no_fraction(cls, part: float | DataSource | None) -> float | DataSource | None:
        """Return None for a fraction of 0."""
        return None if part == 0 else part

    @field_validator("folds")
    @classmethod
    def _no_folds(cls, folds: int | None) -> int | None:
        """Return None for a single model."""
        return None if folds == 1 else folds

    @field_validator("prepare_targets", mode="before")
    @classmethod
    def _steps_by_target(cls, steps: Any, info: ValidationInfo) -> Any:
        """Show how to write transforms that are not in a table by target."""
        is_one = isinstance(steps, str) or (isinstance(steps, dict) and "type" in steps)
        if not is_one and not isinstance(steps, list | tuple):
            return steps
        written = ", ".join(map(_step_text, [steps] if is_one else steps))
        train = info.data.get("train")
        names = getattr(train, "targets", None) or [getattr(train, "target", None) or "y"]
        keys = (name if BARE.fullmatch(name) else json.dumps(name) for name in names)
        tables = ", ".join(f"{key} = [{written}]" for key in keys)
        message = "must be a table with a list of transforms for each target"
        raise custom_error("steps", message, hint=f"write prepare_targets = {{ {tables} }}")

    def check(self) -> Iterator[Diagnostic]:
        """Yield what contradicts itself in the section."""
        yield from self._check_inputs()
        yield from self._check_windows()
        yield from self._check_stream()
        yield from self._check_class_order()
        yield from self._check_prepared_targets()
        yield from self._check_held_out()

    def _check_inputs(self) -> Iterator[Diagnostic]:
        input_of: dict[str, str] = {}
        for name, columns in (self.inputs or {}).items():
            at = ("inputs", name)
            if not is_name(name):
                yield Diagnostic(f'"{name}" cannot name an input', NAME_HINT, at, "E014")
            if not columns:
                message = f'the input "{name}" has no columns'
                yield Diagnostic(message, "list its columns", at, "E038")
            for position, column in enumerate(columns):
                if column in input_of:
                    message = f'column "{column}" is in the input "{input_of[column]}" already'
                    hint = "a column belongs to one input, which several layers may read"
                    yield Diagnostic(message, hint, (*at, position), "E038")
                input_of[column] = name

    def _check_windows(self) -> Iterator[Diagnostic]:
        if self.windows is None:
            return
        for key in ("inputs", "positive_class", "class_order", "class_weights", "sample_weights"):
            if getattr(self, key) is not None:
                message = f'"{key}" and "windows" exclude each other'
                yield Diagnostic(message, "remove one of the two", (key,), "E039")
        held_out = [*self.fractions, *(["folds"] if self.folds is not None else [])]
        if held_out and self.split.method != "time":
            message = "windows are held out by time, or some would overlap the training data"
            at = ("split", "method") if "split" in self.model_fields_set else (held_out[0],)
            hint = 'write split = { method = "time" }, with a column of times if there is one'
            yield Diagnostic(message, hint, at, "E039")
        if held_out and self.windows.series is not None and self.split.column is None:
            message = "several series are split at common times, so the split needs their column"
            hint = 'write split = { method = "time", column = "…" }'
            yield Diagnostic(message, hint, ("split",), "E039")

    def _check_stream(self) -> Iterator[Diagnostic]:
        if self.stream is None:
            return
        for key in ("folds", "windows"):
            if getattr(self, key) is not None:
                message = f'"{key}" takes all data in memory, so it excludes "stream"'
                yield contradiction(message, "remove one of the two", key)
        if self.split.equal_rows_together:
            message = "equal rows can be anywhere, but the rows are streamed"
            yield contradiction(message, "remove it", "split", "equal_rows_together")
        message = f'the split "{self.split.method}" needs all rows in memory, but they are streamed'
        if self.split.method == "stratified":
            yield contradiction(message, 'use "random", "grouped" or "column"', "split", "method")
        if self.split.method == "time" and self.split.column is not None:
            message, hint = f"{message}, in the order of the file", "sort the file by time"
            yield contradiction(message, f"{hint}, and remove the column", "split", "column")

    def _check_class_order(self) -> Iterator[Diagnostic]:
        orders, positive = self.class_order, self.positive_class
        both: list[str | None] = [None] if orders is not None and positive is not None else []
        if isinstance(orders, Mapping) and isinstance(positive, Mapping):
            both = [target for target in positive if target in orders]
        for target in both:
            message = '"class_order" and "positive_class" exclude each other'
            hint = "remove one of the two: the last class of the order is the positive one"
            yield contradiction(message, hint, "positive_class", *filter(None, [target]))

    def _check_prepared_targets(self) -> Iterator[Diagnostic]:
        for name, transforms in (self.prepare_targets or {}).items():
            for position, transform in enumerate(transforms):
                at = ("prepare_targets", name, position)
                if transform.training_only:
                    message = f"{transform.type} changes samples at random, not targets"
                    yield contradiction(message, None, *at)
                if transform.columns is not None:
                    yield contradiction("a target is one column", "remove it", *at, "columns")

    def _check_held_out(self) -> Iterator[Diagnostic]:
        held_out = sum(self.fractions.values())
        if held_out >= 1:
            message = f"validation and test together take {held_out:g} of train, leaving no samples"
            yield Diagnostic(message, None, ("test",), "E013")
        if self.folds is None:
            if self.fold is not None:
                message = "a fold needs the number of folds: add e.g. folds = 5"
                yield contradiction(message, None, "fold")
            return
        if self.fold is not None and self.fold > self.folds:
            message = f"there are only {self.folds} folds, counted from 1"
            yield Diagnostic(message, None, ("fold",), "E013")
        if self.validation is not None:
            message = "the folds provide the validation data, so remove this"
            yield contradiction(message, None, "validation")
        if self.split.method == "column" and isinstance(self.test, float):
            message = "each value of the split's column is a fold, so test cannot be a fraction"
            yield contradiction(message, None, "test")

    @property
    def is_cross_validation(self) -> bool:
        """Whether the spec describes one run for each fold."""
        return self.folds is not None and self.fold is None

    @property
    def fractions(self) -> dict[str, float]:
        """The fractions of the training data that are held out, by data set."""
        named = {"validation": self.validation, "test": self.test}
        return {name: part for name, part in named.items() if isinstance(part, float)}

    @property
    def sources(self) -> dict[str, DataSource]:
        """The data sources by data set."""
        named = {"train": self.train, "validation": self.validation, "test": self.test}
        return {name: part for name, part in named.items() if isinstance(part, DataSource)}

    def origin_of(self, name: str) -> KeyPath:
        """Return the key that determines a data set: its source's path, if it has one."""
        source = self.sources.get(name)
        has_path = source is not None and "path" in type(source).model_fields
        return ("data", name, "path") if has_path else ("data", name)

    @property
    def no_features(self) -> dict[str, str]:
        """The columns of a table that are not features, with their purposes."""
        by = self.split.method in ("grouped", "time", "column") and self.split.column
        series = self.windows.series if self.windows is not None else None
        purposes = (by, "split"), (self.sample_weights, "weight"), (series, "series")
        return {name: purpose for name, purpose in purposes if name}
