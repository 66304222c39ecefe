"""Kernel: a faster or more accurate fused form of components, bound to their arrays once."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np

from declnet.contracts.annotations import Misfit
from declnet.contracts.arrays import Array
from declnet.contracts.component import Component
from declnet.contracts.network.parameter import LayerState, OptimizerState
from declnet.errors import RegistryError

Call = Callable[[], object]
"""One call of a training step; it reads its arrays when called."""


@dataclass(frozen=True, eq=False)
class KernelSite:
    """The components that a kernel replaces, and the arrays they would compute on.

    Attributes that do not apply are None. For consecutive layers, x and dx belong to the first, y
    and dy to the last; intermediate values are neither written nor read. With a loss at the end, y
    is the model's output. For a loss alone, y is what it reads and dx the gradient of y.

    Attributes:
        components: the replaced components, in the order of `replaces`.
        x: input of the first layer, (n, *shape), in either memory order.
        y: output of the last layer, (n, *shape); may share x's memory if the layers are `in_place`.
            x and y keep their values until the backward calls if they are in `backward_needs` of
            the first and the last layer, or if there is a loss.
        dy: gradient of y; may be overwritten. None with a loss, and if nothing is trained.
        dx: gradient of x, may share dy's memory; None if it is not needed.
        states: the state of each layer, in order: parameters, workspace, `grad`, `rng`, and `now`,
            in which `now["rate"]` is the array that holds the scheduled field `rate`, float64 (1,).
        y_true: targets, as prepared by the loss.
        losses: (n,), the loss of each sample.
        normalized_weights: (n,), the weight of each sample in what training minimizes; their sum
            is `loss_weight`, and all are equal if the samples are weighted equally.
        w: for an optimizer, the parameters that it updates (all trainable ones, or those of its
            group), flat; for a regularizer, one parameter.
        dw: gradient of w; an optimizer may overwrite it.
        state: the optimizer's arrays, each as long as w, and `now`; without scratch.
        rate: the learning rate of the update in progress, float64 (1,).
        step: its number, from 1, int64 (1,).
        uniform: whether all samples are weighted equally.
        loss_weight: the weight of the loss among several, 1 for a single one.
    """

    components: tuple[Any, ...]
    x: Any = None
    y: Any = None
    dy: Array | None = None
    dx: Any = None
    states: tuple[LayerState, ...] = ()
    y_true: Any = None
    losses: Any = None
    normalized_weights: Any = None
    w: Any = None
    dw: Any = None
    state: OptimizerState | None = None
    rate: Any = None
    step: Any = None
    uniform: bool = True
    loss_weight: float = 1.0

    def weigh(self, gradient: Array) -> Call:
        """Return a call that multiplies each sample's gradient by its normalized weight."""
        if self.uniform:
            factor = gradient.dtype.type(self.loss_weight / len(gradient))
            return partial(np.multiply, gradient, factor, gradient)
        column = self.normalized_weights.reshape(-1, *[1] * (gradient.ndim - 1))
        return partial(np.multiply, gradient, column, gradient)


@dataclass(frozen=True)
class KernelCalls:
    """The calls that replace the components' methods.

    Attributes:
        forward: fills y of the layers, and the losses if a loss is replaced.
        backward: fills dx and every `state.grad` of the layers, multiplied by each sample's weight
            if there is a loss; for a regularizer, adds its gradient to dw.
        update: for an optimizer; they read the rate and the step from `site.rate` and `site.step`.
    """

    forward: tuple[Call, ...] = ()
    backward: tuple[Call, ...] = ()
    update: tuple[Call, ...] = ()


class Kernel(Component):
    """A replacement for components of certain classes during training.

    `replaces` names one or more consecutive layers, each the only reader of the one before, with or
    without a loss after the last; or one layer with several inputs, one loss, one optimizer, or
    one regularizer. Subclasses of these classes are never replaced, since they may compute
    something else.

    Results must equal the components' up to rounding, and be bitwise reproducible. Predictions and
    evaluations always use the components.
    """

    kind = "kernel"
    conformance_checks = "declnet.testing.checks.kernels"
    required_methods = ("bind",)

    replaces: ClassVar[tuple[Any, ...]] = ()
    """The classes of the components that it replaces."""
    compiled: ClassVar[bool] = False
    """Whether it must be compiled or loaded, which pays off only in longer training: it is then
    used only if `[engine] kernels` allows it. NumPy kernels are always used."""
    reads_schedules: ClassVar[bool] = False
    """Whether its calls read scheduled fields from the `now` of the states, at each step; compiled
    calls read arrays such as `state.now["rate"]`. Otherwise it never replaces a component that has
    a schedule in such a field."""
    example_shapes: ClassVar[tuple[Any, ...]] = ()
    """Input shapes that the conformance kit tries in addition to the usual ones."""

    @classmethod
    def unavailable(cls) -> str | None:
        """Return why it cannot be used on this machine, and what to do; None if it can."""
        return None

    @classmethod
    def versions(cls) -> dict[str, str]:
        """Return the other versions that its results depend on, by name, for the manifest."""
        return {}

    def suits(
        self,
        components: Sequence[Any],  # noqa: ARG002
        shapes: Sequence[Any],  # noqa: ARG002
        input_gradient: bool,  # noqa: ARG002
    ) -> bool:
        """Return whether it is meant for such layers, before memory is planned; default: True.

        Args:
            components: the components that it would replace.
            shapes: shapes of one sample: the first layer's input (a tuple of shapes if it has
                several), then the output of each layer.
            input_gradient: whether the gradient of the first layer's input may be needed.
        """
        return True

    def bind(self, site: KernelSite) -> KernelCalls | None:
        """Return the calls that replace the components', bound to these arrays.

        Return None for types, shapes or memory orders that it does not support; the next kernel for
        these classes, or the components themselves, then do the work.
        """
        raise NotImplementedError

    def verify_bind(self, calls: KernelCalls | None, site: KernelSite) -> None:
        """Raise Misfit if there is no update for an optimizer."""
        if calls is not None and site.state is not None and not calls.update:
            raise Misfit("no update for an optimizer", "")

    @classmethod
    def verify_contract(cls) -> None:
        """Raise RegistryError also if `replaces` names classes that a kernel cannot replace."""
        if cls.model_fields:
            raise RegistryError(
                f"{cls.__name__} has the fields {', '.join(cls.model_fields)}, but a kernel has "
                "none: replaces = (…) names classes, and bind(site) finds the components in "
                "site.components"
            )
        super().verify_contract()
        kinds = [getattr(replaced, "kind", None) for replaced in cls.replaces]
        layers = kinds[:-1] if kinds and kinds[-1] == "loss" else kinds
        together = bool(layers) and all(kind == "layer" for kind in layers)
        if not together and kinds not in (["loss"], ["optimizer"], ["regularizer"]):
            raise RegistryError(
                f"{cls.__name__}.replaces is {_in_words(cls.replaces)}; it must name layers, with "
                "or without a loss after them, or one loss, one optimizer, or one regularizer"
            )
        many = [replaced for replaced in cls.replaces if getattr(replaced, "n_inputs", 1) != 1]
        if many and len(kinds) > 1:
            raise RegistryError(
                f"{cls.__name__}.replaces is {_in_words(cls.replaces)}, but {many[0].__name__} has "
                "several inputs, and is only replaced alone"
            )


def _in_words(replaces: tuple[Any, ...]) -> str:
    return f"({', '.join(getattr(replaced, '__name__', repr(replaced)) for replaced in replaces)})"
