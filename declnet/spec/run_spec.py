"""The form of a spec: `RunSpec` and its sections."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, PrivateAttr, ValidationInfo, model_validator

from declnet.components.callback import Callback
from declnet.components.declared import StrictModel, resolve_paths
from declnet.components.layer import Layer
from declnet.components.located_error import located_error
from declnet.components.loss import Loss
from declnet.components.metric import Metric
from declnet.components.optimizer import Optimizer
from declnet.spec.data_spec import DataSpec
from declnet.spec.engine_spec import EngineSpec
from declnet.spec.format_version import FormatVersion
from declnet.spec.name import Name
from declnet.spec.requirements import Requirement
from declnet.spec.written import Written


class ModelSpec(StrictModel):
    """The network: the section `[model]`."""

    dtype: Literal["float32", "float64"] = Field(
        default="float32", description="the type of parameters and activations"
    )
    initial_weights: Path | None = Field(
        default=None, description="a safetensors file with the weights to start from"
    )
    layers: tuple[Layer, ...] = Field(
        min_length=1, description="in topological order; the last one is the output"
    )

    _preferred: tuple[str, ...] = PrivateAttr(default=())

    @property
    def preferred(self) -> tuple[str, ...]:
        """The distributions that the spec's `plugins` lists, for names within layers."""
        return self._preferred

    @model_validator(mode="after")
    def _remember_preferred(self, info: ValidationInfo) -> Self:
        registry = (info.context or {}).get("registry")
        if registry is not None:
            self._preferred = tuple(sorted(registry.preferred))
        return self

    @model_validator(mode="before")
    @classmethod
    def _paths(cls, values: object, info: ValidationInfo) -> object:
        if isinstance(values, dict):
            return resolve_paths(cls, values, (info.context or {}).get("folder"))
        return values


class TrainingSpec(StrictModel):
    """How long and in which steps: the section `[training]`."""

    epochs: int = Field(ge=1, description="passes over the training data")
    batch_size: int | None = Field(
        default=None, ge=1, description="samples a step; absent: the full batch every step"
    )
    shuffle: bool = Field(default=True, description="whether mini-batches are shuffled each epoch")
    clip_norm: float | None = Field(
        default=None, gt=0, description="scales the gradient of all parameters down to this norm"
    )
    clip_value: float | None = Field(
        default=None, gt=0, description="cuts each number of the gradient to this size"
    )
    log_every: int = Field(default=1, ge=1, description="epochs from one logged to the next")
    metrics: tuple[Metric, ...] = Field(default=(), description="figures beside the loss")
    callbacks: tuple[Callback, ...] = Field(default=(), description="what else the run does")

    @model_validator(mode="after")
    def _metrics_differ(self) -> Self:
        taken = {"epoch", "loss", "data_loss", "regularization_loss", "learning_rate"}
        names: list[str] = []
        for position, metric in enumerate(self.metrics):
            if metric.label in taken:
                message = f'a metric cannot be called "{metric.label}": the history has that'
                raise located_error("names", message, ("metrics", position), metric)
            if metric.label in names:
                message = f'two metrics are called "{metric.label}"'
                hint = 'give one another name: { type = "…", name = "…" }'
                raise located_error("names", message, ("metrics", position), metric, hint=hint)
            names.append(metric.label)
        return self


class RunSpec(StrictModel):
    """A whole run: data, model, loss, optimizer, training, engine."""

    declnet: FormatVersion = Field(default=1, description="version of the format")
    name: Name = Field(
        default="run", description="names the run's folder; default: the spec file's stem"
    )
    seed: int = Field(default=0, ge=0, le=2**53, description="feeds every random stream")
    plugins: tuple[Requirement, ...] = Field(
        default=(), description='distributions that it needs, e.g. "declnet-wavelets>=1.2"'
    )
    data: DataSpec = Field(default=DataSpec(), description="where samples come from")
    model: ModelSpec = Field(description="the network")
    loss: Loss = Field(description="what training makes small")
    optimizer: Optimizer = Field(description="how parameters follow their gradients")
    training: TrainingSpec = Field(description="how long and in which steps")
    engine: EngineSpec = Field(default=EngineSpec(), description="what computes")

    _written: Written = PrivateAttr(default_factory=lambda: Written({}))

    @property
    def written(self) -> Written:
        """Who wrote what, so that later faults can be told at their place."""
        return self._written

    def was_written(self, written: Written) -> None:
        """Remembers who wrote what."""
        self._written = written

    def __eq__(self, other: object) -> bool:
        """Whether both say the same, wherever they are written."""
        return isinstance(other, RunSpec) and self.__dict__ == other.__dict__

    __hash__ = StrictModel.__hash__
