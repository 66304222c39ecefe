"""Kernel: a faster or more exact joint form of components, bound to their arrays once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, ClassVar

import numpy as np

from declnet.contracts.arrays import Array, Shape
from declnet.contracts.component import Component
from declnet.contracts.parameter import LayerState, OptimizerState
from declnet.errors import RegistryError

Call = Callable[[], object]
"""One call of a training step; it reads what its arrays hold then."""


@dataclass(frozen=True, eq=False)
class KernelSite:
    """Where a kernel works: the components that it replaces, and the arrays they would compute on.

    What does not apply is None. Of layers that follow each other, x and dx belong to the first, y
    and dy to the last; what lies between them is neither written nor read. With a loss at the end,
    y is the model's output.

    Attributes:
        components: what is replaced, in the order of `replaces`.
        x: input of the first layer, (n, *shape), in either memory order.
        y: output of the last layer, (n, *shape); may be x's memory where the layers are `in_place`.
            x and y hold their values until the backward calls where the first and the last layer
            have them in `backward_needs`, and with a loss.
        dy: gradient of y; may be overwritten. None with a loss, and where nothing is trained.
        dx: gradient of x, may be dy's memory; None where it is not needed.
        states: of each layer, in order: parameters, workspace, `grad`, `rng`.
        y_true: targets, as the loss prepared them.
        losses: (n,), the loss of each sample.
        normalized_weights: (n,), the weight of each sample in the batch's loss, their sum 1; all
            1/n if samples count alike.
        w: all trainable parameters for an optimizer, of one axis; a parameter for a regularizer.
        dw: gradient of w; an optimizer may overwrite it.
        state: the optimizer's arrays, each as long as w; it has no scratch.
        uniform: whether all samples count alike.
    """

    components: tuple[Any, ...]
    x: Any = None
    y: Any = None
    dy: Array | None = None
    dx: Array | None = None
    states: tuple[LayerState, ...] = ()
    y_true: Any = None
    losses: Any = None
    normalized_weights: Any = None
    w: Any = None
    dw: Any = None
    state: OptimizerState | None = None
    uniform: bool = True

    def weigh(self, gradient: Array) -> Call:
        """A call that multiplies each sample's gradient by its normalized weight, in place."""
        if self.uniform:
            return partial(np.multiply, gradient, gradient.dtype.type(1 / len(gradient)), gradient)
        column = self.normalized_weights.reshape(-1, *[1] * (gradient.ndim - 1))
        return partial(np.multiply, gradient, column, gradient)


@dataclass(frozen=True)
class KernelCalls:
    """What takes the place of the components' methods.

    Attributes:
        forward: fills y of layers, and the losses where a loss is replaced.
        backward: fills dx and every `state.grad` of layers, with a loss times each sample's weight;
            adds the gradient of a regularizer to dw.
        update: of an optimizer: called with the learning rate and the step, from 1.
    """

    forward: tuple[Call, ...] = ()
    backward: tuple[Call, ...] = ()
    update: Callable[[float, int], object] | None = None


class Kernel(Component):
    """Computes in training what the components of some classes would compute, of exactly these.

    `replaces` names one or more layers that follow each other, each the only reader of the one
    before, with or without a loss after the last; or one optimizer, or one regularizer. A subclass
    of such a class is never replaced: it may compute something else.

    The results are those of the components but for rounding, and the same bits each time.
    Predictions and evaluations are left to the components.
    """

    kind = "kernel"
    required_methods = ("bind",)
    renamed = dict.fromkeys(
        ("forward", "backward", "bind_forward", "bind_backward"),
        "the method bind(site) returns the calls of both directions, as KernelCalls",
    )

    replaces: ClassVar[tuple[Any, ...]] = ()
    """The classes of the components whose place it takes."""
    compiled: ClassVar[bool] = False
    """Whether it must be compiled or loaded, so that it pays only in longer trainings: it is used
    where `[engine] kernels` allows it. Others, in NumPy, are always used."""
    example_shapes: ClassVar[tuple[Any, ...]] = ()
    """Input shapes that the conformance kit tries in addition to the usual ones."""

    @classmethod
    def unavailable(cls) -> str | None:
        """Say why it cannot be used on this machine, and what to do; None if it can."""
        return None

    @classmethod
    def versions(cls) -> dict[str, str]:
        """Versions by name that its bits depend on besides its plugin's, for the manifest."""
        return {}

    def suits(
        self,
        components: Sequence[Any],  # noqa: ARG002
        shapes: Sequence[Shape],  # noqa: ARG002
        input_gradient: bool,  # noqa: ARG002
    ) -> bool:
        """Say whether it is meant for such layers, before memory is planned; default: it is.

        Args:
            components: what it would replace.
            shapes: of a sample: the first layer's input, then the output of each layer.
            input_gradient: whether the gradient of the first layer's input may be needed.
        """
        return True

    def bind(self, site: KernelSite) -> KernelCalls | None:
        """Return the calls that take the components' place, bound to these arrays.

        None leaves the work to the next kernel for these classes, or to the components: for types,
        shapes or memory orders that it is not made for.
        """
        raise NotImplementedError

    @classmethod
    def verify_contract(cls) -> None:
        """As `Component.verify_contract`; `replaces` must name what a kernel can replace."""
        if cls.model_fields:
            raise RegistryError(
                f"{cls.__name__} has the fields {', '.join(cls.model_fields)}, but a kernel has "
                "none: replaces = (…) names classes, and bind(site) finds the components in "
                "site.components"
            )
        super().verify_contract()
        kinds = [getattr(each, "kind", None) for each in cls.replaces]
        layers = kinds[:-1] if kinds and kinds[-1] == "loss" else kinds
        together = bool(layers) and all(kind == "layer" for kind in layers)
        if not together and kinds not in (["optimizer"], ["regularizer"]):
            raise RegistryError(
                f"{cls.__name__}.replaces is {_in_words(cls.replaces)}; it must name layers, with "
                "or without a loss after them, or one optimizer, or one regularizer"
            )


def _in_words(replaces: tuple[Any, ...]) -> str:
    return f"({', '.join(getattr(each, '__name__', repr(each)) for each in replaces)})"
