"""The structure of a spec: `RunSpec`, its sections, and its serialization."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Self

from pydantic import (
    AfterValidator,
    Field,
    PrivateAttr,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from declnet.contracts.network.layer import Layer
from declnet.contracts.network.loss import Loss
from declnet.contracts.network.metric import Metric
from declnet.contracts.network.optimizer import Optimizer
from declnet.contracts.runs.analysis import Analysis
from declnet.contracts.runs.callback import Callback
from declnet.contracts.strict_model import (
    LayerName,
    StrictModel,
    custom_error,
    located_error,
    resolve_paths,
)
from declnet.errors import Diagnostic
from declnet.spec import other_keys
from declnet.spec.data_section import DataSpec
from declnet.spec.document.compose import FORMAT_VERSION
from declnet.spec.document.expansion import ExpandedMap
from declnet.spec.document.variables import VARIABLES, literal_value
from declnet.spec.heads import HISTORY, CalibrationSpec, Head, HeadSpec, heads_of, name_problems
from declnet.spec.requirements import Requirement
from declnet.spec.section import Section, contradiction, duplicates, require_none
from declnet.spec.shown_values import shown
from declnet.spec.varying_keys import SWEEP, TUNE

if TYPE_CHECKING:
    from declnet.spec.members import Members
    from declnet.spec.sweep import Sweep
    from declnet.spec.tuning import Tuning

MAXIMUM_NAME_BYTES = 100


def fit_name(text: str) -> str:
    """Return a text, e.g. a file's stem, with minimal changes to name a run's folder."""
    printable = "".join(
        "_" if character in "/\\" or not character.isprintable() else character
        for character in text
    )
    cut = printable.lstrip(". \t").encode()[:MAXIMUM_NAME_BYTES].decode(errors="ignore").rstrip()
    return cut or "run"


def _check_name(name: str) -> str:
    if name != fit_name(name):
        message = (
            "must be usable as a folder name: no /, \\ or line break, no leading dot, at most "
            f"{MAXIMUM_NAME_BYTES} bytes"
        )
        raise custom_error("name", message, hint=f'write "{fit_name(name)}"')
    return name


def _check_version(version: int) -> int:
    if version != FORMAT_VERSION:
        message = f"must be {FORMAT_VERSION}, the version that this declnet reads"
        raise PydanticCustomError("version", message)
    return version


class _WithPaths(Section):
    """A table whose relative paths are relative to the file that contains them."""

    @model_validator(mode="before")
    @classmethod
    def _paths(cls, values: object, info: ValidationInfo) -> object:
        if isinstance(values, dict):
            return resolve_paths(cls, values, (info.context or {}).get("folder"))
        return values


class InitialWeights(_WithPaths):
    """A part of the weights in a file: `model.initial_weights` as a table."""

    path: Path = Field(description="a safetensors file")
    only: tuple[str, ...] = Field(
        default=(),
        description='patterns of the parameters to load, by their names here, e.g. ["conv*"]'
        "; absent: all that are in the file",
    )
    rename: dict[str, str] = Field(
        default={},
        description='names in the file and in the model, e.g. { "old.*" = "new.*" }',
    )


def _path_or_table(
    value: Any, handler: ValidatorFunctionWrapHandler, info: ValidationInfo
) -> Path | InitialWeights | None:
    """Choose the type by the form of the value, so that only one error is reported, at its key."""
    if isinstance(value, dict):
        return InitialWeights.model_validate(value, context=info.context)
    if value is None or isinstance(value, str | Path | InitialWeights):
        validated: Path | InitialWeights | None = handler(value)
        return validated
    raise custom_error(
        "initial_weights", f"must be a path or a table with a path, not {shown(value)}"
    )


class ModelSpec(_WithPaths):
    """The network: the section `[model]`."""

    other_keys = other_keys.MODEL

    dtype: Literal["float32", "float64"] = Field(
        default="float32", description="the type of parameters and activations"
    )
    initial_weights: Annotated[Path | InitialWeights | None, WrapValidator(_path_or_table)] = Field(
        default=None,
        description="a safetensors file with the weights to start from, or a table that chooses "
        "some of them",
    )
    outputs: tuple[LayerName, ...] | None = Field(
        default=None, min_length=1, description="the layers that are outputs; default: the last one"
    )
    layers: tuple[Layer, ...] = Field(
        min_length=1,
        description="layers and blocks, in topological order; the last one is the output",
    )

    _preferred: tuple[str, ...] = PrivateAttr(default=())

    def check(self) -> Iterator[Diagnostic]:
        """Yield an output that is listed twice."""
        for position, name in duplicates(self.outputs or ()):
            yield Diagnostic(f'"{name}" is an output already', None, ("outputs", position), "E019")

    @property
    def weights_path(self) -> Path | None:
        """The file of the initial weights, if there are any."""
        initial = self.initial_weights
        return initial.path if isinstance(initial, InitialWeights) else initial

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


class TrainingSpec(Section):
    """The length and the steps of the training: the section `[training]`."""

    other_keys = other_keys.TRAINING

    epochs: int | None = Field(
        default=None, ge=1, description="passes over the training data; optional with max_steps"
    )
    max_steps: int | None = Field(
        default=None,
        ge=1,
        description="maximum number of updates",
    )
    batch_size: int | None = Field(
        default=None, ge=1, description="samples per step; absent: all samples in every step"
    )
    accumulate: int = Field(
        default=1, ge=1, description="batches whose gradients are averaged for each update"
    )
    shuffle: bool = Field(default=True, description="whether mini-batches are shuffled each epoch")
    drop_last: bool = Field(
        default=False,
        description="whether the last batch of an epoch is left out if it has fewer samples",
    )
    clip_norm: float | None = Field(
        default=None,
        gt=0,
        description="scales the gradient of all parameters down to at most this norm",
    )
    clip_value: float | None = Field(
        default=None, gt=0, description="limits each component of the gradient to this magnitude"
    )
    log_every: int = Field(default=1, ge=1, description="number of epochs between log entries")
    metrics: tuple[Metric, ...] = Field(default=(), description="metrics in addition to the loss")
    callbacks: tuple[Callback, ...] = Field(
        default=(), description="actions to perform during the run"
    )

    @property
    def most_epochs(self) -> int | None:
        """An upper bound for the number of epochs; None if invalid keys are left out."""
        return min((limit for limit in (self.epochs, self.max_steps) if limit), default=None)

    def updates(self, samples: int) -> int:
        """Return the number of updates in the whole training, for a number of samples."""
        by_epochs = self.epochs and self.epochs * self.epoch_updates(samples)
        return min(limit for limit in (by_epochs, self.max_steps) if limit)

    def started_epochs(self, samples: int) -> int:
        """Return the number of epochs that are trained at least in part."""
        return -(-self.updates(samples) // self.epoch_updates(samples))

    def epoch_updates(self, samples: int) -> int:
        """Return the number of updates in an epoch, for a number of samples."""
        return -(-self.epoch_batches(samples) // self.accumulate)

    def epoch_batches(self, samples: int) -> int:
        """Return the number of batches in an epoch, for a number of samples."""
        size = min(self.batch_size or samples, samples)
        return samples // size if self.drop_last else -(-samples // size)

    def check(self) -> Iterator[Diagnostic]:
        """Yield a training without an end, keys without effect, and metrics of one name."""
        if self.most_epochs is None:
            hint = "add epochs, passes over the training data, or max_steps, a number of updates"
            yield Diagnostic("is missing", hint, ("epochs",), "E011")
        if self.accumulate > 1 and self.batch_size is None:
            message = "without batch_size, each update takes all samples"
            hint = "add batch_size, the number of samples in each of the accumulated batches"
            yield contradiction(message, hint, "accumulate")
        if self.drop_last and self.batch_size is None:
            message = "without batch_size, each step takes all samples, and none is left out"
            yield contradiction(
                message, "add batch_size, the number of samples per step", "drop_last"
            )
        labels = [metric.label for metric in self.metrics]
        for position, label in enumerate(labels):
            at = ("metrics", position)
            if label in HISTORY:
                message = f'a metric cannot be named "{label}", a column of the history'
                yield Diagnostic(message, None, at, "E019")
            if label in labels[:position]:
                hint = 'give one of them another name: { type = "…", name = "…" }'
                yield Diagnostic(f'two metrics are named "{label}"', hint, at, "E019")


class EngineSpec(StrictModel):
    """The kernels and the engine: they change the speed, and results only by rounding."""

    kernels: Literal["auto", "numpy", "jit"] = Field(
        default="auto",
        description="numpy: the components' own code; jit: compiled kernels in place of those that "
        "have one; auto: jit if it is installed and the run is long enough to benefit",
    )
    type: str | None = Field(
        default=None,
        description="the engine that runs compiled kernels without Python between them; default: "
        "the first that is installed",
    )
    threads: int | None = Field(
        default=None,
        ge=1,
        le=1024,
        description="maximum number of threads for one step, which does not change results; "
        "default: as many as the process may use",
    )


class RunSpec(StrictModel):
    """A whole run: data, model, loss, optimizer, training, engine."""

    other_keys = other_keys.RUN

    declnet: Annotated[int, AfterValidator(_check_version)] = Field(
        default=FORMAT_VERSION, description="version of the format"
    )
    name: Annotated[str, AfterValidator(_check_name)] = Field(
        default="run", description="names the run's folder; default: the spec file's stem"
    )
    seed: int = Field(default=0, ge=0, le=2**53, description="the seed of all random streams")
    plugins: tuple[Requirement, ...] = Field(
        default=(), description='required distributions, e.g. "declnet-wavelets>=1.2"'
    )
    data: DataSpec = Field(default=DataSpec(), description="where samples come from")
    model: ModelSpec = Field(description="the network")
    losses: dict[str, HeadSpec] | None = Field(
        default=None,
        min_length=1,
        description="for several outputs or targets: the losses by name, whose weighted sum "
        "training minimizes",
    )
    loss: Loss | None = Field(default=None, description="the function that training minimizes")
    optimizer: Optimizer = Field(description="how parameters are updated from their gradients")
    training: TrainingSpec = Field(description="how long and in which steps to train")
    calibration: CalibrationSpec | None = Field(
        default=None,
        description="postprocessing of predictions, fitted to the validation data after training",
    )
    engine: EngineSpec = Field(default=EngineSpec(), description="what computes")
    analyses: tuple[Analysis, ...] = Field(
        default=(), description="analyses of the finished model, stored in the run's folder"
    )

    _source_map: ExpandedMap = PrivateAttr(default_factory=ExpandedMap)
    _sweep: Sweep | None = PrivateAttr(default=None)
    _tuning: Tuning | None = PrivateAttr(default=None)
    _members: Members | None = PrivateAttr(default=None)
    _folder: Path = PrivateAttr(default_factory=Path.cwd)

    @classmethod
    def about_unknown(cls, written: str, known: Collection[str], label: str) -> dict[str, str]:
        """Return the context of an unknown key's error; sections that are not fields count too."""
        return super().about_unknown(written, {*known, VARIABLES, SWEEP, TUNE, "members"}, label)

    @field_validator("losses", mode="after")
    @classmethod
    def _names_differ(cls, losses: dict[str, HeadSpec] | None) -> dict[str, HeadSpec] | None:
        require_none(name_problems(losses or {}))
        return losses

    @field_validator("loss", mode="after")
    @classmethod
    def _one_loss_or_losses(cls, loss: Loss | None, info: ValidationInfo) -> Loss | None:
        if "losses" not in info.data:
            return loss  # invalid, which is reported
        if loss is None and info.data["losses"] is None:
            raise custom_error("missing_key", "is missing")
        if loss is not None and info.data["losses"] is not None:
            message = "a spec has either [loss] or [losses]"
            raise custom_error("contradiction", message, hint="move it into [losses]")
        return loss

    @field_validator("training", mode="after")
    @classmethod
    def _metrics_of_losses(cls, training: TrainingSpec, info: ValidationInfo) -> TrainingSpec:
        if info.data.get("losses") is not None and training.metrics:
            message = "with [losses], metrics belong to a loss"
            hint = f"move them: [losses.{next(iter(info.data['losses']))}] metrics = [ … ]"
            at = ("metrics",)
            raise located_error("contradiction", message, at, training.metrics, hint=hint)
        return training

    @field_validator("calibration", mode="after")
    @classmethod
    def _calibration_of_losses(
        cls, calibration: CalibrationSpec | None, info: ValidationInfo
    ) -> CalibrationSpec | None:
        if calibration is not None and info.data.get("losses") is not None:
            message = "with [losses], a calibration belongs to a loss"
            hint = f"move it: [losses.{next(iter(info.data['losses']))}.calibration]"
            raise custom_error("contradiction", message, hint=hint)
        return calibration

    @property
    def heads(self) -> tuple[Head, ...]:
        """The losses with their outputs, targets and metrics; a single `[loss]` has no name."""
        if self.losses is not None or self.loss is None:
            return heads_of(self.losses or {})
        metrics, calibration = self.training.metrics, self.calibration
        only = HeadSpec.model_construct(loss=self.loss, metrics=metrics, calibration=calibration)
        return heads_of({"": only})

    @property
    def source_map(self) -> ExpandedMap:
        """Where each value is written, for errors found later."""
        return self._source_map

    @property
    def sweep(self) -> Sweep | None:
        """The section `[sweep]`; None if there is none, as in the runs of a sweep."""
        return self._sweep

    @property
    def tuning(self) -> Tuning | None:
        """The section `[tune]`; None if there is none, as in the trials of a study."""
        return self._tuning

    @property
    def members(self) -> Members | None:
        """The models of a spec with members; all other attributes are of the first one."""
        return self._members

    @property
    def is_group(self) -> bool:
        """Whether the spec describes several runs: one for each fold or member."""
        return self._members is not None or self.data.is_cross_validation

    def consist_of(self, members: Members, folder: Path) -> None:
        """Set the members, and the base of relative paths."""
        self._members, self._folder = members, folder.absolute()

    @property
    def folder(self) -> Path:
        """The base of relative paths in the values that vary."""
        return self._folder

    def read_from(
        self, source_map: ExpandedMap, folder: Path, sweep: Sweep | None, tuning: Tuning | None
    ) -> None:
        """Set where each value is written, the base of relative paths, and the keys that vary."""
        self._source_map, self._folder = source_map, folder.absolute()
        self._sweep, self._tuning = sweep, tuning

    def _repr_html_(self) -> str:
        from declnet.display.html import view
        from declnet.spec.display import spec_html

        return view(spec_html(self))

    def __eq__(self, other: object) -> bool:
        """Return whether both have the same values, regardless of where they are written."""
        return isinstance(other, RunSpec) and self.__dict__ == other.__dict__

    __hash__ = StrictModel.__hash__


def resolved_document(spec: RunSpec) -> dict[str, Any]:
    """Return the spec as plain tables, with every default and with absolute paths.

    Keys whose value is None are left out, since TOML has no null.
    """
    if spec.members is not None:
        weights = {"weights": "selected"} if spec.members.selects else {}
        members = [
            {**resolved_document(member.spec), **({} if weights else {"weight": member.weight})}
            for member in spec.members.members
        ]
        return {"declnet": spec.declnet, "name": spec.name, **weights, "members": members}
    document: dict[str, Any] = literal_value(spec.model_dump(mode="json", exclude_none=True))
    return document


def resolved_toml(spec: RunSpec) -> str:
    """Return the resolved spec as TOML text, from which the same `RunSpec` can be read."""
    import tomli_w

    return tomli_w.dumps(resolved_document(spec))
