"""Heads: a loss with the output and the target that it compares, and its calibration."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import (
    Field,
    GetJsonSchemaHandler,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    model_serializer,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError, core_schema

from declnet.contracts.network.inputs import NAME_HINT, UNNAMED, is_name
from declnet.contracts.network.loss import Loss
from declnet.contracts.network.metric import Metric
from declnet.contracts.runs.calibrator import Calibrator
from declnet.contracts.strict_model import KIND, StrictModel
from declnet.errors import Diagnostic, KeyPath
from declnet.registry.spelling import closest
from declnet.spec.section import Section, contradiction


class CalibrationSpec(Section):
    """The postprocessing of the trained model's predictions: `[calibration]`."""

    steps: tuple[Calibrator, ...] = Field(
        min_length=1,
        description="calibrators, each fitted to the validation data's predictions as the steps "
        "before it changed them",
    )

    def check(self) -> Iterator[Diagnostic]:
        """Yield a step that changes what an earlier one is fitted to, or gives the same."""
        givers: dict[str, Calibrator] = {}
        types: set[str] = set()
        for position, step in enumerate(self.steps):
            at = ("steps", position)
            if step.type in types:
                yield contradiction(
                    f'two steps have the type "{step.type}"', "remove one of them", *at
                )
            types.add(step.type)
            if "apply" in step.gives() and givers:
                earlier = next(iter(givers.values())).type
                message = f'"{step.type}" changes the predictions that "{earlier}" is fitted to'
                yield contradiction(message, f'put "{step.type}" before "{earlier}"', *at)
            for output in step.gives():
                if output in givers:
                    both = f'"{step.type}" and "{givers[output].type}" both give {_OUTPUTS[output]}'
                    yield contradiction(both, "remove one of them", *at)
                if output != "apply":
                    givers[output] = step


_OUTPUTS = {"threshold": "a threshold", "intervals": "intervals", "sets": "sets"}


HISTORY = frozenset({"epoch", "loss", "data_loss", "regularization_loss", "learning_rate"})
"""The columns of the history that are not a loss's own."""

VALIDATION = "validation_"
"""Prefix of validation metrics in the history."""

NAMED_LOSS = "named_loss"
"""The kind of a table `[losses.NAME]` in the JSON Schema: a loss with the reserved keys."""

TargetKind = Literal["values", "classes", "binary"]
"""What a loss takes, see `Loss.targets`."""

RESERVED = ("output", "target", "weight", "metrics", "calibration")
"""Keys of `[losses.NAME]` that are not the loss's own."""


class HeadSpec(StrictModel):
    """A loss, with the output and the target that it compares: a table `[losses.NAME]`."""

    output: str | None = Field(
        default=None, description="the layer whose output it takes; default: the loss's name"
    )
    target: str | None = Field(
        default=None, description="the target that it compares with; default: the loss's name"
    )
    weight: float = Field(
        default=1.0, ge=0, description="how much it counts in the sum that training minimizes"
    )
    metrics: tuple[Metric, ...] = Field(
        default=(), description="metrics of this output in addition to its loss"
    )
    calibration: CalibrationSpec | None = Field(
        default=None,
        description="postprocessing of this output's predictions, fitted after training",
    )
    loss: Loss

    @model_validator(mode="before")
    @classmethod
    def _split(cls, values: object) -> object:
        """Separate the loss's own keys from the reserved ones."""
        if isinstance(values, str):
            return {"loss": {"type": values}}
        if isinstance(values, Loss):
            return {"loss": values}
        if not isinstance(values, Mapping) or isinstance(values.get("loss"), Loss):
            return values
        reserved, loss = split_head(values)
        return {**reserved, "loss": loss}

    @classmethod
    def _with_suggestion(cls, detail: ErrorDetails, info: ValidationInfo) -> InitErrorDetails:
        """Suggest a reserved key for an unknown key of the loss that is like one."""
        details = super()._with_suggestion(detail, info)
        is_key = detail["type"] == "unknown_key" and len(detail["loc"]) == 2
        near = closest(str(detail["loc"][-1]), RESERVED) if is_key else None
        if near is not None:
            about = cls.about_unknown(str(detail["loc"][-1]), RESERVED, "")
            details["type"] = PydanticCustomError("unknown_key", "unknown key", about)
        return details

    @model_serializer(mode="wrap")
    def _joined(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        values = handler(self)
        return {**values.pop("loss"), **values}

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        described = handler(schema)
        table = handler.resolve_ref_schema(described)
        table["properties"].pop("loss")
        more = {"properties": dict(table["properties"]), "description": table["description"]}
        table.clear()
        table.update({"type": ["string", "object"], "required": ["type"], KIND: NAMED_LOSS, **more})
        return described


def split_head(table: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the reserved keys of a table `[losses.NAME]`, and the keys of its loss."""
    reserved = {key: value for key, value in table.items() if key in RESERVED}
    return reserved, {key: value for key, value in table.items() if key not in RESERVED}


def label(loss: str, metric: str) -> str:
    """Return what the history calls a metric of a loss, e.g. `price_loss`."""
    return f"{loss}_{metric}" if loss else metric


@dataclass(frozen=True)
class PartialHead:
    """A loss with the output and the target that it compares, as far as they are valid.

    Attributes:
        name: the loss's name in `[losses]`; `""` for the only loss, `[loss]`.
        loss: None if it is invalid.
        metrics: the valid metrics by position.
        output: the layer whose output it takes; `""`: the only output.
        target: the target as written; `""` if it is not.
        weight: how much its loss counts in the sum.
        calibration: the valid steps that complete its predictions after the training, by position.
        targets: what an invalid loss takes, as `Loss.targets`; None if its type is unknown.
    """

    name: str
    loss: Loss | None
    metrics: Mapping[int, Metric] = field(default_factory=dict)
    output: str = ""
    target: str = ""
    weight: float = 1.0
    calibration: Mapping[int, Calibrator] = field(default_factory=dict)
    targets: TargetKind | None = None

    @property
    def path(self) -> KeyPath:
        """The key path of the loss."""
        return ("losses", self.name) if self.name else ("loss",)

    @property
    def metrics_path(self) -> KeyPath:
        """The key path of its metrics."""
        return (*self.path, "metrics") if self.name else ("training", "metrics")

    @property
    def calibration_path(self) -> KeyPath:
        """The key path of the steps of its calibration."""
        return (*(self.path if self.name else ()), "calibration", "steps")

    def label(self, metric: str) -> str:
        """Return what the history calls a metric of this head."""
        return label(self.name, metric)

    def target_among(self, names: Collection[str]) -> str | None:
        """Return its target; None if it is not among the names.

        A target without a name serves any head that does not name one; `[loss]` takes the only
        target.

        Args:
            names: the names of the data's targets; `""` for the only one without a name.
        """
        if not self.name:
            return next(iter(names)) if len(names) == 1 else None
        named = self.target or self.name
        only = UNNAMED if not self.target and set(names) == {UNNAMED} else None
        return named if named in names else only


@dataclass(frozen=True)
class Head(PartialHead):
    """An output of the model, with the target and the loss that train it."""

    loss: Loss


def heads_of(losses: Mapping[str, HeadSpec]) -> tuple[Head, ...]:
    """Return the heads of a spec, one for each of its losses."""
    return tuple(
        Head(
            name,
            head.loss,
            dict(enumerate(head.metrics)),
            head.output or name,
            head.target or "",
            head.weight,
            dict(enumerate(head.calibration.steps if head.calibration is not None else ())),
            head.loss.targets,
        )
        for name, head in losses.items()
    )


def name_problems(losses: Mapping[str, HeadSpec]) -> Iterator[Diagnostic]:
    """Yield the losses and metrics whose names in the history are taken, with relative paths."""
    owners: dict[str, str] = {}
    for name, head in losses.items():
        if not is_name(name):
            yield Diagnostic(f'"{name}" cannot name a loss', NAME_HINT, (name,), "E014")
        labels = [label(name, metric) for metric in ("loss", *(m.label for m in head.metrics))]
        for position, column in enumerate(labels, start=-1):
            at: KeyPath = (name,) if position < 0 else (name, "metrics", position)
            hint = f"give the {'loss' if position < 0 else 'metric'} another name"
            if column in HISTORY or column.startswith(VALIDATION):
                message = f'"{column}" would be another column of the history'
                yield Diagnostic(message, hint, at, "E019")
            if column in owners:
                message = f'"{column}" would be a metric of "{owners[column]}" as well'
                yield Diagnostic(message, hint, at, "E019")
            owners[column] = name
