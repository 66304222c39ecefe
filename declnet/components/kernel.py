"""Kernels: faster forms of what the graph computes in training, bound to their arrays once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from declnet.components.arrays import Array, Shape
from declnet.components.component import Component
from declnet.components.state import LayerState, OptimizerState
from declnet.errors import RegistryError

Call = Callable[[], object]
"""One call of a training step; it reads what its arrays hold then."""


class Kernel(Component):
    """Stands in training for the components that its fields are typed by, of these exact classes.

    A kernel is given the components and, once, the arrays that they would compute on; it returns
    the calls that take their place, or None where it has none for such arrays (their types, shapes
    and memory orders are known), so that NumPy computes. A subclass of a class that it names is
    never replaced: it may compute something else.

    Its results equal those of the components that it replaces but for rounding, and are the same
    bits each time. Predictions and evaluations are left to the components.
    """

    kind = "kernel"

    @classmethod
    def unavailable(cls) -> str | None:
        """Why it cannot be used on this machine, and what to do; None if it can."""
        return None

    @classmethod
    def versions(cls) -> dict[str, str]:
        """What its bits depend on beside its plugin: versions by name, for the manifest."""
        return {}

    @classmethod
    def replaced(cls) -> tuple[Any, ...]:
        """The classes that it stands for, in the order of its fields."""
        return tuple(field.annotation for field in cls.model_fields.values())

    @classmethod
    def verify_contract(cls) -> None:
        """Checks the class; raises RegistryError if its fields do not say what it replaces."""
        super().verify_contract()
        wanted: Any = getattr(cls, "replaces", None)
        if wanted is None:
            raise RegistryError(f"{cls.__name__} must derive from LayerKernel, FusionKernel, …")
        parts = cls.replaced()
        if not parts or not all(
            isinstance(part, type) and issubclass(part, Component) and part.kind == wanted
            for part in parts
        ):
            raise RegistryError(
                f"{cls.__name__} must have fields typed by the {wanted} classes that it replaces"
            )
        if wanted != "layer" and len(parts) > 1:
            raise RegistryError(f"{cls.__name__} can replace one {wanted} at a time")


class LayerKernel(Kernel):
    """Replaces a layer, or several that follow each other, each the only reader of the one before.

    What lies between joined layers is neither written nor read. Of the kernels that suit a layer
    and those after it, the one of most layers is asked to bind; if it returns None from either
    method, the layers compute for themselves.
    """

    kind = "kernel"
    replaces: ClassVar[str] = "layer"
    required_methods = ("bind_forward", "bind_backward")
    example_shapes: ClassVar[tuple[Any, ...]] = ()
    """Input shapes that the conformance kit tries beside the usual ones."""

    def suits(self, shapes: Sequence[Shape], input_gradient: bool) -> bool:  # noqa: ARG002
        """Whether it is made for layers of such shapes; default: it is. If not, others are asked.

        Args:
            shapes: of a sample: the first layer's input, then the output of each layer.
            input_gradient: whether the gradient of the first layer's input may be needed.
        """
        return True

    def bind_forward(
        self, x: Array, y: Array, states: Sequence[LayerState]
    ) -> tuple[Call, ...] | None:
        """The calls that fill `y`, the output of the last layer, from `x`, the first one's input.

        Args:
            x: (n, *input shape), in either memory order.
            y: (n, *output shape); may be x's memory where the layers work in place.
            states: of each layer, in order: parameters, workspace, `rng`.
        """
        raise NotImplementedError

    def bind_backward(
        self,
        x: Array | None,
        y: Array | None,
        dy: Array,
        dx: Array | None,
        states: Sequence[LayerState],
    ) -> tuple[Call, ...] | None:
        """The calls that fill `dx` and every `state.grad`.

        Args:
            x: the first layer's input if that layer's `backward_needs` has it, else None.
            y: the last layer's output if that layer's `backward_needs` has it, else None.
            dy: the gradient of y; may be overwritten, since nobody reads it afterwards.
            dx: the gradient of x; None where nobody needs it; may be dy's memory.
            states: of each layer, in order.
        """
        raise NotImplementedError


class FusionKernel(Kernel):
    """Replaces a fusion of a last layer and a loss, its gradient and the mean's factor."""

    kind = "kernel"
    replaces: ClassVar[str] = "fusion"
    required_methods = ("bind",)

    def bind(
        self, x: Array, y_true: Array, y: Array, losses: Array, shares: Array, dx: Array | None
    ) -> tuple[Call, ...] | None:
        """The calls that fill `y` and `losses` as the fusion does, and `dx`, times each share.

        Args:
            x: the last layer's input, (n, *shape).
            y_true: as the loss prepared it.
            y: predictions.
            losses: (n,).
            shares: (n,), what each sample counts in the batch's loss: 1/n, or by its weight.
            dx: the gradient of x; None where nobody needs it.
        """
        raise NotImplementedError


class OptimizerKernel(Kernel):
    """Replaces an optimizer's update."""

    kind = "kernel"
    replaces: ClassVar[str] = "optimizer"
    required_methods = ("bind",)

    def bind(
        self, w: Array, dw: Array, state: OptimizerState
    ) -> Callable[[float, int], object] | None:
        """The update as a function of the learning rate and the step, which counts from 1.

        Args:
            w: all trainable parameters, one axis, contiguous.
            dw: their gradient; may be overwritten.
            state: the optimizer's arrays; it has no scratch.
        """
        raise NotImplementedError


class RegularizerKernel(Kernel):
    """Replaces a regularizer's gradient."""

    kind = "kernel"
    replaces: ClassVar[str] = "regularizer"
    required_methods = ("bind",)

    def bind(self, w: Array, dw: Array) -> tuple[Call, ...] | None:
        """The calls that add the penalty's gradient to `dw`."""
        raise NotImplementedError
