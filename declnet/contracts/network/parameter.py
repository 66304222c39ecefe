"""A layer's arrays: parameters with their initializers and regularizers, workspace, and state."""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from keyword import iskeyword
from math import isnan, nan
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, ClassVar, Literal, Self

import numpy as np

from declnet.contracts.annotations import Misfit, shown
from declnet.contracts.arrays import Array, Shape, Sizes
from declnet.contracts.component import Component
from declnet.contracts.returned import BrokenContractError


class Initializer(Component):
    """A component that fills a parameter before training."""

    kind = "initializer"
    conformance_checks = "declnet.testing.checks.initializers"
    required_methods = ("fill",)

    adapt_samples: ClassVar[int] = 0
    """Number of training samples that `adapt` needs, if there are as many; it sees at least
    the first batch."""

    def fill(self, w: Array, rng: np.random.Generator, fan_in: int, fan_out: int) -> None:
        """Overwrite all of `w`.

        Args:
            w: the parameter, of any float type.
            rng: the layer's own stream; the only source of randomness to use.
            fan_in: the number of inputs to each unit.
            fan_out: the number of outputs that each input feeds.
        """
        raise NotImplementedError

    def adapt(
        self, w: Array, x: Any, forward: Callable[[], Array], rng: np.random.Generator
    ) -> None:
        """Adjust `w`, which `fill` has filled, to the layer's first training batch; default: don't.

        Called before the first step of a training, layer by layer from the input, so that `x` comes
        from adapted layers. With `adapt_samples`, `x` holds that many samples, the first ones in
        the order of the first epoch. It is not called when a run is resumed, when the model has
        `initial_weights`, and without a training, as in `build_model`.

        Args:
            w: the parameter, changed in place.
            x: the layer's input, (n, *input shape), only read; a tuple if it takes many inputs.
            forward: runs the layer on x as in a training step, with its parameters as they are, and
                returns y, (n, *output shape), valid until the next call and only read.
            rng: a stream of the layer's own; the only source of randomness to use.
        """

    def verify_adapt(self, _: None, w: Array, *__: Any) -> None:
        """Raise BrokenContractError if the parameter is no longer finite."""
        if not np.isfinite(w).all():
            raise BrokenContractError(self, "adapt", "left numbers that are not finite")


class Regularizer(Component):
    """A penalty and its gradient."""

    kind = "regularizer"
    conformance_checks = "declnet.testing.checks.regularizers"
    required_methods = ("penalty", "add_gradient")

    def penalty(self, w: Array) -> float:
        """Return the penalty of a parameter, which is added to the mean data loss."""
        raise NotImplementedError

    def add_gradient(self, w: Array, dw: Array) -> None:
        """Add the penalty's gradient to `dw`, in place."""
        raise NotImplementedError


@dataclass(frozen=True)
class Parameter:
    """An array that a layer keeps from step to step and usually trains.

    Attributes:
        shape: its shape; parameters have no batch axis.
        initializer: an `Initializer`, a name such as `"zeros"`, or a table with a type.
        regularizer: adds a penalty to the loss; only for trainable parameters.
        trainable: whether the optimizer updates it. A running mean, for example, is not trainable:
            the layer updates it, and it is saved with the weights but has no gradient.
        running_statistic: whether the layer updates it by a statistic of each training batch, and
            honors `LayerState.measuring`, so that it can be computed again for other weights.
        role: what it does to the input: a `weight` multiplies and sums, a `bias` is added, a
            `scale` multiplies elementwise.
        fan_in: inputs to each unit, for initializers; default by shape: `shape[0]` of a matrix,
            the product of all axes but the first for three or more axes.
        fan_out: outputs that each input feeds; default: `shape[1]` of a matrix, `shape[0]` times
            the receptive field for three or more axes.
    """

    shape: Sizes
    initializer: Initializer | str | dict[str, Any]
    regularizer: Regularizer | None = None
    trainable: bool = True
    role: Literal["weight", "bias", "scale"] = "weight"
    fan_in: int | None = None
    fan_out: int | None = None
    running_statistic: bool = False

    def __post_init__(self) -> None:
        """Raise ValueError if a running statistic is trainable."""
        if self.running_statistic and self.trainable:
            raise ValueError("a running statistic needs trainable=False")

    def verified(self) -> Self:
        """Return this parameter; raise Misfit if it has a regularizer that has no effect."""
        if self.regularizer is not None and not self.trainable:
            raise Misfit("a parameter", ", which is not trainable and so takes no regularizer")
        return self


@dataclass(frozen=True)
class Workspace:
    """Working memory of a layer, allocated once.

    Attributes:
        shape: the shape of one sample if `per_sample`, else the whole shape.
        dtype: a NumPy dtype or its name; default: the model's float type.
        per_sample: whether a batch axis comes first.
        fill: its contents before the first step; default: arbitrary.
        constant: whether it always holds `fill`: it is read-only and shared between layers.
    """

    shape: Sizes
    dtype: Any = None
    per_sample: bool = True
    fill: float | None = None
    constant: bool = False

    def __post_init__(self) -> None:
        """Raise ValueError if it is constant without a `fill`."""
        if self.constant and self.fill is None:
            raise ValueError("a constant buffer needs a fill")

    def verified(self) -> Self:
        """Return this memory; raise Misfit if its dtype is unknown."""
        try:
            np.dtype(self.dtype)
        except TypeError:
            raise Misfit.of(self.dtype, "a dtype of NumPy").within("dtype") from None
        return self


class Gradients:
    """The gradients of a layer's trainable parameters, under the parameters' names."""

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Array: ...


class CurrentValues:
    """A component's scheduled fields at this step: each is an attribute with its name.

    `now["rate"]` is the array of one number, float64 (1,), that holds `now.rate` at each step: a
    compiled kernel binds it, and its calls read it. Outside training, a field with a schedule has
    no value, and its array holds NaN.

    Args:
        arrays: the array of each field.
    """

    def __init__(self, arrays: Mapping[str, Array] = MappingProxyType({})) -> None:
        self._arrays = dict(arrays)

    def __getitem__(self, name: str) -> Array:
        return self._arrays[name]

    def __getattr__(self, name: str) -> float:
        array = vars(self).get("_arrays", {}).get(name)
        value: float = nan if array is None else array.item()
        if not isnan(value):
            return value
        fault = f"{name} is not a scheduled field, or has a schedule, which has values in training"
        raise AttributeError(fault, name=name, obj=self)


class LayerState:
    """A layer's arrays: each parameter and workspace is an attribute with its name.

    Attributes:
        grad: the gradients to fill, under the names of the trainable parameters.
        training: whether this is a training step, as opposed to an evaluation or a prediction.
        frozen: whether the layer's parameters stay as they are in this training step. A layer that
            updates parameters itself, such as running statistics, must then leave them alone and
            compute as in an evaluation; what it writes to `grad` is discarded.
        measuring: whether this is a forward pass that measures running statistics, which computes
            as in training. The layer must then overwrite each of them with that of this batch
            alone; their mean over the training data's batches becomes the parameter.
        rng: the layer's own random stream, seeded by the run's seed and the layer's position.
        now: this step's values of the fields annotated with `Scheduled`, under their names.
    """

    def __init__(
        self, rng: np.random.Generator, training: bool, now: CurrentValues | None = None
    ) -> None:
        self.grad = Gradients()
        self.training = training
        self.frozen = self.measuring = False
        self.rng = rng
        self.now = now if now is not None else CurrentValues()

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Array: ...


@dataclass(frozen=True)
class ParameterInfo:
    """A parameter as an optimizer sees it.

    Attributes:
        name: `<layer name>.<parameter>`, e.g. `dense_1.weights`.
        shape: its shape.
        role: what it does to the input; see `Parameter`.
    """

    name: str
    shape: Shape
    role: Literal["weight", "bias", "scale"] = "weight"


class OptimizerState:
    """An optimizer's arrays for one slice of the parameters, each an attribute with its name.

    Attributes:
        scratch: two more arrays of the same size, for intermediate results.
        parameter: the parameter, if the optimizer is `per_parameter`; else None.
        now: this step's values of the fields annotated with `Scheduled`, under their names.
    """

    def __init__(
        self,
        scratch: tuple[Array, Array],
        now: CurrentValues | None = None,
        parameter: ParameterInfo | None = None,
    ) -> None:
        self.scratch = scratch
        self.parameter = parameter
        self.now = now if now is not None else CurrentValues()

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Array: ...


RESERVED = frozenset({"grad", "training", "frozen", "measuring", "rng", "now"})
"""Names that a layer's parameters and workspaces cannot have."""


def require_attributes(names: Iterable[str], reserved: Collection[str]) -> None:
    """Raise Misfit unless these names can be attributes of a state besides the reserved ones."""
    for name in names:
        is_word = name.isidentifier() and not iskeyword(name)
        if not is_word or name.startswith("_") or name in reserved:
            raise Misfit(f"the name {shown(name)}", ", which cannot be an attribute of the state")


def require_like(parameters: Array, w: Array) -> None:
    """Raise Misfit for parameters in another shape or type than w."""
    if (parameters.shape, parameters.dtype) != (w.shape, w.dtype):
        raise Misfit.of(parameters, f"an array like w, of {w.dtype} with the shape {w.shape}")
